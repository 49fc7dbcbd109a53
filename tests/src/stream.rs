//! A stream as its driver sees it: an RDT connection, and what the application asked for on it.

use skep_core::{
    rdt::{ConnectionId, Peer},
    stream::FileId,
};
use std::collections::BTreeMap;

/// What moves on a stream by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moving {
    Nothing,
    Out(FileId),
    In(FileId),
    /// What comes goes onto another stream.
    Over(u32),
}

/// Whether the application knows that the peer has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    No,
    /// Bytes that came before the end are still to be offered.
    Held,
    Told,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) connection: ConnectionId,
    pub(crate) peer: Peer,
    pub(crate) moving: Moving,
    /// The application took less than it was offered.
    pub(crate) is_stalled: bool,
    /// It asked for something on this stream since it was last offered anything.
    pub(crate) has_acted: bool,
    pub(crate) is_aborted: bool,
    pub(crate) finished: Finished,
    /// Early datagrams by their numbers: they were acknowledged, and are not lost any more.
    pub(crate) kept: BTreeMap<u32, Vec<u8>>,
}

impl Stream {
    pub(crate) fn new(connection: ConnectionId, peer: Peer) -> Self {
        Self {
            connection,
            peer,
            moving: Moving::Nothing,
            is_stalled: false,
            has_acted: false,
            is_aborted: false,
            finished: Finished::No,
            kept: BTreeMap::new(),
        }
    }
}
