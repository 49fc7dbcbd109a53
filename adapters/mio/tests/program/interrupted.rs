//! Ctrl-C, SIGTERM and kill -9 in the middle of things.

use std::{fs::File, io::Read, os::unix::process::CommandExt, process::Stdio};

use rustix::process::Signal;

use crate::support::{Home, Process, Relay, Server, content, make_pipe, together, until};

/// What takes a slow client seconds.
const LARGE: usize = 8 << 20;

fn is_part(name: &str) -> bool {
    name.starts_with(".skep-") && name.ends_with(".part")
}

#[test]
fn an_interrupted_download_leaves_nothing() {
    together([("tcp", Signal::INT), ("rdt", Signal::TERM), ("path", Signal::INT)], |(scheme, signal)| {
        let home = Home::new();
        home.folder("target");
        home.write("target/large", "the old one");
        home.write("shared/large", content(LARGE));
        let server = home.serve("");
        let relay = Relay::to(scheme, server.at(scheme));
        let client = home.start(&format!("get {} -o target/", relay.url(scheme, "large")));
        home.wait_for_part("target");
        client.send(signal);
        client.end().with(130).saying("interrupted");
        assert_eq!(home.entries("target"), ["large"]);
        assert_eq!(home.read("target/large"), b"the old one");
        server.stop();
    });
}

#[test]
fn an_interrupted_download_to_standard_output_leaves_nothing_and_printed_nothing() {
    let home = Home::new();
    home.write("shared/large", content(LARGE));
    let server = home.serve("");
    let relay = Relay::to("tcp", server.at("tcp"));
    let client = home.start(&format!("get {} -o -", relay.url("tcp", "large")));
    until("the temporary directory", || (!home.entries("temporary").is_empty()).then_some(()));
    let folder = format!("temporary/{}", home.entries("temporary")[0]);
    home.wait_for_part(&folder);
    client.send(Signal::INT);
    assert_eq!(client.end().with(130).out, b"");
    assert_eq!(home.entries("temporary"), [""; 0]);
}

#[test]
fn what_is_poured_to_somebody_who_does_not_read_can_be_interrupted() {
    let home = Home::new();
    // More than a pipe holds.
    home.write("shared/large", content(1 << 20));
    let server = home.serve("");
    let url = server.url("tcp", "large");
    let is_over = |client: Process| {
        assert!(client.end().with(130).err.contains("interrupted"));
        assert_eq!(home.entries("temporary"), [""; 0]);
    };

    let (mut read, write) = std::io::pipe().unwrap();
    let mut command = home.command(&["get", &url, "-o", "-"]);
    let client = Process::start_at(command.stdout(write), Stdio::null(), std::io::empty());
    drop(command);
    read.read_exact(&mut [0]).unwrap();
    client.send(Signal::INT);
    is_over(client);

    make_pipe(&home.path("pipe"));
    let client = home.start(&format!("get {url} -o pipe"));
    let mut reader = File::open(home.path("pipe")).unwrap();
    reader.read_exact(&mut [0]).unwrap();
    client.send(Signal::TERM);
    is_over(client);
    drop(reader);

    // Nobody has opened it.
    let client = home.start(&format!("get {url} -o pipe"));
    until("the whole file", || {
        let folder = home.entries("temporary").pop()?;
        home.entries(&format!("temporary/{folder}")).contains(&"content".to_owned()).then_some(())
    });
    client.send(Signal::HUP);
    is_over(client);
}

#[test]
fn an_interrupted_upload_leaves_nothing_on_the_server() {
    together([("tcp", Signal::TERM), ("rdt", Signal::INT)], |(scheme, signal)| {
        let home = Home::new();
        let bytes = home.write("large", content(LARGE));
        home.write("shared/large", "the old one");
        let server = home.serve("-v");
        let relay = Relay::to(scheme, server.at(scheme));
        let client = home.start(&format!("put large {}", relay.url(scheme, "")));
        home.wait_for_part("shared");
        client.send(signal);
        client.end().with(130).saying("interrupted");
        home.wait_for_entries("shared", &["large"]);
        assert_eq!(home.read("shared/large"), b"the old one");
        assert!(home.read("large") == bytes);
        let log = server.stop().err;
        assert!(log.contains("put large: broken off"), "{log}");
    });
}

#[test]
fn who_is_interrupted_while_it_calls_ends_at_once() {
    let home = Home::new();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let client = home.start(&format!("get rdt://{}/x", silent.local_addr().unwrap()));
    silent.recv(&mut [0; 2048]).unwrap();
    client.send(Signal::INT);
    client.end().with(130).saying("interrupted");
}

#[test]
fn signals_that_are_ignored_from_the_start_stay_so() {
    let home = Home::new();
    home.write("shared/file", "content");
    let line = "serve shared --tcp 127.0.0.1:0";
    let mut command = home.command(&line.split(' ').collect::<Vec<_>>());
    // SAFETY: two system calls, as `nohup` and a shell without job control make them.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            libc::signal(libc::SIGINT, libc::SIG_IGN);
            Ok(())
        });
    }
    let server = Server::ready(Process::start(&mut command), line);
    for signal in [Signal::HUP, Signal::INT] {
        server.process.send(signal);
        for _ in 0..2 {
            home.run(&format!("get {}", server.url("tcp", "file"))).well();
        }
    }
    server.process.send(Signal::TERM);
    server.process.end().well();
}

