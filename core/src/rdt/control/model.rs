//! A model of the path: its rate and its shortest round-trip time, in the manner of BBR (draft-ietf-ccwg-bbr).
//!
//! ```text
//!   Start ──no more rate, or a queue──► Drain ──empty──► Cruise ──some rounds──► Probe ──► Drain
//!                                                          ▲ the rate that was measured   a quarter faster
//! ```
//!
//! What is sent is paced at the largest rate that arrived in the last rounds, and what is under way is bounded by twice
//! what the path holds. Loss alone does not slow it down: in rounds without a queue it is noise, and a little more is
//! sent to make up for it. Loss while there is a queue says that the queue is full: then less is tried. A queue that
//! stays, or overflows, though nothing was tried is somebody else's: then the window makes room for others, down to five
//! eighths of what the path carried, and gives way to losses as CUBIC does, until there was no queue for some time.

use super::{Controlled, Controller, News, Phase, Start, pacer::Pacer, round::Round};
use crate::{Instant, rdt::ring::is_before};

/// Rounds for which a rate is remembered.
const ROUNDS: usize = 10;
/// How long the shortest round-trip time is remembered at least; twice as long at most. In microseconds.
const LEAST_LIFE: u64 = 5_000_000;
/// Rounds without more rate after which the path counts as full.
const FULL_ROUNDS: u8 = 3;
/// Rounds between two probes: more, up to the most, while they make the queue overflow.
const CRUISE_ROUNDS: u8 = 6;
const CRUISE_ROUNDS_MAX: u8 = 48;
/// After so many rounds with a queue, half of them since it was let go, somebody else makes it; that is so until there
/// was none for so many.
const CROWDED: u8 = 6;
const CROWDED_FOR: u8 = 48;
/// Next to others the window grows by as much as itself in so many microseconds: about as CUBIC's comes back after a
/// loss (RFC 9438 section 4.2).
const GROWS_IN: u64 = 20_000_000;
const GROWS_BY: u32 = 2;
/// Such a part of it is given up in a round with a queue.
const CEDES: u32 = 64;
/// Rounds that it takes at most to let go the queue of the start, and of a probe. It is gone when no more is under way than
/// the path holds, and such a part of that.
const DRAIN_ROUNDS: [u8; 2] = [3, 1];
const DRAINED: u32 = 16;
/// For so many rounds after that less is sent than the path carries.
const CALM_ROUNDS: u8 = 2;
/// The smallest window.
const WINDOW_LEAST: u32 = 4;
/// Without a round-trip time nothing can be spread: so much at once.
const BLIND_FLIGHT: u32 = 32;
/// A shorter round trip, in microseconds, is that of a path that may well carry a gigabit a second.
const SHORT: u32 = 30_000;
/// On a longer path a first flight takes so many microseconds at least: before 100 Mbit/s a queue of 256 kB holds what is
/// too much until its rate is heard of. Who fetches a MiB over a gigabit at 40 ms waits 40 ms longer for that.
const LONG_FLIGHT: u32 = 75_000;
/// A first flight with so many of it under way, on such a path, tells how fast that is before it is over.
const FLIGHT_TELLS: u32 = 384;
/// Only on paths longer than this the start doubles each round.
const HURRY: u32 = 10_000;
/// The fastest that is sent before anything is known, in bytes a second: a little less than a gigabit on a path that is
/// heard of soon, and else so much more that a queue of 256 kB before a gigabit holds what is too much in a first flight.
const BLIND_RATE: [u64; 2] = [117_000_000, 145_000_000];
/// Round trips shorter than this are made by the hosts, not by the path: the window is what limits there.
const LOCAL: u32 = 1_000;
/// What the hosts themselves hold back, in transmissions: their batches.
const BATCHES: u32 = 128;

