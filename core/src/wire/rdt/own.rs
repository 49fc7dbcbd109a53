//! The packets of skep's own (docs/protocol.md section 6).

use super::{Magic, Map, Pass, SKEP, Terms, terms::token_of};
use crate::wire::{
    field::{byte, counted, long, short, word},
    put::Put,
};
use nom::{
    IResult, Parser,
    combinator::{all_consuming, map_opt, rest, verify},
    multi::fill,
};

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

impl<'a> Own<'a> {
    /// The bytes of a DATA before its body.
    pub const DATA_HEADER: usize = 17;

    /// The bytes of an ACK, than which nothing else is longer but content and padding.
    pub const ACK: usize = 55;

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

#[cfg(test)]
mod tests;
