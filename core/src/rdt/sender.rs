//! The sending half of a connection: window, acknowledgements, loss, time-outs. Window 1 is stop-and-wait.
//!
//! ```text
//!   segments       first ........ next ........ limit          what may be sent: before `limit`, in the window
//!                  A  F  L  F  F                               acknowledged, in flight, lost
//!   transmissions  oldest ......... newest                     each sending has a number of its own
//! ```
//!
//! A transmission is lost when one sent [`REORDERING_FIRST`] numbers later was acknowledged (more, once the
//! network has shown that it reorders), or one sent 9/8 of a round-trip time later (RFC 9002 section 6.1; up to two
//! round-trip times, once it has). A lost
//! repeat is found in the same way, without a timer. When nothing comes back, the time-out of RFC 6298 takes all for
//! lost, begins again at the first segment with a small window, and doubles.
//!
//! What was taken for lost is remembered as long as the memory lasts, as it may be acknowledged after all.

use super::{
    Counters,
    controller::Controller,
    outgoing::{Outgoing, Place},
    profile::{Profile, power_below},
    rtt::{Bounds, Rtt},
};
use crate::{Instant, Memory, wire::rdt::Map};

/// How many numbers an acknowledged transmission may be ahead at first (RFC 9002 section 6.1.1).
pub(crate) const REORDERING_FIRST: u64 = 3;
/// The most that reordering can raise it to.
const REORDERING_MAX: u64 = 128;
/// The same for the time, in eighths of the round trip.
const PATIENCE_MAX: u8 = 8;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    InFlight,
    Acknowledged,
    /// Overtaken by too much.
    Lost,
    /// Nothing came back in time. Of a transmission only: its segment is lost.
    Expired,
}

/// One sending of a segment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transmission {
    sent: Instant,
    /// The low bits of the segment's number.
    segment: u32,
    fate: Fate,
}

/// One segment of the window.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment {
    /// The low bits of its newest transmission's number.
    newest: u32,
    fate: Fate,
    repeated: bool,
}

/// Equal datagrams to be sent now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    pub(crate) first_segment: u64,
    pub(crate) first_transmission: u64,
    pub(crate) count: usize,
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) struct Sender<P: Profile> {
    pub(crate) content: Outgoing<P::Outbox>,
    segments: P::Segments,
    transmissions: P::Transmissions,
    /// The oldest segment that is not acknowledged.
    first: u64,
    /// The next segment that was never sent.
    next: u64,
    /// Segments before this one may be sent: what the peer said.
    limit: u64,
    /// The oldest transmission that is remembered, whatever became of it.
    remembered: u64,
    /// The oldest transmission in flight; the one after the newest when there is none.
    oldest: u64,
    newest: u64,
    in_flight: u32,
    lost: u32,
    /// No segment before this one is lost.
    lost_from: u64,
    largest_acknowledged: u64,
    reordering: u64,
    /// How much longer than a round trip an acknowledgement may take, in eighths.
    patience: u8,
    controller: Controller,
    pub(crate) rtt: Rtt,
    /// The time-out, while something is in flight or the peer's limit is in the way.
    timeout: Option<Instant>,
    /// When an older transmission counts as lost, because a later one was acknowledged.
    loss_at: Option<Instant>,
    tries: u8,
    size: u64,
    asks_for_room: bool,
    pub(crate) bytes_acknowledged: u64,
}

impl<P: Profile> Sender<P> {
    pub(crate) fn new() -> Self {
        Self {
            content: Outgoing::default(),
            segments: P::Segments::default(),
            transmissions: P::Transmissions::default(),
            first: 0,
            next: 0,
            limit: 0,
            remembered: 1,
            oldest: 1,
            newest: 0,
            in_flight: 0,
            lost: 0,
            lost_from: 0,
            largest_acknowledged: 0,
            reordering: REORDERING_FIRST,
            patience: 1,
            controller: Controller::new(1),
            rtt: Rtt::default(),
            timeout: None,
            loss_at: None,
            tries: 0,
            size: 1,
            asks_for_room: false,
            bytes_acknowledged: 0,
        }
    }

    /// The connection is open: segments of `size` bytes, at most `window` of them under way.
    pub(crate) fn open(&mut self, size: u16, window: u32, limit: u64) {
        self.size = u64::from(size.max(1));
        let bound = power_below(self.segments.bound().min(self.transmissions.bound()));
        self.controller = Controller::new(window.min(bound as u32));
        self.limit = limit;
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// How many segments there were so far.
    pub(crate) const fn segments_sent(&self) -> u64 {
        self.next
    }

    /// Whether all content was acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.content.is_empty()
    }

