//! Files that arrive: of all sizes, over everything, under all names.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use crate::support::{CONFIRM, Home, content, skipped, together, upload};

/// Nothing, a byte, a segment less one, a segment, one more, and many.
const SIZES: [usize; 6] = [0, 1, 1434, 1435, 1436, 5 << 20];

/// Gets and puts files of all sizes, with options for both sides.
fn all_sizes(scheme: &str, serving: &str, options: &str) {
    let home = Home::new();
    let server = home.serve(serving);
    for size in SIZES {
        let bytes = home.write(&format!("shared/{size}"), content(size));
        home.run(&format!("get {} -o got {options}", server.url(scheme, &size.to_string()))).well();
        assert!(home.read("got") == bytes, "get {size} over {scheme} with {options}");
        if scheme != "path" {
            home.run(&format!("put got {} {options}", server.url(scheme, "put"))).well();
            assert!(home.read("shared/put") == bytes, "put {size} over {scheme} with {options}");
        }
    }
    server.stop();
    let left: Vec<_> = home.entries("shared").into_iter().filter(|name| name.starts_with('.')).collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn files_of_all_sizes_arrive_over_tcp() {
    all_sizes("tcp", "", "");
}

#[test]
fn files_of_all_sizes_arrive_as_answers_to_paths() {
    all_sizes("path", "", "");
}

#[test]
fn files_of_all_sizes_arrive_over_rdt_with_windows_of_1_and_2_and_64_and_as_it_comes() {
    together(["--window 1", "--window 2", "--window 64", ""], |window| all_sizes("rdt", window, window));
}

#[test]
fn files_of_all_sizes_arrive_datagram_by_datagram() {
    all_sizes("rdt", "--no-gso", "--no-gso");
}

#[test]
fn how_fast_a_side_sends_is_what_it_was_told() {
    let home = Home::new();
    let server = home.serve("");
    home.write("file", content(3_000_000));
    // Whether it lets go a queue, as the model alone does; whether it paces; whether at the rate that is told.
    let sends = |options: &str| {
        home.run(&format!("put file {} --trace trace {options}", server.url("rdt", ""))).well();
        let trace = String::from_utf8(home.read("trace")).unwrap();
        ["\"drain\"", "\"pacing_rate\"", "\"pacing_rate\":98765416"].map(|word| trace.contains(word))
    };
    for model in ["", "--congestion model"] {
        // A short transfer on a busy machine may have made no queue.
        assert_eq!(sends(model)[1..], [true, false], "{model}");
    }
    for window in ["--congestion cubic", "--congestion reno"] {
        assert_eq!(sends(window), [false, true, false], "{window}");
    }
    assert_eq!(sends("--congestion none"), [false; 3]);
    // No batch that comes in so many microseconds has this rate by chance.
    assert_eq!(sends("--rate 12345677"), [false, true, true]);
}

#[test]
fn files_of_all_sizes_arrive_between_unequal_windows() {
    together([("--window 1", "--window 64"), ("--window 64", "--window 1")], |(server, client)| {
        all_sizes("rdt", server, client);
    });
}

#[test]
fn files_arrive_in_the_language_of_known_peers() {
    let home = Home::new();
    let server = home.serve("");
    for size in [0, 1, 1024, 300_000] {
        home.write(&format!("shared/{size}"), content(size));
    }
    let options = ["--legacy", "--legacy --window 64", "--ascii-types", "--ascii-types --legacy --window 2"];
    let cases = options
        .iter()
        .enumerate()
        .flat_map(|(place, options)| [0, 1, 1024, 300_000].map(|size| (place, *options, size)));
    together(cases, |(place, options, size)| {
        let (got, put) = (format!("got-{place}-{size}"), format!("put-{place}-{size}"));
        let url = server.url("rdt", &size.to_string());
        let ended = home.run(&format!("get {url} -o {got} -v {options}")).well();
        assert!(
            ended.err.contains("a peer without skep's extensions, segments of 1024 bytes"),
            "{}",
            ended.err
        );
        assert!(home.read(&got) == content(size), "get {size} with {options}");
        home.run(&format!("put {got} {} {options}", server.url("rdt", &put))).well();
        assert!(home.read(&format!("shared/{put}")) == content(size), "put {size} with {options}");
    });
}

#[test]
fn networks_with_different_magics_do_not_hear_each_other() {
    let home = Home::new();
    home.write("shared/file", "content");
    let (bees, known) = (home.serve("--magic BEES"), home.serve(""));
    let (at_bees, at_known) = (bees.url("rdt", "file"), known.url("rdt", "file"));
    home.run(&format!("get {at_bees} --magic BEES -o 1")).well();
    home.run(&format!("get {at_bees} --magic 0x42454553 -o 2")).well();
    home.run(&format!("get {at_bees} --magic BEES --legacy -o 3")).well();
    home.run(&format!("get {at_known} --magic ROSTOV -o 4")).well();
    together([at_bees.clone(), format!("{at_known} --magic BEES"), format!("{at_bees} --legacy")], |what| {
        home.run(&format!("get {what} --timeout 1 -o no")).with(3).saying("cannot connect");
    });
    assert_eq!(home.entries(""), ["1", "2", "3", "4", "shared", "temporary"]);
}

#[test]
fn names_may_have_spaces_percents_and_letters_of_all_the_world() {
    let home = Home::new();
    home.folder("shared/sub folder");
    let server = home.serve("");
    let bytes = home.write("local file", content(5_000));
    for (name, escaped) in [
        ("with space", "with%20space"),
        ("100%", "100%25"),
        ("größe 日本 🐝", "größe%20日本%20🐝"),
        ("what?is#this", "what?is#this"),
        ("in-between.tar.gz", "in-between.tar.gz"),
        ("sub folder/in it", "sub%20folder/in%20it"),
    ] {
        for scheme in ["tcp", "rdt"] {
            home.run_arguments(&["put", "local file", &server.url(scheme, escaped)]).well();
            assert_eq!(home.read(&format!("shared/{name}")), bytes);
        }
        for scheme in ["tcp", "rdt", "path"] {
            home.run_arguments(&["get", &server.url(scheme, escaped), "-o", "back again"]).well();
            assert_eq!(home.read("back again"), bytes, "{name} over {scheme}");
        }
        // A space needs no escape where a shell keeps it together.
        home.run_arguments(&["get", &server.url("tcp", &name.replace('%', "%25")), "-o", "back again"])
            .well();
    }
    // Some systems take it for a slash.
    home.run_arguments(&["put", "local file", &server.url("tcp", "back\\slash")])
        .with(2)
        .saying("a backslash");
    home.run_arguments(&["put", "local file", &server.url("tcp", "")]).well();
    home.run_arguments(&["put", "local file", &server.url("rdt", "sub folder/")]).well();
    assert_eq!(home.read("shared/local file"), bytes);
    assert_eq!(home.entries("shared/sub folder"), ["in it", "local file"]);
}

#[test]
fn a_host_may_be_a_name() {
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve("");
    for scheme in ["tcp", "rdt", "path"] {
        // `localhost` is often both ::1 and 127.0.0.1; only the second one listens.
        let url = format!("{scheme}://localhost:{}/file", server.at(scheme).port());
        home.run(&format!("get {url} -o {scheme} --timeout 5")).well();
        assert_eq!(home.read(scheme), b"content");
    }
    let named = home.serve_at("shared --tcp localhost:0");
    home.run(&format!("get {} -o -", named.url("tcp", "file"))).well();
}

#[test]
fn ipv6_works_as_ipv4_does() {
    if TcpListener::bind("[::1]:0").is_err() {
        return skipped("there is no ::1");
    }
    let home = Home::new();
    home.write("shared/file", content(50_000));
    let server = home.serve_at("shared --tcp [::1]:0 --rdt [::1]:0 --path [::1]:0");
    for scheme in ["tcp", "rdt", "path"] {
        home.run(&format!("get {} -o {scheme}", server.url(scheme, "file"))).well();
        assert_eq!(home.read(scheme), content(50_000));
    }
    home.run(&format!("put tcp {} --legacy", server.url("rdt", "back"))).well();
    assert_eq!(home.read("shared/back"), content(50_000));
}

#[test]
fn every_address_is_that_of_both_versions() {
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve_at("shared --tcp :0 --rdt :0 --path :0");
    let hosts =
        if TcpListener::bind("[::1]:0").is_ok() { vec!["127.0.0.1", "[::1]"] } else { vec!["127.0.0.1"] };
    for scheme in ["tcp", "rdt", "path"] {
        for host in &hosts {
            let url = format!("{scheme}://{host}:{}/file", server.at(scheme).port());
            assert_eq!(home.run(&format!("get {url} -o -")).well().out, b"content");
        }
    }
}

#[test]
fn one_server_listens_in_many_places() {
    let home = Home::new();
    home.write("shared/file", "content");
    let line =
        "shared --tcp 127.0.0.1:0 --tcp 127.0.0.2:0 --rdt 127.0.0.1:0 --rdt 127.0.0.1:0 --path 127.0.0.1:0";
    let server = home.serve_at(line);
    for (scheme, count) in [("tcp", 2), ("rdt", 2), ("path", 1)] {
        assert_eq!(server.all_at(scheme).len(), count);
        for address in server.all_at(scheme) {
            assert_eq!(home.run(&format!("get {scheme}://{address}/file -o -")).well().out, b"content");
        }
    }
}

#[test]
fn transfers_over_everything_do_not_disturb_each_other() {
    let home = Home::new();
    let server = home.serve("");
    for name in ["one", "two", "three", "four"] {
        home.write(&format!("shared/{name}"), content(4_000_000 + name.len()));
    }
    let upload = home.write("upload", content(6_000_000));
    let lines = [
        format!("get {} -o one", server.url("rdt", "one")),
        format!("get {} -o two --window 64", server.url("rdt", "two")),
        format!("get {} -o three", server.url("path", "three")),
        format!("get {} -o four --legacy --window 32", server.url("rdt", "four")),
        format!("put upload {}", server.url("tcp", "five")),
        format!("put upload {}", server.url("rdt", "six")),
    ];
    together(lines, |line| _ = home.run(&line).well());
    for name in ["one", "two", "three", "four"] {
        assert!(home.read(name) == content(4_000_000 + name.len()), "{name}");
    }
    assert!(home.read("shared/five") == upload && home.read("shared/six") == upload);
}

#[test]
fn a_server_that_ended_leaves_its_port_to_the_next_one() {
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve_at("shared --tcp 127.0.0.1:0");
    let address = server.at("tcp");
    // A connection that the server closes first keeps the port busy in the system.
    let open = TcpStream::connect(address).unwrap();
    home.run(&format!("get tcp://{address}/file -o -")).well();
    server.stop();
    drop(open);
    let next = home.serve_at(&format!("shared --tcp {address}"));
    assert_eq!(next.at("tcp"), address);
}

/// The system takes all at once, and the server gets it little by little, for longer than it may take to confirm it.
#[test]
fn a_server_confirms_when_all_has_arrived_however_slowly_it_does() {
    const LENGTH: usize = 2 << 20;
    const REST: Duration = Duration::from_millis(6);
    let home = Home::new();
    let bytes = home.write("file", content(LENGTH));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket2::SockRef::from(&listener).set_recv_buffer_size(16 << 10).unwrap();
    let url = format!("tcp://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut taken = Vec::new();
        let mut piece = [0; 1 << 10];
        while taken.len() < upload(LENGTH as u64, b"file").len() + LENGTH {
            let count = stream.read(&mut piece).unwrap();
            assert!(count > 0, "it gave up after {} bytes", taken.len());
            taken.extend_from_slice(&piece[..count]);
            thread::sleep(REST);
        }
        stream.write_all(&CONFIRM).unwrap();
        // It closes.
        let _ = stream.read(&mut piece);
        taken
    });
    home.run(&format!("put file {url} --timeout 3")).well();
    assert!(server.join().unwrap().ends_with(&bytes));
}
