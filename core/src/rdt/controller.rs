//! How much may be under way: the congestion window, in segments.
//!
//! It doubles each round trip until a round loses more than one in eight, which leaves what got through; from then on
//! such a round gives a quarter back, and any other lets it grow by a sixteenth. Loss below that is taken for what it is on a radio link, noise, and is repaired
//! without slowing down. A time-out starts over from the smallest window.

use super::sender::is_before;

/// The window of one direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Controller {
    window: u32,
    maximum: u32,
    doubling: bool,
    /// The round ends when this transmission is resolved.
    round_end: u32,
    acknowledged: u32,
    lost: u32,
}

impl Controller {
    /// The window of the first flight, for peers that take more than one segment at a time.
    const FIRST: u32 = 32;

    pub(crate) fn new(maximum: u32) -> Self {
        let maximum = maximum.max(1);
        Self {
            window: Self::FIRST.min(maximum),
            maximum,
            doubling: true,
            round_end: 0,
            acknowledged: 0,
            lost: 0,
        }
    }

    /// Segments that may be under way.
    pub(crate) const fn window(&self) -> u32 {
        self.window
    }

    /// What an acknowledgement told. `resolved`: transmissions before this one are settled. `next`: the number
    /// of the next transmission.
    pub(crate) fn update(&mut self, acknowledged: u32, lost: u32, resolved: u32, next: u32) {
        self.acknowledged = self.acknowledged.saturating_add(acknowledged);
        self.lost = self.lost.saturating_add(lost);
        if self.doubling {
            self.window = self.window.saturating_add(acknowledged).min(self.maximum);
        }
        if is_before(resolved, self.round_end) {
            return;
        }
        if self.lost > self.acknowledged.saturating_add(self.lost) / 8 && self.lost > 1 {
            let kept = if self.doubling { self.acknowledged } else { (self.window / 4).saturating_mul(3) };
            self.doubling = false;
            self.window = kept.min(self.window).max(Self::FIRST.min(self.maximum) / 4).max(1);
        } else if !self.doubling {
            self.window = self.window.saturating_add(self.window / 16).saturating_add(1).min(self.maximum);
        }
        self.round_end = next;
        self.acknowledged = 0;
        self.lost = 0;
    }

    /// Nothing came back in time.
    pub(crate) fn timed_out(&mut self) {
        self.window = Self::FIRST.min(self.maximum) / 4;
        self.window = self.window.max(1);
        self.doubling = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_one_stays_one() {
        let mut controller = Controller::new(1);
        controller.update(1, 0, 1, 2);
        controller.timed_out();
        assert_eq!(controller.window(), 1);
    }

    #[test]
    fn it_doubles_until_a_round_loses_much_and_never_exceeds_its_maximum() {
        let mut controller = Controller::new(256);
        controller.update(32, 0, 32, 64);
        assert_eq!(controller.window(), 64);
        controller.update(60, 4, 96, 128);
        assert_eq!(controller.window(), 124);
        controller.update(40, 40, 128, 256);
        assert!(controller.window() < 130);
        for round in 0..200 {
            controller.update(10, 0, 1_000 + round, 1_001 + round);
        }
        assert_eq!(controller.window(), 256);
    }
}
