//! One connection: its opening, its two directions, its end.
//!
//! ```text
//!   call ──► Calling ──ACCEPT/CONNACK──► Open ──both directions finished──► closed
//!   accept ────────────────────────────►  │
//!                                         └──tries, idle, RESET, abort──► failed
//!
//!   finishing a direction:  content acknowledged ──► FIN (again and again) ──FINACK──► finished
//! ```

use super::{
    ConnectionId, Error, Event, Language, Load, Peer, Settings, Statistics,
    outgoing::{self, Place},
    profile::Profile,
    receiver::Receiver,
    sender::{Batch, Expired, Sender, UNLIMITED},
    tally::Tally,
};
use crate::{
    Instant,
    time::micros,
    wire::rdt::{Known, Own, Terms, TypeKind, pad},
};
use core::time::Duration;

/// The smallest datagram size that every path carries; calls fall back to it (RFC 9000 section 14.1).
const DATAGRAM_MIN: usize = 1_200;

/// How long a copy of a call may be under way. Whoever calls again later has begun anew.
const RESTART_AGE: Duration = Duration::from_secs(3);

/// From this call on the smallest size is asked for.
const CALLS_HOPED: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Own,
    Known(TypeKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Calling: in which language, how often so far, and when again.
    Calling {
        language: Language,
        calls: u8,
        again: Instant,
    },
    /// In the backlog.
    Waiting,
    Open,
    /// Failed or closed; only the event is owed.
    Over,
}

/// How far the end of our direction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finish {
    No,
    Asked,
    /// FIN was sent so often, and is due again then.
    Sent {
        tries: u8,
        again: Instant,
    },
    Done,
}

/// Small things that wait for the next poll.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    open: bool,
    connect: bool,
    accept: bool,
    fin_ack: bool,
    ping: bool,
    reset: bool,
    connected: bool,
    received: bool,
    finished: bool,
    /// The driver waits for room for messages.
    flushed: bool,
    /// Ranges that were sent to their end.
    sent: u8,
    closed: Option<Result<(), Error>>,
}

/// One peer's connection. Public only as a type, so that a [`Profile`] can name the room for it.
#[derive(Debug)]
pub struct Connection<P: Profile> {
    pub(crate) peer: Peer,
    pub(crate) name: ConnectionId,
    /// The number that both sides put into skep's own packets.
    pub(crate) number: u32,
    pub(crate) mode: Mode,
    phase: Phase,
    pub(crate) sender: Sender<P>,
    pub(crate) receiver: Receiver<P>,
    pub(crate) tally: Tally,
    segment: u16,
    finish: Finish,
    peer_finished: bool,
    /// A segment or an acknowledgement came: the peer is where it says it is.
    confirmed: bool,
    confirmed_at: Instant,
    /// The application has let go; what the peer still needs to hear is said.
    pub(crate) abandoned: bool,
    /// A known peer called again, and no segment that is new came since.
    called_again: bool,
    /// Another call came from its address: the peer was asked whether it still is who it was.
    challenged: bool,
    heard: Instant,
    ping_at: Instant,
    /// The peer has answered our call, and nothing else came from it yet: does it know that we have heard it?
    unheard: bool,
    due: Due,
}

/// A packet that carries no content.
enum Small {
    Own(Own<'static>),
    Known(TypeKind, Known<'static>),
}

/// What a connection made for its peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub(crate) length: usize,
    pub(crate) size: usize,
    pub(crate) load: Option<Load>,
}

/// What a connection has to say.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Datagrams(Made),
    Event(Event),
    /// It is gone.
    Gone,
    /// Nothing until its deadline.
    Idle,
}

impl<P: Profile> Connection<P> {
    fn new(now: Instant, peer: Peer, number: u32, mode: Mode, phase: Phase) -> Self {
        Self {
            peer,
            name: ConnectionId { number: u32::MAX, generation: 0 },
            number,
            mode,
            phase,
            sender: Sender::new(),
            receiver: Receiver::new(),
            tally: Tally::default(),
            segment: 0,
            finish: Finish::No,
            peer_finished: false,
            confirmed: false,
            confirmed_at: now,
            abandoned: false,
            called_again: false,
            challenged: false,
            heard: now,
            ping_at: now,
            unheard: false,
            due: Due::default(),
        }
    }

