//! A client of a tracker whose user comes, goes, dies, publishes, withdraws and fetches at random.

use crate::{Checked, Random};
use skep_core::{
    Instant,
    client::{Client, Event, FetchId, Fixed, Settings, UploadId},
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    wire::{
        Name, Text,
        session::{Code, FileInfo, Way},
    },
};
use skep_smoltcp::{Admission, Machine};
use std::{collections::BTreeMap, time::Duration};

/// Room for everybody in these scenarios.
type Memories = Fixed<64, 640, 16, 4, 3000>;

/// By name what each user shares, with the lengths.
pub type List = BTreeMap<String, BTreeMap<String, u64>>;

/// How long it rests between two wishes, at most.
const PAUSE_MAX: u64 = 2_000_000;
/// Names of files that it uses.
const FILES: u64 = 8;

/// The client and its user.
pub struct Wanderer {
    name: String,
    /// Who else there may be, by number: `user 0` and so on.
    users: u64,
    client: Client<Memories>,
    random: Random,
    /// The next wish, and the moment after which there is none.
    next: Instant,
    until: Instant,
    calls: bool,
    has_left: bool,
    stream: Option<StreamId>,
    /// The stream of a client that is no more.
    orphan: Option<StreamId>,
    /// What it shares, as it believes.
    pub shares: BTreeMap<String, u64>,
    /// Downloads that could begin.
    pub begun: u64,
    /// How often it died.
    pub deaths: u64,
}

impl Wanderer {
    /// `user number` of so many, who is busy until that moment, with other wishes for each seed.
    pub fn new(seed: u64, number: u64, users: u64, until: Instant) -> Self {
        let mut random = Random::new(seed << 32 | number);
        let next = Instant::from_micros(1_000_000 + random.below(PAUSE_MAX));
        let name = format!("user {number}");
        Self {
            client: started(&name, number),
            name,
            users,
            random,
            next,
            until,
            calls: false,
            has_left: false,
            stream: None,
            orphan: None,
            shares: BTreeMap::new(),
            begun: 0,
            deaths: 0,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is logged in.
    pub fn is_online(&self) -> bool {
        self.client.is_online()
    }

    /// It leaves for good.
    pub fn leave(&mut self, now: Instant) {
        self.has_left = true;
        self.client.log_out(now);
    }

    /// What it knows of the others.
    pub fn list(&self) -> List {
        let (mut room, mut other) = ([0; 255], [0; 255]);
        let mut list = List::new();
        for user in self.client.users() {
            let name = self.client.user(user, &mut room).unwrap().0;
            assert!(list.insert(name.as_str().into(), BTreeMap::new()).is_none(), "{name} is there twice");
        }
        for file in self.client.files() {
            let (name, user, info) = self.client.file(file, &mut room).unwrap();
            let files = list.get_mut(self.client.user(user, &mut other).unwrap().0.as_str()).unwrap();
            assert!(files.insert(name.as_str().into(), info.length).is_none(), "{name} is there twice");
        }
        list
    }

    fn wish(&mut self, now: Instant) {
        let file = format!("file {}", self.random.below(FILES));
        let name = Name::new(file.as_bytes()).unwrap();
        match self.random.below(20) {
            0..=8 => {
                let length = self.random.below(4);
                let info = FileInfo { length, flags: 0, hash: None };
                assert!(self.client.publish(name, info).is_some());
                self.shares.insert(file, length);
            }
            9..=11 => {
                assert_eq!(self.client.withdraw(name), self.shares.remove(&file).is_some());
            }
            12..=16 => {
                let owner = format!("user {}", self.random.below(self.users));
                let way = self.random.one_of(&[Way::Direct, Way::Relayed]);
                let (owner, file) =
                    (Text::new(owner.as_bytes()).unwrap(), Text::new(file.as_bytes()).unwrap());
                let _ = self.client.fetch(now, owner, file, way);
            }
            17 => self.client.log_out(now),
            18 => self.die(),
            _ => {}
        }
    }

    /// The program ends without a word, and is started again: it knows nothing.
    fn die(&mut self) {
        self.deaths += 1;
        self.client = started(&self.name, self.deaths << 32);
        self.shares.clear();
        self.orphan = self.stream.take();
    }

    fn hear(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connect => self.calls = true,
            // It comes back, unless it has left for good.
            Event::Over { .. } if !self.has_left => {
                assert!(self.client.start(Text::new(self.name.as_bytes()).unwrap()));
            }
            Event::Asked(upload) => self.answer(upload),
            Event::Go(fetch) => self.go(now, fetch),
            _ => {}
        }
    }

    fn answer(&mut self, upload: UploadId) {
        match self.random.below(4) {
            0 => self.client.refuse(upload, Code::Refused),
            // It has not seen the question.
            1 => {}
            _ => self.client.accept(upload, 1, 2),
        }
    }

    fn go(&mut self, now: Instant, fetch: FetchId) {
        self.begun += 1;
        match self.random.below(3) {
            0 => self.client.owner_unreachable(now, fetch),
            _ => self.client.fetched(fetch, Code::Done),
        }
    }
}

fn started(name: &str, seed: u64) -> Client<Memories> {
    let mut client = Client::fixed(Settings::DEFAULT, seed);
    assert!(client.start(Text::new(name.as_bytes()).unwrap()));
    client
}

impl Service for Wanderer {
    type Event = ();

