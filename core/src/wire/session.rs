//! Sessions with a tracker (docs/protocol.md section 5).
//!
//! ```text
//!           0        2      3
//! message   | length | kind | fields ...      `length` counts the kind and the fields: 1 to 510
//! ```
//!
//! Numbers are big-endian. A name is its length in one byte and so many bytes. What follows the fields that a
//! version knows is ignored: later versions append. A kind with its top bit set may be skipped by who does not know
//! it; another unknown kind is answered by [`Notice::Unsupported`]. [`Request`] has the table of what clients send,
//! [`Notice`] that of what trackers send.

mod code;
mod fields;
mod notice;
mod parts;
mod request;
#[cfg(test)]
mod tests;

pub use code::Code;
pub use notice::{Notice, emit_came, emit_shared};
pub use parts::{FileInfo, Introduction, Side, Way};
pub use request::Request;

use crate::limits::MESSAGE_MAX;

/// The version that this is.
pub const VERSION: u8 = 1;
/// The longest message, in bytes with its length. Longer ones are skipped, whatever they are.
pub const FRAME_MAX: usize = MESSAGE_MAX;
/// The longest name of a user in a session, in bytes. Who comes by command may have a longer one.
pub const USER_MAX: usize = 64;
/// The length of a token, by which a transfer is known, in bytes.
pub const TOKEN_LENGTH: usize = 16;
/// The length of the key by which a client proves that a session is its own, in bytes.
pub const RESUME_LENGTH: usize = 16;
/// The length of [`Notice::Upto`] in bytes.
pub const UPTO_LENGTH: usize = 2 + 1 + 8;

const OPTIONAL: u8 = 0x80;

/// What stands at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Frame<'a> {
    /// A message, whole.
    Whole {
        /// What it is.
        kind: u8,
        /// What it says.
        fields: &'a [u8],
        /// All its bytes.
        length: usize,
    },
    /// A message that is longer than any may be.
    Long {
        /// What it claims to be.
        kind: u8,
        /// All its bytes, which are to be skipped.
        length: usize,
    },
    /// Not the whole message has come.
    Incomplete,
    /// A message without a kind.
    Malformed,
}

/// Why a message cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unread {
    /// Unknown, and to be skipped.
    Optional,
    /// Unknown, and to be answered by [`Notice::Unsupported`].
    Unsupported,
    /// Its fields break the format.
    Malformed,
}

impl<'a> Frame<'a> {
    /// The message at the beginning of `bytes`; what follows it is not looked at.
    pub fn first(bytes: &'a [u8]) -> Self {
        let Some((head, rest)) = bytes.split_first_chunk() else { return Self::Incomplete };
        let claimed = usize::from(u16::from_be_bytes(*head));
        let length = claimed.saturating_add(2);
        match rest.split_first() {
            _ if claimed == 0 => Self::Malformed,
            None => Self::Incomplete,
            Some((&kind, _)) if length > FRAME_MAX => Self::Long { kind, length },
            Some((&kind, rest)) => match rest.get(..claimed.saturating_sub(1)) {
                Some(fields) => Self::Whole { kind, fields, length },
                None => Self::Incomplete,
            },
        }
    }
}

/// Puts the first `held` bytes of a message, which stand in `room`, and what follows them together, as far as the
/// message goes or there is room.
pub fn joined<'r>(room: &'r mut [u8; FRAME_MAX], held: usize, bytes: &[u8]) -> &'r [u8] {
    let places = room.get_mut(held..).unwrap_or_default();
    let end = held.saturating_add(places.len().min(bytes.len()));
    places.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    let joined = room.get(..end).unwrap_or_default();
    match Frame::first(joined) {
        Frame::Whole { length, .. } => joined.get(..length).unwrap_or(joined),
        _ => joined,
    }
}

impl Unread {
    /// What to do with a message of a kind that is not known.
    pub const fn unknown(kind: u8) -> Self {
        if kind & OPTIONAL == 0 { Self::Unsupported } else { Self::Optional }
    }
}

/// The fields of a message are whole or it is malformed: what is left of them belongs to a later version.
fn finished<T>(outcome: nom::IResult<&[u8], T, ()>) -> Result<T, Unread> {
    outcome.map(|(_, message)| message).map_err(|_| Unread::Malformed)
}
