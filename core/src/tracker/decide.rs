//! What each command does, and which result it has (docs/protocol.md section 3).

use super::{
    Event, Tracker,
    command::{Listed, Listing, Stage},
    directory::{FileState, Presence, Standing},
    event::{EntryId, Record, UserId},
    link::Link,
    profile::Profile,
};
use crate::{
    count::count,
    texts::Stored,
    wire::{
        TEXT_MAX, Text,
        command::{Operation, number as parse_number},
        session::{Code, FileInfo},
    },
};

/// Who asks, and what for, as text.
struct Asked<'a> {
    operation: Operation,
    user: &'a [u8],
    other: &'a [u8],
}

impl<P: Profile> Tracker<P> {
    /// Does what a whole request asks for, or says why not.
    pub(super) fn decide(&mut self, number: u32) -> Stage {
        let Some(command) = self.links.get(number).and_then(Link::command) else { return Stage::Answer(0) };
        let Some(operation) = command.operation else { return Stage::Answer(0) };
        let failure = Stage::Answer(operation.failure());
        let (mut user, mut other) = ([0; TEXT_MAX], [0; TEXT_MAX]);
        let texts = &self.directory.texts;
        let copy = |stored: Stored, room| texts.copy(stored, room);
        let (Some(user), Some(other)) = (copy(command.user, &mut user), copy(command.other, &mut other))
        else {
            return failure;
        };
        if Text::new(user).is_err() {
            return failure;
        }
        let asked = Asked { operation, user, other };
        if operation == Operation::Register {
            return self.register(&asked);
        }
        // A guest is a user who is there, and has no account.
        let Some(found) = self.directory.user_named(user) else { return Stage::Answer(1) };
        match operation {
            Operation::Unregister => self.unregister(found),
            Operation::Connect => self.connect(number, found, &asked),
            Operation::Disconnect => self.disconnect(found),
            Operation::Publish | Operation::Delete => self.change(number, found, &asked),
            Operation::ListUsers | Operation::ListContent => self.list(number, found, &asked),
            Operation::Register | Operation::GetFile => failure,
        }
    }

    fn register(&mut self, asked: &Asked<'_>) -> Stage {
        if self.directory.user_named(asked.user).is_some() {
            return Stage::Answer(1);
        }
        if self.directory.registered >= self.settings.accounts {
            return Stage::Answer(2);
        }
        match self.directory.add_user(asked.user, Standing::Registering) {
            Some(user) => Stage::ToStore(Record::Register(UserId(user))),
            None => Stage::Answer(2),
        }
    }

    fn unregister(&mut self, user: u32) -> Stage {
        let Some(found) = self.directory.users.get_mut(user) else { return Stage::Answer(1) };
        match (found.standing, found.presence) {
            (Standing::Guest, _) => Stage::Answer(1),
            // Who is there in a session is not sent away by a command.
            (_, Presence::Session(_)) | (Standing::Registering | Standing::Unregistering, _) => {
                Stage::Answer(2)
            }
            (Standing::Registered, _) => {
                found.standing = Standing::Unregistering;
                Stage::ToStore(Record::Unregister(UserId(user)))
            }
        }
    }

    fn connect(&mut self, number: u32, user: u32, asked: &Asked<'_>) -> Stage {
        let port =
            parse_number(asked.other).and_then(|port| u16::try_from(port).ok()).filter(|&port| port > 0);
        let Some(port) = port else { return Stage::Answer(3) };
        let Some(found) = self.directory.users.get(user) else { return Stage::Answer(1) };
        let (standing, presence) = (found.standing, found.presence);
        match (presence, standing) {
            (Presence::Command | Presence::Session(_), _) => Stage::Answer(2),
            (Presence::Away, Standing::Registered) => {
                let Some(link) = self.links.get(number) else { return Stage::Answer(3) };
                let (address, stream) = (link.address(), link.stream);
                let is_allowed = link.command().is_some_and(|command| command.is_allowed);
                if self.settings.asks && !is_allowed {
                    return Stage::ToAsk(self.next_question());
                }
                self.directory.come(user, Presence::Command, address, port);
                self.tell_application(Event::Came { user: UserId(user), stream });
                Stage::Answer(0)
            }
            (Presence::Away, Standing::Unregistering) => Stage::Answer(3),
            (Presence::Away, Standing::Guest | Standing::Registering) => Stage::Answer(1),
        }
    }

    fn disconnect(&mut self, user: u32) -> Stage {
        match self.directory.users.get(user).map(|user| user.presence) {
            None => Stage::Answer(1),
            Some(Presence::Away) => Stage::Answer(2),
            Some(Presence::Session(_)) => Stage::Answer(3),
            Some(Presence::Command) => {
                self.user_leaves(user, Code::Done);
                Stage::Answer(0)
            }
        }
    }

