//! Round-trip time and the retransmission time-out (RFC 6298), in integers.

use crate::Instant;

/// What bounds the time-out, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) initial: u64,
    pub(crate) minimum: u64,
    pub(crate) maximum: u64,
}

/// The estimator of one connection.
///
/// RFC 6298 section 2 keeps SRTT and RTTVAR; here they are kept multiplied by 8 and by 4, so that the gains
/// 1/8 and 1/4 are shifts and lose nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rtt {
    smoothed_by_8: u64,
    deviation_by_4: u64,
    /// The newest sample; 0 before the first.
    latest: u64,
    doublings: u8,
}

impl Rtt {
    /// Takes a sample. Karn's rule is the caller's: only of what was sent once, or bears a number of its own.
    pub(crate) fn sample(&mut self, sent: Instant, now: Instant, delay: u64) {
        let rtt = now.micros_since(sent).saturating_sub(delay).clamp(1, 600_000_000);
        if self.latest == 0 {
            self.smoothed_by_8 = rtt << 3;
            self.deviation_by_4 = rtt << 1;
        } else {
            let error = rtt.abs_diff(self.smoothed_by_8 >> 3);
            self.deviation_by_4 =
                self.deviation_by_4.saturating_sub(self.deviation_by_4 >> 2).saturating_add(error);
            self.smoothed_by_8 =
                self.smoothed_by_8.saturating_sub(self.smoothed_by_8 >> 3).saturating_add(rtt);
        }
        self.latest = rtt;
    }

    /// The smoothed round-trip time in microseconds; `None` before the first sample.
    pub(crate) const fn smoothed(&self) -> Option<u64> {
        if self.latest == 0 { None } else { Some(self.smoothed_by_8 >> 3) }
    }

    /// The time-out now, with the doublings of RFC 6298 section 5.5.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub(crate) fn timeout(&self, bounds: &Bounds) -> u64 {
        let base = match self.smoothed() {
            // 1 ms is the granularity G of the timers below.
            Some(smoothed) => smoothed.saturating_add(self.deviation_by_4.max(1_000)),
            None => bounds.initial,
        };
        let base = base.max(bounds.minimum).min(bounds.maximum);
        (base << self.doublings.min(16)).min(bounds.maximum.max(base))
    }

    /// How long a later transmission's acknowledgement may run ahead before an earlier one counts as lost: 9/8
    /// of the round-trip time (RFC 9002 section 6.1.2) or more `eighths`, at least 1 ms.
    pub(crate) fn reordering(&self, eighths: u8, bounds: &Bounds) -> u64 {
        let rtt = self.smoothed().unwrap_or(bounds.initial).max(self.latest);
        rtt.saturating_add((rtt >> 3).saturating_mul(u64::from(eighths))).max(1_000)
    }

    /// The time-out passed.
    pub(crate) fn back_off(&mut self) {
        self.doublings = self.doublings.saturating_add(1);
    }

    /// The peer lives: what was doubled is forgotten.
    pub(crate) fn recover(&mut self) {
        self.doublings = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { initial: 250_000, minimum: 10_000, maximum: 8_000_000 };

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn the_first_sample_gives_three_times_itself() {
        let mut rtt = Rtt::default();
        assert_eq!(rtt.timeout(&BOUNDS), 250_000);
        rtt.sample(at(0), at(20_000), 0);
        assert_eq!(rtt.smoothed(), Some(20_000));
        assert_eq!(rtt.timeout(&BOUNDS), 60_000);
    }

    #[test]
    fn steady_samples_bring_the_time_out_down_to_the_round_trip() {
        let mut rtt = Rtt::default();
        for _ in 0..100 {
            rtt.sample(at(0), at(20_000), 0);
        }
        assert_eq!(rtt.timeout(&BOUNDS), 21_000);
    }

    #[test]
    fn the_time_out_keeps_its_bounds_and_doubles_in_between() {
        let mut rtt = Rtt::default();
        rtt.sample(at(0), at(10), 0);
        assert_eq!(rtt.timeout(&BOUNDS), 10_000);
        rtt.back_off();
        assert_eq!(rtt.timeout(&BOUNDS), 20_000);
        for _ in 0..300 {
            rtt.back_off();
        }
        assert_eq!(rtt.timeout(&BOUNDS), 8_000_000);
        rtt.recover();
        assert_eq!(rtt.timeout(&BOUNDS), 10_000);
    }

    #[test]
    fn the_acknowledgement_delay_is_taken_off() {
        let mut rtt = Rtt::default();
        rtt.sample(at(0), at(30_000), 10_000);
        assert_eq!(rtt.smoothed(), Some(20_000));
        rtt.sample(at(30_000), at(0), 0);
        assert!(rtt.smoothed() < Some(20_000));
    }
}
