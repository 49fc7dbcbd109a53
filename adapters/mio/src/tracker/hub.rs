//! The tracker as its driver sees it: the machine, with somebody at its side who answers its questions and tells what
//! happens by names.

use super::memory::{self, Wide};
use crate::{driver::Subject, gate::Admission};
use skep_core::{
    Instant,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    tracker::{Dialect, Event, Peer, Rights, Settings, Tracker, UserId},
    wire::{
        TEXT_MAX,
        session::{Code, Way},
    },
};

/// What happened, in words that outlive it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A user is there.
    Came {
        /// The name.
        user: Box<str>,
        /// The stream.
        stream: StreamId,
    },
    /// A user is not there any more.
    Left {
        /// The name.
        user: Box<str>,
        /// Why.
        code: Code,
    },
    /// Somebody waits for a seat.
    Waits {
        /// The stream.
        stream: StreamId,
    },
    /// A log-in was refused.
    Refused {
        /// The stream.
        stream: StreamId,
        /// Why.
        code: Code,
    },
    /// A transfer has begun.
    Began {
        /// Which.
        transfer: u32,
        /// How it travels.
        way: Way,
        /// Who asked.
        requester: Box<str>,
        /// Whose file it is.
        owner: Box<str>,
    },
    /// A transfer is over.
    Ended {
        /// Which.
        transfer: u32,
        /// How.
        code: Code,
    },
    /// Nothing that is told.
    Nothing,
}

impl Subject for Report {
    fn subject(&self) -> (Option<StreamId>, Option<FileId>) {
        match *self {
            Self::Came { stream, .. } | Self::Waits { stream } | Self::Refused { stream, .. } => {
                (Some(stream), None)
            }
            _ => (None, None),
        }
    }
}

/// A tracker and what it is told by.
#[derive(Debug)]
pub struct Hub {
    tracker: Tracker<Wide>,
    /// By number: who is there. The tracker has forgotten a name when it tells that its user has left.
    names: Vec<Option<Box<str>>>,
}

impl Hub {
    /// A tracker with these rules. `seed` must be random and secret, and another one at every start.
    pub fn new(settings: Settings, seed: [u8; 32]) -> Self {
        Self { tracker: memory::tracker(settings, seed), names: Vec::new() }
    }

    /// The machine.
    pub const fn tracker(&self) -> &Tracker<Wide> {
        &self.tracker
    }

    /// Opens a stream on which this dialect is spoken. `false`: there is no room for it.
    #[must_use]
    pub fn admit(&mut self, now: Instant, admission: &Admission, dialect: Dialect) -> bool {
        let peer = Peer {
            address: admission.peer.ip().to_canonical(),
            account: None,
            key: admission.caller.and_then(|caller| caller.key).map(|key| key.0),
            rights: Rights::ALL,
        };
        self.tracker.opened_as(now, admission.stream, dialect, &peer)
    }

    /// What an event says, in words.
    fn report(&mut self, now: Instant, event: Event) -> Report {
        match event {
            Event::Came { user, stream } => {
                let name = self.name(user);
                let place = user.0 as usize;
                if place >= self.names.len() {
                    self.names.resize(place + 1, None);
                }
                self.names[place] = Some(name.clone());
                Report::Came { user: name, stream }
            }
            Event::Left { user, code } => {
                let name = self.names.get_mut(user.0 as usize).and_then(Option::take);
                Report::Left { user: name.unwrap_or_default(), code }
            }
            Event::Waits { stream } => Report::Waits { stream },
            Event::Refused { stream, code } => Report::Refused { stream, code },
            Event::Began { transfer, way, requester, owner } => {
                let (requester, owner) = (self.name(requester), self.name(owner));
                Report::Began { transfer, way, requester, owner }
            }
            Event::Ended { transfer, code } => Report::Ended { transfer, code },
            Event::Store { ticket, .. } => {
                self.tracker.committed(now, ticket, Ok(()));
                Report::Nothing
            }
            Event::Asks { .. } => Report::Nothing,
        }
    }

    fn name(&self, user: UserId) -> Box<str> {
        let mut room = [0; TEXT_MAX];
        self.tracker.user_name(user, &mut room).map(|name| name.as_str().into()).unwrap_or_default()
    }
}

impl Service for Hub {
    type Event = Report;

    fn opened(&mut self, now: Instant, stream: StreamId) -> bool {
        self.tracker.opened(now, stream)
    }

    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        self.tracker.received(now, stream, bytes)
    }

    fn moved(&mut self, now: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        self.tracker.moved(now, stream, outcome);
    }

    fn finished(&mut self, now: Instant, stream: StreamId) {
        self.tracker.finished(now, stream);
    }

    fn closed(&mut self, now: Instant, stream: StreamId, how: Closed) {
        self.tracker.closed(now, stream, how);
    }

    fn flushed(&mut self, now: Instant, stream: StreamId) {
        self.tracker.flushed(now, stream);
    }

    fn stored(&mut self, now: Instant, file: FileId, outcome: Result<u64, Fault>) {
        self.tracker.stored(now, file, outcome);
    }

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, Report> {
        match self.tracker.poll(now, room) {
            Action::Event(event) => Action::Event(self.report(now, event)),
            Action::Write { stream, bytes } => Action::Write { stream, bytes },
            Action::Send { stream, file, offset, length } => Action::Send { stream, file, offset, length },
            Action::Receive { stream, file, offset, length } => {
                Action::Receive { stream, file, offset, length }
            }
            Action::Splice { from, to } => Action::Splice { from, to },
            Action::Finish(stream) => Action::Finish(stream),
            Action::Abort(stream) => Action::Abort(stream),
            Action::Open { file, name } => Action::Open { file, name },
            Action::Create { file, name, length } => Action::Create { file, name, length },
            Action::Commit(file) => Action::Commit(file),
            Action::Release(file) => Action::Release(file),
            Action::Wait(until) => Action::Wait(until),
        }
    }
}
