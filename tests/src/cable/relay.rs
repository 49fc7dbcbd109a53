//! A machine that relays between the two who call it, as a tracker does.

use crate::Checked;
use skep_core::{
    Instant,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
};
use skep_smoltcp::{Admission, Machine};
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
    /// Those that began in the clear, and whose first byte, a zero, has not come.
    attaching: Vec<StreamId>,
    are_joined: bool,
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
        self.streams.push(stream);
        self.streams.len() <= 2
    }

    fn received(&mut self, _: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        // What follows waits for the other one.
        match self.attaching.iter().position(|other| *other == stream) {
            Some(place) => {
                self.attaching.swap_remove(place);
                assert_eq!(bytes.first(), Some(&ATTACH));
                1
            }
            None => 0,
        }
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

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: std::net::SocketAddr) {}

    fn stored(&mut self, _: Instant, _: FileId, _: Result<u64, Fault>) {}

    fn poll<'b>(&mut self, _: Instant, _: &'b mut [u8]) -> Action<'b, ()> {
        if let ([one, other], []) = (&self.streams[..], &self.attaching[..])
            && !std::mem::replace(&mut self.are_joined, true)
        {
            self.wishes.extend([Wish::Splice(*one, *other), Wish::Splice(*other, *one)]);
        }
        match self.wishes.pop_front() {
            None => Action::Wait(None),
            Some(Wish::Splice(from, to)) => Action::Splice { from, to },
            Some(Wish::Finish(stream)) => Action::Finish(stream),
            Some(Wish::Abort(stream)) => Action::Abort(stream),
        }
    }
}

impl Machine for Relay {
    fn admit(&mut self, now: Instant, admission: &Admission) -> bool {
        if admission.origin.is_attaching {
            self.attaching.push(admission.stream);
        }
        self.opened(now, admission.stream)
    }
}

/// What an end that is in the clear begins with.
const ATTACH: u8 = 0;

/// A machine whose stream begins so, if it is to.
#[derive(Debug)]
pub(super) struct End<S> {
    machine: S,
    attaches: bool,
    opened: Option<StreamId>,
}

impl<S> End<S> {
    /// An end that begins with a zero byte, or one that does not.
    pub(super) const fn new(machine: S, attaches: bool) -> Self {
        Self { machine, attaches, opened: None }
    }
}

impl<S: Service> Service for End<S> {
    type Event = S::Event;

    fn opened(&mut self, now: Instant, stream: StreamId) -> bool {
        self.opened = self.attaches.then_some(stream);
        self.machine.opened(now, stream)
    }

    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        self.machine.received(now, stream, bytes)
    }

    fn moved(&mut self, now: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        self.machine.moved(now, stream, outcome);
    }

    fn finished(&mut self, now: Instant, stream: StreamId) {
        self.machine.finished(now, stream);
    }

    fn closed(&mut self, now: Instant, stream: StreamId, how: Closed) {
        self.machine.closed(now, stream, how);
    }

    fn progressed(&mut self, now: Instant, stream: StreamId) {
        self.machine.progressed(now, stream);
    }

    fn relocated(&mut self, now: Instant, stream: StreamId, address: std::net::SocketAddr) {
        self.machine.relocated(now, stream, address);
    }

    fn stored(&mut self, now: Instant, file: FileId, outcome: Result<u64, Fault>) {
        self.machine.stored(now, file, outcome);
    }

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, S::Event> {
        match self.opened.take() {
            Some(stream) => Action::Write { stream, bytes: &[ATTACH] },
            None => self.machine.poll(now, room),
        }
    }
}

impl<S: Machine> Machine for End<S> {}

impl<S: Checked> Checked for End<S> {
    fn check_over(&self) {
        self.machine.check_over();
    }
}

impl Checked for Relay {
    fn check_over(&self) {
        assert!(self.streams.is_empty(), "streams are left");
    }
}
