//! Which files are shared, and under which names.

use skep_core::wire::{Name, Text};
use std::path::Path;

/// What a path below the directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To be shared under this name.
    Name(String),
    /// Hidden, or unfinished.
    Hidden,
    /// It has no name that can be sent; this is how it can be shown.
    Bad(String),
}

/// What the name of a file makes of it. `below` is relative to the directory.
pub(super) fn kind(below: &Path) -> Kind {
    let mut name = String::new();
    for component in below.components() {
        let part = component.as_os_str();
        let Some(part) = part.to_str() else { return Kind::Bad(below.to_string_lossy().into_owned()) };
        if is_hidden(part) {
            return Kind::Hidden;
        }
        if !name.is_empty() {
            name.push('/');
        }
        name.push_str(part);
    }
    if Name::new(name.as_bytes()).is_ok() && Text::new(name.as_bytes()).is_ok() {
        Kind::Name(name)
    } else {
        Kind::Bad(name)
    }
}

/// Names that begin with a dot are hidden, and those that end in `.part` belong to what is not finished.
pub(super) fn is_hidden(component: &str) -> bool {
    component.starts_with('.') || component.to_ascii_lowercase().ends_with(".part")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_unfinished_and_unspeakable_names_are_not_shared() {
        let of = |path: &str| kind(Path::new(path));
        assert_eq!(of("a/b c.txt"), Kind::Name("a/b c.txt".into()));
        for hidden in [".a", "a/.git/b", ".skep-0123456789abcdef.part", "film.mkv.part", "x.PART/y"] {
            assert_eq!(of(hidden), Kind::Hidden, "{hidden}");
        }
        for bad in ["a\\b", "a\u{202e}b", "a\nb"] {
            assert_eq!(of(bad), Kind::Bad(bad.into()));
        }
        assert!(matches!(of(&"x".repeat(256)), Kind::Bad(_)));
    }
}