    /// A connection that calls.
    pub(crate) fn call(
        now: Instant,
        peer: Peer,
        number: u32,
        language: Language,
        settings: &Settings,
    ) -> Self {
        let mode = if language == Language::Known { Mode::Known(settings.kind) } else { Mode::Own };
        let phase = Phase::Calling { language, calls: 0, again: now };
        Self::new(now, peer, number, mode, phase)
    }

    /// A connection for one who calls in skep's own language, by an OPEN of `size` bytes.
    pub(crate) fn called(
        now: Instant,
        peer: Peer,
        number: u32,
        (terms, size): (Terms, usize),
        settings: &Settings,
    ) -> Self {
        let mut connection = Self::new(now, peer, number, Mode::Own, Phase::Waiting);
        let carried = size.saturating_sub(Own::DATA_HEADER).max(1).min(usize::from(u16::MAX)) as u16;
        connection.segment = terms.segment.min(settings.terms.segment).min(carried);
        connection.begin(terms.window, settings);
        connection
    }

    /// A connection for a known peer that calls.
    pub(crate) fn called_by_known(now: Instant, peer: Peer, kind: TypeKind, settings: &Settings) -> Self {
        let mut connection = Self::new(now, peer, 0, Mode::Known(kind), Phase::Waiting);
        connection.begin(0, settings);
        connection
    }

    /// Sets both halves up for what was agreed.
    fn begin(&mut self, window: u32, settings: &Settings) {
        match self.mode {
            Mode::Own => {
                self.sender.open(self.segment, settings.window.min(window), window);
                self.receiver.open(self.segment, settings.terms.window, true);
            }
            Mode::Known(_) => {
                self.segment = settings.known_segment;
                self.sender.open(self.segment, settings.known_window, UNLIMITED);
                self.receiver.open(u16::MAX, settings.early_window, false);
            }
        }
    }

    /// The application takes the connection: its peer is told.
    pub(crate) fn accept(&mut self, now: Instant, settings: &Settings) {
        if self.phase == Phase::Waiting {
            self.phase = Phase::Open;
            self.hear(now, settings);
            self.answer_call();
        }
    }

    pub(crate) fn is_calling(&self) -> bool {
        matches!(self.phase, Phase::Calling { .. })
    }

    /// Whether it is not open yet: nothing but the answer to a call means anything.
    pub(crate) fn is_opening(&self) -> bool {
        matches!(self.phase, Phase::Calling { .. } | Phase::Waiting)
    }

    /// Whether the application may still use it.
    pub(crate) fn is_usable(&self) -> bool {
        !self.abandoned && self.phase != Phase::Over
    }

    /// The call is answered, at first or again.
    pub(crate) fn answer_call(&mut self) {
        self.due.accept = self.phase == Phase::Open;
    }

    /// Another call came from the peer's address. Either it is an old one that took its time, or the peer was
    /// restarted: asked for a sign of life, it gives one, or says that it knows of no such connection.
    pub(crate) fn challenge(&mut self) {
        if self.mode == Mode::Own {
            self.challenged = true;
            self.due.ping = true;
        }
    }

    pub(crate) fn confirmed(&self) -> bool {
        self.confirmed
    }

    /// Whether another call may be one that was under way when the peer began to speak.
    pub(crate) fn is_young(&self, now: Instant) -> bool {
        !self.confirmed || now.since(self.confirmed_at) < RESTART_AGE
    }

    pub(crate) fn confirm(&mut self) {
        if !self.confirmed {
            self.confirmed = true;
            self.confirmed_at = self.heard;
        }
    }

    /// A known peer called again.
    pub(crate) fn called_by_known_again(&mut self, now: Instant) {
        self.called_again = !self.is_young(now);
        self.answer_call();
    }

