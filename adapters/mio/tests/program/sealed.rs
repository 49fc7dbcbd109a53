//! Sealed transfers: who comes in, who does not, and what they are told.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use crate::support::{
    Home, Mischief, Process, Relay, Server, content, port_of_both, skipped, tcp_middle, together, until,
    until_within,
};

/// Content that one sealed segment carries.
const SEGMENT: usize = 1_405;

const WAYS: [&str; 2] = ["--via udp", "--via tcp"];

/// What a stranger gets to know is nothing; what he is told is this.
const SILENT: &str = "a server is silent to those";

/// What is told to him whom an invite does not let in.
const USED_UP: &str = "the invite may be used up or over; ask for another";

/// A client that is let in, and a server that says so.
fn friends(options: &str) -> (Home, Server) {
    let home = Home::new();
    home.befriend("");
    let server = home.serve_sealed(options);
    (home, server)
}

#[test]
fn a_line_for_a_transfer_has_the_name_of_the_key() {
    together(WAYS, |way| {
        let (home, server) = friends("-v");
        home.write("shared/file", "content");
        home.run(&format!("get {} {way}", server.link("file"))).well();
        until("a line", || server.process.err().contains(" (client) get file: 7 bytes in ").then_some(()));
        home.run(&format!("get {} {way}", server.link("none"))).with(1);
        until("a line", || server.process.err().contains(" (client) refused none: ").then_some(()));
    });
}

#[test]
fn files_of_all_sizes_arrive_sealed_both_ways() {
    together(WAYS.into_iter().chain(["--via udp --window 1", "--via udp --window 3", ""]), |way| {
        let (home, server) = friends("");
        for size in [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 32_766, 32_768, 5 << 20] {
            // Stop-and-wait would take its time.
            if size > 1 << 20 && way.contains("--window 1") {
                continue;
            }
            let bytes = home.write(&format!("shared/{size}"), content(size));
            home.run(&format!("get {} -o got {way}", server.link(&size.to_string()))).well();
            assert!(home.read("got") == bytes, "get {size} {way}");
            home.run(&format!("put got {} {way}", server.link("put"))).well();
            assert!(home.read("shared/put") == bytes, "put {size} {way}");
        }
        server.stop();
        let left: Vec<_> = home.entries("shared").into_iter().filter(|name| name.starts_with('.')).collect();
        assert_eq!(left, [""; 0]);
    });
}

#[test]
fn a_sealed_client_tells_what_carries_it() {
    let (home, server) = friends("");
    home.write("shared/file", content(9_000));
    let over_udp = format!(": a skep peer, segments of {SEGMENT} bytes");
    for (way, told) in [("", over_udp.as_str()), ("--via udp", &over_udp), ("--via tcp", "")] {
        let ended = home.run(&format!("get {} -v -o copy {way}", server.link("file"))).well();
        let line = format!("skep: connected to {}{told}", server.at("skep"));
        assert!(ended.err.lines().any(|told| told == line), "no \"{line}\" in {}", ended.err);
    }
    for way in WAYS {
        let missing = format!("get {} {way}", server.link("missing"));
        home.run(&missing).with(1).saying("there is no such file");
        home.run(&format!("get {} -o - -q {way}", server.link("file"))).well();
    }
}

#[test]
fn a_server_that_is_not_told_where_listens_sealed_everywhere() {
    let is_free = TcpListener::bind("[::]:7537").is_ok() && std::net::UdpSocket::bind("[::]:7537").is_ok();
    if !is_free {
        return skipped("port 7537 is taken");
    }
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve_at("shared --public");
    assert_eq!(server.at("skep").to_string(), "[::]:7537");
    // The link has a name that others can use; this machine may not be able to look itself up.
    assert!(!server.link("").contains("[::]"), "{}", server.link(""));
    for host in ["127.0.0.1", "127.0.0.1:7537", "localhost"] {
        home.run(&format!("get skep://{}@{host}/file -o -", server.key())).well();
    }
}

