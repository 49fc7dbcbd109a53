//! The messages of a file transfer over a byte stream (docs/protocol.md section 1).
//!
//! ```text
//! Upload    | 00 | length u64 | name length u16 | name | then `length` bytes of content
//! Request   | 01 | name length u16 | name |
//! Download  | 02 | length u64 |                          then `length` bytes of content
//! Confirm   | 03 |
//! Error     | 04 | code u8 |
//! ```
//!
//! Numbers are little-endian. Content is not part of a message: it never passes through a machine.

use super::{
    Name,
    field::{array, byte, take},
    put::Put,
};
use crate::{limits::NAME_MAX, stream::Fault};
use nom::{IResult, Parser, combinator::cut};

const UPLOAD: u8 = 0;
const REQUEST: u8 = 1;
const DOWNLOAD: u8 = 2;
const CONFIRM: u8 = 3;
const ERROR: u8 = 4;

/// The longest message of this format, in bytes: an upload's header.
pub const LENGTH_MAX: usize = 1 + 8 + 2 + NAME_MAX;

/// A message, without the content that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Message<'a> {
    /// From the client: take this file. `length` bytes of content follow.
    Upload {
        /// Bytes of content.
        length: u64,
        /// The name that the file is to have.
        name: Name<'a>,
    },
    /// From the client: send this file.
    Request {
        /// The file.
        name: Name<'a>,
    },
    /// From the server: here it is. `length` bytes of content follow.
    Download {
        /// Bytes of content.
        length: u64,
    },
    /// From the server: the whole upload is stored, durably, under its final name.
    Confirm,
    /// From the server: it cannot be done.
    Error(Code),
}

/// Why a server refuses a request, or gives an upload up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Code {
    /// 0: the request is unknown or malformed.
    Unknown,
    /// 1: there is no such file.
    NotFound,
    /// 2: there is a file of that name, and the server replaces none.
    Exists,
    /// 3: the file is longer than the server takes.
    TooLarge,
    /// 4: the server's storage is full.
    NoSpace,
    /// 5: the name cannot be used.
    BadName,
    /// 6: the server does as many transfers as it can.
    Busy,
    /// 7: the server does not permit it.
    NotAllowed,
    /// 8: the server's storage failed.
    StorageFault,
    /// A code of 9 or more, which this version does not know.
    Other(u8),
}

/// Why there is no message at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unparsed {
    /// There may be one when more bytes have come.
    Incomplete,
    /// The name in it is none that may be used; its length may be wrong too, so what follows has no meaning.
    BadName,
    /// The bytes are the beginning of no message.
    Malformed,
}

impl<'a> Message<'a> {
    /// The message at the beginning of `bytes`, and its length; what follows it is not looked at.
    ///
    /// # Errors
    /// [`Unparsed`]: more bytes are needed, or no number of them would help. A name that is too long is found as
    /// soon as its length is there.
    pub fn parse(bytes: &'a [u8]) -> Result<(Self, usize), Unparsed> {
        first(bytes, message)
    }

    /// As [`Message::parse`], for who expects a server's messages only.
    ///
    /// # Errors
    /// As [`Message::parse`]; a client's message is malformed.
    pub fn parse_answer(bytes: &[u8]) -> Result<(Message<'static>, usize), Unparsed> {
        first(bytes, answer)
    }

    /// Writes the message and says how many bytes that took, at most [`LENGTH_MAX`]. `None`: there is no room.
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        let mut put = Put::new(out);
        match *self {
            Self::Upload { length, name } => {
                put.bytes(&[UPLOAD]);
                put.bytes(&length.to_le_bytes());
                put_name(name, &mut put);
            }
            Self::Request { name } => {
                put.bytes(&[REQUEST]);
                put_name(name, &mut put);
            }
            Self::Download { length } => {
                put.bytes(&[DOWNLOAD]);
                put.bytes(&length.to_le_bytes());
            }
            Self::Confirm => put.bytes(&[CONFIRM]),
            Self::Error(code) => put.bytes(&[ERROR, code.into()]),
        }
        put.length()
    }
}

