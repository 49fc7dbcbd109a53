//! The prompt, at a terminal.

use std::{fs::File, io::Write};

use super::{
    deaths::restart,
    hub::{Hub, until_told},
};
use crate::support::{Process, at_terminal, content, shown, until};

/// Somebody at a terminal.
struct Typist {
    process: Process,
    input: File,
    /// Characters that were looked at.
    seen: usize,
}

const PROMPT: &str = "skep> ";

impl Typist {
    fn new(hub: &Hub, name: &str, options: &str) -> Self {
        Self::at(hub, name, options, "xterm")
    }

    /// At a terminal of this kind.
    fn at(hub: &Hub, name: &str, options: &str, kind: &str) -> Self {
        let line = hub.line(name, options);
        let mut command = hub.home.command_of(name, &line.split_whitespace().collect::<Vec<_>>());
        let (process, input) = at_terminal(command.env("TERM", kind));
        let mut typist = Self { process, input, seen: 0 };
        typist.until_shown("logged in to");
        typist.until_shown(PROMPT);
        typist
    }

    fn types(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until something is shown, and goes on behind it.
    fn until_shown(&mut self, what: &str) {
        let mut last = String::new();
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(what, || {
                last = shown(&self.process.out());
                last.get(self.seen..)?.find(what).map(|at| self.seen + at + what.len())
            })
        }));
        match found {
            Ok(at) => self.seen = at,
            Err(_) => panic!("no \"{what}\" in:\n{last}\n{}", self.process.err()),
        }
    }

    /// Types a line, and waits for what it shows, and for the prompt.
    fn says(&mut self, line: &str, answer: &str) {
        self.types(&format!("{line}\r"));
        self.until_shown(answer);
        self.until_shown(PROMPT);
    }
}

#[test]
fn users_and_files_are_listed_found_and_fetched_while_notices_come() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "");
    let bytes = hub.share("ana", "a file.bin", content(3 << 20));
    hub.share("ana", "notes.txt", "content");
    let mut ben = Typist::new(&hub, "ben", "");
    ben.says("users", "ana  2 files");
    ben.says("files ana", "ana/a file.bin");
    ben.says("find *.txt", "ana/notes.txt");
    ben.says("find wasp", "no such files");
    ben.says("get 'ana/a file.bin'", "got ana/a file.bin");
    assert!(hub.home.read("ben-got/a file.bin") == bytes);
    // Again: it is there already, and stays.
    ben.says("get 'ana/a file.bin'", "there is a file of that name already");
    ben.says("get ana/notes.txt -r -o relayed", "got ana/notes.txt (relayed)");
    assert_eq!(hub.home.read("ben-got/relayed"), b"content");
    ben.says("get ana/none", "no such file is shared there");
    ben.says("downloads", "no downloads");
    ben.says("who", "nobody fetches from you");
    ben.says("files nobody", "nobody called nobody is there");
    ben.says("files ben", "no such files");
    ben.says("dance", "there is no command dance");
    // A notice comes in the middle of a line, which is not lost.
    ben.types("files a");
    let _cyd = hub.join("cyd", "");
    ben.until_shown("cyd is here");
    ben.types("na\r");
    ben.until_shown("ana/notes.txt");
    ben.types("quit\r");
    ben.until_shown("logged out");
    ben.process.end().well();
    until_told(&ana, "ben left");
}

#[test]
fn who_joins_to_fetch_through_the_tracker_does_so_without_saying_it_each_time() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    hub.share("ana", "file", "content");
    let mut ben = Typist::new(&hub, "ben", "--relay");
    ben.says("get ana/file", "got ana/file (relayed)");
    ben.types("quit\r");
    ben.process.end().well();
}

#[test]
fn notices_that_come_in_a_burst_hold_up_neither_the_keys_nor_the_end() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    let mut ben = Typist::new(&hub, "ben", "");
    let shared = hub.shared("ana");
    for round in 0..4 {
        for file in 0..100 {
            hub.home.write(&format!("{shared}/{round}-{file}"), "content");
        }
        // More than fits would be waited for.
        let mut keys = 500;
        until("all notices", || {
            if keys > 0 {
                ben.types("\r");
                keys -= 1;
            }
            let out = ben.process.out();
            (0..100).all(|file| out.contains(&format!("{round}-{file} "))).then_some(())
        });
    }
    // Of so much that was typed ahead the editor may lose what came between two of its lines: somebody types it again.
    let mut looks = 0;
    until("the list", || {
        if looks % 100 == 0 {
            ben.types("users\r");
        }
        looks += 1;
        shown(&ben.process.out()).contains("ana  400 files").then_some(())
    });
    ben.process.send(rustix::process::Signal::TERM);
    ben.process.end().well();
}

#[test]
fn words_are_completed_and_lines_are_called_back() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    hub.share("ana", "a file.bin", "content");
    let mut ben = Typist::new(&hub, "ben", "");
    // A command, a user, and a file with a space in it.
    ben.types("ge\tan\ta \t");
    ben.types("\x15");
    ben.types("get an\t\t\r");
    ben.until_shown("got ana/a file.bin");
    // The last line, with another name.
    ben.types("\x1b[A -o again\r");
    ben.until_shown("got ana/a file.bin");
    assert_eq!(hub.home.read("ben-got/again"), b"content");
    ben.types("\x04");
    ben.until_shown("logged out");
    ben.process.end().well();
}

