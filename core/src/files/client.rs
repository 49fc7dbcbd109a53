//! The client of one transfer, on one stream.
//!
//! ```text
//! download   Ask (─► Half) ─► Answering ─► Create ─► Creating ─► Body ─► Moving ─► Commit ─► Committing ─┐
//! upload     Open ─► Opening ─► Header ─► Body ─► Moving ─► Confirming ──────────────────────────────────┤
//!                                                                                                        ▼
//!            any, when it comes to nothing ───────────────────► Finish or Abort ─► Release ─► last event
//! ```
//!
//! After its last event ([`Progress::Done`], [`Progress::Refused`] or [`Progress::Failed`]) the machine asks for
//! nothing any more and takes all that it is fed.
//!
//! A download that has been received whole is committed whatever becomes of the stream, and an upload that was
//! confirmed is done. Nothing else is left behind: a file is created under way and has a name when it is whole.

mod service;

use super::{Dialect, Direction, Failure, Progress};
use crate::{
    Instant, Span,
    limits::NAME_MAX,
    stream::{Action, Fault, FileId, StreamId},
    wire::{
        Name,
        command::{self, Operation},
        file::{Code, Message, Unparsed},
        path,
    },
};
use core::time::Duration;
use heapless::Vec;

/// The only file of a client.
const FILE: FileId = FileId(0);

/// The longest message that a server sends: a type or a result, and a length.
const ANSWER_MAX: usize = command::ANSWER_MAX;

/// One transfer on the first stream that is opened; a second one is turned away. Its [`FileId`] is always 0.
#[derive(Debug)]
pub struct Client {
    /// A name; of what `GET_FILE` asks for, any path.
    name: Vec<u8, NAME_MAX, u8>,
    dialect: Dialect,
    direction: Direction,
    /// The most bytes that a download may have.
    limit: u64,
    patience: Span,
    deadline: Option<Instant>,
    stream: Option<StreamId>,
    state: State,
    file: FileState,
    /// Bytes of content, once they are known.
    length: Option<u64>,
    /// What came of the server's message.
    answer: Vec<u8, ANSWER_MAX, u8>,
    /// All that came over a path's stream so far is the text that there is no such file.
    is_not_found: bool,
    /// The server has stored the upload, before the transport knew that all had arrived.
    is_confirmed: bool,
    owes_started: bool,
    owes_stream: Farewell,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The stream has not been opened.
    Idle,
    /// The request is to be written.
    Ask,
    /// A path has no end but that of this direction.
    Half,
    /// The server's answer is to come.
    Answering,
    /// The file is to be created.
    Create,
    Creating,
    /// The file is to be opened.
    Open,
    Opening,
    /// The header of the upload is to be written.
    Header,
    /// The content is to be moved.
    Body,
    Moving,
    /// All is received.
    Commit,
    Committing,
    /// All is sent: the server's confirmation is to come.
    Confirming,
    /// `end` is known.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileState {
    None,
    /// The storage owes an answer.
    Asked,
    /// To be let go.
    Held,
}

/// The last event, without what is known besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    Refused(Code),
    Failed(Failure),
}

/// What is still to be done to the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Farewell {
    None,
    Finish,
    Abort,
}

impl Client {
    /// Fetches a file of at most `limit` bytes. The server has `patience` to answer; how long the content may take
    /// is a matter of the transport.
    #[must_use]
    pub fn download(name: Name<'_>, dialect: Dialect, limit: u64, patience: Duration) -> Self {
        Self::new(name.as_bytes(), dialect, Direction::Download, limit, patience)
    }

    /// Fetches what a known peer shares by `GET_FILE`, under a path that may be of any kind. The file is created by
    /// that path if it is a [`Name`], and else as `file`.
    #[cfg(feature = "known-peers")]
    #[must_use]
    pub fn get_file(path: crate::wire::Text<'_>, limit: u64, patience: Duration) -> Self {
        Self::new(path.as_bytes(), Dialect::GetFile, Direction::Download, limit, patience)
    }

