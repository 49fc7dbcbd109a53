//! Writes what the fuzzer begins with into `fuzz/corpus`: one packet of each kind, networks and calls of each kind.
//!
//! ```text
//! cargo run -p skep-fuzz-bodies --example seeds
//! ```

use skep_core::wire::{
    Name,
    command::{self, Operation},
    file::{Code, Message},
    rdt::{Known, Magic, Map, Own, Pass, Terms, TypeKind},
    seal::{Challenge, DataHeader, Hello, Init1, Init2, Offer, Purpose, Reply, Suite, Suites},
};
use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    for (name, bytes) in known().into_iter().chain(own()).chain(messages()).chain(paths()).chain(sealed()) {
        write("packet", &name, &bytes)?;
    }
    for (name, bytes) in layers() {
        write("layer", &name, &bytes)?;
    }
    let lengths = [
        ("handshake", 200),
        ("datagrams", 300),
        ("records", 100),
        ("guard", 800),
        ("tracker", 1_500),
        ("client", 1_000),
        ("session", 300),
    ];
    for (target, length) in lengths {
        for number in 0..8 {
            let bytes: Vec<u8> = random(number).take(length).collect();
            write(target, &format!("any-{number}"), &bytes)?;
        }
    }
    for (name, bytes) in commands() {
        write("session", &name, &bytes)?;
    }
    for (name, bytes) in networks() {
        write("rdt", &name, &bytes)?;
    }
    for (name, bytes) in calls() {
        write("files", &name, &bytes)?;
    }
    Ok(())
}

fn write(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target);
    fs::create_dir_all(&directory)?;
    fs::write(directory.join(name), bytes)
}

type Seeds = Vec<(String, Vec<u8>)>;

fn emitted(name: impl Into<String>, emit: impl FnOnce(&mut [u8]) -> Option<usize>) -> (String, Vec<u8>) {
    let mut out = vec![0; 512];
    let length = emit(&mut out).unwrap();
    out.truncate(length);
    (name.into(), out)
}

/// A request by command, and what is answered to one for a file. Messages of sessions come from the fuzzer's choices.
fn commands() -> Seeds {
    let date = Some(b"31/12/2024 23:59:58");
    vec![
        emitted("register", |out| command::emit(Operation::Register, None, &[b"ana"], out)),
        emitted("publish", |out| command::emit(Operation::Publish, date, &[b"ana", b"a/b", b"text"], out)),
        emitted("get-file", |out| command::emit(Operation::GetFile, None, &[b"a/b"], out)),
        emitted("answer", |out| command::emit_answer(&Message::Download { length: 300 }, out)),
    ]
}

fn known() -> Seeds {
    let packets = [
        ("connect", Known::Connect),
        ("connack", Known::ConnAck),
        ("info", Known::Info { number: 7, body: b"body" }),
        ("info-empty", Known::Info { number: 0, body: b"" }),
        ("ack", Known::Ack(65_535)),
        ("fin", Known::Fin),
        ("finack", Known::FinAck),
    ];
    let raw = packets.iter().map(|(name, packet)| {
        emitted(format!("known-{name}"), |out| packet.emit(&Magic::ROSTOV, TypeKind::Raw, out))
    });
    let ascii = packets.iter().take(3).map(|(name, packet)| {
        emitted(format!("known-ascii-{name}"), |out| packet.emit(&Magic::ROSTOV, TypeKind::Ascii, out))
    });
    raw.chain(ascii).collect()
}

fn own() -> Seeds {
    let terms = Terms { window: 1_024, segment: 1_435 };
    let packets = [
        ("open", Own::Open { terms, realm: Magic::ROSTOV, pass: Pass::NONE }),
        (
            "open-again",
            Own::Open { terms, realm: Magic::ROSTOV, pass: Pass { token: 5, round_trip: 20_000 } },
        ),
        ("accept", Own::Accept { terms, token: 0 }),
        ("accept-token", Own::Accept { terms, token: 5 }),
        ("data", Own::Data { transmission: 9, segment: 8, asks: false, body: b"body" }),
        ("part", Own::Part { transmission: 9, segment: 8, asks: true, offset: 2, length: 4, body: b"dy" }),
        ("ack", Own::Ack { top: 9, next: 7, limit: 1_031, delay: 3, map: Map([1, 2, 3, 4]) }),
        ("fin", Own::Fin { segments: 9 }),
        ("finack", Own::FinAck),
        ("ping", Own::Ping { token: 0 }),
        ("ping-token", Own::Ping { token: 5 }),
        ("reset", Own::Reset),
    ];
    packets.iter().map(|(name, packet)| emitted(format!("own-{name}"), |out| packet.emit(7, out))).collect()
}

fn messages() -> Seeds {
    let name = Name::new("a/ü".as_bytes()).unwrap();
    let messages = [
        ("upload", Message::Upload { length: 5, name }),
        ("request", Message::Request { name }),
        ("download", Message::Download { length: u64::MAX }),
        ("confirm", Message::Confirm),
        ("error", Message::Error(Code::Busy)),
    ];
    messages.iter().map(|(name, message)| emitted(format!("file-{name}"), |out| message.emit(out))).collect()
}

fn paths() -> Seeds {
    let texts = [
        ("newline", "/a/b\nrest".as_bytes()),
        ("return", b"a\r\nrest"),
        ("nul", b"a\0rest"),
        ("end", b"//a"),
        ("above", b"../a\n"),
    ];
    texts.iter().map(|(name, text)| (format!("path-{name}"), text.to_vec())).collect()
}

