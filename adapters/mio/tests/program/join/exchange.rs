//! Two who share and fetch, directly and through the tracker.

use rustix::process::Signal;
use skep_core::limits::NAME_MAX;

use super::hub::{Hub, until_told};
use crate::support::{at_terminal, content, together};

#[test]
fn members_see_each_other_and_fetch_directly_and_relayed() {
    together(["", "--via tcp", "--via udp"], |via| {
        let hub = Hub::new("");
        let ana = hub.join("ana", via);
        let ben = hub.join("ben", via);
        until_told(&ana, "ben is here");
        for size in [0, 1, 5 << 20] {
            let name = format!("{size}.bin");
            let bytes = hub.share("ana", &name, content(size));
            until_told(&ben, &format!("ana shares {name}"));
            for way in ["", "--relay"] {
                hub.get("cyd", ("ana", &name), &format!("{via} {way} -o got")).well();
                assert!(hub.home.read("got") == bytes, "{name} {via} {way}");
                until_told(&ana, &format!("cyd has fetched {name}"));
            }
            // The two ends of a relay need not come by the same.
            let other = if via == "--via udp" { "--via tcp" } else { "--via udp" };
            hub.get("dan", ("ana", &name), &format!("{other} --relay -o other")).well();
            assert!(hub.home.read("other") == bytes, "{name} {via} to {other}");
        }
        // What is fetched is shared by nobody.
        assert_eq!(hub.names("cyd"), [""; 0]);
        ben.send(Signal::TERM);
        let ended = ben.end().well();
        assert!(String::from_utf8(ended.out).unwrap().ends_with("logged out\n"));
        until_told(&ana, "ben left");
        ana.send(Signal::INT);
        ana.end().well();
    });
}

#[test]
fn get_tells_how_a_file_comes_and_finds_out_by_itself_that_a_tracker_is_there() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    let bytes = hub.share("ana", "file", content(100_000));
    hub.home.make_key("ben");
    // Nothing but the link says what is at its other end.
    let line = format!("get {} -o got -v", hub.file("ana", "file"));
    let mut command = hub.home.command_of("ben", &line.split_whitespace().collect::<Vec<_>>());
    let ended = crate::support::Process::start(command.env("USER", "ben")).end().well();
    assert!(ended.err.contains("ana/file comes from its owner, over UDP"), "{}", ended.err);
    assert!(hub.home.read("got") == bytes);
    // With its owner's name before it, this one is longer than a name on a server.
    let long = "n".repeat(NAME_MAX);
    let short = hub.share("ana", &long, content(100));
    let line = format!("get {} -o got", hub.file("ana", &long));
    let mut command = hub.home.command_of("ben", &line.split_whitespace().collect::<Vec<_>>());
    crate::support::Process::start(command.env("USER", "ben")).end().well();
    assert!(hub.home.read("got") == short);
    let ended = hub.get("ben", ("ana", "file"), "-o got -v --relay").well();
    assert!(ended.err.contains("ana/file comes through the tracker"), "{}", ended.err);
    let ended = hub.get("ben", ("ana", "file"), "-q --json -o -").well();
    assert!(ended.out == bytes);
    assert!(ended.err.starts_with("{\"bytes\":100000,"), "{}", ended.err);
    hub.run("ben", &format!("get {}", hub.link() + "file")).with(2).saying("say whose file it is");
    hub.home.write("mine", "mine");
    let put = hub.run("ben", &format!("put mine {}", hub.link()));
    put.with(1).saying("is it a tracker?");
}

#[test]
fn an_owner_who_says_nothing_is_given_the_time_that_the_user_gives_and_is_named() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "");
    hub.share("ana", "file", content(100_000));
    ana.send(Signal::STOP);
    let ended = hub.get("ben", ("ana", "file"), "--timeout 1").with(3);
    let ended = ended.saying("nothing came from ana for 1 s; gave up");
    assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    // At a terminal it is said what is waited for, and the tracker's own patience has an end, too.
    let line = format!("exec {} get {} -u ben 2>&1", env!("CARGO_BIN_EXE_skep"), hub.file("ana", "file"));
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]).current_dir(hub.home.path(""));
    hub.home.shelter(&mut command, "ben");
    let (process, _terminal) = at_terminal(&mut command);
    let ended = process.end().with(3);
    let out = String::from_utf8(ended.out).unwrap();
    assert_eq!(out.matches("skep: waiting for ana\r\n").count(), 1, "{out}");
    assert!(out.ends_with("ana did not answer the tracker in its time\r\n"), "{out}");
    ana.send(Signal::CONT);
}

