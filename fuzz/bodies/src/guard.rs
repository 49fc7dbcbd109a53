//! First packets from anywhere, at any time, with any cookies, against plain books.
//!
//! Never more half-open handshakes than there are slots; every verdict is counted once; an address is sent at most
//! what came from it before it is proven; and what expires was there.

use crate::Choices;
use skep_core::{
    Instant,
    guard::{FirstPacket, Guard, Permit, Settings, Slot, Verdict},
    wire::seal::{CHALLENGE_LENGTH, Cookie},
};
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    time::Duration,
};

/// Address, id and attempt of who calls.
type Client = (SocketAddr, [u8; 8], [u8; 8]);

#[derive(Default)]
struct Book {
    slots: HashMap<usize, (Slot, Client)>,
    cookies: HashMap<(SocketAddr, [u8; 8]), Cookie>,
    /// Bytes from an address, and to it.
    traffic: HashMap<SocketAddr, (usize, usize)>,
    proven: HashSet<SocketAddr>,
    first_packets: u64,
}

/// Plays a guard of a size that the first byte names.
pub fn guard(data: &[u8]) {
    let mut choices = Choices::new(data);
    match choices.below(3) {
        0 => play::<4, 128>(&mut choices),
        1 => play::<1, 1>(&mut choices),
        _ => play::<64, 1_024>(&mut choices),
    }
}

fn play<const SLOTS: usize, const BUCKETS: usize>(choices: &mut Choices<'_>) {
    let settings = Settings {
        agreements_per_turn: u16::from(choices.byte() % 4),
        calm_rate: [100, 0, 4, u32::MAX][choices.below(4)],
    };
    let mut guard = Guard::<SLOTS, BUCKETS>::new(settings, [7; 32]);
    let mut book = Book::default();
    let mut now = Instant::from_micros(100_000_000);
    // A clock may also be set back: then only the bounds hold.
    let is_steady = !choices.rarely(8);
    while !choices.is_over() {
        now = match choices.below(16) {
            0..8 => now,
            8..13 => now + Duration::from_millis(u64::from(choices.byte())),
            13..15 => now + Duration::from_secs(u64::from(choices.byte())),
            _ if is_steady => now + Duration::from_micros(1),
            _ => Instant::from_micros(u64::from(choices.byte()) << choices.below(57)),
        };
        match choices.below(16) {
            0..3 => guard.turn(),
            3 => guard.late(now),
            4 => leave(&mut guard, &mut book, choices),
            _ => packet(&mut guard, &mut book, now, choices),
        }
        while let Some(slot) = guard.expired(now) {
            assert!(book.slots.remove(&slot.number()).is_some(), "what expired was not there");
        }
        assert_eq!(guard.half_open(), book.slots.len());
        assert!(guard.half_open() <= SLOTS);
        assert!(
            !is_steady || guard.next_deadline().is_none_or(|deadline| deadline > now),
            "it waits for the past"
        );
        let counters = guard.counters();
        let sum = counters.agreements
            + counters.repeats
            + counters.challenges
            + counters.bad_cookies
            + counters.over_rate
            + counters.table_full
            + counters.busy
            + counters.too_short;
        assert_eq!((counters.first_packets, sum), (book.first_packets, book.first_packets));
    }
}

fn leave<const S: usize, const B: usize>(
    guard: &mut Guard<S, B>,
    book: &mut Book,
    choices: &mut Choices<'_>,
) {
    let number = choices.below(S);
    if let Some((slot, (from, ..))) = book.slots.remove(&number) {
        if choices.rarely(2) {
            guard.abandoned(slot);
        } else {
            assert!(guard.confirmed(slot));
            book.proven.insert(from);
        }
        assert!(!guard.confirmed(slot) && !guard.may_send(slot, 0));
    }
}

fn packet<const S: usize, const B: usize>(
    guard: &mut Guard<S, B>,
    book: &mut Book,
    now: Instant,
    choices: &mut Choices<'_>,
) {
    let address = choices.byte();
    let from = if address < 200 {
        SocketAddr::from(([10, 0, address >> 4, address & 15], 7))
    } else {
        let mut ip = [0; 16];
        ip[choices.below(16)] = choices.byte();
        SocketAddr::from((ip, 7))
    };
    let client: Client = (from, [choices.byte() & 1; 8], [choices.byte() & 1; 8]);
    let cookie = match choices.below(4) {
        0 | 1 => None,
        2 => book.cookies.get(&(client.0, client.1)).copied(),
        _ => Some([choices.byte(); 16]),
    };
    let length = usize::from(choices.byte());
    book.traffic.entry(from).or_default().0 += length;
    book.first_packets += 1;
    let packet = FirstPacket { from, client: client.1, attempt: client.2, cookie: cookie.as_ref(), length };
    match guard.first(now, &packet) {
        Verdict::Proceed(permit) => proceed(guard, book, now, client, permit, choices),
        Verdict::Repeat(slot) => {
            assert_eq!(book.slots[&slot.number()].1, client, "somebody else's answer");
            answer(guard, book, from, slot, choices);
        }
        Verdict::Challenge(cookie) => {
            assert!(length >= CHALLENGE_LENGTH);
            book.cookies.insert((client.0, client.1), cookie);
            send(book, from, CHALLENGE_LENGTH);
        }
        Verdict::Drop(_) => {}
    }
}

fn proceed<const S: usize, const B: usize>(
    guard: &mut Guard<S, B>,
    book: &mut Book,
    now: Instant,
    client: Client,
    permit: Permit,
    choices: &mut Choices<'_>,
) {
    if permit.is_proven() {
        assert!(book.cookies.contains_key(&(client.0, client.1)), "proven without a cookie");
        book.proven.insert(client.0);
    }
    if choices.rarely(5) {
        return; // the key agreement failed
    }
    let answered = guard.answered(now, permit).expect("a place was promised");
    let before = book.slots.insert(answered.slot.number(), (answered.slot, client));
    assert_eq!(before.is_some(), answered.displaced);
    answer(guard, book, client.0, answered.slot, choices);
}

fn answer<const S: usize, const B: usize>(
    guard: &mut Guard<S, B>,
    book: &mut Book,
    to: SocketAddr,
    slot: Slot,
    choices: &mut Choices<'_>,
) {
    let length = usize::from(choices.byte()) * 2;
    if guard.may_send(slot, length) {
        guard.sent(slot, length);
        send(book, to, length);
    }
}

fn send(book: &mut Book, to: SocketAddr, length: usize) {
    let (received, sent) = book.traffic.get_mut(&to).expect("nothing came from there");
    *sent += length;
    assert!(*sent <= *received || book.proven.contains(&to), "more was sent than came");
}
