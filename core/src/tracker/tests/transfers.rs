//! Brokered and relayed downloads: every way to go well, and every order in which they do not.

use super::{Small, speaker::Speaker, tracker, world::World};
use crate::{
    miri::fewer,
    stream::{Closed, Service, StreamId},
    tracker::{Dialect, Event, Peer, Settings},
    wire::{
        Text,
        session::{Code, Request, Side, Way},
    },
};
use core::{net::IpAddr, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

struct Pair {
    world: World<Small>,
    owner: Speaker,
    requester: Speaker,
}

/// An owner of `x`, and somebody who wants it.
fn pair(settings: Settings) -> Pair {
    let mut world = World::new(tracker(settings));
    let (mut owner, mut requester) = (Speaker::new("owner"), Speaker::new("requester"));
    assert!(owner.join(&mut world) && requester.join(&mut world));
    owner.publish(&mut world, "x", 5);
    world.pass(SECOND);
    let mut pair = Pair { world, owner, requester };
    pair.listen();
    pair
}

impl Pair {
    fn listen(&mut self) {
        self.world.run();
        self.owner.listen(&mut self.world);
        self.requester.listen(&mut self.world);
    }

    /// What the owner is asked.
    fn ask(&mut self, way: Way) -> (u32, [u8; 16]) {
        self.requester.fetch(&mut self.world, 9, way, "owner", "x");
        self.listen();
        let (transfer, asked, token) = self.owner.asks.pop().unwrap();
        assert_eq!(asked, way);
        (transfer, token)
    }

    fn ready(&mut self, transfer: u32) {
        self.owner.say(&mut self.world, &Request::Ready { transfer, tcp: 80, rdt: 81 });
        self.listen();
    }

    /// The streams of a relayed transfer that is under way: the requester's and the owner's.
    fn relay(&mut self) -> [u32; 2] {
        let (transfer, token) = self.ask(Way::Relayed);
        self.ready(transfer);
        let owner = self.owner.attach(&mut self.world, transfer, token, Side::Owner).unwrap();
        let requester = self.requester.attach(&mut self.world, transfer, token, Side::Requester).unwrap();
        let streams = [requester, owner];
        for stream in streams {
            assert_eq!(self.world.read(stream), [0, 1, 0x2e]);
        }
        streams
    }

    /// Time passes, and both say that they are there.
    fn pass(&mut self, span: Duration) {
        for speaker in [&self.owner, &self.requester] {
            speaker.say(&mut self.world, &Request::Ping);
        }
        self.world.pass(span);
        self.listen();
    }

    /// Nothing of a transfer is left.
    fn settle(&mut self) {
        self.listen();
        self.world.pass(Duration::from_secs(5));
        self.world.tidy();
        assert_eq!(self.world.tracker.transfers(), 0);
        for number in 0..self.world.tracker.links.bound() as u32 {
            let Some(work) = self.world.tracker.links.get(number).and_then(|link| link.work()) else {
                continue;
            };
            assert_eq!((work.downloads, work.uploads, work.queue_first), (0, 0, u32::MAX));
        }
    }
}

#[test]
fn a_direct_download_tells_each_side_where_the_other_is_and_both_the_same_token() {
    let mut pair = pair(Settings::DEFAULT);
    let (transfer, token) = pair.ask(Way::Direct);
    assert!(pair.owner.heard.last().unwrap().contains("10.0.0.1"));
    pair.ready(transfer);
    assert_eq!(pair.requester.goes, [(9, transfer, Way::Direct, token)]);
    let go = pair.requester.heard.last().unwrap();
    assert!(go.contains("address: 10.0.0.1, tcp: 80, rdt: 81") && go.contains("introduction: None"), "{go}");
    pair.requester.say(&mut pair.world, &Request::End { transfer, code: Code::Done });
    pair.settle();
    pair.listen();
    assert_eq!((pair.owner.ended.as_slice(), pair.requester.ended.len()), (&[(transfer, Code::Done)][..], 0));
    assert!(pair.world.events.iter().any(|event| matches!(event, Event::Ended { code: Code::Done, .. })));
}

#[test]
fn two_with_keys_are_introduced() {
    let mut world = World::new(tracker(Settings::DEFAULT));
    let (mut owner, mut requester) = (Speaker::new("owner"), Speaker::new("requester"));
    let peer = |key| Peer { key: Some([key; 32]), ..Peer::at(IpAddr::from([10, 0, 0, key])) };
    assert!(owner.join_from(&mut world, &peer(1)) && requester.join_from(&mut world, &peer(2)));
    owner.publish(&mut world, "x", 5);
    let mut pair = Pair { world, owner, requester };
    let (transfer, _) = pair.ask(Way::Direct);
    pair.ready(transfer);
    let (ask, go) = (pair.owner.heard.last().unwrap(), pair.requester.heard.last().unwrap());
    let key = |key: u8| format!("key: {:?}", [key; 32]);
    let secret = |text: &str| text.split("secret: ").nth(1).unwrap().split(']').next().unwrap().to_owned();
    assert!(ask.contains(&key(2)) && go.contains(&key(1)));
    assert_eq!(secret(ask), secret(go));
    assert!(ask.contains("10.0.0.2") && go.contains("10.0.0.1"));
}

/// A stream that is not sealed, on which only one end of a relayed transfer may be.
fn attach_plain(pair: &mut Pair, address: u8, transfer: u32, token: [u8; 16], side: Side) -> Vec<u8> {
    let peer = Peer::at(IpAddr::from([10, 0, 0, address]));
    let stream = pair.world.open(Dialect::Relay, &peer).unwrap();
    let mut bytes = [0; 64];
    let length = Request::Attach { transfer, token, side }.emit(&mut bytes).unwrap();
    pair.world.write(stream, &bytes[..length]);
    pair.world.run();
    pair.world.read(stream)
}

#[test]
fn a_stream_that_is_not_sealed_is_an_end_by_its_token_and_address_if_both_sides_have_keys() {
    let (attached, bye) = ([0, 1, 0x2e].as_slice(), [0, 2, 0x2c, 15].as_slice());
    for has_keys in [true, false] {
        let mut world = World::new(tracker(Settings::DEFAULT));
        let (mut owner, mut requester) = (Speaker::new("owner"), Speaker::new("requester"));
        let key = |key| (has_keys || key == 1).then_some([key; 32]);
        let account = |name: &'static [u8]| Text::new(name).ok();
        let peer = |number, name| Peer {
            key: key(number),
            account: account(name),
            ..Peer::at(IpAddr::from([10, 0, 0, number]))
        };
        assert!(owner.join_from(&mut world, &peer(1, b"owner")));
        assert!(requester.join_from(&mut world, &peer(2, b"requester")));
        owner.publish(&mut world, "x", 5);
        let mut pair = Pair { world, owner, requester };
        let (transfer, token) = pair.ask(Way::Relayed);
        pair.ready(transfer);
        for (address, token) in [(9, token), (1, [7; 16])] {
            assert_eq!(attach_plain(&mut pair, address, transfer, token, Side::Owner), bye);
        }
        let first = attach_plain(&mut pair, 1, transfer, token, Side::Owner);
        assert_eq!(first, if has_keys { &[][..] } else { bye });
        let second = attach_plain(&mut pair, 2, transfer, token, Side::Requester);
        assert_eq!(second, if has_keys { attached } else { bye });
        // The token is good once.
        assert_eq!(attach_plain(&mut pair, 1, transfer, token, Side::Owner), bye);
    }
}

#[test]
fn who_has_moved_is_met_where_it_is_and_is_an_end_from_there() {
    let (attached, bye) = ([0, 1, 0x2e].as_slice(), [0, 2, 0x2c, 15].as_slice());
    let mut world = World::new(tracker(Settings::DEFAULT));
    let (mut owner, mut requester) = (Speaker::new("owner"), Speaker::new("requester"));
    let peer = |key| Peer { key: Some([key; 32]), ..Peer::at(IpAddr::from([10, 0, 0, key])) };
    assert!(owner.join_from(&mut world, &peer(1)) && requester.join_from(&mut world, &peer(2)));
    owner.publish(&mut world, "x", 5);
    world.pass(SECOND);
    let mut pair = Pair { world, owner, requester };
    // One of them as an address of IPv4 that came by a socket of IPv6.
    for (stream, to) in [(pair.owner.stream, "[::ffff:10.0.0.7]:7"), (pair.requester.stream, "10.0.0.8:8")] {
        pair.world.tracker.relocated(pair.world.now, StreamId(stream), to.parse().unwrap());
    }
    let (transfer, _) = pair.ask(Way::Direct);
    pair.ready(transfer);
    let (ask, go) = (pair.owner.heard.last().unwrap(), pair.requester.heard.last().unwrap());
    assert!(ask.contains("address: 10.0.0.8"), "{ask}");
    assert!(go.contains("address: 10.0.0.7"), "{go}");
    let (transfer, token) = pair.ask(Way::Relayed);
    pair.ready(transfer);
    for (old, new, side) in [(1, 7, Side::Owner), (2, 8, Side::Requester)] {
        assert_eq!(attach_plain(&mut pair, old, transfer, token, side), bye);
        let first = if side == Side::Owner { &[][..] } else { attached };
        assert_eq!(attach_plain(&mut pair, new, transfer, token, side), first);
    }
}

#[test]
fn who_moves_before_it_is_logged_in_is_met_where_it_is_then() {
    let settings = Settings { seats: 1, waiting: 1, ..Settings::DEFAULT };
    let mut world = World::new(tracker(settings));
    let (mut first, mut second) = (Speaker::new("first"), Speaker::new("second"));
    assert!(first.join(&mut world));
    second.join(&mut world);
    world.tracker.relocated(world.now, StreamId(second.stream), "10.0.0.7:7".parse().unwrap());
    world.close(first.stream, Closed::Broken);
    world.pass(SECOND);
    let user = world.tracker.users().next().unwrap();
    let there = world.tracker.whereabouts(user).unwrap();
    assert_eq!((there.stream, there.address), (Some(StreamId(second.stream)), IpAddr::from([10, 0, 0, 7])));
}

#[test]
fn a_stream_that_is_not_sealed_is_no_session() {
    let mut world = World::new(tracker(Settings::DEFAULT));
    for request in [Request::Ping, Request::Logout, Request::Withdraw { tag: 1, name: b"x" }] {
        let stream = world.open(Dialect::Relay, &Peer::at(IpAddr::from([10, 0, 0, 1]))).unwrap();
        let mut bytes = [0; 64];
        let length = request.emit(&mut bytes).unwrap();
        world.write(stream, &bytes[..length]);
        world.run();
        assert_eq!(world.read(stream), [0, 2, 0x2c, 1], "{request:?}");
    }
    assert_eq!(world.tracker.online(), 0);
}

#[test]
fn a_relayed_download_joins_two_streams_with_back_pressure() {
    let mut pair = pair(Settings::DEFAULT);
    let (transfer, token) = pair.ask(Way::Relayed);
    // The stream of the owner may overtake the message that it is ready.
    let of_owner = pair.owner.attach(&mut pair.world, transfer, token, Side::Owner).unwrap();
    pair.owner.say(&mut pair.world, &Request::Ready { transfer, tcp: 0, rdt: 0 });
    pair.listen();
    assert_eq!(pair.world.tracker.counters().strangers, 0);
    pair.world.write(of_owner, b"early");
    pair.world.run();
    assert_eq!(pair.requester.goes, [(9, transfer, Way::Relayed, token)]);
    let of_requester = pair.requester.attach(&mut pair.world, transfer, token, Side::Requester).unwrap();
    let attached = [0, 1, 0x2e];
    assert_eq!(pair.world.read(of_owner), attached);
    assert_eq!(pair.world.read(of_requester), [attached.as_slice(), b"early"].concat());
    pair.world.write(of_requester, b"request");
    pair.world.run();
    assert_eq!(pair.world.read(of_owner), b"request");
    // A slow side holds up its own transfer and nothing else.
    pair.world.streams.get_mut(&of_requester).unwrap().pace = 0;
    pair.world.write(of_owner, &[7; fewer(100_000, 5_000)]);
    pair.world.run();
    assert!(pair.world.streams[&of_requester].backlog <= 512);
    pair.world.streams.get_mut(&of_requester).unwrap().pace = 64;
    pair.world.finish(of_requester);
    assert!(pair.world.streams[&of_owner].finished);
    assert_eq!(pair.world.tracker.transfers(), 1);
    pair.world.finish(of_owner);
    assert_eq!(pair.world.read(of_requester), [7; fewer(100_000, 5_000)]);
    assert!(pair.world.streams[&of_requester].finished);
    pair.listen();
    let done = [(transfer, Code::Done)];
    assert_eq!((pair.owner.ended.as_slice(), pair.requester.ended.as_slice()), (&done[..], &done[..]));
    pair.settle();
    assert_eq!((pair.world.tracker.links(), pair.world.splices), (2, 2));
    assert_eq!(pair.world.tracker.counters().relayed, 1);
}

/// What can go wrong, and what the other side is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    OwnerDies,
    RequesterDies,
    OwnerEnds,
    RequesterEnds,
    Refuse,
    TimeOut,
    OwnerStreamDies,
    RequesterStreamDies,
    SpliceFails,
    Withdraw,
}

