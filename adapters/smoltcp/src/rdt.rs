//! Streams over RDT, on a UDP socket.
//!
//! ```text
//!   socket ──► inbox ──► Wrapping ──► Endpoint::handle ──► storage, or offered to the machine
//!   socket ◄── outbox ◄── Wrapping ◄── storage ◄────────── Endpoint::poll
//! ```
//!
//! One datagram is under way in each direction at a time. What came waits in the inbox until the store has taken it, and
//! nothing else is received before: so a slow store slows the peer down. What leaves waits in the outbox until its
//! content is read and the socket has room.

mod entry;
mod give;
mod take;
#[cfg(test)]
mod tests;
mod unbound;
mod waiting;
mod wrapping;

pub use unbound::Unbound;
pub use wrapping::{Plain, Wrapping};
#[cfg(feature = "seal")]
pub use wrapping::{Sealed, device_settings};

use crate::{Carrier, Happening, Receiving, Sending, Stack, Storage};
use core::net::SocketAddr;
use entry::Entry;
use heapless::Vec;
use skep_core::{
    Instant,
    rdt::{ConnectionId, Dropped, Endpoint, Fixed, Language, Peer, Settings, Statistics},
    wire::rdt::Known,
};
use smoltcp::{iface::SocketHandle, phy::Device, socket::udp};
use take::Held;
use waiting::{Ready, Waiting};

/// The largest datagram on an Ethernet, in bytes of UDP payload.
pub const DATAGRAM: usize = 1_472;

/// An RDT endpoint with room for `CONNECTIONS` connections, windows of `WINDOW` segments (a power of two) each way, and
/// datagrams of `SIZE` bytes, in the clear or wrapped by `W`.
pub struct Rdt<const CONNECTIONS: usize, const WINDOW: usize, W = Plain, const SIZE: usize = DATAGRAM> {
    socket: SocketHandle,
    endpoint: Endpoint<Fixed<CONNECTIONS, WINDOW>>,
    wrapping: W,
    /// The connections that the driver knows of, by their numbers.
    entries: [Option<Entry>; CONNECTIONS],
    inbox: [u8; SIZE],
    held: Option<Held>,
    /// The store was asked for something and has no answer yet.
    is_stuck: bool,
    outbox: [u8; SIZE],
    ready: Option<Ready>,
    waiting: Option<Waiting>,
    deadline: Option<Instant>,
}

impl<const CONNECTIONS: usize, const WINDOW: usize, W: Wrapping, const SIZE: usize>
    Rdt<CONNECTIONS, WINDOW, W, SIZE>
{
    /// An endpoint on a UDP socket of the stack that is not bound yet. `seed` must differ at every start, or an upload that a
    /// restart interrupts may become a file mixed of two: see [`Endpoint::new`].
    ///
    /// The settings are cut down to what is there: the window to the frames that the device takes at once
    /// ([`Stack::burst`]) and to the datagrams that the socket has room for, segments to datagrams of `SIZE` bytes.
    /// Segments are cut further, to whole write units of the store `F`. Connections that receive at the same time share
    /// that room, or what is left of it by [`Settings::room`].
    ///
    /// # Errors
    /// The port is 0, the socket is bound already, or a datagram of these settings does not fit into its buffers.
    pub fn bind<D: Device, F: Storage>(
        stack: &mut Stack<'_, D>,
        socket: SocketHandle,
        port: u16,
        settings: Settings,
        seed: u64,
        wrapping: W,
    ) -> Result<Self, Unbound> {
        let burst = stack.burst().unwrap_or(usize::MAX);
        let udp = stack.sockets.get_mut::<udp::Socket<'_>>(socket);
        let room = udp.packet_recv_capacity().min(udp.payload_recv_capacity() / SIZE).max(1);
        let mut settings = settings;
        let window = u32::try_from(burst.min(room)).unwrap_or(u32::MAX);
        settings.terms.window = settings.terms.window.min(window).max(1);
        settings.room = settings.room.min(window).max(1);
        settings.batch = 1;
        settings.envelope = W::ENVELOPE;
        settings.terms.segment = entry::segment::<F>(settings.terms.segment, SIZE, W::ENVELOPE.size());
        let known = SIZE.saturating_sub(settings.magic.as_bytes().len() + Known::INFO_HEADER);
        settings.known_segment = settings.known_segment.min(u16::try_from(known).unwrap_or(u16::MAX));
        W::adjust(&mut settings);
        let datagram = settings.datagram();
        let packets = udp.packet_recv_capacity().min(udp.packet_send_capacity());
        let holds = udp.payload_recv_capacity().min(udp.payload_send_capacity()).min(SIZE);
        if packets == 0 || datagram > holds {
            return Err(Unbound::TooSmall { datagram });
        }
        udp.bind(port).map_err(Unbound::Socket)?;
        Ok(Self {
            socket,
            endpoint: Endpoint::new(settings, seed, Vec::new(), Vec::new(), Vec::new()),
            wrapping,
            entries: [const { None }; CONNECTIONS],
            inbox: [0; SIZE],
            held: None,
            is_stuck: false,
            outbox: [0; SIZE],
            ready: None,
            waiting: None,
            deadline: None,
        })
    }

    /// What wraps the datagrams, to ask it more.
    pub const fn wrapping(&self) -> &W {
        &self.wrapping
    }

    /// The same, to change.
    pub const fn wrapping_mut(&mut self) -> &mut W {
        &mut self.wrapping
    }

    /// What a connection has done and seen so far.
    pub fn statistics(&self, link: ConnectionId) -> Option<Statistics> {
        self.endpoint.statistics(link)
    }

    /// What was dropped without a connection to charge it to.
    pub const fn dropped(&self) -> Dropped {
        self.endpoint.dropped()
    }

    /// How many connections there are, in whatever state.
    pub const fn count(&self) -> usize {
        self.endpoint.count()
    }

    fn call_peer(
        &mut self,
        now: Instant,
        to: SocketAddr,
        peer: Peer,
        language: Language,
    ) -> Option<ConnectionId> {
        let connection = self.endpoint.connect(now, peer, language)?;
        self.enter(connection, to, true);
        Some(connection)
    }

    fn enter(&mut self, connection: ConnectionId, address: SocketAddr, is_call: bool) {
        if let Some(place) = self.entries.get_mut(connection.number() as usize) {
            *place = Some(Entry::new(connection, address, is_call));
        }
    }

    fn entry(&mut self, connection: ConnectionId) -> Option<&mut Entry> {
        let place = self.entries.get_mut(connection.number() as usize)?;
        place.as_mut().filter(|entry| entry.connection == connection)
    }

    fn leave(&mut self, connection: ConnectionId) -> Option<Entry> {
        let place = self.entries.get_mut(connection.number() as usize)?;
        place.take_if(|entry| entry.connection == connection)
    }

    /// What is to be told of connections, and follows from nothing that comes.
    fn owed(&mut self) -> Option<Happening<ConnectionId>> {
        self.entries.iter_mut().flatten().find_map(Entry::owed)
    }
}

