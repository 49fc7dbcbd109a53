//! What is said inside the messages of a handshake, encrypted and authenticated by it.

use super::Suite;
use crate::wire::{
    field::{byte, short},
    put::Put,
};
use nom::{
    IResult, Parser,
    combinator::{map_opt, rest},
};

/// The least that a side may say that it takes, in bytes. Smaller records and datagrams would be mostly tags:
/// a peer could have its answers cut into crumbs.
pub const LARGEST_MIN: u16 = 256;

/// The payload of message 1, over UDP and TCP.
///
/// | bytes | field |
/// |---|---|
/// | 2 | the largest that the client takes, at least 256: over TCP a record's ciphertext and tag, over UDP a whole datagram |
/// | the rest | the purpose's own, may be empty |
///
/// It can be replayed, and read by who steals the server's key later (the Noise specification, section 7.7):
/// no commands and no secrets belong into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Offer<'a> {
    /// The largest record or datagram that the client takes.
    pub largest: u16,
    /// What the purpose wants to say.
    pub body: &'a [u8],
}

impl<'a> Offer<'a> {
    /// Parses a whole payload.
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        Self::fields(payload).ok().map(|(_, parsed)| parsed)
    }

    fn fields(input: &'a [u8]) -> IResult<&'a [u8], Self, ()> {
        let (input, largest) = map_opt(short, largest).parse(input)?;
        let (input, body) = rest(input)?;
        Ok((input, Self { largest, body }))
    }

    /// Writes the payload; its length. `None` when `out` is too small, or `largest` is.
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        let mut put = Put::new(out);
        put.bytes(&largest(self.largest)?.to_be_bytes());
        put.bytes(self.body);
        put.length()
    }
}

/// The payload of message 2, over UDP and TCP.
///
/// | bytes | field |
/// |---|---|
/// | 1 | the suite that the server chose from the offer: 0x01 ChaCha20-Poly1305, 0x02 AES-128-GCM |
/// | 2 | the largest that the server takes, as in [`Offer`] |
/// | the rest | the purpose's own, may be empty |
///
/// A client refuses a suite that it has not offered. The offer is part of the prologue, the choice is in
/// here: neither can be changed on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Answer<'a> {
    /// What datagrams or records are sealed with.
    pub suite: Suite,
    /// The largest record or datagram that the server takes.
    pub largest: u16,
    /// What the purpose wants to say.
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Parses a whole payload.
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        Self::fields(payload).ok().map(|(_, parsed)| parsed)
    }

    fn fields(input: &'a [u8]) -> IResult<&'a [u8], Self, ()> {
        let suite = |byte| Suite::ALL.into_iter().find(|suite| suite.bit() == byte);
        let (input, suite) = map_opt(byte, suite).parse(input)?;
        let (input, largest) = map_opt(short, largest).parse(input)?;
        let (input, body) = rest(input)?;
        Ok((input, Self { suite, largest, body }))
    }

    /// Writes the payload; its length. `None` when `out` is too small, or `largest` is.
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        let mut put = Put::new(out);
        put.bytes(&[self.suite.bit()]);
        put.bytes(&largest(self.largest)?.to_be_bytes());
        put.bytes(self.body);
        put.length()
    }
}

fn largest(largest: u16) -> Option<u16> {
    (largest >= LARGEST_MIN).then_some(largest)
}
