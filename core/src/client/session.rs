//! The session itself: what the tracker says, what it is told, and what becomes of the client when it ends.

use super::{Asked, Client, Go, Listed, Profile, State, fetches::NO_TRANSFER};
use crate::{
    Instant,
    wire::session::{Code, FRAME_MAX, Frame, Notice, Request, Unread, VERSION, Way, joined},
};
use core::time::Duration;

impl<P: Profile> Client<P> {
    /// Takes messages, while there is room for what they say. How many bytes that were. The beginning of one is kept:
    /// datagrams cut messages anywhere, and are acknowledged whole.
    pub(super) fn take(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let begun = self.take_begun(now, bytes);
        let rest = bytes.get(begun..).unwrap_or_default();
        if rest.is_empty() || !self.begun.is_empty() {
            return begun;
        }
        let (taken, is_cut) = self.take_whole(now, rest);
        let rest = rest.get(taken..).unwrap_or_default();
        if is_cut && self.begun.extend_from_slice(rest).is_ok() {
            return bytes.len();
        }
        begun.saturating_add(taken)
    }

    /// Goes on with a message of which the beginning was kept. How many bytes of the rest that took.
    fn take_begun(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let held = self.begun.len();
        if held == 0 {
            return 0;
        }
        let mut room = [0; FRAME_MAX];
        room.iter_mut().zip(&self.begun).for_each(|(place, byte)| *place = *byte);
        let joined = joined(&mut room, held, bytes);
        let (taken, is_cut) = self.take_whole(now, joined);
        if is_cut {
            let more = bytes.get(..joined.len().saturating_sub(held)).unwrap_or_default();
            // There is room for a whole message, and this is less.
            let _ = self.begun.extend_from_slice(more);
            return more.len();
        }
        if taken > 0 {
            self.begun.clear();
        }
        taken.saturating_sub(held)
    }

    /// Takes the messages that are whole. How many bytes that were, and whether it ended at one that is not.
    fn take_whole(&mut self, now: Instant, bytes: &[u8]) -> (usize, bool) {
        let mut taken = 0_usize;
        loop {
            let rest = bytes.get(taken..).unwrap_or_default();
            if !self.state.has_session() {
                return (bytes.len(), false);
            }
            if rest.is_empty() || !self.mirror.has_room() || self.done.is_some() {
                return (taken, false);
            }
            if self.skip > 0 {
                let skipped = rest.len().min(self.skip as usize);
                self.skip = self.skip.saturating_sub(skipped as u32);
                taken = taken.saturating_add(skipped);
                continue;
            }
            match Frame::first(rest) {
                Frame::Incomplete => return (taken, true),
                Frame::Malformed => self.lost(now, Code::Malformed),
                // A later version's; what this one knows is never that long.
                Frame::Long { length, .. } => self.skip = length as u32,
                Frame::Whole { kind, fields, length } => {
                    taken = taken.saturating_add(length);
                    match Notice::parse(kind, fields) {
                        Ok(notice) => self.hear(now, &notice),
                        Err(Unread::Optional) => {}
                        Err(Unread::Unsupported | Unread::Malformed) => self.lost(now, Code::Malformed),
                    }
                }
            }
        }
    }

    fn hear(&mut self, now: Instant, notice: &Notice<'_>) {
        match (*notice, self.state) {
            (Notice::Welcome { is_fresh, epoch, resume, silence, .. }, State::LoggingIn | State::Waiting) => {
                self.welcome(now, is_fresh, epoch, resume, silence);
            }
            // It crossed the log-out.
            (Notice::Welcome { .. } | Notice::Waiting { .. }, State::LoggingOut) => {}
            (Notice::Waiting { place }, State::LoggingIn | State::Waiting) => {
                self.state = State::Waiting;
                self.owes.place = Some(place);
                self.watch(now);
            }
            (Notice::Bye { code }, _) => self.bye(now, code),
            (Notice::Ping, _) => self.owes.pong = true,
            (Notice::Pong, _) => {}
            // A request that this tracker does not know will not be answered.
            (Notice::Unsupported { .. }, _) => {}
            (notice, State::Online | State::LoggingOut) => self.hear_more(now, &notice),
            _ => self.lost(now, Code::Malformed),
        }
    }

    /// What a tracker says to who is logged in.
    fn hear_more(&mut self, now: Instant, notice: &Notice<'_>) {
        match *notice {
            Notice::Came { user, by_command, name } => self.mirror.came(user, by_command, name),
            Notice::Left { user } => self.mirror.left(user),
            Notice::Shared { file, user, info, name } => self.mirror.shared(file, user, info, name),
            Notice::Unshared { file } => self.mirror.unshared(file),
            Notice::Upto { number } => {
                self.number = number;
                if self.owes.listed == Listed::No {
                    self.owes.listed = Listed::Owed;
                }
            }
            Notice::Done { tag } => self.shares_done(tag),
            Notice::Failed { tag, code } => {
                self.fetch_failed(tag, code);
                self.share_failed(tag, code);
            }
            Notice::Ask { transfer, way, token, introduction, address, user, name } => {
                let asked = Asked { transfer, way, token, introduction, address };
                self.ask(now, asked, user, name);
            }
            Notice::Go { tag, transfer, way, token, introduction, address, tcp, rdt } => {
                let transfer = if way == Way::Command { NO_TRANSFER } else { transfer };
                self.go(tag, Go { transfer, way, token, introduction, address, tcp, rdt });
            }
            Notice::Ended { transfer, code } => {
                if !self.fetch_ended(transfer, code) {
                    self.upload_ended(transfer, code);
                }
            }
            _ => self.lost(now, Code::Malformed),
        }
    }

