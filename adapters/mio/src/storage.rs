//! Files of a directory that is shared, confined by the kernel.
//!
//! ```text
//!               open_file(Name) ──► Source   read_at … then unchanged? … then let the bytes out
//!   Directory ─┤
//!               create(Name)    ──► Part     write_at … then commit ──► the file, whole and durable
//!                                     └ dropped: nothing was ever there
//! ```
//!
//! A name comes from a peer, so nothing here trusts it. On Linux each path is resolved by one `openat2` that
//! may not leave the directory, follow a link, or cross into another file system: a check in the program could be
//! overtaken by somebody who moves directories around, the kernel's cannot. Links are refused even where they
//! stay inside: what a directory shares is what lies in it. That a name means the same on every system, and is none of
//! an unfinished file, is in the rules of [`Name`].

mod announced;
mod committer;
mod fault;
mod held;
mod part;
mod positioned;
mod source;
mod stamp;
mod sweep;
mod variant;

#[cfg(target_os = "linux")]
#[path = "storage/confined_linux.rs"]
mod confined;
#[cfg(not(target_os = "linux"))]
#[path = "storage/confined_other.rs"]
mod confined;

#[cfg(all(test, unix))]
mod tests;

use std::{io, path::Path};

use skep_core::{stream::Fault, wire::Name};

pub use committer::Committer;
pub(crate) use fault::fault;
pub use part::Part;
pub use source::{SETTLING, Source};
pub(crate) use variant::fold;

use crate::descriptors;
use announced::Announced;
use confined::Folder;
use part::Origin;

/// A directory whose files are served or received. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Directory {
    folder: Folder,
    announced: Announced,
}

impl Directory {
    /// Opens a directory. Links on the way to it are followed: its path is the user's, not a peer's.
    ///
    /// # Errors
    /// It is not there, is not a directory, cannot be read; or the kernel has no `openat2`, without which nothing
    /// would confine the names that peers send.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self { folder: Folder::open(path.as_ref())?, announced: Announced::default() })
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when there is none, when it is a directory, device or anything else, or when a link is on
    /// the way. [`Fault::Busy`] when so many files and connections are open that the last ones are left to new connections.
    pub fn open_file(&self, name: Name<'_>) -> Result<Source, Fault> {
        let file = self.folder.read(name.as_str()).map_err(|error| fault(&error))?;
        if descriptors::is_reserved(&file) {
            return Err(Fault::Busy);
        }
        Source::new(file).map_err(|error| fault(&error))?.ok_or(Fault::NotFound)
    }

    /// Begins a new file in a directory that exists. Nobody sees it under its name before [`Part::commit`]; a file
    /// of that name stays as it is until then. With a length, there has to be room for it by now;
    /// none is taken before the content comes.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without the directory it belongs in; [`Fault::NotAllowed`] when the name is that of a
    /// directory or of something else that is not a file; [`Fault::BadName`] when it is that of a link;
    /// [`Fault::Exists`] when another entry has that name but for the case of letters: on some systems it would be
    /// replaced; [`Fault::NoSpace`], [`Fault::TooLarge`] when the length does not fit.
    pub fn create(&self, name: Name<'_>, length: Option<u64>) -> Result<Part, Fault> {
        let (folder, name) = self.place(name)?;
        Part::create(folder, name, length, &self.announced, Origin::Peer)
    }

    /// As [`Directory::create`], right in this directory, by a name that the user has chosen and no peer: it may be
    /// what it likes. What killed downloads have left here is swept away before.
    ///
    /// # Errors
    /// As [`Directory::create`]; [`Fault::BadName`] for the names of unfinished files, which would be swept away.
    pub fn create_own(&self, name: &str, length: Option<u64>) -> Result<Part, Fault> {
        if part::is_reserved(name) {
            return Err(Fault::BadName);
        }
        // Room is all that it makes: a download does not fail for want of it.
        let _ = sweep::sweep_here(&self.folder);
        Part::create(self.folder.clone(), name, length, &self.announced, Origin::User)
    }

    /// Says early that [`Part::commit`] without `replace` would refuse.
    ///
    /// # Errors
    /// [`Fault::Exists`] when there is something of that name; the faults of [`Directory::create`].
    pub fn vacant(&self, name: Name<'_>) -> Result<(), Fault> {
        let (folder, name) = self.place(name)?;
        vacant(&folder, name)
    }

    /// As [`Directory::vacant`], for [`Directory::create_own`].
    ///
    /// # Errors
    /// As [`Directory::vacant`].
    pub fn vacant_own(&self, name: &str) -> Result<(), Fault> {
        vacant(&self.folder, name)
    }

    /// Removes the unfinished files that a killed process left here and below, and says how many. One that a living
    /// process still writes is locked by it, and stays. Of a huge tree only the first million entries are looked at.
    ///
    /// # Errors
    /// The directory itself cannot be read. What lies below and cannot be read is passed over.
    pub fn sweep(&self) -> io::Result<usize> {
        sweep::sweep(&self.folder)
    }

    /// Bytes in the files of a directory in this one, and below it. One that is being received through this directory
    /// counts with the length that was announced.
    ///
    /// # Errors
    /// The fault that looking through it met.
    pub fn held(&self, directory: &str) -> Result<u64, Fault> {
        let folder = self.folder.below(directory).map_err(|error| fault(&error))?;
        held::held(&folder, &self.announced).map_err(|error| fault(&error))
    }

    /// The directory that a name lies in, and its last component.
    fn place<'n>(&self, name: Name<'n>) -> Result<(Folder, &'n str), Fault> {
        match name.as_str().rsplit_once('/') {
            None => Ok((self.folder.clone(), name.as_str())),
            Some((parent, last)) => Ok((self.folder.below(parent).map_err(|error| fault(&error))?, last)),
        }
    }
}

fn vacant(folder: &Folder, name: &str) -> Result<(), Fault> {
    match folder.kind(name).map_err(|error| fault(&error))? {
        None => Ok(()),
        Some(_) => Err(Fault::Exists),
    }
}
