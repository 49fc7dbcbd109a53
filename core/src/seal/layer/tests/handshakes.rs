use super::*;

const BOTH: &[Suite] = &[Suite::ChaCha];
/// What there is over UDP.
const ALL: [Purpose; 3] = [Purpose::Member, Purpose::Guest, INTRODUCTION];

/// Under Miri two of them.
fn purposes() -> impl Iterator<Item = Purpose> {
    ALL.into_iter().step_by(fewer(1, 3))
}

#[test]
fn every_purpose_opens_in_one_round_trip_and_carries_bytes_both_ways() {
    for purpose in purposes() {
        let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
        let (peer, connection) = client.call(at(0), call(purpose));
        let init1 = only(client.poll(at(0)));
        assert_eq!(init1.len(), FULL);
        server.receive(at(10), client.address, &init1);
        assert_eq!(server.accepted.len(), 1);
        let (theirs, their_peer) = server.accepted[0];
        assert!(!server.layer.is_confirmed(their_peer));
        let caller = server.layer.caller(their_peer).unwrap();
        let key = matches!(purpose, Purpose::Member | INTRODUCTION).then(|| *pair(CLIENT).public());
        assert_eq!(caller, Caller { address: client.address, purpose, key });
        let init2 = only(server.poll(at(10)));
        assert_eq!(init2.len(), FULL, "the way back carries the size");
        client.receive(at(20), server.address, &init2);
        assert!(client.layer.is_confirmed(peer));
        let first = client.poll(at(20));
        assert_eq!(client.events, [Event::Connected(connection)]);
        for (to, datagram) in first {
            assert_eq!(to, server.address);
            server.receive(at(30), client.address, &datagram);
        }
        assert!(server.layer.is_confirmed(their_peer), "by the sign of life");
        assert_eq!(server.layer.guard().confirmed, 1);
        assert!(server.layer.caller(their_peer).is_none(), "that was for who accepts it");
        client.says(connection, b"hello");
        server.says(theirs, b"welcome");
        talk(at(30), &mut client, &mut server);
        assert_eq!((&server.heard[..], &client.heard[..]), (&b"hello"[..], &b"welcome"[..]));
        assert_eq!((client.layer.count(), server.layer.count()), (1, 1));
    }
}

/// Nothing comes back, whatever is tried; and the client gives up.
fn silent(mut client: End, mut server: End, call: Call, reason: impl Fn(&Counters) -> u64) {
    let (_, connection) = client.call(at(0), call);
    for millis in (0..20_000).step_by(fewer(50, 250)) {
        for (_, datagram) in client.poll(at(millis)) {
            server.receive(at(millis), client.address, &datagram);
        }
        assert!(server.poll(at(millis)).is_empty());
    }
    assert!(reason(&server.layer.counters()) >= 8);
    assert!(server.accepted.is_empty() && server.events.is_empty());
    assert_eq!(client.events, [Event::Closed(connection, Err(rdt::Error::Unreachable))]);
    assert_eq!((client.layer.count(), server.layer.count()), (0, 0));
}

#[test]
fn who_is_not_permitted_hears_nothing() {
    for purpose in purposes() {
        let mut server = End::new(SERVER);
        server.doors.open = false;
        silent(End::new(CLIENT), server, call(purpose), |counters| counters.refused);
    }
}

#[test]
fn case_30_who_calls_another_key_hears_nothing_and_costs_no_key_agreement() {
    for purpose in purposes() {
        let call = Call { server: *pair(77).public(), ..call(purpose) };
        let before = agreements();
        let mut client = End::<8>::new(CLIENT);
        client.call(at(0), call.clone());
        let init1 = only(client.poll(at(0)));
        let its_own = agreements() - before;
        let mut server = End::<8>::new(SERVER);
        server.receive(at(0), client.address, &init1);
        assert_eq!(agreements() - before, its_own);
        silent(End::new(CLIENT), End::new(SERVER), call, |counters| counters.unchecked);
    }
}