/// A queue that delays by an eighth of the round trip, but at least by so much, in microseconds, is one.
const MARGIN_LEAST: u32 = 1_000;
/// So many samples in a row above that are not by chance.
const RISEN: u8 = 8;
/// In a round of fewer transmissions a part that was lost says nothing.
const MANY: u32 = 32;
/// Of 1,024: loss above the noise that says that a queue has overflowed, and that the path has become another one.
const OVERFLOW: u32 = 20;
const HEAVY: u32 = 256;
/// The most that is taken for noise, of 1,024.
const NOISE_MAX: u32 = 600;
/// All of the rate, in parts.
const WHOLE: u64 = 256;
/// What of it is used in general: in calm rounds, as the largest of several rates may be a little more than the path
/// carries, and in others, in which a little of a queue does no harm and an idle link would.
const CRUISE: [u64; 2] = [252, 256];

/// The model of one direction.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Model {
    most: u32,
    datagram: u64,
    phase: Phase,
    /// Rounds in this phase.
    rounds: u8,
    window: u32,
    pacer: Pacer,
    /// At which the pacer is set; 0 for no limit.
    pace: u64,
    round: Round,
    /// The rates of the last rounds, in bytes a second, and the largest of them.
    rates: [u64; ROUNDS],
    newest_rate: u8,
    rate: u64,
    /// What `rate` was when it last grew much, and for how many rounds it has not; after the start, the largest that it
    /// was.
    grown: u64,
    full: u8,
    /// The shortest round-trip time of the time before and of this one, and when this one began.
    least: [u32; 2],
    least_since: Instant,
    /// What is lost without a queue, of 1,024.
    noise: u32,
    first_flight: u32,
    is_first: bool,
    /// The first flight begins with this transmission: what was sent before tells nothing of it.
    flight_from: u32,
    /// The shortest round-trip time is only expected.
    is_expected: bool,
    /// The shortest round-trip time of the round before: what a growing queue is told from.
    base: u32,
    /// Below this many under way the queue did not overflow.
    high: u32,
    /// The rate when the last probe began, and whether that has only just ended.
    probed_from: u64,
    has_probed: bool,
    /// Rounds until the next probe.
    patience: u8,
    /// Rounds that a drain takes at most.
    drains: u8,
    /// Rounds with a queue that is not ours; from `CROWDED` on, how many without one are still to come.
    crowded: u8,
    /// By how much that is raised when it proves to be too low.
    step: u32,
    /// The pace when the round before began, and when this one did.
    paces: [u64; 2],
    /// Samples in a row that say that the queue grows.
    risen: u8,
    /// The rate before the last time-out; 0 when something was acknowledged since.
    saved: u64,
}

