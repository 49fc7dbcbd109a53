//! A request by command that is whole is stored, where it has to be, and answered.

use super::{
    Ask, Event, Step, Ticket, Tracker,
    command::Stage,
    link::{Link, State},
    profile::Profile,
};
use crate::{
    Instant,
    count::count,
    stream::Fault,
    wire::{command::Operation, session::Code},
};

impl<P: Profile> Tracker<P> {
    /// Whether a request goes on without its stream: the application is asked, or is going to be.
    pub(super) fn command_is_waiting(&self, number: u32) -> bool {
        self.links.get(number).and_then(Link::command).is_some_and(|command| {
            matches!(
                command.stage,
                Stage::Decide | Stage::ToAsk(_) | Stage::Asking(_) | Stage::ToStore(_) | Stage::Storing(_)
            )
        })
    }

    /// The texts of a request are needed no more.
    pub(super) fn drop_command(&mut self, link: &Link<P>) {
        if let Some(command) = link.command() {
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

    /// The application has said whether somebody may be there by command. What else there is to say is looked at then.
    pub(super) fn connect_decided(&mut self, number: u32, answer: Result<(), Code>) {
        let Some(link) = self.links.get_mut(number) else { return };
        let stream = link.stream;
        let Some(command) = link.command_mut() else { return };
        match answer {
            Ok(()) => {
                command.is_allowed = true;
                command.stage = Stage::Decide;
            }
            Err(code) => {
                command.stage = Stage::Answer(command.operation.map_or(0, Operation::failure));
                self.tell_application(Event::Refused { stream, code });
            }
        }
        self.links.give_turn(number);
    }

    /// The next step of a request.
    pub(super) fn step_command(&mut self, number: u32, room: &mut [u8]) -> Option<Step> {
        let link = self.links.get_mut(number)?;
        let (stream, in_flight, is_open) = (link.stream, link.in_flight, link.is_open);
        let command = link.command_mut()?;
        match command.stage {
            Stage::Reading | Stage::Asking(_) | Stage::Storing(_) => None,
            Stage::Decide => {
                let stage = self.decide(number);
                self.links.get_mut(number)?.command_mut()?.stage = stage;
                self.links.give_turn(number);
                None
            }
            Stage::ToAsk(question) => {
                command.stage = Stage::Asking(question);
                Some(Step::Tell(Event::Asks { ask: Ask { link: number, number: question }, stream }))
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
