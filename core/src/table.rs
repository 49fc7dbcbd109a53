//! Many of one thing, each with a turn and a deadline: connections of an endpoint, sessions of a server.
//!
//! ```text
//!   slot   0        1        2        3            one memory; every list is threaded through its slots
//!        [ value ][ value ][  -    ][ value ]
//!   turn:  3 → 0                                   first in, first out; each at most once
//!   heap:  [1, 3, 0]                               by deadline, the earliest first
//!   free:  2
//!   name:  [-, 0, -, 3]                            a number that others chose (a stream), and whose it is
//! ```
//!
//! All operations take constant time, those with deadlines the logarithm of the number of deadlines. A table of few
//! has no heap: it looks at all of them.

use crate::{Instant, Memory};
use core::marker::PhantomData;

const NONE: u32 = u32::MAX;
/// What comes after the last whose turn it is.
const LAST: u32 = u32::MAX - 1;

/// Up to so many values need no heap. A device's bound is a constant: the other code is left out.
const FEW: usize = 4;

/// Room for one value and its places in the table's lists.
#[derive(Debug)]
pub struct Slot<V> {
    value: Option<V>,
    deadline: Instant,
    /// Where this slot stands in the heap, or `NONE`.
    heap_place: u32,
    /// Which slot stands at this slot's position of the heap.
    heap_entry: u32,
    /// Of one whose turn it is: the next one, or `LAST`. Of a free one: the next free one.
    next: u32,
    /// Which slot has this slot's position as its name, or `NONE`.
    name_entry: u32,
}

impl<V> Slot<V> {
    const fn empty() -> Self {
        Self {
            value: None,
            deadline: Instant::FAR,
            heap_place: NONE,
            heap_entry: NONE,
            next: NONE,
            name_entry: NONE,
        }
    }
}

/// Values by number, with a queue of those whose turn it is and a heap of deadlines.
#[derive(Debug)]
pub struct Table<V, M> {
    slots: M,
    free: u32,
    count: u32,
    turn_first: u32,
    turn_last: u32,
    heap_count: u32,
    value: PhantomData<V>,
}

impl<V, M: Memory<Slot<V>>> Table<V, M> {
    /// A table in `slots`, which must be empty.
    pub const fn new(slots: M) -> Self {
        Self {
            slots,
            free: NONE,
            count: 0,
            turn_first: NONE,
            turn_last: NONE,
            heap_count: 0,
            value: PhantomData,
        }
    }

    /// How many values there are.
    pub const fn count(&self) -> usize {
        self.count as usize
    }

    /// The most values that there can be.
    pub fn bound(&self) -> usize {
        self.slots.bound().min(LAST as usize)
    }

    /// One more than the highest number that was ever given: where who looks at every number can end.
    pub fn reach(&self) -> u32 {
        self.slots.values().len().min(NONE as usize) as u32
    }

