//! The sealed transport's packets (docs/protocol.md section 7), over UDP and over TCP.
//!
//! ```text
//!          client                                server
//!  UDP     INIT1 ──────────────────────────────►
//!                ◄────────────────── CHALLENGE     only under load: once more, with this cookie
//!          INIT1 with the cookie ──────────────►
//!                ◄────────────────────── INIT2
//!          DATA ◄──────────────────────────────► DATA
//!
//!  TCP     HELLO ──────────────────────────────►
//!                ◄────────────────────── REPLY
//!          records ◄────────────────────► records
//! ```
//!
//! Numbers are big-endian. The tables of the packets stand with their types: [`Init1`], [`Challenge`], [`Init2`] and
//! [`DataHeader`]; [`Hello`] and [`Reply`]; [`Offer`] and [`Answer`], which are inside the handshake's messages. A
//! record is in [`seal::record`](crate::seal::record).

mod datagram;
mod payload;
mod stream;

pub use datagram::{CHALLENGE_LENGTH, Challenge, DataHeader, INIT1_MIN, Init1, Init2, Packet};
pub use payload::{Answer, LARGEST_MIN, Offer};
pub use stream::{HELLO_MAX, Hello, REPLY_MAX, Reply};

use super::field::{array, byte, short, take};
use nom::{IResult, Parser, bytes::complete::tag, combinator::map_opt};

/// What the packets of a handshake begin with.
pub const MAGIC: [u8; 4] = *b"SKES";

/// The version of the sealed transport that this code speaks. It is in INIT1 and HELLO, and in the prologue.
pub const VERSION: u8 = 1;

/// The longest message of a handshake in bytes, payload included. Its length is on the wire in 16 bits.
pub const MESSAGE_MAX: usize = 512;

/// The shortest message of a handshake in bytes: an ephemeral key and a tag.
pub const MESSAGE_MIN: usize = 48;

/// What a side tells datagrams of one session from those of others by: 8 random bytes of its own choice.
pub type ConnectionId = [u8; 8];

/// What shows that the sender of an INIT1 receives at its address: 16 bytes that only the server can make.
pub type Cookie = [u8; 16];

/// The ciphers of a session's datagrams and records. The handshake itself always uses ChaCha20-Poly1305.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Suite {
    /// ChaCha20-Poly1305 (RFC 8439). Everybody has it.
    ChaCha,
    /// AES-128-GCM (NIST SP 800-38D). For hosts that have it in hardware.
    Aes,
}

impl Suite {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::ChaCha, Self::Aes];

    /// Its bit in a [`Suites`], and its number in an [`Answer`].
    pub const fn bit(self) -> u8 {
        match self {
            Self::ChaCha => 0x01,
            Self::Aes => 0x02,
        }
    }
}

/// The suites that the client offers: a bit each, at least one. Bits of suites that we do not know are kept:
/// they are part of the prologue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Suites(u8);

impl Suites {
    /// ChaCha20-Poly1305 only.
    pub const CHACHA: Self = Self(Suite::ChaCha.bit());

    /// Those and one more.
    #[must_use]
    pub const fn and(self, suite: Suite) -> Self {
        Self(self.0 | suite.bit())
    }

    /// From the byte on the wire; `None` when it offers nothing.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        if byte == 0 { None } else { Some(Self(byte)) }
    }

    /// The byte on the wire.
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Whether this one is offered.
    pub const fn contains(self, suite: Suite) -> bool {
        self.0 & suite.bit() != 0
    }

    /// The first of those that the server would use, best first, that is offered.
    pub fn choose(self, best_first: &[Suite]) -> Option<Suite> {
        best_first.iter().copied().find(|&suite| self.contains(suite))
    }
}

/// The patterns of the Noise specification that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Pattern {
    /// Both have static keys; the client knows the server's, and sends its own encrypted.
    Ik,
    /// Only the server has one, and the client knows it.
    Nk,
    /// As [`Pattern::Nk`], with a pre-shared key.
    NkPsk0,
    /// Both have static keys that the other knows, and a pre-shared key.
    KkPsk0,
}

