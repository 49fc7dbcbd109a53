//! Machines for tests: one that joins its streams by pairs, and one that talks over many.

use crate::driver::Subject;
use skep_core::{
    Instant,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
};
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug)]
pub(super) struct Nothing;

impl Subject for Nothing {
    fn subject(&self) -> (Option<StreamId>, Option<FileId>) {
        (None, None)
    }
}

/// Joins the first two streams that are opened, both ways.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    streams: Vec<StreamId>,
    to_do: VecDeque<Action<'static, Nothing>>,
    pub(super) moved: Vec<Result<(), Fault>>,
    pub(super) closed: Vec<Closed>,
    pub(super) flushed: usize,
}

impl Joiner {
    fn other(&self, stream: StreamId) -> Option<StreamId> {
        self.streams.iter().copied().find(|&other| other != stream)
    }
}

impl Service for Joiner {
    type Event = Nothing;

    fn opened(&mut self, _: Instant, stream: StreamId) -> bool {
        self.streams.push(stream);
        if let [one, other] = self.streams[..] {
            for stream in [one, other] {
                self.to_do.push_back(Action::Write { stream, bytes: b"joined" });
            }
            for (from, to) in [(one, other), (other, one)] {
                self.to_do.push_back(Action::Splice { from, to });
            }
        }
        self.streams.len() <= 2
    }

    fn received(&mut self, _: Instant, _: StreamId, _: &[u8]) -> usize {
        assert!(self.streams.len() < 2, "the bytes of a stream that is joined belong to the other");
        0
    }

    fn moved(&mut self, _: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        self.moved.push(outcome);
        if outcome.is_ok() {
            self.to_do.extend(self.other(stream).map(Action::Finish));
        }
    }

    fn finished(&mut self, _: Instant, _: StreamId) {
        assert!(self.streams.len() < 2, "the end of a stream that is joined is told by `moved`");
    }

    fn closed(&mut self, _: Instant, stream: StreamId, how: Closed) {
        self.closed.push(how);
        if how == Closed::Broken {
            self.to_do.extend(self.other(stream).map(Action::Abort));
        }
    }

    fn flushed(&mut self, _: Instant, _: StreamId) {
        self.flushed += 1;
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: std::net::SocketAddr) {}

    fn stored(&mut self, _: Instant, _: FileId, _: Result<u64, Fault>) {}

    fn poll<'b>(&mut self, _: Instant, _: &'b mut [u8]) -> Action<'b, Nothing> {
        self.to_do.pop_front().unwrap_or(Action::Wait(None))
    }
}

/// What one end of a stream has to say, and what it has heard.
#[derive(Debug, Default)]
pub(super) struct Talk {
    pub(super) to_say: u64,
    pub(super) said: u64,
    pub(super) heard: u64,
    in_flight: bool,
    finished: bool,
    pub(super) peer_finished: bool,
    pub(super) is_deaf: bool,
    /// It takes messages of so many bytes, and no part of one; 0 for anything.
    pub(super) whole: usize,
    pub(super) closed: Option<Closed>,
    greeting: usize,
}

/// Says so many bytes on each stream, then finishes; hears what the other says.
#[derive(Debug, Default)]
pub(super) struct Talker {
    pub(super) talks: BTreeMap<u32, Talk>,
    /// For streams to come.
    pub(super) to_say: VecDeque<u64>,
    /// It does not finish.
    pub(super) stays: bool,
}

/// What is said at this place of a stream.
pub(super) fn byte(offset: u64) -> u8 {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8
}

const GREETING: &[u8] = b"joined";

impl Service for Talker {
    type Event = Nothing;

    fn opened(&mut self, _: Instant, stream: StreamId) -> bool {
        let to_say = self.to_say.pop_front().unwrap();
        self.talks.insert(stream.0, Talk { to_say, ..Talk::default() });
        true
    }

    fn received(&mut self, _: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        let talk = self.talks.get_mut(&stream.0).unwrap();
        if talk.is_deaf {
            return 0;
        }
        let mut bytes = bytes;
        if talk.whole > 0 {
            let greeting = GREETING.len() - talk.greeting;
            let end = talk.heard as usize + bytes.len();
            let last = (end - end % talk.whole).saturating_sub(talk.heard as usize);
            bytes = &bytes[..if greeting > 0 { greeting } else { last }.min(bytes.len())];
        }
        for &heard in bytes {
            if let Some(&expected) = GREETING.get(talk.greeting) {
                assert_eq!(heard, expected);
                talk.greeting += 1;
            } else {
                assert_eq!(heard, byte(talk.heard), "at {}", talk.heard);
                talk.heard += 1;
            }
        }
        bytes.len()
    }

    fn moved(&mut self, _: Instant, _: StreamId, _: Result<(), Fault>) {}

    fn finished(&mut self, _: Instant, stream: StreamId) {
        self.talks.get_mut(&stream.0).unwrap().peer_finished = true;
    }

    fn closed(&mut self, _: Instant, stream: StreamId, how: Closed) {
        self.talks.get_mut(&stream.0).unwrap().closed = Some(how);
    }

    fn flushed(&mut self, _: Instant, stream: StreamId) {
        let talk = self.talks.get_mut(&stream.0).unwrap();
        assert!(std::mem::take(&mut talk.in_flight), "flushed without a write");
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: std::net::SocketAddr) {}

    fn stored(&mut self, _: Instant, _: FileId, _: Result<u64, Fault>) {}

    fn poll<'b>(&mut self, _: Instant, room: &'b mut [u8]) -> Action<'b, Nothing> {
        for (&stream, talk) in &mut self.talks {
            let stream = StreamId(stream);
            if talk.in_flight || talk.finished || talk.closed.is_some() {
                continue;
            }
            if talk.said == talk.to_say {
                if self.stays {
                    continue;
                }
                talk.finished = true;
                return Action::Finish(stream);
            }
            let count = (talk.to_say - talk.said).min(room.len() as u64) as usize;
            for (place, byte_there) in room[..count].iter_mut().enumerate() {
                *byte_there = byte(talk.said + place as u64);
            }
            talk.said += count as u64;
            talk.in_flight = true;
            return Action::Write { stream, bytes: &room[..count] };
        }
        Action::Wait(None)
    }
}
