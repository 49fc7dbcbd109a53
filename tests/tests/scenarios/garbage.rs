//! Datagrams that nobody should send.

use skep_core::{
    Instant,
    rdt::{Discard, Endpoint, Output, Settings},
    wire::rdt::{Known, Magic, Own, Pass, Terms, TypeKind},
};
use skep_tests::{Host, Network, Random, Scenario, Seat, Simulated, Way, host};
use std::net::SocketAddr;

const PEER: ([u8; 4], u16) = ([10, 0, 0, 9], 9);

fn packets() -> Vec<Vec<u8>> {
    let terms = Terms { window: 9, segment: 99 };
    let own = [
        Own::Open { terms, realm: Magic::ROSTOV, pass: Pass::NONE },
        Own::Accept { terms, token: 0 },
        Own::Data { transmission: 1, segment: 0, asks: false, body: b"body" },
        Own::Ack { top: 1, next: 1, limit: 10, delay: 0, map: Default::default() },
        Own::Fin { segments: 1 },
        Own::FinAck,
        Own::Ping { token: 0 },
        Own::Reset,
    ];
    let known = [
        Known::Connect,
        Known::ConnAck,
        Known::Info { number: 0, body: b"body" },
        Known::Ack(0),
        Known::Fin,
        Known::FinAck,
    ];
    let mut room = [0; 200];
    let mut packets = Vec::new();
    for packet in own {
        let length = packet.emit(7, &mut room).unwrap();
        packets.push(room[..length].to_vec());
    }
    for packet in known {
        let length = packet.emit(&Magic::ROSTOV, TypeKind::Raw, &mut room).unwrap();
        packets.push(room[..length].to_vec());
    }
    packets
}

/// All there is in an endpoint, besides what counts what was dropped.
fn state(endpoint: &Endpoint<Host>) -> String {
    let text = format!("{endpoint:?}");
    let (before, rest) = text.split_once("dropped: Drops").unwrap();
    let (_, after) = rest.split_once('}').unwrap();
    format!("{before}{after}")
}

fn drain(endpoint: &mut Endpoint<Host>, now: Instant) -> Vec<Vec<u8>> {
    let mut room = [0; 2_000];
    let mut sent = Vec::new();
    loop {
        match endpoint.poll(now, &mut room) {
            Output::Transmit(transmit) => sent.push(transmit.bytes.to_vec()),
            Output::Event(_) => {}
            Output::Wait(_) => return sent,
        }
    }
}

#[test]
fn what_is_malformed_or_of_another_network_changes_nothing() {
    let now = Instant::from_micros(1);
    let peer = SocketAddr::from(PEER);
    let mut endpoint = host::endpoint(Settings::HOST, 1);
    // One connection in each language, so that there is something to change.
    let other = SocketAddr::from(([10, 0, 0, 8], 9));
    endpoint.handle(now, peer, &packets()[0]).unwrap();
    endpoint.handle(now, other, b"ROSTOV\x00").unwrap();
    while endpoint.accept(now).is_some() {}
    drain(&mut endpoint, now);
    let before = state(&endpoint);
    let mut random = Random::new(1);
    let mut count = 0;
    for from in [peer, other] {
        for packet in packets() {
            for length in 0..packet.len() {
                // A shorter body is a body.
                if packet.starts_with(b"SKEP\x12") && length > Own::DATA_HEADER {
                    continue;
                }
                let outcome = endpoint.handle(now, from, &packet[..length]);
                assert!(matches!(outcome, Err(Discard::Malformed | Discard::OtherMagic)), "{outcome:?}");
                count += 1;
            }
        }
        for _ in 0..10_000 {
            let length = random.below(100) as usize;
            let noise = random.bytes(length);
            assert_eq!(endpoint.handle(now, from, &noise), Err(Discard::OtherMagic));
            let tail = random.bytes(length);
            let known = [&b"ROSTOV"[..], &[6 + random.below(42) as u8], &tail].concat();
            assert_eq!(endpoint.handle(now, from, &known), Err(Discard::Malformed));
            count += 2;
        }
    }
    assert_eq!(state(&endpoint), before);
    let dropped = endpoint.dropped();
    assert_eq!(dropped.malformed + dropped.other_magic, count);
    assert!(drain(&mut endpoint, now).is_empty(), "nothing is answered");
}

#[test]
fn what_is_of_no_connection_changes_nothing_and_gets_at_most_one_small_answer() {
    let now = Instant::from_micros(1);
    let mut endpoint = host::endpoint(Settings::HOST, 1);
    for packet in packets() {
        if packet == packets()[0] || packet == b"ROSTOV\x00" {
            continue;
        }
        assert_eq!(endpoint.handle(now, SocketAddr::from(PEER), &packet), Err(Discard::Stray));
        let answers = drain(&mut endpoint, now);
        assert!(
            answers.len() <= 1 && answers.iter().all(|answer| answer.len() <= packet.len()),
            "{packet:?}"
        );
        assert_eq!(endpoint.count(), 0);
    }
}

#[test]
fn a_call_of_another_network_is_not_answered() {
    let now = Instant::from_micros(1);
    let mut endpoint = host::endpoint(Settings::HOST, 1);
    let terms = Terms { window: 9, segment: 99 };
    let mut room = [0; 200];
    let length = Own::Open { terms, realm: Magic::new(b"OTHER").unwrap(), pass: Pass::NONE }
        .emit(7, &mut room)
        .unwrap();
    assert_eq!(endpoint.handle(now, SocketAddr::from(PEER), &room[..length]), Err(Discard::OtherMagic));
    assert_eq!(endpoint.handle(now, SocketAddr::from(PEER), b"OTHER\x00"), Err(Discard::OtherMagic));
    assert!(drain(&mut endpoint, now).is_empty());
    assert_eq!(endpoint.count(), 0);
}

/// Transfers between which somebody else sends what he saw, changed in some places. There is no checksum against that,
/// so the file may be another one or none; but nothing panics, and all comes to an end.
#[test]
fn a_network_that_changes_bytes_ends_transfers_at_worst() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let way = random.one_of(&[Way::Download, Way::Upload]);
        let scenario = Scenario::new(way, random.below(3_000) as usize);
        let window = random.one_of(&[1, 2, 16]);
        let scenario = match random.below(2) {
            0 => scenario.own(window, 100),
            _ => scenario.known(window, 100).but(|it| it.habits.keeps_early = true),
        };
        let mut report = scenario.prepare::<_, Host, Host>(Simulated::new(seed));
        report.world.steps_max = 100_000;
        let rate = random.one_of(&[10, 100, 500]);
        report.world.network.mutate(rate);
        report.world.run_for(std::time::Duration::from_secs(2));
        report.world.network.mutate(0);
        report.world.run();
        assert_eq!(report.server().endpoint.count() + report.client().endpoint.count(), 0);
    }
}

#[test]
fn a_datagram_for_nobody_is_lost() {
    let mut network = Simulated::new(1);
    let seat = network.join();
    let nobody = network.address(Seat(7));
    network.send(seat, nobody, b"x");
    assert!(network.next(None).is_some_and(|arrival| arrival.seat == Seat(7)));
}
