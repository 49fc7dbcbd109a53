//! Any calls in any order: nothing panics, no action names a stream that is closed, no file and no slot is lost.

use super::{OTHER, Random, download, name, request, upload};
use crate::{
    Instant,
    files::{Client, Counters, Dialect, Server, Session, Settings, WhenFull},
    limits::MESSAGE_MAX,
    miri::fewer,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    table::Named,
    wire::path,
};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

const SEEDS: u64 = fewer(2_000, 2);
const STREAMS: usize = 5;

type Fixed = Server<heapless::Vec<Named<Session>, 4>>;

/// What the rules of the contract need to be remembered.
#[derive(Default)]
struct Ledger {
    streams: BTreeMap<u32, Sides>,
    files: BTreeSet<u32>,
    owed: BTreeSet<u32>,
    events: usize,
}

#[derive(Default)]
struct Sides {
    is_finished: bool,
    is_aborted: bool,
    is_moving: bool,
}

impl Ledger {
    fn stream(&mut self, stream: StreamId) -> &mut Sides {
        let sides = self.streams.get_mut(&stream.0).expect("an action on a stream that is closed");
        assert!(!sides.is_aborted);
        sides
    }

    fn drain<S: Service>(&mut self, machine: &mut S, now: Instant) -> Option<Instant> {
        for _ in 0..1_000 {
            let mut room = [0; MESSAGE_MAX];
            match machine.poll(now, &mut room) {
                Action::Write { stream, .. } => assert!(!self.stream(stream).is_finished),
                Action::Send { stream, file, .. } => {
                    let sides = self.stream(stream);
                    assert!(!sides.is_finished && !std::mem::replace(&mut sides.is_moving, true));
                    assert!(self.files.contains(&file.0) && !self.owed.contains(&file.0));
                }
                Action::Receive { stream, file, .. } => {
                    assert!(!std::mem::replace(&mut self.stream(stream).is_moving, true));
                    assert!(self.files.contains(&file.0) && !self.owed.contains(&file.0));
                }
                Action::Splice { .. } => panic!("no machine of files relays"),
                Action::Finish(stream) => {
                    assert!(!std::mem::replace(&mut self.stream(stream).is_finished, true));
                }
                Action::Abort(stream) => self.stream(stream).is_aborted = true,
                Action::Open { file, .. } | Action::Create { file, .. } => {
                    assert!(self.files.insert(file.0) && self.owed.insert(file.0));
                }
                Action::Commit(file) => assert!(self.files.contains(&file.0) && self.owed.insert(file.0)),
                Action::Release(file) => assert!(self.files.remove(&file.0) && !self.owed.contains(&file.0)),
                Action::Event(_) => self.events += 1,
                Action::Wait(until) => {
                    assert!(until.is_none_or(|until| until > now));
                    return until;
                }
            }
        }
        panic!("it spins");
    }

    /// One call, of any kind, with anything.
    fn call<S: Service>(
        &mut self,
        random: &mut Random,
        machine: &mut S,
        now: Instant,
        open: impl Fn(&mut S, &mut Random, StreamId) -> bool,
    ) {
        let stream = StreamId(random.below(STREAMS) as u32);
        let outcome = match random.below(4) {
            0 => Err([Fault::NotFound, Fault::NoSpace, Fault::Ended, Fault::Failed][random.below(4)]),
            _ => Ok(()),
        };
        match random.below(11) {
            0 | 1 => {
                // A driver opens no stream that is open, but for once the machine is to withstand even that.
                if open(machine, random, stream) {
                    assert!(self.streams.insert(stream.0, Sides::default()).is_none());
                }
            }
            2 | 3 => {
                let bytes = any_bytes(random);
                let taken = machine.received(now, stream, &bytes);
                assert!(taken <= bytes.len());
            }
            4 | 8 => {
                // Mostly what was asked for, or no call would get far.
                let moving =
                    self.streams.iter().find(|(_, sides)| sides.is_moving).filter(|_| random.below(4) > 0);
                let stream = moving.map_or(stream, |(&moving, _)| StreamId(moving));
                if let Some(sides) = self.streams.get_mut(&stream.0) {
                    sides.is_moving = false;
                }
                machine.moved(now, stream, outcome);
            }
            5 => machine.finished(now, stream),
            6 => {
                self.streams.remove(&stream.0);
                machine.closed(now, stream, if random.below(2) == 0 { Closed::Done } else { Closed::Broken });
            }
            _ => {
                let owed = self.owed.first().filter(|_| random.below(4) > 0);
                let file = owed.map_or(random.below(STREAMS) as u32, |&file| file);
                self.owed.remove(&file);
                let length = [0, 7, u64::MAX][random.below(3)];
                machine.stored(now, FileId(file), outcome.map(|()| length));
            }
        }
    }

