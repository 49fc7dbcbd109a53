//! What stands before the handshake of the sealed transport over UDP: who is worth a key agreement.
//!
//! ```text
//!   first packet ─► half-open already? ──yes──► Repeat       the same answer again, no second key agreement
//!                        │ no
//!                   with a cookie? ──bad──────► Drop         in silence: a challenge answers no cookie
//!                    │ no      │ good: the address is proven
//!               under load?    │
//!          Challenge ◄─yes │ no │
//!                          ▼   ▼
//!              an agreement left in this turn, a place in the table, (proven) a token of the prefix?
//!                        │ yes        └─no────► Drop
//!                     Proceed ─► key agreement ─► Guard::answered ─► Slot ─► confirmed | expired
//! ```
//!
//! Anyone can send a first packet with any source address, and the key agreement that it asks for costs a
//! thousand times more than the packet. So nothing is kept for an address before it is proven, except while
//! there is little to do; and no address is ever sent more bytes than came from it before it is proven (RFC
//! 9000, section 8.1). docs/security.md says what that is good for and what it is not.
//!
//! ```
//! # use skep_core::{Instant, guard::*};
//! # let (now, seed) = (Instant::ZERO, [7; 32]);
//! # let packet = FirstPacket { from: ([192, 0, 2, 1], 4_000).into(), client: [1; 8], attempt: [2; 8], cookie: None, length: 113 };
//! let mut guard: Guard<HOST_SLOTS, HOST_BUCKETS> = Guard::new(Settings::HOST, seed);
//! let mut sessions = [const { None::<u32> }; HOST_SLOTS];
//! // In every turn of the driver's loop:
//! guard.turn();
//! while let Some(slot) = guard.expired(now) {
//!     sessions[slot.number()] = None;
//! }
//! // For every first packet:
//! match guard.first(now, &packet) {
//!     Verdict::Proceed(permit) => {
//!         // The key agreement; then, if it succeeded:
//!         if let Some(answered) = guard.answered(now, permit) {
//!             // Frees the session of a handshake that was displaced, too.
//!             sessions[answered.slot.number()] = Some(1);
//!             // Send the answer: `may_send` and `sent`, as for a repeat.
//!         }
//!     }
//!     Verdict::Repeat(slot) if guard.may_send(slot, 113) => guard.sent(slot, 113), // and the same answer
//!     Verdict::Challenge(_cookie) => {}                                            // send it
//!     Verdict::Repeat(_) | Verdict::Drop(_) => {}
//! }
//! ```
//!
//! The bounds are `SLOTS` half-open handshakes and `BUCKETS` bytes; nothing grows. Three decisions:
//!
//! - **A challenge is never rationed.** It needs no state, costs less than receiving the packet did and is
//!   shorter. A ration by prefix would be a weapon: two dozen packets a second with forged sources would keep a
//!   whole prefix out. Only proven addresses draw on the buckets, so only who really is in a prefix can empty its
//!   bucket. WireGuard does the same.
//! - **A prefix has two buckets, and others in every epoch.** Only who shares both with attackers has to wait, by
//!   chance, and for [`EPOCH`] at most.
//! - **A full table makes room for proven addresses only**: expired entries go first, then the newcomer's own earlier
//!   attempt, of which it takes no answer any more, then the oldest unproven one, then the oldest one of the prefix that has the most entries, if these are at least two more than the
//!   newcomer's prefix has, then the oldest one that had [`GRACE`] to finish. So an attacker with real addresses
//!   displaces its own entries, and without that grace many of them would drive every entry out before its
//!   client can answer.

mod buckets;
mod cookie;
mod counters;
mod half_open;
mod load;
#[cfg(test)]
mod tests;
mod unproven;
mod verdict;

pub use buckets::Buckets;
pub use cookie::{EPOCH, PROOF_LENGTH};
pub use counters::Counters;
pub use half_open::{GRACE, HALF_OPEN_LIFE, Slot};
pub use load::LOAD_HOLD;
pub use unproven::Unproven;
pub use verdict::{Answered, FirstPacket, Permit, Reason, Verdict};

use crate::{Instant, count::count, wire::seal::CHALLENGE_LENGTH};
use cookie::{Keys, Source};
use core::net::SocketAddr;
use half_open::HalfOpen;
use load::Load;

