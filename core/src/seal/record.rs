//! Records on a TCP connection, after the handshake.
//!
//! ```text
//!  0          2                              n-16        n
//!  ┌──────────┬─── ─ ─ ─ ─ ───────────────────┬──────────┐
//!  │ length   │ ciphertext                    │ tag      │      length = n - 2, big-endian, 16 to 65,535
//!  └──────────┴─── ─ ─ ─ ─ ───────────────────┴──────────┘
//!  authenticated └──────────────── sealed ───────────────┘
//! ```
//!
//! Each direction counts its records from 0; the count is the nonce. After every 2^20 records the key is
//! replaced by REKEY of it (the Noise specification, section 4.2), on both sides without a word.
//!
//! **An empty record ends its direction**, and every other record has text. A stream that stops without one
//! was cut off: by an error, or by somebody who wants less to arrive than was sent (RFC 8446, section 6.1, is
//! the same rule). A type byte in every record would say no more.
//!
//! **The receiver says how large a record may be** in its handshake payload ([`Offer::largest`],
//! [`Answer::largest`]): it is the record's `length`. A longer one is refused as soon as its length is there,
//! before there is room for it. A device takes 1,040 bytes (1,024 of text), a host 65,535.
//!
//! Nothing on TCP is lost or comes twice, so the first record that does not open breaks the stream for good.
//!
//! [`Offer::largest`]: crate::wire::seal::Offer::largest
//! [`Answer::largest`]: crate::wire::seal::Answer::largest

mod opener;
mod sealer;

pub use opener::{Opened, Opener};
pub use sealer::Sealer;

use super::{GENERATION_BITS, NUMBERS_MAX, TAG_LENGTH};

/// The bytes of a record before its text.
pub const FRONT: usize = 2;

/// The bytes of a record besides its text: 2 before it and 16 after it.
pub const OVERHEAD: usize = FRONT + TAG_LENGTH;

/// The largest record that a host takes, in bytes of ciphertext and tag.
pub const HOST_LARGEST: u16 = u16::MAX;

/// Whether the key is to be replaced before this record.
const fn begins_generation(number: u64) -> bool {
    number != 0 && number & ((1 << GENERATION_BITS) - 1) == 0
}

#[cfg(test)]
mod tests;
