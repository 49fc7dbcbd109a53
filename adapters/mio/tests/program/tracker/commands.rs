//! The commands of older clients (docs/protocol.md section 3), string by string.

use std::{
    io::{Read, Write},
    net::SocketAddr,
};

use super::{member::Tracker, wire::Wire};
use crate::support::Home;

/// Says a command, and gives back everything that is answered.
pub(crate) fn command(to: SocketAddr, strings: &[&str]) -> Vec<u8> {
    let mut wire = Wire::plain(to);
    for string in strings {
        // Who is not let in learns it here or below.
        let _ = wire.write_all(&[string.as_bytes(), &[0]].concat());
    }
    let mut answer = Vec::new();
    let _ = wire.read_to_end(&mut answer);
    answer
}

#[test]
fn who_came_by_command_and_who_is_in_a_session_see_each_other() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --commands 127.0.0.1:0");
    let to = tracker.commands();
    let mut eva = tracker.join("eva").welcomed();
    eva.publish("e.txt", 3);
    assert_eq!(command(to, &["REGISTER", "ana"]), [0]);
    assert_eq!(command(to, &["REGISTER", "20/11/2026 10:00:00", "ana"]), [1]);
    assert_eq!(command(to, &["CONNECT", "ana", "4000"]), [0]);
    eva.sees("ana");
    assert_eq!(command(to, &["publish", "ana", "a.txt", "a text"]), [0]);
    eva.listen_until("a file", |eva| eva.files.values().any(|file| file.1 == "a.txt"));
    let users = command(to, &["LIST_USERS", "ana"]);
    assert_eq!(users, b"\x002\0eva\x00127.0.0.1\x000\0ana\x00127.0.0.1\x004000\0");
    assert_eq!(command(to, &["LIST_CONTENT", "ana", "eva"]), b"\x001\0e.txt\0");
    assert_eq!(command(to, &["DISCONNECT", "ana"]), [0]);
    eva.misses("ana");
    tracker.stop();
}

#[test]
fn who_is_banned_is_not_told_that_he_is_in() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--commands 127.0.0.1:0");
    let to = tracker.commands();
    assert_eq!(command(to, &["REGISTER", "ana"]), [0]);
    for name in ["ana", "eva"] {
        tracker.admin(&home, &format!("ban --name {name}"));
    }
    assert_eq!(command(to, &["CONNECT", "ana", "4000"]), [3]);
    assert_eq!(command(to, &["REGISTER", "eva"]), [2]);
    tracker.admin(&home, "unban 1");
    assert_eq!(command(to, &["CONNECT", "ana", "4000"]), [0]);
    let log = tracker.stop().err;
    assert!(
        log.contains("log-in of ana from 127.0.0.1:") && log.contains("refused: not allowed, ban 1"),
        "{log}"
    );
    assert_eq!((log.matches("ana came").count(), log.matches("left: dismissed").count()), (1, 0), "{log}");
}
