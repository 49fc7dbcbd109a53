//! Two endpoints with a layer each, and what is between them in the test's hands. Numbers in names are those of the
//! attack cases of docs/security.md.

mod addresses;
mod attacks;
mod cookies;
mod handshakes;
mod sessions;

use super::*;
use crate::{
    miri::fewer,
    rdt::{self, ConnectionId as Connection, Endpoint, Envelope, Event, Fixed, Incoming, Language, Output},
    seal::{CheckKey, Psk, Public, TAG_LENGTH, Tested, datagram::FRONT},
    wire::{
        rdt::{Pass, Terms},
        seal::{Init1, Purpose},
    },
};
use core::cell::Cell as Counter;
use std::vec::Vec;

std::thread_local! {
    /// How often two keys were agreed upon.
    static AGREEMENTS: Counter<u32> = const { Counter::new(0) };
}

/// The default provider, counted.
enum Counting {}

impl Provider for Counting {
    type ChaCha = <Tested as Provider>::ChaCha;
    type Aes = <Tested as Provider>::Aes;
    type Numbers = <Tested as Provider>::Numbers;
    type Private<'k> = <Tested as Provider>::Private<'k>;

    fn private(secret: &Secret) -> Self::Private<'_> {
        Tested::private(secret)
    }

    fn public(private: &Self::Private<'_>) -> Public {
        Tested::public(private)
    }

    fn agree(private: &Self::Private<'_>, public: &Public) -> Option<Secret> {
        AGREEMENTS.set(AGREEMENTS.get() + 1);
        Tested::agree(private, public)
    }

    fn hash(parts: &[&[u8]]) -> [u8; 32] {
        Tested::hash(parts)
    }
}

fn agreements() -> u32 {
    AGREEMENTS.get()
}

const SLOTS: usize = 4;
const SESSIONS: usize = 8;
const SEGMENT: u16 = 1_000;
/// A full datagram, and so the first one.
const FULL: usize = SEGMENT as usize + 17 + OVERHEAD;

type Room<const N: usize> = heapless::Vec<Slot<Session<Counting>>, N>;
type Sealed<const N: usize> = Layer<Counting, Room<N>, heapless::Vec<Cell, N>, SLOTS, 16>;

fn pair(seed: u8) -> KeyPair<Counting> {
    KeyPair::new(Secret::new([seed; 32]))
}

fn psk(seed: u8) -> Psk {
    Psk::new(Secret::new([seed; 32]))
}

fn address(number: u8) -> SocketAddr {
    ([10, 0, 0, number], 4_000).into()
}

const SERVER: u8 = 1;
const CLIENT: u8 = 2;
const INVITE: Purpose = Purpose::Enrol { invite: [5; 8] };
const INTRODUCTION: Purpose = Purpose::Peer { introduction: [6; 16] };

/// Who may come in: everybody or nobody, with one invitation and one introduction.
struct Doors {
    open: bool,
    asked: u32,
    /// Nobody is judged before his address is proven.
    wants_proof: bool,
}

impl Access for Doors {
    fn decide(&mut self, _: &Caller, is_proven: bool) -> Decision {
        if self.wants_proof && !is_proven {
            return Decision::Prove;
        }
        self.asked += 1;
        Decision::admit_if(self.open)
    }

    fn invite(&mut self, id: &[u8; 8]) -> Option<Psk> {
        (*id == [5; 8]).then(|| psk(5))
    }

    fn introduction(&mut self, id: &[u8; 16]) -> Option<(Public, Psk)> {
        (*id == [6; 16]).then(|| (*pair(CLIENT).public(), psk(6)))
    }
}

fn call(purpose: Purpose) -> Call {
    let psk = match purpose {
        INVITE => Some(psk(5)),
        INTRODUCTION => Some(psk(6)),
        _ => None,
    };
    Call { server: *pair(SERVER).public(), purpose, psk }
}

/// One end: everything between its application and its socket.
struct End<const N: usize = SESSIONS> {
    address: SocketAddr,
    layer: Sealed<N>,
    endpoint: Box<Endpoint<Fixed<N, 16>>>,
    doors: Doors,
    accepted: Vec<(Connection, Peer)>,
    events: Vec<Event>,
    heard: Vec<u8>,
    /// What came in and what went out.
    bytes: (usize, usize),
}

type Wire = Vec<(SocketAddr, Vec<u8>)>;

impl<const N: usize> End<N> {
    fn new(number: u8) -> Self {
        Self::with(number, SEGMENT, &[Suite::ChaCha])
    }

