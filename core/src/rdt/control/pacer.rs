//! Spreads datagrams over time.
//!
//! ```text
//!   |▌▌▌▌    |▌▌▌▌    |▌▌▌▌          a burst, then nothing until its time has passed
//!   next     next     next
//! ```

use crate::Instant;

/// A burst is what the rate makes of so much time, in nanoseconds.
const BURST: u64 = 1_000_000;
/// The most datagrams in a burst: what one call hands over.
const BURST_MAX: u64 = 64;
/// The least and the most that a driver may be late without loss of rate, in nanoseconds.
const SLACK: (u64, u64) = (1_500_000, 50_000_000);

/// When the next datagrams may go out. In nanoseconds, as there may be several in a microsecond.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Pacer {
    next: u64,
    /// Between two datagrams; 0: as fast as they come.
    interval: u64,
    burst: u32,
    slack: u64,
    /// Only its time was in the way of the next.
    waits: bool,
}

impl Pacer {
    /// From now on so many bytes a second, in datagrams of so many; 0 for no limit. Who is late may catch up half a
    /// round trip.
    pub(crate) fn set(&mut self, rate: u64, datagram: u64, round_trip: u32) {
        self.interval = datagram.saturating_mul(1_000_000_000).checked_div(rate).unwrap_or(0);
        self.burst = BURST.checked_div(self.interval).unwrap_or(BURST_MAX).clamp(1, BURST_MAX) as u32;
        self.slack = (u64::from(round_trip).wrapping_mul(500)).clamp(SLACK.0, SLACK.1);
    }

    /// How many datagrams may be sent now.
    pub(crate) const fn allowance(&self, now: Instant) -> u32 {
        if self.interval == 0 {
            u32::MAX
        } else if self.next <= nanos(now) {
            self.burst
        } else {
            0
        }
    }

    /// When the next may be sent.
    pub(crate) const fn resumes(&mut self) -> Instant {
        self.waits = true;
        Instant::from_micros(self.next.div_ceil(1_000))
    }

    /// Something else than the rate keeps from sending: that time is not caught up.
    pub(crate) const fn rest(&mut self) {
        self.waits = false;
    }

    /// So many are sent.
    pub(crate) fn sent(&mut self, now: Instant, count: u32) {
        let slack = if self.waits { self.slack } else { 0 };
        let from = self.next.max(nanos(now).saturating_sub(slack));
        self.next = from.saturating_add(self.interval.saturating_mul(count.into()));
    }
}

const fn nanos(now: Instant) -> u64 {
    now.as_micros().saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    /// Sends whatever is allowed, waking when it is told to; how much in the first second.
    fn send_for_a_second(pacer: &mut Pacer, late: u64) -> u64 {
        let (mut now, mut sent) = (1_000_000, 0);
        pacer.next = now * 1_000;
        while now < 2_000_000 {
            let count = pacer.allowance(at(now));
            if count == 0 {
                now = pacer.resumes().as_micros() + late;
            } else {
                pacer.sent(at(now), count);
                sent += u64::from(count);
            }
        }
        sent
    }

    #[test]
    fn it_keeps_the_rate_at_every_scale() {
        for rate in [1_000, 100_000, 12_500_000, 125_000_000, 1_000_000_000] {
            let mut pacer = Pacer::default();
            pacer.set(rate, 1_000, 20_000);
            let sent = send_for_a_second(&mut pacer, 0);
            let ideal = rate / 1_000;
            assert!(sent >= ideal && sent <= ideal + 70, "{sent} of {ideal}");
        }
    }

    #[test]
    fn who_is_late_by_less_than_half_a_round_trip_catches_up() {
        let mut pacer = Pacer::default();
        pacer.set(12_500_000, 1_000, 20_000);
        let sent = send_for_a_second(&mut pacer, 5_000);
        assert!(sent > 12_400, "{sent}");
        let sent = send_for_a_second(&mut pacer, 20_000);
        assert!(sent < 9_000, "{sent}");
    }

    #[test]
    fn without_a_rate_there_is_no_limit() {
        let mut pacer = Pacer::default();
        pacer.set(0, 1_000, 0);
        pacer.sent(at(5), 1_000);
        assert_eq!(pacer.allowance(at(5)), u32::MAX);
    }
}