impl From<u8> for Code {
    fn from(byte: u8) -> Self {
        match byte {
            0 => Self::Unknown,
            1 => Self::NotFound,
            2 => Self::Exists,
            3 => Self::TooLarge,
            4 => Self::NoSpace,
            5 => Self::BadName,
            6 => Self::Busy,
            7 => Self::NotAllowed,
            8 => Self::StorageFault,
            other => Self::Other(other),
        }
    }
}

impl From<Code> for u8 {
    fn from(code: Code) -> Self {
        match code {
            Code::Unknown => 0,
            Code::NotFound => 1,
            Code::Exists => 2,
            Code::TooLarge => 3,
            Code::NoSpace => 4,
            Code::BadName => 5,
            Code::Busy => 6,
            Code::NotAllowed => 7,
            Code::StorageFault => 8,
            Code::Other(other) => other,
        }
    }
}

impl From<Fault> for Code {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotFound => Self::NotFound,
            Fault::Exists => Self::Exists,
            Fault::TooLarge => Self::TooLarge,
            Fault::NoSpace => Self::NoSpace,
            Fault::BadName => Self::BadName,
            Fault::NotAllowed => Self::NotAllowed,
            Fault::Busy => Self::Busy,
            Fault::Changed | Fault::Failed => Self::StorageFault,
            Fault::Ended => Self::Unknown,
        }
    }
}

impl core::fmt::Display for Code {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::Unknown => "unknown or malformed request",
            Self::NotFound => "not found",
            Self::Exists => "already exists",
            Self::TooLarge => "too large",
            Self::NoSpace => "no space",
            Self::BadName => "bad name",
            Self::Busy => "busy",
            Self::NotAllowed => "not allowed",
            Self::StorageFault => "storage fault",
            Self::Other(code) => return write!(formatter, "error {code}"),
        })
    }
}

fn put_name(name: Name<'_>, put: &mut Put<'_>) {
    let bytes = name.as_bytes();
    put.bytes(&(bytes.len() as u16).to_le_bytes());
    put.bytes(bytes);
}

/// nom's `Incomplete` is "more bytes are needed", its `Error` is malformed, its `Failure` a bad name.
fn first<'a, M>(
    bytes: &'a [u8],
    mut parser: impl Parser<&'a [u8], Output = M, Error = ()>,
) -> Result<(M, usize), Unparsed> {
    match parser.parse(bytes) {
        Ok((rest, message)) => Ok((message, bytes.len().saturating_sub(rest.len()))),
        Err(nom::Err::Incomplete(_)) => Err(Unparsed::Incomplete),
        Err(nom::Err::Failure(())) => Err(Unparsed::BadName),
        Err(nom::Err::Error(())) => Err(Unparsed::Malformed),
    }
}

fn message(bytes: &[u8]) -> IResult<&[u8], Message<'_>, ()> {
    match byte(bytes)? {
        (rest, UPLOAD) => {
            (length, cut(name)).map(|(length, name)| Message::Upload { length, name }).parse(rest)
        }
        (rest, REQUEST) => cut(name).map(|name| Message::Request { name }).parse(rest),
        _ => answer(bytes),
    }
}

fn answer(bytes: &[u8]) -> IResult<&[u8], Message<'static>, ()> {
    match byte(bytes)? {
        (rest, DOWNLOAD) => length.map(|length| Message::Download { length }).parse(rest),
        (rest, CONFIRM) => Ok((rest, Message::Confirm)),
        (rest, ERROR) => byte.map(|code| Message::Error(code.into())).parse(rest),
        _ => Err(nom::Err::Error(())),
    }
}

fn length(bytes: &[u8]) -> IResult<&[u8], u64, ()> {
    array.map(u64::from_le_bytes).parse(bytes)
}

