//! Relayed transfers whose two ends come over RDT: every byte arrives in order, whatever the network loses, and who takes
//! nothing in holds up nobody else.

use skep_core::{
    Instant,
    rdt::{self, Language},
    stream::Closed,
    tracker::{self, Tracker},
    wire::session::{FileInfo, Frame, Notice, Request, Side, Way},
};
use skep_tests::{Handle, Host, Node, Simulated, Speaker, World};
use std::time::Duration;

type Memories = tracker::Fixed<32, 8, 32, 64, 16, 8>;
type Hub = Node<Host, Tracker<Memories>>;
type End = Handle<Node<Host, Speaker>>;

/// Bytes that an end says at once: no more than a connection has room for.
const FLIGHT: usize = 32 << 10;
/// Of a message.
const MESSAGE: usize = 512;

struct Scene {
    world: World<Simulated>,
    hub: Handle<Hub>,
    sessions: Vec<End>,
}

/// The owner's end of a relayed transfer, and the requester's.
#[derive(Clone, Copy)]
struct Pair {
    owner: End,
    requester: End,
}

fn settings() -> rdt::Settings {
    rdt::Settings { calls: 20, tries: 40, ..rdt::Settings::HOST }
}

fn bytes(request: &Request<'_>) -> Vec<u8> {
    let mut room = [0; MESSAGE];
    let length = request.emit(&mut room).unwrap();
    room[..length].to_vec()
}

