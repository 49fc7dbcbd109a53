//! First in, first out, in a memory.

use crate::Memory;
use core::marker::PhantomData;

/// A queue of as many entries as its memory has room for. The memory is taken whole with the first entry.
#[derive(Debug)]
pub(crate) struct Queue<T, M> {
    entries: M,
    first: u16,
    count: u16,
    entry: PhantomData<T>,
}

impl<T, M: Default> Default for Queue<T, M> {
    fn default() -> Self {
        Self::new(M::default())
    }
}

impl<T, M> Queue<T, M> {
    /// An empty queue.
    pub(crate) const fn new(entries: M) -> Self {
        Self { entries, first: 0, count: 0, entry: PhantomData }
    }

    /// How many are in it.
    pub(crate) const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether nothing is in it.
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<T: Copy, M: Memory<T>> Queue<T, M> {
    /// The most entries.
    pub(crate) fn bound(&self) -> usize {
        self.entries.bound().min(u16::MAX.into())
    }

    /// Whether there is no room for one more.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.bound()
    }

    /// Appends an entry. `false`: there is no room.
    pub(crate) fn push(&mut self, entry: T) -> bool {
        if self.is_full() {
            return false;
        }
        let bound = self.bound();
        if self.entries.values().len() < bound {
            self.entries.grow(bound, || entry);
        }
        self.count = self.count.saturating_add(1);
        if let Some(last) = self.last_mut() {
            *last = entry;
        }
        true
    }

    /// Takes the oldest entry out.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let entry = *self.get_mut(0)?;
        self.count = self.count.saturating_sub(1);
        self.first = self.place(1) as u16;
        Some(entry)
    }

    /// The newest entry.
    pub(crate) fn last(&self) -> Option<&T> {
        let index = self.len().checked_sub(1)?;
        self.entries.values().get(self.place(index))
    }

    /// The same, to change.
    pub(crate) fn last_mut(&mut self) -> Option<&mut T> {
        self.get_mut(self.len().checked_sub(1)?)
    }

    /// An entry by its place behind the oldest.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let place = self.place(index);
        self.entries.values_mut().get_mut(place).filter(|_| index < usize::from(self.count))
    }

    /// Forgets everything, and gives the memory back where it can be.
    pub(crate) fn release(&mut self) {
        self.entries.release();
        (self.first, self.count) = (0, 0);
    }

    fn place(&self, index: usize) -> usize {
        let place = usize::from(self.first).saturating_add(index);
        if place >= self.bound() { place.saturating_sub(self.bound()) } else { place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_first_goes_first_and_no_more_comes_in_than_there_is_room_for() {
        let mut queue = Queue::<u8, heapless::Vec<u8, 3>>::default();
        for round in 0..5 {
            assert!(queue.is_empty() && queue.pop().is_none());
            assert!(queue.push(round) && queue.push(round + 1));
            assert_eq!((queue.pop(), queue.len()), (Some(round), 1));
            assert!(queue.push(round + 2) && queue.push(round + 3));
            assert!(queue.is_full() && !queue.push(9));
            assert_eq!((queue.last(), queue.len()), (Some(&(round + 3)), 3));
            assert!(queue.get_mut(1).is_some_and(|entry| *entry == round + 2) && queue.get_mut(3).is_none());
            assert_eq!(
                [queue.pop(), queue.pop(), queue.pop()],
                [Some(round + 1), Some(round + 2), Some(round + 3)]
            );
        }
        assert!(queue.push(1));
        queue.release();
        assert!(queue.is_empty() && queue.push(2) && queue.pop() == Some(2));
    }
}