    /// Whether a known peer that sends its first segment does so for the second time, after a second call: it
    /// cannot have lost only the acknowledgement when it sent others since, or acknowledged some of ours.
    pub(crate) fn has_begun_anew(&self) -> bool {
        let next = self.receiver.next();
        self.called_again && (next > 1 || next == 1 && self.sender.bytes_acknowledged > 0)
    }

    /// Our direction ends after its content.
    pub(crate) fn finish(&mut self) {
        if self.finish == Finish::No {
            self.finish = Finish::Asked;
        }
    }

    /// Everything ends now. The peer is told as well as its language allows.
    pub(crate) fn abort(&mut self) {
        if self.phase == Phase::Over || self.abandoned {
            return;
        }
        self.sender.stop();
        self.due = Due::default();
        match (self.mode, self.phase) {
            (Mode::Own, Phase::Open) => {
                self.due.reset = true;
                self.fail(Error::Aborted);
            }
            (Mode::Known(_), Phase::Open) if self.finish != Finish::Done => {
                // There is no other word for it: the stream ends too early, and the peer sees that it does.
                self.finish();
                self.abandoned = true;
                self.due.closed = Some(Err(Error::Aborted));
            }
            _ => self.fail(Error::Aborted),
        }
    }

    #[inline(never)] // for size: core/panic-check/run shows it
    pub(crate) fn fail(&mut self, error: Error) {
        if self.phase != Phase::Over {
            log!(debug, "rdt: {:?} with {:?} failed: {:?}", self.name, self.peer, error);
            // Of one that was never accepted nobody knows.
            if !self.abandoned && self.phase != Phase::Waiting {
                self.due.closed = Some(Err(error));
            }
            self.phase = Phase::Over;
        }
    }

    /// Forgets what was not said yet, as its peer is somebody else now.
    pub(crate) fn replaced(&mut self) {
        self.due = Due::default();
        self.fail(Error::Restarted);
    }

    /// Something came from the peer.
    pub(crate) fn hear(&mut self, now: Instant, settings: &Settings) {
        self.heard = now;
        self.ping_at = now + settings.keep_alive;
        self.unheard = false;
    }

    /// The answer to a call in skep's own language. `false`: it answers something else.
    #[must_use]
    pub(crate) fn accepted(&mut self, now: Instant, terms: Terms, settings: &Settings) -> bool {
        // Later ones are repeats.
        let Phase::Calling { language, calls, again } = self.phase else { return true };
        if language == Language::Known || terms.segment > offer(calls, settings) {
            return false;
        }
        self.mode = Mode::Own;
        self.segment = terms.segment;
        if calls == 1 {
            // Called once, answered once: the first sample of the round-trip time.
            let called = again.as_micros().saturating_sub(micros(settings.call_interval));
            self.sender.rtt.sample(Instant::from_micros(called), now, 0);
        }
        self.opened(now, terms.window, settings);
        true
    }

    /// The answer of a known peer.
    pub(crate) fn accepted_by_known(&mut self, now: Instant, kind: TypeKind, settings: &Settings) {
        let Phase::Calling { language, .. } = self.phase else { return };
        if language == Language::Own {
            return;
        }
        self.mode = Mode::Known(kind);
        self.opened(now, 0, settings);
    }

    fn opened(&mut self, now: Instant, window: u32, settings: &Settings) {
        self.phase = Phase::Open;
        self.due.open = false;
        self.due.connect = false;
        self.due.connected = true;
        // Who has nothing to say yet shows at least that it is there.
        self.due.ping = self.mode == Mode::Own;
        self.hear(now, settings);
        // A peer does not wait long for one that has only called: a sign of life that is lost is soon given again.
        self.ping_at = self.ping_at.min(now + settings.call_interval);
        self.unheard = true;
        self.confirm();
        self.begin(window, settings);
    }

    /// An acknowledgement of skep's own. `false`: it lies.
    pub(crate) fn acknowledged(&mut self, now: Instant, packet: &Own<'_>, settings: &Settings) -> bool {
        self.confirm();
        let true_word = self.sender.acknowledged(now, packet, settings, &mut self.tally);
        self.count_acknowledgement(true_word)
    }

