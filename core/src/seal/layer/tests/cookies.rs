use super::*;

/// A server that asks everybody for a cookie, and a client's first packet.
fn loaded() -> (End, End, Vec<u8>) {
    let (mut client, mut server) = (End::new(CLIENT), End::new(SERVER));
    server.layer.turn(at(0), true);
    client.call(at(0), call(Purpose::Member));
    let init1 = only(client.poll(at(0)));
    (client, server, init1)
}

fn cookie_of(init1: &[u8]) -> Option<[u8; 16]> {
    let Some(Packet::Init1(init1, _)) = Packet::parse(init1) else { panic!("no INIT1") };
    init1.cookie
}

#[test]
fn under_load_a_cookie_is_asked_for_and_the_call_is_repeated_with_it_at_once() {
    let (mut client, mut server, init1) = loaded();
    let before = agreements();
    server.receive(at(0), client.address, &init1);
    let challenge = only(server.poll(at(0)));
    assert_eq!((challenge.len(), agreements()), (48, before));
    assert_eq!((server.layer.count(), server.endpoint.count()), (0, 0));
    client.receive(at(0), server.address, &challenge);
    let again = only(client.poll(at(0)));
    assert!(cookie_of(&again).is_some() && cookie_of(&init1).is_none());
    assert_eq!(again.len(), init1.len());
    server.receive(at(0), client.address, &again);
    talk(at(0), &mut client, &mut server);
    assert_eq!(server.layer.guard().confirmed, 1);
    assert!(client.has(|event| matches!(event, Event::Connected(_))));
}

#[test]
fn an_application_that_wants_an_address_proven_first_gets_it_before_it_decides() {
    let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
    server.doors.wants_proof = true;
    client.call(at(0), call(Purpose::Member));
    let init1 = only(client.poll(at(0)));
    for _ in 0..3 {
        // Whoever cannot be reached there gets no further, and less than he sent.
        server.receive(at(0), client.address, &init1);
        assert_eq!(only(server.poll(at(0))).len(), 48);
    }
    assert_eq!((server.layer.count(), server.doors.asked, server.layer.guard.half_open()), (0, 0, 0));
    server.receive(at(0), client.address, &init1);
    client.receive(at(0), server.address, &only(server.poll(at(0))));
    talk(at(0), &mut client, &mut server);
    assert_eq!((server.layer.guard().confirmed, server.doors.asked), (1, 1));
    assert!(client.has(|event| matches!(event, Event::Connected(_))));
}

#[test]
fn a_cookie_that_is_not_taken_is_dropped_after_two_uses_and_another_is_asked_for() {
    let (mut client, mut server, init1) = loaded();
    server.receive(at(0), client.address, &init1);
    client.receive(at(0), server.address, &only(server.poll(at(0))));
    // The server is started again: it knows nothing of its cookie.
    let mut server = End::<8>::new(SERVER);
    server.layer = Layer::new(
        server.layer.settings,
        pair(SERVER),
        Secret::new([99; 32]),
        heapless::Vec::new(),
        heapless::Vec::new(),
    );
    server.layer.turn(at(0), true);
    let mut calls = Vec::new();
    for millis in [0, 250, 750] {
        for (_, datagram) in client.poll(at(millis)) {
            calls.push(cookie_of(&datagram).is_some());
            server.receive(at(millis), client.address, &datagram);
        }
        if millis < 750 {
            assert!(server.poll(at(millis)).is_empty(), "no second challenge to who has a cookie");
        }
    }
    assert_eq!(calls, [true, true, false]);
    talk(at(750), &mut client, &mut server);
    assert_eq!(server.layer.guard().confirmed, 1);
}

#[test]
fn challenges_forged_on_the_path_by_who_knows_the_key_spoil_two_calls_of_three() {
    let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
    client.call(at(0), call(Purpose::Member));
    for millis in (0..3_000).step_by(10) {
        for (_, datagram) in client.poll(at(millis)) {
            server.receive(at(millis), client.address, &datagram);
            let Some(Packet::Init1(init1, _)) = Packet::parse(&datagram) else { continue };
            let mut forged = [0; 48];
            let key = CheckKey::<Tested>::new(pair(SERVER).public(), None);
            let challenge = Challenge { client: init1.client, cookie: [millis as u8; 16] };
            challenge.emit(|covered| key.stamp(covered), &mut forged).unwrap();
            if server.accepted.is_empty() {
                client.receive(at(millis), server.address, &forged);
            }
        }
        for (_, datagram) in server.poll(at(millis)) {
            client.receive(at(millis), server.address, &datagram);
        }
    }
    assert!(client.has(|event| matches!(event, Event::Connected(_))));
}

#[test]
fn case_21_a_challenge_from_elsewhere_or_for_another_client_or_of_another_length_or_damaged_changes_nothing()
{
    let (mut client, mut server, init1) = loaded();
    server.receive(at(0), client.address, &init1);
    let challenge = only(server.poll(at(0)));
    client.receive(at(0), address(9), &challenge);
    for place in 0..challenge.len() {
        let mut other = challenge.clone();
        other[place] ^= 1;
        client.receive(at(0), server.address, &other);
    }
    client.receive(at(0), server.address, &challenge[..47]);
    client.receive(at(0), server.address, &[&challenge[..], &[0]].concat());
    assert!(client.poll(at(0)).is_empty());
    assert_eq!(cookie_of(&only(client.poll(at(250)))), None);
}

#[test]
fn case_21_a_cookie_is_good_for_its_address_its_port_and_its_client_only() {
    let (mut client, mut server, init1) = loaded();
    server.receive(at(0), client.address, &init1);
    client.receive(at(0), server.address, &only(server.poll(at(0))));
    let again = only(client.poll(at(0)));
    for from in [address(9), ([10, 0, 0, CLIENT], 4_001).into()] {
        server.receive(at(0), from, &again);
    }
    // Two epochs later.
    server.receive(at(40_000), client.address, &again);
    assert_eq!(server.layer.guard().bad_cookies, 3);
    assert!(server.poll(at(40_000)).is_empty() && server.accepted.is_empty());
}

#[test]
fn challenges_are_urgent_before_there_is_no_room_for_them() {
    let (_, mut server, _) = loaded();
    for number in 0..WAITING_MAX / 2 {
        assert!(!server.layer.is_urgent());
        let mut client = End::<8>::new(CLIENT);
        client.call(at(0), call(Purpose::Guest));
        server.receive(at(0), address(10 + number as u8), &only(client.poll(at(0))));
    }
    assert!(server.layer.is_urgent());
    assert_eq!(server.poll(at(0)).len(), WAITING_MAX / 2);
    assert!(!server.layer.is_urgent());
}