#[test]
fn where_everybody_may_come_in_guests_fetch_and_do_not_put() {
    let home = Home::new();
    home.write("shared/file", "content");
    home.write("mine", "mine");
    let server = home.serve_sealed("--public");
    home.make_key("stranger");
    // Without a key, and with one that the server does not know.
    together(WAYS.into_iter().flat_map(|way| [(way, "client"), (way, "stranger")]), |(way, who)| {
        let get = format!("get {} -o - {way}", server.link("file"));
        assert_eq!(home.run_as(who, &get).well().out, b"content");
        let url = server.link("new");
        let ended = home.run_as(who, &format!("put mine {url} {way}")).with(1);
        ended.saying("new: that is not allowed");
    });
    // A guest's key is not made behind his back.
    assert!(!home.keys("client").exists());
    assert_eq!(home.entries("shared"), ["file"]);
}

#[test]
fn a_server_that_lets_nobody_in_says_so_when_it_starts() {
    let home = Home::new();
    let server = home.serve_sealed("");
    until("a new key", || server.process.err().contains("made a key in").then_some(()));
    until("a hint", || server.process.err().contains("nobody may come in yet").then_some(()));
    // It names the file that counts.
    home.write("empty", "");
    let other = home.serve_sealed("--allow empty");
    until("a hint", || other.process.err().contains("put keys into empty").then_some(()));
    let public = home.serve_sealed("--public");
    assert_eq!(public.stop().err, "skep: ended\n");
}

#[test]
fn an_allow_file_is_followed_while_the_server_runs() {
    let home = Home::new();
    home.write("shared/file", "content");
    home.write("mine", "mine");
    let line = home.make_key("client");
    let line = line.trim();
    let other = home.make_key("other");
    home.write("keys", format!("# friends\n{line} read-only\n"));
    let server = home.serve_sealed("--allow keys");
    let get = |way: &str| home.run(&format!("get {} -o - --timeout 2 {way}", server.link("file")));
    let put = |way: &str| home.run(&format!("put mine {} --timeout 2 {way}", server.link("new")));
    for way in WAYS {
        get(way).well();
        put(way).with(1).saying("that is not allowed");
    }
    // What was written wrongly changes nothing, and is told.
    home.write("keys", "skep-x25519 nonsense\n");
    until("a complaint", || {
        get("--via tcp").well();
        server.process.err().contains("keys, line 1").then_some(())
    });
    home.write("keys", format!("{line}\n{other}"));
    let begin = Instant::now();
    until("more rights", || {
        home.run(&format!("put mine {} -q", server.link("new"))).err.is_empty().then_some(())
    });
    assert!(begin.elapsed() < Duration::from_secs(10));
    for way in WAYS {
        put(way).well();
    }
    home.write("keys", other);
    until("no access", || get("--via tcp").err.contains(SILENT).then_some(()));
    for way in WAYS {
        get(way).with(3).saying(SILENT);
    }
    home.run_as("other", &format!("get {} -o -", server.link("file"))).well();
    fs::remove_file(home.path("keys")).unwrap();
    until("no access", || {
        home.run_as("other", &format!("get {} -o - --timeout 2", server.link("file")))
            .err
            .contains(SILENT)
            .then_some(())
    });
}

#[test]
fn what_is_wrong_with_the_file_of_keys_is_told_while_nobody_calls() {
    let home = Home::new();
    let line = home.make_key("client");
    home.write("keys", line.clone());
    let server = home.serve_sealed("--allow keys");
    let tells = |what: &str| until(what, || server.process.err().contains(what).then_some(()));
    home.write("keys", "skep-x25519 nonsense\n");
    tells("keys, line 1");
    fs::remove_file(home.path("keys")).unwrap();
    tells("keys is gone: nobody is let in by it until it is back");
    home.write("keys", line);
    tells("keys is back, with 1 key");
    assert_eq!(server.stop().err.matches("skep: keys").count(), 3);
}

