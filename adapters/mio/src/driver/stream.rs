//! One stream of a driver: what carries it, and what moves over it besides messages.

use super::splice::Splice;
#[cfg(test)]
use crate::net::tcp::Outbound;
use crate::net::{records::Phase, tcp::Tcp, tunnel::Tunnel, wire::Wire};
use skep_core::{
    Instant,
    rdt::ConnectionId,
    stream::{FileId, StreamId},
};
use std::net::SocketAddr;

/// What carries a stream.
#[derive(Debug)]
pub(super) enum Carrier {
    /// A socket, or what stands for one: what is relayed over RDT is sealed once more, in records. It is larger than what a
    /// stream by RDT needs, of which a tracker may have many.
    Tcp(Box<Tcp>),
    Rdt {
        /// Which RDT socket: small, as there are many streams.
        socket: u32,
        connection: ConnectionId,
    },
}

impl Carrier {
    /// A connection of the RDT socket with this number.
    pub(super) const fn rdt(socket: usize, connection: ConnectionId) -> Self {
        Self::Rdt { socket: socket as u32, connection }
    }
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) carrier: Carrier,
    /// What the application calls the socket that it came on; `None` for one of our own calls.
    pub(super) label: Option<u16>,
    /// The machine knows of it.
    pub(super) known: bool,
    /// It is in the queue of active streams.
    pub(super) active: bool,
    /// The machine was told that the peer has finished.
    pub(super) told_end: bool,
    /// By RDT: the machine is to be told when there is room for its next message.
    pub(super) owes_flush: bool,
    /// What most streams are without.
    content: Option<Box<Content>>,
}

/// What a stream carries besides messages.
#[derive(Debug, Default)]
struct Content {
    receiving: Option<Receiving>,
    /// By RDT: ranges of files that were put on it, and of which not all was acknowledged.
    sending: u32,
    splice: Option<Splice>,
    fed_by: Option<usize>,
    /// By RDT.
    seen: Seen,
    /// By RDT: the beginning of a message whose rest is in segments to come.
    held: Vec<u8>,
    /// By RDT: bytes moved so far.
    moved: u64,
}

/// How far a stream had come when it was last seen to move, and when that was.
pub(super) type Seen = (u64, Instant);

impl Content {
    const fn is_empty(&self) -> bool {
        let carries = self.receiving.is_some() || self.splice.is_some() || self.fed_by.is_some();
        !carries && self.sending == 0 && self.held.is_empty() && self.moved == 0
    }
}

/// What a stream does with the content that comes off it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receiving {
    pub(super) file: FileId,
    pub(super) offset: u64,
    /// `None`: until the peer finishes.
    pub(super) left: Option<u64>,
}

