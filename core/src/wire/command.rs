//! Commands (docs/protocol.md section 3): strings that end in NUL, answered by one byte.
//!
//! ```text
//! request   | operation NUL | (date NUL) | string NUL | ...            one to a stream
//! answer    | result u8 |                                              to most of them
//!           | 0 | n NUL | n times: user NUL address NUL port NUL |     LIST_USERS
//!           | 0 | n NUL | n times: path NUL |                          LIST_CONTENT
//!           | 0 | size NUL | size bytes |                              GET_FILE, between peers
//! ```
//!
//! Numbers are decimal. A string has at most [`STRING_MAX`] bytes besides its NUL. Some clients send the date
//! `DD/MM/YYYY HH:MM:SS` right after the operation; a string of that form in that place is taken for one. Some
//! servers answer by the digit of the result.

#[cfg(test)]
mod tests;

use super::{
    BadName, Name,
    file::{Code, Message, Unparsed},
    put::Put,
};
use core::net::IpAddr;

/// The longest string, in bytes without its NUL.
pub const STRING_MAX: usize = 255;
/// The longest name of an operation, in bytes.
pub const OPERATION_MAX: usize = 12;
/// The length of a date, in bytes.
pub const DATE_LENGTH: usize = 19;
/// The longest request, in bytes: an operation, a date and three strings, each with its NUL.
pub const REQUEST_MAX: usize = OPERATION_MAX + 1 + DATE_LENGTH + 1 + 3 * (STRING_MAX + 1);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Operation {
    /// `REGISTER user`: a new account.
    Register,
    /// `UNREGISTER user`: the account goes, with all that it published.
    Unregister,
    /// `CONNECT user port`: the user is there, and serves [`Operation::GetFile`] on that port.
    Connect,
    /// `DISCONNECT user`: the user is not there any more.
    Disconnect,
    /// `PUBLISH user path text`: the user shares a file.
    Publish,
    /// `DELETE user path`: it shares it no longer.
    Delete,
    /// `LIST_USERS user`: who is there.
    ListUsers,
    /// `LIST_CONTENT user other`: what another user shares.
    ListContent,
    /// `GET_FILE path`: to a peer, never to a tracker.
    GetFile,
}

const OPERATIONS: [(Operation, &str, u8, u8); 9] = [
    (Operation::Register, "REGISTER", 1, 2),
    (Operation::Unregister, "UNREGISTER", 1, 2),
    (Operation::Connect, "CONNECT", 2, 3),
    (Operation::Disconnect, "DISCONNECT", 1, 3),
    (Operation::Publish, "PUBLISH", 3, 4),
    (Operation::Delete, "DELETE", 2, 4),
    (Operation::ListUsers, "LIST_USERS", 1, 3),
    (Operation::ListContent, "LIST_CONTENT", 2, 4),
    (Operation::GetFile, "GET_FILE", 1, 2),
];

impl Operation {
    /// The operation of this name, in any letter case.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let entry = OPERATIONS.iter().find(|(_, text, ..)| text.as_bytes().eq_ignore_ascii_case(name))?;
        Some(entry.0)
    }

    fn entry(self) -> (&'static str, u8, u8) {
        let entry = OPERATIONS.iter().find(|(operation, ..)| *operation == self);
        entry.map_or(("", 0, 0), |&(_, name, strings, failure)| (name, strings, failure))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// How many strings follow it, besides the date.
    pub fn strings(self) -> u8 {
        self.entry().1
    }

    /// The result that says that it failed, for no better reason: the last one.
    pub fn failure(self) -> u8 {
        self.entry().2
    }
}

