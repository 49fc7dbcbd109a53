//! `skep admin` with a tracker that runs.

use std::{
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
};

use skep_core::wire::session::Code;

use super::{
    accounts::fingerprint,
    commands::command,
    member::Tracker,
    wire::{Wire, keys},
};
use crate::support::{Home, port_of_both, until};

#[test]
fn an_admin_sees_who_is_there_and_kicks() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --commands 127.0.0.1:0");
    let mut ana = tracker.join_sealed("ana", &keys(1)).welcomed();
    ana.publish("x", 1);
    let mut eva = tracker.join("eva").welcomed();
    command(tracker.commands(), &["REGISTER", "old"]);
    command(tracker.commands(), &["CONNECT", "old", "4000"]);
    let list = tracker.admin(&home, "list");
    assert!(list.contains(&format!("ana\t127.0.0.1\t1 file\t{}\n", fingerprint(&keys(1)))), "{list}");
    assert!(list.contains("eva\t127.0.0.1\t0 files\tno key\n"), "{list}");
    assert!(list.contains("old\t127.0.0.1\t0 files\tby command\n"), "{list}");
    let json: serde_json::Value = serde_json::from_str(&tracker.admin(&home, "list --json")).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 3);
    let status = tracker.admin(&home, "status");
    let version = concat!("; skep ", env!("CARGO_PKG_VERSION"), ", since 2");
    assert!(status.starts_with("3 users, 0 waiting, 1 file,") && status.contains(version), "{status}");
    assert_eq!(tracker.admin(&home, "kick eva --reason enough"), "eva is out\n");
    eva.listen_until("Bye", |eva| eva.bye == Some(Code::Dismissed));
    ana.misses("eva");
    assert_eq!(tracker.admin(&home, "kick old"), "old is out\n");
    ana.misses("old");
    // And with somebody his visits go.
    let visit = tracker.join_sealed("ana~3", &keys(1)).welcomed();
    assert_eq!(tracker.admin(&home, "kick ana"), "ana is out\n");
    assert_eq!((ana.refused(), visit.refused()), (Code::Dismissed, Code::Dismissed));
    tracker.admin_fails(&home, "kick nobody", "nobody called nobody is there");
    until("a line", || tracker.process.err().contains("admin: kick eva: enough").then_some(()));
    tracker.stop();
}

#[test]
fn bans_by_name_key_and_address_hold_for_their_time_and_over_a_restart() {
    let home = Home::new();
    let options = "--plain 127.0.0.1:0 --commands 127.0.0.1:0";
    let tracker = Tracker::start(&home, options);
    let mut ana = tracker.join_sealed("ana", &keys(1)).welcomed();
    assert_eq!(tracker.admin(&home, "ban --name ana --reason spam"), "ban 1: name ana\n");
    ana.listen_until("Bye", |ana| ana.bye == Some(Code::Dismissed));
    assert_eq!(tracker.join_sealed("ana", &keys(1)).refused(), Code::NotAllowed);
    tracker.admin(&home, &format!("ban --key {}", fingerprint(&keys(2))));
    assert_eq!(tracker.join_sealed("bob", &keys(2)).refused(), Code::NotAllowed);
    assert_eq!(tracker.admin(&home, "bans").lines().count(), 2);
    tracker.process.kill();

    let tracker = Tracker::start(&home, options);
    assert_eq!(tracker.join_sealed("ana", &keys(1)).refused(), Code::NotAllowed);
    assert_eq!(tracker.join_sealed("bob", &keys(2)).refused(), Code::NotAllowed);
    assert_eq!(command(tracker.commands(), &["REGISTER", "ana"]), [2]);
    tracker.admin(&home, "unban 1");
    tracker.admin_fails(&home, "unban 1", "there is no ban 1");
    tracker.join_sealed("ana", &keys(1)).welcomed();
    let eva = tracker.join("eva").welcomed();
    tracker.admin(&home, "ban --address 127.0.0.0/8 --for 2s");
    assert_eq!(eva.refused(), Code::Dismissed);
    assert!(command(tracker.commands(), &["REGISTER", "x"]).is_empty());
    assert_eq!(tracker.join("eva").refused(), Code::NotAllowed);
    std::thread::sleep(std::time::Duration::from_secs(2));
    tracker.join("eva").welcomed();
    tracker.stop();
}

#[test]
fn the_link_of_an_invite_leads_where_the_admin_says() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    for options in ["", " --json"] {
        let link = tracker.admin(&home, &format!("invite ann --host example.org:7{options}"));
        assert!(link.contains("@example.org:7/") && !link.contains("127.0.0.1"), "{link}");
    }
    tracker.stop();
}

#[test]
fn who_says_nothing_at_the_socket_of_admins_keeps_nobody_waiting() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    let socket = home.keys("tracker").join("tracker/admin.sock");
    let come = || UnixStream::connect(&socket).unwrap();
    let mut silent: Vec<_> = (0..100).map(|_| come()).collect();
    let mut last = come();
    last.write_all(b"\"status\"\n").unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("{\"status\":"), "{answer}");
    // He was answered while most of them may still say something. The first ones were too many.
    silent[99].set_nonblocking(true).unwrap();
    assert_eq!(silent[99].read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(silent[0].read(&mut [0]).unwrap(), 0);
    tracker.stop();
}

