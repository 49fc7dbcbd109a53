//! Where a fetched file goes, and what is printed about it.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
    process::Stdio,
    thread,
};

use crate::support::{Ended, Home, Process, Server, Storm, content, make_pipe, skipped};

/// A home whose server has a file called `file`.
fn served() -> (Home, Server, Vec<u8>) {
    let home = Home::new();
    let bytes = home.write("shared/file", content(10_000));
    let server = home.serve("");
    (home, server, bytes)
}

#[test]
fn a_file_is_called_as_it_is_there_or_as_the_user_says() {
    let (home, server, bytes) = served();
    home.folder("shared/deep");
    home.write("shared/deep/other", "other");
    home.folder("folder");
    let url = server.url("tcp", "file");
    home.run(&format!("get {url}")).well();
    assert_eq!(home.read("file"), bytes);
    home.run(&format!("get {url} -o copy")).well();
    assert_eq!(home.read("copy"), bytes);
    home.run(&format!("get {url} --output folder/")).well();
    assert_eq!(home.read("folder/file"), bytes);
    home.run(&format!("get {} -o folder", server.url("rdt", "deep/other"))).well();
    assert_eq!(home.read("folder/other"), b"other");
    home.run(&format!("get {}", server.url("path", "deep/other"))).well();
    assert_eq!(home.read("other"), b"other");
}

