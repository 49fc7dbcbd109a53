//! Storage that is full.

use std::{
    fs,
    io::{Read, Write},
    net::SocketAddr,
    process::{Command, Stdio},
};

use crate::{
    join::hub::Hub,
    support::{
        Home, Known, Process, answer, connect, connect_from, content, error, request, skipped, until, upload,
    },
    tracker::{member::Tracker, numbers::page},
};

/// A small file system in a test's home, gone with it.
struct Small<'h>(&'h Home, &'static str);

impl<'h> Small<'h> {
    /// Of one megabyte.
    fn new(home: &'h Home, name: &'static str) -> Option<Self> {
        Self::of(home, name, 1)
    }

    fn of(home: &'h Home, name: &'static str, megabytes: usize) -> Option<Self> {
        home.folder(name);
        let mut mount = Command::new("mount");
        let mount = mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "none"]);
        let mount = mount.arg(home.path(name));
        if !mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            skipped("no file system can be mounted here");
            return None;
        }
        Some(Self(home, name))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path(self.1)).status();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_could_not_be_printed_is_no_success() {
    let home = Home::new();
    home.write("shared/file", "content");
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    let server = home.serve("");
    home.run("key make").well();
    let (list, url) = (format!("-s {} -u eva", hub.link()), server.url("tcp", "file"));
    for line in [
        "--help".to_owned(),
        "help get".to_owned(),
        "--version".to_owned(),
        "key show".to_owned(),
        "demo --size 10K".to_owned(),
        "invite add localhost".to_owned(),
        format!("ls {list}"),
        format!("find * {list} --json"),
        format!("get --json {url}"),
        format!("get {url} -o -"),
    ] {
        let mut command = home.command(&line.split(' ').collect::<Vec<_>>());
        command.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
        let ended = Process::start_at(&mut command, Stdio::null(), std::io::empty()).end();
        let ended = ended.with(4).saying("cannot write to standard output: No space left on device");
        // Nothing says that it is done, unless it was something else that could not be printed.
        let is_done = line.starts_with("get --json");
        assert_eq!(ended.err.lines().count(), 1 + usize::from(is_done), "{line}: {}", ended.err);
    }
}

#[test]
fn an_upload_that_finds_no_space_is_refused_and_leaves_nothing() {
    let home = Home::new();
    let Some(_small) = Small::new(&home, "shared") else { return };
    home.write("large", content(2 << 20));
    let server = home.serve("");
    for scheme in ["tcp", "rdt"] {
        let url = server.url(scheme, "large");
        home.run(&format!("put large {url}")).with(1).saying(&format!("{url}: there is no space left"));
    }
    assert_eq!(answer(server.at("tcp"), &upload(2 << 20, b"large")), error(4));
    assert_eq!(Known::answer(server.at("rdt"), &upload(2 << 20, b"large")), error(4));
    assert_eq!(home.entries("shared"), [""; 0]);
    // Who runs the server is told, whether he wants to hear of transfers or not.
    until("a line", || server.process.err().contains("refused large: the disk is full, or").then_some(()));
    // What fits is still taken.
    home.write("small", content(100_000));
    home.run(&format!("put small {}", server.url("tcp", ""))).well();
    assert_eq!(home.read("shared/small"), content(100_000));
}

#[test]
fn space_that_is_gone_in_the_middle_of_an_upload_ends_it() {
    let home = Home::new();
    let Some(_small) = Small::new(&home, "shared") else { return };
    let server = home.serve("");
    let mut stream = connect(server.at("tcp"));
    stream.write_all(&upload(800_000, b"first")).unwrap();
    stream.write_all(&content(100_000)).unwrap();
    home.wait_for_part("shared");
    home.write("shared/other", content(700_000));
    stream.write_all(&content(700_000)).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, error(4));
    home.wait_for_entries("shared", &["other"]);
}

#[test]
fn a_download_that_finds_no_space_leaves_nothing() {
    let home = Home::new();
    let Some(_small) = Small::new(&home, "small") else { return };
    home.write("shared/large", content(2 << 20));
    home.write("small/old", "old");
    let server = home.serve("");
    for scheme in ["tcp", "rdt", "path"] {
        let line = format!("get {} -o small/old", server.url(scheme, "large"));
        home.run(&line).with(4).saying("small/old: the disk is full");
        assert_eq!(home.entries("small"), ["old"]);
        assert_eq!(home.read("small/old"), b"old");
    }
}

#[test]
fn a_download_from_a_member_that_finds_no_space_leaves_nothing() {
    let hub = Hub::new("");
    let Some(_small) = Small::new(&hub.home, "small") else { return };
    let _ana = hub.join("ana", "");
    hub.share("ana", "large", content(2 << 20));
    hub.home.write("small/old", "old");
    for way in ["--via udp", "--via tcp", "--relay", "--relay --via udp"] {
        let ended = hub.get("ben", ("ana", "large"), &format!("{way} -o small/old")).with(4);
        assert!(ended.err.contains("the disk is full"), "{way}: {}", ended.err);
        assert_eq!(hub.home.entries("small"), ["old"]);
        assert_eq!(hub.home.read("small/old"), b"old");
    }
}

