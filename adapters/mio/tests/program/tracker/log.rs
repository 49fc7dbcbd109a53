//! What a tracker and a member say, where somebody reads it too slowly, or not at all.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::unix::fs::OpenOptionsExt,
    process::{Command, Stdio},
};

use rustix::process::Signal;

use super::member::Tracker;
use crate::{
    join::hub::Hub,
    support::{Home, Process, until},
};

/// A tracker whose standard error is a pipe, and its other end, which nobody reads before the test does.
fn unread(home: &Home, options: &str) -> (Tracker, File) {
    let path = home.path("log");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    // Otherwise it would be waited for who writes.
    let log = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap();
    let mut command = Command::new("sh");
    let script = format!("exec \"$0\" tracker --listen 127.0.0.1:0 {options} 2>log");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_skep")]).current_dir(home.path(""));
    home.shelter(&mut command, "tracker");
    let process = Process::start(&mut command);
    let lines = 2 + options.matches("127.0.0.1").count();
    until("the tracker", || (process.out().lines().count() >= lines).then_some(()));
    (Tracker { process }, log)
}

/// Makes more lines than a pipe holds, 64 KiB.
fn log_in_often(tracker: &Tracker) {
    for number in 0..500 {
        let name = format!("{number:-<64}");
        assert!(tracker.join(&name).welcomed().welcome);
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_nobody_and_not_the_end_either() {
    let home = Home::new();
    let (tracker, _log) = unread(&home, "--plain 127.0.0.1:0 --log json");
    log_in_often(&tracker);
    tracker.join("somebody").welcomed();
    tracker.stop();
}

#[test]
fn a_log_that_is_read_late_has_all_lines() {
    let home = Home::new();
    let (tracker, mut log) = unread(&home, "--plain 127.0.0.1:0 --log json");
    log_in_often(&tracker);
    let last = tracker.join("last").welcomed();
    let mut text = Vec::new();
    until("the last one", || {
        let mut room = [0; 4 << 10];
        while let Ok(count @ 1..) = log.read(&mut room) {
            text.extend_from_slice(&room[..count]);
        }
        String::from_utf8_lossy(&text).contains("\"user\":\"last\"").then_some(())
    });
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.matches("\"event\":\"came\"").count(), 501, "{text}");
    drop(last);
    tracker.stop();
}

#[test]
fn a_program_that_does_not_read_what_a_member_says_holds_up_nobody_either() {
    let hub = Hub::new("--plain 127.0.0.1:0");
    let mut eva = hub.tracker.join("eva").welcomed();
    let (_unread, out) = std::io::pipe().unwrap();
    rustix::pipe::fcntl_setpipe_size(&out, 4 << 10).unwrap();
    let line = hub.line("ana", "--json");
    let mut command = hub.home.command_of("ana", &line.split(' ').collect::<Vec<_>>());
    let ana = Process::start_at(command.stdout(out), Stdio::null(), std::io::empty());
    eva.sees("ana");
    let others: Vec<_> = (0..200).map(|number| hub.tracker.join(&format!("{number}")).welcomed()).collect();
    drop(others);
    ana.send(Signal::TERM);
    eva.misses("ana");
    ana.end().well();
    hub.tracker.stop();
}