#[test]
fn options_that_mean_nothing_at_a_tracker_are_refused_there_too() {
    let hub = Hub::new("");
    for (options, said) in [
        ("--legacy", "--legacy is for rdt://"),
        ("--ascii-types", "--ascii-types is for rdt://"),
        ("--magic FOO", "--magic is for rdt://"),
        ("--no-cache", "--no-cache is for rdt://"),
        ("--via tcp --window 3", "--window is for RDT"),
        ("--rate 1M", "give it to skep put"),
    ] {
        hub.get("ben", ("ana", "file"), options).with(2).saying(said);
    }
    let _ana = hub.join("ana", "");
    let bytes = hub.share("ana", "file", content(100_000));
    hub.get("ben", ("ana", "file"), "--window 3 --no-gso -o got").well();
    assert!(hub.home.read("got") == bytes);
}

#[test]
fn what_comes_from_a_member_over_udp_can_be_traced_and_says_what_was_sent_again() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    let bytes = hub.share("ana", "file", content(1 << 20));
    let get =
        |way: &str| hub.get("ben", ("ana", "file"), &format!("{way} -o got -q --json --trace trace")).well();
    for way in ["", "--relay --via udp"] {
        let ended = get(way);
        let line: serde_json::Value = serde_json::from_slice(&ended.out).unwrap();
        // What the owner of a relayed file sends again, the tracker sees, and not who gets it.
        assert_eq!(line["resent"].is_u64(), way.is_empty(), "{line}");
        assert!(hub.home.read("got") == bytes);
        // All segments of it are in the trace, so it has a line for each at least.
        let lines = hub.home.read("trace").split(|byte| *byte == b'\n').count();
        assert!(lines > bytes.len() / 1_500, "{way}: {lines}");
        hub.run("ben", "plot trace -o drawn.svg").well();
        assert_eq!(hub.run("ben", "plot trace -o -").well().out, hub.home.read("drawn.svg"));
        let trace = hub.home.read("trace");
        hub.run("ben", "plot trace -o ./trace").with(2).saying("trace is the trace itself");
        assert!(hub.home.read("trace") == trace);
        std::fs::remove_file(hub.home.path("trace")).unwrap();
    }
    let ended = get("--relay");
    assert!(ended.err.contains("the transfer is in no trace: it went over TCP"), "{}", ended.err);
    assert!(!hub.home.path("trace").exists());
}

#[test]
fn a_program_that_watches_is_told_everything_in_json() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    hub.share("ana", "file", "content");
    let old = format!("{}/old", hub.shared("ben"));
    hub.home.write(&old, "there before");
    let file = std::fs::File::options().write(true).open(hub.home.path(&old)).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(60)).unwrap();
    let ben = hub.join("ben", "--json");
    hub.share("ana", "more", "content");
    hub.home.write("ben-shares/mine", "of ben");
    hub.until_listed("ben", "mine");
    hub.get("cyd", ("ben", "mine"), "-o got").well();
    until_told(&ben, "served");
    ben.send(Signal::TERM);
    let out = String::from_utf8(ben.end().well().out).unwrap();
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["time"].is_string() && line["event"].is_string()), "{out}");
    let hash = blake3::hash(b"content").to_hex().to_string();
    let has = |event: &str, key: &str, value: &str| {
        assert!(
            lines.iter().any(|line| line["event"] == event && line[key] == value),
            "{event} {value}: {out}"
        );
    };
    for (event, key, value) in [
        ("online", "user", "ben"),
        ("came", "user", "ana"),
        ("shared", "name", "file"),
        ("shared", "blake3", &hash),
        ("shared", "name", "more"),
        ("sharing", "name", "old"),
        ("sharing", "name", "mine"),
        ("serving", "user", "cyd"),
        ("served", "name", "mine"),
        ("over", "why", "done"),
    ] {
        has(event, key, value);
    }
}

