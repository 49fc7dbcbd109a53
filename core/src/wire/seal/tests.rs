use super::*;

const CLIENT: ConnectionId = *b"client-i";
const SERVER: ConnectionId = *b"server-i";
const MESSAGE: [u8; 48] = [0xaa; 48];
const INVITE: Purpose = Purpose::Enrol { invite: *b"invitatn" };
const INTRODUCTION: Purpose = Purpose::Peer { introduction: *b"introduction-16b" };
const PURPOSES: [Purpose; 5] = [Purpose::Member, Purpose::Guest, Purpose::Salt, INVITE, INTRODUCTION];

/// A check that tells what it covers by its length.
fn check(covered: &[u8]) -> [u8; 16] {
    [covered.len() as u8; 16]
}

fn init1(purpose: Purpose, cookie: Option<Cookie>) -> Init1<'static> {
    Init1 { suites: Suites::CHACHA.and(Suite::Aes), purpose, client: CLIENT, message: &MESSAGE, cookie }
}

fn emitted(emit: impl FnOnce(&mut [u8]) -> Option<usize>) -> Vec<u8> {
    let mut out = vec![0xee; 2_000];
    let length = emit(&mut out).unwrap();
    out.truncate(length);
    out
}

#[test]
fn init1_has_these_bytes() {
    let plain = emitted(|out| init1(Purpose::Member, None).emit(0, check, out));
    let fields = [&b"SKES\x01\x01\x03\x01client-i\x00\x30"[..], &MESSAGE, &[66; 16], b"\x00"].concat();
    assert_eq!(plain, [&fields[..], &vec![0; INIT1_MIN - fields.len()]].concat());

    let invited = emitted(|out| init1(INVITE, Some([0xcc; 16])).emit(300, check, out));
    let fields =
        [&b"SKES\x01\x01\x03\x04client-i\x00\x30invitatn"[..], &MESSAGE, &[74; 16], b"\x10", &[0xcc; 16]]
            .concat();
    assert_eq!(invited, [&fields[..], &vec![0; 300 - fields.len()]].concat());
}

#[test]
fn init1_comes_back_as_it_was_with_the_proof() {
    for purpose in PURPOSES {
        for cookie in [None, Some([7; 16])] {
            let init1 = init1(purpose, cookie);
            let bytes = emitted(|out| init1.emit(1_200, check, out));
            assert_eq!(bytes.len(), 1_200);
            let (parsed, proof) = Init1::parse(&bytes).unwrap();
            assert_eq!(parsed, init1);
            let start = 18 + purpose.id().len();
            assert_eq!(bytes[start..start + 48], MESSAGE);
            assert_eq!((proof.covered, proof.check), (&bytes[..start + 48], &check(proof.covered)));
            assert_eq!(Packet::parse(&bytes), Some(Packet::Init1(parsed, proof)));
        }
    }
}

#[test]
fn a_cookie_changes_nothing_that_is_covered() {
    let without = emitted(|out| init1(Purpose::Member, None).emit(0, check, out));
    let with = emitted(|out| init1(Purpose::Member, Some([7; 16])).emit(0, check, out));
    assert_eq!(Init1::parse(&without).unwrap().1, Init1::parse(&with).unwrap().1);
}

#[test]
fn every_truncation_of_init1_is_refused_and_no_answer_is_longer_than_the_shortest() {
    for purpose in PURPOSES {
        let message = [1; 200];
        let init1 = Init1 { message: &message, ..init1(purpose, Some([7; 16])) };
        let bytes = emitted(|out| init1.emit(0, check, out));
        for length in 0..bytes.len() {
            assert_eq!(Init1::parse(&bytes[..length]), None, "{length}");
            assert_eq!(init1.emit(0, check, &mut vec![0; length]), None);
        }
        let short = emitted(|out| init1_short(purpose).emit(0, check, out));
        assert_eq!(short.len(), INIT1_MIN);
        assert!((0..INIT1_MIN).all(|length| Init1::parse(&short[..length]).is_none()));
    }
    const { assert!(CHALLENGE_LENGTH < INIT1_MIN) };
}

fn init1_short(purpose: Purpose) -> Init1<'static> {
    init1(purpose, None)
}

#[test]
fn an_init1_with_a_field_that_is_none_is_refused() {
    let good = emitted(|out| init1(Purpose::Member, None).emit(0, check, out));
    // Magic, type, version, no suite, purpose, message length too short and too long, cookie length.
    let bad =
        [(0, b's'), (4, 4), (5, 2), (6, 0), (7, 0), (7, 6), (17, 47), (16, 3), (82, 1), (82, 15), (82, 17)];
    for (place, value) in bad {
        let mut bytes = good.clone();
        bytes[place] = value;
        assert_eq!(Init1::parse(&bytes), None, "{place} {value}");
    }
    // A suite that we do not know is kept, and so is what follows the padding.
    let mut bytes = good;
    bytes[6] = 0x83;
    *bytes.last_mut().unwrap() = 1;
    assert_eq!(Init1::parse(&bytes).unwrap().0.suites.byte(), 0x83);
}

