//! The sessions of a layer, found by their ids, and beside them what their handshakes need.

use super::{
    Caller, SESSION_LIFE,
    opening::{Opening, Step},
    session::{Session, State},
};
use crate::{
    Instant, Memory, guard,
    index::{Cell, Index},
    rdt::Peer,
    seal::{Protection, Provider},
    table::{Slot, Table},
    wire::seal::ConnectionId,
};
use core::net::SocketAddr;

/// How many sessions are looked at when one has to go: all of a device.
const LOOKED_AT: u32 = 64;

/// Sessions are many and idle, handshakes few and short: so each has a table of its own.
pub(super) struct Sessions<V: Provider, M, I, H> {
    table: Table<Session<V>, M>,
    index: Index<I>,
    openings: Table<Opening<V>, H>,
}

impl<V, M, I, H> Sessions<V, M, I, H>
where
    V: Provider,
    M: Memory<Slot<Session<V>>>,
    I: Memory<Cell>,
    H: Memory<Slot<Opening<V>>>,
{
    pub(super) const fn new(sessions: M, index: I, openings: H) -> Self {
        Self { table: Table::new(sessions), index: Index::new(index), openings: Table::new(openings) }
    }

    pub(super) const fn count(&self) -> usize {
        self.table.count()
    }

    /// A session whose handshake begins: in the place of one that has ended, if there is no other. `None`: there is no room
    /// for it.
    pub(super) fn enter(
        &mut self,
        now: Instant,
        id: u64,
        address: SocketAddr,
        opening: Opening<V>,
    ) -> Option<u32> {
        if self.count() >= self.table.bound() {
            self.displace(now, id);
        }
        let opening = self.openings.insert(opening).ok()?;
        let session = Session::new(now, id, address, State::Opening(opening));
        let number = self.table.insert(session).ok();
        let Some(number) = number.filter(|&number| self.index.insert(hash(id), number)) else {
            self.openings.remove(opening);
            number.and_then(|number| self.table.remove(number));
            return None;
        };
        self.set_deadline(number, now.plus_micros(SESSION_LIFE));
        Some(number)
    }

    /// Forgets a session whose connection has ended, and that is there only to answer the peer's last words again: of some,
    /// the one that has been silent longest.
    fn displace(&mut self, now: Instant, random: u64) {
        let beyond = u64::from(self.table.reach().saturating_sub(LOOKED_AT)).saturating_add(1);
        let from = (beyond.wrapping_mul(random & u64::from(u32::MAX)) >> 32) as u32;
        let silent = |number: u32| {
            let session = self.table.get(number)?;
            let is_over = session.ending && matches!(session.state, State::Open(_));
            is_over.then(|| (session.heard.age(now), number))
        };
        if let Some((_, number)) = (from..from.saturating_add(LOOKED_AT)).filter_map(silent).max() {
            self.remove(number);
        }
    }

    /// A session is over. The guard's slot that its handshake was in, if it still was.
    pub(super) fn remove(&mut self, number: u32) -> Option<guard::Slot> {
        self.index.remove(number);
        match self.table.remove(number)?.state {
            State::Opening(opening) => self.openings.remove(opening)?.slot,
            State::Open(_) => None,
        }
    }

    /// The handshake of a session has ended, with this.
    pub(super) fn begin(&mut self, number: u32, protection: Protection<V>) {
        let Some(session) = self.table.get_mut(number) else { return };
        if let State::Opening(opening) = core::mem::replace(&mut session.state, State::Open(protection)) {
            self.openings.remove(opening);
        }
    }

    /// The first datagram of a caller has opened: it has ended the handshake. The guard's slot that it was in.
    pub(super) fn confirm(&mut self, number: u32) -> Option<guard::Slot> {
        let session = self.table.get_mut(number)?;
        let State::Opening(opening) = session.state else { return None };
        self.openings.get(opening).filter(|opening| matches!(opening.step, Step::Answered { .. }))?;
        let Opening { slot, step, .. } = self.openings.remove(opening)?;
        if let Step::Answered { protection, .. } = step {
            session.state = State::Open(protection);
        }
        slot
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Session<V>> {
        self.table.get_mut(number)
    }

    /// Who is at the other end of a session, while its handshake is under way.
    pub(super) fn caller(&self, peer: Peer) -> Option<Caller> {
        let &Session { address, state: State::Opening(opening), .. } = self.named(peer)? else { return None };
        let &Opening { purpose, key, .. } = self.openings.get(opening)?;
        Some(Caller { address: address.into(), purpose, key })
    }

    /// A session with its handshake, while that is under way.
    pub(super) fn opening(&mut self, number: u32) -> Option<(&mut Session<V>, &mut Opening<V>)> {
        let session = self.table.get_mut(number)?;
        let State::Opening(opening) = session.state else { return None };
        Some((session, self.openings.get_mut(opening)?))
    }

    /// What opens and seals the datagrams of a session, when its peer can know the keys.
    pub(super) fn protection(&mut self, number: u32) -> Option<&mut Protection<V>> {
        match &mut self.table.get_mut(number)?.state {
            State::Open(protection) => Some(protection),
            State::Opening(opening) => match &mut self.openings.get_mut(*opening)?.step {
                Step::Answered { protection, .. } => Some(protection),
                _ => None,
            },
        }
    }

    pub(super) fn known(&self, id: &ConnectionId) -> Option<u32> {
        self.numbered(u64::from_be_bytes(*id))
    }

    pub(super) fn number(&self, peer: Peer) -> Option<u32> {
        match peer {
            Peer::Session(id) => self.numbered(id),
            Peer::Address(_) => None,
        }
    }

    pub(super) fn named(&self, peer: Peer) -> Option<&Session<V>> {
        self.table.get(self.number(peer)?)
    }

    pub(super) fn numbered(&self, id: u64) -> Option<u32> {
        self.index.find(hash(id), |number| self.table.get(number).is_some_and(|session| session.id == id))
    }

    pub(super) fn set_deadline(&mut self, number: u32, deadline: Instant) {
        self.table.set_deadline(number, Some(deadline));
    }

    pub(super) fn take_expired(&mut self, now: Instant) -> Option<u32> {
        self.table.take_expired(now)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.table.next_deadline()
    }
}

/// Ids are random: any part of one will do.
const fn hash(id: u64) -> u32 {
    (id >> 32) as u32
}
