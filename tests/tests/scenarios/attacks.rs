//! Attacks on sealed servers and transfers. Numbers in names are those of the attack cases of docs/security.md.

use skep_core::{
    Instant, files,
    files::Progress,
    rdt::{Error, Language},
    seal::CheckKey,
    wire::{
        rdt::{Known, Magic, Own, Pass, TypeKind},
        seal::{INIT1_MIN, Init1, Packet, Purpose, Suite, Suites},
    },
};
use skep_tests::{
    ClientNode, Habits, Handle, Host, Hostile, Member, Network, Node, Random, Rogue, Scenario, Seal, Seat,
    ServerNode, Sessions, Simulated, Tap, Way, World, download, identity, own_settings, sealed_settings,
};
use std::{any::Any, net::SocketAddr, time::Duration};

/// How many hostile datagrams there are, unless the environment says otherwise; a million in each direction (10 s):
/// `SKEP_HOSTILE=2000000 cargo test --release -p skep-tests survives`.
const HOSTILE: u64 = 60_000;

fn hostile() -> u64 {
    std::env::var("SKEP_HOSTILE").ok().and_then(|text| text.parse().ok()).unwrap_or(HOSTILE)
}

/// A live transfer, while replays, reordered and changed copies and noise are thrown at both ends: no wrong byte, no
/// state changes, it ends.
fn under_attack(way: Way, purpose: Purpose, network: Simulated, count: u64) {
    // A thousand and some datagrams each way, with the acknowledgements.
    let scenario = Scenario::new(way, 1_500_000).own(64, 1_000).sealed(purpose);
    let network = Hostile::new(network, 1, count / 2_000 + 1, count);
    let mut report = scenario.prepare::<_, Host, Host>(network);
    report.world.steps_max = u64::MAX;
    report.world.run();
    report.check();
    let report = report.expect_done();
    assert!(report.world.network.sent() >= count * 9 / 10, "{}", report.world.network.sent());
    // What the endpoints saw is what they see when nobody attacks.
    for (node, others) in [(&report.server().past, true), (&report.client().past, false)] {
        let done: Vec<_> = node.iter().filter(|past| past.outcome.is_ok()).collect();
        assert_eq!(done.len(), 1);
        let counters = done[0].statistics.counters;
        // The first message comes twice.
        let faults = [counters.duplicates - 1, counters.malformed, counters.false_acknowledgements];
        assert_eq!(faults, [0; 3], "{counters:?}");
        // Replayed first messages are answered, and come to nothing.
        let nothing = Err(Error::Silent { delivered: 0 });
        assert!(node.iter().all(|past| past.outcome.is_ok() || others && past.outcome == nothing));
    }
    for seal in [&report.server().seal, &report.client().seal] {
        let layer = &seal.as_ref().unwrap().layer;
        assert_eq!(layer.counters().moved, 0);
        assert!(layer.counters().unopened > count / 20, "{:?}", layer.counters());
    }
    assert_eq!(report.server().seal.as_ref().unwrap().layer.guard().confirmed, 1);
}

#[test]
fn case_22_26_27_28_a_download_survives_replays_changed_copies_and_noise() {
    under_attack(Way::Download, Purpose::Member, Simulated::new(1), hostile() / 2);
}

#[test]
fn case_22_26_27_28_an_upload_survives_replays_changed_copies_and_noise() {
    under_attack(Way::Upload, Purpose::Guest, Simulated::new(2), hostile() / 2);
}

#[test]
fn case_22_26_27_28_they_do_so_on_bad_networks_too() {
    for seed in 0..4 {
        let network = Simulated::new(seed).damaging().both(|path| {
            path.loss = 200;
            path.corruption = 50;
            path.duplication = 50;
            path.reordering = 50;
            path.jitter = Duration::from_millis(5);
        });
        let way = if seed % 2 == 0 { Way::Download } else { Way::Upload };
        let scenario = Scenario::new(way, 100_000).own(32, 1_000).sealed(Purpose::Member);
        let scenario = scenario.but(|it| it.client.calls = 60);
        let mut report = scenario.prepare::<_, Host, Host>(Hostile::new(network, seed, 10, 5_000));
        report.world.run();
        report.check();
        report.expect_done();
    }
}

