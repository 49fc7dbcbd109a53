//! Two machines with a cable of datagrams between them. Nobody needs any rights for that.

use crate::{
    content,
    process::{Server, run, run_well, skep_tap},
};
use skep::identity::Identity;
use std::{fs, net::UdpSocket, path::Path};
use tempfile::TempDir;

const NAME: &str = "the-file";

/// The two ends of a cable, as the options that name them, with an address on a network behind each.
pub(crate) fn ends(home: &Path, is_unix: bool) -> [String; 2] {
    let (one, other, option) = if is_unix {
        (home.join("one").display().to_string(), home.join("other").display().to_string(), "--unix")
    } else {
        let free = || UdpSocket::bind("127.0.0.1:0").unwrap();
        let (one, other) = (free(), free());
        (one.local_addr().unwrap().to_string(), other.local_addr().unwrap().to_string(), "--udp")
    };
    [format!("{option} {one},{other} --ip 10.9.0.1/24"), format!("{option} {other},{one} --ip 10.9.0.2/24")]
}

/// Files go both ways between a server and its clients; `links` are what the clients name it by.
fn exchange(is_unix: bool, door: &str, links: impl Fn(&Server) -> Vec<(String, &'static str)>) {
    let home = TempDir::new().unwrap();
    let [one, other] = ends(home.path(), is_unix);
    let shared = home.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::write(shared.join(NAME), content(1, 1_000_000)).unwrap();
    let (keys, mine) = (home.path().join("server-key"), home.path().join("client-key"));
    let serve = format!("{one} serve {} {door}", shared.display());
    let serve = if door == "--plain" { serve } else { format!("{serve} --key {}", keys.display()) };
    let server = Server::start(&mut skep_tap(&serve), "serving");
    for (number, (link, via)) in links(&server).into_iter().enumerate() {
        let client = |what: &str| {
            let key = if via.is_empty() { String::new() } else { format!("--key {} {via}", mine.display()) };
            format!("{other} {what} {key}")
        };
        let got = home.path().join(format!("got-{number}"));
        run_well(&mut skep_tap(&client(&format!("get {link}{NAME} -o {}", got.display()))));
        assert!(fs::read(&got).unwrap() == content(1, 1_000_000), "{link} {via}: another file arrived");
        let file = home.path().join(format!("put-{number}"));
        fs::write(&file, content(2, 100_001)).unwrap();
        let put = run(&mut skep_tap(&client(&format!("put {} {link}", file.display()))));
        if door == "--public" {
            assert_eq!(put.0, 1, "the public may not send: {}", put.1);
        } else {
            assert_eq!(put.0, 0, "{}", put.1);
            let arrived = fs::read(shared.join(format!("put-{number}"))).unwrap();
            assert!(arrived == content(2, 100_001), "{link} {via}: another file arrived");
        }
        let (code, said) = run(&mut skep_tap(&client(&format!("get {link}absent"))));
        assert_eq!(code, 1, "{said}");
    }
}

#[test]
fn plain_files_go_both_ways_over_rdt_and_tcp() {
    for is_unix in [false, true] {
        exchange(is_unix, "--plain", |_| {
            vec![("rdt://10.9.0.1/".into(), ""), ("tcp://10.9.0.1/".into(), "")]
        });
    }
}

#[test]
fn the_socket_of_a_machine_is_gone_with_it_and_of_a_killed_one_is_taken() {
    let home = TempDir::new().unwrap();
    let [one, _] = ends(home.path(), true);
    let serve = format!("{one} serve {} --plain", home.path().display());
    // Dropped, a server is killed.
    drop(Server::start(&mut skep_tap(&serve), "serving"));
    assert!(fs::exists(home.path().join("one")).unwrap());
    let mut server = Server::start(&mut skep_tap(&serve), "serving");
    let (code, said) = run(&mut skep_tap(&serve));
    assert!(code == 4 && said.contains("one: Address already in use"), "{said}");
    assert!(server.is_running());
    server.end();
    assert!(!fs::exists(home.path().join("one")).unwrap());
}

#[test]
fn a_server_that_nobody_listens_to_goes_on() {
    let home = TempDir::new().unwrap();
    let [one, other] = ends(home.path(), false);
    fs::write(home.path().join(NAME), content(1, 1_000)).unwrap();
    let serve = format!("{one} serve {} --plain", home.path().display());
    let mut server = Server::start(&mut skep_tap(&serve), "serving");
    server.turn_away();
    let get = format!("{other} get tcp://10.9.0.1/{NAME} -o {}", home.path().join("got").display());
    for _ in 0..3 {
        run_well(&mut skep_tap(&get));
    }
    assert!(server.is_running());
}

#[test]
fn sealed_files_go_both_ways_over_rdt_and_tcp() {
    exchange(false, "--public", |server| {
        vec![(server.link.clone(), "--via udp"), (server.link.clone(), "--via tcp")]
    });
}

#[test]
fn who_may_only_read_fetches_and_does_not_send() {
    let home = TempDir::new().unwrap();
    let [one, other] = ends(home.path(), false);
    let path = |name: &str| home.path().join(name).display().to_string();
    fs::create_dir(path("shared")).unwrap();
    fs::write(path("shared/there"), "content").unwrap();
    let keys = [("reader", "read-only"), ("writer", "")].map(|(name, rights)| {
        let key = Identity::load_or_make(path(name).as_ref()).unwrap().fingerprint();
        format!("skep-x25519 {key} {name} {rights}\n")
    });
    fs::write(path("allow"), keys.concat()).unwrap();
    let serve = format!("{one} serve {} --allow {} --key {}", path("shared"), path("allow"), path("key"));
    let server = Server::start(&mut skep_tap(&serve), "serving");
    let link = &server.link;
    for (name, code) in [("reader", 1), ("writer", 0)] {
        for via in ["udp", "tcp"] {
            let with = format!("--key {} --via {via}", path(name));
            run_well(&mut skep_tap(&format!("{other} get {link}there -o {} {with}", path("got"))));
            for to in ["new", "there"] {
                let put = run(&mut skep_tap(&format!("{other} put {} {link}{to} {with}", path("allow"))));
                assert_eq!(put.0, code, "{name} {via}: {}", put.1);
            }
        }
        assert_eq!(fs::exists(path("shared/new")).unwrap(), code == 0);
    }
}

#[test]
fn who_has_another_key_than_the_link_says_is_not_spoken_to() {
    let home = TempDir::new().unwrap();
    let [one, other] = ends(home.path(), false);
    let key = |name: &str| home.path().join(name).display().to_string();
    let serve = format!("{one} serve {} --public --key {}", home.path().display(), key("a"));
    let server = Server::start(&mut skep_tap(&serve), "serving");
    let stranger = "skep://hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo@10.9.0.1/x";
    assert!(!server.link.contains(&stranger[7..50]));
    let (code, said) = run(&mut skep_tap(&format!("{other} get {stranger} --via tcp --key {}", key("b"))));
    assert_eq!(code, 3, "{said}");
}

#[test]
fn a_network_card_that_is_not_there_is_not_made() {
    let (code, said) = run(&mut skep_tap("--tap skepnone --ip 10.9.0.2/24 get tcp://10.9.0.1/x"));
    assert!(code == 3 && said.contains("cannot use skepnone: there is no such device"), "{said}");
}

#[test]
fn a_call_to_nobody_ends_with_a_word() {
    let home = TempDir::new().unwrap();
    let [_, other] = ends(home.path(), false);
    let (code, said) = run(&mut skep_tap(&format!("{other} get tcp://10.9.0.1/x")));
    assert!(code == 3 && said.contains("no answer"), "{said}");
}
