//! A file that is being received.
//!
//! ```text
//!   create ──► .skep-0123456789abcdef.part ──► commit: fsync, rename, fsync of the directory ──► name
//!              locked while it is open    └──► drop: removed
//! ```

use std::{fs::File, io, io::IoSlice};

use crate::descriptors;
use skep_core::stream::Fault;

use super::{
    announced::Announced,
    confined::{self, Folder},
    fault::{Kind, fault, moving},
    positioned,
    variant::has_variant,
};

const PREFIX: &str = ".skep-";
const SUFFIX: &str = ".part";

/// Hexadecimal digits between the two.
const DIGITS: usize = 16;

/// Attempts at a name of its own: a taken one is next to impossible, a sweep in between just unlikely.
const ATTEMPTS_MAX: u32 = 8;

/// Who has chosen the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Somebody else.
    Peer,
    /// The user of this program.
    User,
}

/// A new file that nobody sees under its name yet. Dropped without [`Part::commit`] it leaves nothing.
#[derive(Debug)]
pub struct Part {
    folder: Folder,
    file: File,
    temporary: String,
    name: String,
    length: Option<u64>,
    announced: Announced,
    origin: Origin,
    /// The BLAKE3 hash that the content has to have.
    expected: Option<[u8; 32]>,
    committed: bool,
}

impl Part {
    /// Begins a file `name` in `folder`, whose length is among the announced ones until it has its name or is gone.
    pub(super) fn create(
        folder: Folder,
        name: &str,
        length: Option<u64>,
        announced: &Announced,
        origin: Origin,
    ) -> Result<Self, Fault> {
        permit(&folder, name)?;
        refuse_variant(&folder, name, origin)?;
        let (file, temporary) = unique(&folder).map_err(|error| fault(&error))?;
        let part = Self {
            folder,
            file,
            temporary,
            name: name.to_owned(),
            length,
            announced: announced.clone(),
            origin,
            expected: None,
            committed: false,
        };
        if origin == Origin::Peer && descriptors::is_reserved(&part.file) {
            return Err(Fault::Busy);
        }
        match length {
            None | Some(0) => {}
            // More than the system can number, so it is no use to ask.
            Some(length) if i64::try_from(length).is_err() => return Err(Fault::TooLarge),
            Some(length) => confined::has_room(&part.file, length).map_err(|error| moving(&error))?,
        }
        part.announced.add(&part.temporary, length.unwrap_or(0));
        Ok(part)
    }

    /// The same file, whose content has to have this BLAKE3 hash when it is committed.
    #[must_use]
    pub fn expecting(mut self, hash: [u8; 32]) -> Self {
        self.expected = Some(hash);
        self
    }

    /// Writes the bytes to a place in the file.
    ///
    /// # Errors
    /// [`Fault::NoSpace`], [`Fault::TooLarge`], or [`Fault::Failed`] for anything else.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Fault> {
        positioned::write_all(&self.file, bytes, offset).map_err(|error| moving(&error))
    }

    /// Writes all slices, one after the other, from a place in the file on. The slice of them is used up by that.
    ///
    /// # Errors
    /// As [`Part::write_at`].
    pub fn write_vectored_at(&self, slices: &mut [IoSlice<'_>], offset: u64) -> Result<(), Fault> {
        positioned::write_all_vectored(&self.file, slices, offset).map_err(|error| moving(&error))
    }

    /// Makes the file durable and visible under its name, whole, in one step; gives its length. Takes as long as the
    /// disk takes: see [`Committer`](super::Committer). After an error nothing is left behind, save where only the
    /// last step failed, which is to make the new name durable: then the file is there, and a crash could undo it.
    ///
    /// # Errors
    /// [`Fault::Exists`] when there is a file of that name and it is not to be replaced; [`Fault::Failed`] when not
    /// all of the announced length was written; [`Fault::Changed`] when the content is not the one that was expected;
    /// what the storage says otherwise.
    pub fn commit(mut self, replace: bool) -> Result<u64, Fault> {
        let written = self.file.metadata().map_err(|error| moving(&error))?.len();
        if self.length.is_some_and(|length| length != written) {
            return Err(Fault::Failed);
        }
        if let Some(expected) = self.expected
            && self.hash().map_err(|error| moving(&error))? != expected
        {
            return Err(Fault::Changed);
        }
        // By now: until then nobody else may read it, and after that no more people than the old one.
        let replaced = replace.then_some(&*self.name);
        self.folder.publish(&self.file, replaced).map_err(|error| moving(&error))?;
        self.file.sync_all().map_err(|error| moving(&error))?;
        if replace {
            permit(&self.folder, &self.name)?;
        }
        // Another one may have come meanwhile.
        refuse_variant(&self.folder, &self.name, self.origin)?;
        self.folder.rename(&self.temporary, &self.name, replace).map_err(|error| fault(&error))?;
        self.committed = true;
        self.folder.sync().map_err(|error| moving(&error))?;
        Ok(written)
    }

    /// The hash of what was written, read again: what is made durable is what was looked at.
    fn hash(&self) -> io::Result<[u8; 32]> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(self.folder.read(&self.temporary)?)?;
        Ok(*hasher.finalize().as_bytes())
    }

    /// The open file, for calls that move bytes without showing them to the program.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.committed {
            // Nobody is left to tell; the next start sweeps.
            let _ = self.folder.remove(&self.temporary);
        }
        self.announced.remove(&self.temporary);
    }
}

