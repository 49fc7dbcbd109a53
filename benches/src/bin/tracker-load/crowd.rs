//! Many clients in one process: each logs in, counts what it is told, and says what it is told to say.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant as Clock},
};

use mio::Events;
use skep::{
    driver::{Driver, NoFiles, Subject},
    gate::Gate,
    identity::Fingerprint,
};
use skep_core::{
    Instant,
    rdt::{Language, Settings},
    seal::{Secret, layer::Call},
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    wire::{
        seal::Purpose,
        session::{Frame, Request},
    },
};

use crate::server::Server;

/// How sessions are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Tcp,
    Rdt,
    SealedRdt,
}

impl std::fmt::Display for Way {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Tcp => "TCP, plain",
            Self::Rdt => "RDT, plain",
            Self::SealedRdt => "RDT, sealed",
        })
    }
}

impl Way {
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "tcp" => Self::Tcp,
            "rdt" => Self::Rdt,
            "rdt-sealed" => Self::SealedRdt,
            _ => panic!("the ways are tcp, rdt and rdt-sealed"),
        }
    }
}

const WELCOME: u8 = 0x20;
const CAME: u8 = 0x22;
const SHARED: u8 = 0x24;
const BYE: u8 = 0x2c;
const PING: u8 = 0x7e;

#[derive(Debug)]
pub(crate) struct Nothing;

impl Subject for Nothing {
    fn subject(&self) -> (Option<StreamId>, Option<FileId>) {
        (None, None)
    }
}

/// The clients, as their driver sees them.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// The streams that are open, in the order in which they came.
    pub(crate) streams: Vec<StreamId>,
    to_say: VecDeque<(StreamId, Vec<u8>)>,
    pub(crate) welcomes: usize,
    /// Times that somebody was told of a user.
    pub(crate) came: u64,
    /// Times that somebody was told of a file.
    pub(crate) shared: u64,
    pub(crate) bytes: u64,
    pub(crate) lost: usize,
}

impl Clients {
    /// Says something on a stream.
    pub(crate) fn say(&mut self, stream: StreamId, requests: &[Request<'_>]) {
        let mut bytes = Vec::new();
        for request in requests {
            let mut room = [0; 512];
            let length = request.emit(&mut room).unwrap();
            bytes.extend_from_slice(&room[..length]);
        }
        self.to_say.push_back((stream, bytes));
    }
}

impl Service for Clients {
    type Event = Nothing;

    fn opened(&mut self, _: Instant, stream: StreamId) -> bool {
        let name = format!("user{}", self.streams.len());
        self.streams.push(stream);
        let login = Request::Login {
            version: 1,
            wants_list: true,
            epoch: 0,
            number: 0,
            resume: [0; 16],
            door: 0,
            name: name.as_bytes(),
        };
        self.say(stream, &[login]);
        true
    }

    fn received(&mut self, _: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while let Frame::Whole { kind, length, .. } = Frame::first(&bytes[taken..]) {
            taken += length;
            match kind {
                WELCOME => self.welcomes += 1,
                CAME => self.came += 1,
                SHARED => self.shared += 1,
                BYE => panic!("a client was turned away: {:?}", &bytes[taken - length..taken]),
                PING => self.say(stream, &[Request::Pong]),
                _ => {}
            }
        }
        self.bytes += taken as u64;
        taken
    }

    fn moved(&mut self, _: Instant, _: StreamId, _: Result<(), Fault>) {}

    fn finished(&mut self, _: Instant, _: StreamId) {}

    fn closed(&mut self, _: Instant, _: StreamId, _: Closed) {
        self.lost += 1;
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: SocketAddr) {}

    fn stored(&mut self, _: Instant, _: FileId, _: Result<u64, Fault>) {}

    fn poll<'b>(&mut self, _: Instant, room: &'b mut [u8]) -> Action<'b, Nothing> {
        let Some((stream, bytes)) = self.to_say.pop_front() else { return Action::Wait(None) };
        room[..bytes.len()].copy_from_slice(&bytes);
        Action::Write { stream, bytes: &room[..bytes.len()] }
    }
}

/// Clients and their driver.
pub(crate) struct Crowd {
    pub(crate) driver: Driver<Clients, NoFiles>,
    events: Events,
}

/// Calls under way at once: no more than a backlog takes.
const CALLS: usize = 64;

/// Clients of one socket: a prefix of addresses makes some 20 handshakes in a second.
pub(crate) const PER_SOCKET: usize = 10;

/// Where the clients of a socket are: in a prefix of its own.
pub(crate) fn address(socket: usize) -> SocketAddr {
    let [high, low] = (1 + socket as u16).to_be_bytes();
    SocketAddr::from(([127, high, low, 1], 0))
}

impl Crowd {
    /// So many clients, all logged in.
    pub(crate) fn join(server: &Server, way: Way, count: usize) -> Self {
        let driver = Driver::new(Clients::default(), NoFiles, |_, _, _| false).unwrap();
        let mut crowd = Self { driver, events: Events::with_capacity(16_384) };
        let mut random = [0; 32];
        random[..4].copy_from_slice(&std::process::id().to_le_bytes());
        crowd.driver.identify(&Secret::new(random), Gate::closed()).unwrap();
        let sockets = match way {
            Way::Tcp => 0,
            // In the clear an address has one connection.
            Way::Rdt => count,
            Way::SealedRdt => count.div_ceil(PER_SOCKET),
        };
        for socket in 0..sockets {
            match way {
                Way::SealedRdt => crowd.driver.bind_sealed(address(socket), Settings::HOST, 0),
                _ => crowd.driver.bind_rdt(address(socket), Settings::HOST, 0),
            }
            .unwrap();
        }
        let server_key = *server.key.parse::<Fingerprint>().unwrap().key();
        for number in 0..count {
            let call = Call { server: server_key, purpose: Purpose::Guest, psk: None };
            match way {
                Way::Tcp => crowd.driver.connect_tcp(server.plain),
                Way::Rdt => crowd.driver.connect_rdt(number % sockets, server.plain, Language::Own),
                Way::SealedRdt => crowd.driver.connect_sealed(number % sockets, server.sealed, call),
            }
            .unwrap();
            let most = number + 1 - CALLS.min(number + 1);
            crowd.until("log-ins", |clients| clients.welcomes >= most);
        }
        crowd.until("all log-ins", |clients| clients.welcomes == count);
        crowd
    }

    /// Goes on until something is so.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&Clients) -> bool) {
        let begin = Clock::now();
        while !is_so(&self.driver.service) {
            self.driver.turn(&mut self.events, Some(Duration::from_millis(100))).unwrap();
            for gone in self.driver.gone.drain(..) {
                eprintln!("a client is gone: {:?}", gone.reason);
            }
            let clients = &self.driver.service;
            assert!(clients.lost == 0, "{} clients were lost, waiting for {what}", clients.lost);
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "waited in vain for {what}: {} welcomes, {} users, {} files",
                clients.welcomes,
                clients.came,
                clients.shared
            );
        }
    }

    /// Goes on for a while.
    pub(crate) fn rest(&mut self, time: Duration) {
        let begin = Clock::now();
        while begin.elapsed() < time {
            self.driver.turn(&mut self.events, Some(Duration::from_millis(10))).unwrap();
            self.driver.gone.clear();
        }
    }
}
