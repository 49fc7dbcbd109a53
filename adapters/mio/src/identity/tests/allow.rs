//! The allow file.

use std::{
    thread,
    time::{Duration, SystemTime},
};

use super::*;

fn line(index: usize, name: &str, read_only: bool) -> PublicLine {
    PublicLine { key: key(index), name: name.parse().unwrap(), rights: Rights { read_only } }
}

fn text(lines: &[PublicLine]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// So old that one look at it is enough.
fn age(path: &Path, seconds: u64) {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

#[test]
fn keys_are_found_with_their_names_and_rights() {
    let (_directory, path) = path("allow");
    file(
        &path,
        &format!("# friends\n\n{}\n  \t\r\n  {}  \r\n", line(0, "bob", false), line(1, "cam", true)),
        0o644,
    );
    let allow = AllowFile::load(&path).unwrap();
    assert_eq!(allow.count(), 2);
    assert_eq!(
        allow.find(&key(0)),
        Some(&Allowed { name: "bob".parse().unwrap(), rights: Rights::default() })
    );
    assert!(allow.find(&key(1)).unwrap().rights.read_only);
    assert_eq!(allow.find(&key(2)), None);
}

#[test]
fn a_line_is_read_as_it_is_written() {
    for line in [line(0, "bob@laptop", false), line(1, "größe", true)] {
        assert_eq!(line.to_string().parse(), Ok(line));
    }
    assert_eq!(line(1, "cam", true).to_string(), format!("skep-x25519 {} cam read-only", KEYS[1]));
}

#[test]
fn lines_that_are_not_understood_are_refused_with_their_number() {
    let [a, b, _] = KEYS;
    let cases = [
        ("hello".to_owned(), 1, "skep-x25519 KEY NAME"),
        (format!("\n# x\nskep-x448 {a} bob"), 3, "skep-x25519 KEY NAME"),
        (format!("skep-secret-x25519 {a}"), 1, "secret key"),
        ("skep-x25519".to_owned(), 1, "key is missing"),
        (format!("skep-x25519 {}", &a[1..]), 1, "43 characters"),
        (format!("skep-x25519 {}= bob", &a[1..]), 1, "damaged"),
        (format!("skep-x25519 {} bob", "A".repeat(43)), 1, "not the fingerprint"),
        (format!("skep-x25519 {a}"), 1, "name behind the key"),
        (format!("skep-x25519 {a} #bob"), 1, "does not begin"),
        (format!("skep-x25519 {a} b\u{202e}b"), 1, "cannot be seen"),
        (format!("skep-x25519 {a} bob admin"), 1, "\"admin\" is not known"),
        (format!("skep-x25519 {a} bob read-only read-only"), 1, "twice"),
        (
            format!("skep-x25519 {a} bob\nskep-x25519 {b} bob\n\nskep-x25519 {a} al"),
            4,
            "line 1 has the same key",
        ),
    ];
    let cases: Vec<_> =
        cases.iter().map(|(text, number, reason)| (text.as_str(), *number, *reason)).collect();
    refuses(AllowFile::load, &cases);
}

#[test]
fn names_are_shown_escaped() {
    let (_directory, path) = path("allow");
    file(&path, &format!("skep-x25519 {} bob \x1b[2J", KEYS[0]), 0o600);
    let told = AllowFile::load(&path).unwrap_err().to_string();
    assert!(told.contains(r"\u{1b}") && !told.contains('\x1b'), "{told}");
}

#[test]
fn a_file_that_others_can_change_lets_nobody_in() {
    let (_directory, path) = path("allow");
    for bits in [0o620, 0o602, 0o666] {
        file(&path, &text(&[line(0, "bob", false)]), bits);
        assert!(AllowFile::load(&path).unwrap_err().to_string().contains("chmod go-w"));
    }
    assert!(AllowFile::load(&path.with_extension("not")).unwrap_err().to_string().contains("no file"));
    assert_eq!(AllowFile::load_or_empty(&path.with_extension("not")).unwrap().count(), 0);
}

#[test]
fn it_is_read_again_when_it_changes_and_only_then() {
    let (_directory, path) = path("allow");
    file(&path, &text(&[line(0, "bob", false)]), 0o600);
    age(&path, 60);
    let mut allow = AllowFile::load(&path).unwrap();
    assert_eq!(allow.reload_if_changed(), Ok(false));
    file(&path, &text(&[line(0, "bob", false), line(1, "al", false)]), 0o600);
    age(&path, 50);
    assert_eq!(allow.reload_if_changed(), Ok(true));
    assert_eq!(allow.reload_if_changed(), Ok(false));
    assert_eq!(allow.count(), 2);
    fs::remove_file(&path).unwrap();
    assert_eq!((allow.reload_if_changed(), allow.count()), (Ok(true), 0));
    assert_eq!(allow.reload_if_changed(), Ok(false));
}

#[test]
fn a_slip_of_the_pen_changes_nothing_and_is_told_once() {
    let (_directory, path) = path("allow");
    file(&path, &text(&[line(0, "bob", false)]), 0o600);
    let mut allow = AllowFile::load(&path).unwrap();
    for bits in [0o600, 0o666] {
        file(&path, "skep-x25519 oops", bits);
        assert!(allow.reload_if_changed().is_err());
        assert_eq!(allow.reload_if_changed(), Ok(false));
        assert!(allow.find(&key(0)).is_some());
    }
    file(&path, &text(&[line(1, "al", false)]), 0o600);
    assert_eq!(allow.reload_if_changed(), Ok(true));
    assert!(allow.find(&key(0)).is_none() && allow.find(&key(1)).is_some());
}

#[test]
fn a_second_change_within_a_tick_of_the_clock_is_seen() {
    let (_directory, path) = path("allow");
    file(&path, &text(&[line(0, "bob", false)]), 0o600);
    let mut allow = AllowFile::load(&path).unwrap();
    // The same length, and as far as the file system can tell perhaps the same time.
    file(&path, &text(&[line(1, "bob", false)]), 0o600);
    allow.reload_if_changed().unwrap();
    assert!(allow.find(&key(1)).is_some());
}

#[test]
fn a_key_is_added_for_good_and_everything_else_stays() {
    let (directory, path) = path("allow");
    let before = "# friends\n# and family";
    file(&path, before, 0o640);
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut allow = AllowFile::load(&link).unwrap();
    assert_eq!(allow.add(&line(0, "bob", true)), Ok(true));
    assert_eq!(allow.add(&line(0, "al", false)), Ok(false));
    assert!(allow.find(&key(0)).unwrap().rights.read_only);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{before}\n{}\n", line(0, "bob", true)));
    assert_eq!(mode(&path), 0o640);
    assert!(link.is_symlink());
}

#[test]
fn a_file_that_is_wrong_is_not_written() {
    let (_directory, path) = path("allow");
    file(&path, "", 0o600);
    let mut allow = AllowFile::load(&path).unwrap();
    file(&path, "oops", 0o600);
    assert!(allow.add(&line(0, "bob", false)).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "oops");
}

#[test]
fn none_of_many_who_add_at_once_is_lost() {
    let (_directory, path) = path("allow");
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let key = Identity::make(&path.with_file_name(format!("{:?}", thread::current().id())));
                let line = PublicLine { key: key.unwrap().fingerprint(), ..line(0, "guest", false) };
                assert_eq!(AllowFile::load_or_empty(&path).unwrap().add(&line), Ok(true));
            });
        }
    });
    assert_eq!(AllowFile::load(&path).unwrap().count(), 16);
    assert_eq!(mode(&path), 0o600);
}
