//! What is sent again out of turn, though it may be under way still: probes, and copies of what would be dear to lose.

use super::Flight;
use crate::rdt::profile::Profile;

/// How many segments, and from which one on.
#[derive(Debug, Default)]
pub(super) struct Probes {
    left: u8,
    /// The next one is this segment or a later one.
    pub(super) from: u32,
}

impl Probes {
    /// The next `count` that are not acknowledged, from this one on. They take the place of those that were due.
    pub(super) fn begin(&mut self, count: u8, from: u32) {
        *self = Self { left: count, from };
    }

    /// None is needed any more.
    pub(super) fn stop(&mut self) {
        self.left = 0;
    }

    pub(super) fn are_due(&self) -> bool {
        self.left > 0
    }

    /// The segment that is next, if one is due.
    pub(super) fn next<P: Profile>(&mut self, flight: &mut Flight<P>) -> Option<u32> {
        if self.left == 0 {
            return None;
        }
        self.left = self.left.saturating_sub(1);
        let Some(segment) = flight.next_missing(self.from) else {
            self.left = 0;
            return None;
        };
        self.from = segment.wrapping_add(1);
        Some(segment)
    }
}
