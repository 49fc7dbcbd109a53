//! snow, an implementation of Noise that shares no code with this one, is the other end.

use super::*;
use crate::{
    seal::{RustCrypto, cipher::Cipher},
    wire::seal::Suite,
};
use ::snow::{Builder, HandshakeState};

fn name(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Ik => "Noise_IK_25519_ChaChaPoly_BLAKE2s",
        Pattern::Nk => "Noise_NK_25519_ChaChaPoly_BLAKE2s",
        Pattern::NkPsk0 => "Noise_NKpsk0_25519_ChaChaPoly_BLAKE2s",
        Pattern::KkPsk0 => "Noise_KKpsk0_25519_ChaChaPoly_BLAKE2s",
    }
}

fn snow(world: &World<RustCrypto>, initiator: bool) -> HandshakeState {
    let (own, peer) = if initiator { (&world.client, &world.server) } else { (&world.server, &world.client) };
    let prologue = world.prologue.bytes();
    let mut builder = Builder::new(name(world.pattern).parse().unwrap()).prologue(&prologue).unwrap();
    if has_psk(world.pattern) {
        builder = builder.psk(0, world.psk.expose()).unwrap();
    }
    if !initiator || matches!(world.pattern, Pattern::Ik | Pattern::KkPsk0) {
        builder = builder.local_private_key(own.secret().expose()).unwrap();
    }
    if initiator || world.pattern == Pattern::KkPsk0 {
        builder = builder.remote_public_key(peer.public().as_bytes()).unwrap();
    }
    if initiator { builder.build_initiator().unwrap() } else { builder.build_responder().unwrap() }
}

/// A few messages each way after the handshake, a rekey between them.
fn transport(keys: &Keys, snow: HandshakeState) {
    assert_eq!(snow.get_handshake_hash(), keys.binding);
    let mut snow = snow.into_transport_mode().unwrap();
    let mut send = Cipher::<RustCrypto>::new(Suite::ChaCha, &keys.send).unwrap();
    let mut receive = Cipher::<RustCrypto>::new(Suite::ChaCha, &keys.receive).unwrap();
    for number in 0..6_u64 {
        if number == 3 {
            send = send.next().unwrap();
            snow.rekey_incoming();
            snow.rekey_outgoing();
            receive = receive.next().unwrap();
        }
        let mut sealed = b"from here".to_vec();
        let tag = send.seal(number, &[], &mut sealed).unwrap();
        sealed.extend(tag);
        let mut text = [0; 64];
        let length = snow.read_message(&sealed, &mut text).unwrap();
        assert_eq!(&text[..length], b"from here");

        let mut sealed = [0; 64];
        let length = snow.write_message(b"from snow", &mut sealed).unwrap();
        let (text, tag) = sealed[..length].split_last_chunk_mut().unwrap();
        assert!(receive.open(number, &[], text, tag));
        assert_eq!(text, b"from snow");
    }
}

/// Under Miri the one with the fewest key agreements: each takes it seconds.
fn patterns_with_snow() -> impl Iterator<Item = Pattern> {
    PATTERNS.into_iter().skip(fewer(0, 1)).take(fewer(PATTERNS.len(), 1))
}

#[test]
fn snow_answers_us() {
    for pattern in patterns_with_snow() {
        let world = World::of(pattern);
        let mut snow = snow(&world, false);
        let (mut initiator, first) = world.first(b"hello snow");
        let mut room = [0; 256];
        let length = snow.read_message(&first, &mut room).unwrap();
        assert_eq!(&room[..length], b"hello snow");
        let length = snow.write_message(b"hello skep", &mut room).unwrap();
        let (keys, payload) = finish(&mut initiator, &room[..length]).unwrap();
        assert_eq!(payload, b"hello skep");
        transport(&keys, snow);
    }
}

#[test]
fn we_answer_snow() {
    for pattern in patterns_with_snow() {
        let world = World::of(pattern);
        let mut snow = snow(&world, true);
        let mut room = [0; 256];
        let length = snow.write_message(b"hello skep", &mut room).unwrap();
        let (responder, payload) = world.read(&room[..length]).unwrap();
        assert_eq!(payload, b"hello skep");
        let (keys, length) = responder.answer(ephemeral(2), b"hello snow", &mut room).unwrap();
        let mut payload = [0; 256];
        let length = snow.read_message(&room[..length], &mut payload).unwrap();
        assert_eq!(&payload[..length], b"hello snow");
        transport(&keys, snow);
    }
}
