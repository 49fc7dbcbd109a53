//! Numbers that wrap at 2^16, with a known peer in stop-and-wait and with another skep.

use skep_core::{files, rdt::Language, wire::rdt::TypeKind};
use skep_tests::{
    Boards, ClientNode, Crowd, Handle, Host, Peer, PlainRdt, Random, Scenario, Seat, ServerNode, Sessions,
    Simulated, Way, Wired, Wiring, World, download, known_settings, upload,
};
use std::net::SocketAddr;

const SIZE: usize = 70_000;

#[test]
fn a_file_of_more_than_65536_segments_goes_between_two_skeps() {
    for way in [Way::Download, Way::Upload] {
        Scenario::new(way, SIZE).known(1, 1).run(Simulated::new(1)).expect_done().expect_spotless();
        let network = Simulated::new(2).both(|path| path.loss = 20);
        Scenario::new(way, SIZE).known(1, 1).run(network).expect_done();
        Scenario::new(way, SIZE).known(4, 1).run(Simulated::new(1)).expect_done();
        Scenario::new(way, SIZE).own(64, 1).run(Simulated::new(1)).expect_done().expect_spotless();
    }
}

fn between_boards<W: Wiring>(scenario: &Scenario) {
    let _ = scenario.run_on_cable::<W, true>(Simulated::new(1)).expect_done();
    let cable = Simulated::new(2).both(|path| path.loss = 20);
    let _ = scenario.run_on_cable::<W, false>(cable).expect_done();
}

#[test]
fn a_file_of_more_than_65536_segments_goes_between_two_boards() {
    for way in [Way::Download, Way::Upload] {
        between_boards::<PlainRdt>(&Scenario::new(way, SIZE).known(1, 1));
        between_boards::<PlainRdt>(&Scenario::new(way, SIZE).own(64, 1));
        between_boards::<PlainRdt<1, 4>>(&Scenario::new(way, SIZE).own(4, 1));
    }
}

fn header(kind: u8, length: usize, name: &str) -> Vec<u8> {
    let mut bytes = vec![kind];
    if kind != 1 {
        bytes.extend((length as u64).to_le_bytes());
    }
    if kind != 2 {
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend(name.as_bytes());
    }
    bytes
}

/// A known peer that uploads this, a byte in each INFO.
fn uploading(seat: Seat, to: SocketAddr, content: &[u8]) -> Peer {
    let sends = [&header(0, content.len(), "up"), content].concat();
    Peer::new(seat, Some(to)).sending(sends, 1).in_segments(1)
}

/// A known peer that downloads as much.
fn downloading(seat: Seat, to: SocketAddr) -> Peer {
    Peer::new(seat, Some(to)).sending(header(1, 0, "down"), 9 + SIZE)
}

#[test]
fn a_known_peer_uploads_more_than_65536_segments() {
    for loss in [0, 20] {
        let mut world = World::new(Simulated::new(1).both(|path| path.loss = loss));
        let server: Handle<ServerNode<Host, Sessions>> =
            world.serve(known_settings(1, 1), files::Settings::DEFAULT);
        let to = world.address(server);
        let content = Random::new(1).bytes(SIZE);
        let peer = world.add(|seat| uploading(seat, to, &content));
        world.run();
        assert_eq!(world.get(server).storage.files["up"], content);
        assert_eq!(world.get(peer).came, [3]);
        assert!(world.get(peer).is_finished && world.get(peer).has_seen_end);
    }
}

#[test]
fn a_known_peer_downloads_more_than_65536_segments() {
    for loss in [0, 20] {
        let mut world = World::new(Simulated::new(1).both(|path| path.loss = loss));
        let server: Handle<ServerNode<Host, Sessions>> =
            world.serve(known_settings(1, 1), files::Settings::DEFAULT);
        let content = Random::new(1).bytes(SIZE);
        world.get_mut(server).storage.files.insert("down".into(), content.clone());
        let to = world.address(server);
        let peer = world.add(|seat| downloading(seat, to));
        world.run();
        assert_eq!(world.get(peer).came, [header(2, SIZE, ""), content].concat());
        assert!(world.get(peer).has_seen_end);
    }
}

#[test]
fn known_peers_exchange_more_than_65536_segments_with_a_board() {
    for loss in [0, 20] {
        let cable = Simulated::new(1).both(|path| path.loss = loss);
        let mut crowd =
            Crowd::<_, Boards<PlainRdt>>::new(cable, known_settings(1, 1), files::Settings::DEFAULT);
        let content = Random::new(1).bytes(SIZE);
        crowd.served().insert("down".into(), content.clone());
        let to = Wired::<Peer>::address(Seat(0));
        let world = &mut crowd.world;
        let up = world.add(|seat| Wired::new(seat, uploading(seat, to, &content)));
        let down = world.add(|seat| Wired::new(seat, downloading(seat, to)));
        world.run();
        assert_eq!(world.get(up).member.came, [3]);
        assert_eq!(world.get(down).member.came, [header(2, SIZE, ""), content.clone()].concat());
        assert!(world.get(up).member.has_seen_end && world.get(down).member.has_seen_end);
        assert_eq!(crowd.served()["up"], content);
    }
}

#[test]
fn a_known_server_serves_more_than_65536_segments() {
    for kind in [TypeKind::Raw, TypeKind::Ascii] {
        let mut world = World::new(Simulated::new(1));
        let content = Random::new(1).bytes(SIZE);
        let served = [header(2, SIZE, ""), content.clone()].concat();
        let expected = header(1, 0, "down");
        let peer = world.add(|seat| {
            let peer = Peer::new(seat, None).in_segments(1);
            peer.answering(move |came| (came == expected).then(|| served.clone()))
        });
        let (to, now) = (world.address(peer), world.now());
        let settings = skep_core::rdt::Settings { kind, ..known_settings(1, 1) };
        let client: Handle<ClientNode<Host>> =
            world.client(to, now, settings, Language::Known, download("down"));
        world.run();
        assert_eq!(world.get(client).storage.files["down"], content);
        assert_eq!(world.get(peer).is_ascii, kind == TypeKind::Ascii);
    }
}

#[test]
fn a_known_server_takes_more_than_65536_segments() {
    let mut world = World::new(Simulated::new(1));
    let content = Random::new(1).bytes(SIZE);
    let expected = header(0, SIZE, "up").len() + SIZE;
    let peer = world
        .add(|seat| Peer::new(seat, None).answering(move |came| (came.len() == expected).then(|| vec![3])));
    let (to, now) = (world.address(peer), world.now());
    let client: Handle<ClientNode<Host>> =
        world.client(to, now, known_settings(1, 1), Language::Known, upload("up"));
    world.get_mut(client).storage.files.insert("up".into(), content.clone());
    world.run();
    assert_eq!(world.get(client).events.last().unwrap().1, files::Progress::Done { bytes: SIZE as u64 });
    assert_eq!(world.get(peer).came, [header(0, SIZE, "up"), content].concat());
}
