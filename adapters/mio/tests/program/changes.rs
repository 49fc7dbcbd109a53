//! Files that change while they are on their way: never a mixture.

use std::{
    fs::{self, File},
    io::{Read, Write},
    time::Duration,
};

use crate::support::{Home, Known, Relay, Server, connect, content, error, request, together, until};

/// What the kernel does not take into its buffers at once.
const LARGE: usize = 24 << 20;

/// More than passes the slow relay in some seconds.
const SLOW: usize = 8 << 20;

/// Something that happens to a file.
type Change = fn(&Home, &str);

fn overwrite(home: &Home, name: &str) {
    let mut file = File::options().write(true).open(home.path(name)).unwrap();
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    file.write_all(&vec![b'b'; length]).unwrap();
}

fn truncate(home: &Home, name: &str) {
    File::options().write(true).open(home.path(name)).unwrap().set_len(10).unwrap();
}

fn append(home: &Home, name: &str) {
    File::options().append(true).open(home.path(name)).unwrap().write_all(b"bbb").unwrap();
}

fn replace(home: &Home, name: &str) {
    let length = fs::metadata(home.path(name)).unwrap().len();
    home.write("another", vec![b'b'; usize::try_from(length).unwrap()]);
    fs::rename(home.path("another"), home.path(name)).unwrap();
}

fn remove(home: &Home, name: &str) {
    fs::remove_file(home.path(name)).unwrap();
}

const SPOILING: [(&str, Change); 3] = [("overwrite", overwrite), ("truncate", truncate), ("append", append)];
const HARMLESS: [(&str, Change); 2] = [("replace", replace), ("remove", remove)];

/// Waits until the server has said that it gave a transfer up because of the change.
fn wait_for_failure(server: &Server) {
    until("a failure in the log", || server.process.err().contains("failed: the file changed").then_some(()));
}

/// What a slow reader gets over TCP or as the answer to a path when the file changes after its first bytes.
fn slowly(scheme: &str, size: usize, change: Change, spoils: bool) -> Vec<u8> {
    let home = Home::new();
    home.write("shared/file", vec![b'a'; size]);
    let server = home.serve("-v");
    let mut stream = connect(server.at(scheme));
    let header = if scheme == "path" { 0 } else { 9 };
    stream.write_all(&if scheme == "path" { b"file\n".to_vec() } else { request(b"file") }).unwrap();
    let mut got = vec![0; header + 100];
    stream.read_exact(&mut got).unwrap();
    change(&home, "shared/file");
    // A reset ends the reading as well as an end does.
    let _ = stream.read_to_end(&mut got);
    if spoils {
        wait_for_failure(&server);
    }
    got.split_off(header)
}

#[test]
fn a_slow_reader_over_tcp_never_gets_a_mixture() {
    together(["tcp", "path"], |scheme| {
        for (what, change) in SPOILING {
            let got = slowly(scheme, LARGE, change, true);
            assert!(got.len() < LARGE, "{what}: {scheme} brought {} bytes", got.len());
            assert!(got.iter().all(|&byte| byte == b'a'), "{what}: a mixture over {scheme}");
        }
        for (what, change) in HARMLESS {
            let got = slowly(scheme, LARGE, change, false);
            assert!(got == vec![b'a'; LARGE], "{what}: {scheme} brought {} bytes", got.len());
        }
    });
}

#[test]
fn a_slow_known_peer_over_rdt_never_gets_a_mixture() {
    let size = 100_000;
    together(SPOILING.into_iter().chain(HARMLESS), |(what, change)| {
        let home = Home::new();
        home.write("shared/file", vec![b'a'; size]);
        let server = home.serve("-v");
        let mut known = Known::connect(server.at("rdt"));
        known.send(&request(b"file"));
        let mut got = known.receive(5_000, Duration::from_secs(10)).expect("a beginning");
        change(&home, "shared/file");
        if HARMLESS.iter().any(|(harmless, _)| *harmless == what) {
            got.extend(known.receive(usize::MAX, Duration::from_secs(10)).expect("the whole file"));
            assert!(got[9..] == vec![b'a'; size], "{what}: {} bytes", got.len());
        } else {
            if let Some(more) = known.receive(usize::MAX, Duration::from_secs(2)) {
                got.extend(more);
            }
            got.extend(known.rest());
            wait_for_failure(&server);
            assert!(
                got.len() < 9 + size && got[9..].iter().all(|&byte| byte == b'a'),
                "{what}: {} bytes",
                got.len()
            );
        }
    });
}

#[test]
fn a_download_of_a_file_that_changes_fails_and_leaves_nothing() {
    let cases =
        ["tcp", "rdt"].into_iter().flat_map(|scheme| SPOILING.map(|(what, change)| (scheme, what, change)));
    together(cases, |(scheme, what, change)| {
        let home = Home::new();
        home.write("shared/file", vec![b'a'; SLOW]);
        let server = home.serve("-v");
        let relay = Relay::to(scheme, server.at(scheme));
        let client = home.start(&format!("get {}", relay.url(scheme, "file")));
        home.wait_for_part("");
        change(&home, "shared/file");
        wait_for_failure(&server);
        relay.open();
        let ended = client.end().with(3).saying("broken off after");
        assert_eq!(home.entries(""), ["shared", "temporary"], "{what} over {scheme}: {}", ended.err);
    });
}

#[test]
fn a_file_that_changes_while_it_is_put_is_not_put() {
    let cases =
        ["tcp", "rdt"].into_iter().flat_map(|scheme| SPOILING.map(|(what, change)| (scheme, what, change)));
    together(cases, |(scheme, what, change)| {
        let home = Home::new();
        home.write("file", vec![b'a'; SLOW]);
        home.write("shared/file", "the old one");
        let server = home.serve("");
        let relay = Relay::to(scheme, server.at(scheme));
        let client = home.start(&format!("put file {}", relay.url(scheme, "")));
        home.wait_for_part("shared");
        change(&home, "file");
        client.end().with(4).saying("file: the file changed while it was read");
        relay.open();
        // Nothing that was on its way completes it.
        home.wait_for_entries("shared", &["file"]);
        assert_eq!(home.read("shared/file"), b"the old one", "{what} over {scheme}");
        server.stop();
    });
}

#[test]
fn a_new_content_is_served_to_the_next_one() {
    let home = Home::new();
    let server = home.serve("");
    for size in [10, 20, 5] {
        let bytes = home.write("shared/file", content(size));
        for scheme in ["tcp", "rdt", "path"] {
            assert_eq!(home.run(&format!("get {} -o -", server.url(scheme, "file"))).well().out, bytes);
        }
    }
    remove(&home, "shared/file");
    assert_eq!(crate::support::answer(server.at("tcp"), &request(b"file")), error(1));
}
