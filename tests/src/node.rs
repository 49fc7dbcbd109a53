//! A program in small: an endpoint, a service over its connections, and storage, driven by the book.
//!
//! ```text
//!   datagram ──► endpoint.handle ──► incoming.rs: offered to the service, or written to storage
//!   poll:        events.rs: what became of connections
//!                actions.rs: what the service asks for   ◄──► storage
//!                endpoint.poll: datagrams (filled from storage), events
//! ```

mod actions;
mod events;
mod incoming;
mod splice;

use crate::{Host, Member, Network, Past, Seal, Seat, Storage, stream::Stream};
use skep_core::{
    Instant, Memory, files,
    rdt::{self, ConnectionId, Endpoint, Language, Output, Peer, Profile, Transmit},
    stream::{Fault, Service},
    table::Named,
    tracker::{self, Tracker},
    wire::rdt::Pass,
};
use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

/// The sessions of a server of files with room for 32.
pub type Sessions = heapless::Vec<Named<files::Session>, 32>;
/// A server of files.
pub type ServerNode<P = Host, M = Sessions> = Node<P, files::Server<M>>;
/// A client of files.
pub type ClientNode<P = Host> = Node<P, files::Client>;

/// More outputs than this between two waits are a machine that runs wild.
const OUTPUTS_MAX: usize = 200_000;

/// What a driver may do in one way or in another.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// It keeps a known peer's early datagrams.
    pub keeps_early: bool,
    /// It feeds so many datagrams that came at once before it polls.
    pub feeds: usize,
    /// The program ends when everything is done and it has lingered.
    pub leaves: bool,
    /// A program that leaves does not wait for the end of its connections: it says good-bye three times.
    pub hurries: bool,
    /// It deals with so many bytes a second, as storage may be slow; 0 for any number.
    pub rate: u64,
    /// So many datagrams wait for that; more are dropped.
    pub frames: usize,
    /// What its system says that a route carries, when it calls.
    pub route: Option<usize>,
}

impl Default for Habits {
    fn default() -> Self {
        Self { keeps_early: false, feeds: 1, leaves: false, hurries: false, rate: 0, frames: 6, route: None }
    }
}

/// What can be checked of a service when all is over.
pub trait Checked: Service {
    /// Whether it wants a connection to whom the node knows, once.
    fn wants_call(&mut self) -> bool {
        false
    }

    /// Panics when something is left.
    fn check_over(&self);
}

impl<M: Memory<Named<files::Session>>> Checked for files::Server<M> {
    fn check_over(&self) {
        assert_eq!((self.sessions(), self.transfers(), self.waiting()), (0, 0, 0), "sessions are left");
    }
}

impl<P: tracker::Profile> Checked for Tracker<P> {
    fn check_over(&self) {
        let left = (self.links(), self.online(), self.transfers());
        assert_eq!(left, (0, 0, 0), "links, users or transfers are left");
    }
}

impl Checked for files::Client {
    fn check_over(&self) {
        assert!(self.is_over(), "the client is not over");
    }
}

/// One program.
pub struct Node<P: Profile, S: Service> {
    seat: Seat,
    /// Its endpoint.
    pub endpoint: Endpoint<P>,
    /// What it serves or asks for.
    pub service: S,
    /// What seals its datagrams, if they are sealed.
    pub seal: Option<Box<Seal>>,
    /// Its files.
    pub storage: Storage,
    /// What the service told, and when.
    pub events: Vec<(Instant, S::Event)>,
    /// Connections that are over.
    pub past: Vec<Past>,
    /// Whom it is going to call, and when.
    pub(crate) call: Option<(Instant, SocketAddr, Language)>,
    /// Whom it calls whenever its service wants that.
    known: Option<(SocketAddr, Language)>,
    /// What it shows when it calls.
    pass: Pass,
    pub(crate) habits: Habits,
    streams: BTreeMap<u32, Stream>,
    has_left: bool,
    was_killed: bool,
    has_opened: bool,
    room: Vec<u8>,
    /// What waits for a slow storage, and when that is ready for it.
    waiting: VecDeque<(SocketAddr, Vec<u8>)>,
    ready_at: Instant,
    /// Datagrams that did not fit there.
    pub overflowed: u64,
    notes: Vec<String>,
}

