//! Over TCP.

use super::{
    HELLO, MAGIC, MESSAGE_MAX, Proof, Purpose, REPLY, Suites, VERSION, before, head, length_of, message,
    message_length, terms,
};
use crate::wire::{
    field::{array_ref, short, take},
    put::Put,
};
use nom::{
    IResult, Parser,
    bytes::complete::tag,
    combinator::{all_consuming, map_opt},
};

/// The bytes of a HELLO that say how long it is.
const HELLO_HEAD: usize = 10;

/// The bytes of a REPLY that say how long it is.
const REPLY_HEAD: usize = 8;

/// The longest HELLO in bytes.
pub const HELLO_MAX: usize = HELLO_HEAD + 16 + MESSAGE_MAX + 16;

/// The longest REPLY in bytes.
pub const REPLY_MAX: usize = REPLY_HEAD + MESSAGE_MAX;

/// A client asks for a session: the first bytes on a TCP connection.
///
/// | bytes | field |
/// |---|---|
/// | 4 | magic `SKES` |
/// | 1 | type 0x11 |
/// | 1 | version 1 |
/// | 1 | suites offered, as in [`Init1`](super::Init1) |
/// | 1 | purpose, as in [`Init1`](super::Init1) |
/// | 2 | length of message 1: 48 to 512 |
/// | 0, 8 or 16 | id of the invitation or of the introduction, as in [`Init1`](super::Init1) |
/// | as said | message 1 of the handshake, its payload an [`Offer`](super::Offer) |
/// | 16 | check over all the bytes before it: see [`seal::check`](crate::seal::check) |
///
/// TCP has connections and has shown the client's address: there is no connection id, no cookie and no
/// padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Hello<'a> {
    /// What the client offers.
    pub suites: Suites,
    /// What it wants.
    pub purpose: Purpose,
    /// Message 1.
    pub message: &'a [u8],
}

impl<'a> Hello<'a> {
    /// How many bytes there must be before [`Hello::parse`]; more than `buffer` has: read so many and ask
    /// again. It is the whole HELLO once its first bytes are there, at most [`HELLO_MAX`]. `None`: this is no
    /// HELLO, whatever follows.
    pub fn needed(buffer: &[u8]) -> Option<usize> {
        let Some(head) = buffer.first_chunk::<HELLO_HEAD>() else {
            return begins(HELLO, buffer).then_some(HELLO_HEAD);
        };
        let [a, b, c, d, kind, _version, _suites, purpose, high, low] = *head;
        if ([a, b, c, d], kind) != (MAGIC, HELLO) {
            return None;
        }
        let message = message_length(u16::from_be_bytes([high, low]))?;
        Some(
            HELLO_HEAD
                .saturating_add(Purpose::id_length(purpose)?)
                .saturating_add(message)
                .saturating_add(16),
        )
    }

    /// Parses a whole HELLO and nothing more, with the proof to check before anything else is done about it.
    pub fn parse(bytes: &'a [u8]) -> Option<(Self, Proof<'a>)> {
        all_consuming(Self::fields).parse(bytes).ok().map(|(_, parsed)| parsed)
    }

    fn fields(bytes: &'a [u8]) -> IResult<&'a [u8], (Self, Proof<'a>), ()> {
        let (input, ()) = head(HELLO).parse(bytes)?;
        let (input, (suites, purpose)) = terms(input)?;
        let (after, (purpose, message)) = message(purpose, input)?;
        let (input, check) = array_ref(after)?;
        Ok((input, (Self { suites, purpose, message }, Proof { covered: before(bytes, after), check })))
    }

    /// Writes it; its length. `check` is given what the check is to cover. `None` when `out` is too small, or
    /// the length of the message is not allowed.
    pub fn emit(&self, check: impl FnOnce(&[u8]) -> [u8; 16], out: &mut [u8]) -> Option<usize> {
        let mut put = Put::new(out);
        put.bytes(&MAGIC);
        put.bytes(&[HELLO, VERSION, self.suites.byte(), self.purpose.byte()]);
        put.bytes(&length_of(self.message)?);
        put.bytes(self.purpose.id());
        put.bytes(self.message);
        let check = check(put.written());
        put.bytes(&check);
        put.length()
    }
}

/// The server agrees to a session; records follow in both directions.
///
/// | bytes | field |
/// |---|---|
/// | 4 | magic `SKES` |
/// | 1 | type 0x12 |
/// | 1 | 0 |
/// | 2 | length of message 2: 48 to 512 |
/// | as said | message 2 of the handshake, its payload an [`Answer`](super::Answer) |
///
/// A server that does not agree closes the connection without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reply<'a> {
    /// Message 2.
    pub message: &'a [u8],
}

impl<'a> Reply<'a> {
    /// As [`Hello::needed`], at most [`REPLY_MAX`].
    pub fn needed(buffer: &[u8]) -> Option<usize> {
        let Some(head) = buffer.first_chunk::<REPLY_HEAD>() else {
            return begins(REPLY, buffer).then_some(REPLY_HEAD);
        };
        let [a, b, c, d, kind, zero, high, low] = *head;
        if ([a, b, c, d], kind, zero) != (MAGIC, REPLY, 0) {
            return None;
        }
        Some(REPLY_HEAD.saturating_add(message_length(u16::from_be_bytes([high, low]))?))
    }

    /// Parses a whole REPLY and nothing more.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        all_consuming(Self::fields).parse(bytes).ok().map(|(_, parsed)| parsed)
    }

    fn fields(input: &'a [u8]) -> IResult<&'a [u8], Self, ()> {
        let (input, ()) = head(REPLY).parse(input)?;
        let (input, _) = tag(&[0][..])(input)?;
        let (input, length) = map_opt(short, message_length).parse(input)?;
        let (input, message) = take(length).parse(input)?;
        Ok((input, Self { message }))
    }

    /// Writes it; its length. `None` when `out` is too small, or the length of the message is not allowed.
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        let mut put = Put::new(out);
        put.bytes(&MAGIC);
        put.bytes(&[REPLY, 0]);
        put.bytes(&length_of(self.message)?);
        put.bytes(self.message);
        put.length()
    }
}

/// Whether these first bytes can be those of a packet of this kind.
fn begins(kind: u8, buffer: &[u8]) -> bool {
    MAGIC.iter().chain([&kind]).zip(buffer).all(|(expected, byte)| expected == byte)
}
