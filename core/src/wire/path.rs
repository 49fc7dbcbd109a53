//! Path requests (docs/protocol.md section 4).
//!
//! ```text
//! request   | "/"... | path | "\n" or "\r\n" or NUL or the end of the stream
//! answer    | the content, or the text NOT_FOUND | the end of the stream
//! ```
//!
//! Nothing tells the text from a file that has just these bytes: who needs that uses section 1.

use super::{BadName, Name, file::Unparsed};
use crate::limits::NAME_MAX;

/// The whole answer where there is no such file.
pub const NOT_FOUND: &[u8] = b"Error: El archivo no existe";

/// The longest request without its end, in bytes: a slash, a name, a carriage return.
pub const LENGTH_MAX: usize = 1 + NAME_MAX + 1;

/// The path at the beginning of `bytes` as a name below the served root, and the length of the request with its
/// end. `finished` says that the stream ends after `bytes`, which ends the request too.
///
/// # Errors
/// [`Unparsed::Incomplete`] when the end has not come, [`Unparsed::BadName`] when the path is none that can be
/// served: the root itself, for example, or one that is longer than [`LENGTH_MAX`].
pub fn parse(bytes: &[u8], finished: bool) -> Result<(Name<'_>, usize), Unparsed> {
    let found = bytes.iter().take(LENGTH_MAX.saturating_add(1)).position(|byte| matches!(byte, b'\n' | 0));
    let (path, length) = match found.and_then(|end| bytes.split_at_checked(end)) {
        Some((line, rest)) if rest.first() == Some(&b'\n') => {
            (line.strip_suffix(b"\r").unwrap_or(line), line.len().saturating_add(1))
        }
        Some((path, _)) => (path, path.len().saturating_add(1)),
        None if bytes.len() > LENGTH_MAX => return Err(Unparsed::BadName),
        None if !finished => return Err(Unparsed::Incomplete),
        None => (bytes, bytes.len()),
    };
    let slashes = path.iter().take_while(|&&byte| byte == b'/').count();
    let name = Name::new(path.get(slashes..).unwrap_or_default()).map_err(|BadName| Unparsed::BadName)?;
    Ok((name, length))
}

/// Writes the request for a file and says how many bytes that took; the end of the stream is its end, the only one
/// that every server takes for one. `None`: there is no room.
pub fn emit(name: Name<'_>, out: &mut [u8]) -> Option<usize> {
    let bytes = name.as_bytes();
    out.get_mut(..bytes.len())?.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    Some(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8], finished: bool) -> Result<(&str, usize), Unparsed> {
        parse(bytes, finished).map(|(name, length)| (name.as_str(), length))
    }

    #[test]
    fn a_path_ends_at_a_newline_a_nul_or_the_end_of_the_stream() {
        assert_eq!(parsed(b"a/b\nrest", false), Ok(("a/b", 4)));
        assert_eq!(parsed(b"a/b\r\nrest", false), Ok(("a/b", 5)));
        assert_eq!(parsed(b"a/b\0rest", false), Ok(("a/b", 4)));
        assert_eq!(parsed(b"a/b", true), Ok(("a/b", 3)));
        assert_eq!(parsed(b"a/b", false), Err(Unparsed::Incomplete));
    }

    #[test]
    fn one_carriage_return_goes_and_only_before_a_newline() {
        assert_eq!(parsed(b"a\r\n", false), Ok(("a", 3)));
        // One that stays is part of the name, and no name has such a character.
        assert_eq!(parsed(b"a\r\r\n", false), Err(Unparsed::BadName));
        assert_eq!(parsed(b"a\r\0", false), Err(Unparsed::BadName));
        assert_eq!(parsed(b"a\r", true), Err(Unparsed::BadName));
    }

    #[test]
    fn leading_slashes_are_the_root() {
        assert_eq!(parsed(b"/a", true), Ok(("a", 2)));
        assert_eq!(parsed(b"///a/b\n", true), Ok(("a/b", 7)));
        for root in [b"".as_slice(), b"/", b"//", b"\n", b"/\r\n", b"\0"] {
            assert_eq!(parsed(root, true), Err(Unparsed::BadName));
        }
    }

    #[test]
    fn a_path_that_could_leave_the_directory_is_bad() {
        for path in ["../a", "a/..", "/../a", "a//b", "a/"] {
            assert_eq!(parsed(path.as_bytes(), true), Err(Unparsed::BadName));
        }
    }

    #[test]
    fn a_path_is_bad_as_soon_as_it_is_too_long() {
        let longest = format!("/{}\r\n", "x".repeat(NAME_MAX));
        assert_eq!(parsed(longest.as_bytes(), false).unwrap().1, LENGTH_MAX + 1);
        assert_eq!(parsed(&[b'x'; LENGTH_MAX], false), Err(Unparsed::Incomplete));
        assert_eq!(parsed(&[b'x'; LENGTH_MAX + 1], false), Err(Unparsed::BadName));
        assert_eq!(parsed(&[b'x'; LENGTH_MAX + 1], true), Err(Unparsed::BadName));
    }

    #[test]
    fn what_is_emitted_is_the_same_name_again() {
        let name = Name::new(b"a/b").unwrap();
        let mut out = [0; 8];
        assert_eq!(emit(name, &mut out), Some(3));
        assert_eq!(parse(&out[..3], true), Ok((name, 3)));
        assert_eq!(emit(name, &mut out[..2]), None);
    }
}
