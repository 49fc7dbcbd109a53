use super::*;
use crate::{
    miri::fewer,
    seal::{Keys, Provider, Refused, RustCrypto, Secret, Tested},
    wire::seal::Suite,
};

/// The largest record of a device, in bytes of ciphertext and tag.
const DEVICE_LARGEST: u16 = 1_024 + 16;

/// A sending side and the receiving side that belongs to it, in every suite that is built in.
fn pairs(largest: u16) -> Vec<(Sealer<Tested>, Opener<Tested>)> {
    pairs_of(largest)
}

fn pairs_of<P: Provider>(largest: u16) -> Vec<(Sealer<P>, Opener<P>)> {
    let keys = Keys { send: Secret::new([1; 32]), receive: Secret::new([1; 32]), binding: [0; 32] };
    let pair = |suite| Some((Sealer::new(suite, &keys, largest)?, Opener::new(suite, &keys, largest)?));
    Suite::ALL.into_iter().filter_map(pair).collect()
}

fn with_room(text: &[u8]) -> Vec<u8> {
    [&[0; FRONT], text, &[0; TAG_LENGTH]].concat()
}

fn seal<P: Provider>(from: &mut Sealer<P>, text: &[u8]) -> Vec<u8> {
    let mut record = with_room(text);
    from.seal(&mut record).unwrap();
    record
}

/// Opens whatever a byte stream brings, byte by byte: the text, and whether it ended.
fn drink<P: Provider>(to: &mut Opener<P>, stream: &[u8]) -> (Vec<u8>, Result<bool, Refused>) {
    let (mut text, mut buffer) = (Vec::new(), Vec::new());
    for &byte in stream {
        buffer.push(byte);
        match to.needed(&buffer) {
            Err(refused) => return (text, Err(refused)),
            Ok(needed) if needed > buffer.len() => continue,
            Ok(needed) => assert_eq!(needed, buffer.len()),
        }
        match to.open(&mut buffer) {
            Err(refused) => return (text, Err(refused)),
            Ok(Opened::End) => return (text, Ok(true)),
            Ok(Opened::Text(more)) => text.extend_from_slice(more),
        }
        buffer.clear();
    }
    (text, Ok(false))
}

#[test]
fn a_stream_arrives_and_its_end_is_seen() {
    for (mut from, mut to) in pairs(DEVICE_LARGEST) {
        let mut stream = seal(&mut from, b"one ");
        stream.extend(seal(&mut from, &[b'x'; 1_024]));
        stream.extend(seal(&mut from, b" two"));
        stream.extend(from.end().unwrap());
        let (text, end) = drink(&mut to, &stream);
        assert_eq!(text, [b"one ", &[b'x'; 1_024][..], b" two"].concat());
        assert_eq!(end, Ok(true));
        assert_eq!(to.needed(&[]), Err(Refused::Closed));
        assert_eq!(to.open(&mut stream), Err(Refused::Closed));
    }
}

#[test]
fn a_stream_that_is_cut_off_anywhere_has_no_end() {
    let mut streams = pairs(DEVICE_LARGEST).into_iter().map(|(mut from, _)| {
        let one = seal(&mut from, b"one");
        [&one[..], &from.end().unwrap()].concat()
    });
    for place in 0..pairs(DEVICE_LARGEST).len() {
        let stream = streams.next().unwrap();
        for length in (0..stream.len()).step_by(fewer(1, 5)) {
            let (_, mut to) = pairs(DEVICE_LARGEST).remove(place);
            let expected: &[u8] = if length < OVERHEAD + 3 { b"" } else { b"one" };
            assert_eq!(drink(&mut to, &stream[..length]), (expected.to_vec(), Ok(false)));
        }
    }
}

#[test]
fn a_record_has_these_bytes() {
    // Made with Python's hashlib, hmac and cryptography 48 from the descriptions of the module and of
    // `Aead::new`.
    const GOLDEN: [&[u8; 20]; 2] = [
        b"\x00\x12\x69\x4e\x2f\xff\xf4\xe2\xe4\x1c\xb1\x34\x25\xe3\x39\x26\xe8\x14\xa3\x49",
        b"\x00\x12\xbc\x1c\x4a\xf6\xfc\x52\x82\xb2\x4c\x68\x9c\x59\x87\x3e\x1c\xc8\xe1\x36",
    ];
    for ((mut from, _), golden) in pairs_of::<RustCrypto>(HOST_LARGEST).into_iter().zip(GOLDEN) {
        assert_eq!(seal(&mut from, b"hi"), golden);
    }
}

