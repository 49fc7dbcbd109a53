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

use super::{
    Counters,
    outgoing::segments,
    profile::{Profile, power_below},
    sender::expand,
};
use crate::{
    Memory,
    stream::FileId,
    wire::rdt::{Map, Own},
};

/// An acknowledgement is owed at the latest after so many transmissions, well within what its map can tell.
const UNACKNOWLEDGED_MAX: u16 = 64;

/// Content that is being received.
#[derive(Clone, Copy, Debug)]
struct Content {
    file: FileId,
    /// Where in the file the content's next byte in order goes.
    offset: u64,
    /// Bytes that are not yet stored in order.
    left: u64,
    /// `offset` and `left` when its first whole segment was `next`, and that segment: places follow from it.
    base: Option<Base>,
}

#[derive(Clone, Copy, Debug)]
struct Base {
    segment: u64,
    offset: u64,
    length: u64,
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
    /// Which segments from `next` on are stored.
    stored: P::Stored,
    next: u64,
    /// How many bytes of the segment `next` were taken.
    taken: u16,
    size: u64,
    window: u64,
    content: Option<Content>,
    /// The application takes nothing at present.
    blocked: bool,
    /// The content that is being received is wanted no more: it is acknowledged and forgotten.
    void: bool,
    /// Places follow from numbers: skep's own peers fill every segment of a range but its last.
    placed: bool,
    top: u64,
    map: Map,
    unacknowledged: u16,
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
            owes: false,
            bytes_stored: 0,
        }
    }

    /// The connection is open: segments have `size` bytes; `placed` when each but a range's last is full.
    pub(crate) fn open(&mut self, size: u16, window: u32, placed: bool) {
        self.size = u64::from(size);
        self.placed = placed;
        self.window = (power_below(self.stored.bound()) as u64).min(u64::from(window)).max(1);
    }

    /// The segment that is expected next.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    pub(crate) const fn window(&self) -> u64 {
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
        let base = (self.taken == 0 && self.placed).then_some(Base { segment: self.next, offset, length });
        self.content = Some(Content { file, offset, left: length, base });
        self.void = false;
        self.unblock();
    }

    /// The application takes bytes again.
    pub(crate) fn unblock(&mut self) {
        if core::mem::replace(&mut self.blocked, false) {
            self.owes = true;
        }
    }

    /// Where a segment of `length` bytes goes.
    pub(crate) fn judge(&self, segment: u64, length: usize) -> Verdict {
        if segment < self.next || self.is_stored(segment) {
            return Verdict::Duplicate;
        }
        if segment.saturating_sub(self.next) >= self.window {
            return Verdict::Beyond;
        }
        let Some(content) = self.content else {
            return if segment == self.next { Verdict::Message { skip: self.taken } } else { Verdict::Early };
        };
        let Some(base) = content.base else {
            // Of a peer that splits as it likes: in order.
            if segment != self.next {
                return Verdict::Early;
            }
            let rest = (length as u64).saturating_sub(u64::from(self.taken));
            return Verdict::Store {
                skip: self.taken,
                length: rest.min(content.left) as u16,
                file: content.file,
                offset: content.offset,
            };
        };
        let before = segment.saturating_sub(base.segment).saturating_mul(self.size);
        let left = base.length.saturating_sub(before);
        if left == 0 {
            return Verdict::Early;
        }
        if length as u64 != left.min(self.size) {
            return Verdict::Misfit;
        }
        let offset = base.offset.saturating_add(before);
        Verdict::Store { skip: 0, length: length as u16, file: content.file, offset }
    }

    /// The application took `count` bytes of the next segment, which has `length`. Whether that is all of it.
    pub(crate) fn taken(&mut self, segment: u64, count: u16, length: u16) -> bool {
        if segment != self.next {
            return false;
        }
        self.taken = self.taken.saturating_add(count).min(length);
        self.bytes_stored = self.bytes_stored.saturating_add(u64::from(count));
        if self.taken < length {
            if self.content.is_none() {
                self.blocked = true;
                self.owes = true;
            }
            return false;
        }
        self.pass();
        true
    }

    /// Bytes `skip..skip + count` of a segment with `length` bytes were stored. Whether that is all of it.
    pub(crate) fn store(&mut self, segment: u64, skip: u16, count: u16, length: u16) -> bool {
        let Some(content) = self.content.as_mut() else { return false };
        if content.base.is_none() {
            if segment != self.next || skip != self.taken {
                return false;
            }
            content.offset = content.offset.saturating_add(u64::from(count));
            content.left = content.left.saturating_sub(u64::from(count));
            self.bytes_stored = self.bytes_stored.saturating_add(u64::from(count));
            self.taken = self.taken.saturating_add(count);
            if self.taken < length {
                return false;
            }
            self.pass();
            return true;
        }
        if segment < self.next || self.is_stored(segment) {
            return true;
        }
        if segment.saturating_sub(self.next) >= self.window {
            return false;
        }
        self.bytes_stored = self.bytes_stored.saturating_add(u64::from(count));
        if segment != self.next {
            if !self.mark(segment) {
                return false;
            }
            self.owes = true;
            return true;
        }
        self.pass();
        while self.is_stored(self.next) {
            if let Some(mark) = self.mark_of(self.next) {
                *mark = false;
            }
            self.pass();
        }
        true
    }

    /// Whether the content is complete; said once.
    pub(crate) fn take_complete(&mut self) -> bool {
        let complete = self.content.is_some_and(|content| match content.base {
            Some(base) => self.next.saturating_sub(base.segment) >= segments(base.length, self.size),
            None => content.left == 0,
        });
        if complete {
            self.content = None;
            self.stored.release();
        }
        complete && !core::mem::take(&mut self.void)
    }

    /// Notes a transmission whose segment is stored.
    pub(crate) fn note(&mut self, number: u32) {
        let number = expand(number, self.top);
        if number > self.top {
            // A hole may be a loss: the sender should hear of it at once.
            self.map.advance(number.saturating_sub(self.top));
            self.top = number;
        } else if number < self.top {
            self.map.insert(self.top.saturating_sub(number));
        }
        self.unacknowledged = self.unacknowledged.saturating_add(1);
        self.owes = true;
    }

    /// Whether so much is unacknowledged that the driver must not feed on before it polls.
    pub(crate) const fn is_urgent(&self) -> bool {
        self.unacknowledged >= UNACKNOWLEDGED_MAX
    }

    /// The acknowledgement that is owed.
    pub(crate) fn acknowledge(&mut self) -> Own<'static> {
        self.owes = false;
        self.unacknowledged = 0;
        let room = if self.blocked { 0 } else { self.window };
        Own::Ack {
            top: self.top as u32,
            next: self.next as u32,
            limit: self.next.saturating_add(room) as u32,
            delay: 0,
            map: self.map,
        }
    }

    fn pass(&mut self) {
        self.next = self.next.saturating_add(1);
        self.taken = 0;
        self.blocked = false;
        self.owes = true;
        // Content that began inside a segment goes on at the start of the next: from here on places are known.
        if let Some(content) = self.content.as_mut().filter(|content| content.base.is_none() && self.placed) {
            content.base = Some(Base { segment: self.next, offset: content.offset, length: content.left });
        }
    }

    fn is_stored(&self, segment: u64) -> bool {
        let marks = self.stored.values();
        segment.saturating_sub(self.next) < marks.len() as u64
            && marks.get(segment as usize & marks.len().wrapping_sub(1)).is_some_and(|&mark| mark)
    }

    fn mark(&mut self, segment: u64) -> bool {
        let needed = segment.saturating_sub(self.next).saturating_add(1);
        let length = self.stored.values().len();
        if needed > length as u64 {
            let bound = power_below(self.stored.bound());
            let longer = (needed as usize).checked_next_power_of_two().unwrap_or(bound).max(32).min(bound);
            self.stored.grow(longer, || false);
            // The ring is read by number: what stood in the short one goes to its place in the long one.
            let marks = self.stored.values_mut();
            for number in self.next..self.next.saturating_add(length as u64) {
                let old = number as usize & length.wrapping_sub(1);
                let new = number as usize & marks.len().wrapping_sub(1);
                if old != new
                    && let Some(mark) = marks.get_mut(old)
                {
                    let value = core::mem::replace(mark, false);
                    if let Some(mark) = marks.get_mut(new) {
                        *mark = value;
                    }
                }
            }
        }
        match self.mark_of(segment) {
            Some(mark) => {
                *mark = true;
                true
            }
            None => false,
        }
    }

    fn mark_of(&mut self, segment: u64) -> Option<&mut bool> {
        let marks = self.stored.values_mut();
        let place = segment as usize & marks.len().wrapping_sub(1);
        marks.get_mut(place)
    }
}

/// Counts a verdict that drops a datagram.
pub(crate) fn count(verdict: Verdict, counters: &mut Counters) {
    match verdict {
        Verdict::Duplicate => counters.duplicates = counters.duplicates.saturating_add(1),
        Verdict::Beyond => counters.beyond_window = counters.beyond_window.saturating_add(1),
        Verdict::Early => counters.early = counters.early.saturating_add(1),
        Verdict::Misfit => counters.malformed = counters.malformed.saturating_add(1),
        Verdict::Message { .. } | Verdict::Store { .. } => {}
    }
}