    /// The value with this number.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub fn get(&self, number: u32) -> Option<&V> {
        self.slots.values().get(number as usize)?.value.as_ref()
    }

    /// The same, to change.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub fn get_mut(&mut self, number: u32) -> Option<&mut V> {
        self.slot(number)?.value.as_mut()
    }

    /// Puts a value in and gives it a number, or gives it back when the table is full.
    ///
    /// # Errors
    /// The value itself: there is no room.
    pub fn insert(&mut self, value: V) -> Result<u32, V> {
        if self.free == NONE {
            self.grow(0);
        }
        let number = self.free;
        let Some(slot) = self.slot(number) else { return Err(value) };
        slot.value = Some(value);
        let next = core::mem::replace(&mut slot.next, NONE);
        self.free = next;
        self.count = self.count.saturating_add(1);
        Ok(number)
    }

    /// Gives a value a name besides its number: a number that others chose, below [`Table::bound`]. `false`: it
    /// is not, or another value has it. A value outlives its name, and has to lose it before it is removed.
    #[must_use]
    pub fn set_name(&mut self, name: u32, number: u32) -> bool {
        let length = self.slots.values().len();
        if name as usize >= length && (name as usize) < self.bound() {
            self.grow(name as usize);
        }
        match self.slot(name) {
            Some(place) if place.name_entry == NONE => place.name_entry = number,
            _ => return false,
        }
        true
    }

    /// The number of the value with this name.
    pub fn named(&self, name: u32) -> Option<u32> {
        self.slots.values().get(name as usize).map(|place| place.name_entry).filter(|&number| number != NONE)
    }

    /// Makes a name free for another value, and says whose it was.
    pub fn take_name(&mut self, name: u32) -> Option<u32> {
        let number = self.named(name)?;
        self.slot(name)?.name_entry = NONE;
        Some(number)
    }

    /// Takes the value with this number out, with its turn and its deadline.
    pub fn remove(&mut self, number: u32) -> Option<V> {
        self.get(number)?;
        self.set_deadline(number, None);
        if self.slot(number).is_some_and(|slot| slot.next != NONE) {
            self.unlink_turn(number);
        }
        let value = self.slot(number)?.value.take();
        self.give_back(number);
        self.count = self.count.saturating_sub(1);
        value
    }

    /// The numbers of all values, in no particular order.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.slots
            .values()
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.value.is_some())
            .map(|(number, _)| number as u32)
    }

    /// Puts a value at the end of the queue of turns, unless it is in it already.
    pub fn give_turn(&mut self, number: u32) {
        let Some(slot) = self.slot(number).filter(|slot| slot.value.is_some() && slot.next == NONE) else {
            return;
        };
        slot.next = LAST;
        let last = core::mem::replace(&mut self.turn_last, number);
        match self.slot(last) {
            Some(slot) => slot.next = number,
            None => self.turn_first = number,
        }
    }

    /// Takes the first value out of the queue of turns.
    pub fn take_turn(&mut self) -> Option<u32> {
        let number = self.turn_first;
        let slot = self.slot(number)?;
        self.turn_first = core::mem::replace(&mut slot.next, NONE);
        if self.turn_first == LAST {
            (self.turn_first, self.turn_last) = (NONE, NONE);
        }
        Some(number)
    }

    /// Sets, moves or (with `None`) removes the deadline of a value.
    pub fn set_deadline(&mut self, number: u32, deadline: Option<Instant>) {
        let Some(slot) = self.slot(number).filter(|slot| slot.value.is_some()) else { return };
        slot.deadline = deadline.unwrap_or(Instant::FAR);
        let place = slot.heap_place;
        if self.slots.bound() <= FEW {
            return;
        }
        match (deadline, place) {
            (Some(_), NONE) => {
                let place = self.heap_count;
                self.heap_count = place.saturating_add(1);
                self.stand(place, number);
                self.sift(place);
            }
            (Some(_), place) => self.sift(place),
            (None, NONE) => {}
            (None, place) => {
                let last = self.heap_count.saturating_sub(1);
                let moved = self.at(last);
                self.heap_count = last;
                if let Some(slot) = self.slot(number) {
                    slot.heap_place = NONE;
                }
                if place != last {
                    self.stand(place, moved);
                    self.sift(place);
                }
            }
        }
    }

    /// The earliest deadline.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.slots.bound() <= FEW {
            let earliest = self.slots.values().iter().map(|slot| slot.deadline).min();
            return earliest.filter(|&deadline| deadline < Instant::FAR);
        }
        (self.heap_count > 0).then(|| self.deadline_at(0))
    }

    /// A value whose deadline has come; the deadline is removed.
    pub fn take_expired(&mut self, now: Instant) -> Option<u32> {
        if self.next_deadline()? > now {
            return None;
        }
        let number = if self.slots.bound() <= FEW {
            self.slots.values().iter().position(|slot| slot.deadline <= now)? as u32
        } else {
            self.at(0)
        };
        self.set_deadline(number, None);
        Some(number)
    }

    #[inline(never)] // for size: core/panic-check/run shows it
    fn slot(&mut self, number: u32) -> Option<&mut Slot<V>> {
        self.slots.values_mut().get_mut(number as usize)
    }

    /// Makes room for more values: a sixteenth more than now, as slots take memory whether they are used or not, and one
    /// at the position `past` for certain.
    fn grow(&mut self, past: usize) {
        let length = self.slots.values().len();
        let more = length.saturating_add(length / 16).saturating_add(4);
        let wanted = more.max(past.saturating_add(1)).min(self.bound());
        self.slots.grow(wanted, Slot::empty);
        for number in (length..self.slots.values().len()).rev() {
            self.give_back(number as u32);
        }
    }

    fn give_back(&mut self, number: u32) {
        let free = self.free;
        if let Some(slot) = self.slot(number) {
            // Only the arrays of the heap and of the names, which are of the positions and not of the values,
            // outlive the value.
            let (heap_entry, name_entry) = (slot.heap_entry, slot.name_entry);
            *slot = Slot { heap_entry, name_entry, next: free, ..Slot::empty() };
            self.free = number;
        }
    }

    fn unlink_turn(&mut self, number: u32) {
        let after = self.slot(number).map_or(NONE, |slot| core::mem::replace(&mut slot.next, NONE));
        if self.turn_first == number {
            self.turn_first = after;
            if after == LAST {
                (self.turn_first, self.turn_last) = (NONE, NONE);
            }
            return;
        }
        // Rare: a value is removed while it waits for its turn. The queue is as short as what is busy now.
        let mut before = self.turn_first;
        while let Some(slot) = self.slot(before) {
            if slot.next == number {
                slot.next = after;
                if after == LAST {
                    self.turn_last = before;
                }
                return;
            }
            before = slot.next;
        }
    }

    /// The slot at a position of the heap.
    fn at(&self, place: u32) -> u32 {
        self.slots.values().get(place as usize).map_or(NONE, |slot| slot.heap_entry)
    }

    fn deadline_at(&self, place: u32) -> Instant {
        self.slots.values().get(self.at(place) as usize).map_or(Instant::FAR, |slot| slot.deadline)
    }

    fn stand(&mut self, place: u32, number: u32) {
        if let Some(position) = self.slot(place) {
            position.heap_entry = number;
        }
        if let Some(slot) = self.slot(number) {
            slot.heap_place = place;
        }
    }

    fn exchange(&mut self, one: u32, other: u32) {
        let (first, second) = (self.at(one), self.at(other));
        self.stand(one, second);
        self.stand(other, first);
    }

    /// Moves what stands at `place` up or down to where its deadline belongs.
    fn sift(&mut self, place: u32) {
        let mut place = place;
        while place > 0 {
            let parent = place.wrapping_sub(1) / 2;
            if self.deadline_at(parent) <= self.deadline_at(place) {
                break;
            }
            self.exchange(parent, place);
            place = parent;
        }
        loop {
            let left = place.saturating_mul(2).saturating_add(1);
            if left >= self.heap_count {
                return;
            }
            let right = left.saturating_add(1);
            let right_is_earlier =
                right < self.heap_count && self.deadline_at(right) < self.deadline_at(left);
            let child = if right_is_earlier { right } else { left };
            if self.deadline_at(place) <= self.deadline_at(child) {
                return;
            }
            self.exchange(place, child);
            place = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::miri::fewer;
    use std::collections::{BTreeMap, VecDeque};

    type Fixed<const N: usize> = Table<u32, heapless::Vec<Slot<u32>, N>>;

    #[test]
    fn a_table_of_one_takes_one() {
        let mut table = Fixed::<1>::new(heapless::Vec::new());
        let number = table.insert(7).unwrap();
        assert_eq!(table.insert(8), Err(8));
        assert_eq!(table.remove(number), Some(7));
        assert_eq!(table.remove(number), None);
        assert!(table.insert(9).is_ok());
    }

    /// Random operations against maps and queues of the standard library.
    #[test]
    fn a_table_does_what_a_plain_model_does() {
        check::<16>();
        check::<{ FEW }>();
    }

    fn check<const N: usize>() {
        let mut random = 0x9e37_79b9_u64;
        let mut next = move |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let mut table = Fixed::<N>::new(heapless::Vec::new());
        let mut values = BTreeMap::new();
        let mut turns = VecDeque::new();
        let mut deadlines = BTreeMap::new();
        let mut names = BTreeMap::new();
        for step in 0..fewer(20_000, 100) {
            let some = next(N as u64) as u32;
            match next(8) {
                0 => match table.insert(step) {
                    Ok(number) => assert_eq!(values.insert(number, step), None),
                    Err(_) => assert_eq!(values.len(), N),
                },
                1 => {
                    if let Some(&name) =
                        names.iter().find(|&(_, &number)| number == some).map(|(name, _)| name)
                    {
                        assert_eq!(table.take_name(name), names.remove(&name));
                    }
                    assert_eq!(table.remove(some), values.remove(&some));
                    turns.retain(|&number| number != some);
                    deadlines.remove(&some);
                }
                2 => {
                    table.give_turn(some);
                    if values.contains_key(&some) && !turns.contains(&some) {
                        turns.push_back(some);
                    }
                }
                3 => assert_eq!(table.take_turn(), turns.pop_front()),
                4 => {
                    let deadline = (next(4) > 0).then(|| Instant::from_micros(next(50)));
                    table.set_deadline(some, deadline);
                    if values.contains_key(&some) {
                        deadlines.remove(&some);
                        deadline.map(|deadline| deadlines.insert(some, deadline));
                    }
                }
                5 => {
                    let name = next(N as u64 + 2) as u32;
                    if values.contains_key(&some) && !names.values().any(|&number| number == some) {
                        let is_free = (name as usize) < N && !names.contains_key(&name);
                        assert_eq!(table.set_name(name, some), is_free);
                        is_free.then(|| names.insert(name, some));
                    }
                }
                6 => assert_eq!(table.take_name(some), names.remove(&some)),
                _ => {
                    let now = Instant::from_micros(next(50));
                    let expired = table.take_expired(now).map(|number| deadlines.remove(&number).unwrap());
                    let earliest = deadlines.values().min().copied().into_iter().chain(expired).min();
                    assert_eq!(expired.is_some(), earliest.is_some_and(|deadline| deadline <= now));
                    assert!(
                        expired.is_none_or(
                            |deadline| deadline <= now && (N <= FEW || Some(deadline) == earliest)
                        )
                    );
                }
            }
            assert_eq!(table.count(), values.len());
            assert_eq!(table.named(some), names.get(&some).copied());
            assert_eq!(table.next_deadline(), deadlines.values().min().copied());
        }
    }
}
