//! Any streams that say, stall, end and break as they like, into a small tracker.
//!
//! Nothing may panic or spin. A stream is written to only when the last write has left; what is written are whole
//! messages, of which each client builds the list: when all is quiet, all have the same. When all have gone, no link,
//! seat, transfer, name or chunk is left. No counter ever goes back.

mod messages;
mod mirror;
mod streams;

use crate::Choices;
use messages::{Hints, some_bytes};
use mirror::Mirror;
use skep_core::{
    Instant,
    stream::{Action, Closed, Fault, Service, StreamId},
    tracker::{
        Ask, Counters, Dialect, Event, Fixed, Peer, Rights, SameName, Settings, Ticket, Tracker, UserId,
    },
    wire::{
        Text,
        command::{self, Operation},
        session::Code,
    },
};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use streams::Stream;

const STREAMS: usize = 7;
const SEATS: u32 = 3;
const USERS: u32 = 4;
const POLLS_MAX: usize = 5_000;
/// Who there is, by session or by command.
const NAMES: [&str; 4] = ["ana", "eva", "bea", "a name that takes more than one chunk of the memory"];

type Small = Fixed<8, { USERS as usize }, 8, 24, 4, 2>;

struct World {
    tracker: Tracker<Small>,
    settings: Settings,
    now: Instant,
    streams: BTreeMap<u32, Stream>,
    /// What clients knew when their sessions ended, by name.
    known: BTreeMap<String, Mirror>,
    hints: Hints,
    tickets: Vec<Ticket>,
    /// Log-ins about which the application is asked.
    asks: Vec<Ask>,
    counters: Counters,
    /// Users who are there, by events alone.
    there: i64,
}

/// Plays one tracker.
pub fn tracker(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut world = World::new(&mut choices);
    while !choices.is_over() {
        world.step(&mut choices);
        if !choices.rarely(8) {
            world.run();
        }
    }
    world.settle();
    world.end();
}

impl World {
    fn new(choices: &mut Choices<'_>) -> Self {
        let settings = Settings {
            seats: [SEATS, 1][choices.below(2)],
            waiting: [2, 0][choices.below(2)],
            anonymous: !choices.rarely(8),
            asks: choices.rarely(3),
            same_name: [SameName::Refuse, SameName::Replace][choices.below(2)],
            accounts: 3,
            files_per_user: 3,
            downloads_per_user: 2,
            uploads_per_user: 1,
            transfers: [2, 1][choices.below(2)],
            ..Settings::DEFAULT
        };
        let mut tracker = Tracker::fixed(settings, choices.key(0));
        if choices.rarely(4) {
            let (name, file) = (Text::new(NAMES[0].as_bytes()).unwrap(), Text::new(b"/tmp/x").unwrap());
            assert!(tracker.restore_user(name) && tracker.restore_file(name, file));
        }
        Self {
            counters: tracker.counters(),
            tracker,
            settings,
            now: Instant::from_micros(1),
            streams: BTreeMap::new(),
            known: BTreeMap::new(),
            hints: Hints::default(),
            tickets: Vec::new(),
            asks: Vec::new(),
            there: 0,
        }
    }

    /// One thing happens.
    fn step(&mut self, choices: &mut Choices<'_>) {
        let number = choices.below(STREAMS) as u32;
        let Some(stream) = self.streams.get_mut(&number) else { return self.open(choices, number) };
        match choices.below(16) {
            0..8 if stream.hears() => {
                let bytes = some_bytes(choices, stream, &self.hints, &self.known);
                stream.arrive(&bytes);
            }
            8 => stream.is_stalled = !stream.is_stalled,
            9 => self.finish(number),
            10 => self.close(number, [Closed::Done, Closed::Broken][choices.below(2)]),
            11 if choices.rarely(2) => self.tracker.progressed(self.now, StreamId(number)),
            11 => self.move_on(number, choices.rarely(3)),
            12 if !self.tickets.is_empty() => {
                let ticket = self.tickets.swap_remove(choices.below(self.tickets.len()));
                let outcome = if choices.rarely(3) { Err(Fault::NoSpace) } else { Ok(()) };
                self.tracker.committed(self.now, ticket, outcome);
            }
            13 if !self.asks.is_empty() => {
                let ask = self.asks.swap_remove(choices.below(self.asks.len()));
                if choices.rarely(3) {
                    let is_held = self.tracker.hold_seat(self.now, ask);
                    self.asks.extend(is_held.then_some(ask));
                    return;
                }
                let answer = if choices.rarely(3) { Err(Code::NotAllowed) } else { Ok(()) };
                self.tracker.decided(self.now, ask, answer);
            }
            13 if choices.rarely(4) => {
                let name = NAMES[choices.below(NAMES.len())];
                let _ = self.tracker.dismiss(self.now, Text::new(name.as_bytes()).unwrap());
            }
            13 if choices.rarely(4) => {
                let address = SocketAddr::from(([10, 0, 0, choices.below(4) as u8], 7));
                self.tracker.relocated(self.now, StreamId(number), address);
            }
            14 => self.now = self.now + Duration::from_millis(choices.below(40) as u64),
            15 => {
                let seconds = [1, 6, 11, 21, 31, 61, 301, 3_601][choices.below(8)];
                self.now = self.now + Duration::from_secs(seconds);
            }
            _ => {}
        }
    }

