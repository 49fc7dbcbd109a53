//! Files and directories that others must not read, or must not write.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Read},
    path::Path,
    time::SystemTime,
};

use zeroize::Zeroizing;

use crate::{escape::escape, exit::Failure};

/// The largest file that is read. A hundred thousand keys fit.
const SIZE_MAX: u64 = 16 << 20;

/// How private a file has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Privacy {
    /// Nobody else may even read it.
    Secret,
    /// Nobody else may write it: who writes a list of keys decides who comes in.
    Own,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// The file's number and the time when anything about it changed, which nobody can set.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            inode: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The stamp of the file that is there now, if there is one.
    pub(super) fn now(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the file was changed so shortly before `now` that one more change might leave the same stamp.
    pub(super) fn is_fresh(&self, now: SystemTime) -> bool {
        const TICK_SECONDS: u64 = 2;
        self.modified.is_none_or(|modified| {
            now.duration_since(modified).is_ok_and(|age| age.as_secs() < TICK_SECONDS) || modified > now
        })
    }
}

/// Reads a file, or nothing if there is none. A link is followed, for it is the user's own; it is what it leads to
/// that has to be private.
pub(super) fn read(path: &Path, privacy: Privacy) -> Result<Option<(Zeroizing<String>, Stamp)>, Failure> {
    let cannot = |error: &io::Error| Failure::cannot(format_args!("read {}", path.display()), error);
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(&error)),
    };
    // Of the open file, not of its path: what was checked is what is read.
    let metadata = file.metadata().map_err(|error| cannot(&error))?;
    check(path, &metadata, privacy)?;
    let bytes = read_all(file, metadata.len()).map_err(|error| cannot(&error))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Failure::local(format!("cannot read {}: it is not a text", path.display())))?;
    Ok(Some((Zeroizing::new(text.to_owned()), Stamp::of(&metadata))))
}

/// Reads at most so many bytes, into memory that is never moved, so that no copy is left behind.
fn read_all(file: File, length: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB");
    let room = usize::try_from(length.min(SIZE_MAX) + 1).map_err(|_| too_large())?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(room as u64).read_to_end(&mut bytes)?;
    if length > SIZE_MAX {
        return Err(too_large());
    }
    if bytes.len() as u64 > length {
        return Err(io::Error::other("it grew while it was read; try again"));
    }
    Ok(bytes)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    // A FIFO in its place must not hold up a server.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    options.open(path)
}

/// Refuses what is not a regular file, and what is not as private as it has to be.
pub(super) fn check(path: &Path, metadata: &Metadata, privacy: Privacy) -> Result<(), Failure> {
    let shown = path.display();
    if !metadata.is_file() {
        return Err(Failure::local(format!("cannot read {shown}: it is not a regular file")));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if is_of_others(metadata) {
            return Err(Failure::local(format!(
                "{shown} belongs to somebody else, who could change it; make a copy of your own"
            )));
        }
        let (forbidden, what, remedy) = match privacy {
            Privacy::Secret => (0o077, "read", "chmod 600"),
            Privacy::Own => (0o022, "change", "chmod go-w"),
        };
        if metadata.mode() & forbidden != 0 {
            let warning = match privacy {
                Privacy::Secret => "; if somebody may have, make a new one",
                Privacy::Own => "",
            };
            return Err(Failure::local(format!(
                "others can {what} {shown} (mode {:04o}), so it is not used; run: {remedy} {shown}{warning}",
                metadata.mode() & 0o7777
            )));
        }
    }
    #[cfg(not(unix))]
    let _ = privacy;
    Ok(())
}

/// Makes a directory for nobody else, or makes sure that nobody else can put other files into the one that is there.
///
/// # Errors
/// It cannot be made, or somebody else can; then the error says what to do.
pub fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(directory)?;
        let shown = directory.display().to_string();
        let shown = escape(&shown);
        // In a sticky directory, like /tmp, nobody replaces the files of others.
        if metadata.mode() & 0o022 != 0 && metadata.mode() & 0o1000 == 0 {
            return Err(io::Error::other(format!(
                "others can change what is in {shown}; run: chmod go-w {shown}"
            )));
        }
        if is_of_others(&metadata) {
            return Err(io::Error::other(format!(
                "{shown} belongs to somebody else, who could change what is in it; use a directory of your own"
            )));
        }
    }
    Ok(())
}

/// Makes sure that nobody else can write an open file, and that it is a file.
///
/// # Errors
/// It is none, or somebody else can; then the error says what to do.
pub fn check_own(path: &Path, file: &File) -> io::Result<()> {
    check(path, &file.metadata()?, Privacy::Own).map_err(|failure| io::Error::other(failure.to_string()))
}

/// Root may do as it likes with everything, and everybody lives with what root does.
#[cfg(unix)]
fn is_of_others(metadata: &Metadata) -> bool {
    let me = rustix::process::geteuid().as_raw();
    let owner = std::os::unix::fs::MetadataExt::uid(metadata);
    me != 0 && owner != me && owner != 0
}