impl Stream {
    pub(super) const fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            label: None,
            known: false,
            active: false,
            told_end: false,
            owes_flush: false,
            content: None,
        }
    }

    /// The RDT connection that it is, or goes through, and on which socket.
    pub(super) fn by_rdt(&self) -> Option<(usize, ConnectionId)> {
        match &self.carrier {
            Carrier::Rdt { socket, connection } => Some((*socket as usize, *connection)),
            Carrier::Tcp(tcp) => match &tcp.wire {
                Wire::Tunnel(tunnel) => Some((tunnel.socket, tunnel.connection)),
                Wire::Socket(_) => None,
            },
        }
    }

    /// What it goes through, if that is RDT.
    pub(super) fn tunnel(&mut self) -> Option<&mut Tunnel> {
        if let Carrier::Tcp(tcp) = &mut self.carrier { tcp.tunnel() } else { None }
    }

    /// Whether a tracker did not take it for one end of a transfer.
    pub(super) fn was_turned_away(&self) -> bool {
        let Carrier::Tcp(tcp) = &self.carrier else { return false };
        tcp.records.as_ref().is_some_and(|records| matches!(records.phase, Phase::TurnedAway))
    }

    /// Bytes moved so far, but small messages that went out at once.
    pub(super) fn moved(&self) -> u64 {
        match &self.carrier {
            Carrier::Tcp(tcp) => tcp.moved,
            Carrier::Rdt { .. } => self.content.as_ref().map_or(0, |content| content.moved),
        }
    }

    /// The same without those that the other side has not acknowledged, where the system says so: what it keeps may be much,
    /// and leave slowly.
    pub(super) fn arrived(&self) -> u64 {
        match &self.carrier {
            Carrier::Tcp(tcp) => tcp.moved.saturating_sub(tcp.wire.unacknowledged()),
            Carrier::Rdt { .. } => self.moved(),
        }
    }

    /// So many more bytes were moved.
    pub(super) fn advance(&mut self, count: u64) {
        match &mut self.carrier {
            Carrier::Tcp(tcp) => tcp.moved += count,
            Carrier::Rdt { .. } => self.content.get_or_insert_default().moved += count,
        }
    }

    /// How many bytes are held of a message by RDT.
    pub(super) fn held(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.held.len())
    }

    /// Holds bytes behind those that are held.
    pub(super) fn hold(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.content.get_or_insert_default().held.extend_from_slice(bytes);
        }
    }

    /// What is held, to be offered again.
    pub(super) fn take_held(&mut self) -> Vec<u8> {
        let held = self.content.as_mut().map(|content| std::mem::take(&mut content.held));
        // It is short-lived, and many streams have nothing else there.
        self.content.take_if(|content| content.is_empty());
        held.unwrap_or_default()
    }

    pub(super) fn receiving(&mut self) -> Option<&mut Receiving> {
        self.content.as_mut()?.receiving.as_mut()
    }

    pub(super) fn is_receiving(&self) -> bool {
        self.content.as_ref().is_some_and(|content| content.receiving.is_some())
    }

    pub(super) fn receive(&mut self, now: Instant, receiving: Receiving) {
        *self.seen() = (self.moved(), now);
        self.content.get_or_insert_default().receiving = Some(receiving);
    }

    /// By RDT: a range of a file was put on it.
    pub(super) fn begin_sending(&mut self, now: Instant) {
        *self.seen() = (self.moved(), now);
        self.content.get_or_insert_default().sending += 1;
    }

    /// By RDT: all of a range was acknowledged.
    pub(super) fn end_sending(&mut self) {
        if let Some(content) = &mut self.content {
            content.sending = content.sending.saturating_sub(1);
        }
    }

    /// Whether content of files should come off it, or, by RDT, go onto it.
    pub(super) fn has_content(&self) -> bool {
        self.content.as_ref().is_some_and(|content| content.receiving.is_some() || content.sending > 0)
    }

    pub(super) fn take_receiving(&mut self) -> Option<Receiving> {
        self.content.as_mut()?.receiving.take()
    }

    /// Where everything goes that comes off this stream.
    pub(super) fn splice(&mut self) -> Option<&mut Splice> {
        self.content.as_mut()?.splice.as_mut()
    }

    /// The carrier, and where everything goes that comes off it.
    pub(super) fn carrier_and_splice(&mut self) -> (&mut Carrier, Option<&mut Splice>) {
        let splice = self.content.as_mut().and_then(|content| content.splice.as_mut());
        (&mut self.carrier, splice)
    }

    pub(super) fn is_splicing(&self) -> bool {
        self.content.as_ref().is_some_and(|content| content.splice.is_some())
    }

    pub(super) fn set_splice(&mut self, now: Instant, splice: Splice) {
        *self.seen() = (self.moved(), now);
        self.content.get_or_insert_default().splice = Some(splice);
    }

    /// How far it had come when it was last seen to move.
    pub(super) fn seen(&mut self) -> &mut Seen {
        match &mut self.carrier {
            Carrier::Tcp(tcp) => &mut tcp.seen,
            Carrier::Rdt { .. } => &mut self.content.get_or_insert_default().seen,
        }
    }

    pub(super) fn take_splice(&mut self) -> Option<Splice> {
        self.content.as_mut()?.splice.take()
    }

    /// The stream from which everything comes that goes onto this one.
    pub(super) fn fed_by(&self) -> Option<usize> {
        self.content.as_ref()?.fed_by
    }

    pub(super) fn set_fed_by(&mut self, from: Option<usize>) {
        if from.is_some() || self.content.is_some() {
            self.content.get_or_insert_default().fed_by = from;
        }
    }

    /// Bytes that are kept for it.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        let Carrier::Tcp(tcp) = &self.carrier else { return 0 };
        let outbound = tcp.outbound.iter().map(|outbound| match outbound {
            Outbound::Bytes(bytes) => bytes.bytes.len(),
            _ => 0,
        });
        tcp.untaken.len() + outbound.sum::<usize>()
    }

    /// Whether something should move, one way or the other.
    pub(super) fn owes(&self) -> bool {
        let has_outbound = matches!(&self.carrier, Carrier::Tcp(tcp) if !tcp.outbound.is_empty());
        has_outbound
            || self.content.as_ref().is_some_and(|content| {
                content.receiving.is_some()
                    || content.sending > 0
                    || content.splice.is_some()
                    || content.fed_by.is_some()
            })
    }
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes of content that came; over TCP also those that went and arrived, as far as that is known.
    pub bytes: u64,
    /// Bytes of messages and content that the other side has acknowledged, on RDT.
    pub acknowledged: u64,
    /// Segments that this side took for lost and sent again, where the carrier knows it. What is sent twice to be on the
    /// safe side is not among them.
    pub resent: Option<u64>,
}

/// What a machine's event is about, so that it can be told with names.
pub trait Subject {
    /// The stream and the file that it is about, if any.
    fn subject(&self) -> (Option<StreamId>, Option<FileId>);
}

/// An event of the machine, with the names of what it is about: these may be gone when it is looked at.
#[derive(Debug)]
pub struct EventRecord<E> {
    /// The event.
    pub event: E,
    /// The peer of its stream.
    pub peer: Option<SocketAddr>,
    /// The name of its file.
    pub name: Option<Box<str>>,
}

/// Why a stream is gone.
#[derive(Debug)]
pub struct Gone {
    /// The stream.
    pub stream: StreamId,
    /// What went wrong below the machine, if anything did.
    pub reason: Option<String>,
    /// It was to be one end of a transfer that a tracker relays, and the tracker did not take it for that: it may know us
    /// by another way.
    pub was_turned_away: bool,
}