    /// PUBLISH and DELETE.
    fn change(&mut self, number: u32, user: u32, asked: &Asked<'_>) -> Stage {
        let Some(found) = self.directory.users.get(user) else { return Stage::Answer(1) };
        let files = found.files;
        match found.presence {
            Presence::Away => return Stage::Answer(2),
            Presence::Session(_) => return Stage::Answer(4),
            Presence::Command => {}
        }
        if Text::new(asked.other).is_err() {
            return Stage::Answer(4);
        }
        let file = self.directory.file_named(user, asked.other);
        let (file, record) = match (asked.operation, file) {
            (Operation::Publish, Some(_)) | (Operation::Delete, None) => return Stage::Answer(3),
            (Operation::Publish, None) => {
                if files >= self.settings.files_per_user {
                    return Stage::Answer(4);
                }
                let info = FileInfo { length: 0, flags: FileInfo::UNKNOWN_LENGTH, hash: None };
                let Some(file) = self.directory.add_file(user, asked.other, info, true) else {
                    return Stage::Answer(4);
                };
                (file, Record::Publish(EntryId(file)))
            }
            (_, Some(file)) => {
                let Some(found) =
                    self.directory.files.get_mut(file).filter(|file| file.state == FileState::Settled)
                else {
                    return Stage::Answer(4);
                };
                found.state = FileState::Going;
                (file, Record::Delete(EntryId(file)))
            }
            (_, None) => return Stage::Answer(3),
        };
        let birth = self.directory.files.get(file).map_or(0, |file| file.birth);
        if let Some(command) = self.links.get_mut(number).and_then(Link::command_mut) {
            command.birth = birth;
        }
        Stage::ToStore(record)
    }

    /// LIST_USERS and LIST_CONTENT.
    fn list(&mut self, number: u32, user: u32, asked: &Asked<'_>) -> Stage {
        if !self.directory.is_there(user) {
            let is_known =
                self.directory.users.get(user).is_some_and(|user| user.standing != Standing::Registering);
            return Stage::Answer(if is_known { 2 } else { 1 });
        }
        let (what, left) = if asked.operation == Operation::ListUsers {
            (Listed::Users(0), self.directory.online)
        } else {
            if Text::new(asked.other).is_err() {
                return Stage::Answer(4);
            }
            let Some(owner) = self.directory.user_named(asked.other) else { return Stage::Answer(3) };
            let born = self.directory.users.get(owner).map_or(0, |owner| owner.born);
            let files = self.directory.files_of(owner, 0).count();
            (Listed::Files { owner, born, after: 0 }, files as u32)
        };
        if let Some(command) = self.links.get_mut(number).and_then(Link::command_mut) {
            command.list = Listing { what, left, has_begun: false };
        }
        Stage::Listing
    }

    /// What the application was asked to store is stored, or was not: it happens, or has not happened.
    pub(super) fn settle(&mut self, record: Record, birth: u64, is_stored: bool) {
        match record {
            Record::Register(UserId(user)) | Record::Unregister(UserId(user)) => {
                let is_account = is_stored == matches!(record, Record::Register(_));
                if let Some(found) = self.directory.users.get_mut(user).filter(|_| is_account) {
                    found.standing = Standing::Registered;
                } else {
                    self.dismiss_user(user, Code::Done);
                    self.directory.remove_user(user);
                }
            }
            Record::Publish(EntryId(file)) | Record::Delete(EntryId(file)) => {
                // Its account may have been removed meanwhile, and the number be another file's.
                let Some(found) = self.directory.files.get_mut(file).filter(|file| file.birth == birth)
                else {
                    return;
                };
                match (record, is_stored) {
                    (Record::Publish(_), true) => self.directory.announce(file),
                    (Record::Publish(_), false) => self.directory.remove_file(file),
                    (_, true) => self.directory.withdraw(file),
                    (_, false) => found.state = FileState::Settled,
                }
            }
        }
    }

    /// An account that was stored before the tracker started. `false`: there is no room, or there is one of that
    /// name.
    #[must_use]
    pub fn restore_user(&mut self, name: Text<'_>) -> bool {
        self.directory.user_named(name.as_bytes()).is_none()
            && self.directory.add_user(name.as_bytes(), Standing::Registered).is_some()
    }

    /// A published file that was stored before the tracker started. `false`: there is no room, no such account, or a
    /// file of that name.
    #[must_use]
    pub fn restore_file(&mut self, owner: Text<'_>, name: Text<'_>) -> bool {
        let Some(user) = self.directory.user_named(owner.as_bytes()) else { return false };
        if self.directory.file_named(user, name.as_bytes()).is_some() {
            return false;
        }
        let info = FileInfo { length: 0, flags: FileInfo::UNKNOWN_LENGTH, hash: None };
        let file = self.directory.add_file(user, name.as_bytes(), info, true);
        file.is_some_and(|file| {
            self.directory.announce(file);
            true
        })
    }

    /// Counts a command that was answered by a list.
    pub(super) const fn listed(&mut self) {
        count(&mut self.counters.commands);
    }
}
