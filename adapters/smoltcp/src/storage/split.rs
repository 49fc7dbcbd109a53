//! Two stores as one: what is written goes to the first, what is read is looked for in both.

use super::{Answer, Storage};
use core::task::Poll;
use heapless::Vec;
use skep_core::{
    stream::{Fault, FileId},
    wire::Name,
};

/// Files that can be written in `first`, and others beside them in `second`, a [`Rom`](super::Rom) for example. `OPEN`
/// is how many files may be in use at once. Both answer `open` at once.
#[derive(Debug)]
pub struct Split<A, B, const OPEN: usize> {
    /// What is written goes here, and what is here hides what the other has of that name.
    pub first: A,
    /// The rest.
    pub second: B,
    /// Files that are open in the second.
    open: Vec<FileId, OPEN>,
}

impl<A, B, const OPEN: usize> Split<A, B, OPEN> {
    /// These two.
    pub const fn new(first: A, second: B) -> Self {
        Self { first, second, open: Vec::new() }
    }

    fn is_second(&self, file: FileId) -> bool {
        self.open.contains(&file)
    }
}

impl<A: Storage, B: Storage, const OPEN: usize> Storage for Split<A, B, OPEN> {
    const WRITE_UNIT: usize = A::WRITE_UNIT;
    const ERASE_UNIT: usize = A::ERASE_UNIT;
    const RANDOM_WRITES: bool = A::RANDOM_WRITES;

    fn open(&mut self, file: FileId, name: Name<'_>) -> Answer<u64> {
        match self.first.open(file, name) {
            Poll::Ready(Err(Fault::NotFound)) => {}
            answer => return answer,
        }
        self.first.release(file);
        if self.open.push(file).is_err() {
            return Poll::Ready(Err(Fault::Busy));
        }
        self.second.open(file, name)
    }

    fn create(&mut self, file: FileId, name: Name<'_>, length: Option<u64>) -> Answer<u64> {
        self.first.create(file, name, length)
    }

    fn commit(&mut self, file: FileId) -> Answer<u64> {
        self.first.commit(file)
    }

    fn completed(&mut self, file: FileId) -> Answer<u64> {
        if self.is_second(file) { self.second.completed(file) } else { self.first.completed(file) }
    }

    fn read(&mut self, file: FileId, offset: u64, into: &mut [u8]) -> Answer<()> {
        if self.is_second(file) {
            self.second.read(file, offset, into)
        } else {
            self.first.read(file, offset, into)
        }
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Answer<()> {
        self.first.write(file, offset, bytes)
    }

    fn release(&mut self, file: FileId) {
        match self.open.iter().position(|open| *open == file) {
            Some(index) => {
                self.open.swap_remove(index);
                self.second.release(file);
            }
            None => self.first.release(file),
        }
    }

    fn resume_point(&mut self, name: Name<'_>, length: u64) -> u64 {
        self.first.resume_point(name, length)
    }
}
