//! `skep client`: the console, against servers that nobody here wrote, and against some that lie.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
};

use rustix::process::Signal;

use crate::support::{Answer, Home, Prompt, Python, Stub, content, together, until};

/// Everything but GET_FILE, with a word behind each that needs some.
const COMMANDS: [&str; 8] = [
    "REGISTER ana",
    "UNREGISTER ana",
    "CONNECT ana",
    "DISCONNECT ana",
    "PUBLISH x text",
    "DELETE x",
    "LIST_USERS",
    "LIST_CONTENT eva",
];

fn command(home: &Home, folder: &str, server: SocketAddr, options: &str) -> Command {
    let line = format!("client -s {} -p {} {options}", server.ip(), server.port());
    let mut command = home.command(&line.split_whitespace().collect::<Vec<_>>());
    command.current_dir(home.path(folder));
    command
}

fn console(home: &Home, server: SocketAddr) -> Prompt {
    Prompt::start(&mut command(home, "", server, ""))
}

/// The port that a CONNECT told.
fn port(request: &str) -> u16 {
    request.split('|').nth(2).unwrap().parse().unwrap()
}

/// What a console answers to a request for a file.
fn fetch(port: u16, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn is_closed(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_err()
}

#[test]
fn commands_are_answered_in_the_words_of_the_format_by_servers_of_all_manners() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    let manners =
        ["", "--pieces", "--digits", "--no-last-nul", "--dated", "--pieces --digits --no-last-nul --dated"];
    together(manners.into_iter().enumerate(), |(number, manner)| {
        let (_tracker, at) = python.track(&home, manner);
        let folder = format!("folder{number}");
        home.folder(&folder);
        home.write(&format!("{folder}/x"), "content");
        let options = if manner.contains("--dated") { "--date-string" } else { "" };
        let mut console = Prompt::start(&mut command(&home, &folder, at, options));
        for (typed, printed) in [
            ("LIST_USERS", "LIST_USERS FAIL, USER NOT CONNECTED\n"),
            ("CONNECT ana", "CONNECT FAIL, USER DOES NOT EXIST\n"),
            ("register ana", "REGISTER OK\n"),
            ("Register ana", "USERNAME IN USE\n"),
            ("REGISTER eva", "REGISTER OK\n"),
            ("DISCONNECT ana", "DISCONNECT FAIL, USER NOT CONNECTED\n"),
            ("DISCONNECT bea", "DISCONNECT FAIL, USER DOES NOT EXIST\n"),
            ("CONNECT ana", "CONNECT OK\n"),
            ("CONNECT ana", "USER ALREADY CONNECTED\n"),
            ("LIST_CONTENT ana", "LIST_CONTENT OK\n"),
            ("PUBLISH x a text of more words", "PUBLISH OK\n"),
            ("publish x once more", "PUBLISH FAIL, CONTENT ALREADY PUBLISHED\n"),
            ("PUBLISH y another", "PUBLISH OK\n"),
            ("LIST_CONTENT ana", "LIST_CONTENT OK\nx\ny\n"),
            ("LIST_CONTENT eva", "LIST_CONTENT OK\n"),
            ("LIST_CONTENT bea", "LIST_CONTENT FAIL, REMOTE USER DOES NOT EXIST\n"),
            ("GET_FILE ana x copy", "GET_FILE OK\n"),
            ("GET_FILE ana y none", "GET_FILE FAIL, FILE NOT EXIST\n"),
            ("GET_FILE ana z none", "GET_FILE FAIL, FILE NOT EXIST\n"),
            ("GET_FILE eva x none", "GET_FILE FAIL\n"),
            ("DELETE x", "DELETE OK\n"),
            ("DELETE x", "DELETE FAIL, CONTENT NOT PUBLISHED\n"),
            ("GET_FILE ana x none", "GET_FILE FAIL, FILE NOT EXIST\n"),
            ("CONNECT eva", "CONNECT OK\n"),
            ("DISCONNECT ana", "DISCONNECT FAIL, USER NOT CONNECTED\n"),
            ("UNREGISTER ana", "UNREGISTER OK\n"),
            ("UNREGISTER ana", "USER DOES NOT EXIST\n"),
            ("DISCONNECT eva", "DISCONNECT OK\n"),
        ] {
            assert_eq!(console.says(typed), printed, "{typed} ({manner})");
        }
        assert_eq!(console.end().well().out, b"+++ FINISHED +++\n");
        assert_eq!(home.read(&format!("{folder}/copy")), b"content");
        assert_eq!(home.entries(&folder), ["copy", "x"]);
    });
}

