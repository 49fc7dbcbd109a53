//! Clients that are connected to a tracker by queues of bytes.

use super::{Client, Event, Fixed, Settings};
use crate::{
    Instant,
    client::{EntryId, Go, UserId},
    limits::MESSAGE_MAX,
    miri::fewer,
    stream::{Action, Closed, Service, StreamId},
    tracker::{self, Dialect, Peer, Tracker, tests::world::World},
    wire::{Name, Text, session::FileInfo},
};
use core::{net::IpAddr, time::Duration};
use std::collections::BTreeMap;

pub(super) type Small = Fixed<{ fewer(24, 6) }, { fewer(128, 24) }, 16, 4, { fewer(400, 60) }>;
pub(super) type List = BTreeMap<String, BTreeMap<String, u64>>;
type Room = tracker::Fixed<
    { fewer(64, 16) },
    { fewer(32, 8) },
    { fewer(256, 32) },
    { fewer(512, 96) },
    { fewer(32, 8) },
    { fewer(16, 8) },
>;

pub(super) fn text(text: &str) -> Text<'_> {
    Text::new(text.as_bytes()).unwrap()
}

/// A client, its stream to the tracker, and what its application makes of the events.
pub(super) struct Node {
    pub client: Client<Small>,
    pub name: String,
    pub stream: Option<u32>,
    input: Vec<u8>,
    owes_flush: bool,
    is_due: bool,
    wait: Option<Instant>,
    pub events: Vec<Event>,
    /// The list by events alone.
    pub seen: List,
    users: BTreeMap<UserId, String>,
    files: BTreeMap<EntryId, (UserId, String)>,
    pub gone: Vec<Go>,
}

pub(super) struct Net {
    pub world: World<Room>,
    pub nodes: Vec<Node>,
    /// No stream to the tracker can be opened.
    pub is_down: bool,
    /// The most bytes that are offered at a time.
    pub chunk: usize,
}

impl Net {
    pub(super) fn new(settings: tracker::Settings) -> Self {
        let world = World::new(Tracker::fixed(settings, [5; 32]));
        Self { world, nodes: Vec::new(), is_down: false, chunk: usize::MAX }
    }

    /// Another run of the tracker: all streams are gone.
    pub(super) fn restart(&mut self, settings: tracker::Settings, seed: u8) {
        let now = self.world.now;
        self.world = World::new(Tracker::fixed(settings, [seed; 32]));
        self.world.now = now;
        for node in &mut self.nodes {
            if let Some(stream) = node.stream.take() {
                node.lose(now, stream);
            }
        }
        self.run();
    }

    pub(super) fn add(&mut self, name: &str, settings: Settings) -> usize {
        let number = self.nodes.len();
        let mut client = Client::fixed(settings, number as u64 + 1);
        assert!(client.start(text(name)));
        self.nodes.push(Node {
            client,
            name: name.into(),
            stream: None,
            input: Vec::new(),
            owes_flush: false,
            is_due: false,
            wait: None,
            events: Vec::new(),
            seen: List::new(),
            users: BTreeMap::new(),
            files: BTreeMap::new(),
            gone: Vec::new(),
        });
        self.run();
        number
    }

    pub(super) fn publish(&mut self, node: usize, name: &str, length: u64) {
        let info = FileInfo { length, flags: 0, hash: None };
        let name = Name::new(name.as_bytes()).unwrap();
        assert!(self.nodes[node].client.publish(name, info).is_some());
    }

    pub(super) fn withdraw(&mut self, node: usize, name: &str) -> bool {
        self.nodes[node].client.withdraw(Name::new(name.as_bytes()).unwrap())
    }

    /// A client's stream breaks; the tracker learns of it at once, or not.
    pub(super) fn cut(&mut self, node: usize, tracker_learns: bool) {
        let Some(stream) = self.nodes[node].stream.take() else { return };
        if tracker_learns {
            self.world.close(stream, Closed::Broken);
        }
        let now = self.world.now;
        self.nodes[node].lose(now, stream);
        self.run();
    }

    pub(super) fn pass(&mut self, span: Duration) {
        self.run();
        let end = self.world.now + span;
        // From one deadline to the next, as a driver does.
        while self.world.now < end {
            let deadlines = self.nodes.iter().filter_map(|node| node.wait).chain(self.world.wait);
            self.world.now = deadlines.min().map_or(end, |next| next.min(end));
            self.run();
        }
    }

