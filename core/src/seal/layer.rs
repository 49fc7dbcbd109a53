//! The sealed transport over UDP, between a socket and an RDT endpoint that knows nothing of it.
//!
//! ```text
//!   socket ──► receive ──► plain packet of a session ──► Endpoint::handle
//!                 │ INIT1: guard, key agreement, who is it?
//!                 │ CHALLENGE, INIT2
//!   socket ◄── seal ◄───── datagrams for a session ◄──── Endpoint::poll
//!   socket ◄── poll: challenges, questions about new addresses
//! ```
//!
//! The endpoint's peer is a [`Peer::Session`]. Its OPEN travels inside message 1 of the handshake and its ACCEPT
//! inside message 2, so a sealed connection opens in one round trip like a plain one. Every packet after that is
//! sealed whole. Datagrams are sealed where they stand, after their content was read into them: the endpoint
//! leaves room for that ([`crate::rdt::Envelope`]).
//!
//! The driver of a sealed endpoint does what that of a plain one does ([`crate::rdt`]), and
//!
//! 1. begins each turn of its loop by [`Layer::turn`];
//! 2. gives each datagram to [`Layer::receive`], and what that makes of it to [`Endpoint::handle`](crate::rdt::Endpoint::handle);
//!    looks by [`Layer::take_moved`] whether a peer has moved;
//! 3. sends what [`Layer::poll`] has, then polls the endpoint, whose [`Envelope`](crate::rdt::Envelope) is
//!    [`FRONT`](super::datagram::FRONT) and [`TAG_LENGTH`](super::TAG_LENGTH): reads the content into a datagram, seals it by
//!    [`Layer::seal`], and sends it where that says;
//! 4. tells [`Layer::ended`] of each connection that has ended;
//! 5. polls again at the earlier of the endpoint's moment and [`Layer::deadline`].
//!
//! **Silence.** Whoever does not know the server's public key gets no byte, and nobody gets more bytes than he sent before
//! his address is proven.
//!
//! **Addresses.** A session stays when its peer's address changes: what opens is taken wherever it came from. But what is
//! sent goes to the old address until the new one has given back eight bytes that nobody can guess and that were sent there.

mod access;
mod address;
mod answer;
mod call;
mod caller;
mod coarse;
mod opening;
mod path;
mod session;
mod sessions;
#[cfg(test)]
mod tests;

pub use super::initiation::Call;
pub use access::{Access, Caller, Decision, SALT};
pub use opening::Opening;
pub use session::Session;

use super::{CheckKey, KeyPair, Provider, Random, Secret, datagram::OVERHEAD};
use crate::{
    Instant, Memory,
    count::count,
    guard::Guard,
    index::Cell,
    rdt::{Peer, Transmit},
    table::Slot,
    wire::seal::{Challenge, ConnectionId, Packet, Suite, Suites},
};
use address::Address;
use coarse::Coarse;
use core::{net::SocketAddr, time::Duration};
use heapless::{Deque, Vec};
use opening::Step;
use path::Control;
use session::State;
use sessions::Sessions;

/// A session from which nothing opened for so long, in microseconds, is forgotten. Endpoints ask for a sign of life more often.
const SESSION_LIFE: u64 = 60_000_000;

/// For how long, in microseconds, one key seals at most, on a session that lives. The Noise specification, section 11.3, wants it bounded.
const KEY_LIFE: u64 = 3_600_000_000;

/// A session from which nothing came for so long, in microseconds, waits for nothing that was on its way before.
const REST: u64 = 1_000_000;

/// Packets of the layer itself that may wait to be sent.
const WAITING_MAX: usize = 16;

/// What the layer has done and seen. Counts saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counters {
    /// Datagrams that are none of the sealed transport, or of no session.
    pub strange: u64,
    /// First packets whose check was wrong: their sender does not know this server's key or the introduction. And those
    /// whose purpose is for TCP only.
    pub unchecked: u64,
    /// First packets that were refused after the key agreement: forged, malformed, or from somebody who may not come in.
    pub refused: u64,
    /// Datagrams of a session that did not open: forged, replayed or damaged.
    pub unopened: u64,
    /// Sessions that began.
    pub sessions: u64,
    /// Sessions whose peer has moved to another address.
    pub moved: u64,
}

