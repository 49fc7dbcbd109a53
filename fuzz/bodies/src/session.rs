//! Every message of the commands and of the sessions (docs/protocol.md sections 3 and 5): parsed, emitted, parsed again.
//!
//! ```text
//!   bytes ──► parse ──► value ──► emit ──► bytes ──► parse ──► the same value
//!   choices ──────────► value ──► emit ──► bytes ──► parse ──► the same value, or there was none to emit
//! ```

use crate::Choices;
use skep_core::wire::{
    Name, Text,
    command::{self, DATE_LENGTH, Operation, REQUEST_MAX, STRING_MAX, Strings, Unended},
    file::Unparsed,
    session::{
        Code, FRAME_MAX, FileInfo, Frame, Introduction, Notice, Request, Side, Unread, Way, emit_came,
        emit_shared,
    },
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Parses the bytes as both, and makes messages of what they choose.
pub fn session(data: &[u8]) {
    frames(data);
    command(data);
    file(data);
    let mut choices = Choices::new(data);
    for _ in 0..8 {
        check_request(&some_request(&mut choices));
        check_notice(&some_notice(&mut choices));
        check_command(&mut choices);
        check_list(&mut choices);
    }
}

/// What `emit` writes into a room that is large enough, and that it writes nothing into one that is not.
pub(crate) fn emitted(emit: impl Fn(&mut [u8]) -> Option<usize>) -> Option<Vec<u8>> {
    let mut out = vec![0xee; 1_024];
    let length = emit(&mut out)?;
    assert!(out[length..].iter().all(|&byte| byte == 0xee), "it writes more than it says");
    out.truncate(length);
    let mut exact = vec![0; length];
    assert_eq!(emit(&mut exact), Some(length));
    assert_eq!(exact, out);
    for room in [0, 1, 2, length / 2, length.saturating_sub(1)] {
        if room < length {
            assert_eq!(emit(&mut vec![0; room]), None, "it writes into no room");
        }
    }
    Some(out)
}

/// Bytes as messages, one after the other: cut anywhere, they are only incomplete.
fn frames(data: &[u8]) {
    let mut rest = data;
    loop {
        match Frame::first(rest) {
            Frame::Whole { kind, fields, length } => {
                assert!(length <= FRAME_MAX && length == fields.len() + 3 && length <= rest.len());
                for end in 0..length {
                    assert_eq!(Frame::first(&rest[..end]), Frame::Incomplete);
                }
                match Request::parse(kind, fields) {
                    Ok(request) => check_request(&request),
                    Err(Unread::Optional) => assert!(kind & 0x80 != 0),
                    Err(Unread::Unsupported) => assert!(kind & 0x80 == 0),
                    Err(Unread::Malformed) => {}
                }
                if let Ok(notice) = Notice::parse(kind, fields) {
                    check_notice(&notice);
                }
                rest = &rest[length..];
            }
            Frame::Long { length, .. } => {
                assert!(length > FRAME_MAX);
                let Some(after) = rest.get(length..) else { return };
                rest = after;
            }
            Frame::Incomplete => return assert!(rest.len() < FRAME_MAX),
            Frame::Malformed => return assert!(rest.starts_with(&[0, 0])),
        }
    }
}

fn check_request(request: &Request<'_>) {
    let Some(bytes) = emitted(|out| request.emit(out)) else {
        // Two names are more than one message holds.
        return assert!(matches!(request, Request::Fetch { .. }));
    };
    let Frame::Whole { kind, fields, length } = Frame::first(&bytes) else { panic!("it is not whole") };
    assert_eq!((length, Request::parse(kind, fields)), (bytes.len(), Ok(*request)));
    // What a later version appends changes nothing.
    assert_eq!(Request::parse(kind, &[fields, b"more"].concat()), Ok(*request));
    for end in 0..fields.len() {
        assert_eq!(Request::parse(kind, &fields[..end]), Err(Unread::Malformed));
    }
}

fn check_notice(notice: &Notice<'_>) {
    let Some(bytes) = emitted(|out| notice.emit(out)) else {
        return assert!(matches!(notice, Notice::Ask { .. }));
    };
    let Frame::Whole { kind, fields, length } = Frame::first(&bytes) else { panic!("it is not whole") };
    assert_eq!((length, Notice::parse(kind, fields)), (bytes.len(), Ok(*notice)));
    assert_eq!(Notice::parse(kind, &[fields, b"more"].concat()), Ok(*notice));
    for end in 0..fields.len() {
        assert_eq!(Notice::parse(kind, &fields[..end]), Err(Unread::Malformed));
    }
    // The same with a name in pieces.
    let again = match *notice {
        Notice::Came { user, by_command, name } => {
            let name = name.as_bytes();
            emitted(|out| emit_came(out, user, by_command, name.len(), name.chunks(28)))
        }
        Notice::Shared { file, user, ref info, name } => {
            let name = name.as_bytes();
            emitted(|out| emit_shared(out, file, user, info, name.len(), name.chunks(3)))
        }
        _ => return,
    };
    assert_eq!(again, Some(bytes));
}

/// Names that there are, that there cannot be, and that are as long as they may be.
fn some_name<'a>(choices: &mut Choices<'a>) -> &'a [u8] {
    match choices.below(5) {
        0 => b"ana",
        1 => "größe €".as_bytes(),
        2 => &[b'x'; 255],
        3 => b"",
        _ => {
            let most = choices.below(256);
            choices.bytes(most)
        }
    }
}

