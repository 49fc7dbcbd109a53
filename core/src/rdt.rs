//! Reliable data transfer over datagrams: many connections on one socket, each a stream with two directions.
//!
//! ```text
//!   datagrams ──► Endpoint::handle ──► Incoming: a message to take, content to store
//!                      │ index by address
//!                 Connection ── Receiver (what is expected, where it goes, what is acknowledged)
//!                      │     └─ Sender   (window, loss, time-outs) ── Outgoing (messages, ranges of files)
//!   datagrams ◄── Endpoint::poll   ──► Output: datagrams, events, the next deadline
//! ```
//!
//! An endpoint is a machine: it reads no clock and touches no socket. The driver
//!
//! 1. feeds a datagram to [`Endpoint::handle`], and does with the [`Incoming`] what it asks for: content is
//!    written and then reported by [`Endpoint::stored`]; messages go to the application, and what it took of
//!    them is reported by [`Endpoint::taken`];
//! 2. polls until [`Output::Wait`]: sends datagrams (reading the file ranges that belong into them first) and
//!    passes events on;
//! 3. polls again at the moment that `Wait` names.
//!
//! Several datagrams may be fed between two rounds of polling; [`Incoming`] that was not reported yet when the
//! next datagram is fed is fine too. What is never reported comes again.
//!
//! It speaks two languages: skep's own, with windows and selective acknowledgements, and that of the known
//! peers (docs/protocol.md section 2), in stop-and-wait or selective repeat. Who is called is asked in the first
//! and, when silent, in both; who calls is answered in the one it used.

mod connection;
pub mod control;
mod endpoint;
mod flight;
mod index;
mod keep;
mod known;
mod outgoing;
mod patience;
mod profile;
mod queue;
mod receiver;
mod record;
mod ring;
mod rtt;
mod sender;
mod token;
pub mod trace;
mod width;

pub use connection::{Connection, Parked};
pub use endpoint::{Endpoint, Reply};
pub use flight::{Segment, Transmission};
pub use keep::{Keep, Parkable};
pub use outgoing::Piece;
pub use profile::{Fixed, Profile};
pub use receiver::Mark;
pub use token::{EPOCH, Keyed, Tokens};

use crate::{
    Instant, Span,
    stream::FileId,
    wire::rdt::{Magic, Terms, TypeKind},
};
use control::Congestion;
use core::{net::SocketAddr, time::Duration};
use receiver::Extent;

/// A connection of one endpoint. A name is never used for two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConnectionId {
    number: u32,
    generation: u32,
}

impl ConnectionId {
    /// Its number among the connections that exist now: small and dense, for a table of the driver's.
    pub const fn number(self) -> u32 {
        self.number
    }
}

/// Whom an endpoint speaks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Peer {
    /// Whoever is at this address; its datagrams are plain.
    Address(SocketAddr),
    /// The other end of this session of the sealed transport ([`crate::seal::Layer`]), wherever it is.
    Session(u64),
}

impl Peer {
    /// The address of a plain peer.
    pub const fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Session(_) => None,
        }
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

impl PartialEq<SocketAddr> for Peer {
    fn eq(&self, address: &SocketAddr) -> bool {
        self.address() == Some(*address)
    }
}

/// The room that an endpoint leaves around each datagram for what encloses it: see [`crate::seal::datagram`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Envelope {
    /// Bytes before it.
    pub front: u8,
    /// Bytes after it.
    pub back: u8,
}

impl Envelope {
    /// None: datagrams go out as they are.
    pub const NONE: Self = Self { front: 0, back: 0 };

    /// The bytes of both.
    pub const fn size(self) -> usize {
        self.front as usize + self.back as usize
    }
}

/// Which language a peer is called in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Language {
    /// skep's own, and when that is not answered also the known peers', unless that is left out.
    #[default]
    Any,
    /// Only skep's own.
    Own,
    /// Only the known peers' (docs/protocol.md section 2).
    #[cfg(feature = "known-peers")]
    Known,
}

impl Language {
    const fn has_own(self) -> bool {
        matches!(self, Self::Any | Self::Own)
    }

    const fn has_known(self) -> bool {
        cfg!(feature = "known-peers") && !matches!(self, Self::Own)
    }
}

