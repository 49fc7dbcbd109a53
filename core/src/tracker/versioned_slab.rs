//! Places with numbers, each of which remembers when it last changed.
//!
//! ```text
//!   place     0              1              2
//!           [ ana | 12 ]   [  -  | 15 ]   [ bob | 9 ]        value, number of the last change
//! ```
//!
//! A place that was left keeps its number: whoever is told what changed since 13 is told that place 1 is empty. So
//! no removal is ever forgotten, whatever the length of the ring of changes.

use crate::Memory;

const NONE: u32 = u32::MAX;

/// A place for one value. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct Place<V> {
    value: Option<V>,
    /// The change that made it look as it does to everybody but its owner.
    pub(super) version: u64,
    /// The change that made it look as it does to its owner, who is told nothing of its own.
    pub(super) freed: u64,
    /// The user whose value is or was the last in it.
    pub(super) owner: u32,
    next: u32,
}

impl<V> Place<V> {
    const fn empty() -> Self {
        Self { value: None, version: 0, freed: 0, owner: NONE, next: NONE }
    }

    pub(super) const fn value(&self) -> Option<&V> {
        self.value.as_ref()
    }
}

/// Places in a memory.
#[derive(Debug)]
pub(super) struct VersionedSlab<V, M> {
    places: M,
    free: u32,
    count: u32,
    value: core::marker::PhantomData<V>,
}

impl<V, M: Memory<Place<V>>> VersionedSlab<V, M> {
    pub(super) const fn new(places: M) -> Self {
        Self { places, free: NONE, count: 0, value: core::marker::PhantomData }
    }

    pub(super) const fn count(&self) -> usize {
        self.count as usize
    }

    /// One more than the highest number that was ever given.
    pub(super) fn reach(&self) -> u32 {
        self.places.values().len() as u32
    }

    pub(super) fn place(&self, number: u32) -> Option<&Place<V>> {
        self.places.values().get(number as usize)
    }

    pub(super) fn get(&self, number: u32) -> Option<&V> {
        self.place(number)?.value.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut V> {
        self.place_mut(number)?.value.as_mut()
    }

    pub(super) fn place_mut(&mut self, number: u32) -> Option<&mut Place<V>> {
        self.places.values_mut().get_mut(number as usize)
    }

    /// Puts a value in and gives it a number. `owner` is the user that is told nothing of it; `None` for the user
    /// that the value is.
    pub(super) fn insert(&mut self, value: V, owner: Option<u32>) -> Option<u32> {
        if self.free == NONE {
            self.grow();
        }
        let number = self.free;
        let place = self.place_mut(number)?;
        let is_user = owner.is_none();
        let owner = owner.unwrap_or(number);
        if place.owner != owner || is_user {
            place.freed = place.version;
        }
        place.owner = owner;
        place.value = Some(value);
        self.free = core::mem::replace(&mut self.place_mut(number)?.next, NONE);
        self.count = self.count.saturating_add(1);
        Some(number)
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<V> {
        let free = self.free;
        let place = self.place_mut(number)?;
        let value = place.value.take()?;
        place.next = free;
        self.free = number;
        self.count = self.count.saturating_sub(1);
        Some(value)
    }

    fn grow(&mut self) {
        let length = self.places.values().len();
        let more = length.saturating_add(length / 16).saturating_add(4);
        let wanted = more.min(self.places.bound()).min(NONE as usize >> 1);
        self.places.grow(wanted, Place::empty);
        for number in (length..self.places.values().len()).rev() {
            let free = self.free;
            if let Some(place) = self.place_mut(number as u32) {
                place.next = free;
                self.free = number as u32;
            }
        }
    }
}
