//! What a direction of a stream carries: messages, and ranges of files.
//!
//! ```text
//!   segments   0        1  2  3  4        5
//!            [message][ range of a file ][message]      each piece begins a new segment and
//!             pieces                                    fills every segment but its last
//! ```
//!
//! A message's bytes are kept until they are acknowledged; a file's are not: they are read again.

use super::queue::Queue;
use crate::{Memory, stream::FileId};

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Content {
    /// The first `length` bytes of the kept ones that belong to no earlier piece.
    Message,
    Range {
        file: FileId,
        offset: u64,
    },
}

/// A message or a range of a file that is under way. Opaque: it is public so that its memory can be named.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Piece {
    content: Content,
    /// Bytes that are not yet acknowledged.
    length: u64,
    /// The first segment of these, once it is known: when the piece before it is complete and this one begun.
    first: Option<u32>,
}

/// Where the bytes of a segment are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the kept messages, from this one on.
    Message { start: usize, length: usize },
    /// In a file. `left` is what the range still has from here on.
    Range { file: FileId, offset: u64, left: u64 },
}

impl Place {
    /// The bytes of the segment, where a full one has so many.
    pub(crate) fn length(&self, size: u16) -> u16 {
        match *self {
            Self::Message { length, .. } => length.min(size.into()) as u16,
            Self::Range { left, .. } => left.min(size.into()) as u16,
        }
    }
}

/// The content of one direction, from the first segment that is not acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Outgoing<O, Q> {
    pieces: Queue<Piece, Q>,
    kept: O,
    kept_length: usize,
}

impl<O: Memory<u8>, Q: Memory<Piece>> Outgoing<O, Q> {
    /// Whether everything was acknowledged.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether there is a file among it.
    pub(crate) fn has_range(&mut self) -> bool {
        let is_range = |piece: &mut Piece| matches!(piece.content, Content::Range { .. });
        (0..self.pieces.len()).any(|index| self.pieces.get_mut(index).is_some_and(is_range))
    }

