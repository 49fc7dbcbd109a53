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
mod network_quota;
mod rdt;
mod splice;
mod state;
mod stream;
mod tcp;
#[cfg(test)]
mod tests;
mod tunnel;
mod turn;
mod unaccepted;

use crate::{
    gate::{Admission, Identity},
    memory::room_for_more,
    net::{handshakes::Handshakes, rdt::RdtSocket, udp::Trains},
    storage::Committer,
};
use alarm::Alarm;
use files::OpenFiles;
use mio::{Events, Interest, Poll, Token, Waker, net::TcpListener};
use network_quota::NetworkQuota;
use skep_core::{
    Instant,
    rdt::Error,
    seal::layer::Caller,
    stream::{FileId, Service, StreamId},
};
use slab::Slab;
use std::{collections::VecDeque, io, sync::Arc, time::Duration};

pub use connect::{Joined, Relayed};
pub use files::{NoFiles, Storage};
use stream::{Carrier, Receiving, Stream};
pub use stream::{EventRecord, Gone, Moved, Subject};
use unaccepted::Unaccepted;

/// Portions that one stream may move before others have their turn.
const PORTIONS_A_TURN: usize = 4;

/// How often a program that ends repeats its good-bye: of a path that loses a tenth, one time in a thousand is too few.
const GOOD_BYES: usize = 2;

/// How long a program that ends waits for room in its sockets to say so.
const GOOD_BYE_PATIENCE: Duration = Duration::from_secs(1);

/// Bytes of datagrams that leave in one call: what UDP carries over IPv4 as one, as which the system takes a batch.
const ROOM: usize = 65_507;

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
    /// Where those that were accepted come from.
    quota: NetworkQuota,
    unaccepted: Unaccepted,
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
    /// What the system keeps of a connection that was accepted and is not read, where that is bounded.
    unsent: Option<u32>,
    deadline: Option<Instant>,
    next_round: Instant,
    /// What the machine has told, for the application to take.
    pub events: VecDeque<EventRecord<S::Event>>,
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
    /// The machine has not been asked for all that it has to say.
    has_more: bool,
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
            quota: NetworkQuota::default(),
            unaccepted: Unaccepted::default(),
            handshakes: Handshakes::new(),
            deferred: Vec::new(),
            rdt: Vec::new(),
            files: OpenFiles::new(storage),
            committer: Committer::new(Arc::clone(&waker)),
            waker,
            admit: Admit(Box::new(admit)),
            identity: None,
            singly: false,
            unsent: None,
            deadline: None,
            next_round: Instant::ZERO,
            events: VecDeque::new(),
            gone: VecDeque::new(),
            signalled: false,
            late: false,
            portion: Vec::new(),
            trains: None,
            room: vec![0; ROOM],
            words: vec![0; act::ROOM],
            has_more: false,
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

    /// The program ends, whatever is under way: whoever is still sent something over RDT, or sends it, is told that it comes
    /// to nothing, and need not find out by silence. Over TCP the system says so.
    ///
    /// # Errors
    /// The system cannot wait.
    pub fn end(&mut self, events: &mut Events) -> io::Result<()> {
        self.take_leave();
        let mut unfinished = Vec::new();
        for (key, stream) in &self.streams {
            if let Some((socket, connection)) = stream.by_rdt()
                && !self.rdt[socket].endpoint.take_leave(connection)
            {
                unfinished.push(StreamId(key as u32));
            }
        }
        for stream in unfinished {
            self.abort(stream);
        }
        // A socket that is full takes it a little later.
        let until = self.now() + GOOD_BYE_PATIENCE;
        while self.rdt.iter().any(RdtSocket::is_blocked) && self.now() < until {
            self.turn(events, Some(until.since(self.now())))?;
        }
        self.settle(self.now());
        Ok(())
    }

    /// No new stream is taken from now on.
    pub fn stop_listening(&mut self) {
        for listener in &mut self.listeners {
            let _ = self.poll.registry().deregister(&mut listener.socket);
        }
        self.listeners.clear();
    }

    /// Waits until all that is being committed is durable: for the end of a program.
    pub fn finish_commits(self) {
        self.committer.drain();
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

    /// Opens a stream in the machine. `false`: it has no room, and the stream is gone.
    fn open(&mut self, now: Instant, key: usize, caller: Option<Caller>) -> bool {
        let id = StreamId(key as u32);
        let Some(stream) = self.streams.get(key) else { return false };
        let admitted = match stream.label {
            Some(label) => {
                let label = usize::from(label);
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
