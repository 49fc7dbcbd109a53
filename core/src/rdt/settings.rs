//! What an endpoint is set to.

use super::{Envelope, control::Congestion};
use crate::{
    Span,
    wire::rdt::{Known, Magic, Own, Terms, TypeKind},
};

/// What an endpoint is set to. All peers of a network share the magic.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// What known peers' datagrams begin with, and the name of the network for skep's own.
    pub magic: Magic,
    /// How the type is written to known peers that are called.
    pub kind: TypeKind,
    /// What this side takes: the window for receiving, and the largest segment in bytes. Both are at least 1. The window is
    /// bounded by the profile.
    pub terms: Terms,
    /// How many segments all of skep's own peers together may have under way to this side, where one buffer takes what
    /// they send: each is told its share. `u32::MAX`: there is no such buffer.
    pub room: u32,
    /// The largest window for sending to skep's own peers, in segments. Bounded by the profile.
    pub window: u32,
    /// The window for sending to known peers. 1 is stop-and-wait, with numbers that wrap at 2^16; more is
    /// selective repeat, with numbers that wrap at 2^32.
    pub known_window: u32,
    /// Bytes in a segment to known peers.
    pub known_segment: u16,
    /// How far ahead of the expected one an INFO of a known peer may be to be offered as [`Incoming::Early`](super::Incoming::Early).
    pub early_window: u32,
    /// The room around each datagram that is sent. Only skep's own language leaves it.
    pub envelope: Envelope,
    /// What decides how much is under way, where the profile leaves a choice.
    pub congestion: Congestion,
    /// Bytes per second that the path to each peer carries, headers included, where that is known; else 0.
    pub rate: u64,
    /// The most segments that are sent in the first round trip.
    pub first_flight: u16,
    /// The most datagrams in one [`Transmit`](super::Transmit): 0 is taken as 1. Copies are made of the
    /// first 255 of a batch at most.
    pub batch: u16,
    /// The addresses of callers count as proven, where the profile would have them proven: for networks in which nobody
    /// can send in another one's name (docs/security.md).
    pub trusts_addresses: bool,
    /// New peers that may wait to be accepted. Bounded by the profile; 0: nobody can call.
    pub backlog: u8,
    /// Time between the first two calls, the copies of the first not counted; it doubles up to a second.
    pub call_interval: Span,
    /// How often a peer is called before it counts as unreachable, the two copies of the first call counted.
    pub calls: u8,
    /// The time-out before there is a round-trip time (RFC 6298 says one second).
    pub timeout_initial: Span,
    /// The shortest time-out. RFC 6298's second is eleven times slower on a lossy local network.
    pub timeout_minimum: Span,
    /// The longest time-out; at least [`Settings::timeout_minimum`]. With 0 all tries follow each other without a pause.
    pub timeout_maximum: Span,
    /// Time-outs in a row, with nothing acknowledged between them, after which the peer is given up.
    pub tries: u8,
    /// A peer from which nothing comes for so long is dead. Some times [`Settings::keep_alive`], so that a lost sign of life is
    /// none of death; with 0 every connection ends when it has opened.
    pub idle: Span,
    /// A peer of skep's own is asked for a sign of life after so long; after [`Settings::call_interval`], if that is longer.
    pub keep_alive: Span,
    /// A new peer that sends nothing but its call is forgotten after so long: longer than a round trip, or nobody gets in.
    pub half_open: Span,
    /// How long the end of a connection is answered to a known peer, whose repeats may be rare: see
    /// [`Endpoint::linger_until`](super::Endpoint::linger_until).
    pub known_linger: Span,
}

impl Settings {
    /// What suits a host on an Ethernet.
    pub const HOST: Self = Self {
        magic: Magic::ROSTOV,
        kind: TypeKind::Raw,
        terms: Terms { window: 8_192, segment: 1_435 },
        room: u32::MAX,
        window: 8_192,
        known_window: 1,
        known_segment: 1_024,
        early_window: 512,
        envelope: Envelope::NONE,
        congestion: Congestion::Model,
        rate: 0,
        first_flight: 768,
        batch: 64,
        trusts_addresses: false,
        backlog: 16,
        call_interval: Span::from_millis(250),
        calls: 10,
        timeout_initial: Span::from_millis(250),
        timeout_minimum: Span::from_millis(10),
        timeout_maximum: Span::from_secs(2),
        tries: 20,
        idle: Span::from_secs(30),
        keep_alive: Span::from_secs(8),
        half_open: Span::from_secs(10),
        known_linger: Span::from_secs(2),
    };

    /// What suits a device: 4 segments each way, one datagram at a time.
    pub const DEVICE: Self =
        Self { terms: Terms { window: 4, segment: 1_024 }, window: 4, batch: 1, backlog: 1, ..Self::HOST };

    /// The largest datagram that an endpoint set to this sends or takes from peers of its kind, in bytes, with the envelope.
    pub fn datagram(&self) -> usize {
        let own = larger(Own::DATA_HEADER + self.terms.segment as usize, Own::ACK) + self.envelope.size();
        if cfg!(feature = "known-peers") {
            let header = self.magic.as_bytes().len() + Known::INFO_HEADER;
            return larger(own, header + self.known_segment as usize);
        }
        own
    }
}

const fn larger(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}
