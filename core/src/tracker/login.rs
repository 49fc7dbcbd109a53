//! Seats: who gets one, who waits, who has left.

use super::{
    Ask, Event, Step, Tracker, UserId, Whereabouts,
    command::{Command, Stage},
    directory::{Presence, Standing},
    feed::{Feed, Pass},
    link::{Link, NONE, State, Work},
    profile::Profile,
    settings::SameName,
};
use crate::{
    Instant,
    constant_time::is_same,
    count::count,
    stream::StreamId,
    texts::Stored,
    wire::{
        Text,
        session::{Code, RESUME_LENGTH, USER_MAX, VERSION},
    },
};
use core::net::IpAddr;

/// What a client says when it logs in.
pub(super) struct Login<'a> {
    pub version: u8,
    pub wants_list: bool,
    pub epoch: u64,
    pub number: u64,
    pub resume: [u8; RESUME_LENGTH],
    pub door: u16,
    pub name: &'a [u8],
}

impl<P: Profile> Tracker<P> {
    /// A stream says who it is.
    pub(super) fn login(&mut self, number: u32, login: &Login<'_>) {
        if let Err(code) = self.try_login(number, login) {
            self.refuse_login(number, code);
        }
    }

    /// Its name is kept until it is told so, for [`Tracker::refused_name`]. A seat that was its own goes to who waits.
    pub(super) fn refuse_login(&mut self, number: u32, code: Code) {
        self.refuse(number, code);
        self.fill_seats();
    }

    /// The same, and nobody has got its seat yet.
    fn refuse(&mut self, number: u32, code: Code) {
        count(&mut self.counters.logins_refused);
        log!(info, "tracker: a login is refused: {:?}", code);
        if let Some(stream) = self.links.get(number).map(|link| link.stream) {
            self.tell_application(Event::Refused { stream, code });
        }
        self.leave_seat(number);
        self.part(number, code);
    }

    fn try_login(&mut self, number: u32, login: &Login<'_>) -> Result<(), Code> {
        if login.version == 0 {
            return Err(Code::Version);
        }
        let name = Text::new(login.name).map_err(|_| Code::BadName)?.as_bytes();
        if name.len() > USER_MAX {
            return Err(Code::BadName);
        }
        let stored = self.directory.texts.store(name).ok_or(Code::Full)?;
        let work = self.links.get_mut(number).and_then(Link::begin).ok_or(Code::Gone)?;
        work.name = stored;
        let account = work.account;
        // Whoever is asked may know of more names for an account.
        let is_allowed = match account.is_empty() {
            true => self.settings.anonymous,
            false => self.settings.asks || self.directory.texts.is(account, name),
        };
        if !is_allowed {
            return Err(Code::NotAllowed);
        }
        let is_known =
            login.epoch == self.directory.secrets.epoch() && login.number <= self.directory.changes.last();
        let replaces = self.session_resumed_by(name, &login.resume);
        let link = self.links.get_mut(number).ok_or(Code::Gone)?;
        link.proof = replaces;
        // It is the name that is kept from now on.
        link.has_account = !account.is_empty();
        self.directory.texts.free(account);
        let work = link.begin().ok_or(Code::Gone)?;
        work.account = Stored::EMPTY;
        work.door = login.door;
        work.wants_list = login.wants_list;
        work.knows = if is_known { login.number } else { 0 };
        if !self.settings.asks {
            return self.let_in(number);
        }
        self.ask(number, State::ToAsk)
    }

    /// The application is to be asked whether somebody may log in: `state` says whether he has a seat.
    fn ask(&mut self, number: u32, state: State) -> Result<(), Code> {
        let question = self.next_question();
        let link = self.links.get_mut(number).ok_or(Code::Gone)?;
        link.state = state;
        let work = link.begin().ok_or(Code::Gone)?;
        work.place = question;
        work.owes.place = false;
        self.links.give_turn(number);
        Ok(())
    }

    /// The number of the next question to the application.
    pub(super) const fn next_question(&mut self) -> u32 {
        self.asked = self.asked.wrapping_add(1);
        self.asked
    }

