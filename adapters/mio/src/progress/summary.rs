//! What a transfer came to.

use std::{
    fmt::{self, Display, Formatter},
    io::{Write, stderr},
    time::Duration,
};

use indicatif::HumanBytes;

use crate::escape::escape;

/// What a transfer came to: for people by `Display`, for programs by [`Summary::json`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Bytes of content.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Packets sent again; `None` where the transport does not tell (TCP).
    pub resent: Option<u64>,
}

impl Summary {
    /// Bytes a second.
    pub fn rate(&self) -> u64 {
        rate(self.bytes, self.elapsed)
    }

    /// The last line about a transfer, unless nothing is to be said. `label` says what was moved; it is shown escaped.
    pub fn tell(&self, quiet: bool, label: &str) {
        if !quiet {
            // Nobody reads: no reason to fail.
            let _ = writeln!(stderr(), "{}: {self}", escape(label));
        }
    }

    /// One line of JSON: `bytes`, `seconds`, `rate` in bytes a second, `resent` (a number or null).
    pub fn json(&self) -> String {
        let resent = self.resent.map_or_else(|| "null".to_owned(), |count| count.to_string());
        format!(
            r#"{{"bytes":{},"seconds":{:.6},"rate":{},"resent":{resent}}}"#,
            self.bytes,
            self.elapsed.as_secs_f64(),
            self.rate(),
        )
    }
}

impl Display for Summary {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} in {:.3} s, {}/s{}",
            HumanBytes(self.bytes),
            self.elapsed.as_secs_f64(),
            HumanBytes(self.rate()),
            resends(self.resent),
        )
    }
}

/// Bytes a second; of no time at all, none.
pub(super) fn rate(bytes: u64, elapsed: Duration) -> u64 {
    let nanoseconds = elapsed.as_nanos();
    let per_second = (u128::from(bytes) * 1_000_000_000).checked_div(nanoseconds).unwrap_or(0);
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

/// The end of a line about packets that were sent again, where there is something to say.
pub(super) fn resends(resent: Option<u64>) -> String {
    resent.map_or_else(String::new, |count| format!(", {count} resent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_for_people_and_for_programs() {
        let summary = Summary { bytes: 1 << 20, elapsed: Duration::from_millis(500), resent: Some(3) };
        assert_eq!(summary.to_string(), "1.00 MiB in 0.500 s, 2.00 MiB/s, 3 resent");
        assert_eq!(summary.json(), r#"{"bytes":1048576,"seconds":0.500000,"rate":2097152,"resent":3}"#);
        let nothing = Summary { bytes: 0, elapsed: Duration::ZERO, resent: None };
        assert_eq!(nothing.to_string(), "0 B in 0.000 s, 0 B/s");
        assert_eq!(nothing.json(), r#"{"bytes":0,"seconds":0.000000,"rate":0,"resent":null}"#);
        assert_eq!(rate(u64::MAX, Duration::from_nanos(1)), u64::MAX);
    }
}