#[test]
fn an_old_file_is_replaced_unless_the_user_refuses() {
    let (home, server, bytes) = served();
    for scheme in ["tcp", "rdt", "path"] {
        let url = server.url(scheme, "file");
        home.write("copy", "old and longer than nothing");
        home.run(&format!("get {url} -o copy --no-replace"))
            .with(4)
            .saying("copy: there is a file of that name already");
        assert_eq!(home.read("copy"), b"old and longer than nothing");
        home.run(&format!("get {url} -o copy")).well();
        assert_eq!(home.read("copy"), bytes);
        home.run(&format!("get {url} -o new-{scheme} --no-replace")).well();
    }
    assert_eq!(home.entries(""), ["copy", "new-path", "new-rdt", "new-tcp", "shared", "temporary"]);
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode() {
    let (home, server, _) = served();
    let set =
        |name: &str, mode| fs::set_permissions(home.path(name), fs::Permissions::from_mode(mode)).unwrap();
    let mode = |name: &str| fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o7777;
    home.write("secret", "old");
    home.write("shared/there", "old");
    let set_all = || ["secret", "shared/there"].into_iter().for_each(|name| set(name, 0o600));
    for scheme in ["tcp", "rdt"] {
        set_all();
        home.run(&format!("get {} -o secret", server.url(scheme, "file"))).well();
        home.run(&format!("put shared/file {}", server.url(scheme, "there"))).well();
        assert_eq!([mode("secret"), mode("shared/there")], [0o600; 2], "{scheme}");
    }
}

#[test]
fn the_users_own_link_is_followed() {
    let (home, server, bytes) = served();
    home.folder("folder");
    home.write("folder/target", "old");
    symlink("folder/target", home.path("link")).unwrap();
    home.run(&format!("get {} -o link", server.url("tcp", "file"))).well();
    assert_eq!(home.read("folder/target"), bytes);
    assert!(fs::symlink_metadata(home.path("link")).unwrap().is_symlink());
}

#[test]
fn to_standard_output_goes_the_content_and_nothing_else() {
    let (home, server, bytes) = served();
    for scheme in ["tcp", "rdt", "path"] {
        let ended = home.run(&format!("get {} -o - --json", server.url(scheme, "file"))).well();
        assert_eq!(ended.out, bytes);
        assert!(ended.err.lines().last().unwrap().starts_with("{\"bytes\":10000,"), "{}", ended.err);
        let ended = home.run(&format!("get {} -o -", server.url(scheme, "missing"))).with(1);
        assert_eq!(ended.out, b"");
    }
    assert_eq!(home.entries("temporary"), [""; 0]);
    assert_eq!(home.entries(""), ["shared", "temporary"]);
}

#[test]
fn what_is_open_already_is_written_to_and_nothing_put_in_its_place() {
    let (home, server, bytes) = served();
    let before = home.write("log", "what was there\n");
    let log = File::options().append(true).open(home.path("log")).unwrap();
    let mut command = home.command(&["get", &server.url("tcp", "file"), "-q", "-o", "/dev/stdout"]);
    Process::start_at(command.stdout(log), Stdio::null(), std::io::empty()).end().well();
    assert_eq!(home.read("log"), [before, bytes.clone()].concat());
    // What a shell puts in the place of >(...).
    let (mut read, write) = std::io::pipe().unwrap();
    let mut command = home.command(&["get", &server.url("tcp", "file"), "-q", "-o", "/dev/fd/0"]);
    let process = Process::start_with(&mut command, Stdio::from(write));
    drop(command);
    let mut poured = Vec::new();
    read.read_to_end(&mut poured).unwrap();
    process.end().well();
    assert_eq!(poured, bytes);
    let log = File::options().append(true).open(home.path("log")).unwrap();
    let mut command = home.command(&["get", &server.url("tcp", "file"), "-q", "-o", "/dev/fd/0"]);
    let ended = Process::start_with(&mut command, Stdio::from(log)).end();
    ended.with(4).saying("/dev/fd/0: it is a file; name that itself");
}

#[test]
fn a_device_and_a_pipe_are_written_to_and_stay_what_they_are() {
    let (home, server, bytes) = served();
    let device =
        || fs::metadata("/dev/null").map(|metadata| (metadata.ino(), metadata.file_type().is_char_device()));
    let before = device().unwrap();
    home.run(&format!("get {} -o /dev/null", server.url("tcp", "file"))).well();
    assert_eq!(device().unwrap(), before);

    let pipe = home.path("pipe");
    make_pipe(&pipe);
    let reader = thread::spawn(move || {
        let mut read = Vec::new();
        File::open(pipe).unwrap().read_to_end(&mut read).unwrap();
        read
    });
    home.run(&format!("get {} -o pipe", server.url("rdt", "file"))).well();
    assert_eq!(reader.join().unwrap(), bytes);
    assert_eq!(home.entries(""), ["pipe", "shared", "temporary"]);
}

#[test]
fn local_files_that_cannot_be_used_are_told_by_name() {
    let (home, server, _) = served();
    home.folder("folder/file");
    let (url, drop) = (server.url("tcp", "file"), server.url("tcp", ""));
    home.run(&format!("get {url} -o nowhere/copy")).with(4).saying("nowhere: No such file or directory");
    home.run(&format!("get {url} -o folder")).with(4).saying("folder/file: it is a directory");
    symlink("nowhere", home.path("dangling")).unwrap();
    home.run(&format!("get {url} -o dangling")).with(4).saying("dangling: it is a link that leads nowhere");
    home.run(&format!("put /proc/version {url}")).with(4).saying("not a regular file of some length");
    home.write("plain", "old");
    for folder in ["nowhere/", "nowhere/.", "plain/"] {
        let why = format!("{folder}: there is no such directory");
        home.run(&format!("get {url} -o {folder}")).with(4).saying(&why);
    }
    assert_eq!(home.read("plain"), b"old");
    assert!(!home.path("nowhere").exists());
    home.run(&format!("put missing {drop}")).with(4).saying("cannot read missing: No such file or directory");
    for folder in ["folder", "folder/", ".", ".."] {
        home.run(&format!("put {folder} {drop}")).with(4).saying("it is a directory");
    }
    home.run(&format!("put /dev/zero {drop}"))
        .with(4)
        .saying("cannot read /dev/zero: it is not a regular file");
    assert_eq!(home.entries("shared"), ["file"]);
    assert_eq!(home.entries("folder"), ["file"]);
}

#[test]
fn a_directory_that_takes_no_file_is_told_by_name() {
    let (home, server, _) = served();
    let Some(locked) = Locked::new(&home) else { return };
    let url = server.url("tcp", "file");
    home.run(&format!("get {url} -o locked/copy")).with(4).saying("locked/copy");
    home.run(&format!("get {url} -o locked/old")).with(4).saying("locked/old");
    assert_eq!(home.entries("locked"), ["old"]);
    assert_eq!(home.read("locked/old"), b"old");
    let closed = home.serve_at("locked --tcp 127.0.0.1:0");
    for name in ["new", "old"] {
        let put = format!("put shared/file {}", closed.url("tcp", name));
        home.run(&put).with(1).saying("allowed");
    }
    assert_eq!(home.entries("locked"), ["old"]);
    drop(locked);
}

/// A directory `locked` in which nothing can be made.
struct Locked<'h>(&'h Home);

