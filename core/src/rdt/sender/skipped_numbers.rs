//! Which numbers of transmissions are left out: who acknowledges one acknowledges what he has not received (RFC 9000
//! section 21.4).

use crate::rdt::numbers::Numbers;

/// Transmissions between two numbers that are left out: at most so many, and what is left of a batch.
const MOST: u32 = 192;

/// Until the next one, and what that is drawn from.
#[derive(Clone, Copy, Debug)]
pub(super) struct SkippedNumbers {
    /// At most `MOST`.
    pub(super) left: u8,
    pub(super) random: u32,
}

impl SkippedNumbers {
    /// The next number is one, unless [`SkippedNumbers::draw`] says otherwise. `seed` should not be known to the peer.
    pub(super) const fn new(seed: u32) -> Self {
        Self { left: 0, random: seed }
    }

    /// Goes along them.
    pub(super) fn parked(&mut self, numbers: &mut impl Numbers) {
        numbers.byte(&mut self.left);
        numbers.random_word(&mut self.random);
    }

    pub(super) const fn is_due(self) -> bool {
        self.left == 0
    }

    /// So many numbers were used.
    pub(super) fn pass(&mut self, count: u32) {
        self.left = u32::from(self.left).saturating_sub(count) as u8;
    }

    /// Chooses the next one.
    pub(super) fn draw(&mut self) {
        // Numerical Recipes' generator; its high bits are the good ones.
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.left = (1 + (self.random >> 16) % MOST) as u8;
    }
}