    /// Sends a file, whose length the storage says when it opens it. The server has `patience` to confirm it once
    /// it is sent.
    #[must_use]
    pub fn upload(name: Name<'_>, patience: Duration) -> Self {
        Self::new(name.as_bytes(), Dialect::Files, Direction::Upload, u64::MAX, patience)
    }

    fn new(name: &[u8], dialect: Dialect, direction: Direction, limit: u64, patience: Duration) -> Self {
        Self {
            // A name has room, and so has a text.
            name: Vec::from_slice(name).unwrap_or_default(),
            dialect,
            direction,
            limit,
            patience: patience.into(),
            deadline: None,
            stream: None,
            state: State::Idle,
            file: FileState::None,
            length: None,
            answer: Vec::new(),
            is_not_found: false,
            is_confirmed: false,
            owes_started: false,
            owes_stream: Farewell::None,
            end: None,
        }
    }

    /// The stream that was called for it could not be connected: [`Failure::Unreachable`] is told. Without effect once it has
    /// one.
    pub fn unreachable(&mut self) {
        if self.state == State::Idle {
            self.fail(Failure::Unreachable);
        }
    }

    /// Whether the last event was told.
    pub fn is_over(&self) -> bool {
        self.state == State::Over && self.end.is_none()
    }

    /// Which way the content goes.
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// The name of the file on the server; `None` for a path that is none.
    pub fn name(&self) -> Option<Name<'_>> {
        if self.dialect.is_get_file() { Name::new(&self.name).ok() } else { Some(Name::again(&self.name)) }
    }

    fn name_in<'b>(&self, room: &'b mut [u8]) -> Option<Name<'b>> {
        let name = self.name().map_or(&b"file"[..], Name::as_bytes);
        let room = room.get_mut(..name.len())?;
        room.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
        Some(Name::again(room))
    }

    /// Decides the end, once.
    fn conclude(&mut self, end: End, farewell: Farewell) {
        if self.state == State::Over {
            return;
        }
        self.state = State::Over;
        self.end = Some(end);
        self.owes_stream = farewell;
        self.deadline = None;
    }

    fn fail(&mut self, failure: Failure) {
        self.conclude(End::Failed(failure), Farewell::Abort);
    }

    fn done(&mut self) {
        // The path's client has finished already, to end its request.
        let farewell = if self.dialect.is_path() { Farewell::None } else { Farewell::Finish };
        self.conclude(End::Done, farewell);
    }

    /// The storage is asked for the file.
    pub(super) fn ask_for_file<'b>(&mut self, room: &'b mut [u8]) -> Action<'b, Progress> {
        match (self.name_in(room), self.direction) {
            (Some(name), Direction::Download) => {
                self.ask(State::Creating);
                Action::Create { file: FILE, name, length: self.length }
            }
            (Some(name), Direction::Upload) => {
                self.ask(State::Opening);
                Action::Open { file: FILE, name }
            }
            // There is room for every name; but nobody would wait for an answer.
            (None, _) => {
                self.fail(Failure::Storage(Fault::BadName));
                self.part()
            }
        }
    }

    /// The storage is asked, and owes an answer.
    fn ask(&mut self, state: State) {
        self.file = FileState::Asked;
        self.state = state;
    }

    /// A server's message comes in. An upload may be refused at any moment.
    fn take_message(&mut self, bytes: &[u8]) -> usize {
        for (taken, &byte) in bytes.iter().enumerate() {
            if self.answer.push(byte).is_err() {
                self.fail(Failure::Malformed);
                return bytes.len();
            }
            let parsed = if self.dialect.is_get_file() {
                command::parse_answer(&self.answer)
            } else {
                Message::parse_answer(&self.answer)
            };
            match parsed {
                Err(Unparsed::Incomplete) => {}
                Ok((message, _)) => {
                    self.answered(message);
                    // What follows the header of a download is its content, for the transport to receive.
                    return taken.saturating_add(1);
                }
                Err(Unparsed::Malformed | Unparsed::BadName) => {
                    self.fail(Failure::Malformed);
                    return bytes.len();
                }
            }
        }
        bytes.len()
    }

    fn answered(&mut self, message: Message<'static>) {
        match (message, self.direction, self.state) {
            (Message::Error(code), Direction::Download, _) => {
                self.conclude(End::Refused(code), Farewell::Finish);
            }
            // There may be content under way that nobody wants.
            (Message::Error(code), Direction::Upload, _) => {
                self.conclude(End::Refused(code), Farewell::Abort);
            }
            (Message::Download { length }, Direction::Download, State::Answering) => {
                self.length = Some(length);
                self.take_content();
                if length > self.limit {
                    self.fail(Failure::TooLarge);
                }
            }
            // On a transport that counts by acknowledgements the confirmation may overtake the last of them.
            (Message::Confirm, Direction::Upload, State::Body | State::Moving) => self.is_confirmed = true,
            (Message::Confirm, Direction::Upload, State::Confirming) => self.done(),
            _ => self.fail(Failure::Malformed),
        }
    }

    /// What came over a path's stream. None of it is taken: the text that there is no such file is the whole answer
    /// or the beginning of a file.
    fn look_at_path(&mut self, bytes: &[u8]) {
        self.is_not_found = bytes == path::NOT_FOUND;
        if !path::NOT_FOUND.starts_with(bytes) {
            self.take_content();
        }
    }

    /// The answer is content, whole or in part: it needs a file.
    fn take_content(&mut self) {
        self.deadline = None;
        self.state = State::Create;
    }

    fn content_moved(&mut self, now: Instant) {
        match self.direction {
            Direction::Download => self.state = State::Commit,
            Direction::Upload if self.is_confirmed => self.done(),
            Direction::Upload => {
                self.state = State::Confirming;
                self.deadline = Some(now + self.patience);
            }
        }
    }

    /// How much of the stream is to be received. Of a path's answer one byte more than is allowed, to tell what is
    /// too large from what is just large enough.
    const fn wanted(&self) -> Option<u64> {
        match self.length {
            Some(length) => Some(length),
            None => self.limit.checked_add(1),
        }
    }

    /// The last things to do: they end in the last event.
    fn part<'b>(&mut self) -> Action<'b, Progress> {
        match (core::mem::replace(&mut self.owes_stream, Farewell::None), self.stream) {
            (Farewell::Finish, Some(stream)) => return Action::Finish(stream),
            (Farewell::Abort, Some(stream)) => return Action::Abort(stream),
            _ => {}
        }
        match self.file {
            FileState::Asked => Action::Wait(None),
            FileState::Held => {
                self.file = FileState::None;
                Action::Release(FILE)
            }
            FileState::None => match self.end.take() {
                None => Action::Wait(None),
                Some(End::Done) => Action::Event(Progress::Done { bytes: self.length.unwrap_or_default() }),
                Some(End::Refused(code)) => Action::Event(Progress::Refused(code)),
                Some(End::Failed(failure)) => Action::Event(Progress::Failed(failure)),
            },
        }
    }

    /// Writes what the machine has to say first: the request, or the header of an upload.
    fn write<'b>(&mut self, now: Instant, stream: StreamId, room: &'b mut [u8]) -> Action<'b, Progress> {
        let name = || Name::again(&self.name);
        let (used, state) = if self.direction == Direction::Upload {
            (
                Message::Upload { length: self.length.unwrap_or_default(), name: name() }.emit(room),
                State::Body,
            )
        } else if self.dialect.is_path() {
            (path::emit(name(), room), State::Half)
        } else if self.dialect.is_get_file() {
            (command::emit(Operation::GetFile, None, &[&self.name], room), State::Answering)
        } else {
            (Message::Request { name: name() }.emit(room), State::Answering)
        };
        self.state = state;
        if self.direction == Direction::Download {
            self.deadline = Some(now + self.patience);
        }
        Action::Write { stream, bytes: room.get(..used.unwrap_or_default()).unwrap_or_default() }
    }
}