/// A packet of the layer itself.
enum Waiting {
    Challenge(SocketAddr, Challenge),
    /// The call of this session again.
    Call(u64),
    /// In this session.
    Control(u64, SocketAddr, Control),
}

/// The smallest datagram that an endpoint behind a layer may be set to, envelope and all: every first packet fits into it.
pub const SMALLEST: usize = 256;

/// How a layer is set.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// The ciphers, the best first. ChaCha20-Poly1305 is always offered.
    pub suites: &'static [Suite],
    /// The largest datagram that this side takes, in bytes.
    pub largest: u16,
    /// The guard's rules.
    pub guard: crate::guard::Settings,
}

/// The layer of one socket, with its sessions in `M`, their index in `I` and their handshakes in `H`. Of these there are
/// at most as many as the guard has slots and this side calls at once.
pub struct Layer<
    V: Provider,
    M,
    I,
    const SLOTS: usize,
    const BUCKETS: usize,
    H = Vec<Slot<Opening<V>>, SLOTS>,
> {
    settings: Settings,
    own: KeyPair<V>,
    check: CheckKey<V>,
    random: Random<V>,
    sessions: Sessions<V, M, I, H>,
    guard: Guard<SLOTS, BUCKETS>,
    /// The sessions of the guard's slots.
    slots: [u32; SLOTS],
    waiting: Deque<Waiting, WAITING_MAX>,
    /// Whose session has moved, until that is taken.
    moved: Option<Peer>,
    counters: Counters,
}

