//! Bad input: the sender is told what was wrong, the event is counted, and nothing else changes.

use super::{Small, speaker::Speaker, speaker::info, tracker, world::World};
use crate::{
    count::count,
    tracker::{Counters, Dialect, Peer, Settings},
    wire::session::{Code, FileInfo, Request, Side, Way},
};
use core::{net::IpAddr, time::Duration};

/// Everybody who is there, and what can be seen of the tracker.
struct Scene {
    world: World<Small>,
    owner: Speaker,
    sender: Speaker,
    bystander: Speaker,
    /// A transfer of others.
    transfer: u32,
    token: [u8; 16],
}

impl Scene {
    fn new() -> Self {
        // Nothing happens by itself.
        let never = Duration::from_secs(1 << 30);
        let settings =
            Settings { attach_timeout: never, ping_after: never, dead_after: never, ..Settings::DEFAULT };
        let mut world = World::new(tracker(settings));
        let mut join = |name: &str| {
            let mut speaker = Speaker::new(name);
            assert!(speaker.join(&mut world));
            speaker
        };
        let (owner, sender, bystander) = (join("owner"), join("sender"), join("bystander"));
        let mut scene = Self { world, owner, sender, bystander, transfer: 0, token: [0; 16] };
        scene.owner.publish(&mut scene.world, "x", 5);
        scene.settle();
        scene.bystander.fetch(&mut scene.world, 1, Way::Relayed, "owner", "x");
        scene.settle();
        (scene.transfer, _, scene.token) = scene.owner.asks[0];
        scene.owner.say(&mut scene.world, &Request::Ready { transfer: scene.transfer, tcp: 0, rdt: 0 });
        scene.settle();
        scene
    }

    fn settle(&mut self) {
        self.world.pass(Duration::from_secs(1));
        for speaker in [&mut self.owner, &mut self.sender, &mut self.bystander] {
            speaker.listen(&mut self.world);
        }
    }

    /// What the others could notice.
    fn seen(&self) -> impl PartialEq + core::fmt::Debug + use<> {
        let tracker = &self.world.tracker;
        let others = [&self.owner, &self.bystander].map(|speaker| {
            (
                speaker.list(),
                speaker.told,
                speaker.upto,
                speaker.heard.len(),
                speaker.ended.len(),
                speaker.bye,
            )
        });
        let counts = [tracker.links(), tracker.files(), tracker.transfers(), tracker.chunks()];
        (others, counts, tracker.newest(), tracker.online(), tracker.seats_taken())
    }

    /// The sender says something; what it is told, when nothing but one counter has changed.
    fn refused(&mut self, request: &Request<'_>, counter: fn(&mut Counters) -> &mut u64) -> Vec<(u32, Code)> {
        let (before, mut counters) = (self.seen(), self.world.tracker.counters());
        self.sender.say(&mut self.world, request);
        self.settle();
        assert_eq!(self.seen(), before, "{request:?}");
        count(counter(&mut counters));
        assert_eq!(self.world.tracker.counters(), counters, "{request:?}");
        assert_eq!(self.sender.bye, None);
        core::mem::take(&mut self.sender.failed)
    }
}

#[test]
fn requests_that_cannot_be_granted_are_answered_counted_and_change_nothing() {
    let mut scene = Scene::new();
    let long = "n".repeat(255);
    let publish = |name| Request::Publish { tag: 7, file: info(1), name };
    let fetch = |way, owner, name| Request::Fetch { tag: 7, way, owner, name };
    for name in
        [b"".as_slice(), b"a\0b", b"a\nb", b"\x1b[2J", b"\xff\xfe", b"..", b"/etc/passwd", b"a//b", b"a\\b"]
    {
        assert_eq!(scene.refused(&publish(name), |it| &mut it.refused), [(7, Code::BadName)], "{name:?}");
        let withdraw = Request::Withdraw { tag: 7, name };
        assert_eq!(scene.refused(&withdraw, |it| &mut it.refused), [(7, Code::NotShared)], "{name:?}");
        let fetch = fetch(Way::Direct, b"owner", name);
        assert_eq!(scene.refused(&fetch, |it| &mut it.refused), [(7, Code::NotShared)], "{name:?}");
    }
    for (request, code) in [
        // Somebody else's file.
        (Request::Withdraw { tag: 7, name: b"x" }, Code::NotShared),
        (fetch(Way::Direct, b"sender", b"x"), Code::NotShared),
        (fetch(Way::Relayed, b"owner", b"not shared"), Code::NotShared),
        (fetch(Way::Direct, b"nobody", b"x"), Code::UnknownUser),
        (fetch(Way::Direct, b"own\0er", b"x"), Code::UnknownUser),
        (fetch(Way::Direct, long.as_bytes(), b"x"), Code::UnknownUser),
        (fetch(Way::Command, b"owner", b"x"), Code::NotAllowed),
    ] {
        assert_eq!(scene.refused(&request, |it| &mut it.refused), [(7, code)], "{request:?}");
    }
    // A length that no file has is none of the tracker's business; who publishes it is told that it is done.
    let huge = FileInfo { length: u64::MAX, flags: 0, hash: None };
    scene.sender.say(&mut scene.world, &Request::Publish { tag: 8, file: huge, name: b"huge" });
    scene.settle();
    assert_eq!(scene.sender.heard.last().unwrap(), "Done { tag: 8 }");
}

