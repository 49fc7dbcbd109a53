//! The characters of a name.

/// The first character of some bytes, and what follows it; `None` when they do not begin with one in UTF-8.
///
/// By hand, because [`core::str::from_utf8`] takes half a kilobyte more of a device's flash.
pub(super) fn first(bytes: &[u8]) -> Option<(char, &[u8])> {
    let (&head, mut rest) = bytes.split_first()?;
    // How many bytes follow the first, and from which character on it takes so many.
    let (more, least) = match head.leading_ones() {
        0 => (0, 0),
        2 => (1, 0x80),
        3 => (2, 0x800),
        4 => (3, 0x1_0000),
        _ => return None,
    };
    let mut code = u32::from(head & 0x7f_u8 >> more);
    for _ in 0..more {
        let (&next, after) = rest.split_first()?;
        if next & 0xc0 != 0x80 {
            return None;
        }
        code = code << 6 | u32::from(next & 0x3f);
        rest = after;
    }
    if code < least {
        return None;
    }
    Some((char::from_u32(code)?, rest))
}

/// Characters that act on a terminal or on the reader instead of being seen: controls (C0, DEL, C1), those of the
/// writing direction, those without width, line and paragraph separators, tags. A name that holds one could be shown
/// as another, or do something when it is printed.
pub fn is_hidden(character: char) -> bool {
    let code = u32::from(character);
    HIDDEN.iter().any(|&(first, last)| (u32::from(first)..=u32::from(last)).contains(&code))
        || matches!(character, '\u{e0000}'..='\u{e007f}')
}

/// A table, for size: half of what the comparisons would take.
const HIDDEN: [(u16, u16); 13] = [
    (0, 0x1f),
    (0x7f, 0x9f),
    (0xad, 0xad),
    (0x61c, 0x61c),
    (0x115f, 0x1160),
    (0x180e, 0x180e),
    (0x200b, 0x200f),
    (0x2028, 0x202e),
    (0x2060, 0x206f),
    (0x3164, 0x3164),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff9, 0xfffb),
];
