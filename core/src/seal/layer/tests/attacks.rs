use super::*;

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 11
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

#[test]
fn case_22_an_init1_replayed_a_thousand_times_makes_nothing_that_can_be_used() {
    for purpose in [Purpose::Member, INTRODUCTION] {
        let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
        client.call(at(0), call(purpose));
        let init1 = only(client.poll(at(0)));
        server.receive(at(0), client.address, &init1);
        client.receive(at(0), server.address, &only(server.poll(at(0))));
        talk(at(0), &mut client, &mut server);
        assert_eq!((server.layer.guard().confirmed, server.accepted.len()), (1, 1));
        let events = server.events.len();
        let mut noise = Noise(1);
        for round in (0..1_000).step_by(fewer(1, 400)) {
            // Later, from anywhere, and what came back is answered by garbage.
            let (now, from) = (at(10 + round * 10), address(100 + noise.below(100) as u8));
            server.receive(now, from, &init1);
            for (to, answer) in server.poll(now) {
                if let Some(Packet::Init2(_)) = Packet::parse(&answer) {
                    // The id is inside: here it is known all the same.
                    let Some(&(_, Peer::Session(id))) = server.accepted.last() else { panic!() };
                    let garbage = noise.bytes(60);
                    let data = [&[0x40, 0][..], &id.to_be_bytes(), &[0; 4], &garbage].concat();
                    server.receive(now, to, &data);
                }
            }
            assert!(server.layer.count() <= 1 + SLOTS);
        }
        // All that was accepted besides is not confirmed, and no byte came of it.
        for &(_, peer) in &server.accepted[1..] {
            assert!(!server.layer.is_confirmed(peer));
        }
        assert!(server.layer.guard().confirmed == 1 && server.heard.is_empty());
        let closed =
            |event: &Event| matches!(event, Event::Closed(_, Err(rdt::Error::Silent { delivered: 0 })));
        assert!(server.events[events..].iter().all(closed), "{:?}", server.events);
        server.poll(at(20_000));
        assert_eq!((server.layer.count(), server.endpoint.count()), (1, 1));
        // And whoever was there before is still there.
        let (connection, _) = server.accepted[0];
        server.says(connection, b"still");
        talk(at(20_000), &mut client, &mut server);
        assert_eq!(client.heard, b"still");
    }
}

#[test]
fn case_26_data_before_the_handshake_and_in_its_middle_changes_nothing() {
    let (mut client, mut server) = (End::<8>::new(CLIENT), End::<8>::new(SERVER));
    let mut noise = Noise(2);
    let mut garbage = |id: u64| [&[0x40, 0][..], &id.to_be_bytes(), &noise.bytes(60)].concat();
    let (peer, _) = client.call(at(0), call(Purpose::Member));
    let Peer::Session(id) = peer else { panic!() };
    let init1 = only(client.poll(at(0)));
    for _ in 0..fewer(100, 3) {
        client.receive(at(0), server.address, &garbage(id));
    }
    server.receive(at(0), client.address, &init1);
    let Peer::Session(theirs) = server.accepted[0].1 else { panic!() };
    for _ in 0..fewer(100, 3) {
        server.receive(at(0), client.address, &garbage(theirs));
    }
    let init2 = only(server.poll(at(0)));
    for _ in 0..fewer(100, 3) {
        server.receive(at(0), client.address, &garbage(theirs));
    }
    assert!(!server.layer.is_confirmed(server.accepted[0].1));
    // Message 2 with any bit flipped is refused, and the right one is taken after all of them.
    for bit in (0..(16 + 48 + 3 + 8 + 16) * 8).step_by(fewer(1, 37)) {
        let mut flipped = init2.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        client.receive(at(0), server.address, &flipped);
    }
    assert!(client.poll(at(0)).is_empty());
    client.receive(at(0), server.address, &init2);
    talk(at(0), &mut client, &mut server);
    assert!(server.layer.is_confirmed(server.accepted[0].1));
    // The same again: keys are not given twice.
    client.receive(at(0), server.address, &init2);
    assert!(client.poll(at(0)).is_empty());
}

#[test]
fn case_27_replayed_reordered_and_flipped_datagrams_bring_each_word_once() {
    let (mut client, mut server, _, connection) = met(Purpose::Member);
    let mut noise = Noise(3);
    let mut said = Vec::new();
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for millis in (0..3_000).step_by(fewer(1, 50)) {
        if millis % fewer(20, 100) == 0 && millis < 1_500 {
            let word = noise.bytes(20);
            client.says(connection, &word);
            said.extend(word);
        }
        let mut up = client.poll(at(millis));
        up.reverse();
        for (_, datagram) in up {
            for _ in 0..4 {
                let mut flipped = datagram.clone();
                let place = noise.below(flipped.len());
                flipped[place] ^= 1 << noise.below(8);
                server.receive(at(millis), client.address, &flipped);
            }
            server.receive(at(millis), client.address, &datagram);
            seen.push(datagram);
            for _ in 0..4 {
                server.receive(at(millis), client.address, &seen[noise.below(seen.len())]);
            }
        }
        for (_, datagram) in server.poll(at(millis)) {
            client.receive(at(millis), server.address, &datagram);
        }
    }
    assert_eq!(server.heard, said);
    assert!(server.layer.counters().unopened > fewer(200, 20));
    assert_eq!(server.layer.count(), 1);
}

