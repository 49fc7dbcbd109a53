//! Whether a file is the one that was announced.

use core::task::Poll;
use skep_core::{
    stream::{Fault, FileId},
    wire::Name,
};
use skep_smoltcp::{Storage, storage::Answer};

/// A BLAKE3 hash.
pub type Hash = [u8; 32];

/// A store into which one file at a time is written, in order, and which makes it visible only if it has the hash by
/// which it was announced.
///
/// The hash is taken of what the store has taken, as it comes.
#[derive(Debug)]
pub struct Checked<S> {
    store: S,
    hasher: blake3::Hasher,
    announced: Option<Hash>,
    is_refused: bool,
}

impl<S: Storage> Checked<S> {
    /// A store that expects nothing so far, and takes all.
    pub fn new(store: S) -> Self {
        const { assert!(!S::RANDOM_WRITES, "a hash is taken from the start to the end") };
        Self { store, hasher: blake3::Hasher::new(), announced: None, is_refused: false }
    }

    /// The next file has to have this hash; `None`: any.
    pub const fn expect(&mut self, announced: Option<Hash>) {
        self.announced = announced;
        self.is_refused = false;
    }

    /// Whether the file has to have a hash.
    pub const fn is_checked(&self) -> bool {
        self.announced.is_some()
    }

    /// Whether the last file was not what was announced.
    pub const fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// The hash of the last file.
    pub fn hash(&self) -> Hash {
        self.hasher.finalize().into()
    }
}

impl<S: Storage> Storage for Checked<S> {
    const WRITE_UNIT: usize = S::WRITE_UNIT;
    const ERASE_UNIT: usize = S::ERASE_UNIT;
    const RANDOM_WRITES: bool = false;

    fn open(&mut self, file: FileId, name: Name<'_>) -> Answer<u64> {
        self.store.open(file, name)
    }

    fn create(&mut self, file: FileId, name: Name<'_>, length: Option<u64>) -> Answer<u64> {
        self.hasher.reset();
        self.store.create(file, name, length)
    }

    fn commit(&mut self, file: FileId) -> Answer<u64> {
        self.is_refused = self.announced.is_some_and(|announced| announced != self.hash());
        if self.is_refused { Poll::Ready(Err(Fault::Changed)) } else { self.store.commit(file) }
    }

    fn completed(&mut self, file: FileId) -> Answer<u64> {
        self.store.completed(file)
    }

    fn read(&mut self, file: FileId, offset: u64, into: &mut [u8]) -> Answer<()> {
        self.store.read(file, offset, into)
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Answer<()> {
        let answer = self.store.write(file, offset, bytes);
        if answer == Poll::Ready(Ok(())) {
            self.hasher.update(bytes);
        }
        answer
    }

    fn release(&mut self, file: FileId) {
        self.store.release(file);
    }
}
