//! What TCP does: CUBIC (RFC 9438) or NewReno (RFC 9002 section 7), for those who must share a path as TCP shares it.
//!
//! ```text
//!   window   ╱│          ╭──╯ cubic: fast to where it was, slow around it, fast beyond
//!           ╱ │loss: 0.7 │
//!          ╱  ╰──────────╯
//!     twice a round trip       │ Reno: half at a loss, one more each round trip
//! ```

use super::{Congestion, Controlled, Controller, News, Phase, Start, pacer::Pacer};
use crate::{Instant, rdt::ring::is_before};

/// Fractions of a transmission in which the window is counted.
const PARTS: u64 = 1_024;
/// The window at first (RFC 9002 section 7.2), and after a time-out.
const WINDOW_FIRST: u64 = 10;
const WINDOW_LEAST: u64 = 2;
/// After so many round trips without growth it was something else that set the rate.
const PAUSE: u64 = 2;
/// The farthest from the middle of the cubic that is calculated with, in milliseconds.
const REACH: i64 = 100_000;

/// The window of one direction.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tcp {
    is_cubic: bool,
    most: u64,
    datagram: u64,
    /// In parts.
    window: u64,
    /// Below it the window doubles each round trip. In parts.
    threshold: u64,
    /// The window before the last loss, and the one that Reno would have. In parts.
    before: u64,
    reno: u64,
    /// When the cubic began, and how long from there to its middle, in milliseconds. What passed while the window was not
    /// in the way does not count.
    epoch: Option<(Instant, u64)>,
    /// When it grew last.
    grew: Instant,
    /// Losses of what was sent before this transmission belong to the one that was answered.
    recovery: u32,
    recovers: bool,
    /// What was given up for the last loss: window, threshold, window before.
    saved: Option<(u64, u64, u64)>,
    /// What counts as lost since then, and has not turned up.
    missing: u32,
    round_trip: u32,
    is_starved: bool,
    /// Nothing was acknowledged since the last time-out.
    is_silent: bool,
    pacer: Pacer,
    pace: u64,
}

impl Controller for Tcp {
    fn new(start: &Start) -> Self {
        let mut tcp = Self {
            is_cubic: start.congestion != Congestion::Reno,
            most: u64::from(start.window.max(1)).saturating_mul(PARTS),
            datagram: start.datagram.max(1).into(),
            window: WINDOW_FIRST.min(start.window.max(1).into()).saturating_mul(PARTS),
            threshold: u64::MAX,
            before: 0,
            reno: 0,
            epoch: None,
            grew: start.now,
            recovery: 0,
            recovers: false,
            saved: None,
            missing: 0,
            round_trip: start.round_trip,
            is_starved: false,
            is_silent: false,
            pacer: Pacer::default(),
            pace: 0,
        };
        tcp.steer();
        tcp
    }

    fn window(&self) -> u32 {
        (self.window / PARTS).max(1) as u32
    }

    fn allowance(&self, now: Instant) -> u32 {
        self.pacer.allowance(now)
    }

    fn resumes(&mut self) -> Instant {
        self.pacer.resumes()
    }

    fn sent(&mut self, now: Instant, count: u32, _newest: u32, _in_flight: u32) {
        self.is_starved = false;
        self.pacer.sent(now, count);
    }

    fn starved(&mut self, _newest: u32) {
        self.is_starved = true;
        self.pacer.rest();
    }

    fn acknowledged(&mut self, now: Instant, news: &News) {
        if news.round_trip > 0 {
            let smoothed = if self.round_trip == 0 { news.round_trip } else { self.round_trip };
            self.round_trip = smoothed.saturating_sub(smoothed / 8).saturating_add(news.round_trip / 8);
        }
        self.is_silent &= news.acknowledged == 0;
        self.recovers &= is_before(news.top, self.recovery);
        if news.lost > 0 && !self.recovers {
            self.give_way(news.next);
            self.missing = news.lost;
        } else if news.lost > 0 {
            self.missing = self.missing.saturating_add(news.lost);
        } else if !self.recovers && !self.is_starved {
            self.grow(now, news.acknowledged.into());
        }
        self.pacer.rest();
        self.steer();
    }

    fn timed_out(&mut self, _now: Instant) {
        if !self.is_silent {
            // Later ones tell nothing new of the path (RFC 5681 section 3.1).
            self.give_way(self.recovery);
            // One that is heard of after all was waited for too briefly, and so were the others.
            self.missing = 1;
        }
        self.is_silent = true;
        self.recovers = false;
        // The path is another one: no window of before is aimed at (RFC 9438 section 4.8).
        self.before = 0;
        self.epoch = None;
        self.window = WINDOW_LEAST.saturating_mul(PARTS).min(self.most);
        self.steer();
    }

    fn undo(&mut self) {
        // Only when all of them were late it was no loss (RFC 4015 section 3.2 has the same care).
        self.missing = self.missing.saturating_sub(1);
        if self.missing > 0 {
            return;
        }
        if let Some((window, threshold, before)) = self.saved.take() {
            (self.window, self.threshold, self.before) = (window.max(self.window), threshold, before);
            self.epoch = None;
            self.recovers = false;
            self.steer();
        }
    }

