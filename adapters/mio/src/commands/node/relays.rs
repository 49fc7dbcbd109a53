//! The ends of relayed transfers that are being opened: by one way, and where that does not get through, by the other.
//!
//! Over TCP first, where the tracker's system joins the two ends and the window has no bound of ours; over RDT where the
//! tracker does not answer that in time, or does not take it for an end as it comes from another address than the session:
//! over RDT it comes with our key. From then on over RDT at once.

use crate::{args::Via, driver::Relayed, member::Leg};
use skep_core::{Instant, stream::StreamId};
use std::{collections::VecDeque, time::Duration};

/// How long the tracker may take to answer a call: one that is lost is repeated after a second. Over UDP a call ends
/// by itself, earlier.
const PATIENCE: Duration = Duration::from_millis(2_500);

/// An end, and how it may still be opened.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) leg: Leg,
    pub(super) end: Relayed,
    ways: VecDeque<Via>,
    /// By which way it is being opened.
    pub(super) way: Option<Via>,
    /// What the others came to.
    pub(super) reasons: String,
}

impl Opening {
    /// The next way, if there is one left.
    pub(super) fn next(&mut self) -> Option<Via> {
        self.way = self.ways.pop_front();
        self.way
    }

    /// The way that was tried last does not get through.
    pub(super) fn failed(&mut self, reason: &str) {
        let way = match self.way {
            Some(Via::Tcp) => "tcp",
            Some(Via::Udp) => "udp",
            None => return,
        };
        let comma = if self.reasons.is_empty() { "" } else { ", " };
        self.reasons.push_str(&format!("{comma}{way}: {reason}"));
    }
}

/// A way that is being tried.
#[derive(Debug)]
struct Call {
    stream: StreamId,
    /// Until when the tracker has to answer.
    deadline: Instant,
    /// It has answered: whether it takes the stream for an end it says when the other one is there.
    is_answered: bool,
    opening: Opening,
}

/// Those that are not open.
#[derive(Debug, Default)]
pub(super) struct Relays {
    calls: Vec<Call>,
    /// What got through last.
    last: Option<Via>,
}

impl Relays {
    /// An end that is to be opened by the way that was asked for, or by whichever gets through.
    pub(super) fn begin(&self, leg: Leg, end: Relayed, via: Option<Via>) -> Opening {
        let ways = match via.or(self.last) {
            Some(way) if via.is_some() => vec![way],
            Some(Via::Udp) => vec![Via::Udp, Via::Tcp],
            _ => vec![Via::Tcp, Via::Udp],
        };
        Opening { leg, end, ways: ways.into(), way: None, reasons: String::new() }
    }

    pub(super) fn called(&mut self, now: Instant, stream: StreamId, opening: Opening) {
        self.calls.push(Call { stream, deadline: now + PATIENCE, is_answered: false, opening });
    }

    /// Forgets the calls that have become open streams.
    pub(super) fn settle(
        &mut self,
        is_answered: impl Fn(StreamId) -> bool,
        is_open: impl Fn(StreamId) -> bool,
    ) {
        let last = &mut self.last;
        self.calls.retain_mut(|call| {
            if !call.is_answered && is_answered(call.stream) {
                call.is_answered = true;
                call.deadline = Instant::FAR;
            }
            let is_open = is_open(call.stream);
            if is_open {
                *last = call.opening.way;
            }
            !is_open
        });
    }

    /// The end whose call this stream was, if another way may be tried: the tracker did not answer, or turned it away.
    pub(super) fn take(&mut self, stream: StreamId, was_turned_away: bool) -> Option<Opening> {
        let at = self.calls.iter().position(|call| call.stream == stream)?;
        let call = self.calls.swap_remove(at);
        (was_turned_away || !call.is_answered).then_some(call.opening)
    }

    /// A call that has taken too long: its stream is to be aborted, which makes it fail. Told once.
    pub(super) fn expired(&mut self, now: Instant) -> Option<StreamId> {
        let late = self.calls.iter_mut().find(|call| call.deadline <= now)?;
        late.deadline = Instant::FAR;
        Some(late.stream)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.calls.iter().map(|call| call.deadline).filter(|deadline| *deadline < Instant::FAR).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{driver::Joined, member::DownloadId};

    fn begin(relays: &Relays, via: Option<Via>) -> Opening {
        let end = Relayed { transfer: 1, token: [0; 16], then: Joined::Answer(0) };
        relays.begin(Leg::Download(DownloadId(0)), end, via)
    }

    #[test]
    fn the_way_that_was_asked_for_is_the_only_one_and_the_one_that_got_through_the_first() {
        let mut relays = Relays::default();
        assert_eq!(begin(&relays, Some(Via::Udp)).ways, [Via::Udp]);
        let mut opening = begin(&relays, None);
        assert_eq!(opening.ways, [Via::Tcp, Via::Udp]);
        opening.next();
        opening.failed("no answer");
        opening.next();
        relays.called(Instant::ZERO, StreamId(3), opening);
        relays.settle(|_| true, |stream| stream == StreamId(3));
        assert!(relays.take(StreamId(3), true).is_none());
        let mut opening = begin(&relays, None);
        assert_eq!(opening.ways, [Via::Udp, Via::Tcp]);
        assert_eq!(begin(&relays, Some(Via::Tcp)).ways, [Via::Tcp]);
        while opening.next().is_some() {
            opening.failed("no answer");
        }
        assert_eq!(opening.reasons, "udp: no answer, tcp: no answer");
    }

    #[test]
    fn a_call_that_is_not_answered_expires_once() {
        let mut relays = Relays::default();
        let opening = begin(&relays, None);
        relays.called(Instant::ZERO, StreamId(3), opening);
        let late = relays.deadline().unwrap();
        assert_eq!((relays.expired(Instant::ZERO), relays.expired(late)), (None, Some(StreamId(3))));
        assert_eq!((relays.expired(late), relays.deadline()), (None, None));
        assert!(relays.take(StreamId(3), false).is_some());
    }

    #[test]
    fn a_call_that_was_answered_is_made_by_another_way_only_if_it_was_turned_away() {
        let mut relays = Relays::default();
        for was_turned_away in [false, true] {
            relays.called(Instant::ZERO, StreamId(3), begin(&relays, None));
            relays.settle(|_| true, |_| false);
            assert_eq!(relays.deadline(), None);
            assert_eq!(relays.take(StreamId(3), was_turned_away).is_some(), was_turned_away);
        }
    }
}
