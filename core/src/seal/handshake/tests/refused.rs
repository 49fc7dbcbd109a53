//! Messages and keys that are not right.

use super::*;
use crate::seal::Public;

/// The points whose multiples by a clamped scalar are all zero, and how else they can be written.
fn low_order() -> Vec<Public> {
    const SMALL: [[u8; 2]; 2] = [[0, 0], [1, 0]];
    // 2^255 - 19 - 1, 2^255 - 19, 2^255 - 19 + 1
    const LARGE: [[u8; 2]; 3] = [[0xec, 0x7f], [0xed, 0x7f], [0xee, 0x7f]];
    // The two of order eight.
    const EIGHT: [[u8; 32]; 2] = [
        *b"\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a\
           \xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8\x00",
        *b"\x5f\x9c\x95\xbc\xa3\x50\x8c\x24\xb1\xd0\xb1\x55\x9c\x83\xef\x5b\
           \x04\x44\x5c\xc4\x58\x1c\x8e\x86\xd8\x22\x4e\xdd\xd0\x9f\x11\x57",
    ];
    let edge = |[low, high]: [u8; 2], fill| {
        let mut bytes = [fill; 32];
        (bytes[0], bytes[31]) = (low, high);
        bytes
    };
    let mut all: Vec<_> = SMALL.map(|ends| edge(ends, 0)).into();
    all.extend(LARGE.map(|ends| edge(ends, 0xff)));
    all.extend(EIGHT);
    // The highest bit is ignored (RFC 7748, section 5).
    let with_bit: Vec<_> = all
        .iter()
        .map(|bytes| {
            let mut bytes = *bytes;
            bytes[31] |= 0x80;
            bytes
        })
        .collect();
    all.extend(with_bit);
    // The first is zero, which is of low order in the small field of Miri, too.
    all.into_iter().map(Public).collect()
}

#[test]
fn case_24_points_of_low_order_are_refused_wherever_they_come_in() {
    for point in low_order().into_iter().take(fewer(usize::MAX, 1)) {
        // As the responder's key.
        let world = World::new(Pattern::Ik);
        for keys in
            [InitiatorKeys::Ik { own: &world.client, peer: &point }, InitiatorKeys::Nk { peer: &point }]
        {
            let prologue = World::new(keys_pattern(&keys)).prologue;
            let started = Initiator::start(&keys, &prologue, ephemeral(1), b"", &mut [0; 96]);
            assert_eq!(started.err(), Some(Refused::Key), "{point:?}");
        }
        for pattern in patterns() {
            let world = World::new(pattern);
            // As the ephemeral key of message 1, and of message 2.
            let (mut initiator, mut first) = world.first(b"");
            let (_, mut second) = world.second(&first, b"");
            let right = second.clone();
            first[..32].copy_from_slice(&point.0);
            assert_eq!(world.read(&first).err(), Some(Refused::Key), "{point:?}");
            second[..32].copy_from_slice(&point.0);
            assert_eq!(finish(&mut initiator, &second).err(), Some(Refused::Key), "{point:?}");
            assert!(finish(&mut initiator, &right).is_ok());
        }
        // As the key that an introduction names.
        let world = World::new(Pattern::KkPsk0);
        let (_, first) = world.first(b"");
        let keys = ResponderKeys::KkPsk0 { own: &world.server, peer: &point, psk: &world.psk };
        let read = Responder::read(&keys, &world.prologue, &first, &mut []);
        assert_eq!(read.err(), Some(Refused::Key));
    }
}

fn keys_pattern(keys: &InitiatorKeys<'_, Tested>) -> Pattern {
    if matches!(keys, InitiatorKeys::Ik { .. }) { Pattern::Ik } else { Pattern::Nk }
}

#[test]
fn case_25_every_shorter_message_is_refused_and_so_is_every_longer_one() {
    for pattern in patterns() {
        let world = World::new(pattern);
        let (mut initiator, first) = world.first(b"hello");
        let (_, second) = world.second(&first, b"welcome");
        for length in (0..first.len()).step_by(fewer(1, 61)) {
            assert!(world.read(&first[..length]).is_err(), "{length}");
        }
        for length in (0..second.len()).step_by(fewer(1, 61)) {
            assert!(finish(&mut initiator, &second[..length]).is_err(), "{length}");
        }
        assert!(world.read(&[&first[..], &[0]].concat()).is_err());
        assert!(finish(&mut initiator, &[&second[..], &[0]].concat()).is_err());
        assert!(finish(&mut initiator, &second).is_ok());
    }
}

