//! Writing a small file so that a crash leaves the old one or the new one.
//!
//! ```text
//!   lock .NAME.lock ─► write .NAME.new ─► fsync ─► link or rename to NAME ─► fsync of the directory
//! ```
//!
//! Everybody who reads a file to change it holds the lock meanwhile, so that no change is lost. The name of the new file
//! is always the same: what a crash left there is removed by the next writer.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::private::{Privacy, make_directory};
use crate::exit::Failure;

/// A file that nobody else of us writes as long as this lives.
#[derive(Debug)]
pub(super) struct Locked {
    path: PathBuf,
    fresh: PathBuf,
    _lock: File,
}

impl Locked {
    /// Waits until nobody else writes the file. Makes the directory if there is none. A link to the file is
    /// followed, so that it is not replaced by what it leads to.
    pub(super) fn lock(path: &Path) -> Result<Self, Failure> {
        Self::try_lock(path).map_err(|error| cannot_write(path, &error))
    }

    fn try_lock(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
        let directory = parent(&path);
        make_directory(directory)?;
        let lock = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(directory.join(format!(".{name}.lock")))?;
        lock.lock()?;
        Ok(Self { fresh: directory.join(format!(".{name}.new")), path, _lock: lock })
    }

    /// Makes the file. It is an error if there is anything of that name, a link that leads nowhere too.
    pub(super) fn create(&self, content: &str) -> Result<(), Failure> {
        let made = self.write_fresh(content, None).and_then(|()| self.name_fresh());
        made.map_err(|error| cannot_write(&self.path, &error))
    }

    /// Gives its name to the new file.
    fn name_fresh(&self) -> io::Result<()> {
        // Unlike a rename, a link never replaces anything, whoever else has written there without our lock.
        let linked = fs::hard_link(&self.fresh, &self.path);
        fs::remove_file(&self.fresh)?;
        linked?;
        sync_directory(&self.path)
    }

    /// Puts new content into the place of the old. A file that there was keeps its owner and its mode; a new one is
    /// for nobody else.
    pub(super) fn replace(&self, content: &str, privacy: Privacy) -> Result<(), Failure> {
        let replaced = self.try_replace(content, privacy);
        replaced.map_err(|error| cannot_write(&self.path, &error))
    }

    fn try_replace(&self, content: &str, privacy: Privacy) -> io::Result<()> {
        let old = match fs::metadata(&self.path) {
            Ok(old) => Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        self.write_fresh(content, old.map(|old| (old, privacy)))?;
        fs::rename(&self.fresh, &self.path)?;
        sync_directory(&self.path)
    }

    /// Writes the new file beside the old one, whose owner and mode it takes over.
    fn write_fresh(&self, content: &str, old: Option<(Metadata, Privacy)>) -> io::Result<()> {
        self.remove_left_over()?;
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&self.fresh)?;
        let write = || {
            file.write_all(content.as_bytes())?;
            if let Some((old, privacy)) = old {
                keep_owner_and_mode(&file, &old, privacy)?;
            }
            file.sync_all()
        };
        write_or_remove(write, &self.fresh)
    }

    /// Removes what a crash has left of a new file.
    fn remove_left_over(&self) -> io::Result<()> {
        match fs::remove_file(&self.fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Makes a file that has its name when all of it is on the disk, and not before: `write` makes it by another name. Who
/// else does so meanwhile is waited for.
///
/// # Errors
/// There is anything of that name, or it cannot be made; then nothing is left of it.
pub fn create_whole(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let locked = Locked::try_lock(path)?;
    locked.remove_left_over()?;
    write_or_remove(|| write(&locked.fresh), &locked.fresh)?;
    locked.name_fresh()
}

/// On a full disk nothing should be left over, least of all half a key.
fn write_or_remove(write: impl FnOnce() -> io::Result<()>, fresh: &Path) -> io::Result<()> {
    write().inspect_err(|_| {
        let _ = fs::remove_file(fresh);
    })
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::cannot(format_args!("write {}", path.display()), error)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// For nobody else from its first moment on: a `chmod` afterwards would come too late.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(unix)]
fn keep_owner_and_mode(file: &File, old: &Metadata, privacy: Privacy) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let new = file.metadata()?;
    // An administrator's change must not take the file away from the server that reads it. The group is less
    // important: not everybody may give it.
    if new.uid() != old.uid() {
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    } else if new.gid() != old.gid() {
        let _ = fchown(file, None, Some(old.gid()));
    }
    let most = match privacy {
        Privacy::Secret => 0o600,
        Privacy::Own => 0o644,
    };
    file.set_permissions(fs::Permissions::from_mode(old.mode() & most))
}

#[cfg(not(unix))]
fn keep_owner_and_mode(_: &File, _: &Metadata, _: Privacy) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
