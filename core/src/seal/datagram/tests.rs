use super::*;
use crate::{
    miri::fewer,
    seal::{Secret, Tested},
};
use std::collections::BTreeMap;

const GENERATION: u64 = 1 << GENERATION_BITS;
const CID: ConnectionId = *b"receiver";

/// A sending side and the receiving side that belongs to it, in every suite that is built in.
fn pairs() -> Vec<(Protection<Tested>, Protection<Tested>)> {
    pairs_of()
}

fn pairs_of<P: Provider>() -> Vec<(Protection<P>, Protection<P>)> {
    let keys = |send: u8, receive: u8| Keys {
        send: Secret::new([send; 32]),
        receive: Secret::new([receive; 32]),
        binding: [0; 32],
    };
    let side = |suite, send, receive| Protection::new(suite, &keys(send, receive), CID);
    Suite::ALL.into_iter().filter_map(|suite| Some((side(suite, 1, 2)?, side(suite, 2, 1)?))).collect()
}

fn with_room(text: &[u8]) -> Vec<u8> {
    [&[0; FRONT], text, &[0; TAG_LENGTH]].concat()
}

fn seal<P: Provider>(from: &mut Protection<P>, text: &[u8]) -> Vec<u8> {
    let mut datagram = with_room(text);
    from.seal(&mut datagram).unwrap();
    datagram
}

fn open<P: Provider>(to: &mut Protection<P>, datagram: &[u8]) -> Result<Vec<u8>, Refused> {
    to.open(&mut datagram.to_vec()).map(|text| text.to_vec())
}

/// Both sides as if everything before this number had been sent and received.
fn skip_to<P: Provider>(from: &mut Protection<P>, to: &mut Protection<P>, next: u64) {
    let mut cipher = from.sealer.next() >> GENERATION_BITS;
    from.sealer.skip_to(next);
    to.opener.skip_to(next);
    while cipher < next >> GENERATION_BITS {
        from.sealer.advance();
        cipher += 1;
    }
}

#[test]
fn what_one_side_seals_the_other_opens_in_any_order() {
    for (mut from, mut to) in pairs() {
        let mut sealed: Vec<_> = (0..100_u8)
            .step_by(fewer(1, 9))
            .map(|byte| seal(&mut from, &vec![byte; usize::from(byte)]))
            .collect();
        sealed.rotate_left(7);
        for datagram in &sealed {
            let text = open(&mut to, datagram).unwrap();
            assert_eq!(text.len() + OVERHEAD, datagram.len());
            assert!(text.iter().all(|&byte| usize::from(byte) == text.len()));
        }
        let reverse = seal(&mut to, b"and back");
        assert_eq!(open(&mut from, &reverse).unwrap(), b"and back");
    }
}

#[test]
fn datagrams_have_these_bytes() {
    // Made with Python's hashlib, hmac and cryptography 48 from the description of the module and of
    // `Aead::new`: number 1, and number 2^20, which is under the next key.
    const GOLDEN: [[&[u8; 18]; 2]; 2] = [
        [
            b"\x25\x53\xae\xa2\xf9\x79\x92\x1d\x5c\xda\x3a\x39\xda\xc9\x73\x00\x5f\xf9",
            b"\xc8\x32\x2e\x39\x74\x74\x55\x4e\xbc\x3b\xb1\x37\xbd\xf5\xfd\x31\xbd\x6e",
        ],
        [
            b"\xdf\xca\x67\xe7\xe4\xac\x26\xf9\x94\x3a\xa3\xfd\x04\x81\x91\xc9\x95\x68",
            b"\x55\xfe\x2a\xfe\xdc\x22\x13\x76\x78\xc1\xf5\x0c\x17\x1f\xfd\xea\xc5\x74",
        ],
    ];
    for ((mut from, _), [first, next]) in pairs_of::<RustCrypto>().into_iter().zip(GOLDEN) {
        seal(&mut from, b"");
        assert_eq!(seal(&mut from, b"hi"), [&b"\x40\x00receiver\x00\x00\x00\x01"[..], first].concat());
        from.refresh();
        assert_eq!(seal(&mut from, b"hi"), [&b"\x41\x00receiver\x00\x10\x00\x00"[..], next].concat());
    }
}

#[test]
fn a_batch_is_what_its_datagrams_sealed_one_by_one_would_be() {
    for ((mut batch, _), (mut single, mut to)) in pairs().into_iter().zip(pairs()) {
        for last in [OVERHEAD, OVERHEAD + 7, 100] {
            let mut buffer = vec![7; fewer(300, 100) + last];
            let expected: Vec<u8> = buffer
                .chunks(100)
                .flat_map(|datagram| seal(&mut single, &datagram[FRONT..datagram.len() - TAG_LENGTH]))
                .collect();
            let first = batch.seal_batch(&mut buffer, 100).unwrap();
            assert!(first.is_multiple_of(fewer(4, 2)));
            assert_eq!(buffer, expected);
            for datagram in buffer.chunks(100) {
                assert!(open(&mut to, datagram).is_ok());
            }
        }
    }
}

