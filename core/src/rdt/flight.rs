//! What was sent, and what became of it: the segments of the window, and each sending of them.
//!
//! ```text
//!   segments       first ........ next                          acknowledged, in flight, lost
//!                  A  F  L  F  F
//!   transmissions  remembered ... oldest ......... newest       each sending has a number of its own
//! ```
//!
//! What was taken for lost is remembered as long as the memory lasts, as it may be acknowledged after all. Numbers are
//! the 32 bits that go over the wire, and wrap: all that are in use lie within a window of each other.

use super::{
    numbers::Numbers,
    path_mtu::Form,
    profile::{Profile, power_below},
    ring::{is_before, later, place, rearrange},
};
use crate::{Instant, Memory};

/// What became of a segment or of a transmission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) enum Fate {
    #[default]
    InFlight,
    Acknowledged,
    /// Overtaken by too much.
    Lost,
    /// Nothing came back in time. Of a transmission only: its segment is lost.
    Expired,
    /// Of a transmission only: the number was never used.
    Skipped,
}

/// One sending of a segment.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmission {
    pub(crate) sent: Instant,
    pub(crate) segment: u32,
    pub(crate) fate: Fate,
    pub(crate) form: Form,
}

/// One segment of the window.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Segment {
    /// Its newest transmission.
    pub(crate) newest: u32,
    pub(crate) fate: Fate,
    pub(crate) repeated: bool,
}

#[derive(Debug)]
pub(crate) struct Flight<P: Profile> {
    segments: P::Segments,
    transmissions: P::Transmissions,
    /// The oldest segment that is not acknowledged.
    pub(crate) first: u32,
    /// The next segment that was never sent.
    pub(crate) next: u32,
    /// The oldest transmission that is remembered, whatever became of it.
    pub(crate) remembered: u32,
    /// The oldest transmission in flight; the one after the newest when there is none.
    pub(crate) oldest: u32,
    pub(crate) newest: u32,
    /// Transmissions under way.
    pub(crate) count: u32,
    lost: u32,
    /// No segment before this one is lost.
    lost_from: u32,
}

impl<P: Profile> Flight<P> {
    pub(crate) fn new() -> Self {
        Self {
            segments: P::Segments::default(),
            transmissions: P::Transmissions::default(),
            first: 0,
            next: 0,
            remembered: 1,
            oldest: 1,
            newest: 0,
            count: 0,
            lost: 0,
            lost_from: 0,
        }
    }

    /// The most segments in the window.
    pub(crate) fn bound(&self) -> usize {
        power_below(self.segments.bound().min(self.transmissions.bound()))
    }

    /// Nothing is under way or wanted any more.
    pub(crate) fn stop(&mut self) {
        self.release();
        self.first = self.next;
        self.lost = 0;
    }

    /// An idle connection keeps no window. What was sent several times may still be under way: nobody waits for it.
    pub(crate) fn release(&mut self) {
        self.segments.release();
        self.transmissions.release();
        self.oldest = self.newest.wrapping_add(1);
        self.remembered = self.oldest;
        self.count = 0;
    }

    /// Goes along what it needs to go on: the next segment, the newest transmission. `None`: something is under way, or a
    /// window is kept.
    pub(crate) fn parked(&mut self, numbers: &mut impl Numbers) -> Option<()> {
        if self.first != self.next || self.count > 0 || !self.segments.values().is_empty() {
            return None;
        }
        let before = (self.next, self.newest);
        let (mut next, mut newest) = before;
        numbers.word(&mut next);
        numbers.after(&mut newest, next);
        if (next, newest) != before {
            let oldest = newest.wrapping_add(1);
            *self = Self {
                first: next,
                next,
                remembered: oldest,
                oldest,
                newest,
                lost_from: next,
                ..Self::new()
            };
        }
        Some(())
    }

    /// Whether a segment that was never sent fits into the window's memory; makes more when it may.
    pub(crate) fn has_room(&mut self) -> bool {
        let used = self.next.wrapping_sub(self.first) as usize;
        let length = self.segments.values().len();
        if used < length {
            return true;
        }
        let bound = self.bound();
        if length >= bound {
            return false;
        }
        // A small memory is taken whole; a large one is doubled when it is needed. It has two transmissions for a
        // segment: with fewer segments than these a few losses in a row would leave no number for the next repeat.
        let longer = if bound <= 32 { bound } else { length.saturating_mul(2).max(32) };
        let before = self.transmissions.values().len().saturating_mul(2);
        self.segments.grow(longer, Segment::default);
        self.transmissions.grow(longer, Default::default);
        if bound > 32 {
            rearrange(self.segments.values_mut(), length, self.first, self.next);
            let end = self.newest.wrapping_add(1);
            rearrange(self.transmissions.values_mut().as_flattened_mut(), before, self.remembered, end);
        }
        true
    }