fn content(size: usize) -> Vec<u8> {
    (0..size as u32).map(|number| (number.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect()
}

/// The first message of a kind that somebody was told, and where it ends.
fn told<T>(heard: &[u8], is_it: impl Fn(&Notice<'_>) -> Option<T>) -> Option<(T, usize)> {
    let mut rest = heard;
    while let Frame::Whole { kind, fields, length } = Frame::first(rest) {
        rest = &rest[length..];
        if let Some(found) = Notice::parse(kind, fields).ok().and_then(|notice| is_it(&notice)) {
            return Some((found, heard.len() - rest.len()));
        }
    }
    None
}

impl Scene {
    /// A tracker, an owner with a file, and so many who may fetch it.
    fn new(seed: u64, loss: u32, requesters: usize) -> Self {
        let network = Simulated::new(seed).both(|path| {
            path.loss = loss;
            path.reordering = loss / 2;
            path.duplication = loss / 2;
        });
        let mut world = World::new(network);
        let tracker = Tracker::fixed(tracker::Settings::DEFAULT, [seed as u8 | 1; 32]);
        let hub = world.add(|seat| Node::new(seat, settings(), seed, tracker));
        let mut scene = Self { world, hub, sessions: Vec::new() };
        for number in 0..=requesters {
            let name = format!("user{number}");
            let login = Request::Login {
                version: 1,
                wants_list: false,
                epoch: 0,
                number: 0,
                resume: [0; 16],
                door: 0,
                name: name.as_bytes(),
            };
            let session = scene.call(bytes(&login));
            scene.sessions.push(session);
        }
        let file = FileInfo { length: 1, flags: 0, hash: None };
        scene.says(scene.sessions[0], bytes(&Request::Publish { tag: 1, file, name: b"file" }));
        for session in scene.sessions.clone() {
            scene.hears(session, |notice| matches!(notice, Notice::Welcome { .. }).then_some(()));
        }
        scene.hears(scene.sessions[0], |notice| matches!(notice, Notice::Done { .. }).then_some(()));
        scene
    }

    /// Somebody who calls the tracker, and says this first.
    fn call(&mut self, first: Vec<u8>) -> End {
        let (address, now) = (self.world.address(self.hub), self.world.now());
        let speaker = Speaker { says: vec![first], ..Speaker::default() };
        self.world.add(|seat| {
            Node::new(seat, settings(), seat.0 as u64 + 90, speaker).calling(now, address, Language::Own)
        })
    }

    fn speaker(&mut self, end: End) -> &mut Speaker {
        &mut self.world.get_mut(end).service
    }

    fn says(&mut self, end: End, message: Vec<u8>) {
        self.speaker(end).says.push(message);
    }

    fn heard(&self, end: End) -> &[u8] {
        &self.world.get(end).service.heard
    }

    /// Goes on until somebody has been told something, and forgets what was told until then.
    fn hears<T>(&mut self, end: End, is_it: impl Fn(&Notice<'_>) -> Option<T>) -> T {
        for _ in 0..300 {
            if let Some((found, until)) = told(self.heard(end), &is_it) {
                self.speaker(end).heard.drain(..until);
                return found;
            }
            self.pass();
        }
        panic!("it was not told: {:?}", self.heard(end));
    }

    /// A tenth of a second. All who are logged in say that they are there.
    fn pass(&mut self) {
        self.world.run_for(Duration::from_millis(100));
        for session in self.sessions.clone() {
            self.says(session, bytes(&Request::Pong));
        }
    }

    /// A transfer from the owner to one of the others, joined.
    fn relay(&mut self, requester: usize) -> Pair {
        let (ana, eva) = (self.sessions[0], self.sessions[requester]);
        self.says(eva, bytes(&Request::Fetch { tag: 9, way: Way::Relayed, owner: b"user0", name: b"file" }));
        let (transfer, token) = self.hears(ana, |notice| match *notice {
            Notice::Ask { transfer, token, .. } => Some((transfer, token)),
            _ => None,
        });
        self.says(ana, bytes(&Request::Ready { transfer, tcp: 0, rdt: 0 }));
        self.hears(eva, |notice| matches!(notice, Notice::Go { .. }).then_some(()));
        let attach = |side| bytes(&Request::Attach { transfer, token, side });
        let pair =
            Pair { owner: self.call(attach(Side::Owner)), requester: self.call(attach(Side::Requester)) };
        for end in [pair.owner, pair.requester] {
            self.hears(end, |notice| matches!(notice, Notice::Attached).then_some(()));
        }
        pair
    }

    /// One end says so much as it has room for.
    fn fly(&mut self, end: End, flight: &[u8]) {
        let messages: Vec<_> = flight.chunks(MESSAGE).map(<[u8]>::to_vec).collect();
        self.speaker(end).says.extend(messages);
    }

    /// One end says all of this, a flight after the other.
    fn send(&mut self, pair: Pair, content: &[u8]) {
        let mut sent = 0;
        for flight in content.chunks(FLIGHT) {
            self.fly(pair.owner, flight);
            sent += flight.len();
            self.until(|scene| scene.heard(pair.requester).len() == sent);
        }
    }

    fn until(&mut self, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..3_000 {
            if is_so(self) {
                return;
            }
            self.pass();
        }
        panic!("it was never so");
    }
}

#[test]
fn every_byte_passes_both_ways_in_order_over_networks_that_lose() {
    for (seed, loss) in [(1, 0), (2, 30), (3, 100)] {
        let mut scene = Scene::new(seed, loss, 1);
        let pair = scene.relay(1);
        scene.fly(pair.requester, b"request");
        scene.until(|scene| scene.heard(pair.owner) == b"request");
        let content = content(200_000);
        scene.send(pair, &content);
        assert!(scene.heard(pair.requester) == content);
        for end in [pair.owner, pair.requester] {
            scene.speaker(end).finishes = true;
        }
        scene.until(|scene| {
            let closed = |end: End| scene.world.get(end).service.closed;
            closed(pair.owner) == Some(Closed::Done) && closed(pair.requester) == Some(Closed::Done)
        });
        scene.until(|scene| scene.world.get(scene.hub).service.transfers() == 0);
    }
}

#[test]
fn an_end_that_takes_nothing_in_holds_up_its_own_transfer_and_no_other() {
    let mut scene = Scene::new(4, 30, 2);
    let (slow, fast) = (scene.relay(1), scene.relay(2));
    let content = content(200_000);
    let until: Instant = scene.world.now() + Duration::from_secs(40);
    scene.speaker(slow.requester).deaf_until = Some(until);
    scene.fly(slow.owner, &content[..FLIGHT]);
    scene.send(fast, &content);
    assert!(scene.heard(fast.requester) == content);
    assert!(scene.world.now() < until && scene.heard(slow.requester).is_empty());
    // It goes on where it stopped.
    scene.until(|scene| scene.heard(slow.requester).len() == FLIGHT);
    let sent = scene.heard(slow.requester).to_vec();
    assert!(sent == content[..FLIGHT]);
}

#[test]
fn when_one_end_dies_the_other_is_let_go() {
    for dies in [Side::Owner, Side::Requester] {
        let mut scene = Scene::new(5, 30, 1);
        let pair = scene.relay(1);
        scene.fly(pair.owner, &content(FLIGHT));
        let (dead, left) = match dies {
            Side::Owner => (pair.owner, pair.requester),
            Side::Requester => (pair.requester, pair.owner),
        };
        scene.world.get_mut(dead).abort_all();
        scene.until(|scene| scene.world.get(left).service.closed == Some(Closed::Broken));
        scene.until(|scene| scene.world.get(scene.hub).service.transfers() == 0);
    }
}
