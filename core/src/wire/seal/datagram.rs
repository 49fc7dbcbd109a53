//! Over UDP.

use super::{
    CHALLENGE, ConnectionId, Cookie, DATA, INIT1, INIT2, MAGIC, Proof, Purpose, Suites, VERSION, before,
    head, length_of, message, message_length, terms,
};
use crate::wire::{
    field::{array, array_ref, byte, short, take, word},
    put::Put,
};
use nom::{
    IResult, Parser,
    bytes::complete::tag,
    combinator::{all_consuming, map_opt, opt},
};

/// The shortest INIT1 in bytes, padding included. No shorter one is answered, so that no answer is longer
/// than what asked for it: a CHALLENGE never is, and an [`Init2`] must not be made longer than the INIT1 was.
pub const INIT1_MIN: usize = 160;

/// The length of a CHALLENGE in bytes.
pub const CHALLENGE_LENGTH: usize = 48;

/// Any datagram of the sealed transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Packet<'a> {
    /// With the proof to check before anything else is done about it.
    Init1(Init1<'a>, Proof<'a>),
    /// A server under load asks for its cookie. With the proof that it is one who knows the server's key.
    Challenge(Challenge, Proof<'a>),
    /// The server's answer.
    Init2(Init2<'a>),
    /// A sealed datagram.
    Data(DataHeader),
}

impl<'a> Packet<'a> {
    /// Parses a whole datagram; `None` when it is none of these.
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        if datagram.starts_with(&MAGIC) {
            Init1::parse(datagram)
                .map(|(init1, proof)| Self::Init1(init1, proof))
                .or_else(|| Init2::parse(datagram).map(Self::Init2))
                .or_else(|| {
                    Challenge::parse(datagram).map(|(challenge, proof)| Self::Challenge(challenge, proof))
                })
        } else {
            DataHeader::parse(datagram).map(Self::Data)
        }
    }
}

/// A client asks for a session.
///
/// | bytes | field |
/// |---|---|
/// | 4 | magic `SKES` |
/// | 1 | type 0x01 |
/// | 1 | version 1 |
/// | 1 | suites offered, a bit each: 0x01 ChaCha20-Poly1305, 0x02 AES-128-GCM; not 0 |
/// | 1 | purpose: 1 member, 2 guest, 3 salt, 4 enrol, 5 peer |
/// | 8 | connection id of the client |
/// | 2 | length of message 1: 48 to 512 |
/// | 0, 8 or 16 | id of the invitation (purpose 4, 8 bytes) or of the introduction (purpose 5, 16 bytes) |
/// | as said | message 1 of the handshake, its payload an [`Offer`](super::Offer) |
/// | 16 | check over all the bytes before it: see [`seal::check`](crate::seal::check) |
/// | 1 | length of the cookie: 0 or 16 |
/// | 0 or 16 | cookie |
/// | any | zeros, ignored: at least so many that the datagram has [`INIT1_MIN`] bytes |
///
/// The cookie comes after the check, so that a client that was asked for one sends the same bytes again and
/// only adds it. The padding shows that a datagram of this size arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Init1<'a> {
    /// What the client offers.
    pub suites: Suites,
    /// What it wants.
    pub purpose: Purpose,
    /// What the server's datagrams are to carry.
    pub client: ConnectionId,
    /// Message 1.
    pub message: &'a [u8],
    /// The cookie, when the server has asked for it.
    pub cookie: Option<Cookie>,
}

impl<'a> Init1<'a> {
    /// Parses a whole datagram.
    pub fn parse(datagram: &'a [u8]) -> Option<(Self, Proof<'a>)> {
        if datagram.len() < INIT1_MIN {
            return None;
        }
        Self::fields(datagram).ok().map(|(_padding, parsed)| parsed)
    }

    fn fields(datagram: &'a [u8]) -> IResult<&'a [u8], (Self, Proof<'a>), ()> {
        let (input, ()) = head(INIT1).parse(datagram)?;
        let (input, (suites, purpose)) = terms(input)?;
        let (input, client) = array(input)?;
        let (after, (purpose, message)) = message(purpose, input)?;
        let (input, check) = array_ref(after)?;
        let (input, length) = byte(input)?;
        let (input, cookie) = match length {
            0 => (input, None),
            16 => array.map(Some).parse(input)?,
            _ => return Err(nom::Err::Error(())),
        };
        let proof = Proof { covered: before(datagram, after), check };
        Ok((input, (Self { suites, purpose, client, message, cookie }, proof)))
    }

    /// Writes the datagram, padded to `size` bytes or to [`INIT1_MIN`] if that is more; its length. `check`
    /// is given what the check is to cover. `None` when `out` is too small, or the length of the message is
    /// not allowed.
    pub fn emit(&self, size: usize, check: impl FnOnce(&[u8]) -> [u8; 16], out: &mut [u8]) -> Option<usize> {
        let mut put = Put::new(out);
        put.bytes(&MAGIC);
        put.bytes(&[INIT1, VERSION, self.suites.byte(), self.purpose.byte()]);
        put.bytes(&self.client);
        put.bytes(&length_of(self.message)?);
        put.bytes(self.purpose.id());
        put.bytes(self.message);
        let check = check(put.written());
        put.bytes(&check);
        match &self.cookie {
            None => put.bytes(&[0]),
            Some(cookie) => {
                put.bytes(&[16]);
                put.bytes(cookie);
            }
        }
        put.pad(size.max(INIT1_MIN));
        put.length()
    }
}

/// A server under load wants to see that the client receives at its address: the same INIT1 again, with this
/// cookie.
///
/// | bytes | field |
/// |---|---|
/// | 4 | magic `SKES` |
/// | 1 | type 0x02 |
/// | 3 | 0 |
/// | 8 | connection id of the client |
/// | 16 | cookie |
/// | 16 | check over all the bytes before it, without a pre-shared key |
///
/// The check keeps damage out, and forgers who do not know the server's key. Others can still make one: a client takes it
/// for a hint and goes on waiting for an INIT2 to what it has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Challenge {
    /// From the INIT1.
    pub client: ConnectionId,
    /// What to put into it.
    pub cookie: Cookie,
}

