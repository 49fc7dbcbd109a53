//! A UDP socket and the endpoint that speaks on it.

use super::udp::{Udp, outgoing::Outgoing};
use crate::{
    gate::Gate,
    host::{self, Host, WINDOW_MAX},
    memory::room_for_more,
    provider::HostProvider,
};
use mio::{Interest, Registry, Token};
use skep_core::{
    Instant,
    rdt::{ConnectionId, Endpoint, Envelope, Peer, Settings},
    seal::{KeyPair, Secret, TAG_LENGTH, datagram::FRONT, datagram::OVERHEAD, layer},
    wire::seal::Suite,
};
use std::{collections::BTreeMap, io, net::SocketAddr, num::NonZeroU32, ops::Bound};

/// The most early datagrams of known peers that are kept, for all of them together, in bytes of memory.
const KEPT_MAX: usize = 64 << 20;

/// What one of them takes besides its own bytes: its place among the others, and what the allocator wants for it.
const KEPT_OVERHEAD: usize = 128;

/// Early datagrams of known peers, with who sent them, by connection and number.
type Kept = BTreeMap<(ConnectionId, u32), (Peer, Box<[u8]>)>;

/// A stream's number and one: so that it takes no more room that there may be none.
type Key = NonZeroU32;

/// The sealed transport on a socket, and who may come in.
pub(crate) struct Seal {
    pub(crate) layer: Box<host::HostLayer>,
    pub(crate) access: Gate,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.layer.fmt(formatter)
    }
}

/// The ciphers that this side offers, the one that it likes best first.
pub(crate) const SUITES: &[Suite] = &[Suite::Aes, Suite::ChaCha];

#[derive(Debug)]
pub(crate) struct RdtSocket {
    pub(crate) udp: Udp,
    pub(crate) seal: Option<Seal>,
    /// What the application calls it.
    pub(crate) label: usize,
    pub(crate) endpoint: Endpoint<Host>,
    /// The streams by their connections' numbers.
    streams: Vec<Option<Key>>,
    /// The connections that we called, and where.
    calls: Vec<(ConnectionId, SocketAddr)>,
    outgoing: Outgoing,
    /// By which polling tells of it.
    pub(crate) token: Token,
    pub(crate) readable: bool,
    /// Something was asked of the endpoint: it is to be polled.
    pub(crate) stirred: bool,
    pub(crate) deadline: Option<Instant>,
    kept: Kept,
    kept_bytes: usize,
    /// Connections whose peer finished while something of them was kept: the end is to be told after that.
    pub(crate) held: Vec<ConnectionId>,
}

impl RdtSocket {
    pub(crate) fn bind(address: SocketAddr, settings: Settings) -> io::Result<Self> {
        let udp = Udp::bind(address)?;
        let mut settings = settings;
        let held = udp.holds(usize::from(settings.terms.segment));
        settings.terms.window = settings.terms.window.min(held).clamp(1, WINDOW_MAX as u32);
        let mut random = [0; 24];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let (words, _) = random.as_chunks();
        let [seed, first, second] = [0, 1, 2].map(|place| u64::from_ne_bytes(words[place]));
        Ok(Self {
            udp,
            seal: None,
            label: 0,
            endpoint: host::endpoint(settings, seed).proving([first, second]),
            streams: Vec::new(),
            calls: Vec::new(),
            outgoing: Outgoing::default(),
            token: Token(usize::MAX),
            readable: false,
            stirred: true,
            deadline: None,
            kept: BTreeMap::new(),
            kept_bytes: 0,
            held: Vec::new(),
        })
    }

