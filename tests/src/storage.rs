//! Files in memory, and the ways in which storage fails.

use skep_core::{
    Instant,
    stream::{Fault, FileId},
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// What goes wrong. Counts are from 1: the first is 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// This write and all after it fail.
    pub write: Option<u64>,
    /// This read and all after it fail.
    pub read: Option<u64>,
    /// Creating fails.
    pub create: bool,
    /// Committing fails.
    pub commit: bool,
    /// There is room for so many bytes.
    pub room: Option<u64>,
    /// How long opening and creating takes.
    pub slow_open: Duration,
    /// How long committing takes.
    pub slow_commit: Duration,
}

#[derive(Debug)]
struct Open {
    name: String,
    /// What is written, until it is committed; `None` for a file that is read.
    part: Option<Vec<u8>>,
}

/// The storage of one node.
#[derive(Debug, Default)]
pub struct Storage {
    /// What is visible under its name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What goes wrong.
    pub faults: Faults,
    open: BTreeMap<u32, Open>,
    answers: VecDeque<(Instant, FileId, Result<u64, Fault>)>,
    writes: u64,
    reads: u64,
    written: u64,
}

impl Storage {
    /// Files that were created or opened and not released yet.
    pub fn in_use(&self) -> usize {
        self.open.len()
    }

    /// How often content was written so far.
    pub const fn writes(&self) -> u64 {
        self.writes
    }

    /// How often content was read so far.
    pub const fn reads(&self) -> u64 {
        self.reads
    }

    /// The next answer that is owed.
    pub(crate) fn next_answer(&self) -> Option<Instant> {
        self.answers.iter().map(|answer| answer.0).min()
    }

    pub(crate) fn take_answer(&mut self, now: Instant) -> Option<(FileId, Result<u64, Fault>)> {
        let place = self.answers.iter().position(|answer| answer.0 <= now)?;
        self.answers.remove(place).map(|(_, file, outcome)| (file, outcome))
    }

    /// The answer about this file, if it has come.
    pub(crate) fn take_answer_of(&mut self, now: Instant, file: FileId) -> Option<Result<u64, Fault>> {
        let is_it = |answer: &(Instant, FileId, _)| answer.0 <= now && answer.1 == file;
        let place = self.answers.iter().position(is_it)?;
        self.answers.remove(place).map(|(.., outcome)| outcome)
    }

    pub(crate) fn open(&mut self, now: Instant, file: FileId, name: &str) {
        let outcome = self.files.get(name).map(|content| content.len() as u64).ok_or(Fault::NotFound);
        self.enter(file, Open { name: name.into(), part: None });
        self.answer(now + self.faults.slow_open, file, outcome);
    }

    pub(crate) fn create(&mut self, now: Instant, file: FileId, name: &str, length: Option<u64>) {
        let outcome = match (self.faults.create, self.faults.room, length) {
            (true, ..) => Err(Fault::Failed),
            // Storage that sets room aside sees it at once; a length that nobody knows shows up later.
            (_, Some(0), Some(1..)) => Err(Fault::NoSpace),
            _ => Ok(0),
        };
        self.enter(file, Open { name: name.into(), part: Some(Vec::new()) });
        self.answer(now + self.faults.slow_open, file, outcome);
    }

    pub(crate) fn commit(&mut self, now: Instant, file: FileId) {
        let Some(Open { name, part: Some(part) }) = self.open.get_mut(&file.0) else {
            panic!("commit {file:?}")
        };
        let length = part.len() as u64;
        let outcome = if self.faults.commit {
            Err(Fault::Failed)
        } else {
            self.files.insert(name.clone(), std::mem::take(part));
            Ok(length)
        };
        self.answer(now + self.faults.slow_commit, file, outcome);
    }

    pub(crate) fn release(&mut self, file: FileId) {
        assert!(!self.answers.iter().any(|answer| answer.1 == file), "released before the answer: {file:?}");
        assert!(self.open.remove(&file.0).is_some(), "released twice: {file:?}");
    }

    pub(crate) fn read(&mut self, file: FileId, offset: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.reads += 1;
        if self.faults.read.is_some_and(|first| self.reads >= first) {
            return Err(Fault::Failed);
        }
        let open = self.open.get(&file.0).unwrap_or_else(|| panic!("read {file:?}, which is not open"));
        let content = self.files.get(&open.name).ok_or(Fault::Changed)?;
        let range = content.get(offset as usize..offset as usize + into.len()).ok_or(Fault::Changed)?;
        into.copy_from_slice(range);
        Ok(())
    }

    pub(crate) fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.writes += 1;
        if self.faults.write.is_some_and(|first| self.writes >= first) {
            return Err(Fault::Failed);
        }
        self.written += bytes.len() as u64;
        if self.faults.room.is_some_and(|room| self.written > room) {
            return Err(Fault::NoSpace);
        }
        let Some(Open { part: Some(part), .. }) = self.open.get_mut(&file.0) else {
            panic!("write {file:?}, which was not created")
        };
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        if part.len() < end {
            part.resize(end, 0);
        }
        part[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn enter(&mut self, file: FileId, open: Open) {
        assert!(self.open.insert(file.0, open).is_none(), "{file:?} is in use");
    }

    fn answer(&mut self, at: Instant, file: FileId, outcome: Result<u64, Fault>) {
        self.answers.push_back((at, file, outcome));
    }
}
