//! A directory confined by `cap-std`, where the kernel has no `openat2`: it resolves a path component by component,
//! each relative to an open directory, and refuses what would lead outside.
//!
//! Weaker than on Linux in two ways: a link that stays inside is followed on the way to a file, and another file
//! system mounted below is entered.

use std::{fs::File, io, path::Path, sync::Arc};

use cap_std::{
    ambient_authority,
    fs::{Dir, FileType, OpenOptions},
};

use super::fault::Kind;

/// An open directory.
#[derive(Clone, Debug)]
pub(super) struct Folder(Arc<Dir>);

impl Folder {
    /// Opens the directory of a path that is trusted.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(Dir::open_ambient_dir(path, ambient_authority())?)))
    }

    /// A directory below.
    pub(super) fn below(&self, path: &str) -> io::Result<Self> {
        refuse_foreign(path)?;
        Ok(Self(Arc::new(self.0.open_dir(path)?)))
    }

    /// Opens whatever is there for reading; the caller looks at what it is.
    pub(super) fn read(&self, path: &str) -> io::Result<File> {
        refuse_foreign(path)?;
        if !self.0.symlink_metadata(path)?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut options = OpenOptions::new();
        options.read(true);
        // It may have become a FIFO since.
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
        Ok(self.0.open_with(path, &options)?.into_std())
    }

    /// A new file of our own, for nobody else to read where the system has modes.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        refuse_foreign(name)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(self.0.open_with(name, &options)?.into_std())
    }

    /// What an entry is; links are not followed.
    pub(super) fn kind(&self, name: &str) -> io::Result<Option<Kind>> {
        refuse_foreign(name)?;
        match self.0.symlink_metadata(name) {
            Ok(metadata) => Ok(Some(kind(metadata.file_type()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a file of our own the mode of the one that it is going to replace, if there is one, and otherwise that of any
    /// program's new file. Without a way to read the umask safely: the usual one.
    pub(super) fn publish(&self, file: &File, replaced: Option<&str>) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, PermissionsExt};
            let replaced = replaced.and_then(|name| self.0.symlink_metadata(name).ok());
            let mode = match replaced.filter(cap_std::fs::Metadata::is_file) {
                Some(old) => {
                    let (old_mode, old_group) =
                        (cap_std::fs::MetadataExt::mode(&old), cap_std::fs::MetadataExt::gid(&old));
                    super::part::kept_mode(old_mode, old_group == file.metadata()?.gid())
                }
                None => 0o644,
            };
            file.set_permissions(std::fs::Permissions::from_mode(mode))
        }
        #[cfg(not(unix))]
        {
            let _ = (file, replaced);
            Ok(())
        }
    }

    /// Gives an entry another name, in one step (without `replace`, in two: a crash between them leaves both).
    pub(super) fn rename(&self, from: &str, to: &str, replace: bool) -> io::Result<()> {
        if replace {
            return self.0.rename(from, &self.0, to);
        }
        self.0.hard_link(from, &self.0, to)?;
        self.0.remove_file(from)
    }

    /// Removes a file.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove_file(name)
    }

    /// Makes the names in the directory durable, where the system lets a directory be synchronised.
    pub(super) fn sync(&self) -> io::Result<()> {
        #[cfg(unix)]
        self.0.try_clone()?.into_std_file().sync_all()?;
        Ok(())
    }

    /// Shows every entry that has a name in UTF-8 (the others cannot be skep's), until told to stop.
    pub(super) fn entries(&self, mut each: impl FnMut(&str, Kind) -> bool) -> io::Result<()> {
        for entry in self.0.entries()? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if !each(name, kind(entry.file_type()?)) {
                break;
            }
        }
        Ok(())
    }
}

/// Whether a file can become so long; no portable call says it.
pub(super) fn has_room(_file: &File, _length: u64) -> io::Result<()> {
    Ok(())
}

/// On Windows `\` separates components and `:` names a stream of a file: a peer's name may have neither.
fn refuse_foreign(path: &str) -> io::Result<()> {
    if cfg!(windows) && path.contains(['\\', ':']) {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    Ok(())
}

fn kind(file_type: FileType) -> Kind {
    if file_type.is_file() {
        Kind::Regular
    } else if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_symlink() {
        Kind::Link
    } else {
        Kind::Other
    }
}
