//! What may be said to one whose address is not proven: three times what came from it (RFC 9000 section 8.1).
//!
//! ```text
//!   OPEN with a good token, PING with one, a session, `Settings::trusts_addresses` ──► proven
//!   anything else from there ──► credit ──► ACCEPT, ACK, the first content; at its end nothing, until more comes
//! ```
//!
//! While it lasts nothing is sent again by time: the caller is there, and repeats its PING, or it is not.

use super::Connection;
use crate::{
    Instant,
    rdt::{Settings, profile::Profile, token::Tokens},
};

/// The credit of one whose address is proven, or need not be.
pub(super) const PROVEN: u32 = u32::MAX;
/// So many bytes may go where one came from.
const TIMES: usize = 3;
/// No packet but ACCEPT and DATA is longer.
const SMALL: usize = 64;

impl<P: Profile> Connection<P> {
    /// Whether its peer may be somebody in whose name another one speaks.
    pub(crate) const fn is_unproven(&self) -> bool {
        P::Tokens::ARE_GIVEN && self.credit != PROVEN
    }

    /// Whether it was counted among those whose address is not proven, and is no more.
    pub(crate) fn take_stranger(&mut self) -> bool {
        P::Tokens::ARE_GIVEN && core::mem::take(&mut self.is_stranger)
    }

    /// A datagram of so many bytes came from the peer, or from who says that he is it.
    pub(crate) fn earn(&mut self, size: usize) {
        if self.is_unproven() {
            let more = size.saturating_mul(TIMES).min(PROVEN as usize) as u32;
            self.credit = self.credit.saturating_add(more).min(PROVEN.wrapping_sub(1));
        }
    }

    /// So many bytes are sent.
    pub(super) fn spend(&mut self, length: usize) {
        if self.is_unproven() {
            self.credit = self.credit.saturating_sub(length as u32);
        }
    }

    /// Whether a datagram of so many bytes may be sent.
    pub(super) const fn affords(&self, size: usize) -> bool {
        !self.is_unproven() || self.credit as usize >= size
    }

    /// How many datagrams may be sent that carry the next segments, of so many bytes when they are full.
    pub(super) fn affordable(&mut self, size: usize) -> usize {
        if !self.is_unproven() {
            return usize::MAX;
        }
        let missing = self.segment.saturating_sub(self.sender.next_length());
        let next = size.saturating_sub(missing.into());
        let full = (self.credit as usize).checked_div(size).unwrap_or(0);
        full.max(usize::from(self.affords(next)))
    }

    /// Whether nothing may be said before more comes.
    pub(super) fn is_held(&self) -> bool {
        !self.affords(usize::from(self.due.accept).max(SMALL))
    }

    /// The address is proven: all may be said, and is said again until it is acknowledged.
    pub(crate) fn prove(&mut self, now: Instant, settings: &Settings) {
        if self.is_unproven() {
            self.credit = PROVEN;
            self.sender.wait_anew(now, settings);
            // What was due meanwhile is now.
            self.expire(now, settings);
        }
    }
}
