//! Reliable data transfer over datagrams: many connections on one socket, each a stream with two directions.
//!
//! ```text
//!   datagrams ──► Endpoint::handle ──► Incoming: a message to take, content to store
//!                      │ index by address
//!                 Connection ── Receiver (what is expected, where it goes, what is acknowledged)
//!                      │     └─ Sender   (window, loss, time-outs) ── Outgoing (messages, ranges of files)
//!   datagrams ◄── Endpoint::poll   ──► Output: datagrams, events, the next deadline
//! ```
//!
//! An endpoint is a machine: it reads no clock and touches no socket. The driver
//!
//! 1. feeds a datagram to [`Endpoint::handle`], and does with the [`Incoming`] what it asks for: content is
//!    written and then reported by [`Endpoint::stored`]; messages go to the application, and what it took of
//!    them is reported by [`Endpoint::taken`];
//! 2. polls until [`Output::Wait`]: sends datagrams (reading the file ranges that belong into them first) and
//!    passes events on;
//! 3. polls again at the moment that `Wait` names.
//!
//! Several datagrams may be fed between two rounds of polling; [`Incoming`] that was not reported yet when the
//! next datagram is fed is fine too. What is never reported comes again.
//!
//! It speaks two languages: skep's own, with windows and selective acknowledgements, and that of the known
//! peers (docs/protocol.md section 2), in stop-and-wait or selective repeat. Who is called is asked in the first
//! and, when silent, in both; who calls is answered in the one it used.

mod connection;
pub mod control;
mod endpoint;
mod error;
mod exchange;
mod flight;
mod index;
mod keep;
mod known;
mod numbers;
mod outgoing;
mod path_mtu;
mod peer;
mod profile;
mod queue;
mod receiver;
mod record;
mod reordering_threshold;
mod ring;
mod rtt;
mod sender;
mod settings;
mod statistics;
mod token;
pub mod trace;

pub use connection::{Connection, Parked};
pub use endpoint::{Endpoint, Reply};
pub use error::{Discard, Error};
pub use exchange::{Event, Incoming, Load, Output, Ticket, Transmit};
pub use flight::{Segment, Transmission};
pub use keep::{Keep, Parkable};
pub use outgoing::Piece;
pub use peer::{Envelope, Language, Peer};
pub use profile::{Fixed, Profile};
pub use receiver::Mark;
pub use settings::Settings;
pub use statistics::{Counters, Dropped, Statistics};
pub use token::{EPOCH, Keyed, Tokens};

/// A connection of one endpoint. A name is never used for two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConnectionId {
    number: u32,
    generation: u32,
}

impl ConnectionId {
    /// Its number among the connections that exist now: small and dense, for a table of the driver's.
    pub const fn number(self) -> u32 {
        self.number
    }
}