#[test]
fn every_result_has_its_words() {
    let home = Home::new();
    together(0..=5, |result: u8| {
        // It connects, so that the others are asked; what they answer is told by the test.
        let stub = Stub::new(move |request| {
            let is_connect = request.starts_with("CONNECT|first");
            Answer::Bytes(if is_connect { vec![0] } else { vec![result, b'0', 0] })
        });
        let mut console = console(&home, stub.at());
        assert_eq!(console.says("CONNECT first"), "CONNECT OK\n");
        for line in COMMANDS.into_iter().filter(|line| !line.starts_with("DISCONNECT")) {
            let name = line.split(' ').next().unwrap();
            let last = format!("{name} FAIL");
            let words = match (name, result) {
                (_, 0) => format!("{name} OK"),
                ("REGISTER", 1) => "USERNAME IN USE".into(),
                ("UNREGISTER", 1) => "USER DOES NOT EXIST".into(),
                ("REGISTER" | "UNREGISTER", _) => last,
                ("CONNECT", 2) => "USER ALREADY CONNECTED".into(),
                (_, 1) => format!("{name} FAIL, USER DOES NOT EXIST"),
                (_, 2) => format!("{name} FAIL, USER NOT CONNECTED"),
                ("PUBLISH", 3) => "PUBLISH FAIL, CONTENT ALREADY PUBLISHED".into(),
                ("DELETE", 3) => "DELETE FAIL, CONTENT NOT PUBLISHED".into(),
                ("LIST_CONTENT", 3) => "LIST_CONTENT FAIL, REMOTE USER DOES NOT EXIST".into(),
                _ => last,
            };
            assert_eq!(console.says(line), format!("{words}\n"), "{line} {result}");
        }
    });
}

#[test]
fn a_server_that_is_down_is_the_last_word_of_each_command() {
    let home = Home::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut console = console(&home, free);
    for line in ["REGISTER ana", "UNREGISTER ana", "CONNECT ana", "DISCONNECT ana"] {
        assert_eq!(console.says(line), format!("{} FAIL\n", line.split(' ').next().unwrap()));
    }
    assert_eq!(console.says("GET_FILE eva x y"), "GET_FILE FAIL\n");
    // It goes down while somebody is connected.
    let is_up = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let up = is_up.clone();
    let stub = Stub::new(move |_| {
        let is_up = up.load(std::sync::atomic::Ordering::Relaxed);
        Answer::Bytes(if is_up { vec![0] } else { Vec::new() })
    });
    let mut console = self::console(&home, stub.at());
    assert_eq!(console.says("CONNECT ana"), "CONNECT OK\n");
    is_up.store(false, std::sync::atomic::Ordering::Relaxed);
    for line in COMMANDS {
        assert_eq!(
            console.says(line),
            match line.split(' ').next().unwrap() {
                // Nobody is connected any more by then.
                name @ ("PUBLISH" | "DELETE" | "LIST_USERS" | "LIST_CONTENT") => {
                    format!("{name} FAIL, USER NOT CONNECTED\n")
                }
                name => format!("{name} FAIL\n"),
            }
        );
    }
    assert_eq!(console.end().well().out, b"+++ FINISHED +++\n");
}

#[test]
fn why_a_command_failed_is_told_beside_its_words_and_to_a_script_by_the_exit_code() {
    let home = Home::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Stub::new(|request| match request {
        "REGISTER|mute|" => Answer::Bytes(Vec::new()),
        "LIST_USERS|ana|" => Answer::Bytes(b"\0many\0".to_vec()),
        _ => Answer::Bytes(vec![0]),
    });
    let long = "x".repeat(256);
    for (at, typed, code, said) in [
        (free, "REGISTER ana", 3, format!("{free}: Connection refused")),
        (free, "REGISTER ana\nQUIT", 3, format!("{free}: Connection refused")),
        (server.at(), "REGISTER mute", 3, "ended without a whole answer".to_owned()),
        (server.at(), "CONNECT ana\nLIST_USERS", 3, "the answer was not understood".to_owned()),
        (server.at(), &format!("REGISTER {long}"), 2, "at most 255 bytes".to_owned()),
        (server.at(), "REGISTER mute\nFLY", 2, "ended without a whole answer".to_owned()),
        // What goes well after that is what counts.
        (server.at(), "REGISTER mute\nREGISTER ana", 0, "ended without a whole answer".to_owned()),
    ] {
        let mut console = console(&home, at);
        console.types(format!("{typed}\n"));
        let ended = console.end().with(code).saying(&said);
        let out = String::from_utf8(ended.out).unwrap();
        assert!(out.ends_with("+++ FINISHED +++\n") && !out.contains(&said), "{out}");
    }
}