/// What a handshake is for. It decides on the pattern, and is part of the prologue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Purpose {
    /// Log in with a key that the server knows: byte 1, pattern IK.
    Member,
    /// Come in without a key, where everybody may: byte 2, pattern NK.
    Guest,
    /// Ask for the salt of a password: byte 3, pattern NK.
    Salt,
    /// Enrol a key with an invitation, whose code is the pre-shared key: byte 4, pattern NKpsk0.
    Enrol {
        /// Which invitation. Not secret.
        invite: [u8; 8],
    },
    /// Meet a peer that the tracker has introduced, under a pre-shared key from it: byte 5, pattern KKpsk0.
    Peer {
        /// Which introduction. Not secret.
        introduction: [u8; 16],
    },
}

impl Purpose {
    /// Its byte on the wire.
    pub const fn byte(&self) -> u8 {
        match self {
            Self::Member => 1,
            Self::Guest => 2,
            Self::Salt => 3,
            Self::Enrol { .. } => 4,
            Self::Peer { .. } => 5,
        }
    }

    /// The id of the invitation (8 bytes) or of the introduction (16 bytes); empty for other purposes.
    pub const fn id(&self) -> &[u8] {
        match self {
            Self::Member | Self::Guest | Self::Salt => &[],
            Self::Enrol { invite } => invite,
            Self::Peer { introduction } => introduction,
        }
    }

    /// The pattern that it uses.
    pub const fn pattern(&self) -> Pattern {
        match self {
            Self::Member => Pattern::Ik,
            Self::Guest | Self::Salt => Pattern::Nk,
            Self::Enrol { .. } => Pattern::NkPsk0,
            Self::Peer { .. } => Pattern::KkPsk0,
        }
    }

    /// How long the id of the purpose with this byte is; `None` for a byte that is none.
    const fn id_length(byte: u8) -> Option<usize> {
        match byte {
            1..=3 => Some(0),
            4 => Some(8),
            5 => Some(16),
            _ => None,
        }
    }

    fn parse(byte: u8, input: &[u8]) -> IResult<&[u8], Self, ()> {
        match byte {
            1 => Ok((input, Self::Member)),
            2 => Ok((input, Self::Guest)),
            3 => Ok((input, Self::Salt)),
            4 => array.map(|invite| Self::Enrol { invite }).parse(input),
            5 => array.map(|introduction| Self::Peer { introduction }).parse(input),
            _ => Err(nom::Err::Error(())),
        }
    }
}

/// The check of a packet and the bytes that it covers: see [`seal::check`](crate::seal::check).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Proof<'a> {
    /// Everything in the packet before the check.
    pub covered: &'a [u8],
    /// The check.
    pub check: &'a [u8; 16],
}

const INIT1: u8 = 0x01;
const CHALLENGE: u8 = 0x02;
const INIT2: u8 = 0x03;
const HELLO: u8 = 0x11;
const REPLY: u8 = 0x12;
const DATA: u8 = 0x40;

/// The magic and this type.
fn head<'a>(kind: u8) -> impl Parser<&'a [u8], Output = (), Error = ()> {
    move |input: &'a [u8]| {
        let (input, _) = tag(&MAGIC[..])(input)?;
        let (input, _) = tag(&[kind][..])(input)?;
        Ok((input, ()))
    }
}

/// The fields of INIT1 and HELLO that say what is asked for.
fn terms(input: &[u8]) -> IResult<&[u8], (Suites, u8), ()> {
    let (input, _) = tag(&[VERSION][..])(input)?;
    let (input, suites) = map_opt(byte, Suites::from_byte).parse(input)?;
    let (input, purpose) = byte(input)?;
    Ok((input, (suites, purpose)))
}

/// The length of the message, the id that the purpose has, and the message.
fn message(purpose: u8, input: &[u8]) -> IResult<&[u8], (Purpose, &[u8]), ()> {
    let (input, length) = map_opt(short, message_length).parse(input)?;
    let (input, purpose) = Purpose::parse(purpose, input)?;
    let (input, message) = take(length).parse(input)?;
    Ok((input, (purpose, message)))
}

/// A length that a message can have.
fn message_length(length: u16) -> Option<usize> {
    Some(usize::from(length)).filter(|length| (MESSAGE_MIN..=MESSAGE_MAX).contains(length))
}

/// The length of a message to send.
fn length_of(message: &[u8]) -> Option<[u8; 2]> {
    let length = u16::try_from(message.len()).ok()?;
    message_length(length).map(|_| length.to_be_bytes())
}

/// What is left of `whole` when `after` is cut off its end.
fn before<'a>(whole: &'a [u8], after: &[u8]) -> &'a [u8] {
    whole.len().checked_sub(after.len()).and_then(|length| whole.get(..length)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