    fn state(&self, in_flight: u32) -> Controlled {
        let phase = match () {
            () if self.recovers => Phase::Recover,
            () if self.window < self.threshold => Phase::Start,
            () => Phase::Cruise,
        };
        Controlled { window: self.window(), in_flight, rate: self.pace, phase }
    }
}

impl Tcp {
    /// A loss: less, once for all that was under way.
    fn give_way(&mut self, next: u32) {
        self.saved = Some((self.window, self.threshold, self.before));
        self.recovery = next;
        self.recovers = true;
        // Fast convergence (RFC 9438 section 4.7): who gives way for the second time leaves more to others.
        self.before =
            if self.window < self.before { self.window.saturating_mul(17) / 20 } else { self.window };
        let kept = if self.is_cubic { self.window.saturating_mul(7) / 10 } else { self.window / 2 };
        self.window = kept.max(WINDOW_LEAST.saturating_mul(PARTS)).min(self.most);
        self.threshold = self.window;
        self.reno = self.window;
        self.epoch = None;
    }

    fn grow(&mut self, now: Instant, acknowledged: u64) {
        let more = acknowledged.saturating_mul(PARTS);
        let window = self.window.max(1);
        // What one more each round trip makes of it.
        let one = more.saturating_mul(PARTS).checked_div(window).unwrap_or(0);
        let grown = if self.window < self.threshold {
            self.window.saturating_add(more)
        } else if !self.is_cubic {
            self.window.saturating_add(one)
        } else {
            // RFC 9438 section 4.3: as fast as Reno with this reduction, at least; beyond what was lost, as fast as Reno.
            let percent = if self.reno < self.before { 53 } else { 100 };
            self.reno = self.reno.saturating_add(one.saturating_mul(percent) / 100);
            let target = self.cubic(now).clamp(window, window.saturating_add(window / 2));
            let step = more.saturating_mul(target.saturating_sub(window)).checked_div(window).unwrap_or(0);
            self.window.saturating_add(step).max(self.reno)
        };
        self.window = grown.min(self.most);
    }

    /// Where the cubic is a round trip from now, in parts (RFC 9438 section 4.2, with C = 0.4).
    fn cubic(&mut self, now: Instant) -> u64 {
        let pause = now.micros_since(self.grew);
        self.grew = now;
        if let Some((began, _)) = &mut self.epoch
            && pause > PAUSE.saturating_mul(self.round_trip.into())
        {
            // Of no use was the window meanwhile: the cubic stands still (RFC 9438 section 5.8).
            *began = began.plus_micros(pause);
        }
        if self.epoch.is_none() {
            self.before = self.before.max(self.window);
        }
        let missing = self.before.saturating_sub(self.window);
        // (missing / C) in cubic seconds, in cubic milliseconds: times 2.5 and 10^9.
        let &mut (began, middle) =
            self.epoch.get_or_insert_with(|| (now, cube_root(missing.saturating_mul(2_500_000_000) / PARTS)));
        let millis = now.micros_since(began).saturating_add(self.round_trip.into()) / 1_000;
        let from_middle = millis.cast_signed().saturating_sub(middle.cast_signed()).clamp(-REACH, REACH);
        let cubed = from_middle.saturating_mul(from_middle).saturating_mul(from_middle);
        // 0.4 transmissions a cubic second, in parts and cubic milliseconds.
        let rise = (cubed / 1_000).saturating_mul(PARTS.cast_signed().saturating_mul(2)) / 5_000_000;
        self.before.saturating_add_signed(rise)
    }

    fn steer(&mut self) {
        let gain = if self.window < self.threshold { 2_000_000 } else { 1_250_000 };
        let bytes = (self.window / PARTS).max(1).saturating_mul(self.datagram);
        self.pace = bytes.saturating_mul(gain).checked_div(self.round_trip.into()).unwrap_or(0);
        self.pacer.set(self.pace, self.datagram, self.round_trip);
    }
}

