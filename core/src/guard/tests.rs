//! What the guard promises, as a driver sees it. Numbers in names are those of the attack cases of docs/security.md.

mod cookies;
mod flood;
mod handshakes;
mod random;
mod world;

use super::*;
use crate::{
    miri::fewer,
    wire::seal::{ConnectionId, Cookie},
};

/// An INIT1 of the pattern IK, without a cookie.
const REQUEST_LENGTH: usize = 113;

type Host = Guard<HOST_SLOTS, HOST_BUCKETS>;

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1_000)
}

fn guard<const SLOTS: usize, const BUCKETS: usize>() -> Guard<SLOTS, BUCKETS> {
    Guard::new(Settings::HOST, [7; 32])
}

/// A client, or an address that is said to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Client {
    from: SocketAddr,
    id: ConnectionId,
}

impl Client {
    /// Each number is another client in another /24.
    fn number(number: u32) -> Self {
        let [_, a, b, c] = number.to_be_bytes();
        Self { from: SocketAddr::from(([a, b, c, 1], 4_000)), id: u64::from(number).to_be_bytes() }
    }

    fn packet(&self) -> FirstPacket<'static> {
        FirstPacket {
            from: self.from,
            client: self.id,
            attempt: [0; 8],
            cookie: None,
            length: REQUEST_LENGTH,
        }
    }

    fn packet_with<'p>(&self, cookie: &'p Cookie) -> FirstPacket<'p> {
        FirstPacket { cookie: Some(cookie), length: REQUEST_LENGTH + size_of::<Cookie>(), ..self.packet() }
    }

    /// Gets a cookie: of a guard that was made to ask for one.
    fn cookie<const S: usize, const B: usize>(&self, guard: &mut Guard<S, B>, now: Instant) -> Cookie {
        guard.late(now);
        let Verdict::Challenge(cookie) = guard.first(now, &self.packet()) else { panic!("no challenge") };
        cookie
    }
}

/// The key agreement of the packet succeeds, if it comes to that.
fn enter<const S: usize, const B: usize>(
    guard: &mut Guard<S, B>,
    now: Instant,
    packet: &FirstPacket<'_>,
) -> Option<Answered> {
    guard.turn();
    match guard.first(now, packet) {
        Verdict::Proceed(permit) => guard.answered(now, permit),
        _ => None,
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn cookie(&mut self) -> Cookie {
        (u128::from(self.next()) << 64 | u128::from(self.next())).to_le_bytes()
    }

    /// Any address of IPv4, any port, any id.
    fn forged(&mut self) -> Client {
        let word = self.next();
        Client {
            from: SocketAddr::from(((word as u32).to_be_bytes(), (word >> 32) as u16)),
            id: self.next().to_be_bytes(),
        }
    }
}
