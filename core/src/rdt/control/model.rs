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

mod cross_traffic;
mod probing;
mod rates;
mod round_trips;
mod start;
#[cfg(test)]
mod tests;

use super::{
    BATCHES, Controlled, Controller, News, Phase, Start, WINDOW_LEAST,
    pacer::Pacer,
    round,
    round::{Round, TRAIN},
};
use crate::{Instant, rdt::ring::is_before};
use cross_traffic::CrossTraffic;
use probing::Probing;
use rates::Rates;
use round_trips::{MARGIN_LEAST, RoundTrips};
use start::{AHEAD_TELLS, FirstFlight};

/// Rounds without more rate after which the path counts as full.
const FULL_ROUNDS: u8 = 3;
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
/// Round trips shorter than this are made by the hosts, not by the path: the window is what limits there.
const LOCAL: u32 = 1_000;

/// So many samples in a row that are longer than the shortest by a margin are not by chance.
const RISEN: u8 = 8;
/// So many that came without a pause tell how fast the queue is emptied in which they were.
const TRAIN_LEAST: u32 = 64;
/// In a round of fewer transmissions a part that was lost says nothing.
const MANY: u32 = 32;
/// Of 1,024: loss above the noise that says that a queue has overflowed, and that the path has become another one.
const OVERFLOW: u32 = 20;
const HEAVY: u32 = 256;
/// Two losses that differ by less are as good as the same, of 1,024.
const ALIKE: u32 = 128;
/// The most that is taken for noise, of 1,024.
const NOISE_MAX: u32 = 600;
/// All of the rate, in parts.
const WHOLE: u64 = 256;
/// What of it is used in general: in calm rounds, as the largest of several rates may be a little more than the path
/// carries, and in others, in which a little of a queue does no harm and an idle link would.
const CRUISE: [u64; 2] = [252, 256];
/// What of it is used while there is a queue: that goes, and who else makes it finds room before it overflows.
const YIELDS: u64 = 208;

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
    first_flight: FirstFlight,
    rates: Rates,
    /// What the largest rate was when it last grew much, and for how many rounds it has not; after the start, the largest
    /// that it was.
    grown: u64,
    full: u8,
    round_trips: RoundTrips,
    /// The shortest round-trip time of the round before: what a growing queue is told from.
    base: u32,
    /// Samples in a row that say that the queue grows.
    risen: u8,
    /// What is lost without a queue, of 1,024.
    noise: u32,
    /// What arrived and what was lost in rounds that tell of it, until they are enough.
    calm: [u32; 2],
    /// What was lost in the last round that tells of its phase, if far more than noise explains: then less is sent since.
    heavy: u32,
    probing: Probing,
    /// The rate when the last probe began, and whether that has only just ended.
    probed_from: u64,
    has_probed: bool,
    /// Rounds that a drain takes at most.
    drains: u8,
    cross_traffic: CrossTraffic,
    /// The largest rate of the rounds with a queue that have just been; 0 when the last one had none.
    queued: u64,
    /// The rate before the last time-out; 0 when something was acknowledged since.
    saved: u64,
}

/// What a round that is over has shown.
struct Seen {
    /// In bytes a second.
    rate: u64,
    /// Transmissions that were heard of, and of 1,024 those that were lost.
    all: u32,
    loss: u32,
    /// There was a queue.
    is_queued: bool,
    /// It overflowed.
    is_full: bool,
    /// Far more was lost than noise explains.
    is_much: bool,
}