    /// A socket on which everything is sealed.
    pub(crate) fn bind_sealed(
        address: SocketAddr,
        settings: Settings,
        own: &KeyPair<HostProvider>,
        access: Gate,
    ) -> io::Result<Self> {
        let mut settings = settings;
        let largest = usize::from(settings.terms.segment) + skep_core::wire::rdt::Own::DATA_HEADER;
        settings.terms.segment -= OVERHEAD as u16;
        // The session of who does not confirm it is freed by then.
        settings.half_open = skep_core::guard::HALF_OPEN_LIFE.into();
        settings.envelope = Envelope { front: FRONT as u8, back: TAG_LENGTH as u8 };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other)?;
        let rules = layer::Settings {
            suites: SUITES,
            largest: largest.min(usize::from(u16::MAX)) as u16,
            guard: skep_core::guard::Settings::HOST,
        };
        let layer = host::layer(rules, own.clone(), Secret::take(&mut seed));
        let mut socket = Self::bind(address, settings)?;
        socket.seal = Some(Seal { layer: Box::new(layer), access });
        Ok(socket)
    }

    /// Whether the socket has not taken what it was given last: nothing else is asked of the endpoint meanwhile.
    pub(crate) const fn is_blocked(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// One datagram is to leave, soon: together with others, by [`Self::flush`].
    pub(crate) fn gather(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.outgoing.push(to, datagram, datagram.len());
    }

    /// Sends equal datagrams, back to back in `bytes`, behind those that have gathered. Whether the system refused one as
    /// longer than the interface carries.
    pub(crate) fn send(&mut self, to: SocketAddr, bytes: &[u8], size: usize) -> bool {
        if !self.outgoing.flush(&mut self.udp) {
            self.outgoing.push(to, bytes, size);
            return false;
        }
        let sent = self.udp.send(to, bytes, size);
        self.outgoing.push(to, sent.rest, size);
        sent.is_too_long
    }

    /// Sends what has gathered. If the socket does not take all for now, the system is asked to tell when it does, and only
    /// then: else it would wake us for every datagram that has left. Whether nothing is left.
    pub(crate) fn flush(&mut self, registry: &Registry) -> bool {
        let is_empty = self.outgoing.flush(&mut self.udp);
        if !is_empty {
            self.watch(registry, Interest::READABLE | Interest::WRITABLE);
        }
        is_empty
    }

    /// The socket takes some again.
    pub(crate) fn unblock(&mut self, registry: &Registry) {
        if self.is_blocked() && self.outgoing.flush(&mut self.udp) {
            self.stirred = true;
            self.watch(registry, Interest::READABLE);
        }
    }

    pub(crate) fn watch(&mut self, registry: &Registry, interest: Interest) {
        // It fails for sockets that are not registered: this one is.
        let _ = registry.reregister(&mut self.udp.socket, self.token, interest);
    }

    /// Sends the packets of the sealed transport itself: challenges, and questions about new addresses.
    pub(crate) fn poll_seal(&mut self, now: Instant, room: &mut [u8]) {
        if let Some(seal) = &mut self.seal {
            while let Some((to, length)) = seal.layer.poll(now, room) {
                // One that the socket does not take is one lost.
                self.udp.send(to, &room[..length], length);
            }
        }
    }

    /// Who is at the other end of a connection that was just accepted, on a sealed socket.
    pub(crate) fn caller(&self, connection: ConnectionId) -> Option<layer::Caller> {
        let statistics = self.endpoint.statistics(connection)?;
        self.seal.as_ref()?.layer.caller(statistics.peer)
    }

    /// Where the peer of a connection is, as far as is known.
    pub(crate) fn address(&self, connection: ConnectionId) -> Option<SocketAddr> {
        let peer = self.endpoint.statistics(connection)?.peer;
        match &self.seal {
            None => peer.address(),
            Some(seal) => seal.layer.address(peer),
        }
    }

    /// The connection whose peer the last datagram has shown to be at another address, and that address.
    pub(crate) fn take_relocated(&mut self) -> Option<(ConnectionId, SocketAddr)> {
        let layer = &mut self.seal.as_mut()?.layer;
        let peer = layer.take_moved()?;
        Some((self.endpoint.connection_with(peer)?, layer.address(peer)?))
    }

    /// A connection is over: so is its session, soon.
    pub(crate) fn seal_ended(&mut self, now: Instant, connection: ConnectionId) {
        if let (Some(seal), Some(statistics)) = (&mut self.seal, self.endpoint.statistics(connection)) {
            seal.layer.ended(now, statistics.peer);
        }
    }

    /// How many bytes of messages a connection takes now. If none, it says when it does.
    pub(crate) fn takes(&mut self, connection: ConnectionId) -> usize {
        let room = self.endpoint.room(connection);
        if room == 0 && self.endpoint.is_flushed(connection) {
            return self.endpoint.room(connection);
        }
        room
    }

    /// The stream of a connection, or of another one that has or had its number.
    pub(crate) fn stream(&self, connection: ConnectionId) -> Option<usize> {
        let key = (*self.streams.get(connection.number() as usize)?)?;
        Some(key.get() as usize - 1)
    }

    pub(crate) fn enter(&mut self, connection: ConnectionId, stream: usize) {
        let number = connection.number() as usize;
        if number >= self.streams.len() {
            self.streams.reserve_exact(room_for_more(number, self.streams.capacity()));
            self.streams.resize(number + 1, None);
        }
        self.streams[number] = Key::new(stream as u32 + 1);
    }

    /// We call that address.
    pub(crate) fn call(&mut self, connection: ConnectionId, to: SocketAddr) {
        self.udp.call(to);
        self.calls.push((connection, to));
    }

    /// The calls that are not answered, of an address to which the system sends nothing now, and why. Who was there before
    /// may be there again in a moment.
    pub(crate) fn take_unsent(&mut self) -> Option<(Vec<ConnectionId>, io::Error)> {
        let (to, error) = self.udp.take_unsent()?;
        let is_calling = |connection| {
            self.endpoint.statistics(connection).is_some_and(|statistics| statistics.segment == 0)
        };
        let calls = self.calls.iter().filter(|&&(connection, called)| called == to && is_calling(connection));
        Some((calls.map(|&(connection, _)| connection).collect(), error))
    }

    /// The connection of a stream is not its any more.
    pub(crate) fn leave(&mut self, connection: ConnectionId, stream: usize) {
        self.calls.retain(|(called, _)| *called != connection);
        if self.stream(connection) == Some(stream) {
            self.streams[connection.number() as usize] = None;
        }
        let all = (connection, 0)..=(connection, u32::MAX);
        let gone: Vec<_> = self.kept.range(all).map(|(&key, _)| key).collect();
        for key in gone {
            self.forget(key);
        }
    }

    /// Keeps an early datagram of a known peer. `false`: there is no more room.
    pub(crate) fn keep(
        &mut self,
        connection: ConnectionId,
        number: u32,
        from: Peer,
        datagram: &[u8],
    ) -> bool {
        let bytes = datagram.len() + KEPT_OVERHEAD;
        if self.kept_bytes + bytes > KEPT_MAX {
            return false;
        }
        let key = (connection, number);
        if !self.kept.contains_key(&key) {
            self.kept_bytes += bytes;
            self.kept.insert(key, (from, datagram.into()));
        }
        true
    }

    /// Whether early datagrams of a connection are kept whose turn is still to come.
    pub(crate) fn keeps(&self, connection: ConnectionId) -> bool {
        let expected = self.endpoint.expected(connection).unwrap_or(0);
        self.kept.range((connection, 0)..=(connection, u32::MAX)).any(|(key, _)| !is_past(key.1, expected))
    }

    /// The connections of which early datagrams are kept.
    pub(crate) fn keepers(&self) -> Vec<ConnectionId> {
        // One look for each, however many datagrams it has here: this is asked at every poll.
        let mut keepers = Vec::new();
        let mut first = self.kept.keys().next().copied();
        while let Some((connection, _)) = first {
            keepers.push(connection);
            let behind = (Bound::Excluded((connection, u32::MAX)), Bound::Unbounded);
            first = self.kept.range(behind).next().map(|(&key, _)| key);
        }
        keepers
    }

    /// A kept datagram whose turn has come, and its number.
    pub(crate) fn take_kept(&mut self, connection: ConnectionId) -> Option<(u32, Peer, Box<[u8]>)> {
        let expected = self.endpoint.expected(connection)?;
        // Some came again in their turn before they were looked for here.
        while let Some((&key, _)) = self.kept.range((connection, 0)..=(connection, u32::MAX)).next()
            && is_past(key.1, expected)
        {
            self.forget(key);
        }
        let (from, datagram) = self.forget((connection, expected))?;
        Some((expected, from, datagram))
    }

    fn forget(&mut self, key: (ConnectionId, u32)) -> Option<(Peer, Box<[u8]>)> {
        let kept = self.kept.remove(&key)?;
        self.kept_bytes -= kept.1.len() + KEPT_OVERHEAD;
        Some(kept)
    }
}