#[test]
fn a_batch_with_a_datagram_that_is_too_short_is_refused_and_no_number_is_used() {
    for (mut from, _) in pairs() {
        for (length, stride) in
            [(0, 100), (100, 0), (100, OVERHEAD - 1), (200 + OVERHEAD - 1, 100), (101, 100)]
        {
            let mut buffer = vec![7; length];
            assert_eq!(from.seal_batch(&mut buffer, stride), Err(Refused::Length), "{length} {stride}");
            assert_eq!(buffer, vec![7; length]);
        }
        assert_eq!(from.seal(&mut [0; OVERHEAD - 1]), Err(Refused::Length));
        assert_eq!(from.seal(&mut []), Err(Refused::Length));
        assert_eq!(from.seal(&mut with_room(b"")), Ok(0));
    }
}

#[test]
fn case_27_a_datagram_is_opened_once_and_a_late_one_while_the_window_reaches_it() {
    const LAST: u64 = 1_999;
    let lowest = LAST + 1 - WINDOW;
    for (mut from, mut to) in pairs() {
        let numbers = (0..LAST).step_by(fewer(1, 97)).chain([lowest - 1, lowest, LAST]);
        let sealed: BTreeMap<u64, _> = numbers
            .map(|number| {
                from.sealer.skip_to(number);
                (number, seal(&mut from, b"x"))
            })
            .collect();
        assert!(open(&mut to, &sealed[&LAST]).is_ok());
        assert_eq!(open(&mut to, &sealed[&LAST]), Err(Refused::Replayed));
        assert!(open(&mut to, &sealed[&lowest]).is_ok());
        assert_eq!(open(&mut to, &sealed[&(lowest - 1)]), Err(Refused::Replayed));
        for (&number, datagram) in &sealed {
            let fresh = number > lowest && number != LAST;
            assert_eq!(open(&mut to, datagram).is_ok(), fresh, "{number}");
        }
        assert_eq!(to.forged(), 0);
    }
}

#[test]
fn every_flipped_bit_and_every_truncation_is_refused_and_leaves_the_datagram_and_the_state() {
    for (mut from, mut to) in pairs() {
        let sealed = seal(&mut from, b"some text");
        for bit in (0..sealed.len() * 8).step_by(fewer(1, 13)) {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let before = bad.clone();
            assert!(to.open(&mut bad).is_err(), "{bit}");
            assert_eq!(bad, before);
        }
        for length in 0..sealed.len() {
            assert!(open(&mut to, &sealed[..length]).is_err(), "{length}");
        }
        assert_eq!(to.opener.expected(), 0);
        assert!(to.forged() > 0);
        assert_eq!(open(&mut to, &sealed).unwrap(), b"some text");
    }
}

#[test]
fn keys_change_without_a_word_and_late_datagrams_of_the_key_before_are_opened() {
    for (mut from, mut to) in pairs() {
        skip_to(&mut from, &mut to, GENERATION - 3);
        let sealed: Vec<_> = (0..6).map(|_| seal(&mut from, b"x")).collect();
        let phases: Vec<_> = sealed.iter().map(|datagram| datagram[0]).collect();
        assert_eq!(phases, [0x40, 0x40, 0x40, 0x41, 0x41, 0x41]);
        for place in [3, 0, 5, 2, 1, 4] {
            assert_eq!(open(&mut to, &sealed[place]).unwrap(), b"x");
        }
        // Beyond the window, where one key is enough again.
        for _ in 0..fewer(WINDOW + 2, 2) {
            from.sealer.skip_to(from.sealer.next() + fewer(0, WINDOW));
            let datagram = seal(&mut from, b"");
            open(&mut to, &datagram).unwrap();
        }
    }
}

#[test]
fn keys_change_again_and_again() {
    for (mut from, mut to) in pairs() {
        for generation in 1..5 {
            skip_to(&mut from, &mut to, generation * GENERATION - 1);
            for _ in 0..2 {
                let datagram = seal(&mut from, b"y");
                assert_eq!(open(&mut to, &datagram).unwrap(), b"y");
            }
        }
    }
}

