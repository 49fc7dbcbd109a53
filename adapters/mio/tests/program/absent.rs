//! Clients that are there and say nothing: the server lets them go, each in its time.

use std::{
    io::{Read, Write},
    time::Duration,
};

use crate::support::{Home, Known, Relay, connect, content, error, request, together, until_within, upload};

/// More than the longest of the server's time-outs, which is that of a silent RDT peer.
const LONG: Duration = Duration::from_secs(45);

#[test]
fn who_says_nothing_is_let_go_and_leaves_nothing() {
    together(
        [half_a_header, silent_path, refused_and_stubborn, killed_over_rdt, gone_known_peer],
        |play: fn()| play(),
    );
}

fn half_a_header() {
    let home = Home::new();
    let server = home.serve("");
    let mut stream = connect(server.at("tcp"));
    stream.write_all(b"\x01\x10").unwrap();
    assert!(stream.read(&mut [0; 16]).map_or(true, |count| count == 0), "an answer to half a header");
}

fn silent_path() {
    let home = Home::new();
    let server = home.serve("");
    let mut stream = connect(server.at("path"));
    assert!(stream.read(&mut [0; 16]).map_or(true, |count| count == 0), "an answer to nothing");
}

/// It was refused, and neither reads that nor closes.
fn refused_and_stubborn() {
    let home = Home::new();
    let server = home.serve("--max-upload 1");
    let mut stream = connect(server.at("tcp"));
    stream.write_all(&upload(1 << 40, b"x")).unwrap();
    until_within(LONG, "the end of patience", || stream.write_all(&[0; 1024]).is_err().then_some(()));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer == error(3), "{answer:?}");
}

fn killed_over_rdt() {
    let home = Home::new();
    home.write("large", content(8 << 20));
    let server = home.serve("");
    let relay = Relay::to("rdt", server.at("rdt"));
    let client = home.start(&format!("put large {}", relay.url("rdt", "")));
    home.wait_for_part("shared");
    client.kill();
    until_within(LONG, "an empty directory", || home.entries("shared").is_empty().then_some(()));
}

/// It holds the only slot, and was in the middle of a download.
fn gone_known_peer() {
    let home = Home::new();
    home.write("shared/file", content(50_000));
    let server = home.serve("--slots 1 --wait");
    let mut known = Known::connect(server.at("rdt"));
    known.send(&request(b"file"));
    known.receive(2_000, Duration::from_secs(10)).unwrap();
    drop(known);
    let waiting = home.start(&format!("get {} --timeout 45 -o -", server.url("path", "file")));
    assert_eq!(until_end(waiting), content(50_000));
}

fn until_end(mut process: crate::support::Process) -> Vec<u8> {
    until_within(LONG, "a slot", || (!process.is_running()).then_some(()));
    process.end().well().out
}
