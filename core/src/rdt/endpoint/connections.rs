//! The connections of an endpoint: those on which nothing happens are parked, and wake up when they are asked for.

use crate::{
    Instant, Memory,
    rdt::{Connection, ConnectionId, Peer, Statistics, connection::Mode, keep::Keep, profile::Profile},
    table::Table,
};

/// What a connection is found by, besides its peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Face {
    pub(super) number: u32,
    pub(super) mode: Mode,
    pub(super) is_calling: bool,
    pub(super) is_opening: bool,
    pub(super) is_usable: bool,
}

/// A table of connections, parked or not.
#[derive(Debug)]
pub(super) struct Connections<P: Profile> {
    table: Table<P::Keep, P::Connections>,
}

impl<P: Profile> Connections<P> {
    /// None, in an empty memory.
    pub(super) const fn new(memory: P::Connections) -> Self {
        Self { table: Table::new(memory) }
    }

    pub(super) const fn count(&self) -> usize {
        self.table.count()
    }

    pub(super) fn bound(&self) -> usize {
        self.table.bound()
    }

    /// One more than the highest number that was ever given.
    pub(super) fn reach(&self) -> u32 {
        self.table.reach()
    }

    /// The connection with this number, if it is awake.
    pub(super) fn get(&self, number: u32) -> Option<&Connection<P>> {
        self.table.get(number)?.kept().ok()
    }

    /// The connection with this number. One that was parked is awake from now on, and has a turn, after which it may be
    /// parked again.
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Connection<P>> {
        if P::Keep::PARKS && self.table.get(number).is_some_and(|kept| kept.kept().is_err()) {
            self.table.give_turn(number);
        }
        self.table.get_mut(number)?.wake(number)
    }

    /// Whether it is a connection with this peer for which `is_it` holds.
    pub(super) fn is(&self, number: u32, peer: &Peer, is_it: &dyn Fn(&Face) -> bool) -> bool {
        let Some(kept) = self.table.get(number) else { return false };
        match kept.kept() {
            Ok(connection) => {
                let (number, mode) = (connection.number, connection.mode);
                let (is_calling, is_opening) = (connection.is_calling(), connection.is_opening());
                let is_usable = connection.is_usable();
                connection.peer == *peer && is_it(&Face { number, mode, is_calling, is_opening, is_usable })
            }
            Err(parked) => {
                let (found, number) = parked.face();
                found == *peer
                    && is_it(&Face {
                        number,
                        mode: Mode::Own,
                        is_calling: false,
                        is_opening: false,
                        is_usable: true,
                    })
            }
        }
    }

    /// The state of a connection; it is not woken up.
    pub(super) fn statistics(&self, name: ConnectionId) -> Option<Statistics> {
        match self.table.get(name.number)?.kept() {
            Ok(connection) => (connection.name == name).then(|| connection.statistics()),
            Err(parked) => (parked.name(name.number) == name).then(|| parked.statistics::<P>()),
        }
    }

    /// The name of the connection with this number; it is not woken up.
    pub(super) fn name(&self, number: u32) -> Option<ConnectionId> {
        Some(match self.table.get(number)?.kept() {
            Ok(connection) => connection.name,
            Err(parked) => parked.name(number),
        })
    }

    /// How many bytes the next message on a connection can have.
    pub(super) fn room(&self, name: ConnectionId) -> Option<usize> {
        match self.table.get(name.number)?.kept() {
            Ok(connection) => (connection.name == name).then(|| connection.sender.content.room()),
            Err(parked) => (parked.name(name.number) == name).then(|| P::Outbox::default().bound()),
        }
    }

    /// Parks a connection if nothing happens on it.
    pub(super) fn park(&mut self, number: u32, now: Instant) {
        if P::Keep::PARKS
            && let Some(kept) = self.table.get_mut(number)
        {
            kept.park(now);
        }
    }

    pub(super) fn insert(&mut self, connection: Connection<P>) -> Option<u32> {
        self.table.insert(connection.into()).ok()
    }

    /// Takes a connection out. `false`: there is none with this number.
    pub(super) fn remove(&mut self, number: u32) -> bool {
        self.table.remove(number).is_some()
    }

    /// The numbers of all connections that are awake.
    pub(super) fn awake(&self) -> impl Iterator<Item = (u32, &Connection<P>)> + '_ {
        self.table.numbers().filter_map(|number| Some((number, self.get(number)?)))
    }

    pub(super) fn give_turn(&mut self, number: u32) {
        self.table.give_turn(number);
    }

    pub(super) fn take_turn(&mut self) -> Option<u32> {
        self.table.take_turn()
    }

    pub(super) fn set_deadline(&mut self, number: u32, deadline: Option<Instant>) {
        self.table.set_deadline(number, deadline);
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.table.next_deadline()
    }

    pub(super) fn take_expired(&mut self, now: Instant) -> Option<u32> {
        self.table.take_expired(now)
    }
}