    /// When [`Sender::expire`] is to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match (self.timeout, self.loss_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// The next datagrams, up to `most` of equal size (only the last may be shorter).
    pub(crate) fn batch(
        &mut self,
        now: Instant,
        most: usize,
        bounds: &Bounds,
        counters: &mut Counters,
    ) -> Option<Batch> {
        let window = self.controller.window();
        let most = most.min(window.saturating_sub(self.in_flight) as usize);
        if most == 0 {
            return None;
        }
        let repeat = self.next_lost();
        let segment = repeat.unwrap_or(self.next);
        if segment >= self.limit {
            self.wait_for_room(now, bounds);
            return None;
        }
        if repeat.is_none() && !self.has_room_for_segment() {
            return None;
        }
        let place = self.content.place(segment, self.size)?;
        let fits = match place {
            Place::Message { .. } => 1,
            Place::Range { left, .. } => super::outgoing::segments(left, self.size),
        };
        let most = (most as u64).min(fits).min(self.limit.saturating_sub(segment)) as usize;
        let first_transmission = self.newest.saturating_add(1);
        let mut count = 0_usize;
        while count < most {
            let this = segment.saturating_add(count as u64);
            let fits = match repeat {
                Some(_) => {
                    this < self.next && self.segment(this).is_some_and(|segment| segment.fate == Fate::Lost)
                }
                None => self.has_room_for_segment(),
            };
            if !fits || !self.transmit(now, this) {
                break;
            }
            count = count.saturating_add(1);
        }
        if count == 0 {
            return None;
        }
        counters.sent = counters.sent.saturating_add(count as u64);
        if repeat.is_some() {
            counters.resent = counters.resent.saturating_add(count as u64);
        }
        if self.timeout.is_none() || self.asks_for_room {
            self.asks_for_room = false;
            self.timeout = Some(now.plus_micros(self.rtt.timeout(bounds)));
        }
        Some(Batch { first_segment: segment, first_transmission, count, place })
    }

    /// An acknowledgement of skep's own: transmissions, and the segments before `next`. `false`: it lies.
    #[must_use]
    pub(crate) fn acknowledged(
        &mut self,
        now: Instant,
        ack: (u32, u32, u32, u16, Map),
        bounds: &Bounds,
        counters: &mut Counters,
    ) -> bool {
        let (top, next, limit, delay, map) = ack;
        let top = expand(top, self.newest);
        let next = expand(next, self.next);
        if top > self.newest || next > self.next {
            return false;
        }
        let before = self.tally();
        if let Some(transmission) =
            self.transmission(top).filter(|that| that.fate != Fate::Acknowledged && top > 0)
        {
            let sent = transmission.sent;
            // A delay of all ones says only that it was long.
            if delay < u16::MAX {
                self.rtt.sample(sent, now, u64::from(delay));
            }
        }
        let lowest = self.remembered.max(top.saturating_sub(Map::SPAN));
        for number in lowest..=top {
            if number == top || map.contains(top.saturating_sub(number)) {
                self.settle(number, counters);
            }
        }
        for segment in self.first..next {
            self.take(segment);
        }
        // An acknowledgement that was overtaken tells of a limit that holds no more.
        let is_current = top >= self.largest_acknowledged;
        if is_current {
            self.limit = expand(limit, self.next).max(next).max(self.first);
        }
        self.largest_acknowledged = self.largest_acknowledged.max(top);
        let asked = self.asks_for_room;
        self.conclude(now, before, bounds, counters);
        // The peer lives, and has its reasons to take nothing: it is asked for ever, but ever more seldom. Not so one
        // that acknowledged a segment and has it not, as a damaged datagram may make it do.
        if asked && is_current && next >= self.first {
            self.tries = 0;
        }
        true
    }

