//! What several messages of a session have in common.

use super::fields::Room;
use crate::wire::field::{array, byte, long};
use nom::{IResult, Parser};

/// What is told of a shared file besides its name and its owner.
///
/// ```text
/// | flags u8 | length u64 | hash, 32 bytes, if bit 0 of the flags is set |
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FileInfo {
    /// Bytes of content.
    pub length: u64,
    /// Bit 1 is [`FileInfo::UNKNOWN_LENGTH`]; bits 2 to 7 are passed on, for later versions. Bit 0 is not here: it
    /// says that there is a hash.
    pub flags: u8,
    /// The BLAKE3 hash of the content, where it is known.
    pub hash: Option<[u8; 32]>,
}

const HAS_HASH: u8 = 1;

impl FileInfo {
    /// Nobody has said how long the file is: it was published by command.
    pub const UNKNOWN_LENGTH: u8 = 2;

    pub(super) fn put(&self, room: &mut Room<'_>) {
        let flags = (self.flags & !HAS_HASH) | u8::from(self.hash.is_some());
        room.put(&[flags]);
        room.put(&self.length.to_be_bytes());
        if let Some(hash) = &self.hash {
            room.put(hash);
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> IResult<&[u8], Self, ()> {
        let (rest, flags) = byte(bytes)?;
        let (rest, length) = long(rest)?;
        let (rest, hash) = optional(flags & HAS_HASH != 0, rest)?;
        Ok((rest, Self { length, flags: flags & !HAS_HASH, hash }))
    }
}

/// By what two clients know each other, where the tracker knows the keys of both.
///
/// ```text
/// | 0 |   or   | 1 | secret, 32 bytes | the other side's public key, 32 bytes |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Introduction {
    /// A secret of these two clients and the tracker.
    pub secret: [u8; 32],
    /// The public key of the other side.
    pub key: [u8; 32],
}

impl Introduction {
    pub(super) fn put(introduction: Option<&Self>, room: &mut Room<'_>) {
        match introduction {
            None => room.put(&[0]),
            Some(introduction) => {
                room.put(&[1]);
                room.put(&introduction.secret);
                room.put(&introduction.key);
            }
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> IResult<&[u8], Option<Self>, ()> {
        match byte(bytes)? {
            (rest, 0) => Ok((rest, None)),
            (rest, 1) => (array, array).map(|(secret, key)| Some(Self { secret, key })).parse(rest),
            _ => Err(nom::Err::Error(())),
        }
    }
}

/// How the content of a download travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Way {
    /// 0: from the owner to who asked, who calls at the owner's door.
    Direct,
    /// 1: through the tracker, with which both open one more stream.
    Relayed,
    /// 2: as `Direct`, from an owner who is there by command: `GET_FILE` is spoken, and there is no token. Only a
    /// tracker says so.
    Command,
}

impl Way {
    pub(super) fn parse(bytes: &[u8]) -> IResult<&[u8], Self, ()> {
        match byte(bytes)? {
            (rest, 0) => Ok((rest, Self::Direct)),
            (rest, 1) => Ok((rest, Self::Relayed)),
            (rest, 2) => Ok((rest, Self::Command)),
            _ => Err(nom::Err::Error(())),
        }
    }
}

impl From<Way> for u8 {
    fn from(way: Way) -> Self {
        match way {
            Way::Direct => 0,
            Way::Relayed => 1,
            Way::Command => 2,
        }
    }
}

/// Whose end of a transfer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Side {
    /// 0: who asked for the file.
    Requester,
    /// 1: whose file it is.
    Owner,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Requester => Self::Owner,
            Self::Owner => Self::Requester,
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> IResult<&[u8], Self, ()> {
        match byte(bytes)? {
            (rest, 0) => Ok((rest, Self::Requester)),
            (rest, 1) => Ok((rest, Self::Owner)),
            _ => Err(nom::Err::Error(())),
        }
    }
}

impl From<Side> for u8 {
    fn from(side: Side) -> Self {
        match side {
            Side::Requester => 0,
            Side::Owner => 1,
        }
    }
}

fn optional<const N: usize>(is_there: bool, bytes: &[u8]) -> IResult<&[u8], Option<[u8; N]>, ()> {
    if is_there { array.map(Some).parse(bytes) } else { Ok((bytes, None)) }
}