impl<P: Profile, S: Service> Node<P, S> {
    /// A program that waits for calls.
    pub fn new(seat: Seat, settings: rdt::Settings, seed: u64, service: S) -> Self
    where
        P::Connections: Default,
        P::Index: Default,
        P::Replies: Default,
    {
        let memories = (P::Connections::default(), P::Index::default(), P::Replies::default());
        let endpoint = Endpoint::new(settings, seed, memories.0, memories.1, memories.2);
        let endpoint = endpoint.proving([seed, !seed]);
        let largest = usize::from(settings.terms.segment.max(settings.known_segment)) + 17;
        let largest = largest + settings.envelope.size();
        Self {
            seat,
            endpoint,
            service,
            seal: None,
            storage: Storage::default(),
            events: Vec::new(),
            past: Vec::new(),
            call: None,
            known: None,
            pass: Pass::NONE,
            habits: Habits::default(),
            streams: BTreeMap::new(),
            has_left: false,
            was_killed: false,
            has_opened: false,
            room: vec![0; (largest * usize::from(settings.batch)).min(65_536).max(2 * largest)],
            waiting: VecDeque::new(),
            ready_at: Instant::ZERO,
            overflowed: 0,
            notes: Vec::new(),
        }
    }

    /// With these habits.
    #[must_use]
    pub fn with(mut self, habits: Habits) -> Self {
        self.habits = habits;
        self
    }

    /// With everything that it says sealed. Its settings must leave room for that.
    #[must_use]
    pub fn sealed(self, seal: Seal) -> Self {
        Self { seal: Some(Box::new(seal)), ..self }
    }

    /// With these habits from now on.
    pub fn set_habits(&mut self, habits: Habits) {
        self.habits = habits;
    }

    /// It calls a peer at that moment.
    #[must_use]
    pub fn calling(mut self, at: Instant, peer: SocketAddr, language: Language) -> Self {
        self.call = Some((at, peer, language));
        self
    }

    /// It shows this when it calls.
    #[must_use]
    pub fn showing(self, pass: Pass) -> Self {
        Self { pass, ..self }
    }

    /// It calls this peer whenever its service wants that.
    #[must_use]
    pub fn knowing(self, peer: SocketAddr, language: Language) -> Self {
        Self { known: Some((peer, language)), ..self }
    }

    /// The power is off: it says nothing any more.
    pub fn kill(&mut self) {
        self.was_killed = true;
        self.has_left = true;
    }

    /// Ends all connections at once, as a program does that is told to stop; its service hears of it.
    pub fn abort_all(&mut self) {
        for stream in self.streams.values() {
            self.endpoint.abort(stream.connection);
        }
    }

    /// Whether the program has ended.
    pub const fn has_left(&self) -> bool {
        self.has_left
    }

    /// The statistics of the connections that there are now.
    pub fn statistics(&self) -> impl Iterator<Item = rdt::Statistics> {
        self.streams.values().filter_map(|stream| self.endpoint.statistics(stream.connection))
    }

    /// The connections that there are now.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionId> {
        self.streams.values().map(|stream| stream.connection)
    }

    /// The connection that ended last.
    pub fn last_past(&self) -> &Past {
        self.past.last().expect("a connection has ended")
    }

    fn call_when_due(&mut self, now: Instant) {
        if let Some((at, peer, language)) = self.call
            && at <= now
        {
            self.call = None;
            let peer = match &mut self.seal {
                None => Peer::Address(peer),
                Some(seal) => seal.connect(now, peer).expect("room for a session"),
            };
            let called = self.endpoint.connect_again(now, peer, language, self.pass);
            let connection = called.expect("room to call");
            if let Some(size) = self.habits.route {
                self.endpoint.limit(now, connection, size);
            }
        }
    }

    fn transmit(&mut self, now: Instant, transmit: Transmit<'_>, network: &mut dyn Network) {
        let mut transmit = transmit;
        let size = transmit.size;
        assert!(size > 0 && !transmit.bytes.is_empty(), "an empty transmit");
        if let Some(load) = transmit.load {
            let (mut offset, mut left) = (load.offset, load.length);
            for datagram in transmit.bytes.chunks_mut(size) {
                let end = datagram.len() - load.trailer;
                let body = &mut datagram[load.header..end];
                if let Err(fault) = self.storage.read(load.file, offset, body) {
                    return self.unreadable(now, load.connection, fault);
                }
                offset += body.len() as u64;
                left -= body.len();
            }
            assert_eq!(left, 0, "the load is longer than its datagrams");
        }
        let to = match &mut self.seal {
            None => Some(transmit.to.address().expect("a plain peer")),
            Some(seal) => seal.layer.seal(&mut transmit),
        };
        let Some(to) = to else { return };
        for datagram in transmit.bytes.chunks(size) {
            network.send(self.seat, to, datagram);
        }
    }

    /// A file cannot be read: its connection comes to nothing.
    fn unreadable(&mut self, now: Instant, connection: ConnectionId, fault: Fault) {
        self.move_ended(now, connection, Err(fault));
        self.serve(now);
        self.endpoint.abort(connection);
    }

    /// Nothing is owed, and nothing will come.
    fn has_nothing_to_do(&self) -> bool {
        self.call.is_none()
            && self.endpoint.count() == 0
            && self.streams.is_empty()
            && self.storage.next_answer().is_none()
    }

    /// No session is left, where there are any.
    fn has_no_session(&self) -> bool {
        self.seal.as_ref().is_none_or(|seal| seal.layer.count() == 0)
    }
}