    /// A known peer acknowledged the INFO with this number. `false`: it is an old one, or lies.
    #[must_use]
    pub(crate) fn acknowledged_segment(
        &mut self,
        now: Instant,
        number: u32,
        bounds: &Bounds,
        counters: &mut Counters,
    ) -> bool {
        let segment = expand(number, self.first);
        if segment < self.first || segment >= self.next {
            return false;
        }
        let before = self.tally();
        let Some(&Segment { newest, repeated, fate }) = self.segment(segment) else { return false };
        if fate == Fate::Acknowledged {
            return false;
        }
        let newest = expand(newest, self.newest);
        // Karn's rule: of what was sent twice nobody knows which one is acknowledged.
        if !repeated {
            if let Some(sent) = self.transmission(newest).map(|transmission| transmission.sent) {
                self.rtt.sample(sent, now, 0);
            }
            self.largest_acknowledged = self.largest_acknowledged.max(newest);
        }
        self.settle(newest, counters);
        self.take(segment);
        self.conclude(now, before, bounds, counters);
        true
    }

    /// How many ranges of files were acknowledged to their end since the last call.
    pub(crate) fn take_complete(&mut self) -> u8 {
        let ranges = self.content.acknowledged(self.first, self.size);
        if self.is_done() && self.first == self.next {
            // An idle connection keeps no window.
            self.segments.release();
            self.transmissions.release();
            self.oldest = self.newest.saturating_add(1);
            self.remembered = self.oldest;
        }
        ranges
    }

    /// A deadline has come. `Err`: the peer was given up.
    pub(crate) fn expire(
        &mut self,
        now: Instant,
        tries_max: u8,
        bounds: &Bounds,
        counters: &mut Counters,
    ) -> Result<Expired, ()> {
        if self.loss_at.is_some_and(|at| at <= now) {
            let lost = self.find_lost(now, bounds);
            self.report(0, lost, counters);
        }
        if self.timeout.is_none_or(|at| at > now) {
            return Ok(Expired::Nothing);
        }
        self.timeout = None;
        if self.tries >= tries_max {
            return Err(());
        }
        self.tries = self.tries.saturating_add(1);
        self.rtt.back_off();
        counters.timeouts = counters.timeouts.saturating_add(1);
        if self.asks_for_room {
            self.timeout = Some(now.plus_micros(self.rtt.timeout(bounds)));
            return Ok(Expired::AskForRoom);
        }
        self.controller.timed_out();
        self.loss_at = None;
        let mut number = self.oldest;
        while number <= self.newest {
            if self.lose(number, Fate::Expired) {
                counters.lost = counters.lost.saturating_add(1);
            }
            number = number.saturating_add(1);
        }
        self.settle_oldest();
        // What is repeated starts the time-out again; if the peer has no room for it, asking does.
        Ok(Expired::Nothing)
    }

    /// Forgets all content; nothing more is sent or expected.
    pub(crate) fn stop(&mut self) {
        self.content.clear();
        self.segments.release();
        self.transmissions.release();
        self.first = self.next;
        self.oldest = self.newest.saturating_add(1);
        self.remembered = self.oldest;
        self.in_flight = 0;
        self.lost = 0;
        self.timeout = None;
        self.loss_at = None;
        self.tries = 0;
        self.rtt.recover();
    }

    fn wait_for_room(&mut self, now: Instant, bounds: &Bounds) {
        if self.timeout.is_none() && !self.is_done() {
            self.asks_for_room = true;
            self.timeout = Some(now.plus_micros(self.rtt.timeout(bounds)));
        }
    }

    /// Whether a segment that was never sent fits into the window's memory; makes more when it may.
    fn has_room_for_segment(&mut self) -> bool {
        let used = self.next.saturating_sub(self.first);
        let length = self.segments.values().len();
        if used < length as u64 {
            return true;
        }
        let bound = power_below(self.segments.bound().min(self.transmissions.bound()));
        if length >= bound {
            return false;
        }
        // A small memory is taken whole; a large one is doubled when it is needed.
        let longer = if bound <= 32 { bound } else { length.saturating_mul(2).max(32) };
        self.segments.grow(longer, Segment::default);
        let pairs = self.transmissions.values().len();
        self.transmissions.grow(longer, Default::default);
        rearrange(self.segments.values_mut(), length, self.first, self.next);
        let end = self.newest.saturating_add(1);
        let before = pairs.saturating_mul(2);
        rearrange(self.transmissions.values_mut().as_flattened_mut(), before, self.remembered, end);
        true
    }

    fn next_lost(&mut self) -> Option<u64> {
        if self.lost == 0 {
            return None;
        }
        let mut segment = self.lost_from.max(self.first);
        while segment < self.next {
            if self.segment(segment).is_some_and(|segment| segment.fate == Fate::Lost) {
                self.lost_from = segment;
                return Some(segment);
            }
            segment = segment.saturating_add(1);
        }
        self.lost = 0;
        None
    }