#[test]
fn messages_of_a_length_that_is_not_allowed_are_not_sent() {
    for length in [0, 47, 513, 70_000] {
        let message = vec![0; length];
        let mut out = vec![0; 80_000];
        assert_eq!(Init1 { message: &message, ..init1(Purpose::Guest, None) }.emit(0, check, &mut out), None);
        assert_eq!(Init2 { client: CLIENT, message: &message }.emit(&mut out), None);
        assert_eq!(Reply { message: &message }.emit(&mut out), None);
        let hello = Hello { suites: Suites::CHACHA, purpose: Purpose::Guest, message: &message };
        assert_eq!(hello.emit(check, &mut out), None);
    }
}

#[test]
fn a_challenge_has_these_bytes_and_every_other_length_is_refused() {
    let challenge = Challenge { client: CLIENT, cookie: *b"0123456789abcdef" };
    let bytes = emitted(|out| challenge.emit(check, out));
    assert_eq!(bytes, b"SKES\x02\0\0\0client-i0123456789abcdef                ");
    assert_eq!(bytes.len(), CHALLENGE_LENGTH);
    let proof = Proof { covered: &bytes[..32], check: &[32; 16] };
    assert_eq!(Packet::parse(&bytes), Some(Packet::Challenge(challenge, proof)));
    for length in 0..bytes.len() {
        assert_eq!(Challenge::parse(&bytes[..length]), None);
        assert_eq!(challenge.emit(check, &mut vec![0; length]), None);
    }
    assert_eq!(Challenge::parse(&[&bytes[..], &[0]].concat()), None);
    for place in 0..8 {
        let mut bytes = bytes.clone();
        bytes[place] ^= 0x20;
        assert_eq!(Packet::parse(&bytes), None, "{place}");
    }
}

#[test]
fn init2_has_these_bytes_and_shorter_ones_are_refused_and_padding_is_ignored() {
    let init2 = Init2 { client: CLIENT, message: &MESSAGE };
    let bytes = emitted(|out| init2.emit(out));
    assert_eq!(bytes, [&b"SKES\x03\0\0\x30client-i"[..], &MESSAGE].concat());
    assert_eq!(Init2::MESSAGE_START + MESSAGE.len(), bytes.len());
    assert_eq!(Packet::parse(&bytes), Some(Packet::Init2(init2)));
    for length in 0..bytes.len() {
        assert_eq!(Init2::parse(&bytes[..length]), None);
        assert_eq!(init2.emit(&mut vec![0; length]), None);
    }
    assert_eq!(Init2::parse(&[&bytes[..], &[0; 1_128]].concat()), Some(init2));
    for (length, allowed) in [(47_u16, false), (48, true), (512, true), (513, false), (u16::MAX, false)] {
        let head = [&b"SKES\x03\0"[..], &length.to_be_bytes(), &bytes[8..16], &[0; 65_535]].concat();
        assert_eq!(
            Init2::parse(&head).is_some_and(|init2| init2.message.len() == usize::from(length)),
            allowed
        );
    }
    assert_eq!(Init2::parse(&[&b"SKES\x03\x01"[..], &bytes[6..]].concat()), None);
}

#[test]
fn a_data_header_has_these_bytes_and_needs_a_tag_after_it() {
    let header = DataHeader { phase: false, destination: SERVER, number: 0x0102_0304 };
    assert_eq!(header.bytes(), *b"\x40\0server-i\x01\x02\x03\x04");
    for header in [header, DataHeader { phase: true, ..header }] {
        let datagram = [&header.bytes()[..], &[0; 20]].concat();
        assert_eq!(Packet::parse(&datagram), Some(Packet::Data(header)));
        for length in 0..datagram.len() {
            assert_eq!(DataHeader::parse(&datagram[..length]).is_some(), length >= 30, "{length}");
        }
        for (place, value) in [(0, 0x42), (0, 0x00), (0, 0xc0), (1, 1), (1, 0x80)] {
            let mut datagram = datagram.clone();
            datagram[place] = value;
            assert_eq!(DataHeader::parse(&datagram), None);
        }
    }
}

