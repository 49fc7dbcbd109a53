//! Attacks on what is stored: names, races of links, and the sudden end of the server.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::support::{
    CONFIRM, Dice, Home, Over, Server, answer, connect, content, error, request, skipped, together, upload,
};

/// Everything below a directory: links are not followed.
fn everything(below: &Path, into: &mut BTreeMap<PathBuf, Option<Vec<u8>>>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            everything(&path, into);
        }
        let content = if kind.is_symlink() {
            Some(fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec())
        } else {
            kind.is_file().then(|| fs::read(&path).unwrap())
        };
        into.insert(path, content);
    }
}

fn snapshot(below: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut all = BTreeMap::new();
    everything(below, &mut all);
    all
}

/// At least 500 names that somebody might hope to do something with.
fn hostile_names(home: &Home) -> Vec<Vec<u8>> {
    let mut names: BTreeSet<Vec<u8>> = BTreeSet::new();
    let outside = home.path("secret").to_str().unwrap().to_owned();
    let pieces: [&[u8]; 30] = [
        b"..",
        b".",
        b"",
        b"...",
        b"secret",
        b"folder",
        b"link",
        b"%2e%2e",
        b"%2e%2e%2fsecret",
        b"..%00",
        b"..\\",
        b"\\",
        b"C:",
        b"C:\\x",
        b"CON",
        b"nul",
        b"COM1 ",
        b"AUX.txt",
        b"~",
        b"~root",
        b"-rf",
        b"$HOME",
        b"`id`",
        b"\x1b[2J\x1b]0;x\x07",
        b"\r\nforged",
        "\u{202e}gpj.exe".as_bytes(),
        "\u{200b}".as_bytes(),
        b"\xff\xfe",
        b"\xc0\xae\xc0\xae",
        b"..;",
    ];
    for first in pieces {
        names.insert(first.to_vec());
        for second in pieces {
            names.insert([first, b"/", second].concat());
        }
        for end in [&b" "[..], b".", b"/", b"/.", b"//x", b"\0", b"\0.txt", b"\n", b"\x7f", b"::$DATA"] {
            names.insert([first, end].concat());
        }
        names.insert([b"/", first].concat());
        names.insert([b"../".repeat(12).as_slice(), first].concat());
        names.insert([b"folder/".repeat(40).as_slice(), first].concat());
    }
    for control in 0..0x20 {
        names.insert(vec![b'a', control, b'b']);
    }
    for length in [254, 255, 256, 1_023, 1_024, 1_025, 4_095, 4_096, 65_535] {
        names.insert(vec![b'n'; length]);
        names.insert([&vec![b'n'; length - 2][..], b"/x"].concat());
    }
    for part in ["", "0123456789abcdef", "0123456789ABCDEF", "x"] {
        for (start, end) in
            [(".skep-", ".part"), (".SKEP-", ".Part"), ("folder/.skep-", ".part"), (".skep-", ".part/x")]
        {
            names.insert(format!("{start}{part}{end}").into_bytes());
        }
    }
    names.insert(outside.clone().into_bytes());
    names.insert(outside.trim_start_matches('/').as_bytes().to_vec());
    names.insert(format!("file://{outside}").into_bytes());
    names.into_iter().collect()
}

/// What such a name may become, if the server takes it: a path of normal components, below what is shared.
fn place_of(name: &[u8]) -> Option<PathBuf> {
    let name = std::str::from_utf8(name).ok()?;
    let is_device = |part: &str| {
        let stem = part.split('.').next().unwrap().trim_end().to_ascii_uppercase();
        ["CON", "NUL", "AUX", "COM1"].contains(&stem.as_str())
    };
    let is_good = !name.contains(['\0', '\\', ':'])
        && name.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && !part.ends_with(['.', ' '])
                && !is_device(part)
        });
    is_good.then(|| PathBuf::from(name))
}

