//! A request by command comes, byte by byte.

use super::{
    Tracker,
    command::Stage,
    link::{Link, State},
    profile::Profile,
};
use crate::{
    count::count,
    texts::Stored,
    wire::command::{Operation, STRING_MAX, is_date},
};

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
}
