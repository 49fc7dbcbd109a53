//! Golden bytes, round trips and truncations of every message.

use super::*;
use crate::{miri::fewer, wire::Text};
use core::net::IpAddr;

const TOKEN: [u8; 16] = *b"0123456789abcdef";

fn text(text: &str) -> Text<'_> {
    Text::new(text.as_bytes()).unwrap()
}

/// A message with its fields, as bytes.
fn frame(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
    let fields = fields.concat();
    let length = (fields.len() as u16 + 1).to_be_bytes();
    [length.as_slice(), &[kind], &fields].concat()
}

fn requests() -> Vec<(Request<'static>, Vec<u8>)> {
    let file = FileInfo { length: 258, flags: 0, hash: None };
    let hashed = FileInfo { length: 1, flags: 6, hash: Some([9; 32]) };
    let login = |wants_list, resume| Request::Login {
        version: 1,
        wants_list,
        epoch: 2,
        number: 3,
        resume,
        door: 0x1234,
        name: b"ana",
    };
    vec![
        (
            login(true, [0; 16]),
            frame(
                1,
                &[
                    &[1, 0],
                    &[0, 0, 0, 0, 0, 0, 0, 2],
                    &[0, 0, 0, 0, 0, 0, 0, 3],
                    &[0; 16],
                    b"\x12\x34\x03ana",
                ],
            ),
        ),
        (
            login(false, TOKEN),
            frame(
                1,
                &[&[1, 1], &[0, 0, 0, 0, 0, 0, 0, 2], &[0, 0, 0, 0, 0, 0, 0, 3], &TOKEN, b"\x12\x34\x03ana"],
            ),
        ),
        (
            Request::Attach { transfer: 7, token: TOKEN, side: Side::Owner },
            frame(2, &[&[0, 0, 0, 7], &TOKEN, &[1]]),
        ),
        (
            Request::Publish { tag: 5, file, name: b"a/b" },
            frame(3, &[&[0, 0, 0, 5, 0], &[0, 0, 0, 0, 0, 0, 1, 2], b"\x03a/b"]),
        ),
        (
            Request::Publish { tag: 5, file: hashed, name: b"x" },
            frame(3, &[&[0, 0, 0, 5, 7], &[0, 0, 0, 0, 0, 0, 0, 1], &[9; 32], b"\x01x"]),
        ),
        (Request::Withdraw { tag: 6, name: b"x" }, b"\x00\x07\x04\x00\x00\x00\x06\x01x".to_vec()),
        (
            Request::Fetch { tag: 6, way: Way::Relayed, owner: b"eva", name: b"x" },
            b"\x00\x0c\x05\x00\x00\x00\x06\x01\x03eva\x01x".to_vec(),
        ),
        (
            Request::Ready { transfer: 1, tcp: 80, rdt: 256 },
            b"\x00\x09\x06\0\0\0\x01\x00\x50\x01\x00".to_vec(),
        ),
        (Request::Refuse { transfer: 1, code: Code::Refused }, b"\x00\x06\x07\0\0\0\x01\x0b".to_vec()),
        (Request::End { transfer: 1, code: Code::Done }, b"\x00\x06\x08\0\0\0\x01\x00".to_vec()),
        (Request::Logout, b"\x00\x01\x09".to_vec()),
        (Request::Ping, b"\x00\x01\x7e".to_vec()),
        (Request::Pong, b"\x00\x01\x7f".to_vec()),
    ]
}

