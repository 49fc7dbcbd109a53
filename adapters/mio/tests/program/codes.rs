//! What a server answers, byte for byte.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr},
};

use crate::support::{CONFIRM, Home, Known, Server, answer, connect, content, error, request, until, upload};

/// The answers over TCP and over RDT.
fn is_answered(server: &Server, bytes: &[u8], expected: &[u8]) {
    assert_eq!(answer(server.at("tcp"), bytes), expected, "over TCP to {bytes:?}");
    assert_eq!(Known::answer(server.at("rdt"), bytes), expected, "over RDT to {bytes:?}");
}

#[test]
fn a_download_is_its_length_and_its_content() {
    let home = Home::new();
    home.write("shared/file", "content");
    home.write("shared/empty", "");
    let server = home.serve("");
    is_answered(&server, &request(b"file"), b"\x02\x07\0\0\0\0\0\0\0content");
    is_answered(&server, &request(b"empty"), b"\x02\0\0\0\0\0\0\0\0");
    is_answered(&server, &request(b"missing"), &error(1));
}

#[test]
fn an_upload_is_confirmed_when_it_is_stored() {
    let home = Home::new();
    home.folder("shared/folder");
    let server = home.serve("");
    let with_content = |length, name: &[u8], content: &[u8]| [&upload(length, name)[..], content].concat();
    is_answered(&server, &with_content(3, b"file", b"abc"), &CONFIRM);
    assert_eq!(home.read("shared/file"), b"abc");
    is_answered(&server, &with_content(0, b"folder/empty", b""), &CONFIRM);
    assert_eq!(home.read("shared/folder/empty"), b"");
    is_answered(&server, &with_content(3, b"nowhere/file", b"abc"), &error(1));
    is_answered(&server, &with_content(3, b"folder", b"abc"), &error(7));
    assert_eq!(home.entries("shared"), ["file", "folder"]);
}

#[test]
fn a_request_may_come_byte_by_byte_and_its_stream_may_end_behind_it() {
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve("");
    for request in [request(b"file"), [&upload(3, b"new")[..], b"abc"].concat()] {
        let mut stream = connect(server.at("tcp"));
        stream.set_nodelay(true).unwrap();
        for byte in request {
            stream.write_all(&[byte]).unwrap();
        }
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.ends_with(b"content") || answer == CONFIRM, "{answer:?}");
    }
    assert_eq!(home.read("shared/new"), b"abc");
}

#[test]
fn what_a_server_was_told_to_refuse_is_refused_with_its_own_code() {
    let home = Home::new();
    home.write("shared/old", "old");
    let upload = |length, name: &[u8]| [&upload(length, name)[..], &[b'x'; 3]].concat();
    is_answered(&home.serve("--no-replace"), &upload(3, b"old"), &error(2));
    is_answered(&home.serve("--max-upload 2"), &upload(3, b"new"), &error(3));
    is_answered(&home.serve("--max-upload 1K"), &upload(u64::MAX, b"new"), &error(3));
    is_answered(&home.serve(""), &upload(u64::MAX, b"new"), &error(3));
    is_answered(&home.serve(""), &upload(3, b"../new"), &error(5));
    is_answered(&home.serve("--read-only"), &upload(3, b"new"), &error(7));
    assert_eq!(home.entries("shared"), ["old"]);
    assert_eq!(home.read("shared/old"), b"old");
    // What is just allowed is not refused.
    is_answered(&home.serve("--max-upload 3"), &upload(3, b"new"), &CONFIRM);
    assert_eq!(answer(home.serve("--no-replace").at("tcp"), &upload(3, b"newer")), CONFIRM);
    assert_eq!(home.entries("shared"), ["new", "newer", "old"]);
}

#[test]
fn a_client_tells_what_the_server_refused() {
    let home = Home::new();
    home.write("shared/old", "old");
    std::os::unix::fs::symlink("old", home.path("shared/link")).unwrap();
    home.write("file", "12345");
    for (options, name, told) in [
        ("--no-replace", "old", "there is a file of that name already"),
        ("--max-upload 4", "new", "the file is too large"),
        ("--read-only", "new", "that is not allowed"),
        ("", "nowhere/new", "there is no directory nowhere there"),
        ("", "link", "that is not a name that can be used there"),
    ] {
        let server = home.serve(options);
        for scheme in ["tcp", "rdt"] {
            let url = server.url(scheme, name);
            home.run(&format!("put file {url}")).with(1).saying(&format!("{url}: {told}"));
        }
    }
    assert_eq!(home.entries("shared"), ["link", "old"]);
    assert_eq!(home.read("shared/old"), b"old");
}

