//! Many clients whose streams break at random, and any calls in any order.

use super::{
    Client, Event, Fixed, Settings,
    net::{List, Net, text},
};
use crate::{
    Instant,
    limits::MESSAGE_MAX,
    miri::fewer,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    tracker::{self, Dialect, Peer, Ticket, Tracker, tests::Random},
    wire::{
        Name,
        command::{self, Operation},
        session::{Code, FileInfo, Notice, Request, Side, Way},
    },
};
use core::{net::IpAddr, time::Duration};
use std::collections::{BTreeMap, BTreeSet};

const CLIENTS: usize = fewer(12, 2);

#[test]
fn every_application_sees_the_list_whatever_breaks() {
    for seed in 0..fewer(30, 1) {
        let mut random = Random::new(seed);
        let settings = tracker::Settings { seats: [4, 40][random.below(2)], ..tracker::Settings::DEFAULT };
        let mut net = Net::new(settings);
        net.world.chunk = [1, 40, usize::MAX][random.below(3)];
        let mut shares = vec![BTreeMap::<String, u64>::new(); CLIENTS];
        for number in 0..CLIENTS {
            net.add(&format!("client {number}"), Settings::DEFAULT);
        }
        for step in 0..fewer(400, 8) {
            let number = random.below(CLIENTS);
            let file = format!("file {}", random.below(10));
            match random.below(12) {
                0..=3 => {
                    let length = random.below(3) as u64;
                    net.publish(number, &file, length);
                    shares[number].insert(file, length);
                }
                4 | 5 => {
                    assert_eq!(net.withdraw(number, &file), shares[number].remove(&file).is_some());
                }
                6 => {
                    let learns = random.below(2) == 0;
                    net.cut(number, learns);
                }
                7 => {
                    let now = net.world.now;
                    let (owner, way) = (random.below(CLIENTS), [Way::Direct, Way::Relayed][random.below(2)]);
                    let owner = format!("client {owner}");
                    let _ = net.nodes[number].client.fetch(now, text(&owner), text(&file), way);
                }
                8 if step % 40 == 0 => net.is_down = !net.is_down,
                9 if random.below(20) == 0 => net.restart(settings, step as u8),
                10 => {
                    let now = net.world.now;
                    for event in net.nodes[number].take_events() {
                        match event {
                            Event::Asked(upload) if random.below(2) == 0 => {
                                net.nodes[number].client.accept(upload, 1, 2);
                            }
                            Event::Asked(upload) => net.nodes[number].client.refuse(upload, Code::Busy),
                            Event::Go(fetch) if random.below(2) == 0 => {
                                net.nodes[number].client.owner_unreachable(now, fetch);
                            }
                            Event::Go(fetch) => net.nodes[number].client.fetched(fetch, Code::Done),
                            _ => {}
                        }
                    }
                }
                _ => net.pass(Duration::from_millis(random.below(3_000) as u64)),
            }
            if random.below(3) > 0 {
                net.run();
            }
        }
        net.is_down = false;
        // Long enough for the longest pause and for every dead session to be found.
        net.pass(Duration::from_secs(130));
        let online: BTreeSet<usize> =
            (0..CLIENTS).filter(|&number| net.nodes[number].client.is_online()).collect();
        assert_eq!(online.len(), (settings.seats as usize).min(CLIENTS), "seed {seed}");
        let list: List =
            online.iter().map(|&number| (net.nodes[number].name.clone(), shares[number].clone())).collect();
        for &number in &online {
            let mut expected = list.clone();
            expected.remove(&net.nodes[number].name);
            assert_eq!(net.nodes[number].seen, expected, "seed {seed}, {number}");
            assert_eq!(net.nodes[number].list(), expected, "seed {seed}, {number}");
        }
    }
}

