//! A driver with streams and storage in memory, as strict as the contract of `stream.rs` allows.

use crate::{
    Instant,
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

/// One stream, seen from this end.
#[derive(Default)]
pub(super) struct Stream {
    /// What came and was not taken.
    pub input: Vec<u8>,
    pub input_finished: bool,
    /// What was written.
    pub output: Vec<u8>,
    pub output_finished: bool,
    pub aborted: bool,
    pub finished_told: bool,
    /// The other end knows of `output_finished`.
    pub finish_carried: bool,
    /// Whether the input is to be offered: more came, or there was an action.
    is_due: bool,
    moving: Option<Moving>,
}

struct Moving {
    file: FileId,
    offset: usize,
    left: Option<u64>,
    is_send: bool,
}

/// A file in use.
struct Open {
    name: String,
    content: Vec<u8>,
    is_created: bool,
}

/// What the storage is to fail with.
#[derive(Default)]
pub(super) struct Faults {
    pub open: Option<Fault>,
    pub create: Option<Fault>,
    pub moved: Option<Fault>,
    pub commit: Option<Fault>,
}

pub(super) struct Driver<S: Service> {
    pub machine: S,
    pub now: Instant,
    pub streams: BTreeMap<u32, Stream>,
    pub disk: BTreeMap<String, Vec<u8>>,
    pub events: Vec<S::Event>,
    pub faults: Faults,
    /// The storage does not answer before it is told to.
    pub is_slow: bool,
    /// The most bytes of content moved at a time.
    pub pace: usize,
    /// What the machine waits for.
    pub wait: Option<Instant>,
    /// Files that were released, in order.
    pub released: Vec<FileId>,
    files: BTreeMap<u32, Open>,
    owed: VecDeque<(FileId, Result<u64, Fault>)>,
}

impl<S: Service> Driver<S> {
    pub(super) fn new(machine: S) -> Self {
        Self {
            machine,
            now: Instant::from_micros(1),
            streams: BTreeMap::new(),
            disk: BTreeMap::new(),
            events: Vec::new(),
            faults: Faults::default(),
            is_slow: false,
            pace: usize::MAX,
            wait: None,
            released: Vec::new(),
            files: BTreeMap::new(),
            owed: VecDeque::new(),
        }
    }

    pub(super) fn open(&mut self, stream: u32) -> bool {
        self.open_by(stream, |machine, now, stream| machine.opened(now, stream))
    }

    pub(super) fn open_by(
        &mut self,
        stream: u32,
        open: impl FnOnce(&mut S, Instant, StreamId) -> bool,
    ) -> bool {
        let is_taken = open(&mut self.machine, self.now, StreamId(stream));
        if is_taken {
            assert!(self.streams.insert(stream, Stream::default()).is_none(), "{stream} was open");
        }
        self.run();
        is_taken
    }

    pub(super) fn feed(&mut self, stream: u32, bytes: &[u8]) {
        if let Some(stream) = self.streams.get_mut(&stream).filter(|stream| !stream.aborted) {
            stream.input.extend(bytes);
            stream.is_due = true;
        }
        self.run();
    }

    pub(super) fn finish(&mut self, stream: u32) {
        if let Some(stream) = self.streams.get_mut(&stream) {
            stream.input_finished = true;
        }
        self.run();
    }

    pub(super) fn close(&mut self, stream: u32, how: Closed) {
        self.streams.remove(&stream);
        self.machine.closed(self.now, StreamId(stream), how);
        self.run();
    }

    pub(super) fn pass(&mut self, span: Duration) {
        self.now = self.now + span;
        self.run();
    }

    /// Whatever was written since the last time.
    pub(super) fn written(&mut self, stream: u32) -> Vec<u8> {
        self.streams.get_mut(&stream).map(|stream| std::mem::take(&mut stream.output)).unwrap_or_default()
    }

    pub(super) fn stream(&self, stream: u32) -> &Stream {
        &self.streams[&stream]
    }

    pub(super) fn files_in_use(&self) -> usize {
        self.files.len()
    }

    /// Lets a slow storage answer what it owes.
    pub(super) fn answer(&mut self) {
        for (file, outcome) in std::mem::take(&mut self.owed) {
            self.machine.stored(self.now, file, outcome);
        }
        self.run();
    }

    /// Goes on until nothing is left to do.
    pub(super) fn run(&mut self) {
        for _ in 0..100_000 {
            self.drain();
            if !self.step() {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Moves and offers a little on every stream. `false`: there was nothing.
    fn step(&mut self) -> bool {
        let owed = if self.is_slow { None } else { self.owed.pop_front() };
        if let Some((file, outcome)) = owed {
            self.machine.stored(self.now, file, outcome);
            return true;
        }
        let numbers: Vec<u32> = self.streams.keys().copied().collect();
        // Every stream gets its turn.
        numbers.into_iter().filter(|&number| self.step_stream(number)).count() > 0
    }

    fn step_stream(&mut self, number: u32) -> bool {
        let id = StreamId(number);
        let Some(stream) = self.streams.get_mut(&number).filter(|stream| !stream.aborted) else {
            return false;
        };
        if let Some(moving) = &mut stream.moving {
            let is_send = moving.is_send;
            match step_moving(moving, &mut stream.input, &mut stream.output, &mut self.files, self.pace) {
                _ if self.faults.moved.is_some() => {}
                Step::Some => return true,
                Step::None if is_send => {}
                Step::None if stream.input_finished && moving.left.is_some() => {}
                Step::None if stream.input_finished => moving.left = Some(0),
                Step::None => return false,
                Step::All => {}
            }
            let is_over = moving.left == Some(0);
            if is_over || !is_send || self.faults.moved.is_some() {
                let outcome = if is_over { Ok(()) } else { Err(Fault::Ended) };
                stream.moving = None;
                stream.is_due = true;
                self.machine.moved(self.now, id, self.faults.moved.map_or(outcome, Err));
                return true;
            }
        }
        if std::mem::take(&mut stream.is_due) && !stream.input.is_empty() {
            let taken = self.machine.received(self.now, id, &stream.input);
            stream.input.drain(..taken);
            return true;
        }
        if stream.input_finished && !std::mem::replace(&mut stream.finished_told, stream.input_finished) {
            self.machine.finished(self.now, id);
            return true;
        }
        false
    }

    fn drain(&mut self) {
        for _ in 0..10_000 {
            let mut room = [0; MESSAGE_MAX];
            match self.machine.poll(self.now, &mut room) {
                Action::Write { stream, bytes } => {
                    assert!(!bytes.is_empty());
                    let stream = acted(&mut self.streams, stream);
                    assert!(!stream.output_finished && stream.moving.is_none());
                    stream.output.extend(bytes);
                }
                Action::Send { stream, file, offset, length } => {
                    let open = &self.files[&file.0];
                    assert!(!open.is_created && offset + length <= open.content.len() as u64);
                    let stream = acted(&mut self.streams, stream);
                    assert!(!stream.output_finished && stream.moving.is_none());
                    stream.moving =
                        Some(Moving { file, offset: offset as usize, left: Some(length), is_send: true });
                }
                Action::Receive { stream, file, offset, length } => {
                    assert!(self.files[&file.0].is_created);
                    let stream = acted(&mut self.streams, stream);
                    assert!(stream.moving.is_none());
                    stream.moving =
                        Some(Moving { file, offset: offset as usize, left: length, is_send: false });
                }
                Action::Splice { .. } => panic!("no machine of files relays"),
                Action::Finish(stream) => {
                    let stream = acted(&mut self.streams, stream);
                    assert!(!stream.output_finished && stream.moving.is_none());
                    stream.output_finished = true;
                }
                Action::Abort(stream) => {
                    let stream = acted(&mut self.streams, stream);
                    stream.aborted = true;
                    stream.moving = None;
                }
                Action::Open { file, name } => {
                    let name = name.as_str().to_owned();
                    let found = self.disk.get(&name).cloned();
                    let outcome = self.faults.open.map_or(found.ok_or(Fault::NotFound), Err);
                    self.owed.push_back((
                        file,
                        outcome.as_ref().map(|content| content.len() as u64).map_err(|&f| f),
                    ));
                    let open = Open { name, content: outcome.unwrap_or_default(), is_created: false };
                    assert!(self.files.insert(file.0, open).is_none(), "{file:?} is in use");
                }
                Action::Create { file, name, .. } => {
                    self.owed.push_back((file, self.faults.create.map_or(Ok(0), Err)));
                    let open = Open { name: name.as_str().to_owned(), content: Vec::new(), is_created: true };
                    assert!(self.files.insert(file.0, open).is_none(), "{file:?} is in use");
                }
                Action::Commit(file) => {
                    let open = &self.files[&file.0];
                    assert!(open.is_created);
                    let outcome = self.faults.commit.map_or(Ok(open.content.len() as u64), Err);
                    if outcome.is_ok() {
                        self.disk.insert(open.name.clone(), open.content.clone());
                    }
                    self.owed.push_back((file, outcome));
                }
                Action::Release(file) => {
                    assert!(self.owed.iter().all(|&(owed, _)| owed != file), "{file:?} is asked for");
                    let mut moving = self.streams.values().filter_map(|stream| stream.moving.as_ref());
                    assert!(moving.all(|moving| moving.file != file), "{file:?} is moved");
                    assert!(self.files.remove(&file.0).is_some(), "{file:?} is not in use");
                    self.released.push(file);
                }
                Action::Event(event) => self.events.push(event),
                Action::Wait(until) => {
                    assert!(until.is_none_or(|until| until > self.now), "it waits for the past");
                    self.wait = until;
                    return;
                }
            }
        }
        panic!("it spins");
    }
}

enum Step {
    None,
    Some,
    All,
}

/// Moves a piece of content.
fn step_moving(
    moving: &mut Moving,
    input: &mut Vec<u8>,
    output: &mut Vec<u8>,
    files: &mut BTreeMap<u32, Open>,
    pace: usize,
) -> Step {
    let content = &mut files.get_mut(&moving.file.0).unwrap().content;
    let most = moving.left.map_or(pace, |left| pace.min(usize::try_from(left).unwrap_or(pace)));
    let count = if moving.is_send {
        output.extend(&content[moving.offset..moving.offset + most]);
        most
    } else {
        assert_eq!(content.len(), moving.offset);
        let count = most.min(input.len());
        content.extend(input.drain(..count));
        count
    };
    moving.offset += count;
    moving.left = moving.left.map(|left| left - count as u64);
    match (moving.left, count) {
        (Some(0), _) => Step::All,
        (_, 0) => Step::None,
        _ => Step::Some,
    }
}

/// The stream that an action names: it must be open.
fn acted(streams: &mut BTreeMap<u32, Stream>, stream: StreamId) -> &mut Stream {
    let stream = streams.get_mut(&stream.0).expect("an action on a stream that is closed");
    assert!(!stream.aborted, "an action on a stream that was aborted");
    stream.is_due = true;
    stream
}
