//! The name of a file: a relative path below a directory that is shared.

use crate::limits::NAME_MAX;

/// A name that may be used: UTF-8, 1 to [`NAME_MAX`] bytes, components joined by `/`, none of them empty,
/// `.` or `..`, no character that [`is_hidden`], and no backslash, which is a separator to some systems
/// (docs/protocol.md section 1). It says nothing about links: storage has to see to these.
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
        if bytes.is_empty() || bytes.len() > NAME_MAX {
            return Err(BadName);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| BadName)?;
        if text.chars().any(|character| character == '\\' || is_hidden(character)) {
            return Err(BadName);
        }
        if bytes.split(|&byte| byte == b'/').any(|component| matches!(component, b"" | b"." | b"..")) {
            return Err(BadName);
        }
        Ok(Self(text))
    }

    /// The name as text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

/// Characters that act on a terminal or on the reader instead of being seen: controls (C0, DEL, C1), those of the
/// writing direction, those without width, line and paragraph separators, tags. A name that holds one could be shown
/// as another, or do something when it is printed.
pub const fn is_hidden(character: char) -> bool {
    character.is_ascii_control()
        || matches!(character,
            '\u{80}'..='\u{9f}'
            | '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
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
        for name in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/..",
            "../a",
            "a/./b",
            "a\0b",
            "a\nb",
            "\x1b[2J",
            "a\\b",
            "\u{202e}gpj",
        ] {
            assert_eq!(Name::new(name.as_bytes()), Err(BadName), "{name:?}");
        }
        assert_eq!(Name::new(&[b'x'; NAME_MAX + 1]), Err(BadName));
        assert_eq!(Name::new(b"\xff"), Err(BadName));
    }
}
