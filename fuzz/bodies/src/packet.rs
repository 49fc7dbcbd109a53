//! Every format of files, RDT and the sealed transport: what is parsed is emitted as the same bytes, and parsed again as
//! the same value.

use skep_core::{
    limits::{MESSAGE_MAX, NAME_MAX},
    wire::{
        Name,
        file::{self, Message, Unparsed},
        path,
        rdt::{Known, Magic, Own},
        seal::{Answer, DataHeader, HELLO_MAX, Hello, INIT1_MIN, Offer, Packet, REPLY_MAX, Reply},
    },
};

/// Longer datagrams show nothing that shorter ones do not, and every prefix is looked at.
const LENGTH_MAX: usize = 700;

/// Parses the bytes, and every prefix of them, in all formats.
pub fn packet(data: &[u8]) {
    let data = &data[..data.len().min(LENGTH_MAX)];
    for length in 0..=data.len() {
        let prefix = &data[..length];
        known(prefix);
        own(prefix);
        name(prefix);
        sealed(prefix);
        greeting(prefix);
        payload(prefix);
    }
    message(data);
    request(data, false);
    request(data, true);
}

/// Checks that `emit` writes `length` bytes, and nothing into any smaller room; what it writes.
fn emitted(length: usize, emit: impl Fn(&mut [u8]) -> Option<usize>) -> Vec<u8> {
    let mut out = vec![0; length];
    assert_eq!(emit(&mut out), Some(length));
    for room in [0, 1, length / 2, length.saturating_sub(1)] {
        if room < length {
            assert_eq!(emit(&mut vec![0; room]), None);
        }
    }
    out
}

fn known(datagram: &[u8]) {
    for magic in [Magic::ROSTOV, Magic::new(b"R").unwrap()] {
        if let Some(Some((kind, packet))) = Known::parse(&magic, datagram) {
            let out = emitted(datagram.len(), |out| packet.emit(&magic, kind, out));
            assert_eq!(out, datagram);
        }
    }
}

fn own(datagram: &[u8]) {
    let Some(Some((connection, packet))) = Own::parse(datagram) else { return };
    let mut out = vec![0; datagram.len()];
    let length = packet.emit(connection, &mut out).unwrap();
    let is_padded = matches!(packet, Own::Open { .. } | Own::Accept { .. } | Own::Ping { .. });
    assert!(length == datagram.len() || is_padded);
    let out = emitted(length, |out| packet.emit(connection, out));
    assert_eq!(out, datagram[..length]);
    assert_eq!(Own::parse(&out), Some(Some((connection, packet))));
}

fn name(bytes: &[u8]) {
    match Name::new(bytes) {
        Ok(name) => {
            assert_eq!(name.as_str().as_bytes(), bytes);
            assert!((1..=NAME_MAX).contains(&bytes.len()));
            let path = std::path::Path::new(name.as_str());
            assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
            assert!(
                !name
                    .as_str()
                    .split('/')
                    .any(|part| part.starts_with(['.', '-']) || part.ends_with(['.', ' ']))
            );
            assert!(!name.as_str().contains(['\\', ':']));
        }
        Err(_) => assert!(bytes.len() != 1 || !bytes[0].is_ascii_alphanumeric()),
    }
}

/// A message stands at the beginning of its bytes, whatever follows; before it is whole, it is only incomplete.
fn message(data: &[u8]) {
    match Message::parse(data) {
        Ok((message, length)) => {
            assert!(length <= file::LENGTH_MAX && file::LENGTH_MAX <= MESSAGE_MAX);
            let out = emitted(length, |out| message.emit(out));
            assert_eq!(out, data[..length]);
            assert_eq!(Message::parse(&out), Ok((message, length)));
            for prefix in 0..length {
                assert_eq!(Message::parse(&data[..prefix]), Err(Unparsed::Incomplete));
            }
        }
        Err(Unparsed::Incomplete) => assert!(data.len() < file::LENGTH_MAX),
        Err(_) => {}
    }
    let mut was = Err(Unparsed::Incomplete);
    for length in 0..=data.len() {
        let now = Message::parse(&data[..length]);
        // More bytes complete a message and change none.
        assert!(was == Err(Unparsed::Incomplete) || was == now);
        was = now;
    }
}

fn request(data: &[u8], finished: bool) {
    match path::parse(data, finished) {
        Ok((name, length)) => {
            assert!(length <= data.len() && length <= path::LENGTH_MAX + 1);
            let out = emitted(name.as_str().len(), |out| path::emit(name, out));
            assert_eq!(path::parse(&out, true), Ok((name, out.len())));
            if !finished {
                for prefix in 0..length {
                    assert!(path::parse(&data[..prefix], false).is_err());
                }
            }
        }
        Err(Unparsed::Incomplete) => assert!(!finished && data.len() <= path::LENGTH_MAX),
        Err(_) => {}
    }
}

/// The sealed transport over UDP.
fn sealed(datagram: &[u8]) {
    match Packet::parse(datagram) {
        Some(Packet::Init1(init1, proof)) => {
            let length = datagram.len();
            assert!(length >= INIT1_MIN);
            let check = |covered: &[u8]| {
                assert!(proof.covered.starts_with(covered));
                *proof.check
            };
            let out = emitted(length, |out| init1.emit(length, check, out));
            assert_eq!(Packet::parse(&out), Some(Packet::Init1(init1, proof)));
        }
        Some(Packet::Challenge(challenge, proof)) => {
            let check = |covered: &[u8]| {
                // Of room that is too small, nothing.
                assert!(covered.is_empty() || proof.covered == covered);
                *proof.check
            };
            assert_eq!(emitted(datagram.len(), |out| challenge.emit(check, out)), datagram);
        }
        Some(Packet::Init2(init2)) => {
            let mut out = vec![0; datagram.len()];
            let length = init2.emit(&mut out).unwrap();
            let out = emitted(length, |out| init2.emit(out));
            assert_eq!(out, datagram[..length]);
            assert_eq!(Packet::parse(&out), Some(Packet::Init2(init2)));
        }
        Some(Packet::Data(header)) => assert_eq!(header.bytes(), datagram[..DataHeader::LENGTH]),
        None => {}
    }
}

/// And over TCP: how much is needed is known before it is there, and is bounded.
fn greeting(bytes: &[u8]) {
    let (hello, reply) = (Hello::needed(bytes), Reply::needed(bytes));
    assert!(bytes.len() < 5 || hello.is_none() || reply.is_none());
    assert!(hello.is_none_or(|needed| needed <= HELLO_MAX) && reply.is_none_or(|needed| needed <= REPLY_MAX));
    if let Some((parsed, proof)) = Hello::parse(bytes) {
        assert_eq!(hello, Some(bytes.len()));
        let out = emitted(bytes.len(), |out| parsed.emit(|_| *proof.check, out));
        assert_eq!(out, bytes);
    }
    if let Some(parsed) = Reply::parse(bytes) {
        assert_eq!(reply, Some(bytes.len()));
        assert_eq!(emitted(bytes.len(), |out| parsed.emit(out)), bytes);
    }
}

/// What is inside the messages of a handshake.
fn payload(bytes: &[u8]) {
    if let Some(offer) = Offer::parse(bytes) {
        assert_eq!(emitted(bytes.len(), |out| offer.emit(out)), bytes);
    }
    if let Some(answer) = Answer::parse(bytes) {
        assert_eq!(emitted(bytes.len(), |out| answer.emit(out)), bytes);
    }
}
