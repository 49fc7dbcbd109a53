//! The pages for Prometheus and for who looks whether the tracker is well; and log lines.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use super::{
    member::{Member, Tracker},
    wire::Wire,
};
use crate::support::{Home, connect_from, until};

pub(crate) fn page(at: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[test]
fn the_numbers_are_those_of_the_moment_and_the_health_page_says_ok() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --metrics 127.0.0.1:0");
    let at = tracker.told("numbers at http://", "/metrics");
    let _ana = tracker.join("ana").welcomed();
    let _eva = tracker.join("eva").welcomed();
    tracker.join("ana").refused();
    let (status, body) = page(at, "GET /metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    for line in [
        "skep_tracker_users 2",
        "skep_tracker_logins_total 2",
        "skep_tracker_logins_refused_total 1",
        "skep_tracker_keys_refused_total 0",
        "skep_tracker_writes_failed_total 0",
        &format!("skep_tracker_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(body.lines().any(|found| found == line), "no {line} in\n{body}");
    }
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut starts = body.lines().filter_map(|line| line.strip_prefix("skep_tracker_start_time_seconds "));
    assert!(starts.next().is_some_and(|start| start.parse::<u64>().unwrap().abs_diff(now) < 600), "{body}");
    assert!(body.ends_with("# EOF\n"));
    assert_eq!(page(at, "GET /health"), ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned()));
    assert_eq!(page(at, "GET /nothing").0, "HTTP/1.1 404 Not Found");
    assert_eq!(page(at, "POST /metrics").0, "HTTP/1.1 405 Method Not Allowed");
    tracker.stop();
}

#[test]
fn who_asks_for_nothing_or_slowly_keeps_nobody_from_the_health_page() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --metrics 127.0.0.1:0");
    let at = tracker.told("numbers at http://", "/metrics");
    let mut silent: Vec<_> = (0..300).map(|_| TcpStream::connect(at).unwrap()).collect();
    for stream in silent.iter_mut().rev().take(8) {
        stream.write_all(b"GET /health HT").unwrap();
        assert_eq!(page(at, "GET /health").1, "ok\n");
    }
    // The oldest ones had to go.
    assert!(!matches!(silent[0].read(&mut [0; 1]), Ok(1..)));
    tracker.stop();
}

#[test]
#[cfg(target_os = "linux")]
fn connections_for_which_the_system_has_no_descriptor_are_counted_and_told() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let home = Home::new();
    // What fails is told by a log that tells nothing else, too.
    let tracker = Tracker::start(&home, "--log none --plain 127.0.0.1:0 --metrics 127.0.0.1:0");
    let id = tracker.process.id();
    let few = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count() as u64 + 4;
    let limit = Rlimit { current: Some(few), maximum: Some(few) };
    prlimit(Pid::from_raw(id as i32), Resource::Nofile, limit).unwrap();
    let many: Vec<_> = (0..16).map(|network| connect_from(network, tracker.plain())).collect();
    until("a line that says why", || {
        let err = tracker.process.err();
        err.contains("failed: cannot accept connections: Too many open files").then_some(())
    });
    drop(many);
    let (_, body) = page(tracker.told("numbers at http://", "/metrics"), "GET /metrics");
    let mut counts = body.lines().filter_map(|line| line.strip_prefix("skep_tracker_unaccepted_total "));
    assert!(counts.next().is_some_and(|count| count != "0"), "{body}");
    tracker.stop();
}

#[test]
#[cfg(target_os = "linux")]
fn however_many_connections_one_network_has_others_come_in_and_so_does_who_measures() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --metrics 127.0.0.1:0");
    let limit = Rlimit { current: Some(60), maximum: Some(60) };
    prlimit(Pid::from_raw(tracker.process.id() as i32), Resource::Nofile, limit).unwrap();
    let many: Vec<_> = (0..60).map(|_| connect_from(1, tracker.plain())).collect();
    until("a line that says why", || {
        let err = tracker.process.err();
        err.contains("failed: cannot accept connections: too many from the network of 127.0.1.1: ")
            .then_some(())
    });
    let numbers = tracker.told("numbers at http://", "/metrics");
    assert!(page(numbers, "GET /health").1 == "ok\n");
    let mut wire = Wire::plain(tracker.plain());
    wire.stream = connect_from(2, tracker.plain());
    let eva = Member::new(wire, "eva").welcomed();
    // Those that go make room for others of their network.
    drop(many);
    until("room", || {
        let mut wire = Wire::plain(tracker.plain());
        wire.stream = connect_from(1, tracker.plain());
        let mut ana = Member::new(wire, "ana");
        while !ana.welcome && ana.listen() {}
        ana.welcome.then_some(())
    });
    drop(eva);
    tracker.stop();
}

#[test]
fn nothing_is_said_to_be_ready_before_all_is() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    for option in ["metrics", "commands", "plain"] {
        let line = format!("tracker --listen 127.0.0.1:0 --{option} {taken} --log json");
        let ended = home.run_as("tracker", &line).with(3);
        assert_eq!(ended.out, b"", "{option}");
        // What is wrong is an object like all others.
        let lines = ended.err.lines();
        let mut events = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let last = events.next_back().unwrap();
        assert_eq!(last["event"], "failed", "{last}");
        assert!(last["what"].as_str().unwrap().starts_with("cannot listen on "), "{last}");
    }
}

#[test]
fn whom_the_door_turns_away_is_in_a_number() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--accounts fixed --metrics 127.0.0.1:0");
    assert!(Wire::sealed(tracker.sealed(), &tracker.key(), Some(&super::wire::keys(1))).is_err());
    let (_, body) = page(tracker.told("numbers at http://", "/metrics"), "GET /metrics");
    let mut counts = body.lines().filter_map(|line| line.strip_prefix("skep_tracker_keys_refused_total "));
    assert!(counts.next().is_some_and(|count| count != "0"), "{body}");
    tracker.stop();
}

#[test]
fn lines_for_machines_are_json_and_lines_for_people_are_not_forged() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --log json");
    let mut ana = tracker.join("ana \"x\"").welcomed();
    ana.say(&skep_core::wire::session::Request::Logout);
    let events = until("two lines", || {
        let err = tracker.process.err();
        let lines = err.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let lines: Vec<_> = lines.filter(|line| line["user"] == "ana \"x\"").collect();
        (lines.len() == 2).then_some(lines)
    });
    assert_eq!((&events[0]["event"], &events[1]["event"]), (&"came".into(), &"left".into()));
    assert_eq!(events[1]["why"], "done");
    assert!(events[0]["from"].as_str().unwrap().starts_with("127.0.0.1:"));
    tracker.stop();
}