const TROUBLES: [Trouble; 10] = [
    Trouble::OwnerDies,
    Trouble::RequesterDies,
    Trouble::OwnerEnds,
    Trouble::RequesterEnds,
    Trouble::Refuse,
    Trouble::TimeOut,
    Trouble::OwnerStreamDies,
    Trouble::RequesterStreamDies,
    Trouble::SpliceFails,
    Trouble::Withdraw,
];

impl Pair {
    fn trouble(&mut self, trouble: Trouble, transfer: u32, streams: [Option<u32>; 2]) {
        let end = Request::End { transfer, code: Code::Broken };
        match trouble {
            Trouble::OwnerDies => self.world.close(self.owner.stream, Closed::Broken),
            Trouble::RequesterDies => self.world.close(self.requester.stream, Closed::Broken),
            Trouble::OwnerEnds if self.owner.bye.is_none() => self.owner.say(&mut self.world, &end),
            Trouble::RequesterEnds => self.requester.say(&mut self.world, &end),
            Trouble::Refuse => {
                self.owner.say(&mut self.world, &Request::Refuse { transfer, code: Code::Refused });
            }
            Trouble::TimeOut => {
                // Long enough for every time-out but those of the sessions.
                for _ in 0..4 {
                    self.owner.say(&mut self.world, &Request::Ping);
                    self.requester.say(&mut self.world, &Request::Ping);
                    self.world.pass(Duration::from_secs(10));
                }
            }
            Trouble::RequesterStreamDies | Trouble::SpliceFails => {
                if let Some(stream) = streams[0] {
                    if trouble == Trouble::SpliceFails {
                        self.world.fail_splice(stream);
                    } else {
                        self.world.close(stream, Closed::Broken);
                    }
                }
            }
            Trouble::OwnerStreamDies => {
                if let Some(stream) = streams[1] {
                    self.world.close(stream, Closed::Broken);
                }
            }
            Trouble::Withdraw => self.owner.withdraw(&mut self.world, "x"),
            Trouble::OwnerEnds => {}
        }
        self.listen();
    }
}