#[test]
fn a_script_whose_last_line_is_no_command_is_told_so_by_the_exit_code() {
    let home = Home::new();
    let server = Stub::with(0);
    for (typed, code) in [
        ("FLY", 2),
        ("REGISTER ana\nREGISTER", 2),
        ("FLY\n\nQUIT", 2),
        ("QUIT now", 2),
        ("FLY\nREGISTER ana", 0),
        ("", 0),
    ] {
        let mut console = console(&home, server.at());
        console.types(format!("{typed}\n"));
        let ended = console.end().with(code);
        assert!(ended.out.ends_with(b"+++ FINISHED +++\n") && ended.err.is_empty(), "{typed}: {ended:?}");
    }
}

#[test]
fn wrong_usage_is_told_and_nobody_is_asked() {
    let home = Home::new();
    let stub = Stub::with(0);
    let mut console = console(&home, stub.at());
    for (line, usage) in [
        ("REGISTER", "REGISTER <userName>"),
        ("register a b", "REGISTER <userName>"),
        ("UNREGISTER", "UNREGISTER <userName>"),
        ("CONNECT", "CONNECT <userName>"),
        ("DISCONNECT a b", "DISCONNECT <userName>"),
        ("PUBLISH x", "PUBLISH <fileName> <description>"),
        ("DELETE", "DELETE <fileName>"),
        ("LIST_USERS a", "LIST_USERS"),
        ("LIST_CONTENT", "LIST_CONTENT <userName>"),
        ("GET_FILE a b", "GET_FILE <userName> <remote_fileName> <local_fileName>"),
        ("QUIT now", "QUIT"),
    ] {
        assert_eq!(console.says(line), format!("Syntax error. Usage: {usage}\n"));
    }
    assert_eq!(console.says("FLY away"), "Error: command FLY not valid.\n");
    assert_eq!(console.says("f\x1b[2Jly"), "Error: command f\\u{1b}[2Jly not valid.\n");
    assert_eq!(console.says("   "), "");
    let long = "x".repeat(256);
    assert_eq!(console.says(&format!("REGISTER {long}")), "REGISTER FAIL\n");
    assert_eq!(console.says("REGISTER a\0b"), "REGISTER FAIL\n");
    assert_eq!(stub.asked(), [""; 0]);
    assert_eq!(console.says(&format!("REGISTER {}", &long[1..])), "REGISTER OK\n");
}

#[test]
fn requests_are_whole_and_in_the_format() {
    let home = Home::new();
    together([false, true], |is_dated| {
        let stub = Stub::with(0);
        let options = if is_dated { "--date-string" } else { "" };
        let mut console = Prompt::start(&mut command(&home, "", stub.at(), options));
        assert_eq!(console.says("CONNECT ana"), "CONNECT OK\n");
        for line in ["REGISTER eva", "PUBLISH a/b  some  text", "DELETE a/b", "UNREGISTER eva"] {
            assert!(console.says(line).ends_with(" OK\n"));
        }
        console.types("quit\n");
        assert_eq!(console.ends().well().out, b"+++ FINISHED +++\n");
        let mut asked = stub.asked();
        if is_dated {
            for request in &mut asked {
                let mut strings: Vec<&str> = request.split('|').collect();
                let date = strings.remove(1);
                let form: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
                assert_eq!(form, "00/00/0000 00:00:00");
                *request = strings.join("|");
            }
        }
        let port = port(&asked[0]);
        assert_eq!(
            asked,
            [
                format!("CONNECT|ana|{port}|"),
                "REGISTER|eva|".into(),
                "PUBLISH|ana|a/b|some  text|".into(),
                "DELETE|ana|a/b|".into(),
                "UNREGISTER|eva|".into(),
                "DISCONNECT|ana|".into(),
            ]
        );
    });
}