/// Whether a string is a date, `DD/MM/YYYY HH:MM:SS`.
pub fn is_date(string: &[u8]) -> bool {
    const PATTERN: &[u8; DATE_LENGTH] = b"00/00/0000 00:00:00";
    string.len() == DATE_LENGTH
        && string.iter().zip(PATTERN).all(|(byte, pattern)| match pattern {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

/// A decimal number that fits; at least one digit, and nothing else.
pub fn number(string: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte.wrapping_sub(b'0')));
    let mut digits = string.iter().map(digit);
    let first = digits.next()??;
    digits.try_fold(first, |number, digit| number.checked_mul(10)?.checked_add(digit?))
}

/// A result, as it is or as a digit.
pub const fn result(byte: u8) -> u8 {
    match byte {
        b'0'..=b'4' => byte.wrapping_sub(b'0'),
        other => other,
    }
}

/// The string at the beginning of `bytes`, and what follows its NUL.
///
/// # Errors
/// [`Unended`]: its NUL has not come, or comes too late.
pub fn string(bytes: &[u8]) -> Result<(&[u8], &[u8]), Unended> {
    let end = bytes.iter().take(STRING_MAX.saturating_add(1)).position(|&byte| byte == 0);
    match end.and_then(|end| bytes.split_at_checked(end)) {
        Some((string, rest)) => Ok((string, rest.get(1..).unwrap_or_default())),
        None if bytes.len() > STRING_MAX => Err(Unended::TooLong),
        None => Err(Unended::Incomplete),
    }
}

/// Why there is no string at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unended {
    /// There may be one when more bytes have come.
    Incomplete,
    /// It is longer than any may be.
    TooLong,
}

/// Where strings are written one behind the other; it never writes past its end, and nothing after what did not fit.
#[derive(Debug)]
pub struct Strings<'o>(Put<'o>);

impl<'o> Strings<'o> {
    /// Nothing so far.
    pub const fn new(out: &'o mut [u8]) -> Self {
        Self(Put::new(out))
    }

    /// How many bytes have been written. `None`: there was no room for all, and some of it may have been written.
    pub const fn length(&self) -> Option<usize> {
        self.0.length()
    }

    /// Takes back what was written, or did not fit, after there were so many bytes.
    pub fn back_to(&mut self, length: usize) {
        self.0.back_to(length);
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.bytes(bytes);
    }

    /// A string and its NUL.
    pub fn string(&mut self, bytes: &[u8]) {
        self.raw(bytes);
        self.raw(&[0]);
    }

    /// A decimal number and its NUL.
    pub fn number(&mut self, number: u64) {
        self.digits(number);
        self.raw(&[0]);
    }

    /// An address as text and its NUL. An IPv4 address is never shown as an IPv6 one.
    pub fn address(&mut self, address: IpAddr) {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                for (place, octet) in address.octets().into_iter().enumerate() {
                    if place > 0 {
                        self.raw(b".");
                    }
                    self.digits(octet.into());
                }
            }
            IpAddr::V6(address) => {
                for (place, segment) in address.segments().into_iter().enumerate() {
                    if place > 0 {
                        self.raw(b":");
                    }
                    self.hexadecimal(segment);
                }
            }
        }
        self.raw(&[0]);
    }

    fn digits(&mut self, number: u64) {
        let mut digits = [0; 20];
        let mut rest = number;
        let mut used = 0_usize;
        for place in digits.iter_mut().rev() {
            *place = b'0'.wrapping_add((rest % 10) as u8);
            rest /= 10;
            used = used.saturating_add(1);
            if rest == 0 {
                break;
            }
        }
        self.raw(digits.get(digits.len().saturating_sub(used)..).unwrap_or_default());
    }

    fn hexadecimal(&mut self, segment: u16) {
        let digits = [12, 8, 4, 0].map(|shift| (segment >> shift & 0xf) as u8);
        let zeros = digits.iter().take(3).take_while(|&&digit| digit == 0).count();
        for digit in digits.into_iter().skip(zeros) {
            self.raw(&[if digit < 10 {
                b'0'.wrapping_add(digit)
            } else {
                b'a'.wrapping_add(digit.wrapping_sub(10))
            }]);
        }
    }
}

/// The longest answer to [`Operation::GetFile`], in bytes: a result, a number and its NUL.
pub const ANSWER_MAX: usize = 1 + SIZE_MAX;
/// The longest number and its NUL.
const SIZE_MAX: usize = 20 + 1;
/// The longest request for a file, in bytes.
pub const GET_FILE_MAX: usize = "GET_FILE".len() + 1 + STRING_MAX + 1;

