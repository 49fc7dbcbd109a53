//! What is known of a connection that is over.

use skep_core::{
    Instant,
    rdt::{ConnectionId, Error, Statistics},
    wire::rdt::Pass,
};

/// The end of a connection, as its node was told.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// When.
    pub at: Instant,
    /// Which.
    pub connection: ConnectionId,
    /// How.
    pub outcome: Result<(), Error>,
    /// Its last statistics.
    pub statistics: Statistics,
    /// What it leaves to the next one.
    pub pass: Pass,
}
