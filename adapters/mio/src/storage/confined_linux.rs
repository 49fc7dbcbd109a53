//! A directory whose entries are reached by `openat2` alone: the kernel confines.

use std::{
    ffi::CStr,
    fs::File,
    io,
    os::fd::OwnedFd,
    path::Path,
    sync::{Arc, OnceLock},
};

use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags, SeekFrom, fchmod, fstat,
        fstatvfs, fsync, linkat, openat, openat2, renameat, renameat_with, seek, statat, unlinkat,
    },
    io::Errno,
};

use super::{fault::Kind, part::kept_mode};

/// Below the directory, through no link (`/proc`'s magic ones neither), and into no other file system.
const CONFINED: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// `O_NONBLOCK`: a FIFO without a writer must not hold up the loop. `O_NOCTTY`: nor may a terminal become ours.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// An open directory.
#[derive(Clone, Debug)]
pub(super) struct Folder(Arc<OwnedFd>);

impl Folder {
    /// Opens the directory of a path that is trusted, and makes sure that the kernel can confine what follows.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let folder = Self(Arc::new(openat(CWD, path, FOLDER, Mode::empty())?));
        // A sandbox may answer EPERM for a call that it does not know. Anything weaker than openat2 would be a
        // silent hole, so this is the end.
        folder.open_confined(".", FOLDER).map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::NOSYS | Errno::PERM) => io::Error::new(
                io::ErrorKind::Unsupported,
                "this system does not offer openat2, which keeps peers inside the directory \
                 (it needs Linux 5.6 or later, and a sandbox that permits the call)",
            ),
            _ => error,
        })?;
        published_mode();
        Ok(folder)
    }

    /// A directory below.
    pub(super) fn below(&self, path: &str) -> io::Result<Self> {
        Ok(Self(Arc::new(self.open_confined(path, FOLDER)?)))
    }

    /// Opens whatever is there for reading; the caller looks at what it is.
    pub(super) fn read(&self, path: &str) -> io::Result<File> {
        Ok(self.open_confined(path, READ)?.into())
    }

    /// A new file of our own, for nobody else to read.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&*self.0, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// What an entry is; links are not followed.
    pub(super) fn kind(&self, name: &str) -> io::Result<Option<Kind>> {
        match statat(&*self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(kind(FileType::from_raw_mode(stat.st_mode)))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a file of our own the mode of the one that it is going to replace, if there is one, and otherwise that of any
    /// program's new file.
    pub(super) fn publish(&self, file: &File, replaced: Option<&str>) -> io::Result<()> {
        let replaced = replaced.and_then(|name| statat(&*self.0, name, AtFlags::SYMLINK_NOFOLLOW).ok());
        let mode = match replaced {
            Some(old) if kind(FileType::from_raw_mode(old.st_mode)) == Kind::Regular => {
                Mode::from_raw_mode(kept_mode(old.st_mode, old.st_gid == fstat(file)?.st_gid))
            }
            _ => published_mode(),
        };
        match fchmod(file, mode) {
            // A file system without modes (FAT) has nothing to set.
            Err(Errno::PERM | Errno::OPNOTSUPP) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Gives an entry another name, in one step.
    pub(super) fn rename(&self, from: &str, to: &str, replace: bool) -> io::Result<()> {
        let folder = &*self.0;
        if replace {
            return Ok(renameat(folder, from, folder, to)?);
        }
        match renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
            // Not every file system knows the flag; a hard link refuses to replace as well.
            Err(Errno::INVAL | Errno::NOSYS) => {
                linkat(folder, from, folder, to, AtFlags::empty())?;
                Ok(unlinkat(folder, from, AtFlags::empty())?)
            }
            outcome => Ok(outcome?),
        }
    }

    /// Removes a file.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&*self.0, name, AtFlags::empty())?)
    }

    /// Makes the names in the directory durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        match fsync(&*self.0) {
            // Some file systems have nothing to do for a directory, and say so.
            Err(Errno::INVAL) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Shows every entry that has a name in UTF-8 (the others cannot be skep's), until told to stop.
    pub(super) fn entries(&self, mut each: impl FnMut(&str, Kind) -> bool) -> io::Result<()> {
        for entry in Dir::read_from(&*self.0)? {
            let entry = entry?;
            let Some(name) = visible(entry.file_name()) else { continue };
            let kind = match entry.file_type() {
                FileType::Unknown => self.kind(name)?.unwrap_or(Kind::Other),
                known => kind(known),
            };
            if !each(name, kind) {
                break;
            }
        }
        Ok(())
    }

    fn open_confined(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        loop {
            match openat2(&*self.0, path, flags, Mode::empty(), CONFINED) {
                Err(Errno::INTR) => {}
                outcome => return Ok(outcome?),
            }
        }
    }
}

/// Whether a file can become so long: what is free has to hold it, and the file system has to have files of that length.
/// So a full disk is told before the content travels. Nothing is set aside: a length is what somebody says, and
/// to allocate it would take the disk from all others, and seconds from the loop, for a request of a few bytes.
pub(super) fn has_room(file: &File, length: u64) -> io::Result<()> {
    // Nothing reads or writes at this place. The system only compares it with the end of the longest file.
    if let Err(Errno::INVAL | Errno::OVERFLOW) = seek(file, SeekFrom::Start(length)) {
        return Err(Errno::FBIG.into());
    }
    match free(file) {
        Some(free) if free < length => Err(Errno::NOSPC.into()),
        _ => Ok(()),
    }
}

/// Bytes that are free where a file lies, as far as its file system says.
fn free(file: &File) -> Option<u64> {
    // One without a limit, or without an answer, says that it has no blocks at all.
    let system = fstatvfs(file).ok().filter(|system| system.f_blocks > 0)?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

/// 0666 without the bits of the process's umask. That can only be read by setting it, for a moment to the strictest
/// one; so it is read once, when the first directory is opened.
fn published_mode() -> Mode {
    static MODE: OnceLock<Mode> = OnceLock::new();
    *MODE.get_or_init(|| {
        let umask = rustix::process::umask(Mode::from_raw_mode(0o077));
        rustix::process::umask(umask);
        Mode::from_raw_mode(0o666).difference(umask)
    })
}

fn visible(name: &CStr) -> Option<&str> {
    name.to_str().ok().filter(|name| !matches!(*name, "." | ".."))
}

fn kind(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::Regular,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}