#[test]
fn every_flipped_bit_breaks_the_stream_for_good() {
    for place in 0..pairs(HOST_LARGEST).len() {
        let (mut from, _) = pairs(HOST_LARGEST).remove(place);
        let record = seal(&mut from, b"text");
        for bit in (0..record.len() * 8).step_by(fewer(1, 17)) {
            let (_, mut to) = pairs(HOST_LARGEST).remove(place);
            let mut bad = record.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(to.open(&mut bad).is_err());
            assert_eq!(to.open(&mut record.clone()), Err(Refused::Closed), "{bit}");
            assert_eq!(to.needed(&record), Err(Refused::Closed));
        }
    }
}

#[test]
fn a_record_that_is_repeated_left_out_or_exchanged_with_another_is_refused() {
    for order in [[0, 0], [1, 0], [1, 2]] {
        for (mut from, mut to) in pairs(HOST_LARGEST) {
            let records: Vec<_> = (0..3).map(|_| seal(&mut from, b"same")).collect();
            let mut stream = records[order[0]].clone();
            stream.extend(&records[order[1]]);
            assert_eq!(drink(&mut to, &stream).1, Err(Refused::Forged));
        }
    }
}

#[test]
fn nobody_sends_or_takes_more_than_the_receiver_has_announced() {
    for (mut from, mut to) in pairs(300) {
        assert_eq!((from.text_max(), to.room()), (284, 302));
        assert_eq!(from.seal(&mut with_room(&[0; 285])), Err(Refused::Length));
        let longest = seal(&mut from, &[0; 284]);
        assert_eq!(to.needed(&longest), Ok(302));
        assert!(to.open(&mut longest.clone()).is_ok());
        assert_eq!(to.needed(&[1]), Ok(2));
        assert_eq!(to.needed(&301_u16.to_be_bytes()), Err(Refused::Length));
        assert_eq!(to.needed(&longest), Err(Refused::Closed));
    }
    for (_, mut to) in pairs(HOST_LARGEST) {
        assert_eq!(to.needed(&[0, 15]), Err(Refused::Length));
    }
}

#[test]
fn a_host_s_largest_record_has_65_519_bytes_of_text() {
    for (mut from, mut to) in pairs(HOST_LARGEST).into_iter().take(fewer(usize::MAX, 1)) {
        assert_eq!(from.text_max(), 65_519);
        let mut record = seal(&mut from, &[5; 65_519]);
        assert_eq!(record.len(), to.room());
        assert!(matches!(to.open(&mut record), Ok(Opened::Text(text)) if text.len() == 65_519));
        assert_eq!(from.seal(&mut with_room(&[5; 65_520])), Err(Refused::Length));
    }
}

#[test]
fn an_empty_record_is_only_the_end_and_nothing_follows_it() {
    for (mut from, mut to) in pairs(HOST_LARGEST) {
        assert_eq!(from.seal(&mut with_room(b"")), Err(Refused::Length));
        assert_eq!(from.seal(&mut []), Err(Refused::Length));
        let mut end = from.end().unwrap();
        assert_eq!(from.end(), Err(Refused::Closed));
        assert_eq!(from.seal(&mut with_room(b"x")), Err(Refused::Closed));
        assert_eq!(to.open(&mut end), Ok(Opened::End));
        assert_eq!(to.open(&mut end), Err(Refused::Closed));
    }
}

#[test]
fn keys_change_after_a_generation_without_a_word() {
    const GENERATION: u64 = 1 << GENERATION_BITS;
    for (mut from, mut to) in pairs(HOST_LARGEST) {
        from.skip_to(GENERATION - 2);
        to.skip_to(GENERATION - 2);
        for _ in 0..4 {
            let mut record = seal(&mut from, b"on");
            assert_eq!(to.open(&mut record), Ok(Opened::Text(&mut b"on".to_owned())));
        }
        // A side that did not change its key is told apart.
        let (_, mut old) = pairs(HOST_LARGEST).remove(0);
        old.skip_to(GENERATION + 2);
        let mut record = seal(&mut from, b"on");
        assert_eq!(old.open(&mut record), Err(Refused::Forged));
    }
}

#[test]
fn a_direction_closes_at_its_last_number() {
    for (mut from, mut to) in pairs(HOST_LARGEST) {
        from.skip_to(NUMBERS_MAX);
        to.skip_to(NUMBERS_MAX);
        assert_eq!(from.seal(&mut with_room(b"x")), Err(Refused::Closed));
        assert_eq!(from.end(), Err(Refused::Closed));
        assert_eq!(to.open(&mut [&[0, 17][..], &[0; 17]].concat()), Err(Refused::Closed));
    }
}
