//! What a driver has to remember to keep the rules, and to see that the machine keeps them.

use crate::Choices;
use skep_core::{
    Instant,
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    wire::{Name, file::Message, path},
};
use std::collections::{BTreeMap, BTreeSet};

const STREAMS: usize = 5;
const POLLS_MAX: usize = 1_000;
const FAULTS: [Fault; 9] = [
    Fault::NotFound,
    Fault::Exists,
    Fault::TooLarge,
    Fault::NoSpace,
    Fault::BadName,
    Fault::NotAllowed,
    Fault::Changed,
    Fault::Busy,
    Fault::Failed,
];

/// Streams, files and questions as the driver sees them.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    streams: BTreeMap<u32, Stream>,
    /// Files that were opened or created, and whether one was created.
    files: BTreeMap<u32, bool>,
    /// Files about which the machine waits for an answer.
    asked: BTreeSet<u32>,
    events: usize,
    was_opened: bool,
}

#[derive(Debug, Default)]
struct Stream {
    /// The machine finished its direction.
    is_finished: bool,
    is_aborted: bool,
    /// The peer finished its direction, and the machine was told.
    is_over: bool,
    moving: Option<Moving>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moving {
    Send,
    Receive,
}

impl Ledger {
    /// How many files are in use.
    pub(crate) fn files(&self) -> usize {
        self.files.len()
    }

    pub(crate) fn events(&self) -> usize {
        self.events
    }

    pub(crate) fn was_opened(&self) -> bool {
        self.was_opened
    }

    pub(crate) fn open(&mut self, stream: StreamId, is_taken: bool) {
        if is_taken {
            self.was_opened = true;
            self.streams.insert(stream.0, Stream::default());
        }
    }

