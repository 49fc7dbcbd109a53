//! The server of files: many streams, one request on each.
//!
//! ```text
//! download   Open → stored → Write(Download) → Send → moved → Finish → Release
//! upload     Create → stored → Receive → moved → Commit → stored → Write(Confirm) → Finish → Release
//! refusal    Write(Error) → Finish → discard what comes until the peer closes, or the linger time is over
//! ```
//!
//! What one stream goes through is drawn in `session.rs`. A transfer holds one slot, and one file, from the moment
//! it begins until its file is let go; who finds no slot is refused or waits in line.
//!
//! An upload that has been received whole is committed whatever becomes of its stream: the client cannot know
//! better, and nothing of it is half. It keeps its session, its slot and its [`FileId`] until the storage has
//! answered, while the stream's name may already belong to another session. Every other transfer ends with its
//! stream, and leaves nothing behind.

mod service;

use super::{
    Counters, Dialect, Direction, Event, Outcome, Session, Settings, Uploads, WhenFull,
    request::Wanted,
    session::{End, FileState, Last, State},
};
use crate::{
    Instant, Memory,
    count::count,
    limits::MESSAGE_MAX,
    line::Line,
    stream::{Action, Fault, FileId, StreamId},
    table::{ByName, Named, Table},
    wire::{
        Name, command,
        file::{self, Code, Message},
        path,
    },
};

const _: () = assert!(file::LENGTH_MAX <= MESSAGE_MAX && path::NOT_FOUND.len() <= MESSAGE_MAX);

/// A server of files over streams, whose sessions are in a memory of the type `M`.
///
/// It takes as many streams as the memory has room for, and no stream whose number is not below that bound.
#[derive(Debug)]
pub struct Server<M> {
    settings: Settings,
    sessions: Table<Session, M, ByName>,
    line: Line,
    active: u32,
    counters: Counters,
}

/// What a session asks of the driver, still without the bytes.
enum Task {
    Tell(Event),
    Write(Message<'static>),
    WriteNotFound,
    Send,
    Receive,
    Finish,
    Abort,
    Open,
    Create,
    Commit,
    Release,
}

impl<M: Memory<Named<Session>>> Server<M> {
    /// A server with these rules; `memory` must be empty.
    pub const fn new(settings: Settings, memory: M) -> Self {
        Self {
            settings,
            sessions: Table::new(memory),
            line: Line::new(),
            active: 0,
            counters: Counters::ZERO,
        }
    }

    /// A stream was accepted on which `dialect` is spoken: as [`opened`](crate::stream::Service::opened), which takes
    /// [`Dialect::Files`].
    #[must_use]
    pub fn opened_as(&mut self, now: Instant, stream: StreamId, dialect: Dialect) -> bool {
        self.opened_with(now, stream, dialect, Uploads::Anywhere)
    }

    /// The same for a peer that may upload less than others.
    #[must_use]
    pub fn opened_with(
        &mut self,
        now: Instant,
        stream: StreamId,
        dialect: Dialect,
        uploads: Uploads,
    ) -> bool {
        let until = now + self.settings.request_timeout;
        if let Ok(number) = self.sessions.insert(Session::new(stream, dialect, uploads, until)) {
            if self.sessions.set_name(stream.0, number) {
                self.sessions.set_deadline(number, Some(until));
                return true;
            }
            self.sessions.remove(number);
        }
        count(&mut self.counters.turned_away);
        false
    }

    /// What the server has done so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// The rules that it goes by.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many sessions there are: open streams, and uploads that are committed after their stream has gone.
    pub const fn sessions(&self) -> usize {
        self.sessions.count()
    }

    /// How many transfers hold a slot.
    pub const fn transfers(&self) -> u32 {
        self.active
    }

    /// How many requests wait in line for one.
    pub const fn waiting(&self) -> u32 {
        self.line.length()
    }

    /// The name of the file that a transfer is about: good from [`Event::Started`] to [`Event::Ended`], and at
    /// [`Event::Refused`] if it came so far, until the server is polled again.
    pub fn name(&self, file: FileId) -> Option<Name<'_>> {
        self.sessions.get(file.0)?.request.name()
    }

    /// The stream of a transfer whose file is asked for or in use. (An upload that is being committed may have lost
    /// it.)
    pub fn stream(&self, file: FileId) -> Option<StreamId> {
        Some(self.sessions.get(file.0)?.stream)
    }