impl Controller for Model {
    fn new(start: &Start) -> Self {
        let mut model = Self {
            most: start.window.max(1),
            datagram: start.datagram.max(1).into(),
            phase: Phase::Start,
            rounds: 0,
            window: start.first_flight.min(BLIND_FLIGHT).clamp(1, start.window.max(1)),
            pacer: Pacer::default(),
            pace: 0,
            round: Round::new(start.now, 0),
            rates: [0; ROUNDS],
            newest_rate: 0,
            rate: 0,
            grown: 0,
            full: 0,
            least: [u32::MAX; 2],
            least_since: start.now,
            noise: 0,
            first_flight: start.first_flight.max(1),
            is_first: true,
            flight_from: 0,
            is_expected: false,
            base: u32::MAX,
            high: u32::MAX,
            patience: CRUISE_ROUNDS,
            drains: 1,
            crowded: 0,
            step: 1,
            probed_from: 0,
            has_probed: false,
            paces: [0; 2],
            risen: 0,
            saved: 0,
        };
        let round_trip = if start.round_trip > 0 { start.round_trip } else { start.expected };
        if round_trip > 0 {
            model.measured(start.now, round_trip, 0);
            model.is_expected = start.round_trip == 0;
            model.steer();
        }
        model
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

    fn sent(&mut self, now: Instant, count: u32, newest: u32, in_flight: u32) {
        self.pacer.sent(now, count);
        if in_flight <= count {
            // Nothing was under way: what is measured begins here.
            self.round = Round::new(now, newest);
            self.paces = [0, self.pace];
        }
    }

    fn starved(&mut self, _newest: u32) {
        self.round.is_starved = true;
        self.pacer.rest();
    }

    fn acknowledged(&mut self, now: Instant, news: &News) {
        if news.round_trip > 0 {
            self.measured(now, news.round_trip, news.next);
        }
        if news.acknowledged > 0 {
            self.saved = 0;
        }
        let used = news.in_flight.saturating_add(news.acknowledged).saturating_add(news.lost);
        if used >= self.window {
            self.pacer.rest();
        }
        let is_over = self.round.hear(now, news, self.least() / 8);
        match self.phase {
            Phase::Start if news.acknowledged > 0 && !self.is_before_flight(news) => {
                if self.risen >= RISEN || self.is_spread(now) {
                    if self.is_first {
                        // So much the queue has held; whether it holds more, the probes show bit by bit.
                        self.high = used;
                    }
                    self.enter(Phase::Drain);
                } else if !self.is_early(used) {
                    self.grow(news, used);
                }
            }
            Phase::Probe if self.risen >= RISEN => self.enter(Phase::Drain),
            Phase::Drain if self.is_drained(news.in_flight) => self.enter(Phase::Cruise),
            _ => {}
        }
        if is_over {
            self.end_round(now);
            let [_, pace] = self.paces;
            self.paces = [pace, self.pace];
            self.round = Round::new(now, news.next);
        }
        self.steer();
    }

    fn timed_out(&mut self, now: Instant) {
        // What was known may hold no more: it is measured again, from little on.
        if self.rate > 0 {
            self.saved = self.rate;
        }
        self.forget_rates(0);
        self.round = Round::new(now, self.round.end());
        self.window = WINDOW_LEAST.min(self.most);
        self.is_first = false;
        self.crowded = 0;
        self.grown = 0;
        self.enter(Phase::Start);
        self.steer();
    }

    fn undo(&mut self) {
        if self.saved > 0 {
            self.forget_rates(self.saved);
            self.saved = 0;
            self.enter(Phase::Cruise);
            self.steer();
        }
    }

    fn state(&self, in_flight: u32) -> Controlled {
        Controlled { window: self.window, in_flight, rate: self.pace, phase: self.phase }
    }
}

impl Model {
    /// The shortest round-trip time; the largest number when nothing was measured yet.
    fn least(&self) -> u32 {
        let [before, now] = self.least;
        before.min(now)
    }

    /// A round trip was measured; so far all transmissions before `next` were made.
    fn measured(&mut self, now: Instant, round_trip: u32, next: u32) {
        if self.least() == u32::MAX {
            self.window = self.first_flight.min(self.most);
            self.flight_from = next;
        }
        if core::mem::take(&mut self.is_expected) {
            self.least = [u32::MAX; 2];
        }
        if now.micros_since(self.least_since) > LEAST_LIFE {
            let [_, newer] = self.least;
            self.least = [newer, u32::MAX];
            self.least_since = now;
        }
        let [_, newer] = &mut self.least;
        *newer = round_trip.min(*newer);
        let base = if self.phase == Phase::Start { self.least() } else { self.base.max(self.least()) };
        let has_risen = round_trip > base.saturating_add(self.margin());
        self.risen = if has_risen { self.risen.saturating_add(1) } else { 0 };
    }

    /// Whether what was acknowledged was sent before the first flight, one word or two.
    fn is_before_flight(&self, news: &News) -> bool {
        self.is_first && is_before(news.top, self.flight_from)
    }

    /// How much longer than the shortest a round trip is when there is a queue.
    fn margin(&self) -> u32 {
        (self.least() / 8).max(MARGIN_LEAST)
    }

    /// Whether more of the first flight has to be heard of before it is known how fast it came through. What is sent
    /// faster before that fills the queue of a slow link.
    fn is_early(&self, used: u32) -> bool {
        self.is_first && self.least() >= SHORT && used >= FLIGHT_TELLS && !self.round.is_train()
    }

    /// Whether what is under way is next to no queue.
    fn is_drained(&self, in_flight: u32) -> bool {
        let holds = self.holds(self.rate);
        in_flight <= holds.saturating_add(holds / DRAINED)
    }

