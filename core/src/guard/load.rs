//! When there is so much to do that addresses have to be proven first.

use crate::{Instant, time::micros};
use core::time::Duration;

/// How long cookies are asked for after the last reason to.
pub const LOAD_HOLD: Duration = Duration::from_secs(5);
/// Over which span first packets are counted.
const RATE_WINDOW: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Load {
    /// When the counting began.
    window: Instant,
    in_window: u32,
    until: Instant,
}

impl Load {
    pub(super) const fn new() -> Self {
        Self { window: Instant::ZERO, in_window: 0, until: Instant::ZERO }
    }

    /// Counts a first packet; more than `calm_rate` of them in a window are a load.
    pub(super) fn first_packet(&mut self, now: Instant, calm_rate: u32) {
        if now < self.window || now.micros_since(self.window) >= const { micros(RATE_WINDOW) } {
            self.window = now;
            self.in_window = 0;
        }
        self.in_window = self.in_window.saturating_add(1);
        if self.in_window > calm_rate {
            self.trigger(now);
        }
    }

    /// There is a reason to ask for cookies.
    pub(super) const fn trigger(&mut self, now: Instant) {
        self.until = now.plus_micros(micros(LOAD_HOLD));
    }

    pub(super) const fn is_on(&self, now: Instant) -> bool {
        let left = self.until.micros_since(now);
        // More than that is left only after the clock was set back.
        0 < left && left <= micros(LOAD_HOLD)
    }
}
