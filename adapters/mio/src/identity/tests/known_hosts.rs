//! The keys of servers.

use super::*;
use crate::url::{Host, PORT};

fn host(text: &str) -> Host {
    Host::parse(text, PORT).unwrap()
}

#[test]
fn link_and_file_together_decide() {
    let (_directory, path) = path("known_hosts");
    file(&path, &format!("# mine\nbee.example:7537 {}\n", KEYS[0]), 0o644);
    let hosts = KnownHosts::load(&path).unwrap();
    let (bee, other) = (host("bee.example"), host("bee.example:1"));
    assert_eq!(hosts.check(&bee, None), Verdict::Matches(key(0)));
    assert_eq!(hosts.check(&bee, Some(key(0))), Verdict::Matches(key(0)));
    assert_eq!(hosts.check(&bee, Some(key(1))), Verdict::Differs { known: key(0), linked: key(1) });
    assert_eq!(hosts.check(&other, Some(key(1))), Verdict::Linked(key(1)));
    assert_eq!(hosts.check(&other, None), Verdict::Unknown);
    assert_eq!(hosts.expect(&bee, None), Ok(key(0)));
    assert_eq!(hosts.expect(&other, Some(key(1))), Ok(key(1)));
    let told = hosts.expect(&bee, Some(key(1))).unwrap_err().to_string();
    for part in [KEYS[0], KEYS[1], "skep known remove bee.example:7537", "known_hosts"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(hosts.expect(&other, None).unwrap_err().to_string().contains("skep known add"));
}

#[test]
fn asking_remembers_nothing() {
    let (directory, path) = path("known_hosts");
    let hosts = KnownHosts::load(&path).unwrap();
    assert_eq!(hosts.expect(&host("h"), Some(key(0))), Ok(key(0)));
    assert_eq!(hosts.check(&host("h"), None), Verdict::Unknown);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn one_server_has_one_name() {
    let (_directory, path) = path("known_hosts");
    let mut hosts = KnownHosts::load(&path).unwrap();
    for (added, asked, written) in [
        ("Bee.Example.", "bee.EXAMPLE:7537", "bee.example:7537"),
        ("[2001:DB8:0::7]:9", "[2001:db8::7]:9", "[2001:db8::7]:9"),
        ("[::ffff:10.0.0.1]", "10.0.0.1", "10.0.0.1:7537"),
        ("[fe80::1%eth0]", "[fe80::1%eth0]", "[fe80::1%eth0]:7537"),
    ] {
        assert_eq!(hosts.add(&host(added), key(0)), Ok(true), "{added}");
        assert_eq!(hosts.check(&host(asked), None), Verdict::Matches(key(0)), "{asked}");
        assert!(
            fs::read_to_string(&path).unwrap().contains(&format!("{written} {}\n", KEYS[0])),
            "{written}"
        );
    }
    assert_eq!(KnownHosts::load(&path).unwrap().list(), hosts.list());
    assert_eq!(hosts.list().len(), 4);
}

#[test]
fn a_server_is_added_once_and_never_changed() {
    let (_directory, path) = path("known_hosts");
    let mut hosts = KnownHosts::load(&path).unwrap();
    let mut elsewhere = KnownHosts::load(&path).unwrap();
    assert_eq!(hosts.add(&host("h"), key(0)), Ok(true));
    assert_eq!(elsewhere.add(&host("h"), key(0)), Ok(false));
    assert!(elsewhere.add(&host("h"), key(1)).unwrap_err().to_string().contains("skep known remove"));
    assert_eq!(KnownHosts::load(&path).unwrap().list(), [("h:7537", key(0))]);
    assert!(hosts.add(&host("#h"), key(0)).is_err());
}

#[test]
fn a_server_is_forgotten_and_the_comments_stay() {
    let (_directory, path) = path("known_hosts");
    file(&path, &format!("# mine\na:1 {0}\nb:1 {0}", KEYS[0]), 0o600);
    let mut hosts = KnownHosts::load(&path).unwrap();
    assert_eq!(hosts.remove(&host("a:1")), Ok(true));
    assert_eq!(hosts.remove(&host("a:1")), Ok(false));
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("# mine\nb:1 {}", KEYS[0]));
    assert_eq!(hosts.add(&host("a:1"), key(1)), Ok(true));
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("# mine\nb:1 {}\na:1 {}\n", KEYS[0], KEYS[1]));
}

#[test]
fn lines_that_are_not_understood_are_refused_with_their_number() {
    let [a, b, _] = KEYS;
    let cases = [
        ("h:1".to_owned(), 1, "HOST:PORT FINGERPRINT"),
        (format!("\nh:1 {a} x"), 2, "HOST:PORT FINGERPRINT"),
        (format!("::1 {a}"), 1, "brackets"),
        (format!("h:x {a}"), 1, "not a port"),
        (format!("h:1 {}", &a[1..]), 1, "43 characters"),
        (format!("h:1 {a}\n#\nH.:1 {b}"), 3, "line 1 has the same host"),
    ];
    let cases: Vec<_> =
        cases.iter().map(|(text, number, reason)| (text.as_str(), *number, *reason)).collect();
    refuses(KnownHosts::load, &cases);
    let (_directory, path) = path("known_hosts");
    file(&path, "", 0o620);
    assert!(KnownHosts::load(&path).unwrap_err().to_string().contains("chmod go-w"));
}
