//! The rates at which data arrived.

/// Rounds for which a rate is remembered.
const ROUNDS: usize = 10;

/// The rates of the last rounds, in bytes a second.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Rates {
    last: [u64; ROUNDS],
    next: u8,
    largest: u64,
}

impl Rates {
    /// The largest of them; 0 when nothing was measured yet.
    pub(super) const fn largest(&self) -> u64 {
        self.largest
    }

    /// One more round had this rate.
    pub(super) fn note(&mut self, rate: u64) {
        if let Some(entry) = self.last.get_mut(usize::from(self.next)) {
            *entry = rate;
        }
        self.next = if usize::from(self.next) >= ROUNDS - 1 { 0 } else { self.next.wrapping_add(1) };
        self.largest = self.last.iter().copied().max().unwrap_or(0);
    }
}
