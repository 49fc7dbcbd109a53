//! The files that are in use, by the machine's numbers.

use crate::storage::{Part, Source};
use skep_core::{
    stream::{Fault, FileId},
    wire::Name,
};
use std::collections::HashMap;

/// Where the files of an application are.
pub trait Storage {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// Why not.
    fn open(&mut self, name: Name<'_>) -> Result<Source, Fault>;

    /// Begins a new file.
    ///
    /// # Errors
    /// Why not.
    fn create(&mut self, name: Name<'_>, length: Option<u64>) -> Result<Part, Fault>;

    /// Whether a new file replaces an old one of its name.
    fn replaces(&self) -> bool;
}

#[derive(Debug)]
enum Content {
    Source(Source),
    Part(Part),
    /// It could not be opened, or is being committed.
    Nothing,
}

#[derive(Debug)]
struct Open {
    name: Box<str>,
    content: Content,
}

#[derive(Debug)]
pub(super) struct OpenFiles<F> {
    pub(super) storage: F,
    open: HashMap<FileId, Open>,
}

impl<F: Storage> OpenFiles<F> {
    pub(super) fn new(storage: F) -> Self {
        Self { storage, open: HashMap::new() }
    }

    pub(super) fn open(&mut self, file: FileId, name: Name<'_>) -> Result<u64, Fault> {
        let (content, outcome) = match self.storage.open(name) {
            Ok(source) => {
                let length = source.len();
                (Content::Source(source), Ok(length))
            }
            Err(fault) => (Content::Nothing, Err(fault)),
        };
        self.open.insert(file, Open { name: name.as_str().into(), content });
        outcome
    }

    pub(super) fn create(&mut self, file: FileId, name: Name<'_>, length: Option<u64>) -> Result<(), Fault> {
        let (content, outcome) = match self.storage.create(name, length) {
            Ok(part) => (Content::Part(part), Ok(())),
            Err(fault) => (Content::Nothing, Err(fault)),
        };
        self.open.insert(file, Open { name: name.as_str().into(), content });
        outcome
    }

    pub(super) fn source(&self, file: FileId) -> Option<&Source> {
        match &self.open.get(&file)?.content {
            Content::Source(source) => Some(source),
            _ => None,
        }
    }

    pub(super) fn part(&self, file: FileId) -> Option<&Part> {
        match &self.open.get(&file)?.content {
            Content::Part(part) => Some(part),
            _ => None,
        }
    }

    pub(super) fn take_part(&mut self, file: FileId) -> Option<Part> {
        match std::mem::replace(&mut self.open.get_mut(&file)?.content, Content::Nothing) {
            Content::Part(part) => Some(part),
            _ => None,
        }
    }

    pub(super) fn release(&mut self, file: FileId) {
        self.open.remove(&file);
    }

    pub(super) fn name(&self, file: FileId) -> Option<&str> {
        Some(&self.open.get(&file)?.name)
    }
}
