//! Whether another network has come since the tracker was called in vain: then it is called at once, and not when the pause
//! is over, which lasts up to a minute.

use skep_core::Instant;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::Duration,
};

/// How often it is looked, while there is no session.
const LOOK: Duration = Duration::from_secs(2);

/// From which address of this host the tracker would be called.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    /// As it was when it was called last, or seen since.
    source: Option<IpAddr>,
    /// When it is looked next, in a pause between two calls.
    next: Option<Instant>,
}

impl Outlook {
    /// The tracker is called, from this address, if from any.
    pub(super) fn called(&mut self, source: Option<IpAddr>) {
        *self = Self { source, next: None };
    }

    /// There is no session, and a pause before the next call.
    pub(super) fn pause(&mut self, now: Instant) {
        self.next = Some(now + LOOK);
    }

    /// When it is to be looked.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Whether there is a new way to the tracker. `source` says from where it would be called.
    pub(super) fn has_changed(&mut self, now: Instant, source: impl FnOnce() -> Option<IpAddr>) -> bool {
        if self.next.is_none_or(|at| now < at) {
            return false;
        }
        self.pause(now);
        let source = source();
        let before = std::mem::replace(&mut self.source, source);
        source.is_some() && source != before
    }
}

/// From which address the system would send to another; `None`: from none. Nothing is sent.
pub(super) fn source(to: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(to).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_comes_is_noticed_and_one_that_goes_is_not() {
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let [first, other] = ["192.0.2.7", "198.51.100.7"].map(|it| Some(it.parse().unwrap()));
        let mut outlook = Outlook::default();
        outlook.called(first);
        assert!(outlook.deadline().is_none() && !outlook.has_changed(at(9), || other), "there is a session");
        outlook.pause(at(10));
        assert!(!outlook.has_changed(at(11), || other), "too early");
        let seen = [(12, first), (14, None), (16, None), (18, first), (20, first), (22, other), (24, None)];
        let changed = seen.map(|(seconds, source)| outlook.has_changed(at(seconds), || source));
        assert_eq!(changed, [false, false, false, true, false, true, false]);
        assert_eq!(outlook.deadline(), Some(at(26)));
        // It comes while the tracker is called in vain.
        outlook.called(None);
        outlook.pause(at(30));
        assert!(outlook.has_changed(at(32), || first));
    }

    #[test]
    fn the_system_says_from_where_it_would_send() {
        assert_eq!(source("127.0.0.1:9".parse().unwrap()), Some(Ipv4Addr::LOCALHOST.into()));
    }
}