    /// The application is asked whether somebody may log in.
    pub(super) fn step_ask(&mut self, number: u32) -> Option<Step> {
        let link = self.links.get_mut(number)?;
        link.state = if link.state == State::ToSeat { State::Seating } else { State::Asking };
        let stream = link.stream;
        let ask = Ask { link: number, number: link.work()?.place };
        Some(Step::Tell(Event::Asks { ask, stream }))
    }

    /// An answer to [`Event::Asks`] that takes a while, as something is to be stored before: a seat is kept for whoever
    /// it was until [`Tracker::decided`]. `false`: no seat is free, and there is nothing to decide; he waits in line and
    /// is asked about again when he gets one, or is refused. By command nobody needs one.
    #[must_use]
    pub fn hold_seat(&mut self, now: Instant, ask: Ask) -> bool {
        self.now = now;
        let number = ask.link;
        if self.asked_link(ask).is_none() {
            return self.asked_command(ask).is_some();
        }
        if self.take_seat(number) {
            return true;
        }
        if let Err(code) = self.wait_in_line(number) {
            self.refuse_login(number, code);
        }
        false
    }

    /// The answer to [`Event::Asks`]: whoever it was is let in, and on a stream with a key is the account of its name
    /// from now on; or it is refused. An answer for a stream that has gone does nothing.
    pub fn decided(&mut self, now: Instant, ask: Ask, answer: Result<(), Code>) {
        self.now = now;
        let number = ask.link;
        if self.asked_command(ask).is_some() {
            return self.connect_decided(number, answer);
        }
        if self.asked_link(ask).is_none() {
            return;
        }
        // By that its relayed streams are told from those of others.
        if let Some(link) = self.links.get_mut(number).filter(|_| answer.is_ok()) {
            link.has_account |= link.key.is_some();
        }
        if let Err(code) = answer.and_then(|()| self.let_in(number)) {
            self.refuse_login(number, code);
        }
    }

