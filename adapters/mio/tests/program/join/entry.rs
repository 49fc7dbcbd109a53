//! Who gets in, how, and who does not.

use rustix::process::Signal;

use super::hub::{Hub, until_told};
use crate::support::{Process, content};

/// A key that nobody has.
const NOBODY: &str = "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo";

#[test]
fn a_tracker_with_another_key_is_not_spoken_with() {
    let hub = Hub::new("");
    let other = hub.link().replace(&hub.tracker.key(), NOBODY);
    for via in ["", "--via tcp", "--via udp"] {
        let ended = hub.run("ana", &format!("ls -s {other} -u ana {via}")).with(3);
        assert!(ended.err.contains("cannot connect to"), "{}", ended.err);
    }
    let ended = hub.run("ana", &format!("ls -s {other} -u ana")).with(3);
    assert!(ended.err.contains("a tracker is silent to those"), "{}", ended.err);
    // One that is known by another key is not even called.
    hub.run("ana", &format!("known add {}", hub.link())).well();
    hub.run("ana", &format!("ls -s {other} -u ana")).with(3).saying("is known with the key");
    let host = hub.link().split('@').nth(1).unwrap().to_owned();
    hub.run("ana", &format!("ls -s {host} -u ana")).well();
}

#[test]
fn a_name_belongs_to_the_key_that_came_by_it_first() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "");
    hub.run("eva", &format!("join -s {} -u ana", hub.link())).with(1).saying("another key");
    ana.send(Signal::TERM);
    ana.end().well();
    hub.run("eva", &format!("ls -s {} -u ana", hub.link())).with(1).saying("another key");
    hub.run("ana", &format!("ls -s {} -u eva", hub.link())).with(1).saying("another key");
}

#[test]
fn an_invite_lets_one_in_and_is_not_needed_again() {
    let hub = Hub::new("--accounts invite");
    let strangers = hub.run("eva", &format!("ls -s {} -u eva", hub.link())).with(3);
    assert!(strangers.err.contains("cannot connect"), "{}", strangers.err);
    let invite = hub.tracker.admin(&hub.home, "invite ana");
    let invite = invite.split_whitespace().find(|word| word.contains("://")).unwrap();
    // No list of processes shows it.
    hub.home.write("invite", format!("{invite}\n"));
    let file = hub.home.path("invite");
    let ana = hub.start("ana", &format!("join --link-file {} -u ana {}", file.display(), hub.shared("ana")));
    until_told(&ana, "logged in to");
    // Nobody else comes in by it, and who is in needs it no more.
    let ended = hub.run("eva", &format!("ls -s {invite} -u eva")).with(3);
    assert!(ended.err.contains("the invite may be used up or over; ask for another"), "{}", ended.err);
    assert_eq!(ended.err.matches("tcp: ").count(), 1, "{}", ended.err);
    let code = invite.split(['.', '@']).nth(1).unwrap();
    assert!(!ended.err.contains(code), "{}", ended.err);
    ana.send(Signal::TERM);
    ana.end().well();
    hub.run("ana", &format!("ls -s {} -u ana", hub.link())).well();
    // The invite in the link does not hurt.
    hub.run("ana", &format!("ls -s {invite} -u ana")).well();
}

#[test]
fn a_password_is_a_key_too() {
    let home = crate::support::Home::new();
    home.write("word", "correct horse battery staple\n");
    home.make_key("tracker");
    chmod(&home.path("word"));
    let line = home.run_as("tracker", "key password ana --password-file word").well();
    let accounts = home.keys("tracker").join("accounts");
    std::fs::write(&accounts, line.out).unwrap();
    chmod(&accounts);
    let tracker = crate::tracker::member::Tracker::start(&home, "--accounts fixed");
    let hub = Hub { home, tracker };
    let ana = hub.join("ana", "--password-file word");
    ana.send(Signal::TERM);
    ana.end().well();
    let ls = format!("ls -s {} -u ana --password", hub.link());
    let mut command = hub.home.command_of("ana", &ls.split_whitespace().collect::<Vec<_>>());
    Process::start(command.env("SKEP_PASSWORD", "correct horse battery staple")).end().well();
    let mut command = hub.home.command_of("ana", &ls.split_whitespace().collect::<Vec<_>>());
    let wrong = Process::start(command.env("SKEP_PASSWORD", "correct horse battery stable")).end().with(3);
    assert!(!wrong.err.contains("horse"), "{}", wrong.err);
    assert!(wrong.err.contains("a tracker is silent to a wrong password"), "{}", wrong.err);
    // There is nobody to ask.
    hub.run("ana", &ls).with(2).saying("cannot ask for the password at a terminal");
}

/// For nobody else to read.
fn chmod(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn who_finds_no_seat_waits_and_is_told_or_goes_away() {
    let hub = Hub::new("--max-users 1");
    let ana = hub.join("ana", "");
    let ben = hub.start("ben", &hub.line("ben", ""));
    until_told(&ben, "waiting in line, place 1");
    hub.run("cyd", &format!("ls -s {} -u cyd --timeout 1", hub.link()))
        .with(3)
        .saying("no seat was free in 1 s");
    ana.send(Signal::TERM);
    ana.end().well();
    until_told(&ben, "logged in to");
    let full = Hub::new("--max-users 1 --waiting refuse");
    let _ana = full.join("ana", "");
    full.run("ben", &full.line("ben", "")).with(1).saying("no seat is free");
}

#[test]
fn a_server_of_files_is_no_tracker() {
    let home = crate::support::Home::new();
    home.write("shared/file", content(10));
    let server = home.serve_sealed("--public");
    home.make_key("ana");
    let ended = home.run_as("ana", &format!("ls -s {} -u ana --timeout 5", server.link("")));
    assert!(ended.err.contains("skep: "), "{}", ended.err);
    ended.with(3);
    for (option, said) in
        [("-u ana", "-u is for"), ("--relay", "--relay is for"), ("--plain", "--plain is for")]
    {
        home.run_as("ana", &format!("get {} {option}", server.link("file"))).with(2).saying(said);
    }
}

#[test]
fn one_who_is_kicked_is_told_and_stays_away() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "");
    hub.tracker.admin(&hub.home, "kick ana");
    ana.end().with(1).saying("sent away");
}
