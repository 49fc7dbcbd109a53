//! A server, honest clients and forgers on one network, in virtual time.
//!
//! ```text
//!   honest  ─ first packet ─►             after 250, 500, 1,000, 1,000 … ms without an answer: once more
//!           ◄─ challenge ──── server      the first packet again, with the cookie, at once
//!           ◄─ answer ───────
//!           ─ confirmation ─►             through
//!   forger  ─ first packet ─►             a good one, from an address where nothing is received
//! ```

use super::*;
use std::{cmp::Reverse, collections::BinaryHeap};

/// In microseconds: half of a round trip of 50 ms.
const ONE_WAY: u64 = 25_000;
const FIRST_RETRANSMISSION: u64 = 250_000;
const LAST_RETRANSMISSION: u64 = 1_000_000;
const HONEST_EACH: u64 = fewer(50_000, 250_000);
/// In milliseconds: how often the driver makes a turn.
const TURN: u64 = fewer(1, 20);
/// An honest client must be through in this time.
const PATIENCE: u64 = 3_000_000;
const ANSWER_LENGTH: usize = 113;

/// Who sends forged packets, and how.
#[derive(Clone, Copy)]
pub(super) enum Forger {
    /// Any source address, without a cookie or with garbage as one.
    Anywhere,
    /// As the honest clients' own prefix.
    AsHonest,
    /// From so many prefixes of its own, with good cookies, and it never confirms.
    Real(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Send { client: usize, wait: u64, version: u32 },
    Arrive { client: usize, cookie: Option<Cookie> },
    Challenge { client: usize, cookie: Cookie },
    Answer { client: usize, session: u64 },
    Confirm { client: usize, session: u64 },
}

#[derive(Default)]
struct Honest {
    start: u64,
    cookie: Option<Cookie>,
    /// Retransmissions of another version were overtaken by an answer.
    version: u32,
    through: Option<u64>,
}

/// How it went.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) honest: usize,
    pub(super) in_time: usize,
    /// Bytes from and to addresses that were not proven.
    pub(super) bytes: (usize, usize),
    pub(super) counters: Counters,
}

pub(super) struct World<const S: usize, const B: usize> {
    guard: Guard<S, B>,
    random: Random,
    now: u64,
    events: BinaryHeap<Reverse<(u64, Event)>>,
    honest: Vec<Honest>,
    /// The session in each slot, and whose it is.
    slots: [Option<(u64, Option<usize>)>; S],
    sessions: u64,
    bytes: (usize, usize),
}

impl<const S: usize, const B: usize> World<S, B> {
    pub(super) fn new(settings: Settings, seed: u64) -> Self {
        Self {
            guard: Guard::new(settings, [seed as u8; 32]),
            random: Random(seed),
            now: 0,
            events: BinaryHeap::new(),
            honest: Vec::new(),
            slots: [None; S],
            sessions: 0,
            bytes: (0, 0),
        }
    }

    /// So many seconds with so many forged packets in each; the driver makes a turn each [`TURN`].
    pub(super) fn run(mut self, seconds: u64, forged_a_second: u64, forger: Forger) -> Outcome {
        for start in (0..seconds * 1_000_000 - PATIENCE).step_by(HONEST_EACH as usize) {
            let client = self.honest.len();
            let start = start + self.random.below(HONEST_EACH);
            self.honest.push(Honest { start, ..Honest::default() });
            self.events
                .push(Reverse((start, Event::Send { client, wait: FIRST_RETRANSMISSION, version: 0 })));
        }
        for millisecond in (0..seconds * 1_000).step_by(TURN as usize) {
            self.now = millisecond * 1_000;
            self.guard.turn();
            while let Some(slot) = self.guard.expired(self.time()) {
                assert!(self.slots[slot.number()].take().is_some());
            }
            for _ in forged_a_second * millisecond / 1_000..forged_a_second * (millisecond + TURN) / 1_000 {
                self.forge(forger);
            }
            let end = self.now + TURN * 1_000;
            while self.events.peek().is_some_and(|Reverse((time, _))| *time < end) {
                let Some(Reverse((time, event))) = self.events.pop() else { break };
                self.now = self.now.max(time);
                self.happen(event);
            }
        }
        let in_time = |client: &&Honest| client.through.is_some_and(|time| time <= client.start + PATIENCE);
        Outcome {
            honest: self.honest.len(),
            in_time: self.honest.iter().filter(in_time).count(),
            bytes: self.bytes,
            counters: self.guard.counters(),
        }
    }