    /// A known peer's acknowledgement. `false`: it is old, or lies.
    pub(crate) fn acknowledged_segment(&mut self, now: Instant, number: u32, settings: &Settings) -> bool {
        self.confirm();
        // To a peer in stop-and-wait numbers wrap at 2^16.
        let number = if settings.known_window == 1 && number <= u32::from(u16::MAX) {
            near_16(number as u16, self.sender.segments_sent().wrapping_sub(1))
        } else {
            number
        };
        let true_word = self.sender.acknowledged_segment(now, number, settings, &mut self.tally);
        self.count_acknowledgement(true_word)
    }

    fn count_acknowledgement(&mut self, true_word: bool) -> bool {
        if true_word {
            self.due.sent = self.due.sent.saturating_add(self.sender.take_complete());
        } else {
            self.tally.false_acknowledgements.add(1);
        }
        true_word
    }

    /// The place in the stream of an INFO's number, which a peer in stop-and-wait wraps at 2^16.
    pub(crate) fn info_segment(&self, number: u32) -> u32 {
        let next = self.receiver.next();
        let distance = number.wrapping_sub(next).cast_signed().unsigned_abs();
        if number <= u32::from(u16::MAX) && distance > self.receiver.window() {
            let narrow = near_16(number as u16, next);
            // Stop-and-wait sends the expected one, or the one before it again.
            if narrow == next || narrow.wrapping_add(1) == next {
                return narrow;
            }
        }
        number
    }

    /// A segment of the peer was stored, to its end.
    pub(crate) fn received_segment(&mut self) {
        self.confirm();
        self.called_again = false;
        self.tally.received.add(1);
        if self.receiver.take_complete() {
            self.due.received = true;
        }
    }

    /// Whether there is room for the next message; if not, the application is told when there is.
    pub(crate) fn is_flushed(&mut self) -> bool {
        let is_light = self.sender.content.is_light();
        self.due.flushed = !is_light;
        is_light
    }

    /// Whether content is complete, and the application was not told yet.
    pub(crate) const fn owes_received(&self) -> bool {
        self.due.received
    }

    /// A range of length 0 was sent.
    pub(crate) fn sent_nothing(&mut self) {
        self.due.sent = self.due.sent.saturating_add(1);
    }

    /// The content is of length 0, or complete for another reason.
    pub(crate) fn check_complete(&mut self) {
        if self.receiver.take_complete() {
            self.due.received = true;
        }
    }

    /// FIN: whether it is to be answered. One that came too early is not.
    pub(crate) fn peer_finished(&mut self, segments: Option<u32>) -> bool {
        if segments.is_some_and(|segments| segments != self.receiver.next()) {
            return false;
        }
        if !self.peer_finished {
            self.peer_finished = true;
            self.due.finished = true;
            self.check_end();
        }
        self.due.fin_ack = true;
        true
    }

    /// Until when a FIN that comes now may come again: if its answer is lost, the peer repeats it after its time-out,
    /// which is about as long as ours; or three round trips, when it has measured only one.
    pub(crate) fn linger_until(&self, now: Instant, settings: &Settings) -> Instant {
        let rtt = &self.sender.rtt;
        let repeat =
            rtt.timeout(settings).saturating_mul(2).max(rtt.smoothed().unwrap_or(0).saturating_mul(4));
        match self.mode {
            Mode::Own => (now + settings.linger).max(now.plus_micros(repeat.into())),
            Mode::Known(_) => now + settings.known_linger,
        }
    }

    /// FINACK.
    pub(crate) fn finish_acknowledged(&mut self) {
        if matches!(self.finish, Finish::Sent { .. }) {
            self.finish = Finish::Done;
            self.check_end();
        }
    }

    /// The peer wants to hear whether we live, or have room.
    pub(crate) fn pinged(&mut self) {
        self.receiver.owes = true;
    }