fn server() -> ServerNode<Host, Sessions> {
    let settings = sealed_settings(own_settings(64, 1_000));
    let service = files::Server::new(files::Settings::DEFAULT, Sessions::new());
    let node = Node::new(Seat(0), settings, 1, service).sealed(Seal::new(0, &settings, 1, Purpose::Guest));
    let mut node: ServerNode<Host, Sessions> = node;
    node.storage.files.insert("f".into(), Random::new(1).bytes(1_000_000));
    node
}

const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 66], 4_000);

fn at(millis: u64) -> Instant {
    Instant::from_micros(1_000_000 + millis * 1_000)
}

fn address() -> SocketAddr {
    Tap::default().address(Seat(0))
}

/// A first packet as who knows the server's public key can make one, whatever the message.
fn init1(purpose: Purpose, client: [u8; 8], message: &[u8]) -> Vec<u8> {
    let check = CheckKey::<skep_core::seal::RustCrypto>::new(identity(0).public(), None);
    let mut out = vec![0; 1_500];
    let suites = Suites::CHACHA.and(Suite::Aes);
    let init1 = Init1 { suites, purpose, client, message, cookie: None };
    let length = init1.emit(0, |covered| check.stamp(covered), &mut out).unwrap();
    out.truncate(length);
    out
}

/// All that there is of sessions and connections.
fn state(server: &ServerNode<Host, Sessions>) -> (usize, usize, u64) {
    let seal = server.seal.as_ref().unwrap();
    (seal.layer.count(), server.endpoint.count(), seal.doors.asked)
}

/// Nothing comes back, and nothing is kept.
fn silent(server: &mut ServerNode<Host, Sessions>, now: Instant, datagram: &[u8]) {
    let mut tap = Tap::default();
    let before = state(server);
    server.arrive(now, CLIENT.into(), datagram);
    server.poll(now, &mut tap);
    assert!(tap.sent.is_empty(), "{datagram:02x?}");
    assert_eq!(state(server), before);
}

#[test]
fn case_24_points_of_low_order_get_no_answer() {
    let mut server = server();
    // RFC 7748, section 6.1: who agrees with these agrees on zero.
    let mut one = [0; 32];
    one[0] = 1;
    for (number, point) in [[0; 32], one].into_iter().enumerate() {
        for (purpose, rest) in [(Purpose::Guest, 16 + 18), (Purpose::Member, 64 + 18)] {
            let message = [&point[..], &vec![7; rest]].concat();
            silent(&mut server, at(number as u64), &init1(purpose, [number as u8; 8], &message));
        }
    }
    assert_eq!(server.seal.as_ref().unwrap().layer.counters().refused, 4);
}

#[test]
fn case_25_messages_of_every_length_get_no_answer() {
    let mut server = server();
    let noise = Random::new(1).bytes(512);
    for purpose in [Purpose::Member, Purpose::Guest] {
        for length in 48..=512 {
            // A second between them: this is no test of the load.
            let now = at(1_000 * length as u64);
            silent(&mut server, now, &init1(purpose, (length as u64).to_be_bytes(), &noise[..length]));
        }
    }
    assert_eq!(server.seal.as_ref().unwrap().layer.counters().refused, 2 * 465);
}

#[test]
fn case_18_every_truncation_of_every_datagram_changes_nothing() {
    let (mut server, mut tap) = (server(), Tap::default());
    let mut rogue = Rogue::new(at(0), address(), Purpose::Guest);
    rogue.meet(at(0), 64, &mut server, &mut tap);
    let realm = server.endpoint.settings().magic;
    let terms = skep_core::wire::rdt::Terms { window: 64, segment: 1_000 };
    let open = Rogue::new(at(0), address(), Purpose::Guest)
        .datagram(&Own::Open { terms, realm, pass: Pass::NONE }, 130);
    assert_eq!(open.len(), INIT1_MIN);
    let data = rogue.datagram(&Own::Data { transmission: 0, segment: 0, asks: false, body: b"body" }, 0);
    for whole in [open, data] {
        for length in 1..whole.len() {
            silent(&mut server, at(1), &whole[..length]);
        }
    }
    // The whole one is still taken.
    let fin = rogue.datagram(&Own::Fin { segments: 0 }, 0);
    for length in 1..fin.len() {
        silent(&mut server, at(1), &fin[..length]);
    }
    server.arrive(at(1), rogue.address, &fin);
    server.poll(at(1), &mut tap);
    assert!(!tap.sent.is_empty());
}