    /// Twice as much each round trip.
    fn grow(&mut self, news: &News, used: u32) {
        if core::mem::take(&mut self.is_first) {
            // Less may have been sent than was allowed.
            self.window = self.window.min(used.max(BLIND_FLIGHT)).min(self.most);
        }
        if !self.round.is_starved && used.saturating_mul(2) >= self.window {
            // On a short path a round costs little, and one that is a gigabit's is full soon.
            let more = if self.least() < HURRY { news.acknowledged / 4 } else { news.acknowledged };
            self.window = self.window.saturating_add(more).min(self.most);
        }
    }

    /// Datagrams that come slower than they were sent have been spread by the slowest link of the path: this is its
    /// rate.
    fn is_spread(&mut self, now: Instant) -> bool {
        let [pace, _] = self.paces;
        // Half a burst, and half of what is acknowledged together, may be missing at each end.
        let train = self.round.train(now, self.datagram, (self.pacer.burst() / 2).saturating_add(8));
        let is_spread = train > 0 && train < pace / 8 * 7 && self.least() >= LOCAL;
        if is_spread {
            self.note_rate(self.round.train(now, self.datagram, 0));
        }
        is_spread
    }

    fn end_round(&mut self, now: Instant) {
        let (loss, all) = (self.round.loss(), self.round.delivered.saturating_add(self.round.lost));
        let rate = self.round.rate(now, self.datagram);
        let is_queued = self.round.round_trip != u32::MAX
            && self.round.round_trip > self.least().saturating_add(self.margin());
        self.base = self.round.round_trip;
        if !self.round.is_starved || rate > self.rate {
            self.note_rate(rate);
        }
        let is_much = all >= MANY && loss > self.noise.saturating_mul(2).saturating_add(HEAVY);
        let is_full = is_queued && all >= MANY && loss > self.noise.saturating_add(OVERFLOW);
        self.rounds = self.rounds.saturating_add(1);
        // What is heard of in the first round of a phase was sent in the one before.
        let is_own = self.rounds > 1;
        let is_calm = self.phase == Phase::Cruise && self.rounds == CALM_ROUNDS.wrapping_add(1);
        if is_calm && !self.is_crowded() && !is_queued && all >= MANY {
            // What was lost of what was sent slowly was not lost to a queue.
            let change = loss.cast_signed().wrapping_sub(self.noise.cast_signed()) / 2;
            self.noise = self.noise.saturating_add_signed(change).min(NOISE_MAX);
        }
        if is_much && is_own && self.phase != Phase::Start {
            // The path carries far less than it did.
            self.forget_rates(rate);
            self.crowded = 0;
            self.enter(Phase::Drain);
            return;
        }
        if self.is_crowded() {
            self.share(is_queued);
            return;
        }
        if self.phase == Phase::Cruise {
            if self.rounds > 2 {
                self.crowded = if is_queued { self.crowded.saturating_add(1) } else { 0 };
                if self.crowded == CROWDED / 2 {
                    // It may be our own.
                    self.enter(Phase::Drain);
                    return;
                }
            }
            // What is sent no faster than it arrived makes no queue overflow alone.
            let is_pressed = is_full && is_own && !self.has_probed;
            if is_pressed || self.is_crowded() {
                self.crowded = CROWDED + CROWDED_FOR;
                self.high = self.less().max(self.holds(self.rate));
                self.enter(Phase::Cruise);
                return;
            }
        }
        if is_full {
            self.high = (self.round.peak / 10).saturating_mul(9).max(WINDOW_LEAST);
            self.step = 1;
            self.patience = self.patience.saturating_mul(2).min(CRUISE_ROUNDS_MAX);
        }
        match self.phase {
            Phase::Start if !self.round.is_starved => {
                if self.rate > self.grown.saturating_add(self.grown / 4) {
                    self.grown = self.rate;
                    self.full = 0;
                } else {
                    self.full = self.full.saturating_add(1);
                }
                if self.full >= FULL_ROUNDS || is_full || is_much {
                    self.enter(Phase::Drain);
                }
            }
            Phase::Probe => {
                if !is_full && self.round.peak >= self.high {
                    self.high = self.high.saturating_add(self.step);
                    self.step = self.step.saturating_mul(2);
                }
                // What it brings shows a round later.
                self.enter(Phase::Cruise);
                self.has_probed = true;
            }
            Phase::Cruise if self.has_probed => {
                let has_grown = self.rate > self.probed_from.saturating_add(self.probed_from / 8);
                if !is_full {
                    self.patience = (self.patience / 2).max(CRUISE_ROUNDS);
                }
                self.enter(if has_grown && !is_queued { Phase::Probe } else { Phase::Drain });
            }
            Phase::Drain if !is_queued || self.rounds >= self.drains => self.enter(Phase::Cruise),
            Phase::Cruise if self.rounds >= self.patience && !self.is_bounded() => self.enter(Phase::Probe),
            _ => {}
        }
    }