#[test]
fn hello_has_these_bytes_and_says_early_how_long_it_is() {
    let hello = Hello { suites: Suites::CHACHA, purpose: Purpose::Member, message: &MESSAGE };
    let golden = [&b"SKES\x11\x01\x01\x01\x00\x30"[..], &MESSAGE, &[58; 16]].concat();
    assert_eq!(emitted(|out| hello.emit(check, out)), golden);
    for purpose in PURPOSES {
        let hello = Hello { purpose, ..hello };
        let bytes = emitted(|out| hello.emit(check, out));
        let (parsed, proof) = Hello::parse(&bytes).unwrap();
        assert_eq!(parsed, hello);
        assert_eq!((proof.covered, *proof.check), (&bytes[..bytes.len() - 16], check(proof.covered)));
        for length in 0..bytes.len() {
            let needed = Hello::needed(&bytes[..length]).unwrap();
            assert_eq!(needed, if length < 10 { 10 } else { bytes.len() }, "{length}");
            assert_eq!(Hello::parse(&bytes[..length]), None);
            assert_eq!(hello.emit(check, &mut vec![0; length]), None);
        }
        assert_eq!(Hello::needed(&bytes), Some(bytes.len()));
        assert_eq!(Hello::parse(&[&bytes[..], &[0]].concat()), None);
    }
    for (place, value) in [(0, b'G'), (3, b'P'), (4, 0x12), (7, 6), (9, 47), (8, 3)] {
        let mut bytes = golden.clone();
        bytes[place] = value;
        assert_eq!(Hello::needed(&bytes), None, "{place}");
        assert!(Hello::parse(&bytes).is_none());
    }
    for (place, value) in [(5, 2), (6, 0)] {
        let mut bytes = golden.clone();
        bytes[place] = value;
        assert_eq!(Hello::parse(&bytes), None, "{place}");
    }
    assert_eq!(Hello::needed(b"GE"), None);
}

#[test]
fn the_longest_hello_and_reply_are_as_long_as_their_limits() {
    let message = [1; MESSAGE_MAX];
    let hello = Hello { suites: Suites::CHACHA, purpose: INTRODUCTION, message: &message };
    let bytes = emitted(|out| hello.emit(check, out));
    assert_eq!((bytes.len(), Hello::needed(&bytes)), (HELLO_MAX, Some(HELLO_MAX)));
    let bytes = emitted(|out| Reply { message: &message }.emit(out));
    assert_eq!((bytes.len(), Reply::needed(&bytes)), (REPLY_MAX, Some(REPLY_MAX)));
}

#[test]
fn reply_has_these_bytes_and_says_early_how_long_it_is() {
    let reply = Reply { message: &MESSAGE };
    let golden = [&b"SKES\x12\0\x00\x30"[..], &MESSAGE].concat();
    let bytes = emitted(|out| reply.emit(out));
    assert_eq!(bytes, golden);
    assert_eq!(Reply::parse(&bytes), Some(reply));
    for length in 0..bytes.len() {
        assert_eq!(Reply::needed(&bytes[..length]), Some(if length < 8 { 8 } else { bytes.len() }));
        assert_eq!(Reply::parse(&bytes[..length]), None);
        assert_eq!(reply.emit(&mut vec![0; length]), None);
    }
    assert_eq!(Reply::parse(&[&bytes[..], &[0]].concat()), None);
    for (place, value) in [(0, b'H'), (4, 0x11), (5, 1), (7, 47), (6, 3)] {
        let mut bytes = golden.clone();
        bytes[place] = value;
        assert_eq!(Reply::needed(&bytes), None, "{place}");
        assert_eq!(Reply::parse(&bytes), None, "{place}");
    }
}

#[test]
fn offers_and_answers_have_these_bytes() {
    let offer = Offer { largest: 1_040, body: b"more" };
    assert_eq!(emitted(|out| offer.emit(out)), b"\x04\x10more");
    assert_eq!(Offer::parse(b"\x04\x10more"), Some(offer));
    let answer = Answer { suite: Suite::Aes, largest: 65_535, body: b"" };
    assert_eq!(emitted(|out| answer.emit(out)), b"\x02\xff\xff");
    assert_eq!(Answer::parse(b"\x02\xff\xff"), Some(answer));
    for length in 0..3 {
        assert_eq!(Answer::parse(&b"\x02\xff\xff"[..length]), None);
        assert_eq!(answer.emit(&mut vec![0; length]), None);
        assert_eq!(Offer::parse(&b"\x04\x10"[..length]).is_some(), length == 2);
        assert_eq!(offer.emit(&mut vec![0; length]), None);
    }
    for bad in [&b"\x00\xff\xff"[..], b"\x03\xff\xff", b"\x01\x00\xff"] {
        assert_eq!(Answer::parse(bad), None);
    }
    assert_eq!(Offer::parse(b"\x00\xff"), None);
    assert_eq!(Offer { largest: 255, body: b"" }.emit(&mut [0; 9]), None);
}

#[test]
fn a_server_chooses_what_it_likes_best_of_what_is_offered() {
    let both = Suites::CHACHA.and(Suite::Aes);
    assert_eq!(both.choose(&[Suite::Aes, Suite::ChaCha]), Some(Suite::Aes));
    assert_eq!(both.choose(&[Suite::ChaCha]), Some(Suite::ChaCha));
    assert_eq!(Suites::CHACHA.choose(&[Suite::Aes, Suite::ChaCha]), Some(Suite::ChaCha));
    assert_eq!(Suites::CHACHA.choose(&[Suite::Aes]), None);
    assert_eq!(Suites::from_byte(0), None);
}
