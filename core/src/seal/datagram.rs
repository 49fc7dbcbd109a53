//! Datagrams, sealed whole.
//!
//! ```text
//!  0      1       2                      10          14                       n-16      n
//!  ┌──────┬───────┬───────────────────────┬───────────┬─── ─ ─ ─ ─ ───────────┬─────────┐
//!  │ type │ flags │ connection id of the  │ packet    │ ciphertext            │ tag     │
//!  │ phase│ 0     │ receiver              │ number    │                       │         │
//!  └──────┴───────┴───────────────────────┴───────────┴─── ─ ─ ─ ─ ───────────┴─────────┘
//!  └────────────── authenticated ────────────────────┘└───────── sealed ──────┘
//! ```
//!
//! ([`DataHeader`] has the table.) The packet number has 64 bits, counts from 0 in each direction, is the
//! nonce, and is never used again: a retransmission is a new datagram. Its low 32 bits are on the wire; the
//! receiver adds the high ones that bring it nearest to what it expects (RFC 9000, appendix A.3).
//!
//! **Keys follow from numbers.** Numbers from g·2^20 on are sealed with the key of generation g; the key
//! after a key is REKEY of it (the Noise specification, section 4.2). So both sides change keys without a
//! word, at most 2^20 datagrams are sealed under one key (the limit for AES-128-GCM is 2^23: RFC 9001,
//! section 6.6), and the key phase in the header, which is the low bit of g, is only there to see it: one
//! that does not fit is refused before anything is calculated.
//! [`Protection::refresh`] takes the next key early, by going on at the next multiple of 2^20.
//!
//! **A datagram changes nothing before it has opened.** A receiver keeps the key of the lowest number in its window; the
//! key of a later generation is made for the datagram that asks for it, and thrown away. That is one step for as
//! many datagrams as the window spans, after each change of keys. A generation further ahead than the one after the
//! highest number's is refused.

mod opener;
mod sealer;
mod window;

pub use window::{WINDOW, WORDS};

use super::{GENERATION_BITS, Keys, NUMBERS_MAX, Provider, Refused, RustCrypto, TAG_LENGTH};
use crate::wire::seal::{ConnectionId, DataHeader, Suite};
use opener::Opener;
use sealer::Sealer;

/// The bytes of a datagram before its text.
pub const FRONT: usize = DataHeader::LENGTH;

/// The bytes of a datagram besides its text: 14 before it and 16 after it.
pub const OVERHEAD: usize = FRONT + TAG_LENGTH;

/// The most datagrams that a session refuses because of their tag, in all its generations together, before it
/// closes: 2^36, the limit for ChaCha20-Poly1305 (RFC 9001, section 6.6); AES-128-GCM would stand more.
const FORGED_MAX: u64 = 1 << 36;

const fn generation(number: u64) -> u64 {
    number >> GENERATION_BITS
}

/// The protection of one session's datagrams, both directions.
pub struct Protection<P: Provider = RustCrypto> {
    sealer: Sealer<P>,
    opener: Opener<P>,
}

impl<P: Provider> Protection<P> {
    /// The protection after a handshake. `peer` is the connection id that the other side wants to see. `None`
    /// when the provider does not have the suite.
    pub fn new(suite: Suite, keys: &Keys, peer: ConnectionId) -> Option<Self> {
        Some(Self {
            sealer: Sealer::new(suite, &keys.send, peer)?,
            opener: Opener::new(suite, &keys.receive)?,
        })
    }

    /// Seals a datagram in place: its text stands between [`FRONT`] bytes for the header and [`TAG_LENGTH`]
    /// bytes for the tag, and may be empty. Its packet number.
    ///
    /// # Errors
    /// [`Refused::Length`] when it is shorter than [`OVERHEAD`]; [`Refused::Closed`] when the session is.
    pub fn seal(&mut self, datagram: &mut [u8]) -> Result<u64, Refused> {
        self.seal_batch(datagram, datagram.len())
    }

    /// Seals the datagrams that stand back to back in a buffer, each `stride` bytes long, the last at most
    /// that (what generic segmentation offload takes). All or none of them. The packet number of the first;
    /// the others follow.
    ///
    /// # Errors
    /// [`Refused::Length`] when there is none, or one is shorter than [`OVERHEAD`]; [`Refused::Closed`] when
    /// the session is.
    pub fn seal_batch(&mut self, datagrams: &mut [u8], stride: usize) -> Result<u64, Refused> {
        if self.is_closed() {
            return Err(Refused::Closed);
        }
        self.sealer.seal(datagrams, stride)
    }

    /// Opens a datagram in place: its text. Of one that is refused, only the header is sure to be as it was.
    ///
    /// # Errors
    /// [`Refused::Malformed`] when it is no sealed datagram, or its number is beyond what may be sent;
    /// [`Refused::Replayed`] when its number was opened before or is [`WINDOW`] or more behind the highest;
    /// [`Refused::Forged`] when its tag does not fit; [`Refused::Closed`] when the session is.
    pub fn open<'d>(&mut self, datagram: &'d mut [u8]) -> Result<&'d mut [u8], Refused> {
        if self.is_closed() {
            return Err(Refused::Closed);
        }
        self.opener.open(datagram)
    }

    /// Goes on sealing with the next key: who takes that key cannot read what was sealed before. Does nothing
    /// when no datagram was sealed under the current key.
    ///
    /// Call it at most once a generation of what the peer has received: when nothing of a whole generation
    /// arrives, the peer cannot follow into the one after it. Once an hour, on a session that is alive, is
    /// safe.
    pub fn refresh(&mut self) {
        self.sealer.refresh();
    }

    /// Whether memory is kept for what is missing before the newest datagram: see [`Protection::rest`].
    pub fn waits(&self) -> bool {
        self.opener.waits()
    }

    /// Nothing came for a while: what is missing before the newest datagram is not waited for any more, and no memory is kept
    /// for it.
    pub fn rest(&mut self) {
        self.opener.rest();
    }

    /// Whether a limit was met: nothing is sealed or opened any more, and there is to be a new handshake.
    pub fn is_closed(&self) -> bool {
        self.opener.forged() >= FORGED_MAX || self.sealer.is_spent()
    }

    /// One more than the highest packet number that was opened; 0 when none was. A datagram that has raised
    /// it is newer than all before: only such a one says where the peer is now (RFC 9000, section 9.3).
    pub fn expected(&self) -> u64 {
        self.opener.expected()
    }

    /// How many datagrams were refused because of their tag.
    pub fn forged(&self) -> u64 {
        self.opener.forged()
    }
}

impl<P: Provider> core::fmt::Debug for Protection<P> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("Protection")
            .field("next", &self.sealer.next())
            .field("expected", &self.opener.expected())
            .field("forged", &self.opener.forged())
            .finish()
    }
}

#[cfg(test)]
mod tests;