impl<'h> Locked<'h> {
    fn new(home: &'h Home) -> Option<Self> {
        home.folder("locked");
        home.write("locked/old", "old");
        if rustix::process::geteuid().is_root() {
            skipped("permissions do not stop root");
            return None;
        }
        let locked = Self(home);
        locked.set(0o555);
        Some(locked)
    }

    fn set(&self, mode: u32) {
        let permissions = PermissionsExt::from_mode(mode);
        fs::set_permissions(self.0.path("locked"), permissions).unwrap();
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.set(0o755);
    }
}

#[test]
fn json_is_one_line_with_four_numbers() {
    let (home, server, _) = served();
    for (scheme, resent) in [("tcp", "null"), ("rdt", "0"), ("path", "null")] {
        let line = format!("get {} -o copy --json -q", server.url(scheme, "file"));
        is_json(&home.run(&line).well().out, resent);
    }
    for (scheme, resent) in [("tcp", "null"), ("rdt", "0")] {
        let line = format!("put shared/file {} --json -q", server.url(scheme, "file2"));
        is_json(&home.run(&line).well().out, resent);
    }
    let nothing = home.run(&format!("get {} --json -q", server.url("tcp", "missing"))).with(1);
    assert_eq!(nothing.out, b"");
}

/// What the last field of the line of `--json` says.
fn resent(ended: &Ended) -> u64 {
    let line = String::from_utf8(ended.out.clone()).unwrap();
    let (_, count) = line.trim_end().trim_end_matches('}').rsplit_once(':').expect(&line);
    count.parse().expect(&line)
}

#[test]
fn what_is_told_as_resent_is_what_was_lost_on_the_way_whoever_sends() {
    let (home, server, _) = served();
    home.write("shared/large", content(3 << 20));
    let storm = Storm::to(server.at("rdt"), 0, 7);
    let lossy = format!("rdt://127.0.0.1:{}", storm.port());
    let clean = server.url("rdt", "");
    let (clean, options) = (clean.trim_end_matches('/'), "--json -q --no-cache");
    for [from, to] in [["get URL/large", "-o copy"], ["put shared/large", "URL/large2"]] {
        let line = format!("{from} {to} {options}");
        // Of some 2,100 segments it loses every fortieth.
        let lost = resent(&home.run(&line.replace("URL", &lossy)).well());
        assert!((20..600).contains(&lost), "{line}: {lost}");
        // A busy machine may take something for lost, but hardly each time.
        assert!((0..5).any(|_| resent(&home.run(&line.replace("URL", clean)).well()) == 0), "{line}");
    }
}