#[test]
fn who_does_not_know_the_introduction_hears_nothing() {
    for (purpose, key) in [(INTRODUCTION, 9), (Purpose::Peer { introduction: [9; 16] }, 5)] {
        let call = Call { psk: Some(psk(key)), ..call(purpose) };
        silent(End::new(CLIENT), End::new(SERVER), call, |counters| counters.unchecked);
    }
}

#[test]
fn a_call_without_the_key_that_it_needs_says_nothing() {
    let mut client = End::<8>::new(CLIENT);
    client.call(at(0), Call { psk: None, ..call(INTRODUCTION) });
    assert!(client.poll(at(0)).is_empty());
}

#[test]
fn what_is_for_tcp_only_is_neither_said_nor_heard_and_costs_no_key_agreement() {
    for (purpose, psk) in [(Purpose::Salt, None), (INVITE, Some(psk(5)))] {
        let mut client = End::<8>::new(CLIENT);
        let check = CheckKey::<Counting>::new(pair(SERVER).public(), psk.as_ref());
        let message = [7; 80];
        let init1 =
            Init1 { suites: Suites::CHACHA, purpose, client: [1; 8], message: &message, cookie: None };
        let mut out = [0; 300];
        let length = init1.emit(200, |covered| check.stamp(covered), &mut out).unwrap();
        let mut server = End::<8>::new(SERVER);
        let before = agreements();
        server.receive(at(0), client.address, &out[..length]);
        assert_eq!((agreements() - before, server.layer.counters().unchecked), (0, 1), "{purpose:?}");
        assert!(server.poll(at(0)).is_empty());
        client.call(at(0), call(purpose));
        assert!(client.poll(at(0)).is_empty());
    }
}

#[test]
fn what_an_earlier_plain_connection_has_left_does_not_keep_a_sealed_one_from_calling() {
    let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
    let peer = client.layer.connect(at(0), address(SERVER), call(Purpose::Member)).unwrap();
    let pass = Pass { token: 5, round_trip: 20_000 };
    let connection = client.endpoint.connect_again(at(0), peer, Language::Own, pass).unwrap();
    talk(at(0), &mut client, &mut server);
    assert_eq!(client.events, [Event::Connected(connection)]);
}

#[test]
fn case_29_a_suite_that_is_struck_from_the_offer_breaks_the_handshake() {
    let mut client = End::<8>::with(CLIENT, SEGMENT, &[Suite::Aes, Suite::ChaCha]);
    let mut server = End::<8>::new(SERVER);
    client.call(at(0), call(Purpose::Member));
    let init1 = only(client.poll(at(0)));
    let mut struck = init1.clone();
    assert_eq!(std::mem::replace(&mut struck[6], 1), 3);
    // Who is on the path may know the server's public key, and so can make the check right again.
    let (_, proof) = Init1::parse(&struck).unwrap();
    let (start, check) = (proof.covered.len(), CheckKey::<Counting>::new(pair(SERVER).public(), None));
    let check = check.stamp(proof.covered);
    struck[start..start + 16].copy_from_slice(&check);
    server.receive(at(0), client.address, &struck);
    assert_eq!(server.layer.counters().refused, 1);
    assert!(server.poll(at(0)).is_empty());
    server.receive(at(0), client.address, &init1);
    assert_eq!(server.accepted.len(), 1);
}

#[test]
fn case_23_a_repeated_init1_gets_the_same_bytes_and_no_second_key_agreement() {
    for purpose in purposes() {
        let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
        client.call(at(0), call(purpose));
        let init1 = only(client.poll(at(0)));
        server.receive(at(0), client.address, &init1);
        let init2 = only(server.poll(at(0)));
        let before = agreements();
        for millis in (1..1_000).step_by(fewer(1, 250)) {
            server.receive(at(millis), client.address, &init1);
            assert_eq!(only(server.poll(at(millis))), init2);
        }
        assert_eq!(agreements(), before);
        assert_eq!((server.layer.count(), server.endpoint.count(), server.accepted.len()), (1, 1, 1));
        assert!(server.bytes.1 <= server.bytes.0);
        client.receive(at(1_000), server.address, &init2);
        talk(at(1_000), &mut client, &mut server);
        assert_eq!(server.layer.guard().confirmed, 1);
    }
}