#[test]
fn whatever_goes_wrong_in_whatever_order_ends_in_an_answer_and_leaks_nothing() {
    let mut answers = std::collections::BTreeSet::new();
    for way in [Way::Direct, Way::Relayed] {
        for stage in fewer(0, 3)..4 {
            for first in TROUBLES.into_iter().step_by(fewer(1, 4)) {
                for second in TROUBLES.into_iter().take(fewer(TROUBLES.len(), 1)) {
                    let mut pair = pair(Settings { hold: Duration::from_secs(30), ..Settings::DEFAULT });
                    let (transfer, token) = pair.ask(way);
                    let mut streams = [None; 2];
                    if stage > 0 {
                        pair.ready(transfer);
                    }
                    if stage > 1 && way == Way::Relayed {
                        streams[1] = pair.owner.attach(&mut pair.world, transfer, token, Side::Owner);
                    }
                    if stage > 2 && way == Way::Relayed {
                        streams[0] = pair.requester.attach(&mut pair.world, transfer, token, Side::Requester);
                        pair.world.write(streams[1].unwrap(), &[1; 1_000]);
                        pair.world.streams.get_mut(&streams[0].unwrap()).unwrap().pace = 0;
                        pair.world.run();
                    }
                    pair.trouble(first, transfer, streams);
                    pair.trouble(second, transfer, streams);
                    for stream in streams.into_iter().flatten() {
                        if let Some(found) = pair.world.streams.get_mut(&stream) {
                            found.pace = usize::MAX;
                        }
                        pair.world.finish(stream);
                    }
                    // What has not ended by now ends by a time-out, or by the end of its streams.
                    for _ in 0..12 {
                        pair.owner.say(&mut pair.world, &Request::Ping);
                        pair.requester.say(&mut pair.world, &Request::Ping);
                        pair.world.pass(Duration::from_secs(10));
                    }
                    pair.settle();
                    let failed = pair.requester.failed.iter().map(|&(_, code)| code);
                    let mut ends = failed.chain(pair.requester.ended.iter().map(|&(_, code)| code));
                    let answer = ends.next();
                    assert_eq!(ends.next(), None, "{way:?} {stage} {first:?} {second:?}: told twice");
                    let is_silent = [first, second].iter().any(|&trouble| {
                        trouble == Trouble::RequesterDies || (trouble == Trouble::RequesterEnds && stage > 0)
                    });
                    assert!(answer.is_some() || is_silent, "{way:?} {stage} {first:?} {second:?}");
                    answers.extend(
                        answer.map(|code| (way as u8, stage, format!("{first:?}"), code.to_string())),
                    );
                    assert_eq!(pair.world.tracker.links(), pair.world.streams.len());
                }
            }
        }
    }
    for (stage, first, code) in [
        (0, "OwnerDies", "gone"),
        (0, "Refuse", "refused"),
        (0, "TimeOut", "no answer"),
        (0, "OwnerEnds", "broken off"),
        (1, "OwnerDies", "gone"),
        (1, "TimeOut", "no answer"),
        (3, "OwnerStreamDies", "broken off"),
        (3, "SpliceFails", "broken off"),
    ] {
        assert!(
            cfg!(miri) || answers.contains(&(1, stage, first.into(), code.into())),
            "{stage} {first} {code}"
        );
    }
}

