//! One request by command, from its first byte to its answer.
//!
//! ```text
//! Reading ──► Decide ──► ToStore ──► Storing ──► Answer ──► Finish, Closing
//!    │           └──────────────────────────────────▲
//!    └── too long: the last result ─────────────────┘     (LIST_*: Listing, as often as there is room)
//! ```
//!
//! A request may be longer than a message, so it is read byte by byte into the tracker's texts. What changes an
//! account or a published file is stored by the application before it is confirmed; it happens even if the stream
//! has gone by then.

use super::{
    Event, Step, Ticket, Tracker,
    counters::count,
    event::Record,
    link::{Link, Role, State},
    profile::Profile,
};
use crate::{
    Instant,
    stream::Fault,
    texts::Stored,
    wire::command::{OPERATION_MAX, Operation, STRING_MAX, is_date},
};
use heapless::Vec;

/// What a stream by command has besides its stream.
#[derive(Debug)]
pub(super) struct Command {
    pub stage: Stage,
    /// The operation, while its name is coming and after.
    name: Vec<u8, OPERATION_MAX, u8>,
    pub operation: Option<Operation>,
    has_date: bool,
    /// How many strings are whole, besides the operation and the date.
    whole: u8,
    /// The string that is coming.
    current: Stored,
    /// The first string: who asks.
    pub user: Stored,
    /// The second: a port, a path, another user. Of the third, a text, nobody is told.
    pub other: Stored,
    /// Of the file that is being stored: tells it from others that had the same number.
    pub birth: u64,
    pub list: Listing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Reading,
    /// It is whole.
    Decide,
    /// The application is to be asked to store this.
    ToStore(Record),
    /// It owes an answer.
    Storing(Record),
    /// The result is to be written.
    Answer(u8),
    /// More of a list is to be written.
    Listing,
}

/// How far a list has been written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    pub what: Listed,
    /// Entries that were promised and have not been written.
    pub left: u32,
    pub has_begun: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Listed {
    /// The users, from this number on.
    Users(u32),
    /// The files of a user, after the one that was born then; and when that user was.
    Files { owner: u32, born: u64, after: u64 },
}

impl Command {
    pub(super) const fn new() -> Self {
        Self {
            stage: Stage::Reading,
            name: Vec::new(),
            operation: None,
            has_date: false,
            whole: 0,
            current: Stored::EMPTY,
            user: Stored::EMPTY,
            other: Stored::EMPTY,
            birth: 0,
            list: Listing { what: Listed::Users(0), left: 0, has_begun: false },
        }
    }
}

impl<P: Profile> Tracker<P> {
    /// Takes what comes of a request; what follows it is nothing.
    pub(super) fn take_command(&mut self, number: u32, bytes: &[u8]) -> usize {
        for &byte in bytes {
            let Some(link) = self.links.get_mut(number).filter(|link| link.state == State::Command) else {
                break;
            };
            let Some(command) = link.command_mut().filter(|command| command.stage == Stage::Reading) else {
                break;
            };
            if command.operation.is_none() {
                self.take_name(number, byte);
            } else if byte == 0 {
                self.take_string(number);
            } else {
                let is_whole = command.current.len() >= STRING_MAX;
                if is_whole || !self.directory.texts.push(&mut command.current, &[byte]) {
                    self.fail_command(number);
                }
            }
        }
        let is_reading = self.links.get_mut(number).is_some_and(|link| {
            link.state == State::Command
                && link.command_mut().is_some_and(|command| command.stage == Stage::Reading)
        });
        if is_reading {
            self.links.set_deadline(number, Some(self.now + self.settings.command_timeout));
        }
        bytes.len()
    }

    /// A byte of the operation's name. An operation that there is not has no answer either.
    fn take_name(&mut self, number: u32, byte: u8) {
        let Some(command) = self.links.get_mut(number).and_then(Link::command_mut) else { return };
        let is_known = if byte == 0 {
            command.operation = Operation::parse(&command.name).filter(|&name| name != Operation::GetFile);
            command.operation.is_some()
        } else {
            command.name.push(byte).is_ok()
        };
        if !is_known {
            self.let_go(number);
        }
    }