#[test]
fn case_31_fin_ack_and_reset_of_an_outsider_end_nothing() {
    let (mut server, mut tap) = (server(), Tap::default());
    let mut rogue = Rogue::new(at(0), address(), Purpose::Guest);
    rogue.meet(at(0), 64, &mut server, &mut tap);
    let mut out = [0; 100];
    for number in [7_u32, 0, 1] {
        for packet in [Own::Fin { segments: 0 }, Own::FinAck, Own::Reset, Own::Ping { token: 0 }] {
            let length = packet.emit(number, &mut out).unwrap();
            silent(&mut server, at(1), &out[..length]);
        }
    }
    for packet in [Known::Connect, Known::Fin, Known::FinAck, Known::Ack(0)] {
        let length = packet.emit(&Magic::ROSTOV, TypeKind::Raw, &mut out).unwrap();
        silent(&mut server, at(1), &out[..length]);
    }
    rogue.tell(at(2), &Own::Ping { token: 0 }, &mut server, &mut tap);
    assert!(matches!(Own::parse(rogue.heard.last().unwrap()), Some(Some((_, Own::Ack { .. })))));
}

/// A request for the file `f`.
const REQUEST: &[u8] = &[1, 1, 0, b'f'];

/// A member that has asked for the file, and has acknowledged nothing.
fn asked() -> (ServerNode<Host, Sessions>, Tap, Rogue) {
    let (mut server, mut tap) = (server(), Tap::default());
    let mut rogue = Rogue::new(at(0), address(), Purpose::Member);
    rogue.meet(at(0), 64, &mut server, &mut tap);
    rogue.tell(
        at(1),
        &Own::Data { transmission: 0, segment: 0, asks: false, body: REQUEST },
        &mut server,
        &mut tap,
    );
    rogue.hear(at(2), &mut server, &mut tap);
    (server, tap, rogue)
}

fn segments(rogue: &Rogue) -> usize {
    let is_data = |plain: &&Vec<u8>| matches!(Own::parse(plain), Some(Some((_, Own::Data { .. }))));
    rogue.heard.iter().filter(is_data).count()
}

/// Tells a lie about what came to it; the server after that.
fn lie(top: impl Fn(u32) -> u32, next: u32) -> ServerNode<Host, Sessions> {
    let (mut server, mut tap, mut rogue) = asked();
    let sent = segments(&rogue);
    assert!(sent > 1 && sent <= 64, "{sent}");
    let map = skep_core::wire::rdt::Map([u64::MAX; 4]);
    let ack = Own::Ack { top: top(sent as u32), next, limit: 100_000, delay: 0, map };
    rogue.tell(at(3), &ack, &mut server, &mut tap);
    assert_eq!(segments(&rogue), sent, "nothing more is sent for a lie");
    server
}

#[test]
fn case_32_who_acknowledges_what_was_never_sent_is_cut_off() {
    for (ahead, next) in [(1_000, 0), (1, 0), (1 << 30, 50_000), (0, 50_000)] {
        let server = lie(|sent| sent + ahead, next);
        let past = server.last_past();
        assert_eq!(past.outcome, Err(Error::Deceived { delivered: 0 }), "{ahead} {next}");
        assert_eq!(past.statistics.counters.false_acknowledgements, 1);
    }
}

/// What is before `next` was stored, and so heard of: its number is not beyond the highest that was.
#[test]
fn case_32_who_moves_on_over_what_he_has_not_heard_of_is_cut_off() {
    let (mut server, mut tap, mut rogue) = asked();
    let numbers = rogue.heard.iter().filter_map(|plain| match Own::parse(plain) {
        Some(Some((_, Own::Data { transmission, segment, .. }))) => Some((transmission, segment)),
        _ => None,
    });
    let (Some((top, _)), Some((_, last))) = (numbers.clone().min(), numbers.max()) else { panic!("no DATA") };
    let map = skep_core::wire::rdt::Map([0; 4]);
    let ack = Own::Ack { top, next: last + 1, limit: 100_000, delay: 0, map };
    rogue.tell(at(3), &ack, &mut server, &mut tap);
    assert!(matches!(server.last_past().outcome, Err(Error::Deceived { .. })), "{:?}", server.last_past());
}

#[test]
fn case_32_acknowledgements_of_what_was_long_ago_move_nothing() {
    for top in [u32::MAX, u32::MAX - 1_000] {
        let server = lie(|_| top, 0);
        assert_eq!(server.statistics().next().unwrap().bytes_acknowledged, 0);
    }
}

