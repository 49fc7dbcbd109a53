//! An action of one of the machines, without what it borrows: that is copied into the room.

use skep_core::{
    Instant,
    stream::{Action, FileId, StreamId},
    wire::Name,
};

pub(super) enum Step<E> {
    Write { stream: StreamId, length: usize },
    Send { stream: StreamId, file: FileId, offset: u64, length: u64 },
    Receive { stream: StreamId, file: FileId, offset: u64, length: Option<u64> },
    Splice { from: StreamId, to: StreamId },
    Finish(StreamId),
    Abort(StreamId),
    Open { file: FileId, name: usize },
    Create { file: FileId, name: usize, length: Option<u64> },
    Commit(FileId),
    Release(FileId),
    Event(E),
    Wait(Option<Instant>),
}

impl<E> Step<E> {
    /// Keeps what an action borrows at the beginning of `room`.
    pub(super) fn take(action: Action<'_, E>, room: &mut [u8]) -> Self {
        let mut keep = |bytes: &[u8]| {
            room[..bytes.len()].copy_from_slice(bytes);
            bytes.len()
        };
        match action {
            Action::Write { stream, bytes } => Self::Write { stream, length: keep(bytes) },
            Action::Send { stream, file, offset, length } => Self::Send { stream, file, offset, length },
            Action::Receive { stream, file, offset, length } => {
                Self::Receive { stream, file, offset, length }
            }
            Action::Splice { from, to } => Self::Splice { from, to },
            Action::Finish(stream) => Self::Finish(stream),
            Action::Abort(stream) => Self::Abort(stream),
            Action::Open { file, name } => Self::Open { file, name: keep(name.as_str().as_bytes()) },
            Action::Create { file, name, length } => {
                Self::Create { file, name: keep(name.as_str().as_bytes()), length }
            }
            Action::Commit(file) => Self::Commit(file),
            Action::Release(file) => Self::Release(file),
            Action::Event(event) => Self::Event(event),
            Action::Wait(until) => Self::Wait(until),
        }
    }

    /// The same with another kind of event. `None`: it is an event, or a wait.
    pub(super) fn other<T>(self) -> Option<Step<T>> {
        Some(match self {
            Self::Write { stream, length } => Step::Write { stream, length },
            Self::Send { stream, file, offset, length } => Step::Send { stream, file, offset, length },
            Self::Receive { stream, file, offset, length } => Step::Receive { stream, file, offset, length },
            Self::Splice { from, to } => Step::Splice { from, to },
            Self::Finish(stream) => Step::Finish(stream),
            Self::Abort(stream) => Step::Abort(stream),
            Self::Open { file, name } => Step::Open { file, name },
            Self::Create { file, name, length } => Step::Create { file, name, length },
            Self::Commit(file) => Step::Commit(file),
            Self::Release(file) => Step::Release(file),
            Self::Event(_) | Self::Wait(_) => return None,
        })
    }

    /// The same with other numbers of files.
    pub(super) fn with_files(self, number: impl Fn(FileId) -> FileId) -> Self {
        match self {
            Self::Send { stream, file, offset, length } => {
                Self::Send { stream, file: number(file), offset, length }
            }
            Self::Receive { stream, file, offset, length } => {
                Self::Receive { stream, file: number(file), offset, length }
            }
            Self::Open { file, name } => Self::Open { file: number(file), name },
            Self::Create { file, name, length } => Self::Create { file: number(file), name, length },
            Self::Commit(file) => Self::Commit(number(file)),
            Self::Release(file) => Self::Release(number(file)),
            other => other,
        }
    }

    /// The action again.
    pub(super) fn action(self, room: &[u8]) -> Action<'_, E> {
        let name = |length: usize| Name::new(&room[..length]);
        match self {
            Self::Write { stream, length } => Action::Write { stream, bytes: &room[..length] },
            Self::Send { stream, file, offset, length } => Action::Send { stream, file, offset, length },
            Self::Receive { stream, file, offset, length } => {
                Action::Receive { stream, file, offset, length }
            }
            Self::Splice { from, to } => Action::Splice { from, to },
            Self::Finish(stream) => Action::Finish(stream),
            Self::Abort(stream) => Action::Abort(stream),
            Self::Open { file, name: length } => match name(length) {
                Ok(name) => Action::Open { file, name },
                Err(_) => Action::Wait(None),
            },
            Self::Create { file, name: length, length: size } => match name(length) {
                Ok(name) => Action::Create { file, name, length: size },
                Err(_) => Action::Wait(None),
            },
            Self::Commit(file) => Action::Commit(file),
            Self::Release(file) => Action::Release(file),
            Self::Event(event) => Action::Event(event),
            Self::Wait(until) => Action::Wait(until),
        }
    }
}
