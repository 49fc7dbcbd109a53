//! Drives one machine over streams with the sockets and the storage of a host, in one thread.
//!
//! ```text
//!             ┌───────────────── turn ─────────────────┐
//!   mio ──► readable, writable ──► tcp: pump ──┐        │
//!                              ──► rdt: receive, poll ──┤──► Service ──► Action
//!   committer ──► committed ──────────────────┘        │        │
//!             └── streams, files ◄────────────────────────────────┘
//! ```
//!
//! Sockets are edge-triggered. What is readable or writable is remembered, and worked off in bounded portions, so
//! that no stream holds up another.

mod files;
mod rdt;
mod tcp;

use crate::gate::{Admission, Gate, Identity};
use crate::{
    net::{
        rdt::{RdtSocket, SUITES},
        records::{LARGEST, Phase, Records},
        tcp::{Outbound, Tcp},
        udp::Trains,
    },
    storage::Committer,
};
use files::OpenFiles;
use mio::{
    Events, Interest, Poll, Token, Waker,
    net::{TcpListener, TcpStream},
};
use skep_core::{
    Instant,
    limits::MESSAGE_MAX,
    rdt::{ConnectionId, Error, Language, Settings},
    seal::{
        Secret,
        greeting::{Hail, Terms},
        layer::{Call, Caller},
    },
    stream::{Action, Closed, FileId, Service, StreamId},
    wire::seal::HELLO_MAX,
};
use slab::Slab;
use std::{collections::VecDeque, io, net::SocketAddr, sync::Arc, time::Duration};

pub use files::Storage;

/// Bytes moved at once between a socket and a file.
const PORTION: usize = 256 << 10;

/// Portions that one stream may move before others have their turn.
const PORTIONS_A_TURN: usize = 4;

/// New connections taken at once from one listener.
const ACCEPTS_A_TURN: usize = 256;

/// A TCP stream on which content should move, and none does for so long, is broken off: its slot is for others.
const STALLED: Duration = Duration::from_secs(60);

/// How long a peer may take for the handshake on a sealed listener.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// A turn that takes so long says that there is more to do than can be done: callers have to prove their addresses.
const LATE: Duration = Duration::from_millis(100);

/// How often that is looked at.
const ROUND: Duration = Duration::from_secs(5);

/// How long a listener rests after it could not accept, for example for want of file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(100);

const WAKER: Token = Token(0);
const SIGNALS: Token = Token(1);
const FIRST: usize = 2;

/// What a stream does with the content that comes off it.
#[derive(Clone, Copy, Debug)]
struct Receiving {
    file: FileId,
    offset: u64,
    /// `None`: until the peer finishes.
    left: Option<u64>,
}

#[derive(Debug)]
enum Carrier {
    Tcp(Tcp),
    Rdt { socket: usize, connection: ConnectionId },
}

#[derive(Debug)]
struct Stream {
    carrier: Carrier,
    peer: SocketAddr,
    receiving: Option<Receiving>,
    /// The socket that it came on; `None` for one of our own calls.
    label: Option<usize>,
    /// Who is at the other end, on a sealed socket.
    caller: Option<Caller>,
    /// The machine knows of it.
    known: bool,
    /// It is in the queue of active streams.
    active: bool,
    /// The machine was told that the peer has finished.
    told_end: bool,
    /// Bytes of content moved so far.
    moved: u64,
    /// What `moved` was at the last round, and since when.
    seen: (u64, Instant),
}

#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    ready: bool,
    /// It could not accept, and rests until then.
    rests: Option<Instant>,
    /// What the application calls it.
    label: usize,
    sealed: bool,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes of content, of files and messages on RDT, moved in whichever direction has more.
    pub bytes: u64,
    /// Segments sent again (or, of content received, that came again), where the carrier knows it.
    pub resent: Option<u64>,
}

/// What a machine's event is about, so that it can be told with names.
pub trait Subject {
    /// The stream and the file that it is about, if any.
    fn subject(&self) -> (Option<StreamId>, Option<FileId>);
}

