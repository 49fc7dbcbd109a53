//! Text from elsewhere, made safe to print.

use skep_core::wire::is_hidden;
use std::fmt::{self, Display, Formatter, Write};

/// Shows a text with its control characters as `\u{…}`.
///
/// Names of files and messages of peers may hold anything. Printed as they are they could move the cursor, change
/// the title of the window, forge a line of output, or make a name read as another one.
pub fn escape(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// What [`escape`] gives.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'t>(&'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if is_hidden(character) {
                write!(formatter, "{}", character.escape_unicode())?;
            } else {
                formatter.write_char(character)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_seen_stays_as_it_is() {
        for text in ["", "a b.txt", "größe €.bin", "日本語", "العربية", "🐝", r"back\slash", "'quotes\""]
        {
            assert_eq!(escape(text).to_string(), text);
        }
    }

    #[test]
    fn what_acts_on_a_terminal_is_shown() {
        for (text, shown) in [
            ("\x1b[2Ja", r"\u{1b}[2Ja"),
            ("a\r\nb\tc\0", r"a\u{d}\u{a}b\u{9}c\u{0}"),
            ("\x7f", r"\u{7f}"),
            ("\u{9b}31m", r"\u{9b}31m"),
        ] {
            assert_eq!(escape(text).to_string(), shown);
        }
    }

    #[test]
    fn what_makes_a_name_read_as_another_is_shown() {
        assert_eq!(escape("cod\u{202e}txt.exe").to_string(), r"cod\u{202e}txt.exe");
        for hidden in
            ['\u{200b}', '\u{200d}', '\u{200f}', '\u{2066}', '\u{2069}', '\u{feff}', '\u{61c}', '\u{2028}']
        {
            assert_eq!(escape(&hidden.to_string()).to_string(), hidden.escape_unicode().to_string());
        }
    }

    #[test]
    fn nothing_that_is_left_is_a_control() {
        for character in '\0'..=char::MAX {
            assert!(!escape(&character.to_string()).to_string().contains(char::is_control));
        }
    }
}
