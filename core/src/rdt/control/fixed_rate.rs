//! A rate that somebody knows: everything is sent at it.

use super::{BATCHES, Controlled, Controller, News, Phase, Start, WINDOW_LEAST, pacer::Pacer};
use crate::Instant;

/// A rate, and as much under way as the latest round trip needs; before there was one, the first flight.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FixedRate {
    most: u32,
    window: u32,
    datagram: u64,
    rate: u64,
    pacer: Pacer,
}

impl Controller for FixedRate {
    fn new(start: &Start) -> Self {
        let mut fixed = Self {
            most: start.window.max(1),
            window: start.first_flight.clamp(1, start.window.max(1)),
            datagram: start.datagram.max(1).into(),
            rate: start.rate,
            pacer: Pacer::default(),
        };
        fixed.pacer.set(fixed.rate, fixed.datagram, 0);
        fixed.measured(start.round_trip);
        fixed
    }

    fn window(&self) -> u32 {
        self.window
    }

    fn allowance(&self, now: Instant) -> u32 {
        self.pacer.allowance(now)
    }

    fn resumes(&mut self) -> Instant {
        self.pacer.resumes()
    }

    fn sent(&mut self, now: Instant, count: u32, _newest: u32, _in_flight: u32) {
        self.pacer.sent(now, count);
    }

    fn starved(&mut self, _newest: u32) {
        self.pacer.rest();
    }

    fn acknowledged(&mut self, _now: Instant, news: &News) {
        self.measured(news.round_trip);
    }

    fn timed_out(&mut self, _now: Instant) {
        self.window = WINDOW_LEAST.min(self.most);
    }

    fn state(&self, in_flight: u32) -> Controlled {
        Controlled { window: self.window, in_flight, rate: self.rate, phase: Phase::Fixed }
    }
}

impl FixedRate {
    /// A round trip took so long, in microseconds; 0 when none was measured.
    fn measured(&mut self, round_trip: u32) {
        if round_trip > 0 {
            // Twice what the rate fills: what is lost takes a second round trip.
            let bytes = self.rate.saturating_mul(u64::from(round_trip).saturating_mul(2)) / 1_000_000;
            let count = bytes.checked_div(self.datagram).unwrap_or(0).min(self.most.into()) as u32;
            self.window = count.saturating_add(BATCHES).min(self.most);
            self.pacer.set(self.rate, self.datagram, round_trip);
        }
    }
}
