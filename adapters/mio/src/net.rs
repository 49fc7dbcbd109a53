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

/// Bounds what the system keeps of a socket by TCP and cannot send yet, or leaves it to the system: 0.
#[cfg(target_os = "linux")]
pub(crate) fn bound_unsent<S: std::os::fd::AsFd>(socket: &S, bytes: u32) {
    // Without it memory is not bounded as well, and everything works.
    let _ = socket2::SockRef::from(socket).set_tcp_notsent_lowat(bytes);
}

/// Elsewhere it is the system's affair.
#[cfg(not(target_os = "linux"))]
pub(crate) fn bound_unsent<S>(_: &S, _: u32) {}