    /// A round next to others: the window is what decides, as theirs does. Down to five eighths of what the path carried it
    /// makes room for them as long as there is a queue; a loss takes as much as CUBIC gives.
    fn share(&mut self, is_queued: bool) {
        let is_lossy = self.round.loss() > self.noise.saturating_mul(2);
        self.crowded = match self.crowded {
            _ if is_queued => CROWDED + CROWDED_FOR,
            ..=CROWDED => 0,
            left => left.wrapping_sub(1),
        };
        if is_queued && is_lossy && self.rounds > 2 {
            self.high = self.less();
            self.enter(Phase::Cruise);
        } else if is_queued && self.high > self.fills(self.grown / 8 * 5, self.round.round_trip) {
            self.high = self.high.saturating_sub(self.high / CEDES);
        } else if !self.round.is_starved {
            let round_trip = u64::from(self.round.round_trip).min(GROWS_IN);
            let more = u64::from(self.high).saturating_mul(round_trip) / GROWS_IN;
            self.high = self.high.saturating_add((more as u32).max(GROWS_BY)).min(self.most);
        }
    }

    /// What is left of the window after a loss (RFC 9438 section 4.6).
    fn less(&self) -> u32 {
        (self.round.peak / 10).saturating_mul(7).max(WINDOW_LEAST)
    }

    /// Whether there was a queue though nothing was tried for some rounds: others make it.
    fn is_crowded(&self) -> bool {
        self.crowded >= CROWDED
    }

    fn note_rate(&mut self, rate: u64) {
        if let Some(entry) = self.rates.get_mut(usize::from(self.newest_rate)) {
            *entry = rate;
        }
        self.newest_rate =
            if usize::from(self.newest_rate) >= ROUNDS - 1 { 0 } else { self.newest_rate.wrapping_add(1) };
        self.rate = self.rates.iter().copied().max().unwrap_or(0);
        if self.phase != Phase::Start {
            self.grown = self.grown.max(self.rate);
        }
    }

    fn forget_rates(&mut self, rate: u64) {
        self.rates = [0; ROUNDS];
        self.rate = 0;
        self.full = 0;
        self.note_rate(rate);
    }

    fn enter(&mut self, phase: Phase) {
        let [from_start, else_] = DRAIN_ROUNDS;
        self.drains = if self.phase == Phase::Start { from_start } else { else_ };
        if self.phase == Phase::Start {
            self.grown = self.rate;
        }
        self.phase = phase;
        self.rounds = 0;
        self.risen = 0;
        self.has_probed = false;
        if phase == Phase::Probe {
            self.probed_from = self.rate;
        }
    }

    /// How many transmissions are under way on a path that is just full, at that rate.
    fn holds(&self, rate: u64) -> u32 {
        self.fills(rate, self.least())
    }

    /// How many transmissions are under way at that rate, when a round trip takes so long.
    fn fills(&self, rate: u64, round_trip: u32) -> u32 {
        let bytes = rate.saturating_mul(round_trip.into()) / 1_000_000;
        bytes.checked_div(self.datagram).unwrap_or(0).min(self.most.into()) as u32
    }

