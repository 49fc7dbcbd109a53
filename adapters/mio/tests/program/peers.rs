//! The program and an independent peer that knows the fixed formats, both ways.

use rustix::process::Signal;

use crate::support::{Home, Python, content, together, until};

/// Several segments of any peer, and few enough for stop-and-wait with losses.
const SIZE: usize = 40_000;

/// A network that loses, doubles and reorders, with a peer that is quick to send again.
const LOSSY: &str = "--loss 0.1 --duplicate 0.1 --reorder 0.1 --rto 0.1 --linger 1 --strict";

/// What the peer does after its end is no matter of these tests, save with losses.
const BRIEF: &str = "--linger 0.3 --strict";

/// How the peer may speak RDT, each with a number for its files.
fn manners() -> Vec<(usize, String)> {
    let plain = ["--mode sw", "--mode sr", "--mode sr --window 3"].map(|mode| format!("{mode} {BRIEF}"));
    let odd = ["--mode sw", "--mode sr"].into_iter().flat_map(|mode| {
        ["--ascii", "--uneven --body 700", "--no-empty-first"].map(|more| format!("{mode} {more} {BRIEF}"))
    });
    let lossy = ["--mode sw", "--mode sr", "--mode sr --window 3"].into_iter().flat_map(|mode| {
        ["--seed 1", "--seed 2 --ascii --uneven"].map(|more| format!("{mode} {LOSSY} {more}"))
    });
    plain.into_iter().chain(odd).chain(lossy).enumerate().collect()
}

#[test]
fn its_client_gets_and_puts_over_tcp() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    home.write("shared/file", content(SIZE));
    home.write("shared/empty", "");
    let server = home.serve("");
    let to = format!("--tcp 127.0.0.1 {}", server.at("tcp").port());
    together(["", "--drip", "--half-close", "--drip --half-close"].iter().enumerate(), |(number, manner)| {
        python.run(&home, &format!("get {manner} {to} file got{number}")).well();
        assert_eq!(home.read(&format!("got{number}")), content(SIZE));
        python.run(&home, &format!("put {manner} {to} got{number} put{number}")).well();
        assert_eq!(home.read(&format!("shared/put{number}")), content(SIZE));
    });
    python.run(&home, &format!("get {to} empty none")).well();
    assert_eq!(home.read("none"), b"");
    for (name, code) in [("missing", "1"), ("../home", "5"), ("/etc/passwd", "5")] {
        let ended = python.run(&home, &format!("get {to} {name} no")).with(1);
        assert_eq!(ended.out, format!("error {code}\n").as_bytes());
    }
    python.run(&home, &format!("get --limit 1000 {to} file no")).with(4);
}

#[test]
fn its_client_gets_and_puts_over_rdt_in_all_manners() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    home.write("shared/file", content(SIZE));
    let server = home.serve("");
    let to = format!("--rdt 127.0.0.1 {}", server.at("rdt").port());
    together(manners(), |(number, manner)| {
        python.run(&home, &format!("get {manner} {to} file got{number}")).well();
        assert!(home.read(&format!("got{number}")) == content(SIZE), "get {manner}");
        python.run(&home, &format!("put {manner} {to} got{number} put{number}")).well();
        assert!(home.read(&format!("shared/put{number}")) == content(SIZE), "put {manner}");
    });
    together(["--mode sw", "--mode sr"], |mode| {
        let ended = python.run(&home, &format!("get {mode} {BRIEF} {to} missing no")).with(1);
        assert_eq!(ended.out, b"error 1\n");
        let ended = python.run(&home, &format!("put {mode} {BRIEF} {to} got0 ../out")).with(1);
        assert_eq!(ended.out, b"error 5\n");
    });
}

#[test]
fn its_server_serves_over_tcp() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    home.write("shared/file", content(SIZE));
    let (_server, at) = python.serve(&home, "--tcp 0");
    home.run(&format!("get tcp://{at}/file -o got")).well();
    assert_eq!(home.read("got"), content(SIZE));
    home.run(&format!("put got tcp://{at}/new/put")).well();
    assert_eq!(home.read("shared/new/put"), content(SIZE));
    home.run(&format!("get tcp://{at}/missing")).with(1).saying("there is no such file");
    let (_refusing, at) = python.serve(&home, "--tcp 0 --refuse 77");
    home.write("large", content(20 << 20));
    home.run(&format!("put large tcp://{at}/large")).with(1).saying("error 77");
}

#[test]
fn its_server_serves_over_rdt_in_all_manners() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    home.write("shared/file", content(SIZE));
    together(manners(), |(number, manner)| {
        let (server, at) = python.serve(&home, &format!("--rdt 0 {manner}"));
        // The peer takes both kinds; what it is called in it answers in. Selective repeat it does only with its kind.
        let is_selective = manner.contains("--mode sr");
        let options = match (is_selective, number % 2) {
            (true, _) => "--legacy --window 16",
            (false, 0) => "--legacy",
            (false, _) => "",
        };
        let kind = if manner.contains("--ascii") { "--ascii-types" } else { "" };
        home.run(&format!("get rdt://{at}/file -o got{number} {options} {kind}")).well();
        assert!(home.read(&format!("got{number}")) == content(SIZE), "get {manner}");
        home.run(&format!("put got{number} rdt://{at}/put{number} {options} {kind}")).well();
        assert!(home.read(&format!("shared/put{number}")) == content(SIZE), "put {manner}");
        server.send(Signal::TERM);
        server.end().well();
    });
}

