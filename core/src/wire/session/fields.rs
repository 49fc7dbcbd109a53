//! What messages of a session are made of, besides numbers.

use crate::wire::{
    field::{array, byte},
    put::Put,
};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use nom::{IResult, Parser};

/// Where a message is written.
#[derive(Debug)]
pub(super) struct Room<'o>(Put<'o>);

impl<'o> Room<'o> {
    /// Begins a message of this kind. Its length is filled in by [`Room::end`].
    pub(super) fn begin(out: &'o mut [u8], kind: u8) -> Self {
        let mut put = Put::new(out);
        put.bytes(&[0, 0, kind]);
        Self(put)
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.0.bytes(bytes);
    }

    /// A length in one byte, and so many bytes.
    pub(super) fn put_name(&mut self, bytes: &[u8]) {
        self.0.counted(bytes);
    }

    /// 4 or 6, and the address.
    pub(super) fn put_address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => {
                self.put(&[4]);
                self.put(&address.octets());
            }
            IpAddr::V6(address) => {
                self.put(&[6]);
                self.put(&address.octets());
            }
        }
    }

    /// How many bytes the message has, at most [`super::FRAME_MAX`].
    pub(super) fn end(mut self) -> Option<usize> {
        let length = self.0.length().filter(|&length| length <= super::FRAME_MAX)?;
        *self.0.written().first_chunk_mut()? = (length.checked_sub(2)? as u16).to_be_bytes();
        Some(length)
    }
}

pub(super) fn address(bytes: &[u8]) -> IResult<&[u8], IpAddr, ()> {
    match byte(bytes)? {
        (rest, 4) => array.map(|octets: [u8; 4]| IpAddr::V4(Ipv4Addr::from(octets))).parse(rest),
        (rest, 6) => array.map(|octets: [u8; 16]| IpAddr::V6(Ipv6Addr::from(octets))).parse(rest),
        _ => Err(nom::Err::Error(())),
    }
}
