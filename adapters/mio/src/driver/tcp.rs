//! Streams over TCP: where they come from, and who has his turn.

mod incoming;
mod outgoing;

use super::{Carrier, Driver, FIRST, PORTIONS_A_TURN, Sealed, Storage, Stream, Subject};
use crate::exit::reason;
use crate::net::{
    canonical,
    records::{Phase, Records},
    tcp::Tcp,
    wire::Wire,
};
use mio::{
    Interest, Token,
    net::{TcpListener, TcpStream},
};
use skep_core::{
    Instant,
    stream::{Closed, Service, StreamId},
};
use socket2::{Domain, Protocol, Socket, Type};
use std::{io, net::SocketAddr, time::Duration};

/// New connections that the system keeps for a listener.
const BACKLOG: i32 = 4_096;

/// Bytes moved at once between a socket and a file.
const PORTION: usize = 256 << 10;

/// New connections taken at once from one listener.
const ACCEPTS_A_TURN: usize = 256;

/// How long a listener rests after it could not accept, for example for want of file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// A listening socket. `[::]` takes IPv4 too.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A restarted server gets its port at once; on Windows the option means something else.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    pub(super) fn add_tcp(
        &mut self,
        socket: TcpStream,
        peer: SocketAddr,
        connecting: bool,
        records: Option<Records>,
    ) -> io::Result<StreamId> {
        let tcp = Tcp::new(self.now(), Wire::Socket(socket), peer, connecting, records);
        let key = self.add_stream(Carrier::Tcp(Box::new(tcp)));
        let token = Token(FIRST + (key << 2) + 2);
        if let Some(Stream { carrier: Carrier::Tcp(tcp), .. }) = self.streams.get_mut(key)
            && let Wire::Socket(socket) = &mut tcp.wire
        {
            let interest = Interest::READABLE | Interest::WRITABLE;
            if let Err(error) = self.poll.registry().register(socket, token, interest) {
                self.streams.remove(key);
                return Err(error);
            }
            tcp.writable = !connecting;
            tcp.readable = !connecting;
        }
        Ok(StreamId(key as u32))
    }

    pub(super) fn accept(&mut self, now: Instant) {
        for index in 0..self.listeners.len() {
            let listener = &mut self.listeners[index];
            if !listener.ready || listener.rests.is_some_and(|until| until > now) {
                continue;
            }
            listener.rests = None;
            for _ in 0..ACCEPTS_A_TURN {
                let listener = &mut self.listeners[index];
                match listener.socket.accept() {
                    Ok((socket, peer)) => {
                        let (label, sealed) = (listener.label, listener.sealed);
                        self.take(now, socket, peer, label, sealed);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        listener.ready = false;
                        break;
                    }
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => {
                        self.unaccepted.note(now, &error);
                        listener.rests = Some(now + ACCEPT_REST);
                        break;
                    }
                }
            }
        }
    }

    fn take(&mut self, now: Instant, socket: TcpStream, peer: SocketAddr, label: usize, sealed: Sealed) {
        if !self.quota.admits(&socket, peer.ip()) {
            let (network, count) = (canonical(peer), self.quota.of(peer.ip()));
            let why = format!("too many from the network of {}: {count}", network.ip());
            self.unaccepted.note(now, &io::Error::other(why));
            return;
        }
        let records = (sealed != Sealed::No).then(|| Records::new(Phase::Listening));
        let Ok(StreamId(key)) = self.add_tcp(socket, peer, false, records) else { return };
        let key = key as usize;
        self.quota.enter(peer.ip());
        if let Some(stream) = self.streams.get_mut(key) {
            stream.label = Some(label as u16);
            if let Carrier::Tcp(tcp) = &mut stream.carrier {
                tcp.was_accepted = true;
                tcp.undecided = matches!(sealed, Sealed::But { .. });
            }
        }
        let goes_on = if sealed == Sealed::No {
            self.open_and_act(now, key, None)
        } else {
            self.expect(now, key, peer)
        };
        if goes_on {
            self.activate(key);
        }
    }

    /// A sealed connection has a handshake before it. `false`: there is no room for that, and the connection is gone.
    fn expect(&mut self, now: Instant, key: usize, peer: SocketAddr) -> bool {
        let entered = self.handshakes.enter(now, key, peer.ip());
        let gone = match entered {
            Ok(displaced) => displaced,
            Err(()) => Some(key),
        };
        if let Some(gone) = gone {
            self.abort_stream(now, StreamId(gone as u32), Some("too many handshakes".into()));
        }
        entered.is_ok()
    }

    /// Moves what there is to move on a TCP stream, for one turn.
    pub(super) fn pump_tcp(&mut self, now: Instant, key: usize) {
        let mut portion = std::mem::take(&mut self.portion);
        portion.resize(PORTION, 0);
        let outcome = self.pump(now, key, &mut portion);
        self.portion = portion;
        self.pump_tunnel(key);
        if let Err(error) = outcome {
            self.close(now, key, Closed::Broken, Some(reason(&error)));
            // Before another stream has its turn: what comes on one that fed this is for nobody now.
            self.act(now);
        }
    }

    pub(super) fn tcp(&mut self, key: usize) -> Option<&mut Tcp> {
        match &mut self.streams.get_mut(key)?.carrier {
            Carrier::Tcp(tcp) => Some(tcp),
            Carrier::Rdt { .. } => None,
        }
    }

    fn pump(&mut self, now: Instant, key: usize, portion: &mut [u8]) -> io::Result<()> {
        let Some(tcp) = self.tcp(key) else { return Ok(()) };
        if tcp.connecting {
            if !tcp.writable {
                return Ok(());
            }
            if !tcp.wire.is_connected()? {
                return Ok(());
            }
            tcp.connecting = false;
            tcp.readable = true;
            if tcp.is_ready() && !self.open_and_act(now, key, None) {
                return Ok(());
            }
        }
        if self.tcp(key).is_some_and(|tcp| !tcp.is_ready()) && !self.shake_hands(now, key, portion)? {
            return Ok(());
        }
        for _ in 0..PORTIONS_A_TURN {
            let wrote = self.flush(now, key, portion)?;
            if self.tcp(key).is_some_and(|tcp| tcp.is_free()) {
                self.wake_feeder(key);
            }
            let read = self.drain(now, key, portion)?;
            if !wrote && !read {
                return Ok(());
            }
        }
        self.activate(key);
        Ok(())
    }
}