#[test]
fn case_28_an_attacker_s_key_phase_changes_nothing() {
    for (mut from, mut to) in pairs() {
        skip_to(&mut from, &mut to, GENERATION - 1);
        let sealed = seal(&mut from, b"x");
        // The bit alone does not fit the number; with a number that it fits, the tag does not.
        let mut flipped = sealed.clone();
        flipped[0] ^= 1;
        assert_eq!(open(&mut to, &flipped), Err(Refused::Malformed));
        assert_eq!(to.forged(), 0);
        flipped[10..14].copy_from_slice(&(GENERATION as u32 + 5).to_be_bytes());
        assert_eq!(open(&mut to, &flipped), Err(Refused::Forged));
        assert_eq!(to.forged(), 1);
        // Two generations ahead there is no key.
        flipped[0] ^= 1;
        flipped[10..14].copy_from_slice(&(2 * GENERATION as u32).to_be_bytes());
        assert_eq!(open(&mut to, &flipped), Err(Refused::Malformed));
        assert_eq!(open(&mut to, &sealed).unwrap(), b"x");
        let next = seal(&mut from, b"y");
        assert_eq!(open(&mut to, &next).unwrap(), b"y");
    }
}

#[test]
fn a_refresh_goes_on_with_the_next_key_once() {
    for (mut from, mut to) in pairs() {
        from.refresh();
        assert_eq!(from.seal(&mut with_room(b"")), Ok(0));
        let before = seal(&mut from, b"before");
        from.refresh();
        from.refresh();
        let mut after = with_room(b"after");
        assert_eq!(from.seal(&mut after), Ok(GENERATION));
        assert_eq!(open(&mut to, &after).unwrap(), b"after");
        // Further behind than the window: lost.
        assert_eq!(open(&mut to, &before), Err(Refused::Replayed));
    }
}

#[test]
fn the_numbers_go_on_beyond_32_bits() {
    for (mut from, mut to) in pairs() {
        // A generation's key follows from the one before: these two only count from far on.
        let far = 5 << 32;
        from.sealer.skip_to(far - 2);
        to.opener.skip_keys_to(far - 2);
        for number in far - 2..far {
            let mut datagram = with_room(b"z");
            assert_eq!(from.seal(&mut datagram), Ok(number));
            assert_eq!(datagram[10..14], (number as u32).to_be_bytes());
            assert_eq!(open(&mut to, &datagram).unwrap(), b"z");
        }
        let datagram = seal(&mut from, b"z");
        assert_eq!(datagram[10..14], [0; 4]);
        assert_eq!(open(&mut to, &datagram).unwrap(), b"z");
    }
}

#[test]
fn a_session_closes_at_its_limits() {
    for (mut from, mut to) in pairs() {
        from.sealer.skip_to(NUMBERS_MAX - 2);
        let mut batch = [0; 3 * OVERHEAD];
        assert_eq!(from.seal_batch(&mut batch, OVERHEAD), Err(Refused::Closed));
        assert_eq!(from.seal_batch(&mut batch[..2 * OVERHEAD], OVERHEAD), Ok(NUMBERS_MAX - 2));
        assert!(from.is_closed());
        assert_eq!(from.seal(&mut with_room(b"")), Err(Refused::Closed));
        from.refresh();
        assert_eq!(from.seal(&mut with_room(b"")), Err(Refused::Closed));

        to.opener.forge(FORGED_MAX - 1);
        assert!(!to.is_closed());
        assert_eq!(to.open(&mut with_room(b"")).map(|_| ()), Err(Refused::Malformed));
        let forged =
            [&DataHeader { phase: false, destination: CID, number: 0 }.bytes()[..], &[0; 16]].concat();
        assert_eq!(open(&mut to, &forged), Err(Refused::Forged));
        assert!(to.is_closed());
        assert_eq!(open(&mut to, &forged), Err(Refused::Closed));
        assert_eq!(to.seal(&mut with_room(b"")), Err(Refused::Closed));
    }
}

#[test]
fn garbage_opens_nothing_and_changes_nothing() {
    let mut random = 1_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 56) as u8
    };
    for (mut from, mut to) in pairs() {
        for count in 0..fewer(20_000_u64, 90) {
            let mut datagram: Vec<u8> = (0..count % 90).map(|_| next()).collect();
            if let (true, Some(front)) = (count % 3 > 0, datagram.get_mut(..10)) {
                front.copy_from_slice(b"\x40\0receiver");
            }
            assert!(to.open(&mut datagram).is_err());
        }
        assert_eq!(to.opener.expected(), 0);
        let sealed = seal(&mut from, b"x");
        assert_eq!(open(&mut to, &sealed).unwrap(), b"x");
    }
}

#[test]
fn nothing_secret_is_shown() {
    let (from, _) = pairs().remove(0);
    assert_eq!(format!("{from:?}"), "Protection { next: 0, expected: 0, forged: 0 }");
}
