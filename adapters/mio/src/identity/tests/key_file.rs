//! The file of the secret key.

use std::{collections::HashSet, os::unix::fs::symlink, thread};

use super::*;

/// Alice's of RFC 7748, section 6.1; her public key is the first of [`KEYS`].
const LINE: &str = "skep-secret-x25519 dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo\n";
const SECRET: &str = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo";

#[test]
fn a_key_that_is_made_is_there_the_next_time_and_for_nobody_else() {
    let (directory, path) = path("a/b/key");
    let made = Identity::make(&path).unwrap();
    let found = Identity::load(&path).unwrap();
    assert_eq!(made.fingerprint(), found.fingerprint());
    assert_eq!(made.secret(), found.secret());
    assert!(made.is_new() && !found.is_new());
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(mode(&directory.path().join("a")), 0o700);
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("skep-secret-x25519 ") && text.len() == 63 && text.ends_with('\n'),
        "{}",
        text.len()
    );
    // Nothing of it is left anywhere else.
    let names: HashSet<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["key".into(), ".key.lock".into()].into());
}

#[test]
fn the_format_is_known() {
    let (_directory, path) = path("key");
    for text in [LINE, LINE.trim_end(), &format!("# mine\n\n{LINE}\n")] {
        file(&path, text, 0o600);
        assert_eq!(Identity::load(&path).unwrap().fingerprint(), key(0));
    }
}

#[test]
fn a_key_is_never_replaced() {
    let (directory, path) = path("key");
    for make in [Identity::make, Identity::load_or_make] {
        file(&path, "not a key", 0o600);
        let told = make(&path).unwrap_err().to_string();
        assert!(told.contains("already") || told.contains("not a secret key"), "{told}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "not a key");
        fs::remove_file(&path).unwrap();
        // A link that leads nowhere is something too.
        symlink(directory.path().join("elsewhere"), &path).unwrap();
        make(&path).unwrap_err();
        assert!(!directory.path().join("elsewhere").exists());
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_key_that_others_can_read_is_refused_and_the_message_says_what_to_do() {
    let (_directory, path) = path("key");
    for bits in [0o640, 0o604, 0o660, 0o644, 0o610, 0o601, 0o777] {
        file(&path, LINE, bits);
        for load in [Identity::load, Identity::load_or_make] {
            let told = load(&path).unwrap_err().to_string();
            assert!(told.contains("chmod 600") && told.contains(&format!("{bits:04o}")), "{told}");
        }
    }
    file(&path, LINE, 0o400);
    Identity::load(&path).unwrap();
}

#[test]
fn behind_a_link_it_is_the_file_that_has_to_be_private() {
    let (directory, path) = path("key");
    let real = directory.path().join("real");
    symlink(&real, &path).unwrap();
    file(&real, LINE, 0o600);
    assert_eq!(Identity::load(&path).unwrap().fingerprint(), key(0));
    file(&real, LINE, 0o644);
    assert!(Identity::load(&path).unwrap_err().to_string().contains("chmod 600"));
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let (directory, path) = path("key");
    fs::create_dir(&path).unwrap();
    assert!(Identity::load(&path).unwrap_err().to_string().contains("not a regular file"));
    let fifo = directory.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(Identity::load(&fifo).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn what_is_no_key_is_refused_and_never_repeated() {
    let damaged = format!("skep-secret-x25519 {}p\n", &SECRET[..42]);
    let twice = format!("{LINE}\n{LINE}");
    let behind = format!("skep-secret-x25519 {SECRET} bob\n");
    let cases = [
        ("", 1, "not a secret key"),
        ("\n\nhello\n", 3, "not a secret key"),
        ("skep-secret-x25519 \n", 1, "damaged"),
        ("skep-secret-p256 AAAA\n", 1, "newer"),
        ("skep-x25519 AAAA bob\n", 1, "public key"),
        (&damaged, 1, "damaged"),
        (&behind, 1, "damaged"),
        (&twice, 3, "one key"),
    ];
    refuses(Identity::load, &cases);
    let (_directory, path) = path("key");
    for (text, ..) in cases {
        file(&path, text, 0o600);
        assert!(!Identity::load(&path).unwrap_err().to_string().contains(&SECRET[..20]));
    }
}

#[test]
fn all_who_make_it_at_once_get_the_same_key() {
    let (_directory, path) = path("new/key");
    let keys: HashSet<_> = thread::scope(|scope| {
        let all: Vec<_> =
            (0..16).map(|_| scope.spawn(|| Identity::load_or_make(&path).unwrap().fingerprint())).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(keys.len(), 1);
    let made = thread::scope(|scope| {
        fs::remove_file(&path).unwrap();
        let all: Vec<_> = (0..16).map(|_| scope.spawn(|| Identity::make(&path).is_ok())).collect();
        all.into_iter().map(|one| one.join().unwrap()).filter(|made| *made).count()
    });
    assert_eq!(made, 1);
}

#[test]
fn what_a_crash_left_is_in_nobodys_way() {
    let (directory, path) = path("key");
    let fresh = directory.path().join(".key.new");
    file(&fresh, "skep-secret-x25519 half", 0o600);
    let made = Identity::make(&path).unwrap();
    assert_eq!(Identity::load(&path).unwrap().fingerprint(), made.fingerprint());
    assert!(!fresh.exists());
    // After the link and before the removal both names lead to the key. The next write must not go through the old one.
    fs::hard_link(&path, &fresh).unwrap();
    Identity::load_or_make(&path).unwrap();
    assert_eq!(Identity::load(&path).unwrap().fingerprint(), made.fingerprint());
}

#[test]
fn a_link_in_the_place_of_the_new_file_is_not_followed() {
    let (directory, path) = path("key");
    let victim = directory.path().join("victim");
    file(&victim, "mine", 0o600);
    symlink(&victim, directory.path().join(".key.new")).unwrap();
    Identity::make(&path).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
}

#[test]
fn no_key_is_made_where_others_could_replace_it() {
    let (directory, path) = path("key");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let told = Identity::make(&path).unwrap_err().to_string();
    assert!(told.contains("chmod go-w") && !path.exists(), "{told}");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    Identity::make(&path).unwrap();
}

#[test]
fn nothing_secret_is_in_debug() {
    let (_directory, path) = path("key");
    file(&path, LINE, 0o600);
    let identity = Identity::load(&path).unwrap();
    let shown = format!("{identity:?} {identity:#?}");
    assert!(shown.contains(KEYS[0]), "{shown}");
    assert!(
        !shown.contains(&SECRET[..10]) && !shown.contains("119, 7") && !shown.contains("0x77"),
        "{shown}"
    );
}

#[test]
fn a_key_that_is_not_there_says_how_to_make_one() {
    let (_directory, path) = path("key");
    let advice = format!("skep key --key {} make", path.display());
    assert!(Identity::load(&path).unwrap_err().to_string().contains(&advice));
}