    fn open(&mut self, choices: &mut Choices<'_>, number: u32) {
        let dialect =
            [Dialect::Session, Dialect::Session, Dialect::Command, Dialect::Relay][choices.below(4)];
        let account = choices.rarely(5).then(|| NAMES[choices.below(2)]);
        let peer = Peer {
            address: IpAddr::from([10, 0, 0, u8::from(choices.rarely(5))]),
            account: account.map(|name| Text::new(name.as_bytes()).unwrap()),
            key: choices.rarely(3).then_some([7; 32]),
            rights: Rights { publish: !choices.rarely(8), fetch: !choices.rarely(8) },
        };
        if self.tracker.opened_as(self.now, StreamId(number), dialect, &peer) {
            self.streams.insert(number, Stream::new(dialect));
        }
    }

    /// The peer finishes its direction.
    fn finish(&mut self, number: u32) {
        let Some(stream) = self.streams.get_mut(&number).filter(|stream| stream.hears()) else { return };
        stream.is_over = true;
        self.tracker.finished(self.now, StreamId(number));
    }

    /// A stream is gone.
    fn close(&mut self, number: u32, how: Closed) {
        let Some(stream) = self.streams.remove(&number) else { return };
        if let Some(mirror) = stream.mirror {
            self.known.insert(mirror.name.clone(), mirror);
        }
        for other in self.streams.values_mut() {
            other.splice_to = other.splice_to.filter(|&to| to != number);
        }
        self.tracker.closed(self.now, StreamId(number), how);
    }

    /// What one side of a relay sends is over, or failed.
    fn move_on(&mut self, number: u32, fails: bool) {
        let Some(stream) = self.streams.get_mut(&number).filter(|stream| stream.splice_to.is_some()) else {
            return;
        };
        stream.splice_to = None;
        stream.is_over = true;
        let outcome = if fails { Err(Fault::Failed) } else { Ok(()) };
        self.tracker.moved(self.now, StreamId(number), outcome);
    }

    /// Goes on until nothing is left to do now.
    fn run(&mut self) {
        for _ in 0..POLLS_MAX {
            self.drain();
            let mut has_moved = false;
            for (&number, stream) in &mut self.streams {
                if stream.can_flush() {
                    stream.owes_flush = false;
                    self.tracker.flushed(self.now, StreamId(number));
                    has_moved = true;
                }
                if stream.is_due && stream.is_offered() {
                    let taken = self.tracker.received(self.now, StreamId(number), &stream.input);
                    stream.take(taken);
                    stream.is_due = taken > 0;
                    has_moved = true;
                }
            }
            if !has_moved {
                return self.check();
            }
        }
        panic!("it never comes to rest");
    }

    fn drain(&mut self) {
        let mut room = [0; 700];
        for _ in 0..POLLS_MAX {
            match self.tracker.poll(self.now, &mut room) {
                Action::Write { stream, bytes } => {
                    acted(&mut self.streams, stream).write(bytes, &mut self.hints, &self.known);
                }
                Action::Splice { from, to } => {
                    assert!(!acted(&mut self.streams, to).is_finished && from != to);
                    let line = acted(&mut self.streams, from);
                    assert!(line.is_attached && line.splice_to.replace(to.0).is_none());
                    if line.is_over {
                        // There is nothing left to move.
                        self.move_on(from.0, false);
                    }
                }
                Action::Finish(stream) => acted(&mut self.streams, stream).finish(),
                Action::Abort(stream) => {
                    let line = acted(&mut self.streams, stream);
                    line.is_aborted = true;
                    line.splice_to = None;
                    for other in self.streams.values_mut() {
                        other.splice_to = other.splice_to.filter(|&to| to != stream.0);
                    }
                }
                Action::Event(event) => self.hear(event),
                Action::Wait(wait) => {
                    assert!(wait.is_none_or(|wait| wait > self.now), "it waits for the past");
                    return;
                }
                other => panic!("a tracker has no files: {other:?}"),
            }
        }
        panic!("it spins");
    }

    fn hear(&mut self, event: Event) {
        let mut room = [0; 255];
        match event {
            Event::Store { ticket, .. } => {
                assert!(!self.tickets.contains(&ticket), "a ticket is in use");
                self.tickets.push(ticket);
            }
            Event::Asks { ask, .. } => {
                assert!(self.tracker.asked(ask, &mut room).is_some() && self.settings.asks);
                self.asks.push(ask);
            }
            Event::Came { user, .. } => {
                self.there += 1;
                let _ = self.tracker.user_name(user, &mut room);
            }
            Event::Left { .. } => self.there -= 1,
            _ => {}
        }
    }

