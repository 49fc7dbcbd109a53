use super::*;

#[test]
fn a_session_outlives_its_connection_for_the_last_words_and_is_forgotten() {
    let (mut client, mut server, peer, connection) = met(Purpose::Member);
    let (theirs, _) = server.accepted[0];
    client.endpoint.finish(connection);
    server.endpoint.finish(theirs);
    talk(at(10), &mut client, &mut server);
    assert!(client.has(|event| matches!(event, Event::Closed(_, Ok(())))));
    assert!(server.has(|event| matches!(event, Event::Closed(_, Ok(())))));
    assert_eq!((client.layer.count(), server.layer.count()), (1, 1));
    talk(at(3_010), &mut client, &mut server);
    assert_eq!((client.layer.count(), server.layer.count()), (0, 0));
    assert_eq!((client.layer.deadline(), server.layer.deadline()), (None, None));
    assert!(client.layer.address(peer).is_none());
}

#[test]
fn who_calls_a_full_server_takes_the_place_of_a_session_that_has_ended() {
    let (mut server, mut first, mut second) =
        (End::<1>::new(SERVER), End::<8>::new(CLIENT), End::<8>::new(CLIENT + 1));
    let (_, connection) = first.call(at(0), call(Purpose::Member));
    talk(at(0), &mut first, &mut server);
    let (theirs, before) = server.accepted[0];
    let (_, waits) = second.call(at(10), call(Purpose::Member));
    talk(at(10), &mut second, &mut server);
    assert_eq!((server.accepted.len(), server.layer.count()), (1, 1), "one that lives keeps its place");
    second.endpoint.abort(waits);
    first.endpoint.finish(connection);
    server.endpoint.finish(theirs);
    talk(at(20), &mut first, &mut server);
    assert_eq!((server.endpoint.count(), server.layer.count()), (0, 1));
    second.call(at(30), call(Purpose::Member));
    talk(at(30), &mut second, &mut server);
    assert_eq!((server.accepted.len(), server.layer.count()), (2, 1));
    assert!(server.layer.address(before).is_none());
}

#[test]
fn a_lost_last_word_is_said_again_through_the_session_that_is_left() {
    let (mut client, mut server, _, connection) = met(Purpose::Member);
    let (theirs, _) = server.accepted[0];
    client.endpoint.finish(connection);
    server.endpoint.finish(theirs);
    // The server closes; its last words are lost.
    for _ in 0..4 {
        for (_, datagram) in client.poll(at(10)) {
            server.receive(at(10), client.address, &datagram);
        }
        for (_, datagram) in server.poll(at(10)) {
            if server.endpoint.count() > 0 {
                client.receive(at(10), server.address, &datagram);
            }
        }
    }
    for millis in (20..3_000).step_by(10) {
        talk(at(millis), &mut client, &mut server);
    }
    assert!(client.has(|event| matches!(event, Event::Closed(_, Ok(())))), "{:?}", client.events);
}

#[test]
fn a_session_from_which_nothing_comes_is_forgotten() {
    let (mut client, mut server, _, _) = met(Purpose::Member);
    server.poll(at(29_000));
    assert_eq!(server.endpoint.count(), 1);
    server.poll(at(31_000));
    assert!(server.has(|event| matches!(event, Event::Closed(_, Err(rdt::Error::Silent { .. })))));
    server.poll(at(34_001));
    assert_eq!((server.layer.count(), server.endpoint.count()), (0, 0));
    // A driver that never says that a connection ended loses nothing, either.
    let mut lonely = End::<8>::new(CLIENT);
    lonely.layer.connect(at(0), address(SERVER), call(Purpose::Guest)).unwrap();
    lonely.poll(at(59_000));
    assert_eq!(lonely.layer.count(), 1);
    lonely.poll(at(60_100));
    assert_eq!(lonely.layer.count(), 0);
    drop(client.poll(at(0)));
}

#[test]
fn a_session_that_lives_takes_another_key_every_hour() {
    const HOURS: u64 = fewer(3, 1);
    let (mut client, mut server, _, connection) = met(Purpose::Member);
    let mut phases = Vec::new();
    for second in (0..HOURS * 3_600 + 240).step_by(fewer(1, 20)) {
        let now = at(second * 1_000);
        if second % 60 == 0 {
            client.says(connection, b"x");
        }
        for _ in 0..3 {
            for (_, datagram) in client.poll(now) {
                if phases.last() != Some(&datagram[0]) {
                    phases.push(datagram[0]);
                }
                server.receive(now, client.address, &datagram);
            }
            for (_, datagram) in server.poll(now) {
                client.receive(now, server.address, &datagram);
            }
        }
    }
    assert_eq!(phases, [0x40, 0x41, 0x40, 0x41][..=HOURS as usize]);
    assert_eq!(server.heard.len() as u64, HOURS * 60 + 4);
}

#[test]
fn a_handshake_that_its_client_does_not_finish_is_forgotten_after_three_seconds() {
    let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
    client.call(at(0), call(Purpose::Member));
    server.receive(at(0), client.address, &only(client.poll(at(0))));
    server.poll(at(2_999));
    assert_eq!((server.layer.count(), server.layer.guard.half_open()), (1, 1));
    server.poll(at(3_000));
    assert_eq!((server.layer.count(), server.layer.guard.half_open()), (0, 0));
    assert_eq!(server.layer.slots, [u32::MAX; SLOTS]);
    assert_eq!(server.endpoint.count(), 0);
}