    /// The request is whole, or is known to be none.
    fn asked(&mut self, number: u32, outcome: Result<Wanted, Code>) {
        count(&mut self.counters.requests);
        match (outcome, self.sessions.get_mut(number)) {
            (Ok(wanted), Some(session)) => {
                session.direction = wanted.direction;
                session.length = wanted.length;
                session.state = State::Ready;
            }
            (Err(code), _) => self.refuse(number, code),
            (Ok(_), None) => {}
        }
        self.sessions.set_deadline(number, None);
        self.sessions.give_turn(number);
    }

    /// Lets a whole request begin, or wait, or refuses it.
    fn decide(&mut self, number: u32) {
        let Some(session) = self.sessions.get_mut(number) else { return };
        let is_upload = session.direction == Direction::Upload;
        let may_not = self.settings.read_only || session.uploads == Uploads::Nowhere;
        if is_upload && may_not {
            self.refuse(number, Code::NotAllowed);
        } else if is_upload && !session.request.fits_below(session.uploads.below()) {
            self.refuse(number, Code::BadName);
        } else if is_upload && session.length > self.settings.max_upload {
            self.refuse(number, Code::TooLarge);
        } else if self.active < self.settings.slots.max(1) {
            self.admit(number);
        } else if self.settings.when_full == WhenFull::Busy {
            self.refuse(number, Code::Busy);
        } else {
            session.state = State::Waiting;
            self.line.push(&mut self.sessions, number);
        }
        self.sessions.give_turn(number);
    }

    fn admit(&mut self, number: u32) {
        let Some(session) = self.sessions.get_mut(number) else { return };
        session.has_slot = true;
        session.state = State::Begin;
        self.active = self.active.saturating_add(1);
        self.sessions.give_turn(number);
    }

    /// Gives a session's slot, if it has one, to the first in line.
    fn free_slot(&mut self, number: u32) {
        let Some(session) = self.sessions.get_mut(number) else { return };
        if core::mem::take(&mut session.has_slot) {
            self.active = self.active.saturating_sub(1);
            if let Some(first) = self.line.first() {
                self.line.leave(&mut self.sessions, first);
                self.admit(first);
            }
        }
    }

    fn refuse(&mut self, number: u32, code: Code) {
        self.refuse_for(number, code, None);
    }

    fn refuse_for(&mut self, number: u32, code: Code, fault: Option<Fault>) {
        let Some(session) = self.sessions.get_mut(number) else { return };
        session.refuse(code);
        session.end = Some(End::Refused(code, fault));
        log!(debug, "files: a request is refused: {:?}", code);
        count(&mut self.counters.refused);
    }

    /// A transfer that had begun comes to nothing; what the client is told is in `state`.
    fn break_off(&mut self, number: u32, outcome: Outcome, state: State) {
        let Some(session) = self.sessions.get_mut(number) else { return };
        session.state = state;
        session.end = Some(End::Ended(outcome));
        log!(debug, "files: a transfer comes to nothing: {:?}", outcome);
        count(&mut self.counters.broken);
        // An error can still be told about an upload: its client listens.
        if let (State::Refuse(code), true) = (state, session.is_open) {
            session.refuse(code);
        } else if !session.is_open {
            session.state = State::Gone;
        }
        self.sessions.give_turn(number);
    }

    /// The content of a download is handed over, or the content of an upload received.
    fn content_moved(&mut self, number: u32) {
        let Some(session) = self.sessions.get_mut(number) else { return };
        match session.direction {
            Direction::Upload => session.state = State::Commit,
            Direction::Download => {
                session.state = State::Finish(Last::Content);
                session.end = Some(End::Ended(Outcome::Done));
                count(&mut self.counters.downloads);
                self.counters.bytes_out = self.counters.bytes_out.saturating_add(session.length);
            }
        }
        self.sessions.give_turn(number);
    }

    /// A deadline has come.
    fn expired(&mut self, now: Instant, number: u32) {
        let Some(session) = self.sessions.get_mut(number) else { return };
        let is_paused = now < session.request_until && !session.request.is_empty();
        match session.state {
            State::Request if session.dialect.is_path() && is_paused => {
                // Silence is the end of a path that has no other; nothing is ever missing from it.
                if let Some(outcome) = session.request.finish(session.dialect) {
                    self.asked(number, outcome);
                }
                return;
            }
            State::Request => {
                count(&mut self.counters.timed_out);
                count(&mut self.counters.broken);
            }
            State::Closing => {}
            _ => return,
        }
        session.state = State::Abort;
        self.sessions.give_turn(number);
    }