#[test]
fn answers_for_a_transfer_of_others_are_counted_and_change_nothing() {
    let mut scene = Scene::new();
    let transfer = scene.transfer;
    for request in [
        Request::Ready { transfer, tcp: 1, rdt: 1 },
        Request::Refuse { transfer, code: Code::Refused },
        Request::End { transfer, code: Code::Done },
        Request::End { transfer: transfer ^ 1, code: Code::Done },
        Request::End { transfer: transfer ^ 1 << 16, code: Code::Done },
        Request::Ready { transfer: u32::MAX, tcp: 0, rdt: 0 },
    ] {
        assert_eq!(scene.refused(&request, |it| &mut it.strangers), []);
    }
    // One end of it, from elsewhere or without the token.
    let elsewhere = IpAddr::from([10, 9, 9, 9]);
    let here = IpAddr::from([10, 0, 0, 1]);
    for (address, token, side) in [
        (elsewhere, scene.token, Side::Owner),
        (elsewhere, scene.token, Side::Requester),
        (here, [0; 16], Side::Owner),
    ] {
        let (before, mut counters) = (scene.seen(), scene.world.tracker.counters());
        let stream = scene.world.open(Dialect::Session, &Peer::at(address)).unwrap();
        let mut bytes = [0; 64];
        let length = Request::Attach { transfer, token, side }.emit(&mut bytes).unwrap();
        scene.world.write(stream, &bytes[..length]);
        scene.settle();
        assert_eq!(scene.world.read(stream), [0, 2, 0x2c, 15]);
        scene.world.finish(stream);
        scene.world.tidy();
        assert_eq!(scene.seen(), before);
        count(&mut counters.strangers);
        assert_eq!(scene.world.tracker.counters(), counters);
    }
}

#[test]
fn who_breaks_the_format_is_told_counted_and_gone_and_nobody_else_notices() {
    let mut login = [0; 512];
    let request = |name| Request::Login {
        version: 1,
        wants_list: true,
        epoch: 0,
        number: 0,
        resume: [0; 16],
        door: 0,
        name,
    };
    let length = request(b"bystander").emit(&mut login).unwrap();
    // Instead of a log-in: nothing that has a kind, fields that are cut, what may not come first.
    for bytes in
        [&[0, 0][..], &[0, 1, 1], &[0, 2, 3, 0], b"\0\x05\x05\0\0\0\x01", b"\0\x09\x04\0\0\0\x01\xffx\0\0"]
    {
        let mut scene = Scene::new();
        let (before, mut counters) = (scene.seen(), scene.world.tracker.counters());
        let stream = scene.world.open(Dialect::Session, &Peer::at(IpAddr::from([10, 0, 0, 3]))).unwrap();
        scene.world.write(stream, bytes);
        scene.settle();
        assert_eq!(scene.world.read(stream), [0, 2, 0x2c, 1], "{bytes:?}");
        scene.world.finish(stream);
        scene.world.tidy();
        assert_eq!(scene.seen(), before);
        count(&mut counters.malformed);
        assert_eq!(scene.world.tracker.counters(), counters);
    }
    // A name that is there already, and names that nobody can have.
    let second = login[..length].to_vec();
    let mut bad = vec![(second, Code::NameInUse)];
    for name in [b"".as_slice(), b"a\0", b"a\n", b"\xff", &[b'x'; 65], &[b'x'; 255]] {
        let length = request(name).emit(&mut login).unwrap();
        bad.push((login[..length].to_vec(), Code::BadName));
    }
    let mut scene = Scene::new();
    for (bytes, code) in bad {
        let (before, mut counters) = (scene.seen(), scene.world.tracker.counters());
        let stream = scene.world.open(Dialect::Session, &Peer::at(IpAddr::from([10, 0, 0, 3]))).unwrap();
        scene.world.write(stream, &bytes);
        scene.settle();
        assert_eq!(scene.world.read(stream), [0, 2, 0x2c, code.into()]);
        scene.world.finish(stream);
        scene.world.tidy();
        assert_eq!(scene.seen(), before);
        count(&mut counters.logins_refused);
        assert_eq!(scene.world.tracker.counters(), counters);
    }
}

#[test]
fn commands_that_cannot_be_granted_are_answered_counted_and_change_nothing() {
    let long = [b"REGISTER\0".as_slice(), &[b'x'; 256], b"\0"].concat();
    let mut scene = Scene::new();
    for (request, result) in [
        (b"REGISTER\0\0".as_slice(), 2),
        (b"REGISTER\0a\nb\0", 2),
        (b"REGISTER\0\xff\xfe\0", 2),
        (&long, 2),
        (b"REGISTER\0owner\0", 1),
        (b"UNREGISTER\0nobody\0", 1),
        (b"CONNECT\0owner\x004000\0", 2),
        (b"DISCONNECT\0owner\0", 3),
        // Somebody else's files.
        (b"PUBLISH\0owner\0y\0text\0", 4),
        (b"DELETE\0owner\0x\0", 4),
        (b"LIST_CONTENT\0owner\0nobody\0", 3),
        (b"LIST_USERS\0nobody\0", 1),
    ] {
        let (before, mut counters) = (scene.seen(), scene.world.tracker.counters());
        let stream = scene.world.open(Dialect::Command, &Peer::at(IpAddr::from([10, 0, 0, 4]))).unwrap();
        scene.world.write(stream, request);
        scene.settle();
        assert_eq!(scene.world.read(stream), [result], "{}", request.escape_ascii());
        scene.world.finish(stream);
        scene.world.tidy();
        assert_eq!(scene.seen(), before, "{}", request.escape_ascii());
        count(&mut counters.commands);
        count(&mut counters.commands_failed);
        assert_eq!(scene.world.tracker.counters(), counters, "{}", request.escape_ascii());
    }
}
