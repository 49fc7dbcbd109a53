//! What is a name, and what is none.

use super::{BadName, Name, character};
use crate::{limits::NAME_MAX, miri::fewer};

fn is_good(name: &str) -> bool {
    Name::new(name.as_bytes()).is_ok()
}

#[test]
fn names_that_stay_below_the_directory_are_good() {
    for name in ["a", "a/b", "a-b.c", "ä b/ç", "a..b", " a", "日本/語", "🦀", "~", "$HOME", "a;b&c", "%2e%2e"]
    {
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
        "\u{202e}gpj",
    ] {
        assert!(!is_good(name), "{name:?}");
    }
}

#[test]
fn case_05_names_that_are_hidden_or_taken_for_options_are_bad() {
    for name in [".profile", ".ssh/authorized_keys", "a/.git", "..a", "...", "-rf", "a/-x", "--help"] {
        assert!(!is_good(name), "{name:?}");
    }
}

#[test]
fn case_07_names_that_windows_reads_otherwise_are_bad() {
    let devices =
        ["CON", "PRN", "AUX", "NUL", "COM0", "COM1", "COM9", "LPT0", "LPT9", "COM¹", "LPT²", "COM³"];
    let variants = |device: &str| {
        [
            device.to_owned(),
            device.to_lowercase(),
            format!("{device}.txt"),
            format!("{device} .tar.gz"),
            format!("{device}  .x"),
        ]
    };
    for device in devices.into_iter().chain(["CONIN$", "conout$"]) {
        for name in variants(device) {
            assert!(!is_good(&name) && !is_good(&format!("a/{name}/b")), "{name:?}");
        }
        assert!(is_good(&format!("{device}a")) && is_good(&format!("a{device}")), "{device:?}");
    }
    for name in [
        "C:",
        "C:\\x",
        "a:b",
        "a::$DATA",
        "\\\\server\\share",
        "a\\b",
        "a.",
        "a ",
        "a. .",
        "a./b",
        "a /b",
        "COM1 ",
    ] {
        assert!(!is_good(name), "{name:?}");
    }
    for name in
        ["CON1", "COM", "COM10", "COM⁴", "LPT/1", "NULL", "auxiliary", "a.con", "con-1", "CONIN", "$", "IN$"]
    {
        assert!(is_good(name), "{name:?}");
    }
}

#[test]
fn case_09_names_without_length_too_long_or_not_of_text_are_bad() {
    assert_eq!(Name::new(b""), Err(BadName));
    assert_eq!(Name::new(&[b'x'; NAME_MAX + 1]), Err(BadName));
    assert_eq!(Name::new(&[b'x'; 65_535]), Err(BadName));
    for name in [&b"\xff"[..], b"a\xc3", b"\xc0\xae", b"a\0", b".skep-0123456789abcdef.part", b"\xed\xa0\x80"]
    {
        assert_eq!(Name::new(name), Err(BadName), "{}", name.escape_ascii());
    }
}

/// Every first byte, with every second and a choice of others behind it.
#[test]
fn characters_are_what_the_standard_library_takes_for_such() {
    let others = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
    let all = || (0..=u8::MAX).step_by(fewer(1, 15));
    for (first, second) in all().flat_map(|second| all().map(move |first| (first, second))) {
        for (third, fourth) in
            others.into_iter().step_by(fewer(1, 4)).flat_map(|third| others.map(|fourth| (third, fourth)))
        {
            let bytes = [first, second, third, fourth];
            let expected = bytes.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
            let found = character::first(&bytes);
            assert_eq!(found.map(|(character, _)| character), expected, "{bytes:x?}");
            if let Some((character, rest)) = found {
                assert_eq!(rest, &bytes[character.len_utf8()..]);
            }
        }
    }
    for length in 0..4 {
        assert_eq!(character::first(&"🦀".as_bytes()[..length]), None);
    }
}
