//! One end: an endpoint, its driver and its application.

use super::network::Network;
use crate::Choices;
use skep_core::{
    Instant,
    rdt::{
        ConnectionId, Endpoint, Error, Event, Fixed, Incoming, Language, Output, Settings, Ticket, Transmit,
    },
    stream::FileId,
};
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

/// The application's message before its content: how long that is.
const HEADER: usize = 4;
const POLLS_MAX: usize = 10_000;

/// The address of a side.
pub(crate) fn address(number: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1 + number as u8], 7))
}

/// The content that a side sends.
fn content(number: usize, place: u64) -> u8 {
    (place as u8).wrapping_mul(7) ^ (place >> 8) as u8 ^ number as u8
}

pub(crate) struct Side {
    number: usize,
    endpoint: Endpoint<Fixed<2, 16>>,
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
    kept: BTreeMap<u32, (SocketAddr, Vec<u8>)>,
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
        self.connection = self.endpoint.connect(now, address(1 - self.number), language);
    }

    /// The application has had enough.
    pub(crate) fn abort(&mut self) {
        self.has_aborted = true;
        self.connection.into_iter().for_each(|connection| self.endpoint.abort(connection));
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline.into_iter().chain(self.resume_at).min()
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

    fn feed(&mut self, now: Instant, from: SocketAddr, datagram: &[u8], choices: &mut Choices<'_>) {
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

    fn learn(&mut self, event: Event, is_tampered: bool) {
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
            Event::Finished(_) => {}
            Event::Closed(connection, end) => {
                if self.connection == Some(connection) {
                    assert!(self.end.replace(end).is_none(), "it ended twice");
                }
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
            if self.connection.is_none() && peer == address(1 - self.number) {
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
        let mut room = std::mem::take(&mut self.room);
        for polls in 0.. {
            assert!(polls < POLLS_MAX, "it spins");
            match self.endpoint.poll(now, &mut room) {
                Output::Transmit(mut transmit) => {
                    load(&mut transmit, self.number);
                    // Nobody hears what strangers are told.
                    if transmit.to == address(1 - self.number) {
                        for datagram in transmit.bytes.chunks(transmit.size) {
                            network.send(now, self.number, datagram, choices);
                        }
                    }
                }
                Output::Event(event) => self.learn(event, network.is_tampered),
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
        for byte in &mut datagram[load.header..] {
            *byte = content(number, place);
            place += 1;
        }
    }
    assert_eq!(place, load.offset + load.length as u64, "the range is not what the datagrams have room for");
}