impl Controller for Model {
    fn new(start: &Start) -> Self {
        let most = start.window.max(1);
        let first_flight = FirstFlight::new(start.first_flight);
        let mut model = Self {
            most,
            datagram: start.datagram.max(1).into(),
            phase: Phase::Start,
            rounds: 0,
            window: first_flight.blind(most),
            pacer: Pacer::default(),
            pace: 0,
            round: Round::new(start.now, 0),
            first_flight,
            rates: Rates::default(),
            grown: 0,
            full: 0,
            round_trips: RoundTrips::new(start.now),
            base: u32::MAX,
            risen: 0,
            noise: 0,
            calm: [0; 2],
            heavy: 0,
            probing: Probing::NEW,
            probed_from: 0,
            has_probed: false,
            drains: 1,
            cross_traffic: CrossTraffic::default(),
            queued: 0,
            saved: 0,
        };
        let round_trip = if start.round_trip > 0 { start.round_trip } else { start.expected };
        if round_trip > 0 {
            model.measured(start.now, round_trip, 0);
            if start.round_trip == 0 {
                model.round_trips.expect();
            }
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
        }
        if self.first_flight.sent(newest, self.round_trips.least()) {
            // Its beginning is one train, and not two.
            self.round.wait_for(newest);
            self.steer();
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
        let is_over = self.round.hear(now, news, self.round_trips.least() / 8);
        match self.phase {
            Phase::Start if news.acknowledged > 0 && !self.is_before_flight(news) => {
                if self.risen >= RISEN || self.is_spread(now, news.round_trip) {
                    if self.round.in_train() >= TRAIN_LEAST {
                        // What waits in a queue comes as fast as that is emptied.
                        self.note_rate(self.round.train(now, self.datagram));
                    }
                    if self.first_flight.goes_on {
                        // So much the queue has held; whether it holds more, the probes show bit by bit.
                        self.probing.high = used;
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
            self.round = Round::new(now, news.next);
        }
        self.steer();
    }

    fn timed_out(&mut self, now: Instant) {
        // What was known may hold no more: it is measured again, from little on.
        if self.rate() > 0 {
            self.saved = self.rate();
        }
        self.forget_rates(0);
        self.round = Round::new(now, self.round.end());
        self.window = WINDOW_LEAST.min(self.most);
        self.first_flight.goes_on = false;
        self.cross_traffic.forget();
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
    /// The rate of the path, in bytes a second; 0 when nothing was measured yet.
    const fn rate(&self) -> u64 {
        self.rates.largest()
    }

    /// A round trip was measured; so far all transmissions before `next` were made.
    fn measured(&mut self, now: Instant, round_trip: u32, next: u32) {
        if self.round_trips.note(now, round_trip) {
            self.window = self.first_flight.window(self.most);
            self.first_flight.from = next;
        }
        let least = self.round_trips.least();
        let base = if self.phase == Phase::Start { least } else { self.base.max(least) };
        let has_risen = round_trip > base.saturating_add(self.round_trips.margin());
        self.risen = if has_risen { self.risen.saturating_add(1) } else { 0 };
    }

    /// Whether what was acknowledged was sent before the first flight, one word or two.
    fn is_before_flight(&self, news: &News) -> bool {
        self.first_flight.goes_on && is_before(news.top, self.first_flight.from)
    }

    /// Whether more of the first flight has to be heard of.
    fn is_early(&self, used: u32) -> bool {
        self.first_flight.is_unheard(self.round_trips.least(), used) && self.round.in_train() < TRAIN
    }

    /// Whether what is under way is next to no queue.
    fn is_drained(&self, in_flight: u32) -> bool {
        let holds = self.holds();
        in_flight <= holds.saturating_add(holds / DRAINED)
    }

    /// Twice as much each round trip.
    fn grow(&mut self, news: &News, used: u32) {
        self.window = self.first_flight.end(self.window, used);
        if !self.round.is_starved && used.saturating_mul(2) >= self.window {
            let more = start::growth(news.acknowledged, self.round_trips.least());
            self.window = self.window.saturating_add(more).min(self.most);
        }
    }

    /// Whether datagrams came slower than they were sent: the slowest link of the path has spread them, at its rate.
    fn is_spread(&self, now: Instant, round_trip: u32) -> bool {
        let (came, spread) = self.round.spread(now, round_trip);
        let path = self.round_trips.least();
        let least = match self.round.in_train() {
            _ if path < LOCAL => return false,
            TRAIN.. => came / 8,
            AHEAD_TELLS.. if self.first_flight.is_long(path) => came / 4 * 3,
            _ => return false,
        };
        // By less every burst of ours is spread.
        spread > least.max(MARGIN_LEAST.into())
    }

    fn end_round(&mut self, now: Instant) {
        let seen = self.look(now);
        // What is heard of in the first round of a phase was sent in the one before.
        let is_own = self.rounds > 1;
        let is_calm = self.rounds == CALM_ROUNDS.wrapping_add(1) || (is_own && seen.all < MANY);
        if self.phase == Phase::Cruise && is_calm && !self.cross_traffic.is_there() && !seen.is_queued {
            self.learn_noise();
        }
        if seen.is_much && is_own && self.phase != Phase::Start && !self.loses_as_ever(&seen) {
            // The path carries far less than it did.
            self.forget_rates(seen.rate);
            self.cross_traffic.forget();
            self.enter(Phase::Drain);
        } else if self.cross_traffic.is_there() {
            self.share(seen.is_queued);
        } else if self.phase != Phase::Cruise || !self.meets_others(&seen, is_own) {
            self.go_on(&seen);
        }
        if is_own || self.phase == Phase::Start {
            self.heavy = if seen.is_much { seen.loss } else { 0 };
        }
        let is_shared = seen.is_queued && !self.round.is_starved;
        self.queued = if is_shared { self.queued.max(seen.rate).max(1) } else { 0 };
    }

    /// What was lost of what was sent slowly was not lost to a queue. Where a round has few, several tell.
    fn learn_noise(&mut self) {
        let [delivered, lost] = &mut self.calm;
        *delivered = delivered.saturating_add(self.round.delivered);
        *lost = lost.saturating_add(self.round.lost);
        if delivered.saturating_add(*lost) >= MANY {
            let loss = round::loss(*delivered, *lost);
            let change = loss.cast_signed().wrapping_sub(self.noise.cast_signed()) / 2;
            self.noise = self.noise.saturating_add_signed(change).min(NOISE_MAX);
            self.calm = [0; 2];
        }
    }

    /// Whether much is lost that has nothing to do with how fast it is sent: less of it was, and as much was lost.
    fn loses_as_ever(&mut self, seen: &Seen) -> bool {
        let is_noise = self.heavy > 0 && !seen.is_queued && seen.loss.abs_diff(self.heavy) < ALIKE;
        if is_noise {
            self.noise = seen.loss.min(NOISE_MAX);
        }
        is_noise
    }

    /// What the round has shown.
    fn look(&mut self, now: Instant) -> Seen {
        let (loss, all) = (self.round.loss(), self.round.delivered.saturating_add(self.round.lost));
        let rate = self.round.rate(now, self.datagram);
        let queued = self.round_trips.least().saturating_add(self.round_trips.margin());
        let is_queued = self.round.round_trip != u32::MAX && self.round.round_trip > queued;
        self.base = self.round.round_trip;
        if !self.round.is_starved || rate > self.rate() {
            self.note_rate(rate);
        }
        self.rounds = self.rounds.saturating_add(1);
        Seen {
            rate,
            all,
            loss,
            is_queued,
            is_full: is_queued && all >= MANY && loss > self.noise.saturating_add(OVERFLOW),
            is_much: all >= MANY && loss > self.noise.saturating_mul(2).saturating_add(HEAVY),
        }
    }

    /// A round of cruising is over: whether the queue is somebody else's, or is let go to see whether it is.
    fn meets_others(&mut self, seen: &Seen, is_own: bool) -> bool {
        if self.rounds > 2 && self.cross_traffic.watch(seen.is_queued) {
            self.enter(Phase::Drain);
            return true;
        }
        // What is sent no faster than it arrived makes no queue overflow alone.
        let is_pressed = seen.is_full && is_own && !self.has_probed;
        if !is_pressed && !self.cross_traffic.is_there() {
            return false;
        }
        self.cross_traffic.meet();
        self.probing.high = self.less().max(self.holds());
        self.enter(Phase::Cruise);
        true
    }

    /// What comes after a round alone.
    fn go_on(&mut self, seen: &Seen) {
        if seen.is_full {
            self.probing.overflowed(self.round.peak, WINDOW_LEAST);
        }
        match self.phase {
            Phase::Start if seen.is_much && !seen.is_queued && self.heavy == 0 => {
                // A gap, not a queue: so little arrived that it tells nothing of the rate.
                self.first_flight.goes_on = false;
                self.window = self.round.delivered.clamp(WINDOW_LEAST, self.window.max(WINDOW_LEAST));
            }
            Phase::Start if !self.round.is_starved => {
                if self.rate() > self.grown.saturating_add(self.grown / 4) {
                    self.grown = self.rate();
                    self.full = 0;
                } else {
                    self.full = self.full.saturating_add(1);
                }
                if self.full >= FULL_ROUNDS || seen.is_full || seen.is_much {
                    self.enter(Phase::Drain);
                }
            }
            Phase::Probe => {
                if !seen.is_full {
                    self.probing.held(self.round.peak);
                }
                // What it brings shows a round later.
                self.enter(Phase::Cruise);
                self.has_probed = true;
            }
            Phase::Cruise if self.has_probed => {
                let has_grown = self.rate() > self.probed_from.saturating_add(self.probed_from / 8);
                if !seen.is_full {
                    self.probing.went_well();
                }
                self.enter(if has_grown && !seen.is_queued { Phase::Probe } else { Phase::Drain });
            }
            Phase::Cruise if self.queued > 0 && !seen.is_queued => {
                // What came through while the path was full is our share of it. What was measured before is not, nor is it
                // time for more: who else is there would lose by it, and then come back slowly.
                self.forget_rates(self.queued);
                self.enter(Phase::Cruise);
            }
            Phase::Drain if !seen.is_queued || self.rounds >= self.drains => self.enter(Phase::Cruise),
            // A queue that is there is not our own, or will be let go: to try more would only make it overflow.
            Phase::Cruise if self.probing.is_due(self.rounds) && !self.is_bounded() && !seen.is_queued => {
                self.enter(Phase::Probe);
            }
            _ => {}
        }
    }

    /// A round next to others: the window is what decides, as theirs does. Down to five eighths of what the path carried it
    /// makes room for them as long as there is a queue; a loss takes as much as CUBIC gives.
    fn share(&mut self, is_queued: bool) {
        let is_lossy = self.round.loss() > self.noise.saturating_mul(2);
        self.cross_traffic.stay(is_queued);
        let high = self.probing.high;
        if is_queued && is_lossy && self.rounds > 2 {
            self.probing.high = self.less();
            self.enter(Phase::Cruise);
        } else if is_queued && high > self.fills(self.grown / 8 * 5, self.round.round_trip) {
            self.probing.high = high.saturating_sub(high / CEDES);
        } else if !self.round.is_starved {
            let round_trip = u64::from(self.round.round_trip).min(GROWS_IN);
            let more = u64::from(high).saturating_mul(round_trip) / GROWS_IN;
            self.probing.high = high.saturating_add((more as u32).max(GROWS_BY)).min(self.most);
        }
    }

    /// What is left of the window after a loss (RFC 9438 section 4.6).
    fn less(&self) -> u32 {
        (self.round.peak / 10).saturating_mul(7).max(WINDOW_LEAST)
    }

    fn note_rate(&mut self, rate: u64) {
        self.rates.note(rate);
        if self.phase != Phase::Start {
            self.grown = self.grown.max(self.rate());
        }
    }

    /// From now on only this rate is known.
    fn forget_rates(&mut self, rate: u64) {
        self.rates = Rates::default();
        self.full = 0;
        self.note_rate(rate);
    }

    fn enter(&mut self, phase: Phase) {
        let [from_start, else_] = DRAIN_ROUNDS;
        self.drains = if self.phase == Phase::Start { from_start } else { else_ };
        if self.phase == Phase::Start {
            self.grown = self.rate();
        }
        self.phase = phase;
        self.rounds = 0;
        self.risen = 0;
        self.has_probed = false;
        if phase == Phase::Probe {
            self.probed_from = self.rate();
        }
    }

    /// How many transmissions are under way on the path when it is just full.
    fn holds(&self) -> u32 {
        self.fills(self.rate(), self.round_trips.least())
    }

    /// How many transmissions are under way at that rate, when a round trip takes so long.
    fn fills(&self, rate: u64, round_trip: u32) -> u32 {
        let bytes = rate.saturating_mul(round_trip.into()) / 1_000_000;
        bytes.checked_div(self.datagram).unwrap_or(0).min(self.most.into()) as u32
    }

    /// Whether the largest window is what limits the rate: then there is nothing to look for.
    fn is_bounded(&self) -> bool {
        self.holds() >= self.most.saturating_sub(self.most / 8)
    }

    /// Sets the rate and the window for what is known now.
    fn steer(&mut self) {
        let round_trip = self.round_trips.least();
        if self.phase == Phase::Start {
            self.pace = match round_trip {
                u32::MAX => 0,
                _ => self.first_flight.pace(self.window, self.datagram, round_trip),
            };
        } else {
            let [calm, cruise] = CRUISE;
            let gain = match self.phase {
                _ if round_trip < LOCAL => 512,
                Phase::Cruise if self.is_bounded() || self.cross_traffic.is_there() => 320,
                Phase::Probe => 320,
                Phase::Drain => 192,
                Phase::Cruise if self.queued > 0 => YIELDS,
                _ if self.rounds < CALM_ROUNDS => calm,
                _ => cruise,
            };
            let rate = self.rate().saturating_add(self.rate().saturating_mul(self.noise.into()) / 1_024);
            self.pace = (rate.saturating_mul(gain) / WHOLE).max(self.datagram.saturating_mul(4));
            let holds = self.holds();
            let window = holds.saturating_mul(2).saturating_add(BATCHES);
            // Alone, no less than keeps the path full while the hosts hold back a batch: what is sent is paced.
            let least = if self.cross_traffic.is_there() { 0 } else { holds.saturating_add(BATCHES / 2) };
            self.window = window.min(self.probing.high.max(least)).max(WINDOW_LEAST).min(self.most);
        }
        let slack = if round_trip == u32::MAX { 0 } else { round_trip };
        self.pacer.set(self.pace, self.datagram, slack);
    }
}
