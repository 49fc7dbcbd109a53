//! The line of those who wait for a slot: first come, first served.

use super::session::Session;
use crate::{
    Memory,
    table::{ByName, Named, Table},
};

/// A queue threaded through the sessions themselves. All operations take constant time.
#[derive(Debug)]
pub(super) struct Line {
    first: Option<u32>,
    last: Option<u32>,
    length: u32,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self { first: None, last: None, length: 0 }
    }

    /// How many wait.
    pub(super) const fn length(&self) -> u32 {
        self.length
    }

    /// Puts a session at the end; it must not be in the line already.
    pub(super) fn push<M: Memory<Named<Session>>>(
        &mut self,
        sessions: &mut Table<Session, M, ByName>,
        number: u32,
    ) {
        let Some(session) = sessions.get_mut(number) else { return };
        session.before = self.last;
        session.after = None;
        match self.last.and_then(|last| sessions.get_mut(last)) {
            Some(last) => last.after = Some(number),
            None => self.first = Some(number),
        }
        self.last = Some(number);
        self.length = self.length.saturating_add(1);
    }

    /// Takes the first one out.
    pub(super) fn pop<M: Memory<Named<Session>>>(
        &mut self,
        sessions: &mut Table<Session, M, ByName>,
    ) -> Option<u32> {
        let first = self.first?;
        self.leave(sessions, first);
        Some(first)
    }

    /// Takes a session out, wherever it stands; it must be in the line.
    pub(super) fn leave<M: Memory<Named<Session>>>(
        &mut self,
        sessions: &mut Table<Session, M, ByName>,
        number: u32,
    ) {
        let Some(session) = sessions.get_mut(number) else { return };
        let (before, after) = (session.before.take(), session.after.take());
        match before.and_then(|before| sessions.get_mut(before)) {
            Some(before) => before.after = after,
            None => self.first = after,
        }
        match after.and_then(|after| sessions.get_mut(after)) {
            Some(after) => after.before = before,
            None => self.last = before,
        }
        self.length = self.length.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Instant,
        files::{Dialect, Uploads},
        stream::StreamId,
    };

    #[test]
    fn who_leaves_the_line_does_not_break_it() {
        for leaves in 0..3 {
            let mut sessions = Table::new(heapless::Vec::<Named<Session>, 4>::new());
            let mut line = Line::new();
            for number in 0..3 {
                let session =
                    Session::new(StreamId(number), Dialect::Files, Uploads::default(), Instant::FAR);
                sessions.insert(session).unwrap();
                line.push(&mut sessions, number);
            }
            line.leave(&mut sessions, leaves);
            line.push(&mut sessions, leaves);
            let expected: Vec<u32> = (0..3).filter(|&number| number != leaves).chain([leaves]).collect();
            assert_eq!(line.length(), 3);
            let order: Vec<u32> = std::iter::from_fn(|| line.pop(&mut sessions)).collect();
            assert_eq!(order, expected);
            assert_eq!(line.length(), 0);
        }
    }
}
