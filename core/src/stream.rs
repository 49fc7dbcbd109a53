//! The contract between a machine that speaks over streams and the driver that carries them.
//!
//! ```text
//!        opened received finished relocated closed   moved        stored
//!   driver ─────────────────────────────────────────────────────────────────► machine
//!          ◄─────────────────────────────────────────────────────────────────
//!             Write Finish Abort        Send Receive        Open Create Commit Release
//! ```
//!
//! A stream is a TCP connection or an RDT connection; the machine cannot tell which. Content never passes
//! through a machine: it says which range of which file goes onto a stream ([`Action::Send`]) or comes off it
//! ([`Action::Receive`]), and the driver moves it by the shortest way it has.
//!
//! Calls that feed a machine record facts; [`Service::poll`] decides. Feed one thing, then poll until
//! [`Action::Wait`]. Extra polls are harmless, and nothing is owed before the moment that `Wait` names.

use crate::{Instant, wire::Name};
use core::net::SocketAddr;

/// A stream, named by the driver: dense small numbers, reused only after [`Service::closed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StreamId(pub u32);

/// A file in use, named by the machine; good from [`Action::Open`] or [`Action::Create`] to [`Action::Release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FileId(pub u32);

/// Why storage refused a file or failed with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fault {
    /// There is no such file, or it is not a regular one.
    NotFound,
    /// There is a file of that name, and it is not to be replaced.
    Exists,
    /// The storage takes no file of that length.
    TooLarge,
    /// The storage is full.
    NoSpace,
    /// The storage cannot have a file of that name, or it would lie outside.
    BadName,
    /// The storage does not permit it.
    NotAllowed,
    /// The file changed or shrank after it was opened; or a new one is not what it was announced to be.
    Changed,
    /// So many files are open that there is no room for another now.
    Busy,
    /// Reading or writing failed.
    Failed,
    /// The peer finished its direction before the whole range was received; what came is in the file. Only an
    /// answer to [`Action::Receive`].
    Ended,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::NotFound => "there is no such file",
            Self::Exists => "there is a file of that name already",
            Self::TooLarge => "the file is too large for the storage",
            Self::NoSpace => "the storage is full",
            Self::BadName => "the storage cannot have a file of that name",
            Self::NotAllowed => "the storage does not permit it",
            Self::Changed => "the file is not what it was announced to be",
            Self::Busy => "too many files are open",
            Self::Failed => "reading or writing failed",
            Self::Ended => "the peer ended in the middle of it",
        })
    }
}

impl core::error::Error for Fault {}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Closed {
    /// Both directions were finished, all that was written was delivered, and every byte that came was taken or
    /// received.
    Done,
    /// It broke: the peer aborted it, became silent, or the network failed. Bytes may be missing in both directions.
    Broken,
}

/// What a machine asks of its driver.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Action<'b, E> {
    /// Write these bytes on the stream, after everything asked for before. A driver has room for
    /// [`crate::limits::MESSAGE_MAX`] bytes a stream, or for as many as it gives room to `poll`, if that is more. A
    /// machine that writes more than one message waits for [`Service::flushed`] before the next.
    Write {
        /// Where to.
        stream: StreamId,
        /// What; it borrows the room given to `poll`.
        bytes: &'b [u8],
    },
    /// Move a range of a file onto the stream, after everything asked for before; then call [`Service::moved`]:
    /// when the file is not needed any more, not even to repeat a part of it.
    Send {
        /// Where to.
        stream: StreamId,
        /// Where from: a file that was opened.
        file: FileId,
        /// The first byte of the range.
        offset: u64,
        /// Bytes in the range.
        length: u64,
    },
    /// Move the next bytes of the stream into a file, written through to it; then call [`Service::moved`]. A peer
    /// that finishes before `length` bytes came makes that [`Fault::Ended`].
    Receive {
        /// Where from: what follows the bytes that the machine took.
        stream: StreamId,
        /// Where to: a file that was created.
        file: FileId,
        /// Where in the file the first byte goes.
        offset: u64,
        /// How many bytes; `None` for all until the peer finishes its direction.
        length: Option<u64>,
    },
    /// Move every byte that comes on one stream onto another, after everything asked for on that one before, until
    /// the peer finishes the first; hold the first back while the second takes nothing. Then call
    /// [`Service::moved`] for `from`: all was handed over, or it failed. As with [`Action::Receive`], bytes that the
    /// machine did not take belong to it, and neither `received` nor `finished` is called for `from` meanwhile.
    /// Nothing else is asked for on `to` before `moved`, but `Finish` after it and `Abort` at any time.
    Splice {
        /// Where from.
        from: StreamId,
        /// Where to.
        to: StreamId,
    },
    /// Finish this direction of the stream, after everything asked for before. The other one goes on.
    Finish(StreamId),
    /// End the stream at once, both directions, whatever is under way; the peer must notice. `closed` follows.
    Abort(StreamId),
    /// Open a file for reading; answer with its length by [`Service::stored`], which comes also when the stream
    /// has gone.
    Open {
        /// The machine's name for it.
        file: FileId,
        /// The file.
        name: Name<'b>,
    },
    /// Begin a new file; answer by [`Service::stored`], as for [`Action::Open`]. Nobody sees the file before it is
    /// committed.
    Create {
        /// The machine's name for it.
        file: FileId,
        /// The name that it gets when it is committed.
        name: Name<'b>,
        /// How long it is going to be, where that is known.
        length: Option<u64>,
    },
    /// Make a created file durable and visible under its name, whole; answer with its length by
    /// [`Service::stored`], as for [`Action::Open`].
    Commit(FileId),
    /// Let a file go; what was created and not committed is removed. Every `Open` and `Create` is followed by one,
    /// also one that failed, and never before its answer.
    Release(FileId),
    /// Something the application may want to know.
    Event(E),
    /// Nothing to do: until something is fed, or until this moment.
    Wait(Option<Instant>),
}

