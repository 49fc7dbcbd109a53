//! A tracker that relays from one sealed session over RDT to another, in memory, and a network that takes no time and
//! loses nothing: the path that a relayed byte takes through the program where the system does not splice it.
//!
//! ```text
//!   owner ── sealed ──► layer, endpoint ── message: taken, as far as there is room ──► endpoint, layer ──► requester
//! ```

use crate::loopback::Everybody;
use skep::{
    host::{self, Host, HostLayer},
    provider::HostProvider,
};
use skep_core::{
    Instant, guard,
    rdt::{ConnectionId, Endpoint, Envelope, Event, Incoming, Language, Output, Settings},
    seal::{
        KeyPair, Secret, TAG_LENGTH,
        datagram::{FRONT, OVERHEAD},
        layer::{self, Call},
    },
    wire::{
        rdt::Own,
        seal::{Purpose, Suite},
    },
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant as Clock},
};

/// What an end says at once.
const PORTION: usize = 64 << 10;
/// How long a datagram is under way.
const DELAY: Duration = Duration::from_millis(1);

/// Datagrams under way, and who sent them.
type Sent = Vec<(SocketAddr, Vec<u8>)>;

/// A UDP socket's worth of machines.
struct Side {
    endpoint: Endpoint<Host>,
    layer: HostLayer,
    address: SocketAddr,
    room: Vec<u8>,
}

impl Side {
    fn new(number: u8, settings: Settings) -> Self {
        let largest = usize::from(settings.terms.segment) + Own::DATA_HEADER;
        let mut settings = settings;
        settings.terms.segment -= OVERHEAD as u16;
        settings.half_open = guard::HALF_OPEN_LIFE.into();
        settings.envelope = Envelope { front: FRONT as u8, back: TAG_LENGTH as u8 };
        let rules = layer::Settings {
            suites: &[Suite::Aes, Suite::ChaCha],
            largest: largest as u16,
            guard: guard::Settings::HOST,
        };
        Self {
            endpoint: host::endpoint(settings, number.into()),
            layer: host::layer(rules, key(number), Secret::new([number ^ 0x80; 32])),
            address: SocketAddr::from(([10, 0, 0, number], 7)),
            room: vec![0; 65_535],
        }
    }

    /// Calls the tracker.
    fn call(&mut self, now: Instant, to: &Self) -> ConnectionId {
        let server = *key(0).public();
        let call = Call { server, purpose: Purpose::Member, psk: None };
        let peer = self.layer.connect(now, to.address, call).expect("there is room");
        self.endpoint.connect(now, peer, Language::Own).expect("there is room")
    }

    /// Takes datagrams. Messages go to `take`, which says how much of them it took.
    fn receive(
        &mut self,
        now: Instant,
        sent: &mut Sent,
        mut take: impl FnMut(&mut Endpoint<Host>, ConnectionId, &[u8]) -> usize,
    ) {
        for (from, mut datagram) in sent.drain(..) {
            let plain = self.layer.receive(now, from, &mut datagram, &mut Everybody);
            let Some((peer, plain)) = plain else { continue };
            if let Ok(Some(Incoming::Message { ticket, bytes })) = self.endpoint.handle(now, peer, plain) {
                let count = take(&mut self.endpoint, ticket.connection(), bytes);
                self.endpoint.taken(&ticket, count);
            }
        }
    }

    /// Says what it has to say, to whom it may concern. Whether a connection has room for messages again.
    fn send(&mut self, now: Instant, mut deliver: impl FnMut(SocketAddr, SocketAddr, &[u8])) -> bool {
        let mut has_room = false;
        loop {
            while let Some((to, length)) = self.layer.poll(now, &mut self.room) {
                deliver(self.address, to, &self.room[..length]);
            }
            match self.endpoint.poll(now, &mut self.room) {
                Output::Transmit(mut transmit) => {
                    let Some(to) = self.layer.seal(&mut transmit) else { continue };
                    for datagram in transmit.bytes.chunks(transmit.size) {
                        deliver(self.address, to, datagram);
                    }
                }
                Output::Event(Event::Flushed(_)) => has_room = true,
                Output::Event(event) => assert!(!matches!(event, Event::Closed(..)), "{event:?}"),
                Output::Wait(_) => return has_room,
            }
        }
    }
}