/// The half-open handshakes of a host.
pub const HOST_SLOTS: usize = 64;
/// The prefix buckets of a host.
pub const HOST_BUCKETS: usize = 1_024;
/// The half-open handshakes of a device.
pub const DEVICE_SLOTS: usize = 4;
/// The prefix buckets of a device.
pub const DEVICE_BUCKETS: usize = 128;

/// Cookies are asked for from this part of the half-open table on: one in four.
const LOADED_PART: usize = 4;

/// How a guard is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// Key agreements between two calls of [`Guard::turn`], so that a flood starves nothing else. 0 means 1.
    pub agreements_per_turn: u16,
    /// First packets in a second up to which no cookies are asked for.
    pub calm_rate: u32,
}

impl Settings {
    /// For a host, where a key agreement takes a fraction of a millisecond.
    pub const HOST: Self = Self { agreements_per_turn: 32, calm_rate: 100 };
    /// For a microcontroller, where one takes some 50 ms.
    pub const DEVICE: Self = Self { agreements_per_turn: 1, calm_rate: 4 };
}

impl Default for Settings {
    fn default() -> Self {
        Self::HOST
    }
}

/// The guard of one socket. See the [module](self) for what it decides.
#[derive(Debug)]
pub struct Guard<const SLOTS: usize, const BUCKETS: usize> {
    settings: Settings,
    keys: Keys,
    load: Load,
    half_open: HalfOpen<SLOTS>,
    buckets: Buckets<BUCKETS>,
    agreements_left: u16,
    counters: Counters,
}

impl<const SLOTS: usize, const BUCKETS: usize> Guard<SLOTS, BUCKETS> {
    /// A guard with an empty table. `seed` must be random and secret, and a new one at every start.
    pub const fn new(settings: Settings, seed: [u8; 32]) -> Self {
        const { assert!(SLOTS >= 1 && SLOTS <= u16::MAX as usize && BUCKETS >= 1) };
        Self {
            settings,
            keys: Keys::new(seed),
            load: Load::new(),
            half_open: HalfOpen::new(),
            buckets: Buckets::new(),
            agreements_left: agreements(settings),
            counters: Counters::ZERO,
        }
    }

    /// A turn of the driver's loop begins: there are key agreements to run again.
    pub const fn turn(&mut self) {
        self.agreements_left = agreements(self.settings);
    }

    /// The driver is late with its work: cookies are asked for, from now on for [`LOAD_HOLD`].
    pub const fn late(&mut self, now: Instant) {
        self.load.trigger(now);
    }

    /// Decides about a first packet.
    pub fn first(&mut self, now: Instant, packet: &FirstPacket<'_>) -> Verdict {
        count(&mut self.counters.first_packets);
        self.load.first_packet(now, self.settings.calm_rate);
        self.keys.advance(now);
        let source = Source::new(packet.from, packet.client);
        let fingerprint = self.keys.fingerprint(&source, packet.attempt);
        if let Some(slot) = self.half_open.find(now, fingerprint) {
            self.half_open.received(now, slot, packet.length);
            count(&mut self.counters.repeats);
            return Verdict::Repeat(slot);
        }
        if self.half_open.count() >= const { SLOTS.div_ceil(LOADED_PART) } {
            self.load.trigger(now);
        }
        let proven = match packet.cookie {
            Some(cookie) if self.keys.is_good(&source, cookie) => true,
            Some(_) => return self.drop(Reason::BadCookie),
            None => false,
        };
        if !proven && self.load.is_on(now) {
            return self.challenge(&source, packet.length);
        }
        let (client, prefix) = (self.keys.client(&source), self.keys.prefix(packet.from.ip()));
        self.admit(now, packet.from, Permit { fingerprint, client, prefix, length: packet.length, proven })
    }

    /// The key agreement for `packet` succeeded, and only that told that its sender has to prove its address before it is
    /// answered: a challenge in place of [`Guard::answered`], if the packet is long enough for one.
    pub fn prove(&mut self, packet: &FirstPacket<'_>) -> Verdict {
        self.challenge(&Source::new(packet.from, packet.client), packet.length)
    }

