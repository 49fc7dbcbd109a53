//! One end: an endpoint, its driver and its application.

use super::{
    network::{Network, address},
    sealing::Sealing,
};
use crate::Choices;
use skep_core::{
    Instant,
    rdt::{
        ConnectionId, Endpoint, Error, Event, Fixed, Incoming, Language, Output, Peer, Settings, Ticket,
        Transmit,
    },
    stream::FileId,
};
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

/// The application's message before its content: how long that is.
const HEADER: usize = 4;
const POLLS_MAX: usize = 10_000;

/// The content that a side sends.
fn content(number: usize, place: u64) -> u8 {
    (place as u8).wrapping_mul(7) ^ (place >> 8) as u8 ^ number as u8
}

pub(crate) struct Side {
    number: usize,
    pub(crate) sealing: Option<Sealing>,
    endpoint: Endpoint<Fixed<2, 16, true, true>>,
    room: Vec<u8>,
    deadline: Option<Instant>,
    /// The connection that counts.
    connection: Option<ConnectionId>,
    end: Option<Result<(), Error>>,
    /// Bytes to be sent.
    length: usize,
    /// What came of the peer's header.
    header: Vec<u8>,
    /// Which bytes of the content are there; none before the header is.
    stored: Option<Vec<bool>>,
    /// A byte was not the one that was sent.
    pub(crate) is_wrong: bool,
    /// Datagrams of a known peer that came too early, by number.
    kept: BTreeMap<u32, (Peer, Vec<u8>)>,
    resume_at: Option<Instant>,
    pub(crate) has_aborted: bool,
    /// The peer finished before all its content came, and whether it speaks skep's own language.
    pub(crate) is_short: bool,
    pub(crate) is_own: bool,
    /// Something was not as a good driver has it.
    pub(crate) is_rough: bool,
}

impl Side {
    pub(crate) fn new(number: usize, settings: Settings, length: usize) -> Self {
        let (connections, index, replies) = Default::default();
        Self {
            number,
            sealing: None,
            endpoint: Endpoint::new(settings, number as u64, connections, index, replies),
            room: vec![0; 8 << 10],
            deadline: None,
            connection: None,
            end: None,
            length,
            header: Vec::new(),
            stored: None,
            is_wrong: false,
            kept: BTreeMap::new(),
            resume_at: None,
            has_aborted: false,
            is_short: false,
            is_own: false,
            is_rough: false,
        }
    }

    pub(crate) fn call(&mut self, now: Instant, language: Language) {
        let to = match &mut self.sealing {
            None => address(1 - self.number).into(),
            Some(sealing) => sealing.connect(now, address(1 - self.number)),
        };
        self.connection = self.endpoint.connect(now, to, language);
    }

    /// The application has had enough.
    pub(crate) fn abort(&mut self) {
        self.has_aborted = true;
        self.connection.into_iter().for_each(|connection| self.endpoint.abort(connection));
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let sealing = self.sealing.as_ref().and_then(Sealing::deadline);
        self.deadline.into_iter().chain(self.resume_at).chain(sealing).min()
    }

    pub(crate) fn count(&self) -> usize {
        self.endpoint.count()
    }

    pub(crate) fn end(&self) -> Option<Result<(), Error>> {
        self.end
    }

