//! What a command was asked for, on standard output.

use crate::exit::Failure;
use std::{
    fmt::Display,
    io::{ErrorKind, Write, stdout},
};

/// Writes a result. Whoever reads no further, as `head` does, has what he wanted.
///
/// # Errors
/// It could not be written, on a full disk for example: a result that is lost is no success.
pub(super) fn print(result: impl Display) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match write!(out, "{result}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::cannot("write to standard output", &error))
        }
        _ => Ok(()),
    }
}
