//! What is left of a sender that has nothing to do.

use super::{Flight, Gaps, Losses, Patience, Sender};
use crate::{
    Instant,
    rdt::{
        control::{Controller, Start},
        profile::Profile,
        rtt::Rtt,
        width::Width,
    },
};

/// The numbers by which a sender goes on.
#[derive(Debug)]
pub(crate) struct Parked<C> {
    next: u32,
    newest: u32,
    limit: u32,
    largest_acknowledged: u32,
    // Not as `Gaps`: apart they need no padding.
    gap_in: u8,
    random: u32,
    patience: Patience,
    size: u16,
    pub(crate) width: Width,
    pub(crate) rtt: Rtt,
    controller: C,
    pub(crate) bytes_acknowledged: u64,
}

impl<P: Profile> Sender<P> {
    /// What it needs to go on, if nothing is under way, to be sent, or waited for.
    pub(crate) fn park(&mut self) -> Option<Parked<P::Controller>> {
        // All fields are named: whoever adds one decides whether it is kept.
        let Self {
            content,
            flight,
            limit,
            losses,
            controller,
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
        let waits = *timeout != Instant::FAR || losses.at != Instant::FAR || *paced_until != Instant::FAR;
        let (next, newest) = flight.rests()?;
        if waits
            || *tries > 0
            || probes.are_due()
            || *asks_for_room
            || !content.is_empty()
            || rtt.has_expired()
        {
            return None;
        }
        Some(Parked {
            next,
            newest,
            limit: *limit,
            gap_in: gaps.left,
            random: gaps.random,
            largest_acknowledged: losses.top,
            patience: losses.patience,
            size: *size,
            width: *width,
            rtt: *rtt,
            controller: core::mem::replace(controller, P::Controller::new(&Start::NOTHING)),
            bytes_acknowledged: *bytes_acknowledged,
        })
    }

    /// The sender that was parked.
    pub(crate) fn wake(parked: &mut Parked<P::Controller>) -> Self {
        Self {
            flight: Flight::resting(parked.next, parked.newest),
            limit: parked.limit,
            losses: Losses::after(parked.largest_acknowledged, parked.patience),
            controller: core::mem::replace(&mut parked.controller, P::Controller::new(&Start::NOTHING)),
            rtt: parked.rtt,
            size: parked.size,
            width: parked.width,
            gaps: Gaps { left: parked.gap_in, random: parked.random },
            bytes_acknowledged: parked.bytes_acknowledged,
            ..Self::new(0)
        }
    }
}
