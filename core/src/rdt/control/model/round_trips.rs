//! The shortest round-trip time: that of the path while nothing waits in a queue.

use crate::Instant;

/// How long it is remembered at least; twice as long at most. In microseconds.
const LIFE: u64 = 5_000_000;
/// A queue that delays by an eighth of the round trip, but at least by so much, in microseconds, is one.
pub(super) const MARGIN_LEAST: u32 = 1_000;

/// The shortest of the last seconds, in microseconds.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct RoundTrips {
    /// That of the time before, and of this one.
    least: [u32; 2],
    since: Instant,
    is_expected: bool,
}

impl RoundTrips {
    /// None so far.
    pub(super) const fn new(now: Instant) -> Self {
        Self { least: [u32::MAX; 2], since: now, is_expected: false }
    }

    /// One was measured. Whether it is the first.
    pub(super) fn note(&mut self, now: Instant, round_trip: u32) -> bool {
        let is_first = self.least() == u32::MAX;
        if core::mem::take(&mut self.is_expected) {
            self.least = [u32::MAX; 2];
        }
        let [_, newer] = self.least;
        if now.micros_since(self.since) > LIFE {
            self.least = [newer, u32::MAX];
            self.since = now;
        }
        let [_, newer] = &mut self.least;
        *newer = round_trip.min(*newer);
        is_first
    }

    /// The one that was noted is only expected: what is measured takes its place.
    pub(super) const fn expect(&mut self) {
        self.is_expected = true;
    }

    /// The shortest; the largest number when there was none yet.
    pub(super) fn least(&self) -> u32 {
        let [before, now] = self.least;
        before.min(now)
    }

    /// How much longer than the shortest one is when there is a queue.
    pub(super) fn margin(&self) -> u32 {
        (self.least() / 8).max(MARGIN_LEAST)
    }
}