/// The server with its table full of handshakes that nobody finishes, from addresses 10, 11, ...
fn crowded(server: &mut End, count: u8, cookies: bool) {
    for number in 0..count {
        let mut client = End::<8>::new(CLIENT);
        client.layer.random = Random::new(Secret::new([number; 32]));
        client.address = ([10, number, 0, 1], 4_000).into();
        client.call(at(0), call(Purpose::Guest));
        for (_, datagram) in client.poll(at(0)) {
            server.receive(at(0), client.address, &datagram);
        }
        for (_, datagram) in server.poll(at(0)) {
            client.receive(at(0), server.address, &datagram);
        }
        if cookies {
            for (_, datagram) in client.poll(at(0)) {
                if matches!(Packet::parse(&datagram), Some(Packet::Init1(..))) {
                    server.receive(at(0), client.address, &datagram);
                }
            }
        }
        server.poll(at(0));
    }
}

#[test]
fn handshakes_that_others_displace_free_their_sessions() {
    let mut server = End::<8>::new(SERVER);
    crowded(&mut server, 1, false);
    let (_, first) = server.accepted[0];
    assert!(server.layer.address(first).is_some());
    crowded(&mut server, 8, true);
    // The table of handshakes has four places, and its first tenant had not proven its address.
    assert!(server.layer.guard().displaced >= 1, "{:?}", server.layer.guard());
    assert!(server.layer.address(first).is_none());
    assert_eq!(server.layer.count(), SLOTS);
    let open = server.layer.slots.iter().filter(|&&slot| slot != u32::MAX).count();
    assert_eq!(open, SLOTS);
    server.poll(at(3_000));
    assert_eq!(server.layer.count(), 0);
}

#[test]
fn with_room_for_one_session_the_next_one_comes_when_the_first_is_over() {
    let (mut client, mut server) = (End::<8>::new(CLIENT), End::<1>::new(SERVER));
    let (_, connection) = client.call(at(0), call(Purpose::Member));
    talk(at(0), &mut client, &mut server);
    assert_eq!((server.layer.count(), server.layer.guard().confirmed), (1, 1));
    let (_, second) = client.call(at(10), call(Purpose::Member));
    talk(at(10), &mut client, &mut server);
    assert_eq!((server.accepted.len(), server.layer.guard.half_open()), (1, 0));
    let (theirs, _) = server.accepted[0];
    client.endpoint.finish(connection);
    server.endpoint.finish(theirs);
    talk(at(20), &mut client, &mut server);
    for millis in (30..5_000).step_by(10) {
        talk(at(millis), &mut client, &mut server);
    }
    assert_eq!(server.accepted.len(), 2);
    assert!(client.has(|event| *event == Event::Connected(second)));
}

#[test]
fn a_client_with_room_for_one_session_makes_one() {
    let mut client = End::<1>::new(CLIENT);
    client.call(at(0), call(Purpose::Member));
    assert!(client.layer.connect(at(0), address(SERVER), call(Purpose::Member)).is_none());
}

#[test]
fn a_caller_that_is_turned_away_hears_nothing_and_leaves_nothing() {
    let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
    client.call(at(0), call(Purpose::Member));
    server.receive(at(0), client.address, &only(client.poll(at(0))));
    server.endpoint.abort(server.accepted[0].0);
    assert!(server.poll(at(0)).is_empty());
    server.poll(at(3_000));
    assert_eq!((server.layer.count(), server.endpoint.count()), (0, 0));
    assert_eq!(server.layer.slots, [u32::MAX; SLOTS]);
}

#[test]
fn a_connection_that_ends_before_its_session_is_confirmed_frees_both() {
    let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
    client.call(at(0), call(Purpose::Member));
    server.receive(at(0), client.address, &only(client.poll(at(0))));
    let init2 = only(server.poll(at(0)));
    server.endpoint.abort(server.accepted[0].0);
    server.poll(at(0));
    // The client is told when it comes.
    client.receive(at(10), server.address, &init2);
    talk(at(10), &mut client, &mut server);
    assert!(client.has(|event| matches!(event, Event::Closed(_, Err(rdt::Error::Reset { .. })))));
    talk(at(3_010), &mut client, &mut server);
    assert_eq!((client.layer.count(), server.layer.count()), (0, 0));
}

#[test]
fn a_packet_of_a_session_that_is_over_is_not_sealed_for_the_next_one_in_its_place() {
    let (mut client, mut server, _, connection) = met(Purpose::Member);
    client.says(connection, b"moved");
    for (_, datagram) in client.poll(at(10)) {
        server.receive(at(10), address(99), &datagram);
    }
    // A question waits; before it goes, its session is replaced.
    let number = server.layer.sessions.number(server.accepted[0].1).unwrap();
    server.layer.forget(number);
    let mut other = End::<8>::new(CLIENT);
    other.layer.random = Random::new(Secret::new([42; 32]));
    other.call(at(10), call(Purpose::Member));
    server.receive(at(10), other.address, &only(other.poll(at(10))));
    let sent = server.poll(at(10));
    assert!(sent.iter().all(|(to, _)| *to != address(99)), "{sent:?}");
}