impl<'b, E> Action<'b, E> {
    /// The same, with what this makes of the event.
    pub fn map<T>(self, event: impl FnOnce(E) -> T) -> Action<'b, T> {
        match self {
            Self::Write { stream, bytes } => Action::Write { stream, bytes },
            Self::Send { stream, file, offset, length } => Action::Send { stream, file, offset, length },
            Self::Receive { stream, file, offset, length } => {
                Action::Receive { stream, file, offset, length }
            }
            Self::Splice { from, to } => Action::Splice { from, to },
            Self::Finish(stream) => Action::Finish(stream),
            Self::Abort(stream) => Action::Abort(stream),
            Self::Open { file, name } => Action::Open { file, name },
            Self::Create { file, name, length } => Action::Create { file, name, length },
            Self::Commit(file) => Action::Commit(file),
            Self::Release(file) => Action::Release(file),
            Self::Event(it) => Action::Event(event(it)),
            Self::Wait(until) => Action::Wait(until),
        }
    }

    /// The same as an action of a machine around this one: with what it borrows copied into that one's `room`, which is no
    /// smaller than this one's, and by another number of its file. Events and waits are the other machine's to see to:
    /// nothing comes of them.
    pub fn passed_on<'r, T>(
        self,
        room: &'r mut [u8],
        number: impl FnOnce(FileId) -> FileId,
    ) -> Action<'r, T> {
        let bytes = match &self {
            Self::Write { bytes, .. } => bytes,
            Self::Open { name, .. } | Self::Create { name, .. } => name.as_bytes(),
            _ => &[],
        };
        let Some(kept) = room.get_mut(..bytes.len()) else { return Action::Wait(None) };
        kept.copy_from_slice(bytes);
        match self {
            Self::Write { stream, .. } => Action::Write { stream, bytes: kept },
            Self::Send { stream, file, offset, length } => {
                Action::Send { stream, file: number(file), offset, length }
            }
            Self::Receive { stream, file, offset, length } => {
                Action::Receive { stream, file: number(file), offset, length }
            }
            Self::Splice { from, to } => Action::Splice { from, to },
            Self::Finish(stream) => Action::Finish(stream),
            Self::Abort(stream) => Action::Abort(stream),
            Self::Open { file, .. } => Action::Open { file: number(file), name: Name::again(kept) },
            Self::Create { file, length, .. } => {
                Action::Create { file: number(file), name: Name::again(kept), length }
            }
            Self::Commit(file) => Action::Commit(number(file)),
            Self::Release(file) => Action::Release(number(file)),
            Self::Event(_) | Self::Wait(_) => Action::Wait(None),
        }
    }
}

/// A machine over streams. See the [module](self) for the order of calls.
pub trait Service {
    /// What the application is told.
    type Event;

    /// A stream was accepted, or one that the application asked for was connected. `false`: there is no room
    /// for it, the driver ends it, and no other call names it.
    #[must_use]
    fn opened(&mut self, now: Instant, stream: StreamId) -> bool;

