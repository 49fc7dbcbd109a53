//! The fields that the formats are made of, as nom parsers.
//!
//! What is not there yet is `Incomplete`: a format of streams waits for it, one of whole datagrams refuses it like
//! anything else. Read as arrays, a number is one load; nom's own numbers, which go byte by byte, take twice the flash.

use nom::{IResult, Needed, Parser};

/// So many bytes, where they lie.
pub(super) fn array_ref<const N: usize>(input: &[u8]) -> IResult<&[u8], &[u8; N], ()> {
    match input.split_first_chunk() {
        Some((array, rest)) => Ok((rest, array)),
        None => Err(nom::Err::Incomplete(Needed::Unknown)),
    }
}

/// So many bytes.
pub(super) fn array<const N: usize>(input: &[u8]) -> IResult<&[u8], [u8; N], ()> {
    array_ref.map(|array: &[u8; N]| *array).parse(input)
}

/// One byte.
pub(super) fn byte(input: &[u8]) -> IResult<&[u8], u8, ()> {
    array.map(u8::from_be_bytes).parse(input)
}

/// A number of 16 bits, big-endian.
pub(super) fn short(input: &[u8]) -> IResult<&[u8], u16, ()> {
    array.map(u16::from_be_bytes).parse(input)
}

/// A number of 32 bits, big-endian.
pub(super) fn word(input: &[u8]) -> IResult<&[u8], u32, ()> {
    array.map(u32::from_be_bytes).parse(input)
}

/// A number of 64 bits, big-endian.
pub(super) fn long(input: &[u8]) -> IResult<&[u8], u64, ()> {
    array.map(u64::from_be_bytes).parse(input)
}

/// `length` bytes. Not nom's `take`: not at every level does the optimiser see that its slices cannot panic.
pub(super) fn take<'a>(length: impl Into<usize>) -> impl Parser<&'a [u8], Output = &'a [u8], Error = ()> {
    let length = length.into();
    move |input: &'a [u8]| match input.split_at_checked(length) {
        Some((bytes, rest)) => Ok((rest, bytes)),
        None => Err(nom::Err::Incomplete(Needed::Unknown)),
    }
}

/// A length in one byte, and so many bytes.
pub(super) fn counted(input: &[u8]) -> IResult<&[u8], &[u8], ()> {
    let (input, length) = byte(input)?;
    take(length).parse(input)
}
