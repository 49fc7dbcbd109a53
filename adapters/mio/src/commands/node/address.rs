//! Whether the host still has the address from which its session goes over TCP. If it has moved to another network, TCP goes on
//! from an address at which nobody hears the answers, and says nothing of it for minutes. Over RDT a session goes on from
//! the new address by itself.

use skep_core::{Instant, stream::StreamId};
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

/// How often it is looked. An address may be away for a moment, as long as a cable is drawn, so it has to be missing twice.
const LOOK: Duration = Duration::from_secs(5);

/// The session's address, as it was seen last.
#[derive(Debug, Default)]
pub(super) struct Address {
    session: Option<(StreamId, Instant)>,
    is_missing: bool,
}

impl Address {
    /// A session begins.
    pub(super) fn begin(&mut self, now: Instant, session: StreamId) {
        *self = Self { session: Some((session, now + LOOK)), is_missing: false };
    }

    /// A stream is gone.
    pub(super) fn gone(&mut self, stream: StreamId) {
        self.session.take_if(|(session, _)| *session == stream);
    }

    /// When it is to be looked.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.session.map(|(_, at)| at)
    }

    /// The session, if its address has left the host. `source` says from where a stream goes, unless that is no matter.
    pub(super) fn left(
        &mut self,
        now: Instant,
        source: impl Fn(StreamId) -> Option<SocketAddr>,
    ) -> Option<StreamId> {
        let (session, _) = self.session.filter(|(_, at)| *at <= now)?;
        let Some(source) = source(session) else {
            self.session = None;
            return None;
        };
        self.session = Some((session, now + LOOK));
        let was_missing = std::mem::replace(&mut self.is_missing, !is_ours(source));
        (was_missing && self.is_missing).then_some(session)
    }
}

/// Whether the host has an address: it lets nobody listen on one that it has not.
fn is_ours(address: SocketAddr) -> bool {
    let mut any_port = address;
    any_port.set_port(0);
    !UdpSocket::bind(any_port).is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_left_when_its_address_is_missing_twice() {
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let [here, away] = ["127.0.0.1:7", "192.0.2.7:7"].map(|it| it.parse().unwrap());
        let mut address = Address::default();
        assert_eq!(address.deadline(), None);
        address.begin(at(0), StreamId(3));
        for (seconds, source, left) in [(4, away, false), (5, away, false), (10, here, false)]
            .into_iter()
            .chain([(15, away, false), (16, away, false), (20, away, true)])
        {
            let found = address.left(at(seconds), |_| Some(source));
            assert_eq!(found, left.then_some(StreamId(3)), "{seconds} s");
        }
        address.gone(StreamId(4));
        assert_eq!(address.deadline(), Some(at(25)));
        address.gone(StreamId(3));
        assert_eq!(address.deadline(), None);
        address.begin(at(30), StreamId(3));
        // It goes over RDT.
        assert_eq!(address.left(at(40), |_| None), None);
        assert_eq!(address.deadline(), None);
    }
}