    fn transmit(&mut self, now: Instant, segment: u64) -> bool {
        let number = self.newest.saturating_add(1);
        let length = self.transmissions.values().len().saturating_mul(2) as u64;
        if number.saturating_sub(self.oldest) >= length {
            return false;
        }
        self.newest = number;
        self.remembered = self.remembered.max(number.saturating_add(1).saturating_sub(length));
        if let Some(transmission) = self.transmission_mut(number) {
            *transmission = Transmission { sent: now, segment: segment as u32, fate: Fate::InFlight };
        }
        let is_new = segment == self.next;
        if is_new {
            self.next = segment.saturating_add(1);
        } else {
            self.lost = self.lost.saturating_sub(1);
        }
        if let Some(segment) = self.segment_mut(segment) {
            *segment = Segment { newest: number as u32, fate: Fate::InFlight, repeated: !is_new };
        }
        self.in_flight = self.in_flight.saturating_add(1);
        true
    }

    /// A transmission was acknowledged.
    fn settle(&mut self, number: u64, counters: &mut Counters) {
        let newest = self.newest;
        let Some(transmission) = self.transmission_mut(number) else { return };
        let segment = transmission.segment;
        match core::mem::replace(&mut transmission.fate, Fate::Acknowledged) {
            Fate::Acknowledged => return,
            Fate::InFlight => self.in_flight = self.in_flight.saturating_sub(1),
            Fate::Lost => {
                // It was late, not lost: from now on the network is given that much more room.
                counters.spurious = counters.spurious.saturating_add(1);
                let ahead = newest.saturating_sub(number).saturating_add(1);
                self.reordering = self.reordering.max(ahead).min(REORDERING_MAX);
                self.patience = self.patience.saturating_add(1).min(PATIENCE_MAX);
            }
            // The acknowledgement was late, or the only one that was not lost.
            Fate::Expired => counters.spurious = counters.spurious.saturating_add(1),
        }
        self.take(expand(segment, self.next));
    }

    /// A segment was acknowledged, by whichever transmission.
    fn take(&mut self, number: u64) {
        if number < self.first || number >= self.next {
            return;
        }
        let Some(segment) = self.segment_mut(number) else { return };
        let newest = segment.newest;
        match core::mem::replace(&mut segment.fate, Fate::Acknowledged) {
            Fate::Acknowledged => return,
            Fate::Lost | Fate::Expired => self.lost = self.lost.saturating_sub(1),
            Fate::InFlight => {
                // Its newest transmission need not be waited for.
                let newest = expand(newest, self.newest);
                if let Some(transmission) =
                    self.transmission_mut(newest).filter(|that| that.fate == Fate::InFlight)
                {
                    transmission.fate = Fate::Acknowledged;
                    self.in_flight = self.in_flight.saturating_sub(1);
                }
            }
        }
        let bytes = match self.content.place(number, self.size) {
            Some(Place::Message { length, .. }) => length as u64,
            Some(Place::Range { left, .. }) => left.min(self.size),
            None => 0,
        };
        self.bytes_acknowledged = self.bytes_acknowledged.saturating_add(bytes);
    }

    /// Takes a transmission for lost, if it is in flight.
    fn lose(&mut self, number: u64, fate: Fate) -> bool {
        let Some(transmission) = self.transmission_mut(number).filter(|that| that.fate == Fate::InFlight)
        else {
            return false;
        };
        transmission.fate = fate;
        let segment = transmission.segment;
        self.in_flight = self.in_flight.saturating_sub(1);
        let segment_number = expand(segment, self.next);
        if let Some(segment) = self.segment_mut(segment_number)
            && segment.newest == number as u32
            && segment.fate == Fate::InFlight
        {
            segment.fate = Fate::Lost;
            self.lost_from = if self.lost == 0 { segment_number } else { self.lost_from.min(segment_number) };
            self.lost = self.lost.saturating_add(1);
        }
        true
    }

