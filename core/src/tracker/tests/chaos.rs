//! Many clients that come, go, die, publish, withdraw and fetch at random, against plain maps.

use super::{
    Random,
    speaker::{List, Speaker, info},
    world::World,
};
use crate::{
    miri::fewer,
    stream::Closed,
    tracker::{Fixed, Settings, Tracker},
    wire::session::{Code, Request, Side, Way},
};
use core::time::Duration;
use std::collections::BTreeMap;

const CLIENTS: usize = fewer(50, 4);
const SEEDS: u64 = fewer(40, 1);

type Profile = Fixed<
    { fewer(128, 24) },
    { fewer(40, 8) },
    { fewer(512, 80) },
    { fewer(1_024, 160) },
    { fewer(64, 16) },
    { fewer(64, 8) },
>;

struct Chaos {
    world: World<Profile>,
    random: Random,
    clients: Vec<Speaker>,
    /// What each client shares, as it believes.
    shares: Vec<BTreeMap<String, u64>>,
    /// Streams of relayed transfers.
    relays: Vec<u32>,
    resumed: usize,
    fetched: usize,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let settings = Settings {
            seats: [1, 20, 36][random.below(3)],
            waiting: [0, 3, 60][random.below(3)],
            files_per_user: 12,
            downloads_per_user: 2,
            uploads_per_user: 2,
            transfers: 12,
            ..Settings::DEFAULT
        };
        let mut world = World::new(Tracker::fixed(settings, [seed as u8; 32]));
        world.chunk = [1, 13, usize::MAX][random.below(3)];
        world.room = [512, 700, 8_192][random.below(3)];
        Self {
            world,
            random,
            clients: (0..CLIENTS)
                .map(|number| Speaker { is_strict: false, ..Speaker::new(&format!("client {number}")) })
                .collect(),
            shares: vec![BTreeMap::new(); CLIENTS],
            relays: Vec::new(),
            resumed: 0,
            fetched: 0,
        }
    }

    fn is_open(&self, number: usize) -> bool {
        let client = &self.clients[number];
        let stream = self.world.streams.get(&client.stream);
        stream.is_some_and(|stream| !stream.aborted) && client.bye.is_none()
    }

    fn is_member(&self, number: usize) -> bool {
        self.is_open(number) && self.clients[number].me.is_some()
    }

    /// The client's stream is gone; what it knows it keeps.
    fn hang_up(&mut self, number: usize) {
        let stream = std::mem::replace(&mut self.clients[number].stream, u32::MAX);
        self.world.close(stream, Closed::Broken);
        self.shares[number].clear();
        self.clients[number].asks.clear();
        self.clients[number].goes.clear();
    }

    fn step(&mut self) {
        let number = self.random.below(CLIENTS);
        let file = format!("file {}", self.random.below(14));
        match self.random.below(20) {
            0..=3 if !self.is_open(number) => {
                if self.clients[number].stream != u32::MAX {
                    self.hang_up(number);
                }
                let knew = self.clients[number].number > 0;
                if self.clients[number].join(&mut self.world) {
                    self.resumed += usize::from(knew && self.is_member(number));
                } else {
                    self.clients[number].stream = u32::MAX;
                }
            }
            4 if self.is_open(number) => self.hang_up(number),
            5 if self.is_member(number) => {
                self.clients[number].say(&mut self.world, &Request::Logout);
                self.world.run();
                self.hang_up(number);
            }
            6..=10 if self.is_member(number) => {
                let length = self.random.below(3) as u64;
                let shares = &mut self.shares[number];
                if shares.len() < 12 || shares.contains_key(&file) {
                    shares.insert(file.clone(), length);
                }
                self.clients[number].publish(&mut self.world, &file, length);
            }
            11 | 12 if self.is_member(number) => {
                self.shares[number].remove(&file);
                self.clients[number].withdraw(&mut self.world, &file);
            }
            13 | 14 if self.is_member(number) => {
                // Mostly something that was shared a moment ago.
                let known: Vec<_> = self.clients[number].files.values().cloned().collect();
                let (owner, file) = match known.get(self.random.below(known.len() + 1)) {
                    Some((owner, name, _)) => (self.clients[number].users[owner].clone(), name.clone()),
                    None => (format!("client {}", self.random.below(CLIENTS)), file),
                };
                let way = if self.random.below(2) == 0 { Way::Direct } else { Way::Relayed };
                self.clients[number].fetch(&mut self.world, 7, way, &owner, &file);
            }
            15 | 16 => self.answer(number),
            17 => {
                if let Some(stream) = self.world.streams.get_mut(&self.clients[number].stream) {
                    stream.pace = [0, 1, 20, usize::MAX][self.random.below(4)];
                }
            }
            18 => self.pull_relay(),
            _ => {
                self.world.pass(Duration::from_millis(self.random.below(2_000) as u64));
                self.keep_alive();
            }
        }
        if self.random.below(3) > 0 {
            self.world.run();
            self.clients[number].listen(&mut self.world);
        }
    }

    /// A client does something about a transfer that it knows of.
    fn answer(&mut self, number: usize) {
        for client in &mut self.clients {
            client.listen(&mut self.world);
        }
        let involved = (0..CLIENTS).filter(|&number| {
            self.is_member(number)
                && !(self.clients[number].asks.is_empty() && self.clients[number].goes.is_empty())
        });
        let involved: Vec<usize> = involved.collect();
        let number = if involved.is_empty() { number } else { involved[self.random.below(involved.len())] };
        let client = &mut self.clients[number];
        if let Some((transfer, way, token)) = client.asks.pop() {
            match self.random.below(4) {
                0 => client.say(&mut self.world, &Request::Refuse { transfer, code: Code::Refused }),
                1 => {}
                _ => {
                    client.say(&mut self.world, &Request::Ready { transfer, tcp: 1, rdt: 2 });
                    self.world.run();
                    if way == Way::Relayed {
                        self.relays.extend(client.attach(&mut self.world, transfer, token, Side::Owner));
                    }
                }
            }
        } else if let Some((_, transfer, way, token)) = client.goes.pop() {
            self.fetched += 1;
            match self.random.below(4) {
                0 => {}
                1 => client.say(&mut self.world, &Request::End { transfer, code: Code::Done }),
                _ if way == Way::Relayed => {
                    self.relays.extend(client.attach(&mut self.world, transfer, token, Side::Requester));
                }
                _ => client.say(&mut self.world, &Request::End { transfer, code: Code::Unreachable }),
            }
        }
    }

    /// Something happens to a relayed stream.
    fn pull_relay(&mut self) {
        if self.relays.is_empty() {
            return;
        }
        let place = self.random.below(self.relays.len());
        let stream = self.relays[place];
        let is_open = self.world.streams.contains_key(&stream);
        match self.random.below(4) {
            0 if is_open => self.world.finish(stream),
            1 => {
                self.world.close(stream, Closed::Broken);
                self.relays.swap_remove(place);
            }
            2 if is_open && !self.world.streams[&stream].peer_finished() => {
                self.world.write(stream, &[9; 300]);
            }
            _ => {}
        }
    }

    fn keep_alive(&mut self) {
        for number in 0..CLIENTS {
            if self.is_open(number) {
                self.clients[number].say(&mut self.world, &Request::Ping);
            }
        }
    }

    /// Nothing is on its way: every client knows the same, and it is what the others share.
    fn check(&mut self, seed: u64) {
        for stream in self.world.streams.values_mut() {
            stream.pace = usize::MAX;
        }
        for _ in 0..4 {
            self.world.pass(Duration::from_secs(1));
            self.keep_alive();
        }
        self.world.run();
        for client in &mut self.clients {
            client.listen(&mut self.world);
        }
        let mut list = List::new();
        for number in (0..CLIENTS).filter(|&number| self.is_member(number)) {
            let files =
                self.shares[number].iter().map(|(name, &length)| (name.clone(), info(length))).collect();
            list.insert(self.clients[number].name.clone(), files);
        }
        assert_eq!(self.world.tracker.online() as usize, list.len(), "seed {seed}");
        assert_eq!(self.world.tracker.seats_taken() as usize, list.len(), "seed {seed}");
        let waiting = (0..CLIENTS).filter(|&number| self.is_open(number) && !self.is_member(number)).count();
        assert_eq!(self.world.tracker.waiting() as usize, waiting, "seed {seed}");
        for number in (0..CLIENTS).filter(|&number| self.is_member(number)) {
            let mut expected = list.clone();
            expected.remove(&self.clients[number].name);
            let client = &self.clients[number];
            assert_eq!(client.list(), expected, "seed {seed}, {}", client.name);
            assert_eq!(client.number, self.world.tracker.newest().min(client.number));
        }
    }

    fn end(&mut self, seed: u64) {
        let streams: Vec<u32> = self.world.streams.keys().copied().collect();
        for stream in streams {
            self.world.close(stream, Closed::Broken);
        }
        self.world.pass(Duration::from_secs(1));
        let tracker = &self.world.tracker;
        assert_eq!(
            (tracker.links(), tracker.online(), tracker.files(), tracker.transfers()),
            (0, 0, 0, 0),
            "seed {seed}"
        );
        assert_eq!((tracker.seats_taken(), tracker.waiting(), tracker.chunks()), (0, 0, 0), "seed {seed}");
        assert_eq!(self.world.wait, None);
    }
}

#[test]
fn every_mirror_is_the_list_when_things_are_quiet_whatever_happened_before() {
    let (mut resumed, mut fetched, mut relayed) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut chaos = Chaos::new(seed);
        for _ in 0..fewer(5, 1) {
            for _ in 0..fewer(300, 25) {
                chaos.step();
            }
            chaos.check(seed);
        }
        chaos.end(seed);
        resumed += chaos.resumed;
        fetched += chaos.fetched;
        relayed += chaos.world.tracker.counters().relayed;
    }
    // It must have gone everywhere, or it has shown nothing.
    assert!(cfg!(miri) || resumed > 500 && fetched > 100 && relayed > 10, "{resumed} {fetched} {relayed}");
}
