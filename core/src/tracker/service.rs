//! What the driver feeds to a tracker, and what it is asked for in return.

use super::{
    Dialect, Event, LeftName, Peer, Step, Sweep, Tracker,
    link::{End, State},
    profile::Profile,
};
use crate::{
    Instant,
    count::count,
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    texts::Stored,
    wire::session::{Code, Notice},
};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

impl<P: Profile> Service for Tracker<P> {
    type Event = Event;

    /// As [`Tracker::opened_as`] for a session from nowhere in particular: nobody can be sent there.
    fn opened(&mut self, now: Instant, stream: StreamId) -> bool {
        self.opened_as(now, stream, Dialect::Session, &Peer::at(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }

    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        self.now = now;
        let Some(number) = self.links.named(stream.0) else { return bytes.len() };
        let Some(link) = self.links.get_mut(number) else { return bytes.len() };
        if link.command().is_some() {
            return self.take_command(number, bytes);
        }
        link.heard = now;
        self.take(number, bytes)
    }

    fn moved(&mut self, now: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        self.now = now;
        let Some(number) = self.links.named(stream.0) else { return };
        if let Some(State::Joined { transfer, side, .. }) = self.links.get(number).map(|link| link.state) {
            self.spliced(number, transfer, side, outcome);
        }
    }

    fn progressed(&mut self, now: Instant, stream: StreamId) {
        self.now = now;
        let Some(number) = self.links.named(stream.0) else { return };
        if let Some(State::Joined { transfer, .. }) = self.links.get(number).map(|link| link.state)
            && let Some(transfer) = self.transfers.get_mut(transfer)
        {
            transfer.moved = now;
        }
    }

    fn finished(&mut self, now: Instant, stream: StreamId) {
        self.now = now;
        let Some(number) = self.links.named(stream.0) else { return };
        let Some(link) = self.links.get_mut(number) else { return };
        match link.state {
            // It leaves without a word.
            State::Hello
            | State::ToAttach
            | State::ToAsk
            | State::Asking
            | State::ToSeat
            | State::Seating
            | State::InDoubt
            | State::InLine
            | State::Member => {
                let is_member = link.state == State::Member;
                self.leave(number, Code::Gone);
                if is_member {
                    count(&mut self.counters.died);
                }
                self.part(number, Code::Gone);
            }
            State::Command => self.command_finished(number),
            _ => {}
        }
    }

    fn closed(&mut self, now: Instant, stream: StreamId, _how: Closed) {
        self.now = now;
        let Some(number) = self.links.take_name(stream.0) else { return };
        let Some(state) = self.links.get(number).map(|link| link.state) else { return };
        match state {
            State::Attached { transfer, side } | State::Joined { transfer, side, .. } => {
                self.relay_closed(number, transfer, side);
            }
            State::Member => count(&mut self.counters.died),
            _ => {}
        }
        self.leave(number, Code::Gone);
        let Some(link) = self.links.get_mut(number) else { return };
        link.is_open = false;
        link.state = State::Gone;
        self.links.set_deadline(number, None);
        // It goes when its turn comes: to take it out of the queue of turns now could take long.
        self.links.give_turn(number);
    }

    /// A tracker stores nothing by itself.
    fn stored(&mut self, now: Instant, _file: FileId, _outcome: Result<u64, Fault>) {
        self.now = now;
    }

    fn flushed(&mut self, now: Instant, stream: StreamId) {
        self.now = now;
        let Some(number) = self.links.named(stream.0) else { return };
        let newest = self.sweep.newest;
        let Some(link) = self.links.get_mut(number) else { return };
        link.in_flight = false;
        // Changes that have not gone out to anybody wait for the sweep.
        let has_more = link.command().is_some() || link.owes_something() || link.is_behind(newest);
        if has_more || !link.is_talking() {
            self.links.give_turn(number);
        }
    }

    /// Whom a member meets is sent to where it is, and what is relayed comes from there.
    fn relocated(&mut self, now: Instant, stream: StreamId, address: SocketAddr) {
        self.now = now;
        let Some(number) = self.links.named(stream.0) else { return };
        let Some(link) = self.links.get_mut(number) else { return };
        let address = address.ip().to_canonical();
        link.relocate(address);
        if let Some(user) = self.directory.users.get_mut(link.user) {
            user.address = address;
        }
    }

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, Event> {
        self.now = now;
        if room.len() < MESSAGE_MAX {
            return Action::Wait(self.next_deadline());
        }
        match self.next(room) {
            None => Action::Wait(self.next_deadline()),
            Some(Step::Write { stream, length }) => {
                Action::Write { stream, bytes: room.get(..length).unwrap_or_default() }
            }
            Some(Step::Splice { from, to }) => Action::Splice { from, to },
            Some(Step::Finish(stream)) => Action::Finish(stream),
            Some(Step::Abort(stream)) => Action::Abort(stream),
            Some(Step::Tell(event)) => Action::Event(event),
        }
    }
}

impl<P: Profile> Tracker<P> {
    /// What is to be done next, if anything: time-outs, then what was asked for, then the news for everybody.
    fn next(&mut self, room: &mut [u8]) -> Option<Step> {
        let told = core::mem::replace(&mut self.told, LeftName(Stored::EMPTY));
        self.directory.texts.free(told.0);
        loop {
            if let Some(event) = self.events.pop_front() {
                if let Event::Left { name, .. } = event {
                    self.told = name;
                }
                return Some(Step::Tell(event));
            }
            if let Some(number) = self.links.take_expired(self.now) {
                self.expired(number);
                continue;
            }
            if let Some(place) = self.transfers.take_expired(self.now) {
                self.transfer_expired(place);
                continue;
            }
            if let Some(place) = self.transfers.take_turn() {
                match self.join(place, room) {
                    Some(step) => return Some(step),
                    None => continue,
                }
            }
            if let Some(number) = self.links.take_turn() {
                match self.step(number, room) {
                    Some(step) => return Some(step),
                    None => continue,
                }
            }
            match self.sweep(room) {
                Some(step) => return Some(step),
                None if self.sweep.next.is_some() => {}
                None => return None,
            }
        }
    }