fn hostile_names_do_nothing(home: &Home) {
    home.folder("shared/folder");
    home.write("secret", "secret");
    home.write("shared/file", "content");
    symlink(home.path("secret"), home.path("shared/link")).unwrap();
    symlink("..", home.path("shared/folder/link")).unwrap();
    let server = home.serve("-v");
    let shared = home.path("shared");
    let mut expected = snapshot(&home.path(""));
    let names = hostile_names(home);
    assert!(names.len() >= 500, "{}", names.len());
    for name in &names {
        let shown = name.escape_ascii();
        let got = answer(server.at("tcp"), &request(name));
        assert!(got == error(1) || got == error(5), "a request for {shown}: {got:?}");
        let over_path = [&name[..], b"\n"].concat();
        if !name.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) && name.len() < 1_000 {
            let got = answer(server.at("path"), &over_path);
            assert_eq!(got, b"Error: El archivo no existe", "a path {shown}");
        }
    }
    assert!(snapshot(&home.path("")) == expected, "requests changed something");
    let mut taken = 0;
    for name in &names {
        let shown = name.escape_ascii();
        let answer = answer(server.at("tcp"), &[&upload(4, name)[..], b"evil"].concat());
        if answer == CONFIRM {
            let place = place_of(name).unwrap_or_else(|| panic!("{shown} was taken"));
            let entry = expected.insert(shared.join(place), Some(b"evil".to_vec()));
            assert!(entry.is_none() || entry == Some(Some(b"evil".to_vec())), "{shown} replaced something");
            taken += 1;
        } else {
            assert!(
                [1, 2, 5, 7, 8].into_iter().any(|code| answer == error(code)),
                "an upload as {shown}: {answer:?}"
            );
        }
    }
    let after = snapshot(&home.path(""));
    for (path, content) in &after {
        assert!(expected.get(path) == Some(content), "{} is unexpected", path.display());
    }
    assert_eq!(after.len(), expected.len());
    // What is only a strange name is nobody's danger, and goes through.
    assert!(taken > 10, "{taken}");
    let log = server.stop().err;
    assert!(!log.chars().any(|character| character.is_control() && character != '\n'), "{log:?}");
    let is_line = |line: &str| {
        line.starts_with("skep: 127.0.0.1:") || line == "skep: ended" || line.ends_with(" lines left out")
    };
    assert!(log.lines().all(is_line), "{log}");
    assert!(!log.contains(['\u{202e}', '\u{200b}']));
}

#[test]
fn case_01_to_09_five_hundred_hostile_names_touch_nothing_outside_on_the_default_file_system() {
    hostile_names_do_nothing(&Home::new());
}

#[test]
fn case_01_to_09_five_hundred_hostile_names_touch_nothing_outside_on_tmpfs() {
    let home = Home::new();
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=8m", "none"]).arg(home.path("shared")).stderr(Stdio::null());
    if !mount.status().is_ok_and(|status| status.success()) {
        return skipped("no file system can be mounted here");
    }
    let mounted = Mounted(home.path("shared"));
    hostile_names_do_nothing(&home);
    drop(mounted);
}

struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn case_02_a_sibling_whose_name_begins_alike_is_outside() {
    let home = Home::new();
    home.folder("shared-private");
    home.write("shared-private/secret", "secret");
    let server = home.serve("");
    let sibling = "shared-private/secret";
    for name in [format!("../{sibling}"), "-private/secret".to_owned(), format!("/../{sibling}")] {
        let got = answer(server.at("tcp"), &request(name.as_bytes()));
        assert!(got == error(1) || got == error(5), "{name}: {got:?}");
        let put = answer(
            server.at("tcp"),
            &[&upload(4, name.replace("secret", "new").as_bytes())[..], b"evil"].concat(),
        );
        assert!(put == error(1) || put == error(5), "{name}: {put:?}");
    }
    assert_eq!(home.entries("shared-private"), ["secret"]);
    assert_eq!(home.entries("shared"), [""; 0]);
}

