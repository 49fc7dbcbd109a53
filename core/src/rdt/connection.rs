//! One connection: its opening, its two directions, its end.
//!
//! ```text
//!   call ──► Calling ──ACCEPT/CONNACK──► Open ──both directions finished──► closed
//!   accept ────────────────────────────►  │
//!                                         └──tries, idle, RESET, abort──► failed
//!
//!   finishing a direction:  content acknowledged ──► FIN (again and again) ──FINACK──► finished
//!                                                      └──some times, and the peer has finished──►┘
//! ```

mod ending;
mod opening;
mod parked;
mod proving;
mod size;
mod speaking;

pub use parked::Parked;
pub(crate) use size::{DATAGRAM_MIN, segment_in};
pub(crate) use speaking::inside;

use super::{
    ConnectionId, Error, Event, Language, Load, Peer, Settings, Statistics,
    known::KnownKind,
    profile::Profile,
    receiver::Receiver,
    record::Record,
    sender::{Expired, Sender},
    trace::Happened,
};
use crate::{
    Instant,
    wire::rdt::{Own, Pass},
};
use core::time::Duration;
use proving::PROVEN;

/// After so many signs of life that were given soon, no more come than keep a connection alive.
const SIGNS: u8 = 20;
/// The peer has heard us.
const SURE: u8 = u8::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Own,
    Known(KnownKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Calling: in which language, how often so far, and when again; and whether an answer came that had less padding than
    /// the segments that it granted.
    Calling {
        language: Language,
        calls: u8,
        again: Instant,
        is_cut: bool,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Due {
    open: bool,
    /// Once more, if content goes out behind it: that is for nobody when the call is lost.
    open_twice: bool,
    connect: bool,
    /// The answer to a call, of so many bytes at most; 0 for none. And that once more, as everything waits for it.
    accept: u16,
    accept_again: bool,
    fin_ack: bool,
    ping: u8,
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
    pub(crate) record: Record<P::Trace>,
    /// The size of segments: until the call is answered, what is hoped for.
    segment: u16,
    finish: Finish,
    peer_finished: bool,
    /// The peer has shown that it heard us: it is where it says it is.
    confirmed: bool,
    confirmed_at: Instant,
    /// The application has let go; what the peer still needs to hear is said.
    pub(crate) abandoned: bool,
    /// A known peer called again, and no segment that is new came since.
    called_again: bool,
    /// Another call came from its address: the peer was asked whether it still is who it was.
    challenged: bool,
    heard: Instant,
    /// When the call was answered, once, and nothing came since; else `FAR`.
    answered: Instant,
    ping_at: Instant,
    /// Signs of life that we gave since our call was answered, until the peer is sure to have heard one: then `SURE`.
    signs: u8,
    /// What proves our address to the peer; 0 for nothing.
    token: u64,
    /// The round-trip time in microseconds that an earlier connection has measured; 0 for none.
    expected: u32,
    /// Bytes that may be sent to the peer before its address is proven; then `PROVEN`.
    credit: u32,
    /// It is counted among those that have brought something before that.
    pub(crate) is_stranger: bool,
    /// What is said goes out behind the call; and the application was told so, as if that was answered.
    is_early: bool,
    told_early: bool,
    due: Due,
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
    fn new(now: Instant, peer: Peer, (number, seed): (u32, u32), mode: Mode, phase: Phase) -> Self {
        Self {
            peer,
            name: ConnectionId { number: u32::MAX, generation: 0 },
            number,
            mode,
            phase,
            sender: Sender::new(seed),
            receiver: Receiver::new(),
            record: Record::default(),
            segment: 0,
            finish: Finish::No,
            peer_finished: false,
            confirmed: false,
            confirmed_at: now,
            abandoned: false,
            called_again: false,
            challenged: false,
            heard: now,
            answered: Instant::FAR,
            ping_at: now,
            signs: SURE,
            token: 0,
            expected: 0,
            credit: PROVEN,
            is_stranger: false,
            is_early: false,
            told_early: false,
            due: Due::default(),
        }
    }

    /// Whether the application may still use it.
    pub(crate) fn is_usable(&self) -> bool {
        !self.abandoned && self.phase != Phase::Over
    }

    /// Whether its peer sends content, or may be about to.
    pub(crate) fn wants_room(&self) -> bool {
        self.phase == Phase::Open && !self.peer_finished && self.receiver.wants_room()
    }

    /// Something came from the peer.
    pub(crate) fn hear(&mut self, now: Instant, settings: &Settings) {
        self.heard = now;
        if self.token == 0 {
            self.signs = SURE;
        }
        self.ping_at = self.next_sign(now, settings);
    }

    /// What came was said after our answer to the call: a measure of the round trip.
    pub(crate) fn measure(&mut self, now: Instant) {
        if self.sender.is_small() {
            return;
        }
        let answered = core::mem::replace(&mut self.answered, Instant::FAR);
        if answered != Instant::FAR {
            self.sender.measured(answered, now, &mut self.record);
        }
    }

    /// When the next sign of life is due, if nothing comes before: soon at first, then ever later.
    #[inline(never)] // for size: core/panic-check/run shows it
    fn next_sign(&self, now: Instant, settings: &Settings) -> Instant {
        let interval = settings.call_interval.as_micros();
        let soon = match self.signs {
            // A sender is silent for no longer than its longest time-out, while it has something under way. If it is, our
            // address may be another one by now, which only a word of ours tells it (docs/protocol.md section 7.4).
            SURE if self.confirmed && self.wants_room() => {
                let silence = now.micros_since(self.heard).min(u32::MAX.into()) as u32;
                silence.max(settings.timeout_maximum.as_micros())
            }
            SURE => u32::MAX,
            // One who waits for the token says nothing before it has come.
            signs if !self.sender.is_small() && self.token != 0 => {
                let first = self.sender.rtt.timeout(settings).min(interval);
                first.saturating_mul(1 << signs.min(SIGNS))
            }
            0 => interval,
            _ => interval.saturating_mul(2),
        };
        // Each is answered: without a floor two would say nothing else.
        now.plus_micros(soon.min(settings.keep_alive.as_micros().max(interval)).into())
    }

    /// An acknowledgement of skep's own. `false`: it lies.
    pub(crate) fn acknowledged(&mut self, now: Instant, packet: &Own<'_>, settings: &Settings) -> bool {
        let true_word = self.sender.acknowledged(now, packet, settings, &mut self.record);
        if true_word {
            // It knows of this connection: the other call was an old one.
            self.challenged = false;
        } else {
            self.fail(Error::Deceived { delivered: self.sender.bytes_acknowledged });
        }
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
        let true_word = self.sender.acknowledged_segment(now, number, settings, &mut self.record);
        self.count_acknowledgement(true_word)
    }

    fn count_acknowledgement(&mut self, true_word: bool) -> bool {
        if true_word {
            self.due.sent = self.due.sent.saturating_add(self.sender.take_complete());
        } else {
            self.record.false_acknowledgements.add(1);
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
    pub(crate) fn received_segment(&mut self, (number, segment): (u32, u32), length: u16) {
        if self.mode != Mode::Own {
            self.confirm();
        }
        self.called_again = false;
        self.record.received.add(1);
        self.record.note(self.heard, Happened::Received { transmission: number, segment, length });
        self.check_complete();
    }

    /// A segment of the peer came that is here already.
    pub(crate) fn received_again(&mut self, (number, segment): (u32, u32), length: u16) {
        self.record.note(self.heard, Happened::Duplicate { transmission: number, segment, length });
    }

    /// A transmission is to be acknowledged, at once when the peer `asks` for it.
    pub(crate) fn note(&mut self, transmission: u32, asks: bool) {
        self.receiver.note(self.heard, transmission, asks);
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

    /// The peer wants to hear whether we live, or have room.
    pub(crate) fn pinged(&mut self) {
        self.receiver.owes = true;
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
        self.receiver.expire(now);
        if self.mode == Mode::Own && now >= self.ping_at {
            self.ask_for_sign();
            self.signs = if self.signs < SIGNS { self.signs.wrapping_add(1) } else { SURE };
            self.ping_at = self.next_sign(now, settings);
        }
        if self.is_unproven() {
            return;
        }
        match self.sender.expire(now, self.mode == Mode::Own, settings, &mut self.record) {
            Ok(Expired::Nothing) => {}
            Ok(Expired::AskForRoom) if self.mode == Mode::Own => self.ask_for_sign(),
            Ok(Expired::AskForRoom) => {}
            Err(()) => return self.fail(Error::TimedOut { delivered }),
        }
        if let Finish::Sent { tries, again } = self.finish
            && again <= now
        {
            self.finish_again(tries, settings);
        }
    }

    fn ask_for_sign(&mut self) {
        self.due.ping = self.due.ping.max(1);
    }

    fn silent_at(&self, settings: &Settings) -> Instant {
        let idle = self.heard + settings.idle;
        if self.confirmed { idle } else { idle.min(self.heard + settings.half_open) }
    }

    /// When [`Connection::expire`] is to be called.
    pub(crate) fn deadline(&self, settings: &Settings) -> Option<Instant> {
        match self.phase {
            Phase::Calling { again, .. } if self.is_early() && self.is_bold(settings) => {
                Some(again.min(self.sender.resumes()))
            }
            Phase::Calling { again, .. } => Some(again),
            Phase::Waiting | Phase::Over => None,
            // Only what comes from there lets it go on.
            Phase::Open if self.is_held() => Some(self.silent_at(settings)),
            Phase::Open => {
                let mut deadline = self.silent_at(settings).min(self.receiver.deadline());
                if self.mode == Mode::Own {
                    deadline = deadline.min(self.ping_at);
                }
                if self.is_unproven() {
                    let resumes = if self.affords(size::carrying(self.segment)) {
                        self.sender.resumes()
                    } else {
                        Instant::FAR
                    };
                    return Some(deadline.min(resumes));
                }
                deadline = deadline.min(self.sender.deadline());
                if let Finish::Sent { again, .. } = self.finish {
                    deadline = deadline.min(again);
                }
                Some(deadline)
            }
        }
    }

    /// What it leaves to the next call of the same peer.
    pub(crate) fn pass(&self) -> Pass {
        Pass { token: self.token, round_trip: self.sender.rtt.smoothed().unwrap_or(self.expected) }
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            peer: self.peer,
            own: self.mode == Mode::Own,
            segment: if self.is_calling() { 0 } else { self.segment },
            narrow: P::SEARCHES && self.sender.path_mtu.is_narrow(),
            round_trip: self.sender.rtt.smoothed().map(|micros| Duration::from_micros(micros.into())),
            bytes_acknowledged: self.sender.bytes_acknowledged,
            bytes_received: self.receiver.bytes_stored,
            counters: self.record.counters(),
        }
    }
}

/// The number whose low 16 bits are `low`, nearest to `near`.
fn near_16(low: u16, near: u32) -> u32 {
    let ahead = low.wrapping_sub(near as u16).cast_signed();
    near.wrapping_add_signed(ahead.into())
}
