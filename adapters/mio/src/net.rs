//! The two carriers of streams: TCP connections, and RDT connections over a UDP socket.

pub(crate) mod rdt;
pub(crate) mod tcp;
pub(crate) mod udp;
