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

mod act;
mod alarm;
mod connect;
mod files;
mod handshake;
mod rdt;
mod splice;
mod stream;
mod tcp;
#[cfg(test)]
mod tests;
mod tunnel;

use crate::{
    gate::{Admission, Identity},
    memory::room_for_more,
    net::{
        handshakes::{self, Handshakes},
        rdt::RdtSocket,
        udp::Trains,
    },
    storage::Committer,
};
use alarm::Alarm;
use files::OpenFiles;
use mio::{Events, Interest, Poll, Token, Waker, net::TcpListener};
use skep_core::{
    Instant,
    rdt::{Error, trace::Happened},
    seal::layer::Caller,
    stream::{FileId, Service, StreamId},
    wire::rdt::Pass,
};
use slab::Slab;
use std::{collections::VecDeque, io, net::SocketAddr, sync::Arc, time::Duration};

pub use connect::{Joined, Relayed};
pub use files::{NoFiles, Storage};
use stream::{Carrier, Receiving, Stream};
pub use stream::{Gone, Moved, Subject, Told};

/// Bytes moved at once between a socket and a file.
const PORTION: usize = 256 << 10;

/// Portions that one stream may move before others have their turn.
const PORTIONS_A_TURN: usize = 4;

/// New connections taken at once from one listener.
const ACCEPTS_A_TURN: usize = 256;

/// A TCP stream on which content should move, and none does for so long, is broken off: its slot is for others.
const STALLED: Duration = Duration::from_secs(60);

/// How long a tracker may take to join us with the other side of a transfer.
const ATTACHING: Duration = Duration::from_secs(30);

/// A turn that takes so long says that there is more to do than can be done: callers have to prove their addresses.
const LATE: Duration = Duration::from_millis(100);

/// How soon it is looked again whether a file that has just changed can be read.
const SETTLING_LOOK: Duration = Duration::from_millis(1);

/// How often a program that ends repeats its good-bye: of a path that loses a tenth, one time in a thousand is too few.
const GOOD_BYES: usize = 2;

/// How often that is looked at.
const ROUND: Duration = Duration::from_secs(5);

/// How long a listener rests after it could not accept, for example for want of file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(100);

const WAKER: Token = Token(0);
const SIGNALS: Token = Token(1);
const ALARM: Token = Token(2);
const FIRST: usize = 3;

#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    ready: bool,
    /// It could not accept, and rests until then.
    rests: Option<Instant>,
    /// What the application calls it.
    label: usize,
    sealed: Sealed,
}

/// Whether what comes on a listener is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sealed {
    No,
    Yes,
    /// All but connections that begin with a zero byte, which have another label.
    But {
        plain: usize,
    },
}

/// Opens accepted streams in the service, or turns them away.
struct Admit<S>(Box<Admits<S>>);

type Admits<S> = dyn FnMut(&mut S, Instant, &Admission) -> bool + Send;

impl<S> std::fmt::Debug for Admit<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Admit")
    }
}

