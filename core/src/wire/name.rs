//! The name of a file: a relative path below a directory that is shared.

use crate::limits::NAME_MAX;

/// A name that may be used: UTF-8, 1 to [`NAME_MAX`] bytes, components joined by `/`, none of them empty,
/// `.` or `..`, no NUL (docs/protocol.md section 1). It says nothing about links: storage has to see to these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Name<'a>(&'a str);

/// The bytes are not a name that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BadName;

impl<'a> Name<'a> {
    /// Checks a name that came from a peer or from a user.
    ///
    /// # Errors
    /// [`BadName`] when it breaks a rule of the type.
    pub fn new(bytes: &'a [u8]) -> Result<Self, BadName> {
        if bytes.is_empty() || bytes.len() > NAME_MAX || bytes.contains(&0) {
            return Err(BadName);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| BadName)?;
        if text.split('/').any(|component| matches!(component, "" | "." | "..")) {
            return Err(BadName);
        }
        Ok(Self(text))
    }

    /// The name as text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl core::fmt::Display for Name<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_stay_below_the_directory_are_good() {
        for name in ["a", "a/b", "..a", "a..", "...", "ä b/ç", "-x", ".hidden"] {
            assert_eq!(Name::new(name.as_bytes()).unwrap().as_str(), name);
        }
        assert!(Name::new(&[b'x'; NAME_MAX]).is_ok());
    }

    #[test]
    fn names_that_could_leave_it_or_are_no_names_are_bad() {
        for name in ["", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\0b"] {
            assert_eq!(Name::new(name.as_bytes()), Err(BadName), "{name:?}");
        }
        assert_eq!(Name::new(&[b'x'; NAME_MAX + 1]), Err(BadName));
        assert_eq!(Name::new(b"\xff"), Err(BadName));
    }
}
