//! What carries streams: TCP connections, and RDT connections over a UDP socket; plain or sealed.

pub(crate) mod handshakes;
pub(crate) mod pipe;
pub(crate) mod prefix;
pub(crate) mod rdt;
pub(crate) mod records;
pub(crate) mod route;
pub(crate) mod tcp;
pub(crate) mod tunnel;
pub(crate) mod udp;
pub(crate) mod wire;

use std::net::SocketAddr;

/// An address as people know it: who comes by IPv4 to a socket of both families is shown so.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