    /// Whether all the content is stored.
    pub(crate) fn is_complete(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.iter().all(|&is_stored| is_stored))
    }

    /// A datagram came.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        choices: &mut Choices<'_>,
    ) {
        let mut datagram = datagram.to_vec();
        let (from, datagram) = match &mut self.sealing {
            None => (from.into(), &datagram[..]),
            Some(sealing) => match sealing.receive(now, from, &mut datagram) {
                Some(opened) => opened,
                None => return,
            },
        };
        self.feed(now, from, datagram, choices);
        // What was kept comes again in its turn. It was acknowledged: now it may not be lost any more.
        let choices = &mut Choices::new(&[]);
        while let Some(connection) = self.connection
            && let Some(expected) = self.endpoint.expected(connection)
            && let Some((from, datagram)) = self.kept.remove(&expected)
        {
            self.feed(now, from, &datagram, choices);
        }
    }

    fn feed(&mut self, now: Instant, from: Peer, datagram: &[u8], choices: &mut Choices<'_>) {
        let Ok(Some(incoming)) = self.endpoint.handle(now, from, datagram) else { return };
        if choices.rarely(32) {
            // The driver loses it. The segment must come again.
            self.is_rough = true;
            return;
        }
        match incoming {
            Incoming::Message { ticket, bytes } => self.message(now, &ticket, bytes, choices),
            Incoming::Store { ticket, offset, bytes, .. } => self.store(&ticket, offset, bytes),
            Incoming::Early { ticket, number } => {
                if self.connection == Some(ticket.connection()) && !choices.rarely(4) {
                    self.kept.insert(number, (from, datagram.to_vec()));
                    self.endpoint.kept(&ticket);
                }
            }
        }
    }

    fn message(&mut self, now: Instant, ticket: &Ticket, bytes: &[u8], choices: &mut Choices<'_>) {
        let connection = ticket.connection();
        if self.connection != Some(connection) {
            self.endpoint.taken(ticket, bytes.len());
            return;
        }
        if choices.rarely(16) {
            // The application is busy.
            self.is_rough = true;
            self.endpoint.taken(ticket, 0);
            self.resume_at = Some(now + Duration::from_millis(1 + 40 * u64::from(choices.byte())));
            return;
        }
        let is_header = self.stored.is_none();
        let taken = if is_header { bytes.len().min(HEADER - self.header.len()) } else { bytes.len() };
        self.endpoint.taken(ticket, taken);
        if is_header {
            self.header.extend(&bytes[..taken]);
            if let Ok(header) = <[u8; HEADER]>::try_from(&self.header[..]) {
                // A liar's length is as good as any: it must only not hurt the test.
                let length = u32::from_be_bytes(header).min(1 << 16);
                self.stored = Some(vec![false; length as usize]);
                self.endpoint.receive(connection, FileId(1), 0, u64::from(length));
            }
        }
        if let Some(Incoming::Store { ticket, offset, bytes, .. }) =
            self.endpoint.rest(ticket, &bytes[taken..])
        {
            self.store(&ticket, offset, bytes);
        }
    }

    fn store(&mut self, ticket: &Ticket, offset: u64, bytes: &[u8]) {
        let stored = self.stored.as_mut().expect("content before it was asked for");
        for (place, &byte) in (offset..).zip(bytes) {
            stored[place as usize] = true;
            self.is_wrong |= byte != content(1 - self.number, place);
        }
        self.endpoint.stored(ticket);
    }

    /// The connection is open: says how long the content is, sends it, and has nothing more to say.
    fn begin(&mut self, connection: ConnectionId) {
        let header = (self.length as u32).to_be_bytes();
        assert!(self.endpoint.write(connection, &header));
        assert!(self.endpoint.send(connection, FileId(0), 0, self.length as u64));
        self.endpoint.finish(connection);
    }

    fn learn(&mut self, now: Instant, event: Event, is_tampered: bool) {
        match event {
            Event::Connected(connection) => self.begin(connection),
            Event::Received(connection) => {
                assert!(self.connection == Some(connection) && (self.is_complete() || is_tampered));
            }
            Event::Sent(connection) => assert_eq!(self.connection, Some(connection)),
            Event::Finished(connection) if !self.is_complete() => {
                self.is_short = true;
                self.is_own = self.endpoint.statistics(connection).is_some_and(|statistics| statistics.own);
                self.endpoint.abort(connection);
            }
            Event::Finished(_) | Event::Flushed(_) => {}
            Event::Closed(connection, end) => {
                if let Some(sealing) = &mut self.sealing
                    && let Some(statistics) = self.endpoint.statistics(connection)
                {
                    sealing.ended(now, statistics.peer);
                }
                if self.connection == Some(connection) {
                    assert!(self.end.replace(end).is_none(), "it ended twice");
                }
            }
        }
    }

    /// What the layer itself has to say; and the caller's address may change.
    fn drain_layer(&mut self, now: Instant, network: &mut Network, choices: &mut Choices<'_>) {
        let Some(sealing) = &mut self.sealing else { return };
        sealing.turn(now, !choices.is_over() && choices.rarely(32));
        if self.number == 0 && !choices.is_over() && choices.rarely(64) {
            network.is_rough = true;
            network.moved = Some(SocketAddr::from(([10, 0, 0, 1], 1_000 + u16::from(choices.byte() % 4))));
        }
        for packets in 0.. {
            assert!(packets < POLLS_MAX, "the layer spins");
            let Some((to, datagram)) = sealing.poll(now) else { break };
            if to == network.address(1 - self.number) {
                network.send(now, self.number, &datagram, choices);
            }
        }
    }

    /// Goes on until the endpoint waits.
    pub(crate) fn drain(&mut self, now: Instant, network: &mut Network, choices: &mut Choices<'_>) {
        if self.resume_at.is_some_and(|at| at <= now) {
            self.resume_at = None;
            self.connection.into_iter().for_each(|connection| self.endpoint.resume(connection));
        }
        while let Some((connection, peer)) = self.endpoint.accept(now) {
            let is_it = match &self.sealing {
                None => peer == address(1 - self.number),
                Some(sealing) => sealing.is_caller(peer),
            };
            if self.connection.is_none() && is_it {
                self.connection = Some(connection);
                self.begin(connection);
            } else {
                // Calls that took their time, and strangers: as an application does with those who ask nothing.
                self.endpoint.abort(connection);
            }
        }
        if !choices.is_over() && choices.rarely(128) {
            self.abort();
        }
        self.drain_layer(now, network, choices);
        let mut room = std::mem::take(&mut self.room);
        for polls in 0.. {
            assert!(polls < POLLS_MAX, "it spins");
            match self.endpoint.poll(now, &mut room) {
                Output::Transmit(mut transmit) => {
                    load(&mut transmit, self.number);
                    let to = match &mut self.sealing {
                        None => transmit.to.address(),
                        Some(sealing) => sealing.seal(&mut transmit),
                    };
                    // Nobody hears what strangers are told.
                    if to == Some(network.address(1 - self.number)) {
                        for datagram in transmit.bytes.chunks(transmit.size) {
                            network.send(now, self.number, datagram, choices);
                        }
                    }
                }
                Output::Event(event) => {
                    let may_be_wrong = network.is_tampered && self.sealing.is_none();
                    self.learn(now, event, may_be_wrong);
                }
                Output::Wait(until) => {
                    assert!(until.is_none_or(|until| until > now), "it waits for the past");
                    self.deadline = until;
                    break;
                }
            }
        }
        self.room = room;
    }
}

/// Reads the content into datagrams, as a driver reads a file.
fn load(transmit: &mut Transmit<'_>, number: usize) {
    assert!(!transmit.bytes.is_empty() && transmit.size > 0, "nothing is sent");
    let Some(load) = transmit.load else { return };
    let mut place = load.offset;
    for datagram in transmit.bytes.chunks_mut(transmit.size) {
        let end = datagram.len() - load.trailer;
        for byte in &mut datagram[load.header..end] {
            *byte = content(number, place);
            place += 1;
        }
    }
    assert_eq!(place, load.offset + load.length as u64, "the range is not what the datagrams have room for");
}
