//! The public keys that a server lets in, like `authorized_keys`.
//!
//! ```text
//!   # whoever is here may come in
//!   skep-x25519 hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo bob@laptop
//!   skep-x25519 3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08 camera read-only
//! ```

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{
    Fingerprint, Label, PublicLine, Rights,
    lines::{bad_line, lines, with_line},
    private::Privacy,
    watched::{Content, Watched},
};
use crate::exit::Failure;

/// Who a key belongs to, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// What it is called. Several keys may be called the same.
    pub name: Label,
    /// What it may do.
    pub rights: Rights,
}

/// An allow file.
#[derive(Debug)]
pub struct AllowFile(Watched<Keys>);

#[derive(Debug, Default)]
struct Keys(HashMap<Fingerprint, (usize, Allowed)>);

impl Content for Keys {
    const PRIVACY: Privacy = Privacy::Own;

    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let mut keys = HashMap::new();
        for (number, line) in lines(text) {
            let PublicLine { key, name, rights } =
                line.parse().map_err(|why: String| bad_line(path, number, &why))?;
            if let Some((first, _)) = keys.insert(key, (number, Allowed { name, rights })) {
                return Err(bad_line(path, number, &format!("line {first} has the same key")));
            }
        }
        Ok(Self(keys))
    }
}

impl AllowFile {
    /// Reads a file that somebody has named.
    ///
    /// # Errors
    /// It is not there, others can change it, a line is not understood or has a key for the second time.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        Watched::load(path).map(Self)
    }

    /// Reads a file; one that is not there lets nobody in.
    ///
    /// # Errors
    /// Those of [`AllowFile::load`] but the first.
    pub fn load_or_empty(path: &Path) -> Result<Self, Failure> {
        Watched::load_or_empty(path).map(Self)
    }

    /// Whose key it is, if it may come in.
    pub fn find(&self, key: &Fingerprint) -> Option<&Allowed> {
        self.0.content().0.get(key).map(|(_, allowed)| allowed)
    }

    /// How many keys there are.
    pub fn count(&self) -> usize {
        self.0.content().0.len()
    }

    /// Whether there is such a file, by the last look.
    pub fn is_there(&self) -> bool {
        self.0.is_there()
    }

    /// Where it lies.
    pub fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// Reads it again if it has changed, and says whether it had. If the file is gone, nobody is let in. Costs one
    /// `stat` while nothing changes: once a second is often enough.
    ///
    /// # Errors
    /// It is not understood now. That is said once for each change; until it is right the keys of before count.
    pub fn reload_if_changed(&mut self) -> Result<bool, Failure> {
        self.0.reload_if_changed()
    }

    /// Reads it again, whether it has changed or not.
    pub(super) fn reload(&mut self) -> Result<(), Failure> {
        self.0.reload()
    }

    /// Lets a key in, for good: it is on the disk when this returns. A key that is in already stays as it is, and the
    /// answer is `false`.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn add(&mut self, line: &PublicLine) -> Result<bool, Failure> {
        self.0.update(|keys, text| {
            let is_new = !keys.0.contains_key(&line.key);
            Ok((is_new.then(|| with_line(text, &line.to_string())), is_new))
        })
    }
}
