//! A tracker with many sessions in memory, and a driver that does nothing but count.

use skep::memory::{Growing, Whole};
use skep_core::{
    Cell, Instant,
    stream::{Action, Closed, Service, StreamId},
    table::{Named, Slot},
    tracker::{
        Busy, Chunk, Dialect, Directory, Event, File, Link, Peer, Place, Profile, Settings, Tracker,
        Transfer, User,
    },
    wire::{
        command::{self, Operation},
        session::{FileInfo, Request},
    },
};
use std::{collections::HashMap, net::IpAddr, time::Duration};

const MOST: usize = 1 << 17;
const FILES: usize = 1 << 20;
/// What a driver gives room for.
const ROOM: usize = 16 << 10;

/// Memories as a host has them.
#[derive(Debug)]
pub(crate) struct Hosted;

impl Profile for Hosted {
    type Links = Growing<Named<Link<Self>>, MOST>;
    type Busy = Whole<Busy, 1>;
    type Users = Growing<Place<User>, MOST>;
    type Files = Growing<Place<File>, FILES>;
    type Index = Growing<Cell, FILES>;
    type Texts = Growing<Chunk, FILES>;
    type Changes = Growing<u32, { 1 << 16 }>;
    type Transfers = Growing<Slot<Transfer>, { 1 << 16 }>;
}

/// A tracker, and what it wrote since it was last asked.
pub struct Hub {
    tracker: Tracker<Hosted>,
    now: Instant,
    room: Vec<u8>,
    /// Streams that were written to: they are told that it has left.
    written: Vec<StreamId>,
    streams: u32,
    deliveries: u64,
    bytes: u64,
    names: HashMap<u32, String>,
}

impl Hub {
    /// With so many sessions, all of which know the list.
    pub fn with(sessions: u32) -> Self {
        let grow = || (Growing::new(), Growing::new());
        let (user_index, file_index) = grow();
        let directory = Directory::new(
            [7; 32],
            Growing::new(),
            Growing::new(),
            user_index,
            file_index,
            Growing::new(),
            Growing::new(),
        );
        // These sessions say nothing, for hours of a clock that only the benchmark moves.
        let silence = Duration::from_secs(1 << 30);
        let settings =
            Settings { seats: MOST as u32, ping_after: silence, dead_after: silence, ..Settings::DEFAULT };
        let mut hub = Self {
            tracker: Tracker::new(settings, directory, Growing::new(), Growing::new()),
            now: Instant::from_micros(1),
            room: vec![0; ROOM],
            written: Vec::new(),
            streams: 0,
            deliveries: 0,
            bytes: 0,
            names: HashMap::new(),
        };
        for _ in 0..sessions {
            // Otherwise each would be told of each before the next one comes.
            hub.join_without_news();
        }
        hub.pass();
        hub
    }

    /// One more session, which is told nothing yet.
    fn join_without_news(&mut self) -> StreamId {
        let stream = self.open(Dialect::Session);
        let name = format!("user {:06}", stream.0);
        let login = Request::Login {
            version: 1,
            wants_list: true,
            epoch: 0,
            number: 0,
            resume: [0; 16],
            door: 0,
            name: name.as_bytes(),
        };
        self.say(stream, &login);
        self.names.insert(stream.0, name);
        stream
    }

    fn open(&mut self, dialect: Dialect) -> StreamId {
        let stream = StreamId(self.streams);
        self.streams += 1;
        let peer = Peer::at(IpAddr::from([10, 0, 0, 1]));
        assert!(self.tracker.opened_as(self.now, stream, dialect, &peer));
        stream
    }

    fn say(&mut self, stream: StreamId, request: &Request<'_>) {
        let mut out = [0; 512];
        let length = request.emit(&mut out).unwrap();
        assert_eq!(self.tracker.received(self.now, stream, &out[..length]), length);
    }

    /// Somebody comes, is welcomed with the whole list, and leaves again.
    pub fn log_in_and_out(&mut self) -> u64 {
        let stream = self.join_without_news();
        let before = self.bytes;
        self.run();
        self.tracker.closed(self.now, stream, Closed::Done);
        self.run();
        self.streams -= 1;
        self.bytes - before
    }

    /// A session shares a file, and withdraws it.
    pub fn publish_and_withdraw(&mut self) {
        let file = FileInfo { length: 5, flags: 0, hash: None };
        self.say(StreamId(0), &Request::Publish { tag: 1, file, name: b"a file" });
        self.drain();
        self.say(StreamId(0), &Request::Withdraw { tag: 2, name: b"a file" });
        self.drain();
    }

    /// A session shares a file, or changes it, and all others are told; how many that were.
    pub fn announce(&mut self, length: u64) -> u64 {
        let file = FileInfo { length, flags: 0, hash: None };
        self.say(StreamId(0), &Request::Publish { tag: 1, file, name: b"a file" });
        let before = self.deliveries;
        self.pass();
        self.deliveries - before
    }

    /// So many changes, and then all others are told.
    pub fn announce_many(&mut self, count: u64, length: u64) -> u64 {
        for number in 0..count {
            let file = FileInfo { length, flags: 0, hash: None };
            let name = format!("file {number}");
            self.say(StreamId(0), &Request::Publish { tag: 1, file, name: name.as_bytes() });
        }
        let before = self.deliveries;
        self.pass();
        (self.deliveries - before) * count
    }

    /// A command from its connection to its end.
    pub fn command(&mut self, operation: Operation, strings: &[&[u8]]) {
        let stream = self.open(Dialect::Command);
        let mut out = [0; command::REQUEST_MAX];
        let length = command::emit(operation, None, strings, &mut out).unwrap();
        assert_eq!(self.tracker.received(self.now, stream, &out[..length]), length);
        self.run();
        self.tracker.closed(self.now, stream, Closed::Done);
        self.run();
        self.streams -= 1;
    }

    /// All that can be done now, and once more when gathered changes are due.
    fn pass(&mut self) {
        self.run();
        self.now = self.now + Duration::from_millis(20);
        self.run();
    }

    fn run(&mut self) {
        loop {
            self.drain();
            if self.written.is_empty() {
                return;
            }
            for stream in std::mem::take(&mut self.written) {
                self.tracker.flushed(self.now, stream);
            }
        }
    }

    /// Takes what the tracker asks for now.
    fn drain(&mut self) {
        loop {
            match self.tracker.poll(self.now, &mut self.room) {
                Action::Write { stream, bytes } => {
                    self.deliveries += 1;
                    self.bytes += bytes.len() as u64;
                    self.written.push(stream);
                }
                Action::Event(Event::Store { ticket, .. }) => {
                    self.tracker.committed(self.now, ticket, Ok(()));
                }
                Action::Wait(_) => return,
                _ => {}
            }
        }
    }
}