    /// Appends a message. `false`: no room for it.
    #[must_use]
    pub(crate) fn write(&mut self, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return true;
        }
        let joins = matches!(self.pieces.last(), Some(Piece { content: Content::Message, first: None, .. }));
        let end = self.kept_length.saturating_add(bytes.len());
        if end > self.kept.bound() || !joins && self.pieces.is_full() {
            return false;
        }
        if end > self.kept.values().len() {
            self.kept.grow(end.next_power_of_two().min(self.kept.bound()), || 0);
        }
        let Some(room) = self.kept.values_mut().get_mut(self.kept_length..end) else { return false };
        // Not `copy_from_slice`: it can panic, as far as the linker can tell.
        room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.kept_length = end;
        let length = bytes.len() as u64;
        match self.pieces.last_mut().filter(|_| joins) {
            Some(last) => last.length = last.length.saturating_add(length),
            None => _ = self.pieces.push(Piece { content: Content::Message, length, first: None }),
        }
        true
    }

    /// How many bytes the next message can have.
    pub(crate) fn room(&self) -> usize {
        let joins = matches!(self.pieces.last(), Some(Piece { content: Content::Message, first: None, .. }));
        if !joins && self.pieces.is_full() {
            return 0;
        }
        self.kept.bound().saturating_sub(self.kept_length)
    }

    /// Whether at least three quarters of the room for messages are free, and half of the pieces.
    pub(crate) fn is_light(&self) -> bool {
        self.pieces.len() <= self.pieces.bound() / 2 && self.kept_length <= self.kept.bound() / 4
    }

    /// Appends a range of a file. `false`: no room for it.
    #[must_use]
    pub(crate) fn send(&mut self, file: FileId, offset: u64, length: u64) -> bool {
        let piece = Piece { content: Content::Range { file, offset }, length, first: None };
        length == 0 || self.pieces.push(piece)
    }

    /// Where the bytes of `segment` are; `None` when there is no such segment (yet). `size` is a segment's.
    /// A segment after all that have begun begins the next piece.
    pub(crate) fn place(&mut self, segment: u32, size: u16) -> Option<Place> {
        let mut start = 0_usize;
        let mut begins = true;
        for index in 0..self.pieces.len() {
            let piece = self.pieces.get_mut(index)?;
            if begins && piece.first.is_none() {
                piece.first = Some(segment);
            }
            let before = bytes(segment.wrapping_sub(piece.first?), size);
            if before < piece.length {
                let left = piece.length.wrapping_sub(before);
                return Some(match piece.content {
                    Content::Message => Place::Message {
                        start: start.wrapping_add(before as usize),
                        length: left.min(u64::from(size)) as usize,
                    },
                    Content::Range { file, offset } => {
                        Place::Range { file, offset: offset.wrapping_add(before), left }
                    }
                });
            }
            // The segment just behind a piece is the first of the next one.
            begins = before.wrapping_sub(piece.length) < u64::from(size);
            if matches!(piece.content, Content::Message) {
                start = start.wrapping_add(piece.length as usize);
            }
        }
        None
    }

    /// The kept bytes of a message's segment.
    pub(crate) fn message(&self, start: usize, length: usize) -> Option<&[u8]> {
        self.kept.values().get(start..)?.get(..length)
    }

    /// Segments before `first` were acknowledged. The number of file ranges that are complete with it.
    pub(crate) fn acknowledged(&mut self, first: u32, size: u16) -> u8 {
        let mut ranges = 0_u8;
        while let Some(piece) = self.pieces.get_mut(0) {
            let Some(begin) = piece.first.replace(first) else {
                piece.first = None;
                break;
            };
            let gone = bytes(first.wrapping_sub(begin), size).min(piece.length);
            piece.length = piece.length.wrapping_sub(gone);
            let is_complete = piece.length == 0;
            match &mut piece.content {
                Content::Message => {
                    let gone = gone as usize;
                    if self.kept.values().get(gone..self.kept_length).is_some() {
                        self.kept.values_mut().copy_within(gone..self.kept_length, 0);
                    }
                    self.kept_length = self.kept_length.saturating_sub(gone);
                    if self.kept_length == 0 {
                        self.kept.release();
                    }
                }
                Content::Range { offset, .. } => {
                    *offset = offset.wrapping_add(gone);
                    ranges = ranges.saturating_add(u8::from(is_complete));
                }
            }
            if !is_complete {
                break;
            }
            self.pieces.pop();
            if self.pieces.is_empty() {
                self.pieces.release();
            }
        }
        ranges
    }

    /// Nothing of it was sent so far, for all that matters: it may be divided in another way.
    pub(crate) fn begin_anew(&mut self) {
        for index in 0..self.pieces.len() {
            if let Some(piece) = self.pieces.get_mut(index) {
                piece.first = None;
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.pieces.release();
        self.kept.release();
        self.kept_length = 0;
    }
}

/// The bytes in so many full segments: no more than 2^48.
pub(crate) const fn bytes(segments: u32, size: u16) -> u64 {
    (segments as u64).wrapping_mul(size as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECES_MAX: usize = 8;

    type Small = Outgoing<heapless::Vec<u8, 8>, heapless::Vec<Piece, PIECES_MAX>>;
    const FILE: FileId = FileId(3);

    #[test]
    fn each_piece_begins_a_segment_and_fills_all_but_its_last() {
        let mut outgoing = Small::default();
        assert!(outgoing.write(b"abc") && outgoing.send(FILE, 100, 9) && outgoing.write(b"de"));
        assert_eq!(outgoing.place(0, 4), Some(Place::Message { start: 0, length: 3 }));
        assert_eq!(outgoing.place(1, 4), Some(Place::Range { file: FILE, offset: 100, left: 9 }));
        assert_eq!(outgoing.place(3, 4), Some(Place::Range { file: FILE, offset: 108, left: 1 }));
        assert_eq!(outgoing.place(4, 4), Some(Place::Message { start: 3, length: 2 }));
        assert_eq!(outgoing.place(5, 4), None);
        assert_eq!(outgoing.acknowledged(3, 4), 0);
        assert_eq!(outgoing.place(4, 4), Some(Place::Message { start: 0, length: 2 }));
        assert_eq!(outgoing.acknowledged(4, 4), 1);
        assert_eq!(outgoing.acknowledged(5, 4), 0);
        assert!(outgoing.is_empty());
    }

    #[test]
    fn messages_join_until_they_are_begun_and_are_refused_when_full() {
        let mut outgoing = Small::default();
        assert!(outgoing.write(b"ab") && outgoing.write(b"cd"));
        assert_eq!(outgoing.place(0, 8), Some(Place::Message { start: 0, length: 4 }));
        assert!(outgoing.write(b"efgh"));
        assert!(!outgoing.write(b"i"));
        assert_eq!(outgoing.place(1, 8), Some(Place::Message { start: 4, length: 4 }));
        assert_eq!(outgoing.message(4, 4), Some(&b"efgh"[..]));
        assert_eq!(outgoing.acknowledged(1, 8), 0);
        assert_eq!(outgoing.place(1, 8), Some(Place::Message { start: 0, length: 4 }));
        assert_eq!(outgoing.message(0, 4), Some(&b"efgh"[..]));
    }

    #[test]
    fn the_room_is_what_can_be_written_and_comes_back_with_acknowledgements() {
        let mut outgoing = Small::default();
        assert!(outgoing.is_light() && outgoing.room() == 8);
        assert!(outgoing.write(b"ab") && outgoing.is_light());
        assert!(outgoing.write(b"c") && !outgoing.is_light() && outgoing.room() == 5);
        assert_eq!(outgoing.place(0, 8), Some(Place::Message { start: 0, length: 3 }));
        assert_eq!(outgoing.acknowledged(1, 8), 0);
        assert!(outgoing.is_light() && outgoing.room() == 8);
        for segment in 0..PIECES_MAX as u32 {
            assert!(outgoing.is_light() == (segment as usize <= PIECES_MAX / 2) || outgoing.room() < 6);
            assert!(outgoing.write(b"x"));
            assert!(outgoing.place(1 + segment, 8).is_some());
        }
        assert_eq!(outgoing.room(), 0);
    }

    #[test]
    fn a_later_piece_does_not_begin_before_the_one_before_it_is_complete() {
        let mut outgoing = Small::default();
        assert!(outgoing.send(FILE, 0, 8) && outgoing.send(FILE, 50, 4));
        assert_eq!(outgoing.place(0, 4), Some(Place::Range { file: FILE, offset: 0, left: 8 }));
        assert_eq!(outgoing.place(3, 4), None);
        assert_eq!(outgoing.place(1, 4), Some(Place::Range { file: FILE, offset: 4, left: 4 }));
        assert_eq!(outgoing.place(2, 4), Some(Place::Range { file: FILE, offset: 50, left: 4 }));
    }

    #[test]
    fn numbers_wrap_and_a_range_may_have_more_segments_than_there_are_numbers() {
        let mut outgoing = Small::default();
        let length = 4 * (u64::from(u32::MAX) + 3) - 1;
        assert!(outgoing.send(FILE, 0, length) && outgoing.write(b"a"));
        let (step, mut first, mut offset) = (1 << 30, u32::MAX - 5, 0);
        while offset + 4 * u64::from(step) < length {
            let place = Place::Range { file: FILE, offset, left: length - offset };
            assert_eq!(outgoing.place(first, 4), Some(place));
            first = first.wrapping_add(step);
            offset += 4 * u64::from(step);
            assert_eq!(outgoing.acknowledged(first, 4), 0);
        }
        let last = first.wrapping_add(((length - offset) / 4) as u32);
        assert_eq!(outgoing.place(last, 4), Some(Place::Range { file: FILE, offset: length - 3, left: 3 }));
        assert_eq!(outgoing.place(last.wrapping_add(1), 4), Some(Place::Message { start: 0, length: 1 }));
        assert_eq!(outgoing.acknowledged(last.wrapping_add(2), 4), 1);
        assert!(outgoing.is_empty());
    }
}