#[test]
fn a_server_that_is_asked_to_end_leaves_no_half_upload() {
    together([("tcp", Signal::INT), ("rdt", Signal::TERM), ("tcp", Signal::HUP)], |(scheme, signal)| {
        let home = Home::new();
        home.write("large", content(LARGE));
        let server = home.serve("");
        let relay = Relay::to(scheme, server.at(scheme));
        let client = home.start(&format!("put large {} --timeout 5", relay.url(scheme, "")));
        home.wait_for_part("shared");
        server.process.send(signal);
        let ended = server.process.end().well();
        assert_eq!(ended.err, "skep: ended\n");
        assert_eq!(home.entries("shared"), [""; 0]);
        client.end().with(3).saying("broken off after");
    });
}

#[test]
fn a_server_that_is_asked_to_end_ends_its_downloads_too() {
    together(["tcp", "rdt", "path"], |scheme| {
        let home = Home::new();
        home.write("shared/large", content(LARGE));
        let server = home.serve("");
        let relay = Relay::to(scheme, server.at(scheme));
        let client = home.start(&format!("get {} --timeout 5", relay.url(scheme, "large")));
        home.wait_for_part("");
        server.stop();
        client.end().with(3);
        assert_eq!(home.entries(""), ["shared", "temporary"]);
        assert_eq!(home.entries("shared"), ["large"]);
    });
}

#[test]
fn what_a_killed_server_left_is_swept_at_the_next_start() {
    together(["tcp", "rdt"], |scheme| {
        let home = Home::new();
        home.folder("shared/deep/down");
        home.write("large", content(LARGE));
        home.write("shared/.skep-mine.part", "a file of the user's");
        let server = home.serve("");
        let relay = Relay::to(scheme, server.at(scheme));
        let client = home.start(&format!("put large {} --timeout 2", relay.url(scheme, "deep/down/")));
        home.wait_for_part("shared/deep/down");
        server.process.kill();
        client.end().with(3).saying("broken off after");
        let left = home.entries("shared/deep/down");
        assert!(left.len() == 1 && is_part(&left[0]), "{left:?}");

        let next = home.serve("");
        assert_eq!(home.entries("shared/deep/down"), [""; 0]);
        assert_eq!(home.read("shared/.skep-mine.part"), b"a file of the user's");
        home.run(&format!("put large {}", next.url(scheme, "deep/down/"))).well();
        assert_eq!(home.entries("shared/deep/down"), ["large"]);
    });
}

#[test]
fn what_another_server_still_receives_is_not_swept() {
    let home = Home::new();
    let bytes = home.write("large", content(2 << 20));
    let server = home.serve("");
    let relay = Relay::to("tcp", server.at("tcp"));
    let client = home.start(&format!("put large {}", relay.url("tcp", "")));
    let part = home.wait_for_part("shared");
    home.serve("").stop();
    assert!(part.exists());
    client.end().well();
    assert!(home.read("shared/large") == bytes);
    home.wait_for_entries("shared", &["large"]);
}

#[test]
fn a_killed_client_leaves_nothing_on_the_server() {
    // Over RDT a server notices later: see `absent`.
    let home = Home::new();
    home.write("large", content(LARGE));
    let server = home.serve("");
    let client = home.start(&format!("put large {}", Relay::to("tcp", server.at("tcp")).url("tcp", "")));
    home.wait_for_part("shared");
    client.kill();
    home.wait_for_entries("shared", &[]);
}

#[test]
fn a_client_of_a_killed_server_gives_up_within_its_time_out() {
    // Answers to paths do not tell their length, and the system ends the stream of a killed process in order.
    together(["tcp", "rdt"], |scheme| {
        let home = Home::new();
        home.write("shared/large", content(LARGE));
        let server = home.serve("");
        let relay = Relay::to(scheme, server.at(scheme));
        let client = home.start(&format!("get {} --timeout 2", relay.url(scheme, "large")));
        home.wait_for_part("");
        server.process.kill();
        client.end().with(3);
        assert_eq!(home.entries(""), ["shared", "temporary"]);
    });
}

#[test]
fn a_client_of_a_frozen_server_gives_up_within_its_time_out() {
    let home = Home::new();
    home.write("shared/file", content(1_000));
    home.write("large", content(LARGE));
    let server = home.serve("");
    server.process.send(Signal::STOP);
    let gets = ["tcp", "rdt", "path"].map(|scheme| format!("get {}", server.url(scheme, "file")));
    let puts = ["tcp", "rdt"].map(|scheme| format!("put large {}", server.url(scheme, "large")));
    let small = ["tcp", "rdt"].map(|scheme| format!("put shared/file {}", server.url(scheme, "small")));
    together(gets.into_iter().chain(puts).chain(small), |line| {
        let begin = std::time::Instant::now();
        home.run(&format!("{line} --timeout 1")).with(3);
        assert!(begin.elapsed().as_secs() < 10, "{line} took {:?}", begin.elapsed());
    });
    // What was frozen and is thawed is none the worse for it.
    server.process.send(Signal::CONT);
    home.run(&format!("put large {}", server.url("rdt", "again"))).well();
    // What had come whole may be stored.
    until("all to be settled", || home.entries("shared").iter().all(|name| !is_part(name)).then_some(()));
    assert!(!home.path("shared/large").exists());
    home.run(&format!("get {} -o copy", server.url("tcp", "again"))).well();
    assert!(home.read("copy") == content(LARGE));
}
