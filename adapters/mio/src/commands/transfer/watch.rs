//! How a transfer gets on.

use std::time::{Duration, Instant as Clock};

/// Notes how a transfer gets on.
pub(super) struct Watch {
    pub(super) connected: bool,
    /// Bytes that are to be moved, once that is known.
    pub(super) total: Option<u64>,
    pub(super) bytes: u64,
    pub(super) resent: Option<u64>,
    /// When something was moved last.
    heard: Clock,
    /// Silence was taken for the end: a known server of paths keeps its connection open.
    pub(super) is_assumed: bool,
}

impl Watch {
    /// From now on.
    pub(super) fn new() -> Self {
        Self { connected: false, total: None, bytes: 0, resent: None, heard: Clock::now(), is_assumed: false }
    }

    /// The call was answered.
    pub(super) fn connect(&mut self) {
        self.connected = true;
        self.heard = Clock::now();
    }

    /// How far it is. Whether that is further than before.
    pub(super) fn saw(&mut self, bytes: u64, resent: Option<u64>) -> bool {
        let has_moved = bytes != self.bytes;
        if has_moved {
            self.heard = Clock::now();
            self.bytes = bytes;
        }
        self.resent = resent.or(self.resent);
        has_moved
    }

    pub(super) fn assume(&mut self) {
        self.is_assumed = true;
        self.heard = Clock::now();
    }

    /// Nothing has moved for so long, though something should. The end of a transfer has deadlines of its own.
    pub(super) fn is_stalled(&self, timeout: Duration) -> bool {
        self.total.is_none_or(|total| self.bytes < total) && self.heard.elapsed() > timeout
    }
}