    fn time(&self) -> Instant {
        Instant::from_micros(self.now)
    }

    /// An honest client: each in a prefix of its own, but 16 of them in each prefix.
    fn client(number: usize) -> Client {
        let [a, b] = (number as u16 / 16).to_be_bytes();
        Client {
            from: SocketAddr::from(([10, a, b, number as u8], 4_000)),
            id: (number as u64 ^ 0x5555_5555).to_be_bytes(),
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Send { client, wait, version } => {
                let Honest { cookie, version: current, .. } = self.honest[client];
                if version == current {
                    self.after(ONE_WAY, Event::Arrive { client, cookie });
                    let next = (wait * 2).min(LAST_RETRANSMISSION);
                    self.after(wait, Event::Send { client, wait: next, version });
                }
            }
            Event::Arrive { client, cookie } => self.serve(Self::client(client), cookie, Some(client)),
            Event::Challenge { client, cookie } => {
                let honest = &mut self.honest[client];
                honest.cookie = Some(cookie);
                honest.version += 1;
                let version = honest.version;
                self.happen(Event::Send { client, wait: FIRST_RETRANSMISSION, version });
            }
            Event::Answer { client, session } => {
                self.honest[client].version += 1;
                self.after(ONE_WAY, Event::Confirm { client, session });
            }
            Event::Confirm { client, session } => {
                let is_it = |slot: &Option<(u64, _)>| slot.is_some_and(|(its, _)| its == session);
                if let Some(number) = self.slots.iter().position(is_it) {
                    self.slots[number] = None;
                    assert!(self.guard.confirmed(Slot::numbered(number)));
                    self.honest[client].through = Some(self.now);
                }
            }
        }
    }

    fn after(&mut self, span: u64, event: Event) {
        self.events.push(Reverse((self.now + span, event)));
    }

    fn forge(&mut self, forger: Forger) {
        let mut client = self.random.forged();
        let cookie = match forger {
            Forger::Anywhere => (self.random.below(2) == 0).then(|| self.random.cookie()),
            Forger::AsHonest => {
                let victims = self.now / HONEST_EACH;
                client.from.set_ip(Self::client(victims as usize + self.random.below(8) as usize).from.ip());
                None
            }
            Forger::Real(prefixes) => {
                let word = self.random.next();
                let prefix = (word >> 32) as u32 % prefixes;
                client.from.set_ip([172, 16 + (prefix >> 8) as u8, prefix as u8, word as u8].into());
                // It asked for the cookie a moment ago.
                match self.guard.first(self.time(), &client.packet()) {
                    Verdict::Challenge(cookie) => Some(cookie),
                    _ => None,
                }
            }
        };
        self.serve(client, cookie, None);
    }

    fn serve(&mut self, from: Client, cookie: Option<Cookie>, owner: Option<usize>) {
        let now = self.time();
        let packet = match &cookie {
            Some(cookie) => from.packet_with(cookie),
            None => from.packet(),
        };
        let verdict = self.guard.first(now, &packet);
        self.bytes.0 += packet.length;
        match verdict {
            Verdict::Proceed(permit) => {
                if permit.is_proven() {
                    self.bytes.0 -= packet.length;
                }
                let Some(answered) = self.guard.answered(now, permit) else { return };
                self.sessions += 1;
                let before = self.slots[answered.slot.number()].replace((self.sessions, owner));
                assert_eq!(before.is_some(), answered.displaced);
                self.answer(answered.slot);
            }
            Verdict::Repeat(slot) => self.answer(slot),
            Verdict::Challenge(cookie) => {
                self.bytes.1 += CHALLENGE_LENGTH;
                if let Some(client) = owner {
                    self.after(ONE_WAY, Event::Challenge { client, cookie });
                }
            }
            Verdict::Drop(_) => {}
        }
    }

    fn answer(&mut self, slot: Slot) {
        let Some((session, owner)) = self.slots[slot.number()] else { panic!("an answer without a session") };
        if !self.guard.may_send(slot, 1_000_000) {
            assert!(self.guard.may_send(slot, ANSWER_LENGTH));
            self.bytes.1 += ANSWER_LENGTH;
        }
        self.guard.sent(slot, ANSWER_LENGTH);
        if let Some(client) = owner {
            self.after(ONE_WAY, Event::Answer { client, session });
        }
    }
}
