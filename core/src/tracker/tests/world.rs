//! A tracker and its streams in memory, as strict as the contract of `stream.rs` allows.

use crate::{
    Instant,
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Fault, Service, StreamId},
    tracker::{Dialect, Event, Peer, Profile, Tracker},
};
use core::time::Duration;
use std::collections::BTreeMap;

/// One stream.
pub(crate) struct Stream {
    /// What the peer has written and has not arrived.
    under_way: Vec<u8>,
    /// What has arrived and was not taken.
    input: Vec<u8>,
    is_due: bool,
    peer_finished: bool,
    finish_told: bool,
    /// What the tracker has written and has not left.
    output: Vec<u8>,
    owes_flush: bool,
    /// What the peer can read.
    pub arrived: Vec<u8>,
    pub finished: bool,
    pub aborted: bool,
    splice_to: Option<u32>,
    /// The most bytes that leave at a time; 0 when the peer does not read.
    pub pace: usize,
    /// The most bytes that were ever waiting to leave.
    pub backlog: usize,
}

impl Stream {
    pub(crate) const fn peer_finished(&self) -> bool {
        self.peer_finished
    }
}

pub(crate) struct World<P: Profile> {
    pub tracker: Tracker<P>,
    pub now: Instant,
    pub streams: BTreeMap<u32, Stream>,
    pub events: Vec<Event>,
    pub wait: Option<Instant>,
    /// The most bytes that arrive at a time.
    pub chunk: usize,
    /// The room that the tracker is given.
    pub room: usize,
    /// Answers every question of storage at once.
    pub stores: bool,
    pub splices: usize,
}

impl<P: Profile> World<P> {
    pub(crate) fn new(tracker: Tracker<P>) -> Self {
        Self {
            tracker,
            now: Instant::from_micros(1),
            streams: BTreeMap::new(),
            events: Vec::new(),
            wait: None,
            chunk: usize::MAX,
            room: MESSAGE_MAX,
            stores: true,
            splices: 0,
        }
    }

    pub(crate) fn open(&mut self, dialect: Dialect, peer: &Peer<'_>) -> Option<u32> {
        let stream = (0..).find(|stream| !self.streams.contains_key(stream)).unwrap();
        let is_taken = self.tracker.opened_as(self.now, StreamId(stream), dialect, peer);
        if is_taken {
            let new = Stream {
                under_way: Vec::new(),
                input: Vec::new(),
                is_due: false,
                peer_finished: false,
                finish_told: false,
                output: Vec::new(),
                owes_flush: false,
                arrived: Vec::new(),
                finished: false,
                aborted: false,
                splice_to: None,
                pace: usize::MAX,
                backlog: 0,
            };
            self.streams.insert(stream, new);
        }
        self.run();
        is_taken.then_some(stream)
    }

    /// The peer writes; nothing arrives before `run`.
    pub(crate) fn write(&mut self, stream: u32, bytes: &[u8]) {
        if let Some(stream) = self.streams.get_mut(&stream).filter(|stream| !stream.aborted) {
            assert!(!stream.peer_finished);
            stream.under_way.extend(bytes);
        }
    }

    pub(crate) fn finish(&mut self, stream: u32) {
        if let Some(stream) = self.streams.get_mut(&stream) {
            stream.peer_finished = true;
        }
        self.run();
    }

    /// The stream is gone.
    pub(crate) fn close(&mut self, stream: u32, how: Closed) {
        if self.streams.remove(&stream).is_some() {
            for other in self.streams.values_mut() {
                other.splice_to = other.splice_to.filter(|&to| to != stream);
            }
            self.tracker.closed(self.now, StreamId(stream), how);
        }
        self.run();
    }

    /// All that can be done now is done, and again after a while.
    pub(crate) fn pass(&mut self, span: Duration) {
        self.run();
        self.now = self.now + span;
        self.run();
    }

    /// What the peer can read.
    pub(crate) fn read(&mut self, stream: u32) -> Vec<u8> {
        self.streams.get_mut(&stream).map(|stream| std::mem::take(&mut stream.arrived)).unwrap_or_default()
    }

    /// Whether both directions have ended, or one end has given up.
    pub(crate) fn is_over(&self, stream: u32) -> bool {
        self.streams.get(&stream).is_none_or(|stream| {
            stream.aborted || (stream.finished && stream.peer_finished && stream.output.is_empty())
        })
    }

