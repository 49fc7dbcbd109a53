//! What probes have shown of the queue, and when the next one is due.

/// Rounds between two probes: more, up to the most, while they make the queue overflow.
const ROUNDS: u8 = 6;
const ROUNDS_MAX: u8 = 48;

/// How much may be under way, in transmissions, and how often more is tried.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Probing {
    /// Below this many under way the queue did not overflow.
    pub(super) high: u32,
    /// By how much that is raised when it proves to be too low.
    step: u32,
    /// Rounds until the next probe.
    patience: u8,
}

impl Probing {
    /// Nothing is known.
    pub(super) const NEW: Self = Self { high: u32::MAX, step: 1, patience: ROUNDS };

    /// Whether the next one is due after so many rounds.
    pub(super) const fn is_due(&self, rounds: u8) -> bool {
        rounds >= self.patience
    }

    /// The queue overflowed when so many were under way.
    pub(super) fn overflowed(&mut self, peak: u32, least: u32) {
        self.high = (peak / 10).saturating_mul(9).max(least);
        self.step = 1;
        self.patience = self.patience.saturating_mul(2).min(ROUNDS_MAX);
    }

    /// A probe had so many under way, and the queue held them: bit by bit more is allowed.
    pub(super) const fn held(&mut self, peak: u32) {
        if peak >= self.high {
            self.high = self.high.saturating_add(self.step);
            self.step = self.step.saturating_mul(2);
        }
    }

    /// The round after a probe has shown that nothing overflowed: the next one is due sooner.
    pub(super) fn went_well(&mut self) {
        self.patience = (self.patience / 2).max(ROUNDS);
    }
}