#[test]
fn users_of_all_kinds_fetch_from_each_other() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    let large = content(3_000_000);
    together(["", "--pieces", "--digits"].into_iter().enumerate(), |(number, manner)| {
        let (_tracker, at) = python.track(&home, manner);
        let ours = format!("ours{number}");
        let theirs = format!("theirs{number}");
        for folder in [&ours, &theirs] {
            home.folder(folder);
            home.write(&format!("{folder}/large"), large.clone());
            home.write(&format!("{folder}/empty"), "");
            home.write(&format!("{folder}/secret"), "nobody's");
        }
        let mut ana = Prompt::start(&mut command(&home, &ours, at, ""));
        let mut eva = python.console(&home, &theirs, at, manner);
        for (name, user) in [("ana", &mut ana), ("eva", &mut eva)] {
            assert_eq!(user.says(&format!("REGISTER {name}")), "REGISTER OK\n");
            assert_eq!(user.says(&format!("CONNECT {name}")), "CONNECT OK\n");
            assert_eq!(user.says("PUBLISH large a large one"), "PUBLISH OK\n");
            assert_eq!(user.says("PUBLISH empty an empty one"), "PUBLISH OK\n");
        }
        for (other, user, folder) in [("eva", &mut ana, &ours), ("ana", &mut eva, &theirs)] {
            assert_eq!(user.says(&format!("LIST_CONTENT {other}")), "LIST_CONTENT OK\nlarge\nempty\n");
            assert_eq!(user.says(&format!("GET_FILE {other} large copy")), "GET_FILE OK\n");
            assert_eq!(user.says(&format!("GET_FILE {other} empty nothing")), "GET_FILE OK\n");
            let refused = "GET_FILE FAIL, FILE NOT EXIST\n";
            assert_eq!(user.says(&format!("GET_FILE {other} secret none")), refused);
            assert!(home.read(&format!("{folder}/copy")) == large);
            assert_eq!(home.read(&format!("{folder}/nothing")), b"");
            assert_eq!(home.entries(folder), ["copy", "empty", "large", "nothing", "secret"]);
        }
        assert_eq!(eva.says("DISCONNECT eva"), "DISCONNECT OK\n");
        assert_eq!(ana.says("GET_FILE eva large none"), "GET_FILE FAIL\n");
        assert_eq!(ana.end().well().out, b"+++ FINISHED +++\n");
        assert_eq!(eva.end().well().out, b"+++ FINISHED +++\n");
    });
}

#[test]
fn the_door_serves_what_was_published_and_nothing_else() {
    let home = Home::new();
    home.write("x", "content");
    let absolute = home.path("x").display().to_string();
    let stub = Stub::with(0);
    let mut console = console(&home, stub.at());
    assert_eq!(console.says("CONNECT ana"), "CONNECT OK\n");
    let port = port(&stub.wait_for("CONNECT"));
    for line in ["PUBLISH x text", "PUBLISH shared a folder", "PUBLISH missing text"] {
        assert_eq!(console.says(line), "PUBLISH OK\n");
    }
    for path in ["./x", "../x", "shared/../x", "y", "", "shared", "missing", &absolute, &"x".repeat(300)] {
        assert_eq!(fetch(port, format!("GET_FILE\0{path}\0").as_bytes()), [1], "{path}");
    }
    assert_eq!(fetch(port, b"get_file\0x\0"), b"\x007\0content");
    assert_eq!(fetch(port, b"GET_FILE\0\xff\0"), [1]);
    assert_eq!(fetch(port, b"REGISTER\0x\0"), [2]);
    assert_eq!(console.says(&format!("PUBLISH {absolute} text")), "PUBLISH OK\n");
    assert_eq!(fetch(port, format!("GET_FILE\0{absolute}\0").as_bytes()), b"\x007\0content");
    assert_eq!(console.says("DELETE x"), "DELETE OK\n");
    assert_eq!(fetch(port, b"GET_FILE\0x\0"), [1]);
    // Another user has published nothing.
    assert_eq!(console.says("CONNECT eva"), "CONNECT OK\n");
    assert!(is_closed(port));
    let port = self::port(&stub.wait_for("CONNECT|eva"));
    assert_eq!(fetch(port, format!("GET_FILE\0{absolute}\0").as_bytes()), [1]);
}

#[test]
fn who_stops_in_the_middle_of_a_request_holds_nobody_up() {
    let home = Home::new();
    home.write("x", "content");
    let stub = Stub::with(0);
    let mut console = console(&home, stub.at());
    assert_eq!(console.says("CONNECT ana"), "CONNECT OK\n");
    assert_eq!(console.says("PUBLISH x text"), "PUBLISH OK\n");
    let port = port(&stub.wait_for("CONNECT"));
    let silent: Vec<_> = (0..50)
        .map(|number| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let begin: &[u8] = if number % 2 == 0 { b"GET_FILE\0x" } else { b"" };
            stream.write_all(begin).unwrap();
            stream
        })
        .collect();
    assert_eq!(fetch(port, b"GET_FILE\0x\0"), b"\x007\0content");
    // They are let go without an answer.
    for mut stream in silent {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"");
    }
}

