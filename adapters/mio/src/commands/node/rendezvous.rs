//! Where the tracker is, and in which order it is called there.
//!
//! With an invite over TCP first; then over UDP, and over TCP where that does not get through. The next address is called
//! some time after the one before, or as soon as that has failed; who answers first is it.

use crate::{
    args::Via,
    commands::attempts::{APART, Attempts},
    exit::Failure,
    url::Host,
};
use skep_core::{Instant, stream::StreamId};
use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    slice::Iter,
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
    /// Calls are not answered yet.
    Wait,
    /// Everything was tried.
    Unreachable,
}

/// An address, and how it can still be called.
type Lane = (SocketAddr, Iter<'static, Way>);

/// A call that is not answered.
struct Call {
    stream: StreamId,
    until: Instant,
    way: Way,
    lane: Lane,
}

pub(super) struct Rendezvous {
    host: Host,
    via: Option<Via>,
    /// The invite was not used yet.
    enrols: bool,
    /// Where the host is, or why none was found.
    addresses: io::Result<Vec<SocketAddr>>,
    /// Addresses that have not been called.
    waiting: VecDeque<SocketAddr>,
    /// When the next of them is.
    next_at: Option<Instant>,
    /// Where a call has failed.
    failed: Vec<Lane>,
    /// What is being called.
    last: Option<(Way, Lane)>,
    calls: Vec<Call>,
    /// Who answered last.
    tracker: Option<SocketAddr>,
    attempts: Attempts,
    /// The host is being looked up again.
    looked_up: Option<Receiver<io::Result<Vec<SocketAddr>>>>,
}

impl Rendezvous {
    /// Of a host, by these ways. `waits`: one that cannot be found is looked for again.
    pub(super) fn new(host: &Host, via: Option<Via>, enrols: bool, waits: bool) -> Result<Self, Failure> {
        let addresses = host.resolve();
        if let Err(error) = &addresses
            && !waits
        {
            return Err(Failure::network(format!("cannot find {host}: {error}")));
        }
        Ok(Self {
            host: host.clone(),
            via,
            enrols,
            addresses,
            waiting: VecDeque::new(),
            next_at: None,
            failed: Vec::new(),
            last: None,
            calls: Vec::new(),
            tracker: None,
            attempts: Attempts::default(),
            looked_up: None,
        })
    }

    /// From the beginning.
    pub(super) fn begin(&mut self) {
        if let Some(found) = self.looked_up.as_ref().and_then(|found| found.try_recv().ok()) {
            self.looked_up = None;
            // Where it was it may still be.
            if found.is_ok() || self.addresses.is_err() {
                self.addresses = found;
            }
        }
        self.next_at = None;
        self.attempts = Attempts::default();
        match &self.addresses {
            Ok(addresses) => self.waiting = addresses.iter().copied().collect(),
            Err(error) => self.attempts.not_found(error),
        }
    }

    /// How each address is called, one after the other.
    const fn ways(&self) -> &'static [Way] {
        match (self.enrols, self.via) {
            // Who was let in before, perhaps by this very invite, comes in with his key.
            (true, Some(Via::Tcp)) => &[Way::Enrol, Way::Tcp],
            (true, _) => &[Way::Enrol, Way::Udp, Way::Tcp],
            (false, Some(Via::Udp)) => &[Way::Udp],
            (false, Some(Via::Tcp)) => &[Way::Tcp],
            (false, None) => &[Way::Udp, Way::Tcp],
        }
    }

    pub(super) fn next(&mut self, now: Instant) -> Next {
        while let Some((address, mut ways)) = self.failed.pop().or_else(|| self.next_lane(now)) {
            if let Some(&way) = ways.next() {
                self.last = Some((way, (address, ways)));
                return Next::Call(address, way);
            }
        }
        if !self.calls.is_empty() {
            return Next::Wait;
        }
        self.look_up();
        Next::Unreachable
    }

    /// The next address, when its time has come.
    fn next_lane(&mut self, now: Instant) -> Option<Lane> {
        if !self.calls.is_empty() && !self.is_due(now) {
            return None;
        }
        let address = self.waiting.pop_front()?;
        self.next_at = (!self.waiting.is_empty()).then(|| now + APART);
        Some((address, self.ways().iter()))
    }

    /// Another address is to be called, too.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next_at.is_some_and(|at| at <= now)
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

    /// The call is made.
    pub(super) fn called(&mut self, now: Instant, stream: StreamId) {
        if let Some((way, lane)) = self.last.take() {
            self.calls.push(Call { stream, until: now + PATIENCE, way, lane });
        }
    }

    /// The call cannot be made.
    pub(super) fn refused(&mut self, reason: &str) {
        if let Some((way, lane)) = self.last.take() {
            self.note(way, lane, reason);
        }
    }

    fn note(&mut self, way: Way, lane: Lane, reason: &str) {
        let way = if way == Way::Udp { "udp" } else { "tcp" };
        self.attempts.failed(&self.host, lane.0, way, reason);
        self.failed.push(lane);
    }

    /// A stream is gone. `true`: it was a call, and another one is to be made.
    pub(super) fn failed(&mut self, stream: StreamId, reason: &str) -> bool {
        let Some(place) = self.calls.iter().position(|call| call.stream == stream) else { return false };
        let Call { way, lane, .. } = self.calls.remove(place);
        self.note(way, lane, reason);
        true
    }

    /// A call was answered. The streams of the others, which are to be aborted.
    pub(super) fn connected(&mut self, stream: StreamId) -> Vec<StreamId> {
        if let Some(call) = self.calls.iter().find(|call| call.stream == stream) {
            self.tracker = Some(call.lane.0);
            self.enrols &= call.way != Way::Enrol;
        }
        let mut others = self.cancel();
        others.retain(|other| *other != stream);
        others
    }

    /// It is not called any more; the streams of the calls.
    pub(super) fn cancel(&mut self) -> Vec<StreamId> {
        self.waiting.clear();
        self.failed.clear();
        self.next_at = None;
        self.calls.drain(..).map(|call| call.stream).collect()
    }

    /// The streams of the calls.
    pub(super) fn calls(&self) -> impl Iterator<Item = StreamId> {
        self.calls.iter().map(|call| call.stream)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.calls.iter().map(|call| call.until).chain(self.next_at).min()
    }

    /// A call that has taken too long; its stream is to be aborted, which makes it fail.
    pub(super) fn expired(&self, now: Instant) -> Option<StreamId> {
        self.calls.iter().find(|call| call.until <= now).map(|call| call.stream)
    }

    /// Where the session is.
    pub(super) fn tracker(&self) -> Option<SocketAddr> {
        self.tracker
    }

    /// Where the tracker is, as far as is known.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.tracker.or_else(|| self.addresses.as_ref().ok()?.first().copied())
    }

    /// Why it could not be reached.
    pub(super) fn attempts(&self) -> &Attempts {
        &self.attempts
    }
}
