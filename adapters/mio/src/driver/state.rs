//! What can be asked about the streams.

use super::{Carrier, Driver, Moved, Storage, Stream, Subject};
use skep_core::{
    Instant,
    rdt::{Statistics, trace::Happened},
    stream::{Service, StreamId},
    wire::rdt::Pass,
};
use std::net::SocketAddr;

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    /// How many streams there are.
    pub fn count(&self) -> usize {
        self.streams.len()
    }

    /// How often a connection could not be accepted so far, for want of file descriptors for example. One that waits is
    /// tried again and again.
    pub const fn unaccepted(&self) -> u64 {
        self.unaccepted.count()
    }

    /// Why a connection could not be accepted, for the log: once a second at most.
    pub const fn take_unaccepted(&mut self) -> Option<String> {
        self.unaccepted.take()
    }

    /// Whether a stream is connected, and the machine knows of it.
    pub fn is_open(&self, stream: StreamId) -> bool {
        self.streams.get(stream.0 as usize).is_some_and(|stream| stream.known)
    }

    /// Whether the call that a stream began with was answered; the machine may not know of it yet.
    pub fn is_connected(&self, stream: StreamId) -> bool {
        self.streams.get(stream.0 as usize).is_some_and(|stream| match &stream.carrier {
            Carrier::Tcp(tcp) => !tcp.connecting,
            Carrier::Rdt { .. } => stream.known,
        })
    }

    /// The peer of a stream.
    pub fn peer(&self, stream: StreamId) -> Option<SocketAddr> {
        match &self.streams.get(stream.0 as usize)?.carrier {
            Carrier::Tcp(tcp) => Some(tcp.peer),
            Carrier::Rdt { socket, connection } => self.rdt[*socket as usize].address(*connection),
        }
    }

    /// The address of ours from which a stream goes, if it has to stay there: over RDT it may go on from another one.
    pub fn source(&self, stream: StreamId) -> Option<SocketAddr> {
        match &self.streams.get(stream.0 as usize)?.carrier {
            Carrier::Tcp(tcp) => tcp.wire.source(),
            Carrier::Rdt { .. } => None,
        }
    }

    /// How far a stream has come.
    pub fn moved(&self, stream: StreamId) -> Option<Moved> {
        let stream = self.streams.get(stream.0 as usize)?;
        Some(match stream.carrier {
            Carrier::Tcp(_) => Moved { bytes: stream.arrived(), acknowledged: 0, resent: None },
            Carrier::Rdt { socket, connection } => {
                let statistics = self.rdt[socket as usize].endpoint.statistics(connection);
                Moved {
                    bytes: stream.moved(),
                    acknowledged: statistics.map_or(0, |statistics| statistics.bytes_acknowledged),
                    resent: Some(statistics.map_or(0, |statistics| statistics.counters.lost)),
                }
            }
        })
    }

    /// Segments of content that came over RDT behind later ones, on all streams so far: what peers have sent again, as
    /// long as the network keeps the order.
    pub fn came_late(&self) -> u64 {
        self.files.late()
    }

    /// The state of the RDT connection under a stream.
    pub fn statistics(&self, stream: StreamId) -> Option<Statistics> {
        let (socket, connection) = self.streams.get(stream.0 as usize)?.by_rdt()?;
        self.rdt[socket].endpoint.statistics(connection)
    }

    /// What the RDT connection under a stream that was called for leaves to the next call, so far. `None`: there is none,
    /// or it is idle.
    pub fn pass(&self, stream: StreamId) -> Option<Pass> {
        let (socket, connection) = self.streams.get(stream.0 as usize)?.by_rdt()?;
        self.rdt[socket].endpoint.pass(connection)
    }

    /// From now on `listens` is told what happens on the RDT connection under a stream. `false`: there is none.
    pub fn trace(
        &mut self,
        stream: StreamId,
        listens: impl FnMut(Instant, &Happened) + Send + 'static,
    ) -> bool {
        let Some((socket, connection)) = self.streams.get(stream.0 as usize).and_then(Stream::by_rdt) else {
            return false;
        };
        let trace = self.rdt[socket].endpoint.trace(connection);
        trace.map(|listener| listener.set(listens)).is_some()
    }

    /// Until when the endpoints should still answer after the last transfer.
    pub fn linger_until(&self) -> Instant {
        self.rdt.iter().map(|socket| socket.endpoint.linger_until()).max().unwrap_or(Instant::ZERO)
    }
}
