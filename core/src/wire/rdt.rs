//! RDT packets: the known peers' (docs/protocol.md section 2) and skep's own (section 6).
//!
//! ```text
//! known    | magic ("ROSTOV") | type | INFO: length u16, number u32, body | ACK: number u32
//! skep     | "SKEP"           | type | connection u32 | ...
//! ```
//!
//! Numbers are big-endian. The two never meet: a peer that knows only the first drops the other's magic unread.

use super::{
    field::{byte, counted, long, short, take, word},
    put::Put,
};
use crate::limits::MAGIC_MAX;
use nom::{
    IResult, Parser,
    bytes::complete::tag,
    combinator::{all_consuming, map_opt, rest, verify},
    multi::fill,
};

/// The bytes that every datagram of a network of known peers begins with. A setting.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Magic {
    bytes: [u8; MAGIC_MAX],
    length: u8,
}

impl Magic {
    /// What the known peers use.
    pub const ROSTOV: Self = Self { bytes: *b"ROSTOV\0\0", length: 6 };

    /// A magic of 1 to [`MAGIC_MAX`] bytes; `None` for another length, and for one that begins as skep's own
    /// packets do.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut magic = Self { bytes: [0; MAGIC_MAX], length: bytes.len() as u8 };
        magic.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        (!bytes.is_empty() && !bytes.starts_with(SKEP)).then_some(magic)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl core::fmt::Debug for Magic {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Magic({})", self.as_bytes().escape_ascii())
    }
}

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

const SKEP: &[u8] = b"SKEP";

/// The version of skep's own packets that this code speaks.
pub const VERSION: u8 = 1;

/// Which transmissions were received: the highest number, and those just before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Map(pub [u64; 4]);

impl Map {
    /// How many transmissions before the highest one the map tells of.
    pub const SPAN: u64 = 256;

    /// Whether the transmission `distance` before the highest was received; `distance` is 1 to [`Map::SPAN`].
    pub fn contains(&self, distance: u64) -> bool {
        let place = distance.wrapping_sub(1);
        self.0.get((place >> 6) as usize).is_some_and(|word| word >> (place & 63) & 1 == 1)
    }

    /// Marks the transmission `distance` before the highest as received.
    pub(crate) fn insert(&mut self, distance: u32) {
        let place = distance.wrapping_sub(1);
        if let Some(word) = self.0.get_mut((place >> 6) as usize) {
            *word |= 1 << (place & 63);
        }
    }

    /// The highest moves up by `distance`; the old highest is marked.
    pub(crate) fn advance(&mut self, distance: u32) {
        // Almost always by one; further than the map reaches makes no difference.
        let mut new = 1;
        for _ in 0..distance.min(Self::SPAN as u32 + 1) {
            for word in &mut self.0 {
                let top = *word >> 63;
                *word = *word << 1 | new;
                new = top;
            }
            new = 0;
        }
    }
}

/// A packet of skep's own (docs/protocol.md section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Own<'a> {
    /// Asks for a connection. Padded to the size of the datagrams that its sender hopes to use.
    Open {
        /// What this side can take.
        terms: Terms,
        /// The magic of the network: a peer of another one drops the packet.
        realm: Magic,
        /// What an earlier connection has left; [`Pass::NONE`] for nothing.
        pass: Pass,
    },
    /// Grants it. Padded to the size of a full DATA, so that a path which does not carry these does not carry it either.
    Accept {
        /// The other side's window, and the segment that both sides use.
        terms: Terms,
        /// What proves the caller's address when it comes back; 0 for none.
        token: u64,
    },
    /// A segment of the stream.
    Data {
        /// This transmission's number: one for each sending, repeats too.
        transmission: u32,
        /// The segment's place in the stream.
        segment: u32,
        /// An ACK is wanted at once: nothing follows before one comes.
        asks: bool,
        /// At least one byte.
        body: &'a [u8],
    },
    /// One of the two parts of a segment, for a path that does not carry the whole: the first has the half of it, rounded
    /// up, the second the rest. Both have the same transmission number.
    Part {
        /// This transmission's number.
        transmission: u32,
        /// The segment's place in the stream.
        segment: u32,
        /// An ACK is wanted at once.
        asks: bool,
        /// Where in the segment the part begins: at 0 or at the half.
        offset: u16,
        /// The length of the whole segment: at least 2.
        length: u16,
        /// The bytes.
        body: &'a [u8],
    },
    /// What was received and stored.
    Ack {
        /// The highest transmission.
        top: u32,
        /// All segments before this one are there.
        next: u32,
        /// Segments before this one may be sent.
        limit: u32,
        /// Microseconds from the arrival of `top` to this packet; 65,535 for that or longer.
        delay: u16,
        /// The transmissions before `top`.
        map: Map,
    },
    /// This direction has ended.
    Fin {
        /// How many segments it had, all of them acknowledged.
        segments: u32,
    },
    /// FIN was received.
    FinAck,
    /// Asks for an ACK: the sender wants to know whether its peer lives, or has room. Padding behind it means nothing.
    Ping {
        /// What ACCEPT brought, from a caller; 0 for none.
        token: u64,
    },
    /// The connection is no more.
    Reset,
}