#[test]
fn case_26_every_flipped_bit_is_refused_and_the_right_message_is_taken_after_all_of_them() {
    for pattern in patterns() {
        let world = World::new(pattern);
        let (mut initiator, first) = world.first(b"hi");
        let (_, second) = world.second(&first, b"yo");
        for bit in (0..first.len() * 8).step_by(fewer(1, 311)) {
            let mut first = first.clone();
            first[bit / 8] ^= 1 << (bit % 8);
            assert!(world.read(&first).is_err(), "{bit}");
        }
        for bit in (0..second.len() * 8).step_by(fewer(1, 311)) {
            let mut second = second.clone();
            second[bit / 8] ^= 1 << (bit % 8);
            assert!(finish(&mut initiator, &second).is_err(), "{bit}");
        }
        assert!(finish(&mut initiator, &second).is_ok());
    }
}

#[test]
fn case_29_whatever_is_changed_in_the_prologue_breaks_the_handshake() {
    for pattern in patterns() {
        let world = World::new(pattern);
        let (_, first) = world.first(b"");
        let right = world.prologue;
        let mut others = vec![
            Prologue { transport: Transport::Records, ..right },
            Prologue { suites: Suites::CHACHA.and(crate::wire::seal::Suite::Aes), ..right },
            Prologue { context: [8; 32], ..right },
        ];
        match pattern {
            Pattern::Ik => {}
            Pattern::Nk => others.push(Prologue { purpose: Purpose::Salt, ..right }),
            Pattern::NkPsk0 => others.push(Prologue { purpose: Purpose::Enrol { invite: [7; 8] }, ..right }),
            Pattern::KkPsk0 => {
                others.push(Prologue { purpose: Purpose::Peer { introduction: [7; 16] }, ..right });
            }
        }
        for prologue in others {
            let read = Responder::read(&world.responder_keys(), &prologue, &first, &mut []);
            assert_eq!(read.err(), Some(Refused::Forged), "{prologue:?}");
        }
    }
}

#[test]
fn case_30_another_server_key_client_key_or_psk_is_refused() {
    for pattern in patterns() {
        let world = World::new(pattern);
        let (mut initiator, first) = world.first(b"");
        let server = World { server: pair(7), ..World::new(pattern) };
        assert_eq!(server.read(&first).err(), Some(Refused::Forged));
        // Whoever answers without the server's key answers another handshake.
        let (_, foreign) = server.first(b"");
        let (_, second) = server.second(&foreign, b"");
        assert_eq!(finish(&mut initiator, &second).err(), Some(Refused::Forged));
        if has_psk(pattern) {
            let other = World { psk: Psk::new(Secret::new([7; 32])), ..World::new(pattern) };
            assert_eq!(other.read(&first).err(), Some(Refused::Forged));
        }
        if pattern == Pattern::KkPsk0 {
            let other = World { client: pair(7), ..World::new(pattern) };
            assert_eq!(other.read(&first).err(), Some(Refused::Forged));
        }
    }
}

#[test]
fn keys_that_do_not_fit_the_purpose_are_refused() {
    for ours in PATTERNS {
        for theirs in PATTERNS.into_iter().filter(|&theirs| theirs != ours) {
            let (world, other) = (World::new(ours), World::new(theirs));
            let started =
                Initiator::start(&world.initiator_keys(), &other.prologue, ephemeral(1), b"", &mut [0; 96]);
            assert_eq!(started.err(), Some(Refused::Malformed));
            let read = Responder::read(&world.responder_keys(), &other.prologue, &[0; 96], &mut []);
            assert_eq!(read.err(), Some(Refused::Malformed));
        }
    }
}

#[test]
fn a_handshake_gives_its_keys_once() {
    for pattern in patterns() {
        let world = World::new(pattern);
        let (mut initiator, first) = world.first(b"");
        let (_, second) = world.second(&first, b"");
        assert!(finish(&mut initiator, &second).is_ok());
        assert_eq!(finish(&mut initiator, &second).err(), Some(Refused::Closed));
        assert_eq!(format!("{initiator:?}"), "Initiator { over: true }");
    }
}

#[test]
fn no_garbage_of_any_length_is_a_message() {
    let mut random = 1_u64;
    for pattern in patterns() {
        let world = World::new(pattern);
        let (mut initiator, first) = world.first(b"");
        for length in (0..300).step_by(fewer(1, 75)) {
            let garbage: Vec<_> = (0..length)
                .map(|_| {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (random >> 56) as u8
                })
                .collect();
            assert!(world.read(&garbage).is_err());
            assert!(finish(&mut initiator, &garbage).is_err());
        }
        let (_, second) = world.second(&first, b"");
        assert!(finish(&mut initiator, &second).is_ok());
    }
}