#[test]
fn a_guest_with_a_link_needs_no_directory_of_his_own() {
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve_sealed("--public");
    let link = server.link("file");
    let bare = format!("skep://{}/file", server.at("skep"));
    for (link, code) in [(link, 0), (bare, 4)] {
        let mut command = home.command(&["get", &link, "-o", "-", "-q"]);
        let ended = Process::start(command.env_remove("SKEP_HOME").env_remove("HOME")).end().with(code);
        assert_eq!(ended.out.is_empty(), code != 0);
    }
}

#[test]
fn case_30_who_is_not_known_or_calls_another_key_gets_no_access_in_time() {
    let home = Home::new();
    home.write("shared/file", "content");
    home.write("mine", "mine");
    let server = home.serve_sealed("");
    home.make_key("stranger");
    let other = home.serve_as("another", "shared --listen 127.0.0.1:0 --public");
    let wrong = format!("skep://{}@{}/file", other.key(), server.at("skep"));
    // Who has no key, an unknown key, the key of another server.
    let lines = ["client", "stranger"].into_iter().flat_map(|who| {
        ["", "--via udp", "--via tcp"].into_iter().flat_map(move |way| [(who, way, false), (who, way, true)])
    });
    together(lines, |(who, way, is_wrong)| {
        let url = if is_wrong { wrong.clone() } else { server.link("file") };
        for line in [format!("get {url} --timeout 3 {way}"), format!("put mine {url} --timeout 3 {way}")] {
            let begin = Instant::now();
            let ended = home.run_as(who, &line).with(3).saying(SILENT);
            assert!(ended.err.contains("cannot connect to"), "{}", ended.err);
            assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
            assert!(begin.elapsed() < Duration::from_secs(9), "{line} took {:?}", begin.elapsed());
        }
    });
    assert_eq!(home.entries("shared"), ["file"]);
    assert_eq!(home.entries(""), ["mine", "shared", "temporary"]);
    // The server is none the worse for it, and nobody's log is filled by strangers.
    home.run_as("stranger", &format!("get {} -o -", other.link("file"))).well();
    assert!(!server.stop().err.contains("127.0.0.1:"));
}

#[test]
fn a_verbose_server_says_whom_it_has_turned_away_once() {
    let home = Home::new();
    let server = home.serve_sealed("-v");
    let line = home.make_key("stranger");
    let key = line.split(' ').nth(1).unwrap();
    for who in ["stranger", "nobody", "stranger", "nobody"] {
        home.run_as(who, &format!("get {} --timeout 2", server.link("file"))).with(3).saying(SILENT);
    }
    let told = server.stop().err;
    for who in [key, "somebody without a key"] {
        assert_eq!(told.matches(&format!("turned away {who}, from 127.0.0.1:")).count(), 1, "{told}");
    }
}

#[test]
fn case_36_an_invite_lets_one_key_in_once() {
    let home = Home::new();
    home.write("shared/file", "content");
    home.write("mine", "mine");
    let server = home.serve_sealed("--invite");
    // `put` first: the guest has all rights.
    home.run_as("bob", &format!("put mine {}", server.invite("from-bob"))).well();
    assert_eq!(home.read("shared/from-bob"), b"mine");
    // From now on without the code, and over everything.
    for way in WAYS {
        home.run_as("bob", &format!("get {} -o - {way}", server.link("file"))).well();
    }
    // The link may be used again by him whom it let in, and by nobody else.
    let eve = home.run_as("eve", &format!("get {} --timeout 2", server.invite("file"))).with(3);
    assert_eq!(eve.saying(USED_UP).err.matches("tcp: ").count(), 1);
    home.run_as("eve", &format!("get {} --timeout 2", server.link("file"))).with(3).saying(SILENT);
    let allow = fs::read_to_string(home.keys("server").join("allow")).unwrap();
    assert_eq!(allow.lines().count(), 1, "{allow}");
    // It is on the disk: a server that was started again knows him too.
    let address = server.at("skep");
    server.stop();
    let again = home.serve_at(&format!("shared --listen {address}"));
    home.run_as("bob", &format!("get {} -o -", again.link("file"))).well();
}

