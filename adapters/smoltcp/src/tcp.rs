//! Streams over TCP sockets.
//!
//! ```text
//!   socket ──► inbox  ──► Wrapping ──► storage, or offered to the machine
//!   socket ◄── outbox ◄── Wrapping ◄── messages, storage
//! ```
//!
//! A socket serves one stream after the other: it listens, or waits to be used for a call.

mod boxes;
mod connection;
mod give;
mod take;
mod wrapping;

#[cfg(feature = "seal")]
pub use wrapping::Sealed;
pub use wrapping::{Plain, Wrapping};

use crate::{Carrier, Happening, Receiving, Sending, Stack, Storage, address, storage::ASK_AGAIN};
use connection::{Connection, Stage};
use core::{net::SocketAddr, time::Duration};
use skep_core::Instant;
use smoltcp::{
    iface::SocketHandle,
    phy::Device,
    socket::{Socket, tcp},
};

/// Bytes of content that are moved at once in the clear.
pub const CHUNK: usize = 1_024;

/// The same for who seals: the text of one record of [`CHUNK`] bytes, and what is around it.
#[cfg(feature = "seal")]
pub const SEALED_CHUNK: usize = CHUNK + skep_core::seal::record::OVERHEAD;

/// How long a peer may take to answer a call, or to finish opening one: smoltcp asks at 0, 1, 3 and 7 s.
const HANDSHAKE: Duration = Duration::from_secs(15);

/// How long a peer that opens a call is safe from others when no socket is left for them: long enough for it to answer.
const GRACE: Duration = Duration::from_millis(250);

/// How long a stream that is over may take to deliver its last bytes.
const CLOSING: Duration = Duration::from_secs(30);

/// How long a peer may take to be told that a stream was broken off. There may be nobody where it says that it is.
const RESETTING: Duration = Duration::from_secs(2);

/// A peer that says nothing although it should is given up after so long.
const SILENCE: Duration = Duration::from_secs(30);

/// A peer that says nothing is asked for a sign of life after so long.
const KEEP_ALIVE: Duration = Duration::from_secs(8);

/// The first of the ports that calls are made from (RFC 6335 section 6).
const PORTS: u16 = 49_152;

/// A stream's name: one is used again only after all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Link {
    number: u16,
    generation: u16,
}

/// As many streams at once as there are `SOCKETS`, with `SIZE` bytes between each socket and the files, in each
/// direction; in the clear or wrapped by `W`.
pub struct Tcp<const SOCKETS: usize, W: Wrapping = Plain, const SIZE: usize = CHUNK> {
    connections: [Connection<W::Records, SIZE>; SOCKETS],
    wrapping: W,
    /// Where sockets listen that do nothing else.
    port: Option<u16>,
    ports: u16,
    is_stuck: bool,
    deadline: Option<Instant>,
}

impl<const SOCKETS: usize, W: Wrapping, const SIZE: usize> Tcp<SOCKETS, W, SIZE> {
    /// Streams over these sockets of the stack, which are closed. `seed` should differ at every start: the ports that
    /// calls are made from follow from it.
    pub fn new(sockets: [SocketHandle; SOCKETS], seed: u64, wrapping: W) -> Self {
        const { assert!(SIZE >= W::LEAST, "a chunk holds the longest message, and what wraps it") };
        Self {
            connections: sockets.map(Connection::new),
            wrapping,
            port: None,
            ports: seed as u16,
            is_stuck: false,
            deadline: None,
        }
    }

    /// The same, where sockets that do nothing else listen on this port.
    #[must_use]
    pub fn listening(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }

    /// How many sockets are in use, those too that only deliver what is left.
    pub fn count(&self) -> usize {
        self.connections.iter().filter(|one| !matches!(one.stage, Stage::Idle | Stage::Listening)).count()
    }

    /// What wraps the streams.
    pub const fn wrapping(&self) -> &W {
        &self.wrapping
    }

    /// The same, to change.
    pub const fn wrapping_mut(&mut self) -> &mut W {
        &mut self.wrapping
    }

    fn call_from<D: Device>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        to: SocketAddr,
        records: W::Records,
    ) -> Option<(Link, &mut Connection<W::Records, SIZE>)> {
        let remote = address::endpoint(to)?;
        let sockets = &mut stack.sockets;
        let free = |connection: &Connection<_, SIZE>| {
            let socket = sockets.get::<tcp::Socket<'_>>(connection.socket);
            connection.stage == Stage::Idle
                || connection.stage == Stage::Listening && socket.state() == tcp::State::Listen
        };
        let number = self.connections.iter().position(free)?;
        let connection = self.connections.get_mut(number)?;
        let socket = sockets.get_mut::<tcp::Socket<'_>>(connection.socket);
        socket.abort();
        self.ports = self.ports.wrapping_add(1);
        let port = PORTS | self.ports;
        socket.connect(stack.interface.context(), remote, port).ok()?;
        connection.begin(now, Stage::Calling, to, records);
        let link = Link { number: number as u16, generation: connection.generation };
        Some((link, connection))
    }

    /// Who has been opening a call for longest when nobody listens any more, and until when it is safe.
    fn crowded_by(&self) -> Option<(usize, Instant)> {
        self.port?;
        if self.connections.iter().any(Connection::is_vacant) {
            return None;
        }
        let opening = self.connections.iter().enumerate().filter(|(_, one)| one.is_opening());
        let (number, until) =
            opening.filter_map(|(number, one)| Some((number, one.until?))).min_by_key(|one| one.1)?;
        let spared = (HANDSHAKE - GRACE).as_micros() as u64;
        Some((number, Instant::from_micros(until.as_micros().saturating_sub(spared))))
    }

    /// Has a socket forget what it was at. The set remembers that one waits for a neighbour, and would have it wait on:
    /// so it is another one to it from now on.
    #[allow(irrefutable_let_patterns, reason = "without other kinds of sockets there is no other variant")]
    fn reuse<D: Device>(&mut self, number: usize, stack: &mut Stack<'_, D>) {
        let Some(connection) = self.connections.get_mut(number) else { return };
        let Socket::Tcp(mut socket) = stack.sockets.remove(connection.socket) else { return };
        socket.abort();
        connection.socket = stack.sockets.add(socket);
        connection.records = None;
        connection.stage = Stage::Idle;
    }

    fn connection(&mut self, link: Link) -> Option<&mut Connection<W::Records, SIZE>> {
        let connection = self.connections.get_mut(usize::from(link.number))?;
        (connection.generation == link.generation && connection.is_there()).then_some(connection)
    }
}

