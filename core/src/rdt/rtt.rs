//! Round-trip time and the retransmission time-out (RFC 6298), in integers.

use super::{Settings, numbers::Numbers, trace::Happened};
use crate::Instant;

/// The longest round trip that is told from longer ones: eight times as much has room in 32 bits.
const LONGEST: u64 = 500_000_000;

/// The longest time-out.
const TIMEOUT_LONGEST: u64 = 1 << 30;

/// The estimator of one connection.
///
/// RFC 6298 section 2 keeps SRTT and RTTVAR; here they are kept multiplied by 8 and by 4, so that the gains
/// 1/8 and 1/4 are shifts and lose nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rtt {
    smoothed_by_8: u32,
    deviation_by_4: u32,
    /// The newest sample; 0 before the first.
    latest: u32,
    /// Time-outs in a row.
    expiries: u8,
}

impl Rtt {
    /// Takes a sample. Karn's rule is the caller's: only of what was sent once, or bears a number of its own.
    pub(crate) fn sample(&mut self, sent: Instant, now: Instant, delay: u32) {
        let rtt = (now.micros_since(sent).min(LONGEST) as u32).saturating_sub(delay).max(1);
        if self.latest == 0 {
            self.smoothed_by_8 = rtt << 3;
            self.deviation_by_4 = rtt << 1;
        } else {
            let error = rtt.abs_diff(self.smoothed_by_8 >> 3);
            // None of this overflows: neither exceeds 8 times the longest.
            self.deviation_by_4 =
                self.deviation_by_4.wrapping_sub(self.deviation_by_4 >> 2).wrapping_add(error);
            self.smoothed_by_8 = self.smoothed_by_8.wrapping_sub(self.smoothed_by_8 >> 3).wrapping_add(rtt);
        }
        self.latest = rtt;
    }

    /// The smoothed round-trip time in microseconds; `None` before the first sample.
    pub(crate) const fn smoothed(&self) -> Option<u32> {
        if self.latest == 0 { None } else { Some(self.smoothed_by_8 >> 3) }
    }

    /// Goes along it. `None`: it has expired since the peer was last heard.
    pub(crate) fn parked(&mut self, numbers: &mut impl Numbers) -> Option<()> {
        let Self { smoothed_by_8, deviation_by_4, latest, expiries: 0 } = self else { return None };
        numbers.word(smoothed_by_8);
        numbers.word(deviation_by_4);
        numbers.word(latest);
        Some(())
    }

    /// The newest sample; 0 before the first.
    pub(crate) const fn latest(&self) -> u32 {
        self.latest
    }

    /// What a trace is told of a sample.
    pub(crate) const fn happened(&self) -> Happened {
        Happened::RoundTrip {
            latest: self.latest,
            smoothed: self.smoothed_by_8 >> 3,
            deviation: self.deviation_by_4 >> 2,
        }
    }

    /// The time-out now, with the doublings of RFC 6298 section 5.5. When the path is known, the first time-out doubles
    /// nothing: what is sent after it is a probe, as of RFC 8985 section 7, and one segment that is lost by chance is
    /// nothing to wait longer for.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub(crate) fn timeout(&self, settings: &Settings) -> u32 {
        let (base, doublings) = match self.smoothed() {
            // 1 ms is the granularity G of the timers below.
            Some(smoothed) => {
                let deviation = u64::from(self.deviation_by_4.max(1_000));
                (u64::from(smoothed).wrapping_add(deviation), self.expiries.saturating_sub(1))
            }
            None => (settings.timeout_initial.as_micros().into(), self.expiries),
        };
        let maximum = u64::from(settings.timeout_maximum.as_micros()).min(TIMEOUT_LONGEST);
        let base = base.max(settings.timeout_minimum.as_micros().into()).min(maximum);
        (base << doublings.min(16)).min(maximum) as u32
    }

    /// How long a later transmission's acknowledgement may run ahead before an earlier one counts as lost: 9/8
    /// of the round-trip time (RFC 9002 section 6.1.2) or more `eighths`, at least 1 ms.
    pub(crate) fn reordering(&self, eighths: u8, settings: &Settings) -> u32 {
        let initial = settings.timeout_initial.as_micros().min(LONGEST as u32);
        let rtt = self.smoothed().unwrap_or(initial).max(self.latest);
        // At most twice as much: far from an overflow.
        rtt.wrapping_add((rtt >> 3).wrapping_mul(u32::from(eighths))).max(1_000)
    }

    /// The time-out passed.
    pub(crate) fn back_off(&mut self) {
        self.expiries = self.expiries.saturating_add(1);
    }

    /// The peer lives: what expired is forgotten. Before there is a sample the time-out stays as long as it has become: what is
    /// sent twice because it was too short never gives one (Karn's algorithm).
    pub(crate) fn recover(&mut self) {
        if self.latest > 0 {
            self.expiries = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    const BOUNDS: Settings = Settings { timeout_maximum: Span::from_secs(8), ..Settings::HOST };

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
        for expected in [10_000, 10_000, 20_000] {
            assert_eq!(rtt.timeout(&BOUNDS), expected);
            rtt.back_off();
        }
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