    /// Goes on until nothing is left to do now.
    pub(super) fn run(&mut self) {
        for _ in 0..100_000 {
            self.world.run();
            self.world.tidy();
            let moved = (0..self.nodes.len()).filter(|&node| self.step(node)).count();
            if moved == 0 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    fn step(&mut self, number: usize) -> bool {
        let mut has_moved = self.drain(number);
        let Some(stream) = self.nodes[number].stream else { return has_moved };
        let now = self.world.now;
        let arrived = self.world.read(stream);
        let node = &mut self.nodes[number];
        node.is_due |= !arrived.is_empty();
        node.input.extend(arrived);
        if std::mem::take(&mut node.owes_flush) {
            node.client.flushed(now, StreamId(stream));
            has_moved = true;
        }
        if std::mem::take(&mut node.is_due) && !node.input.is_empty() {
            let offered = node.input.len().min(self.chunk.max(MESSAGE_MAX));
            let taken = node.client.received(now, StreamId(stream), &node.input[..offered]);
            node.input.drain(..taken);
            node.is_due = taken > 0;
            has_moved |= taken > 0;
        }
        let is_over = self.world.streams.get(&stream).is_none_or(|found| found.finished || found.aborted);
        if is_over && node.stream.is_some() && !node.is_due {
            node.stream = None;
            node.lose(now, stream);
            self.world.close(stream, Closed::Broken);
            return true;
        }
        has_moved
    }

    /// What a client asks for.
    fn drain(&mut self, number: usize) -> bool {
        let mut has_acted = false;
        for _ in 0..10_000 {
            let (now, is_down) = (self.world.now, self.is_down);
            let node = &mut self.nodes[number];
            let mut room = [0; MESSAGE_MAX];
            match node.client.poll(now, &mut room) {
                Action::Write { stream, bytes } => {
                    assert_eq!(node.stream, Some(stream.0));
                    assert!(!bytes.is_empty() && !node.owes_flush);
                    node.owes_flush = true;
                    node.is_due = true;
                    self.world.write(stream.0, bytes);
                }
                Action::Abort(stream) => {
                    assert_eq!(node.stream.take(), Some(stream.0));
                    node.lose(now, stream.0);
                    self.world.close(stream.0, Closed::Broken);
                }
                Action::Finish(stream) => {
                    assert_eq!(node.stream.take(), Some(stream.0));
                    node.input.clear();
                    node.owes_flush = false;
                    self.world.finish(stream.0);
                }
                Action::Event(Event::Connect) => {
                    node.events.push(Event::Connect);
                    let peer = Peer::at(IpAddr::from([10, 0, 0, number as u8]));
                    let stream = if is_down { None } else { self.world.open(Dialect::Session, &peer) };
                    let node = &mut self.nodes[number];
                    match stream {
                        Some(stream) => {
                            assert!(node.client.opened(now, StreamId(stream)));
                            assert_eq!(node.stream.replace(stream), None);
                        }
                        None => node.client.unreachable(now),
                    }
                }
                Action::Event(event) => node.hear(event),
                Action::Wait(wait) => {
                    assert!(wait.is_none_or(|wait| wait > now), "it spins");
                    node.wait = wait;
                    return has_acted;
                }
                action => panic!("{action:?}"),
            }
            has_acted = true;
        }
        panic!("it spins");
    }
}

impl Node {
    fn lose(&mut self, now: Instant, stream: u32) {
        self.input.clear();
        self.owes_flush = false;
        self.is_due = false;
        self.client.closed(now, StreamId(stream), Closed::Broken);
    }

    /// What an application keeps by the events alone; names are asked for at once.
    fn hear(&mut self, event: Event) {
        let mut room = [0; 255];
        match event {
            Event::Cleared => {
                self.seen.clear();
                self.users.clear();
                self.files.clear();
            }
            Event::Came(user) => {
                let name = self.client.user(user, &mut room).unwrap().0.as_str().to_owned();
                assert!(self.seen.insert(name.clone(), BTreeMap::new()).is_none(), "{name} came twice");
                self.users.insert(user, name);
            }
            Event::Left(user) => {
                let name = self.client.user(user, &mut room).unwrap().0.as_str().to_owned();
                assert_eq!(self.users.remove(&user), Some(name.clone()));
                assert!(self.seen.remove(&name).is_some());
            }
            Event::Shared(file) => {
                let (name, user, info) = self.client.file(file, &mut room).unwrap();
                let name = name.as_str().to_owned();
                let files = self.seen.get_mut(&self.users[&user]).expect("a file of nobody");
                assert_ne!(files.insert(name.clone(), info.length), Some(info.length), "told twice");
                self.files.insert(file, (user, name));
            }
            Event::Unshared(file) => {
                let (user, name) = self.files.remove(&file).unwrap();
                assert_eq!(self.client.file(file, &mut room).unwrap().0.as_str(), name);
                assert!(self.seen.get_mut(&self.users[&user]).unwrap().remove(&name).is_some());
            }
            Event::Go(fetch) => self.gone.push(*self.client.way(fetch).unwrap()),
            _ => {}
        }
        self.events.push(event);
    }

    /// The mirror, as it is.
    pub(super) fn list(&self) -> List {
        let mut list = List::new();
        let (mut room, mut other) = ([0; 255], [0; 255]);
        for user in self.client.users() {
            list.insert(self.client.user(user, &mut room).unwrap().0.as_str().into(), BTreeMap::new());
        }
        for file in self.client.files() {
            let (name, user, info) = self.client.file(file, &mut room).unwrap();
            let user = self.client.user(user, &mut other).unwrap().0;
            list.get_mut(user.as_str()).unwrap().insert(name.as_str().into(), info.length);
        }
        list
    }

    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}
