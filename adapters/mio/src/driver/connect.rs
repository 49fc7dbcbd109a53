//! Where streams come from: listeners, sockets, calls.

use super::{Carrier, Driver, FIRST, Identity, Listener, Sealed, Storage, Stream, Subject, tcp};
use crate::{
    gate::Gate,
    net::{
        bound_unsent,
        rdt::{RdtSocket, SUITES},
        records::{LARGEST, Phase, Records},
        route,
        tcp::Bytes,
    },
};
use mio::{Interest, Token, net::TcpStream};
use skep_core::{
    Instant,
    limits::MESSAGE_MAX,
    rdt::{ConnectionId, Language, Settings},
    seal::{
        Secret,
        greeting::{Hail, Terms},
        layer::Call,
    },
    stream::{Service, StreamId},
    wire::{
        rdt::Pass,
        seal::HELLO_MAX,
        session::{Request, Side, TOKEN_LENGTH},
    },
};
use std::{io, net::SocketAddr};

/// One end of a transfer that a tracker relays (docs/protocol.md section 5): a plain connection to the tracker, or a
/// sealed one by RDT, which it joins to the other side's; what the two sides say over it is sealed between them.
#[derive(Clone, Debug)]
pub struct Relayed {
    /// The tracker's name of the transfer.
    pub transfer: u32,
    /// What proves to the tracker that we are a side of it.
    pub token: [u8; TOKEN_LENGTH],
    /// What we are to the other side once the tracker has joined us.
    pub then: Joined,
}

/// What a side of a relayed transfer does when it is joined to the other.
#[derive(Clone, Debug)]
pub enum Joined {
    /// The requester calls: [`Purpose::Peer`](skep_core::wire::seal::Purpose::Peer), with the secret of the
    /// introduction. The machine is told of the stream as of one that was connected.
    Call(Call),
    /// The owner is called; its [`Gate`] knows the introduction. The machine is told of the stream as of one that was
    /// accepted on a socket of this label.
    Answer(usize),
}

