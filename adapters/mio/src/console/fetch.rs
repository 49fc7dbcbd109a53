//! GET_FILE: the content goes into a file that nobody sees before it is whole.

use super::call::Call;
use crate::{
    exit::Failure,
    storage::{Directory, Part},
};
use skep_core::{
    stream::Fault,
    wire::{
        command::parse_answer,
        file::{Code, Message, Unparsed},
    },
};
use std::{fs, io, path::Path};

/// Receives the answer to a request for a file: its result. The user's own links are followed, as by a shell. `lost` says
/// whose connection failed.
pub(super) fn receive(
    call: &mut Call<'_>,
    local: &str,
    lost: impl Fn(io::Error) -> Failure,
) -> Result<u8, Failure> {
    let failed = |fault| Failure::storage(format_args!("save {local}"), fault);
    let length = match answer(call).map_err(&lost)? {
        Message::Download { length } => length,
        Message::Error(Code::NotFound) => return Ok(1),
        Message::Error(_) => return Err(Failure::refused("its owner could not send it")),
        _ => return Err(lost(io::ErrorKind::InvalidData.into())),
    };
    let part = create(local, length)?;
    let mut offset = 0;
    while offset < length {
        let wanted = usize::try_from(length - offset).unwrap_or(usize::MAX);
        let unused = call.unused();
        let piece = &unused[..unused.len().min(wanted)];
        if piece.is_empty() {
            call.more().map_err(&lost)?;
            continue;
        }
        part.write_at(piece, offset).map_err(failed)?;
        let count = piece.len();
        call.take(count);
        offset += count as u64;
    }
    part.commit(true).map_err(failed)?;
    Ok(0)
}

fn answer(call: &mut Call<'_>) -> io::Result<Message<'static>> {
    loop {
        match parse_answer(call.unused()) {
            Ok((message, length)) => {
                call.take(length);
                return Ok(message);
            }
            Err(Unparsed::Incomplete) => call.more()?,
            Err(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

fn create(local: &str, length: u64) -> Result<Part, Failure> {
    let doing = || format!("save {local}");
    let path = fs::canonicalize(local).unwrap_or(local.into());
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Failure::storage(doing(), Fault::BadName))?;
    let directory = Directory::open(parent).map_err(|error| Failure::cannot(doing(), &error))?;
    directory.create_own(name, Some(length)).map_err(|fault| Failure::storage(doing(), fault))
}
