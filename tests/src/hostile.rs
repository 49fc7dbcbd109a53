//! A network on which somebody sees every datagram, may send in anybody's name, and does.

use crate::{Arrival, Network, Random, Seat, Simulated};
use skep_core::Instant;
use std::net::SocketAddr;

/// So many datagrams are remembered, to be sent again.
const MEMORY: usize = 512;

/// The network, with its attacker.
pub struct Hostile {
    network: Simulated,
    random: Random,
    seen: Vec<(Seat, SocketAddr, Vec<u8>)>,
    /// How many hostile datagrams go with each other one.
    rate: u64,
    /// How many are left.
    left: u64,
    sent: u64,
}

impl Hostile {
    /// On this network `count` hostile datagrams are sent, at most `rate` with each datagram of the others.
    pub fn new(network: Simulated, seed: u64, rate: u64, count: u64) -> Self {
        Self { network, random: Random::new(seed), seen: Vec::new(), rate, left: count, sent: 0 }
    }

    /// How many hostile datagrams were sent.
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// One hostile datagram, at somebody who speaks with `from`, or at `from`.
    fn attack(&mut self, from: Seat, to: SocketAddr) {
        let choice = self.random.below(10);
        let place = self.random.below(self.seen.len() as u64) as usize;
        let (mut source, mut target, mut bytes) = self.seen[place].clone();
        match choice {
            // As it was, again.
            0 | 1 => {}
            // As it was, from somewhere else, where nobody answers.
            2 => source = Seat(50 + self.random.below(50) as usize),
            // Back to where it came from.
            3 => (source, target) = self.turned(source, target),
            // With other bits.
            4 | 5 => {
                for _ in 0..=self.random.below(2) {
                    let at = self.random.below(bytes.len() as u64) as usize;
                    bytes[at] ^= 1 << self.random.below(8);
                }
            }
            // With another number, and so the key phase.
            6 if bytes.len() > 14 => {
                let number = self.random.next().to_be_bytes();
                bytes[10..14].copy_from_slice(&number[..4]);
                bytes[0] ^= self.random.below(2) as u8;
            }
            // Cut, or longer.
            7 => {
                let length = self.random.below(bytes.len() as u64 + 20) as usize;
                bytes.resize(length.max(1), 0xa5);
            }
            // The head of one, the tail of another.
            8 => {
                let other = self.random.below(self.seen.len() as u64) as usize;
                let at = self.random.below(40) as usize;
                bytes = bytes.iter().take(at).chain(self.seen[other].2.iter().skip(at)).copied().collect();
                bytes.push(0);
            }
            // Nothing but noise, sometimes with a head that looks right.
            _ => {
                let length = 1 + self.random.below(200) as usize;
                let head = bytes.len().min(self.random.below(16) as usize);
                let noise = self.random.bytes(length);
                bytes.truncate(head);
                bytes.extend(noise);
                (source, target) = (from, to);
            }
        }
        self.network.send(source, target, &bytes);
        self.sent += 1;
    }

    fn turned(&self, source: Seat, target: SocketAddr) -> (Seat, SocketAddr) {
        let other = (0..8).map(Seat).find(|&seat| self.network.address(seat) == target).unwrap_or(source);
        (other, self.network.address(source))
    }
}

impl Network for Hostile {
    fn join(&mut self) -> Seat {
        self.network.join()
    }

    fn seats(&self) -> usize {
        self.network.seats()
    }

    fn address(&self, seat: Seat) -> SocketAddr {
        self.network.address(seat)
    }

    fn now(&self) -> Instant {
        self.network.now()
    }

    fn send(&mut self, from: Seat, to: SocketAddr, datagram: &[u8]) {
        let entry = (from, to, datagram.to_vec());
        if self.seen.len() < MEMORY {
            self.seen.push(entry);
        } else {
            let place = self.random.below(MEMORY as u64) as usize;
            self.seen[place] = entry;
        }
        // In a while the attacker is faster: a copy of its own comes before the datagram, from elsewhere.
        if self.left > 0 && self.random.happens(20) {
            self.left -= 1;
            self.sent += 1;
            self.network.send(Seat(60), to, datagram);
        }
        // Not with first packets and their answers: replays would call for answers, and these for replays.
        let rate = if datagram.starts_with(b"SKES") { self.rate.min(10) } else { self.rate };
        let count = self.left.min(self.random.below(2 * rate + 1));
        self.left -= count;
        let before = self.random.below(count + 1);
        for number in 0..=count {
            if number == before {
                self.network.send(from, to, datagram);
            }
            if number < count {
                self.attack(from, to);
            }
        }
    }

    fn next(&mut self, until: Option<Instant>) -> Option<Arrival> {
        self.network.next(until)
    }

    fn next_at_once(&mut self, seat: Seat) -> Option<Arrival> {
        self.network.next_at_once(seat)
    }

    fn is_idle(&self) -> bool {
        self.network.is_idle()
    }

    fn is_virtual(&self) -> bool {
        true
    }

    fn note(&mut self, text: &str) {
        self.network.note(text);
    }
}

/// A network that keeps what is sent, for a test that is the other side itself.
#[derive(Default)]
pub struct Tap {
    /// What was sent, and where.
    pub sent: Vec<(SocketAddr, Vec<u8>)>,
    /// The time.
    pub now: Instant,
}

impl Network for Tap {
    fn join(&mut self) -> Seat {
        Seat(0)
    }

    fn seats(&self) -> usize {
        1
    }

    fn address(&self, seat: Seat) -> SocketAddr {
        ([10, 0, 0, seat.0 as u8 + 1], 4_000).into()
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn send(&mut self, _: Seat, to: SocketAddr, datagram: &[u8]) {
        self.sent.push((to, datagram.to_vec()));
    }

    fn next(&mut self, _: Option<Instant>) -> Option<Arrival> {
        None
    }

    fn next_at_once(&mut self, _: Seat) -> Option<Arrival> {
        None
    }

    fn is_idle(&self) -> bool {
        true
    }

    fn is_virtual(&self) -> bool {
        true
    }
}
