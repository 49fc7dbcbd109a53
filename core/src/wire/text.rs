//! Text that people see: the name of a user, or of a file as its owner wrote it.

/// The longest text, in bytes.
pub const TEXT_MAX: usize = 255;

/// Text that may be shown: UTF-8, 1 to [`TEXT_MAX`] bytes, no control characters (docs/protocol.md sections 3 and
/// 5). It is wider than a [`Name`](super::Name): who publishes by command may call a file `/tmp/x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Text<'a>(&'a str);

/// The bytes are no text that may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BadText;

impl core::fmt::Display for BadText {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("not a text that may be shown")
    }
}

impl core::error::Error for BadText {}

impl<'a> Text<'a> {
    /// Checks a text that came from a peer or from a user.
    ///
    /// # Errors
    /// [`BadText`] when it breaks a rule of the type.
    pub fn new(bytes: &'a [u8]) -> Result<Self, BadText> {
        if bytes.is_empty() || bytes.len() > TEXT_MAX {
            return Err(BadText);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| BadText)?;
        if text.chars().any(char::is_control) { Err(BadText) } else { Ok(Self(text)) }
    }

    /// The text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Its bytes, at most [`TEXT_MAX`].
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0.as_bytes()
    }
}

impl core::fmt::Display for Text<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_can_be_shown() {
        for text in ["a", "ä b/ç", "/tmp/x", "..", "日本"] {
            assert_eq!(Text::new(text.as_bytes()).unwrap().as_str(), text);
        }
        assert!(Text::new(&[b'x'; TEXT_MAX]).is_ok());
        for bytes in
            [b"".as_slice(), b"a\0", b"a\nb", b"\x1b[2J", b"\x7f", b"\xc2\x85", b"\xff", &[b'x'; 256]]
        {
            assert_eq!(Text::new(bytes), Err(BadText));
        }
    }
}