fn unidentified() -> io::Error {
    io::Error::other("no identity was given")
}

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    /// Listens for TCP; the address that it got.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn listen_tcp(&mut self, address: SocketAddr, label: usize) -> io::Result<SocketAddr> {
        self.listen(address, label, Sealed::No)
    }

    /// The same, with everything sealed; [`Driver::identify`] comes first.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn listen_tcp_sealed(&mut self, address: SocketAddr, label: usize) -> io::Result<SocketAddr> {
        self.listen(address, label, Sealed::Yes)
    }

    /// The same for a tracker: a connection that begins with a zero byte, as [`Relayed`] ends do and no handshake, is
    /// plain and has the label `relays`.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn listen_tcp_tracker(
        &mut self,
        address: SocketAddr,
        label: usize,
        relays: usize,
    ) -> io::Result<SocketAddr> {
        self.listen(address, label, Sealed::But { plain: relays })
    }

    /// Of a connection that is accepted from now on the system takes no more than about so many bytes that it cannot send,
    /// until a stream is spliced onto it: by itself it would take megabytes, which a peer that does not read can make it
    /// keep. Not all systems can do that.
    pub fn bound_unsent(&mut self, bytes: u32) {
        self.unsent = Some(bytes);
    }

    fn listen(&mut self, address: SocketAddr, label: usize, sealed: Sealed) -> io::Result<SocketAddr> {
        let mut socket = tcp::listen(address)?;
        if let Some(bytes) = self.unsent {
            // What is accepted inherits it.
            bound_unsent(&socket, bytes);
        }
        let bound = socket.local_addr()?;
        let token = Token(FIRST + (self.listeners.len() << 2));
        self.poll.registry().register(&mut socket, token, Interest::READABLE)?;
        self.listeners.push(Listener { socket, ready: true, rests: None, label, sealed });
        Ok(bound)
    }

    /// Every datagram is handed to the system by itself, on sockets that are opened from now on: for paths on which
    /// segmentation offload fails.
    pub fn send_singly(&mut self) {
        self.singly = true;
    }

    /// Opens a UDP socket with an endpoint on it; its number and the address that it got.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn bind_rdt(
        &mut self,
        address: SocketAddr,
        settings: Settings,
        label: usize,
    ) -> io::Result<(usize, SocketAddr)> {
        let socket = RdtSocket::bind(address, settings)?;
        self.add_rdt(socket, label)
    }

    fn add_rdt(&mut self, socket: RdtSocket, label: usize) -> io::Result<(usize, SocketAddr)> {
        let mut socket = socket;
        socket.label = label;
        if self.singly {
            socket.udp.never_join();
        }
        let bound = socket.udp.socket.local_addr()?;
        let token = Token(FIRST + (self.rdt.len() << 2) + 1);
        self.poll.registry().register(&mut socket.udp.socket, token, Interest::READABLE)?;
        socket.token = token;
        self.rdt.push(socket);
        Ok((self.rdt.len() - 1, bound))
    }

    /// Says who we are on sealed sockets, and who may come in there.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn identify(&mut self, secret: &Secret, gate: Gate) -> io::Result<()> {
        self.identity = Some(Identity::new(secret, gate)?);
        Ok(())
    }

    /// As [`Driver::bind_rdt`], with everything sealed; [`Driver::identify`] comes first.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn bind_sealed(
        &mut self,
        address: SocketAddr,
        settings: Settings,
        label: usize,
    ) -> io::Result<(usize, SocketAddr)> {
        let identity = self.identity.as_ref().ok_or_else(unidentified)?;
        let socket = RdtSocket::bind_sealed(address, settings, &identity.own, identity.gate.clone())?;
        self.add_rdt(socket, label)
    }

    /// Connects by TCP, sealed; [`Driver::identify`] comes first.
    ///
    /// # Errors
    /// The system refuses at once, or the call cannot be made.
    pub fn connect_tcp_sealed(&mut self, to: SocketAddr, call: &Call) -> io::Result<StreamId> {
        let identity = self.identity.as_mut().ok_or_else(unidentified)?;
        let terms = Terms { suites: SUITES, largest: LARGEST };
        let mut hello = [0; HELLO_MAX];
        let started = Hail::start(&identity.own, call, &terms, identity.random.next(), &mut hello);
        let (hail, length) = started.map_err(io::Error::other)?;
        let socket = TcpStream::connect(to)?;
        let stream = self.add_tcp(socket, to, true, Some(Records::new(Phase::Calling(Box::new(hail)))))?;
        self.say(stream, &hello[..length]);
        Ok(stream)
    }

    /// Calls a peer by RDT on a socket of [`Driver::bind_sealed`].
    ///
    /// # Errors
    /// There is no room for another connection.
    pub fn connect_sealed(&mut self, socket: usize, to: SocketAddr, call: Call) -> io::Result<StreamId> {
        let now = self.now();
        let full = || io::Error::other("too many connections");
        let found = &mut self.rdt[socket];
        let seal = found.seal.as_mut().ok_or_else(unidentified)?;
        let peer = seal.layer.connect(now, to, call).ok_or_else(full)?;
        let connection = found.endpoint.connect(now, peer, Language::Own).ok_or_else(full)?;
        Ok(self.calling(now, socket, connection, to))
    }

    /// Connects by TCP. The machine is told of the stream when it is connected; until then it can only end.
    ///
    /// # Errors
    /// The system refuses at once.
    pub fn connect_tcp(&mut self, to: SocketAddr) -> io::Result<StreamId> {
        let socket = TcpStream::connect(to)?;
        self.add_tcp(socket, to, true, None)
    }

    /// Calls a peer by RDT on a socket of [`Driver::bind_rdt`].
    ///
    /// # Errors
    /// There is no room for another connection.
    pub fn connect_rdt(&mut self, socket: usize, to: SocketAddr, language: Language) -> io::Result<StreamId> {
        self.connect_rdt_again(socket, to, language, Pass::NONE)
    }

    /// The same with what an earlier call of this peer has left: see [`Driver::pass`].
    ///
    /// # Errors
    /// There is no room for another connection.
    pub fn connect_rdt_again(
        &mut self,
        socket: usize,
        to: SocketAddr,
        language: Language,
        pass: Pass,
    ) -> io::Result<StreamId> {
        let now = self.now();
        let called = self.rdt[socket].endpoint.connect_again(now, to, language, pass);
        let connection = called.ok_or_else(|| io::Error::other("too many connections"))?;
        Ok(self.calling(now, socket, connection, to))
    }

    /// The stream of a connection that calls a peer, by datagrams that the route there carries.
    fn calling(&mut self, now: Instant, socket: usize, connection: ConnectionId, to: SocketAddr) -> StreamId {
        let found = &mut self.rdt[socket];
        if let Some(size) = route::carries(to) {
            found.endpoint.limit(now, connection, size);
        }
        found.call(connection, to);
        found.stirred = true;
        let key = self.add_stream(Carrier::rdt(socket, connection));
        self.rdt[socket].enter(connection, key);
        StreamId(key as u32)
    }

    /// Connects to a tracker as one end of a relayed transfer; [`Driver::identify`] comes first. If the tracker does not
    /// take it for one, the stream is gone.
    ///
    /// # Errors
    /// The system refuses at once.
    pub fn connect_relayed(&mut self, tracker: SocketAddr, end: &Relayed) -> io::Result<StreamId> {
        if self.identity.is_none() {
            return Err(unidentified());
        }
        let socket = TcpStream::connect(tracker)?;
        let stream = self.add_tcp(socket, tracker, true, Some(Records::new(Phase::Attaching(None))))?;
        self.attach(stream, end);
        Ok(stream)
    }

    /// Says to a tracker of which transfer a new stream is an end.
    pub(super) fn attach(&mut self, stream: StreamId, end: &Relayed) {
        let Some(found) = self.streams.get_mut(stream.0 as usize) else { return };
        let Carrier::Tcp(tcp) = &mut found.carrier else { return };
        let Some(records) = &mut tcp.records else { return };
        let side = match &end.then {
            Joined::Call(call) => {
                records.phase = Phase::Attaching(Some(Box::new(call.clone())));
                Side::Requester
            }
            Joined::Answer(label) => {
                found.label = Some(*label as u16);
                Side::Owner
            }
        };
        let mut attach = [0; MESSAGE_MAX];
        let request = Request::Attach { transfer: end.transfer, token: end.token, side };
        let length = request.emit(&mut attach).unwrap_or(0);
        self.say(stream, &attach[..length]);
    }

    /// What the transport itself says on a stream by TCP, as it goes on the wire.
    pub(super) fn say(&mut self, stream: StreamId, bytes: &[u8]) {
        if let Some(Stream { carrier: Carrier::Tcp(tcp), .. }) = self.streams.get_mut(stream.0 as usize) {
            tcp.outbound.push_back(Bytes::own(bytes.to_vec()));
        }
    }
}
