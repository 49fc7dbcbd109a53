//! What sessions ask for.

use super::{
    Tracker,
    directory::FileState,
    link::{Link, Reply, State},
    login::Login,
    profile::Profile,
};
use crate::{
    count::count,
    texts::Stored,
    wire::{
        Name, Text,
        session::{Code, FRAME_MAX, FileInfo, Frame, Request, Unread, joined},
    },
};

impl<P: Profile> Tracker<P> {
    /// Takes the messages of a session, until one has to be answered first. How many bytes that were. The beginning of
    /// one is kept: datagrams cut messages anywhere, and are acknowledged whole.
    pub(super) fn take(&mut self, number: u32, bytes: &[u8]) -> usize {
        let begun = self.take_begun(number, bytes);
        let rest = bytes.get(begun..).unwrap_or_default();
        if rest.is_empty() || !self.begun(number).is_empty() {
            return begun;
        }
        let (taken, is_cut) = self.take_whole(number, rest);
        let rest = rest.get(taken..).unwrap_or_default();
        if is_cut
            && let Some(stored) = self.directory.texts.store(rest)
            && let Some(work) = self.links.get_mut(number).and_then(Link::begin)
        {
            work.begun = stored;
            return bytes.len();
        }
        begun.saturating_add(taken)
    }

    /// The beginning of a message that was kept.
    fn begun(&self, number: u32) -> Stored {
        self.links.get(number).and_then(Link::work).map_or(Stored::EMPTY, |work| work.begun)
    }

    /// Goes on with a message of which the beginning was kept. How many bytes of the rest that took.
    fn take_begun(&mut self, number: u32, bytes: &[u8]) -> usize {
        let mut begun = self.begun(number);
        if begun.is_empty() {
            return 0;
        }
        let mut room = [0; FRAME_MAX];
        let held = self.directory.texts.copy(begun, &mut room).map_or(0, <[u8]>::len);
        let joined = joined(&mut room, held, bytes);
        let (taken, is_cut) = self.take_whole(number, joined);
        if is_cut {
            // Still not whole: what came is a part of it.
            let more = bytes.get(..joined.len().saturating_sub(held)).unwrap_or_default();
            let is_kept = self.directory.texts.push(&mut begun, more);
            if let Some(work) = self.links.get_mut(number).and_then(Link::work_mut) {
                work.begun = begun;
            }
            if !is_kept {
                self.dismiss_link(number, Code::Full);
            }
            return more.len();
        }
        if taken == 0 {
            // Something has to be answered first.
            return 0;
        }
        let Some(work) = self.links.get_mut(number).and_then(Link::work_mut) else { return 0 };
        work.begun = Stored::EMPTY;
        self.directory.texts.free(begun);
        taken.saturating_sub(held)
    }

    /// Takes the messages that are whole. How many bytes that were, and whether it ended at one that is not.
    fn take_whole(&mut self, number: u32, bytes: &[u8]) -> (usize, bool) {
        let mut taken = 0_usize;
        while let Some(link) = self.links.get_mut(number) {
            let rest = bytes.get(taken..).unwrap_or_default();
            if matches!(link.state, State::Attached { .. } | State::Joined { .. }) {
                // They are the other side's.
                return (taken, false);
            }
            if !link.is_talking() {
                return (bytes.len(), false);
            }
            if rest.is_empty() {
                return (taken, false);
            }
            // What is skipped need not wait for an answer: so nothing of it is kept as the beginning of a message.
            if let Some(work) = link.work_mut().filter(|work| work.skip > 0) {
                let skipped = rest.len().min(work.skip as usize);
                work.skip = work.skip.saturating_sub(skipped as u32);
                taken = taken.saturating_add(skipped);
                continue;
            }
            if link.is_asking() || link.work().is_some_and(|work| work.reply.is_some()) {
                return (taken, false);
            }
            let state = link.state;
            // There is no kind 0: whoever speaks another protocol is told at once.
            let is_hello = matches!(state, State::Hello | State::ToAttach);
            match Frame::first(rest) {
                _ if is_hello && rest.get(2) == Some(&0) => self.malformed(number),
                Frame::Incomplete => return (taken, true),
                Frame::Malformed => self.malformed(number),
                Frame::Long { kind, length } => {
                    if let Some(work) = link.begin() {
                        work.skip = length as u32;
                    }
                    match Unread::unknown(kind) {
                        Unread::Optional => count(&mut self.counters.unknown),
                        _ => self.unsupported(number, kind),
                    }
                }
                Frame::Whole { kind, fields, length } => {
                    taken = taken.saturating_add(length);
                    match Request::parse(kind, fields) {
                        Ok(request) => self.request(number, &request),
                        Err(Unread::Optional) => count(&mut self.counters.unknown),
                        Err(Unread::Unsupported) => self.unsupported(number, kind),
                        Err(Unread::Malformed) => self.malformed(number),
                    }
                }
            }
        }
        (bytes.len(), false)
    }

