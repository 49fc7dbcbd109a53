//! What carries datagrams between the members of a world, and tells the time.

use skep_core::Instant;
use std::net::SocketAddr;

/// A place on a network: a host with one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(pub usize);

/// A datagram that has come to a seat.
#[derive(Debug)]
pub struct Arrival {
    /// Who receives it.
    pub seat: Seat,
    /// Who sent it.
    pub from: SocketAddr,
    /// What it is.
    pub bytes: Vec<u8>,
}

/// Datagrams and time.
pub trait Network {
    /// One more host.
    fn join(&mut self) -> Seat;

    /// How many hosts there are. They have the seats from 0 on.
    fn seats(&self) -> usize;

    /// Its address.
    fn address(&self, seat: Seat) -> SocketAddr;

    /// The time now. It passes in [`Network::next`] only, where it is virtual.
    fn now(&self) -> Instant;

    /// Sends a datagram, or loses it.
    fn send(&mut self, from: Seat, to: SocketAddr, datagram: &[u8]);

    /// The next datagram to arrive, or `None` when `until` has come first. Without `until`: `None` when nothing is
    /// under way.
    fn next(&mut self, until: Option<Instant>) -> Option<Arrival>;

    /// Whether a datagram arrives at `seat` at this very moment: one driver takes all of them before it polls.
    fn next_at_once(&mut self, seat: Seat) -> Option<Arrival>;

    /// Whether nothing is under way.
    fn is_idle(&self) -> bool;

    /// Whether time passes only in [`Network::next`].
    fn is_virtual(&self) -> bool;

    /// Notes what happened for the trace that is printed when a test fails.
    fn note(&mut self, _text: &str) {}
}
