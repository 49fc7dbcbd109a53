//! A request as it comes in, in pieces of any size, and afterwards the name that it was for.

use super::{Dialect, Direction};
use crate::{
    limits::NAME_MAX,
    wire::{
        Name, command,
        file::{self, Code, Message, Unparsed},
        path,
    },
};
use heapless::Vec;

const LENGTH_MAX: usize = file::LENGTH_MAX;

const _: () = assert!(path::LENGTH_MAX < LENGTH_MAX && command::GET_FILE_MAX < LENGTH_MAX);

/// The bytes of a request. They are kept here and not left with the driver, because a path may end by nothing but
/// the end of its stream.
#[derive(Debug)]
pub(super) struct Request {
    bytes: Vec<u8, LENGTH_MAX, u16>,
    /// The place of the name in the bytes, once they are whole.
    name: (u16, u16),
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub direction: Direction,
    /// Bytes of content of an upload; of a download nobody knows it yet.
    pub length: u64,
}

impl Request {
    pub(super) const fn new() -> Self {
        Self { bytes: Vec::new(), name: (0, 0) }
    }

    /// Whether nothing of it has come.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes what belongs to the request: how many bytes that was, and what it asks for when it is whole.
    pub(super) fn take(&mut self, dialect: Dialect, bytes: &[u8]) -> (usize, Option<Result<Wanted, Code>>) {
        let before = self.bytes.len();
        let room = LENGTH_MAX.saturating_sub(before);
        let piece = bytes.get(..room).unwrap_or(bytes);
        // It fits: there is that much room.
        let _ = self.bytes.extend_from_slice(piece);
        match self.parse(dialect, false) {
            Ok((wanted, length)) => (length.saturating_sub(before), Some(Ok(wanted))),
            // A request that fills all the room is whole or bad; this keeps the wait from being for ever all the same.
            Err(Unparsed::Incomplete) if self.bytes.is_full() => (bytes.len(), Some(Err(Code::Unknown))),
            Err(Unparsed::Incomplete) => (piece.len(), None),
            Err(Unparsed::BadName) => (bytes.len(), Some(Err(Code::BadName))),
            Err(Unparsed::Malformed) => (bytes.len(), Some(Err(Code::Unknown))),
        }
    }

    /// No byte follows: what was asked for, or `None` when the request is not whole.
    pub(super) fn finish(&mut self, dialect: Dialect) -> Option<Result<Wanted, Code>> {
        match self.parse(dialect, true) {
            Ok((wanted, _)) => Some(Ok(wanted)),
            Err(Unparsed::Incomplete) => None,
            Err(Unparsed::BadName) => Some(Err(Code::BadName)),
            Err(Unparsed::Malformed) => Some(Err(Code::Unknown)),
        }
    }

    /// The name in a whole request, where it stands.
    pub(super) fn name(&self) -> Option<Name<'_>> {
        let bytes = self.name_bytes();
        (!bytes.is_empty()).then(|| Name::again(bytes))
    }

    /// The same, copied into `room`.
    pub(super) fn name_in<'b>(&self, room: &'b mut [u8]) -> Option<Name<'b>> {
        let name = self.name()?.as_bytes();
        let room = room.get_mut(..name.len())?;
        room.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
        Some(Name::again(room))
    }

    /// Whether the name below a directory, whose name ends in a slash, is short enough for a name.
    pub(super) fn fits_below(&self, directory: &str) -> bool {
        directory.len().saturating_add(self.name_bytes().len()) <= NAME_MAX
    }

    /// The name below such a directory, copied into `room`.
    pub(super) fn name_below<'b>(&self, directory: &str, room: &'b mut [u8]) -> Option<Name<'b>> {
        let name = self.name_bytes();
        let room = room.get_mut(..directory.len().saturating_add(name.len()))?;
        room.iter_mut().zip(directory.bytes().chain(name.iter().copied())).for_each(|(to, from)| *to = from);
        Name::new(room).ok()
    }

    fn name_bytes(&self) -> &[u8] {
        let (start, end) = self.name;
        self.bytes.get(usize::from(start)..usize::from(end)).unwrap_or_default()
    }

    fn parse(&mut self, dialect: Dialect, finished: bool) -> Result<(Wanted, usize), Unparsed> {
        let download = Wanted { direction: Direction::Download, length: 0 };
        let (wanted, name, start, length) = if dialect.is_path() {
            let (name, length) = path::parse(&self.bytes, finished)?;
            (download, name, self.bytes.iter().take_while(|&&byte| byte == b'/').count(), length)
        } else if dialect.is_get_file() {
            let (name, length) = command::parse_get_file(&self.bytes)?;
            // The name is the last string, with its NUL.
            (download, name, length.saturating_sub(name.as_bytes().len()).saturating_sub(1), length)
        } else {
            let (message, length) = Message::parse(&self.bytes)?;
            let (wanted, name) = match message {
                Message::Upload { length, name } => (Wanted { direction: Direction::Upload, length }, name),
                Message::Request { name } => (download, name),
                _ => return Err(Unparsed::Malformed),
            };
            // The name is the last of both messages.
            (wanted, name, length.saturating_sub(name.as_bytes().len()), length)
        };
        self.name = (start as u16, start.saturating_add(name.as_bytes().len()) as u16);
        Ok((wanted, length))
    }
}