#[test]
fn case_40_a_link_can_be_kept_out_of_the_arguments() {
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve_sealed("--invite");
    let invite = server.invite("");
    home.write("link", format!("invite {invite}\n"));
    let mut bob = home.command_of("bob", &["put", "link", "--link-file", "-", "sent"]);
    let bob = Process::start_with(&mut bob, fs::File::open(home.path("link")).unwrap().into());
    // What every user of the machine can see of it.
    let shown = fs::read(format!("/proc/{}/cmdline", bob.id())).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&shown).contains("skep://"));
    bob.end().well();
    assert_eq!(home.read("shared/sent"), home.read("link"));
    // From a file, whole or followed by a name, and from the environment.
    assert_eq!(home.run_as("bob", "get --link-file link file -o -").well().out, b"content");
    home.run_as("bob", "put shared/file --link-file link").well();
    home.write("whole", server.link("file"));
    assert_eq!(home.run_as("bob", "get --link-file whole -o -").well().out, b"content");
    let mut named = home.command_of("bob", &["get", "file", "-o", "-"]);
    let got = Process::start(named.env("SKEP_LINK", server.link(""))).end().well();
    assert_eq!(got.out, b"content");
    home.run_as("bob", "get --link-file whole other").with(2).saying("leave other out");
    home.run_as("bob", "get --link-file nowhere other").with(4).saying("cannot read nowhere");
    home.run_as("bob", "get file").with(2).saying("is not a URL");
    home.run_as("bob", "get").with(2).saying("--link-file");
}

#[test]
fn who_puts_into_a_directory_that_is_not_there_is_told_which() {
    let (home, server) = friends("");
    home.write("mine", "mine");
    for way in WAYS {
        let ended = home.run(&format!("put mine {} {way}", server.link("photos/bees/a.jpg"))).with(1);
        ended.saying("there is no directory photos/bees there");
    }
    let plain = home.serve("");
    for scheme in ["tcp", "rdt"] {
        let ended = home.run(&format!("put mine {}", plain.url(scheme, "photos/"))).with(1);
        ended.saying("there is no directory photos there");
    }
}

#[test]
fn case_36_of_many_who_race_for_an_invite_one_wins() {
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve_sealed("--invite");
    let link = server.invite("file");
    let winners = std::sync::Mutex::new(Vec::new());
    together(0..12, |number: usize| {
        let who = format!("guest{number}");
        let ended = home.run_as(&who, &format!("get {link} -q -o - --timeout 5"));
        if ended.err.is_empty() {
            winners.lock().unwrap().push(who);
        } else {
            ended.with(3).saying(USED_UP);
        }
    });
    assert_eq!(winners.lock().unwrap().len(), 1, "{winners:?}");
}

#[test]
fn invites_have_an_end_and_can_be_taken_back() {
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve_sealed("");
    let add = |options: &str| {
        let line = format!("invite add {} {options}", server.at("skep"));
        String::from_utf8(home.run_as("server", &line).well().out).unwrap().trim().to_owned() + "file"
    };
    let (short, back, good) = (add("--for 1s"), add("--name back"), add("--name carol --read-only"));
    let list = String::from_utf8(home.run_as("server", "invite list").well().out).unwrap();
    let id = list
        .lines()
        .find(|line| line.contains("back"))
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    home.run_as("server", &format!("invite remove {id}")).well();
    home.run_as("server", &format!("invite remove {id}")).with(4).saying("there is no invite");
    std::thread::sleep(Duration::from_millis(2_100));
    for link in [&short, &back] {
        home.run_as("eve", &format!("get {link} --timeout 2")).with(3).saying(USED_UP);
    }
    home.run_as("carol", &format!("get {good} -o -")).well();
    home.write("mine", "mine");
    home.run_as("carol", &format!("put mine {}", server.link("new"))).with(1).saying("that is not allowed");
    // What lists them shows no codes.
    for link in [short, back, good] {
        let code = link.split_once('@').unwrap().0.rsplit_once('.').unwrap().1.to_owned();
        assert!(!list.contains(&code), "{list}");
    }
}