#[test]
fn a_peer_without_extensions_is_found_out_and_sent_none() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    home.write("shared/file", content(SIZE));
    together([("", 1..=9), ("--legacy", 0..=0)], |(options, foreign)| {
        let (server, at) = python.serve(&home, "--rdt 0 --strict");
        let ended = home.run(&format!("get rdt://{at}/file -o got{options} -v {options}")).well();
        assert!(ended.err.contains("a peer without skep's extensions"), "{}", ended.err);
        server.send(Signal::TERM);
        let report = server.end().well().err;
        // The calls in skep's own language, the request behind each, and nothing after the answer to the other one.
        let count = report.split_once("other-magic=").unwrap().1.split_whitespace().next().unwrap();
        assert!(foreign.contains(&count.parse().unwrap()), "{report}");
    });
}

#[test]
fn both_may_have_another_magic() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    home.write("shared/file", content(SIZE));
    let magic = "--magic 4245450042";
    let server = home.serve("--magic 0x4245450042");
    let to = format!("--rdt 127.0.0.1 {}", server.at("rdt").port());
    python.run(&home, &format!("get {magic} {BRIEF} {to} file got")).well();
    assert_eq!(home.read("got"), content(SIZE));
    let (_server, at) = python.serve(&home, &format!("--rdt 0 {magic} {BRIEF}"));
    together([("--magic 0x4245450042 --legacy", 0), ("--timeout 1", 3)], |(options, code)| {
        home.run(&format!("put got rdt://{at}/put{code} {options}")).with(code);
    });
    assert_eq!(home.read("shared/put0"), content(SIZE));
    assert!(!home.path("shared/put3").exists());
}

#[test]
fn its_paths_may_end_in_all_ways() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    home.write("shared/file", content(SIZE));
    home.write("shared/short", "short");
    let server = home.serve("");
    let to = format!("--path 127.0.0.1 {}", server.at("path").port());
    together(["--newline", "--nul", "", "--newline --drip"].iter().enumerate(), |(number, manner)| {
        python.run(&home, &format!("get {manner} {to} file got{number}")).well();
        assert_eq!(home.read(&format!("got{number}")), content(SIZE), "{manner}");
        python.run(&home, &format!("get {manner} {to} /file slash{number}")).well();
        let ended = python.run(&home, &format!("get {manner} {to} missing no")).with(1);
        assert_eq!(ended.out, "Error: El archivo no existe\n".as_bytes());
    });
    // The known client takes what it gets at first, and goes.
    python.run(&home, &format!("get --known --newline {to} short known")).well();
    assert_eq!(home.read("known"), b"short");
    python.run(&home, &format!("get --known --newline {to} file beginning")).well();
    assert!(content(SIZE).starts_with(&home.read("beginning")));
    // It may not even say that its request is over.
    python.run(&home, &format!("get --known {to} short endless")).well();
    assert_eq!(home.read("endless"), b"short");
}

#[test]
fn its_path_servers_serve_even_if_they_do_not_close() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    home.write("shared/file", content(SIZE));
    home.write("shared/empty", "");
    let (_closing, at) = python.serve(&home, "--path 0");
    home.run(&format!("get path://{at}/file -o got")).well();
    assert_eq!(home.read("got"), content(SIZE));
    home.run(&format!("get path://{at}/empty")).well();
    assert_eq!(home.read("empty"), b"");
    home.run(&format!("get path://{at}/missing")).with(1).saying("there is no such file");

    let (_known, at) = python.serve(&home, "--path 0 --known");
    together(["file", "missing", "empty"], |name| {
        let ended = home.run(&format!("get path://{at}/{name} -o known-{name} --timeout 2"));
        match name {
            "file" => {
                let told = ended.well().err;
                assert!(
                    told.contains("the server did not close; 2 s of silence were taken for the end"),
                    "{told}"
                );
                assert_eq!(home.read("known-file"), content(SIZE));
            }
            "missing" => _ = ended.with(1).saying("there is no such file"),
            // Nothing came: nobody can know whether that is all of it.
            _ => _ = ended.with(3),
        }
    });
}

#[test]
fn a_result_is_told_before_what_a_peer_of_an_older_format_may_still_ask() {
    let home = Home::new();
    home.write("shared/file", content(SIZE));
    let server = home.serve("");
    for line in ["get {} -o got --legacy", "put got {}2 --legacy"] {
        let mut process = home.start(&line.replace("{}", &server.url("rdt", "file")));
        until("a result", || process.err().contains(" resent").then_some(()));
        assert!(process.is_running());
        process.end().well();
    }
    assert!(home.read("shared/file2") == content(SIZE));
}
