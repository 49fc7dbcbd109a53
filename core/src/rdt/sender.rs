//! The sending half of a connection: what goes out next, what acknowledgements and time-outs mean. Window 1 is
//! stop-and-wait.
//!
//! ```text
//!   Outgoing ──► batch ──► datagrams        what may be sent: below the peer's limit, in the window, at its time
//!                  │ Flight: each sending has a number of its own
//!   ACK ──► acknowledged ──► lost? ──► Controller: window, rate
//!   time ──► expire: a probe, and at last everything again
//! ```
//!
//! A transmission is lost when one sent some numbers later was acknowledged, or one sent later and it is some time ago
//! ([`Patience`]). A lost repeat is found in the same way, without a timer. When nothing comes back, two segments are
//! sent again as probes (RFC 9002 section 6.2): what is acknowledged of them tells what became of the rest. Only after
//! several time-outs, or when there are no more than two, all is taken for lost.

mod parked;

pub(crate) use parked::Parked;

use super::{
    Settings,
    connection::{DATAGRAM_MIN, segment_in},
    control::{Controller, News, Start},
    flight::{Fate, Flight, Transmission},
    outgoing::{self, Outgoing, Place},
    patience::Patience,
    profile::Profile,
    record::Record,
    ring::{is_before, later},
    rtt::Rtt,
    trace::{Cause, Happened, Why},
    width::{Form, Width},
};
use crate::{
    Instant,
    wire::rdt::{Map, Own},
};

/// How far ahead the limit lies of a peer that sets none, and the most of one that does.
pub(crate) const UNLIMITED: u32 = 1 << 30;
/// Segments that are sent again when nothing comes back.
const PROBES: u32 = 2;
/// With so few under way at the end, or as few lost so far, what was lost is sent again twice; with more of them, where
/// of so many sent one was lost. After a time-out, only with few under way.
const TAIL: u32 = 16;
const TAIL_LOSSY: u32 = 64;
const LOSSY: u32 = 16;
/// With so many segments behind it that go out at once, what tells where they belong is sent twice.
const MUCH: u32 = 512;
/// Time-outs in a row after which it is tried whether the path carries parts of segments only.
const DOUBTS: u8 = 2;
/// Time-outs in a row after which all that is under way counts as lost (RFC 9002 section 7.6: three).
const SILENCES: u8 = 3;
/// With a memory for no more segments a window is small: all of it is sent again at a time-out, each segment asks for its
/// acknowledgement, and no numbers are left out. A device need not carry code for more.
const SMALL: usize = 16;
/// The least time that a time-out lies ahead when something was heard, in microseconds.
const TIMEOUT_LEAST: u64 = 1_000;
/// Transmissions between two numbers that are left out: at most so many, and what is left of a batch.
const SKIP_MAX: u32 = 192;

/// Equal datagrams to be sent now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    pub(crate) first_segment: u32,
    pub(crate) first_transmission: u32,
    pub(crate) count: u32,
    pub(crate) place: Place,
    /// Nothing may follow before an acknowledgement comes.
    pub(crate) asks: bool,
    /// It is one segment, and goes in parts.
    pub(crate) in_parts: bool,
}

/// What a deadline asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Nothing besides the next batch.
    Nothing,
    /// Ask the peer whether it has room now.
    AskForRoom,
}

#[derive(Debug)]
pub(crate) struct Sender<P: Profile> {
    pub(crate) content: Outgoing<P::Outbox, P::Pieces>,
    flight: Flight<P>,
    /// Segments before this one may be sent: what the peer said.
    limit: u32,
    largest_acknowledged: u32,
    patience: Patience,
    controller: P::Controller,
    pub(crate) rtt: Rtt,
    /// The time-out, while something is in flight or the peer's limit is in the way; else `FAR`.
    timeout: Instant,
    /// When an older transmission counts as lost, because a later one was acknowledged; else `FAR`.
    loss_at: Instant,
    /// When the next may be sent, if only its time is in the way; else `FAR`.
    paced_until: Instant,
    tries: u8,
    probes: u8,
    /// The next probe is this segment or a later one.
    probe_from: u32,
    size: u16,
    asks_for_room: bool,
    pub(crate) width: Width,
    /// Transmissions until the next number that is left out, and what that is drawn from.
    skip_in: u32,
    random: u32,
    pub(crate) bytes_acknowledged: u64,
}