    /// The peer has no such connection any more.
    pub(crate) fn reset(&mut self) {
        let has_said_all = matches!(self.finish, Finish::Sent { .. });
        if has_said_all && self.peer_finished {
            // It has all, has said all, and has gone: only its FINACK was lost.
            self.finish = Finish::Done;
            self.check_end();
        } else if self.challenged {
            self.fail(Error::Restarted);
        } else {
            self.fail(Error::Reset { delivered: self.sender.bytes_acknowledged });
        }
    }

    #[inline(never)] // for size: core/panic-check/run shows it
    fn check_end(&mut self) {
        if self.finish == Finish::Done && (self.peer_finished || self.abandoned) && self.phase == Phase::Open
        {
            if !self.abandoned {
                self.due.closed = Some(Ok(()));
            }
            self.phase = Phase::Over;
        }
    }

    /// A deadline may have come.
    pub(crate) fn expire(&mut self, now: Instant, settings: &Settings) {
        match self.phase {
            Phase::Calling { calls, again, .. } => {
                if again <= now {
                    self.call_again(now, calls, settings);
                }
                return;
            }
            Phase::Open => {}
            Phase::Waiting | Phase::Over => return,
        }
        let delivered = self.sender.bytes_acknowledged;
        if now >= self.silent_at(settings) {
            self.fail(Error::Silent { delivered });
            return;
        }
        match self.sender.expire(now, settings, &mut self.tally) {
            Ok(Expired::Nothing) => {}
            Ok(Expired::AskForRoom) => self.due.ping = self.mode == Mode::Own,
            Err(()) => return self.fail(Error::TimedOut { delivered }),
        }
        if self.mode == Mode::Own && now >= self.ping_at {
            self.due.ping = true;
            self.ping_at = now + settings.keep_alive;
            if self.unheard {
                self.ping_at = self.ping_at.min(now + settings.call_interval + settings.call_interval);
            }
        }
        if let Finish::Sent { tries, again } = self.finish
            && again <= now
        {
            if tries >= settings.tries {
                self.fail(Error::TimedOut { delivered });
            } else {
                self.sender.rtt.back_off();
                // FIN is sent again by the next poll.
                self.finish = Finish::Sent { tries, again: Instant::ZERO };
            }
        }
    }

    fn call_again(&mut self, now: Instant, calls: u8, settings: &Settings) {
        let Phase::Calling { language, .. } = self.phase else { return };
        if calls >= settings.calls {
            return self.fail(Error::Unreachable);
        }
        let interval = micros(settings.call_interval).saturating_mul(1 << calls.min(8));
        let again = now.plus_micros(interval.min(1_000_000));
        let next = calls.saturating_add(1);
        self.phase = Phase::Calling { language, calls: next, again };
        if offer(next, settings) != offer(calls, settings) {
            // The size of segments is part of what a number stands for: an answer to an earlier call, which may still
            // be under way, must not be taken for one to this.
            self.number = self.number.wrapping_add(1);
        }
        self.due.open = language != Language::Known;
        self.due.connect = language == Language::Known || language == Language::Any && calls > 0;
    }

    fn silent_at(&self, settings: &Settings) -> Instant {
        let idle = self.heard + settings.idle;
        if self.confirmed { idle } else { idle.min(self.heard + settings.half_open) }
    }

    /// When [`Connection::expire`] is to be called.
    pub(crate) fn deadline(&self, settings: &Settings) -> Option<Instant> {
        match self.phase {
            Phase::Calling { again, .. } => Some(again),
            Phase::Waiting | Phase::Over => None,
            Phase::Open => {
                let mut deadline = self.silent_at(settings).min(self.sender.deadline());
                if self.mode == Mode::Own {
                    deadline = deadline.min(self.ping_at);
                }
                if let Finish::Sent { again, .. } = self.finish {
                    deadline = deadline.min(again);
                }
                Some(deadline)
            }
        }
    }

