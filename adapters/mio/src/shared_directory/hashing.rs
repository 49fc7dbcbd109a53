//! Hashes of large files, piece by piece: the thread has other things to do in between.

use super::scan::Stamp;
use crate::storage::{Directory, Source};
use skep_core::wire::Name;
use std::{collections::VecDeque, path::Path};

/// Bytes hashed before it is looked whether there is something more urgent.
const PIECE: usize = 1 << 20;

/// The files that are to be hashed.
#[derive(Default)]
pub(super) struct Hashing {
    waiting: VecDeque<String>,
    current: Option<Current>,
}

struct Current {
    name: String,
    /// How the file looked when it was opened: another may get its name meanwhile.
    stamp: Stamp,
    source: Source,
    hasher: blake3::Hasher,
    offset: u64,
}

/// What came of a piece.
pub(super) enum Hashed {
    /// There is nothing to hash.
    Nothing,
    /// There is more.
    More,
    /// A file is hashed: its name, how it looked, its hash.
    Done(String, Stamp, [u8; 32]),
}

impl Hashing {
    pub(super) fn push(&mut self, name: &str) {
        self.waiting.push_back(name.to_owned());
    }

    /// Whether there is nothing to hash.
    pub(super) fn is_idle(&self) -> bool {
        self.current.is_none() && self.waiting.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Goes on with one piece. `wanted` says how a file looked that still needs a hash.
    pub(super) fn step(&mut self, root: &Path, wanted: impl Fn(&str) -> Option<Stamp>) -> Hashed {
        let Some(mut current) = self.current.take() else {
            let Some(name) = self.waiting.pop_front() else { return Hashed::Nothing };
            self.current = wanted(&name).and_then(|stamp| Current::open(root, name, &stamp));
            return Hashed::More;
        };
        if !current.hash_a_piece() {
            // It has changed: somebody will be seen to close it. Or it could not be read: a walk asks again.
            return Hashed::More;
        }
        if current.offset < current.source.len() {
            self.current = Some(current);
            return Hashed::More;
        }
        Hashed::Done(current.name, current.stamp, *current.hasher.finalize().as_bytes())
    }
}

impl Current {
    /// Opens a file that is still as it was.
    fn open(root: &Path, name: String, stamp: &Stamp) -> Option<Self> {
        let directory = Directory::open(root).ok()?;
        let source = directory.open_file(Name::new(name.as_bytes()).ok()?).ok()?;
        let is_same = Stamp::of(&source.file().metadata().ok()?).same_content(stamp);
        is_same.then(|| Self { name, stamp: *stamp, source, hasher: blake3::Hasher::new(), offset: 0 })
    }

    /// `false`: the file is not what it was.
    fn hash_a_piece(&mut self) -> bool {
        let left = self.source.len() - self.offset;
        let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
        let read = self.source.read_at(&mut piece, self.offset);
        self.hasher.update(&piece);
        self.offset += piece.len() as u64;
        read.and_then(|()| self.source.unchanged()).is_ok()
    }
}

/// The hash of a small file at once; `None` when it changes meanwhile.
pub(super) fn hash(source: &Source) -> Option<[u8; 32]> {
    let mut content = vec![0; usize::try_from(source.len()).ok()?];
    source.read_at(&mut content, 0).and_then(|()| source.unchanged()).ok()?;
    Some(*blake3::hash(&content).as_bytes())
}