impl Challenge {
    /// Parses a whole datagram.
    pub fn parse(datagram: &[u8]) -> Option<(Self, Proof<'_>)> {
        all_consuming(|input| Self::fields(datagram, input)).parse(datagram).ok().map(|(_, parsed)| parsed)
    }

    fn fields<'a>(datagram: &'a [u8], input: &'a [u8]) -> IResult<&'a [u8], (Self, Proof<'a>), ()> {
        let (input, ()) = head(CHALLENGE).parse(input)?;
        let (input, _) = tag(&[0; 3][..])(input)?;
        let (input, client) = array(input)?;
        let (after, cookie) = array(input)?;
        let (input, check) = array_ref(after)?;
        Ok((input, (Self { client, cookie }, Proof { covered: before(datagram, after), check })))
    }

    /// Writes the datagram; its length, [`CHALLENGE_LENGTH`]. `check` is given what the check is to cover. `None` when
    /// `out` is too small.
    pub fn emit(&self, check: impl FnOnce(&[u8]) -> [u8; 16], out: &mut [u8]) -> Option<usize> {
        let mut put = Put::new(out);
        put.bytes(&MAGIC);
        put.bytes(&[CHALLENGE, 0, 0, 0]);
        put.bytes(&self.client);
        put.bytes(&self.cookie);
        let check = check(put.written());
        put.bytes(&check);
        put.length()
    }
}

/// The server agrees to a session.
///
/// | bytes | field |
/// |---|---|
/// | 4 | magic `SKES` |
/// | 1 | type 0x03 |
/// | 1 | 0 |
/// | 2 | length of message 2: 48 to 512 |
/// | 8 | connection id of the client |
/// | as said | message 2 of the handshake, its payload an [`Answer`](super::Answer) |
/// | any | zeros, ignored: not so many that the datagram is longer than the INIT1 |
///
/// The padding shows that a datagram of this size arrives.
///
/// The server's connection id is inside message 2, where nobody can change it: a session would begin on which
/// nothing opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Init2<'a> {
    /// From the INIT1.
    pub client: ConnectionId,
    /// Message 2.
    pub message: &'a [u8],
}

impl<'a> Init2<'a> {
    /// Where message 2 begins in the datagram.
    pub const MESSAGE_START: usize = 16;

    /// Parses a whole datagram.
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        Self::fields(datagram).ok().map(|(_padding, parsed)| parsed)
    }

    fn fields(input: &'a [u8]) -> IResult<&'a [u8], Self, ()> {
        let (input, ()) = head(INIT2).parse(input)?;
        let (input, _) = tag(&[0][..])(input)?;
        let (input, length) = map_opt(short, message_length).parse(input)?;
        let (input, client) = array(input)?;
        let (input, message) = take(length).parse(input)?;
        Ok((input, Self { client, message }))
    }

    /// Writes the datagram without padding; its length. `None` when `out` is too small, or the length of the
    /// message is not allowed.
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        let mut put = Put::new(out);
        put.bytes(&MAGIC);
        put.bytes(&[INIT2, 0]);
        put.bytes(&length_of(self.message)?);
        put.bytes(&self.client);
        put.bytes(self.message);
        put.length()
    }
}

/// What stands before the ciphertext of a sealed datagram, and is authenticated with it.
///
/// | bytes | field |
/// |---|---|
/// | 1 | type and key phase: 0x40, or 0x41 when bit 20 of the packet number is set |
/// | 1 | flags: 0 |
/// | 8 | connection id of the receiver |
/// | 4 | packet number, the low 32 of its 64 bits |
/// | the rest, at least 16 | ciphertext and, in the last 16 bytes, the tag: see [`seal::datagram`](crate::seal::datagram) |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DataHeader {
    /// The key phase.
    pub phase: bool,
    /// Whom it is for.
    pub destination: ConnectionId,
    /// The low half of the packet number.
    pub number: u32,
}

impl DataHeader {
    /// Its length in bytes.
    pub const LENGTH: usize = 14;

    /// Parses the header of a whole datagram, which has room for a tag.
    pub fn parse(datagram: &[u8]) -> Option<Self> {
        let (after, parsed) = Self::fields(datagram).ok()?;
        (after.len() >= crate::seal::TAG_LENGTH).then_some(parsed)
    }

    fn fields(input: &[u8]) -> IResult<&[u8], Self, ()> {
        let (input, phase) = opt(tag(&[DATA | 1, 0][..])).parse(input)?;
        let (input, phase) = match phase {
            Some(_) => (input, true),
            None => (tag(&[DATA, 0][..])(input)?.0, false),
        };
        let (input, destination) = array(input)?;
        let (input, number) = word(input)?;
        Ok((input, Self { phase, destination, number }))
    }

    /// Its bytes.
    pub const fn bytes(&self) -> [u8; Self::LENGTH] {
        let [a, b, c, d, e, f, g, h] = self.destination;
        let [i, j, k, l] = self.number.to_be_bytes();
        [DATA | self.phase as u8, 0, a, b, c, d, e, f, g, h, i, j, k, l]
    }
}