impl<const CONNECTIONS: usize, const WINDOW: usize, const SIZE: usize> Rdt<CONNECTIONS, WINDOW, Plain, SIZE> {
    /// Calls a peer in the clear; for [`Driver::adopt`](crate::Driver::adopt). `None`: there is no room.
    pub fn call(&mut self, now: Instant, to: SocketAddr, language: Language) -> Option<ConnectionId> {
        self.call_peer(now, to, Peer::Address(to), language)
    }
}

#[cfg(feature = "seal")]
impl<const CONNECTIONS: usize, const WINDOW: usize, A, const SESSIONS: usize, const SIZE: usize>
    Rdt<CONNECTIONS, WINDOW, Sealed<A, SESSIONS>, SIZE>
where
    A: skep_core::seal::layer::Access,
{
    /// Calls a peer, sealed; for [`Driver::adopt`](crate::Driver::adopt). `None`: there is no room.
    pub fn call(
        &mut self,
        now: Instant,
        to: SocketAddr,
        call: skep_core::seal::layer::Call,
    ) -> Option<ConnectionId> {
        // A session without a connection would keep its place for a minute.
        if self.count() >= CONNECTIONS {
            return None;
        }
        let peer = self.wrapping.connect(now, to, call)?;
        self.call_peer(now, to, peer, Language::Own)
    }
}

impl<const CONNECTIONS: usize, const WINDOW: usize, W: Wrapping, const SIZE: usize> Carrier
    for Rdt<CONNECTIONS, WINDOW, W, SIZE>
{
    type Link = ConnectionId;

    fn take<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<ConnectionId>> {
        self.take_datagrams(now, stack, storage)
    }

    fn give<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<ConnectionId>> {
        self.give_datagrams(now, stack, storage)
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn linger_until(&self) -> Instant {
        self.endpoint.linger_until()
    }

    /// When two thirds of the window have come: the peer sends as much again while the rest is taken. Each answer wakes
    /// somebody up.
    fn answers_after(&self) -> usize {
        if self.count() == 0 { usize::MAX } else { self.endpoint.settings().terms.window as usize * 2 / 3 }
    }

    fn offered(&self, _: ConnectionId) -> &[u8] {
        self.held.as_ref().and_then(|held| self.inbox.get(held.bytes.clone())).unwrap_or_default()
    }

    fn taken(&mut self, _: ConnectionId, count: usize) {
        if let Some(held) = &mut self.held {
            held.taken(&mut self.endpoint, count);
        }
    }

    fn write(&mut self, link: ConnectionId, bytes: &[u8]) -> bool {
        let written = self.endpoint.write(link, bytes);
        self.endpoint.resume(link);
        if let Some(entry) = self.entry(link).filter(|_| written) {
            entry.wrote();
        }
        written
    }

    fn pour(&mut self, link: ConnectionId, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.endpoint.room(link));
        let poured = bytes.get(..count).is_some_and(|bytes| self.endpoint.write(link, bytes));
        if let Some(entry) = self.entry(link) {
            entry.wrote();
        }
        if poured { count } else { 0 }
    }

    fn resume(&mut self, link: ConnectionId) {
        self.endpoint.resume(link);
    }

    /// A connection has ended only when all that came before was taken.
    fn has_untaken(&self, _: ConnectionId) -> bool {
        false
    }

    fn send(&mut self, link: ConnectionId, range: Sending) -> bool {
        self.endpoint.send(link, range.file, range.offset, range.length)
    }

    fn receive(&mut self, link: ConnectionId, content: Receiving) {
        let length = content.length.unwrap_or(u64::MAX);
        let Some(entry) = self.entry(link) else { return };
        if entry.receive(content) {
            self.endpoint.receive(link, content.file, content.offset, length);
        }
    }

    fn position(&self, link: ConnectionId) -> u64 {
        let statistics = self.endpoint.statistics(link);
        statistics.map_or(0, |moved| moved.bytes_acknowledged.wrapping_add(moved.bytes_received))
    }

    fn finish(&mut self, link: ConnectionId) {
        self.endpoint.finish(link);
        self.endpoint.resume(link);
    }

    fn abort(&mut self, link: ConnectionId) {
        self.leave(link);
        self.endpoint.abort(link);
    }
}

impl<const CONNECTIONS: usize, const WINDOW: usize, W, const SIZE: usize> core::fmt::Debug
    for Rdt<CONNECTIONS, WINDOW, W, SIZE>
{
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Rdt").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
