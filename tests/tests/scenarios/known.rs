//! Known peers, written from docs/protocol.md section 2 alone: in selective repeat, and as servers that are called in a
//! language that they do not know.

use skep_core::{
    Instant,
    files::{self, Progress},
    rdt::Language,
};
use skep_tests::{
    ClientNode, Habits, Handle, Host, Peer, Random, Scenario, ServerNode, Sessions, Simulated, Way, World,
    download, known_settings, own_settings, upload,
};
use std::time::Duration;

const SIZE: usize = 300_000;

fn upload_header(length: usize, name: &str) -> Vec<u8> {
    let name_length = (name.len() as u16).to_le_bytes();
    [&[0][..], &(length as u64).to_le_bytes(), &name_length, name.as_bytes()].concat()
}

fn request(name: &str) -> Vec<u8> {
    [&[1][..], &(name.len() as u16).to_le_bytes(), name.as_bytes()].concat()
}

fn download_header(length: usize) -> Vec<u8> {
    [&[2][..], &(length as u64).to_le_bytes()].concat()
}

/// A selective-repeat peer that uploads; how long it took, and how many INFO packets.
fn selective_upload(network: Simulated, keeps_early: bool, segment: usize) -> (Duration, u64) {
    let mut world = World::new(network);
    let server: Handle<ServerNode<Host, Sessions>> =
        world.serve(known_settings(1, 1_024), files::Settings::DEFAULT);
    world.get_mut(server).set_habits(Habits { keeps_early, feeds: 64, ..Habits::default() });
    let to = world.address(server);
    let content = Random::new(1).bytes(SIZE);
    let peer = world.add(|seat| {
        let sends = [upload_header(SIZE, "up"), content.clone()].concat();
        Peer::new(seat, Some(to)).selective().sending(sends, 1).in_segments(segment)
    });
    let begun = world.now();
    world.run_to(|world| !world.get(peer).came.is_empty());
    let took = world.now().since(begun);
    world.run();
    assert_eq!(world.get(server).storage.files["up"], content);
    assert_eq!(world.get(peer).came, [3]);
    assert!(world.get(peer).has_seen_end && world.get(peer).is_finished);
    (took, world.get(peer).infos)
}

#[test]
fn a_selective_repeat_peer_uploads_to_a_driver_that_keeps_early_datagrams() {
    let segments = SIZE.div_ceil(1_000) as u64 + 2;
    let (took, infos) = selective_upload(Simulated::new(1), true, 1_000);
    assert!(infos <= segments && took < Duration::from_secs(1), "{infos} {took:?}");
    for seed in 0..10 {
        let (took, infos) = selective_upload(Simulated::new(seed).both(|path| path.loss = 50), true, 1_000);
        assert!(infos < segments * 2 && took < Duration::from_secs(20), "{seed}: {infos} {took:?}");
    }
}

#[test]
fn a_selective_repeat_peer_uploads_to_a_driver_that_keeps_nothing() {
    for seed in 0..5 {
        let network = Simulated::new(seed).both(|path| path.loss = if seed == 0 { 0 } else { 10 });
        selective_upload(network, false, 1_000);
    }
}

#[test]
fn a_peer_may_split_as_it_likes() {
    for segment in [7, 100, 1_399] {
        selective_upload(Simulated::new(1), true, segment);
    }
}

#[test]
fn a_selective_repeat_peer_downloads() {
    for window in [1, 64] {
        for loss in [0, 50] {
            let mut world = World::new(Simulated::new(1).both(|path| path.loss = loss));
            let server: Handle<ServerNode<Host, Sessions>> =
                world.serve(known_settings(window, 1_000), files::Settings::DEFAULT);
            let content = Random::new(1).bytes(SIZE);
            world.get_mut(server).storage.files.insert("down".into(), content.clone());
            let to = world.address(server);
            let peer =
                world.add(|seat| Peer::new(seat, Some(to)).selective().sending(request("down"), 9 + SIZE));
            world.run();
            assert_eq!(world.get(peer).came, [download_header(SIZE), content].concat());
        }
    }
}

/// A known server and a client that finds out what it speaks.
fn fall_back(network: Simulated, selective: bool, is_upload: bool) {
    let mut world = World::new(network);
    let content = Random::new(1).bytes(10_000);
    let (served, length) = ([download_header(10_000), content.clone()].concat(), 10_000);
    let whole = if is_upload { upload_header(length, "x").len() + length } else { request("x").len() };
    let peer = world.add(|seat| {
        let peer = Peer::new(seat, None);
        let peer = if selective { peer.selective() } else { peer };
        // A client that has ended answers no FIN: then all answers before may have been lost.
        peer.until(Instant::from_micros(120_000_000)).answering(move |came| {
            (came.len() == whole).then(|| if is_upload { vec![3] } else { served.clone() })
        })
    });
    let (to, now) = (world.address(peer), world.now());
    let service = if is_upload { upload("x") } else { download("x") };
    let client: Handle<ClientNode<Host>> =
        world.client(to, now, own_settings(64, 1_000), Language::Any, service);
    if is_upload {
        world.get_mut(client).storage.files.insert("x".into(), content.clone());
    }
    world.run_to(|world| world.get(client).statistics().any(|statistics| statistics.segment > 0));
    assert!(!world.get(client).statistics().any(|statistics| statistics.own));
    // What is under way now was sent before the answer.
    world.run_for(Duration::from_millis(11));
    let before = world.get(peer).datagrams.len();
    world.run();
    let after = &world.get(peer).datagrams[before..];
    assert!(after.len() > 3 && after.iter().all(|datagram| datagram.starts_with(b"ROSTOV")));
    assert_eq!(world.get(client).events.last().unwrap().1, Progress::Done { bytes: 10_000 });
    assert_eq!(world.get(client).storage.files["x"], content);
}

#[test]
fn a_client_falls_back_to_the_language_of_a_known_server_and_says_nothing_else_after() {
    for selective in [false, true] {
        for is_upload in [false, true] {
            fall_back(Simulated::new(1), selective, is_upload);
            for seed in 0..20 {
                fall_back(Simulated::new(seed).both(|path| path.loss = 100), selective, is_upload);
            }
        }
    }
}

#[test]
fn on_a_long_path_the_time_out_becomes_long_enough_for_an_answer() {
    for millis in [150, 400, 900] {
        let network = || Simulated::new(1).both(|path| path.delay = Duration::from_millis(millis));
        for way in [Way::Download, Way::Upload] {
            let report = Scenario::new(way, 50 * 1_024).known(1, 1_024).run(network()).expect_done();
            let sent = report.sender().statistics;
            assert!(sent.counters.resent <= 5 && sent.round_trip.is_some(), "{millis} ms: {sent:?}");
        }
    }
}

#[test]
fn a_known_peer_that_vanishes_is_let_go() {
    let mut world = World::new(Simulated::new(1));
    let server: Handle<ServerNode<Host, Sessions>> =
        world.serve(known_settings(1, 1_024), files::Settings::DEFAULT);
    let to = world.address(server);
    let gives_up = Instant::from_micros(2_000_000);
    world.add(|seat| Peer::new(seat, Some(to)).sending(upload_header(SIZE, "up"), 1).until(gives_up));
    world.run();
    let past = world.get(server).last_past();
    assert!(past.outcome.is_err() && past.at.since(gives_up) < Duration::from_secs(35));
    assert!(world.get(server).storage.files.is_empty());
}
