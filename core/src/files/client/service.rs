//! What the driver feeds to a client of files, and what it is asked for in return.

use super::{Client, End, FILE, Farewell, FileState, State};
use crate::{
    Instant,
    files::{Direction, Failure, Progress},
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    wire::file::Code,
};

impl Service for Client {
    type Event = Progress;

    fn opened(&mut self, _now: Instant, stream: StreamId) -> bool {
        if self.state != State::Idle {
            return false;
        }
        self.stream = Some(stream);
        self.state = if self.direction == Direction::Upload { State::Open } else { State::Ask };
        true
    }

    fn received(&mut self, _now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        if self.stream != Some(stream) {
            return bytes.len();
        }
        let is_path = self.dialect.is_path();
        match (self.state, self.direction) {
            (State::Idle | State::Commit | State::Committing | State::Over, _) => bytes.len(),
            // Content, for the transport to receive, or what follows it.
            (State::Create | State::Creating, _) | (State::Body | State::Moving, Direction::Download) => {
                if self.length == Some(0) {
                    bytes.len()
                } else {
                    0
                }
            }
            (State::Answering, _) if is_path => {
                self.look_at_path(bytes);
                0
            }
            _ if is_path => 0,
            _ if self.is_confirmed => bytes.len(),
            // A server may refuse at any moment, even before it was asked.
            _ => self.take_message(bytes),
        }
    }

    fn moved(&mut self, now: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        if self.state != State::Moving || self.stream != Some(stream) {
            return;
        }
        let ends_with_stream = self.direction == Direction::Download && self.dialect.is_path();
        match outcome {
            Ok(()) if ends_with_stream && self.limit < u64::MAX => self.fail(Failure::TooLarge),
            Err(Fault::Ended) if ends_with_stream => self.content_moved(now),
            Ok(()) => self.content_moved(now),
            Err(Fault::Ended) => self.fail(Failure::Closed),
            Err(fault) => self.fail(Failure::Storage(fault)),
        }
    }

    /// Of what was handed to the system more has arrived: the server can confirm it only when all has.
    fn progressed(&mut self, now: Instant, stream: StreamId) {
        if self.state == State::Confirming && self.stream == Some(stream) {
            self.deadline = Some(now + self.patience);
        }
    }

    fn finished(&mut self, _now: Instant, stream: StreamId) {
        if self.stream != Some(stream) {
            return;
        }
        let is_path = self.dialect.is_path();
        match (self.state, self.direction) {
            (State::Answering, _) if is_path && self.is_not_found => {
                self.conclude(End::Refused(Code::NotFound), Farewell::Abort);
            }
            // A file shorter than the text, which begins as it does, or is empty.
            (State::Answering, _) if is_path => self.take_content(),
            // All of the content has been offered, or is being received.
            (State::Create | State::Creating, _) | (State::Body, Direction::Download) => {}
            (State::Moving, _) if is_path => {}
            (State::Idle | State::Commit | State::Committing | State::Over, _) => {}
            _ if self.is_confirmed => {}
            _ => self.fail(Failure::Closed),
        }
    }

    fn closed(&mut self, _now: Instant, stream: StreamId, how: Closed) {
        if self.stream != Some(stream) {
            return;
        }
        self.stream = None;
        let has_content_ahead = matches!(self.state, State::Create | State::Creating)
            || (self.state == State::Body && self.direction == Direction::Download);
        if has_content_ahead && self.dialect.is_path() && how == Closed::Done {
            // Every byte that came was taken, and there was none.
            self.length = Some(0);
        }
        match self.state {
            State::Commit | State::Committing => {}
            _ if has_content_ahead && self.length == Some(0) => {}
            _ if self.is_confirmed => self.done(),
            _ => self.fail(Failure::Closed),
        }
    }

    fn relocated(&mut self, _: Instant, _: StreamId, _: core::net::SocketAddr) {}

    fn stored(&mut self, _now: Instant, file: FileId, outcome: Result<u64, Fault>) {
        if file != FILE || self.file != FileState::Asked {
            return;
        }
        self.file = FileState::Held;
        match (self.state, outcome) {
            (State::Creating, Ok(_)) => {
                self.owes_started = true;
                self.state = State::Body;
            }
            (State::Opening, Ok(length)) => {
                self.owes_started = true;
                self.length = Some(length);
                self.state = State::Header;
            }
            (State::Committing, Ok(length)) => {
                self.length = self.length.or(Some(length));
                self.done();
            }
            (_, Ok(_)) => {}
            (_, Err(fault)) => self.fail(Failure::Storage(fault)),
        }
    }

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, Progress> {
        let Some(room) = room.get_mut(..MESSAGE_MAX) else { return Action::Wait(self.deadline) };
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            // The known server of paths keeps the stream open behind its answer.
            if self.is_not_found {
                self.conclude(End::Refused(Code::NotFound), Farewell::Abort);
            } else {
                self.fail(Failure::Timeout);
            }
        }
        if core::mem::take(&mut self.owes_started) {
            return Action::Event(Progress::Started { length: self.length });
        }
        if self.state == State::Body && self.length == Some(0) {
            self.content_moved(now);
        }
        match (self.state, self.stream) {
            (State::Over, _) => self.part(),
            (State::Create | State::Open, _) => self.ask_for_file(room),
            (State::Commit, _) => {
                self.ask(State::Committing);
                Action::Commit(FILE)
            }
            (State::Ask | State::Header, Some(stream)) => self.write(now, stream, room),
            (State::Half, Some(stream)) => {
                self.state = State::Answering;
                Action::Finish(stream)
            }
            (State::Body, Some(stream)) => {
                self.state = State::Moving;
                match self.direction {
                    Direction::Upload => Action::Send {
                        stream,
                        file: FILE,
                        offset: 0,
                        length: self.length.unwrap_or_default(),
                    },
                    Direction::Download => {
                        Action::Receive { stream, file: FILE, offset: 0, length: self.wanted() }
                    }
                }
            }
            _ => Action::Wait(self.deadline),
        }
    }
}
