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
