//! Owner, requester and tracker die, at every stage; nothing half is left, and who lives goes on.

use std::{fs, net::SocketAddr};

use rustix::process::Signal;

use super::hub::{Hub, until_told};
use crate::support::{Process, content, together, until, until_within};

/// So much takes a while. Its place on the disk is taken from the first byte on, so these tests run one after another.
const LONG: u64 = 256 << 20;

const WAYS: [&str; 3] = ["--via tcp", "--via udp", "--relay"];

/// What a transfer that broke leaves where it would have gone.
fn is_clean(hub: &Hub) {
    let left: Vec<_> = hub.home.entries(".").into_iter().filter(|name| name.ends_with(".part")).collect();
    assert_eq!(left, [""; 0]);
    assert!(!hub.home.path("got").exists());
}

/// A transfer that flows.
fn flowing(hub: &Hub, way: &str) -> Process {
    // On a machine with much else to do it may be over before it is seen.
    until("an unfinished file", || {
        let mut get = hub.start_get("ben", ("ana", "long"), &format!("{way} -o got --timeout 4"));
        let seen = until("a beginning or the end", || {
            let found = hub.home.entries(".").into_iter().find(|name| name.ends_with(".part"));
            let length =
                found.and_then(|name| fs::metadata(hub.home.path(&name)).ok()).map(|found| found.len());
            if length.is_some_and(|length| length > 0) {
                Some(true)
            } else {
                (!get.is_running()).then_some(false)
            }
        });
        if seen {
            return Some(get);
        }
        get.end().well();
        fs::remove_file(hub.home.path("got")).unwrap();
        None
    })
}

#[test]
fn an_owner_that_was_killed_before_it_was_asked_is_nobody() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "--via tcp");
    hub.share("ana", "file", "content");
    ana.kill();
    let patience = std::time::Duration::from_secs(60);
    until_within(patience, "the end", || (hub.names("ana").is_empty()).then_some(()));
    hub.get("ben", ("ana", "file"), "").with(1).saying("nobody of that name is there");
}

#[test]
fn an_owner_that_does_not_answer_is_given_up() {
    together(["", "--relay"], |way| {
        let hub = Hub::new("");
        let ana = hub.join("ana", "");
        hub.share("ana", "file", "content");
        ana.send(Signal::STOP);
        // The tracker waits for 20 s.
        hub.get("ben", ("ana", "file"), way).with(3).saying("ana did not answer the tracker in its time");
        ana.send(Signal::CONT);
        hub.get("ben", ("ana", "file"), &format!("{way} -o got")).well();
    });
}

#[test]
fn an_owner_that_is_asked_to_end_says_so_to_who_fetches_from_it() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "");
    hub.share_zeros("ana", "long", LONG);
    let get = flowing(&hub, "--via udp");
    ana.send(Signal::TERM);
    ana.end().well();
    get.end().with(3).saying("broken off: the other side broke off");
    is_clean(&hub);
}

#[test]
fn whoever_is_killed_while_the_owner_is_asked_leaves_nothing_and_who_lives_goes_on() {
    let cases =
        ["owner", "requester", "tracker"].into_iter().flat_map(|who| ["", "--relay"].map(|way| (who, way)));
    together(cases, |(victim, way)| {
        let hub = Hub::new("");
        let ana = hub.join("ana", "--via tcp");
        let bytes = hub.share("ana", "file", content(100_000));
        ana.send(Signal::STOP);
        let get = hub.start_get("ben", ("ana", "file"), &format!("{way} --via tcp -o got --timeout 10"));
        let is_asked = || hub.tracker.admin(&hub.home, "status").contains(" 1 transfer,");
        until("a question", || is_asked().then_some(()));
        match victim {
            "owner" => {
                ana.kill();
                get.end().with(1).saying("the other side has gone");
                is_clean(&hub);
                let _again = hub.join("ana", "--via tcp");
                hub.until_listed("ana", "file");
                hub.get("ben", ("ana", "file"), &format!("{way} -o got")).well();
                assert!(hub.home.read("got") == bytes);
            }
            "requester" => {
                get.kill();
                ana.send(Signal::CONT);
                hub.get("cyd", ("ana", "file"), &format!("{way} -o other")).well();
                assert!(hub.home.read("other") == bytes);
                is_clean(&hub);
            }
            _ => {
                let address = hub.tracker.sealed();
                let Hub { home, tracker } = hub;
                tracker.process.kill();
                get.end().with(3);
                assert!(!home.path("got").exists());
                ana.send(Signal::CONT);
                let _again = restart(&home, address);
                until_told(&ana, "back at");
            }
        }
    });
}

#[test]
fn an_owner_that_is_killed_in_the_middle_leaves_nothing() {
    for way in WAYS {
        let hub = Hub::new("");
        let ana = hub.join("ana", way.trim_start_matches("--relay"));
        hub.share_zeros("ana", "long", LONG);
        let get = flowing(&hub, way);
        ana.kill();
        let ended = get.end().with(3);
        assert!(ended.err.contains("skep: "), "{}", ended.err);
        is_clean(&hub);
    }
}