/// Bytes of all formats, some of them broken.
fn any_bytes(random: &mut Random, is_tracker: bool) -> Vec<u8> {
    let mut out = [0; 1_024];
    let token = [random.below(2) as u8; 16];
    let word = random.below(4) as u32;
    let names: [&[u8]; 9] = [b"ana", b"eva", b"x", b"x", b"x", b"x", b"", b"a\0", &[b'y'; 255]];
    let name = names[random.below(9)];
    let label = text(["ana", "eva", "x"][random.below(3)]);
    let file = FileInfo { length: word.into(), flags: 0, hash: (word == 0).then_some([1; 32]) };
    let code = Code::from(random.below(30) as u8);
    let address = IpAddr::from([1, 2, 3, 4]);
    let way = [Way::Direct, Way::Relayed, Way::Command][random.below(3)];
    let choice = if is_tracker {
        random.below(52).checked_sub(26).unwrap_or(4 + random.below(7))
    } else {
        random.below(26)
    };
    let choice = if is_tracker && (12..25).contains(&choice) { 25 } else { choice };
    let length = match choice {
        0 => Request::Login {
            version: 1,
            wants_list: true,
            epoch: 0,
            number: word.into(),
            resume: token,
            door: 1,
            name,
        }
        .emit(&mut out),
        1..=3 => Request::Attach { transfer: word << 16, token, side: Side::Owner }.emit(&mut out),
        4 | 5 => Request::Publish { tag: word, file, name }.emit(&mut out),
        6 => Request::Withdraw { tag: word, name }.emit(&mut out),
        7 | 8 => Request::Fetch { tag: word, way, owner: names[random.below(2)], name }.emit(&mut out),
        9 => Request::Ready { transfer: word << 16 | word, tcp: 1, rdt: 0 }.emit(&mut out),
        10 => Request::End { transfer: word << 16 | word, code }.emit(&mut out),
        11 => Request::Logout.emit(&mut out),
        12 | 13 => Notice::Welcome {
            version: 1,
            is_fresh: word == 0,
            user: word,
            epoch: word.into(),
            resume: token,
            silence: 9,
        }
        .emit(&mut out),
        14 | 15 => Notice::Came { user: word, by_command: false, name: label }.emit(&mut out),
        16 => Notice::Left { user: word }.emit(&mut out),
        17 | 18 => Notice::Shared { file: word, user: random.below(4) as u32, info: file, name: label }
            .emit(&mut out),
        19 => Notice::Unshared { file: word }.emit(&mut out),
        20 => Notice::Done { tag: word << 1 }.emit(&mut out),
        21 => Notice::Failed { tag: 0x8000_0000 | word, code }.emit(&mut out),
        22 => {
            Notice::Ask { transfer: word, way, token, introduction: None, address, user: label, name: label }
                .emit(&mut out)
        }
        23 => Notice::Go {
            tag: 0x8000_0000 | word,
            transfer: word,
            way,
            token,
            introduction: None,
            address,
            tcp: 1,
            rdt: 1,
        }
        .emit(&mut out),
        24 => Notice::Ended { transfer: word, code }.emit(&mut out),
        _ => {
            let operation =
                [Operation::Register, Operation::Connect, Operation::Publish, Operation::ListUsers]
                    [random.below(4)];
            let strings: [&[u8]; 3] = [names[random.below(2)], b"40", b"text"];
            command::emit(operation, None, &strings[..usize::from(operation.strings())], &mut out)
        }
    };
    let mut bytes = out[..length.unwrap_or(random.below(600))].to_vec();
    if random.below(12) == 0 {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    if random.below(12) == 0 && !bytes.is_empty() {
        let place = random.below(bytes.len());
        bytes[place] = random.below(256) as u8;
    }
    bytes
}

/// What the rules of the contract need to be remembered.
#[derive(Default)]
struct Ledger {
    streams: BTreeMap<u32, (bool, bool)>,
    splices: BTreeSet<u32>,
    tickets: Vec<Ticket>,
}

impl Ledger {
    /// Polls until there is nothing to do, and checks every action.
    fn drain<S: Service>(
        &mut self,
        machine: &mut S,
        now: Instant,
        ticket: impl Fn(&S::Event) -> Option<Ticket>,
    ) {
        for _ in 0..10_000 {
            let mut room = [0; MESSAGE_MAX];
            match machine.poll(now, &mut room) {
                Action::Write { stream, bytes } => {
                    assert!(!bytes.is_empty());
                    let sides = self.streams.get_mut(&stream.0).expect("a stream that is closed");
                    assert!(!sides.0, "written after the end");
                }
                Action::Finish(stream) => {
                    let sides = self.streams.get_mut(&stream.0).expect("a stream that is closed");
                    assert!(!std::mem::replace(&mut sides.0, true), "finished twice");
                }
                Action::Abort(stream) => {
                    assert!(self.streams.remove(&stream.0).is_some(), "a stream that is closed");
                    self.splices.remove(&stream.0);
                    machine.closed(now, stream, Closed::Broken);
                }
                Action::Splice { from, to } => {
                    assert!(self.streams.contains_key(&from.0) && self.streams.contains_key(&to.0));
                    assert!(self.splices.insert(from.0));
                }
                Action::Event(event) => self.tickets.extend(ticket(&event)),
                Action::Wait(wait) => {
                    assert!(wait.is_none_or(|wait| wait > now), "it spins");
                    return;
                }
                _ => panic!("an action that this machine never asks for"),
            }
        }
        panic!("it spins");
    }

    fn call<S: Service>(&mut self, random: &mut Random, machine: &mut S, now: Instant, is_tracker: bool) {
        let stream = StreamId(random.below(6) as u32);
        let outcome = if random.below(3) == 0 { Err(Fault::Failed) } else { Ok(()) };
        match random.below(60) {
            0..=30 => {
                let bytes = any_bytes(random, is_tracker);
                assert!(machine.received(now, stream, &bytes) <= bytes.len());
            }
            31..=55 => machine.flushed(now, stream),
            56 => machine.finished(now, stream),
            57 | 58 => {
                let spliced = self.splices.pop_first().map_or(stream, StreamId);
                machine.moved(now, spliced, outcome);
                machine.stored(now, FileId(0), Ok(0));
            }
            _ => {
                self.streams.remove(&stream.0);
                self.splices.remove(&stream.0);
                machine.closed(now, stream, Closed::Done);
            }
        }
    }
}

#[test]
fn a_tracker_withstands_any_calls_in_any_order() {
    let mut total = tracker::Counters::default();
    for seed in 0..fewer(2_000, 2) {
        let mut random = Random::new(seed);
        let settings = tracker::Settings {
            seats: 1 + random.below(3) as u32,
            waiting: random.below(2) as u32,
            files_per_user: 2,
            same_name: [tracker::SameName::Refuse, tracker::SameName::Replace][random.below(2)],
            ..tracker::Settings::DEFAULT
        };
        let mut machine = Tracker::<tracker::Fixed<6, 3, 4, 48, 4, 2>>::fixed(settings, [1; 32]);
        let mut ledger = Ledger::default();
        let mut now = Instant::ZERO;
        for _ in 0..fewer(300, 40) {
            let stream = random.below(6) as u32;
            if !ledger.streams.contains_key(&stream) && random.below(2) == 0 {
                let dialect = if random.below(3) == 0 { Dialect::Command } else { Dialect::Session };
                let peer = Peer::at(IpAddr::from([1, 1, 1, 1]));
                if machine.opened_as(now, StreamId(stream), dialect, &peer) {
                    ledger.streams.insert(stream, (false, false));
                    let name = [b"ana".as_slice(), b"eva"][random.below(2)];
                    let login = Request::Login {
                        version: 1,
                        wants_list: true,
                        epoch: 0,
                        number: 0,
                        resume: [0; 16],
                        door: 0,
                        name,
                    };
                    let mut out = [0; 64];
                    let length = login.emit(&mut out).unwrap();
                    if dialect == Dialect::Session && random.below(5) > 0 {
                        assert!(machine.received(now, StreamId(stream), &out[..length]) <= length);
                    }
                }
            }
            ledger.call(&mut random, &mut machine, now, true);
            if !ledger.tickets.is_empty() && random.below(3) == 0 {
                let ticket = ledger.tickets.swap_remove(0);
                machine.committed(
                    now,
                    ticket,
                    if random.below(4) == 0 { Err(Fault::Failed) } else { Ok(()) },
                );
            }
            if random.below(4) > 0 {
                ledger.drain(&mut machine, now, |event| match event {
                    tracker::Event::Store { ticket, .. } => Some(*ticket),
                    _ => None,
                });
                assert!(machine.seats_taken() <= settings.seats && machine.online() as usize <= 3);
            }
            if random.below(20) == 0 {
                now = now + Duration::from_secs(random.below(40) as u64);
            }
        }
        for _ in 0..4 {
            for stream in std::mem::take(&mut ledger.streams).into_keys() {
                machine.closed(now, StreamId(stream), Closed::Broken);
            }
            for ticket in std::mem::take(&mut ledger.tickets) {
                machine.committed(now, ticket, Ok(()));
            }
            now = now + Duration::from_secs(1);
            ledger.drain(&mut machine, now, |event| match event {
                tracker::Event::Store { ticket, .. } => Some(*ticket),
                _ => None,
            });
        }
        assert_eq!(
            (machine.links(), machine.seats_taken(), machine.waiting(), machine.transfers()),
            (0, 0, 0, 0)
        );
        let counters = machine.counters();
        total.logins += counters.logins;
        total.transfers += counters.transfers;
        total.malformed += counters.malformed;
        total.commands += counters.commands;
        total.strangers += counters.strangers;
    }
    // It must have gone everywhere, or it has shown nothing.
    for count in [total.logins, total.transfers, total.malformed, total.commands, total.strangers] {
        assert!(cfg!(miri) || count > 20, "{total:?}");
    }
}

#[test]
fn a_client_withstands_any_calls_in_any_order() {
    for seed in 0..fewer(1_000, 2) {
        let mut random = Random::new(seed);
        let mut machine = Client::<Fixed<2, 3, 2, 2, 24>>::fixed(Settings::DEFAULT, seed);
        assert!(machine.start(text("ana")));
        let mut ledger = Ledger::default();
        let mut now = Instant::ZERO;
        for _ in 0..fewer(300, 40) {
            let stream = random.below(6) as u32;
            if !ledger.streams.contains_key(&stream)
                && random.below(2) == 0
                && machine.opened(now, StreamId(stream))
            {
                ledger.streams.insert(stream, (false, false));
                let mut out = [0; 64];
                let silence = 60;
                let welcome = Notice::Welcome {
                    version: 1,
                    is_fresh: true,
                    user: 1,
                    epoch: 3,
                    resume: [0; 16],
                    silence,
                };
                let length = welcome.emit(&mut out).unwrap();
                assert!(machine.received(now, StreamId(stream), &out[..length]) <= length);
            }
            ledger.call(&mut random, &mut machine, now, false);
            match random.below(11) {
                0 => {
                    let name = Name::new(b"x").unwrap();
                    machine.publish(name, FileInfo { length: random.below(2) as u64, flags: 0, hash: None });
                }
                1 => {
                    machine.withdraw(Name::new(b"x").unwrap());
                }
                2 => {
                    machine.fetch(now, text("eva"), text("x"), Way::Direct);
                }
                3 => machine.fetched(crate::client::FetchId(random.below(3) as u32), Code::Done),
                4 => machine.owner_unreachable(now, crate::client::FetchId(random.below(3) as u32)),
                5 => machine.accept(crate::client::UploadId(random.below(3) as u32), 1, 1),
                6 => machine.served(crate::client::UploadId(random.below(3) as u32), Code::Done),
                7 if random.below(30) == 0 => machine.log_out(now),
                8 => machine.unreachable(now),
                9 => machine.retry(now),
                _ => {}
            }
            if random.below(4) > 0 {
                ledger.drain(&mut machine, now, |_| None);
            }
            if random.below(20) == 0 {
                now = now + Duration::from_secs(random.below(40) as u64);
            }
        }
        machine.log_out(now);
        for _ in 0..3 {
            ledger.drain(&mut machine, now, |_| None);
            now = now + Duration::from_secs(100);
        }
        assert!(machine.is_over(), "seed {seed}");
    }
}
