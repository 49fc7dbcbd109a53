//! Lines in a log.

use std::{io::Write, time::Duration};

use indicatif::HumanBytes;

use super::summary::resends;
use crate::escape::escape;

/// The least time between two lines.
const EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Lines<W: Write> {
    out: W,
    label: String,
    total: Option<u64>,
    next: Duration,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(out: W, total: Option<u64>, label: &str) -> Self {
        Self { out, label: escape(label).to_string(), total, next: EVERY }
    }

    pub(super) fn set_total(&mut self, total: u64) {
        self.total = Some(total);
    }

    pub(super) fn update(&mut self, elapsed: Duration, bytes: u64, pace: &str, resent: Option<u64>) {
        if elapsed < self.next {
            return;
        }
        self.next = elapsed + EVERY;
        let so_far = HumanBytes(bytes);
        let of = match self.total {
            Some(total) if total > 0 => {
                let percent = u128::from(bytes) * 100 / u128::from(total);
                format!("{so_far} of {}, {percent} %", HumanBytes(total))
            }
            _ => so_far.to_string(),
        };
        self.line(&format!("{of}, {pace}{}", resends(resent)));
    }

    fn line(&mut self, text: &str) {
        // Nobody reads: no reason to fail.
        let _ = writeln!(self.out, "{}: {text}", self.label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_line_every_some_seconds() {
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out, Some(10 << 20), "get a\x1b");
        for tenths in 0..110 {
            lines.update(Duration::from_millis(tenths * 100), tenths << 16, "640.00 KiB/s", Some(tenths));
        }
        assert_eq!(
            String::from_utf8(out).unwrap().lines().collect::<Vec<_>>(),
            [
                r"get a\u{1b}: 3.12 MiB of 10.00 MiB, 31 %, 640.00 KiB/s, 50 resent",
                r"get a\u{1b}: 6.25 MiB of 10.00 MiB, 62 %, 640.00 KiB/s, 100 resent",
            ]
        );
    }

    #[test]
    fn a_total_may_come_late_or_never_or_be_nothing() {
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out, None, "get a");
        lines.update(EVERY, 1000, "200 B/s", None);
        lines.set_total(0);
        lines.update(EVERY * 2, 0, "0 B/s", None);
        lines.set_total(2000);
        lines.update(EVERY * 3, 1000, "stalled", None);
        assert_eq!(
            String::from_utf8(out).unwrap().lines().collect::<Vec<_>>(),
            ["get a: 1000 B, 200 B/s", "get a: 0 B, 0 B/s", "get a: 1000 B of 1.95 KiB, 50 %, stalled"]
        );
    }
}
