//! What is in the outbox, and for whom the socket waits.

use core::{net::SocketAddr, time::Duration};
use skep_core::{
    Instant,
    rdt::{Load, Peer},
};

/// How long a datagram may wait for the hardware address of somebody who was heard on a connection.
const HEARD: Duration = Duration::from_millis(1_100);

/// The same for somebody whom we call.
const CALLED: Duration = Duration::from_millis(30);

/// A datagram in the outbox.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) length: usize,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// The endpoint's: content is to be read into it, if it has any, and then it is to be wrapped.
    Open(Peer, Option<Load>),
    /// To be sent.
    Closed(SocketAddr),
}

/// The socket has a datagram that does not leave, because nobody has said yet where on the network its address is.
/// smoltcp would wait for ever; but whoever forges the address of somebody who is not there must not hold up others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) until: Instant,
}

/// What is known of the one that a datagram goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was heard on a connection.
    Heard,
    /// We call it.
    Called,
    /// It says that it is there.
    Stranger,
}

impl Waiting {
    pub(super) fn new(now: Instant, standing: Standing) -> Self {
        let patience = match standing {
            Standing::Heard => HEARD,
            Standing::Called => CALLED,
            Standing::Stranger => Duration::ZERO,
        };
        Self { until: now + patience }
    }
}