    /// Who wants to log in: by which name, which is copied into `room` (at most [`crate::wire::TEXT_MAX`] bytes), from
    /// where, and with which key.
    pub fn asked<'r>(&self, ask: Ask, room: &'r mut [u8]) -> Option<(Text<'r>, IpAddr, Option<[u8; 32]>)> {
        let link = self.asked_link(ask).or_else(|| self.asked_command(ask))?;
        let name = self.directory.texts.copy(link.login_name()?, room)?;
        Some((Text::new(name).ok()?, link.address(), link.key))
    }

    /// Whether somebody wants to be there by command, and not in a session.
    pub fn is_asked_by_command(&self, ask: Ask) -> bool {
        self.asked_command(ask).is_some()
    }

    /// By which name somebody wanted to log in who was refused, copied into `room` (at most [`crate::wire::TEXT_MAX`]
    /// bytes), as long as [`Event::Refused`] is the last thing that was polled; `None` when that can be nobody's.
    pub fn refused_name<'r>(&self, stream: StreamId, room: &'r mut [u8]) -> Option<Text<'r>> {
        let name = self.links.get(self.links.named(stream.0)?)?.login_name()?;
        Text::new(self.directory.texts.copy(name, room)?).ok()
    }

    /// The key with which somebody came on a stream, as long as that is open; `None` also for who has none.
    pub fn key_of(&self, stream: StreamId) -> Option<[u8; 32]> {
        self.links.get(self.links.named(stream.0)?)?.key
    }

    /// Those who wait for a seat, the first first.
    pub fn waiters(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.line.numbers(&self.links).filter_map(|number| Some(self.links.get(number)?.stream))
    }

    /// Who waits on a stream for a seat: by which name, which is copied into `room` (at most [`USER_MAX`] bytes), and where.
    pub fn waiter<'r>(&self, stream: StreamId, room: &'r mut [u8]) -> Option<(Text<'r>, Whereabouts)> {
        let link = self.links.get(self.waiting_link(stream)?)?;
        let name = self.directory.texts.copy(link.work()?.name, room)?;
        let there = Whereabouts { address: link.address(), stream: Some(stream), key: link.key, files: 0 };
        Some((Text::new(name).ok()?, there))
    }

    /// Sends somebody away who waits on a stream for a seat. `false`: nobody does.
    pub fn turn_away(&mut self, now: Instant, stream: StreamId) -> bool {
        self.now = now;
        let number = self.waiting_link(stream);
        number.map(|number| self.dismiss_link(number, Code::Dismissed)).is_some()
    }

    fn waiting_link(&self, stream: StreamId) -> Option<u32> {
        let number = self.links.named(stream.0)?;
        self.links.get(number).filter(|link| link.state == State::InLine).map(|_| number)
    }

    fn asked_link(&self, ask: Ask) -> Option<&Link<P>> {
        let is_it = |work: &Work| work.place == ask.number;
        let is_open = |link: &&Link<P>| matches!(link.state, State::Asking | State::Seating);
        self.links.get(ask.link).filter(is_open).filter(|link| link.work().is_some_and(is_it))
    }

    /// The same of a stream by command.
    fn asked_command(&self, ask: Ask) -> Option<&Link<P>> {
        let is_it = |command: &Command| command.stage == Stage::Asking(ask.number);
        self.links.get(ask.link).filter(|link| link.command().is_some_and(is_it))
    }

    /// Somebody who may log in gets a seat, or a place in the line, or has to wait for who has his name.
    pub(super) fn let_in(&mut self, number: u32) -> Result<(), Code> {
        let link = self.links.get(number).ok_or(Code::Gone)?;
        let replaces = link.proof;
        let stored = link.work().ok_or(Code::Gone)?.name;
        let mut name = [0; USER_MAX];
        let name = self.directory.texts.copy(stored, &mut name).ok_or(Code::BadName)?;
        if let Err(code) = self.make_way(name, replaces) {
            let waits = code == Code::NameInUse && self.begin_doubt(number);
            return if waits { Ok(()) } else { Err(code) };
        }
        if self.take_seat(number) {
            let outcome = self.admit(number);
            // A seat that was left for this one, and not taken.
            self.fill_seats();
            return outcome;
        }
        self.wait_in_line(number)
    }

    /// Whether somebody has a seat from now on, or has had one. He becomes a member, or leaves it again.
    fn take_seat(&mut self, number: u32) -> bool {
        let is_free = self.seats_taken < self.settings.seats.max(1);
        let Some(link) = self.links.get_mut(number) else { return false };
        if link.state == State::Seating {
            return true;
        }
        if is_free {
            link.state = State::Seating;
            self.seats_taken = self.seats_taken.saturating_add(1);
        }
        is_free
    }

    /// Who has a seat and is no member has it no more. His state is to change.
    pub(super) fn leave_seat(&mut self, number: u32) {
        let state = self.links.get(number).map(|link| link.state);
        if matches!(state, Some(State::ToSeat | State::Seating)) {
            self.seats_taken = self.seats_taken.saturating_sub(1);
        }
    }

    /// Somebody who has found no seat waits for one.
    fn wait_in_line(&mut self, number: u32) -> Result<(), Code> {
        if self.line.length() >= self.settings.waiting {
            return Err(Code::NoSeat);
        }
        let link = self.links.get_mut(number).ok_or(Code::Gone)?;
        link.state = State::InLine;
        let stream = link.stream;
        self.line.push(&mut self.links, number);
        self.tell_application(Event::Waits { stream });
        self.watch(number);
        self.links.give_turn(number);
        Ok(())
    }

    /// By which proof the session of this name is known, if this is its resume key; else 0.
    fn session_resumed_by(&self, name: &[u8], resume: &[u8; RESUME_LENGTH]) -> u64 {
        let Some(link) = self.directory.session_named(name) else { return 0 };
        let proof = self.links.get(link).map_or(0, |link| link.proof);
        if is_same(&self.directory.secrets.resume(proof), resume) { proof } else { 0 }
    }

    /// Sees to it that nobody of this name is there, or says why somebody stays. The session with the proof
    /// `replaced` goes in any case. The seat of who goes is free: it is the newcomer's, whoever waits.
    fn make_way(&mut self, name: &[u8], replaced: u64) -> Result<(), Code> {
        let Some(user) = self.directory.user_named(name) else { return Ok(()) };
        if self.directory.is_unsettled(user) {
            return Err(Code::NameInUse);
        }
        let found = self.directory.users.get(user).ok_or(Code::Gone)?;
        let replaces = self.settings.same_name == SameName::Replace;
        match found.presence {
            Presence::Away => Ok(()),
            Presence::Command if replaces => {
                self.user_leaves(user, Code::Replaced);
                Ok(())
            }
            Presence::Session(link) => {
                let proof = self.links.get(link).map_or(0, |link| link.proof);
                if !replaces && (proof != replaced || proof == 0) {
                    return Err(Code::NameInUse);
                }
                self.vacate(link, Code::Replaced);
                self.part(link, Code::Replaced);
                Ok(())
            }
            Presence::Command => Err(Code::NameInUse),
        }
    }

    /// Makes somebody who has a seat a member.
    fn admit(&mut self, number: u32) -> Result<(), Code> {
        let work = self.links.get(number).and_then(Link::work).ok_or(Code::Gone)?;
        let (stored, door) = (work.name, work.door);
        let mut name = [0; USER_MAX];
        let name = self.directory.texts.copy(stored, &mut name).ok_or(Code::BadName)?;
        let user = match self.directory.user_named(name) {
            // While somebody waited in line, his name may have become another's.
            Some(user) if self.directory.is_there(user) || self.directory.is_unsettled(user) => {
                return Err(Code::NameInUse);
            }
            Some(user) => user,
            None => self.directory.add_user(name, Standing::Guest).ok_or(Code::Full)?,
        };
        let proof = self.directory.secrets.next();
        let (link, newest) = (self.links.get_mut(number).ok_or(Code::Gone)?, self.directory.changes.last());
        link.state = State::Member;
        link.user = user;
        link.proof = proof;
        let (address, stream) = (link.address(), link.stream);
        let work = link.work_mut().ok_or(Code::Gone)?;
        work.name = Stored::EMPTY;
        work.owes.welcome = true;
        if work.wants_list {
            work.pass = Some(Pass::first(work.knows, newest));
            link.feed = Feed::new(work.knows);
        }
        self.directory.texts.free(stored);
        self.directory.come(user, Presence::Session(number), address, door);
        count(&mut self.counters.logins);
        log!(info, "tracker: user {} is there", user);
        self.tell_application(Event::Came { user: UserId(user), stream });
        self.watch(number);
        self.links.give_turn(number);
        Ok(())
    }

    /// A session is over, whatever becomes of its stream: seat, place in the line, files and transfers are let go.
    pub(super) fn leave(&mut self, number: u32, code: Code) {
        self.vacate(number, code);
        self.fill_seats();
    }

    /// The same, and nobody has got its seat yet.
    fn vacate(&mut self, number: u32, code: Code) {
        let Some(link) = self.links.get_mut(number) else { return };
        let state = link.state;
        let user = core::mem::replace(&mut link.user, NONE);
        self.drop_name(number);
        self.leave_seat(number);
        match state {
            State::InLine => self.line.leave(&mut self.links, number),
            State::Member => {
                log!(info, "tracker: user {} has left: {:?}", user, code);
                self.leave_transfers(number);
                self.user_leaves(user, code);
                self.seats_taken = self.seats_taken.saturating_sub(1);
            }
            _ => {}
        }
        if let Some(link) = self.links.get_mut(number).filter(|link| link.is_talking()) {
            link.state = State::Abort;
        }
    }

    /// Free seats go to those who wait. What the application has said of them was before they did.
    pub(super) fn fill_seats(&mut self) {
        while self.seats_taken < self.settings.seats.max(1) {
            let Some(first) = self.line.first() else { return };
            self.line.leave(&mut self.links, first);
            self.take_seat(first);
            let outcome = if self.settings.asks { self.ask_again(first) } else { self.admit(first) };
            if let Err(code) = outcome {
                self.refuse(first, code);
            }
        }
    }

    fn ask_again(&mut self, number: u32) -> Result<(), Code> {
        self.links.set_deadline(number, Some(self.now + self.settings.login_timeout));
        self.ask(number, State::ToSeat)
    }

    /// The name by which somebody wanted to log in is not needed any more.
    pub(super) fn drop_name(&mut self, number: u32) {
        let Some(work) = self.links.get_mut(number).and_then(Link::work_mut) else { return };
        let name = core::mem::replace(&mut work.name, Stored::EMPTY);
        self.directory.texts.free(name);
    }

    /// The version that is spoken with a client.
    pub(super) const fn version() -> u8 {
        VERSION
    }
}