/// A machine, its streams, its files.
#[derive(Debug)]
pub struct Driver<S: Service, F> {
    poll: Poll,
    alarm: Alarm,
    waker: Arc<Waker>,
    origin: std::time::Instant,
    /// The machine.
    pub service: S,
    streams: Slab<Stream>,
    active: VecDeque<usize>,
    listeners: Vec<Listener>,
    /// The connections of sealed listeners whose handshake is not done.
    handshakes: Handshakes,
    /// Those of them about which nothing is decided yet.
    deferred: Vec<usize>,
    rdt: Vec<RdtSocket>,
    files: OpenFiles<F>,
    committer: Committer<FileId>,
    /// Streams are opened for the machine by this: it may want to know on which listener.
    admit: Admit<S>,
    /// Who we are on sealed sockets.
    identity: Option<Identity>,
    /// Every datagram is handed to the system by itself.
    singly: bool,
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
    /// For datagrams.
    room: Vec<u8>,
    /// For what the machine writes.
    words: Vec<u8>,
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
        let waker = Self::waker_of(&poll)?;
        Self::on(poll, waker, service, storage, admit)
    }

    /// What wakes a driver that is going to be made on this poll: for those at the machine's side who are there before
    /// it.
    ///
    /// # Errors
    /// The system refuses what it needs.
    pub fn waker_of(poll: &Poll) -> io::Result<Arc<Waker>> {
        Waker::new(poll.registry(), WAKER).map(Arc::new)
    }

    /// As [`Driver::new`], on a poll and with its waker.
    ///
    /// # Errors
    /// The system refuses what it needs.
    pub fn on(
        poll: Poll,
        waker: Arc<Waker>,
        service: S,
        storage: F,
        admit: impl FnMut(&mut S, Instant, &Admission) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        Ok(Self {
            alarm: Alarm::new(poll.registry(), ALARM)?,
            poll,
            origin: std::time::Instant::now(),
            service,
            streams: Slab::new(),
            active: VecDeque::new(),
            listeners: Vec::new(),
            handshakes: Handshakes::new(),
            deferred: Vec::new(),
            rdt: Vec::new(),
            files: OpenFiles::new(storage),
            committer: Committer::new(Arc::clone(&waker))?,
            waker,
            admit: Admit(Box::new(admit)),
            identity: None,
            singly: false,
            deadline: None,
            next_round: Instant::ZERO,
            events: VecDeque::new(),
            gone: VecDeque::new(),
            signalled: false,
            late: false,
            portion: Vec::new(),
            trains: None,
            room: vec![0; 65_535],
            words: vec![0; act::ROOM],
        })
    }

    /// What wakes the driver up out of a turn, from another thread.
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// The present moment, as the machines count.
    pub fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
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

    /// Ends a stream at once.
    pub fn abort(&mut self, stream: StreamId) {
        let now = self.now();
        self.abort_stream(now, stream, None);
        self.settle(now);
    }

    /// What the machine did not take of a stream is offered to it again: it has changed its mind.
    pub fn offer_again(&mut self, stream: StreamId) {
        let key = stream.0 as usize;
        match self.streams.get(key).map(|stream| &stream.carrier) {
            Some(Carrier::Tcp(_)) => self.activate(key),
            Some(Carrier::Rdt { .. }) => {
                self.activate(key);
                self.resume(key);
            }
            None => {}
        }
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

    /// The program is about to end: says good-bye on all streams, some times over, as nobody will be there to say it again.
    /// `false`: it should stay, as there is one that has not come to its end, or that is not skep's own RDT.
    pub fn take_leave(&mut self) -> bool {
        let now = self.now();
        let mut leaves = self.linger_until() <= now;
        for _ in 0..GOOD_BYES {
            self.settle(now);
            for (_, stream) in &self.streams {
                leaves &= match stream.carrier {
                    Carrier::Rdt { socket, connection } => {
                        let socket = &mut self.rdt[socket as usize];
                        socket.stirred = true;
                        socket.endpoint.take_leave(connection)
                    }
                    Carrier::Tcp(_) => false,
                };
            }
        }
        self.settle(now);
        leaves
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

    /// How far a stream has come.
    pub fn moved(&self, stream: StreamId) -> Option<Moved> {
        let stream = self.streams.get(stream.0 as usize)?;
        Some(match stream.carrier {
            Carrier::Tcp(_) => Moved { bytes: stream.moved, resent: None },
            Carrier::Rdt { socket, connection } => {
                let statistics = self.rdt[socket as usize].endpoint.statistics(connection);
                statistics.map_or(Moved { bytes: stream.moved, resent: Some(0) }, |statistics| Moved {
                    bytes: stream.moved.max(statistics.bytes_acknowledged),
                    resent: Some(statistics.counters.lost),
                })
            }
        })
    }

    /// Segments of content that came over RDT behind later ones, on all streams so far: what peers have sent again, as
    /// long as the network keeps the order.
    pub fn came_late(&self) -> u64 {
        self.files.late()
    }

    /// The state of the RDT connection under a stream.
    pub fn statistics(&self, stream: StreamId) -> Option<skep_core::rdt::Statistics> {
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

    /// Waits for something to happen, at most `longest`, and does what there is to do then. Call it until
    /// the application has what it wants.
    ///
    /// # Errors
    /// The system cannot wait: nothing that a retry mends.
    pub fn turn(&mut self, events: &mut Events, longest: Option<Duration>) -> io::Result<()> {
        let now = self.now();
        self.settle(now);
        let timeout = if self.has_work() { Some(Duration::ZERO) } else { self.timeout(now, longest) };
        let timeout = self.alarm.set(timeout);
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
                self.receive_rdt(index);
            }
        }
        for _ in 0..self.active.len() {
            let Some(key) = self.active.pop_front() else { break };
            if let Some(stream) = self.streams.get_mut(key) {
                stream.active = false;
                match stream.carrier {
                    Carrier::Tcp(_) => self.pump_tcp(now, key),
                    Carrier::Rdt { .. } => self.offer_held(now, key),
                }
            }
        }
        while let Some(key) = self.handshakes.expired(now) {
            self.abort_stream(now, StreamId(key as u32), Some("no handshake in time".into()));
        }
        if self.next_round <= now {
            self.end_stalled(now);
            self.next_round = now + ROUND;
        }
        self.tell_settled(now);
        while let Some((file, outcome)) = self.committer.committed() {
            self.service.stored(now, file, outcome);
        }
        self.settle(now);
        self.late = self.now().since(now) > LATE;
        Ok(())
    }

    /// Does what there is to do at this moment, without waiting: after the machine was asked for something.
    pub fn stir(&mut self) {
        let now = self.now();
        self.settle(now);
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
        let deadlines = deadlines.chain(self.handshakes.deadline());
        let deadlines = deadlines.chain(self.files.are_settling().then(|| now + SETTLING_LOOK));
        let wait = deadlines.min().map(|deadline| deadline.since(now));
        match (wait, longest) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    fn note(&mut self, event: &mio::event::Event) {
        match event.token() {
            // A decision may have been made.
            WAKER => std::mem::take(&mut self.deferred).into_iter().for_each(|key| self.activate(key)),
            SIGNALS => self.signalled = true,
            ALARM => {}
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
            tcp.hung_up |= event.is_read_closed() || event.is_error();
            tcp.readable |= event.is_readable() || tcp.hung_up;
            tcp.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
            self.activate(key);
        }
    }

    /// Breaks off streams on which nothing moves that should. (RDT sees by itself whether its peer lives, but not
    /// whether a relayed transfer does.)
    fn end_stalled(&mut self, now: Instant) {
        let mut stalled = Vec::new();
        for (key, stream) in &mut self.streams {
            let patience = match &stream.carrier {
                Carrier::Tcp(tcp) if !stream.known && tcp.is_attaching() => ATTACHING,
                Carrier::Tcp(_) if !stream.known && stream.label.is_some() => handshakes::DEADLINE,
                Carrier::Tcp(_) => STALLED,
                Carrier::Rdt { .. } if stream.is_splicing() => STALLED,
                Carrier::Rdt { .. } => continue,
            };
            let (moved, owes) = (stream.moved, stream.owes());
            let seen = stream.seen();
            if patience == STALLED && (!owes || moved != seen.0) {
                *seen = (moved, now);
            } else if now.since(seen.1) > patience {
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
            && (matches!(stream.carrier, Carrier::Tcp(_)) || stream.held() > 0)
        {
            stream.active = true;
            self.active.push_back(key);
        }
    }

    fn add_stream(&mut self, carrier: Carrier) -> usize {
        self.streams.reserve_exact(room_for_more(self.streams.len(), self.streams.capacity()));
        self.streams.insert(Stream::new(carrier))
    }

    /// Does everything that machines and endpoints ask for at this moment.
    fn settle(&mut self, now: Instant) {
        let mut now = now;
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
            now = self.now();
        }
    }

    /// Opens a stream in the machine. `false`: it has no room, and the stream is gone.
    fn open(&mut self, now: Instant, key: usize, caller: Option<Caller>) -> bool {
        let id = StreamId(key as u32);
        let Some(stream) = self.streams.get(key) else { return false };
        let admitted = match stream.label {
            Some(label) => {
                let label = label as usize;
                self.peer(id).is_some_and(|peer| {
                    let admission = Admission { stream: id, label, peer, caller };
                    (self.admit.0)(&mut self.service, now, &admission)
                })
            }
            None => self.service.opened(now, id),
        };
        if admitted && let Some(stream) = self.streams.get_mut(key) {
            stream.known = true;
            self.handshakes.leave(key);
            if let Carrier::Tcp(tcp) = &mut stream.carrier {
                tcp.seen.1 = now;
            }
        } else {
            self.abort_stream(now, id, Some("too many streams".into()));
        }
        admitted
    }

    /// The same, and does what the machine asks for then.
    fn open_and_act(&mut self, now: Instant, key: usize, caller: Option<Caller>) -> bool {
        let is_open = self.open(now, key, caller);
        if is_open {
            self.act(now);
        }
        is_open
    }

    /// Why a connection broke. How much was delivered, the stream says itself.
    fn broke(error: &Error) -> Option<String> {
        Some(match error {
            Error::Aborted => return None,
            Error::TimedOut { .. } => "the other side stopped answering".to_owned(),
            Error::Silent { .. } => "the other side became silent".to_owned(),
            Error::Reset { .. } => "the other side broke off".to_owned(),
            other => other.to_string(),
        })
    }
}