#[test]
fn what_cannot_be_fetched_is_answered_by_why() {
    let mut pair = pair(Settings::DEFAULT);
    let long = "u".repeat(255);
    for (owner, name, code) in [
        ("nobody", "x", Code::UnknownUser),
        (long.as_str(), "x", Code::UnknownUser),
        ("owner", "y", Code::NotShared),
        ("owner", "\0", Code::NotShared),
        ("requester", "x", Code::NotShared),
    ] {
        pair.requester.fetch(&mut pair.world, 3, Way::Direct, owner, name);
        pair.listen();
        assert_eq!(pair.requester.failed.pop(), Some((3, code)), "{owner} {name}");
    }
    pair.requester.fetch(&mut pair.world, 3, Way::Command, "owner", "x");
    pair.listen();
    assert_eq!(pair.requester.failed.pop(), Some((3, Code::NotAllowed)));
    let (transfer, _) = pair.ask(Way::Direct);
    pair.owner.say(&mut pair.world, &Request::Ready { transfer, tcp: 0, rdt: 0 });
    pair.listen();
    assert_eq!(pair.requester.failed.pop(), Some((9, Code::Unreachable)));
    pair.settle();
}

#[test]
fn slots_are_bounded_per_user_and_in_all_and_come_back() {
    let limits = [(1, 8, 8), (8, 1, 8), (8, 8, 1)];
    for (downloads_per_user, uploads_per_user, transfers) in limits {
        let settings = Settings { downloads_per_user, uploads_per_user, transfers, ..Settings::DEFAULT };
        let mut pair = pair(settings);
        for _ in 0..fewer(20, 3) {
            let (transfer, _) = pair.ask(Way::Direct);
            pair.requester.fetch(&mut pair.world, 4, Way::Direct, "owner", "x");
            pair.listen();
            assert_eq!(pair.requester.failed.pop(), Some((4, Code::Busy)));
            pair.owner.say(&mut pair.world, &Request::Refuse { transfer, code: Code::Done });
            pair.listen();
            assert_eq!(pair.requester.failed.pop(), Some((9, Code::Refused)), "a refusal is never a success");
        }
        pair.settle();
    }
}

