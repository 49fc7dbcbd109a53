//! Connections that wait before the door, as the system has nothing to open it with: no file descriptors, above all.

use std::{io, time::Duration};

use skep_core::Instant;

use crate::exit::reason;

/// How often it is told at most.
const AGAIN: Duration = Duration::from_secs(1);

/// How often a connection could not be accepted, and why.
#[derive(Debug, Default)]
pub(super) struct Unaccepted {
    count: u64,
    told: Option<Instant>,
    untold: Option<String>,
}

impl Unaccepted {
    pub(super) fn note(&mut self, now: Instant, why: &io::Error) {
        self.count += 1;
        if self.told.is_none_or(|told| told + AGAIN <= now) {
            self.told = Some(now);
            self.untold = Some(reason(why));
        }
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Why not, if it is time to tell it.
    pub(super) const fn take(&mut self) -> Option<String> {
        self.untold.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_one_a_second_is_told() {
        let mut unaccepted = Unaccepted::default();
        let why = io::Error::from(io::ErrorKind::OutOfMemory);
        let at = |millis: u64| Instant::from_micros(millis * 1_000);
        for (millis, is_told) in [(0, true), (0, false), (999, false), (1_000, true), (1_500, false)] {
            unaccepted.note(at(millis), &why);
            assert_eq!(unaccepted.take().is_some(), is_told, "{millis}");
        }
        assert_eq!(unaccepted.count(), 5);
    }
}
