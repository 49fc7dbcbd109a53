//! What is kept of a sender that has nothing to do.

use super::{Losses, Sender};
use crate::{
    Instant,
    rdt::{numbers::Numbers, profile::Profile},
};

impl<P: Profile> Sender<P> {
    /// Goes along what it needs to go on, besides its controller. `None`: something is under way, to be sent, or waited for.
    pub(crate) fn parked(&mut self, numbers: &mut impl Numbers) -> Option<()> {
        // All fields are named: whoever adds one decides whether it is kept.
        let Self {
            content,
            flight,
            limit,
            losses: Losses { top, patience, at },
            controller: _,
            rtt,
            timeout,
            paced_until,
            tries,
            probes,
            size,
            asks_for_room,
            width,
            gaps,
            bytes_acknowledged,
        } = self;
        let waits = *timeout != Instant::FAR || *at != Instant::FAR || *paced_until != Instant::FAR;
        if waits || *tries > 0 || probes.are_due() || *asks_for_room || !content.is_empty() {
            return None;
        }
        flight.parked(numbers)?;
        numbers.after(limit, flight.next);
        numbers.word(top);
        patience.parked(numbers);
        rtt.parked(numbers)?;
        numbers.short(size);
        width.parked(numbers)?;
        gaps.parked(numbers);
        numbers.long(bytes_acknowledged);
        Some(())
    }
}
