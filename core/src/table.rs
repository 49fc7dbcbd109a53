//! Many of one thing, each with a turn and a deadline: connections of an endpoint, sessions of a server.
//!
//! ```text
//!   slot   0        1        2        3            one memory; every list is threaded through its slots
//!        [ value ][ value ][  -    ][ value ]
//!   turn:  3 → 0                                   first in, first out; each at most once
//!   tree:           1                              a tournament: of two deadlines the earlier one goes up, and
//!                 /   \                            the first of all stands at the root. Node n is in slot n, and
//!                2     3                           above nodes 2n and 2n + 1; as many as there are slots, and more,
//!               0 1   2 3                          are the slots themselves
//!   free:  2
//!   name:  [-, 0, -, 3]                            a number that others chose (a stream), and whose it is
//! ```
//!
//! All operations take constant time, those with deadlines the logarithm of the number of slots, and mostly less. A table
//! of few has no tree: it looks at all of them.

use crate::{Instant, Memory};
use core::marker::PhantomData;

const NONE: u32 = u32::MAX;
/// What comes after the last whose turn it is.
const LAST: u32 = u32::MAX - 1;

/// Up to so many values need no tree. A device's bound is a constant: the other code is left out.
const FEW: usize = 4;

/// Room for one value and its places in the table's lists. `N` is [`ByName`] where values have names.
#[derive(Debug)]
pub struct Slot<V, N = ()> {
    value: Option<V>,
    deadline: Instant,
    /// The slot with the earliest deadline below the node of this number.
    earliest: u32,
    /// Of one whose turn it is: the next one, or `LAST`. Of a free one: the next free one.
    next: u32,
    name: N,
}

/// Which slot has a slot's position as its name, if one has. Opaque: it is public so that its room can be named.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ByName(u32);

/// Room for a value that may have a name.
pub type Named<V> = Slot<V, ByName>;

impl Default for ByName {
    fn default() -> Self {
        Self(NONE)
    }
}

impl<V, N: Default> Slot<V, N> {
    fn empty() -> Self {
        Self { value: None, deadline: Instant::FAR, earliest: 0, next: NONE, name: N::default() }
    }
}

/// Values by number, with a queue of those whose turn it is and a tree of deadlines.
#[derive(Debug)]
pub struct Table<V, M, N = ()> {
    slots: M,
    free: u32,
    count: u32,
    turn_first: u32,
    turn_last: u32,
    value: PhantomData<(V, N)>,
}

impl<V, N: Default + Copy, M: Memory<Slot<V, N>>> Table<V, M, N> {
    /// A table in `slots`, which must be empty.
    pub const fn new(slots: M) -> Self {
        Self { slots, free: NONE, count: 0, turn_first: NONE, turn_last: NONE, value: PhantomData }
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
        let deadline = deadline.unwrap_or(Instant::FAR);
        let Some(slot) = self.slot(number).filter(|slot| slot.value.is_some()) else { return };
        if core::mem::replace(&mut slot.deadline, deadline) != deadline {
            self.play(number);
        }
    }

    /// The earliest deadline.
    pub fn next_deadline(&self) -> Option<Instant> {
        let first = if self.slots.bound() <= FEW {
            self.slots.values().iter().map(|slot| slot.deadline).min()?
        } else {
            self.deadline(self.earliest(1))
        };
        (first < Instant::FAR).then_some(first)
    }

    /// The value whose deadline comes first, if it has come; the deadline is removed.
    pub fn take_expired(&mut self, now: Instant) -> Option<u32> {
        let first = self.next_deadline()?;
        if first > now {
            return None;
        }
        let number = if self.slots.bound() <= FEW {
            self.slots.values().iter().position(|slot| slot.deadline == first)? as u32
        } else {
            self.earliest(1)
        };
        self.set_deadline(number, None);
        Some(number)
    }

    #[inline(never)] // for size: core/panic-check/run shows it
    fn slot(&mut self, number: u32) -> Option<&mut Slot<V, N>> {
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
        // Every slot has another place below the tree now.
        if self.slots.bound() > FEW {
            for node in (1..self.slots.values().len()).rev() {
                self.decide(node as u32);
            }
        }
    }

