//! What a key is called.

use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use crate::escape::escape;

/// The longest label, in bytes.
const LABEL_MAX: usize = 64;

/// A name for people, one word, of which nothing is hidden: it stands in files of words and in logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Box<str>);

impl Label {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a key is called of which nothing better is known.
    pub fn somebody() -> Self {
        Self("somebody".into())
    }

    /// What is left of a text when everything is replaced that a label does not take.
    pub fn from_lossy(text: &str) -> Option<Self> {
        let mut kept = String::new();
        for character in text.trim_start_matches(['-', '#']).chars() {
            if kept.len() + character.len_utf8() > LABEL_MAX {
                break;
            }
            kept.push(if is_visible(character) { character } else { '_' });
        }
        kept.parse().ok()
    }
}

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > LABEL_MAX {
            return Err(format!("a name has 1 to {LABEL_MAX} bytes"));
        }
        if !text.chars().all(is_visible) {
            return Err(
                "a name is one word, without spaces and without characters that cannot be seen".into()
            );
        }
        // The one would be taken for an option, the other for a comment.
        if text.starts_with(['-', '#']) {
            return Err("a name does not begin with - or #".into());
        }
        Ok(Self(text.into()))
    }
}

impl Display for Label {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        escape(&self.0).fmt(formatter)
    }
}

fn is_visible(character: char) -> bool {
    let mut buffer = [0; 4];
    let text: &str = character.encode_utf8(&mut buffer);
    !character.is_whitespace() && escape(text).to_string() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_word_that_can_be_seen() {
        for text in ["a", "bob@laptop", "größe", "日本", "a#b", "a-b", &"x".repeat(LABEL_MAX)] {
            assert_eq!(text.parse::<Label>().unwrap().to_string(), text);
        }
        for text in ["", "a b", "a\tb", "a\u{a0}b", "\x1b[2J", "a\u{202e}b", "#a", "-a", &"x".repeat(65)] {
            assert!(text.parse::<Label>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_label_can_be_made_of_anything_that_has_something() {
        let made = |text: &str| Label::from_lossy(text).map(|label| label.to_string());
        assert_eq!(made("--bob b@my host\n").as_deref(), Some("bob_b@my_host_"));
        assert_eq!(made(&"é".repeat(60)), Some("é".repeat(32)));
        assert_eq!(made("#-"), None);
    }
}
