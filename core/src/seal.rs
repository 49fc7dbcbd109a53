//! The sealed transport: keys, handshakes, and the protection of datagrams and of stream records.
//!
//! ```text
//!  Initiator::start ── message 1 ──► Responder::read
//!        │                                 │  who is it? what is offered?
//!  Initiator::finish ◄── message 2 ── Responder::answer
//!        │                                 │
//!        └──────────── Keys ───────────────┘    one for each direction, and a binding
//!                        │
//!            ┌───────────┴───────────┐
//!        UDP: Protection         TCP: Sealer, Opener
//!        a datagram is sealed    length-prefixed records,
//!        whole, in any order     in order, with an authenticated end
//! ```
//!
//! The handshakes are the patterns IK, NK, NKpsk0 and KKpsk0 of the Noise specification (revision 34) with 25519,
//! ChaChaPoly and BLAKE2s; docs/security.md says which is used for what. The bytes around them are in
//! [`wire::seal`](crate::wire::seal).
//!
//! Nothing here reads a clock, draws a random number or allocates: the secret of every ephemeral key is an input,
//! and it must be 32 fresh random bytes each time. The primitives come from a [`Provider`]; [`RustCrypto`] is the
//! default one.
//!
//! What is secret is wiped when it is dropped, compared in constant time, and absent from `Debug`. A copy that the
//! compiler makes on the stack, or a primitive in a register, is out of reach of that.

pub mod check;
mod cipher;
pub mod datagram;
pub mod greeting;
pub mod handshake;
mod hash;
mod initiation;
mod keys;
pub mod layer;
mod provider;
mod random;
pub mod record;
mod rustcrypto;
#[cfg(test)]
mod tested;

pub use check::CheckKey;
pub use datagram::Protection;
pub use handshake::{Initiator, InitiatorKeys, Prologue, Responder, ResponderKeys, Transport};
pub use keys::{KeyPair, Keys, Psk, Public, Secret};
pub use layer::Layer;
pub use provider::{Absent, Aead, Provider};
pub use random::Random;
pub use rustcrypto::RustCrypto;
#[cfg(test)]
pub(crate) use tested::Tested;

/// The length of an authentication tag in bytes, in both suites.
pub const TAG_LENGTH: usize = 16;

/// Datagrams, or records, under one key: 2 to the power of this.
const GENERATION_BITS: u32 = 20;

/// Datagrams, or records, in a direction: nothing is sealed or opened from this number on. At ten million a second that
/// takes fourteen thousand years.
const NUMBERS_MAX: u64 = 1 << 62;

/// Why the engine did not do what it was asked. Nothing has changed then, if the call does not say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refused {
    /// Too short to be what it should be, longer than is allowed, or more than the room takes.
    Length,
    /// A field has a value that no version of ours sends, or that does not fit the state.
    Malformed,
    /// A public key that agrees on the same secret with everybody (RFC 7748, section 6.1).
    Key,
    /// The tag does not fit: another key, or other bytes than those that were sealed.
    Forged,
    /// This number was opened already, or it is too far behind.
    Replayed,
    /// A limit of the keys was met, the stream has ended or was broken, or the handshake is over.
    Closed,
}

impl core::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::Length => "a length that is not allowed",
            Self::Malformed => "malformed",
            Self::Key => "a public key that is none",
            Self::Forged => "the authentication tag is wrong",
            Self::Replayed => "received before, or too old",
            Self::Closed => "closed",
        })
    }
}

impl core::error::Error for Refused {}