fn notices() -> Vec<(Notice<'static>, Vec<u8>)> {
    let introduction = Introduction { secret: [3; 32], key: [4; 32] };
    vec![
        (
            Notice::Welcome { version: 1, is_fresh: true, user: 9, epoch: 2, resume: TOKEN, silence: 60 },
            frame(0x20, &[&[1, 1, 0, 0, 0, 9], &[0, 0, 0, 0, 0, 0, 0, 2], &TOKEN, &[0, 60]]),
        ),
        (Notice::Waiting { place: 2 }, b"\x00\x05\x21\0\0\0\x02".to_vec()),
        (
            Notice::Came { user: 9, by_command: true, name: text("ana") },
            b"\x00\x0a\x22\0\0\0\x09\x01\x03ana".to_vec(),
        ),
        (Notice::Left { user: 9 }, b"\x00\x05\x23\0\0\0\x09".to_vec()),
        (
            Notice::Shared {
                file: 8,
                user: 9,
                info: FileInfo { length: 5, flags: 0, hash: Some([1; 32]) },
                name: text("x"),
            },
            frame(0x24, &[&[0, 0, 0, 8, 0, 0, 0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 5], &[1; 32], b"\x01x"]),
        ),
        (Notice::Unshared { file: 8 }, b"\x00\x05\x25\0\0\0\x08".to_vec()),
        (Notice::Upto { number: 258 }, b"\x00\x09\x26\0\0\0\0\0\0\x01\x02".to_vec()),
        (Notice::Done { tag: 1 }, b"\x00\x05\x27\0\0\0\x01".to_vec()),
        (Notice::Failed { tag: 1, code: Code::NotShared }, b"\x00\x06\x28\0\0\0\x01\x08".to_vec()),
        (
            Notice::Ask {
                transfer: 1,
                way: Way::Direct,
                token: TOKEN,
                introduction: None,
                address: IpAddr::from([127, 0, 0, 1]),
                user: text("eva"),
                name: text("x"),
            },
            frame(0x29, &[&[0, 0, 0, 1, 0], &TOKEN, &[0, 4, 127, 0, 0, 1], b"\x03eva\x01x"]),
        ),
        (
            Notice::Go {
                tag: 6,
                transfer: 1,
                way: Way::Command,
                token: TOKEN,
                introduction: Some(introduction),
                address: IpAddr::from([1_u8; 16]),
                tcp: 80,
                rdt: 0,
            },
            frame(
                0x2a,
                &[
                    &[0, 0, 0, 6, 0, 0, 0, 1, 2],
                    &TOKEN,
                    &[1],
                    &[3; 32],
                    &[4; 32],
                    &[6],
                    &[1; 16],
                    &[0, 80, 0, 0],
                ],
            ),
        ),
        (Notice::Ended { transfer: 1, code: Code::Broken }, b"\x00\x06\x2b\0\0\0\x01\x0d".to_vec()),
        (Notice::Bye { code: Code::NameInUse }, b"\x00\x02\x2c\x04".to_vec()),
        (Notice::Unsupported { kind: 0x11 }, b"\x00\x02\x2d\x11".to_vec()),
        (Notice::Attached, b"\x00\x01\x2e".to_vec()),
        (Notice::Ping, b"\x00\x01\x7e".to_vec()),
        (Notice::Pong, b"\x00\x01\x7f".to_vec()),
    ]
}

/// What is common to the messages of both directions.
fn check<'a, T: PartialEq + core::fmt::Debug>(
    message: &T,
    golden: &'a [u8],
    emit: impl Fn(&mut [u8]) -> Option<usize>,
    parse: impl Fn(u8, &'a [u8]) -> Result<T, Unread>,
) {
    let mut out = [0; FRAME_MAX];
    assert_eq!(emit(&mut out), Some(golden.len()), "{message:?}");
    assert_eq!(&out[..golden.len()], golden, "{message:?}");
    for room in 0..golden.len() {
        assert_eq!(emit(&mut out[..room]), None);
        assert_eq!(Frame::first(&golden[..room]), Frame::Incomplete);
    }
    let Frame::Whole { kind, fields, length } = Frame::first(golden) else { panic!("{message:?}") };
    assert_eq!(length, golden.len());
    assert_eq!(&parse(kind, fields).unwrap(), message);
    for end in 0..fields.len() {
        assert_eq!(parse(kind, &fields[..end]), Err(Unread::Malformed), "{message:?} {end}");
    }
}

#[test]
fn every_request_has_its_golden_bytes_in_both_directions_and_every_truncation_is_malformed() {
    for (message, golden) in &requests() {
        check(message, golden, |out| message.emit(out), Request::parse);
    }
}