impl<P: Profile + 'static, S: Checked + 'static> Member for Node<P, S>
where
    S::Event: std::fmt::Debug,
{
    fn arrive(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        if self.has_left {
            return;
        }
        if self.habits.rate == 0 {
            self.deal_with(now, from, datagram);
        } else if self.waiting.len() < self.habits.frames {
            self.ready_at = if self.waiting.is_empty() { self.ready_at.max(now) } else { self.ready_at };
            self.waiting.push_back((from, datagram.to_vec()));
        } else {
            self.overflowed += 1;
        }
    }

    fn poll(&mut self, now: Instant, network: &mut dyn Network) -> Option<Instant> {
        while self.ready_at <= now
            && let Some((from, datagram)) = self.waiting.pop_front()
        {
            let takes = datagram.len() as u64 * 1_000_000 / self.habits.rate;
            self.ready_at = self.ready_at + Duration::from_micros(takes);
            self.deal_with(now, from, &datagram);
        }
        let wait = self.act_now(now, network);
        let ready = (!self.waiting.is_empty()).then_some(self.ready_at);
        [wait, ready].into_iter().flatten().min()
    }

    fn feeds(&self) -> usize {
        self.habits.feeds
    }

    fn is_quiet(&self, now: Instant) -> bool {
        self.has_left
            || self.has_nothing_to_do()
                && self.has_no_session()
                && self.waiting.is_empty()
                && now >= self.endpoint.linger_until()
    }

    fn check_over(&self) {
        if self.was_killed {
            return;
        }
        assert_eq!(self.endpoint.count(), 0, "connections are left");
        assert!(self.has_left || self.has_no_session(), "sessions are left");
        assert_eq!(self.storage.in_use(), 0, "files are in use");
        if self.has_opened {
            self.service.check_over();
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl<P: Profile, S: Checked> Node<P, S> {
    fn deal_with(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        match &mut self.seal {
            None => self.take(now, Peer::Address(from), datagram),
            Some(seal) => {
                let mut datagram = datagram.to_vec();
                let Some((peer, plain)) = seal.receive(now, from, &mut datagram) else { return };
                self.take(now, peer, plain);
            }
        }
        while let Some((connection, _)) = self.endpoint.accept(now) {
            self.open(now, connection);
        }
    }

    /// Whether all that is left of its connections is an answer to its FIN.
    fn takes_leave(&mut self) -> bool {
        let endpoint = &mut self.endpoint;
        !self.streams.is_empty() && self.streams.values().all(|stream| endpoint.take_leave(stream.connection))
    }

    fn act_now(&mut self, now: Instant, network: &mut dyn Network) -> Option<Instant> {
        if self.has_left {
            return None;
        }
        self.call_when_due(now);
        let mut room = std::mem::take(&mut self.room);
        if let Some(seal) = &mut self.seal {
            seal.layer.turn(now, false);
            while let Some((to, length)) = seal.layer.poll(now, &mut room) {
                network.send(self.seat, to, &room[..length]);
            }
        }
        let mut outputs = 0;
        let wait = loop {
            outputs += 1;
            assert!(outputs < OUTPUTS_MAX, "node {} does not come to a wait", self.seat.0);
            let service_wait = self.serve(now);
            if self.service.wants_call()
                && let Some((peer, language)) = self.known
            {
                self.call = Some((now, peer, language));
                self.call_when_due(now);
            }
            self.feed_kept(now);
            match self.endpoint.poll(now, &mut room) {
                Output::Transmit(transmit) => self.transmit(now, transmit, network),
                Output::Event(event) => self.take_event(now, event),
                Output::Wait(wait) => break [wait, service_wait],
            }
        };
        if self.habits.leaves && self.habits.hurries && self.takes_leave() {
            for _ in 0..2 {
                self.takes_leave();
                while let Output::Transmit(transmit) = self.endpoint.poll(now, &mut room) {
                    self.transmit(now, transmit, network);
                }
            }
            self.kill();
            return None;
        }
        self.room = room;
        for note in self.notes.drain(..) {
            network.note(&note);
        }
        let linger = self.endpoint.linger_until();
        if self.has_nothing_to_do() && now >= linger && self.habits.leaves {
            self.has_left = true;
            return None;
        }
        let linger = (linger > now).then_some(linger);
        let call = self.call.map(|call| call.0);
        let sessions = self.seal.as_ref().and_then(|seal| seal.layer.deadline());
        [wait[0], wait[1], self.storage.next_answer(), linger, call, sessions].into_iter().flatten().min()
    }
}
