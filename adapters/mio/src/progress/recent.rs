//! The rate of the last seconds: of a transfer that has stopped, the mean since its start says that it goes on.

use std::{collections::VecDeque, time::Duration};

use indicatif::HumanBytes;

use super::summary::rate;

/// How far it is looked back.
const RECENT: Duration = Duration::from_secs(5);

/// How far a transfer was, and when.
#[derive(Debug)]
pub(super) struct Recent(VecDeque<(Duration, u64)>);

impl Recent {
    pub(super) fn new() -> Self {
        Self([(Duration::ZERO, 0)].into())
    }

    /// How fast it gets on, in words. Where nothing moves that should, it has stalled.
    pub(super) fn pace(&mut self, elapsed: Duration, bytes: u64, total: Option<u64>) -> String {
        self.0.push_back((elapsed, bytes));
        // Of what is older, the last is kept: there the time begins.
        while self.0.get(1).is_some_and(|(at, _)| elapsed.saturating_sub(*at) >= RECENT) {
            self.0.pop_front();
        }
        let (at, before) = self.0.front().copied().unwrap_or_default();
        let span = elapsed.saturating_sub(at);
        match bytes.saturating_sub(before) {
            0 if span >= RECENT && total != Some(bytes) => "stalled".to_owned(),
            count => format!("{}/s", HumanBytes(rate(count, span))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_how_fast_it_goes_now_and_when_it_goes_no_further() {
        let mut recent = Recent::new();
        let mut pace =
            |tenths: u64, bytes| recent.pace(Duration::from_millis(100 * tenths), bytes, Some(1 << 20));
        for tenths in 1..=20 {
            assert_eq!(pace(tenths, tenths * 1024), "10.00 KiB/s");
        }
        // The last 5 s are what counts, not the mean.
        assert_eq!(pace(40, 20 * 1024), "5.00 KiB/s");
        assert_eq!(pace(60, 20 * 1024), "2.00 KiB/s");
        assert_eq!(pace(70, 20 * 1024), "stalled");
        assert_eq!(pace(80, 30 * 1024), "1.67 KiB/s");
        // What is there whole waits for its end.
        assert_eq!(pace(90, 1 << 20), "200.80 KiB/s");
        assert_eq!(pace(200, 1 << 20), "0 B/s");
    }
}
