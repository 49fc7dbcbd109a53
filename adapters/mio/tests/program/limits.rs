//! What a sealed server bounds: tries at passwords, connections that say nothing, and what an invite is good for.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use skep::url::Url;
use skep_core::{
    seal::{CheckKey, Initiator, InitiatorKeys, Prologue, RustCrypto, Secret, Transport},
    wire::seal::{Hello, Offer, Purpose, Suites},
};
use socket2::{Domain, Socket, Type};

use crate::support::{Home, Server, until_within};

/// A connection to a server, from an address of this machine.
fn connect_from(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}

/// Whether the other side has ended a connection on which it has nothing to say.
fn is_over(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    match stream.read(&mut [0; 16]) {
        Ok(count) => {
            assert_eq!(count, 0, "it has something to say");
            true
        }
        Err(error) => !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
    }
}

fn served() -> (Home, Server) {
    let home = Home::new();
    home.befriend("");
    home.write("shared/file", "content");
    let server = home.serve_sealed("");
    (home, server)
}

#[test]
fn case_34_a_silent_tcp_client_is_let_go_after_the_time_for_a_handshake() {
    let (home, server) = served();
    let begin = Instant::now();
    let mut silent = connect_from(Ipv4Addr::LOCALHOST, server.at("skep"));
    // One that has begun, and one that says a byte now and then.
    let mut half = connect_from(Ipv4Addr::LOCALHOST, server.at("skep"));
    half.write_all(b"SKES").unwrap();
    let mut slow = connect_from(Ipv4Addr::LOCALHOST, server.at("skep"));
    let mut said = b"SKES\x11\x01\x01\x01".iter();
    until_within(Duration::from_secs(45), "the end of all three", || {
        if let Some(byte) = said.next() {
            let _ = slow.write_all(&[*byte]);
        }
        (is_over(&mut silent) && is_over(&mut half) && is_over(&mut slow)).then_some(())
    });
    assert!(begin.elapsed() >= Duration::from_secs(15), "it had no time: {:?}", begin.elapsed());
    home.run(&format!("get {} -o - --via tcp", server.link("file"))).well();
}

#[test]
fn case_34_silent_connections_of_one_network_keep_nobody_else_out() {
    let (home, server) = served();
    let mut silent: Vec<_> =
        (0..60).map(|_| connect_from(Ipv4Addr::new(127, 0, 9, 1), server.at("skep"))).collect();
    // 32 of them may wait; the others are closed at once.
    until_within(Duration::from_secs(4), "28 closed connections", || {
        (silent.iter_mut().filter_map(|stream| is_over(stream).then_some(())).count() >= 28).then_some(())
    });
    // From another one.
    home.run(&format!("get {} -o - --via tcp", server.link("file"))).well();
    drop(silent);
    // More than there is room for: the oldest go.
    let silent: Vec<_> = (0..300)
        .map(|number| connect_from(Ipv4Addr::new(127, 0, 10 + (number / 30) as u8, 1), server.at("skep")))
        .collect();
    home.run(&format!("get {} -o - --via tcp", server.link("file"))).well();
    drop(silent);
}

/// A file that nobody else can read.
fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// An account on the server, with the cheapest password.
fn account(home: &Home, name: &str, password: &str) {
    private(&home.path("password"), password);
    let line = format!("key password {name} --cost m=19456,t=2,p=1 --password-file password");
    let line = String::from_utf8(home.run(&line).well().out).unwrap();
    fs::create_dir_all(home.keys("server")).unwrap();
    private(&home.keys("server").join("accounts"), &line);
}

#[test]
fn a_password_lets_its_owner_in_over_everything() {
    let home = Home::new();
    home.write("shared/file", "content");
    account(&home, "anna", "correct horse");
    let server = home.serve_sealed("");
    for way in ["--via udp", "--via tcp", ""] {
        let login = format!("--user anna --password-file password {way}");
        let got = home.run(&format!("get {} -o - {login}", server.link("file"))).well();
        assert_eq!(got.out, b"content");
        home.run(&format!("put shared/file {} {login}", server.link("up"))).well();
    }
}