#[test]
fn nobody_takes_all_slots_of_an_owner() {
    let mut pair = pair(Settings { downloads_per_user: 8, uploads_per_user: 4, ..Settings::DEFAULT });
    let mut other = Speaker::new("other");
    assert!(other.join(&mut pair.world));
    for tag in 0..8 {
        pair.requester.fetch(&mut pair.world, tag, Way::Direct, "owner", "x");
        pair.listen();
    }
    assert_eq!((pair.owner.asks.len(), pair.requester.failed.len()), (2, 6));
    other.fetch(&mut pair.world, 9, Way::Direct, "owner", "x");
    pair.listen();
    other.listen(&mut pair.world);
    assert_eq!((pair.owner.asks.len(), other.failed.len()), (3, 0));
}

#[test]
fn nobody_answers_for_somebody_elses_transfer() {
    let mut pair = pair(Settings::DEFAULT);
    let mut thief = Speaker::new("thief");
    assert!(thief.join(&mut pair.world));
    let (transfer, token) = pair.ask(Way::Relayed);
    let before = pair.world.tracker.counters().strangers;
    for request in [
        Request::Ready { transfer, tcp: 1, rdt: 1 },
        Request::Refuse { transfer, code: Code::Refused },
        Request::End { transfer, code: Code::Done },
        Request::Ready { transfer: transfer ^ 0x1_0000, tcp: 1, rdt: 1 },
        Request::End { transfer: u32::MAX, code: Code::Done },
    ] {
        thief.say(&mut pair.world, &request);
        pair.listen();
    }
    // Neither does the requester say that it is ready.
    pair.requester.say(&mut pair.world, &Request::Ready { transfer, tcp: 1, rdt: 1 });
    pair.listen();
    assert_eq!(pair.world.tracker.counters().strangers, before + 6);
    pair.ready(transfer);
    assert_eq!(pair.requester.goes.len(), 1);
    // A wrong token, a wrong transfer, the right token from elsewhere.
    let elsewhere = Peer::at(IpAddr::from([10, 9, 9, 9]));
    let mut wrong = token;
    wrong[3] ^= 1;
    for (transfer, token, peer) in [
        (transfer, wrong, Peer::at(IpAddr::from([10, 0, 0, 1]))),
        (transfer + 1, token, Peer::at(IpAddr::from([10, 0, 0, 1]))),
        (transfer, token, elsewhere),
    ] {
        let stream = pair.world.open(Dialect::Session, &peer).unwrap();
        let mut out = [0; 64];
        let length = Request::Attach { transfer, token, side: Side::Requester }.emit(&mut out).unwrap();
        pair.world.write(stream, &out[..length]);
        pair.world.run();
        assert_eq!(pair.world.read(stream), [0, 2, 0x2c, 15]);
        pair.world.finish(stream);
    }
    let one = pair.requester.attach(&mut pair.world, transfer, token, Side::Requester).unwrap();
    let twice = pair.requester.attach(&mut pair.world, transfer, token, Side::Requester).unwrap();
    assert_eq!((pair.world.read(one).len(), pair.world.read(twice).len()), (0, 4));
}

