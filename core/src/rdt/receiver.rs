//! The receiving half of a connection: what is expected, where it goes, what is stored, what to acknowledge.
//!
//! ```text
//!   segments    stored | next    next+1 ... content_end | ...        below `next` all is stored
//!                        ?  S  ?  S                                  in a file: any order, each at its place
//!                        ^ messages: in order only
//! ```
//!
//! Nothing is acknowledged before it is stored, or taken by the application. A segment whose place is not known
//! yet is dropped and will come again.

mod parked;
#[cfg(test)]
mod tests;

use super::{
    outgoing,
    profile::{Profile, power_below},
    record::Record,
    ring::{place, rearrange},
    trace::Trace,
};
use crate::{
    Instant, Memory,
    stream::FileId,
    wire::rdt::{Map, Own},
};

/// An acknowledgement is owed after so many transmissions, or one for every 32 in the window.
const UNACKNOWLEDGED: u16 = 16;
/// The longest that an acknowledgement waits for more to acknowledge, in microseconds.
const DELAY: u64 = 1_000;
/// Smaller windows are acknowledged at once.
const SPARSE_FROM: usize = 8;

/// What of a segment is stored: the first part of it is worth 1, the second 2. Opaque: it is public so that its memory can
/// be named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Mark(u8);

impl Mark {
    const WHOLE: Self = Self(3);
}

/// Which bytes of a segment a datagram has: all, or those of a part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) start: u16,
    pub(crate) end: u16,
    /// The length of the whole segment.
    pub(crate) length: u16,
}

impl Extent {
    /// Where it begins in the segment: where there are no parts, at its beginning.
    pub(crate) const fn start<P: Profile>(self) -> u16 {
        if P::SEARCHES { self.start } else { 0 }
    }

    /// Where it ends.
    pub(crate) const fn end<P: Profile>(self) -> u16 {
        if P::SEARCHES { self.end } else { self.length }
    }
}

/// Content that is being received.
#[derive(Clone, Copy, Debug)]
struct Content {
    file: FileId,
    /// Where in the file the content's next byte in order goes.
    offset: u64,
    /// Bytes that are not yet stored in order.
    left: u64,
    /// That byte is the first one of the segment `next`, and of each later one the place follows from its number.
    placed: bool,
}

/// What is to be done with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was there before: acknowledge it again.
    Duplicate,
    /// It is the next one, and its bytes from `skip` on are the application's to take.
    Message { skip: u16 },
    /// These bytes of it belong into a file.
    Store { skip: u16, length: u16, file: FileId, offset: u64 },
    /// It lies beyond the window.
    Beyond,
    /// It is early, and its place is not known.
    Early,
    /// Its length is not the one that its place asks for.
    Misfit,
}

#[derive(Debug)]
pub(crate) struct Receiver<P: Profile> {
    /// What is stored of the segments from `next` on.
    stored: P::Stored,
    next: u32,
    /// How many bytes of the segment `next` were taken.
    taken: u16,
    size: u16,
    window: u32,
    content: Option<Content>,
    /// The application takes nothing at present.
    blocked: bool,
    /// The content that is being received is wanted no more: it is acknowledged and forgotten.
    void: bool,
    /// Places follow from numbers: skep's own peers fill every segment of a range but its last.
    placed: bool,
    top: u32,
    map: Map,
    unacknowledged: u16,
    /// When `top` came.
    top_at: Instant,
    /// When an acknowledgement is owed at the latest; else `FAR`.
    due: Instant,
    pub(crate) owes: bool,
    pub(crate) bytes_stored: u64,
}

impl<P: Profile> Receiver<P> {
    pub(crate) fn new() -> Self {
        Self {
            stored: P::Stored::default(),
            next: 0,
            taken: 0,
            size: 0,
            window: 1,
            content: None,
            blocked: false,
            void: false,
            placed: false,
            top: 0,
            map: Map::default(),
            unacknowledged: 0,
            top_at: Instant::ZERO,
            due: Instant::FAR,
            owes: false,
            bytes_stored: 0,
        }
    }

    /// The connection is open: segments have `size` bytes; `placed` when each but a range's last is full.
    pub(crate) fn open(&mut self, size: u16, window: u32, placed: bool) {
        self.size = size;
        self.placed = placed;
        self.window = (power_below(self.stored.bound()) as u32).min(window).max(1);
    }

    /// The segment that is expected next.
    pub(crate) const fn next(&self) -> u32 {
        self.next
    }

    pub(crate) const fn window(&self) -> u32 {
        self.window
    }

    /// The content that is being received is not wanted any more. What has come out of order was acknowledged,
    /// so the rest must be waited for all the same.
    pub(crate) fn discard(&mut self) {
        self.void = self.content.is_some();
    }

    /// Whether content is to be forgotten.
    pub(crate) const fn is_void(&self) -> bool {
        self.void
    }