/// Who acknowledges what he has not seen cannot know which numbers were left out.
#[test]
fn case_32_who_acknowledges_all_numbers_is_cut_off_before_he_has_many() {
    let (mut server, mut tap, mut rogue) = asked();
    let map = skep_core::wire::rdt::Map([u64::MAX; 4]);
    for round in 0.. {
        assert!(round < 100, "he is believed");
        let newest = rogue.heard.iter().filter_map(|plain| match Own::parse(plain) {
            Some(Some((_, Own::Data { transmission, .. }))) => Some(transmission),
            _ => None,
        });
        let Some(top) = newest.max().filter(|_| server.statistics().next().is_some()) else { break };
        let ack = Own::Ack { top, next: 0, limit: 100_000, delay: 0, map };
        rogue.tell(at(3 + round), &ack, &mut server, &mut tap);
    }
    assert!(matches!(server.last_past().outcome, Err(Error::Deceived { .. })), "{:?}", server.last_past());
}

#[test]
fn case_33_a_flood_of_segments_with_gaps_keeps_no_more_than_a_window() {
    let (mut server, mut tap) = (server(), Tap::default());
    let mut rogue = Rogue::new(at(0), address(), Purpose::Member);
    rogue.meet(at(0), 64, &mut server, &mut tap);
    let mut header = vec![0];
    header.extend(2_000_000_000_u64.to_le_bytes());
    header.extend([1, 0, b'u']);
    rogue.tell(
        at(1),
        &Own::Data { transmission: 0, segment: 0, asks: false, body: &header },
        &mut server,
        &mut tap,
    );
    let body = [9; 1_000];
    let mut random = Random::new(1);
    for transmission in 1..20_000 {
        // Never the next one.
        let segment = 2 + random.below(if transmission % 2 == 0 { 60 } else { 1 << 31 }) as u32;
        rogue.tell(
            at(1),
            &Own::Data { transmission, segment, asks: false, body: &body },
            &mut server,
            &mut tap,
        );
    }
    let statistics = server.statistics().next().unwrap();
    assert!(statistics.bytes_received <= 64_000, "{statistics:?}");
    assert!(statistics.counters.beyond_window > 9_000);
    assert!(server.storage.writes() <= 64);
}

#[test]
fn case_34_who_connects_and_says_nothing_is_let_go() {
    let (mut server, mut tap) = (server(), Tap::default());
    let mut rogue = Rogue::new(at(0), address(), Purpose::Member);
    rogue.meet(at(0), 64, &mut server, &mut tap);
    // It even gives signs of life.
    for second in 1..60 {
        if server.endpoint.count() == 0 {
            break;
        }
        rogue.tell(at(second * 1_000), &Own::Ping { token: 0 }, &mut server, &mut tap);
    }
    assert_eq!(server.endpoint.count(), 0);
    rogue.hear(at(70_000), &mut server, &mut tap);
    assert_eq!(server.seal.as_ref().unwrap().layer.count(), 0);
}

#[test]
fn case_34_who_asks_for_a_file_and_vanishes_is_let_go() {
    let (mut server, mut tap, mut rogue) = asked();
    for second in 1..120 {
        rogue.hear(at(second * 1_000), &mut server, &mut tap);
    }
    assert_eq!(state(&server).0 + state(&server).1, 0);
    assert_eq!(server.storage.in_use(), 0);
}

/// It has a member's place for as long as it answers, where the driver sets no deadline for content, as a host's does: what
/// is bounded is what that costs.
#[test]
fn case_34_a_window_of_nothing_for_ever_costs_one_place_and_a_few_packets_a_minute() {
    let (mut server, mut tap, mut rogue) = asked();
    let sent = segments(&rogue) as u32;
    let before = rogue.heard.len();
    for second in 1..600 {
        let ack = Own::Ack { top: 0, next: 1, limit: 1, delay: 0, map: skep_core::wire::rdt::Map::default() };
        rogue.tell(at(second * 1_000), &ack, &mut server, &mut tap);
    }
    let heard = rogue.heard.len() - before;
    assert!(heard < 700 && server.endpoint.count() <= 1, "{heard} after {sent}");
}

