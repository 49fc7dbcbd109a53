//! The files that are in use, by the machine's numbers.

use crate::storage::{Part, SETTLING, Source};
use skep_core::{
    Instant,
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

/// The storage of who has no files: of a tracker, above all.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl Storage for NoFiles {
    fn open(&mut self, _: Name<'_>) -> Result<Source, Fault> {
        Err(Fault::NotFound)
    }

    fn create(&mut self, _: Name<'_>, _: Option<u64>) -> Result<Part, Fault> {
        Err(Fault::NotAllowed)
    }

    fn replaces(&self) -> bool {
        false
    }
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
    /// Where the last of what was received ends so far.
    end: u64,
}

#[derive(Debug)]
pub(super) struct OpenFiles<F> {
    pub(super) storage: F,
    open: HashMap<FileId, Open>,
    /// Files that were opened and are not settled yet, and until when they have to be.
    settling: Vec<(FileId, Instant)>,
    late: u64,
}

impl<F: Storage> OpenFiles<F> {
    pub(super) fn new(storage: F) -> Self {
        Self { storage, open: HashMap::new(), settling: Vec::new(), late: 0 }
    }

    /// Opens a file; the answer comes from [`OpenFiles::settled`].
    pub(super) fn open(&mut self, now: Instant, file: FileId, name: Name<'_>) -> Result<(), Fault> {
        let (content, outcome) = match self.storage.open(name) {
            Ok(source) => (Content::Source(source), Ok(())),
            Err(fault) => (Content::Nothing, Err(fault)),
        };
        self.open.insert(file, Open { name: name.as_str().into(), content, end: 0 });
        if outcome.is_ok() {
            self.settling.push((file, now + SETTLING));
        }
        outcome
    }

    /// A file that was opened and can be read now: its length.
    pub(super) fn settled(&mut self, now: Instant) -> Option<(FileId, Result<u64, Fault>)> {
        let open = &mut self.open;
        let is_settled = |&(file, until): &(FileId, Instant)| match open.get_mut(&file) {
            Some(Open { content: Content::Source(source), .. }) => {
                source.settle().unwrap_or(true) || until <= now
            }
            _ => true,
        };
        let place = self.settling.iter().position(is_settled)?;
        let (file, _) = self.settling.swap_remove(place);
        Some((file, self.source(file).map(Source::len).ok_or(Fault::Failed)))
    }

    /// Whether there are files to look at soon.
    pub(super) fn are_settling(&self) -> bool {
        !self.settling.is_empty()
    }

    pub(super) fn create(&mut self, file: FileId, name: Name<'_>, length: Option<u64>) -> Result<(), Fault> {
        let (content, outcome) = match self.storage.create(name, length) {
            Ok(part) => (Content::Part(part), Ok(())),
            Err(fault) => (Content::Nothing, Err(fault)),
        };
        self.open.insert(file, Open { name: name.as_str().into(), content, end: 0 });
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

    /// So many bytes were received to this place, in so many segments.
    pub(super) fn received(&mut self, file: FileId, offset: u64, bytes: u64, segments: usize) {
        let Some(open) = self.open.get_mut(&file) else { return };
        if offset < open.end {
            self.late += segments as u64;
        }
        open.end = open.end.max(offset + bytes);
    }

    /// Segments that came behind later ones.
    pub(super) const fn late(&self) -> u64 {
        self.late
    }

    /// A file is done with: what was received of it and is not to be kept.
    pub(super) fn release(&mut self, file: FileId) -> Option<Part> {
        match self.open.remove(&file)?.content {
            Content::Part(part) => Some(part),
            Content::Source(_) | Content::Nothing => None,
        }
    }

    pub(super) fn name(&self, file: FileId) -> Option<&str> {
        Some(&self.open.get(&file)?.name)
    }
}
