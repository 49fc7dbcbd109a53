//! What is kept of a sender that has nothing to do.

use super::{Losses, Sender};
use crate::{
    Instant,
    rdt::{numbers::Numbers, profile::Profile},
};

impl<P: Profile> Sender<P> {
    /// Goes along what it needs to go on, besides its controller. `None`: something is under way, to be sent, or waited for.
    /// `segment`: the size of segments.
    pub(crate) fn parked(&mut self, numbers: &mut impl Numbers, segment: u16) -> Option<()> {
        // All fields are named: whoever adds one decides whether it is kept.
        let Self {
            content,
            flight,
            limit,
            losses: Losses { top, threshold, at },
            controller: _,
            rtt,
            timeout,
            paced_until,
            tries,
            probes,
            size,
            asks_for_room,
            // It tells of what is under way.
            asks: _,
            path_mtu,
            skipped,
            bytes_acknowledged,
        } = self;
        let waits = *timeout != Instant::FAR || *at != Instant::FAR || *paced_until != Instant::FAR;
        if waits || *tries > 0 || probes.are_due() || *asks_for_room || !content.is_empty() {
            return None;
        }
        flight.parked(numbers)?;
        numbers.after(limit, flight.next);
        numbers.mostly(top, flight.newest);
        threshold.parked(numbers);
        rtt.parked(numbers)?;
        numbers.size(size, segment);
        path_mtu.parked(numbers)?;
        skipped.parked(numbers);
        numbers.long(bytes_acknowledged);
        Some(())
    }
}
