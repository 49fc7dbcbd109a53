//! Files in the image.

use super::{Answer, Storage};
use core::task::Poll::Ready;
use heapless::Vec;
use skep_core::{
    stream::{Fault, FileId},
    wire::Name,
};

/// Files that are there from the start and stay as they are, of which `OPEN` may be in use at once.
#[derive(Debug)]
pub struct Rom<'f, const OPEN: usize> {
    files: &'f [(&'f str, &'f [u8])],
    open: Vec<(FileId, &'f [u8]), OPEN>,
}

impl<'f, const OPEN: usize> Rom<'f, OPEN> {
    /// These, by name.
    pub const fn new(files: &'f [(&'f str, &'f [u8])]) -> Self {
        Self { files, open: Vec::new() }
    }
}

impl<const OPEN: usize> Storage for Rom<'_, OPEN> {
    const WRITE_UNIT: usize = 1;
    const ERASE_UNIT: usize = 1;
    const RANDOM_WRITES: bool = true;

    fn open(&mut self, file: FileId, name: Name<'_>) -> Answer<u64> {
        let found = self.files.iter().find(|(known, _)| *known == name.as_str());
        let Some((_, content)) = found else { return Ready(Err(Fault::NotFound)) };
        let pushed = self.open.push((file, content));
        Ready(pushed.map(|()| content.len() as u64).map_err(|_| Fault::Busy))
    }

    fn create(&mut self, _: FileId, _: Name<'_>, _: Option<u64>) -> Answer<u64> {
        Ready(Err(Fault::NotAllowed))
    }

    fn commit(&mut self, _: FileId) -> Answer<u64> {
        Ready(Err(Fault::NotAllowed))
    }

    fn read(&mut self, file: FileId, offset: u64, into: &mut [u8]) -> Answer<()> {
        let content = self.open.iter().find(|open| open.0 == file).map(|open| open.1);
        Ready(super::copy(content.unwrap_or_default(), offset, into))
    }

    fn write(&mut self, _: FileId, _: u64, _: &[u8]) -> Answer<()> {
        Ready(Err(Fault::NotAllowed))
    }

    fn release(&mut self, file: FileId) {
        if let Some(index) = self.open.iter().position(|open| open.0 == file) {
            self.open.swap_remove(index);
        }
    }
}