/// What an endpoint is set to. All peers of a network share the magic.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// What known peers' datagrams begin with, and the name of the network for skep's own.
    pub magic: Magic,
    /// How the type is written to known peers that are called.
    pub kind: TypeKind,
    /// What this side takes: the window for receiving, and the largest segment. Bounded by the profile.
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
    /// How far ahead of the expected one an INFO of a known peer may be to be offered as [`Incoming::Early`].
    pub early_window: u32,
    /// The room around each datagram that is sent. Only skep's own language leaves it.
    pub envelope: Envelope,
    /// What decides how much is under way, where the profile leaves a choice.
    pub congestion: Congestion,
    /// Bytes per second that the path to each peer carries, headers included, where that is known; else 0.
    pub rate: u64,
    /// The most segments that are sent in the first round trip.
    pub first_flight: u32,
    /// The most datagrams in one [`Transmit`].
    pub batch: u16,
    /// New peers that may wait to be accepted. Bounded by the profile.
    pub backlog: u8,
    /// Time between the first two calls, the copies of the first not counted; it doubles up to a second.
    pub call_interval: Span,
    /// How often a peer is called before it counts as unreachable, the two copies of the first call counted.
    pub calls: u8,
    /// The time-out before there is a round-trip time (RFC 6298 says one second).
    pub timeout_initial: Span,
    /// The shortest time-out. RFC 6298's second is eleven times slower on a lossy local network.
    pub timeout_minimum: Span,
    /// The longest time-out.
    pub timeout_maximum: Span,
    /// Time-outs in a row, with nothing acknowledged between them, after which the peer is given up.
    pub tries: u8,
    /// A peer from which nothing comes for so long is dead.
    pub idle: Span,
    /// A peer of skep's own is asked for a sign of life after so long.
    pub keep_alive: Span,
    /// A new peer that sends nothing but its call is forgotten after so long.
    pub half_open: Span,
    /// How long the end of a connection is answered to a known peer, whose repeats may be rare: see
    /// [`Endpoint::linger_until`].
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
}

/// What a connection has done and seen so far. Counts saturate at the largest number of 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counters {
    /// Segments sent, repeats too.
    pub sent: u64,
    /// Repeats among them.
    pub resent: u64,
    /// Transmissions taken for lost.
    pub lost: u64,
    /// Transmissions acknowledged after they were taken for lost.
    pub spurious: u64,
    /// Time-outs.
    pub timeouts: u64,
    /// Segments received and stored or taken.
    pub received: u64,
    /// Segments received that were there already.
    pub duplicates: u64,
    /// Segments dropped: beyond the window.
    pub beyond_window: u64,
    /// Segments dropped: their place was not known yet.
    pub early: u64,
    /// Packets dropped: malformed, of the wrong size or not of this connection.
    pub malformed: u64,
    /// Acknowledgements of what was never sent.
    pub false_acknowledgements: u64,
    /// Acknowledgements sent.
    pub acknowledgements: u64,
}

/// The state of a connection, for a user to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Statistics {
    /// The peer.
    pub peer: Peer,
    /// Whether the peer speaks skep's own language.
    pub own: bool,
    /// Bytes in a full segment.
    pub segment: u16,
    /// Whether the path does not carry a full segment any more: it goes in parts.
    pub narrow: bool,
    /// The smoothed round-trip time; `None` before the first sample.
    pub round_trip: Option<Duration>,
    /// Bytes that the peer has acknowledged.
    pub bytes_acknowledged: u64,
    /// Bytes received and stored or taken.
    pub bytes_received: u64,
    /// What was counted.
    pub counters: Counters,
}

/// What an endpoint dropped without a connection to charge it to. Counts saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Dropped {
    /// Datagrams of another magic, or calls of another network.
    pub other_magic: u64,
    /// Malformed datagrams.
    pub malformed: u64,
    /// Packets of no connection.
    pub stray: u64,
    /// Calls while the backlog or the table was full.
    pub no_room: u64,
}

/// Why a datagram was dropped. It is counted; a driver need do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Discard {
    /// Another magic, or another network's call.
    OtherMagic,
    /// Malformed.
    Malformed,
    /// Of no connection.
    Stray,
    /// A call, and no room for it.
    NoRoom,
    /// A segment that was there already. It is acknowledged again.
    Duplicate,
    /// A segment beyond the window.
    BeyondWindow,
    /// A segment whose place is not known yet. A driver that has not reported all [`Incoming`] yet should do so
    /// and feed the datagram again.
    Early,
    /// An old or false acknowledgement.
    Acknowledgement,
}