    /// What a session whose turn it is wants done, if anything.
    fn next(&mut self, now: Instant, number: u32) -> Option<Task> {
        let session = self.sessions.get_mut(number)?;
        let (stream, file, direction) = (session.stream, FileId(number), session.direction);
        if core::mem::take(&mut session.owes_started) {
            return Some(Task::Tell(Event::Started { stream, file, direction, length: session.length }));
        }
        match session.end.take() {
            Some(End::Refused(code, fault)) => {
                return Some(Task::Tell(Event::Refused { stream, file, code, fault }));
            }
            Some(End::Ended(outcome)) => {
                return Some(Task::Tell(Event::Ended { stream, file, direction, outcome }));
            }
            None => {}
        }
        // An abort comes first: it stops what still uses the file.
        if !session.is_under_way() && session.state != State::Abort && session.file != FileState::Asked {
            let held = core::mem::replace(&mut session.file, FileState::None) == FileState::Held;
            self.free_slot(number);
            if held {
                return Some(Task::Release);
            }
        }
        let session = self.sessions.get_mut(number)?;
        if session.is_over() {
            self.sessions.remove(number);
            return None;
        }
        (session.is_open || session.state == State::Commit).then(|| self.step(now, number)).flatten()
    }

    /// The next step of a session that owes nothing to the application.
    fn step(&mut self, now: Instant, number: u32) -> Option<Task> {
        let session = self.sessions.get_mut(number)?;
        let (state, task) = match (session.state, session.direction) {
            (State::Ready, _) => {
                self.decide(number);
                return None;
            }
            (State::Begin, direction) => {
                session.file = FileState::Asked;
                (State::Opening, if direction == Direction::Upload { Task::Create } else { Task::Open })
            }
            (State::Answer, _) => (State::Body, Task::Write(Message::Download { length: session.length })),
            (State::Body, _) if session.length == 0 => {
                self.content_moved(number);
                return None;
            }
            (State::Body, Direction::Download) => (State::Moving, Task::Send),
            (State::Body, Direction::Upload) => (State::Moving, Task::Receive),
            (State::Commit, _) => {
                session.file = FileState::Asked;
                (State::Committing, Task::Commit)
            }
            (State::Confirm, _) => (State::Finish(Last::Content), Task::Write(Message::Confirm)),
            (State::Refuse(code), _) => {
                let task = if session.dialect.is_path() {
                    Task::WriteNotFound
                } else {
                    Task::Write(Message::Error(code))
                };
                (State::Finish(Last::Error), task)
            }
            (State::Finish(last), _) => {
                session.state = State::Closing;
                let patience = match last {
                    Last::Content => self.settings.close_timeout,
                    Last::Error => self.settings.linger,
                };
                self.sessions.set_deadline(number, Some(now + patience));
                return Some(Task::Finish);
            }
            (State::Abort, _) => (State::Gone, Task::Abort),
            _ => return None,
        };
        session.state = state;
        Some(task)
    }

    fn act<'b>(&mut self, number: u32, task: Task, room: &'b mut [u8]) -> Action<'b, Event> {
        let Some(session) = self.sessions.get_mut(number) else { return Action::Wait(None) };
        let (stream, file, length) = (session.stream, FileId(number), session.length);
        match task {
            Task::Tell(event) => Action::Event(event),
            Task::Write(message) => {
                let used = if session.dialect.is_get_file() {
                    command::emit_answer(&message, room)
                } else {
                    message.emit(room)
                };
                let used = used.unwrap_or_default();
                Action::Write { stream, bytes: room.get(..used).unwrap_or_default() }
            }
            Task::WriteNotFound => Action::Write { stream, bytes: path::NOT_FOUND },
            Task::Send => Action::Send { stream, file, offset: 0, length },
            Task::Receive => Action::Receive { stream, file, offset: 0, length: Some(length) },
            Task::Finish => Action::Finish(stream),
            Task::Abort => Action::Abort(stream),
            Task::Commit => Action::Commit(file),
            Task::Release => Action::Release(file),
            Task::Open => match session.request.name_in(room) {
                Some(name) => Action::Open { file, name },
                None => Self::give_up(session),
            },
            Task::Create => match session.request.name_below(session.uploads.below(), room) {
                Some(name) => Action::Create { file, name, length: Some(length) },
                None => Self::give_up(session),
            },
        }
    }

    /// The storage cannot be asked for a file. It does not come to that, as a session that opens or creates has a name
    /// for which there is room; but nobody would wait for an answer.
    fn give_up<'b>(session: &mut Session) -> Action<'b, Event> {
        session.file = FileState::None;
        session.state = State::Gone;
        Action::Abort(session.stream)
    }
}
