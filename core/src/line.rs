//! The line of those who wait: first come, first served.

use crate::{
    Memory,
    table::{ByName, Named, Table},
};

const NONE: u32 = u32::MAX;

/// The neighbours of one who waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neighbours {
    before: u32,
    pub(crate) after: u32,
}

impl Neighbours {
    /// Of one who is in no line.
    pub(crate) const NONE: Self = Self { before: NONE, after: NONE };
}

/// Who may have to wait.
pub(crate) trait Waits {
    /// Its neighbours in the line, which are kept for as long as it is in it.
    fn neighbours(&mut self) -> Option<&mut Neighbours>;
}

/// A queue threaded through the values of a table themselves. All operations take constant time.
#[derive(Debug)]
pub(crate) struct Line {
    first: u32,
    last: u32,
    length: u32,
}

impl Line {
    pub(crate) const fn new() -> Self {
        Self { first: NONE, last: NONE, length: 0 }
    }

    /// How many wait.
    pub(crate) const fn length(&self) -> u32 {
        self.length
    }

    /// Who is the next.
    pub(crate) fn first(&self) -> Option<u32> {
        (self.length > 0).then_some(self.first)
    }

    /// Puts one at the end; it must not be in the line already.
    pub(crate) fn push<V: Waits, M: Memory<Named<V>>>(
        &mut self,
        values: &mut Table<V, M, ByName>,
        number: u32,
    ) {
        let Some(own) = values.get_mut(number).and_then(V::neighbours) else { return };
        *own = Neighbours { before: self.last, after: NONE };
        match values.get_mut(self.last).and_then(V::neighbours) {
            Some(last) => last.after = number,
            None => self.first = number,
        }
        self.last = number;
        self.length = self.length.saturating_add(1);
    }

    /// Takes one out, wherever it stands; it must be in the line.
    pub(crate) fn leave<V: Waits, M: Memory<Named<V>>>(
        &mut self,
        values: &mut Table<V, M, ByName>,
        number: u32,
    ) {
        let Some(own) = values.get_mut(number).and_then(V::neighbours) else { return };
        let Neighbours { before, after } = core::mem::replace(own, Neighbours::NONE);
        match values.get_mut(before).and_then(V::neighbours) {
            Some(before) => before.after = after,
            None => self.first = after,
        }
        match values.get_mut(after).and_then(V::neighbours) {
            Some(after) => after.before = before,
            None => self.last = before,
        }
        self.length = self.length.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Waits for Neighbours {
        fn neighbours(&mut self) -> Option<&mut Neighbours> {
            Some(self)
        }
    }

    #[test]
    fn who_leaves_the_line_does_not_break_it() {
        for leaves in 0..3 {
            let mut values = Table::new(heapless::Vec::<Named<Neighbours>, 4>::new());
            let mut line = Line::new();
            for number in 0..3 {
                values.insert(Neighbours::NONE).unwrap();
                line.push(&mut values, number);
            }
            line.leave(&mut values, leaves);
            line.push(&mut values, leaves);
            let expected: Vec<u32> = (0..3).filter(|&number| number != leaves).chain([leaves]).collect();
            assert_eq!(line.length(), 3);
            for number in expected {
                assert_eq!(line.first(), Some(number));
                line.leave(&mut values, number);
            }
            assert_eq!(line.length(), 0);
        }
    }
}
