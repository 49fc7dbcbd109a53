//! A walk through the directory: what lies there, without opening anything.

use super::name::{Kind, is_hidden, kind};
use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

/// The most entries that are looked at.
pub(super) const ENTRIES_MAX: usize = 1_000_000;

/// What tells whether a file is still the same one, without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    pub(super) number: u64,
}

impl Stamp {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            length: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            number: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let since = since.unwrap_or_default();
        let modified = (since.as_secs().cast_signed(), i64::from(since.subsec_nanos()));
        Self { length: metadata.len(), modified, changed: modified, number: 0 }
    }

    /// Whether the content is the same: a new name or another mode moves the time of change alone.
    pub(super) fn same_content(&self, other: &Self) -> bool {
        (self.length, self.modified, self.number) == (other.length, other.modified, other.number)
    }

    /// Whether the same file has become longer.
    pub(super) fn grows_to(&self, other: &Self) -> bool {
        self.number == other.number && self.length < other.length
    }
}

/// What a walk has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files to be shared, by their names.
    pub(super) files: BTreeMap<String, Stamp>,
    /// Files that cannot be, for their names.
    pub(super) bad: Vec<String>,
    /// There are more entries than are looked at.
    pub(super) is_cut: bool,
}

/// Walks through a directory in the shared one, or through all of that; links are not followed.
///
/// # Errors
/// The directory itself cannot be read. What lies below and cannot be read is passed over.
pub(super) fn scan(root: &Path, from: &Path, except: &[PathBuf]) -> io::Result<Found> {
    scan_most(root, from, except, ENTRIES_MAX)
}

fn scan_most(root: &Path, from: &Path, except: &[PathBuf], most: usize) -> io::Result<Found> {
    let mut found = Found::default();
    let mut left = most;
    let mut below = scan_one(root, from, except, &mut found, &mut left)?;
    while let Some(path) = below.pop() {
        below.extend(scan_one(root, &path, except, &mut found, &mut left).unwrap_or_default());
    }
    Ok(found)
}

fn scan_one(
    root: &Path,
    path: &Path,
    except: &[PathBuf],
    found: &mut Found,
    left: &mut usize,
) -> io::Result<Vec<PathBuf>> {
    let mut below = Vec::new();
    for entry in fs::read_dir(path)? {
        if *left == 0 {
            found.is_cut = true;
            break;
        }
        *left -= 1;
        let Ok(entry) = entry else { continue };
        if entry.file_name().to_str().is_some_and(is_hidden) {
            continue;
        }
        let (path, Ok(file_type)) = (entry.path(), entry.file_type()) else { continue };
        if file_type.is_dir() {
            if !except.contains(&path) {
                below.push(path);
            }
            continue;
        }
        let Ok(relative) = path.strip_prefix(root) else { continue };
        match kind(relative) {
            Kind::Name(name) if file_type.is_file() => {
                if let Ok(metadata) = entry.metadata() {
                    found.files.insert(name, Stamp::of(&metadata));
                }
            }
            Kind::Bad(path) if file_type.is_file() => found.bad.push(path),
            _ => {}
        }
    }
    Ok(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_that_does_not_see_all_says_so() {
        let home = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(home.path().join(name), name).unwrap();
        }
        let scan = |most| scan_most(home.path(), home.path(), &[], most).unwrap();
        let [some, all] = [scan(2), scan(3)];
        assert_eq!((some.files.len(), some.is_cut), (2, true));
        assert_eq!((all.files.len(), all.is_cut), (3, false));
    }
}