/// Whether a number is before the expected one, where numbers start over at 2^32.
fn is_past(number: u32, expected: u32) -> bool {
    number.wrapping_sub(expected) > u32::MAX / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_core::rdt::Language;
    use std::net::Ipv4Addr;

    #[test]
    fn early_datagrams_are_bounded_by_what_they_take_however_short_they_are() {
        let mut socket = RdtSocket::bind((Ipv4Addr::LOCALHOST, 0).into(), Settings::HOST).unwrap();
        let peers: [SocketAddr; 2] = [([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into()];
        let [one, other] =
            peers.map(|peer| socket.endpoint.connect(Instant::ZERO, peer, Language::Known).unwrap());
        let datagram = [0; 14];
        assert!(socket.keep(other, 1, peers[1].into(), &datagram));
        let mut count = 0;
        while count < 1 << 20 && socket.keep(one, count, peers[0].into(), &datagram) {
            count += 1;
        }
        assert!((1 << 18..1 << 19).contains(&count), "{count}");
        assert_eq!(socket.keepers(), [one, other]);
        socket.leave(one, 0);
        assert!(socket.keep(other, 2, peers[1].into(), &datagram));
        assert_eq!(socket.keepers(), [other]);
        socket.leave(other, 0);
        assert_eq!((socket.keepers(), socket.kept_bytes), (Vec::new(), 0));
    }
}
