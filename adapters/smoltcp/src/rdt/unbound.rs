//! Why an endpoint is not bound to its socket.

use smoltcp::socket::udp::BindError;

/// Why an endpoint is not bound to its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unbound {
    /// The port is 0, or the socket is bound already.
    Socket(BindError),
    /// The buffers of the socket, or those of the endpoint, have no room for its largest datagram: it would never leave.
    TooSmall {
        /// Bytes of that datagram; what is received needs as many.
        datagram: usize,
    },
}

impl core::fmt::Display for Unbound {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Socket(error) => error.fmt(formatter),
            Self::TooSmall { datagram } => {
                write!(formatter, "the socket's buffers have no room for a datagram of {datagram} bytes")
            }
        }
    }
}

impl core::error::Error for Unbound {}
