//! The handshakes: one message each way, then both sides have [`Keys`](super::Keys).
//!
//! ```text
//!              pre-messages      message 1           message 2
//!  IK          ← s               e, es, s, ss        e, ee, se
//!  NK          ← s               e, es               e, ee
//!  NKpsk0      ← s               psk, e, es          e, ee
//!  KKpsk0      → s, ← s          psk, e, es, ss      e, ee, se
//! ```
//!
//! (The Noise specification, revision 34, sections 7.5 and 9.) The four are so alike that the code is
//! their common text with the places marked where one differs; a key never encrypts more than one thing in
//! them, so the nonce is always 0.
//!
//! What the types see to:
//!
//! - **An ephemeral key is used once.** It is moved into [`Initiator::start`] and [`Responder::answer`].
//! - **A message that is refused changes nothing.** [`Responder::read`] makes a responder or makes none.
//!   [`Initiator::finish`] works on a copy: somebody on the path who is faster than the server with garbage
//!   does not end the handshake, the right message still does.
//! - **A handshake gives keys once.** After [`Initiator::finish`] has given them, it is wiped and refuses
//!   every message, the same one too: keys that were given twice would mean numbers used twice.
//!
//! Message 1 can be replayed by anybody who has seen it, and whoever stole the responder's key can make one
//! in any name. So a responder's [`Keys`](super::Keys) are not to be trusted before the first datagram or
//! record has opened under them (section 7.7 of the specification; docs/security.md).

mod initiator;
mod prologue;
mod responder;
mod symmetric;

pub use initiator::{Initiator, InitiatorKeys};
pub use prologue::{Prologue, Transport};
pub use responder::{Responder, ResponderKeys};

use crate::wire::seal::Pattern;

/// How many bytes message 1 of a pattern has besides its payload.
pub const fn first_overhead(pattern: Pattern) -> usize {
    match pattern {
        Pattern::Ik => 96,
        Pattern::Nk | Pattern::NkPsk0 | Pattern::KkPsk0 => 48,
    }
}

/// How many bytes message 2 has besides its payload, whatever the pattern.
pub const SECOND_OVERHEAD: usize = 48;

const fn has_psk(pattern: Pattern) -> bool {
    matches!(pattern, Pattern::NkPsk0 | Pattern::KkPsk0)
}

#[cfg(test)]
mod tests;
