//! Requests and answers to the byte.

use super::*;

fn emitted(operation: Operation, date: Option<&[u8; DATE_LENGTH]>, strings: &[&[u8]]) -> Vec<u8> {
    let mut out = [0; REQUEST_MAX];
    let length = emit(operation, date, strings, &mut out).unwrap();
    out[..length].to_vec()
}

#[test]
fn every_request_has_its_golden_bytes() {
    let date = b"31/12/2024 23:59:58";
    for (operation, strings, golden) in [
        (Operation::Register, &[b"ana".as_slice()][..], b"REGISTER\0ana\0".as_slice()),
        (Operation::Unregister, &[b"ana"], b"UNREGISTER\0ana\0"),
        (Operation::Connect, &[b"ana", b"4000"], b"CONNECT\0ana\x004000\0"),
        (Operation::Disconnect, &[b"ana"], b"DISCONNECT\0ana\0"),
        (Operation::Publish, &[b"ana", b"a/b", b"some text"], b"PUBLISH\0ana\0a/b\0some text\0"),
        (Operation::Delete, &[b"ana", b"a/b"], b"DELETE\0ana\0a/b\0"),
        (Operation::ListUsers, &[b"ana"], b"LIST_USERS\0ana\0"),
        (Operation::ListContent, &[b"ana", b"eva"], b"LIST_CONTENT\0ana\0eva\0"),
        (Operation::GetFile, &[b"a/b"], b"GET_FILE\0a/b\0"),
    ] {
        assert_eq!(emitted(operation, None, strings), golden);
        let name = operation.name().len() + 1;
        let dated = [&golden[..name], date, b"\0", &golden[name..]].concat();
        assert_eq!(emitted(operation, Some(date), strings), dated);
        assert_eq!(Operation::parse(operation.name().as_bytes()), Some(operation));
        assert_eq!(Operation::parse(operation.name().to_lowercase().as_bytes()), Some(operation));
        for room in 0..golden.len() {
            assert_eq!(emit(operation, None, strings, &mut vec![0; room]), None);
        }
        let mut rest = golden;
        for expected in core::iter::once(operation.name().as_bytes()).chain(strings.iter().copied()) {
            let (found, after) = string(rest).unwrap();
            assert_eq!(found, expected);
            rest = after;
        }
        for end in 0..golden.len() {
            let mut rest = &golden[..end];
            while let Ok((_, after)) = string(rest) {
                rest = after;
            }
            assert_eq!(string(rest), Err(Unended::Incomplete));
        }
    }
    assert_eq!(Operation::parse(b"GET"), None);
    assert_eq!(Operation::parse(b""), None);
}

#[test]
fn the_answer_to_a_request_for_a_file_has_its_golden_bytes_in_both_directions() {
    for (message, golden) in [
        (Message::Download { length: 0 }, b"\x000\0".as_slice()),
        (Message::Download { length: u64::MAX }, b"\x0018446744073709551615\0"),
        (Message::Error(Code::NotFound), &[1]),
        (Message::Error(Code::StorageFault), &[2]),
    ] {
        let mut out = [0; ANSWER_MAX];
        assert_eq!(emit_answer(&message, &mut out), Some(golden.len()));
        assert_eq!(&out[..golden.len()], golden);
        assert_eq!(parse_answer(golden), Ok((message, golden.len())));
        assert_eq!(parse_answer(&[golden, b"content"].concat()), Ok((message, golden.len())));
        for end in 0..golden.len() {
            assert_eq!(parse_answer(&golden[..end]), Err(Unparsed::Incomplete));
            assert_eq!(emit_answer(&message, &mut out[..end]), None);
        }
    }
    for (code, byte) in [(Code::BadName, 1), (Code::NotAllowed, 1), (Code::Busy, 2), (Code::Unknown, 2)] {
        let mut out = [0; 1];
        assert_eq!(emit_answer(&Message::Error(code), &mut out), Some(1));
        assert_eq!(out, [byte]);
    }
    // By the digit of the result; and what is none.
    assert_eq!(parse_answer(b"07\0"), Ok((Message::Download { length: 7 }, 3)));
    assert_eq!(parse_answer(b"1"), Ok((Message::Error(Code::NotFound), 1)));
    for bad in
        [b"\x05".as_slice(), b"\x00x\0", b"\0\0", b"\x0018446744073709551616\0", b"\x00000000000000000000000"]
    {
        assert_eq!(parse_answer(bad), Err(Unparsed::Malformed), "{bad:?}");
    }
}