/// Why a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// Nobody answered the calls.
    Unreachable,
    /// What was sent was not acknowledged in all tries.
    TimedOut {
        /// Bytes that were delivered before.
        delivered: u64,
    },
    /// Nothing came from the peer for the idle time.
    Silent {
        /// Bytes that were delivered before.
        delivered: u64,
    },
    /// The peer ended the connection at once.
    Reset {
        /// Bytes that were delivered before.
        delivered: u64,
    },
    /// The peer began anew: it was restarted.
    Restarted,
    /// The peer acknowledged what was never sent: it lies, or somebody lies in its name.
    Deceived {
        /// Bytes that were delivered before, as far as that is to be believed.
        delivered: u64,
    },
    /// This side ended it.
    Aborted,
}

impl core::fmt::Display for Error {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unreachable => write!(formatter, "no answer"),
            Self::TimedOut { delivered } => {
                write!(formatter, "the peer stopped answering after {delivered} bytes")
            }
            Self::Silent { delivered } => write!(formatter, "the peer became silent after {delivered} bytes"),
            Self::Reset { delivered } => write!(formatter, "the peer broke off after {delivered} bytes"),
            Self::Deceived { delivered } => {
                write!(formatter, "the peer acknowledged what was never sent, after {delivered} bytes")
            }
            Self::Restarted => write!(formatter, "the peer was restarted"),
            Self::Aborted => write!(formatter, "broken off here"),
        }
    }
}

impl core::error::Error for Error {}

/// Something happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event {
    /// A peer that was called has answered.
    Connected(ConnectionId),
    /// A range given to [`Endpoint::send`] was acknowledged to its end.
    Sent(ConnectionId),
    /// Content asked for by [`Endpoint::receive`] is complete and stored.
    Received(ConnectionId),
    /// The peer finished its direction.
    Finished(ConnectionId),
    /// There is room for messages again: the answer to [`Endpoint::is_flushed`].
    Flushed(ConnectionId),
    /// The connection is gone: both directions finished, or it failed. The last event of it.
    Closed(ConnectionId, Result<(), Error>),
}

/// What an endpoint asks of its driver.
#[must_use]
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Output<'b> {
    /// Send datagrams.
    Transmit(Transmit<'b>),
    /// Take note.
    Event(Event),
    /// Nothing to do until something is fed or asked for, or until this moment.
    Wait(Option<Instant>),
}

/// Datagrams for one peer.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmit<'b> {
    /// The peer.
    pub to: Peer,
    /// The datagrams, back to back.
    pub bytes: &'b mut [u8],
    /// The size of each of them but the last, which may be shorter.
    pub size: usize,
    /// What is to be read into them before they are sent.
    pub load: Option<Load>,
}

/// A range of a file that belongs into datagrams: each takes as much as it has room behind its header.
///
/// If it cannot be read, drop the [`Transmit`] and abort the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Load {
    /// The connection that it is for.
    pub connection: ConnectionId,
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub offset: u64,
    /// How many bytes, in all datagrams together.
    pub length: usize,
    /// The bytes of each datagram before its content.
    pub header: usize,
    /// The bytes of each datagram after its content.
    pub trailer: usize,
}

/// What a datagram brought.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Incoming<'d> {
    /// Bytes in order: offer them to the application and report what it took by [`Endpoint::taken`].
    Message {
        /// What to report.
        ticket: Ticket,
        /// The bytes.
        bytes: &'d [u8],
    },
    /// Content: write it where it belongs and report it by [`Endpoint::stored`].
    Store {
        /// What to report.
        ticket: Ticket,
        /// The file.
        file: FileId,
        /// Where in the file.
        offset: u64,
        /// The bytes.
        bytes: &'d [u8],
    },
    /// A known peer's INFO that is ahead of the expected one. A driver that has memory may keep the datagram, say so
    /// by [`Endpoint::kept`], and feed it again when [`Endpoint::expected`] has come to its number.
    Early {
        /// What to report.
        ticket: Ticket,
        /// The number.
        number: u32,
    },
}

/// A segment in the driver's hands. One that is lost costs only that the segment comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ticket {
    connection: ConnectionId,
    segment: u32,
    /// The number to acknowledge: a transmission's, or an INFO's as it was on the wire.
    number: u32,
    /// The peer wants to hear of it at once.
    asks: bool,
    skip: u16,
    count: u16,
    length: u16,
}

impl Ticket {
    /// The connection that it belongs to.
    pub const fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// What of its segment it is about.
    const fn extent(&self) -> Extent {
        Extent { start: self.skip, end: self.skip.saturating_add(self.count), length: self.length }
    }
}