    /// The next step of a link whose turn it is.
    fn step(&mut self, number: u32, room: &mut [u8]) -> Option<Step> {
        let link = self.links.get_mut(number)?;
        let stream = link.stream;
        if !link.is_open {
            return self.step_closed(number);
        }
        match link.state {
            State::ToAsk | State::ToSeat => self.step_ask(number),
            State::Hello
            | State::ToAttach
            | State::Asking
            | State::Seating
            | State::InDoubt
            | State::InLine
            | State::Member => self.write(number, room),
            State::Command => self.step_command(number, room),
            State::Part(code) => {
                if link.in_flight {
                    return None;
                }
                link.state = State::Finish { is_relay: false };
                self.drop_name(number);
                self.links.give_turn(number);
                Some(Step::Write { stream, length: Notice::Bye { code }.emit(room)? })
            }
            State::Finish { is_relay } => {
                link.state = State::Closing;
                let patience = if is_relay { self.settings.close_timeout } else { self.settings.linger };
                self.links.set_deadline(number, Some(self.now + patience));
                Some(Step::Finish(stream))
            }
            State::Joined { ref mut end, .. } => {
                let is_owed = *end == End::Owed;
                if is_owed {
                    *end = End::Told;
                }
                is_owed.then_some(Step::Finish(stream))
            }
            State::Abort => {
                link.state = State::Gone;
                self.links.set_deadline(number, None);
                Some(Step::Abort(stream))
            }
            State::Attached { .. } | State::Closing | State::Gone => None,
        }
    }

    /// A link whose stream has gone: it goes too, unless storage owes it an answer.
    fn step_closed(&mut self, number: u32) -> Option<Step> {
        if self.command_is_waiting(number) {
            return self.step_command(number, &mut []);
        }
        if let Some(link) = self.links.remove(number) {
            if let Some(work) = link.work() {
                self.directory.texts.free(work.account);
                self.directory.texts.free(work.begun);
            }
            self.drop_command(&link);
        }
        None
    }

