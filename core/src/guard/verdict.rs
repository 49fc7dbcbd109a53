//! What goes into a guard and what comes out.

use super::Slot;
use crate::wire::seal::{ConnectionId, Cookie};
use core::net::SocketAddr;

/// What a guard has to know of a first packet. Whoever made it has checked that it is well formed.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FirstPacket<'p> {
    /// Where it says that it came from.
    pub from: SocketAddr,
    /// The connection id that the client chose.
    pub client: ConnectionId,
    /// What differs between two handshakes of one client, such as the first bytes of its ephemeral key. A packet in which
    /// it is the same is a repeat.
    pub attempt: [u8; 8],
    /// The cookie that it carries.
    pub cookie: Option<&'p Cookie>,
    /// The length of the whole datagram, padding and all.
    pub length: usize,
}

/// What to do with a first packet.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use]
pub enum Verdict {
    /// Run the key agreement. If it succeeds, hand the permit to [`answered`](super::Guard::answered) before the next first
    /// packet; if it fails, drop the permit and be silent.
    Proceed(Permit),
    /// The handshake in this slot was answered already: send the same answer again, if it [may be sent](super::Guard::may_send).
    Repeat(Slot),
    /// Send a challenge of [`CHALLENGE_LENGTH`](crate::wire::seal::CHALLENGE_LENGTH) bytes with this cookie.
    Challenge(Cookie),
    /// Be silent.
    Drop(Reason),
}

/// Why a first packet is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reason {
    /// Its cookie is not one that was given to this address, port and client in the last two epochs.
    BadCookie,
    /// Too many from this prefix, with good cookies.
    OverRate,
    /// The half-open table is full, and no entry may be displaced.
    TableFull,
    /// The key agreements of this turn are used up; the client will ask again.
    Busy,
    /// A challenge would be longer than it.
    TooShort,
}

/// Leave to run one key agreement.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use]
pub struct Permit {
    pub(super) fingerprint: u64,
    pub(super) client: u32,
    pub(super) prefix: u32,
    pub(super) length: usize,
    pub(super) proven: bool,
}

impl Permit {
    /// Whether a cookie has proven the address.
    pub const fn is_proven(&self) -> bool {
        self.proven
    }
}

/// Where an answered handshake waits for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Answered {
    /// Its slot.
    pub slot: Slot,
    /// Whether another handshake had this slot until now: free its session.
    pub displaced: bool,
}