/// The largest number whose cube is not above `cube`.
fn cube_root(cube: u64) -> u64 {
    let mut root = 0_u64;
    for bit in (0..21).rev() {
        let higher = root | 1 << bit;
        if higher.saturating_mul(higher).saturating_mul(higher) <= cube {
            root = higher;
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Start = Start {
        now: Instant::ZERO,
        window: 8_192,
        datagram: 1_000,
        round_trip: 20_000,
        expected: 0,
        congestion: Congestion::Cubic,
        rate: 0,
        first_flight: 32,
    };

    fn news(acknowledged: u32, lost: u32, next: u32) -> News {
        News { acknowledged, lost, in_flight: 0, top: next - 1, next, round_trip: 20_000 }
    }

    #[test]
    fn cube_roots_are_whole() {
        for (cube, root) in [(0, 0), (1, 1), (7, 1), (8, 2), (26, 2), (27, 3), (1_000_000_000_000, 10_000)] {
            assert_eq!(cube_root(cube), root);
        }
    }

    #[test]
    fn a_loss_takes_three_tenths_and_a_cubic_brings_them_back_after_its_time() {
        let mut tcp = Tcp::new(&START);
        let mut now = Instant::ZERO;
        tcp.acknowledged(now, &news(990, 0, 1_000));
        assert_eq!(tcp.window(), 1_000);
        tcp.acknowledged(now, &news(0, 1, 1_000));
        assert_eq!(tcp.window(), 700);
        // The same flight: no more is taken.
        tcp.recovers = false;
        // K is the cube root of 300 / 0.4: 9.1 seconds.
        let mut reached = 0;
        for round in 1..600_u32 {
            now = now.plus_micros(20_000);
            let count = tcp.window();
            tcp.acknowledged(now, &news(count, 0, 1_000 + round));
            if reached == 0 && tcp.window() >= 998 {
                reached = round;
            }
        }
        // It is within 2 of where it was 1.7 seconds before that. Reno, at 0.53 each round, would take 566 rounds.
        assert!((365..=375).contains(&reached), "{reached}");
        assert!(tcp.window() > 1_000);
    }

    #[test]
    fn reno_gives_half_back_and_grows_by_one_each_round() {
        let mut tcp = Tcp::new(&Start { congestion: Congestion::Reno, ..START });
        tcp.acknowledged(Instant::ZERO, &news(90, 0, 100));
        tcp.acknowledged(Instant::ZERO, &news(0, 3, 101));
        assert_eq!(tcp.window(), 50);
        tcp.recovers = false;
        for round in 0..10 {
            let count = tcp.window();
            tcp.acknowledged(Instant::ZERO, &news(count, 0, 200 + round));
        }
        assert!((59..=60).contains(&tcp.window()), "{}", tcp.window());
    }

    #[test]
    fn on_a_short_path_cubic_is_as_fast_as_reno_once_it_is_where_it_was() {
        let mut tcp = Tcp::new(&START);
        let mut now = Instant::ZERO;
        tcp.acknowledged(now, &news(90, 0, 100));
        tcp.acknowledged(now, &news(0, 1, 100));
        tcp.recovers = false;
        let mut rounds = |tcp: &mut Tcp, count: u32| {
            for round in 0..count {
                now = now.plus_micros(1_000);
                let window = tcp.window();
                tcp.acknowledged(now, &News { round_trip: 1_000, ..news(window, 0, 200 + round) });
            }
        };
        // 30 at 0.53 a round, and then one a round: the cubic is slower than that for five seconds.
        rounds(&mut tcp, 60);
        let there = tcp.window();
        assert!((98..=106).contains(&there), "{there}");
        rounds(&mut tcp, 50);
        assert!((46..=54).contains(&(tcp.window() - there)), "{} after {there}", tcp.window());
    }

    #[test]
    fn after_a_time_out_the_cubic_begins_where_the_window_is() {
        let mut tcp = Tcp::new(&START);
        tcp.acknowledged(Instant::ZERO, &news(990, 0, 1_000));
        tcp.timed_out(Instant::ZERO);
        let mut now = Instant::ZERO;
        for eighth in 0..60 * 8 {
            now = now.plus_micros(12_500);
            let heard = tcp.window().div_ceil(8);
            tcp.acknowledged(now, &News { round_trip: 100_000, ..news(heard, 0, 2_000 + eighth) });
        }
        // Slow start leads to 700 in nine rounds; then Reno's one a round is more than the cubic. With the 1,000 for its aim
        // that would be at 970.
        assert!((730..=800).contains(&tcp.window()), "{}", tcp.window());
    }

    #[test]
    fn a_pause_is_no_time_to_grow() {
        let mut tcp = Tcp::new(&START);
        tcp.acknowledged(Instant::ZERO, &news(990, 0, 1_000));
        tcp.acknowledged(Instant::ZERO, &news(0, 1, 1_000));
        tcp.acknowledged(Instant::from_micros(20_000), &news(700, 0, 1_701));
        tcp.starved(1_701);
        let grown = tcp.window();
        let later = Instant::from_micros(60_000_000);
        tcp.sent(later, 700, 2_400, 700);
        tcp.acknowledged(later.plus_micros(20_000), &news(700, 0, 2_401));
        // The cubic of a minute later would allow half as much again.
        assert!(tcp.window() - grown < 10, "{grown}, then {}", tcp.window());
    }

    #[test]
    fn what_was_no_loss_is_taken_back() {
        let mut tcp = Tcp::new(&START);
        tcp.acknowledged(Instant::ZERO, &news(90, 0, 100));
        tcp.acknowledged(Instant::ZERO, &news(0, 3, 101));
        assert_eq!(tcp.window(), 70);
        tcp.undo();
        tcp.undo();
        assert_eq!(tcp.window(), 70, "one is missing still");
        tcp.undo();
        assert_eq!(tcp.window(), 100);
        tcp.timed_out(Instant::ZERO);
        assert_eq!(tcp.window(), 2);
    }
}
