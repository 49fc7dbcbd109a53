//! What is kept over a restart, and over a kill.

use std::{collections::BTreeSet, sync::Mutex, thread, time::Duration};

use super::{accounts::fingerprint, commands::command, member::Tracker, numbers::page, wire::keys};
use crate::support::{Home, Over, port_of_both, until};

#[test]
fn accounts_and_files_by_command_are_there_after_a_restart() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--commands 127.0.0.1:0");
    let to = tracker.commands();
    for (strings, result) in [
        (&["REGISTER", "ana"][..], 0),
        (&["REGISTER", "bob"], 0),
        (&["CONNECT", "ana", "4000"], 0),
        (&["PUBLISH", "ana", "/tmp/x", "a text"], 0),
        (&["PUBLISH", "ana", "y", ""], 0),
        (&["DELETE", "ana", "y"], 0),
        (&["UNREGISTER", "bob"], 0),
    ] {
        assert_eq!(command(to, strings), [result], "{strings:?}");
    }
    tracker.stop();
    let tracker = Tracker::start(&home, "--commands 127.0.0.1:0");
    let to = tracker.commands();
    assert_eq!(command(to, &["REGISTER", "ana"]), [1]);
    assert_eq!(command(to, &["REGISTER", "bob"]), [0]);
    // Nobody is there after a start.
    assert_eq!(command(to, &["LIST_USERS", "ana"]), [2]);
    assert_eq!(command(to, &["CONNECT", "ana", "4000"]), [0]);
    assert_eq!(command(to, &["LIST_CONTENT", "ana", "ana"]), b"\x001\0/tmp/x\0");
    tracker.stop();
}

#[test]
fn a_database_that_is_damaged_loses_nothing_without_a_word() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    let key = |number| fingerprint(&keys(number));
    (1..=20).for_each(|number| _ = tracker.admin(&home, &format!("add n{number} {}", key(number))));
    let accounts = tracker.admin(&home, "accounts");
    tracker.stop();
    let path = home.keys("tracker").join("tracker/state.redb");
    let whole = std::fs::read(&path).unwrap();
    let (taken, _) = port_of_both();
    let elsewhere = format!("tracker --listen {}", taken.local_addr().unwrap());
    let mut refused = 0;
    for page in (0..whole.len()).step_by(4_096) {
        let mut damaged = whole.clone();
        damaged[page + 64..page + 4_096].fill(0);
        if damaged == whole {
            continue;
        }
        std::fs::write(&path, &damaged).unwrap();
        let ended = home.run_as("tracker", &elsewhere);
        if ended.code == Some(4) {
            ended.saying("its database is damaged: put back a copy of state.redb");
            refused += 1;
        } else {
            // What is there has nothing to do with what is kept.
            ended.with(3).saying("cannot listen on");
            let tracker = Tracker::start(&home, "");
            assert_eq!(tracker.admin(&home, "accounts"), accounts, "at {page}");
            tracker.stop();
        }
    }
    assert!(refused > 0);
    for length in [whole.len() / 2, 0] {
        std::fs::write(&path, &whole[..length]).unwrap();
        home.run_as("tracker", &elsewhere).with(4).saying("its database is damaged");
    }
}

#[test]
fn a_tracker_goes_on_from_a_backup() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    tracker.admin(&home, &format!("add ana {}", fingerprint(&keys(1))));
    let accounts = tracker.admin(&home, "accounts");
    assert!(tracker.admin(&home, "backup copy").starts_with("all that is kept is in /"));
    tracker.admin_fails(&home, "backup copy", "exists");
    let afar = format!("admin -s {} backup other", tracker.link());
    tracker
        .admin(&home, &format!("add boss {} --role admin", home.make_key("boss").split(' ').nth(1).unwrap()));
    home.run_as("boss", &afar).with(1).saying("on the machine of the tracker");
    tracker.stop();
    std::fs::rename(home.path("copy"), home.keys("tracker").join("tracker/state.redb")).unwrap();
    let tracker = Tracker::start(&home, "");
    assert_eq!(tracker.admin(&home, "accounts"), accounts);
    tracker.stop();
}