#[test]
fn case_03_and_04_ten_thousand_swaps_of_links_never_let_out_a_byte() {
    const REQUESTS: u64 = 10_000;
    let home = Home::new();
    for folder in ["outside", "shared/door"] {
        home.folder(folder);
    }
    home.write("outside/file", "OUTSIDE");
    home.write("outside/single", "OUTSIDE");
    home.write("shared/door/file", "inside.");
    home.write("shared/single", "inside.");
    symlink(home.path("outside"), home.path("shared/trick")).unwrap();
    symlink("../outside/single", home.path("shared/trick-single")).unwrap();
    let server = home.serve("");
    let (at, path) = (server.at("tcp"), server.at("path"));
    let (is_over, swaps, inside) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        // A directory and a link to one outside, a file and a link to one outside.
        scope.spawn(|| {
            let pairs = [("door", "trick"), ("single", "trick-single")];
            let pairs = pairs.map(|(one, other)| [one, other].map(|name| home.path("shared").join(name)));
            while !is_over.load(Ordering::Relaxed) {
                for [one, other] in &pairs {
                    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let _over = Over(&is_over);
        let next = AtomicU64::new(0);
        thread::scope(|clients| {
            for _ in 0..4 {
                clients.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= REQUESTS {
                            return;
                        }
                        let got = match number % 8 {
                            _ if number % 20 == 3 => heard(at, &request(b"single")),
                            0..5 => heard(at, &request(b"door/file")),
                            5 => heard(path, b"door/file\n"),
                            6 => heard(at, &[&upload(4, b"door/new")[..], b"evil"].concat()),
                            _ => heard(at, &[&upload(4, b"trick/new")[..], b"evil"].concat()),
                        };
                        assert!(!got.windows(4).any(|some| some == b"OUTS"), "{number}: {got:?}");
                        inside.fetch_add(
                            u64::from(got.ends_with(b"inside.") || got == CONFIRM),
                            Ordering::Relaxed,
                        );
                    }
                });
            }
        });
    });
    let (swaps, inside) = (swaps.into_inner(), inside.into_inner());
    assert!(swaps >= REQUESTS, "{swaps} swaps");
    // Both sides of the race were met.
    assert!((REQUESTS / 100..REQUESTS).contains(&inside), "{inside} of {REQUESTS}");
    assert_eq!(home.entries("outside"), ["file", "single"]);
    assert_eq!(home.read("outside/file"), b"OUTSIDE");
    assert_eq!(home.read("outside/single"), b"OUTSIDE");
    server.stop();
    let leftover =
        snapshot(&home.path("")).into_keys().filter(|path| path.to_string_lossy().contains(".part"));
    assert_eq!(leftover.count(), 0);
}