#[test]
fn a_tracker_whose_disk_is_full_confirms_nothing_and_goes_on_when_there_is_space_again() {
    let home = Home::new();
    let Some(_small) = Small::of(&home, "small", 8) else { return };
    let options = "--state small/state --commands 127.0.0.1:0 --accounts open --metrics 127.0.0.1:0";
    let tracker = Tracker::start(&home, options);
    let register = |tracker: &Tracker, user: &str| {
        let mut stream = connect(tracker.commands());
        stream.write_all(format!("REGISTER\0{user}\0").as_bytes()).unwrap();
        let mut answer = [9];
        stream.read_exact(&mut answer).unwrap();
        answer[0]
    };
    assert_eq!(register(&tracker, "first"), 0);
    // All that is left is taken.
    let mut filler = fs::File::create(home.path("small/filler")).unwrap();
    while filler.write_all(&[0; 4_096]).is_ok() {}
    drop(filler);
    let mut confirmed = vec!["first".to_owned()];
    // What lies in the database's own reserve is still stored.
    for number in 0.. {
        let user = format!("{number}-{}", "x".repeat(200));
        if register(&tracker, &user) != 0 {
            break;
        }
        confirmed.push(user);
    }
    let numbers = tracker.told("numbers at http://", "/metrics");
    let (status, trouble) = page(numbers, "GET /health");
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable", "{trouble}");
    assert_eq!(trouble.trim_end(), "cannot store: No space left on device");
    tracker.admin_fails(&home, "--state small/state ban --name eve", "cannot store: No space left on device");
    assert!(!page(numbers, "GET /metrics").1.contains("skep_tracker_writes_failed_total 0"));
    // Emptied, and not removed: a process that another test starts just now may have it open until then.
    fs::write(home.path("small/filler"), b"").unwrap();
    assert_eq!(register(&tracker, "last"), 0, "{}", tracker.process.err());
    assert_eq!(page(numbers, "GET /health").1, "ok\n");
    confirmed.push("last".to_owned());
    tracker.stop();
    let tracker = Tracker::start(&home, options);
    for user in confirmed {
        assert_eq!(register(&tracker, &user), 1, "{user} was forgotten");
    }
    tracker.stop();
}

/// A server with a limit of the shell's, and where it is.
fn limited(home: &Home, limit: &str) -> (Process, String) {
    let mut limited = Command::new("sh");
    let script = format!("ulimit {limit} && exec \"$0\" serve shared --tcp 127.0.0.1:0 -v");
    limited.args(["-c", &script, env!("CARGO_BIN_EXE_skep")]).current_dir(home.path(""));
    home.shelter(&mut limited, "server");
    let server = Process::start(&mut limited);
    let url = until("a listener", || {
        let out = server.out();
        let line = out.lines().find_map(|line| line.strip_prefix("listening on "));
        line.and_then(|line| line.strip_suffix(" (plain: not encrypted)")).map(ToOwned::to_owned)
    });
    (server, url)
}

#[test]
fn who_finds_no_file_descriptor_left_is_told_that_the_server_is_busy() {
    let home = Home::new();
    home.write("shared/file", "content");
    let (server, url) = limited(&home, "-n 32");
    let address: SocketAddr = url.strip_prefix("tcp://").unwrap().parse().unwrap();
    // They are more than it can accept, so the first ones have all that there are; of one network it takes fewer.
    let mut streams: Vec<_> = (0..40).map(|network| connect_from(network, address)).collect();
    let mut answer = Vec::new();
    streams[0].write_all(&request(b"file")).unwrap();
    streams[0].read_to_end(&mut answer).unwrap();
    assert_eq!(answer, error(6));
    until("a line of the log", || {
        server.err().contains("refused file: too many files are open").then_some(())
    });
}

#[test]
fn however_many_connections_and_files_one_network_has_open_another_is_answered() {
    let home = Home::new();
    home.write("shared/large", content(8 << 20));
    let (server, url) = limited(&home, "-n 64");
    let address: SocketAddr = url.strip_prefix("tcp://").unwrap().parse().unwrap();
    let many: Vec<_> = (0..64).map(|_| connect_from(1, address)).collect();
    for mut stream in &many {
        // Those that were too many are closed.
        let _ = stream.write_all(&request(b"large"));
    }
    until("refusals", || server.err().contains("too many files are open").then_some(()));
    for network in [2, 3] {
        let mut other = connect_from(network, address);
        other.write_all(&request(b"large")).unwrap();
        let mut answer = [0; 2];
        other.read_exact(&mut answer).unwrap();
        assert_eq!(answer, error(6), "no file is left for it, but a word");
    }
}

#[test]
fn a_limit_on_file_sizes_is_an_error_and_not_the_end_of_the_server() {
    let home = Home::new();
    home.write("large", content(2 << 20));
    let (_server, url) = limited(&home, "-f 1024");
    home.run(&format!("put large {url}/")).with(1).saying("the file is too large");
    home.write("small", "small");
    home.run(&format!("put small {url}/")).well();
    assert_eq!(home.entries("shared"), ["small"]);
}
