//! Where the tracker is, and in which order it is called there.
//!
//! With an invite over TCP first; then over UDP, and over TCP where that does not get through. Each address in turn.

use crate::{args::Via, commands::attempts::Attempts, exit::Failure, url::Host};
use skep_core::{Instant, stream::StreamId};
use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// How long one call may take. Over UDP it ends by itself, earlier.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a tracker is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Over TCP, with an invite.
    Enrol,
    Udp,
    Tcp,
}

/// What to do next.
pub(super) enum Next {
    Call(SocketAddr, Way),
    /// Everything was tried.
    Unreachable,
}

pub(super) struct Rendezvous {
    host: Host,
    via: Option<Via>,
    /// The invite was not used yet.
    enrols: bool,
    addresses: Vec<SocketAddr>,
    left: VecDeque<(SocketAddr, Way)>,
    /// What was called last.
    last: Option<(SocketAddr, Way)>,
    /// The call that is not answered.
    calling: Option<(StreamId, Instant)>,
    attempts: Attempts,
    /// The host is being looked up again.
    looked_up: Option<Receiver<io::Result<Vec<SocketAddr>>>>,
}

impl Rendezvous {
    pub(super) fn new(host: &Host, via: Option<Via>, enrols: bool) -> Result<Self, Failure> {
        let addresses = host.resolve();
        let addresses =
            addresses.map_err(|error| Failure::network(format!("cannot find {host}: {error}")))?;
        Ok(Self {
            host: host.clone(),
            via,
            enrols,
            addresses,
            left: VecDeque::new(),
            last: None,
            calling: None,
            attempts: Attempts::default(),
            looked_up: None,
        })
    }

    /// From the beginning.
    pub(super) fn begin(&mut self) {
        if let Some(found) = self.looked_up.as_ref().and_then(|found| found.try_recv().ok()) {
            self.looked_up = None;
            if let Ok(addresses) = found {
                self.addresses = addresses;
            }
        }
        let ways: &[Way] = match (self.enrols, self.via) {
            // Who was let in before, perhaps by this very invite, comes in with his key.
            (true, Some(Via::Tcp)) => &[Way::Enrol, Way::Tcp],
            (true, _) => &[Way::Enrol, Way::Udp, Way::Tcp],
            (false, Some(Via::Udp)) => &[Way::Udp],
            (false, Some(Via::Tcp)) => &[Way::Tcp],
            (false, None) => &[Way::Udp, Way::Tcp],
        };
        self.left =
            self.addresses.iter().flat_map(|address| ways.iter().map(move |way| (*address, *way))).collect();
        self.attempts = Attempts::default();
    }

    pub(super) fn next(&mut self) -> Next {
        self.calling = None;
        match self.left.pop_front() {
            Some((address, way)) => {
                self.last = Some((address, way));
                Next::Call(address, way)
            }
            None => {
                self.look_up();
                Next::Unreachable
            }
        }
    }

    /// The host may have moved: it is looked up again, on a thread, for that can take long.
    fn look_up(&mut self) {
        if self.looked_up.is_none() {
            let (tell, told) = channel();
            let host = self.host.clone();
            let started = thread::Builder::new().name("skep-lookup".into()).spawn(move || {
                // Nobody may be left to hear it.
                let _ = tell.send(host.resolve());
            });
            self.looked_up = started.is_ok().then_some(told);
        }
    }

    pub(super) fn called(&mut self, now: Instant, stream: StreamId) {
        self.calling = Some((stream, now + PATIENCE));
    }

    /// The call cannot be made.
    pub(super) fn refused(&mut self, reason: &str) {
        if let Some((address, way)) = self.last {
            let way = if way == Way::Udp { "udp" } else { "tcp" };
            self.attempts.failed(&self.host, address, way, reason);
        }
    }

    /// A stream is gone. `true`: it was the call, and the next one is to be made.
    pub(super) fn failed(&mut self, stream: StreamId, reason: &str) -> bool {
        let is_it = self.calling() == Some(stream);
        if is_it {
            self.calling = None;
            self.refused(reason);
        }
        is_it
    }

    /// The call was answered.
    pub(super) fn connected(&mut self) {
        self.calling = None;
        self.left.clear();
        if self.last.is_some_and(|(_, way)| way == Way::Enrol) {
            self.enrols = false;
        }
    }

    /// It is not called any more; the stream of the call.
    pub(super) fn cancel(&mut self) -> Option<StreamId> {
        self.left.clear();
        self.calling.take().map(|(stream, _)| stream)
    }

    pub(super) fn calling(&self) -> Option<StreamId> {
        self.calling.map(|(stream, _)| stream)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.calling.map(|(_, deadline)| deadline)
    }

    /// The call has taken too long; its stream is to be aborted, which makes it fail.
    pub(super) fn expired(&mut self, now: Instant) -> Option<StreamId> {
        self.calling.filter(|(_, deadline)| *deadline <= now).map(|(stream, _)| stream)
    }

    /// Where the session is.
    pub(super) fn tracker(&self) -> Option<SocketAddr> {
        self.last.map(|(address, _)| address)
    }

    /// Why it could not be reached.
    pub(super) fn attempts(&self) -> &Attempts {
        &self.attempts
    }
}