/// Whether a component of a name is kept for unfinished files, on file systems that ignore case too.
pub(super) fn is_reserved(component: &str) -> bool {
    let bytes = component.as_bytes();
    let starts = bytes.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX.as_bytes()));
    starts && bytes[PREFIX.len()..].to_ascii_lowercase().ends_with(SUFFIX.as_bytes())
}

/// Whether it is the name of an unfinished file, to the letter: only such a one is ever swept away.
pub(super) fn is_temporary(name: &str) -> bool {
    let digits = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    digits.is_some_and(|digits| {
        digits.len() == DIGITS && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// What a file may keep of the mode of the one that it replaces: nothing that has it run as somebody else. Another group
/// than the old one's may do what others may.
#[cfg(unix)]
pub(super) const fn kept_mode(old: u32, is_same_group: bool) -> u32 {
    let mode = old & 0o777;
    if is_same_group { mode } else { mode & (0o707 | (mode & 0o007) << 3) }
}

/// Takes the lock that says "in use". `false`: another process has it, or has just removed the file.
pub(super) fn lock(file: &File) -> bool {
    file.try_lock().is_ok() && has_name(file)
}

/// Only a file may be replaced. A link is not followed, and not replaced by a file either.
fn permit(folder: &Folder, name: &str) -> Result<(), Fault> {
    match folder.kind(name).map_err(|error| fault(&error))? {
        None | Some(Kind::Regular) => Ok(()),
        Some(Kind::Link) => Err(Fault::BadName),
        Some(Kind::Directory | Kind::Other) => Err(Fault::NotAllowed),
    }
}

/// A peer's file comes to stand beside none whose name differs in case only.
fn refuse_variant(folder: &Folder, name: &str, origin: Origin) -> Result<(), Fault> {
    match origin {
        Origin::Peer if has_variant(folder, name).map_err(|error| fault(&error))? => Err(Fault::Exists),
        Origin::Peer | Origin::User => Ok(()),
    }
}

/// A new file under a name that nobody else has, locked.
fn unique(folder: &Folder) -> io::Result<(File, String)> {
    for _ in 0..ATTEMPTS_MAX {
        let number = getrandom::u64().map_err(io::Error::other)?;
        let temporary = format!("{PREFIX}{number:0width$x}{SUFFIX}", width = DIGITS);
        let file = match folder.create(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            outcome => outcome?,
        };
        match file.try_lock() {
            Ok(()) if has_name(&file) => return Ok((file, temporary)),
            // The sweep of another process was faster: it takes the file for a leftover, and removes it.
            Ok(()) | Err(std::fs::TryLockError::WouldBlock) => {}
            // A file system without locks: a sweep gets none either, and leaves the file alone.
            Err(std::fs::TryLockError::Error(_)) => return Ok((file, temporary)),
        }
    }
    Err(io::Error::other("no name for a new file was free"))
}

#[cfg(unix)]
fn has_name(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
}

#[cfg(not(unix))]
fn has_name(_file: &File) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_like_those_of_unfinished_files_are_kept_for_them() {
        for name in [".skep-0123456789abcdef.part", ".skep-.part", ".skep-x.part", ".SKEP-1.Part"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in
            [".skep-", "skep-1.part", ".skep-1.parts", ".skep.part", "a.skep-1.part", "", "ä", ".skepä"]
        {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn only_names_made_here_are_swept() {
        assert!(is_temporary(".skep-0123456789abcdef.part"));
        for name in
            [".skep-.part", ".skep-0123456789abcde.part", ".skep-0123456789ABCDEF.part", ".skep-mine.part"]
        {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
