//! A directory of our own, removed in the end.

use crate::exit::Failure;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A new directory that nobody else can look into. Dropped, it is removed with all that is in it.
#[derive(Debug)]
pub(super) struct Temporary(PathBuf);

impl Temporary {
    pub(super) fn new() -> Result<Self, Failure> {
        let mut random = [0; 8];
        let cannot = |error: &io::Error| Failure::cannot("make a temporary directory", error);
        getrandom::fill(&mut random).map_err(|error| cannot(&io::Error::other(error)))?;
        let path = std::env::temp_dir().join(format!("skep-{:016x}", u64::from_ne_bytes(random)));
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only here there is a mode to set"))]
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| cannot(&error))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