    /// The first segment that has to be sent again.
    pub(crate) fn next_lost(&mut self) -> Option<u32> {
        if self.lost == 0 {
            return None;
        }
        self.lost_from = later(self.lost_from, self.first);
        while self.lost_from != self.next {
            if self.is(self.lost_from, Fate::Lost) {
                return Some(self.lost_from);
            }
            self.lost_from = self.lost_from.wrapping_add(1);
        }
        self.lost = 0;
        None
    }

    /// The first segment from `from` on that is not acknowledged.
    pub(crate) fn next_missing(&mut self, from: u32) -> Option<u32> {
        let mut number = later(from, self.first);
        while is_before(number, self.next) {
            if !self.is(number, Fate::Acknowledged) {
                return Some(number);
            }
            number = number.wrapping_add(1);
        }
        None
    }

    /// Takes the next transmission number for what is sent, or for nothing. `false`: no memory for it.
    fn take_number(&mut self, transmission: Transmission) -> bool {
        let number = self.newest.wrapping_add(1);
        let length = self.transmissions.values().as_flattened().len() as u32;
        if number.wrapping_sub(self.oldest) >= length {
            return false;
        }
        self.newest = number;
        if number.wrapping_sub(self.remembered) >= length {
            self.remembered = self.remembered.wrapping_add(1);
        }
        if let Some(entry) = self.transmission(number) {
            *entry = transmission;
        }
        true
    }

    /// Leaves a number out. Only for a moment when room for the next transmission is not short.
    pub(crate) fn skip(&mut self) -> bool {
        let length = self.transmissions.values().as_flattened().len() as u32;
        let is_short = self.newest.wrapping_sub(self.oldest).wrapping_add(3) > length;
        !is_short && self.take_number(Transmission { fate: Fate::Skipped, ..Transmission::default() })
    }

    /// A segment is sent. `false`: no memory for it.
    pub(crate) fn send(&mut self, now: Instant, segment: u32, form: Form) -> bool {
        if !self.take_number(Transmission { sent: now, segment, fate: Fate::InFlight, form }) {
            return false;
        }
        let newest = self.newest;
        let is_new = segment == self.next;
        if is_new {
            self.next = segment.wrapping_add(1);
        }
        let mut was_lost = false;
        if let Some(segment) = self.segment(segment) {
            was_lost = !is_new && segment.fate == Fate::Lost;
            *segment = Segment { newest, fate: Fate::InFlight, repeated: !is_new };
        }
        self.lost = self.lost.saturating_sub(u32::from(was_lost));
        self.count = self.count.wrapping_add(1);
        true
    }

    /// A transmission was acknowledged: its segment, and what was thought of it before.
    pub(crate) fn settle(&mut self, number: u32) -> Option<(u32, Fate)> {
        let transmission = self.transmission(number)?;
        let (segment, fate) = (transmission.segment, transmission.fate);
        match fate {
            Fate::Acknowledged => return None,
            Fate::Skipped => {}
            Fate::InFlight => {
                transmission.fate = Fate::Acknowledged;
                self.count = self.count.saturating_sub(1);
            }
            Fate::Lost | Fate::Expired => transmission.fate = Fate::Acknowledged,
        }
        Some((segment, fate))
    }

    /// Whether a segment was sent once only, and after this transmission; `false` of what was acknowledged.
    pub(crate) fn is_sent_after(&mut self, number: u32, transmission: u32) -> bool {
        self.is_begun(number)
            && self.segment(number).is_some_and(|segment| {
                let is_unheard = segment.fate != Fate::Acknowledged && !segment.repeated;
                is_unheard && is_before(transmission, segment.newest)
            })
    }

