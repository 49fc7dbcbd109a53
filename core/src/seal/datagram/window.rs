//! Which packet numbers were opened: each is, at most once.

use crate::Memory;

/// Words of a session's bitmap; a power of two. A device keeps one for every session.
pub const WORDS: usize = if cfg!(target_os = "none") { 4 } else { 16 };

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
///
/// Of most sessions every number comes, and in its order: they need no bitmap.
pub(super) struct Window<M> {
    expected: u64,
    /// The word of number n at place n / 64 modulo their number. Bits from the expected number on mean nothing. Empty when
    /// all that it would tell of was opened, or is to be refused.
    map: M,
}

impl<M: Memory<u64> + Default> Window<M> {
    pub(super) fn new() -> Self {
        Self { expected: 0, map: M::default() }
    }

    /// One more than the highest number.
    pub(super) const fn expected(&self) -> u64 {
        self.expected
    }

    /// The lowest number that can still be opened, if there is a bitmap.
    pub(super) fn lowest(&self) -> u64 {
        self.expected.saturating_sub(span(self.map.bound()))
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
        let word = self.map.values().get(self.place(number));
        let is_missing = word.is_some_and(|word| word & bit(number) == 0);
        number >= self.expected || number >= self.lowest() && is_missing
    }

    /// The number was opened: it was admitted.
    pub(super) fn mark(&mut self, number: u64) {
        let is_late = number < self.expected;
        let begins_word = number & 63 == 0;
        if !is_late {
            self.advance(number);
        }
        let place = self.place(number);
        if let Some(word) = self.map.values_mut().get_mut(place) {
            *word |= bit(number);
            // What was missing may have come now, or was told of by the word that is another's now.
            if (is_late || begins_word) && self.map.values().iter().all(|&word| word == u64::MAX) {
                self.map.release();
            }
        }
    }

    /// Whether numbers are missing, and memory is kept for them.
    pub(super) fn waits(&self) -> bool {
        !self.map.values().is_empty()
    }

    /// Nothing came for a while: what is missing is not waited for any more.
    pub(super) fn rest(&mut self) {
        self.map.release();
    }

    /// This is going to be the highest number: those between the expected one and it are missing.
    fn advance(&mut self, number: u64) {
        let first = core::mem::replace(&mut self.expected, number.wrapping_add(1));
        if self.map.values().is_empty() {
            if number == first {
                return;
            }
            self.map.grow(self.map.bound(), || u64::MAX);
        }
        let words = word(number).wrapping_sub(word(first));
        // The last ones, if there are more than the map has.
        for further in (0..=words).take(self.map.bound()) {
            let beginning = (number & !63).wrapping_sub(further << 6);
            let place = self.place(beginning);
            if let Some(word) = self.map.values_mut().get_mut(place) {
                let told = if further == words { !above(first) } else { 0 };
                let later = if further == 0 { above(number) } else { 0 };
                *word = *word & told | later;
            }
        }
    }

    fn place(&self, number: u64) -> usize {
        word(number) as usize & self.map.bound().wrapping_sub(1)
    }
}

const fn word(number: u64) -> u64 {
    number >> 6
}

const fn bit(number: u64) -> u64 {
    1 << (number & 63)
}

/// The bits of a number's word from its own on.
const fn above(number: u64) -> u64 {
    u64::MAX << (number & 63)
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
            (Window::<heapless::Vec<u64, WORDS>>::new(), vec![false; fewer(2_000_000, 20_000)], 0_u64);
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
        let at = |expected| Window { expected, map: heapless::Vec::<u64, WORDS>::new() };
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
        let mut window = Window::<heapless::Vec<u64, WORDS>>::new();
        window.mark(5_000);
        assert!(!window.admits(5_000));
        assert!(window.admits(5_001 - WINDOW) && !window.admits(5_000 - WINDOW));
        window.mark(5_001 - WINDOW);
        assert!(!window.admits(5_001 - WINDOW));
    }

    #[test]
    fn a_bitmap_is_kept_only_while_numbers_are_missing_and_not_for_ever() {
        let mut window = Window::<heapless::Vec<u64, 4>>::new();
        (0..1_000).for_each(|number| window.mark(number));
        assert!(!window.waits() && !window.admits(900) && window.admits(1_000));
        (1_001..1_100).for_each(|number| window.mark(number));
        assert!(window.waits() && window.admits(1_000) && !window.admits(999));
        (1_100..1_300).for_each(|number| window.mark(number));
        assert!(!window.waits() && !window.admits(1_000), "it is too far behind");
        (1_301..1_400).for_each(|number| window.mark(number));
        assert!(window.admits(1_300));
        window.rest();
        assert!(!window.admits(1_300) && !window.admits(1_301) && window.admits(1_400));
    }
}