#[test]
fn case_30_known_hosts_are_believed_and_a_key_that_differs_is_an_error_that_says_what_to_do() {
    let (home, server) = friends("");
    home.write("shared/file", "content");
    let address = server.at("skep");
    let bare = format!("skep://{address}/file");
    let unknown = home.run(&format!("get {bare}")).with(2);
    assert!(unknown.saying("is not known").err.contains("skep known add skep://KEY@"));
    let host = server.at("skep");
    for said in ["is known now", "was known already"] {
        let ended = home.run(&format!("known add {}", server.link(""))).well();
        assert_eq!(ended.err, format!("skep: {host} {said}\n"));
    }
    for way in WAYS {
        assert_eq!(home.run(&format!("get {bare} -o - {way}")).well().out, b"content");
    }
    home.run(&format!("get {} -o -", server.link("file"))).well();
    let listed = String::from_utf8(home.run("known list").well().out).unwrap();
    assert_eq!(listed, format!("{address} {}\n", server.key()));
    // Another key in the link: nobody is called.
    let other = home.serve_as("another", "shared --listen 127.0.0.1:0 --public");
    let (mute, mute_too) = port_of_both();
    for (known, calls) in [(address, false), (mute.local_addr().unwrap(), true)] {
        if calls {
            home.run(&format!("known add skep://{}@{known}/", server.key())).well();
        }
        let link = format!("skep://{}@{known}/file", other.key());
        let told = home.run(&format!("get {link}")).with(3).saying("is known with the key").err;
        for part in
            [server.key(), other.key(), format!("skep known remove {known}"), "known_hosts".to_owned()]
        {
            assert!(told.contains(&part), "no {part} in {told}");
        }
        let again = home.run(&format!("known add {link}")).with(3);
        again.saying("is known with the key");
    }
    mute.set_nonblocking(true).unwrap();
    mute_too.set_nonblocking(true).unwrap();
    assert!(mute.accept().is_err() && mute_too.recv(&mut [0; 9]).is_err(), "it called in spite of that");
    // A server whose key changed is not believed because of the file either.
    home.run(&format!("known remove {address}")).well();
    home.run(&format!("known add skep://{}@{address}/", other.key())).well();
    home.run(&format!("get {bare} --timeout 2")).with(3).saying(SILENT);
    home.run(&format!("get {} --timeout 2", server.link("file"))).with(3).saying("is known with the key");
    assert_eq!(home.entries(""), ["shared", "temporary"]);
}

#[test]
fn where_udp_does_not_get_through_tcp_does() {
    let (home, server) = friends("");
    home.write("shared/file", content(300_000));
    // The port of somebody who passes TCP on, and drops all datagrams.
    let (listener, mute) = port_of_both();
    let address = listener.local_addr().unwrap();
    tcp_middle(listener, server.at("skep"), Mischief::Nothing, Mischief::Nothing);
    let link = format!("skep://{}@{address}/", server.key());
    let begin = Instant::now();
    let ended = home.run(&format!("get {link}file -v")).well();
    assert!(home.read("file") == content(300_000));
    assert!(ended.err.contains(&format!("connected to {address}\n")), "{}", ended.err);
    mute.recv(&mut [0; 2_048]).expect("datagrams first");
    home.run(&format!("put file {link}back")).well();
    assert!(home.read("shared/back") == content(300_000));
    assert!(begin.elapsed() < Duration::from_secs(16), "{:?}", begin.elapsed());
    // Who wants UDP and nothing else gets nothing else.
    let only = home.run(&format!("get {link}file -o no --via udp --timeout 2")).with(3);
    only.saying("udp: no answer");
    assert!(!home.path("no").exists());
}