    /// A segment was acknowledged, by whichever transmission. Whether that is news.
    pub(crate) fn take(&mut self, number: u32) -> bool {
        if !self.is_begun(number) {
            return false;
        }
        let Some(segment) = self.segment(number) else { return false };
        let newest = segment.newest;
        match core::mem::replace(&mut segment.fate, Fate::Acknowledged) {
            Fate::Acknowledged => return false,
            Fate::InFlight => {
                // Its newest transmission need not be waited for.
                if let Some(transmission) =
                    self.transmission(newest).filter(|that| that.fate == Fate::InFlight)
                {
                    transmission.fate = Fate::Acknowledged;
                    self.count = self.count.saturating_sub(1);
                }
            }
            _ => self.lost = self.lost.saturating_sub(1),
        }
        true
    }

    /// Takes a transmission for lost, if it is in flight; its segment.
    pub(crate) fn lose(&mut self, number: u32, fate: Fate) -> Option<u32> {
        let transmission = self.transmission(number).filter(|that| that.fate == Fate::InFlight)?;
        transmission.fate = fate;
        let segment_number = transmission.segment;
        self.count = self.count.saturating_sub(1);
        if let Some(segment) = self.segment(segment_number)
            && segment.newest == number
            && segment.fate == Fate::InFlight
        {
            segment.fate = Fate::Lost;
            if self.lost == 0 || is_before(segment_number, self.lost_from) {
                self.lost_from = segment_number;
            }
            self.lost = self.lost.wrapping_add(1);
        }
        Some(segment_number)
    }

    /// What was given up for want of any answer is under way after all: it need not be sent again.
    pub(crate) fn revive(&mut self) {
        let mut number = self.remembered;
        while number != self.newest.wrapping_add(1) {
            if let Some(&mut Transmission { segment, fate: Fate::Expired, .. }) = self.transmission(number)
                && self.is_begun(segment)
                && let Some(entry) = self.segment(segment)
                && entry.newest == number
                && entry.fate == Fate::Lost
            {
                entry.fate = Fate::InFlight;
                self.lost = self.lost.saturating_sub(1);
                self.count = self.count.wrapping_add(1);
                if let Some(transmission) = self.transmission(number) {
                    transmission.fate = Fate::InFlight;
                }
                if is_before(number, self.oldest) {
                    self.oldest = number;
                }
            }
            number = number.wrapping_add(1);
        }
    }

    /// Moves on to the oldest of each that still matters.
    pub(crate) fn advance(&mut self) {
        while self.oldest != self.newest.wrapping_add(1)
            && self.transmission(self.oldest).is_none_or(|transmission| transmission.fate != Fate::InFlight)
        {
            self.oldest = self.oldest.wrapping_add(1);
        }
        while self.first != self.next && self.is(self.first, Fate::Acknowledged) {
            self.first = self.first.wrapping_add(1);
        }
    }

    /// Whether a segment was sent and is not behind the window yet.
    pub(crate) fn is_begun(&self, number: u32) -> bool {
        number.wrapping_sub(self.first) < self.next.wrapping_sub(self.first)
    }

    pub(crate) fn is(&mut self, number: u32, fate: Fate) -> bool {
        self.segment(number).is_some_and(|segment| segment.fate == fate)
    }

    #[cfg_attr(target_os = "none", inline(never))] // for size: core/panic-check/run shows it
    pub(crate) fn segment(&mut self, number: u32) -> Option<&mut Segment> {
        let values = self.segments.values_mut();
        let place = place(number, values.len());
        values.get_mut(place)
    }

    #[cfg_attr(target_os = "none", inline(never))] // for size: core/panic-check/run shows it
    pub(crate) fn transmission(&mut self, number: u32) -> Option<&mut Transmission> {
        if number.wrapping_sub(self.remembered) >= self.newest.wrapping_add(1).wrapping_sub(self.remembered) {
            return None;
        }
        let values = self.transmissions.values_mut().as_flattened_mut();
        let place = place(number, values.len());
        values.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdt::Fixed;

    #[test]
    fn what_was_sent_three_times_and_acknowledged_once_leaves_nothing_under_way() {
        let mut flight = Flight::<Fixed<1, 4>>::new();
        assert!(flight.has_room());
        for _ in 0..3 {
            assert!(flight.send(Instant::ZERO, 0, Form::Whole));
        }
        assert_eq!(flight.settle(1), Some((0, Fate::InFlight)));
        assert!(flight.take(0));
        flight.advance();
        assert_eq!((flight.first, flight.next), (1, 1));
        flight.release();
        assert_eq!(flight.count, 0);
    }
}