/// What one side of a connection can take, said when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Terms {
    /// Segments that may be under way towards this side, at least 1.
    pub window: u32,
    /// Bytes in a segment, at least 1.
    pub segment: u16,
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
    fn of(padding: &[u8]) -> Self {
        match (long, word).parse(padding) {
            Ok((_, (token, round_trip))) if token != 0 => Self { token, round_trip },
            _ => Self::NONE,
        }
    }
}

/// A token in front of padding, or in a PING; none where there is no room for it.
#[inline(never)] // for size: core/panic-check/run shows it
fn token_of(padding: &[u8]) -> u64 {
    long(padding).map_or(0, |(_, token)| token)
}

impl Terms {
    fn parse(input: &[u8]) -> IResult<&[u8], Self, ()> {
        let (input, _) = tag(&[VERSION][..])(input)?;
        let (input, (window, segment)) = (word, short).parse(input)?;
        if window == 0 || segment == 0 {
            return Err(nom::Err::Error(()));
        }
        Ok((input, Self { window, segment }))
    }

    fn emit(&self, put: &mut Put<'_>) {
        put.bytes(&[VERSION]);
        put.bytes(&self.window.to_be_bytes());
        put.bytes(&self.segment.to_be_bytes());
    }
}

impl<'a> Own<'a> {
    /// The bytes of a DATA before its body.
    pub const DATA_HEADER: usize = 17;

    /// The bytes of a PART before its body.
    pub const PART_HEADER: usize = 21;

    /// How much of a segment of this length is in its first part.
    pub const fn half(length: u16) -> u16 {
        length.div_ceil(2)
    }

    /// Parses a whole datagram: its connection and the packet. `None`: another magic. `Some(None)`: malformed.
    pub fn parse(datagram: &'a [u8]) -> Option<Option<(u32, Self)>> {
        let packet = datagram.strip_prefix(SKEP)?;
        Some(all_consuming(Self::packet).parse(packet).ok().map(|(_, parsed)| parsed))
    }

