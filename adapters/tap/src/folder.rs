//! The files of this host, as storage of the machine.

use skep::storage::{Directory, Part, SETTLING, Source};
use skep_core::{
    stream::{Fault, FileId},
    wire::Name,
};
use skep_smoltcp::storage::{Answer, Storage};
use std::{
    collections::HashMap,
    task::Poll::{Pending, Ready},
    time::Instant,
};

#[derive(Debug)]
enum Open {
    /// It has just changed, and might again, unseen.
    Settling(Source, Instant),
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
        match self.with(name, Directory::open_file) {
            Ok(source) => {
                self.open.insert(file.0, Open::Settling(source, Instant::now()));
                self.completed(file)
            }
            Err(fault) => Ready(Err(fault)),
        }
    }

    fn completed(&mut self, file: FileId) -> Answer<u64> {
        let Some(Open::Settling(mut source, since)) = self.open.remove(&file.0) else {
            return Ready(Err(Fault::Failed));
        };
        match source.settle() {
            Err(_) => Ready(Err(Fault::Failed)),
            Ok(false) if since.elapsed() < SETTLING => {
                self.open.insert(file.0, Open::Settling(source, since));
                Pending
            }
            Ok(_) => {
                let length = source.len();
                self.open.insert(file.0, Open::Source(source));
                Ready(Ok(length))
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_of_a_file_before_each_further_change_would_be_seen() {
        let home = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(Directory::open(home.path()).unwrap());
        let mut waited = 0;
        for number in 0..20 {
            let (file, name) = (FileId(number), format!("file-{number}"));
            let path = home.path().join(&name);
            std::fs::write(&path, "first").unwrap();
            let mut answer = folder.open(file, Name::new(name.as_bytes()).unwrap());
            while answer.is_pending() {
                assert_eq!(folder.read(file, 0, &mut [0; 5]), Ready(Err(Fault::Failed)));
                waited += 1;
                answer = folder.completed(file);
            }
            assert_eq!(answer, Ready(Ok(5)));
            std::fs::write(&path, "other").unwrap();
            assert_eq!(folder.read(file, 0, &mut [0; 5]), Ready(Err(Fault::Changed)), "{name}");
            folder.release(file);
        }
        // The kernel's clock has a tick of milliseconds: not each file was written at its end.
        assert!(waited > 0);
    }
}