#[test]
fn what_goes_wrong_with_connect_closes_the_new_door_alone() {
    let home = Home::new();
    home.write("x", "content");
    let stub = Stub::new(|request| match request.split('|').nth(1) {
        Some("eva") => Answer::Bytes(vec![2]),
        Some("bea") => Answer::Bytes(Vec::new()),
        _ => Answer::Bytes(vec![0]),
    });
    let mut console = console(&home, stub.at());
    assert_eq!(console.says("CONNECT ana"), "CONNECT OK\n");
    assert_eq!(console.says("PUBLISH x text"), "PUBLISH OK\n");
    let first = port(&stub.wait_for("CONNECT|ana"));
    for (user, words) in [("eva", "USER ALREADY CONNECTED\n"), ("bea", "CONNECT FAIL\n")] {
        assert_eq!(console.says(&format!("CONNECT {user}")), words);
        assert!(is_closed(port(&stub.wait_for(&format!("CONNECT|{user}")))));
        assert_eq!(fetch(first, b"GET_FILE\0x\0"), b"\x007\0content");
    }
    // Another user takes the place of the first.
    assert_eq!(console.says("CONNECT dan"), "CONNECT OK\n");
    stub.wait_for("DISCONNECT|ana");
    assert!(is_closed(first));
    assert!(!is_closed(port(&stub.wait_for("CONNECT|dan"))));
}

#[test]
fn disconnect_closes_the_door_whatever_the_answer() {
    let home = Home::new();
    together([vec![0], vec![1], vec![2], vec![3], Vec::new()], |answer: Vec<u8>| {
        let result = answer.clone();
        let stub = Stub::new(move |request| {
            Answer::Bytes(if request.starts_with("DISCONNECT") { answer.clone() } else { vec![0] })
        });
        let mut console = console(&home, stub.at());
        assert_eq!(console.says("CONNECT ana"), "CONNECT OK\n");
        let port = port(&stub.wait_for("CONNECT"));
        assert!(console.says("DISCONNECT ana").starts_with("DISCONNECT "));
        assert!(is_closed(port), "{result:?}");
        assert_eq!(console.says("PUBLISH x text"), "PUBLISH FAIL, USER NOT CONNECTED\n");
    });
}

#[test]
fn a_file_that_was_not_received_whole_is_not_there() {
    let home = Home::new();
    home.write("kept", "as it was");
    together(
        [
            b"\x0010\x001234567890".as_slice(),
            b"\x0010\x00123456789",
            b"\x0010",
            b"\x00x\0",
            b"\x00",
            b"",
            b"\x07",
            b"\x02",
        ]
        .into_iter()
        .enumerate(),
        |(number, answer)| {
            let peer = Stub::new(move |_| Answer::Bytes(answer.to_vec()));
            let at = peer.at();
            let list = format!("\x001\0eva\0{}\0{}\0", at.ip(), at.port());
            let stub = Stub::new(move |request| {
                Answer::Bytes(if request.starts_with("LIST") { list.clone().into() } else { vec![0] })
            });
            let mut console = console(&home, stub.at());
            assert_eq!(console.says("CONNECT ana"), "CONNECT OK\n");
            let words = if number == 0 { "GET_FILE OK\n" } else { "GET_FILE FAIL\n" };
            assert_eq!(console.says(&format!("GET_FILE eva a/b file{number}")), words, "{answer:?}");
            if number > 0 {
                assert_eq!(console.says("GET_FILE eva a/b kept"), words);
            }
            assert_eq!(peer.wait_for("GET"), "GET_FILE|a/b|");
        },
    );
    assert_eq!(home.read("file0"), b"1234567890");
    assert_eq!(home.read("kept"), b"as it was");
    assert_eq!(home.entries(""), ["file0", "kept", "shared", "temporary"]);
}