    /// One call that the contract allows.
    pub(crate) fn call<S: Service>(
        &mut self,
        choices: &mut Choices<'_>,
        machine: &mut S,
        now: Instant,
        open: impl FnOnce(&mut S, &mut Choices<'_>, StreamId) -> bool,
    ) {
        let number = choices.below(STREAMS) as u32;
        let id = StreamId(number);
        let Some(stream) = self.streams.get_mut(&number) else {
            let is_taken = open(machine, choices, id);
            return self.open(id, is_taken);
        };
        let fault = choices.rarely(6).then(|| FAULTS[choices.below(FAULTS.len())]);
        match (choices.below(8), stream.moving) {
            (0..3, moving) if moving != Some(Moving::Receive) && !stream.is_over && !stream.is_aborted => {
                let bytes = some_bytes(choices);
                assert!(machine.received(now, id, &bytes) <= bytes.len());
            }
            (0..4, Some(moving)) => {
                stream.moving = None;
                let is_short = moving == Moving::Receive && choices.rarely(4);
                let outcome = if is_short { Err(Fault::Ended) } else { fault.map_or(Ok(()), Err) };
                machine.moved(now, id, outcome);
            }
            (4, moving) if moving != Some(Moving::Receive) && !stream.is_over && !stream.is_aborted => {
                stream.is_over = true;
                machine.finished(now, id);
            }
            (5, _) if choices.rarely(3) => {
                self.streams.remove(&number);
                let how = [Closed::Done, Closed::Broken][choices.below(2)];
                machine.closed(now, id, how);
            }
            _ => {
                let Some(file) = self.asked.pop_first() else { return };
                let length = [7, 0, u64::MAX][choices.below(3)];
                machine.stored(now, FileId(file), fault.map_or(Ok(length), Err));
            }
        }
    }

    /// Polls until the machine waits, and checks all that it asks for.
    pub(crate) fn drain<S: Service>(&mut self, machine: &mut S, now: Instant) -> Option<Instant> {
        let mut room = [0; MESSAGE_MAX];
        for _ in 0..POLLS_MAX {
            match machine.poll(now, &mut room) {
                Action::Write { stream, bytes } => {
                    let stream = self.acted(stream);
                    assert!(!bytes.is_empty() && !stream.is_finished, "it writes what it has finished");
                }
                Action::Send { stream, file, .. } => {
                    assert!(self.has(file, false), "it sends a file that it has not");
                    let stream = self.acted(stream);
                    assert!(!stream.is_finished && stream.moving.replace(Moving::Send).is_none());
                }
                Action::Receive { stream, file, .. } => {
                    assert!(self.has(file, true), "it receives into a file that it has not");
                    assert!(self.acted(stream).moving.replace(Moving::Receive).is_none());
                }
                Action::Splice { .. } => panic!("no machine of files relays"),
                Action::Finish(stream) => {
                    let stream = self.acted(stream);
                    assert!(!std::mem::replace(&mut stream.is_finished, true), "it finishes twice");
                }
                Action::Abort(stream) => {
                    let stream = self.acted(stream);
                    stream.is_aborted = true;
                    stream.moving = None;
                }
                Action::Open { file, .. } => self.ask(file, false),
                Action::Create { file, .. } => self.ask(file, true),
                Action::Commit(file) => {
                    assert!(self.has(file, true), "it commits a file that it has not");
                    self.asked.insert(file.0);
                }
                Action::Release(file) => {
                    assert!(!self.asked.contains(&file.0), "it lets a file go that it asks about");
                    assert!(self.files.remove(&file.0).is_some(), "it lets a file go that it has not");
                }
                Action::Event(_) => self.events += 1,
                Action::Wait(until) => {
                    assert!(until.is_none_or(|until| until > now), "it waits for the past");
                    return until;
                }
            }
        }
        panic!("it spins");
    }

    /// Ends every stream and answers every question: nothing may be left.
    pub(crate) fn settle<S: Service>(&mut self, machine: &mut S, now: Instant) {
        for _ in 0..4 * STREAMS {
            self.drain(machine, now);
            for stream in std::mem::take(&mut self.streams).into_keys() {
                machine.closed(now, StreamId(stream), Closed::Broken);
            }
            self.drain(machine, now);
            while let Some(file) = self.asked.pop_first() {
                machine.stored(now, FileId(file), Ok(0));
            }
        }
        assert_eq!(self.drain(machine, now), None, "it waits with nothing to wait for");
        assert!(self.files.is_empty(), "a file was never let go");
    }

    fn acted(&mut self, stream: StreamId) -> &mut Stream {
        let stream = self.streams.get_mut(&stream.0).expect("an action on a stream that is gone");
        assert!(!stream.is_aborted, "an action on a stream that was aborted");
        stream
    }

    fn ask(&mut self, file: FileId, is_created: bool) {
        assert!(self.files.insert(file.0, is_created).is_none(), "a file's name is in use");
        self.asked.insert(file.0);
    }

    fn has(&self, file: FileId, is_created: bool) -> bool {
        self.files.get(&file.0) == Some(&is_created) && !self.asked.contains(&file.0)
    }
}

/// Bytes that a peer may send: good ones, bad ones, and pieces of both.
fn some_bytes(choices: &mut Choices<'_>) -> Vec<u8> {
    let name = Name::new(b"a/b").unwrap();
    let message = match choices.below(12) {
        0 => Message::Request { name },
        1 => Message::Upload { length: 3, name },
        2 => Message::Upload { length: 0, name },
        3 => Message::Download { length: 3 },
        4 => Message::Download { length: 0 },
        5 => Message::Confirm,
        6 => Message::Error(choices.byte().into()),
        7 => return path::NOT_FOUND.to_vec(),
        8 => return b"a/b\n".to_vec(),
        9 => return vec![b'x'; 1 + 8 * choices.below(80)],
        _ => {
            let length = 1 + choices.below(24);
            let bytes = choices.bytes(length).to_vec();
            return if bytes.is_empty() { vec![0] } else { bytes };
        }
    };
    let mut bytes = vec![0; MESSAGE_MAX];
    let length = message.emit(&mut bytes).unwrap();
    bytes.truncate(if choices.rarely(3) { 1 + choices.below(length) } else { length });
    bytes
}
