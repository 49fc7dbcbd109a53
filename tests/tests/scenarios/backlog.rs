//! New peers wait in a line of bounded length until they are accepted.

use skep_core::{
    Instant,
    rdt::{Discard, Endpoint, Event, Incoming, Output, Settings},
    wire::rdt::{Magic, Own, Pass, Terms},
};
use skep_core::{
    files::{self, Progress},
    rdt::Language,
};
use skep_tests::{ClientNode, Handle, Host, ServerNode, Simulated, World, download, host, own_settings};
use std::net::SocketAddr;

const NOW: Instant = Instant::from_micros(1);

fn peer(number: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 9], number))
}

fn packet(packet: Own<'_>, connection: u32) -> Vec<u8> {
    let mut room = [0; 200];
    let length = packet.emit(connection, &mut room).unwrap();
    room[..length].to_vec()
}

fn open(number: u32) -> Vec<u8> {
    packet(
        Own::Open { terms: Terms { window: 9, segment: 99 }, realm: Magic::ROSTOV, pass: Pass::NONE },
        number,
    )
}

fn drain(endpoint: &mut Endpoint<Host>) -> (usize, Vec<Event>) {
    let mut room = [0; 2_000];
    let (mut sent, mut events) = (0, Vec::new());
    loop {
        match endpoint.poll(NOW, &mut room) {
            Output::Transmit(_) => sent += 1,
            Output::Event(event) => events.push(event),
            Output::Wait(_) => return (sent, events),
        }
    }
}

#[test]
fn who_waits_longest_is_accepted_first_and_who_finds_no_room_is_dropped() {
    let mut endpoint = host::endpoint(Settings { backlog: 3, ..Settings::HOST }, 1);
    for number in 0..3 {
        assert_eq!(endpoint.handle(NOW, peer(number), &open(7)), Ok(None));
    }
    assert_eq!(endpoint.handle(NOW, peer(3), &open(7)), Err(Discard::NoRoom));
    // A call that is repeated takes no second place.
    assert_eq!(endpoint.handle(NOW, peer(1), &open(7)), Ok(None));
    assert_eq!(drain(&mut endpoint), (0, vec![]), "nobody is answered before he is accepted");
    let accepted: Vec<_> = std::iter::from_fn(|| endpoint.accept(NOW).map(|(_, peer)| peer)).collect();
    assert_eq!(accepted, [peer(0), peer(1), peer(2)]);
    assert_eq!(drain(&mut endpoint), (6, vec![]), "twice, as one may be lost");
    assert_eq!(endpoint.handle(NOW, peer(3), &open(7)), Ok(None));
    assert_eq!(endpoint.dropped().no_room, 1);
}

#[test]
fn who_goes_while_it_waits_leaves_its_place() {
    for polls_between in [false, true] {
        let mut endpoint = host::endpoint(Settings { backlog: 2, ..Settings::HOST }, 1);
        for number in 0..2 {
            assert_eq!(endpoint.handle(NOW, peer(number), &open(7)), Ok(None));
        }
        assert_eq!(endpoint.handle(NOW, peer(0), &packet(Own::Reset, 7)), Ok(None));
        if polls_between {
            assert_eq!(drain(&mut endpoint), (0, vec![]), "nobody knew of it");
            assert_eq!(endpoint.count(), 1);
            assert_eq!(endpoint.handle(NOW, peer(2), &open(7)), Ok(None));
        }
        assert_eq!(endpoint.accept(NOW).unwrap().1, peer(1));
        assert_eq!(endpoint.accept(NOW).map(|(_, peer)| peer), polls_between.then_some(peer(2).into()));
    }
}

#[test]
fn a_restarted_peer_that_still_waits_is_accepted_once() {
    let mut endpoint = host::endpoint(Settings::HOST, 1);
    assert_eq!(endpoint.handle(NOW, peer(0), &open(7)), Ok(None));
    // The same program calls again and asks for smaller segments.
    assert_eq!(endpoint.handle(NOW, peer(0), &open(8)), Ok(None));
    assert_eq!(endpoint.accept(NOW).unwrap().1, peer(0));
    assert!(endpoint.accept(NOW).is_none());
    assert_eq!(drain(&mut endpoint), (2, vec![]));
    assert_eq!(endpoint.count(), 1);
}

/// Who may speak in somebody else's name takes little of an application, however often he does.
#[test]
fn few_are_believed_before_their_addresses_are_proven() {
    let mut endpoint = host::endpoint(Settings::HOST, 1).proving([1, 2]);
    let request = |asks| packet(Own::Data { transmission: 1, segment: 0, asks, body: b"request" }, 7);
    let mut told = 0;
    for number in 0..1_000 {
        assert_eq!(endpoint.handle(NOW, peer(number), &open(7)), Ok(None));
        endpoint.accept(NOW).unwrap();
        match endpoint.handle(NOW, peer(number), &request(true)) {
            Ok(Some(Incoming::Message { .. })) => told += 1,
            other => assert_eq!(other, Err(Discard::Early)),
        }
    }
    assert_eq!(told, 64);
    // One that goes makes room, and so does one that shows the token which it was sent.
    assert_eq!(endpoint.handle(NOW, peer(0), &packet(Own::Reset, 7)), Ok(None));
    let mut room = [0; 2_000];
    let mut token = 0;
    loop {
        match endpoint.poll(NOW, &mut room) {
            Output::Transmit(it) => match Own::parse(it.bytes) {
                Some(Some((_, Own::Accept { token: found, .. }))) => token = found,
                other => panic!("{other:?}"),
            },
            Output::Event(_) => {}
            Output::Wait(_) => break,
        }
    }
    let is_told = |endpoint: &mut Endpoint<Host>, number| {
        matches!(endpoint.handle(NOW, peer(number), &request(true)), Ok(Some(Incoming::Message { .. })))
    };
    assert!(is_told(&mut endpoint, 900) && !is_told(&mut endpoint, 901));
    for number in [1, 902] {
        // All have the same address.
        assert_eq!(endpoint.handle(NOW, peer(number), &packet(Own::Ping { token }, 7)), Ok(None));
    }
    assert!(is_told(&mut endpoint, 901) && is_told(&mut endpoint, 902) && !is_told(&mut endpoint, 903));
}

#[test]
fn hundreds_of_clients_are_served_at_once() {
    for loss in [0, 100] {
        let mut world = World::new(Simulated::new(1).both(|path| path.loss = loss));
        let rules = files::Settings { slots: 300, ..files::Settings::DEFAULT };
        type Many = heapless::Vec<skep_core::table::Named<files::Session>, 300>;
        let server: Handle<ServerNode<Host, Many>> = world.serve(own_settings(16, 500), rules);
        let content: Vec<u8> = (0..20_000).map(|number| number as u8).collect();
        world.get_mut(server).storage.files.insert("x".into(), content.clone());
        let (to, now) = (world.address(server), world.now());
        let settings = Settings { calls: 30, ..own_settings(16, 500) };
        let clients: Vec<Handle<ClientNode<Host>>> =
            (0..300).map(|_| world.client(to, now, settings, Language::Any, download("x"))).collect();
        world.run();
        for client in clients {
            let client = world.get(client);
            assert_eq!(client.events.last().unwrap().1, Progress::Done { bytes: 20_000 });
            assert_eq!(client.storage.files["x"], content);
        }
    }
}