    fn welcome(&mut self, now: Instant, is_fresh: bool, epoch: u64, resume: [u8; 16], silence: u16) {
        self.state = State::Online;
        log!(info, "tracker: a session has begun");
        self.failures = 0;
        self.was_online = true;
        self.owes.place = None;
        self.owes.online = true;
        self.owes.listed = if self.settings.wants_list { Listed::No } else { Listed::Told };
        self.silence = u32::from(silence).max(1);
        self.resume = resume;
        if is_fresh || epoch != self.epoch {
            self.number = 0;
            self.mirror.clear();
        }
        self.epoch = epoch;
        self.renew_shares();
        self.renew_fetches();
        self.watch(now);
    }

    /// The tracker ends the session, or refuses one.
    fn bye(&mut self, now: Instant, code: Code) {
        self.owes.finish = self.stream.take();
        if self.state == State::LoggingOut {
            self.over(Code::Done);
        } else {
            self.lost(now, code);
        }
    }

    /// The session is lost, or there was none. The client comes back later, unless that would help nobody.
    pub(super) fn lost(&mut self, now: Instant, code: Code) {
        log!(info, "tracker: no session: {:?}", code);
        self.drop_session();
        let comes_back = match code {
            Code::Version
            | Code::BadName
            | Code::NotAllowed
            | Code::Replaced
            | Code::Dismissed
            | Code::Done => false,
            // Its own last session may not have been found dead yet.
            Code::NameInUse => self.was_online,
            _ => true,
        };
        if self.state == State::LoggingOut || !comes_back {
            let code = if self.state == State::LoggingOut { Code::Done } else { code };
            self.over(code);
            return;
        }
        self.state = State::Pausing;
        self.owes.offline = Some(code);
        let pause = self.pause();
        self.deadline = Some(now + pause);
    }

    /// The client is out for good.
    pub(super) fn over(&mut self, code: Code) {
        self.drop_session();
        self.state = State::Over;
        self.deadline = None;
        self.owes.connect = false;
        self.owes.over = Some(code);
    }

    fn drop_session(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.owes.abort = Some(stream);
        }
        self.in_flight = false;
        self.skip = 0;
        self.begun.clear();
        self.owes.login = false;
        self.owes.logout = false;
        self.owes.ping = false;
        self.owes.pong = false;
        self.owes.online = false;
        self.owes.place = None;
        self.strays.clear();
        self.refusals.clear();
        self.lose_shares();
        self.lose_fetches();
        self.lose_uploads();
    }

    /// The tracker is to be heard from time to time.
    pub(super) fn watch(&mut self, now: Instant) {
        let silence = match self.state {
            State::Online => Duration::from_secs(self.silence.into()),
            // Nothing was agreed on yet.
            _ => Duration::from_secs(60),
        };
        let half = Duration::from_micros(crate::time::micros(silence) / 2);
        if self.heard + silence <= now {
            self.lost(now, Code::Silent);
        } else if self.heard + half <= now {
            self.owes.ping = true;
            self.deadline = Some(self.heard + silence);
        } else {
            self.deadline = Some(self.heard + half);
        }
    }

    /// Writes what the tracker is to be told, as much as there is room for.
    pub(super) fn compose(&mut self, room: &mut [u8]) -> usize {
        let mut used = 0_usize;
        while let Some(rest) = room.get_mut(used..)
            && let Some(more) = self.compose_one(rest)
        {
            used = used.saturating_add(more);
        }
        used
    }

    fn compose_one(&mut self, room: &mut [u8]) -> Option<usize> {
        if self.owes.login {
            let login = Request::Login {
                version: VERSION,
                wants_list: self.settings.wants_list,
                epoch: self.epoch,
                number: self.number,
                resume: self.resume,
                door: self.settings.door,
                name: &self.name,
            };
            let used = login.emit(room)?;
            self.owes.login = false;
            return Some(used);
        }
        if self.owes.pong {
            let used = Request::Pong.emit(room)?;
            self.owes.pong = false;
            return Some(used);
        }
        if self.owes.ping {
            let used = Request::Ping.emit(room)?;
            self.owes.ping = false;
            return Some(used);
        }
        if self.owes.logout {
            let used = Request::Logout.emit(room)?;
            self.owes.logout = false;
            return Some(used);
        }
        if !self.state.is_online() {
            return None;
        }
        if let Some(&(transfer, code)) = self.strays.front() {
            let used = Request::End { transfer, code }.emit(room)?;
            self.strays.pop_front();
            return Some(used);
        }
        if let Some(&(transfer, code)) = self.refusals.front() {
            let used = Request::Refuse { transfer, code }.emit(room)?;
            self.refusals.pop_front();
            return Some(used);
        }
        // Answers before questions: somebody waits for them.
        self.compose_upload(room).or_else(|| self.compose_share(room)).or_else(|| self.compose_fetch(room))
    }
}
