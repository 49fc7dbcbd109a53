//! What a server of files tells its application.

use super::Direction;
use crate::{
    stream::{Fault, FileId, StreamId},
    wire::file::Code,
};

/// What the application is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event {
    /// A transfer has begun: its file is open.
    Started {
        /// Its stream.
        stream: StreamId,
        /// Its file, by which its end is known: the stream may be another's by then.
        file: FileId,
        /// Which way the content goes.
        direction: Direction,
        /// Bytes of content.
        length: u64,
    },
    /// A transfer that had begun has ended.
    Ended {
        /// The stream that it was on.
        stream: StreamId,
        /// Its file.
        file: FileId,
        /// Which way the content went.
        direction: Direction,
        /// How it ended.
        outcome: Outcome,
    },
    /// A request was answered by an error before anything began.
    Refused {
        /// Its stream.
        stream: StreamId,
        /// The file that could not be opened or made, if it came so far.
        file: FileId,
        /// Why.
        code: Code,
        /// What the storage said, where that is why: it may be more than the client is told.
        fault: Option<Fault>,
    },
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Outcome {
    /// An upload is stored durably, even if the stream broke before that could be confirmed; a download was handed
    /// to its stream whole, which is not to say that the client stored it.
    Done,
    /// The stream broke, or ended too early.
    Broken,
    /// The storage failed.
    Failed(Fault),
}
