//! Owners who are busy, and when they are asked again.

use std::{
    collections::HashMap,
    time::{Duration, Instant as Clock},
};

/// How long an owner who is busy is left alone. Each time in a row it is twice as long; up to half of it is left out at
/// random, so that not all come back at once.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(8);

#[derive(Debug)]
struct Pause {
    until: Clock,
    length: Duration,
}

/// The owners who were busy since something waits.
#[derive(Debug, Default)]
pub(super) struct Pauses(HashMap<Box<str>, Pause>);

impl Pauses {
    /// An owner is busy. `true`: it is the first time. `share`: how much of the pause is left out, at most a half.
    pub(super) fn begin(&mut self, owner: &str, now: Clock, share: f64) -> bool {
        let before = self.0.get(owner);
        // What was asked for together is answered together.
        if before.is_some_and(|pause| pause.until > now) {
            return false;
        }
        let length = before.map_or(PAUSE, |pause| (pause.length * 2).clamp(PAUSE, PAUSE_MAX));
        let until = now + length.mul_f64(1.0 - share.clamp(0.0, 0.5));
        self.0.insert(owner.into(), Pause { until, length }).is_none()
    }

    /// An owner has had time: the next pause is a short one.
    pub(super) fn shorten(&mut self, owner: &str) {
        if let Some(pause) = self.0.get_mut(owner) {
            pause.length = Duration::ZERO;
        }
    }

    /// Nothing waits any more.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// When an owner who was busy may be asked again, which may be over; `None`: he was not.
    pub(super) fn until(&self, owner: &str) -> Option<Clock> {
        self.0.get(owner).map(|pause| pause.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stays_busy_is_left_alone_for_longer_each_time() {
        let mut pauses = Pauses::default();
        let mut now = Clock::now();
        let mut length = PAUSE;
        for round in 0..8 {
            assert_eq!(pauses.begin("ana", now, 0.0), round == 0);
            assert!(!pauses.begin("ana", now, 0.0), "answers that come together count once");
            assert_eq!(pauses.until("ana"), Some(now + length));
            assert_eq!(pauses.until("ben"), None);
            now += length;
            length = PAUSE_MAX.min(length * 2);
        }
        pauses.shorten("ana");
        assert!(!pauses.begin("ana", now, 0.5));
        assert_eq!(pauses.until("ana"), Some(now + PAUSE / 2));
        pauses.clear();
        assert_eq!(pauses.until("ana"), None);
    }
}
