//! An endpoint as a device has it, and what its settings make of it.

use super::*;
use crate::{
    Span,
    rdt::{Envelope, Fixed},
    wire::rdt::Terms,
};
use core::net::SocketAddr;
use std::vec::Vec;

type Device = Endpoint<Fixed<2, 4>>;

/// Larger than any datagram here.
const ROOM: usize = 2_000;

fn address(number: u8) -> SocketAddr {
    ([10, 0, 0, number], 4_000).into()
}

fn device(settings: Settings, seed: u64) -> Device {
    Endpoint::new(settings, seed, heapless::Vec::new(), heapless::Vec::new(), heapless::Vec::new())
}

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

/// All datagrams that it sends now, and when it wants to be polled again.
fn sent(endpoint: &mut Device, now: Instant, room: usize) -> (Vec<Vec<u8>>, Option<Instant>) {
    let (mut room, mut sent) = (vec![0; room], Vec::new());
    for _ in 0..100 {
        match endpoint.poll(now, &mut room) {
            Output::Transmit(transmit) => sent.push(transmit.bytes.to_vec()),
            Output::Event(_) => {}
            Output::Wait(at) => return (sent, at),
        }
    }
    panic!("it always has something to do");
}

/// What one with this seed says first who calls at this moment.
fn call(now: Instant) -> Vec<u8> {
    let mut caller = device(Settings::DEVICE, 7);
    caller.connect(now, address(2), Language::Own).unwrap();
    sent(&mut caller, now, ROOM).0.swap_remove(0)
}

#[test]
fn who_was_restarted_with_the_same_seed_calls_by_another_name() {
    assert_eq!(call(at(1_000_000)), call(at(1_000_000)));
    assert_ne!(call(at(1_000_000)), call(at(1_000_001)));
}

#[test]
fn the_largest_datagram_is_what_the_settings_say() {
    let terms = Terms { window: 4, segment: 600 };
    let envelope = Envelope { front: 9, back: 16 };
    let settings = Settings { terms, envelope, known_segment: 500, ..Settings::DEVICE };
    assert_eq!(settings.datagram(), 600 + 17 + 25);
    for (room, fits) in [(settings.datagram(), true), (settings.datagram() - 1, false)] {
        let mut caller = device(settings, 7);
        caller.connect(at(0), address(2), Language::Own).unwrap();
        let call = sent(&mut caller, at(0), room).0.into_iter().any(|call| call.len() == settings.datagram());
        assert_eq!(call, fits, "in {room} bytes");
    }
    assert_eq!(
        Settings { terms: Terms { segment: 1, ..terms }, known_segment: 1, ..settings }.datagram(),
        55 + 25
    );
}

#[test]
fn who_wants_signs_of_life_all_the_time_gets_no_more_than_calls() {
    let settings = Settings { keep_alive: Span::from_micros(0), ..Settings::DEVICE };
    let (mut caller, mut called) = (device(settings, 1), device(settings, 2));
    let (mut now, mut count) = (at(0), 0);
    caller.connect(now, address(2), Language::Own).unwrap();
    while now < at(10_000_000) && count < 1_000 {
        let (up, one) = sent(&mut caller, now, ROOM);
        for datagram in &up {
            let _ = called.handle(now, address(1), datagram);
            called.accept(now);
        }
        let (down, other) = sent(&mut called, now, ROOM);
        for datagram in &down {
            let _ = caller.handle(now, address(2), datagram);
        }
        count += up.len() + down.len();
        if down.is_empty() {
            now = one.into_iter().chain(other).min().unwrap().max(now);
        }
    }
    assert_eq!((caller.count(), called.count()), (1, 1));
    assert!(count < 250, "{count} datagrams in ten seconds");
}

#[test]
#[cfg(feature = "known-peers")]
fn a_fin_is_answered_also_before_its_connection_is_open() {
    let fin = |endpoint: &mut Device| {
        assert_eq!(endpoint.handle(at(1), address(2), b"ROSTOV\x04"), Err(Discard::Stray));
        let (sent, _) = sent(endpoint, at(1), ROOM);
        sent.contains(&b"ROSTOV\x05".to_vec())
    };
    for language in [Language::Known, Language::Any] {
        let mut caller = device(Settings::DEVICE, 7);
        caller.connect(at(0), address(2), language).unwrap();
        sent(&mut caller, at(0), ROOM);
        assert!(fin(&mut caller), "{language:?}");
    }
    let mut called = device(Settings::DEVICE, 7);
    assert_eq!(called.handle(at(0), address(2), b"ROSTOV\x00"), Ok(None));
    assert!(fin(&mut called));
    // That was the end of an earlier one: the call stands.
    assert!(called.accept(at(1)).is_some());
    assert_eq!(sent(&mut called, at(1), ROOM).0, [b"ROSTOV\x01"]);
}