    /// Bytes arrived. The machine says how many it took; the rest is offered again, with more behind it, when
    /// more came (or alone: over datagrams what a machine waits for the end of never comes, so it takes the beginning of
    /// a message and keeps it), after every action on the stream, and, if it took some, after the next
    /// [`Action::Wait`]. Not called between [`Action::Receive`] and [`Service::moved`].
    #[must_use]
    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize;

    /// What [`Action::Send`] or [`Action::Receive`] asked for was done, or failed. A file that was received is
    /// not durable before it is committed. Not called after an `Abort` of the stream or after `closed`.
    fn moved(&mut self, now: Instant, stream: StreamId, outcome: Result<(), Fault>);

    /// The peer finished its direction: no byte follows. Called once, when all bytes before were offered; what the
    /// machine did not take of them it can still take or receive. Not called between [`Action::Receive`] and
    /// [`Service::moved`].
    fn finished(&mut self, now: Instant, stream: StreamId);

    /// The stream is gone, and its name may be used again: the last call for it.
    fn closed(&mut self, now: Instant, stream: StreamId, how: Closed);

    /// Everything that was written on the stream has left for the network: there is room for the next message.
    /// Called once after each [`Action::Write`] for machines that write more than one; others may ignore it.
    fn flushed(&mut self, now: Instant, stream: StreamId) {
        let _ = (now, stream);
    }

    /// [`Action::Splice`] has moved bytes of this stream. Called when some were moved, and at least once a second
    /// while they are: how long it has been silent only the machine knows. An application may call it, too, when it sees
    /// that more has arrived of what [`Action::Send`] has handed to the system. Machines that wait for neither ignore it;
    /// there is no body for them here, as who wraps a machine would not miss one that is not passed on.
    fn progressed(&mut self, now: Instant, stream: StreamId);

    /// The peer of a stream that was opened is at this address from now on, and has proven it: sealed sessions over RDT stay
    /// when that changes. Machines that tell nobody where a peer is ignore it.
    fn relocated(&mut self, now: Instant, stream: StreamId, address: SocketAddr);

    /// The answer to [`Action::Open`] or [`Action::Commit`] (the length of the file), or to [`Action::Create`]
    /// (any number).
    fn stored(&mut self, now: Instant, file: FileId, outcome: Result<u64, Fault>);

    /// The next thing to do. `room` holds at least [`crate::limits::MESSAGE_MAX`] bytes; what the action borrows is in it.
    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, Self::Event>;
}

/// A machine that lies elsewhere: so what is large need not be moved into what drives it.
impl<S: Service> Service for &mut S {
    type Event = S::Event;

    fn opened(&mut self, now: Instant, stream: StreamId) -> bool {
        S::opened(self, now, stream)
    }

    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        S::received(self, now, stream, bytes)
    }

    fn moved(&mut self, now: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        S::moved(self, now, stream, outcome);
    }

    fn finished(&mut self, now: Instant, stream: StreamId) {
        S::finished(self, now, stream);
    }

    fn closed(&mut self, now: Instant, stream: StreamId, how: Closed) {
        S::closed(self, now, stream, how);
    }

    fn flushed(&mut self, now: Instant, stream: StreamId) {
        S::flushed(self, now, stream);
    }

    fn progressed(&mut self, now: Instant, stream: StreamId) {
        S::progressed(self, now, stream);
    }

    fn relocated(&mut self, now: Instant, stream: StreamId, address: SocketAddr) {
        S::relocated(self, now, stream, address);
    }

    fn stored(&mut self, now: Instant, file: FileId, outcome: Result<u64, Fault>) {
        S::stored(self, now, file, outcome);
    }

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, Self::Event> {
        S::poll(self, now, room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_on_is_in_the_other_room_and_names_its_file_by_the_other_number() {
        let name = Name::new(b"a/b").unwrap();
        let open: Action<'_, ()> = Action::Open { file: FileId(1), name };
        let mut room = [0; 8];
        let passed: Action<'_, u8> = open.passed_on(&mut room, |file| FileId(file.0 + 4));
        assert_eq!(passed, Action::Open { file: FileId(5), name });
        assert_eq!(room, *b"a/b\0\0\0\0\0");
        let event = Action::Event(());
        assert_eq!(event.passed_on::<u8>(&mut room, |file| file), Action::Wait(None));
        assert_eq!(Action::Event(1).map(|one| one + 1), Action::Event(2));
    }
}