#[track_caller]
fn is_json(out: &[u8], resent: &str) {
    let line = String::from_utf8(out.to_vec()).unwrap();
    let fields = line.strip_prefix('{').and_then(|line| line.strip_suffix("}\n"));
    let fields: Vec<_> =
        fields.expect(&line).split(',').map(|field| field.split_once(':').unwrap()).collect();
    let names: Vec<_> = fields.iter().map(|field| field.0).collect();
    assert_eq!(names, [r#""bytes""#, r#""seconds""#, r#""rate""#, r#""resent""#]);
    assert_eq!(fields[0].1, "10000");
    assert!(fields[1].1.parse::<f64>().is_ok_and(|seconds| seconds < 20.0), "{line}");
    assert!(fields[2].1.parse::<u64>().is_ok_and(|rate| rate > 0), "{line}");
    // On a busy machine something may be sent again.
    assert!(fields[3].1 == resent || resent != "null" && fields[3].1.parse::<u64>().is_ok(), "{line}");
}

#[test]
fn quiet_is_quiet_but_for_errors() {
    let (home, server, _) = served();
    for scheme in ["tcp", "rdt", "path"] {
        home.run(&format!("get {} -q -o copy", server.url(scheme, "file"))).well().silently();
        let ended = home.run(&format!("get {} -q -o copy", server.url(scheme, "missing"))).with(1);
        assert_eq!(ended.saying("there is no such file").err.lines().count(), 1);
    }
    for scheme in ["tcp", "rdt"] {
        home.run(&format!("put copy {} -q", server.url(scheme, "file3"))).well().silently();
    }
}

#[test]
fn a_quiet_server_prints_nothing() {
    let home = Home::new();
    home.write("shared/file", "content");
    // It does not say where it listens, so it gets a port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let quiet = home.start(&format!("serve shared -q --tcp {free}"));
    crate::support::until("the quiet server", || std::net::TcpStream::connect(free).ok());
    home.run(&format!("get tcp://{free}/file -o -")).well();
    quiet.send(rustix::process::Signal::TERM);
    quiet.end().well().silently();
}

#[test]
fn a_talkative_server_prints_a_line_for_each_transfer() {
    let home = Home::new();
    home.write("shared/file", content(2_000));
    let server = home.serve("-v");
    for scheme in ["tcp", "rdt", "path"] {
        home.run(&format!("get {} -o copy", server.url(scheme, "file"))).well();
        home.run(&format!("get {}", server.url(scheme, "missing"))).with(1);
    }
    home.run_arguments(&["put", "copy", &server.url("tcp", "two%20words")]).well();
    home.run(&format!("put copy {}", server.url("tcp", "two%0alines"))).with(2).saying(r"two\u{a}lines");
    let ended = server.stop();
    let lines: Vec<_> = ended.err.lines().collect();
    let with = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(with(" get file: 2000 bytes in "), 3, "{}", ended.err);
    assert_eq!(with(" refused missing: there is no such file"), 3, "{}", ended.err);
    assert_eq!(with(" put two words: 2000 bytes in "), 1, "{}", ended.err);
    assert_eq!(lines.len(), 8, "{}", ended.err);
    assert_eq!(*lines.last().unwrap(), "skep: ended");
}

#[test]
fn a_talkative_client_tells_who_it_speaks_with() {
    let (home, server, _) = served();
    for (scheme, told) in [("tcp", ""), ("rdt", ": a skep peer, segments of 1435 bytes"), ("path", "")] {
        let ended = home.run(&format!("get {} -v -o copy", server.url(scheme, "file"))).well();
        let line = format!("skep: connected to {}{told}", server.at(scheme));
        assert!(ended.err.lines().any(|told| told == line), "no \"{line}\" in {}", ended.err);
    }
}

#[test]
fn nobody_has_to_listen_to_the_output() {
    let (home, server, bytes) = served();
    let mut command = home.command(&["get", &server.url("tcp", "file"), "-o", "copy", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert!(child.wait().unwrap().success());
    assert_eq!(home.read("copy"), bytes);
}

#[test]
fn that_a_reader_has_gone_before_the_end_is_no_success() {
    let home = Home::new();
    home.write("shared/large", content(1 << 20));
    let server = home.serve("");
    let url = server.url("tcp", "large");
    // More than a pipe holds, so something is written when the reader has gone.
    let (read, write) = std::io::pipe().unwrap();
    let mut command = home.command(&["get", &url, "-q", "-o", "-"]);
    let to_output = Process::start_at(command.stdout(write), Stdio::null(), std::io::empty());
    drop(command);
    read_some(read);
    to_output.end().with(4).saying("cannot write to standard output: whoever reads it has gone");

    let pipe = home.path("pipe");
    make_pipe(&pipe);
    let to_pipe = home.start(&format!("get {url} -q -o pipe"));
    read_some(File::open(pipe).unwrap());
    to_pipe.end().with(4).saying("pipe: whoever reads it has gone");
    assert_eq!(home.entries("temporary"), [""; 0]);
}

fn read_some(mut from: impl Read) {
    from.read_exact(&mut [0; 100]).unwrap();
}

#[test]
fn a_path_server_s_own_words_for_an_error_are_kept_and_told() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let answers: [&[u8]; 3] = [b"Error: busy\n", b"no error", b"Error: El archivo no existe"];
    let server = thread::spawn(move || {
        for answer in answers {
            let mut stream = listener.accept().unwrap().0;
            let mut request = Vec::new();
            stream.read_to_end(&mut request).unwrap();
            stream.write_all(answer).unwrap();
        }
    });
    let get = || home.run(&format!("get path://{at}/file -o got"));
    get().well().saying("this may be an error that the server told");
    assert_eq!(home.read("got"), answers[0]);
    assert!(!get().well().err.contains("error"));
    get().with(1).saying("there is no such file");
    assert_eq!(home.read("got"), answers[1]);
    server.join().unwrap();
}
