//! Passwords and accounts.

use std::process::Command;

use skep_core::seal::Secret;

use super::*;

const SALT: &str = "AAECAwQFBgcICQoLDA0ODw";

fn account(name: &str, password: &str) -> Account {
    Account::new(name.parse().unwrap(), &Password::new(password).unwrap(), Cost::LEAST, Rights::default())
        .unwrap()
}

#[test]
fn the_account_of_a_password_is_found_by_its_key() {
    let (_directory, path) = path("accounts");
    let bob = account("bob", "correct horse");
    file(&path, &format!("# us\n{bob}\n"), 0o600);
    let accounts = Accounts::load(&path).unwrap();
    let (salt, cost) = accounts.salt_of("bob", &Secret::new([1; 32]));
    assert_eq!((salt, cost), (bob.salt, Cost::LEAST));
    let key_of = |password: &str| {
        key::public(&password_secret(&Password::new(password).unwrap(), &salt, cost).unwrap())
    };
    assert_eq!(accounts.find(&key_of("correct horse")), Some(&bob));
    assert_eq!(accounts.find(&key_of("correct house")), None);
}

#[test]
fn a_line_is_read_as_it_is_written_and_holds_no_password() {
    let mut bob = account("bob", "correct horse");
    bob.rights.read_only = true;
    let line = bob.to_string();
    assert_eq!(line.parse(), Ok(bob));
    assert!(!line.contains("horse"));
    assert!(!format!("{:?}", Password::new("correct horse").unwrap()).contains("horse"));
}

#[test]
fn a_name_that_there_is_not_has_a_salt_that_looks_real_and_stays() {
    let (_directory, path) = path("accounts");
    let accounts = Accounts::load(&path).unwrap();
    let (secret, other) = (Secret::new([1; 32]), Secret::new([2; 32]));
    let made_up = accounts.salt_of("eve", &secret);
    assert_eq!(made_up, (fake_salt(&secret, "eve"), Cost::DEFAULT));
    assert_eq!(made_up, accounts.salt_of("eve", &secret));
    assert_ne!(made_up.0, fake_salt(&secret, "eva"));
    assert_ne!(made_up.0, fake_salt(&other, "eve"));
    // What can be no name is asked for like any other.
    assert_ne!(accounts.salt_of("a b\0", &secret).0, accounts.salt_of("", &secret).0);
}

#[test]
fn lines_that_are_not_understood_are_refused_with_their_number() {
    let [a, b, _] = KEYS;
    let good = format!("skep-account bob m=19456,t=2,p=1 {SALT} {a}");
    let other_salt = SALT.replace("AAEC", "BAEC");
    let cases = [
        ("hello".to_owned(), 1, "begins with"),
        ("skep-account bob".to_owned(), 1, "NAME COST SALT KEY"),
        (format!("skep-account bob m=8,t=1,p=1 {SALT} {a}"), 1, "does not protect"),
        (format!("skep-account bob m=4194304,t=2,p=1 {SALT} {a}"), 1, "too much"),
        (format!("\nskep-account bob m=19456,t=2 {SALT} {a}"), 2, "is written like"),
        (format!("skep-account bob m=19456,t=2,p=1 {SALT}A {a}"), 1, "a salt has 22"),
        (format!("skep-account bob m=19456,t=2,p=1 {SALT} {a}A"), 1, "43 characters"),
        (format!("{good} root"), 1, "not known"),
        (format!("{good}\n{}", good.replace(SALT, &other_salt).replace("bob", "al")), 2, "same key"),
        (format!("{good}\n{}", good.replace(SALT, &other_salt).replace(a, b)), 2, "same name"),
        (format!("{good}\n{}", good.replace(a, b).replace("bob", "al")), 2, "same salt"),
    ];
    let cases: Vec<_> =
        cases.iter().map(|(text, number, reason)| (text.as_str(), *number, *reason)).collect();
    refuses(Accounts::load, &cases);
    let (_directory, path) = path("accounts");
    file(&path, &good, 0o644);
    assert!(Accounts::load(&path).unwrap_err().to_string().contains("chmod 600"));
}

#[test]
fn a_password_comes_from_a_file_that_others_cannot_read() {
    let (_directory, path) = path("password");
    let find = || Password::find(Some(&path), "bob").map(|password| password.as_bytes().to_vec());
    for text in ["correct horse", "correct horse\n", "correct horse\r\n"] {
        file(&path, text, 0o600);
        assert_eq!(find(), Ok(b"correct horse".to_vec()));
    }
    for (text, mode, reason) in [
        ("correct horse", 0o640, "chmod 600"),
        ("", 0o600, "1 to 1024"),
        ("\n", 0o600, "1 to 1024"),
        ("a\nb\n", 0o600, "more than one line"),
        (&"x".repeat(1025), 0o600, "1 to 1024"),
        (&"x".repeat(100_000), 0o600, "1 to 1024"),
    ] {
        file(&path, text, mode);
        let told = find().unwrap_err().to_string();
        assert!(told.contains(reason) && !told.contains("horse"), "{told}");
    }
    file(&path, "short", 0o600);
    assert!(Password::find_new(Some(&path), "bob").unwrap_err().to_string().contains("at least 8"));
}

#[test]
fn a_password_may_come_through_a_pipe_of_the_shell() {
    let (_directory, path) = path("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let mut writer =
        Command::new("sh").arg("-c").arg("echo 'correct horse' > \"$0\"").arg(&path).spawn().unwrap();
    assert_eq!(Password::find(Some(&path), "bob").unwrap().as_bytes(), b"correct horse");
    writer.wait().unwrap();
}