    fn give_back(&mut self, number: u32) {
        let free = self.free;
        if let Some(slot) = self.slot(number) {
            // Only the tree and the array of names, which are of the positions and not of the values, outlive the value.
            let (earliest, name) = (slot.earliest, slot.name);
            *slot = Slot { earliest, name, next: free, ..Slot::empty() };
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

    /// The slot with the earliest deadline below a node.
    fn earliest(&self, node: u32) -> u32 {
        let slots = self.slots.values();
        let below = (node as usize).checked_sub(slots.len()).map(|number| number as u32);
        below.unwrap_or_else(|| slots.get(node as usize).map_or(NONE, |slot| slot.earliest))
    }

    fn deadline(&self, number: u32) -> Instant {
        self.slots.values().get(number as usize).map_or(Instant::FAR, |slot| slot.deadline)
    }

    /// Which deadline goes up at a node; which one has gone up before.
    fn decide(&mut self, node: u32) -> (u32, u32) {
        let (one, other) = (self.earliest(node << 1), self.earliest(node << 1 | 1));
        let winner = if self.deadline(other) < self.deadline(one) { other } else { one };
        let before = self.slot(node).map_or(winner, |slot| core::mem::replace(&mut slot.earliest, winner));
        (winner, before)
    }

    /// The deadline of a slot is another one: up to where this makes no difference, everything is decided again.
    fn play(&mut self, number: u32) {
        if self.slots.bound() <= FEW {
            return;
        }
        let mut node = number.wrapping_add(self.slots.values().len() as u32) >> 1;
        while node > 0 {
            let (winner, before) = self.decide(node);
            if winner == before && winner != number {
                return;
            }
            node >>= 1;
        }
    }
}

impl<V, M: Memory<Named<V>>> Table<V, M, ByName> {
    /// Gives a value a name besides its number: a number that others chose, below [`Table::bound`]. `false`: it
    /// is not, or another value has it. A value outlives its name, and has to lose it before it is removed.
    #[must_use]
    pub fn set_name(&mut self, name: u32, number: u32) -> bool {
        let length = self.slots.values().len();
        if name as usize >= length && (name as usize) < self.bound() {
            self.grow(name as usize);
        }
        match self.slot(name) {
            Some(place) if place.name.0 == NONE => place.name.0 = number,
            _ => return false,
        }
        true
    }

    /// The number of the value with this name.
    pub fn named(&self, name: u32) -> Option<u32> {
        self.slots.values().get(name as usize).map(|place| place.name.0).filter(|&number| number != NONE)
    }

    /// Makes a name free for another value, and says whose it was.
    pub fn take_name(&mut self, name: u32) -> Option<u32> {
        let number = self.named(name)?;
        self.slot(name)?.name.0 = NONE;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::miri::fewer;
    use std::collections::{BTreeMap, VecDeque};

    type Fixed<const N: usize> = Table<u32, heapless::Vec<Named<u32>, N>, ByName>;

    #[test]
    fn a_table_of_one_takes_one() {
        let mut table = Fixed::<1>::new(heapless::Vec::new());
        let number = table.insert(7).unwrap();
        assert_eq!(table.insert(8), Err(8));
        assert_eq!(table.remove(number), Some(7));
        assert_eq!(table.remove(number), None);
        assert!(table.insert(9).is_ok());
    }

    #[test]
    fn at_the_end_of_time_only_what_has_a_deadline_expires() {
        let mut table = Fixed::<2>::new(heapless::Vec::new());
        let (_, timed) = (table.insert(1).unwrap(), table.insert(2).unwrap());
        table.set_deadline(timed, Some(Instant::from_micros(9)));
        assert_eq!(table.take_expired(Instant::FAR), Some(timed));
        assert_eq!(table.take_expired(Instant::FAR), None);
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
                    assert!(expired.is_none_or(|deadline| deadline <= now && Some(deadline) == earliest));
                }
            }
            assert_eq!(table.count(), values.len());
            assert_eq!(table.named(some), names.get(&some).copied());
            assert_eq!(table.next_deadline(), deadlines.values().min().copied());
        }
    }
}