#[test]
fn a_transfer_that_stands_still_is_given_up() {
    for way in WAYS {
        let hub = Hub::new("");
        let ana = hub.join("ana", "");
        hub.share_zeros("ana", "long", LONG);
        let get = flowing(&hub, way);
        ana.send(Signal::STOP);
        get.end().with(3).saying("nothing came from ana for 4 s");
        is_clean(&hub);
    }
}

#[test]
fn who_interrupts_a_get_comes_in_again_at_once() {
    for way in WAYS {
        let hub = Hub::new("");
        let _ana = hub.join("ana", "");
        hub.share_zeros("ana", "long", LONG);
        let bytes = hub.share("ana", "file", content(100_000));
        let get = flowing(&hub, way);
        get.send(Signal::INT);
        get.end().with(130);
        is_clean(&hub);
        hub.get("ben", ("ana", "file"), &format!("{way} -o other")).well();
        assert!(hub.home.read("other") == bytes);
        // Nor does a name that cannot be used here keep a session.
        hub.get("ben", ("ana", "file"), &format!("{way} -o .skep-1.part")).with(2);
        hub.get("ben", ("ana", "file"), &format!("{way} -o other")).well();
    }
}

#[test]
fn who_was_killed_and_started_again_takes_the_place_of_what_is_left_of_him() {
    let hub = Hub::new("");
    // The tracker would find it out after 30 s by itself, and whoever is told that the name is in use has ended.
    hub.join("ana", "--via udp").kill();
    let ls = format!("ls -s {} -u ana", hub.tracker.link());
    hub.home.run_as("ana", &ls).well();
    let member = hub.join("ana", "--via udp");
    hub.share("ana", "file", "content");
    // But who is there stays there.
    hub.run("ana", &hub.line("ana", "")).with(1).saying("somebody of that name is logged in");
    hub.get("ben", ("ana", "file"), "-o got").well();
    member.send(Signal::TERM);
    member.end().well();
}

#[test]
fn a_requester_that_is_killed_in_the_middle_hurts_nobody() {
    for way in WAYS {
        let hub = Hub::new("");
        let ana = hub.join("ana", "");
        hub.share_zeros("ana", "long", LONG);
        let bytes = hub.share("ana", "file", content(100_000));
        flowing(&hub, way).kill();
        if !way.contains("udp") {
            // Over UDP that takes 30 s.
            until_told(&ana, "ben broke off fetching long");
        }
        hub.get("cyd", ("ana", "file"), &format!("{way} -o other")).well();
        assert!(hub.home.read("other") == bytes);
        ana.send(Signal::TERM);
        ana.end().well();
    }
}

#[test]
fn a_tracker_that_is_killed_in_the_middle_breaks_what_it_relays_and_nothing_else() {
    let hub = Hub::new("");
    // By TCP it is noticed at once that a tracker has gone, over UDP after 30 s.
    let _ana = hub.join("ana", "--via tcp");
    hub.share_zeros("ana", "long", 200 << 20);
    let address = hub.tracker.sealed();
    let Hub { home, tracker } = hub;
    let line = |way: &str| format!("get {}ana/long -u ben -o got {way} --timeout 10", tracker.link());
    home.make_key("ben");
    let direct = home.start_as("ben", &line("--via tcp"));
    home.wait_for_part(".");
    let link = tracker.link();
    tracker.process.kill();
    direct.end().well();
    assert_eq!(fs::metadata(home.path("got")).unwrap().len(), 200 << 20);
    fs::remove_file(home.path("got")).unwrap();
    // And it is back, on the same port.
    let again = restart(&home, address);
    until("the owner", || {
        let ended = home.run_as("eye", &format!("ls -s {link} -u eye"));
        String::from_utf8(ended.out).unwrap().contains("ana/long").then_some(())
    });
    let relayed = home.start_as("ben", &format!("get {link}ana/long -u ben -o got --relay --timeout 10"));
    home.wait_for_part(".");
    again.kill();
    relayed.end().with(3);
    assert!(!home.path("got").exists());
}

#[test]
fn a_tracker_that_comes_back_and_goes_again_breaks_nothing_that_flows_without_it() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "--via tcp");
    hub.share_zeros("ana", "long", LONG);
    let get = hub.start_get("ben", ("ana", "long"), "--via tcp -o got --timeout 60");
    let address = hub.tracker.sealed();
    let Hub { home, tracker } = hub;
    home.wait_for_part(".");
    ana.send(Signal::STOP);
    tracker.process.kill();
    let again = restart(&home, address);
    until("ben", || {
        let list = home.run_as("tracker", "admin list").well().out;
        String::from_utf8(list).unwrap().contains("ben\t").then_some(())
    });
    again.kill();
    // It hears of that while the file still flows.
    std::thread::sleep(std::time::Duration::from_millis(500));
    ana.send(Signal::CONT);
    get.end().well();
    assert_eq!(fs::metadata(home.path("got")).unwrap().len(), LONG);
}

