//! A service that says what it is told to say, finishes, and remembers what it heard.

use crate::Checked;
use skep_core::{
    Instant,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
};

/// It speaks on its first stream, as soon as that is open.
#[derive(Debug, Default)]
pub struct Speaker {
    /// What it says, a message each.
    pub says: Vec<Vec<u8>>,
    /// It finishes when it has said all.
    pub finishes: bool,
    /// It finishes when its peer has.
    pub finishes_after: bool,
    /// It takes nothing before this moment.
    pub deaf_until: Option<Instant>,
    /// It takes so many bytes at a time; 0 for all.
    pub bites: usize,
    /// What it heard.
    pub heard: Vec<u8>,
    /// The peer finished.
    pub has_heard_all: bool,
    /// How the stream ended.
    pub closed: Option<Closed>,
    /// Its stream, while there is one.
    pub stream: Option<StreamId>,
    /// It has turned something away.
    pub was_deaf: bool,
}

impl Service for Speaker {
    type Event = ();

    fn opened(&mut self, _now: Instant, stream: StreamId) -> bool {
        self.stream.is_none() && {
            self.stream = Some(stream);
            true
        }
    }

    fn received(&mut self, now: Instant, _stream: StreamId, bytes: &[u8]) -> usize {
        if self.deaf_until.is_some_and(|until| now < until) {
            self.was_deaf = true;
            return 0;
        }
        let count = if self.bites == 0 { bytes.len() } else { bytes.len().min(self.bites) };
        self.heard.extend(&bytes[..count]);
        count
    }

    fn moved(&mut self, _now: Instant, _stream: StreamId, _outcome: Result<(), Fault>) {}

    fn finished(&mut self, _now: Instant, _stream: StreamId) {
        assert!(!self.has_heard_all, "finished twice");
        self.has_heard_all = true;
        if self.finishes_after {
            self.finishes = true;
        }
    }

    fn closed(&mut self, _now: Instant, _stream: StreamId, how: Closed) {
        assert!(self.closed.is_none(), "closed twice");
        self.closed = Some(how);
        self.stream = None;
        self.deaf_until = None;
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: std::net::SocketAddr) {}

    fn stored(&mut self, _now: Instant, _file: FileId, _outcome: Result<u64, Fault>) {}

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, ()> {
        let Some(stream) = self.stream else { return Action::Wait(None) };
        if !self.says.is_empty() {
            let message = self.says.remove(0);
            room[..message.len()].copy_from_slice(&message);
            return Action::Write { stream, bytes: &room[..message.len()] };
        }
        if std::mem::take(&mut self.finishes) {
            return Action::Finish(stream);
        }
        match self.deaf_until {
            Some(until) if now < until => Action::Wait(Some(until)),
            Some(_) if self.was_deaf => {
                self.deaf_until = None;
                // An action on the stream: what was not taken is offered again.
                Action::Write { stream, bytes: &[] }
            }
            _ => Action::Wait(None),
        }
    }
}

impl Checked for Speaker {
    fn check_over(&self) {
        assert!(self.stream.is_none(), "the stream is open");
    }
}