    /// The next thing to say; datagrams are written into `room`.
    pub(crate) fn poll(&mut self, now: Instant, room: &mut [u8], settings: &Settings) -> Step {
        if let Some(event) = self.next_event() {
            return Step::Event(event);
        }
        if let Some(made) = self.next_small(now, room, settings) {
            return Step::Datagrams(made);
        }
        if let Some(event) = self.due.closed.take() {
            return Step::Event(Event::Closed(self.name, event));
        }
        match self.phase {
            Phase::Over => Step::Gone,
            Phase::Open => self.next_segments(now, room, settings).map_or(Step::Idle, Step::Datagrams),
            _ => Step::Idle,
        }
    }

    fn next_event(&mut self) -> Option<Event> {
        let name = self.name;
        if core::mem::take(&mut self.due.connected) {
            Some(Event::Connected(name))
        } else if core::mem::take(&mut self.due.received) {
            Some(Event::Received(name))
        } else if self.due.sent > 0 {
            self.due.sent = self.due.sent.saturating_sub(1);
            Some(Event::Sent(name))
        } else if core::mem::take(&mut self.due.finished) {
            Some(Event::Finished(name))
        } else if self.due.flushed && self.sender.content.is_light() {
            self.due.flushed = false;
            Some(Event::Flushed(name))
        } else {
            None
        }
    }

    /// The next packet that carries no content.
    fn next_small(&mut self, now: Instant, room: &mut [u8], settings: &Settings) -> Option<Made> {
        let segments = self.sender.segments_sent();
        let either = |mode, own, known| match mode {
            Mode::Own => Small::Own(own),
            Mode::Known(kind) => Small::Known(kind, known),
        };
        let mut segment = 0;
        let packet = if core::mem::take(&mut self.due.open) {
            let calls = if let Phase::Calling { calls, .. } = self.phase { calls } else { 0 };
            segment = offer(calls, settings);
            Small::Own(Own::Open { terms: Terms { segment, ..settings.terms }, realm: settings.magic })
        } else if core::mem::take(&mut self.due.connect) {
            Small::Known(settings.kind, Known::Connect)
        } else if core::mem::take(&mut self.due.accept) {
            segment = self.segment;
            either(self.mode, Own::Accept { terms: Terms { segment, ..settings.terms } }, Known::ConnAck)
        } else if core::mem::take(&mut self.due.reset) {
            Small::Own(Own::Reset)
        } else if self.receiver.owes && self.mode == Mode::Own {
            self.tally.acknowledgements.add(1);
            Small::Own(self.receiver.acknowledge())
        } else if core::mem::take(&mut self.due.fin_ack) {
            either(self.mode, Own::FinAck, Known::FinAck)
        } else if core::mem::take(&mut self.due.ping) {
            Small::Own(Own::Ping)
        } else if self.fin_is_due() {
            self.fin_is_sent(now, settings);
            either(self.mode, Own::Fin { segments }, Known::Fin)
        } else {
            return None;
        };
        // One place writes them all: for size.
        let room = inside(room, settings);
        let length = match packet {
            Small::Own(packet) => packet.emit(self.number, room).map(|length| {
                // What opens a connection is as large as what it is to carry.
                let size = usize::from(segment).saturating_add(Own::DATA_HEADER);
                if segment > 0 { pad(room, length, size) } else { length }
            }),
            Small::Known(kind, packet) => packet.emit(&settings.magic, kind, room),
        };
        // A room too small for a packet is as good as a network that loses it.
        let length = length.map_or(0, |length| length.saturating_add(settings.envelope.size()));
        Some(Made { length, size: length.max(1), load: None })
    }

    fn fin_is_due(&self) -> bool {
        self.phase == Phase::Open
            && match self.finish {
                Finish::Asked => self.sender.is_done(),
                Finish::Sent { again, .. } => again == Instant::ZERO,
                Finish::No | Finish::Done => false,
            }
    }

    fn fin_is_sent(&mut self, now: Instant, settings: &Settings) {
        let tries = if let Finish::Sent { tries, .. } = self.finish { tries } else { 0 };
        let again = now.plus_micros(self.sender.rtt.timeout(settings).max(1).into());
        self.finish = Finish::Sent { tries: tries.saturating_add(1), again };
    }