fn name(bytes: &[u8]) -> IResult<&[u8], Name<'_>, ()> {
    let (rest, length) = array.map(u16::from_le_bytes).parse(bytes)?;
    if length == 0 || usize::from(length) > NAME_MAX {
        return Err(nom::Err::Error(()));
    }
    let (rest, text) = take(length).parse(rest)?;
    Name::new(text).map(|name| (rest, name)).map_err(|_| nom::Err::Error(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Name<'_> {
        Name::new(text.as_bytes()).unwrap()
    }

    fn messages() -> [(Message<'static>, &'static [u8]); 6] {
        [
            (
                Message::Upload { length: 0x0102_0304_0506_0708, name: named("a/b") },
                b"\x00\x08\x07\x06\x05\x04\x03\x02\x01\x03\x00a/b",
            ),
            (Message::Upload { length: 0, name: named("x") }, b"\x00\0\0\0\0\0\0\0\0\x01\x00x"),
            (Message::Request { name: named("hola.txt") }, b"\x01\x08\x00hola.txt"),
            (Message::Download { length: 258 }, b"\x02\x02\x01\0\0\0\0\0\0"),
            (Message::Confirm, b"\x03"),
            (Message::Error(Code::NotFound), b"\x04\x01"),
        ]
    }

    #[test]
    fn every_message_has_its_golden_bytes_in_both_directions() {
        for (message, golden) in messages() {
            let mut out = [0; LENGTH_MAX];
            let length = message.emit(&mut out).unwrap();
            assert_eq!(&out[..length], golden);
            assert_eq!(Message::parse(golden), Ok((message, length)));
            let followed = [golden, b"\xff\xff"].concat();
            assert_eq!(Message::parse(&followed), Ok((message, length)));
        }
    }

    #[test]
    fn every_truncation_of_a_message_is_incomplete() {
        for (_, golden) in messages() {
            for end in 0..golden.len() {
                assert_eq!(Message::parse(&golden[..end]), Err(Unparsed::Incomplete), "{golden:?} {end}");
            }
        }
    }

    #[test]
    fn a_message_is_not_written_into_too_little_room() {
        for (message, golden) in messages() {
            for room in 0..golden.len() {
                assert_eq!(message.emit(&mut [0; LENGTH_MAX][..room]), None);
            }
        }
    }

    #[test]
    fn the_longest_name_has_room() {
        let text = "x".repeat(NAME_MAX);
        let message = Message::Upload { length: u64::MAX, name: named(&text) };
        let mut out = [0; LENGTH_MAX];
        assert_eq!(message.emit(&mut out), Some(LENGTH_MAX));
        assert_eq!(Message::parse(&out), Ok((message, LENGTH_MAX)));
    }

    #[test]
    fn a_name_that_is_too_long_or_empty_is_bad_before_it_has_come() {
        assert_eq!(Message::parse(b"\x01\x00\x01"), Err(Unparsed::BadName));
        assert_eq!(Message::parse(b"\x01\x00\x00"), Err(Unparsed::BadName));
        assert_eq!(Message::parse(b"\x00\0\0\0\0\0\0\0\0\xff\xff"), Err(Unparsed::BadName));
    }

    #[test]
    fn a_name_that_could_leave_the_directory_is_bad() {
        for golden in
            [b"\x01\x02\x00..".as_slice(), b"\x01\x02\x00/x", b"\x01\x01\x00\0", b"\x01\x01\x00\xff"]
        {
            assert_eq!(Message::parse(golden), Err(Unparsed::BadName));
        }
    }

    #[test]
    fn other_first_bytes_are_malformed() {
        for kind in 5..=255 {
            assert_eq!(Message::parse(&[kind]), Err(Unparsed::Malformed));
        }
    }

    #[test]
    fn every_code_is_its_byte_again_and_an_unknown_one_is_shown_as_a_number() {
        for byte in 0..=255 {
            assert_eq!(u8::from(Code::from(byte)), byte);
        }
        assert_eq!(Code::from(77).to_string(), "error 77");
        assert_eq!(Code::from(4).to_string(), "no space");
    }

    #[test]
    fn every_fault_of_storage_has_its_code() {
        let codes = [
            (Fault::NotFound, 1),
            (Fault::Exists, 2),
            (Fault::TooLarge, 3),
            (Fault::NoSpace, 4),
            (Fault::BadName, 5),
            (Fault::Busy, 6),
            (Fault::NotAllowed, 7),
            (Fault::Changed, 8),
            (Fault::Failed, 8),
            (Fault::Ended, 0),
        ];
        for (fault, byte) in codes {
            assert_eq!(u8::from(Code::from(fault)), byte);
        }
    }
}