    /// Ends every stream and answers every question.
    fn settle<S: Service>(&mut self, machine: &mut S, now: Instant) {
        for _ in 0..20 {
            self.drain(machine, now);
            for stream in std::mem::take(&mut self.streams).into_keys() {
                machine.closed(now, StreamId(stream), Closed::Broken);
            }
            self.drain(machine, now);
            for file in std::mem::take(&mut self.owed) {
                machine.stored(now, FileId(file), Ok(0));
            }
        }
        assert_eq!(self.drain(machine, now), None);
        assert!(self.files.is_empty(), "a file was never released");
    }
}

fn any_bytes(random: &mut Random) -> Vec<u8> {
    let mut bytes = match random.below(9) {
        0 => request("a"),
        1 => upload("a", b"xyz"),
        2 => upload("b", b""),
        3 => download(b"content"),
        4 => path::NOT_FOUND.to_vec(),
        5 => b"a/b\n".to_vec(),
        6 => vec![3],
        7 => vec![4, 6],
        _ => {
            let length = random.below(600);
            random.bytes(length)
        }
    };
    if random.below(3) == 0 {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    bytes
}

#[test]
fn a_server_withstands_any_calls_in_any_order() {
    let mut total = Counters::default();
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let settings = Settings {
            slots: random.below(3) as u32,
            when_full: if random.below(2) == 0 { WhenFull::Busy } else { WhenFull::Wait },
            read_only: random.below(8) == 0,
            ..Settings::DEFAULT
        };
        let mut machine = Fixed::new(settings, heapless::Vec::new());
        let mut ledger = Ledger::default();
        let mut now = Instant::ZERO;
        for _ in 0..400 {
            ledger.call(&mut random, &mut machine, now, |machine, random, stream| {
                let dialect = if random.below(4) == 0 { OTHER } else { Dialect::Files };
                machine.opened_as(now, stream, dialect)
            });
            if random.below(4) > 0 {
                ledger.drain(&mut machine, now);
                assert!(machine.transfers() as usize <= machine.sessions());
                assert!(
                    ledger.files.len() <= machine.transfers() as usize,
                    "a file is in use without a slot"
                );
            }
            if random.below(20) == 0 {
                now = now + Duration::from_secs(random.below(20) as u64);
            }
        }
        ledger.settle(&mut machine, now);
        assert_eq!((machine.sessions(), machine.transfers(), machine.waiting()), (0, 0, 0), "seed {seed}");
        let counters = machine.counters();
        total.uploads += counters.uploads;
        total.downloads += counters.downloads;
        total.refused += counters.refused;
        total.broken += counters.broken;
        total.timed_out += counters.timed_out;
    }
    // It must have gone everywhere, or it has shown nothing.
    for count in [total.uploads, total.downloads, total.refused, total.broken, total.timed_out] {
        assert!(cfg!(miri) || count > SEEDS / 10, "{total:?}");
    }
}

#[test]
fn a_client_withstands_any_calls_in_any_order() {
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let patience = Duration::from_secs(3);
        let mut machine = match random.below(3) {
            0 => Client::upload(name("a"), patience),
            1 => Client::download(name("a"), Dialect::Files, 10, patience),
            _ => Client::download(name("a"), OTHER, 10, patience),
        };
        let mut ledger = Ledger::default();
        let mut now = Instant::ZERO;
        for _ in 0..60 {
            ledger.call(&mut random, &mut machine, now, |machine, _, stream| machine.opened(now, stream));
            if random.below(4) > 0 {
                ledger.drain(&mut machine, now);
            }
            if random.below(10) == 0 {
                now = now + Duration::from_secs(random.below(3) as u64);
            }
        }
        let was_opened = !machine.opened(now, StreamId(0));
        if !was_opened {
            ledger.streams.insert(0, Sides::default());
        }
        ledger.settle(&mut machine, now);
        assert!(machine.is_over() && ledger.events <= 2, "seed {seed}");
    }
}
