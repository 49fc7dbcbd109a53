//! Machines that a driver can drive.

use crate::Origin;
use skep_core::{
    Instant, Memory, client, files,
    stream::{Service, StreamId},
    table::Named,
    tracker,
};

/// A stream that somebody else has opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Admission {
    /// The stream.
    pub stream: StreamId,
    /// Who opened it.
    pub origin: Origin,
}

/// A machine over streams, and whom it lets in. Wrap one of the core's to decide otherwise than here.
pub trait Machine: Service {
    /// Whether it exchanges files with who calls: whose content then does not move for a minute is broken off. Nothing of
    /// that is left in the image of a machine that says no.
    const SERVES_FILES: bool = true;

    /// Somebody has called: as [`Service::opened`], which is for streams that this side called.
    #[must_use]
    fn admit(&mut self, now: Instant, admission: &Admission) -> bool {
        self.opened(now, admission.stream)
    }

    /// A stream that this side called could not be connected. The last that is heard of it.
    fn unreachable(&mut self, now: Instant, stream: StreamId) {
        let _ = (now, stream);
    }
}

impl<M: Machine> Machine for &mut M {
    const SERVES_FILES: bool = M::SERVES_FILES;

    fn admit(&mut self, now: Instant, admission: &Admission) -> bool {
        M::admit(self, now, admission)
    }

    fn unreachable(&mut self, now: Instant, stream: StreamId) {
        M::unreachable(self, now, stream);
    }
}

impl<M: Memory<Named<files::Session>>> Machine for files::Server<M> {}

/// It calls, and is not called.
impl Machine for files::Client {
    const SERVES_FILES: bool = false;

    fn admit(&mut self, _: Instant, _: &Admission) -> bool {
        false
    }

    fn unreachable(&mut self, _: Instant, _: StreamId) {
        files::Client::unreachable(self);
    }
}

/// It calls its tracker, and is not called.
impl<P: client::Profile> Machine for client::Client<P> {
    const SERVES_FILES: bool = false;

    fn admit(&mut self, _: Instant, _: &Admission) -> bool {
        false
    }

    fn unreachable(&mut self, now: Instant, _: StreamId) {
        client::Client::unreachable(self, now);
    }
}

/// Its callers are sessions, which may do everything, and ends of relayed transfers (docs/protocol.md section 5).
impl<P: tracker::Profile> Machine for tracker::Tracker<P> {
    const SERVES_FILES: bool = false;

    fn admit(&mut self, now: Instant, admission: &Admission) -> bool {
        let Admission { stream, origin } = *admission;
        let peer = tracker::Peer { key: origin.key(), ..tracker::Peer::at(origin.address.ip()) };
        let dialect = if origin.is_attaching { tracker::Dialect::Relay } else { tracker::Dialect::Session };
        self.opened_as(now, stream, dialect, &peer)
    }
}