    fn opened(&mut self, now: Instant, stream: StreamId) -> bool {
        let is_taken = self.client.opened(now, stream);
        if is_taken {
            self.stream = Some(stream);
        }
        is_taken
    }

    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        self.client.received(now, stream, bytes)
    }

    fn moved(&mut self, _now: Instant, _stream: StreamId, _outcome: Result<(), Fault>) {}

    fn finished(&mut self, now: Instant, stream: StreamId) {
        self.client.finished(now, stream);
    }

    fn flushed(&mut self, now: Instant, stream: StreamId) {
        self.client.flushed(now, stream);
    }

    fn closed(&mut self, now: Instant, stream: StreamId, how: Closed) {
        self.stream.take_if(|open| *open == stream);
        self.orphan.take_if(|open| *open == stream);
        self.client.closed(now, stream, how);
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: std::net::SocketAddr) {}

    fn stored(&mut self, _now: Instant, _file: FileId, _outcome: Result<u64, Fault>) {}

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, ()> {
        if let Some(orphan) = self.orphan.take() {
            return Action::Abort(orphan);
        }
        if self.next <= now && now < self.until {
            self.wish(now);
            self.next = now + Duration::from_micros(1 + self.random.below(PAUSE_MAX));
            if let Some(orphan) = self.orphan.take() {
                return Action::Abort(orphan);
            }
        }
        loop {
            let (stream, length) = match self.client.poll(now, room) {
                Action::Write { stream, bytes } => (stream, bytes.len()),
                Action::Event(event) => {
                    self.hear(now, event);
                    continue;
                }
                Action::Finish(stream) => return Action::Finish(stream),
                Action::Abort(stream) => return Action::Abort(stream),
                Action::Wait(wait) => {
                    let next = (now < self.until).then_some(self.next);
                    return Action::Wait([wait, next].into_iter().flatten().min());
                }
                other => panic!("a client's session moves nothing: {other:?}"),
            };
            return Action::Write { stream, bytes: &room[..length] };
        }
    }
}

/// It calls its tracker, and is not called.
impl Machine for Wanderer {
    fn admit(&mut self, _: Instant, _: &Admission) -> bool {
        false
    }

    fn unreachable(&mut self, now: Instant, _: StreamId) {
        self.client.unreachable(now);
    }
}

impl Checked for Wanderer {
    fn check_over(&self) {
        assert!(self.client.is_over() && self.stream.is_none(), "{} is not over", self.name);
    }

    fn wants_call(&mut self) -> bool {
        std::mem::take(&mut self.calls)
    }
}
