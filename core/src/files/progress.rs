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
    /// Nobody answered the call: the stream could not be connected.
    Unreachable,
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

impl core::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::Unreachable => "nobody answered the call",
            Self::Closed => "the stream ended before the transfer did",
            Self::Malformed => "the server's answer is none",
            Self::TooLarge => "the file is larger than was to be accepted",
            Self::Timeout => "the server did not answer in time",
            Self::Storage(fault) => return fault.fmt(formatter),
        })
    }
}

impl core::error::Error for Failure {}