    /// The next `length` bytes that the application did not take go into a file.
    pub(crate) fn receive(&mut self, file: FileId, offset: u64, length: u64) {
        let placed = self.taken == 0 && self.placed;
        self.content = Some(Content { file, offset, left: length, placed });
        self.void = false;
        self.unblock();
    }

    /// The application takes bytes again.
    pub(crate) fn unblock(&mut self) {
        if core::mem::replace(&mut self.blocked, false) {
            self.owes = true;
        }
    }

    /// Where a segment, or a part of it, goes.
    pub(crate) fn judge(&self, segment: u32, extent: Extent) -> Verdict {
        let (start, end, length) = (extent.start::<P>(), extent.end::<P>(), extent.length);
        let ahead = segment.wrapping_sub(self.next);
        if ahead.cast_signed() < 0 || self.is_stored(segment) {
            return Verdict::Duplicate;
        }
        if ahead >= self.window {
            return Verdict::Beyond;
        }
        let Some(Content { file, offset, left, placed }) = self.content else {
            return if self.is_next(ahead, extent) {
                Verdict::Message { skip: self.taken }
            } else {
                Verdict::Early
            };
        };
        if !placed {
            // Of a peer that splits as it likes: in order.
            if !self.is_next(ahead, extent) {
                return Verdict::Early;
            }
            let rest = u64::from(end.saturating_sub(self.taken));
            return Verdict::Store { skip: self.taken, length: rest.min(left) as u16, file, offset };
        }
        let before = outgoing::bytes(ahead, self.size);
        if before >= left {
            return Verdict::Early;
        }
        if u64::from(length) != left.wrapping_sub(before).min(u64::from(self.size)) {
            return Verdict::Misfit;
        }
        // An offset near 2^64 is the application's own mistake, and stays one.
        let offset = offset.wrapping_add(before).wrapping_add(start.into());
        Verdict::Store { skip: start, length: end.saturating_sub(start), file, offset }
    }

    /// Whether this begins where what was taken ends: always so of a whole segment.
    fn is_next(&self, ahead: u32, extent: Extent) -> bool {
        let is_late = self.taken >= extent.end && extent.end > 0;
        ahead == 0 && !(P::SEARCHES && (extent.start > self.taken || is_late))
    }

    /// The application took `count` more bytes of the next segment, of those in `extent`. Whether that is all of it.
    pub(crate) fn taken(&mut self, segment: u32, count: u16, extent: Extent) -> bool {
        if segment != self.next {
            return false;
        }
        let end = extent.end::<P>();
        self.taken = self.taken.saturating_add(count).min(end.max(self.taken));
        self.bytes_stored = self.bytes_stored.wrapping_add(u64::from(count));
        if self.taken < end {
            if self.content.is_none() {
                self.blocked = true;
                self.owes = true;
            }
            return false;
        }
        if P::SEARCHES && self.taken < extent.length {
            // The rest of it is in the other part.
            return false;
        }
        self.pass();
        true
    }

    /// Bytes `skip..skip + count` of a segment with `length` bytes were stored. Whether that is all of it.
    pub(crate) fn store(&mut self, segment: u32, skip: u16, count: u16, length: u16) -> bool {
        let Some(content) = self.content.as_mut() else { return false };
        let ahead = segment.wrapping_sub(self.next);
        let bytes = u64::from(count);
        if !content.placed {
            if ahead > 0 || skip != self.taken {
                return false;
            }
            content.advance(bytes);
            self.bytes_stored = self.bytes_stored.wrapping_add(bytes);
            self.taken = self.taken.saturating_add(count);
            if self.taken < length {
                return false;
            }
            self.pass();
            return true;
        }
        if ahead.cast_signed() < 0 || self.is_stored(segment) {
            return true;
        }
        if ahead >= self.window {
            return false;
        }
        let is_part = P::SEARCHES && count < length;
        if is_part && !self.mark(segment, Mark(if skip == 0 { 1 } else { 2 })) {
            return false;
        }
        self.bytes_stored = self.bytes_stored.wrapping_add(length.into());
        if ahead > 0 {
            return is_part || self.mark(segment, Mark::WHOLE);
        }
        if let Some(mark) = self.mark_of(segment).filter(|_| P::SEARCHES) {
            *mark = Mark::default();
        }
        self.pass();
        while let Some(mark) = self.mark_of(self.next).filter(|mark| **mark == Mark::WHOLE) {
            *mark = Mark::default();
            self.pass();
        }
        true
    }

    /// Whether the content is complete; said once.
    pub(crate) fn take_complete(&mut self) -> bool {
        let complete = self.content.is_some_and(|content| content.left == 0);
        if complete {
            self.content = None;
            // Nothing may follow.
            self.owes = true;
            self.stored.release();
        }
        complete && !core::mem::take(&mut self.void)
    }

