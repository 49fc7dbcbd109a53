use super::*;

/// What the client says next arrives from another address.
fn moved() -> (End, End, Connection, Wire) {
    let (mut client, mut server, _, connection) = met(Purpose::Member);
    client.address = address(99);
    client.says(connection, b"moved");
    let wire = client.poll(at(10));
    for (_, datagram) in &wire {
        server.receive(at(10), client.address, datagram);
    }
    (client, server, connection, wire)
}

/// It is as long as the question; besides, the client may say other things again.
fn answer(client: &mut End, question: &[u8]) -> Vec<u8> {
    let mut sent = client.poll(at(20)).into_iter().map(|(_, datagram)| datagram);
    sent.find(|datagram| datagram.len() == question.len()).unwrap()
}

#[test]
fn a_new_address_is_asked_first_and_believed_when_it_has_answered() {
    let (mut client, mut server, _, _) = moved();
    assert_eq!(server.heard, b"moved", "what opens is taken wherever it comes from");
    let sent = server.poll(at(10));
    let (questions, others): (Wire, Wire) = sent.into_iter().partition(|(to, _)| *to == client.address);
    assert!(questions.len() == 1 && !others.is_empty());
    assert!(others.iter().all(|(to, _)| *to == address(CLIENT)), "all else goes where the peer was");
    client.receive(at(20), server.address, &questions[0].1);
    let answer = answer(&mut client, &questions[0].1);
    assert_eq!(server.layer.take_moved(), None);
    server.receive(at(30), client.address, &answer);
    assert_eq!(server.layer.counters().moved, 1);
    let (connection, peer) = server.accepted[0];
    // Told once, and by what is told the connection is found.
    assert_eq!([server.layer.take_moved(), server.layer.take_moved()], [Some(peer), None]);
    assert_eq!(server.layer.address(peer), Some(client.address));
    assert_eq!(server.endpoint.connection_with(peer), Some(connection));
    server.says(connection, b"found");
    assert!(server.poll(at(30)).iter().all(|(to, _)| *to == client.address));
}

#[test]
fn an_answer_from_another_address_or_of_another_token_moves_nobody() {
    let (mut client, mut server, _, _) = moved();
    let question = server.poll(at(10)).into_iter().find(|(to, _)| *to == client.address).unwrap().1;
    client.receive(at(20), server.address, &question);
    let answer = answer(&mut client, &question);
    server.receive(at(30), address(77), &answer);
    assert_eq!(server.layer.counters().moved, 0);
    // The right answer once more is a replay: it does not even open.
    let unopened = server.layer.counters().unopened;
    server.receive(at(30), client.address, &answer);
    assert_eq!(server.layer.counters().unopened, unopened + 1);
    assert_eq!((server.layer.counters().moved, server.layer.take_moved()), (0, None));
}

#[test]
fn a_captured_datagram_moves_nobody_to_the_address_that_replays_it() {
    let (client, mut server, _, wire) = moved();
    server.poll(at(10));
    for (_, datagram) in &wire {
        server.receive(at(10), address(66), datagram);
    }
    assert!(server.poll(at(10)).iter().all(|(to, _)| *to != address(66)));
    drop(client);
}

#[test]
fn a_late_datagram_from_the_old_address_asks_nobody() {
    let (mut client, mut server, connection, _) = moved();
    client.says(connection, b"late");
    let late = client.poll(at(11));
    talk(at(12), &mut client, &mut server);
    assert_eq!(server.layer.counters().moved, 1);
    for (_, datagram) in &late {
        server.receive(at(20), address(CLIENT), datagram);
    }
    assert!(server.heard.ends_with(b"late"));
    assert!(server.poll(at(20)).iter().all(|(to, _)| *to == client.address));
}

#[test]
fn an_address_that_is_not_proven_gets_no_more_than_came_from_it() {
    const ROUNDS: u64 = fewer(200, 30);
    let (mut client, mut server, _, connection) = met(Purpose::Member);
    let (mut came, mut went) = (0, 0);
    for round in 0..ROUNDS {
        client.says(connection, b"x");
        for (_, datagram) in client.poll(at(round)) {
            came += datagram.len();
            server.receive(at(round), address(66), &datagram);
        }
        for (to, datagram) in server.poll(at(round)) {
            if to == address(66) {
                went += datagram.len();
            } else {
                client.receive(at(round), server.address, &datagram);
            }
        }
        assert!(went <= came);
    }
    assert!(went > 0);
    assert_eq!(server.layer.counters().moved, 0);
    assert_eq!(server.heard.len() as u64, ROUNDS);
}

#[test]
fn a_server_that_moves_is_found_too() {
    let (mut client, mut server, _, _) = met(Purpose::Guest);
    let (theirs, _) = server.accepted[0];
    server.address = address(50);
    server.says(theirs, b"here");
    talk(at(10), &mut client, &mut server);
    assert_eq!((client.heard.as_slice(), client.layer.counters().moved), (&b"here"[..], 1));
}