fn some_text<'a>(choices: &mut Choices<'a>) -> Text<'a> {
    let name = some_name(choices);
    Text::new(name).unwrap_or(Text::new(b"x").unwrap())
}

fn some_array<const N: usize>(choices: &mut Choices<'_>) -> [u8; N] {
    let first = choices.byte();
    std::array::from_fn(|place| first.wrapping_mul(place as u8 + 1))
}

fn some_number(choices: &mut Choices<'_>) -> u64 {
    match choices.below(4) {
        0 => 0,
        1 => u64::MAX,
        2 => choices.byte().into(),
        _ => u64::from_be_bytes(some_array(choices)),
    }
}

fn some_file(choices: &mut Choices<'_>) -> FileInfo {
    let hash = choices.rarely(2).then(|| some_array(choices));
    FileInfo { length: some_number(choices), flags: choices.byte() & !1, hash }
}

fn some_address(choices: &mut Choices<'_>) -> IpAddr {
    match choices.below(2) {
        0 => IpAddr::V4(Ipv4Addr::from(some_array::<4>(choices))),
        _ => IpAddr::V6(Ipv6Addr::from(some_array::<16>(choices))),
    }
}

fn some_code(choices: &mut Choices<'_>) -> Code {
    choices.byte().into()
}

fn some_introduction(choices: &mut Choices<'_>) -> Option<Introduction> {
    let (secret, key) = (some_array(choices), some_array(choices));
    choices.rarely(2).then_some(Introduction { secret, key })
}

const WAYS: [Way; 3] = [Way::Direct, Way::Relayed, Way::Command];

fn some_request<'a>(choices: &mut Choices<'a>) -> Request<'a> {
    let (word, port) = (some_number(choices) as u32, some_number(choices) as u16);
    match choices.below(11) {
        0 => Request::Login {
            version: choices.byte(),
            wants_list: choices.rarely(2),
            epoch: some_number(choices),
            number: some_number(choices),
            resume: some_array(choices),
            door: port,
            name: some_name(choices),
        },
        1 => {
            let side = [Side::Requester, Side::Owner][choices.below(2)];
            Request::Attach { transfer: word, token: some_array(choices), side }
        }
        2 => Request::Publish { tag: word, file: some_file(choices), name: some_name(choices) },
        3 => Request::Withdraw { tag: word, name: some_name(choices) },
        4 => {
            let way = WAYS[choices.below(3)];
            Request::Fetch { tag: word, way, owner: some_name(choices), name: some_name(choices) }
        }
        5 => Request::Ready { transfer: word, tcp: port, rdt: !port },
        6 => Request::Refuse { transfer: word, code: some_code(choices) },
        7 => Request::End { transfer: word, code: some_code(choices) },
        8 => Request::Logout,
        9 => Request::Ping,
        _ => Request::Pong,
    }
}

