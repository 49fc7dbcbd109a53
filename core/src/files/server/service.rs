//! What the driver feeds to a server of files, and what it is asked for in return.

use super::Server;
use crate::{
    Instant, Memory,
    count::count,
    files::{
        Dialect, Direction, Event, Outcome, Session,
        session::{End, FileState, Last, State},
    },
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    table::Named,
};

impl<M: Memory<Named<Session>>> Service for Server<M> {
    type Event = Event;

    fn opened(&mut self, now: Instant, stream: StreamId) -> bool {
        self.opened_as(now, stream, Dialect::Files)
    }

    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        let Some(number) = self.sessions.named(stream.0) else { return bytes.len() };
        let Some(session) = self.sessions.get_mut(number) else { return bytes.len() };
        if session.state == State::Request {
            let (taken, outcome) = session.request.take(session.dialect, bytes);
            match outcome {
                Some(outcome) => self.asked(number, outcome),
                None if session.dialect.is_path() && !session.request.is_empty() => {
                    // Who sends a byte at a time has no more time than others.
                    let until = session.request_until.min(now + self.settings.path_pause);
                    self.sessions.set_deadline(number, Some(until));
                }
                None => {}
            }
            return taken;
        }
        if session.has_content_ahead() { 0 } else { bytes.len() }
    }

    fn moved(&mut self, _now: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        let Some(number) = self.sessions.named(stream.0) else { return };
        let Some(session) = self.sessions.get_mut(number) else { return };
        if session.state != State::Moving {
            return;
        }
        match (outcome, session.direction) {
            (Ok(()), _) => self.content_moved(number),
            (Err(Fault::Ended), _) => self.break_off(number, Outcome::Broken, State::Abort),
            // In the middle of its content a download has no other way to say that it is not whole.
            (Err(fault), Direction::Download) => self.break_off(number, Outcome::Failed(fault), State::Abort),
            (Err(fault), Direction::Upload) => {
                self.break_off(number, Outcome::Failed(fault), State::Refuse(fault.into()));
            }
        }
    }

    fn finished(&mut self, _now: Instant, stream: StreamId) {
        let Some(number) = self.sessions.named(stream.0) else { return };
        let Some(session) = self.sessions.get_mut(number) else { return };
        match session.state {
            // Nothing was asked: a probe, or a change of mind.
            State::Request if !session.dialect.is_path() && session.request.is_empty() => {
                session.state = State::Finish(Last::Content);
            }
            State::Request => match session.request.finish(session.dialect) {
                Some(outcome) => self.asked(number, outcome),
                None => {
                    session.state = State::Abort;
                    self.sessions.set_deadline(number, None);
                    count(&mut self.counters.broken);
                }
            },
            State::Moving if session.direction == Direction::Upload => {
                self.break_off(number, Outcome::Broken, State::Abort);
            }
            _ => return,
        }
        self.sessions.give_turn(number);
    }

    fn closed(&mut self, _now: Instant, stream: StreamId, _how: Closed) {
        let Some(number) = self.sessions.take_name(stream.0) else { return };
        let Some(session) = self.sessions.get_mut(number) else { return };
        session.is_open = false;
        let state = core::mem::replace(&mut session.state, State::Gone);
        match state {
            State::Commit | State::Committing => session.state = state,
            State::Answer | State::Body | State::Moving => {
                self.break_off(number, Outcome::Broken, State::Gone)
            }
            State::Request if session.request.is_empty() => {}
            State::Request | State::Ready | State::Begin | State::Opening => count(&mut self.counters.broken),
            State::Waiting => {
                self.line.leave(&mut self.sessions, number);
                count(&mut self.counters.broken);
            }
            _ => {}
        }
        self.sessions.set_deadline(number, None);
        self.sessions.give_turn(number);
        // A stream that owes nothing makes room for the next one at once.
        if self.sessions.get(number).is_some_and(Session::is_over) {
            self.sessions.remove(number);
        }
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: core::net::SocketAddr) {}

    fn stored(&mut self, _now: Instant, file: FileId, outcome: Result<u64, Fault>) {
        let number = file.0;
        let Some(session) = self.sessions.get_mut(number).filter(|session| session.file == FileState::Asked)
        else {
            return;
        };
        session.file = FileState::Held;
        match (session.state, outcome) {
            (State::Opening, Ok(length)) => {
                session.owes_started = true;
                session.state = State::Body;
                if session.direction == Direction::Download {
                    session.length = length;
                    session.state = if session.dialect.is_path() { State::Body } else { State::Answer };
                }
            }
            (State::Opening, Err(fault)) => self.refuse_for(number, fault.into(), Some(fault)),
            (State::Committing, Ok(_)) => {
                session.end = Some(End::Ended(Outcome::Done));
                session.state = if session.is_open { State::Confirm } else { State::Gone };
                count(&mut self.counters.uploads);
                self.counters.bytes_in = self.counters.bytes_in.saturating_add(session.length);
            }
            (State::Committing, Err(fault)) => {
                self.break_off(number, Outcome::Failed(fault), State::Refuse(fault.into()));
            }
            // The stream has gone in the meantime.
            _ => {}
        }
        self.sessions.give_turn(number);
    }

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, Event> {
        let Some(room) = room.get_mut(..MESSAGE_MAX) else {
            return Action::Wait(self.sessions.next_deadline());
        };
        let (number, task) = loop {
            if let Some(number) = self.sessions.take_expired(now) {
                self.expired(now, number);
                continue;
            }
            let Some(number) = self.sessions.take_turn() else {
                return Action::Wait(self.sessions.next_deadline());
            };
            if let Some(task) = self.next(now, number) {
                self.sessions.give_turn(number);
                break (number, task);
            }
        };
        self.act(number, task, room)
    }
}