#[test]
fn a_verbose_server_says_of_which_file_what_came_of_it() {
    let home = Home::new();
    home.write("shared/old", "old");
    home.write("file", "12345");
    let server = home.serve("-v --no-replace");
    for scheme in ["tcp", "rdt"] {
        home.run(&format!("get {} -o got", server.url(scheme, "old"))).well();
        home.run(&format!("get {}", server.url(scheme, "no.where"))).with(1);
        home.run(&format!("put file {}", server.url(scheme, "old"))).with(1);
    }
    is_answered(&server, b"\x05", &error(0));
    let told = server.stop().err;
    for line in [
        " get old: 3 bytes in ",
        " refused no.where: there is no such file\n",
        " refused old: there is a file of that name already\n",
        " refused: the request was not understood\n",
    ] {
        assert!(told.contains(line), "no \"{line}\" in {told}");
    }
}

#[test]
fn what_is_no_request_is_an_error_and_hurts_nobody_else() {
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve("");
    let no_request =
        [&b"\x05"[..], b"\xff", b"\x02\0\0\0\0\0\0\0\0", b"\x03", b"\x04\x01", b"GET / HTTP/1.1\r\n\r\n"];
    for bytes in no_request {
        is_answered(&server, bytes, &error(0));
    }
    // Names that are too long, empty, or not text.
    for name in [&[b'x'; 5_000][..], b"", b"\xff\xfe"] {
        is_answered(&server, &request(name), &error(5));
    }
    for bytes in no_request {
        let path = answer(server.at("path"), &[bytes, b"\n"].concat());
        assert_eq!(path, b"Error: El archivo no existe", "{bytes:?}");
    }
    // Half a request, half a body: neither is answered, neither leaves anything.
    for bytes in [&b"\x01"[..], b"\x01\x04\0fi", b"\0\x03", &[&upload(3, b"new")[..], b"ab"].concat()] {
        assert!(is_hung_up_on(server.at("tcp"), bytes), "{bytes:?}");
    }
    home.wait_for_entries("shared", &["file"]);
    is_answered(&server, &request(b"file"), b"\x02\x07\0\0\0\0\0\0\0content");
    server.stop();
}

/// Whether bytes and the end of the stream get no answer but the end.
fn is_hung_up_on(to: SocketAddr, bytes: &[u8]) -> bool {
    let mut stream = connect(to);
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer.is_empty()
}

#[test]
fn a_refusal_reaches_a_client_that_sends_on_and_on() {
    let home = Home::new();
    home.write("large", content(24 << 20));
    let server = home.serve("--max-upload 1K");
    for _ in 0..4 {
        for scheme in ["tcp", "rdt"] {
            let url = server.url(scheme, "new");
            home.run(&format!("put large {url}")).with(1).saying(&format!("{url}: the file is too large"));
        }
    }
    // One that listens only after it has sent all of it.
    let mut stream = connect(server.at("tcp"));
    stream.write_all(&upload(24 << 20, b"new")).unwrap();
    stream.write_all(&content(24 << 20)).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, error(3));
    assert_eq!(home.entries("shared"), [""; 0]);
}

#[test]
fn a_full_server_says_busy_or_lets_wait() {
    for (options, waits) in [("--slots 1", false), ("--slots 1 --wait", true)] {
        let home = Home::new();
        home.write("file", "content");
        home.write("shared/old", "old");
        let server = home.serve(options);
        // One transfer holds the only slot.
        let mut first = connect(server.at("tcp"));
        first.write_all(&upload(2, b"slow")).unwrap();
        first.write_all(b"a").unwrap();
        home.wait_for_part("shared");
        if waits {
            let second = ["tcp", "rdt"].map(|scheme| {
                home.start(&format!("put file {} -v", server.url(scheme, &format!("by-{scheme}"))))
            });
            let third = home.start(&format!("get {} -o got", server.url("path", "old")));
            for process in &second {
                until("a connection", || process.err().contains("connected").then_some(()));
            }
            assert_eq!(home.entries("shared").len(), 2, "{:?}", home.entries("shared"));
            first.write_all(b"b").unwrap();
            second.into_iter().chain([third]).for_each(|process| _ = process.end().well());
            home.wait_for_entries("shared", &["by-rdt", "by-tcp", "old", "slow"]);
        } else {
            is_answered(&server, &request(b"old"), &error(6));
            for scheme in ["tcp", "rdt"] {
                let url = server.url(scheme, "new");
                home.run(&format!("put file {url}")).with(1).saying("busy; try again later");
            }
            first.write_all(b"b").unwrap();
            let mut answer = Vec::new();
            first.read_to_end(&mut answer).unwrap();
            assert_eq!(answer, CONFIRM);
            // The slot is free again.
            until("a free slot", || {
                let code = answer_of(server.at("tcp"));
                (code != error(6)).then_some(())
            });
            home.run(&format!("put file {}", server.url("rdt", "old"))).well();
        }
    }
}

fn answer_of(to: SocketAddr) -> Vec<u8> {
    answer(to, &request(b"missing"))
}
