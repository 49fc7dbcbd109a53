//! Lines for whoever started the image, without the formatting of the standard library, which would be a tenth of it.

use crate::semihosting;

/// A part of a line.
#[derive(Clone, Copy)]
pub enum Part<'a> {
    /// As it is.
    Text(&'a str),
    /// In decimal.
    Number(u32),
    /// In hexadecimal.
    Bytes(&'a [u8]),
}

impl<'a> From<&'a str> for Part<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<u32> for Part<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl<'a> From<&'a [u8]> for Part<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

/// Prints parts as one line.
pub fn line(parts: &[Part<'_>]) {
    for part in parts {
        match part {
            Part::Text(text) => semihosting::print(text),
            Part::Number(number) => decimal(*number),
            Part::Bytes(bytes) => hexadecimal(bytes),
        }
    }
    semihosting::print("\n");
}

fn decimal(number: u32) {
    let mut digits = [0; 10];
    let mut start = digits.len();
    let mut rest = number;
    while start > 0 {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    semihosting::print(core::str::from_utf8(&digits[start..]).unwrap_or_default());
}

fn hexadecimal(bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        let digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        semihosting::print(core::str::from_utf8(&digits).unwrap_or_default());
    }
}

/// `say!["fetched ", name, ", ", length, " bytes"]`
#[macro_export]
macro_rules! say {
    [$($part:expr),+ $(,)?] => { $crate::console::line(&[$($crate::console::Part::from($part)),+]) };
}
