//! The published vectors.

use super::*;
use crate::seal::{Aead, Public, RustCrypto};
use std::collections::HashMap;

/// One protocol of the file.
#[derive(Default)]
struct Vector {
    fields: HashMap<String, String>,
    messages: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Vector {
    fn bytes(&self, field: &str) -> Vec<u8> {
        hex(&self.fields[field])
    }

    fn secret(&self, field: &str) -> Secret {
        Secret::new(self.bytes(field).try_into().unwrap())
    }

    fn public(&self, field: &str) -> Public {
        Public(self.bytes(field).try_into().unwrap())
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn vectors() -> Vec<Vector> {
    let mut vectors = Vec::<Vector>::new();
    for line in include_str!("vectors.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["protocol", name] => {
                vectors.push(Vector::default());
                vectors.last_mut().unwrap().fields.insert("protocol".into(), name.into());
            }
            ["message", payload, bytes] => {
                vectors.last_mut().unwrap().messages.push((hex(payload), hex(bytes)))
            }
            [field, value] => {
                vectors.last_mut().unwrap().fields.insert(field.into(), value.into());
            }
            _ => panic!("{line}"),
        }
    }
    vectors
}

#[test]
fn the_published_vectors_hold() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 4);
    // Under Miri the one with the fewest key agreements: each takes it seconds.
    for vector in vectors.into_iter().skip(fewer(0, 1)).take(fewer(4, 1)) {
        check(&vector);
    }
}

fn check(vector: &Vector) {
    let name = &vector.fields["protocol"];
    let prologue = vector.bytes("prologue");
    let pair = |field| KeyPair::<RustCrypto>::new(vector.secret(field));
    let server = pair("resp_static");
    let client = vector.fields.contains_key("init_static").then(|| pair("init_static"));
    let psk = vector.fields.contains_key("psk").then(|| Psk::new(vector.secret("psk")));
    let peer = vector.public("init_remote_static");
    assert_eq!(&peer, server.public());
    let (ours, theirs) = match (name.as_str(), &client, &psk) {
        ("Noise_IK_25519_ChaChaPoly_BLAKE2s", Some(own), None) => {
            (InitiatorKeys::Ik { own, peer: &peer }, ResponderKeys::Ik { own: &server })
        }
        ("Noise_NK_25519_ChaChaPoly_BLAKE2s", None, None) => {
            (InitiatorKeys::Nk { peer: &peer }, ResponderKeys::Nk { own: &server })
        }
        ("Noise_NKpsk0_25519_ChaChaPoly_BLAKE2s", None, Some(psk)) => {
            (InitiatorKeys::NkPsk0 { peer: &peer, psk }, ResponderKeys::NkPsk0 { own: &server, psk })
        }
        ("Noise_KKpsk0_25519_ChaChaPoly_BLAKE2s", Some(own), Some(psk)) => {
            assert_eq!(own.public(), &vector.public("resp_remote_static"));
            let theirs = ResponderKeys::KkPsk0 { own: &server, peer: own.public(), psk };
            (InitiatorKeys::KkPsk0 { own, peer: &peer, psk }, theirs)
        }
        _ => panic!("{name}"),
    };

    let [(first_payload, first), (second_payload, second), transport @ ..] = &vector.messages[..] else {
        panic!()
    };
    let mut out = [0; 256];
    let mut room = [0; 256];
    let (mut initiator, length) =
        Initiator::start_with(&ours, &prologue, vector.secret("init_ephemeral"), first_payload, &mut out)
            .unwrap();
    assert_eq!(&out[..length], first, "{name}");
    let (responder, length) = Responder::read_with(&theirs, &prologue, first, &mut room).unwrap();
    assert_eq!(&room[..length], first_payload, "{name}");
    let (theirs, length) =
        responder.answer(vector.secret("resp_ephemeral"), second_payload, &mut out).unwrap();
    assert_eq!(&out[..length], second, "{name}");
    let (ours, length) = initiator.finish(second, &mut room).unwrap();
    assert_eq!(&room[..length], second_payload, "{name}");
    assert_eq!(ours.binding[..], vector.bytes("handshake_hash")[..], "{name}");
    assert_eq!(theirs.binding, ours.binding);

    // The messages after the handshake, by turns: empty associated data, counted from 0 in each direction.
    assert_eq!(transport.len(), 4);
    for (count, (payload, bytes)) in transport.iter().enumerate() {
        let keys = if count % 2 == 0 { &ours } else { &theirs };
        let cipher = <RustCrypto as Provider>::ChaCha::new(&keys.send).unwrap();
        let mut text = payload.clone();
        let tag = cipher.seal(count as u64 / 2, &[], &mut text).unwrap();
        assert_eq!([&text[..], &tag].concat(), *bytes, "{name} {count}");
    }
}
