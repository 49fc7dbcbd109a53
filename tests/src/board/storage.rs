//! The storage of the other scenarios, as a board sees it.

use super::Clocked;
use crate::Storage;
use skep_core::{Instant, stream::FileId, wire::Name};
use skep_smoltcp::storage::Answer;
use std::task::Poll;

/// Files in memory, with their faults, which can be written in any order or not.
#[derive(Debug, Default)]
pub struct BoardStorage<const RANDOM_WRITES: bool = true> {
    /// The files.
    pub files: Storage,
    now: Instant,
    /// Where the next write has to begin, where they come in order.
    next: std::collections::BTreeMap<u32, u64>,
    /// Of so many spans of 0.7 ms there is one in which requests to read or write are answered, and in the others they
    /// have to be made again; 0 for always.
    pub reluctance: u64,
}

impl<const RANDOM_WRITES: bool> BoardStorage<RANDOM_WRITES> {
    fn is_busy(&self) -> bool {
        self.reluctance > 0 && !(self.now.as_micros() / 700).is_multiple_of(self.reluctance)
    }
}

impl<const RANDOM_WRITES: bool> Clocked for BoardStorage<RANDOM_WRITES> {
    fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    fn next_answer(&self) -> Option<Instant> {
        self.files.next_answer()
    }

    fn in_use(&self) -> usize {
        self.files.in_use()
    }
}

impl<const RANDOM_WRITES: bool> skep_smoltcp::Storage for BoardStorage<RANDOM_WRITES> {
    const WRITE_UNIT: usize = 1;
    const ERASE_UNIT: usize = 1;
    const RANDOM_WRITES: bool = RANDOM_WRITES;

    fn open(&mut self, file: FileId, name: Name<'_>) -> Answer<u64> {
        self.files.open(self.now, file, name.as_str());
        self.completed(file)
    }

    fn create(&mut self, file: FileId, name: Name<'_>, length: Option<u64>) -> Answer<u64> {
        self.next.insert(file.0, 0);
        self.files.create(self.now, file, name.as_str(), length);
        self.completed(file)
    }

    fn commit(&mut self, file: FileId) -> Answer<u64> {
        self.files.commit(self.now, file);
        self.completed(file)
    }

    fn completed(&mut self, file: FileId) -> Answer<u64> {
        self.files.take_answer_of(self.now, file).map_or(Poll::Pending, Poll::Ready)
    }

    fn read(&mut self, file: FileId, offset: u64, into: &mut [u8]) -> Answer<()> {
        if self.is_busy() {
            return Poll::Pending;
        }
        Poll::Ready(self.files.read(file, offset, into))
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Answer<()> {
        if self.is_busy() {
            return Poll::Pending;
        }
        let next = self.next.insert(file.0, offset + bytes.len() as u64);
        assert!(RANDOM_WRITES || next == Some(offset), "a write at {offset}, and not at {next:?}");
        Poll::Ready(self.files.write(file, offset, bytes))
    }

    fn release(&mut self, file: FileId) {
        self.files.release(file);
    }
}
