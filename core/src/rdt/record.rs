//! What a connection counts, and tells its trace.

use super::{
    Counters, Dropped,
    numbers::Numbers,
    trace::{Happened, Trace},
};
use crate::Instant;

/// A count that saturates: after six terabytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count(pub(crate) u32);

impl Count {
    /// Counts so many more.
    pub(crate) fn add(&mut self, more: u32) {
        self.0 = self.0.saturating_add(more);
    }
}

/// The counts behind [`Dropped`].
#[derive(Debug, Default)]
pub(crate) struct Drops {
    pub(crate) other_magic: Count,
    pub(crate) malformed: Count,
    pub(crate) stray: Count,
    pub(crate) no_room: Count,
}

impl Drops {
    /// What was counted.
    pub(crate) const fn shown(&self) -> Dropped {
        Dropped {
            other_magic: self.other_magic.0 as u64,
            malformed: self.malformed.0 as u64,
            stray: self.stray.0 as u64,
            no_room: self.no_room.0 as u64,
        }
    }
}

/// The counts behind [`Counters`], and the trace.
#[derive(Debug, Default)]
pub(crate) struct Record<T> {
    pub(crate) trace: T,
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

impl<T: Trace> Record<T> {
    /// Tells the trace.
    #[inline(always)]
    pub(crate) fn note(&mut self, now: Instant, happened: Happened) {
        self.trace.note(now, &happened);
    }

    /// Goes along what was counted. `usual`: how many segments were sent and received, most of them once.
    pub(crate) fn parked(&mut self, numbers: &mut impl Numbers, usual: (u32, u32)) {
        // All fields are named: whoever adds one decides whether it is kept.
        let Self {
            trace: _,
            sent,
            resent,
            lost,
            spurious,
            timeouts,
            received,
            duplicates,
            beyond_window,
            early,
            malformed,
            false_acknowledgements,
            acknowledgements,
        } = self;
        numbers.mostly(&mut sent.0, usual.0);
        numbers.mostly(&mut received.0, usual.1);
        numbers.word(&mut acknowledgements.0);
        for count in [resent, lost, spurious, timeouts, duplicates] {
            numbers.mostly(&mut count.0, 0);
        }
        for count in [beyond_window, early, malformed, false_acknowledgements] {
            numbers.mostly(&mut count.0, 0);
        }
    }

    /// What was counted.
    pub(crate) fn counters(&self) -> Counters {
        Counters {
            sent: self.sent.0 as u64,
            resent: self.resent.0 as u64,
            lost: self.lost.0 as u64,
            spurious: self.spurious.0 as u64,
            timeouts: self.timeouts.0 as u64,
            received: self.received.0 as u64,
            duplicates: self.duplicates.0 as u64,
            beyond_window: self.beyond_window.0 as u64,
            early: self.early.0 as u64,
            malformed: self.malformed.0 as u64,
            false_acknowledgements: self.false_acknowledgements.0 as u64,
            acknowledgements: self.acknowledgements.0 as u64,
        }
    }
}
