//! What was counted and measured.

use super::Peer;
use core::time::Duration;

/// What a connection has done and seen so far. Counts saturate at the largest number of 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counters {
    /// Segments sent, repeats too.
    pub sent: u64,
    /// Repeats among them.
    pub resent: u64,
    /// Transmissions taken for lost.
    pub lost: u64,
    /// Transmissions acknowledged after they were taken for lost.
    pub spurious: u64,
    /// Time-outs.
    pub timeouts: u64,
    /// Segments received and stored or taken.
    pub received: u64,
    /// Segments received that were there already.
    pub duplicates: u64,
    /// Segments dropped: beyond the window.
    pub beyond_window: u64,
    /// Segments dropped: their place was not known yet.
    pub early: u64,
    /// Packets dropped: malformed, of the wrong size or not of this connection.
    pub malformed: u64,
    /// Acknowledgements of what was never sent.
    pub false_acknowledgements: u64,
    /// Acknowledgements sent.
    pub acknowledgements: u64,
}

/// The state of a connection, for a user to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Statistics {
    /// The peer.
    pub peer: Peer,
    /// Whether the peer speaks skep's own language.
    pub own: bool,
    /// Bytes in a full segment.
    pub segment: u16,
    /// Whether the path does not carry a full segment any more: it goes in parts.
    pub narrow: bool,
    /// The smoothed round-trip time; `None` before the first sample.
    pub round_trip: Option<Duration>,
    /// Bytes that the peer has acknowledged.
    pub bytes_acknowledged: u64,
    /// Bytes received and stored or taken.
    pub bytes_received: u64,
    /// What was counted.
    pub counters: Counters,
}

/// What an endpoint dropped without a connection to charge it to. Counts saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Dropped {
    /// Datagrams of another magic, or calls of another network.
    pub other_magic: u64,
    /// Malformed datagrams.
    pub malformed: u64,
    /// Packets of no connection.
    pub stray: u64,
    /// Calls while the backlog or the table was full.
    pub no_room: u64,
}
