//! Where a member's files are: what it shares, and what it fetches.

use crate::{
    driver::Storage,
    storage::{Directory, Part, Source, fault},
};
use skep_core::{stream::Fault, wire::Name};
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The BLAKE3 hashes that downloads have to have, by the names that they get here.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected(Arc<Mutex<HashMap<Box<str>, [u8; 32]>>>);

impl Expected {
    pub(super) fn set(&self, local: &str, hash: Option<[u8; 32]>) {
        let mut expected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match hash {
            Some(hash) => _ = expected.insert(local.into(), hash),
            None => _ = expected.remove(local),
        }
    }

    fn take(&self, local: &str) -> Option<[u8; 32]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(local)
    }
}

/// The storage of a member.
#[derive(Debug)]
pub struct Places {
    shared: Option<PathBuf>,
    downloads: PathBuf,
    replace: bool,
    expected: Expected,
}

impl Places {
    /// Files are shared from one directory and fetched into another, which is made when it is needed; there they
    /// replace what has their name, or do not.
    pub fn new(shared: Option<&Path>, downloads: &Path, replace: bool) -> Self {
        Self {
            shared: shared.map(Path::to_owned),
            downloads: downloads.to_owned(),
            replace,
            expected: Expected::default(),
        }
    }

    pub(super) fn expected(&self) -> Expected {
        self.expected.clone()
    }
}

/// Why there is no directory for downloads.
fn why(error: &io::Error) -> Fault {
    match fault(error) {
        known @ (Fault::NoSpace | Fault::Busy) => known,
        _ => Fault::NotAllowed,
    }
}

impl Storage for Places {
    /// The directory may have been removed and made again: so it is looked for each time.
    fn open(&mut self, name: Name<'_>) -> Result<Source, Fault> {
        let shared = self.shared.as_ref().ok_or(Fault::NotFound)?;
        Directory::open(shared).map_err(|_| Fault::NotFound)?.open_file(name)
    }

    fn create(&mut self, name: Name<'_>, length: Option<u64>) -> Result<Part, Fault> {
        let expected = self.expected.take(name.as_str());
        let made = fs::create_dir_all(&self.downloads);
        let directory = made.and_then(|()| Directory::open(&self.downloads)).map_err(|error| why(&error))?;
        // The names are ours, or were typed here.
        if !self.replace {
            directory.vacant_own(name.as_str())?;
        }
        let part = directory.create_own(name.as_str(), length)?;
        Ok(match expected {
            Some(hash) => part.expecting(hash),
            None => part,
        })
    }

    fn replaces(&self) -> bool {
        self.replace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_the_disk_is_full_is_told_and_not_that_nobody_may_make_a_directory() {
        let of = |kind: io::ErrorKind| why(&kind.into());
        assert_eq!(of(io::ErrorKind::StorageFull), Fault::NoSpace);
        assert_eq!(of(io::ErrorKind::PermissionDenied), Fault::NotAllowed);
        assert_eq!(of(io::ErrorKind::NotADirectory), Fault::NotAllowed);
    }
}