#[test]
fn who_waits_for_an_owner_is_told_that_the_tracker_is_lost() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "--via tcp");
    hub.share("ana", "file", "content");
    ana.send(Signal::STOP);
    let get = hub.start_get("ben", ("ana", "file"), "--via tcp -o got");
    let is_asked = || hub.tracker.admin(&hub.home, "status").contains(" 1 transfer,");
    until("a question", || is_asked().then_some(()));
    hub.tracker.process.kill();
    let ended = get.end().with(3).saying("lost the tracker");
    assert!(!ended.err.contains("is it a tracker"), "{}", ended.err);
    ana.send(Signal::CONT);
}

#[test]
fn who_finds_his_name_another_s_when_the_tracker_is_back_is_told_so() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "--via tcp");
    let address = hub.tracker.sealed();
    let link = hub.link();
    let Hub { home, tracker } = hub;
    tracker.process.kill();
    until_told(&ana, "lost the tracker");
    ana.send(Signal::STOP);
    // It knows nobody any more, and somebody else comes first.
    fs::remove_dir_all(home.keys("tracker").join("tracker")).unwrap();
    let _again = restart(&home, address);
    home.make_key("eva");
    home.run_as("eva", &format!("ls -s {link} -u ana")).well();
    ana.send(Signal::CONT);
    ana.end().with(1).saying("does not let you log in by that name: it belongs to another key");
}

pub(super) fn restart(home: &crate::support::Home, address: SocketAddr) -> Process {
    let process = home.start_as("tracker", &format!("tracker --listen {address}"));
    until_told(&process, "tracker skep://");
    process
}

#[test]
fn members_come_back_to_a_tracker_that_was_killed_and_started_again() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "--via tcp");
    let ben = hub.join("ben", "--via tcp");
    hub.share("ana", "file", "content");
    let address = hub.tracker.sealed();
    let Hub { home, tracker } = hub;
    let link = tracker.link();
    home.make_key("cyd");
    tracker.process.kill();
    until_told(&ana, "lost the tracker");
    // What happens meanwhile is told when it is back.
    home.write("ana-shares/later", "content");
    let _again = restart(&home, address);
    for member in [&ana, &ben] {
        until_told(member, "back at");
    }
    let out = until("both files", || {
        let ended = home.run_as("eye", &format!("ls -s {link} -u eye")).well();
        let out = String::from_utf8(ended.out).unwrap();
        (out.matches("ana/").count() == 2 && out.contains("ben/")).then_some(out)
    });
    assert!(out.contains("ana/file") && out.contains("ana/later"), "{out}");
    home.run_as("cyd", &format!("get {link}ana/later -u cyd -o got")).well();
    ben.send(Signal::TERM);
    ben.end().well();
}

#[test]
fn a_member_that_is_started_before_its_tracker_joins_when_that_is_there() {
    let hub = Hub::new("");
    let (line, address) = (hub.line("ana", "--via tcp"), hub.tracker.sealed());
    let Hub { home, tracker } = hub;
    tracker.process.kill();
    home.make_key("ana");
    let ana = home.start_as("ana", &line);
    until_told(&ana, "does the tracker run, and on that port?; calling it again");
    let _again = restart(&home, address);
    until_told(&ana, "logged in to");
    ana.send(Signal::TERM);
    let told = String::from_utf8(ana.end().well().out).unwrap();
    assert_eq!(told.matches("calling it again").count(), 1, "{told}");
}

#[test]
fn a_member_that_is_started_before_its_network_waits_for_it() {
    let home = crate::support::Home::new();
    home.make_key("ana");
    let link = "skep://hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo@nobody.invalid/";
    let ana = home.start_as("ana", &format!("join -s {link} -u ana"));
    until_told(&ana, "cannot connect to nobody.invalid:7537: it cannot be found: ");
    ana.send(Signal::TERM);
    ana.end().with(130).saying("interrupted");
    // For a short visit that is the end of it.
    home.run_as("ana", &format!("ls -s {link} -u ana")).with(3).saying("cannot find nobody.invalid");
}

#[test]
fn a_member_whose_tracker_is_away_can_leave() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "--via tcp");
    let Hub { home: _home, tracker } = hub;
    tracker.process.kill();
    until_told(&ana, "lost the tracker");
    ana.send(Signal::TERM);
    ana.end().well();
}

#[test]
fn who_was_never_logged_in_is_not_said_to_have_logged_out() {
    let home = crate::support::Home::new();
    home.make_key("ana");
    // Somebody listens there, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let link =
        format!("skep://hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo@{}/", silent.local_addr().unwrap());
    let member = home.start_as("ana", &format!("join -s {link} -u ana --via tcp"));
    let _call = silent.accept().unwrap();
    member.send(Signal::TERM);
    let ended = member.end().with(130).saying("interrupted");
    assert_eq!(ended.out, b"");
}
