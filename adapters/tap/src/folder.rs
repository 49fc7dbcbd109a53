//! The files of this host, as storage of the machine.

use skep::storage::{Directory, Part, Source};
use skep_core::{
    stream::{Fault, FileId},
    wire::Name,
};
use skep_smoltcp::storage::{Answer, Storage};
use std::{collections::HashMap, task::Poll::Ready};

#[derive(Debug)]
enum Open {
    Source(Source),
    Part(Part),
}

/// A directory, or one file in it.
#[derive(Debug)]
pub(crate) struct Folder {
    directory: Directory,
    /// Whatever a file is called by the other side, it is this one here.
    only: Option<String>,
    open: HashMap<u32, Open>,
}

impl Folder {
    /// All files of a directory.
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory, only: None, open: HashMap::new() }
    }

    /// One file of a directory, by whatever name.
    pub(crate) fn only(directory: Directory, name: String) -> Self {
        Self { only: Some(name), ..Self::new(directory) }
    }

    fn with<T>(
        &self,
        name: Name<'_>,
        act: impl FnOnce(&Directory, Name<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        match &self.only {
            None => act(&self.directory, name),
            Some(only) => act(&self.directory, Name::new(only.as_bytes()).map_err(|_| Fault::BadName)?),
        }
    }
}

impl Storage for Folder {
    const WRITE_UNIT: usize = 1;
    const ERASE_UNIT: usize = 1;
    const RANDOM_WRITES: bool = true;

    fn open(&mut self, file: FileId, name: Name<'_>) -> Answer<u64> {
        Ready(self.with(name, Directory::open_file).map(|source| {
            let length = source.len();
            self.open.insert(file.0, Open::Source(source));
            length
        }))
    }

    fn create(&mut self, file: FileId, name: Name<'_>, length: Option<u64>) -> Answer<u64> {
        let created = self.with(name, |directory, name| directory.create(name, length));
        Ready(created.map(|part| {
            self.open.insert(file.0, Open::Part(part));
            0
        }))
    }

    fn commit(&mut self, file: FileId) -> Answer<u64> {
        Ready(match self.open.remove(&file.0) {
            Some(Open::Part(part)) => part.commit(true),
            _ => Err(Fault::Failed),
        })
    }

    fn read(&mut self, file: FileId, offset: u64, into: &mut [u8]) -> Answer<()> {
        let Some(Open::Source(source)) = self.open.get(&file.0) else { return Ready(Err(Fault::Failed)) };
        Ready(source.read_at(into, offset).and_then(|()| source.unchanged()))
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Answer<()> {
        let Some(Open::Part(part)) = self.open.get(&file.0) else { return Ready(Err(Fault::Failed)) };
        Ready(part.write_at(bytes, offset))
    }

    fn release(&mut self, file: FileId) {
        self.open.remove(&file.0);
    }
}