#[test]
fn the_socket_of_admins_is_its_owner_s_and_goes_with_the_tracker() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    let state = home.keys("tracker").join("tracker");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&state.join("admin.sock"))), (0o700, 0o600));
    // Another tracker cannot have the same state.
    let other = home.run_as("tracker", "tracker --listen 127.0.0.1:0");
    other.with(4).saying("cannot use the state in");
    tracker.stop();
    assert!(!state.join("admin.sock").exists());
    home.run_as("tracker", "admin list").with(3).saying("no tracker runs with");
    // Nor is it left where the tracker cannot listen.
    let (taken, _) = port_of_both();
    let listen = format!("tracker --listen {}", taken.local_addr().unwrap());
    home.run_as("tracker", &listen).with(3).saying("cannot listen on");
    assert!(state.exists() && !state.join("admin.sock").exists());
    // Nor is one used in which others can put other accounts in the place of what was kept.
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o777)).unwrap();
    let others = home.run_as("tracker", "tracker --listen 127.0.0.1:0");
    others.with(4).saying("cannot use the state in").saying("chmod go-w");
}

#[test]
fn whose_name_has_the_role_of_an_admin_gives_orders_from_elsewhere() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0");
    let order = |who: &str, line: &str| home.run_as(who, &format!("admin -s {} {line}", tracker.link()));
    let key = |who: &str| home.make_key(who).split(' ').nth(1).unwrap().to_owned();
    let takes_none = "takes no orders from your key";
    order("nobody", "list --state .").with(2).saying("--state is for a tracker on this machine");
    // One's own key stands before the action.
    let of_key = "skep admin --key FILE";
    for action in ["list", "ban"] {
        let ended = home.run_as("nobody", &format!("admin {action} --key mine")).with(2);
        assert!(ended.err.contains(of_key), "{}", ended.err);
    }
    key("nobody");
    order("nobody", "list").with(1).saying(takes_none);
    home.run_as("nobody", &format!("admin list -s {}", tracker.link())).with(1).saying(takes_none);
    for who in ["ann", "zoe"] {
        tracker.admin(&home, &format!("add {who} {}", key(who)));
    }
    order("ann", "list").with(1).saying(takes_none);
    tracker.admin(&home, "role ann admin");

    let eva = tracker.join("eva").welcomed();
    let list = order("ann", "list --json").well().out;
    let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["name"]), (1, &"eva".into()));
    assert_eq!(order("ann", "kick eva --reason enough").well().out, b"eva is out\n");
    assert_eq!(eva.refused(), Code::Dismissed);
    order("ann", "kick eva").with(1).saying("nobody called eva is there");
    // What has to be stored is answered when it is.
    assert_eq!(order("ann", "ban --name eva").well().out, b"ban 1: name eva\n");
    assert_eq!(tracker.join("eva").refused(), Code::NotAllowed);
    let link = String::from_utf8(order("ann", "invite bob").well().out).unwrap();
    assert!(link.starts_with("skep://") && link.contains('.'), "{link}");
    // An answer that takes many messages.
    for number in 0..40 {
        tracker.admin(&home, &format!("ban --name {number} --reason {}", "x".repeat(150)));
    }
    assert_eq!(String::from_utf8(order("ann", "bans").well().out).unwrap().lines().count(), 41);
    // An admin is a user as well; and none any more from the moment on at which that is said.
    home.run_as("ann", &format!("ls -s {} -u ann", tracker.link())).well();
    order("ann", "role zoe admin").well();
    order("zoe", "role ann user").well();
    order("ann", "list").with(1).saying(takes_none);
    order("zoe", "ban --name zoe").well();
    order("zoe", "list").with(1).saying(takes_none);
    let log = tracker.stop().err;
    assert!(
        log.contains("order of ann refused: list, key ") && log.contains("order of zoe refused: list"),
        "{log}"
    );
    for line in ["admin: make ann an admin", "admin ann: kick eva: enough", "admin zoe: make ann a user"] {
        assert!(log.contains(line), "no {line} in {log}");
    }
}

#[test]
fn an_order_that_is_none_is_told_so_and_who_is_no_admin_learns_nothing() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0");
    tracker.admin(&home, &format!("add ann {} --role admin", fingerprint(&keys(1))));
    tracker.admin(&home, &format!("add bob {}", fingerprint(&keys(2))));
    let say = |number: u8, text: &[u8]| {
        let mut wire = Wire::sealed(tracker.sealed(), &tracker.key(), Some(&keys(number))).unwrap();
        wire.write_all(text).unwrap();
        let mut answer = Vec::new();
        let _ = wire.read_to_end(&mut answer);
        answer
    };
    let text = |answer: Vec<u8>| String::from_utf8(answer).unwrap();
    assert!(text(say(1, b"{\"dance\":1}\n")).starts_with("{\"failed\":\"this is no order: "));
    assert!(text(say(1, &[b'"'; 70_000])).starts_with("{\"failed\":\"this is no order: "));
    assert!(text(say(1, b"\"status\"\nand more")).starts_with("{\"status\":{\"users\":0,"));
    for number in [2, 3] {
        let answer = say(number, b"\"status\"\n");
        assert!(answer.starts_with(&[0, 2, 0x2d]) && !answer.contains(&b'{'), "{answer:?}");
    }
    tracker.stop();
}
