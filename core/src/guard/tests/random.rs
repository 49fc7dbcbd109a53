//! Random packets, random times, against plain books.

use super::*;
use std::collections::{HashMap, HashSet};

/// What happens to the address of a client until it is proven.
#[derive(Default)]
struct Traffic {
    received: usize,
    sent: usize,
}

struct Book<const S: usize, const B: usize> {
    guard: Guard<S, B>,
    random: Random,
    now: u64,
    /// When its first packet came last, and whose it is.
    slots: HashMap<usize, (u64, Client)>,
    cookies: HashMap<Client, Cookie>,
    traffic: HashMap<SocketAddr, Traffic>,
    proven: HashSet<SocketAddr>,
}

impl<const S: usize, const B: usize> Book<S, B> {
    fn new(seed: u64) -> Self {
        Self {
            guard: guard(),
            random: Random(seed),
            now: 0,
            slots: HashMap::new(),
            cookies: HashMap::new(),
            traffic: HashMap::new(),
            proven: HashSet::new(),
        }
    }

    /// One packet and what follows from it; its verdict, to compare runs.
    fn step(&mut self) -> String {
        self.now += if self.random.below(500) == 0 { 60_000_000 } else { self.random.below(40_000) };
        let now = Instant::from_micros(self.now);
        if self.random.below(2) == 0 {
            self.guard.turn();
        }
        if self.random.below(300) == 0 {
            self.guard.late(now);
        }
        let client = Client::number(self.random.below(40) as u32);
        let cookie = match self.random.below(4) {
            0 | 1 => None,
            2 => self.cookies.get(&client).copied(),
            _ => Some(self.random.cookie()),
        };
        let length = self.random.below(300) as usize;
        let packet = FirstPacket { cookie: cookie.as_ref(), length, ..client.packet() };
        self.traffic.entry(client.from).or_default().received += length;
        let verdict = self.guard.first(now, &packet);
        let printed = format!("{verdict:?}");
        match verdict {
            Verdict::Proceed(permit) => self.proceed(now, client, permit),
            Verdict::Repeat(slot) => {
                let (heard, of) = self.slots.get_mut(&slot.number()).unwrap();
                assert_eq!(*of, client);
                *heard = self.now;
                self.answer(client, slot);
            }
            Verdict::Challenge(cookie) => {
                assert!(length >= CHALLENGE_LENGTH);
                self.cookies.insert(client, cookie);
                self.send(client, CHALLENGE_LENGTH);
            }
            Verdict::Drop(_) => {}
        }
        self.leave(now);
        assert_eq!(self.guard.half_open(), self.slots.len());
        printed
    }

    fn proceed(&mut self, now: Instant, client: Client, permit: Permit) {
        if permit.is_proven() {
            self.proven.insert(client.from);
        }
        if self.random.below(5) == 0 {
            return; // the key agreement failed
        }
        let Some(answered) = self.guard.answered(now, permit) else { panic!("a place was promised") };
        let before = self.slots.insert(answered.slot.number(), (self.now, client));
        assert_eq!(before.is_some(), answered.displaced);
        self.answer(client, answered.slot);
    }

    fn answer(&mut self, client: Client, slot: Slot) {
        let length = self.random.below(300) as usize;
        if self.guard.may_send(slot, length) {
            self.guard.sent(slot, length);
            self.send(client, length);
        }
    }

    fn send(&mut self, client: Client, length: usize) {
        let traffic = self.traffic.get_mut(&client.from).unwrap();
        traffic.sent += length;
        assert!(traffic.sent <= traffic.received || self.proven.contains(&client.from));
    }

    fn leave(&mut self, now: Instant) {
        let number = self.random.below(S as u64 * 4) as usize;
        if self.slots.remove(&number).is_some() {
            assert!(self.guard.confirmed(Slot::numbered(number)));
        }
        if let Some(deadline) = self.guard.next_deadline() {
            let since = self.slots.values().map(|&(since, _)| since).min().unwrap();
            assert_eq!(deadline.as_micros(), since + 3_000_000);
        }
        while let Some(slot) = self.guard.expired(now) {
            let (since, _) = self.slots.remove(&slot.number()).unwrap();
            assert!(self.now >= since + 3_000_000);
        }
        assert!(self.guard.next_deadline().is_none_or(|deadline| deadline > now));
    }
}

const PACKETS: u64 = fewer(20_000, 25);

fn play<const S: usize, const B: usize>(seed: u64) -> Vec<String> {
    let mut book = Book::<S, B>::new(seed);
    let verdicts = (0..PACKETS).map(|_| book.step()).collect();
    let counters = book.guard.counters();
    let sum = counters.agreements
        + counters.repeats
        + counters.challenges
        + counters.bad_cookies
        + counters.over_rate
        + counters.table_full
        + counters.busy
        + counters.too_short;
    assert_eq!((counters.first_packets, sum), (PACKETS, PACKETS));
    if cfg!(miri) {
        return verdicts;
    }
    for (name, count) in [("agreements", counters.agreements), ("repeats", counters.repeats)] {
        assert!(count > 0, "no {name}");
    }
    assert!(counters.challenges > 0 && counters.bad_cookies > 0 && counters.expired > 0);
    verdicts
}

#[test]
fn no_address_is_sent_more_than_came_from_it_before_it_is_proven() {
    for seed in 0..fewer(10, 1) {
        play::<64, 1_024>(seed);
        play::<4, 128>(seed);
    }
}

#[test]
fn a_table_of_one_and_a_bucket_of_one_keep_the_same_promises() {
    (0..fewer(10, 1)).for_each(|seed| drop(play::<1, 1>(seed)));
}

#[test]
fn the_same_seed_makes_the_same_verdicts() {
    assert_eq!(play::<4, 128>(3), play::<4, 128>(3));
    assert_ne!(play::<4, 128>(3), play::<4, 128>(4));
}
