//! Many short texts in one memory, without allocation.
//!
//! ```text
//!   Stored { first: 2, length: 19 }        chunk 2              chunk 0
//!                                       [ 12 bytes | 0 ] ──► [ 7 bytes | - ]      free: 1 ──► 3
//! ```
//!
//! A text takes one chunk for each 12 bytes. Names are short, so most take one; and none takes room for the
//! longest one that there could be.

use crate::Memory;

const NONE: u32 = u32::MAX;
const CHUNK: usize = 12;

/// Room for a part of a text. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Chunk {
    bytes: [u8; CHUNK],
    /// The next part of the text, or the next free chunk.
    next: u32,
}

impl Chunk {
    const fn empty() -> Self {
        Self { bytes: [0; CHUNK], next: NONE }
    }
}

/// Where a text is. Whoever has it must give it back once, by [`Texts::free`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Stored {
    first: u32,
    length: u16,
}

impl Stored {
    /// The empty text, which takes no room.
    pub(crate) const EMPTY: Self = Self { first: NONE, length: 0 };

    pub(crate) const fn len(self) -> usize {
        self.length as usize
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.length == 0
    }
}

/// The texts.
#[derive(Debug)]
pub(crate) struct Texts<M> {
    chunks: M,
    free: u32,
    used: u32,
}

impl<M: Memory<Chunk>> Texts<M> {
    pub(crate) const fn new(chunks: M) -> Self {
        Self { chunks, free: NONE, used: 0 }
    }

    /// How many chunks are in use.
    pub(crate) const fn used(&self) -> usize {
        self.used as usize
    }

    /// Whether no more than what is kept for the needful is left: a sixteenth.
    pub(crate) fn is_scarce(&self) -> bool {
        let bound = self.chunks.bound();
        self.used() >= bound.saturating_sub(bound / 16)
    }

    /// Stores a text. `None`: there is no room.
    pub(crate) fn store(&mut self, bytes: &[u8]) -> Option<Stored> {
        let mut stored = Stored::EMPTY;
        if self.push(&mut stored, bytes) {
            return Some(stored);
        }
        self.free(stored);
        None
    }

    /// Appends to a text. `false`: there was no room for all of it.
    #[must_use]
    pub(crate) fn push(&mut self, stored: &mut Stored, bytes: &[u8]) -> bool {
        let mut last = self.last(*stored);
        for &byte in bytes {
            let within = stored.len() % CHUNK;
            if within == 0 {
                let Some(next) = self.take() else { return false };
                match self.chunk(last) {
                    Some(chunk) => chunk.next = next,
                    None => stored.first = next,
                }
                last = next;
            }
            let Some(length) = stored.length.checked_add(1) else { return false };
            if let Some(place) = self.chunk(last).and_then(|chunk| chunk.bytes.get_mut(within)) {
                *place = byte;
            }
            stored.length = length;
        }
        true
    }

    /// Gives the room of a text back.
    pub(crate) fn free(&mut self, stored: Stored) {
        let mut number = stored.first;
        for _ in 0..stored.len().div_ceil(CHUNK) {
            let free = self.free;
            let Some(chunk) = self.chunk(number) else { return };
            let next = core::mem::replace(&mut chunk.next, free);
            self.free = number;
            self.used = self.used.saturating_sub(1);
            number = next;
        }
    }

    /// The text, piece by piece.
    pub(crate) fn pieces(&self, stored: Stored) -> impl Iterator<Item = &[u8]> {
        let (mut number, mut left) = (stored.first, stored.len());
        core::iter::from_fn(move || {
            let chunk = self.chunks.values().get(number as usize)?;
            let piece = chunk.bytes.get(..left.min(CHUNK)).filter(|piece| !piece.is_empty())?;
            left = left.saturating_sub(CHUNK);
            number = chunk.next;
            Some(piece)
        })
    }

    /// Whether the text is these bytes.
    pub(crate) fn is(&self, stored: Stored, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        stored.len() == bytes.len()
            && self.pieces(stored).all(|piece| match rest.strip_prefix(piece) {
                Some(after) => {
                    rest = after;
                    true
                }
                None => false,
            })
    }

    /// Copies the text to the beginning of `out` and returns it there. `None`: there is no room.
    pub(crate) fn copy<'o>(&self, stored: Stored, out: &'o mut [u8]) -> Option<&'o [u8]> {
        let out = out.get_mut(..stored.len())?;
        let mut places = out.iter_mut();
        for piece in self.pieces(stored) {
            places.by_ref().zip(piece).for_each(|(to, from)| *to = *from);
        }
        Some(out)
    }

    fn last(&self, stored: Stored) -> u32 {
        let mut number = stored.first;
        for _ in 1..stored.len().div_ceil(CHUNK) {
            number = self.chunks.values().get(number as usize).map_or(NONE, |chunk| chunk.next);
        }
        number
    }

    fn chunk(&mut self, number: u32) -> Option<&mut Chunk> {
        self.chunks.values_mut().get_mut(number as usize)
    }

    fn take(&mut self) -> Option<u32> {
        if self.free == NONE {
            let length = self.chunks.values().len();
            let more = length.saturating_add(length / 16).saturating_add(4);
            let wanted = more.min(self.chunks.bound()).min(NONE as usize);
            self.chunks.grow(wanted, Chunk::empty);
            for number in (length..self.chunks.values().len()).rev() {
                let free = self.free;
                self.chunk(number as u32)?.next = free;
                self.free = number as u32;
            }
        }
        let number = self.free;
        self.free = core::mem::replace(&mut self.chunk(number)?.next, NONE);
        self.used = self.used.saturating_add(1);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::miri::fewer;

    type Fixed<const N: usize> = Texts<heapless::Vec<Chunk, N>>;

    #[test]
    fn texts_of_every_length_are_themselves_again_and_give_their_room_back() {
        let mut texts = Fixed::<44>::new(heapless::Vec::new());
        for length in (0..=255_usize).step_by(fewer(1, 51)) {
            let text: Vec<u8> = (0..length).map(|place| place as u8).collect();
            let (first, second) = (texts.store(&text).unwrap(), texts.store(&text).unwrap());
            let mut out = [0; 255];
            assert_eq!(texts.copy(first, &mut out), Some(text.as_slice()));
            assert!(texts.is(second, &text));
            assert!(length == 0 || !texts.is(second, &text[1..]));
            assert_eq!(texts.pieces(first).flatten().copied().collect::<Vec<_>>(), text);
            assert_eq!(texts.copy(first, &mut out[..length.saturating_sub(1)]).is_none(), length > 0);
            texts.free(first);
            assert!(texts.is(second, &text));
            texts.free(second);
            assert_eq!(texts.used(), 0);
        }
    }

    #[test]
    fn a_text_that_finds_no_room_takes_none() {
        let mut texts = Fixed::<1>::new(heapless::Vec::new());
        assert!(texts.store(&[7; CHUNK + 1]).is_none());
        let stored = texts.store(&[7; CHUNK]).unwrap();
        assert!(texts.store(b"x").is_none());
        texts.free(stored);
        assert!(texts.store(b"x").is_some());
    }

    #[test]
    fn a_text_can_come_byte_by_byte() {
        let mut texts = Fixed::<5>::new(heapless::Vec::new());
        let mut stored = Stored::EMPTY;
        for byte in 0..60 {
            assert!(texts.push(&mut stored, &[byte]));
        }
        assert!(texts.is(stored, &(0..60).collect::<Vec<u8>>()));
    }
}
