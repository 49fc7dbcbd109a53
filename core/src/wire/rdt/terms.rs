//! What the two sides of a connection of skep's own tell each other when it opens: what they can take, and what proves
//! an address.

use crate::wire::{
    field::{long, short, word},
    put::Put,
};
use nom::{IResult, Parser, bytes::complete::tag};

/// The version of skep's own packets that this code speaks.
pub const VERSION: u8 = 1;

/// What one side of a connection can take, said when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Terms {
    /// Segments that may be under way towards this side, at least 1.
    pub window: u32,
    /// Bytes in a segment, at least 1.
    pub segment: u16,
}

impl Terms {
    pub(super) fn parse(input: &[u8]) -> IResult<&[u8], Self, ()> {
        let (input, _) = tag(&[VERSION][..])(input)?;
        let (input, (window, segment)) = (word, short).parse(input)?;
        if window == 0 || segment == 0 {
            return Err(nom::Err::Error(()));
        }
        Ok((input, Self { window, segment }))
    }

    pub(super) fn emit(&self, put: &mut Put<'_>) {
        put.bytes(&[VERSION]);
        put.bytes(&self.window.to_be_bytes());
        put.bytes(&self.segment.to_be_bytes());
    }
}

/// What a connection leaves to the next one that is called for from the same address to the same peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pass {
    /// What the peer gave: it proves the address. 0 for none.
    pub token: u64,
    /// The round-trip time in microseconds; 0 when it is not known. Without a token it is not told.
    pub round_trip: u32,
}

impl Pass {
    /// Nothing is left: it is the first visit.
    pub const NONE: Self = Self { token: 0, round_trip: 0 };

    /// The one at the beginning of padding; none in padding that is too short for it.
    pub(super) fn of(padding: &[u8]) -> Self {
        match (long, word).parse(padding) {
            Ok((_, (token, round_trip))) if token != 0 => Self { token, round_trip },
            _ => Self::NONE,
        }
    }
}

/// A token in front of padding, or in a PING; none where there is no room for it.
#[inline(never)] // for size: core/panic-check/run shows it
pub(super) fn token_of(padding: &[u8]) -> u64 {
    long(padding).map_or(0, |(_, token)| token)
}
