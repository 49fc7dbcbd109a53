//! The search for the largest datagram that a path carries, while a connection opens (docs/protocol.md section 6.1).
//!
//! ```text
//!   call 1      0 ms  what is hoped for      one number, the same terms: the called side grants
//!   its copies 10 ms  1,372 bytes            what the first of them that arrives has room for
//!              30 ms  1,200 bytes            (a device's 30 and 90 ms)
//!   call 2            what is hoped for
//!   call 3 ...        1,200 bytes            another number, and terms that fit
//! ```

use super::{Connection, Phase};
use crate::{
    Instant,
    rdt::{Settings, profile::Profile},
    wire::rdt::Own,
};

/// The smallest datagram size that every path carries; calls fall back to it (RFC 9000 section 14.1).
pub(crate) const DATAGRAM_MIN: usize = 1_200;

/// What a tunnel with 1,420 bytes of room carries over IPv6, and most other paths that are narrower than an Ethernet.
const DATAGRAM_TUNNEL: usize = 1_372;

/// The first call is said so often, and the copies with less padding.
pub(super) const COPIES: u8 = 3;

/// From this call on the smallest size is asked for.
const CALLS_HOPED: u8 = 5;

impl<P: Profile> Connection<P> {
    /// The path to the peer carries no datagrams longer than this, envelopes included, as far as is known here: the call
    /// asks for no more. Only before the call is made.
    pub(crate) fn limit(&mut self, now: Instant, datagram: usize, settings: &Settings) {
        if matches!(self.phase, Phase::Calling { calls: 0, .. }) {
            self.segment = self.segment.min(segment_in(datagram.max(DATAGRAM_MIN), settings));
            if self.is_early() {
                self.begin(now, settings.window, settings);
            }
        }
    }

    /// The size of segments that a call asks for, after so many calls. A path that does not carry the size hoped for is
    /// found out by the size of OPEN and ACCEPT, not in the middle of a file.
    pub(super) fn offer(&self, calls: u8, settings: &Settings) -> u16 {
        let is_hoped = calls < CALLS_HOPED && !(self.is_cut() && calls > COPIES);
        if is_hoped { self.segment } else { self.segment.min(segment_in(DATAGRAM_MIN, settings)) }
    }

    /// What the call is padded to, after so many calls. Where an answer was shorter than it had to be, all of them ask for
    /// the long one.
    pub(super) fn call_size(&self, calls: u8, settings: &Settings) -> usize {
        let most = match calls {
            2 if !self.is_cut() => DATAGRAM_TUNNEL,
            COPIES if !self.is_cut() => DATAGRAM_MIN,
            _ => usize::MAX,
        };
        let full = carrying(self.offer(calls, settings));
        if P::SEARCHES { full.min(most.saturating_sub(settings.envelope.size())) } else { full }
    }

    /// Which of the calls an answer of this size belongs to: 1 is the first.
    pub(super) fn answered_call(&self, calls: u8, size: usize, settings: &Settings) -> u8 {
        let fits = |call: &u8| self.call_size(*call, settings) == size;
        if P::SEARCHES { (1..=calls.min(COPIES)).find(fits).unwrap_or(1) } else { 1 }
    }

    /// Whether an answer came that was shorter than what it granted.
    fn is_cut(&self) -> bool {
        P::SEARCHES && matches!(self.phase, Phase::Calling { is_cut: true, .. })
    }
}

/// The size of a datagram without its envelope that carries a full segment of this size.
pub(crate) fn carrying(segment: u16) -> usize {
    usize::from(segment).saturating_add(Own::DATA_HEADER)
}

/// The largest segment that fits into a datagram, envelope and all.
pub(crate) fn segment_in(datagram: usize, settings: &Settings) -> u16 {
    let around = Own::DATA_HEADER.saturating_add(settings.envelope.size());
    datagram.saturating_sub(around).clamp(1, usize::from(u16::MAX)) as u16
}
