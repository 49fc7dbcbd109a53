//! What one round trip has shown: from a sending to the acknowledgement of something sent after it.

use super::News;
use crate::{Instant, rdt::ring::is_before};

/// Fewer datagrams tell nothing of a rate, as a rule.
pub(crate) const TRAIN: u32 = 256;

/// What is counted in it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Round {
    /// It ends when this transmission or a later one is acknowledged.
    end: u32,
    started: Instant,
    /// When the first acknowledgement came in it, or the first after a pause; what it and those before told of, and its
    /// round-trip time, in microseconds.
    first: (Instant, u32, u32),
    last: Instant,
    /// The most that was under way in it.
    pub(crate) peak: u32,
    pub(crate) delivered: u32,
    pub(crate) lost: u32,
    /// The shortest round-trip time in it, in microseconds.
    pub(crate) round_trip: u32,
    /// There was a time when nothing more could be sent, though the path would have taken it.
    pub(crate) is_starved: bool,
}

impl Round {
    /// One that begins.
    pub(crate) const fn new(now: Instant, next: u32) -> Self {
        Self {
            end: next,
            started: now,
            first: (now, 0, u32::MAX),
            last: now,
            peak: 0,
            delivered: 0,
            lost: 0,
            round_trip: u32::MAX,
            is_starved: false,
        }
    }

    /// The number that it waits for.
    pub(crate) const fn end(&self) -> u32 {
        self.end
    }

    /// It ends with this one, and not before.
    pub(crate) const fn wait_for(&mut self, end: u32) {
        self.end = end;
    }

    /// Counts; whether it is over with that.
    /// What comes after a `pause` of so many microseconds was not sent together with what came before.
    pub(crate) fn hear(&mut self, now: Instant, news: &News, pause: u32) -> bool {
        let heard = self.delivered.saturating_add(self.lost);
        if heard == 0 || now.micros_since(self.last) > pause.into() {
            let heard = heard.saturating_add(news.acknowledged).saturating_add(news.lost);
            self.first = (now, heard, if news.round_trip > 0 { news.round_trip } else { u32::MAX });
        }
        self.last = now;
        self.delivered = self.delivered.saturating_add(news.acknowledged);
        self.lost = self.lost.saturating_add(news.lost);
        self.peak = self.peak.max(news.in_flight.saturating_add(news.acknowledged));
        if news.round_trip > 0 {
            self.round_trip = self.round_trip.min(news.round_trip);
        }
        news.acknowledged > 0 && !is_before(news.top, self.end)
    }

    /// What arrived per second, in bytes.
    pub(crate) fn rate(&self, now: Instant, datagram: u64) -> u64 {
        let bytes = u64::from(self.delivered).saturating_mul(datagram);
        let micros = now.micros_since(self.started).max(1);
        bytes.saturating_mul(1_000_000).checked_div(micros).unwrap_or(0)
    }

    /// How fast datagrams left the path while they came without a pause, in bytes a second.
    pub(crate) fn train(&self, now: Instant, datagram: u64) -> u64 {
        let (began, _, _) = self.first;
        let bytes = u64::from(self.in_train()).saturating_mul(datagram);
        bytes.saturating_mul(1_000_000).checked_div(now.micros_since(began).max(1)).unwrap_or(0)
    }

    /// For how many microseconds they have come, and how many fewer they took to be sent: the round trip grew by so much.
    pub(crate) fn spread(&self, now: Instant, round_trip: u32) -> (u64, u64) {
        let (began, _, first) = self.first;
        (now.micros_since(began), round_trip.saturating_sub(first).into())
    }

    /// How many came without a pause.
    pub(crate) fn in_train(&self) -> u32 {
        let (_, first, _) = self.first;
        self.delivered.saturating_add(self.lost).saturating_sub(first)
    }

    /// The part that was lost, of 1,024.
    pub(crate) fn loss(&self) -> u32 {
        loss(self.delivered, self.lost)
    }
}

/// The part that was lost, of 1,024.
pub(crate) fn loss(delivered: u32, lost: u32) -> u32 {
    lost.saturating_mul(1_024).checked_div(delivered.saturating_add(lost)).unwrap_or(0)
}