#[test]
fn an_owner_who_wants_to_be_asked_accepts_and_refuses() {
    let hub = Hub::new("");
    let mut ana = Typist::new(&hub, "ana", "--ask");
    hub.share("ana", "file", "content");
    for way in ["", "--relay"] {
        let get = hub.start_get("ben", ("ana", "file"), &format!("{way} -o got"));
        ana.until_shown("ben asks for file");
        ana.types("refuse ben\r");
        get.end().with(1).saying("the owner refused");
        let get = hub.start_get("ben", ("ana", "file"), &format!("{way} -o got"));
        ana.until_shown("ben asks for file");
        ana.says("accept", "ben has fetched file");
        get.end().well();
    }
    ana.says("accept", "nobody asks");
    // What is on its way when somebody leaves is told of.
    let mut ben = Typist::new(&hub, "ben", "");
    ben.types("get ana/file\r");
    ana.until_shown("ben asks for file");
    ben.types("quit\r");
    ben.until_shown("not fetched: ana/file");
    ben.until_shown("logged out");
    ben.process.end().well();
    ana.types("\x03");
    ana.until_shown("logged out");
    ana.process.end().well();
}

#[test]
fn what_is_wanted_while_the_tracker_is_away_waits_for_it() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "--via tcp");
    hub.share("ana", "file", "content");
    let mut ben = Typist::new(&hub, "ben", "--via tcp");
    let address = hub.tracker.sealed();
    let Hub { home, tracker } = hub;
    tracker.process.kill();
    ben.until_shown("lost the tracker");
    ben.says("get ana/file", PROMPT);
    ben.says("downloads", "ana/file: waits");
    let _again = restart(&home, address);
    ben.until_shown("got ana/file");
    assert_eq!(home.read("ben-got/file"), b"content");
}

#[test]
fn what_is_not_utf_8_costs_no_more_than_its_line() {
    let hub = Hub::new("");
    for kind in ["xterm", "dumb"] {
        let mut ana = Typist::at(&hub, "ana", "", kind);
        ana.input.write_all(b"get b\xe9n/file\r").unwrap();
        ana.until_shown("this is not UTF-8");
        ana.until_shown(PROMPT);
        ana.says("help quit", "log out and leave");
        ana.types("quit\r");
        ana.process.end().well();
    }
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_has_a_prompt_too() {
    let hub = Hub::new("");
    let mut ana = Typist::at(&hub, "ana", "--ask", "dumb");
    hub.share("ana", "file", "content");
    let ben = hub.start_get("ben", ("ana", "file"), "-o got");
    ana.until_shown("ben asks for file");
    ana.says("accept", "ben has fetched file");
    ben.end().well();
    ana.types("quit\r");
    ana.until_shown("logged out");
    ana.process.end().well();
}

#[test]
fn the_terminal_is_as_it_was_after_the_end() {
    let hub = Hub::new("");
    let ana = Typist::new(&hub, "ana", "");
    let terminal = ana.input.try_clone().unwrap();
    hub.tracker.admin(&hub.home, "kick ana");
    ana.process.end().with(1);
    let modes = rustix::termios::tcgetattr(&terminal).unwrap().local_modes;
    assert!(modes.contains(rustix::termios::LocalModes::ECHO | rustix::termios::LocalModes::ICANON));
}

#[test]
fn a_terminal_that_is_stopped_holds_up_nobody_who_fetches() {
    let hub = Hub::new("");
    hub.home.make_key("ana");
    let line = hub.line("ana", "--log");
    let mut command = hub.home.command_of("ana", &line.split_whitespace().collect::<Vec<_>>());
    let (ana, mut input) = at_terminal(&mut command);
    until_told(&ana, "logged in to");
    hub.share("ana", "file", "content");
    input.write_all(b"\x13").unwrap();
    hub.get("ben", ("ana", "file"), "-o got --timeout 10").well();
    input.write_all(b"\x11").unwrap();
    until_told(&ana, "ben has fetched file");
    ana.send(rustix::process::Signal::TERM);
    ana.end().well();
}

#[test]
fn without_a_prompt_nobody_can_be_asked() {
    let hub = Hub::new("");
    hub.run("ana", &hub.line("ana", "--ask")).with(2).saying("--ask needs a terminal");
}

#[test]
fn a_file_whose_owner_is_busy_waits_until_he_has_time() {
    let hub = Hub::new("");
    let mut ana = Typist::new(&hub, "ana", "--ask");
    hub.share("ana", "file", "content");
    let mut ben = Typist::new(&hub, "ben", "");
    // So many may ask an owner at once. One user is there at most nine times.
    let askers: Vec<_> = (0..16)
        .map(|number| {
            let who = ["cyd", "dan"][number % 2];
            hub.start(who, &format!("get {} -u {who} -o got-{number}", hub.file("ana", "file")))
        })
        .collect();
    until("sixteen who ask", || {
        (shown(&ana.process.out()).matches("asks for file").count() == 16).then_some(())
    });
    ben.says("get ana/file", "ana is busy; what is wanted of ana waits");
    ben.says("downloads", "ana/file");
    ana.says("accept", PROMPT);
    askers.into_iter().for_each(|asker| _ = asker.end().well());
    ana.until_shown("ben asks for file");
    ana.says("accept", "ben fetches file");
    ben.until_shown("got ana/file");
    assert_eq!(hub.home.read("ben-got/file"), b"content");
}