impl<const SOCKETS: usize, const SIZE: usize> Tcp<SOCKETS, Plain, SIZE> {
    /// Calls a peer in the clear; for [`Driver::adopt`](crate::Driver::adopt). `None`: no socket is free, or there can
    /// be nobody at that address.
    pub fn call<D: Device>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        to: SocketAddr,
    ) -> Option<Link> {
        Some(self.call_from(now, stack, to, ())?.0)
    }
}

#[cfg(feature = "seal")]
impl<const SOCKETS: usize, A, const SIZE: usize> Tcp<SOCKETS, Sealed<A>, SIZE>
where
    A: skep_core::seal::layer::Access,
{
    /// Calls a peer, sealed; for [`Driver::adopt`](crate::Driver::adopt). `None`: no socket is free, there can be
    /// nobody at that address, or the call cannot be made.
    pub fn call<D: Device>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        to: SocketAddr,
        call: &skep_core::seal::layer::Call,
    ) -> Option<Link> {
        let (records, hello, length) = self.wrapping.hail(call, SIZE)?;
        let (link, connection) = self.call_from(now, stack, to, records)?;
        connection.outbox.put(hello.get(..length)?).then_some(link)
    }
}

impl<const SOCKETS: usize, W: Wrapping, const SIZE: usize> Carrier for Tcp<SOCKETS, W, SIZE> {
    type Link = Link;

    fn take<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<Link>> {
        self.is_stuck = false;
        for number in 0..SOCKETS {
            if let Some(happening) = self.look(now, number, stack, storage) {
                return Some(happening);
            }
            self.free(now, number, stack);
        }
        if let Some((number, _)) = self.crowded_by().filter(|(_, safe_until)| *safe_until <= now) {
            self.reuse(number, stack);
            self.free(now, number, stack);
        }
        None
    }

    fn give<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<Link>> {
        for number in 0..SOCKETS {
            if let Some(happening) = self.flush(number, stack, storage) {
                return Some(happening);
            }
        }
        let stuck = self.is_stuck.then(|| now + ASK_AGAIN);
        let crowded = self.crowded_by().map(|(_, safe_until)| safe_until);
        let others = stuck.into_iter().chain(crowded);
        self.deadline = self.connections.iter().filter_map(|one| one.until).chain(others).min();
        None
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// smoltcp, too, acknowledges each second segment.
    fn answers_after(&self) -> usize {
        if self.count() == 0 { usize::MAX } else { 2 }
    }

    fn offered(&self, link: Link) -> &[u8] {
        self.connections.get(usize::from(link.number)).map_or(&[], |connection| connection.inbox.text())
    }

    fn taken(&mut self, link: Link, count: usize) {
        if let Some(connection) = self.connection(link) {
            connection.inbox.consume(count);
            connection.is_refused = count == 0;
        }
    }

    fn write(&mut self, link: Link, bytes: &[u8]) -> bool {
        self.connection(link).is_some_and(|connection| connection.write(bytes))
    }

    fn pour(&mut self, link: Link, bytes: &[u8]) -> usize {
        self.connection(link).map_or(0, |connection| connection.pour(bytes))
    }

    fn resume(&mut self, link: Link) {
        if let Some(connection) = self.connection(link) {
            connection.is_refused = false;
        }
    }

    fn has_untaken(&self, link: Link) -> bool {
        !self.offered(link).is_empty()
    }

    fn send(&mut self, link: Link, range: Sending) -> bool {
        self.connection(link).is_some_and(|connection| connection.send(range))
    }

    fn receive(&mut self, link: Link, content: Receiving) {
        if let Some(connection) = self.connection(link) {
            connection.receive(content);
        }
    }

    fn position(&self, link: Link) -> u64 {
        self.connections.get(usize::from(link.number)).map_or(0, Connection::position)
    }

    fn finish(&mut self, link: Link) {
        if let Some(connection) = self.connection(link) {
            connection.finish();
        }
    }

    fn abort(&mut self, link: Link) {
        if let Some(connection) = self.connection(link) {
            connection.stage = Stage::Aborting;
        }
    }
}

impl<const SOCKETS: usize, W: Wrapping, const SIZE: usize> core::fmt::Debug for Tcp<SOCKETS, W, SIZE> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Tcp").field("port", &self.port).finish_non_exhaustive()
    }
}