    /// Writes what a session is to be told, unless something is still on its way.
    fn write(&mut self, number: u32, room: &mut [u8]) -> Option<Step> {
        let link = self.links.get(number).filter(|link| !link.in_flight && link.is_talking())?;
        let stream = link.stream;
        let length = self.compose(number, room);
        let newest = self.sweep.newest;
        let link = self.links.get_mut(number)?;
        link.rest();
        if length == 0 {
            if link.is_behind(newest) {
                self.links.give_turn(number);
            }
            return None;
        }
        link.wrote = self.now;
        link.in_flight = true;
        Some(Step::Write { stream, length })
    }

    /// The newest changes go out to all sessions that have nothing on its way; the others get them when it has left.
    fn sweep(&mut self, room: &mut [u8]) -> Option<Step> {
        let newest = self.directory.changes.last();
        if self.sweep.next.is_none() {
            let has_news = newest > self.sweep.newest || self.line.has_moved;
            if !has_news || self.sweep.due > self.now {
                return None;
            }
            self.sweep = Sweep { next: Some(0), newest, due: self.now + self.settings.gather, told: 0 };
            if self.line.has_moved {
                self.line.tell(&mut self.links);
                return None;
            }
        }
        let reach = self.links.reach();
        while let Some(number) = self.sweep.next.filter(|&number| number < reach) {
            self.sweep.next = Some(number.saturating_add(1));
            let newest = self.sweep.newest;
            let is_behind = self
                .links
                .get(number)
                .is_some_and(|link| link.state == State::Member && !link.in_flight && link.is_behind(newest));
            if is_behind && let Some(step) = self.write(number, room) {
                self.sweep.told = self.sweep.told.saturating_add(1);
                return Some(step);
            }
        }
        let each = crate::time::micros(self.settings.gather_each);
        self.sweep.due = self.sweep.due.plus_micros(each.saturating_mul(self.sweep.told.into()));
        self.sweep.next = None;
        None
    }

    fn expired(&mut self, number: u32) {
        let Some(link) = self.links.get_mut(number) else { return };
        match link.state {
            State::Hello
            | State::ToAttach
            | State::ToAsk
            | State::Asking
            | State::ToSeat
            | State::Seating => {
                self.dismiss_link(number, Code::Silent);
            }
            State::InDoubt => self.look_for_answer(number),
            State::InLine | State::Member => self.look_after(number),
            State::Command => self.command_expired(number),
            State::Part(_) | State::Finish { .. } | State::Closing => {
                link.state = State::Abort;
                self.links.give_turn(number);
            }
            State::Attached { .. } | State::Joined { .. } | State::Abort | State::Gone => {}
        }
    }

    /// A session has been silent for long, or takes nothing in.
    fn look_after(&mut self, number: u32) {
        let (dead_after, ping_after) = (self.settings.dead_after, self.settings.ping_after);
        let Some(link) = self.links.get_mut(number) else { return };
        let in_flight = link.in_flight;
        let is_stuck = in_flight && link.wrote + dead_after <= self.now;
        if link.heard + dead_after <= self.now || is_stuck {
            count(&mut self.counters.died);
            self.leave(number, Code::Silent);
            // It may still read, and learn why.
            if !in_flight {
                self.part(number, Code::Silent);
            }
            self.links.give_turn(number);
            return;
        }
        if link.heard + ping_after <= self.now {
            if let Some(work) = link.begin() {
                work.owes.ping = true;
            }
            let dead = link.heard + dead_after;
            let stuck = if in_flight { link.wrote + dead_after } else { dead };
            self.links.set_deadline(number, Some(dead.min(stuck)));
            self.links.give_turn(number);
            return;
        }
        self.watch(number);
    }

    fn next_deadline(&self) -> Option<Instant> {
        let has_news = self.directory.changes.last() > self.sweep.newest || self.line.has_moved;
        [self.links.next_deadline(), self.transfers.next_deadline(), has_news.then_some(self.sweep.due)]
            .into_iter()
            .flatten()
            .min()
    }
}
