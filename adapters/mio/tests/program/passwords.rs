//! Passwords that are typed.

use std::{fs::File, io::Write};

use rustix::{
    process::Signal,
    termios::{LocalModes, tcgetattr},
};

use crate::support::{Home, Process, at_terminal, shown, until};

/// Asked for the password of a new account, at a terminal that shows what is typed again when that is over.
fn asked(home: &Home) -> (Process, File) {
    let line = ["key", "password", "zoe", "--cost", "m=19456,t=2,p=1"];
    let (process, terminal) = at_terminal(&mut home.command(&line));
    until("a question", || shown(&process.out()).ends_with("new password for zoe: ").then_some(()));
    assert!(!shows(&terminal));
    (process, terminal)
}

fn shows(terminal: &File) -> bool {
    let modes = tcgetattr(terminal).unwrap().local_modes;
    assert_eq!(modes.contains(LocalModes::ECHO), modes.contains(LocalModes::ISIG));
    modes.contains(LocalModes::ECHO)
}

#[test]
fn a_password_is_typed_twice_and_not_shown() {
    let home = Home::new();
    let (process, mut terminal) = asked(&home);
    terminal.write_all(b"correct hxx\x7f\x7forse\n").unwrap();
    until("a question", || process.out().ends_with("the same again: ").then_some(()));
    terminal.write_all(b"correct horse\n").unwrap();
    let ended = process.end().well();
    let out = String::from_utf8(ended.out).unwrap();
    assert!(out.contains("zoe") && !out.contains("orse"), "{out}");
    assert!(shows(&terminal));
}

#[test]
fn whoever_is_asked_for_a_password_can_leave_and_the_terminal_is_as_it_was() {
    for (typed, code, said) in [
        ("corr\x03", 130, "interrupted"),
        ("\x1c", 130, "interrupted"),
        ("\x04", 2, "no password was typed"),
        ("correct horse\n\x03", 130, "interrupted"),
    ] {
        let home = Home::new();
        let (process, mut terminal) = asked(&home);
        terminal.write_all(typed.as_bytes()).unwrap();
        process.end().with(code).saying(said);
        assert!(shows(&terminal), "{typed:?}");
    }
}

#[test]
fn who_is_asked_to_end_while_a_password_is_typed_leaves_the_terminal_as_it_was() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let home = Home::new();
        let (process, mut terminal) = asked(&home);
        terminal.write_all(b"corr").unwrap();
        process.send(signal);
        // By the signal, as any program.
        assert_eq!(process.end().code, None);
        assert!(shows(&terminal));
    }
}