#[test]
fn a_server_that_was_started_again_is_the_same_one() {
    let (home, server) = friends("");
    home.write("shared/file", content(40_000));
    let (address, link) = (server.at("skep"), server.link("file"));
    for _ in 0..3 {
        server_again(&home, &address.to_string(), &link);
    }
    server.stop();
    let again = home.serve_at(&format!("shared --listen {address}"));
    assert_eq!(again.link("file"), link);
    for way in WAYS {
        home.run(&format!("get {link} -o copy {way}")).well();
        assert!(home.read("copy") == content(40_000));
    }
    assert!(!again.process.err().contains("made a key"));
}

/// The port is taken; another server does not get it, and says so.
fn server_again(home: &Home, address: &str, link: &str) {
    home.run(&format!("serve shared --listen {address}")).with(3).saying("Address already in use");
    home.run(&format!("get {link} -o -")).well();
}

#[test]
fn case_50_a_client_of_a_killed_sealed_server_gives_up_within_its_time_out() {
    together(WAYS, |way| {
        let (home, server) = friends("");
        home.write("shared/large", content(8 << 20));
        let scheme = if way.contains("udp") { "rdt" } else { "tcp" };
        let relay = Relay::to(scheme, server.at("skep"));
        let address = relay.url("skep", "large").replace("skep://", &format!("skep://{}@", server.key()));
        let client = home.start(&format!("get {address} --timeout 2 {way}"));
        home.wait_for_part("");
        server.process.kill();
        // The end of a TCP stream that no record has announced is not the end of a file.
        client.end().with(3).saying("broken off after");
        assert_eq!(home.entries(""), ["shared", "temporary"]);
    });
}

#[test]
fn case_41_keys_that_others_can_read_are_not_used() {
    let (home, server) = friends("");
    home.write("shared/file", "content");
    let link = server.link("file");
    let mode = |who: &str, file: &str, mode| {
        fs::set_permissions(home.keys(who).join(file), fs::Permissions::from_mode(mode)).unwrap();
    };
    let is = |who: &str, file: &str| {
        fs::metadata(home.keys(who).join(file)).unwrap().permissions().mode() & 0o7777
    };
    // As they are made.
    assert_eq!((is("server", "key"), is("client", "key"), is("client", "")), (0o600, 0o600, 0o700));
    home.run_as("server", "invite add host").well();
    assert_eq!(is("server", "invites"), 0o600);
    for open in [0o640, 0o604, 0o660, 0o644] {
        mode("client", "key", open);
        home.run(&format!("get {link}")).with(4).saying("chmod 600");
        mode("server", "key", open);
        home.run("serve shared --listen 127.0.0.1:0").with(4).saying("chmod 600");
    }
    mode("client", "key", 0o600);
    mode("server", "key", 0o400);
    home.run(&format!("get {link} -o -")).well();
    mode("server", "invites", 0o640);
    home.run("serve shared --listen 127.0.0.1:0").with(4).saying("chmod 600");
    mode("server", "invites", 0o600);
    mode("server", "allow", 0o664);
    home.run("serve shared --listen 127.0.0.1:0").with(4).saying("chmod go-w");
    // What is there is told, not what is in it.
    mode("server", "allow", 0o644);
    fs::write(home.keys("server").join("key"), "skep-secret-x25519 AAAA\n").unwrap();
    let ended = home.run("serve shared --listen 127.0.0.1:0").with(4).saying("the key is damaged");
    assert!(!ended.err.contains("AAAA"));
}

