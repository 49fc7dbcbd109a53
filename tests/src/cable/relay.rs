//! A machine that relays between the two who call it, as a tracker does.

use crate::Checked;
use skep_core::{
    Instant,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
};
use skep_smoltcp::Machine;
use std::collections::VecDeque;

/// What it still asks for.
#[derive(Debug)]
enum Wish {
    Splice(StreamId, StreamId),
    Finish(StreamId),
    Abort(StreamId),
}

/// Two streams, and what it still asks for.
#[derive(Debug, Default)]
pub struct Relay {
    streams: Vec<StreamId>,
    wishes: VecDeque<Wish>,
}

impl Relay {
    fn other(&self, stream: StreamId) -> Option<StreamId> {
        self.streams.iter().copied().find(|other| *other != stream)
    }
}

impl Service for Relay {
    type Event = ();

    fn opened(&mut self, _: Instant, stream: StreamId) -> bool {
        if let Some(&other) = self.streams.first() {
            self.wishes.extend([Wish::Splice(stream, other), Wish::Splice(other, stream)]);
        }
        self.streams.push(stream);
        self.streams.len() <= 2
    }

    fn received(&mut self, _: Instant, _: StreamId, _: &[u8]) -> usize {
        // It waits for the other one.
        0
    }

    fn moved(&mut self, _: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        let Some(other) = self.other(stream) else { return };
        self.wishes.push_back(if outcome.is_ok() { Wish::Finish(other) } else { Wish::Abort(stream) });
    }

    fn finished(&mut self, _: Instant, _: StreamId) {}

    fn closed(&mut self, _: Instant, stream: StreamId, how: Closed) {
        if let (Closed::Broken, Some(other)) = (how, self.other(stream)) {
            self.wishes.push_back(Wish::Abort(other));
        }
        self.streams.retain(|other| *other != stream);
    }

    fn stored(&mut self, _: Instant, _: FileId, _: Result<u64, Fault>) {}

    fn poll<'b>(&mut self, _: Instant, _: &'b mut [u8]) -> Action<'b, ()> {
        match self.wishes.pop_front() {
            None => Action::Wait(None),
            Some(Wish::Splice(from, to)) => Action::Splice { from, to },
            Some(Wish::Finish(stream)) => Action::Finish(stream),
            Some(Wish::Abort(stream)) => Action::Abort(stream),
        }
    }
}

impl Machine for Relay {}

impl Checked for Relay {
    fn check_over(&self) {
        assert!(self.streams.is_empty(), "streams are left");
    }
}
