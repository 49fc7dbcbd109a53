//! The name of a file: a relative path below a directory that is shared.

mod character;
mod component;
#[cfg(test)]
mod tests;

pub use character::is_hidden;

use crate::limits::NAME_MAX;

/// A name that may be used, on every system that it may come to (docs/protocol.md section 1): UTF-8, 1 to
/// [`NAME_MAX`] bytes, components joined by `/`, no character that [`is_hidden`], no backslash and no colon, which
/// separate to some systems. No component is empty, begins with a dot or a hyphen, ends in a dot or a space, or
/// is a device's name on Windows.
///
/// It says nothing about links, nor of names that differ in case only: storage has to see to these.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Name<'a>(&'a [u8]);

/// The bytes are not a name that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BadName;

impl core::fmt::Display for BadName {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("not a name that a file may have")
    }
}

impl core::error::Error for BadName {}

impl<'a> Name<'a> {
    /// Checks a name that came from a peer or from a user.
    ///
    /// # Errors
    /// [`BadName`] when it breaks a rule of the type.
    pub fn new(bytes: &'a [u8]) -> Result<Self, BadName> {
        if bytes.len() > NAME_MAX {
            return Err(BadName);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let (character, after) = character::first(rest).ok_or(BadName)?;
            if matches!(character, '\\' | ':') || is_hidden(character) {
                return Err(BadName);
            }
            rest = after;
        }
        if bytes.split(|&byte| byte == b'/').all(component::is_good) { Ok(Self(bytes)) } else { Err(BadName) }
    }

    /// What was a name before, and was only copied since.
    pub(crate) const fn again(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The name as text.
    pub const fn as_str(self) -> &'a str {
        // It is always text. That it is looked through again is the price of a smaller check above.
        match core::str::from_utf8(self.0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }

    /// Its bytes, at most [`NAME_MAX`].
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl core::fmt::Debug for Name<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_tuple("Name").field(&self.as_str()).finish()
    }
}

impl core::fmt::Display for Name<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