#[test]
fn case_54_two_sealed_servers_may_share_a_directory_and_an_identity() {
    let (home, one) = friends("");
    let two = home.serve_sealed("--invite");
    assert_eq!(one.key(), two.key());
    let names: Vec<_> =
        (0..12).map(|number| home.write(&format!("{number}"), content(60_000 + number))).collect();
    together(0..12, |number: usize| {
        let server = if number.is_multiple_of(2) { &one } else { &two };
        home.run(&format!("put {number} {} {}", server.link("same"), WAYS[number / 2 % 2])).well();
        home.run(&format!("put {number} {}", server.link(&format!("own{number}")))).well();
    });
    assert!(names.contains(&home.read("shared/same")));
    for (number, bytes) in names.iter().enumerate() {
        assert!(home.read(&format!("shared/own{number}")) == *bytes);
    }
    assert_eq!(home.entries("shared").len(), 13);
    // An invite of one is an invite of both, and is used up for both: within a second they see what the other did.
    let invite = two.invite("same");
    let through_one = invite.replace(&two.at("skep").to_string(), &one.at("skep").to_string());
    until_within(Duration::from_secs(5), "the invite", || {
        home.run_as("bob", &format!("get {through_one} -q -o - --timeout 1")).err.is_empty().then_some(())
    });
    home.run_as("eve", &format!("get {invite} --timeout 1")).with(3);
    until_within(Duration::from_secs(5), "bob's key", || {
        home.run_as("bob", &format!("get {} -q -o - --timeout 1", two.link("same")))
            .err
            .is_empty()
            .then_some(())
    });
}

#[test]
fn plain_uploads_from_the_network_go_into_the_drop_alone() {
    let home = Home::new();
    home.write("shared/file", "content");
    home.write("small", content(30_000));
    home.write("large", content(90_000));
    // All addresses of this machine, so also those that others reach.
    let server = home.serve_at("shared --tcp :0 --rdt :0 --path :0 --drop-quota 100K");
    let url = |scheme: &str, name: &str| format!("{scheme}://127.0.0.1:{}/{name}", server.at(scheme).port());
    home.wait_for_entries("shared", &["drop", "file"]);
    for scheme in ["tcp", "rdt"] {
        home.run(&format!("put small {}", url(scheme, scheme))).well();
        assert_eq!(home.read(&format!("shared/drop/{scheme}")), content(30_000));
        // A name of the share is a name in the drop.
        home.run(&format!("put small {}", url(scheme, "file"))).well();
        home.run(&format!("put small {}", url(scheme, "../file"))).with(2);
        home.run(&format!("put large {}", url(scheme, "large"))).with(1).saying("there is no space left");
        fs::remove_file(home.path("shared/drop/file")).unwrap();
    }
    assert_eq!(home.read("shared/file"), b"content");
    assert_eq!(home.entries("shared"), ["drop", "file"]);
    assert_eq!(home.entries("shared/drop"), ["rdt", "tcp"]);
    for scheme in ["tcp", "rdt", "path"] {
        assert_eq!(home.run(&format!("get {} -o -", url(scheme, "file"))).well().out, b"content");
    }
    // To this machine alone, and sealed, the whole directory is open; the quota of the drop counts there too.
    let local = home.serve("");
    home.run(&format!("put small {}", local.url("tcp", "file"))).well();
    assert_eq!(home.read("shared/file"), content(30_000));
}

#[test]
fn no_plain_way_is_taken_in_place_of_a_sealed_one() {
    let home = Home::new();
    home.write("shared/file", "content");
    let server = home.serve("");
    let key = home.serve_sealed("--public").key();
    for scheme in ["tcp", "rdt"] {
        let link = format!("skep://{key}@{}/file", server.at(scheme));
        for way in WAYS.into_iter().chain([""]) {
            home.run(&format!("get {link} --timeout 2 {way}")).with(3);
        }
    }
    // A plain client at a sealed port gets no file and no word. (To who asks for a path, no word is an empty file.)
    let sealed = home.serve_sealed("--public");
    let plain = ["tcp", "rdt"].map(|scheme| format!("get {scheme}://{}/file --timeout 2", sealed.at("skep")));
    together(plain, |line| _ = home.run(&line).with(3));
    assert_eq!(home.entries(""), ["shared", "temporary"]);
    drop(TcpStream::connect(sealed.at("skep")).unwrap());
    sealed.stop();
}
