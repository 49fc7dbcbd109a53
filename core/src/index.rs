//! From a hash to a number: a hash table with chains, in one memory.
//!
//! ```text
//!   cell      0          1          2          3
//!   bucket  [ 3 ]      [ - ]      [ - ]      [ - ]      the first number with a hash that falls here
//!   number  [ - ]      [   ]      [   ]      [ → 0 ]    the next one in its bucket, and its hash
//! ```

use crate::Memory;

const NONE: u32 = u32::MAX;
/// What follows a number that is not in.
const OUT: u32 = u32::MAX - 1;

/// A bucket, and the place in a chain of the entry with the same number. Opaque: it is public so that its memory
/// can be named.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cell {
    first: u32,
    after: u32,
    hash: u32,
}

impl Cell {
    const fn empty() -> Self {
        Self { first: NONE, after: OUT, hash: 0 }
    }
}

/// The index. Entries are numbers below the memory's bound.
#[derive(Debug)]
pub(crate) struct Index<M> {
    cells: M,
}

impl<M: Memory<Cell>> Index<M> {
    pub(crate) const fn new(cells: M) -> Self {
        Self { cells }
    }

    /// The most numbers that can be in.
    pub(crate) fn bound(&self) -> usize {
        self.cells.bound()
    }

    /// The number with this hash for which `is_it` holds.
    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let cells = self.cells.values();
        let mut number = cells.get(bucket(hash, cells.len())?)?.first;
        // A chain is as long as the memory at most: bounded even if it were wrong.
        for _ in 0..cells.len() {
            let cell = cells.get(number as usize)?;
            if cell.hash == hash && is_it(number) {
                return Some(number);
            }
            number = cell.after;
        }
        None
    }

    /// Enters `number`. `false`: the memory has no cell for it.
    #[must_use]
    pub(crate) fn insert(&mut self, hash: u32, number: u32) -> bool {
        let length = self.cells.values().len();
        if number as usize >= length {
            // An eighth more than now: cells take memory whether they are used or not.
            let more = (number as usize).saturating_add(length / 8).saturating_add(4);
            let wanted = more.min(self.cells.bound());
            self.cells.grow(wanted, Cell::empty);
            self.rebuild();
        }
        let Some(cell) = self.cell(number) else { return false };
        cell.hash = hash;
        self.link(number);
        true
    }

    /// Takes `number` out, if it is in.
    pub(crate) fn remove(&mut self, number: u32) {
        let length = self.cells.values().len();
        let Some(cell) = self.cell(number).filter(|cell| cell.after != OUT) else { return };
        let (hash, after) = (cell.hash, core::mem::replace(&mut cell.after, OUT));
        let Some(bucket) = bucket(hash, length) else { return };
        let Some(cell) = self.cells.values_mut().get_mut(bucket) else { return };
        if cell.first == number {
            cell.first = after;
            return;
        }
        let mut before = cell.first;
        for _ in 0..length {
            let Some(cell) = self.cell(before) else { return };
            if cell.after == number {
                cell.after = after;
                return;
            }
            before = cell.after;
        }
    }

    fn cell(&mut self, number: u32) -> Option<&mut Cell> {
        self.cells.values_mut().get_mut(number as usize)
    }

    fn link(&mut self, number: u32) {
        let length = self.cells.values().len();
        let Some(hash) = self.cell(number).map(|cell| cell.hash) else { return };
        let Some(bucket) = bucket(hash, length).and_then(|at| self.cells.values_mut().get_mut(at)) else {
            return;
        };
        let after = core::mem::replace(&mut bucket.first, number);
        if let Some(cell) = self.cell(number) {
            cell.after = after;
        }
    }

    /// There are more buckets now: every entry finds its place again.
    fn rebuild(&mut self) {
        self.cells.values_mut().iter_mut().for_each(|cell| cell.first = NONE);
        for number in 0..self.cells.values().len() {
            if self.cells.values().get(number).is_some_and(|cell| cell.after != OUT) {
                self.link(number as u32);
            }
        }
    }
}

/// A hash of bytes, another one for each `seed`: FNV-1a, of which all bits end in the high ones, by which a bucket is
/// found. Whoever chooses the bytes can make them all fall into one bucket: not for those of strangers.
pub(crate) fn hash_bytes(seed: u32, bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0x811c_9dc5 ^ seed, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
        .wrapping_mul(0x9e37_79b1)
}

/// The bucket of a hash among `length`, by a multiplication: no division, and any length will do.
fn bucket(hash: u32, length: usize) -> Option<usize> {
    (length > 0).then(|| ((u64::from(hash) * (length as u64 & 0xffff_ffff)) >> 32) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::miri::fewer;
    use std::collections::BTreeMap;

    #[test]
    fn an_index_does_what_a_plain_map_does() {
        let mut index = Index::new(heapless::Vec::<Cell, 32>::new());
        let mut model = BTreeMap::<u32, u32>::new();
        let mut random = 7_u64;
        for _ in 0..fewer(20_000, 20) {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (number, hash) =
                ((random >> 33) as u32 % 34, ((random >> 40) as u32 % 5).wrapping_mul(0x3333_3333));
            if number < 32 && model.remove(&number).is_some() {
                index.remove(number);
            } else {
                assert_eq!(index.insert(hash, number), number < 32);
                if number < 32 {
                    model.insert(number, hash);
                }
            }
            for number in 0..32 {
                for hash in 0..5_u32 {
                    let hash = hash.wrapping_mul(0x3333_3333);
                    let found = index.find(hash, |other| other == number);
                    assert_eq!(found.is_some(), model.get(&number) == Some(&hash));
                }
            }
        }
    }
}
