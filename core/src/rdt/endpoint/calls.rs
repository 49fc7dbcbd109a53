//! Calls that come, and the connections that are made of them.

use crate::{
    Instant,
    rdt::{
        Connection, ConnectionId, Discard, Endpoint, Incoming, Peer, connection::Mode, known::KnownKind,
        profile::Profile, token::Tokens,
    },
    wire::rdt::{Pass, Terms},
};

/// How many connections are looked at when one has to go: all of a device.
const LOOKED_AT: u32 = 64;

impl<P: Profile> Endpoint<P> {
    /// OPEN.
    pub(super) fn called(
        &mut self,
        now: Instant,
        from: Peer,
        number: u32,
        (terms, size): (Terms, usize),
        pass: Pass,
    ) -> Result<Option<Incoming<'static>>, Discard> {
        if !P::IS_CALLED {
            return Err(Discard::NoRoom);
        }
        if let Some(place) = self.find(&from, &|face| !face.is_calling && face.is_usable) {
            let Some(connection) = self.table.get_mut(place) else { return Err(Discard::Stray) };
            if connection.mode == Mode::Own && connection.number == number {
                connection.called_again(now, size, &self.settings);
                self.table.give_turn(place);
                return Ok(None);
            }
            let is_successor = number == connection.number.wrapping_add(1) && !connection.confirmed();
            if connection.mode == Mode::Own && !is_successor {
                connection.earn(size);
                connection.challenge();
                self.table.give_turn(place);
                return Ok(None);
            }
            if connection.mode != Mode::Own && connection.is_young(now) {
                // It called in both languages, and the other one was heard first.
                return Ok(None);
            }
            self.replace(place);
        }
        let seed = self.next_random();
        let is_proven = self.settings.trusts_addresses
            || from.address().is_none_or(|address| self.tokens.is_good(now, address.ip(), pass.token));
        let proven = is_proven.then_some(pass.round_trip);
        let connection = Connection::called(now, from, (number, seed), (terms, size), proven, &self.settings);
        self.queue(now, connection)
    }

    /// CONNECT.
    pub(super) fn called_by_known(
        &mut self,
        now: Instant,
        from: Peer,
        kind: KnownKind,
    ) -> Result<Option<Incoming<'static>>, Discard> {
        if !P::IS_CALLED {
            return Err(Discard::NoRoom);
        }
        if let Some(place) = self.find(&from, &|face| !face.is_calling && face.is_usable) {
            if let Some(connection) = self.table.get_mut(place) {
                if connection.mode == Mode::Own {
                    // It called in both languages, and the other one was heard first; or it was restarted.
                    if connection.confirmed() {
                        connection.challenge();
                    }
                } else {
                    connection.called_by_known_again(now);
                    if !connection.confirmed() {
                        connection.hear(now, &self.settings);
                    }
                }
                self.table.give_turn(place);
            }
            return Ok(None);
        }
        // One that was broken off goes on saying so until it is answered. Who calls would take that for the end of his own.
        if let Some(place) = self.find(&from, &|face| face.mode != Mode::Own && !face.is_usable) {
            self.replace(place);
        }
        let seed = self.next_random();
        let connection = Connection::called_by_known(now, from, seed, kind, &self.settings);
        self.queue(now, connection)
    }

    /// A new peer waits to be accepted. When it has taken the last place, or found none, one is made free for the next.
    fn queue(
        &mut self,
        now: Instant,
        connection: Connection<P>,
    ) -> Result<Option<Incoming<'static>>, Discard> {
        if self.backlog.len() >= usize::from(self.settings.backlog).min(self.backlog.bound()) {
            return Err(Discard::NoRoom);
        }
        let entered = self.enter(connection);
        if self.table.count() >= self.table.bound() {
            self.displace(now);
        }
        let name = entered.ok_or(Discard::NoRoom)?;
        self.backlog.push(name.number);
        Ok(None)
    }

    /// Forgets one who has called and said nothing more for a while: of some, the one that has been silent longest.
    fn displace(&mut self, now: Instant) {
        // Anywhere in the table, so that no caller is safe for being early.
        let beyond = u64::from(self.table.reach().saturating_sub(LOOKED_AT)).saturating_add(1);
        let from = (beyond.wrapping_mul(self.next_random().into()) >> 32) as u32;
        let mut longest = None;
        for number in from..from.saturating_add(LOOKED_AT) {
            let Some(connection) = self.table.get(number) else { continue };
            if let Some(heard) = connection.is_half_open(now)
                && longest.is_none_or(|(other, _)| heard < other)
            {
                longest = Some((heard, number));
            }
        }
        if let Some((_, number)) = longest
            && let Some(connection) = self.table.get_mut(number)
        {
            connection.displaced();
            self.table.give_turn(number);
        }
    }

    /// A connection's peer is somebody else now: it is found under its address no more, but its end is still told.
    pub(super) fn replace(&mut self, place: u32) {
        if let Some(connection) = self.table.get_mut(place) {
            connection.replaced();
            self.index.remove(place);
            self.table.give_turn(place);
        }
    }

    pub(super) fn enter(&mut self, connection: Connection<P>) -> Option<ConnectionId> {
        let peer = connection.peer;
        let number = self.table.insert(connection)?;
        if !self.index.insert(&peer, number) {
            self.table.remove(number);
            return None;
        }
        self.generation = self.generation.wrapping_add(1);
        let name = ConnectionId { number, generation: self.generation };
        if let Some(connection) = self.table.get_mut(number) {
            connection.name = name;
        }
        Some(name)
    }

    pub(super) fn leave(&mut self, number: u32) {
        if P::Tokens::ARE_GIVEN
            && let Some(connection) = self.table.get_mut(number)
        {
            self.strangers = self.strangers.saturating_sub(connection.take_stranger().into());
        }
        if self.table.remove(number) {
            log!(debug, "rdt: connection {} is over", number);
            self.index.remove(number);
            // Not `retain`: it can panic, as far as the linker can tell.
            for _ in 0..self.backlog.len() {
                if let Some(waiting) = self.backlog.pop().filter(|&waiting| waiting != number) {
                    self.backlog.push(waiting);
                }
            }
        }
    }
}