    /// The key agreement of `permit` succeeded: its handshake waits for its client in a slot from now on. `None`:
    /// there is no place for it any more, or it waits already; send nothing.
    pub fn answered(&mut self, now: Instant, permit: Permit) -> Option<Answered> {
        if self.half_open.find(now, permit.fingerprint).is_some() {
            return None;
        }
        let answered = self.half_open.insert(now, &permit);
        match answered {
            Some(Answered { displaced: true, .. }) => count(&mut self.counters.displaced),
            Some(_) => {}
            None => count(&mut self.counters.table_full),
        }
        answered
    }

    /// Whether so many bytes may be sent to the address in this slot now.
    pub fn may_send(&self, slot: Slot, bytes: usize) -> bool {
        self.half_open.may_send(slot, bytes)
    }

    /// So many bytes were sent to the address in this slot.
    pub fn sent(&mut self, slot: Slot, bytes: usize) {
        self.half_open.sent(slot, bytes);
    }

    /// The client in this slot has shown that it holds the keys: the slot is free. `false`: it was already.
    pub fn confirmed(&mut self, slot: Slot) -> bool {
        let is_there = self.half_open.remove(slot);
        if is_there {
            count(&mut self.counters.confirmed);
        }
        is_there
    }

    /// The handshake in this slot comes to nothing: the slot is free.
    pub fn abandoned(&mut self, slot: Slot) {
        self.half_open.remove(slot);
    }

    /// A slot whose client did not answer in [`HALF_OPEN_LIFE`], free from now on: free its session too. Ask until
    /// there is none.
    pub fn expired(&mut self, now: Instant) -> Option<Slot> {
        let slot = self.half_open.take_expired(now)?;
        count(&mut self.counters.expired);
        Some(slot)
    }

    /// When the next slot expires.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.half_open.next_deadline()
    }

    /// How many handshakes are half-open.
    pub const fn half_open(&self) -> usize {
        self.half_open.count()
    }

    /// Bytes for who has a session of this `id` and claims to be at this address: only who receives there can give
    /// them back. Nothing is kept for that.
    pub fn proof(&mut self, now: Instant, address: SocketAddr, id: [u8; 8]) -> [u8; PROOF_LENGTH] {
        self.keys.advance(now);
        self.keys.proof(&Source::new(address, id))
    }

    /// Whether these bytes were made for this address and session within the last [`EPOCH`], or the one before.
    pub fn is_proof(
        &mut self,
        now: Instant,
        address: SocketAddr,
        id: [u8; 8],
        proof: &[u8; PROOF_LENGTH],
    ) -> bool {
        self.keys.advance(now);
        self.keys.is_proof(&Source::new(address, id), proof)
    }

    /// Whether cookies are asked for.
    pub const fn is_under_load(&self, now: Instant) -> bool {
        self.load.is_on(now)
    }

    /// What it has done so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    fn challenge(&mut self, source: &Source, length: usize) -> Verdict {
        if length < CHALLENGE_LENGTH {
            return self.drop(Reason::TooShort);
        }
        count(&mut self.counters.challenges);
        Verdict::Challenge(self.keys.cookie(source))
    }

    fn admit(&mut self, now: Instant, from: SocketAddr, permit: Permit) -> Verdict {
        let Some(left) = self.agreements_left.checked_sub(1) else {
            return self.drop(Reason::Busy);
        };
        if !self.half_open.has_place(now, &permit) {
            return self.drop(Reason::TableFull);
        }
        // Last, so that a token is taken only for a key agreement.
        if permit.proven && !self.buckets.take(now, self.keys.buckets(from.ip())) {
            return self.drop(Reason::OverRate);
        }
        self.agreements_left = left;
        count(&mut self.counters.agreements);
        Verdict::Proceed(permit)
    }

    fn drop(&mut self, reason: Reason) -> Verdict {
        count(match reason {
            Reason::BadCookie => &mut self.counters.bad_cookies,
            Reason::OverRate => &mut self.counters.over_rate,
            Reason::TableFull => &mut self.counters.table_full,
            Reason::Busy => &mut self.counters.busy,
            Reason::TooShort => &mut self.counters.too_short,
        });
        Verdict::Drop(reason)
    }
}

const fn agreements(settings: Settings) -> u16 {
    if settings.agreements_per_turn == 0 { 1 } else { settings.agreements_per_turn }
}