impl<P: Profile> Sender<P> {
    /// A sender that has not begun. `seed` should not be known to the peer.
    pub(crate) fn new(seed: u32) -> Self {
        Self {
            content: Outgoing::default(),
            flight: Flight::new(),
            limit: 0,
            largest_acknowledged: 0,
            patience: Patience::default(),
            controller: P::Controller::new(&Start::NOTHING),
            rtt: Rtt::default(),
            timeout: Instant::FAR,
            loss_at: Instant::FAR,
            paced_until: Instant::FAR,
            tries: 0,
            probes: 0,
            probe_from: 0,
            size: 1,
            asks_for_room: false,
            width: Width::default(),
            skip_in: 0,
            random: seed,
            bytes_acknowledged: 0,
        }
    }

    /// The connection is open: segments of `size` bytes in datagrams of `datagram`, at most `window` of them under way.
    pub(crate) fn open(
        &mut self,
        now: Instant,
        (size, datagram): (u16, u32),
        (window, limit): (u32, u32),
        expected: u32,
        settings: &Settings,
    ) {
        self.size = size.max(1);
        self.limit = limit.min(UNLIMITED);
        if !self.is_small() {
            self.draw();
        }
        if P::Controller::IS_PACED && self.flight.count > 0 {
            // What was sent with the call is under way: it goes on, and the round-trip time is known now.
            self.wait_anew(now, settings);
            return;
        }
        self.controller = P::Controller::new(&Start {
            now,
            window: window.min(self.flight.bound() as u32).max(1),
            datagram: datagram.max(1),
            round_trip: self.rtt.smoothed().unwrap_or(0),
            expected,
            congestion: settings.congestion,
            rate: settings.rate,
            first_flight: settings.first_flight,
        });
    }

    /// Whether there is room for few segments only: a constant, where the memory is fixed.
    pub(crate) fn is_small(&self) -> bool {
        self.flight.bound() <= SMALL
    }

    /// How many segments there were so far: the number of the next.
    pub(crate) const fn segments_sent(&self) -> u32 {
        self.flight.next
    }

