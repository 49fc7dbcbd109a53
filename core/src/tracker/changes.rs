//! The last changes of the list: only what changed, not how.
//!
//! ```text
//!   change   41      42      43      44          the newest is 44, the ring holds four
//!          [ user 3 | file 7 | user 3 | user 0 ]
//! ```
//!
//! Change 41 is no longer the last of user 3: who reads the ring passes it by, and gets 43. So changes to the same
//! entry merge for who is slow.

use crate::Memory;

const FILE: u32 = 1 << 31;

/// What a change was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    User(u32),
    File(u32),
}

/// The changes, numbered from 1.
#[derive(Debug)]
pub(super) struct Changes<M> {
    ring: M,
    last: u64,
}

impl<M: Memory<u32>> Changes<M> {
    pub(super) const fn new(ring: M) -> Self {
        Self { ring, last: 0 }
    }

    /// The number of the newest change; 0 before the first.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// One more change; its number.
    pub(super) fn push(&mut self, what: What) -> u64 {
        let bound = self.ring.bound();
        if self.ring.values().len() < bound {
            self.ring.grow(bound, || 0);
        }
        self.last = self.last.saturating_add(1);
        if let Some(place) = self.place(self.last)
            && let Some(entry) = self.ring.values_mut().get_mut(place)
        {
            *entry = match what {
                What::User(number) => number,
                What::File(number) => number | FILE,
            };
        }
        self.last
    }

    /// Whether every change after `number` is in the ring.
    pub(super) fn reaches(&self, number: u64) -> bool {
        self.last.saturating_sub(number) <= self.ring.values().len() as u64
    }

    /// What a change was about, if it is in the ring.
    pub(super) fn get(&self, number: u64) -> Option<What> {
        let entry = *self.ring.values().get(self.place(number)?)?;
        Some(if entry & FILE == 0 { What::User(entry) } else { What::File(entry & !FILE) })
    }

    fn place(&self, number: u64) -> Option<usize> {
        let length = core::num::NonZeroU64::new(self.ring.values().len() as u64)?;
        usize::try_from(number % length).ok()
    }
}
