//! Who was turned away at the door, for the log.
//!
//! Whoever calls is answered with silence, so only the log tells a user's forgotten key from a stranger's. A caller
//! tries several times, and a stranger may go on for ever: each key is told once a minute for an address, and of all
//! no more lines than somebody could read.

use skep_core::{
    Instant,
    guard::Buckets,
    seal::{Public, layer::Caller},
};
use std::{collections::VecDeque, net::IpAddr, time::Duration};

/// How long the same caller is not told again.
const AGAIN: Duration = Duration::from_secs(60);

/// Callers that are remembered.
const REMEMBERED_MAX: usize = 256;

/// Lines that are told at once.
const LINES: u8 = 20;

/// One more may be told every so many microseconds.
const LINE_MICROS: u64 = 1_000_000;

/// What has been told.
#[derive(Debug)]
pub(crate) struct TurnedAway {
    lines: Buckets<1, LINES, LINE_MICROS>,
    told: VecDeque<(Option<Public>, IpAddr, Instant)>,
}

impl TurnedAway {
    pub(crate) fn new() -> Self {
        Self { lines: Buckets::new(), told: VecDeque::new() }
    }

    /// Somebody is turned away. Whether that is to be told.
    pub(crate) fn is_news(&mut self, now: Instant, caller: &Caller) -> bool {
        while self.told.front().is_some_and(|&(.., at)| at + AGAIN <= now) {
            self.told.pop_front();
        }
        let address = caller.address.ip();
        let is_known = self.told.iter().any(|&(key, from, _)| (key, from) == (caller.key, address));
        if is_known || !self.lines.take(now, [0; 2]) {
            return false;
        }
        if self.told.len() >= REMEMBERED_MAX {
            self.told.pop_front();
        }
        self.told.push_back((caller.key, address, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_core::wire::seal::Purpose;

    fn caller(key: u8, host: u8) -> Caller {
        let address = ([192, 0, 2, host], 7537).into();
        Caller { address, purpose: Purpose::Member, key: Some(Public([key; 32])) }
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_caller_is_told_once_a_minute() {
        let mut turned_away = TurnedAway::new();
        for (seconds, key, host, is_news) in [
            (0, 1, 1, true),
            (1, 1, 1, false),
            (1, 2, 1, true),
            (1, 1, 2, true),
            (59, 1, 1, false),
            (60, 1, 1, true),
        ] {
            assert_eq!(
                turned_away.is_news(at(seconds), &caller(key, host)),
                is_news,
                "{seconds} {key} {host}"
            );
        }
    }

    #[test]
    fn a_flood_of_callers_is_no_flood_of_lines() {
        let mut turned_away = TurnedAway::new();
        let mut told = |seconds| {
            (0..=255).filter(|&key| turned_away.is_news(at(seconds), &caller(key, seconds as u8))).count()
        };
        assert_eq!((told(0), told(0), told(5)), (20, 0, 5));
        assert!(turned_away.told.len() <= REMEMBERED_MAX);
    }
}
