//! What a client of files tells its application.

use crate::{stream::Fault, wire::file::Code};

/// What the application is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Progress {
    /// The content begins to flow.
    Started {
        /// Bytes of content, where that is known before its end.
        length: Option<u64>,
    },
    /// The last event: the file is stored, here or there, durably.
    Done {
        /// Bytes of content.
        bytes: u64,
    },
    /// The last event: the server answered by an error.
    Refused(Code),
    /// The last event: there was no transfer, and nothing of it is left here.
    Failed(Failure),
}

/// Why a transfer came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Failure {
    /// The stream ended before the transfer did.
    Closed,
    /// What the server answered is no answer.
    Malformed,
    /// The file is longer than the client was told to accept.
    TooLarge,
    /// The server did not answer in time.
    Timeout,
    /// The storage on this side failed.
    Storage(Fault),
}
