//! What stands between the socket and the endpoint: nothing, or the sealed transport.

mod plain;
#[cfg(feature = "seal")]
mod sealed;

pub use plain::Plain;
#[cfg(feature = "seal")]
pub use sealed::{Sealed, device_settings};

use crate::Origin;
use core::{net::SocketAddr, ops::Range};
use skep_core::{
    Instant,
    rdt::{Envelope, Peer, Settings, Transmit},
};

/// Wraps the datagrams of an endpoint.
pub trait Wrapping {
    /// The room that it needs around each of them.
    const ENVELOPE: Envelope;

    /// Makes the settings of the endpoint fit.
    fn adjust(settings: &mut Settings) {
        let _ = settings;
    }

    /// Unwraps a datagram where it lies: who sent it, and where in it the endpoint's packet is.
    fn receive(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Option<(Peer, Range<usize>)>;

    /// Who has moved to another address by the last datagram, and where to.
    fn take_moved(&mut self) -> Option<(Peer, SocketAddr)> {
        None
    }

    /// Wraps a datagram, whose content is in it; where it goes. `None`: it does not go.
    fn seal(&mut self, transmit: &mut Transmit<'_>) -> Option<SocketAddr>;

    /// The next datagram of its own, written into `room`: where it goes, and how long it is.
    fn poll(&mut self, now: Instant, room: &mut [u8]) -> Option<(SocketAddr, usize)>;

    /// When [`Wrapping::poll`] is to be called at the latest.
    fn deadline(&self) -> Option<Instant>;

    /// Who a peer is, as far as is known.
    fn origin(&self, peer: Peer) -> Option<Origin>;

    /// The connection with a peer is over.
    fn ended(&mut self, now: Instant, peer: Peer);
}