    /// Whether the largest window is what limits the rate: then there is nothing to look for.
    fn is_bounded(&self) -> bool {
        self.holds(self.rate) >= self.most.saturating_sub(self.most / 8)
    }

    /// Sets the rate and the window for what is known now.
    fn steer(&mut self) {
        let least = self.least();
        if self.phase == Phase::Start {
            let bytes = u64::from(self.window).saturating_mul(self.datagram);
            // The first flight over three quarters of a long round trip, and a third of a short one; what follows comes
            // faster.
            let [near, far] = BLIND_RATE;
            let (flight, most) = match self.is_first {
                true if least < HURRY => (least / 3, near),
                true if least < SHORT => (least / 3, far),
                true => ((least - least / 4).max(LONG_FLIGHT), far),
                false if least < HURRY => (least, u64::MAX),
                false => (least / 2, u64::MAX),
            };
            let rate = bytes.saturating_mul(1_000_000).checked_div(flight.into());
            self.pace = if least == u32::MAX { 0 } else { rate.unwrap_or(most).min(most) };
        } else {
            let [calm, cruise] = CRUISE;
            let gain = match self.phase {
                _ if least < LOCAL => 512,
                Phase::Cruise if self.is_bounded() || self.is_crowded() => 320,
                Phase::Probe => 320,
                Phase::Drain => 192,
                _ if self.rounds < CALM_ROUNDS => calm,
                _ => cruise,
            };
            let rate = self.rate.saturating_add(self.rate.saturating_mul(self.noise.into()) / 1_024);
            self.pace = (rate.saturating_mul(gain) / WHOLE).max(self.datagram.saturating_mul(4));
            let holds = self.holds(self.rate);
            let window = holds.saturating_mul(2).saturating_add(BATCHES);
            // Alone, no less than keeps the path full while the hosts hold back a batch: what is sent is paced.
            let least = if self.is_crowded() { 0 } else { holds.saturating_add(BATCHES / 2) };
            self.window = window.min(self.high.max(least)).max(WINDOW_LEAST).min(self.most);
        }
        let slack = if least == u32::MAX { 0 } else { least };
        self.pacer.set(self.pace, self.datagram, slack);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdt::control::Congestion;

    const DATAGRAM: u64 = 1_480;
    const FLIGHT: u32 = 768;

    fn model(now: Instant, round_trip: u32) -> Model {
        Model::new(&Start {
            now,
            window: 8_192,
            datagram: DATAGRAM as u32,
            round_trip,
            expected: 0,
            congestion: Congestion::Model,
            rate: 0,
            first_flight: FLIGHT,
        })
    }

    /// Sends what it allows now.
    fn send(model: &mut Model, now: Instant, sent: &mut u32) {
        while *sent < FLIGHT {
            let count = model.allowance(now);
            if count == 0 {
                break;
            }
            *sent += count;
            model.sent(now, count, *sent, *sent);
        }
    }

    #[test]
    fn the_first_flight_is_spread_when_the_round_trip_is_known_before_it() {
        let now = Instant::from_micros(1_000_000);
        let mut model = model(now, 20_000);
        assert_eq!(model.window(), FLIGHT);
        let mut sent = 0;
        send(&mut model, now, &mut sent);
        assert!(sent <= 64, "{sent} at once");
        assert!(model.resumes() > now);
    }

    #[test]
    fn what_leaves_on_a_long_path_before_anything_is_heard_fits_a_queue_before_100_mbit_s() {
        for round_trip in [30_000, 40_000, 60_000, 100_000] {
            let mut model = model(Instant::ZERO, round_trip);
            let mut sent = 0;
            for micros in (0..round_trip).step_by(100) {
                send(&mut model, Instant::from_micros(micros.into()), &mut sent);
                let queued =
                    (u64::from(sent) * DATAGRAM).saturating_sub(u64::from(micros) * 12_500_000 / 1_000_000);
                assert!(queued < 256_000, "{queued} bytes after {micros} of {round_trip} us");
            }
            assert!(sent >= FLIGHT / 4, "{sent} of {round_trip} us");
        }
    }
}