#[test]
fn case_55_a_clock_that_jumps_ends_sessions_at_worst() {
    let (mut server, mut tap, mut rogue) = asked();
    rogue.hear(Instant::from_micros(5), &mut server, &mut tap);
    rogue.tell(Instant::from_micros(6), &Own::Ping { token: 0 }, &mut server, &mut tap);
    assert_eq!(server.endpoint.count(), 1);
    for hours in [1, 2, 3] {
        rogue.hear(at(hours * 3_600_000), &mut server, &mut tap);
    }
    assert_eq!(state(&server).0 + state(&server).1, 0);
}

/// Sends first packets in anybody's name.
struct Forger {
    random: Random,
    each_millisecond: u64,
    until: Instant,
    next: Instant,
    to: SocketAddr,
}

impl Member for Forger {
    fn arrive(&mut self, _: Instant, _: SocketAddr, _: &[u8]) {}

    fn poll(&mut self, now: Instant, network: &mut dyn Network) -> Option<Instant> {
        if now >= self.until {
            return None;
        }
        if now >= self.next {
            self.next = now + Duration::from_millis(1);
            for _ in 0..self.each_millisecond {
                let client = self.random.next().to_be_bytes();
                let message = self.random.bytes(66);
                let from = Seat(1_000 + self.random.below(1 << 20) as usize);
                network.send(from, self.to, &init1(Purpose::Guest, client, &message));
            }
        }
        Some(self.next)
    }

    fn is_quiet(&self, now: Instant) -> bool {
        now >= self.until
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// Forged first packets from everywhere, as many as `each_millisecond`; 40 honest clients come in all the same.
fn flood(each_millisecond: u64) {
    let mut world = World::new(Simulated::new(1).both(|path| path.delay = Duration::from_millis(25)));
    world.steps_max = u64::MAX;
    let settings = sealed_settings(own_settings(16, 1_000));
    let served: Handle<ServerNode<Host, Sessions>> = world.add(|seat| {
        let service = files::Server::new(files::Settings::DEFAULT, Sessions::new());
        let node = Node::new(seat, settings, 1, service).sealed(Seal::new(0, &settings, 1, Purpose::Guest));
        node.with(Habits { feeds: 8, ..Habits::default() })
    });
    world.get_mut(served).storage.files.insert("f".into(), vec![7; 3_000]);
    let (to, begun) = (world.address(served), world.now());
    let until = begun + Duration::from_secs(6);
    world.add(|_| Forger { random: Random::new(1), each_millisecond, until, next: begun, to });
    let clients: Vec<Handle<ClientNode<Host>>> = (0..40)
        .map(|number| {
            let when = begun + Duration::from_millis(500 + number * 50);
            world.add(|seat| {
                let seal = Seal::new(1, &settings, seat.0 as u64, Purpose::Member);
                let node = Node::new(seat, settings, seat.0 as u64, download("f")).sealed(seal);
                let node = node.with(Habits { leaves: true, ..Habits::default() });
                node.calling(when, to, Language::Own)
            })
        })
        .collect();
    world.run();
    for (number, client) in clients.into_iter().enumerate() {
        let (when, end) = *world.get(client).events.last().unwrap();
        assert_eq!(end, Progress::Done { bytes: 3_000 }, "{number}");
        let took = when.since(begun + Duration::from_millis(500 + number as u64 * 50));
        assert!(took < Duration::from_secs(3), "{number}: {took:?}");
    }
    let guard = world.get(served).seal.as_ref().unwrap().layer.guard();
    assert!(guard.challenges > each_millisecond * 5_000, "{guard:?}");
    assert!(guard.agreements < 400, "{guard:?}");
}

#[test]
fn case_20_ten_thousand_forged_first_packets_a_second_keep_no_honest_client_out() {
    flood(10);
}

#[test]
fn case_20_a_server_under_load_answers_with_less_than_it_got() {
    let (mut server, mut tap) = (server(), Tap::default());
    let (mut random, mut came, mut went) = (Random::new(1), 0, 0);
    for round in 0..5_000 {
        let datagram = init1(Purpose::Guest, random.next().to_be_bytes(), &random.bytes(66));
        came += datagram.len();
        server.arrive(at(round / 10), CLIENT.into(), &datagram);
        server.poll(at(round / 10), &mut tap);
        for (_, answer) in tap.sent.drain(..) {
            assert!(matches!(Packet::parse(&answer), Some(Packet::Challenge(..))));
            went += answer.len();
        }
    }
    assert!(went > 100_000 && went * 3 < came, "{went} bytes for {came}");
    assert_eq!(state(&server), (0, 0, 0));
}
