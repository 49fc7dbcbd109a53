//! The line of those who wait for a seat, and what they are told of it.

use super::{link::Link, profile::Profile};
use crate::{
    line::{self, Neighbours, Waits},
    table::{ByName, Table},
};

/// A line in which everybody is told his place.
#[derive(Debug)]
pub(super) struct Line {
    line: line::Line,
    /// Somebody has left it since everybody was told the place.
    pub(super) has_moved: bool,
}

impl<P: Profile> Waits for Link<P> {
    fn neighbours(&mut self) -> Option<&mut Neighbours> {
        Some(&mut self.work_mut()?.neighbours)
    }
}

impl Line {
    pub(super) const fn new() -> Self {
        Self { line: line::Line::new(), has_moved: false }
    }

    /// How many wait.
    pub(super) const fn length(&self) -> u32 {
        self.line.length()
    }

    pub(super) fn first(&self) -> Option<u32> {
        self.line.first()
    }

    /// Those who wait, the first first.
    pub(super) fn numbers<P: Profile>(
        &self,
        links: &Table<Link<P>, P::Links, ByName>,
    ) -> impl Iterator<Item = u32> {
        let next = |number: &u32| Some(links.get(*number)?.work()?.neighbours.after);
        core::iter::successors(self.first(), next).take(self.length() as usize)
    }

    /// Puts a session at the end; it must not be in the line already. Its place is to be told.
    pub(super) fn push<P: Profile>(&mut self, links: &mut Table<Link<P>, P::Links, ByName>, number: u32) {
        self.line.push(links, number);
        if let Some(work) = links.get_mut(number).and_then(Link::work_mut) {
            work.place = self.length();
            work.owes.place = true;
        }
    }

    /// Takes a session out, wherever it stands; it must be in the line.
    pub(super) fn leave<P: Profile>(&mut self, links: &mut Table<Link<P>, P::Links, ByName>, number: u32) {
        self.line.leave(links, number);
        if let Some(work) = links.get_mut(number).and_then(Link::work_mut) {
            work.owes.place = false;
        }
        self.has_moved = true;
    }

    /// Everybody whose place is another than was told is to be told.
    pub(super) fn tell<P: Profile>(&mut self, links: &mut Table<Link<P>, P::Links, ByName>) {
        self.has_moved = false;
        let mut next = self.first();
        for place in 1..=self.length() {
            let Some(number) = next else { return };
            let Some(work) = links.get_mut(number).and_then(Link::work_mut) else { return };
            next = Some(work.neighbours.after);
            if work.place != place {
                work.place = place;
                work.owes.place = true;
                links.give_turn(number);
            }
        }
    }
}