#[test]
fn every_notice_has_its_golden_bytes_in_both_directions_and_every_truncation_is_malformed() {
    for (message, golden) in &notices() {
        check(message, golden, |out| message.emit(out), Notice::parse);
    }
}

#[test]
fn what_a_later_version_appends_is_ignored() {
    let appended = [b"\0\0\0\x06\x01x".as_slice(), b"more"].concat();
    assert_eq!(Request::parse(4, &appended), Ok(Request::Withdraw { tag: 6, name: b"x" }));
    assert_eq!(Notice::parse(0x23, b"\0\0\0\x09more"), Ok(Notice::Left { user: 9 }));
}

#[test]
fn an_unknown_kind_is_skipped_when_its_top_bit_is_set() {
    for kind in (0..=255).step_by(fewer(1, 17)) {
        let expected = if kind & 0x80 == 0 { Unread::Unsupported } else { Unread::Optional };
        if !requests().iter().any(|(_, golden)| golden[2] == kind) {
            assert_eq!(Request::parse(kind, &[]), Err(expected));
        }
        if !notices().iter().any(|(_, golden)| golden[2] == kind) {
            assert_eq!(Notice::parse(kind, &[]), Err(expected));
        }
    }
}

#[test]
fn lengths_that_lie_are_found_out() {
    assert_eq!(Frame::first(&[0, 0]), Frame::Malformed);
    assert_eq!(Frame::first(&[0xff, 0xff]), Frame::Incomplete);
    assert_eq!(Frame::first(&[0xff, 0xff, 3]), Frame::Long { kind: 3, length: 65_537 });
    assert_eq!(Frame::first(&[0x01, 0xff, 3]), Frame::Long { kind: 3, length: 513 });
    assert_eq!(Frame::first(&[0x01, 0xfe, 3]), Frame::Incomplete);
    assert_eq!(Request::parse(4, b"\0\0\0\x06\xffx"), Err(Unread::Malformed));
}

#[test]
fn the_longest_messages_have_room() {
    let mut out = [0; FRAME_MAX];
    let (name, user) = ("x".repeat(255), "u".repeat(USER_MAX));
    let info = FileInfo { length: u64::MAX, flags: 0xff, hash: Some([1; 32]) };
    let introduction = Some(Introduction { secret: [1; 32], key: [2; 32] });
    let address = IpAddr::from([1_u8; 16]);
    let ask = Notice::Ask {
        transfer: 1,
        way: Way::Direct,
        token: TOKEN,
        introduction,
        address,
        user: text(&user),
        name: text(&name),
    };
    assert!(ask.emit(&mut out).is_some());
    assert!(Notice::Shared { file: 1, user: 2, info, name: text(&name) }.emit(&mut out).is_some());
    assert!(Request::Publish { tag: 1, file: info, name: name.as_bytes() }.emit(&mut out).is_some());
    let fetch = |owner| Request::Fetch { tag: 1, way: Way::Direct, owner, name: name.as_bytes() };
    assert!(fetch(user.as_bytes()).emit(&mut out).is_some());
    assert_eq!(fetch(name.as_bytes()).emit(&mut out), None, "two such names do not fit into one message");
    assert!(Request::Withdraw { tag: 1, name: &[b'x'; 256] }.emit(&mut out).is_none());
}

#[test]
fn names_that_cannot_be_shown_are_no_notice() {
    for name in [b"\x00".as_slice(), b"\x01\0", b"\x01\xff", b"\x02\x1b["] {
        let fields = [b"\0\0\0\x09\0".as_slice(), name].concat();
        assert_eq!(Notice::parse(0x22, &fields), Err(Unread::Malformed));
    }
}

#[test]
fn every_code_is_its_byte_again() {
    for byte in 0..=255 {
        assert_eq!(u8::from(Code::from(byte)), byte);
    }
    assert_eq!(Code::from(77).to_string(), "error 77");
    assert_eq!(Code::from(12).to_string(), "busy");
}
