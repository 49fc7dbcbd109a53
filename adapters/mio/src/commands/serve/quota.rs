//! How much plain uploads may leave here, counted as seldom as can be: a count looks at every file.
//!
//! What is let in is added to what was counted, as if nothing were ever replaced, broken off or taken away again. Only when
//! that would be too much is it counted anew.

use skep_core::stream::Fault;
use std::time::{Duration, Instant};

/// What a file takes besides its length, in bytes: no more than that. Its last block, and what the file system keeps of it.
const FILE: u64 = 64 << 10;

/// After a count there is none for so many times as long as it took: the network does not wait for more than a tenth of
/// the time.
const REST: u32 = 9;

/// What a directory may hold, and what it holds at most.
#[derive(Debug)]
pub(in crate::commands) struct Quota {
    limit: u64,
    /// No less than is held, once that was counted.
    most: Option<u64>,
    /// When it may be counted again.
    again: Option<Instant>,
}

impl Quota {
    /// So many bytes may be held.
    pub(in crate::commands) const fn new(limit: u64) -> Self {
        Self { limit, most: None, again: None }
    }

    /// Lets in a file of this length; one whose length nobody knows fits into no quota. `held` counts.
    ///
    /// # Errors
    /// [`Fault::NoSpace`], or what counting met.
    pub(super) fn let_in(
        &mut self,
        length: Option<u64>,
        held: impl FnOnce() -> Result<u64, Fault>,
    ) -> Result<(), Fault> {
        let length = length.unwrap_or(u64::MAX);
        let is_rested = self.again.is_none_or(|again| again <= Instant::now());
        if !self.has_room(length) && is_rested {
            self.count(held)?;
        }
        if !self.has_room(length) {
            return Err(Fault::NoSpace);
        }
        self.most = self.most.map(|most| most.saturating_add(length).saturating_add(FILE));
        Ok(())
    }

    /// Counts what is held.
    ///
    /// # Errors
    /// What counting met.
    pub(super) fn count(&mut self, held: impl FnOnce() -> Result<u64, Fault>) -> Result<(), Fault> {
        let begin = Instant::now();
        self.most = Some(held()?);
        let rest = begin.elapsed().checked_mul(REST).unwrap_or(Duration::MAX);
        self.again = Instant::now().checked_add(rest);
        Ok(())
    }

    fn has_room(&self, length: u64) -> bool {
        self.most.and_then(|most| most.checked_add(length)).is_some_and(|sum| sum <= self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn it_is_counted_when_there_may_be_no_room_and_not_before() {
        let (mut quota, held, counts) = (Quota::new(10 * FILE), Cell::new(0), Cell::new(0));
        let mut let_in = |length| {
            quota.let_in(Some(length), || {
                counts.set(counts.get() + 1);
                Ok(held.get())
            })
        };
        for _ in 0..5 {
            let_in(FILE).unwrap();
        }
        assert_eq!(counts.get(), 1);
        // As far as it knows it is full. Some have replaced others.
        held.set(8 * FILE);
        while let_in(FILE).is_err() {
            assert_eq!(counts.get(), 1, "it rests");
        }
        assert_eq!(counts.get(), 2);
        held.set(9 * FILE);
        while counts.get() < 3 {
            assert_eq!(let_in(FILE + 1), Err(Fault::NoSpace));
        }
    }

    #[test]
    fn a_count_that_takes_long_is_rare_and_who_comes_meanwhile_is_refused() {
        let mut quota = Quota::new(FILE);
        let slow = || {
            std::thread::sleep(Duration::from_millis(100));
            Ok(FILE)
        };
        assert_eq!(quota.let_in(Some(1), slow), Err(Fault::NoSpace));
        assert_eq!(quota.let_in(Some(1), || unreachable!()), Err(Fault::NoSpace));
        assert_eq!(quota.let_in(Some(0), || unreachable!()), Ok(()));
    }

    #[test]
    fn a_length_that_is_not_known_or_no_number_fits_nowhere() {
        let mut quota = Quota::new(u64::MAX - 1);
        for length in [None, Some(u64::MAX)] {
            assert_eq!(quota.let_in(length, || Ok(1)), Err(Fault::NoSpace));
        }
    }
}
