//! What a connection counts.

use super::Counters;

/// A count in a word of the machine: of 32 bits on a device, where it saturates that much earlier.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count(usize);

impl Count {
    /// Counts so many more.
    pub(crate) fn add(&mut self, more: u32) {
        self.0 = self.0.saturating_add(more as usize);
    }
}

/// The counts behind [`Counters`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sent: Count,
    pub(crate) resent: Count,
    pub(crate) lost: Count,
    pub(crate) spurious: Count,
    pub(crate) timeouts: Count,
    pub(crate) received: Count,
    pub(crate) duplicates: Count,
    pub(crate) beyond_window: Count,
    pub(crate) early: Count,
    pub(crate) malformed: Count,
    pub(crate) false_acknowledgements: Count,
    pub(crate) acknowledgements: Count,
}

impl From<&Tally> for Counters {
    fn from(tally: &Tally) -> Self {
        Self {
            sent: tally.sent.0 as u64,
            resent: tally.resent.0 as u64,
            lost: tally.lost.0 as u64,
            spurious: tally.spurious.0 as u64,
            timeouts: tally.timeouts.0 as u64,
            received: tally.received.0 as u64,
            duplicates: tally.duplicates.0 as u64,
            beyond_window: tally.beyond_window.0 as u64,
            early: tally.early.0 as u64,
            malformed: tally.malformed.0 as u64,
            false_acknowledgements: tally.false_acknowledgements.0 as u64,
            acknowledgements: tally.acknowledgements.0 as u64,
        }
    }
}