    /// Declares lost what later transmissions have overtaken by too much, and says how many these are; sets the
    /// moment of the next.
    fn find_lost(&mut self, now: Instant, bounds: &Bounds) -> u32 {
        let mut count = 0_u32;
        self.loss_at = None;
        let wait = self.rtt.reordering(self.patience, bounds);
        let mut number = self.oldest;
        while number < self.largest_acknowledged {
            if let Some(&Transmission { sent, fate: Fate::InFlight, .. }) = self.transmission(number) {
                let overtaken = number.saturating_add(self.reordering) <= self.largest_acknowledged;
                let late = sent.plus_micros(wait);
                if overtaken || late <= now {
                    self.lose(number, Fate::Lost);
                    count = count.saturating_add(1);
                } else if self.loss_at.is_none_or(|at| late < at) {
                    self.loss_at = Some(late);
                }
            }
            number = number.saturating_add(1);
        }
        self.settle_oldest();
        count
    }

    fn settle_oldest(&mut self) {
        while self.oldest <= self.newest
            && self.transmission(self.oldest).is_none_or(|transmission| transmission.fate != Fate::InFlight)
        {
            self.oldest = self.oldest.saturating_add(1);
        }
        while self.first < self.next
            && self.segment(self.first).is_some_and(|segment| segment.fate == Fate::Acknowledged)
        {
            self.first = self.first.saturating_add(1);
        }
    }

    /// What an acknowledgement changed, all its parts taken together.
    fn conclude(&mut self, now: Instant, before: (u32, u64), bounds: &Bounds, counters: &mut Counters) {
        let acknowledged = before.0.saturating_sub(self.in_flight);
        let progress = self.bytes_acknowledged != before.1;
        let lost = self.find_lost(now, bounds);
        self.report(acknowledged, lost, counters);
        let blocked = self.next_lost().unwrap_or(self.next) >= self.limit;
        if progress || self.asks_for_room && !blocked {
            self.tries = 0;
            self.rtt.recover();
            self.asks_for_room = false;
            self.timeout = (self.in_flight > 0).then(|| now.plus_micros(self.rtt.timeout(bounds)));
        }
    }

    fn tally(&self) -> (u32, u64) {
        (self.in_flight, self.bytes_acknowledged)
    }

    fn report(&mut self, acknowledged: u32, lost: u32, counters: &mut Counters) {
        counters.lost = counters.lost.saturating_add(u64::from(lost));
        self.controller.update(acknowledged, lost, self.oldest, self.newest.saturating_add(1));
    }

    fn segment(&self, number: u64) -> Option<&Segment> {
        let values = self.segments.values();
        values.get(place(number, values.len()))
    }

    fn segment_mut(&mut self, number: u64) -> Option<&mut Segment> {
        let values = self.segments.values_mut();
        let place = place(number, values.len());
        values.get_mut(place)
    }

    fn transmission(&self, number: u64) -> Option<&Transmission> {
        if number < self.remembered {
            return None;
        }
        let values = self.transmissions.values().as_flattened();
        values.get(place(number, values.len()))
    }

    fn transmission_mut(&mut self, number: u64) -> Option<&mut Transmission> {
        if number < self.remembered {
            return None;
        }
        let values = self.transmissions.values_mut().as_flattened_mut();
        let place = place(number, values.len());
        values.get_mut(place)
    }
}

/// What a deadline asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Nothing besides the next batch.
    Nothing,
    /// Ask the peer whether it has room now.
    AskForRoom,
}

/// Where an entry of a ring stands whose length is a power of two.
const fn place(number: u64, length: usize) -> usize {
    number as usize & length.wrapping_sub(1)
}

/// A ring grew from `before` entries to twice as many or more: moves the entries `from..to` to their new places.
fn rearrange<T: Copy>(values: &mut [T], before: usize, from: u64, to: u64) {
    if before == 0 {
        return;
    }
    let length = values.len();
    for number in from..to {
        let (old, new) = (place(number, before), place(number, length));
        if old != new
            && let Some(&value) = values.get(old)
            && let Some(entry) = values.get_mut(new)
        {
            *entry = value;
        }
    }
}

/// The number whose low 32 bits are `low`, nearest to `near`.
#[inline(never)] // for size: core/panic-check/run shows it
pub(crate) const fn expand(low: u32, near: u64) -> u64 {
    let ahead = low.wrapping_sub(near as u32).cast_signed();
    let number = near.wrapping_add(ahead as i64 as u64);
    // Below zero there is nothing: such a number can only be far ahead.
    if ahead < 0 && number > near { near.wrapping_add(low.wrapping_sub(near as u32) as u64) } else { number }
}