/// The name in a request for a file at the beginning of `bytes`, and the length of the request.
///
/// # Errors
/// [`Unparsed`]: more bytes are needed, or it is a request for something else, or for no file that there can be.
pub fn parse_get_file(bytes: &[u8]) -> Result<(Name<'_>, usize), Unparsed> {
    let (path, length) = parse_get_file_path(bytes)?;
    Ok((Name::new(path).map_err(|BadName| Unparsed::BadName)?, length))
}

/// The same for those who know files by other paths than a [`Name`]; they have to see which of them to give away.
///
/// # Errors
/// As [`parse_get_file`], save that any bytes but NUL are a path.
pub fn parse_get_file_path(bytes: &[u8]) -> Result<(&[u8], usize), Unparsed> {
    let unended = |unended| match unended {
        Unended::Incomplete => Unparsed::Incomplete,
        Unended::TooLong => Unparsed::BadName,
    };
    let (operation, rest) = string(bytes).map_err(unended)?;
    if Operation::parse(operation) != Some(Operation::GetFile) {
        return Err(Unparsed::Malformed);
    }
    let (path, rest) = string(rest).map_err(unended)?;
    Ok((path, bytes.len().saturating_sub(rest.len())))
}

/// Writes the answer to a request for a file, as far as this format has one, and says how many bytes that took. What
/// is not there or may not be had is 1, every other trouble is 2. `None`: there is no room, or no such answer.
pub fn emit_answer(message: &Message<'_>, out: &mut [u8]) -> Option<usize> {
    let mut answer = Strings::new(out);
    match *message {
        Message::Download { length } => {
            answer.raw(&[0]);
            answer.number(length);
        }
        Message::Error(Code::NotFound | Code::BadName | Code::NotAllowed) => answer.raw(&[1]),
        Message::Error(_) => answer.raw(&[2]),
        Message::Upload { .. } | Message::Request { .. } | Message::Confirm => return None,
    }
    answer.length()
}

/// The answer to a request for a file at the beginning of `bytes`, and its length; the content is not part of it.
///
/// # Errors
/// [`Unparsed`]: more bytes are needed, or no number of them would help.
pub fn parse_answer(bytes: &[u8]) -> Result<(Message<'static>, usize), Unparsed> {
    let (&first, rest) = bytes.split_first().ok_or(Unparsed::Incomplete)?;
    match result(first) {
        0 => {}
        1 => return Ok((Message::Error(Code::NotFound), 1)),
        2..=4 => return Ok((Message::Error(Code::StorageFault), 1)),
        _ => return Err(Unparsed::Malformed),
    }
    // A number that is longer is none, whether its end has come or not.
    let (size, _) = match string(rest.get(..SIZE_MAX).unwrap_or(rest)) {
        Ok(found) => found,
        Err(_) if rest.len() < SIZE_MAX => return Err(Unparsed::Incomplete),
        Err(_) => return Err(Unparsed::Malformed),
    };
    let length = number(size).ok_or(Unparsed::Malformed)?;
    Ok((Message::Download { length }, size.len().saturating_add(2)))
}

/// Writes a whole request and says how many bytes that took, at most [`REQUEST_MAX`]. `None`: there is no room, a
/// string is too long or has a NUL in it, or there are not as many as the operation needs.
pub fn emit(
    operation: Operation,
    date: Option<&[u8; DATE_LENGTH]>,
    strings: &[&[u8]],
    out: &mut [u8],
) -> Option<usize> {
    if strings.len() != usize::from(operation.strings())
        || strings.iter().any(|string| string.len() > STRING_MAX || string.contains(&0))
    {
        return None;
    }
    let mut request = Strings::new(out);
    request.string(operation.name().as_bytes());
    if let Some(date) = date {
        request.string(date);
    }
    for string in strings {
        request.string(string);
    }
    request.length()
}

#[cfg(test)]
const _: () = assert!(REQUEST_MAX == 801);