    fn with(number: u8, segment: u16, suites: &'static [Suite]) -> Self {
        let guard = crate::guard::Settings::HOST;
        let settings = Settings { suites, largest: segment + 17 + OVERHEAD as u16, guard };
        let room = (Room::new(), heapless::Vec::new());
        let rdt = rdt::Settings {
            terms: Terms { window: 16, segment },
            window: 16,
            envelope: Envelope { front: FRONT as u8, back: TAG_LENGTH as u8 },
            half_open: crate::guard::HALF_OPEN_LIFE.into(),
            ..rdt::Settings::HOST
        };
        let memories = (heapless::Vec::new(), heapless::Vec::new(), heapless::Vec::new());
        let endpoint = Endpoint::new(rdt, u64::from(number), memories.0, memories.1, memories.2);
        Self {
            address: address(number),
            layer: Layer::new(settings, pair(number), Secret::new([number ^ 0x80; 32]), room.0, room.1),
            endpoint: Box::new(endpoint),
            doors: Doors { open: true, asked: 0, wants_proof: false },
            accepted: Vec::new(),
            events: Vec::new(),
            heard: Vec::new(),
            bytes: (0, 0),
        }
    }

    fn call(&mut self, now: Instant, call: Call) -> (Peer, Connection) {
        let peer = self.layer.connect(now, address(SERVER), call).unwrap();
        (peer, self.endpoint.connect(now, peer, Language::Own).unwrap())
    }

    fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.bytes.0 += datagram.len();
        let mut datagram = datagram.to_vec();
        let Some((peer, plain)) = self.layer.receive(now, from, &mut datagram, &mut self.doors) else {
            return;
        };
        if let Ok(Some(incoming)) = self.endpoint.handle(now, peer, plain) {
            let Incoming::Message { ticket, bytes } = incoming else { panic!("{incoming:?}") };
            self.heard.extend(bytes);
            self.endpoint.taken(&ticket, bytes.len());
        }
        while let Some(accepted) = self.endpoint.accept(now) {
            self.accepted.push(accepted);
        }
    }

    /// What goes out now, and where.
    fn poll(&mut self, now: Instant) -> Wire {
        self.layer.turn(now, false);
        let (mut room, mut sent) = ([0; 4_000], Vec::new());
        loop {
            while let Some((to, length)) = self.layer.poll(now, &mut room) {
                sent.push((to, room[..length].to_vec()));
            }
            match self.endpoint.poll(now, &mut room) {
                Output::Transmit(mut transmit) => {
                    let size = transmit.size;
                    if let Some(to) = self.layer.seal(&mut transmit) {
                        sent.extend(transmit.bytes.chunks(size).map(|datagram| (to, datagram.to_vec())));
                    }
                }
                Output::Event(event) => {
                    if let Event::Closed(connection, _) = event {
                        let peer = self.endpoint.statistics(connection).unwrap().peer;
                        self.layer.ended(now, peer);
                    }
                    self.events.push(event);
                }
                Output::Wait(at) => {
                    assert!(at.is_none_or(|at| at > now));
                    assert!(self.layer.deadline().is_none_or(|at| at > now));
                    break;
                }
            }
        }
        self.bytes.1 += sent.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        sent
    }

    fn says(&mut self, connection: Connection, text: &[u8]) {
        assert!(self.endpoint.write(connection, text));
    }

    fn has(&self, is_it: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(is_it)
    }
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(1_000_000 + millis * 1_000)
}

/// Everything that one side says now arrives at the other at once, and the other way round, until both are silent.
fn talk<const N: usize, const M: usize>(now: Instant, client: &mut End<N>, server: &mut End<M>) {
    loop {
        let (up, down) = (client.poll(now), server.poll(now));
        if up.is_empty() && down.is_empty() {
            return;
        }
        for (to, datagram) in up {
            if to == server.address {
                server.receive(now, client.address, &datagram);
            }
        }
        for (to, datagram) in down {
            if to == client.address {
                client.receive(now, server.address, &datagram);
            }
        }
    }
}

/// A client and a server that have met.
fn met(purpose: Purpose) -> (End, End, Peer, Connection) {
    let (mut client, mut server) = (End::new(CLIENT), End::new(SERVER));
    let (peer, connection) = client.call(at(0), call(purpose));
    talk(at(0), &mut client, &mut server);
    (client, server, peer, connection)
}

fn only(wire: Wire) -> Vec<u8> {
    assert_eq!(wire.len(), 1, "one datagram");
    wire.into_iter().next().unwrap().1
}