    /// The next segments, as many equal ones as there is room for.
    fn next_segments(&mut self, now: Instant, room: &mut [u8], settings: &Settings) -> Option<Made> {
        let (header, trailer) = match self.mode {
            Mode::Own => {
                let envelope = settings.envelope;
                (Own::DATA_HEADER.saturating_add(usize::from(envelope.front)), usize::from(envelope.back))
            }
            Mode::Known(_) => (settings.magic.as_bytes().len().saturating_add(Known::INFO_HEADER), 0),
        };
        let size = usize::from(self.segment).saturating_add(header).saturating_add(trailer);
        let most = room.len().checked_div(size).unwrap_or(0).min(usize::from(settings.batch.max(1)));
        let batch = self.sender.batch(now, most, settings, &mut self.tally)?;
        let (body, load) = match batch.place {
            Place::Message { start, length } => {
                let bytes = self.sender.content.message(start, length)?;
                room.get_mut(header..header.checked_add(length)?)?.copy_from_slice(bytes);
                (length, None)
            }
            Place::Range { file, offset, left } => {
                let length = left.min(outgoing::bytes(batch.count, self.segment)) as usize;
                (length, Some(Load { connection: self.name, file, offset, length, header, trailer }))
            }
        };
        self.write_headers(room, &batch, size, body, settings)?;
        let around = header.saturating_add(trailer).saturating_mul(batch.count as usize);
        let length = body.saturating_add(around);
        Some(Made { length, size, load })
    }

    fn write_headers(
        &self,
        room: &mut [u8],
        batch: &Batch,
        size: usize,
        body: usize,
        settings: &Settings,
    ) -> Option<()> {
        let mut left = body;
        for (index, datagram) in room.chunks_mut(size.max(1)).take(batch.count as usize).enumerate() {
            let segment = batch.first_segment.wrapping_add(index as u32);
            let length = left.min(usize::from(self.segment));
            left = left.saturating_sub(length);
            match self.mode {
                Mode::Own => {
                    let transmission = batch.first_transmission.wrapping_add(index as u32);
                    let datagram = inside(datagram, settings);
                    Own::Data { transmission, segment, body: &[] }.emit(self.number, datagram)?;
                }
                Mode::Known(kind) => {
                    let number = if settings.known_window == 1 { segment & 0xffff } else { segment };
                    Known::emit_info_header(&settings.magic, kind, number, length as u16, datagram)?;
                }
            }
        }
        Some(())
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            peer: self.peer,
            own: self.mode == Mode::Own,
            segment: self.segment,
            round_trip: self.sender.rtt.smoothed().map(|micros| Duration::from_micros(micros.into())),
            bytes_acknowledged: self.sender.bytes_acknowledged,
            bytes_received: self.receiver.bytes_stored,
            counters: (&self.tally).into(),
        }
    }
}

/// The room for a datagram inside its envelope.
pub(crate) fn inside<'r>(room: &'r mut [u8], settings: &Settings) -> &'r mut [u8] {
    let end = room.len().saturating_sub(usize::from(settings.envelope.back));
    room.get_mut(usize::from(settings.envelope.front)..end).unwrap_or_default()
}

/// The size of segments that a call asks for, after so many calls. A path that does not carry the size hoped for is
/// found out by the size of OPEN and ACCEPT, not in the middle of a file.
fn offer(calls: u8, settings: &Settings) -> u16 {
    let safe = DATAGRAM_MIN.saturating_sub(Own::DATA_HEADER).saturating_sub(settings.envelope.size()) as u16;
    if calls < CALLS_HOPED { settings.terms.segment } else { settings.terms.segment.min(safe) }
}

/// The number whose low 16 bits are `low`, nearest to `near`.
fn near_16(low: u16, near: u32) -> u32 {
    let ahead = low.wrapping_sub(near as u16).cast_signed();
    near.wrapping_add_signed(ahead.into())
}
