//! What messages of a session are made of: written and read without a reachable panic.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use nom::{IResult, Needed, Parser};

/// Where a message is written; it never writes past its end.
#[derive(Debug)]
pub(super) struct Room<'o> {
    out: &'o mut [u8],
    used: usize,
}

impl<'o> Room<'o> {
    /// Begins a message of this kind. Its length is filled in by [`Room::end`].
    pub(super) fn begin(out: &'o mut [u8], kind: u8) -> Option<Self> {
        let mut room = Self { out, used: 0 };
        room.put(&[0, 0, kind])?;
        Some(room)
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.used.checked_add(bytes.len())?;
        // Not `copy_from_slice`: it can panic, as far as the linker can tell.
        self.out.get_mut(self.used..end)?.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.used = end;
        Some(())
    }

    /// A length in one byte, and so many bytes.
    pub(super) fn put_name(&mut self, bytes: &[u8]) -> Option<()> {
        self.put(&[u8::try_from(bytes.len()).ok()?])?;
        self.put(bytes)
    }

    /// 4 or 6, and the address.
    pub(super) fn put_address(&mut self, address: IpAddr) -> Option<()> {
        match address {
            IpAddr::V4(address) => {
                self.put(&[4])?;
                self.put(&address.octets())
            }
            IpAddr::V6(address) => {
                self.put(&[6])?;
                self.put(&address.octets())
            }
        }
    }

    /// How many bytes the message has, at most [`super::FRAME_MAX`].
    pub(super) fn end(self) -> Option<usize> {
        let length = self.used.checked_sub(2)?;
        if self.used > super::FRAME_MAX {
            return None;
        }
        *self.out.first_chunk_mut()? = (length as u16).to_be_bytes();
        Some(self.used)
    }
}

pub(super) fn array<const N: usize>(bytes: &[u8]) -> IResult<&[u8], [u8; N], ()> {
    match bytes.split_first_chunk() {
        Some((array, rest)) => Ok((rest, *array)),
        None => Err(nom::Err::Incomplete(Needed::Unknown)),
    }
}

pub(super) fn byte(bytes: &[u8]) -> IResult<&[u8], u8, ()> {
    array.map(|[byte]| byte).parse(bytes)
}

pub(super) fn short(bytes: &[u8]) -> IResult<&[u8], u16, ()> {
    array.map(u16::from_be_bytes).parse(bytes)
}

pub(super) fn word(bytes: &[u8]) -> IResult<&[u8], u32, ()> {
    array.map(u32::from_be_bytes).parse(bytes)
}

pub(super) fn long(bytes: &[u8]) -> IResult<&[u8], u64, ()> {
    array.map(u64::from_be_bytes).parse(bytes)
}

/// A length in one byte, and so many bytes, of which nothing is known.
pub(super) fn name(bytes: &[u8]) -> IResult<&[u8], &[u8], ()> {
    let (rest, length) = byte(bytes)?;
    let (name, rest) = rest.split_at_checked(length.into()).ok_or(nom::Err::Incomplete(Needed::Unknown))?;
    Ok((rest, name))
}

pub(super) fn address(bytes: &[u8]) -> IResult<&[u8], IpAddr, ()> {
    match byte(bytes)? {
        (rest, 4) => array.map(|octets: [u8; 4]| IpAddr::V4(Ipv4Addr::from(octets))).parse(rest),
        (rest, 6) => array.map(|octets: [u8; 16]| IpAddr::V6(Ipv6Addr::from(octets))).parse(rest),
        _ => Err(nom::Err::Error(())),
    }
}
