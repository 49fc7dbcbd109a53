//! How much room an endpoint has: fixed on a device, growing on a host.

use super::{
    connection::Connection,
    control::{Constant, Controller},
    endpoint::Reply,
    flight::{Segment, Transmission},
    keep::Keep,
    outgoing::Piece,
    receiver::Mark,
    token::Tokens,
    trace::Trace,
};
use crate::{Memory, index::Cell, table::Slot};
use core::fmt::Debug;

/// The memories of an endpoint. Windows are powers of two; of another bound, the power below it is used.
pub trait Profile: Sized + Debug {
    /// Whether peers may call. Where they may not, an image has nothing that would answer them.
    const IS_CALLED: bool = true;
    /// Whether the largest datagram that a path carries is searched for, and what a path carries no more is sent in parts.
    /// Where segments fit into 1,200 bytes with all that is around them, there is nothing to search for.
    const SEARCHES: bool = true;
    /// The connections. Its bound is how many there can be.
    type Connections: Memory<Slot<Self::Keep>> + Debug;
    /// The place of one connection: whether it can be parked.
    type Keep: Keep<Self>;
    /// The index of connections by address. Its bound should be that of the connections.
    type Index: Memory<Cell> + Debug;
    /// Those who wait to be accepted.
    type Backlog: Memory<u32> + Default + Debug;
    /// Small answers that wait to be sent: 2 suffice when every datagram is followed by polls.
    type Replies: Memory<Reply> + Debug;
    /// Per connection: the segments of the window. Its bound is the largest window for sending.
    type Segments: Memory<Segment> + Default + Debug;
    /// Per connection: the transmissions, in pairs, one pair for each segment of the window.
    type Transmissions: Memory<[Transmission; 2]> + Default + Debug;
    /// Per connection: what is stored of the segments of the window. Its bound is the largest window for receiving.
    type Stored: Memory<Mark> + Default + Debug;
    /// Per connection: message bytes that are not yet acknowledged, at least [`crate::limits::MESSAGE_MAX`].
    type Outbox: Memory<u8> + Default + Debug;
    /// Per connection: messages and ranges of files that are not yet acknowledged. A message that was not begun takes
    /// up the next one.
    type Pieces: Memory<Piece> + Default + Debug;
    /// Per connection: what decides how much is under way, and how fast it is sent.
    type Controller: Controller;
    /// Per connection: who is told what happens; `()` for nobody.
    type Trace: Trace;
    /// How the addresses of plain callers are proven; `()` for not at all.
    type Tokens: Tokens;
}

/// Room for `CONNECTIONS` connections with windows of `WINDOW` segments each way, without any allocation: what a device
/// uses. `WINDOW` is a power of two from 1 on: of another number, the power below it is used, and the rest is wasted; 0 does
/// not compile. One that only calls says that it `IS_CALLED` by nobody, and saves its code; one
/// with segments that do not fit into 1,200 bytes that it `SEARCHES`.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fixed<
    const CONNECTIONS: usize,
    const WINDOW: usize,
    const IS_CALLED: bool = true,
    const SEARCHES: bool = false,
>;

impl<const CONNECTIONS: usize, const WINDOW: usize, const IS_CALLED: bool, const SEARCHES: bool> Profile
    for Fixed<CONNECTIONS, WINDOW, IS_CALLED, SEARCHES>
{
    const IS_CALLED: bool = {
        assert!(WINDOW > 0, "a window has room for one segment at least");
        IS_CALLED
    };
    const SEARCHES: bool = SEARCHES;
    type Connections = heapless::Vec<Slot<Connection<Self>>, CONNECTIONS>;
    type Keep = Connection<Self>;
    type Index = heapless::Vec<Cell, CONNECTIONS>;
    type Backlog = heapless::Vec<u32, CONNECTIONS>;
    type Replies = heapless::Vec<Reply, 2>;
    type Segments = heapless::Vec<Segment, WINDOW>;
    type Transmissions = heapless::Vec<[Transmission; 2], WINDOW>;
    type Stored = heapless::Vec<Mark, WINDOW>;
    type Outbox = heapless::Vec<u8, { crate::limits::MESSAGE_MAX }>;
    type Pieces = heapless::Vec<Piece, 4>;
    type Controller = Constant;
    type Trace = ();
    type Tokens = ();
}

/// The largest power of two that is not above `bound`; 0 for 0.
pub(crate) const fn power_below(bound: usize) -> usize {
    match bound.checked_ilog2() {
        Some(exponent) => 1 << exponent,
        None => 0,
    }
}
