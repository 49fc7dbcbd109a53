//! What is kept of a receiver that expects nothing.

use super::Receiver;
use crate::{
    Instant, Memory,
    rdt::{numbers::Numbers, profile::Profile},
    wire::rdt::Map,
};

impl<P: Profile> Receiver<P> {
    /// Goes along what it needs to go on. `None`: something is half taken, or owed. `heard`: when
    /// the peer was heard last.
    pub(crate) fn parked(&mut self, numbers: &mut impl Numbers, heard: Instant) -> Option<()> {
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
        numbers.short(size);
        numbers.word(window);
        numbers.flag(placed);
        numbers.word(top);
        map.iter_mut().for_each(|word| numbers.bits(word));
        numbers.near(top_at, heard);
        numbers.long(bytes_stored);
        Some(())
    }
}
