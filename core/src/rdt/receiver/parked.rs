//! What is kept of a receiver that expects nothing.

use super::Receiver;
use crate::{
    Instant, Memory,
    rdt::{
        numbers::Numbers,
        profile::{Profile, power_below},
    },
    wire::rdt::Map,
};

impl<P: Profile> Receiver<P> {
    /// Goes along what it needs to go on. `None`: something is half taken, or owed. `heard`: when
    /// the peer was heard last. `segment`: the size of segments.
    pub(crate) fn parked(&mut self, numbers: &mut impl Numbers, heard: Instant, segment: u16) -> Option<()> {
        // All fields are named: whoever adds one decides whether it is kept.
        let Self {
            stored,
            next,
            taken,
            size,
            window,
            content,
            blocked,
            void,
            placed,
            top,
            map: Map(map),
            unacknowledged,
            top_at,
            due,
            owes,
            bytes_stored,
        } = self;
        let expects = content.is_some() || *taken > 0 || !stored.values().is_empty();
        if expects || *blocked || *void || *owes || *unacknowledged > 0 || *due != Instant::FAR {
            return None;
        }
        numbers.word(next);
        numbers.size(size, segment);
        numbers.mostly(window, power_below(stored.bound()) as u32);
        numbers.flag(placed);
        numbers.word(top);
        let mut before = top.saturating_sub(1);
        for word in map {
            // Mostly all came that were sent.
            let all = u64::MAX.checked_shr(64_u32.saturating_sub(before)).unwrap_or(0);
            let mut missing = *word ^ all;
            let mut is_any = missing != 0;
            numbers.flag(&mut is_any);
            if is_any {
                numbers.bits(&mut missing);
            }
            *word = if is_any { missing ^ all } else { all };
            before = before.saturating_sub(64);
        }
        // An acknowledgement tells no longer delays.
        numbers.earlier(top_at, heard, 1 << 16);
        numbers.long(bytes_stored);
        Some(())
    }
}
