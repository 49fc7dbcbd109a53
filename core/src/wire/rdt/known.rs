//! The packets of the known peers (docs/protocol.md section 2).

use super::Magic;
use crate::wire::{
    field::{byte, short, take, word},
    put::Put,
};
use nom::{IResult, Parser, combinator::all_consuming};

/// How a known peer writes the type of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TypeKind {
    /// The value itself, `00` to `05`.
    #[default]
    Raw,
    /// Its digit in ASCII, `30` to `35`.
    Ascii,
}

/// A packet of the known peers (docs/protocol.md section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Known<'a> {
    /// Asks for a connection.
    Connect,
    /// Grants it.
    ConnAck,
    /// A segment of the stream.
    Info {
        /// Its number in this direction, from 0; some peers wrap at 2^16.
        number: u32,
        /// At most 65,535 bytes.
        body: &'a [u8],
    },
    /// The INFO of this number was received.
    Ack(u32),
    /// This direction has ended.
    Fin,
    /// FIN was received.
    FinAck,
}

impl<'a> Known<'a> {
    /// The bytes of an INFO before its body, besides the magic.
    pub const INFO_HEADER: usize = 7;

    /// Parses a whole datagram. `None`: another magic. `Some(None)`: malformed.
    pub fn parse(magic: &Magic, datagram: &'a [u8]) -> Option<Option<(TypeKind, Self)>> {
        let packet = datagram.strip_prefix(magic.as_bytes())?;
        Some(all_consuming(Self::packet).parse(packet).ok().map(|(_, parsed)| parsed))
    }

    fn packet(input: &'a [u8]) -> IResult<&'a [u8], (TypeKind, Self), ()> {
        let (input, byte) = byte(input)?;
        let (kind, value) = match byte {
            b'0'..=b'5' => (TypeKind::Ascii, byte ^ b'0'),
            _ => (TypeKind::Raw, byte),
        };
        let (input, packet) = match value {
            0 => (input, Self::Connect),
            1 => (input, Self::ConnAck),
            2 => {
                let (input, (length, number)) = (short, word).parse(input)?;
                let (input, body) = take(length).parse(input)?;
                (input, Self::Info { number, body })
            }
            3 => word.map(Self::Ack).parse(input)?,
            4 => (input, Self::Fin),
            5 => (input, Self::FinAck),
            _ => return Err(nom::Err::Error(())),
        };
        Ok((input, (kind, packet)))
    }

    /// Writes what stands before an INFO's body of `length` bytes; how long it is.
    pub(crate) fn emit_info_header(
        magic: &Magic,
        kind: TypeKind,
        number: u32,
        length: u16,
        out: &mut [u8],
    ) -> Option<usize> {
        let start = Known::Info { number, body: &[] }.emit(magic, kind, out)?;
        let place = magic.as_bytes().len().checked_add(1)?;
        out.get_mut(place..place.checked_add(2)?)?.copy_from_slice(&length.to_be_bytes());
        Some(start)
    }

    /// Writes the datagram; its length. `None` when `out` is too small or a body too long.
    pub fn emit(&self, magic: &Magic, kind: TypeKind, out: &mut [u8]) -> Option<usize> {
        let value = match self {
            Self::Connect => 0,
            Self::ConnAck => 1,
            Self::Info { .. } => 2,
            Self::Ack(_) => 3,
            Self::Fin => 4,
            Self::FinAck => 5,
        };
        let mut put = Put::new(out);
        put.bytes(magic.as_bytes());
        put.bytes(&[value | if kind == TypeKind::Ascii { b'0' } else { 0 }]);
        match self {
            Self::Info { number, body } => {
                put.bytes(&u16::try_from(body.len()).ok()?.to_be_bytes());
                put.bytes(&number.to_be_bytes());
                put.bytes(body);
            }
            Self::Ack(number) => put.bytes(&number.to_be_bytes()),
            _ => {}
        }
        put.length()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [(Known<'_>, &[u8]); 6] = [
        (Known::Connect, b"ROSTOV\x00"),
        (Known::ConnAck, b"ROSTOV\x01"),
        (Known::Info { number: 0x0102_0304, body: b"hi" }, b"ROSTOV\x02\x00\x02\x01\x02\x03\x04hi"),
        (Known::Ack(7), b"ROSTOV\x03\x00\x00\x00\x07"),
        (Known::Fin, b"ROSTOV\x04"),
        (Known::FinAck, b"ROSTOV\x05"),
    ];

    #[test]
    fn known_packets_have_these_bytes() {
        for (packet, golden) in KNOWN {
            let mut out = [0; 32];
            let length = packet.emit(&Magic::ROSTOV, TypeKind::Raw, &mut out).unwrap();
            assert_eq!(&out[..length], golden);
            assert_eq!(Known::parse(&Magic::ROSTOV, golden), Some(Some((TypeKind::Raw, packet))));
            let length = packet.emit(&Magic::ROSTOV, TypeKind::Ascii, &mut out).unwrap();
            assert_eq!(out[6], golden[6] + b'0');
            assert_eq!(Known::parse(&Magic::ROSTOV, &out[..length]), Some(Some((TypeKind::Ascii, packet))));
        }
    }

    #[test]
    fn every_truncation_and_every_trailing_byte_of_a_known_packet_is_refused() {
        for (packet, golden) in KNOWN {
            for length in 0..golden.len() {
                let parsed = Known::parse(&Magic::ROSTOV, &golden[..length]);
                assert_eq!(parsed, if length < 6 { None } else { Some(None) }, "{packet:?} {length}");
                let mut out = [0; 32];
                assert_eq!(packet.emit(&Magic::ROSTOV, TypeKind::Raw, &mut out[..length]), None);
            }
            let longer = [golden, b"\0"].concat();
            assert_eq!(Known::parse(&Magic::ROSTOV, &longer), Some(None));
        }
        assert_eq!(Known::parse(&Magic::ROSTOV, b"ROSTOV\x06"), Some(None));
        assert_eq!(Known::parse(&Magic::new(b"X").unwrap(), b"ROSTOV\x00"), None);
    }
}