    /// A message that breaks the format ends its session: what follows may mean anything.
    fn malformed(&mut self, number: u32) {
        count(&mut self.counters.malformed);
        self.dismiss_link(number, Code::Malformed);
    }

    fn unsupported(&mut self, number: u32, kind: u8) {
        count(&mut self.counters.unknown);
        self.reply(number, Reply::Unsupported { kind });
    }

    pub(super) fn reply(&mut self, number: u32, reply: Reply) {
        if let Some(work) = self.links.get_mut(number).and_then(Link::begin) {
            work.reply = Some(reply);
        }
        self.links.give_turn(number);
    }

    fn request(&mut self, number: u32, request: &Request<'_>) {
        let Some(state) = self.links.get(number).map(|link| link.state) else { return };
        match (*request, state) {
            (
                Request::Login { version, wants_list, epoch, number: change, resume, door, name },
                State::Hello,
            ) => {
                let login = Login { version, wants_list, epoch, number: change, resume, door, name };
                self.login(number, &login);
            }
            (Request::Attach { transfer, token, side }, State::Hello | State::ToAttach) => {
                self.attach(number, transfer, &token, side);
            }
            (_, State::ToAttach) => self.malformed(number),
            (Request::Ping, _) => {
                if let Some(work) = self.links.get_mut(number).and_then(Link::begin) {
                    work.owes.pong = true;
                }
                self.links.give_turn(number);
            }
            (Request::Pong, _) => {}
            (Request::Logout, _) => self.dismiss_link(number, Code::Done),
            (Request::Publish { tag, file, name }, State::Member) => {
                let outcome = self.publish(number, name, file);
                self.answer(number, tag, outcome);
            }
            (Request::Withdraw { tag, name }, State::Member) => {
                let outcome = self.withdraw(number, name);
                self.answer(number, tag, outcome);
            }
            (Request::Fetch { tag, way, owner, name }, State::Member) => {
                if let Err(code) = self.fetch(number, (tag, way), owner, name) {
                    self.answer(number, tag, Err(code));
                }
            }
            (Request::Ready { transfer, tcp, rdt }, State::Member) => {
                let is_known = self.ready(number, transfer, tcp, rdt);
                self.answer_for(is_known);
            }
            (Request::Refuse { transfer, code }, State::Member) => {
                let is_known = self.end(number, transfer, code, true);
                self.answer_for(is_known);
            }
            (Request::End { transfer, code }, State::Member) => {
                let is_known = self.end(number, transfer, code, false);
                self.answer_for(is_known);
            }
            // Before the log-in, or a second one.
            _ => self.malformed(number),
        }
    }

    /// An answer for a transfer changes nothing when it is not the session's own, or is over: the end of one may
    /// cross the answer.
    fn answer_for(&mut self, is_known: bool) {
        if !is_known {
            count(&mut self.counters.strangers);
        }
    }

    fn answer(&mut self, number: u32, tag: u32, outcome: Result<(), Code>) {
        match outcome {
            Ok(()) => {
                if let Some(work) = self.links.get_mut(number).and_then(Link::begin) {
                    work.done = Some(tag);
                }
                self.links.give_turn(number);
            }
            Err(code) => {
                count(&mut self.counters.refused);
                self.reply(number, Reply::Failed { tag, code });
            }
        }
    }

    fn publish(&mut self, number: u32, name: &[u8], info: FileInfo) -> Result<(), Code> {
        let link = self.links.get(number).ok_or(Code::Gone)?;
        let user = link.user;
        if !link.rights.publish {
            return Err(Code::NotAllowed);
        }
        if Name::new(name).is_err() || Text::new(name).is_err() {
            return Err(Code::BadName);
        }
        if let Some(file) = self.directory.file_named(user, name) {
            let found = self.directory.files.get_mut(file).ok_or(Code::Gone)?;
            if found.state != FileState::Settled {
                return Err(Code::Busy);
            }
            if found.info != info {
                found.info = info;
                self.directory.announce(file);
            }
            return Ok(());
        }
        let files = self.directory.users.get(user).map_or(0, |user| user.files);
        if files >= self.settings.files_per_user {
            return Err(Code::Full);
        }
        let file = self.directory.add_file(user, name, info, false).ok_or(Code::Full)?;
        self.directory.announce(file);
        Ok(())
    }

    fn withdraw(&mut self, number: u32, name: &[u8]) -> Result<(), Code> {
        let user = self.links.get(number).ok_or(Code::Gone)?.user;
        let file = self.directory.file_named(user, name).ok_or(Code::NotShared)?;
        // What was published by command is stored, and goes by command.
        if self.directory.files.get(file).is_some_and(|file| file.is_kept) {
            return Err(Code::NotAllowed);
        }
        self.directory.withdraw(file);
        Ok(())
    }
}