#[test]
fn case_31_plain_packets_mean_nothing_to_a_sealed_endpoint() {
    use crate::wire::rdt::{Known, Magic, Own, TypeKind};
    let (mut client, mut server, _, connection) = met(Purpose::Guest);
    let before = (server.layer.count(), server.endpoint.count());
    let mut room = [0; 100];
    for number in 0..fewer(1_000, 10) {
        for packet in [Own::Fin { segments: 0 }, Own::Reset, Own::FinAck, Own::Ping { token: 0 }] {
            let length = packet.emit(number, &mut room).unwrap();
            server.receive(at(0), client.address, &room[..length]);
        }
    }
    for packet in [Known::Connect, Known::Fin, Known::FinAck, Known::Ack(0)] {
        let length = packet.emit(&Magic::ROSTOV, TypeKind::Raw, &mut room).unwrap();
        server.receive(at(0), client.address, &room[..length]);
    }
    assert!(server.poll(at(0)).is_empty());
    assert_eq!((server.layer.count(), server.endpoint.count()), before);
    client.says(connection, b"here");
    talk(at(0), &mut client, &mut server);
    assert_eq!(server.heard, b"here");
}

#[test]
fn inside_a_session_only_skeps_own_language_is_spoken() {
    let (client, mut server, _, _) = met(Purpose::Guest);
    let (_, peer) = server.accepted[0];
    for packet in [&b"ROSTOV\x00"[..], b"ROSTOV0", b"ROSTOV\x04"] {
        assert_eq!(server.endpoint.handle(at(0), peer, packet), Err(rdt::Discard::OtherMagic));
    }
    assert!(server.poll(at(0)).is_empty());
    drop(client);
}

#[test]
fn who_has_not_proven_an_address_gets_no_more_bytes_there_than_came_from_it() {
    let mut noise = Noise(4);
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for purpose in [Purpose::Member, Purpose::Guest, INTRODUCTION] {
        for segment in [250, 1_000] {
            let mut client = End::<8>::with(CLIENT, segment, &[]);
            client.call(at(0), call(purpose));
            seeds.push(only(client.poll(at(0))));
        }
    }
    let mut server = End::<8>::new(SERVER);
    let mut traffic = std::collections::BTreeMap::<SocketAddr, (usize, usize)>::new();
    for round in 0..fewer(20_000, 50) {
        // Quiet times between, or it would be load all the time.
        let now = at(round + round / 100 * 8_000);
        let mut datagram = seeds[noise.below(seeds.len())].clone();
        match noise.below(6) {
            0 => datagram.truncate(noise.below(datagram.len() + 1)),
            1 => {
                let place = noise.below(170);
                datagram[place] = noise.next() as u8;
            }
            2 => datagram = noise.bytes(round as usize % 300),
            // Another client: the check holds for its id, too, when it is made again.
            3 | 4 => {
                let id = noise.bytes(8);
                datagram[8..16].copy_from_slice(&id);
                if let Some((_, proof)) = Init1::parse(&datagram) {
                    let check = CheckKey::<Counting>::new(pair(SERVER).public(), None).stamp(proof.covered);
                    let start = proof.covered.len();
                    datagram[start..start + 16].copy_from_slice(&check);
                }
            }
            _ => {}
        }
        let from = address(10 + noise.below(20) as u8);
        if datagram.is_empty() {
            continue;
        }
        if round % 1_000 == 0 {
            server.layer.turn(now, true);
        }
        traffic.entry(from).or_default().0 += datagram.len();
        server.receive(now, from, &datagram);
        for (to, answer) in server.poll(now) {
            let (came, went) = traffic.get_mut(&to).unwrap();
            *went += answer.len();
            assert!(*went <= *came, "{to}: {went} bytes for {came}");
        }
        assert!(server.layer.count() <= SLOTS);
    }
    if cfg!(miri) {
        return;
    }
    assert!(server.bytes.1 > 50_000 && server.bytes.1 <= server.bytes.0, "{:?}", server.bytes);
    let guard = server.layer.guard();
    assert!(guard.challenges > 100 && guard.repeats > 50 && guard.expired > 50, "{guard:?}");
}