#[test]
fn a_file_that_is_withdrawn_before_its_owner_hears_is_not_shared() {
    let mut pair = pair(Settings::DEFAULT);
    pair.world.streams.get_mut(&pair.owner.stream).unwrap().pace = 0;
    pair.requester.publish(&mut pair.world, "y", 1);
    pair.world.pass(SECOND);
    // Something is on its way to the owner, so the question waits.
    pair.requester.fetch(&mut pair.world, 9, Way::Direct, "owner", "x");
    pair.owner.withdraw(&mut pair.world, "x");
    pair.world.run();
    pair.world.streams.get_mut(&pair.owner.stream).unwrap().pace = 9;
    pair.listen();
    pair.listen();
    assert_eq!((pair.owner.asks.len(), pair.requester.failed.as_slice()), (0, &[(9, Code::NotShared)][..]));
    pair.settle();
}

#[test]
fn a_relayed_transfer_in_which_nothing_moves_is_broken_off_and_a_slow_one_is_not() {
    let mut pair = pair(Settings { stall_timeout: Duration::from_secs(30), ..Settings::DEFAULT });
    let streams = pair.relay();
    pair.world.streams.get_mut(&streams[0]).unwrap().pace = 0;
    pair.world.write(streams[1], &[7; 10_000]);
    // A byte now and then is enough, in whichever direction.
    for turn in 0..10 {
        pair.pass(20 * SECOND);
        if turn % 2 == 0 {
            pair.world.streams.get_mut(&streams[0]).unwrap().pace = 64;
            pair.world.run_once(streams[0]);
            pair.world.run_once(streams[1]);
            pair.world.streams.get_mut(&streams[0]).unwrap().pace = 0;
        } else {
            pair.world.write(streams[0], b"more");
        }
        pair.listen();
        assert!(pair.requester.ended.is_empty() && pair.owner.ended.is_empty(), "{turn}");
    }
    pair.pass(20 * SECOND);
    pair.pass(20 * SECOND);
    let transfer = pair.owner.ended[0].0;
    assert_eq!(pair.requester.ended, [(transfer, Code::Broken)]);
    assert!(streams.iter().all(|stream| pair.world.is_over(*stream)));
    pair.settle();
}

