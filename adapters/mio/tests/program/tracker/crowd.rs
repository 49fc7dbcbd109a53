//! Many sessions, and what one of them can cost the others.

use std::io::Write;

use skep_core::wire::session::{FileInfo, Request};

use super::{
    member::{Member, Tracker},
    wire::Wire,
};
use crate::support::{Home, Process};

/// What the system keeps for a listener's connections that has not been taken by their peers, in bytes.
#[cfg(target_os = "linux")]
fn kept_by_the_system(listener: std::net::SocketAddr) -> u64 {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_listener = lines.filter(|fields| fields[1].ends_with(&format!(":{:04X}", listener.port())));
    of_listener.map(|fields| u64::from_str_radix(fields[4].split(':').next().unwrap(), 16).unwrap()).sum()
}

/// What a process has in memory, in bytes.
pub(crate) fn resident(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn publish(member: &mut Member, tag: u32, name: &str, length: u64) {
    let file = FileInfo { length, flags: 0, hash: None };
    member.say(&Request::Publish { tag, file, name: name.as_bytes() });
}

/// Any message says that they are there: a test on a slow machine does not come round to listening in time.
fn stay(idle: &mut [Member]) {
    for member in idle {
        member.say(&Request::Pong);
    }
}

#[test]
fn two_thousand_idle_sessions_and_a_noisy_one_hurt_nobody() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0");
    let mut idle: Vec<Member> = Vec::new();
    for number in 0..2_000 {
        idle.push(tracker.join(&format!("idle{number}")));
        if number % 200 == 0 {
            stay(&mut idle);
        }
    }
    for number in 0..idle.len() {
        idle[number].listen_until("Welcome", |member| member.welcome);
        if number % 200 == 0 {
            stay(&mut idle);
        }
    }
    let mut noisy = tracker.join("noisy").welcomed();
    let mut ana = tracker.join("ana").welcomed();
    // It changes its files as fast as the tracker takes that.
    let last = 20_000_u32;
    for tag in 1..=last {
        publish(&mut noisy, tag, &format!("f{}", tag % 50), tag.into());
        if tag % 1_000 == 0 {
            // Somebody else is heard all the same.
            publish(&mut ana, tag, "quiet", 1);
            ana.listen_until("an answer", |ana| ana.done == Some(tag));
            noisy.listen_until("an answer", |noisy| noisy.done == Some(tag));
            stay(&mut idle);
        }
    }
    let knows_newest = |member: &Member| member.files.values().any(|file| file.2 == u64::from(last));
    ana.listen_until("the newest of the noise", knows_newest);
    for number in 0..idle.len() {
        idle[number].listen_until("the newest of the noise", knows_newest);
        assert!(idle[number].files.len() <= 51);
        if number % 200 == 0 {
            stay(&mut idle);
        }
    }
    tracker.stop();
}

#[test]
#[cfg(target_os = "linux")]
fn a_client_that_never_reads_costs_at_most_128_kib_and_hurts_nobody() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0");
    let mut noisy = tracker.join("noisy").welcomed();
    let mut ana = tracker.join("ana").welcomed();
    publish(&mut noisy, 1, "first", 1);
    ana.listen_until("a file", |ana| ana.files.len() == 1);
    let mut deaf: Vec<Wire> = (0..64).map(|_| Wire::plain(tracker.plain())).collect();
    for (number, wire) in deaf.iter_mut().enumerate() {
        let mut login = [0; 128];
        let name = format!("deaf{number}");
        let request = Request::Login {
            version: 1,
            wants_list: true,
            epoch: 0,
            number: 0,
            resume: [0; 16],
            door: 0,
            name: name.as_bytes(),
        };
        let length = request.emit(&mut login).unwrap();
        wire.write_all(&login[..length]).unwrap();
    }
    ana.listen_until("all of them", |ana| ana.users.len() == 65);
    let before = resident(&tracker.process);
    // Ten megabytes of news for each.
    for tag in 2..80_000_u32 {
        publish(&mut noisy, tag, &format!("{}-{:0200}", tag % 500, 0), tag.into());
        if tag % 1_000 == 0 {
            noisy.listen_until("an answer", |noisy| noisy.done == Some(tag));
        }
    }
    ana.listen_until("the newest", |ana| ana.files.values().any(|file| file.2 == 79_999));
    let grown = resident(&tracker.process).saturating_sub(before);
    let kept = kept_by_the_system(tracker.plain());
    // What the list itself takes is not theirs.
    assert!(grown + kept < 64 * (128 << 10) + (2 << 20), "{grown} and {kept} bytes for 64 of them");
    tracker.stop();
}