#[test]
fn case_38_after_five_wrong_passwords_the_right_one_is_refused_for_a_while_over_tcp_and_udp() {
    let home = Home::new();
    home.befriend("");
    home.write("shared/file", "content");
    account(&home, "anna", "correct horse");
    let server = home.serve_sealed("");
    let get = |password: &str, way: &str| {
        private(&home.path("tried"), password);
        let link = server.link("file");
        home.run(&format!("get {link} -q -o - --user anna --password-file tried --timeout 1 {way}"))
    };
    get("correct horse", "--via tcp").well();
    for (number, way) in ["--via udp", "--via tcp", "", "--via udp", "--via tcp"].into_iter().enumerate() {
        get(&format!("wrong {number}"), way).with(3);
    }
    // Each was one try, over however many ways it came; and no answer tells the right one from them.
    for way in ["--via udp", "--via tcp"] {
        let wrong = get("wrong 9", way).with(3).err;
        assert_eq!(get("correct horse", way).with(3).err, wrong);
    }
    // Who has a key in the allow file has nothing to do with it.
    for way in ["--via udp", "--via tcp"] {
        home.run(&format!("get {} -o - {way}", server.link("file"))).well();
    }
    until_within(Duration::from_secs(60), "another try", || {
        get("correct horse", "--via tcp").err.is_empty().then_some(())
    });
}

#[test]
fn case_36_an_invite_gives_no_one_the_rights_of_a_key_that_he_only_names() {
    let home = Home::new();
    home.befriend("");
    home.write("shared/file", "content");
    let exported = String::from_utf8(home.run("key export").well().out).unwrap();
    let named = exported.split_whitespace().nth(1).unwrap();
    let friend: Url = format!("skep://{named}@h/").parse().unwrap();
    let server = home.serve_sealed("--invite --read-only");
    let link: Url = server.invite("file").parse().unwrap();
    let (key, code) = (*link.key.unwrap().key(), link.invite.unwrap());
    let hello = hello_naming(friend.key.unwrap().key().as_bytes(), &key, &code);
    let mut stream = TcpStream::connect(server.at("skep")).unwrap();
    stream.write_all(&hello).unwrap();
    let mut answer = Vec::new();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{} bytes", answer.len());
    // The invite was not used up, and what the friend may do was not changed by it.
    home.run_as("bob", &format!("get {} -o -", server.invite("file"))).well();
    until_within(Duration::from_secs(4), "who came in", || {
        server.process.err().contains("skep: enrolled ").then_some(())
    });
    assert_eq!(server.process.err().matches("enrolled").count(), 1);
    let allow = fs::read_to_string(home.keys("server").join("allow")).unwrap();
    let lines: Vec<_> = allow.lines().collect();
    assert!(lines.len() == 2 && !lines[0].contains("read-only") && lines[1].contains("read-only"), "{allow}");
}

/// The first message of somebody who has the code of an invite, and says that a key of another is his.
fn hello_naming(named: &[u8; 32], server: &skep_core::seal::Public, code: &skep::identity::Code) -> Vec<u8> {
    let (purpose, psk) = (Purpose::Enrol { invite: code.id().0 }, code.psk());
    let suites = Suites::CHACHA;
    let prologue = Prologue::new(Transport::Records, suites, purpose);
    let keys: InitiatorKeys<'_, RustCrypto> = InitiatorKeys::NkPsk0 { peer: server, psk: &psk };
    let (mut payload, mut message, mut hello) = ([0; 64], [0; 512], [0; 1_024]);
    let used = Offer { largest: 1_024, body: named }.emit(&mut payload).unwrap();
    let started = Initiator::start(&keys, &prologue, Secret::new([7; 32]), &payload[..used], &mut message);
    let (_, length) = started.unwrap();
    let check = CheckKey::<RustCrypto>::new(server, Some(&psk));
    let hello_of = Hello { suites, purpose, message: &message[..length] };
    let length = hello_of.emit(|covered| check.stamp(covered), &mut hello).unwrap();
    hello[..length].to_vec()
}