fn some_notice<'a>(choices: &mut Choices<'a>) -> Notice<'a> {
    let (word, other) = (some_number(choices) as u32, some_number(choices) as u32);
    let way = WAYS[choices.below(3)];
    match choices.below(17) {
        0 => Notice::Welcome {
            version: choices.byte(),
            is_fresh: choices.rarely(2),
            user: word,
            epoch: some_number(choices),
            resume: some_array(choices),
            silence: other as u16,
        },
        1 => Notice::Waiting { place: word },
        2 => Notice::Came { user: word, by_command: choices.rarely(2), name: some_text(choices) },
        3 => Notice::Left { user: word },
        4 => Notice::Shared { file: word, user: other, info: some_file(choices), name: some_text(choices) },
        5 => Notice::Unshared { file: word },
        6 => Notice::Upto { number: some_number(choices) },
        7 => Notice::Done { tag: word },
        8 => Notice::Failed { tag: word, code: some_code(choices) },
        9 => Notice::Ask {
            transfer: word,
            way,
            token: some_array(choices),
            introduction: some_introduction(choices),
            address: some_address(choices),
            user: some_text(choices),
            name: some_text(choices),
        },
        10 => Notice::Go {
            tag: word,
            transfer: other,
            way,
            token: some_array(choices),
            introduction: some_introduction(choices),
            address: some_address(choices),
            tcp: word as u16,
            rdt: other as u16,
        },
        11 => Notice::Ended { transfer: word, code: some_code(choices) },
        12 => Notice::Bye { code: some_code(choices) },
        13 => Notice::Unsupported { kind: choices.byte() },
        14 => Notice::Attached,
        15 => Notice::Ping,
        _ => Notice::Pong,
    }
}

/// A request by command: its operation, perhaps a date, and its strings.
fn command(data: &[u8]) {
    let Ok((name, mut rest)) = next_string(data) else { return };
    let Some(operation) = Operation::parse(name) else { return };
    let date = match next_string(rest) {
        Ok((date, after)) if command::is_date(date) => {
            rest = after;
            Some(<&[u8; DATE_LENGTH]>::try_from(date).unwrap())
        }
        _ => None,
    };
    let mut strings = Vec::new();
    for _ in 0..operation.strings() {
        let Ok((string, after)) = next_string(rest) else { return };
        strings.push(string);
        rest = after;
    }
    let out = emitted(|out| command::emit(operation, date, &strings, out)).unwrap();
    assert!(out.len() <= REQUEST_MAX);
    assert_eq!(out.to_ascii_uppercase(), data[..data.len() - rest.len()].to_ascii_uppercase());
}

/// A string stands at the beginning of its bytes, whatever follows.
fn next_string(data: &[u8]) -> Result<(&[u8], &[u8]), Unended> {
    let found = command::string(data);
    if let Ok((string, rest)) = found {
        assert_eq!([string, b"\0", rest].concat(), data);
        assert!(string.len() <= STRING_MAX && !string.contains(&0));
        for end in 0..=string.len() {
            assert_eq!(command::string(&data[..end]), Err(Unended::Incomplete));
        }
        if let Some(number) = command::number(string) {
            let digits = emitted(|out| {
                let mut strings = Strings::new(out);
                strings.number(number);
                strings.length()
            });
            let digits = digits.unwrap();
            let plain = string.iter().position(|&digit| digit != b'0').unwrap_or(string.len() - 1);
            assert_eq!(digits, [&string[plain..], b"\0"].concat());
        }
    }
    found
}