#[test]
fn a_lost_init2_is_asked_for_again_and_the_call_is_the_same() {
    let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
    client.call(at(0), call(Purpose::Member));
    let init1 = only(client.poll(at(0)));
    server.receive(at(0), client.address, &init1);
    assert_eq!(server.poll(at(0)).len(), 1);
    let again = only(client.poll(at(250)));
    assert_eq!(again, init1);
    server.receive(at(250), client.address, &again);
    talk(at(250), &mut client, &mut server);
    assert!(client.has(|event| matches!(event, Event::Connected(_))));
    assert_eq!(server.layer.counters().sessions, 1);
}

#[test]
fn after_two_calls_a_smaller_size_is_tried_by_a_handshake_of_its_own() {
    let (mut client, mut server) = (End::<8>::with(CLIENT, 1_405, &[]), End::<8>::with(SERVER, 1_405, BOTH));
    client.call(at(0), call(Purpose::Member));
    let mut sizes = Vec::new();
    // The way back does not carry more than 1,300 bytes: four answers are lost, and what they answer stays half-open.
    for millis in [0, 30, 90, 250, 750] {
        for (_, datagram) in client.poll(at(millis)) {
            sizes.push(datagram.len());
            server.receive(at(millis), client.address, &datagram);
        }
        for (_, datagram) in server.poll(at(millis)) {
            if datagram.len() <= 1_300 {
                client.receive(at(millis), server.address, &datagram);
            }
        }
    }
    assert_eq!(sizes, [1_452, 1_452, 1_452, 1_452, 1_200]);
    talk(at(750), &mut client, &mut server);
    assert!(client.has(|event| matches!(event, Event::Connected(_))));
    assert_eq!((server.layer.counters().sessions, server.layer.guard.half_open()), (2, 1));
    // What was tried before comes to nothing.
    server.poll(at(4_000));
    assert_eq!(server.layer.count(), 1);
}

#[test]
fn the_smallest_datagrams_carry_every_handshake_with_its_cookie() {
    for purpose in purposes() {
        let segment = u16::try_from(SMALLEST - OVERHEAD - 17).unwrap();
        let mut client = End::<8>::with(CLIENT, segment, &[]);
        let mut server = End::<8>::with(SERVER, segment, &[Suite::ChaCha]);
        server.layer.turn(at(0), true);
        client.call(at(0), call(purpose));
        talk(at(0), &mut client, &mut server);
        assert_eq!(server.layer.guard().confirmed, 1, "{purpose:?}");
        assert_eq!(server.layer.guard().challenges, 1);
    }
}

#[test]
fn a_sign_of_life_that_is_lost_is_given_again_before_the_server_forgets() {
    let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
    client.call(at(0), call(Purpose::Member));
    let init1 = only(client.poll(at(0)));
    server.receive(at(0), client.address, &init1);
    client.receive(at(0), server.address, &only(server.poll(at(0))));
    assert_eq!(client.poll(at(0)).len(), 1);
    // The server speaks first, and cannot before it knows its client.
    server.says(server.accepted[0].0, b"welcome");
    for millis in (0..2_900).step_by(10) {
        let signs = client.poll(at(millis));
        server.poll(at(millis));
        if millis > 2_000 && !signs.is_empty() {
            server.receive(at(millis), client.address, &signs[0].1);
            break;
        }
    }
    for millis in (2_900..6_000).step_by(10) {
        talk(at(millis), &mut client, &mut server);
    }
    assert_eq!(client.heard, b"welcome");
}