#[test]
fn lists_that_lie_are_failures_and_what_they_hold_is_shown_harmless() {
    let home = Home::new();
    for (answer, printed) in [
        (
            b"\x001\0e\x1b[2Jva\x00127.0.0.1\x004000\0".as_slice(),
            "LIST_USERS OK\ne\\u{1b}[2Jva 127.0.0.1 4000\n",
        ),
        (b"\x002\0ana\0::1\x001\0eva\0x\0y\0", "LIST_USERS OK\nana ::1 1\neva x y\n"),
        (b"01\0ana\x0010.0.0.1\x001", "LIST_USERS OK\nana 10.0.0.1 1\n"),
        (b"\x002\0ana\x00127.0.0.1\x004000\0", "LIST_USERS FAIL\n"),
        (b"\x0018446744073709551615\0ana\0", "LIST_USERS FAIL\n"),
        (b"\x0099999999999999999999\0ana\0", "LIST_USERS FAIL\n"),
        (b"\x00-1\0", "LIST_USERS FAIL\n"),
        (b"\x00", "LIST_USERS FAIL\n"),
        (&[[0].as_slice(), &[b'1'; 300]].concat(), "LIST_USERS FAIL\n"),
    ] {
        let answer = answer.to_vec();
        let stub = Stub::new(move |request| {
            Answer::Bytes(if request.starts_with("LIST") { answer.clone() } else { vec![0] })
        });
        let mut console = console(&home, stub.at());
        assert_eq!(console.says("CONNECT ana"), "CONNECT OK\n");
        assert_eq!(console.says("LIST_USERS"), printed);
    }
}

#[test]
fn a_request_to_end_disconnects() {
    let home = Home::new();
    together([Signal::TERM, Signal::INT, Signal::HUP], |signal| {
        let stub = Stub::with(0);
        let mut console = console(&home, stub.at());
        assert_eq!(console.says("CONNECT ana"), "CONNECT OK\n");
        console.send(signal);
        assert_eq!(console.ends().with(130).out, b"\n+++ FINISHED +++\n");
        stub.wait_for("DISCONNECT|ana|");
    });
}

#[test]
fn it_is_typed_at_through_a_terminal() {
    let home = Home::new();
    let stub = Stub::new(|request| match request {
        "UNREGISTER|ana|" => Answer::Stall(Vec::new()),
        "LIST_USERS|ana|" => Answer::Stall(b"\x005\0ana".to_vec()),
        _ => Answer::Bytes(vec![0]),
    });
    let mut console = Prompt::start_at_terminal(&mut command(&home, "", stub.at(), ""));
    assert!(console.says("register ana").ends_with("REGISTER OK\n"));
    assert!(console.says("connect ana").ends_with("CONNECT OK\n"));
    // Ctrl-C ends what is under way, and no more.
    for (line, begin, words) in [
        ("unregister ana", "UNREGISTER", "UNREGISTER FAIL\n"),
        ("list_users", "LIST_USERS", "LIST_USERS FAIL\n"),
    ] {
        console.types(format!("{line}\n"));
        stub.wait_for(begin);
        console.types("\x03");
        let answer = console.answer();
        assert!(answer.ends_with(words), "{answer:?}");
    }
    let answer = console.says("fly");
    assert!(answer.ends_with("Error: command fly not valid.\n"), "{answer:?}");
    // What is not UTF-8 costs no more than its line.
    console.types(b"publish caf\xe9\n");
    console.answer();
    // Ctrl-D at an empty line is the end.
    console.types("\x04");
    let out = String::from_utf8(console.ends().well().out).unwrap();
    assert!(out.ends_with("+++ FINISHED +++\r\n"), "{out:?}");
    stub.wait_for("DISCONNECT|ana|");
}

#[test]
fn ctrl_c_during_a_transfer_leaves_nothing() {
    let home = Home::new();
    let peer = Stub::new(|_| Answer::Stall(b"\x00100\0half of it".to_vec()));
    let list = format!("\x001\0eva\0{}\0{}\0", peer.at().ip(), peer.at().port());
    let stub = Stub::new(move |request| {
        Answer::Bytes(if request.starts_with("LIST") { list.clone().into() } else { vec![0] })
    });
    let mut console = Prompt::start_at_terminal(&mut command(&home, "shared", stub.at(), ""));
    assert!(console.says("connect ana").ends_with("CONNECT OK\n"));
    console.types("get_file eva x y\n");
    until("a part", || (!home.entries("shared").is_empty()).then_some(()));
    console.types("\x03");
    let answer = console.answer();
    assert!(answer.ends_with("GET_FILE FAIL\n"), "{answer:?}");
    assert_eq!(home.entries("shared"), [""; 0]);
}
