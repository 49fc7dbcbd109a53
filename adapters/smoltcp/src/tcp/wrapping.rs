//! What stands between a socket and the stream on it: nothing, or the sealed transport.

mod plain;
#[cfg(feature = "seal")]
mod sealed;

pub use plain::Plain;
#[cfg(feature = "seal")]
pub use sealed::Sealed;

use super::boxes::{Inbox, Outbox};
use crate::Origin;
use core::net::SocketAddr;

/// The stream cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// How far a stream's handshake has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting<C> {
    /// More has to come.
    Unfinished,
    /// This is who is at the other end.
    Done(C),
    /// It is nobody whom we speak with.
    Refused,
}

/// Wraps streams.
pub trait Wrapping {
    /// What it keeps of a stream.
    type Records;
    /// Who is at the other end of one.
    type Caller: Copy;

    /// The least that a chunk has to hold.
    const LEAST: usize;

    /// For a stream that somebody else opens.
    fn listening() -> Self::Records;

    /// Goes on with the handshake: reads from the inbox, and puts what is to be said into the outbox.
    fn greet<const SIZE: usize>(
        &mut self,
        records: &mut Self::Records,
        peer: SocketAddr,
        inbox: &mut Inbox<SIZE>,
        outbox: &mut Outbox<SIZE>,
    ) -> Greeting<Self::Caller>;

    /// Who is at the other end.
    fn origin(address: SocketAddr, caller: Self::Caller) -> Origin;

    /// Makes text of what came, if it can.
    ///
    /// # Errors
    /// It is none: the stream is broken.
    fn open<const SIZE: usize>(records: &mut Self::Records, inbox: &mut Inbox<SIZE>) -> Result<(), Broken>;

    /// Whether the peer has finished, when its socket has or has not.
    fn has_ended(records: &Self::Records, has_socket: bool) -> bool;

    /// Bytes before the text of a record, and after it.
    fn around(records: &Self::Records) -> (usize, usize);

    /// The most text that a record to this peer may have.
    fn text_max(records: &Self::Records) -> usize;

    /// Wraps a record where it lies.
    ///
    /// # Errors
    /// It cannot: the stream is broken.
    fn seal(records: &mut Self::Records, record: &mut [u8]) -> Result<(), Broken>;

    /// Writes what says that this side has finished; its length. `None`: nothing does, or it was said.
    fn end(records: &mut Self::Records, room: &mut [u8]) -> Option<usize>;
}
