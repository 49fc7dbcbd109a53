//! Consoles of the commands protocol on a tracker that runs: the program's own, and the Python peer's in all manners.

use super::member::Tracker;
use crate::support::{Home, Prompt, Python, content, together};

fn start(home: &Home) -> Tracker {
    Tracker::start(home, "--commands 127.0.0.1:0")
}

/// The program's console in a folder.
fn console(home: &Home, folder: &str, tracker: &Tracker, options: &str) -> Prompt {
    let at = tracker.commands();
    let line = format!("client -s {} -p {} {options}", at.ip(), at.port());
    let mut command = home.command(&line.split_whitespace().collect::<Vec<_>>());
    Prompt::start(command.current_dir(home.path(folder)))
}

fn folder(home: &Home, name: &str) -> String {
    home.folder(name);
    home.write(&format!("{name}/file"), content(300_000));
    name.to_owned()
}

/// The same words from both.
fn converse(user: &mut Prompt, name: &str) {
    for (typed, printed) in [
        ("CONNECT me", "CONNECT FAIL, USER DOES NOT EXIST\n"),
        ("REGISTER me", "REGISTER OK\n"),
        ("register me", "USERNAME IN USE\n"),
        ("LIST_USERS", "LIST_USERS FAIL, USER NOT CONNECTED\n"),
        ("CONNECT me", "CONNECT OK\n"),
        ("CONNECT me", "USER ALREADY CONNECTED\n"),
        ("PUBLISH file a text of some words", "PUBLISH OK\n"),
        ("PUBLISH file again", "PUBLISH FAIL, CONTENT ALREADY PUBLISHED\n"),
        ("LIST_CONTENT me", "LIST_CONTENT OK\nfile\n"),
        ("LIST_CONTENT nobody", "LIST_CONTENT FAIL, REMOTE USER DOES NOT EXIST\n"),
        ("GET_FILE me file copy", "GET_FILE OK\n"),
        ("GET_FILE me other none", "GET_FILE FAIL, FILE NOT EXIST\n"),
        ("DELETE file", "DELETE OK\n"),
        ("DELETE file", "DELETE FAIL, CONTENT NOT PUBLISHED\n"),
        ("DISCONNECT me", "DISCONNECT OK\n"),
        ("DISCONNECT me", "DISCONNECT FAIL, USER NOT CONNECTED\n"),
        ("UNREGISTER me", "UNREGISTER OK\n"),
        ("UNREGISTER me", "USER DOES NOT EXIST\n"),
    ] {
        let (typed, printed) = (typed.replace("me", name), printed.replace("me", name));
        assert_eq!(user.says(&typed), printed, "{typed}");
    }
}

#[test]
fn consoles_of_all_manners_are_answered_in_the_words_of_the_format() {
    let home = Home::new();
    let tracker = start(&home);
    let python = Python::here();
    let manners = ["ours", "ours --date-string", "", "--pieces", "--dated", "--pieces --dated --digits"];
    together(manners.into_iter().enumerate(), |(number, manner)| {
        let (folder, name) = (folder(&home, &format!("folder{number}")), format!("zoe{number}"));
        let mut user = match (manner.strip_prefix("ours"), python) {
            (Some(options), _) => console(&home, &folder, &tracker, options),
            (None, Some(python)) => python.console(&home, &folder, tracker.commands(), manner),
            (None, None) => return,
        };
        converse(&mut user, &name);
        assert_eq!(user.end().well().out, b"+++ FINISHED +++\n");
        assert_eq!(home.read(&format!("{folder}/copy")), content(300_000), "{manner}");
    });
    tracker.stop();
}

#[test]
fn users_of_both_kinds_fetch_from_each_other() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    let tracker = start(&home);
    let (ours, theirs) = (folder(&home, "ours"), folder(&home, "theirs"));
    let mut ana = console(&home, &ours, &tracker, "");
    let mut eva = python.console(&home, &theirs, tracker.commands(), "--pieces --digits");
    for (name, user) in [("ana", &mut ana), ("eva", &mut eva)] {
        assert_eq!(user.says(&format!("REGISTER {name}")), "REGISTER OK\n");
        assert_eq!(user.says(&format!("CONNECT {name}")), "CONNECT OK\n");
        assert_eq!(user.says("PUBLISH file some text"), "PUBLISH OK\n");
    }
    for (other, user, folder) in [("eva", &mut ana, &ours), ("ana", &mut eva, &theirs)] {
        let listed = user.says("LIST_USERS");
        assert!(listed.starts_with("LIST_USERS OK\n") && listed.contains("ana 127.0.0.1 "), "{listed}");
        assert_eq!(user.says(&format!("GET_FILE {other} file copy")), "GET_FILE OK\n");
        assert_eq!(home.read(&format!("{folder}/copy")), content(300_000));
    }
    for user in [ana, eva] {
        assert_eq!(user.end().well().out, b"+++ FINISHED +++\n");
    }
    tracker.stop();
}

#[test]
fn who_forgets_the_last_nul_is_let_go_and_holds_nobody_up() {
    let Some(python) = Python::here() else { return };
    let home = Home::new();
    let tracker = start(&home);
    let (ours, theirs) = (folder(&home, "ours"), folder(&home, "theirs"));
    let mut forgetful = python.console(&home, &theirs, tracker.commands(), "--no-last-nul");
    forgetful.types("REGISTER eva\n");
    let mut ana = console(&home, &ours, &tracker, "");
    assert_eq!(ana.says("REGISTER eva"), "REGISTER OK\n");
    assert_eq!(forgetful.answer(), "REGISTER FAIL\n");
    tracker.stop();
}