/// A header for each language and some sizes (see `rdt.rs`), and then one kind of weather.
fn networks() -> Seeds {
    let sides: [(&str, [u8; 7]); 4] = [
        ("middle", [0, 0, 0, 0, 0, 0, 4]),
        ("small", [1, 1, 1, 1, 1, 0, 4]),
        ("tiny", [3, 2, 2, 2, 2, 1, 4]),
        ("large", [2, 0, 0, 0, 0, 1, 2]),
    ];
    let weathers: [(&str, &[u8]); 6] = [
        ("calm", &[]),
        ("lossy", &[170, 0, 0, 180, 0, 0, 0]),
        ("doubling", &[205, 3, 0, 0, 0, 210, 40, 0]),
        ("late", &[220, 20, 0, 0, 230, 90, 0, 0]),
        ("lying", &[0, 0, 250, 30, 6, 1, 2, 3, 4, 5, 6, 0, 0]),
        ("damaging", &[0, 0, 0, 0, 243, 12, 8, 0, 0, 0]),
    ];
    let mut seeds = Seeds::new();
    for (place, language) in ["own", "known", "any"].into_iter().enumerate() {
        for (number, (weather, pattern)) in weathers.iter().enumerate() {
            let (size, side) = &sides[(place + number) % sides.len()];
            let header = [&[place as u8][..], side, side].concat();
            let bytes = header.into_iter().chain(pattern.iter().copied().cycle().take(120));
            seeds.push((format!("{language}-{size}-{weather}"), bytes.collect()));
        }
    }
    seeds
}

/// Bytes that look random: calls are as good in one order as in another.
fn calls() -> Seeds {
    let machines = [("client", 0_u8), ("server-1", 1), ("server-4", 2)];
    let seeds = machines.iter().flat_map(|&(name, first)| (0..8).map(move |number| (name, first, number)));
    seeds
        .map(|(name, first, number)| {
            let bytes = std::iter::once(first).chain(random(u64::from(first) << 8 | number).take(300));
            (format!("{name}-{number}"), bytes.collect())
        })
        .collect()
}

fn random(seed: u64) -> impl Iterator<Item = u8> {
    let mut random = seed + 1;
    std::iter::repeat_with(move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 56) as u8
    })
}

/// The sealed transport: a packet of each type and each purpose.
fn sealed() -> Seeds {
    let suites = Suites::CHACHA.and(Suite::Aes);
    let (client, server) = (*b"client 1", *b"server 1");
    let message = [7; 60];
    let purposes = [
        ("member", Purpose::Member),
        ("guest", Purpose::Guest),
        ("salt", Purpose::Salt),
        ("enrol", Purpose::Enrol { invite: [1; 8] }),
        ("peer", Purpose::Peer { introduction: [1; 16] }),
    ];
    let mut seeds = Seeds::new();
    for (name, purpose) in purposes {
        let cookie = (name == "guest").then_some([9; 16]);
        let init1 = Init1 { suites, purpose, client, message: &message, cookie };
        seeds.push(emitted(format!("sealed-init1-{name}"), |out| init1.emit(170, |_| [5; 16], out)));
        let hello = Hello { suites, purpose, message: &message };
        seeds.push(emitted(format!("sealed-hello-{name}"), |out| hello.emit(|_| [5; 16], out)));
    }
    seeds.push(emitted("sealed-challenge", |out| {
        Challenge { client, cookie: [9; 16] }.emit(|_| [7; 16], out)
    }));
    seeds.push(emitted("sealed-init2", |out| Init2 { client, message: &message }.emit(out)));
    seeds.push(emitted("sealed-reply", |out| Reply { message: &message }.emit(out)));
    seeds.push(emitted("sealed-offer", |out| Offer { largest: 1_040, body: b"body" }.emit(out)));
    for phase in [false, true] {
        let header = DataHeader { phase, destination: server, number: 7 };
        seeds.push((format!("sealed-data-{}", u8::from(phase)), [&header.bytes()[..], &[0; 20]].concat()));
    }
    seeds
}

/// A header for each purpose and some sizes (see `rdt.rs`), and then one kind of weather.
fn layers() -> Seeds {
    let side = [0, 0, 0, 0, 4];
    let weathers: [(&str, &[u8]); 6] = [
        ("calm", &[]),
        ("lossy", &[170, 0, 0, 180, 0, 0, 0]),
        ("doubling", &[205, 3, 0, 0, 0, 210, 40, 0]),
        ("copying", &[0, 252, 2, 0, 0, 255, 2, 1, 0]),
        ("moving", &[63, 1, 0, 0, 0, 0, 0, 0, 31, 0, 0]),
        ("damaging", &[0, 0, 0, 0, 243, 12, 8, 0, 0, 0]),
    ];
    let mut seeds = Seeds::new();
    for purpose in 0..4 {
        for (number, (weather, pattern)) in weathers.iter().enumerate() {
            let load = u8::from(number % 2 == 1);
            let header = [&[load, load, purpose][..], &side, &side].concat();
            let bytes = header.into_iter().chain(pattern.iter().copied().cycle().take(120));
            seeds.push((format!("purpose-{purpose}-{weather}"), bytes.collect()));
        }
    }
    seeds
}