#[test]
fn a_request_for_a_file_is_known_by_its_first_string() {
    assert_eq!(parse_get_file(b"GET_FILE\0a/b\0rest"), Ok((Name::new(b"a/b").unwrap(), 13)));
    for end in 0..13 {
        assert_eq!(parse_get_file(&b"GET_FILE\0a/b\0"[..end]), Err(Unparsed::Incomplete));
    }
    assert_eq!(parse_get_file(b"REGISTER\0a\0"), Err(Unparsed::Malformed));
    for bad in [b"GET_FILE\0../x\0".as_slice(), b"GET_FILE\0\0", b"GET_FILE\0/x\0", b"GET_FILE\0\xff\0"] {
        assert_eq!(parse_get_file(bad), Err(Unparsed::BadName));
    }
}

#[test]
fn strings_have_a_limit() {
    let longest = [b'x'; STRING_MAX];
    let all = [longest.as_slice(); 3];
    let date = Some(b"01/02/2003 04:05:06");
    assert_eq!(
        emitted(Operation::Publish, date, &all).len(),
        REQUEST_MAX - (OPERATION_MAX - "PUBLISH".len())
    );
    let mut out = [0; REQUEST_MAX];
    for bad in [&[b'x'; 256][..], b"a\0b"] {
        assert_eq!(emit(Operation::Register, None, &[bad], &mut out), None);
    }
    assert_eq!(emit(Operation::Register, None, &[], &mut out), None);
    assert_eq!(string(&[b'x'; 255]), Err(Unended::Incomplete));
    assert_eq!(string(&[b'x'; 256]), Err(Unended::TooLong));
    let ended = [longest.as_slice(), &[0, 1]].concat();
    assert_eq!(string(&ended), Ok((longest.as_slice(), &[1][..])));
}

#[test]
fn dates_numbers_and_results_are_known_by_their_form() {
    assert!(is_date(b"31/12/2024 23:59:58"));
    for other in
        [b"31-12-2024 23:59:58".as_slice(), b"31/12/2024 23:59:5", b"31/12/2024 23:59:581", b"ana", b""]
    {
        assert!(!is_date(other));
    }
    assert_eq!(number(b"0"), Some(0));
    assert_eq!(number(b"007"), Some(7));
    assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
    for bad in [b"".as_slice(), b"-1", b"+1", b"1 ", b"18446744073709551616", b"0x1", b"\xff"] {
        assert_eq!(number(bad), None);
    }
    assert_eq!((result(0), result(b'0'), result(4), result(b'4'), result(b'5')), (0, 0, 4, 4, b'5'));
}

#[test]
fn numbers_and_addresses_are_written_as_text() {
    let mut out = [0; 200];
    let mut strings = Strings::new(&mut out);
    for number in [0, 7, 10, 65_535, u64::MAX] {
        strings.number(number);
    }
    for address in ["10.0.0.255", "::ffff:1.2.3.4", "2001:db8::1", "::"] {
        strings.address(address.parse().unwrap());
    }
    let used = strings.length().unwrap();
    strings.back_to(used + 1);
    let expected = "0\x007\x0010\x0065535\x0018446744073709551615\x0010.0.0.255\x001.2.3.4\x00";
    let expected = format!("{expected}2001:db8:0:0:0:0:0:1\x000:0:0:0:0:0:0:0\x00");
    assert_eq!(std::str::from_utf8(&out[..used]).unwrap(), expected);
    for text in ["2001:db8:0:0:0:0:0:1", "0:0:0:0:0:0:0:0"] {
        assert!(text.parse::<IpAddr>().is_ok());
    }
}