    /// Whether all content was acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.content.is_empty()
    }

    /// Whether something is under way.
    pub(crate) const fn is_under_way(&self) -> bool {
        self.flight.count > 0
    }

    /// Whether content is next, and no message.
    pub(crate) fn is_content_next(&mut self) -> bool {
        self.probes == 0
            && matches!(self.content.place(self.flight.next, self.size), Some(Place::Range { .. }))
    }

    /// The bytes of the segment that is next, or of a full one where it is not the next in order.
    pub(crate) fn next_length(&mut self) -> u16 {
        if self.probes > 0 || self.flight.next_lost().is_some() {
            return self.size;
        }
        match self.content.place(self.flight.next, self.size) {
            Some(Place::Message { length, .. }) => length.min(self.size.into()) as u16,
            Some(Place::Range { left, .. }) => left.min(self.size.into()) as u16,
            None => self.size,
        }
    }

    /// Whether all that was sent so far would be the same in shorter segments: it is one message that fits.
    pub(crate) fn fits(&mut self, size: u16) -> bool {
        let place = self.content.place(0, self.size);
        match self.flight.next {
            0 => true,
            1 => matches!(place, Some(Place::Message { length, .. }) if length <= usize::from(size)),
            _ => false,
        }
    }

    /// The first that is under way goes out again.
    pub(crate) fn repeat_first(&mut self) {
        if self.is_under_way() && self.probes == 0 {
            self.probes = 1;
            self.probe_from = self.flight.first;
        }
    }

    /// Something else than the window keeps it from sending.
    pub(crate) fn held(&mut self) {
        self.controller.starved(self.flight.newest);
    }

    /// A time-out that runs begins again.
    pub(crate) fn wait_anew(&mut self, now: Instant, settings: &Settings) {
        if self.timeout != Instant::FAR {
            self.wait(now, settings);
        }
    }

    /// When [`Sender::expire`] is to be called, or [`Sender::batch`] again; `FAR` for never.
    pub(crate) fn deadline(&self) -> Instant {
        let deadline = self.timeout.min(self.loss_at);
        if P::Controller::IS_PACED { deadline.min(self.paced_until) } else { deadline }
    }

    /// When [`Sender::batch`] is to be called again because only its time is in the way; `FAR` for never.
    pub(crate) const fn resumes(&self) -> Instant {
        self.paced_until
    }

    /// What was sent was not for this peer: all is sent anew.
    pub(crate) fn begin_anew(&mut self, seed: u32) {
        let (mut content, rtt) = (core::mem::take(&mut self.content), self.rtt);
        content.begin_anew();
        *self = Self { content, rtt, ..Self::new(seed) };
    }

    /// The next datagrams, up to `most` of equal size (only the last may be shorter).
    pub(crate) fn batch(
        &mut self,
        now: Instant,
        most: usize,
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) -> Option<Batch> {
        if P::Controller::IS_PACED {
            self.paced_until = Instant::FAR;
        }
        if self.flight.first == self.flight.next && !self.content.is_empty() {
            self.controller.wake(now, self.rtt.smoothed().unwrap_or(0), settings);
        }
        let open = self.controller.window().saturating_sub(self.flight.count);
        let (segment, why) = self.choose(open)?;
        let below_limit = self.limit.wrapping_sub(segment).cast_signed();
        if below_limit <= 0 {
            self.controller.starved(self.flight.newest);
            self.wait_for_room(now, settings);
            return None;
        }
        // With nothing to send no memory is taken for a window: most connections of a tracker are idle.
        let has_room = why != Why::New || !self.content.is_empty() && self.flight.has_room();
        let place = if has_room { self.content.place(segment, self.size) } else { None };
        let Some(place) = place else {
            self.controller.starved(self.flight.newest);
            return None;
        };
        let allowance = match why {
            Why::Probe => 1,
            _ => self.controller.allowance(now).min(open),
        };
        if allowance == 0 {
            self.paced_until = self.controller.resumes();
            return None;
        }
        self.skip(now, record);
        let (left, length) = match place {
            Place::Message { length, .. } => (1, length),
            Place::Range { left, .. } => (left, left.min(self.size.into()) as usize),
        };
        let form = self.form(length, settings);
        let most = if form == Form::Whole { most } else { most.min(1) };
        let most = allowance.min(most as u32).min(below_limit.cast_unsigned());
        let first_transmission = self.flight.newest.wrapping_add(1);
        let mut count = 0_u32;
        while count < most && outgoing::bytes(count, self.size) < left {
            let this = segment.wrapping_add(count);
            let fits = match why {
                Why::New => self.flight.has_room(),
                Why::Repeat => this != self.flight.next && self.flight.is(this, Fate::Lost),
                Why::Probe => true,
            };
            if !fits || !self.flight.send(now, this, form) {
                break;
            }
            let transmission = self.flight.newest;
            let length = left.min(self.size.into()) as u16;
            record.note(now, Happened::Sent { transmission, segment: this, length, why });
            count = count.wrapping_add(1);
        }
        if count == 0 {
            return None;
        }
        record.sent.add(count);
        if why != Why::New {
            record.resent.add(count);
        }
        if !self.is_small() {
            self.skip_in = self.skip_in.saturating_sub(count);
        }
        self.controller.sent(now, count, self.flight.newest, self.flight.count);
        if self.timeout == Instant::FAR || self.asks_for_room {
            self.asks_for_room = false;
            self.wait(now, settings);
        }
        if P::SEARCHES && form != Form::Whole {
            self.width.sent(form);
        }
        if form == Form::Trial {
            self.probe_from = segment;
        } else if !self.is_small()
            && (why == Why::Repeat && self.is_tail(record) || why == Why::New && self.leads(segment, open))
        {
            // Twice is cheaper than what its loss would cost.
            self.probes = count as u8;
            self.probe_from = segment;
        }
        let asks = self.is_small()
            || why != Why::New
            || count == open
            || count == below_limit.cast_unsigned()
            || outgoing::bytes(count, self.size) >= left
            || !self.flight.has_room();
        let in_parts = form == Form::Parts;
        Some(Batch { first_segment: segment, first_transmission, count, place, asks, in_parts })
    }

    /// How a segment of so many bytes goes out.
    fn form(&self, length: usize, settings: &Settings) -> Form {
        match P::SEARCHES && length > usize::from(segment_in(DATAGRAM_MIN, settings)) {
            true => self.width.form(),
            false => Form::Whole,
        }
    }

    /// What is sent next, if the window has so much room.
    fn choose(&mut self, open: u32) -> Option<(u32, Why)> {
        if P::SEARCHES && self.width.owes_parts() {
            if let Some(segment) =
                self.flight.next_missing(self.probe_from).filter(|it| *it == self.probe_from)
            {
                return Some((segment, Why::Probe));
            }
            self.width.sent(Form::Parts);
        }
        if !self.is_small() && self.probes > 0 {
            self.probes = self.probes.saturating_sub(1);
            if let Some(segment) = self.flight.next_missing(self.probe_from) {
                self.probe_from = segment.wrapping_add(1);
                return Some((segment, Why::Probe));
            }
            self.probes = 0;
        }
        if open == 0 {
            return None;
        }
        match self.flight.next_lost() {
            Some(segment) => Some((segment, Why::Repeat)),
            None => Some((self.flight.next, Why::New)),
        }
    }

    /// Whether it is a message that everything waits for: the first, or one with much content behind it, which the peer
    /// cannot place without it.
    fn leads(&mut self, segment: u32, open: u32) -> bool {
        let much = outgoing::bytes(MUCH, self.size);
        let place = self.content.place(segment, self.size);
        open > TAIL
            && matches!(place, Some(Place::Message { .. }))
            && (segment == 0
                || open >= MUCH
                    && matches!(self.content.place(segment.wrapping_add(1), self.size), Some(Place::Range { left, .. }) if left >= much))
    }

    /// Whether nothing new is left to send, and little is under way, so that no later one would tell of a loss, or little
    /// was lost, so that twice costs little.
    fn is_tail(&mut self, record: &Record<P::Trace>) -> bool {
        let lost = record.lost.0;
        let few = match lost > record.sent.0 / LOSSY {
            _ if record.timeouts.0 > 0 => TAIL,
            true => TAIL_LOSSY,
            false if lost <= TAIL => u32::MAX,
            false => TAIL,
        };
        self.flight.count <= few && self.content.place(self.flight.next, self.size).is_none()
    }

    /// Leaves a number out now and then, which nobody can acknowledge who waits for what he acknowledges (RFC 9000
    /// section 21.4).
    fn skip(&mut self, now: Instant, record: &mut Record<P::Trace>) {
        let is_begun = P::SEARCHES && self.width.owes_parts();
        if !self.is_small() && !is_begun && self.skip_in == 0 && self.flight.skip() {
            record.note(now, Happened::Skipped { transmission: self.flight.newest });
            self.draw();
        }
    }

    fn draw(&mut self) {
        // Numerical Recipes' generator; its high bits are the good ones.
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.skip_in = 1 + (self.random >> 16) % SKIP_MAX;
    }

    /// An acknowledgement of skep's own: transmissions, and the segments before `next`. `false`: it lies.
    #[must_use]
    pub(crate) fn acknowledged(
        &mut self,
        now: Instant,
        packet: &Own<'_>,
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) -> bool {
        let Own::Ack { top, next, limit, delay, ref map } = *packet else { return false };
        if is_before(self.flight.newest, top) || is_before(self.flight.next, next) {
            return false;
        }
        record.note(now, Happened::Heard { next, limit });
        let before = self.progress();
        // A delay of all ones says only that it was long.
        let mut round_trip = 0;
        if let Some(&mut Transmission { sent, fate: Fate::InFlight | Fate::Lost | Fate::Expired, .. }) =
            self.flight.transmission(top)
            && delay < u16::MAX
        {
            round_trip = self.sample(now, sent, delay, record);
        }
        let mut is_true = true;
        if !is_before(top, self.flight.remembered) {
            let mut distance = top.wrapping_sub(self.flight.remembered).min(Map::SPAN as u32);
            while distance > 0 {
                if map.contains(u64::from(distance)) {
                    is_true &= self.settle(now, top.wrapping_sub(distance), record);
                }
                distance = distance.wrapping_sub(1);
            }
            is_true &= self.settle(now, top, record);
        }
        if !is_true {
            return false;
        }
        let mut segment = self.flight.first;
        while is_before(segment, next) {
            self.take(segment);
            segment = segment.wrapping_add(1);
        }
        // An acknowledgement that was overtaken tells of a limit that holds no more.
        let is_current = !is_before(top, self.largest_acknowledged);
        if is_current {
            self.limit = later(later(limit, next), self.flight.first);
            self.largest_acknowledged = top;
        }
        let asked = self.asks_for_room;
        self.conclude(now, before, round_trip, settings, record);
        // The peer lives, and has its reasons to take nothing: it is asked for ever, but ever more seldom. Not so one
        // that acknowledged a segment and has it not, as a damaged datagram may make it do.
        if asked && is_current && !is_before(next, self.flight.first) {
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
        record: &mut Record<P::Trace>,
    ) -> bool {
        if !self.flight.is_begun(number) {
            return false;
        }
        let before = self.progress();
        let Some(segment) = self.flight.segment(number) else { return false };
        let (newest, repeated) = (segment.newest, segment.repeated);
        if segment.fate == Fate::Acknowledged {
            return false;
        }
        let mut round_trip = 0;
        // Karn's rule: of what was sent twice nobody knows which one is acknowledged.
        if !repeated {
            if let Some(&mut Transmission { sent, .. }) = self.flight.transmission(newest) {
                round_trip = self.sample(now, sent, 0, record);
            }
            self.largest_acknowledged = later(self.largest_acknowledged, newest);
        }
        self.settle(now, newest, record);
        self.take(number);
        self.conclude(now, before, round_trip, settings, record);
        self.limit = self.flight.first.wrapping_add(UNLIMITED);
        true
    }

    /// How many ranges of files were acknowledged to their end since the last call.
    pub(crate) fn take_complete(&mut self) -> u8 {
        let ranges = self.content.acknowledged(self.flight.first, self.size);
        if self.is_done() && self.flight.first == self.flight.next {
            self.flight.release();
            self.controller.sleep();
        }
        ranges
    }

    /// A deadline has come. `Err`: the peer was given up.
    pub(crate) fn expire(
        &mut self,
        now: Instant,
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) -> Result<Expired, ()> {
        if self.loss_at <= now {
            self.find_lost(now, (0, 0), settings, record);
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
        record.timeouts.add(1);
        log!(trace, "rdt: time-out {} of {}", self.tries, settings.tries);
        record.note(now, Happened::TimedOut { tries: self.tries });
        if self.asks_for_room {
            self.wait(now, settings);
            return Ok(Expired::AskForRoom);
        }
        if !self.is_small() && self.flight.count > PROBES && self.tries < SILENCES {
            self.probes = PROBES as u8;
            self.probe_from = self.flight.first;
            self.wait(now, settings);
        } else {
            self.give_up_flight(now, record);
        }
        if P::SEARCHES && self.tries >= DOUBTS && self.width.doubt() {
            // Perhaps the path carries less than it did: one segment both ways tells.
            self.probes = 1;
            self.probe_from = self.flight.first;
        }
        // What is repeated starts the time-out again; if the peer has no room for it, asking does.
        Ok(Expired::Nothing)
    }

    fn give_up_flight(&mut self, now: Instant, record: &mut Record<P::Trace>) {
        self.loss_at = Instant::FAR;
        let mut number = self.flight.oldest;
        while number != self.flight.newest.wrapping_add(1) {
            if let Some(segment) = self.flight.lose(number, Fate::Expired) {
                record.lost.add(1);
                record.note(now, Happened::Lost { transmission: number, segment, cause: Cause::Silence });
            }
            number = number.wrapping_add(1);
        }
        self.flight.advance();
        self.controller.timed_out(now);
        record.note(now, Happened::Controlled(self.controller.state(self.flight.count)));
    }

    /// Forgets all content; nothing more is sent or expected.
    pub(crate) fn stop(&mut self) {
        self.content.clear();
        self.flight.stop();
        self.timeout = Instant::FAR;
        self.loss_at = Instant::FAR;
        self.paced_until = Instant::FAR;
        self.probes = 0;
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

    /// The round trip was measured by something else than a segment.
    pub(crate) fn measured(&mut self, sent: Instant, now: Instant, record: &mut Record<P::Trace>) {
        let round_trip = self.sample(now, sent, 0, record);
        self.tell_controller(now, (0, 0), round_trip, record);
    }

    /// The time that passed is a sample of the round trip; without the delay it is returned.
    fn sample(&mut self, now: Instant, sent: Instant, delay: u16, record: &mut Record<P::Trace>) -> u32 {
        self.rtt.sample(sent, now, delay.into());
        record.note(now, self.rtt.happened());
        self.rtt.latest()
    }

    /// A transmission was acknowledged. `false`: it was never made.
    fn settle(&mut self, now: Instant, transmission: u32, record: &mut Record<P::Trace>) -> bool {
        let Some((segment, fate)) = self.flight.settle(transmission) else { return true };
        if P::SEARCHES {
            self.weigh(now, transmission, record);
        }
        match fate {
            Fate::Skipped => return self.is_small(),
            Fate::Lost => {
                // It was late, not lost: from now on the network is given that much more room.
                record.spurious.add(1);
                self.patience.widen(self.largest_acknowledged.wrapping_sub(transmission));
                self.controller.undo();
                record.note(now, Happened::Spurious { transmission, segment });
            }
            // The acknowledgement was late, or the only one that was not lost.
            Fate::Expired => {
                if !self.is_small() {
                    self.flight.revive();
                }
                self.controller.undo();
                record.spurious.add(1);
                record.note(now, Happened::Spurious { transmission, segment });
            }
            _ => record.note(now, Happened::Acknowledged { transmission, segment }),
        }
        self.take(segment);
        true
    }

    /// What an acknowledged transmission tells of the path's width.
    fn weigh(&mut self, now: Instant, transmission: u32, record: &mut Record<P::Trace>) {
        let form = |it: &mut Transmission| (it.form, it.fate == Fate::Acknowledged);
        let is_news = match self.flight.transmission(transmission).map(form) {
            Some((Form::Trial, _)) => self.width.widen(),
            Some((Form::Parts, _)) => {
                let before = self.flight.transmission(transmission.wrapping_sub(1)).map(form);
                before == Some((Form::Trial, false)) && self.width.narrow()
            }
            _ => false,
        };
        if is_news {
            let is_narrow = self.width.is_narrow();
            log!(debug, "rdt: the path carries whole segments: {}", !is_narrow);
            record.note(now, Happened::Width { is_narrow });
        }
    }

    /// The system says that it sends no whole segments to this peer.
    pub(crate) fn too_long(&mut self, now: Instant, record: &mut Record<P::Trace>) {
        if self.width.narrow() {
            record.note(now, Happened::Width { is_narrow: true });
        }
    }

    /// A segment was acknowledged.
    fn take(&mut self, number: u32) {
        if self.flight.take(number) {
            let bytes = match self.content.place(number, self.size) {
                Some(Place::Message { length, .. }) => length as u64,
                Some(Place::Range { left, .. }) => left.min(self.size.into()),
                None => 0,
            };
            self.bytes_acknowledged = self.bytes_acknowledged.wrapping_add(bytes);
        }
    }

    /// Declares lost what later transmissions have overtaken by too much; sets the moment of the next. So many
    /// transmissions were acknowledged since the last time, after such a round trip.
    fn find_lost(
        &mut self,
        now: Instant,
        (acknowledged, round_trip): (u32, u32),
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) {
        let (mut lost, mut too_long) = (0_u32, 0_u32);
        self.loss_at = Instant::FAR;
        let wait = self.patience.wait(&self.rtt, settings);
        let mut number = self.flight.oldest;
        while is_before(number, self.largest_acknowledged) {
            if let Some(&mut Transmission { sent, fate: Fate::InFlight, form, .. }) =
                self.flight.transmission(number)
            {
                // Whatever is whole does not get through a narrow path.
                let is_too_long = P::SEARCHES && form != Form::Parts && self.width.is_narrow();
                let ahead = self.largest_acknowledged.wrapping_sub(number);
                let overtaken = is_too_long || self.patience.is_over(ahead);
                let late = sent.plus_micros(wait.into());
                if !overtaken && late > now {
                    self.loss_at = self.loss_at.min(late);
                } else if let Some(segment) = self.flight.lose(number, Fate::Lost) {
                    lost = lost.wrapping_add(1);
                    too_long = too_long.wrapping_add(u32::from(is_too_long));
                    let cause = if overtaken { Cause::Overtaken } else { Cause::Late };
                    record.note(now, Happened::Lost { transmission: number, segment, cause });
                }
            }
            number = number.wrapping_add(1);
        }
        if !self.is_small() && lost > 0 {
            self.patience.lost();
        }
        self.flight.advance();
        record.lost.add(lost);
        // What was lost for its size says nothing of the load.
        self.tell_controller(now, (acknowledged, lost.wrapping_sub(too_long)), round_trip, record);
    }

    fn tell_controller(
        &mut self,
        now: Instant,
        (acknowledged, lost): (u32, u32),
        round_trip: u32,
        record: &mut Record<P::Trace>,
    ) {
        let in_flight = self.flight.count;
        let (top, next) = (self.largest_acknowledged, self.flight.newest.wrapping_add(1));
        let news = News { acknowledged, lost, in_flight, top, next, round_trip };
        self.controller.acknowledged(now, &news);
        record.note(now, Happened::Controlled(self.controller.state(in_flight)));
    }

    /// What an acknowledgement changed, all its parts taken together.
    fn conclude(
        &mut self,
        now: Instant,
        before: (u32, u64),
        round_trip: u32,
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) {
        let acknowledged = before.0.saturating_sub(self.flight.count);
        let progress = self.bytes_acknowledged != before.1;
        self.find_lost(now, (acknowledged, round_trip), settings, record);
        let next = self.flight.next_lost().unwrap_or(self.flight.next);
        if progress || self.asks_for_room && is_before(next, self.limit) {
            self.tries = 0;
            self.rtt.recover();
            self.probes = 0;
            if P::SEARCHES {
                self.width.trust();
            }
            self.asks_for_room = false;
            self.timeout = Instant::FAR;
            if self.flight.count > 0 {
                // From the last sending on (RFC 9002 section 6.2.1): what was lost at the end of a flight is noticed
                // the sooner.
                let newest =
                    if self.is_small() { None } else { self.flight.transmission(self.flight.newest) };
                let sent = newest.map_or(now, |transmission| transmission.sent);
                self.wait(sent, settings);
                self.timeout = self.timeout.max(now.plus_micros(TIMEOUT_LEAST));
            }
        }
    }

    fn progress(&self) -> (u32, u64) {
        (self.flight.count, self.bytes_acknowledged)
    }
}