impl<V, M, I, const SLOTS: usize, const BUCKETS: usize, H> Layer<V, M, I, SLOTS, BUCKETS, H>
where
    V: Provider,
    M: Memory<Slot<Session<V>>>,
    I: Memory<Cell>,
    H: Memory<Slot<Opening<V>>>,
{
    /// A layer with this identity in empty memories. `seed` must be 32 random bytes, secret, and others at every
    /// start. `sessions` should have room for `SLOTS` more than are to be open at once, or handshakes that come to
    /// nothing keep others out for [`HALF_OPEN_LIFE`](crate::guard::HALF_OPEN_LIFE).
    pub fn new(settings: Settings, own: KeyPair<V>, seed: Secret, sessions: M, index: I) -> Self
    where
        H: Default,
    {
        let mut random = Random::<V>::new(seed);
        let guard = Guard::new(settings.guard, *random.next().expose());
        Self {
            settings,
            check: CheckKey::new(own.public(), None),
            own,
            random,
            sessions: Sessions::new(sessions, index, H::default()),
            guard,
            slots: [u32::MAX; SLOTS],
            waiting: Deque::new(),
            moved: None,
            counters: Counters::default(),
        }
    }

    /// What it has done so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// What its guard has done so far.
    pub const fn guard(&self) -> crate::guard::Counters {
        self.guard.counters()
    }

    /// How many sessions there are.
    pub const fn count(&self) -> usize {
        self.sessions.count()
    }

    /// A turn of the driver's loop begins: to be called in each, as the guard has so many key agreements for a turn. Without
    /// it one or a few sealed callers get in, and then nobody. `late`: it could not keep up in the one before.
    pub fn turn(&mut self, now: Instant, late: bool) {
        self.guard.turn();
        if late {
            self.guard.late(now);
        }
    }

    /// Who is at the other end of a session, by what the handshake has shown: known until that has ended, and so when the
    /// endpoint accepts its connection. Nothing may be done in its name before it [is confirmed](Self::is_confirmed): the
    /// first message of a handshake may be a replay.
    pub fn caller(&self, peer: Peer) -> Option<Caller> {
        self.sessions.caller(peer)
    }

    /// Where the peer of a session is, as far as that is proven.
    pub fn address(&self, peer: Peer) -> Option<SocketAddr> {
        Some(self.sessions.named(peer)?.address.into())
    }

    /// Whose session the last datagram has moved to another [address](Self::address), if any; told once.
    pub const fn take_moved(&mut self) -> Option<Peer> {
        self.moved.take()
    }

    /// Whether the other end of a session has shown that it holds the keys. What it said in the session shows that too:
    /// nothing is passed on before.
    pub fn is_confirmed(&self, peer: Peer) -> bool {
        self.sessions.named(peer).is_some_and(|session| matches!(session.state, State::Open(_)))
    }

    /// A connection has ended: its session is needed only to answer the peer's last words again.
    pub fn ended(&mut self, now: Instant, peer: Peer) {
        if let Some(number) = self.sessions.number(peer) {
            self.sessions.set_deadline(number, now + LAST_WORDS);
            if let Some(session) = self.sessions.get_mut(number) {
                session.ending = true;
            }
        }
    }

    /// Takes a datagram. What it gives is a plain packet for [`crate::rdt::Endpoint::handle`], in the datagram's place.
    pub fn receive<'d>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &'d mut [u8],
        access: &mut (impl Access + ?Sized),
    ) -> Option<(Peer, &'d [u8])> {
        let length = datagram.len();
        match Packet::parse(datagram) {
            Some(Packet::Data(header)) => self.opened(now, from, header.destination, datagram),
            Some(Packet::Init1(init1, proof)) => {
                let (peer, open) = self.called(now, from, length, &init1, &proof, access)?;
                Some((peer, padded(datagram, &open)?))
            }
            Some(Packet::Init2(init2)) => {
                let (peer, accept) = self.answered(now, from, length, &init2)?;
                Some((peer, padded(datagram, &accept)?))
            }
            Some(Packet::Challenge(challenge, proof)) => {
                self.challenged(&challenge, &proof, from);
                None
            }
            None => {
                count(&mut self.counters.strange);
                None
            }
        }
    }

    /// Makes what the endpoint wants to send into what goes to the socket, and says where. `None`: nothing goes.
    /// Content must have been read into it before.
    pub fn seal(&mut self, transmit: &mut Transmit<'_>) -> Option<SocketAddr> {
        let number = self.sessions.number(transmit.to)?;
        let suites = self.offered();
        let session = self.sessions.get_mut(number)?;
        let to = session.address.into();
        if let State::Open(protection) = &mut session.state {
            protection.seal_batch(transmit.bytes, transmit.size).ok()?;
            return Some(to);
        }
        let (session, opening) = self.sessions.opening(number)?;
        let id = session.id.to_be_bytes();
        if let Step::Calling(calling) = &mut opening.step {
            let (size, plain) = (transmit.bytes.len(), inside(transmit.bytes)?);
            let terms = (suites, self.settings.largest);
            calling.prepare(&self.own, terms, plain, size, self.random.next())?;
            let length = calling.emit(id, suites, Some(size), transmit.bytes)?;
            transmit.bytes = core::mem::take(&mut transmit.bytes).get_mut(..length)?;
            return Some(to);
        }
        let slot = opening.slot?;
        let plain = inside(transmit.bytes)?;
        let init2 = opening.answer(id, plain, self.settings.largest, &mut self.random)?;
        // Padded as the ACCEPT is, which is not longer than the call: so this way carries the size, too.
        if !self.guard.may_send(slot, transmit.bytes.len()) {
            return None;
        }
        let (message, padding) = transmit.bytes.split_at_mut_checked(init2.len())?;
        message.copy_from_slice(init2);
        padding.fill(0);
        self.guard.sent(slot, transmit.bytes.len());
        Some(to)
    }

    /// The next packet of the layer itself, written into `room`: where it goes and how long it is.
    pub fn poll(&mut self, now: Instant, room: &mut [u8]) -> Option<(SocketAddr, usize)> {
        while let Some(slot) = self.guard.expired(now) {
            self.free_slot(slot.number());
        }
        while let Some(number) = self.sessions.take_expired(now) {
            self.expire(now, number);
        }
        let suites = self.offered();
        loop {
            let sent = match self.waiting.pop_front()? {
                Waiting::Call(id) => {
                    let number = self.sessions.numbered(id);
                    number.and_then(|number| self.sessions.opening(number)).and_then(|(session, opening)| {
                        let Step::Calling(calling) = &mut opening.step else { return None };
                        let length = calling.emit(session.id.to_be_bytes(), suites, None, room)?;
                        Some((session.address.into(), length))
                    })
                }
                Waiting::Challenge(to, challenge) => {
                    let check = |covered: &[u8]| self.check.stamp(covered);
                    challenge.emit(check, room).map(|length| (to, length))
                }
                Waiting::Control(id, to, control) => {
                    let number = self.sessions.numbered(id);
                    let session = number.and_then(|number| self.sessions.get_mut(number));
                    session.and_then(|session| session.emit(&control, room)).map(|length| (to, length))
                }
            };
            if sent.is_some() {
                return sent;
            }
        }
    }

    /// Whether so many packets of the layer itself wait that the driver should poll before it feeds on: under a flood a
    /// challenge that finds no room may be an honest client's.
    pub fn is_urgent(&self) -> bool {
        self.waiting.len() >= WAITING_MAX / 2
    }

    /// When [`Layer::poll`] is to be called at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        match (self.guard.next_deadline(), self.sessions.next_deadline()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// A sealed datagram.
    fn opened<'d>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        destination: ConnectionId,
        datagram: &'d mut [u8],
    ) -> Option<(Peer, &'d [u8])> {
        let Some(number) = self.sessions.known(&destination) else {
            count(&mut self.counters.strange);
            return None;
        };
        let protection = self.sessions.protection(number)?;
        let (before, waited) = (protection.expected(), protection.waits());
        let Ok(text) = protection.open(datagram) else {
            count(&mut self.counters.unopened);
            log!(debug, "seal: what {:?} sent does not open", from);
            return None;
        };
        // Of all that the peer has sent, this is the last: only that says where it is now (RFC 9000, section 9.3).
        let is_newest = protection.expected() > before;
        let begins_to_wait = protection.waits() && !waited;
        if let Some(slot) = self.sessions.confirm(number) {
            // Only now it is sure that the caller holds the key that it named.
            self.guard.confirmed(slot);
            if let Some(entry) = self.slots.get_mut(slot.number()) {
                *entry = u32::MAX;
            }
        }
        let session = self.sessions.get_mut(number)?;
        session.heard = Coarse::new(now);
        let (id, address) = (session.id, session.address);
        if begins_to_wait && !session.ending {
            self.sessions.set_deadline(number, now.plus_micros(REST));
        }
        if let Some(control) = Control::parse(text) {
            self.control(now, number, from, control);
            return None;
        }
        if Address::from(from) != address && is_newest && text.len() >= Control::LENGTH {
            self.question(now, id, from);
        }
        Some((Peer::Session(id), text))
    }

    fn forget(&mut self, number: u32) {
        if let Some(slot) = self.sessions.remove(number)
            && let Some(entry) = self.slots.get_mut(slot.number()).filter(|entry| **entry == number)
        {
            *entry = u32::MAX;
            self.guard.abandoned(slot);
        }
    }

    fn offered(&self) -> Suites {
        self.settings.suites.iter().fold(Suites::CHACHA, |offered, &suite| offered.and(suite))
    }

    /// The guard has given a slot to another, or to nobody: the session that waited in it is over.
    fn free_slot(&mut self, slot: usize) {
        let Some(entry) = self.slots.get_mut(slot) else { return };
        let number = core::mem::replace(entry, u32::MAX);
        if number != u32::MAX {
            self.forget(number);
        }
    }

    fn expire(&mut self, now: Instant, number: u32) {
        let Some(session) = self.sessions.get_mut(number) else { return };
        let silent = session.heard.age(now);
        let left = SESSION_LIFE.saturating_sub(silent);
        let mut next = left;
        if session.ending || left == 0 {
            return self.forget(number);
        }
        if let State::Open(protection) = &mut session.state {
            if session.refreshed.age(now) >= KEY_LIFE {
                session.refreshed = Coarse::new(now);
                protection.refresh();
            }
            if silent >= REST {
                protection.rest();
            } else if protection.waits() {
                next = REST;
            }
        }
        self.sessions.set_deadline(number, now.plus_micros(next));
    }
}

/// How long a session outlives its connection.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The packet inside an envelope.
fn inside(datagram: &[u8]) -> Option<&[u8]> {
    datagram.get(super::datagram::FRONT..datagram.len().checked_sub(super::TAG_LENGTH)?)
}

/// A packet that came inside a handshake, as if it had come plain and padded to what the path carries.
fn padded<'d>(datagram: &'d mut [u8], packet: &[u8]) -> Option<&'d [u8]> {
    let length = datagram.len().saturating_sub(OVERHEAD);
    let plain = datagram.get_mut(..length)?;
    plain.fill(0);
    plain.get_mut(..packet.len())?.copy_from_slice(packet);
    Some(plain)
}

impl<V: Provider, M, I, const SLOTS: usize, const BUCKETS: usize, H> core::fmt::Debug
    for Layer<V, M, I, SLOTS, BUCKETS, H>
{
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Layer").field("counters", &self.counters).finish_non_exhaustive()
    }
}