    fn packet(input: &'a [u8]) -> IResult<&'a [u8], (u32, Self), ()> {
        let (input, (kind, connection)) = (byte, word).parse(input)?;
        let (input, packet) = match kind {
            0x10 => {
                let (input, terms) = Terms::parse(input)?;
                let (padding, realm) = map_opt(counted, Magic::new).parse(input)?;
                (&[][..], Self::Open { terms, realm, pass: Pass::of(padding) })
            }
            0x11 => {
                let (padding, terms) = Terms::parse(input)?;
                (&[][..], Self::Accept { terms, token: token_of(padding) })
            }
            0x12 | 0x18 => {
                let (input, (transmission, segment)) = (word, word).parse(input)?;
                let (input, body) = verify(rest, |body: &[u8]| !body.is_empty()).parse(input)?;
                (input, Self::Data { transmission, segment, asks: kind == 0x18, body })
            }
            0x19 | 0x1a => {
                let (input, (transmission, segment, offset, length)) =
                    (word, word, short, short).parse(input)?;
                let half = Self::half(length);
                let part = if offset == 0 { half } else { length.wrapping_sub(half) };
                let is_part = |body: &[u8]| {
                    length > 1 && (offset == 0 || offset == half) && body.len() == usize::from(part)
                };
                let (input, body) = verify(rest, is_part).parse(input)?;
                (input, Self::Part { transmission, segment, asks: kind == 0x1a, offset, length, body })
            }
            0x13 => {
                let (input, (top, next, limit, delay)) = (word, word, word, short).parse(input)?;
                let mut map = Map::default();
                let (input, ()) = fill(long, &mut map.0).parse(input)?;
                (input, Self::Ack { top, next, limit, delay, map })
            }
            0x14 => word.map(|segments| Self::Fin { segments }).parse(input)?,
            0x15 => (input, Self::FinAck),
            0x16 => (&[][..], Self::Ping { token: token_of(input) }),
            0x17 => (input, Self::Reset),
            _ => return Err(nom::Err::Error(())),
        };
        Ok((input, (connection, packet)))
    }

    /// Writes the datagram; its length. `None` when `out` is too small. OPEN and ACCEPT are padded by
    /// `pad`.
    pub fn emit(&self, connection: u32, out: &mut [u8]) -> Option<usize> {
        let mut put = Put::new(out);
        put.bytes(SKEP);
        let kind = match self {
            Self::Open { .. } => 0x10,
            Self::Accept { .. } => 0x11,
            Self::Data { asks: false, .. } => 0x12,
            Self::Data { asks: true, .. } => 0x18,
            Self::Part { asks: false, .. } => 0x19,
            Self::Part { asks: true, .. } => 0x1a,
            Self::Ack { .. } => 0x13,
            Self::Fin { .. } => 0x14,
            Self::FinAck => 0x15,
            Self::Ping { .. } => 0x16,
            Self::Reset => 0x17,
        };
        put.bytes(&[kind]);
        put.bytes(&connection.to_be_bytes());
        let mut token = 0_u64;
        match self {
            Self::Open { terms, realm, pass } => {
                terms.emit(&mut put);
                put.counted(realm.as_bytes());
                token = pass.token;
            }
            Self::Accept { terms, token: given } => {
                terms.emit(&mut put);
                token = *given;
            }
            Self::Ping { token: given } => token = *given,
            Self::Data { transmission, segment, body, .. }
            | Self::Part { transmission, segment, body, .. } => {
                put.bytes(&transmission.to_be_bytes());
                put.bytes(&segment.to_be_bytes());
                if let Self::Part { offset, length, .. } = self {
                    put.bytes(&offset.to_be_bytes());
                    put.bytes(&length.to_be_bytes());
                }
                put.bytes(body);
            }
            Self::Ack { top, next, limit, delay, map } => {
                put.bytes(&top.to_be_bytes());
                put.bytes(&next.to_be_bytes());
                put.bytes(&limit.to_be_bytes());
                put.bytes(&delay.to_be_bytes());
                for word in map.0 {
                    put.bytes(&word.to_be_bytes());
                }
            }
            Self::Fin { segments } => put.bytes(&segments.to_be_bytes()),
            Self::FinAck | Self::Reset => {}
        }
        if token != 0 {
            put.bytes(&token.to_be_bytes());
            if let Self::Open { pass, .. } = self {
                put.bytes(&pass.round_trip.to_be_bytes());
            }
        }
        put.length()
    }
}

/// Fills a datagram up with zeros to `size` bytes; its new length.
pub(crate) fn pad(datagram: &mut [u8], length: usize, size: usize) -> usize {
    match datagram.get_mut(length..size) {
        Some(padding) => {
            padding.fill(0);
            size
        }
        None => length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::miri::fewer;

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

    fn own() -> [(Own<'static>, Vec<u8>); 14] {
        let pass = Pass { token: 0x0102_0304_0506_0708, round_trip: 20_000 };
        let terms = Terms { window: 256, segment: 1_200 };
        let map = Map([1, 0, 0, 1 << 63]);
        let bytes = |text: &str| {
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            text.as_bytes().chunks(2).map(byte).collect()
        };
        [
            (
                Own::Open { terms, realm: Magic::ROSTOV, pass: Pass::NONE },
                bytes("534b4550100a0b0c0d010000010004b006524f53544f56"),
            ),
            (
                Own::Open { terms, realm: Magic::ROSTOV, pass },
                bytes("534b4550100a0b0c0d010000010004b006524f53544f56010203040506070800004e20"),
            ),
            (Own::Accept { terms, token: 0 }, bytes("534b4550110a0b0c0d010000010004b0")),
            (
                Own::Accept { terms, token: pass.token },
                bytes("534b4550110a0b0c0d010000010004b00102030405060708"),
            ),
            (
                Own::Data { transmission: 9, segment: 8, asks: false, body: b"hi" },
                bytes("534b4550120a0b0c0d00000009000000086869"),
            ),
            (
                Own::Data { transmission: 9, segment: 8, asks: true, body: b"hi" },
                bytes("534b4550180a0b0c0d00000009000000086869"),
            ),
            (
                Own::Part { transmission: 9, segment: 8, asks: false, offset: 0, length: 5, body: b"hel" },
                bytes("534b4550190a0b0c0d00000009000000080000000568656c"),
            ),
            (
                Own::Part { transmission: 9, segment: 8, asks: true, offset: 3, length: 5, body: b"lo" },
                bytes("534b45501a0a0b0c0d0000000900000008000300056c6f"),
            ),
            (
                Own::Ack { top: 9, next: 8, limit: 300, delay: 5, map },
                bytes(
                    "534b4550130a0b0c0d00000009000000080000012c00050000000000000001000000000000000000000000000000008000000000000000",
                ),
            ),
            (Own::Fin { segments: 8 }, bytes("534b4550140a0b0c0d00000008")),
            (Own::FinAck, bytes("534b4550150a0b0c0d")),
            (Own::Ping { token: 0 }, bytes("534b4550160a0b0c0d")),
            (Own::Ping { token: pass.token }, bytes("534b4550160a0b0c0d0102030405060708")),
            (Own::Reset, bytes("534b4550170a0b0c0d")),
        ]
    }

    #[test]
    fn own_packets_have_these_bytes() {
        for (packet, golden) in own() {
            let mut out = [0; 64];
            let length = packet.emit(0x0a0b_0c0d, &mut out).unwrap();
            assert_eq!(out[..length], golden[..], "{packet:?}");
            assert_eq!(Own::parse(&golden), Some(Some((0x0a0b_0c0d, packet))));
        }
    }

    #[test]
    fn every_truncation_of_an_own_packet_is_refused() {
        for (packet, golden) in own() {
            for length in 0..golden.len() {
                let parsed = Own::parse(&golden[..length]);
                // What is behind the others' words may be missing.
                let is_shorter = match packet {
                    Own::Data { .. } => length > Own::DATA_HEADER,
                    Own::Open { pass, .. } => pass != Pass::NONE && length >= golden.len() - 12,
                    Own::Accept { token, .. } => token != 0 && length >= golden.len() - 8,
                    Own::Ping { .. } => length >= 9,
                    _ => false,
                };
                let refused = if length < 4 { None } else { Some(None) };
                assert_eq!(parsed == refused, !is_shorter, "{packet:?} {length}");
                assert_eq!(packet.emit(0, &mut [0; 64][..length]), None);
            }
        }
    }

    #[test]
    fn padding_is_ignored_where_it_is_allowed_and_refused_elsewhere() {
        for (packet, golden) in own() {
            let padded = [&golden[..], &[0; 9]].concat();
            match packet {
                Own::Open { pass: Pass { token: 0, .. }, .. }
                | Own::Accept { token: 0, .. }
                | Own::Ping { token: 0 } => {
                    let zeros = [&golden[..], &[0; 12]].concat();
                    assert_eq!(Own::parse(&zeros), Some(Some((0x0a0b_0c0d, packet))));
                }
                Own::Open { .. } | Own::Accept { .. } | Own::Ping { .. } => {
                    assert_eq!(Own::parse(&padded), Some(Some((0x0a0b_0c0d, packet))));
                }
                Own::Data { .. } => {}
                _ => assert_eq!(Own::parse(&padded), Some(None)),
            }
        }
    }

    #[test]
    fn a_part_is_one_half_or_the_other() {
        let part = |offset, length, body| {
            let part = Own::Part { transmission: 1, segment: 1, asks: false, offset, length, body };
            let mut out = [0; 64];
            let written = part.emit(1, &mut out).unwrap();
            Own::parse(&out[..written]) == Some(Some((1, part)))
        };
        assert!(part(0, 2, b"a") && part(1, 2, b"b") && part(0, 3, b"ab") && part(2, 3, b"c"));
        let none: [(u16, u16, &[u8]); 8] = [
            (0, 0, b"a"),
            (0, 1, b"a"),
            (1, 1, b"a"),
            (0, 4, b"a"),
            (1, 4, b"abc"),
            (2, 4, b"abc"),
            (3, 4, b"a"),
            (2, u16::MAX, b"a"),
        ];
        for (offset, length, body) in none {
            assert!(!part(offset, length, body), "{offset} of {length}");
        }
    }

    #[test]
    fn another_version_an_empty_window_and_a_realm_that_is_none_are_refused() {
        let (_, golden) = &own()[0];
        for (place, value) in [(9, 2), (12, 0), (16, 0), (16, 9)] {
            let mut bytes = golden.clone();
            bytes[place] = value;
            assert_eq!(Own::parse(&bytes), Some(None), "{place}");
        }
    }

    #[test]
    fn a_magic_is_short_and_not_our_own() {
        assert!(Magic::new(b"").is_none());
        assert!(Magic::new(b"123456789").is_none());
        assert!(Magic::new(b"SKEPtic").is_none());
        assert_eq!(Magic::new(b"ROSTOV"), Some(Magic::ROSTOV));
    }

    #[test]
    fn a_map_moves_as_a_plain_list_does() {
        let mut random = 1_u64;
        let (mut map, mut top, mut seen) = (Map::default(), 0_u64, vec![0_u64]);
        for _ in 0..fewer(5_000, 25) {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let step = match random >> 60 {
                0 => (random >> 40) as u32 % 400,
                _ => (random >> 40) as u32 % 5,
            };
            if step == 0 {
                let distance = (random >> 20) as u32 % 256 + 1;
                if u64::from(distance) <= top {
                    map.insert(distance);
                    seen.push(top - u64::from(distance));
                }
            } else {
                map.advance(step);
                top += u64::from(step);
                seen.push(top);
            }
            for distance in 1..=Map::SPAN.min(top) {
                assert_eq!(
                    map.contains(distance),
                    seen.contains(&(top - distance)),
                    "{distance} before {top}"
                );
            }
            seen.retain(|&number| number + 300 > top);
        }
    }
}