#[test]
fn a_slow_receiver_of_a_relay_holds_up_its_own_transfer_and_nothing_else() {
    const MUCH: usize = fewer(200_000, 5_000);
    let mut pair = pair(Settings::DEFAULT);
    let [slow, of_slow] = pair.relay();
    let [fast, of_fast] = pair.relay();
    pair.world.streams.get_mut(&slow).unwrap().pace = 0;
    for stream in [of_slow, of_fast] {
        pair.world.write(stream, &[7; MUCH]);
    }
    pair.world.run();
    assert_eq!(pair.world.read(fast).len(), MUCH);
    assert!(pair.world.streams[&slow].backlog <= 512, "the tracker holds what nobody takes");
    // The session of who is slow goes on too.
    pair.owner.publish(&mut pair.world, "news", 1);
    pair.world.pass(SECOND);
    pair.listen();
    assert_eq!(pair.requester.list()["owner"].len(), 2);
    pair.world.streams.get_mut(&slow).unwrap().pace = 100;
    pair.world.run();
    assert_eq!(pair.world.read(slow).len(), MUCH);
    for stream in [slow, of_slow, fast, of_fast] {
        pair.world.finish(stream);
    }
    pair.settle();
    assert_eq!(pair.requester.ended.iter().filter(|end| end.1 == Code::Done).count(), 2);
}

#[test]
fn a_side_may_have_said_all_before_the_other_is_there() {
    let mut pair = pair(Settings::DEFAULT);
    let (transfer, token) = pair.ask(Way::Relayed);
    pair.ready(transfer);
    let requester = pair.requester.attach(&mut pair.world, transfer, token, Side::Requester).unwrap();
    pair.listen();
    pair.world.write(requester, b"request");
    pair.world.finish(requester);
    let owner = pair.owner.attach(&mut pair.world, transfer, token, Side::Owner).unwrap();
    assert_eq!(pair.world.read(owner), [[0, 1, 0x2e].as_slice(), b"request"].concat());
    pair.world.write(owner, b"content");
    pair.world.finish(owner);
    assert_eq!(pair.world.read(requester), [[0, 1, 0x2e].as_slice(), b"content"].concat());
    pair.settle();
    assert_eq!(pair.requester.ended, [(transfer, Code::Done)]);
}
