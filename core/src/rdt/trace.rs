//! What happens inside a connection, told to who wants to see it.
//!
//! ```text
//!   Sender, Receiver ──► Record: counts, and tells ──► Trace::note(now, &Happened)
//! ```
//!
//! A [`Profile`](super::Profile) names the trace of its connections. `()` listens to nothing and costs nothing: not a
//! byte of code is left of it. Anything else is made by `Default` with its connection, reached by
//! [`Endpoint::trace`](super::Endpoint::trace), and dropped with the connection, some time after
//! [`Event::Closed`](super::Event::Closed).

use crate::{
    Instant,
    wire::rdt::{Known, Map, Own},
};
use core::fmt::Debug;

/// Who is told.
pub trait Trace: Default + Debug {
    /// Something happened. Called in the order of time, also several times at one moment.
    fn note(&mut self, now: Instant, happened: &Happened);

    /// Whether anybody is told: what is not needed may be forgotten then, and made by `Default` again.
    fn listens(&self) -> bool {
        true
    }
}

impl Trace for () {
    #[inline(always)]
    fn note(&mut self, _now: Instant, _happened: &Happened) {}

    fn listens(&self) -> bool {
        false
    }
}

/// Something that happened. Numbers of segments and transmissions are as on the wire (docs/protocol.md section 6);
/// with known peers a transmission has a number all the same, which only this side knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Happened {
    /// The connection is called for.
    Called {
        /// Bytes in a full segment that is sent before the answer.
        segment: u16,
        /// Bytes around the content of each datagram: its header, and what seals it.
        around: u16,
    },
    /// The connection is open.
    Opened {
        /// Bytes in a full segment.
        segment: u16,
        /// Bytes around the content of each datagram: its header, and what seals it.
        around: u16,
        /// The most segments that the peer lets be under way.
        window: u32,
    },
    /// A segment was sent.
    Sent {
        /// The number of this transmission.
        transmission: u32,
        /// The segment.
        segment: u32,
        /// Bytes of content in it.
        length: u16,
        /// Why.
        why: Why,
    },
    /// A transmission number was left out, so that who acknowledges it is known to lie.
    Skipped {
        /// The number.
        transmission: u32,
    },
    /// A transmission was acknowledged.
    Acknowledged {
        /// Its number.
        transmission: u32,
        /// Its segment.
        segment: u32,
    },
    /// A transmission was taken for lost.
    Lost {
        /// Its number.
        transmission: u32,
        /// Its segment.
        segment: u32,
        /// Why.
        cause: Cause,
    },
    /// A transmission that was taken for lost was acknowledged after all.
    Spurious {
        /// Its number.
        transmission: u32,
        /// Its segment.
        segment: u32,
    },
    /// Nothing was acknowledged for too long.
    TimedOut {
        /// How often in a row.
        tries: u8,
    },
    /// The round-trip time was measured. In microseconds.
    RoundTrip {
        /// This sample.
        latest: u32,
        /// SRTT (RFC 6298).
        smoothed: u32,
        /// RTTVAR (RFC 6298).
        deviation: u32,
    },
    /// The path carries whole segments no more, or does again.
    PathMtu {
        /// They go in parts from now on.
        is_narrow: bool,
    },
    /// What the controller made of an acknowledgement, or of losses.
    Controlled(Controlled),
    /// An acknowledgement came.
    AckReceived {
        /// All segments before this one are there.
        next: u32,
        /// Segments before this one may be sent.
        limit: u32,
    },
    /// A segment came, and what it brought is stored or taken.
    Received {
        /// The transmission; with a known peer what stood for the segment on the wire.
        transmission: u32,
        /// The segment.
        segment: u32,
        /// Bytes of content in it.
        length: u16,
    },
    /// A segment came that is here already.
    Duplicate {
        /// The transmission; with a known peer what stood for the segment on the wire.
        transmission: u32,
        /// The segment.
        segment: u32,
        /// Bytes of content that came.
        length: u16,
    },
    /// A packet was sent that has no content and acknowledges nothing.
    Signalled {
        /// What it says.
        signal: Signal,
        /// Bytes of the packet, with what seals it.
        length: u16,
    },
    /// An acknowledgement was sent.
    AckSent {
        /// The highest transmission that came; 0 for none.
        top: u32,
        /// Those before it that came.
        map: Map,
        /// All segments before this one are here.
        next: u32,
        /// Segments before this one may be sent.
        limit: u32,
    },
}

/// Why a segment was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Why {
    /// For the first time.
    New,
    /// It was lost.
    Repeat,
    /// Nothing was heard for too long: its acknowledgement is going to tell what became of the others.
    Probe,
    /// It may be under way still: twice is cheaper than what its loss would cost.
    Copy,
}

/// What a packet says that has no content and acknowledges nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Signal {
    /// OPEN, or CONNECT to a known peer.
    Open,
    /// ACCEPT, or CONNACK.
    Accept,
    /// PING.
    Ping,
    /// FIN.
    Fin,
    /// FINACK.
    FinAck,
    /// RESET.
    Reset,
}

impl Signal {
    /// What a packet of skep's own says, if it is such a one.
    pub(crate) const fn of_own(packet: &Own<'_>) -> Option<Self> {
        match packet {
            Own::Open { .. } => Some(Self::Open),
            Own::Accept { .. } => Some(Self::Accept),
            Own::Ping { .. } => Some(Self::Ping),
            Own::Fin { .. } => Some(Self::Fin),
            Own::FinAck => Some(Self::FinAck),
            Own::Reset => Some(Self::Reset),
            Own::Data { .. } | Own::Part { .. } | Own::Ack { .. } => None,
        }
    }

    /// What a packet to a known peer says, if it is such a one.
    pub(crate) const fn of_known(packet: &Known<'_>) -> Option<Self> {
        match packet {
            Known::Connect => Some(Self::Open),
            Known::ConnAck => Some(Self::Accept),
            Known::Fin => Some(Self::Fin),
            Known::FinAck => Some(Self::FinAck),
            Known::Info { .. } | Known::Ack(_) => None,
        }
    }
}

/// Why a transmission was taken for lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Cause {
    /// Too many later ones were acknowledged.
    Overtaken,
    /// A later one was acknowledged, and it is too long ago.
    Late,
    /// Nothing was acknowledged in several time-outs.
    Silence,
}

/// What a controller allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Controlled {
    /// Transmissions that may be under way.
    pub window: u32,
    /// Transmissions that are under way.
    pub in_flight: u32,
    /// Bytes per second at which datagrams go out, with the headers of UDP and IPv4; 0: as fast as the window allows.
    pub rate: u64,
    /// What it is about.
    pub phase: Phase,
}

/// What a controller is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Phase {
    /// It keeps to what it was told.
    #[default]
    Fixed,
    /// It looks for the rate of the path, or for the window: twice as much each round trip.
    Start,
    /// It lets go what it has put into the path's queue.
    Drain,
    /// It keeps to what it knows.
    Cruise,
    /// It tries whether there is more.
    Probe,
    /// It has given way after a loss.
    Recover,
}
