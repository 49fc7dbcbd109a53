//! The line of those who wait for a seat: first come, first served.

use super::{
    link::{Link, NONE},
    profile::Profile,
};
use crate::table::{ByName, Table};

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

    /// Those who wait, the first first.
    pub(super) fn numbers<P: Profile>(
        &self,
        links: &Table<Link<P>, P::Links, ByName>,
    ) -> impl Iterator<Item = u32> {
        let next = |number: &u32| Some(links.get(*number)?.work()?.after);
        core::iter::successors(self.first(), next).take(self.length as usize)
    }

    /// Puts a session at the end; it must not be in the line already. Its place is to be told.
    pub(super) fn push<P: Profile>(&mut self, links: &mut Table<Link<P>, P::Links, ByName>, number: u32) {
        let Some(work) = links.get_mut(number).and_then(Link::work_mut) else { return };
        self.length = self.length.saturating_add(1);
        work.before = self.last;
        work.after = NONE;
        work.place = self.length;
        work.owes.place = true;
        match links.get_mut(self.last).and_then(Link::work_mut) {
            Some(last) => last.after = number,
            None => self.first = number,
        }
        self.last = number;
    }

    /// Takes a session out, wherever it stands; it must be in the line.
    pub(super) fn leave<P: Profile>(&mut self, links: &mut Table<Link<P>, P::Links, ByName>, number: u32) {
        let Some(work) = links.get_mut(number).and_then(Link::work_mut) else { return };
        let before = core::mem::replace(&mut work.before, NONE);
        let after = core::mem::replace(&mut work.after, NONE);
        work.owes.place = false;
        match links.get_mut(before).and_then(Link::work_mut) {
            Some(before) => before.after = after,
            None => self.first = after,
        }
        match links.get_mut(after).and_then(Link::work_mut) {
            Some(after) => after.before = before,
            None => self.last = before,
        }
        self.length = self.length.saturating_sub(1);
        self.has_moved = true;
    }

    /// Everybody whose place is another than was told is to be told.
    pub(super) fn tell<P: Profile>(&mut self, links: &mut Table<Link<P>, P::Links, ByName>) {
        self.has_moved = false;
        let mut number = self.first;
        for place in 1..=self.length {
            let Some(work) = links.get_mut(number).and_then(Link::work_mut) else { return };
            let after = work.after;
            if work.place != place {
                work.place = place;
                work.owes.place = true;
                links.give_turn(number);
            }
            number = after;
        }
    }
}
