//! Names that differ in case only: one file to some systems, two to others.

use super::confined::Folder;
use std::io;

/// Entries looked at: some milliseconds' work. Among more, a variant may be missed.
const ENTRIES_MAX: usize = 100_000;

/// Whether an entry has this name but for the case of letters, and none has it to the letter.
pub(super) fn has_variant(folder: &Folder, name: &str) -> io::Result<bool> {
    let folded: String = fold(name).collect();
    let (mut is_there, mut has_variant) = (false, false);
    let mut left = ENTRIES_MAX;
    folder.entries(|entry, _| {
        is_there = entry == name;
        has_variant |= !is_there && fold(entry).eq(folded.chars());
        left -= 1;
        !is_there && left > 0
    })?;
    Ok(has_variant && !is_there)
}

/// Upper case first: it makes one of what has several in lower case, as the sigma of the end of a word.
pub(crate) fn fold(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn letters_of_either_case_are_one_and_other_letters_are_not() {
        for (one, other) in
            [("ReadMe.TXT", "readme.txt"), ("ÄÖ", "äö"), ("ΣΑΣ", "σας"), ("Straße", "STRASSE")]
        {
            assert!(fold(one).eq(fold(other)), "{one} {other}");
        }
        for (one, other) in [("a", "b"), ("a", "aa"), ("a", "ä"), ("ß", "s")] {
            assert!(!fold(one).eq(fold(other)), "{one} {other}");
        }
    }
}
