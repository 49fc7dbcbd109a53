//! The line of those who wait for a seat: first come, first served.

use super::link::{Link, NONE};
use crate::{
    Memory,
    table::{Slot, Table},
};

/// A queue threaded through the sessions themselves.
#[derive(Debug)]
pub(super) struct Line {
    first: u32,
    last: u32,
    length: u32,
    /// Somebody has left it since everybody was told the place.
    pub(super) has_moved: bool,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self { first: NONE, last: NONE, length: 0, has_moved: false }
    }

    /// How many wait.
    pub(super) const fn length(&self) -> u32 {
        self.length
    }

    pub(super) fn first(&self) -> Option<u32> {
        (self.length > 0).then_some(self.first)
    }

    /// Puts a session at the end; it must not be in the line already. Its place is to be told.
    pub(super) fn push<M: Memory<Slot<Link>>>(&mut self, links: &mut Table<Link, M>, number: u32) {
        let Some(session) = links.get_mut(number).and_then(Link::session_mut) else { return };
        self.length = self.length.saturating_add(1);
        session.before = self.last;
        session.after = NONE;
        session.place = self.length;
        session.owes.place = true;
        match links.get_mut(self.last).and_then(Link::session_mut) {
            Some(last) => last.after = number,
            None => self.first = number,
        }
        self.last = number;
    }

    /// Takes a session out, wherever it stands; it must be in the line.
    pub(super) fn leave<M: Memory<Slot<Link>>>(&mut self, links: &mut Table<Link, M>, number: u32) {
        let Some(session) = links.get_mut(number).and_then(Link::session_mut) else { return };
        let before = core::mem::replace(&mut session.before, NONE);
        let after = core::mem::replace(&mut session.after, NONE);
        session.owes.place = false;
        match links.get_mut(before).and_then(Link::session_mut) {
            Some(before) => before.after = after,
            None => self.first = after,
        }
        match links.get_mut(after).and_then(Link::session_mut) {
            Some(after) => after.before = before,
            None => self.last = before,
        }
        self.length = self.length.saturating_sub(1);
        self.has_moved = true;
    }

    /// Everybody whose place is another than was told is to be told.
    pub(super) fn tell<M: Memory<Slot<Link>>>(&mut self, links: &mut Table<Link, M>) {
        self.has_moved = false;
        let mut number = self.first;
        for place in 1..=self.length {
            let Some(session) = links.get_mut(number).and_then(Link::session_mut) else { return };
            let after = session.after;
            if session.place != place {
                session.place = place;
                session.owes.place = true;
                links.give_turn(number);
            }
            number = after;
        }
    }
}
