//! One stream of a server of files, from its request to its end.
//!
//! ```text
//! Request ──► Ready ──► Begin ──► Opening ──► Answer ──► Body ──► Moving ─┬─► Finish ──► Closing   download
//!   │           │ ▲        ▲         │                                    │     ▲
//!   │           ▼ │        │         │                                    └─► Commit ─► Committing ─► Confirm
//!   │         Waiting──────┘         │                                                │           upload
//!   └───────────┴────► Refuse ◄──────┴────────────────────────────────────────────────┘
//!                        └──► Finish ──► Closing           any ──► Abort ──► Gone
//! ```
//!
//! A slot is held from `Begin` until the file is let go, which is when the transfer has ended; `Closing` holds none.

use super::{Dialect, Direction, Outcome, Uploads, request::Request};
use crate::{
    Instant,
    line::{Neighbours, Waits},
    stream::{Fault, StreamId},
    wire::file::Code,
};

/// What a server keeps for a stream. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct Session {
    pub(super) stream: StreamId,
    pub(super) dialect: Dialect,
    pub(super) uploads: Uploads,
    pub(super) state: State,
    pub(super) file: FileState,
    pub(super) direction: Direction,
    /// Bytes of content, once they are known.
    pub(super) length: u64,
    /// The stream has not closed.
    pub(super) is_open: bool,
    pub(super) has_slot: bool,
    /// An event that is owed, before `end`.
    pub(super) owes_started: bool,
    /// The last event that is owed.
    pub(super) end: Option<End>,
    pub(super) request: Request,
    /// Until when all of it has to be there.
    pub(super) request_until: Instant,
    /// In the line, while it waits.
    neighbours: Neighbours,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The request is coming.
    Request,
    /// It is whole: to be refused, to begin, or to wait.
    Ready,
    /// In the line for a slot.
    Waiting,
    /// The file is to be opened or created.
    Begin,
    /// The storage was asked.
    Opening,
    /// The header of a download is to be written.
    Answer,
    /// The content is to be moved.
    Body,
    /// The transport moves it.
    Moving,
    /// All is received: to be committed, whatever becomes of the stream.
    Commit,
    /// The storage was asked.
    Committing,
    /// The confirmation is to be written.
    Confirm,
    /// The error is to be written.
    Refuse(Code),
    /// This direction is to be finished, after a transfer or after an error.
    Finish(Last),
    /// What still comes is discarded until the peer has gone.
    Closing,
    /// The stream is to be aborted.
    Abort,
    /// There is no stream any more, or it has been aborted.
    Gone,
}

/// The last thing that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    Content,
    Error,
}

/// Where the file of a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileState {
    /// It was not asked for, or it was let go.
    None,
    /// The storage owes an answer.
    Asked,
    /// In use: to be let go.
    Held,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Refused(Code, Option<Fault>),
    Ended(Outcome),
}

impl Session {
    pub(super) const fn new(
        stream: StreamId,
        dialect: Dialect,
        uploads: Uploads,
        request_until: Instant,
    ) -> Self {
        Self {
            stream,
            dialect,
            uploads,
            state: State::Request,
            file: FileState::None,
            direction: Direction::Download,
            length: 0,
            is_open: true,
            has_slot: false,
            owes_started: false,
            end: None,
            request: Request::new(),
            request_until,
            neighbours: Neighbours::NONE,
        }
    }

    /// Whether the next bytes of the stream are an upload's content, which a `Receive` is going to take.
    pub(super) fn has_content_ahead(&self) -> bool {
        let is_ahead = matches!(
            self.state,
            State::Ready | State::Waiting | State::Begin | State::Opening | State::Body | State::Moving
        );
        is_ahead && self.direction == Direction::Upload && self.length > 0
    }

    /// Whether the transfer goes on, so that its file and its slot are needed.
    pub(super) const fn is_under_way(&self) -> bool {
        matches!(
            self.state,
            State::Begin
                | State::Opening
                | State::Answer
                | State::Body
                | State::Moving
                | State::Commit
                | State::Committing
        )
    }

    /// Whether nothing is owed any more, to nobody.
    pub(super) fn is_over(&self) -> bool {
        !self.is_open
            && !self.is_under_way()
            && self.file == FileState::None
            && !self.has_slot
            && !self.owes_started
            && self.end.is_none()
    }

    /// Refuses the request, or gives an upload up. A path has but one error: of what it does not cover it is
    /// told by the end of the stream.
    pub(super) fn refuse(&mut self, code: Code) {
        let has_error = !self.dialect.is_path()
            || matches!(code, Code::NotFound | Code::BadName | Code::NotAllowed | Code::Unknown);
        self.state = match (self.is_open, has_error) {
            (false, _) => State::Gone,
            (true, true) => State::Refuse(code),
            (true, false) => State::Abort,
        };
    }
}

impl Waits for Session {
    fn neighbours(&mut self) -> Option<&mut Neighbours> {
        Some(&mut self.neighbours)
    }
}
