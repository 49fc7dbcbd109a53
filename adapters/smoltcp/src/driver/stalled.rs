//! Transfers in which nothing moves: who answers, and sends or takes nothing, would keep his place for ever.
//!
//! Only who has called is watched. Who is called may let us wait for a slot with content before him.

use super::Driver;
use crate::{Carrier, Machine};
use core::time::Duration;
use skep_core::{Instant, stream::StreamId};

/// After so long in which nothing moved a stream is broken off, at most twice as long: as on a host (docs/security.md).
const STALLED: Duration = Duration::from_secs(60);

/// Where a transfer was, and when it is looked at again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    position: u64,
    due: Instant,
}

impl<S: Machine, C: Carrier, const STREAMS: usize> Driver<S, C, STREAMS> {
    /// Content of a stream is under way from now on.
    pub(super) fn watch(&mut self, now: Instant, stream: StreamId) {
        if !S::SERVES_FILES {
            return;
        }
        let Some(link) = self.link(stream) else { return };
        let position = self.carrier.position(link);
        if let Some(found) = self.stream(stream).filter(|found| found.accepted) {
            found.watch = Some(Watch { position, due: now + STALLED });
        }
    }

    /// It has been moved.
    pub(super) fn unwatch(&mut self, stream: StreamId) {
        if let Some(found) = self.stream(stream).filter(|_| S::SERVES_FILES) {
            found.watch = None;
        }
    }

    /// When the first of them is looked at.
    pub(super) fn stalls(&self) -> Option<Instant> {
        if !S::SERVES_FILES {
            return None;
        }
        self.streams.iter().flatten().filter_map(|stream| Some(stream.watch?.due)).min()
    }

    /// Breaks off those that are where they were.
    pub(super) fn end_stalled(&mut self, now: Instant) {
        if !S::SERVES_FILES {
            return;
        }
        for number in 0..STREAMS {
            let stream = StreamId(number as u32);
            let Some(watch) = self.stream(stream).and_then(|found| found.watch) else { continue };
            if watch.due > now {
                continue;
            }
            if self.link(stream).is_some_and(|link| self.carrier.position(link) == watch.position) {
                self.abort(now, stream);
            } else {
                self.watch(now, stream);
            }
        }
    }
}
