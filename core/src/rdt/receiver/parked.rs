//! What is left of a receiver that expects nothing.

use super::Receiver;
use crate::{Instant, Memory, rdt::profile::Profile, wire::rdt::Map};

/// The numbers by which a receiver goes on.
#[derive(Debug)]
pub(crate) struct Parked {
    next: u32,
    top: u32,
    window: u32,
    size: u16,
    placed: bool,
    map: Map,
    top_at: Instant,
    pub(crate) bytes_stored: u64,
}

impl<P: Profile> Receiver<P> {
    /// What it needs to go on, if nothing is expected, half taken, or owed.
    pub(crate) fn park(&self) -> Option<Parked> {
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
            map,
            unacknowledged,
            top_at,
            due,
            owes,
            bytes_stored,
        } = self;
        let expects = self.wants_room() || content.is_some() || *taken > 0 || !stored.values().is_empty();
        if expects || *blocked || *void || *owes || *unacknowledged > 0 || *due != Instant::FAR {
            return None;
        }
        Some(Parked {
            next: *next,
            top: *top,
            window: *window,
            size: *size,
            placed: *placed,
            map: *map,
            top_at: *top_at,
            bytes_stored: *bytes_stored,
        })
    }

    /// The receiver that was parked.
    pub(crate) fn wake(parked: &Parked) -> Self {
        Self {
            next: parked.next,
            size: parked.size,
            window: parked.window,
            placed: parked.placed,
            top: parked.top,
            map: parked.map,
            top_at: parked.top_at,
            bytes_stored: parked.bytes_stored,
            ..Self::new()
        }
    }
}