#[test]
fn what_cannot_be_had_says_why() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    hub.share("ana", "file", "content");
    hub.get("ben", ("ana", "other"), "").with(1).saying("no such file is shared there");
    hub.get("ben", ("eva", "file"), "").with(1).saying("nobody of that name is there");
    hub.home.write("file", "mine");
    hub.get("ben", ("ana", "file"), "--no-replace").with(4).saying("there is a file of that name already");
    assert_eq!(hub.home.read("file"), b"mine");
}

#[test]
fn an_owner_without_a_door_and_one_whose_door_is_elsewhere_are_reached_through_the_tracker() {
    // The tracker sees 127.0.0.1, where nobody listens then.
    together(["--relay", "--listen 127.0.0.2:0"], |door| {
        let hub = Hub::new("");
        let _ana = hub.join("ana", door);
        let bytes = hub.share("ana", "file", content(300_000));
        let ended = hub.get("ben", ("ana", "file"), "-v -o got").well();
        assert!(ended.err.contains("comes through the tracker"), "{}", ended.err);
        assert!(hub.home.read("got") == bytes);
    });
}

#[test]
fn twenty_fetch_from_one_at_the_same_time() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "");
    let bytes = hub.share("ana", "file", content(1 << 20));
    together(0..20, |number| {
        let who = format!("guest{number}");
        let way = if number % 2 == 0 { "" } else { "--relay" };
        // More than one owner serves at once: who is told that he is busy comes again.
        let ended = crate::support::until("a free slot", || {
            let ended = hub.get(&who, ("ana", "file"), &format!("{way} -q -o {who}"));
            (!ended.err.contains("busy")).then_some(ended)
        });
        ended.well();
        assert!(hub.home.read(&who) == bytes);
    });
    ana.send(Signal::TERM);
    ana.end().well();
}

#[test]
fn a_directory_of_downloads_is_not_the_shared_one_and_is_not_shared_where_it_lies_in_it() {
    let hub = Hub::new("");
    let folder = hub.shared("ana");
    let link = hub.link();
    let line = format!("join -s {link} -u ana {folder} --downloads {folder}");
    hub.run("ana", &line).with(2).saying("another directory than the shared one");
    hub.home.folder(&format!("{folder}/got"));
    hub.home.write(&format!("{folder}/got/fetched"), "content");
    let line = format!("join -s {link} -u ana {folder} --downloads {folder}/got");
    let _ana = hub.start("ana", &line);
    hub.share("ana", "mine", "content");
    assert_eq!(hub.names("ana"), ["mine"]);
}

#[test]
fn who_is_logged_in_can_look_in_once_more_for_the_list_and_for_a_file() {
    for options in ["", "--accounts fixed"] {
        let hub = Hub::new(options);
        for name in ["ana", "ben", "eye"] {
            let key = hub.home.make_key(name).split(' ').nth(1).unwrap().to_owned();
            hub.tracker.admin(&hub.home, &format!("add {name} {key}"));
        }
        let ana = hub.join("ana", "");
        let ben = hub.join("ben", "");
        let bytes = hub.share("ben", "notes", content(300_000));
        let link = hub.link();
        let list = hub.run("ana", &format!("ls -s {link} -u ana")).well().out;
        assert!(String::from_utf8(list).unwrap().contains("ben/notes"));
        hub.run("ana", &format!("find notes -s {link} -u ana")).well();
        for way in ["", "--via tcp", "--relay --via udp", "--relay --via tcp"] {
            hub.get("ana", ("ben", "notes"), &format!("{way} -o got")).well();
            assert!(hub.home.read("got") == bytes, "{way}");
        }
        until_told(&ben, "ana~0");
        // A key is no more users than that.
        hub.run("ana", &format!("ls -s {link} -u ana~7")).well();
        hub.run("ana", &format!("ls -s {link} -u ana~8")).with(1).saying("your key to another name");
        // Twice at the same time is not what it is for.
        hub.run("ana", &hub.line("ana", "")).with(1).saying("somebody of that name is logged in");
        // The name is nobody else's, with what stands behind it neither; and a ban of it is one of both.
        hub.run("eye", &format!("ls -s {link} -u ana~1")).with(1).saying("it belongs to another key");
        hub.tracker.admin(&hub.home, "ban --name ana");
        hub.run("ana", &format!("ls -s {link} -u ana")).with(1).saying("you are banned");
        hub.run("ana", &format!("ls -s {link} -u ana~1")).with(1).saying("you are banned");
        drop((ana, ben));
    }
}