/// As [`answer`], also when it is broken off: a file that got another name while it is read has changed.
fn heard(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(to);
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn case_10_what_is_no_file_is_not_served_and_not_written_to() {
    let home = Home::new();
    home.folder("shared/folder");
    let pipe = home.path("shared/pipe");
    rustix::fs::mknodat(CWD, pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(home.path("shared/socket")).unwrap();
    let device = home.path("shared/device");
    let number = rustix::fs::makedev(1, 5);
    let has_device =
        rustix::fs::mknodat(CWD, device, rustix::fs::FileType::CharacterDevice, 0o600.into(), number).is_ok();
    let server = home.serve("");
    for name in [&b"folder"[..], b"pipe", b"socket", b"device"] {
        if name == b"device" && !has_device {
            continue;
        }
        assert_eq!(answer(server.at("tcp"), &request(name)), error(1), "{}", name.escape_ascii());
        let put = answer(server.at("tcp"), &[&upload(4, name)[..], b"evil"].concat());
        assert_eq!(put, error(7), "{}", name.escape_ascii());
    }
    assert_eq!(home.entries("shared").len(), 3 + usize::from(has_device));
}

#[test]
fn case_06_control_characters_in_names_never_reach_the_log_or_the_terminal() {
    let home = Home::new();
    home.befriend("");
    let server = home.serve_at("shared --tcp 127.0.0.1:0 --listen 127.0.0.1:0 -v");
    home.write("mine", "mine");
    home.folder("shared/sub");
    let evils = [
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "x\r\nskep: 127.0.0.1:1 put forged: 1 bytes",
        "gpj\u{202e}exe",
        "a\u{200b}b",
        "\u{9b}31m",
        "sub/\u{7f}",
    ];
    let is_clean = |text: &str| {
        let is_evil = |one: char| {
            one.is_control() && !matches!(one, '\n' | '\r') || matches!(one, '\u{202e}' | '\u{200b}')
        };
        assert!(!text.contains(is_evil), "{text:?}");
    };
    for evil in evils {
        let put = answer(server.at("tcp"), &[&upload(4, evil.as_bytes())[..], b"evil"].concat());
        assert_eq!(put, error(5), "{evil:?}");
        // One that lies there already is not given away under that name either.
        home.write(&format!("shared/{evil}"), "evil");
        assert_eq!(answer(server.at("tcp"), &request(evil.as_bytes())), error(5), "{evil:?}");
        let escaped: String = evil.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let link = server.link(&escaped);
        for arguments in [vec!["put", "mine", &link, "-v"], vec!["get", &link, "-v"]] {
            let ended = home.run_arguments(&arguments).with(2);
            is_clean(&ended.err);
            assert!(ended.err.contains(r"\u{") && ended.out.is_empty(), "{}", ended.err);
        }
        // What is the user's own may be called like that, and is shown all the same as what it is.
        let ended = home.run_arguments(&["get", &server.link("missing"), "-v", "-o", &format!("{evil}/no")]);
        is_clean(&ended.err);
        let ended = home.run_arguments(&["put", evil, &server.link("new"), "-v"]).with(4);
        is_clean(&ended.err);
        assert!(ended.err.contains(r"\u{"), "{}", ended.err);
    }
    home.run(&format!("put mine {}", server.link("größe"))).well();
    let log = server.stop().err;
    is_clean(&log);
    assert!(!log.contains('\r') && !log.lines().any(|line| line.starts_with("skep: 127.0.0.1:1 ")), "{log}");
    assert!(log.contains(" put größe: 4 bytes"), "{log}");
}

#[test]
fn case_50_two_hundred_kills_leave_only_whole_files_and_a_start_leaves_no_part() {
    const FILES: usize = 6;
    together(0..4, |worker: u64| {
        let home = Home::new();
        home.folder("shared/deep");
        let mut dice = Dice::new(worker + 100);
        let (mut torn, mut whole) = (0, 0);
        for round in 0..50 {
            let server = home.serve_at("shared --tcp 127.0.0.1:0");
            assert_eq!(parts(&home), 0, "a part was left by the start");
            let confirmed = uploads_until_a_kill(server, &mut dice, round, FILES);
            for folder in ["shared", "shared/deep"] {
                for name in home.entries(folder) {
                    if name.ends_with(".part") {
                        torn += 1;
                    } else if name != "deep" {
                        let bytes = home.read(&format!("{folder}/{name}"));
                        let size: usize = name.split('-').next_back().unwrap().parse().unwrap();
                        assert!(bytes == content(size), "{name} has {} bytes", bytes.len());
                        whole += 1;
                    }
                }
            }
            // What was confirmed is there.
            for name in confirmed {
                assert!(home.path("shared").join(&name).is_file(), "{name} was confirmed");
            }
            for name in home.entries("shared").into_iter().filter(|name| name.starts_with("f-")) {
                fs::remove_file(home.path("shared").join(name)).unwrap();
            }
        }
        home.serve_at("shared --tcp 127.0.0.1:0").stop();
        assert_eq!(parts(&home), 0);
        assert!(torn > 5 && whole > 20, "{torn} torn, {whole} whole");
    });
}

fn parts(home: &Home) -> usize {
    let of = |folder| home.entries(folder).into_iter().filter(|name| name.ends_with(".part")).count();
    of("shared") + of("shared/deep")
}

/// Uploads some files at once, in pieces, and kills the server at some point of it. The names that were confirmed.
fn uploads_until_a_kill(server: Server, dice: &mut Dice, round: usize, files: usize) -> Vec<String> {
    let at = server.at("tcp");
    let uploads: Vec<_> = (0..files)
        .map(|number| {
            let size = dice.below(60_000);
            let folder = if number % 2 == 0 { "" } else { "deep/" };
            let name = format!("{folder}f-{round}-{number}-{size}");
            let rests: Vec<u64> = (0..4).map(|_| dice.below(2_000) as u64).collect();
            thread::spawn(move || {
                let bytes = content(size);
                // It may be gone before it is called.
                let mut stream = TcpStream::connect(at).ok()?;
                let mut send = || -> std::io::Result<()> {
                    stream.write_all(&upload(size as u64, name.as_bytes()))?;
                    for (piece, rest) in bytes.chunks(size / 4 + 1).zip(&rests) {
                        stream.write_all(piece)?;
                        thread::sleep(Duration::from_micros(*rest));
                    }
                    Ok(())
                };
                let _ = send();
                let mut answer = Vec::new();
                let _ = stream.read_to_end(&mut answer);
                (answer == CONFIRM).then_some(name)
            })
        })
        .collect();
    thread::sleep(Duration::from_micros(dice.below(14_000) as u64));
    server.process.kill();
    uploads.into_iter().filter_map(|upload| upload.join().unwrap()).collect()
}
