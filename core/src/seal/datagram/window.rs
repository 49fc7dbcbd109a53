//! Which packet numbers were opened: each is, at most once.

/// Words of a session's bitmap; a power of two. A device keeps one for every session.
pub(super) const WORDS: usize = if cfg!(target_os = "none") { 4 } else { 16 };

/// Numbers this far behind the highest one and further are refused: 960, and 192 on a device. The bitmap has 64 more
/// bits; the word that the highest number is in is not full (RFC 6479).
pub const WINDOW: u64 = span(WORDS);

const fn span(words: usize) -> u64 {
    (words as u64).wrapping_sub(1) << 6
}

/// The numbers opened so far, by what is still to be told of them.
///
/// ```text
///       refused        told by the bitmap       not yet
///  ────────────────┬───────────────────────┬──────────────►
///                  expected - span         expected = highest + 1
/// ```
pub(super) struct Window<const WORDS: usize> {
    expected: u64,
    /// The words of the newest numbers, the word of number n at place n / 64 modulo WORDS. Bits above the
    /// highest number are 0.
    seen: [u64; WORDS],
}

impl<const WORDS: usize> Window<WORDS> {
    pub(super) const fn new() -> Self {
        const { assert!(WORDS.is_power_of_two()) };
        Self { expected: 0, seen: [0; WORDS] }
    }

    /// One more than the highest number.
    pub(super) const fn expected(&self) -> u64 {
        self.expected
    }

    /// The lowest number that can still be opened.
    pub(super) const fn lowest(&self) -> u64 {
        self.expected.saturating_sub(span(WORDS))
    }

    /// The number nearest to the expected one that ends in these 32 bits (RFC 9000, appendix A.3).
    pub(super) const fn expand(&self, low: u32) -> u64 {
        const SPAN: u64 = 1 << 32;
        let near = (self.expected & !(SPAN - 1)) | low as u64;
        if near.wrapping_add(SPAN / 2) <= self.expected {
            near.wrapping_add(SPAN)
        } else if near > self.expected.wrapping_add(SPAN / 2) && near >= SPAN {
            near.wrapping_sub(SPAN)
        } else {
            near
        }
    }

    /// Whether the number may be opened.
    pub(super) fn admits(&self, number: u64) -> bool {
        number >= self.expected
            || (number >= self.lowest()
                && self.seen.get(Self::place(number)).is_some_and(|word| word & bit(number) == 0))
    }

    /// The number was opened.
    pub(super) fn mark(&mut self, number: u64) {
        if number >= self.expected {
            // The words from the one after the highest number's to this number's now stand for other numbers.
            let old = self.expected.wrapping_sub(1) >> 6;
            let fresh = if self.expected == 0 { WORDS as u64 } else { (number >> 6).saturating_sub(old) };
            for back in 0..fresh.min(WORDS as u64) {
                if let Some(word) = self.seen.get_mut(Self::place(number.wrapping_sub(back << 6))) {
                    *word = 0;
                }
            }
            self.expected = number.wrapping_add(1);
        }
        if let Some(word) = self.seen.get_mut(Self::place(number)) {
            *word |= bit(number);
        }
    }
    const fn place(number: u64) -> usize {
        (number >> 6) as usize & WORDS.wrapping_sub(1)
    }
}

const fn bit(number: u64) -> u64 {
    1 << (number & 63)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::miri::fewer;

    #[test]
    fn it_admits_what_a_list_of_all_numbers_would() {
        check::<4>();
        check::<16>();
    }

    fn check<const WORDS: usize>() {
        let mut random = 1_u64;
        let (mut window, mut seen, mut top) =
            (Window::<WORDS>::new(), vec![false; fewer(2_000_000, 20_000)], 0_u64);
        for _ in 0..fewer(200_000, 2_000) {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = match random >> 61 {
                0 => top.saturating_sub((random >> 40) % 1_200),
                1 if random >> 50 & 63 == 0 => top + (random >> 40) % 1_500,
                _ => (top + 3).saturating_sub((random >> 40) % 8),
            };
            let admitted = !seen[number as usize] && number >= window.lowest();
            assert_eq!(window.admits(number), admitted, "{number} {top}");
            if admitted {
                window.mark(number);
                seen[number as usize] = true;
                top = top.max(number);
            }
            assert_eq!(window.expected(), top + 1);
        }
        assert!(top > fewer(100_000, 1_000));
    }

    #[test]
    fn a_number_is_expanded_to_the_nearest_one() {
        let at = |expected| Window { expected, seen: [0; WORDS] };
        for expected in [0_u64, 1, 0x7fff_ffff, 0x8000_0000, 0x1_0000_0000, 0x5_8000_0001, (1 << 62) - 1] {
            for offset in [-0x7fff_ffff_i64, -1_000, -1, 0, 1, 1_000, 0x7fff_ffff] {
                if let Some(number) = expected.checked_add_signed(offset) {
                    assert_eq!(at(expected).expand(number as u32), number, "{expected:x} {offset}");
                }
            }
        }
        // Near the beginning there is nothing below zero to be meant.
        assert_eq!(at(0).expand(u32::MAX), u64::from(u32::MAX));
    }

    #[test]
    fn every_number_is_opened_once_and_late_ones_are_not() {
        let mut window = Window::<WORDS>::new();
        window.mark(5_000);
        assert!(!window.admits(5_000));
        assert!(window.admits(5_001 - WINDOW) && !window.admits(5_000 - WINDOW));
        window.mark(5_001 - WINDOW);
        assert!(!window.admits(5_001 - WINDOW));
    }
}