#[test]
fn a_backup_that_fails_is_told_as_what_it_is_and_the_tracker_is_well() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--metrics 127.0.0.1:0");
    let at = tracker.told("numbers at http://", "/metrics");
    tracker.admin_fails(&home, "backup nowhere/copy", "cannot back up to /");
    until("a line", || tracker.process.err().contains(" failed: cannot back up to /").then_some(()));
    assert_eq!(page(at, "GET /health").1, "ok\n");
    assert!(page(at, "GET /metrics").1.contains("skep_tracker_writes_failed_total 0\n"));
    tracker.stop();
}

#[test]
fn a_tracker_that_is_killed_in_its_first_moments_starts_again() {
    let home = Home::new();
    for round in 0..24 {
        let who = format!("tracker{round}");
        home.make_key(&who);
        let process = home.start_as(&who, "tracker --listen 127.0.0.1:0");
        let state = home.keys(&who).join("tracker");
        until("a beginning", || state.read_dir().is_ok_and(|mut files| files.next().is_some()).then_some(()));
        thread::sleep(Duration::from_micros(250 * round));
        process.kill();
        let mut again = home.start_as(&who, "tracker --listen 127.0.0.1:0");
        until("the tracker", || {
            assert!(again.is_running(), "{}", again.err());
            again.out().contains("tracker skep://").then_some(())
        });
    }
}

#[test]
fn a_state_without_its_key_is_not_given_a_new_one() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    let (link, key) = (tracker.link(), home.keys("tracker").join("key"));
    tracker.stop();
    let kept = home.keys("tracker").join("kept");
    std::fs::rename(&key, &kept).unwrap();
    let ended = home.run_as("tracker", "tracker --listen 127.0.0.1:0").with(4);
    ended.saying("but not the tracker's key").saying(key.to_str().unwrap()).saying("put that back");
    assert!(!key.exists());
    std::fs::rename(&kept, &key).unwrap();
    let tracker = Tracker::start(&home, "");
    assert_eq!(tracker.link().split('@').next(), link.split('@').next());
    tracker.stop();
}

/// Registers as fast as it can, and writes down what was confirmed.
fn register(to: std::net::SocketAddr, thread: usize, confirmed: &Mutex<BTreeSet<String>>, round: usize) {
    for number in 0.. {
        let name = format!("u{round}-{thread}-{number}");
        let Ok(mut stream) = std::net::TcpStream::connect(to) else { return };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
        let request = [b"REGISTER\0", name.as_bytes(), b"\0"].concat();
        let mut answer = [9];
        if std::io::Write::write_all(&mut stream, &request).is_err()
            || std::io::Read::read_exact(&mut stream, &mut answer).is_err()
        {
            return;
        }
        assert_eq!(answer, [0]);
        confirmed.lock().unwrap().insert(name);
    }
}

#[test]
fn a_kill_loses_nothing_that_was_confirmed() {
    let home = Home::new();
    let confirmed = Mutex::new(BTreeSet::new());
    for round in 0..8 {
        let tracker = Tracker::start(&home, "--commands 127.0.0.1:0");
        let to = tracker.commands();
        let before = confirmed.lock().unwrap().len();
        thread::scope(|scope| {
            for thread in 0..4 {
                let confirmed = &confirmed;
                scope.spawn(move || register(to, thread, confirmed, round));
            }
            let over = std::sync::atomic::AtomicBool::new(false);
            let _over = Over(&over);
            while confirmed.lock().unwrap().len() < before + 40 * (round + 1) {
                thread::sleep(Duration::from_millis(1));
            }
            tracker.process.kill();
        });
    }
    let tracker = Tracker::start(&home, "--commands 127.0.0.1:0");
    let to = tracker.commands();
    let confirmed = confirmed.into_inner().unwrap();
    assert!(confirmed.len() >= 40 * 36);
    for name in &confirmed {
        assert_eq!(command(to, &["REGISTER", name]), [1], "{name} was confirmed, and is lost");
    }
    tracker.stop();
}
