//! A directory of our own, removed in the end.

use crate::exit::Failure;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// How such directories are called; sixteen digits follow.
const PREFIX: &str = "skep-";

/// A file in each that is locked as long as somebody uses it.
const LOCK: &str = "lock";

/// A new directory that nobody else can look into. Dropped, it is removed with all that is in it; if the program is killed
/// before, by the next one that makes one.
#[derive(Debug)]
pub(super) struct Temporary {
    path: PathBuf,
    _lock: File,
}

impl Temporary {
    pub(super) fn new() -> Result<Self, Failure> {
        let home = std::env::temp_dir();
        sweep(&home);
        let mut random = [0; 8];
        let cannot = |error: &io::Error| {
            Failure::cannot(format_args!("make a temporary directory in {}", home.display()), error)
        };
        getrandom::fill(&mut random).map_err(|error| cannot(&io::Error::other(error)))?;
        let path = home.join(format!("{PREFIX}{:016x}", u64::from_ne_bytes(random)));
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only here there is a mode to set"))]
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| cannot(&error))?;
        let lock = lock(&path).inspect_err(|_| _ = fs::remove_dir_all(&path));
        let lock = lock.map_err(|error| cannot(&error))?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Takes the lock of a new directory. It is there when it is locked: nobody sweeps in between. Where a file system has no
/// locks, nobody sweeps.
fn lock(path: &Path) -> io::Result<File> {
    let new = path.join("lock.new");
    let lock = File::create_new(&new)?;
    if lock.lock().is_ok() {
        fs::rename(new, path.join(LOCK))?;
    }
    Ok(lock)
}

/// Removes what was left by those of us who were killed.
fn sweep(home: &Path) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).unwrap_or_default();
        let is_one = digits.len() == 16
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
            && entry.metadata().is_ok_and(|metadata| metadata.is_dir() && is_ours(&metadata));
        if is_one && File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// In what others have made, the lock may be a FIFO that is never opened, or a link to anything.
#[cfg(unix)]
fn is_ours(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(metadata) == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
const fn is_ours(_: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_uses_any_more_is_swept_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            fs::create_dir(home.path().join(name)).unwrap();
            File::create(home.path().join(name).join(LOCK)).unwrap()
        };
        let (left, used, other) = ("skep-0123456789abcdef", "skep-fedcba9876543210", "skep-not-one-of-ours");
        make(left);
        make(other);
        let lock = make(used);
        lock.lock().unwrap();
        // One that is just being made.
        fs::create_dir(home.path().join("skep-0000000000000000")).unwrap();
        sweep(home.path());
        assert!(!home.path().join(left).exists());
        for kept in [used, other, "skep-0000000000000000"] {
            assert!(home.path().join(kept).exists(), "{kept}");
        }
        drop(lock);
        sweep(home.path());
        assert!(!home.path().join(used).exists());
    }

    #[test]
    #[cfg(unix)]
    fn what_others_have_made_is_neither_swept_nor_looked_into() {
        let home = tempfile::tempdir().unwrap();
        let theirs = home.path().join("skep-0123456789abcdef");
        fs::create_dir(&theirs).unwrap();
        // It is never opened for good.
        let mode = rustix::fs::Mode::from_raw_mode(0o666);
        rustix::fs::mkfifoat(rustix::fs::CWD, theirs.join(LOCK), mode).unwrap();
        if std::os::unix::fs::chown(&theirs, Some(1), None).is_err() {
            eprintln!("skipped: only root can give a directory to somebody else");
            return;
        }
        sweep(home.path());
        assert!(theirs.exists());
    }
}