/// An event of the machine, with the names of what it is about: these may be gone when it is looked at.
#[derive(Debug)]
pub struct Told<E> {
    /// The event.
    pub event: E,
    /// The peer of its stream.
    pub peer: Option<SocketAddr>,
    /// The name of its file.
    pub name: Option<Box<str>>,
}

/// Opens accepted streams in the service, or turns them away.
struct Admit<S>(Box<Admits<S>>);

type Admits<S> = dyn FnMut(&mut S, Instant, &Admission) -> bool + Send;

impl<S> std::fmt::Debug for Admit<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Admit")
    }
}

fn unidentified() -> io::Error {
    io::Error::other("no identity was given")
}

/// Why a stream is gone.
#[derive(Debug)]
pub struct Gone {
    /// The stream.
    pub stream: StreamId,
    /// What went wrong below the machine, if anything did.
    pub reason: Option<String>,
}

/// A machine, its streams, its files.
#[derive(Debug)]
pub struct Driver<S: Service, F> {
    poll: Poll,
    origin: std::time::Instant,
    /// The machine.
    pub service: S,
    streams: Slab<Stream>,
    active: VecDeque<usize>,
    listeners: Vec<Listener>,
    rdt: Vec<RdtSocket>,
    files: OpenFiles<F>,
    committer: Committer<FileId>,
    /// Streams are opened for the machine by this: it may want to know on which listener.
    admit: Admit<S>,
    /// Who we are on sealed sockets.
    identity: Option<Identity>,
    deadline: Option<Instant>,
    next_round: Instant,
    /// What the machine has told, for the application to take.
    pub events: VecDeque<Told<S::Event>>,
    /// The streams that ended, for the application to take.
    pub gone: VecDeque<Gone>,
    signalled: bool,
    /// The last turn took too long.
    late: bool,
    portion: Vec<u8>,
    trains: Option<Trains>,
    room: Vec<u8>,
}

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    /// A driver for `service`, whose files are in `storage`. `admit` opens accepted streams in the service, or
    /// turns them away.
    ///
    /// # Errors
    /// The system refuses what it needs.
    pub fn new(
        service: S,
        storage: F,
        admit: impl FnMut(&mut S, Instant, &Admission) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok(Self {
            poll,
            origin: std::time::Instant::now(),
            service,
            streams: Slab::new(),
            active: VecDeque::new(),
            listeners: Vec::new(),
            rdt: Vec::new(),
            files: OpenFiles::new(storage),
            committer: Committer::new(waker)?,
            admit: Admit(Box::new(admit)),
            identity: None,
            deadline: None,
            next_round: Instant::ZERO,
            events: VecDeque::new(),
            gone: VecDeque::new(),
            signalled: false,
            late: false,
            portion: Vec::new(),
            trains: None,
            room: vec![0; 65_535],
        })
    }

    /// The present moment, as the machines count.
    pub fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Listens for TCP; the address that it got.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn listen_tcp(&mut self, address: SocketAddr, label: usize) -> io::Result<SocketAddr> {
        self.listen(address, label, false)
    }

    /// The same, with everything sealed; [`Driver::identify`] comes first.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn listen_tcp_sealed(&mut self, address: SocketAddr, label: usize) -> io::Result<SocketAddr> {
        self.listen(address, label, true)
    }

    fn listen(&mut self, address: SocketAddr, label: usize, sealed: bool) -> io::Result<SocketAddr> {
        let mut socket = tcp::listen(address)?;
        let bound = socket.local_addr()?;
        let token = Token(FIRST + (self.listeners.len() << 2));
        self.poll.registry().register(&mut socket, token, Interest::READABLE)?;
        self.listeners.push(Listener { socket, ready: true, rests: None, label, sealed });
        Ok(bound)
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
        let bound = socket.udp.socket.local_addr()?;
        let token = Token(FIRST + (self.rdt.len() << 2) + 1);
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut socket.udp.socket, token, interest)?;
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
        if let Some(Stream { carrier: Carrier::Tcp(tcp), .. }) = self.streams.get_mut(stream.0 as usize) {
            let bytes = hello[..length].to_vec();
            tcp.outbound.push_back(Outbound::Bytes { bytes, written: 0, sealed: true });
        }
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
        found.stirred = true;
        let key = self.add_stream(Carrier::Rdt { socket, connection }, to);
        self.rdt[socket].enter(connection, key);
        Ok(StreamId(key as u32))
    }

    /// Takes a source of signals: [`Driver::take_signalled`] then says when one may have come.
    ///
    /// # Errors
    /// It cannot be registered.
    pub fn watch_signals(&mut self, signals: &mut impl mio::event::Source) -> io::Result<()> {
        self.poll.registry().register(signals, SIGNALS, Interest::READABLE)
    }

    /// Whether a signal came since the last call.
    pub fn take_signalled(&mut self) -> bool {
        std::mem::take(&mut self.signalled)
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
        let now = self.now();
        let called = self.rdt[socket].endpoint.connect(now, to, language);
        let connection = called.ok_or_else(|| io::Error::other("too many connections"))?;
        self.rdt[socket].stirred = true;
        let key = self.add_stream(Carrier::Rdt { socket, connection }, to);
        self.rdt[socket].enter(connection, key);
        Ok(StreamId(key as u32))
    }

    /// Ends a stream at once.
    pub fn abort(&mut self, stream: StreamId) {
        let now = self.now();
        self.abort_stream(now, stream, None);
        self.settle(now);
    }

    /// Takes the silence of a peer for the end of its direction: where a protocol has no other sign of it.
    pub fn take_as_finished(&mut self, stream: StreamId) {
        let now = self.now();
        self.end_receiving(now, stream.0 as usize);
        self.service.finished(now, stream);
        self.settle(now);
    }

    /// Ends all streams at once, and lets go of all files.
    pub fn abort_all(&mut self) {
        let keys: Vec<_> = self.streams.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.abort(StreamId(key as u32));
        }
    }

    /// No new stream is taken from now on.
    pub fn stop_listening(&mut self) {
        for listener in &mut self.listeners {
            let _ = self.poll.registry().deregister(&mut listener.socket);
        }
        self.listeners.clear();
    }

    /// How many streams there are.
    pub fn count(&self) -> usize {
        self.streams.len()
    }

    /// Whether a stream is connected, and the machine knows of it.
    pub fn is_open(&self, stream: StreamId) -> bool {
        self.streams.get(stream.0 as usize).is_some_and(|stream| stream.known)
    }

    /// The peer of a stream.
    pub fn peer(&self, stream: StreamId) -> Option<SocketAddr> {
        Some(self.streams.get(stream.0 as usize)?.peer)
    }

    /// How far a stream has come.
    pub fn moved(&self, stream: StreamId) -> Option<Moved> {
        let stream = self.streams.get(stream.0 as usize)?;
        Some(match stream.carrier {
            Carrier::Tcp(_) => Moved { bytes: stream.moved, resent: None },
            Carrier::Rdt { socket, connection } => {
                let statistics = self.rdt[socket].endpoint.statistics(connection);
                statistics.map_or(Moved { bytes: stream.moved, resent: Some(0) }, |statistics| Moved {
                    bytes: stream.moved.max(statistics.bytes_acknowledged),
                    resent: Some(statistics.counters.resent + statistics.counters.duplicates),
                })
            }
        })
    }

    /// The state of the RDT connection under a stream.
    pub fn statistics(&self, stream: StreamId) -> Option<skep_core::rdt::Statistics> {
        match self.streams.get(stream.0 as usize)?.carrier {
            Carrier::Tcp(_) => None,
            Carrier::Rdt { socket, connection } => self.rdt[socket].endpoint.statistics(connection),
        }
    }

    /// Until when the endpoints should still answer after the last transfer.
    pub fn linger_until(&self) -> Instant {
        self.rdt.iter().map(|socket| socket.endpoint.linger_until()).max().unwrap_or(Instant::ZERO)
    }

    /// Waits for something to happen, at most `longest`, and does what there is to do then. Call it until
    /// the application has what it wants.
    ///
    /// # Errors
    /// The system cannot wait: nothing that a retry mends.
    pub fn turn(&mut self, events: &mut Events, longest: Option<Duration>) -> io::Result<()> {
        let now = self.now();
        self.settle(now);
        let timeout = if self.has_work() { Some(Duration::ZERO) } else { self.timeout(now, longest) };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => other?,
        }
        for event in events.iter() {
            self.note(event);
        }
        let now = self.now();
        self.accept(now);
        for index in 0..self.rdt.len() {
            if self.rdt[index].readable {
                self.receive_rdt(now, index);
            }
        }
        for _ in 0..self.active.len() {
            let Some(key) = self.active.pop_front() else { break };
            if let Some(stream) = self.streams.get_mut(key) {
                stream.active = false;
                self.pump_tcp(now, key);
            }
        }
        if self.next_round <= now {
            self.end_stalled(now);
            self.next_round = now + ROUND;
        }
        while let Some((file, outcome)) = self.committer.committed() {
            self.service.stored(now, file, outcome);
        }
        self.settle(now);
        self.late = self.now().since(now) > LATE;
        Ok(())
    }

    /// Waits until all that is being committed is durable: for the end of a program.
    pub fn finish_commits(self) {
        self.committer.drain();
    }

    fn has_work(&self) -> bool {
        !self.active.is_empty()
            || self.rdt.iter().any(|socket| socket.readable || socket.stirred && socket.blocked.is_none())
            || self.listeners.iter().any(|listener| listener.ready && listener.rests.is_none())
    }

    fn timeout(&self, now: Instant, longest: Option<Duration>) -> Option<Duration> {
        let resting = self.listeners.iter().filter_map(|listener| listener.rests);
        let deadlines =
            self.rdt.iter().filter_map(|socket| socket.deadline).chain(self.deadline).chain(resting);
        let deadlines = deadlines.chain((!self.streams.is_empty()).then_some(self.next_round));
        let wait = deadlines.min().map(|deadline| deadline.since(now));
        match (wait, longest) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    fn note(&mut self, event: &mio::event::Event) {
        match event.token() {
            WAKER => {}
            SIGNALS => self.signalled = true,
            Token(number) => {
                let (kind, index) = ((number - FIRST) & 3, (number - FIRST) >> 2);
                match kind {
                    0 => {
                        if let Some(listener) = self.listeners.get_mut(index) {
                            listener.ready = true;
                        }
                    }
                    1 => {
                        let socket = &mut self.rdt[index];
                        socket.readable |= event.is_readable();
                        socket.stirred |= event.is_writable() && socket.blocked.is_some();
                        if event.is_writable() {
                            rdt::send_blocked(socket);
                        }
                    }
                    _ => self.note_stream(index, event),
                }
            }
        }
    }

    fn note_stream(&mut self, key: usize, event: &mio::event::Event) {
        if let Some(Stream { carrier: Carrier::Tcp(tcp), .. }) = self.streams.get_mut(key) {
            tcp.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
            tcp.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
            self.activate(key);
        }
    }

    /// Breaks off TCP streams on which nothing moves. (RDT sees by itself whether its peer lives.)
    fn end_stalled(&mut self, now: Instant) {
        let mut stalled = Vec::new();
        for (key, stream) in &mut self.streams {
            let Carrier::Tcp(tcp) = &stream.carrier else { continue };
            if !stream.known && stream.label.is_some() {
                if now.since(stream.seen.1) > HANDSHAKE {
                    stalled.push(StreamId(key as u32));
                }
                continue;
            }
            let owes = stream.receiving.is_some() || !tcp.outbound.is_empty();
            if !owes || stream.moved != stream.seen.0 {
                stream.seen = (stream.moved, now);
            } else if now.since(stream.seen.1) > STALLED {
                stalled.push(StreamId(key as u32));
            }
        }
        for stream in stalled {
            self.abort_stream(now, stream, Some("nothing moved for too long".into()));
        }
    }

    fn activate(&mut self, key: usize) {
        if let Some(stream) = self.streams.get_mut(key)
            && !stream.active
            && matches!(stream.carrier, Carrier::Tcp(_))
        {
            stream.active = true;
            self.active.push_back(key);
        }
    }

    fn add_stream(&mut self, carrier: Carrier, peer: SocketAddr) -> usize {
        let now = self.now();
        self.streams.insert(Stream {
            carrier,
            peer,
            receiving: None,
            label: None,
            caller: None,
            known: false,
            active: false,
            told_end: false,
            moved: 0,
            seen: (0, now),
        })
    }

    /// Does everything that machines and endpoints ask for at this moment.
    fn settle(&mut self, now: Instant) {
        loop {
            self.act(now);
            let mut polled = false;
            for index in 0..self.rdt.len() {
                let socket = &self.rdt[index];
                let due = socket.deadline.is_some_and(|deadline| deadline <= now);
                if (socket.stirred || due) && socket.blocked.is_none() {
                    polled |= self.poll_rdt(now, index);
                }
            }
            if !polled {
                return;
            }
        }
    }

    /// Does what the machine asks for.
    fn act(&mut self, now: Instant) {
        let mut room = [0; MESSAGE_MAX];
        loop {
            match self.service.poll(now, &mut room) {
                Action::Write { stream, bytes } => self.write(now, stream, bytes),
                Action::Send { stream, file, offset, length } => self.send(now, stream, file, offset, length),
                Action::Receive { stream, file, offset, length } => {
                    self.receive(now, stream, file, offset, length);
                }
                // No machine of this program relays yet.
                Action::Splice { from, .. } => self.abort_stream(now, from, None),
                Action::Finish(stream) => self.finish(stream),
                Action::Abort(stream) => self.abort_stream(now, stream, None),
                Action::Open { file, name } => {
                    let outcome = self.files.open(file, name);
                    self.service.stored(now, file, outcome);
                }
                Action::Create { file, name, length } => {
                    let outcome = self.files.create(file, name, length);
                    self.service.stored(now, file, outcome.map(|()| 0));
                }
                Action::Commit(file) => match self.files.take_part(file) {
                    Some(part) => self.committer.commit(file, part, self.files.storage.replaces()),
                    None => self.service.stored(now, file, Err(skep_core::stream::Fault::Failed)),
                },
                Action::Release(file) => self.files.release(file),
                Action::Event(event) => {
                    let (stream, file) = event.subject();
                    let peer = stream.and_then(|stream| self.peer(stream));
                    let name = file.and_then(|file| self.files.name(file)).map(Into::into);
                    self.events.push_back(Told { event, peer, name });
                }
                Action::Wait(deadline) => {
                    self.deadline = deadline;
                    return;
                }
            }
        }
    }

    fn write(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) {
        let key = stream.0 as usize;
        let Some(Stream { carrier, .. }) = self.streams.get_mut(key) else { return };
        match carrier {
            Carrier::Tcp(tcp) => {
                tcp.outbound.push_back(Outbound::Bytes { bytes: bytes.to_vec(), written: 0, sealed: false });
                self.activate(key);
            }
            Carrier::Rdt { socket, connection } => {
                let socket = &mut self.rdt[*socket];
                let written = socket.endpoint.write(*connection, bytes);
                socket.endpoint.resume(*connection);
                socket.stirred = true;
                if !written {
                    self.abort_stream(now, stream, Some("a message was too long for the connection".into()));
                }
            }
        }
    }

    fn send(&mut self, now: Instant, stream: StreamId, file: FileId, offset: u64, length: u64) {
        let key = stream.0 as usize;
        let Some(Stream { carrier, .. }) = self.streams.get_mut(key) else { return };
        match carrier {
            Carrier::Tcp(tcp) => {
                tcp.outbound.push_back(Outbound::Range { file, offset, left: length });
                self.activate(key);
            }
            Carrier::Rdt { socket, connection } => {
                let socket = &mut self.rdt[*socket];
                let sent = socket.endpoint.send(*connection, file, offset, length);
                socket.stirred = true;
                if !sent {
                    self.abort_stream(now, stream, Some("too many files at once on the connection".into()));
                }
            }
        }
    }

    fn receive(&mut self, now: Instant, stream: StreamId, file: FileId, offset: u64, length: Option<u64>) {
        let key = stream.0 as usize;
        let Some(found) = self.streams.get_mut(key) else { return };
        found.receiving = Some(Receiving { file, offset, left: length });
        match found.carrier {
            Carrier::Tcp(_) => self.activate(key),
            Carrier::Rdt { socket, connection } => {
                let ended = found.told_end;
                let socket = &mut self.rdt[socket];
                socket.endpoint.receive(connection, file, offset, length.unwrap_or(u64::MAX));
                socket.stirred = true;
                if ended && length != Some(0) {
                    self.end_receiving(now, key);
                }
            }
        }
    }

    fn finish(&mut self, stream: StreamId) {
        let key = stream.0 as usize;
        let Some(Stream { carrier, .. }) = self.streams.get_mut(key) else { return };
        match carrier {
            Carrier::Tcp(tcp) => {
                tcp.outbound.push_back(Outbound::Finish);
                self.activate(key);
            }
            Carrier::Rdt { socket, connection } => {
                let socket = &mut self.rdt[*socket];
                socket.endpoint.finish(*connection);
                socket.endpoint.resume(*connection);
                socket.stirred = true;
            }
        }
    }

    /// Ends a stream; the machine is told, unless it never knew of it.
    fn abort_stream(&mut self, now: Instant, stream: StreamId, reason: Option<String>) {
        let Some(found) = self.streams.get(stream.0 as usize) else { return };
        match &found.carrier {
            Carrier::Tcp(tcp) => {
                tcp.abort();
                self.close(now, stream.0 as usize, Closed::Broken, reason);
            }
            Carrier::Rdt { socket, connection } => {
                // Its end comes as an event; nothing else of it does.
                let (socket, connection) = (*socket, *connection);
                self.rdt[socket].endpoint.abort(connection);
                self.rdt[socket].stirred = true;
                self.rdt[socket].leave(connection);
                self.close(now, stream.0 as usize, Closed::Broken, reason);
            }
        }
    }

    /// The peer finished before all the content came that it is expected of.
    fn end_receiving(&mut self, now: Instant, key: usize) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        if let Some(receiving) = stream.receiving.take() {
            if let Carrier::Rdt { socket, connection } = stream.carrier {
                self.rdt[socket].endpoint.discard(connection);
            }
            let outcome =
                if receiving.left.is_none() { Ok(()) } else { Err(skep_core::stream::Fault::Ended) };
            self.service.moved(now, StreamId(key as u32), outcome);
        }
    }

    /// A stream is gone.
    fn close(&mut self, now: Instant, key: usize, how: Closed, reason: Option<String>) {
        let Some(mut stream) = self.streams.try_remove(key) else { return };
        if let Carrier::Tcp(tcp) = &mut stream.carrier {
            let _ = self.poll.registry().deregister(&mut tcp.socket);
            // A listener that had no file descriptor left may have one now.
            for listener in &mut self.listeners {
                listener.rests = None;
            }
        }
        let id = StreamId(key as u32);
        if stream.known {
            self.service.closed(now, id, how);
        }
        self.gone.push_back(Gone { stream: id, reason });
    }

    /// Opens a stream in the machine. `false`: it has no room, and the stream is gone.
    fn open(&mut self, now: Instant, key: usize) -> bool {
        let id = StreamId(key as u32);
        let Some(stream) = self.streams.get(key) else { return false };
        let admitted = match stream.label {
            Some(label) => {
                let admission = Admission { stream: id, label, peer: stream.peer, caller: stream.caller };
                (self.admit.0)(&mut self.service, now, &admission)
            }
            None => self.service.opened(now, id),
        };
        if admitted && let Some(stream) = self.streams.get_mut(key) {
            stream.known = true;
        } else {
            self.abort_stream(now, id, Some("too many streams".into()));
        }
        admitted
    }

    fn broke(error: &Error) -> Option<String> {
        (*error != Error::Aborted).then(|| error.to_string())
    }
}