/// An owner, a requester, and the tracker between them.
pub struct Relay {
    tracker: Side,
    owner: Side,
    requester: Side,
    /// What they call their connections to the tracker.
    ends: (ConnectionId, ConnectionId),
    /// What the tracker calls them.
    joined: (ConnectionId, ConnectionId),
    now: Instant,
    said: Vec<u8>,
}

impl Relay {
    /// With both ends logged in.
    ///
    /// # Panics
    /// When they do not connect.
    pub fn new() -> Self {
        let sides = [0, 1, 2].map(|number| Side::new(number, Settings::HOST));
        let [mut tracker, mut owner, mut requester] = sides;
        let mut now = Instant::from_micros(1);
        let [out, into] = [&mut owner, &mut requester].map(|side| {
            let own = side.call(now, &tracker);
            let (mut up, mut down) = (Sent::new(), Sent::new());
            for _ in 0..4 {
                now = now + DELAY;
                side.send(now, |from, _, datagram| up.push((from, datagram.to_vec())));
                tracker.receive(now, &mut up, |_, _, _| 0);
                tracker.send(now, |from, _, datagram| down.push((from, datagram.to_vec())));
                side.receive(now, &mut down, |_, _, _| 0);
                if let Some((theirs, _)) = tracker.endpoint.accept(now) {
                    return (own, Some(theirs));
                }
            }
            (own, None)
        });
        let theirs = |side: Option<ConnectionId>| side.expect("a connection");
        let mut relay = Self {
            tracker,
            owner,
            requester,
            ends: (out.0, into.0),
            joined: (theirs(out.1), theirs(into.1)),
            now,
            said: (0..PORTION).map(|place| place as u8).collect(),
        };
        // The ends learn that they are connected.
        relay.pass(1 << 20);
        relay
    }

    /// Passes so many bytes, as the program does: what comes is taken off one connection as far as the other has room
    /// for it. The time that the tracker took for it.
    ///
    /// # Panics
    /// When a connection breaks.
    pub fn pass(&mut self, length: usize) -> Duration {
        let (out, into) = self.joined;
        let (mut to_say, mut heard, mut taken) = (length, 0, Duration::ZERO);
        let (mut up, mut to_owner, mut to_requester) = (Sent::new(), Sent::new(), Sent::new());
        while heard < length {
            self.now = self.now + DELAY;
            let now = self.now;
            self.owner.receive(now, &mut to_owner, |_, _, _| 0);
            let count = self.owner.endpoint.room(self.ends.0).min(to_say).min(PORTION);
            if count > 0 && self.owner.endpoint.write(self.ends.0, &self.said[..count]) {
                to_say -= count;
            }
            self.owner.send(now, |from, _, datagram| up.push((from, datagram.to_vec())));
            self.requester.receive(now, &mut to_requester, |_, _, bytes| {
                heard += bytes.len();
                bytes.len()
            });
            self.requester.send(now, |from, _, datagram| up.push((from, datagram.to_vec())));

            let (owner, requester) = (self.owner.address, self.requester.address);
            let mut deliver = |from, to, datagram: &[u8]| {
                let queue = if to == owner { &mut to_owner } else { &mut to_requester };
                debug_assert!(to == owner || to == requester);
                queue.push((from, datagram.to_vec()));
            };
            let begin = Clock::now();
            self.tracker.receive(now, &mut up, |endpoint, from, bytes| {
                if from != out {
                    return 0;
                }
                let room = endpoint.room(into).min(bytes.len());
                let count = if endpoint.write(into, &bytes[..room]) { room } else { 0 };
                if count < bytes.len() {
                    // It says when there is room again.
                    let _ = endpoint.is_flushed(into);
                }
                count
            });
            if self.tracker.send(now, &mut deliver) {
                self.tracker.endpoint.resume(out);
                self.tracker.send(now, &mut deliver);
            }
            taken += begin.elapsed();
        }
        taken
    }
}

impl Default for Relay {
    fn default() -> Self {
        Self::new()
    }
}

fn key(number: u8) -> KeyPair<HostProvider> {
    KeyPair::new(Secret::new([number + 1; 32]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_passes_what_the_owner_says_again_and_again() {
        let mut relay = Relay::new();
        for length in [1, 100_000, 3 << 20] {
            assert!(relay.pass(length) > Duration::ZERO);
        }
    }
}
