//! What an endpoint and its driver say to each other.

use super::{ConnectionId, Error, Peer, receiver::Extent};
use crate::{Instant, stream::FileId};

/// Something happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event {
    /// A peer that was called has answered.
    Connected(ConnectionId),
    /// A range given to [`Endpoint::send`](super::Endpoint::send) was acknowledged to its end.
    Sent(ConnectionId),
    /// Content asked for by [`Endpoint::receive`](super::Endpoint::receive) is complete and stored.
    Received(ConnectionId),
    /// The peer finished its direction.
    Finished(ConnectionId),
    /// There is room for messages again: the answer to [`Endpoint::is_flushed`](super::Endpoint::is_flushed).
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
    /// Bytes in order: offer them to the application and report what it took by [`Endpoint::taken`](super::Endpoint::taken).
    Message {
        /// What to report.
        ticket: Ticket,
        /// The bytes.
        bytes: &'d [u8],
    },
    /// Content: write it where it belongs and report it by [`Endpoint::stored`](super::Endpoint::stored).
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
    /// by [`Endpoint::kept`](super::Endpoint::kept), and feed it again when [`Endpoint::expected`](super::Endpoint::expected) has come to its number.
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
    pub(super) connection: ConnectionId,
    pub(super) segment: u32,
    /// The number to acknowledge: a transmission's, or an INFO's as it was on the wire.
    pub(super) number: u32,
    /// The peer wants to hear of it at once.
    pub(super) asks: bool,
    pub(super) skip: u16,
    pub(super) count: u16,
    pub(super) length: u16,
}

impl Ticket {
    /// The connection that it belongs to.
    pub const fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// What of its segment it is about.
    pub(super) const fn extent(&self) -> Extent {
        Extent { start: self.skip, end: self.skip.saturating_add(self.count), length: self.length }
    }
}
