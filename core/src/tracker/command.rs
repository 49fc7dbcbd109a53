//! One request by command, from its first byte to its answer.
//!
//! ```text
//! Reading ──► Decide ──► ToStore ──► Storing ──► Answer ──► Finish, Closing
//!    │           └───┬──────────────────────────────▲
//!    │               └► ToAsk ──► Asking ──► Decide (CONNECT)
//!    └── too long: the last result ─────────────────┘     (LIST_*: Listing, as often as there is room)
//! ```
//!
//! A request may be longer than a message, so it is read byte by byte into the tracker's texts. What changes an
//! account or a published file is stored by the application before it is confirmed; it happens even if the stream
//! has gone by then.

use super::event::Record;
use crate::{
    texts::Stored,
    wire::command::{OPERATION_MAX, Operation},
};
use heapless::Vec;

/// What a stream by command has besides its stream.
#[derive(Debug)]
pub(super) struct Command {
    pub stage: Stage,
    /// The operation, while its name is coming and after.
    pub name: Vec<u8, OPERATION_MAX, u8>,
    pub operation: Option<Operation>,
    /// The application has said that this user may be there.
    pub is_allowed: bool,
    pub has_date: bool,
    /// How many strings are whole, besides the operation and the date.
    pub whole: u8,
    /// The string that is coming.
    pub current: Stored,
    /// The first string: who asks.
    pub user: Stored,
    /// The second: a port, a path, another user. Of the third, a text, nobody is told.
    pub other: Stored,
    /// Of the file that is being stored: tells it from others that had the same number.
    pub birth: u64,
    pub list: Listing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Reading,
    /// It is whole.
    Decide,
    /// The application is to be asked, by this number, whether its user may be there.
    ToAsk(u32),
    /// It owes an answer.
    Asking(u32),
    /// The application is to be asked to store this.
    ToStore(Record),
    /// It owes an answer.
    Storing(Record),
    /// The result is to be written.
    Answer(u8),
    /// More of a list is to be written.
    Listing,
}

/// How far a list has been written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    pub what: Listed,
    /// Entries that were promised and have not been written.
    pub left: u32,
    pub has_begun: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Listed {
    /// The users, from this number on.
    Users(u32),
    /// The files of a user, after the one that was born then; and when that user was.
    Files { owner: u32, born: u64, after: u64 },
}

impl Command {
    pub(super) const fn new() -> Self {
        Self {
            stage: Stage::Reading,
            name: Vec::new(),
            operation: None,
            is_allowed: false,
            has_date: false,
            whole: 0,
            current: Stored::EMPTY,
            user: Stored::EMPTY,
            other: Stored::EMPTY,
            birth: 0,
            list: Listing { what: Listed::Users(0), left: 0, has_begun: false },
        }
    }
}