    /// What holds between any two calls.
    fn check(&mut self) {
        let tracker = &self.tracker;
        assert!(tracker.seats_taken() <= self.settings.seats && tracker.waiting() <= self.settings.waiting);
        assert!(tracker.transfers() <= self.settings.transfers as usize);
        assert!(tracker.links() <= self.streams.len() + self.tickets.len() + self.asks.len());
        // Who reads nothing may not have been told yet that it has lost its seat.
        let welcomed =
            self.streams.values().filter(|stream| stream.is_member() && !stream.owes_flush).count();
        assert!(welcomed <= tracker.seats_taken() as usize, "somebody has no seat");
        let (before, now) = (self.counters, tracker.counters());
        assert!(numbers(&before).iter().zip(numbers(&now)).all(|(before, now)| *before <= now));
        self.counters = now;
        if now.events_lost == 0 {
            assert_eq!(
                i64::from(tracker.online()),
                self.there,
                "who is there is not who came and did not leave"
            );
        }
    }

    /// Everybody reads all there is: all have the same list.
    fn settle(&mut self) {
        for stream in self.streams.values_mut() {
            stream.is_stalled = false;
        }
        // Who gets a seat that has become free is asked about again.
        for _ in 0..10 {
            self.run();
            for ask in std::mem::take(&mut self.asks) {
                self.tracker.decided(self.now, ask, Ok(()));
            }
            self.now = self.now + Duration::from_millis(20);
        }
        self.run();
        let mirrors: Vec<&Mirror> = self
            .streams
            .values()
            .filter(|stream| stream.is_member())
            .filter_map(|stream| stream.mirror.as_ref())
            .collect();
        assert_eq!(self.tracker.seats_taken() as usize, mirrors.len(), "a seat is taken by nobody");
        for one in mirrors.iter().filter(|mirror| mirror.wants_list) {
            assert_eq!(one.users.len() + 1, self.tracker.online() as usize, "{one:?}");
            for other in mirrors.iter().filter(|mirror| mirror.name != one.name) {
                assert!(one.users.values().any(|user| user.0 == other.name), "{one:?} {other:?}");
                if other.wants_list {
                    assert_eq!(one.without(&other.name), other.without(&one.name));
                }
            }
        }
    }

    /// All leave, and every account is removed: nothing is left.
    fn end(&mut self) {
        self.leave();
        for number in 0..USERS {
            let mut room = [0; 255];
            if let Some(name) = self.tracker.user_name(UserId(number), &mut room) {
                self.order(Operation::Unregister, name.as_bytes());
                self.leave();
            }
        }
        let left = &self.tracker;
        assert_eq!((left.links(), left.online(), left.files(), left.transfers()), (0, 0, 0, 0));
        assert_eq!((left.seats_taken(), left.waiting(), left.chunks()), (0, 0, 0));
    }

    fn leave(&mut self) {
        for _ in 0..4 {
            for number in 0..STREAMS as u32 {
                self.close(number, Closed::Broken);
            }
            self.run();
            for ticket in std::mem::take(&mut self.tickets) {
                self.tracker.committed(self.now, ticket, Ok(()));
            }
            self.now = self.now + Duration::from_secs(1);
            self.run();
        }
    }

    fn order(&mut self, operation: Operation, name: &[u8]) {
        let peer = Peer::at(IpAddr::from([10, 0, 0, 9]));
        assert!(self.tracker.opened_as(self.now, StreamId(0), Dialect::Command, &peer));
        let mut stream = Stream::new(Dialect::Command);
        let mut request = [0; command::REQUEST_MAX];
        let length = command::emit(operation, None, &[name], &mut request).unwrap();
        stream.arrive(&request[..length]);
        self.streams.insert(0, stream);
        self.run();
    }
}

fn acted(streams: &mut BTreeMap<u32, Stream>, stream: StreamId) -> &mut Stream {
    let stream = streams.get_mut(&stream.0).expect("an action on a stream that is gone");
    assert!(!stream.is_aborted, "an action on a stream that was aborted");
    stream.is_due = true;
    stream
}

fn numbers(counters: &Counters) -> [u64; 15] {
    let Counters {
        turned_away,
        logins,
        logins_refused,
        died,
        refused,
        malformed,
        unknown,
        strangers,
        transfers,
        transfers_failed,
        relayed,
        commands,
        commands_failed,
        commands_broken,
        events_lost,
    } = *counters;
    [
        turned_away,
        logins,
        logins_refused,
        died,
        refused,
        malformed,
        unknown,
        strangers,
        transfers,
        transfers_failed,
        relayed,
        commands,
        commands_failed,
        commands_broken,
        events_lost,
    ]
}