    /// Notes a transmission that came at `now` and whose segment is stored. The sender hears of it at once when it
    /// `asks` for that, and of a hole or what fills one; in a steady stream after some more of them.
    pub(crate) fn note(&mut self, now: Instant, number: u32, asks: bool) {
        let ahead = number.wrapping_sub(self.top).cast_signed();
        if ahead > 0 {
            self.map.advance(ahead.unsigned_abs());
            self.top = number;
            if self.is_sparse() {
                self.top_at = now;
            }
        } else if ahead < 0 {
            self.map.insert(ahead.unsigned_abs());
        }
        self.unacknowledged = self.unacknowledged.saturating_add(1);
        if !self.is_sparse() {
            self.owes = true;
            return;
        }
        let most = UNACKNOWLEDGED.min((self.window / 32) as u16);
        if asks || ahead != 1 || self.unacknowledged >= most {
            self.owes = true;
        } else if self.due == Instant::FAR {
            self.due = now.plus_micros(DELAY);
        }
    }

    /// When [`Receiver::expire`] is to be called; `FAR` for never.
    pub(crate) fn deadline(&self) -> Instant {
        if self.is_sparse() { self.due } else { Instant::FAR }
    }

    /// A deadline may have come.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.owes |= self.deadline() <= now;
    }

    /// Whether acknowledgements may wait for more: a constant, where the memory is fixed.
    fn is_sparse(&self) -> bool {
        self.stored.bound() >= SPARSE_FROM
    }

    /// Whether content comes, or is about to: nothing has come so far.
    pub(crate) const fn wants_room(&self) -> bool {
        self.content.is_some() || self.next == 0
    }

    /// The acknowledgement that is owed. At most `share` segments may be under way after it.
    pub(crate) fn acknowledge(&mut self, now: Instant, share: u32) -> Own<'static> {
        self.owes = false;
        self.unacknowledged = 0;
        self.due = Instant::FAR;
        let room = if self.blocked { 0 } else { self.window.min(share) };
        Own::Ack {
            top: self.top,
            next: self.next,
            limit: self.next.wrapping_add(room),
            delay: if self.is_sparse() {
                now.micros_since(self.top_at).min(u16::MAX.into()) as u16
            } else {
                0
            },
            map: self.map,
        }
    }

    fn pass(&mut self) {
        self.next = self.next.wrapping_add(1);
        self.taken = 0;
        self.blocked = false;
        if let Some(content) = self.content.as_mut() {
            if content.placed {
                content.advance(u64::from(self.size));
            }
            // Content that began inside a segment goes on at the start of the next: from here on places are known.
            content.placed = self.placed;
        }
    }

    fn is_stored(&self, segment: u32) -> bool {
        let marks = self.stored.values();
        (segment.wrapping_sub(self.next) as usize) < marks.len()
            && marks.get(place(segment, marks.len())).is_some_and(|&mark| mark == Mark::WHOLE)
    }

    /// Marks a segment, or a part of it, as stored. Whether all of it is.
    fn mark(&mut self, segment: u32, part: Mark) -> bool {
        let needed = (segment.wrapping_sub(self.next) as usize).saturating_add(1);
        let length = self.stored.values().len();
        if needed > length {
            let bound = power_below(self.stored.bound());
            // A small memory is taken whole.
            if bound <= 32 {
                self.stored.grow(bound, Mark::default);
            } else {
                let longer = needed.checked_next_power_of_two().unwrap_or(bound).max(32).min(bound);
                self.stored.grow(longer, Mark::default);
                rearrange(self.stored.values_mut(), length, self.next, self.next.wrapping_add(length as u32));
            }
        }
        self.mark_of(segment).is_some_and(|mark| {
            mark.0 |= part.0;
            *mark == Mark::WHOLE
        })
    }

    fn mark_of(&mut self, segment: u32) -> Option<&mut Mark> {
        let marks = self.stored.values_mut();
        let place = place(segment, marks.len());
        marks.get_mut(place)
    }
}

impl Content {
    /// The next bytes in order are stored; the last segment may be shorter than it is said to be.
    fn advance(&mut self, bytes: u64) {
        let bytes = bytes.min(self.left);
        self.left = self.left.wrapping_sub(bytes);
        self.offset = self.offset.wrapping_add(bytes);
    }
}

/// Counts a verdict that drops a datagram.
pub(crate) fn count<T: Trace>(verdict: Verdict, record: &mut Record<T>) {
    match verdict {
        Verdict::Duplicate => record.duplicates.add(1),
        Verdict::Beyond => record.beyond_window.add(1),
        Verdict::Early => record.early.add(1),
        Verdict::Misfit => record.malformed.add(1),
        Verdict::Message { .. } | Verdict::Store { .. } => {}
    }
}