/// GET_FILE and its answer.
fn file(data: &[u8]) {
    match command::parse_get_file_path(data) {
        Ok((path, length)) => {
            let out = emitted(|out| command::emit(Operation::GetFile, None, &[path], out)).unwrap();
            assert_eq!(out.to_ascii_uppercase(), data[..length].to_ascii_uppercase());
            match command::parse_get_file(data) {
                Ok((name, again)) => assert_eq!((name.as_str().as_bytes(), again), (path, length)),
                Err(Unparsed::BadName) => assert!(Name::new(path).is_err()),
                Err(other) => panic!("{other:?}"),
            }
        }
        Err(Unparsed::Incomplete) => assert!(data.len() < command::GET_FILE_MAX),
        Err(_) => {}
    }
    match command::parse_answer(data) {
        Ok((message, length)) => {
            let out = emitted(|out| command::emit_answer(&message, out)).unwrap();
            assert!(out.len() <= command::ANSWER_MAX && length <= data.len());
            assert_eq!(command::parse_answer(&out), Ok((message, out.len())));
            for end in 0..length {
                assert_eq!(command::parse_answer(&data[..end]), Err(Unparsed::Incomplete));
            }
        }
        Err(Unparsed::Incomplete) => assert!(data.len() < command::ANSWER_MAX),
        Err(_) => {}
    }
}

/// What is emitted is read again by strings.
fn check_command(choices: &mut Choices<'_>) {
    let operations = [
        Operation::Register,
        Operation::Unregister,
        Operation::Connect,
        Operation::Disconnect,
        Operation::Publish,
        Operation::Delete,
        Operation::ListUsers,
        Operation::ListContent,
        Operation::GetFile,
    ];
    let operation = operations[choices.below(9)];
    let date = choices.rarely(2).then_some(b"31/12/2024 23:59:58");
    let count = if choices.rarely(8) { choices.below(5) } else { operation.strings().into() };
    let strings: Vec<&[u8]> = (0..count).map(|_| some_name(choices)).collect();
    let out = emitted(|out| command::emit(operation, date, &strings, out));
    let is_good = count == usize::from(operation.strings()) && strings.iter().all(|name| !name.contains(&0));
    assert_eq!(out.is_some(), is_good);
    let Some(out) = out else { return };
    let (name, mut rest) = command::string(&out).unwrap();
    assert_eq!(Operation::parse(name), Some(operation));
    let date = date.into_iter().map(<[u8; DATE_LENGTH]>::as_slice);
    for expected in date.chain(strings) {
        let (string, after) = command::string(rest).unwrap();
        assert_eq!(string, expected);
        rest = after;
    }
    assert!(rest.is_empty());
}

/// The entries of LIST_USERS. What finds no room is taken back whole.
fn check_list(choices: &mut Choices<'_>) {
    let mut room = vec![0; choices.below(256)];
    let mut strings = Strings::new(&mut room);
    let mut entries = Vec::new();
    for _ in 0..4 {
        let name: Vec<u8> = some_name(choices).iter().copied().filter(|&byte| byte != 0).collect();
        let (address, port) = (some_address(choices), some_number(choices) as u16);
        let before = strings.length().unwrap();
        strings.string(&name);
        strings.address(address);
        strings.number(port.into());
        if strings.length().is_none() {
            strings.back_to(before);
            assert_eq!(strings.length(), Some(before));
            continue;
        }
        entries.push((name, address, port));
    }
    let length = strings.length().unwrap();
    let mut rest = &room[..length];
    let mut next = || {
        let (string, after) = command::string(rest).unwrap();
        rest = after;
        string.to_vec()
    };
    for (name, address, port) in entries {
        assert_eq!(next(), name);
        let shown: IpAddr = String::from_utf8(next()).unwrap().parse().unwrap();
        assert_eq!(shown, address.to_canonical());
        assert_eq!(command::number(&next()), Some(port.into()));
    }
    assert!(rest.is_empty());
}
