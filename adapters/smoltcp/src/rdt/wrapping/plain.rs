//! Nothing.

use super::Wrapping;
use crate::Origin;
use core::{net::SocketAddr, ops::Range};
use skep_core::{
    Instant,
    rdt::{Envelope, Peer, Transmit},
};

/// In the clear: everybody on the way can read and change what is sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Wrapping for Plain {
    const ENVELOPE: Envelope = Envelope::NONE;

    fn receive(&mut self, _: Instant, from: SocketAddr, datagram: &mut [u8]) -> Option<(Peer, Range<usize>)> {
        Some((Peer::Address(from), 0..datagram.len()))
    }

    fn seal(&mut self, transmit: &mut Transmit<'_>) -> Option<SocketAddr> {
        transmit.to.address()
    }

    fn poll(&mut self, _: Instant, _: &mut [u8]) -> Option<(SocketAddr, usize)> {
        None
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn origin(&self, peer: Peer) -> Option<Origin> {
        peer.address().map(Origin::at)
    }

    fn ended(&mut self, _: Instant, _: Peer) {}
}