    /// Goes on until nothing is left to do now.
    pub(crate) fn run(&mut self) {
        for _ in 0..1_000_000 {
            self.drain();
            let streams: Vec<u32> = self.streams.keys().copied().collect();
            // Every stream gets its turn.
            if streams.into_iter().filter(|&stream| self.step(stream)).count() == 0 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// One step of one stream.
    pub(crate) fn run_once(&mut self, stream: u32) {
        self.step(stream);
        self.drain();
    }

    fn step(&mut self, number: u32) -> bool {
        let (id, now, chunk) = (StreamId(number), self.now, self.chunk);
        let splice_to = self.streams[&number].splice_to;
        // Back-pressure: what the other side does not take stays here.
        let is_blocked = splice_to.is_some_and(|to| self.streams[&to].output.len() >= 64);
        let Some(stream) = self.streams.get_mut(&number).filter(|stream| !stream.aborted) else {
            return false;
        };
        if !stream.output.is_empty() && stream.pace > 0 {
            let count = stream.output.len().min(stream.pace);
            stream.arrived.extend(stream.output.drain(..count));
            return true;
        }
        if stream.output.is_empty() && std::mem::take(&mut stream.owes_flush) {
            self.tracker.flushed(now, id);
            return true;
        }
        if !stream.under_way.is_empty() && stream.input.len() < 2 * MESSAGE_MAX {
            let count = stream.under_way.len().min(chunk);
            stream.input.extend(stream.under_way.drain(..count));
            stream.is_due = true;
            return true;
        }
        if let Some(to) = splice_to {
            if !stream.input.is_empty() {
                let count = if is_blocked { 0 } else { stream.input.len().min(64) };
                let moved: Vec<u8> = stream.input.drain(..count).collect();
                let to = self.streams.get_mut(&to).unwrap();
                assert!(!to.finished);
                to.output.extend(moved);
                to.backlog = to.backlog.max(to.output.len());
                if count > 0 {
                    self.tracker.progressed(now, id);
                }
                return count > 0;
            }
            if stream.peer_finished {
                stream.splice_to = None;
                stream.finish_told = true;
                self.tracker.moved(now, id, Ok(()));
                return true;
            }
            return false;
        }
        if !stream.input.is_empty() && std::mem::take(&mut stream.is_due) {
            let offered = stream.input.clone();
            let taken = self.tracker.received(now, id, &offered);
            self.streams.get_mut(&number).unwrap().input.drain(..taken);
            return true;
        }
        if stream.peer_finished
            && stream.under_way.is_empty()
            && !std::mem::replace(&mut stream.finish_told, true)
        {
            self.tracker.finished(now, id);
            return true;
        }
        false
    }

    fn drain(&mut self) {
        for _ in 0..1_000_000 {
            let mut room = vec![0; self.room];
            match self.tracker.poll(self.now, &mut room) {
                Action::Write { stream, bytes } => {
                    assert!(!bytes.is_empty());
                    let stream = self.acted(stream);
                    assert!(!stream.finished && !stream.owes_flush, "written before the last has left");
                    stream.output.extend(bytes);
                    stream.owes_flush = true;
                    stream.backlog = stream.backlog.max(stream.output.len());
                }
                Action::Splice { from, to } => {
                    assert!(!self.acted(to).finished);
                    let from = self.acted(from);
                    assert!(from.splice_to.is_none());
                    from.splice_to = Some(to.0);
                    self.splices += 1;
                }
                Action::Finish(stream) => {
                    let stream = self.acted(stream);
                    assert!(!std::mem::replace(&mut stream.finished, true), "finished twice");
                }
                Action::Abort(stream) => {
                    let id = stream.0;
                    self.acted(stream).aborted = true;
                    for other in self.streams.values_mut() {
                        if other.splice_to == Some(id) {
                            other.splice_to = None;
                        }
                    }
                    self.streams.get_mut(&id).unwrap().splice_to = None;
                }
                Action::Event(event) => {
                    self.events.push(event);
                    if let Event::Store { ticket, .. } = event
                        && self.stores
                    {
                        self.tracker.committed(self.now, ticket, Ok(()));
                    }
                }
                Action::Wait(wait) => {
                    assert!(wait.is_none_or(|wait| wait > self.now), "it spins");
                    self.wait = wait;
                    return;
                }
                action => panic!("{action:?}"),
            }
        }
        panic!("it spins");
    }

    fn acted(&mut self, stream: StreamId) -> &mut Stream {
        let stream = self.streams.get_mut(&stream.0).expect("an action on a stream that is closed");
        assert!(!stream.aborted);
        stream.is_due = true;
        stream
    }

    /// A relayed stream fails in the middle.
    pub(crate) fn fail_splice(&mut self, stream: u32) {
        if let Some(found) = self.streams.get_mut(&stream)
            && found.splice_to.take().is_some()
        {
            self.tracker.moved(self.now, StreamId(stream), Err(Fault::Failed));
        }
        self.run();
    }

    /// Ends every stream that both sides have done with.
    pub(crate) fn tidy(&mut self) {
        let over: Vec<u32> = self.streams.keys().copied().filter(|&stream| self.is_over(stream)).collect();
        for stream in over {
            let how = if self.streams[&stream].aborted { Closed::Broken } else { Closed::Done };
            self.close(stream, how);
        }
    }
}