    /// A string is whole.
    fn take_string(&mut self, number: u32) {
        let Some(command) = self.links.get_mut(number).and_then(Link::command_mut) else { return };
        let texts = &mut self.directory.texts;
        let string = core::mem::replace(&mut command.current, Stored::EMPTY);
        let mut room = [0; STRING_MAX];
        if command.whole == 0 && !command.has_date && texts.copy(string, &mut room).is_some_and(is_date) {
            command.has_date = true;
            texts.free(string);
            return;
        }
        let place = match command.whole {
            0 => Some(&mut command.user),
            1 => Some(&mut command.other),
            _ => None,
        };
        match place {
            Some(place) => *place = string,
            None => texts.free(string),
        }
        command.whole = command.whole.saturating_add(1);
        if command.operation.is_some_and(|operation| command.whole >= operation.strings()) {
            command.stage = Stage::Decide;
            self.links.set_deadline(number, None);
            self.links.give_turn(number);
        }
    }

    /// A string is too long, or there is no room for it: the operation's last result.
    fn fail_command(&mut self, number: u32) {
        let Some(command) = self.links.get_mut(number).and_then(Link::command_mut) else { return };
        let failure = command.operation.map_or(0, Operation::failure);
        command.stage = Stage::Answer(failure);
        self.links.set_deadline(number, None);
        self.links.give_turn(number);
    }

    /// A request that is none, or stops in the middle.
    fn let_go(&mut self, number: u32) {
        count(&mut self.counters.commands_broken);
        if let Some(link) = self.links.get_mut(number) {
            link.state = State::Finish { is_relay: false };
        }
        self.links.give_turn(number);
    }

    /// The peer sends no more. What is whole by now is answered.
    pub(super) fn command_finished(&mut self, number: u32) {
        let Some(command) = self.links.get_mut(number).and_then(Link::command_mut) else { return };
        if command.stage == Stage::Reading {
            self.let_go(number);
        }
    }

    /// A request stopped in the middle, or its answer is not taken.
    pub(super) fn command_expired(&mut self, number: u32) {
        let Some(link) = self.links.get_mut(number) else { return };
        match link.command_mut().map(|command| command.stage) {
            Some(Stage::Reading) => self.let_go(number),
            _ => {
                link.state = State::Abort;
                self.links.give_turn(number);
            }
        }
    }

    /// Whether a request goes on without its stream: the application is asked, or is going to be.
    pub(super) fn command_is_waiting(&self, number: u32) -> bool {
        match self.links.get(number).map(|link| &link.role) {
            Some(Role::Command(command)) => {
                matches!(command.stage, Stage::Decide | Stage::ToStore(_) | Stage::Storing(_))
            }
            _ => false,
        }
    }

    /// The texts of a request are needed no more.
    pub(super) fn drop_command(&mut self, role: &Role) {
        if let Role::Command(command) = role {
            for text in [command.current, command.user, command.other] {
                self.directory.texts.free(text);
            }
        }
    }

    /// The application has stored what [`Event::Store`] asked for, or could not. A ticket that was answered already
    /// does nothing.
    pub fn committed(&mut self, now: Instant, ticket: Ticket, outcome: Result<(), Fault>) {
        self.now = now;
        let number = ticket.0;
        let Some(command) = self.links.get_mut(number).and_then(Link::command_mut) else { return };
        let Stage::Storing(record) = command.stage else { return };
        let (failure, birth) = (command.operation.map_or(0, Operation::failure), command.birth);
        let result = if outcome.is_ok() { 0 } else { failure };
        command.stage = Stage::Answer(result);
        self.settle(record, birth, outcome.is_ok());
        self.links.give_turn(number);
    }

    /// The next step of a request.
    pub(super) fn step_command(&mut self, number: u32, room: &mut [u8]) -> Option<Step> {
        let link = self.links.get_mut(number)?;
        let (stream, in_flight, is_open) = (link.stream, link.in_flight, link.is_open);
        let command = link.command_mut()?;
        match command.stage {
            Stage::Reading | Stage::Storing(_) => None,
            Stage::Decide => {
                let stage = self.decide(number);
                self.links.get_mut(number)?.command_mut()?.stage = stage;
                self.links.give_turn(number);
                None
            }
            Stage::ToStore(record) => {
                command.stage = Stage::Storing(record);
                Some(Step::Tell(Event::Store { ticket: Ticket(number), record }))
            }
            // The last write has not left, or there is nobody to answer.
            _ if in_flight || !is_open => None,
            Stage::Answer(result) => {
                count(&mut self.counters.commands);
                if result != 0 {
                    count(&mut self.counters.commands_failed);
                }
                *room.first_mut()? = result;
                self.links.get_mut(number)?.state = State::Finish { is_relay: false };
                self.links.give_turn(number);
                Some(Step::Write { stream, length: 1 })
            }
            Stage::Listing => self.step_listing(number, room),
        }
    }
}
