//! How long an acknowledgement may be missing while later ones come: what tells loss from reordering.

use super::{Settings, numbers::Numbers, rtt::Rtt};

/// How many numbers an acknowledged transmission may be ahead at first (RFC 9002 section 6.1.1).
const NUMBERS_FIRST: u8 = 3;
/// The most that reordering can raise it to: half of what a map reaches.
const NUMBERS_MAX: u8 = 128;
/// The most that it can raise the time to: to twice a round trip.
const EIGHTHS_MAX: u8 = 8;
/// After so many acknowledgements that told of losses, and none of them false, the network counts as one that keeps
/// the order (RFC 8985 section 6.2 step 4 has 16 recoveries).
const CALM: u8 = 64;

/// The two thresholds, which widen when what was taken for lost arrives after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReorderingThreshold {
    numbers: u8,
    eighths: u8,
    calm: u8,
}

impl Default for ReorderingThreshold {
    fn default() -> Self {
        Self { numbers: NUMBERS_FIRST, eighths: 1, calm: 0 }
    }
}

impl ReorderingThreshold {
    /// Whether one that so many numbers were ahead of counts as lost.
    pub(crate) const fn is_over(&self, ahead: u32) -> bool {
        ahead >= self.numbers as u32
    }

    /// How long it has after it was sent, in microseconds.
    pub(crate) fn wait(&self, rtt: &Rtt, settings: &Settings) -> u32 {
        rtt.reordering(self.eighths, settings)
    }

    /// It arrived after so many later ones: the network reorders.
    pub(crate) fn widen(&mut self, ahead: u32) {
        self.numbers = self.numbers.max(ahead.saturating_add(1).min(NUMBERS_MAX.into()) as u8);
        self.eighths = self.eighths.wrapping_add(1).min(EIGHTHS_MAX);
        self.calm = 0;
    }

    /// Goes along it.
    pub(crate) fn parked(&mut self, numbers: &mut impl Numbers) {
        let mut is_default = *self == Self::default();
        numbers.flag(&mut is_default);
        if is_default {
            *self = Self::default();
            return;
        }
        numbers.byte(&mut self.numbers);
        numbers.byte(&mut self.eighths);
        numbers.byte(&mut self.calm);
    }

    /// Losses were found.
    pub(crate) fn lost(&mut self) {
        self.calm = self.calm.wrapping_add(1);
        if self.calm >= CALM {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reordering_widens_it_and_many_losses_without_any_narrow_it_again() {
        let mut threshold = ReorderingThreshold::default();
        assert!(!threshold.is_over(2) && threshold.is_over(3));
        threshold.widen(50);
        assert!(!threshold.is_over(50) && threshold.is_over(51));
        threshold.widen(4_000);
        assert!(threshold.is_over(NUMBERS_MAX.into()));
        for _ in 0..CALM {
            threshold.lost();
        }
        assert!(threshold.is_over(3));
    }
}
