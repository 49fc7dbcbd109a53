//! Relayed transfers over RDT: a connection that is sealed between its two ends, inside a stream by RDT to the tracker.
//!
//! ```text
//!   records ◄──► Tunnel ◄──► messages of the RDT connection ◄──► tracker ◄──► the other end, by whatever it has
//! ```
//!
//! The places of content do not pass a relay: so everything is messages here, which come in order, and what is content
//! the records inside say.

use super::{Carrier, Driver, Relayed, Storage, Stream, Subject};
use crate::net::{
    records::{Phase, Records},
    tcp::Tcp,
    tunnel::Tunnel,
    wire::Wire,
};
use skep_core::{
    rdt::ConnectionId,
    seal::layer::Call,
    stream::{Closed, Service, StreamId},
};
use std::{io, net::SocketAddr};

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    /// As [`Driver::connect_relayed`], where the tracker is called over RDT, by who logs in there, on a socket of
    /// [`Driver::bind_sealed`].
    ///
    /// # Errors
    /// There is no room for another connection.
    pub fn connect_relayed_rdt(
        &mut self,
        socket: usize,
        tracker: SocketAddr,
        call: Call,
        end: &Relayed,
    ) -> io::Result<StreamId> {
        let stream = self.connect_sealed(socket, tracker, call)?;
        let now = self.now();
        let found = &mut self.streams[stream.0 as usize];
        if let Some((socket, connection)) = found.by_rdt() {
            let wire = Wire::Tunnel(Box::new(Tunnel::new(socket, connection)));
            let records = Records::new(Phase::Attaching(None));
            found.carrier = Carrier::Tcp(Box::new(Tcp::new(now, wire, tracker, true, Some(records))));
        }
        self.attach(stream, end);
        Ok(stream)
    }

    /// The tracker has answered.
    pub(super) fn tunnel_connected(&mut self, key: usize) {
        if let Some(tunnel) = self.streams.get_mut(key).and_then(Stream::tunnel) {
            tunnel.is_connected = true;
        }
        self.activate(key);
    }

    /// Takes what came: how many bytes there was room for.
    pub(super) fn take_tunnelled(&mut self, key: usize, bytes: &[u8]) -> usize {
        let Some(Carrier::Tcp(tcp)) = self.streams.get_mut(key).map(|stream| &mut stream.carrier) else {
            return 0;
        };
        let count = tcp.tunnel().map_or(0, |tunnel| tunnel.bring(bytes));
        tcp.readable = true;
        self.activate(key);
        count
    }

    /// Nothing follows what came.
    pub(super) fn end_tunnel(&mut self, key: usize) {
        let Some(Carrier::Tcp(tcp)) = self.streams.get_mut(key).map(|stream| &mut stream.carrier) else {
            return;
        };
        if let Some(tunnel) = tcp.tunnel() {
            tunnel.ended = true;
            tcp.hung_up = true;
            tcp.readable = true;
            self.activate(key);
        }
    }

    /// The RDT connection is gone, both directions done. What came is still to be read.
    pub(super) fn tunnel_closed(&mut self, index: usize, connection: ConnectionId, key: usize) {
        self.rdt[index].leave(connection, key);
        self.end_tunnel(key);
    }

    /// Passes on what is to leave, as far as there is room, and asks for more where there is room again.
    pub(super) fn pump_tunnel(&mut self, key: usize) {
        let Some(Carrier::Tcp(tcp)) = self.streams.get_mut(key).map(|stream| &mut stream.carrier) else {
            return;
        };
        let Wire::Tunnel(tunnel) = &mut tcp.wire else { return };
        let (connection, socket) = (tunnel.connection, &mut self.rdt[tunnel.socket]);
        if tunnel.wants_more() {
            socket.endpoint.resume(connection);
            socket.stirred = true;
        }
        if !tunnel.is_connected {
            return;
        }
        let count = socket.takes(connection).min(tunnel.leaving().len());
        if count > 0 && socket.endpoint.write(connection, &tunnel.leaving()[..count]) {
            tunnel.left(count);
            socket.stirred = true;
            tcp.writable = true;
        }
        let is_empty = tunnel.leaving().is_empty();
        if !is_empty {
            // It says when there is room again.
            let _ = socket.endpoint.is_flushed(connection);
        } else if tcp.finished {
            socket.endpoint.finish(connection);
            socket.stirred = true;
        }
        if count > 0 && !tcp.outbound.is_empty() {
            self.activate(key);
        }
    }

    /// The connection inside is gone. What it has finished arrives all the same.
    pub(super) fn close_tunnel(&mut self, index: usize, connection: ConnectionId, key: usize, how: Closed) {
        let socket = &mut self.rdt[index];
        match how {
            Closed::Done => socket.endpoint.finish(connection),
            Closed::Broken => socket.endpoint.abort(connection),
        }
        socket.stirred = true;
        socket.leave(connection, key);
    }
}
