//! What a key may do once it is let in.

use std::fmt::{self, Display, Formatter};

/// The rights of a key. In files they stand behind its name, as words; without any it may fetch and send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// It may fetch only: `read-only`.
    pub read_only: bool,
}

impl Rights {
    /// Reads the words at the end of a line.
    ///
    /// # Errors
    /// A word that is not known, or comes twice. It may be a limit that a later skep knows: to pass over it would give
    /// more than its writer meant.
    pub(super) fn parse<'t>(words: impl Iterator<Item = &'t str>) -> Result<Self, String> {
        let mut rights = Self::default();
        for word in words {
            match word {
                "read-only" if !rights.read_only => rights.read_only = true,
                "read-only" => return Err("read-only is there twice".into()),
                // A long word may be a key that went astray; messages end up in logs.
                _ if word.len() > 16 => {
                    return Err("behind the name there is a word that is not known".into());
                }
                _ => return Err(format!("\"{word}\" is not known; behind the name there may be read-only")),
            }
        }
        Ok(rights)
    }
}

/// As it stands behind a name: with a space in front, or nothing.
impl Display for Rights {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.read_only { " read-only" } else { "" })
    }
}
