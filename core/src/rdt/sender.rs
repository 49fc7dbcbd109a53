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
//!
//! Numbers are the 32 bits that go over the wire, and wrap: all that are in use lie within a window of each other.

use super::{
    Settings,
    controller::Controller,
    outgoing::{self, Outgoing, Place},
    profile::{Profile, power_below},
    rtt::Rtt,
    tally::Tally,
};
use crate::{
    Instant, Memory,
    wire::rdt::{Map, Own},
};

/// How many numbers an acknowledged transmission may be ahead at first (RFC 9002 section 6.1.1).
pub(crate) const REORDERING_FIRST: u32 = 3;
/// The most that reordering can raise it to.
const REORDERING_MAX: u32 = 128;
/// The same for the time, in eighths of the round trip.
const PATIENCE_MAX: u8 = 8;
/// How far ahead the limit lies of a peer that sets none, and the most of one that does.
pub(crate) const UNLIMITED: u32 = 1 << 30;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmission {
    sent: Instant,
    segment: u32,
    fate: Fate,
}

/// One segment of the window.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Segment {
    /// Its newest transmission.
    newest: u32,
    fate: Fate,
    repeated: bool,
}

/// Equal datagrams to be sent now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    pub(crate) first_segment: u32,
    pub(crate) first_transmission: u32,
    pub(crate) count: u32,
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) struct Sender<P: Profile> {
    pub(crate) content: Outgoing<P::Outbox>,
    segments: P::Segments,
    transmissions: P::Transmissions,
    /// The oldest segment that is not acknowledged.
    first: u32,
    /// The next segment that was never sent.
    next: u32,
    /// Segments before this one may be sent: what the peer said.
    limit: u32,
    /// The oldest transmission that is remembered, whatever became of it.
    remembered: u32,
    /// The oldest transmission in flight; the one after the newest when there is none.
    oldest: u32,
    newest: u32,
    in_flight: u32,
    lost: u32,
    /// No segment before this one is lost.
    lost_from: u32,
    largest_acknowledged: u32,
    reordering: u32,
    /// How much longer than a round trip an acknowledgement may take, in eighths.
    patience: u8,
    controller: Controller,
    pub(crate) rtt: Rtt,
    /// The time-out, while something is in flight or the peer's limit is in the way; else `FAR`.
    timeout: Instant,
    /// When an older transmission counts as lost, because a later one was acknowledged; else `FAR`.
    loss_at: Instant,
    tries: u8,
    size: u16,
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
            timeout: Instant::FAR,
            loss_at: Instant::FAR,
            tries: 0,
            size: 1,
            asks_for_room: false,
            bytes_acknowledged: 0,
        }
    }

    /// The connection is open: segments of `size` bytes, at most `window` of them under way.
    pub(crate) fn open(&mut self, size: u16, window: u32, limit: u32) {
        self.size = size.max(1);
        self.controller = Controller::new(window.min(self.bound() as u32));
        self.limit = limit.min(UNLIMITED);
    }

    /// The most segments in the window.
    fn bound(&self) -> usize {
        power_below(self.segments.bound().min(self.transmissions.bound()))
    }

    /// How many segments there were so far: the number of the next.
    pub(crate) const fn segments_sent(&self) -> u32 {
        self.next
    }

    /// Whether all content was acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.content.is_empty()
    }

    /// When [`Sender::expire`] is to be called; `FAR` for never.
    pub(crate) fn deadline(&self) -> Instant {
        self.timeout.min(self.loss_at)
    }

    /// The next datagrams, up to `most` of equal size (only the last may be shorter).
    pub(crate) fn batch(
        &mut self,
        now: Instant,
        most: usize,
        settings: &Settings,
        tally: &mut Tally,
    ) -> Option<Batch> {
        let window = self.controller.window();
        let most = most.min(window.saturating_sub(self.in_flight) as usize);
        if most == 0 {
            return None;
        }
        let repeat = self.next_lost();
        let segment = repeat.unwrap_or(self.next);
        let open = self.limit.wrapping_sub(segment).cast_signed();
        if open <= 0 {
            self.wait_for_room(now, settings);
            return None;
        }
        if repeat.is_none() && !self.has_room_for_segment() {
            return None;
        }
        let place = self.content.place(segment, self.size)?;
        let left = match place {
            Place::Message { .. } => 1,
            Place::Range { left, .. } => left,
        };
        let most = (most as u32).min(open.cast_unsigned());
        let first_transmission = self.newest.wrapping_add(1);
        let mut count = 0_u32;
        while count < most && outgoing::bytes(count, self.size) < left {
            let this = segment.wrapping_add(count);
            let fits = match repeat {
                Some(_) => this != self.next && self.is(this, Fate::Lost),
                None => self.has_room_for_segment(),
            };
            if !fits || !self.transmit(now, this) {
                break;
            }
            count = count.wrapping_add(1);
        }
        if count == 0 {
            return None;
        }
        tally.sent.add(count);
        if repeat.is_some() {
            tally.resent.add(count);
        }
        if self.timeout == Instant::FAR || self.asks_for_room {
            self.asks_for_room = false;
            self.wait(now, settings);
        }
        Some(Batch { first_segment: segment, first_transmission, count, place })
    }

    /// An acknowledgement of skep's own: transmissions, and the segments before `next`. `false`: it lies.
    #[must_use]
    pub(crate) fn acknowledged(
        &mut self,
        now: Instant,
        packet: &Own<'_>,
        settings: &Settings,
        tally: &mut Tally,
    ) -> bool {
        let Own::Ack { top, next, limit, delay, ref map } = *packet else { return false };
        if is_before(self.newest, top) || is_before(self.next, next) {
            return false;
        }
        let before = self.progress();
        // A delay of all ones says only that it was long.
        if let Some(&mut Transmission { sent, fate, .. }) = self.transmission(top)
            && fate != Fate::Acknowledged
            && delay < u16::MAX
        {
            self.rtt.sample(sent, now, u32::from(delay));
        }
        if !is_before(top, self.remembered) {
            let mut distance = top.wrapping_sub(self.remembered).min(Map::SPAN as u32);
            while distance > 0 {
                if map.contains(u64::from(distance)) {
                    self.settle(top.wrapping_sub(distance), tally);
                }
                distance = distance.wrapping_sub(1);
            }
            self.settle(top, tally);
        }
        let mut segment = self.first;
        while is_before(segment, next) {
            self.take(segment);
            segment = segment.wrapping_add(1);
        }
        // An acknowledgement that was overtaken tells of a limit that holds no more.
        let is_current = !is_before(top, self.largest_acknowledged);
        if is_current {
            self.limit = later(later(limit, next), self.first);
            self.largest_acknowledged = top;
        }
        let asked = self.asks_for_room;
        self.conclude(now, before, settings, tally);
        // The peer lives, and has its reasons to take nothing: it is asked for ever, but ever more seldom. Not so one
        // that acknowledged a segment and has it not, as a damaged datagram may make it do.
        if asked && is_current && !is_before(next, self.first) {
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
        settings: &Settings,
        tally: &mut Tally,
    ) -> bool {
        if !self.is_begun(number) {
            return false;
        }
        let before = self.progress();
        let Some(&mut Segment { newest, repeated, fate }) = self.segment(number) else { return false };
        if fate == Fate::Acknowledged {
            return false;
        }
        // Karn's rule: of what was sent twice nobody knows which one is acknowledged.
        if !repeated {
            if let Some(&mut Transmission { sent, .. }) = self.transmission(newest) {
                self.rtt.sample(sent, now, 0);
            }
            self.largest_acknowledged = later(self.largest_acknowledged, newest);
        }
        self.settle(newest, tally);
        self.take(number);
        self.conclude(now, before, settings, tally);
        self.limit = self.first.wrapping_add(UNLIMITED);
        true
    }

    /// How many ranges of files were acknowledged to their end since the last call.
    pub(crate) fn take_complete(&mut self) -> u8 {
        let ranges = self.content.acknowledged(self.first, self.size);
        if self.is_done() && self.first == self.next {
            // An idle connection keeps no window.
            self.forget();
        }
        ranges
    }

    fn forget(&mut self) {
        self.segments.release();
        self.transmissions.release();
        self.oldest = self.newest.wrapping_add(1);
        self.remembered = self.oldest;
    }

    /// A deadline has come. `Err`: the peer was given up.
    pub(crate) fn expire(
        &mut self,
        now: Instant,
        settings: &Settings,
        tally: &mut Tally,
    ) -> Result<Expired, ()> {
        if self.loss_at <= now {
            self.find_lost(now, 0, settings, tally);
        }
        if self.timeout > now {
            return Ok(Expired::Nothing);
        }
        self.timeout = Instant::FAR;
        if self.tries >= settings.tries {
            return Err(());
        }
        // Below the number of tries.
        self.tries = self.tries.wrapping_add(1);
        self.rtt.back_off();
        tally.timeouts.add(1);
        log!(trace, "rdt: time-out {} of {}", self.tries, settings.tries);
        if self.asks_for_room {
            self.wait(now, settings);
            return Ok(Expired::AskForRoom);
        }
        self.controller.timed_out();
        self.loss_at = Instant::FAR;
        let mut number = self.oldest;
        while number != self.newest.wrapping_add(1) {
            if self.lose(number, Fate::Expired) {
                tally.lost.add(1);
            }
            number = number.wrapping_add(1);
        }
        self.settle_oldest();
        // What is repeated starts the time-out again; if the peer has no room for it, asking does.
        Ok(Expired::Nothing)
    }

    /// Forgets all content; nothing more is sent or expected.
    pub(crate) fn stop(&mut self) {
        self.content.clear();
        self.forget();
        self.first = self.next;
        self.in_flight = 0;
        self.lost = 0;
        self.timeout = Instant::FAR;
        self.loss_at = Instant::FAR;
        self.tries = 0;
        self.rtt.recover();
    }

    fn wait_for_room(&mut self, now: Instant, settings: &Settings) {
        if self.timeout == Instant::FAR && !self.is_done() {
            self.asks_for_room = true;
            self.wait(now, settings);
        }
    }

    /// Starts the time-out.
    fn wait(&mut self, now: Instant, settings: &Settings) {
        self.timeout = now.plus_micros(self.rtt.timeout(settings).into());
    }

    /// Whether a segment that was never sent fits into the window's memory; makes more when it may.
    fn has_room_for_segment(&mut self) -> bool {
        let used = self.next.wrapping_sub(self.first) as usize;
        let length = self.segments.values().len();
        if used < length {
            return true;
        }
        let bound = self.bound();
        if length >= bound {
            return false;
        }
        // A small memory is taken whole; a large one is doubled when it is needed.
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

    fn next_lost(&mut self) -> Option<u32> {
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

    fn transmit(&mut self, now: Instant, segment: u32) -> bool {
        let number = self.newest.wrapping_add(1);
        let length = self.transmissions.values().as_flattened().len() as u32;
        if number.wrapping_sub(self.oldest) >= length {
            return false;
        }
        self.newest = number;
        if number.wrapping_sub(self.remembered) >= length {
            self.remembered = self.remembered.wrapping_add(1);
        }
        if let Some(transmission) = self.transmission(number) {
            *transmission = Transmission { sent: now, segment, fate: Fate::InFlight };
        }
        let is_new = segment == self.next;
        if is_new {
            self.next = segment.wrapping_add(1);
        } else {
            self.lost = self.lost.saturating_sub(1);
        }
        if let Some(segment) = self.segment(segment) {
            *segment = Segment { newest: number, fate: Fate::InFlight, repeated: !is_new };
        }
        self.in_flight = self.in_flight.wrapping_add(1);
        true
    }

    /// A transmission was acknowledged.
    fn settle(&mut self, number: u32, tally: &mut Tally) {
        let newest = self.newest;
        let Some(transmission) = self.transmission(number) else { return };
        let segment = transmission.segment;
        match core::mem::replace(&mut transmission.fate, Fate::Acknowledged) {
            Fate::Acknowledged => return,
            Fate::InFlight => self.in_flight = self.in_flight.saturating_sub(1),
            Fate::Lost => {
                // It was late, not lost: from now on the network is given that much more room.
                tally.spurious.add(1);
                let ahead = newest.wrapping_sub(number).wrapping_add(1);
                self.reordering = self.reordering.max(ahead).min(REORDERING_MAX);
                self.patience = self.patience.wrapping_add(1).min(PATIENCE_MAX);
            }
            // The acknowledgement was late, or the only one that was not lost.
            Fate::Expired => tally.spurious.add(1),
        }
        self.take(segment);
    }

    /// A segment was acknowledged, by whichever transmission.
    fn take(&mut self, number: u32) {
        if !self.is_begun(number) {
            return;
        }
        let Some(segment) = self.segment(number) else { return };
        let newest = segment.newest;
        match core::mem::replace(&mut segment.fate, Fate::Acknowledged) {
            Fate::Acknowledged => return,
            Fate::Lost | Fate::Expired => self.lost = self.lost.saturating_sub(1),
            Fate::InFlight => {
                // Its newest transmission need not be waited for.
                if let Some(transmission) =
                    self.transmission(newest).filter(|that| that.fate == Fate::InFlight)
                {
                    transmission.fate = Fate::Acknowledged;
                    self.in_flight = self.in_flight.saturating_sub(1);
                }
            }
        }
        let bytes = match self.content.place(number, self.size) {
            Some(Place::Message { length, .. }) => length as u64,
            Some(Place::Range { left, .. }) => left.min(self.size.into()),
            None => 0,
        };
        self.bytes_acknowledged = self.bytes_acknowledged.wrapping_add(bytes);
    }

    /// Takes a transmission for lost, if it is in flight.
    fn lose(&mut self, number: u32, fate: Fate) -> bool {
        let Some(transmission) = self.transmission(number).filter(|that| that.fate == Fate::InFlight) else {
            return false;
        };
        transmission.fate = fate;
        let segment_number = transmission.segment;
        self.in_flight = self.in_flight.saturating_sub(1);
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
        true
    }

    /// Declares lost what later transmissions have overtaken by too much; sets the moment of the next. So many
    /// transmissions were acknowledged since the last time.
    fn find_lost(&mut self, now: Instant, acknowledged: u32, settings: &Settings, tally: &mut Tally) {
        let mut count = 0_u32;
        self.loss_at = Instant::FAR;
        let wait = self.rtt.reordering(self.patience, settings);
        let mut number = self.oldest;
        while is_before(number, self.largest_acknowledged) {
            if let Some(&mut Transmission { sent, fate: Fate::InFlight, .. }) = self.transmission(number) {
                let overtaken = self.largest_acknowledged.wrapping_sub(number) >= self.reordering;
                let late = sent.plus_micros(wait.into());
                if overtaken || late <= now {
                    self.lose(number, Fate::Lost);
                    count = count.wrapping_add(1);
                } else {
                    self.loss_at = self.loss_at.min(late);
                }
            }
            number = number.wrapping_add(1);
        }
        self.settle_oldest();
        tally.lost.add(count);
        self.controller.update(acknowledged, count, self.oldest, self.newest.wrapping_add(1));
    }

    fn settle_oldest(&mut self) {
        while self.oldest != self.newest.wrapping_add(1)
            && self.transmission(self.oldest).is_none_or(|transmission| transmission.fate != Fate::InFlight)
        {
            self.oldest = self.oldest.wrapping_add(1);
        }
        while self.first != self.next && self.is(self.first, Fate::Acknowledged) {
            self.first = self.first.wrapping_add(1);
        }
    }

    /// What an acknowledgement changed, all its parts taken together.
    fn conclude(&mut self, now: Instant, before: (u32, u64), settings: &Settings, tally: &mut Tally) {
        let acknowledged = before.0.saturating_sub(self.in_flight);
        let progress = self.bytes_acknowledged != before.1;
        self.find_lost(now, acknowledged, settings, tally);
        let next = self.next_lost().unwrap_or(self.next);
        if progress || self.asks_for_room && is_before(next, self.limit) {
            self.tries = 0;
            self.rtt.recover();
            self.asks_for_room = false;
            self.timeout = Instant::FAR;
            if self.in_flight > 0 {
                self.wait(now, settings);
            }
        }
    }

    fn progress(&self) -> (u32, u64) {
        (self.in_flight, self.bytes_acknowledged)
    }

    /// Whether a segment was sent and is not behind the window yet.
    fn is_begun(&self, number: u32) -> bool {
        number.wrapping_sub(self.first) < self.next.wrapping_sub(self.first)
    }

    fn is(&mut self, number: u32, fate: Fate) -> bool {
        self.segment(number).is_some_and(|segment| segment.fate == fate)
    }

    #[cfg_attr(target_os = "none", inline(never))] // for size: core/panic-check/run shows it
    fn segment(&mut self, number: u32) -> Option<&mut Segment> {
        let values = self.segments.values_mut();
        let place = place(number, values.len());
        values.get_mut(place)
    }

    #[cfg_attr(target_os = "none", inline(never))] // for size: core/panic-check/run shows it
    fn transmission(&mut self, number: u32) -> Option<&mut Transmission> {
        if number.wrapping_sub(self.remembered) >= self.newest.wrapping_add(1).wrapping_sub(self.remembered) {
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
pub(crate) const fn place(number: u32, length: usize) -> usize {
    number as usize & length.wrapping_sub(1)
}

/// A ring grew from `before` entries to twice as many or more: moves the entries `from..to` to their new places.
pub(crate) fn rearrange<T: Default>(values: &mut [T], before: usize, from: u32, to: u32) {
    if before == 0 {
        return;
    }
    let length = values.len();
    let mut number = from;
    while number != to {
        let (old, new) = (place(number, before), place(number, length));
        if old != new
            && let Some(value) = values.get_mut(old).map(core::mem::take)
            && let Some(entry) = values.get_mut(new)
        {
            *entry = value;
        }
        number = number.wrapping_add(1);
    }
}

/// Whether a number comes before another one; they are less than 2^31 apart.
pub(crate) const fn is_before(number: u32, other: u32) -> bool {
    number.wrapping_sub(other).cast_signed() < 0
}

/// The later one of two numbers.
const fn later(one: u32, other: u32) -> u32 {
    if is_before(one, other) { other } else { one }
}
