//! How fast content moves, in virtual time: a matter of the algorithm, not of the machine that runs the test.

use skep_tests::{Link, PlainRdt, Random, Scenario, SealedRdt, Simulated, Way, Wiring};
use std::time::Duration;

const SEGMENT: u16 = 1_000;
const SEGMENTS: u64 = 200;
const ROUND_TRIP: f64 = 0.020;

fn file(way: Way, segments: u64) -> Scenario {
    Scenario::new(way, segments as usize * usize::from(SEGMENT))
}

/// How long it takes until the client knows that all is done.
type Play = fn(&Scenario, Simulated) -> Duration;

fn hosts(scenario: &Scenario, network: Simulated) -> Duration {
    scenario.run(network).expect_done().elapsed()
}

/// On a cable two round trips go by before each knows where the other is: they are not counted.
fn boards<W: Wiring>(scenario: &Scenario, cable: Simulated) -> Duration {
    let elapsed = scenario.run_on_cable::<W, true>(cable).expect_done().elapsed();
    elapsed.saturating_sub(Duration::from_secs_f64(2.0 * ROUND_TRIP))
}

/// Bytes per second.
fn goodput(play: Play, scenario: &Scenario, network: Simulated) -> f64 {
    scenario.content.len() as f64 / play(scenario, network).as_secs_f64()
}

fn stop_and_wait(play: Play, language: impl Fn(Scenario) -> Scenario) {
    for way in [Way::Download, Way::Upload] {
        let reached = goodput(play, &language(file(way, SEGMENTS)), Simulated::new(1));
        let ideal = f64::from(SEGMENT) / ROUND_TRIP;
        assert!(reached >= 0.98 * ideal, "{way:?}: {reached} of {ideal} bytes/s");
    }
}

#[test]
fn stop_and_wait_sends_a_segment_each_round_trip() {
    for play in [hosts as Play, boards::<PlainRdt>, boards::<PlainRdt<1, 1>>] {
        stop_and_wait(play, |scenario| scenario.own(1, SEGMENT));
        stop_and_wait(play, |scenario| scenario.known(1, SEGMENT));
    }
    stop_and_wait(boards::<SealedRdt>, |scenario| scenario.own(1, SEGMENT));
}

fn windows(play: Play, windows: &[u32]) {
    for way in [Way::Download, Way::Upload] {
        for &window in windows {
            let scenario = file(way, SEGMENTS * u64::from(window)).own(window, SEGMENT);
            let reached = goodput(play, &scenario, Simulated::new(1));
            let ideal = f64::from(window) * f64::from(SEGMENT) / ROUND_TRIP;
            assert!(reached >= 0.97 * ideal, "{way:?} {window}: {reached} of {ideal} bytes/s");
        }
    }
}

#[test]
fn a_window_sends_as_many_segments_each_round_trip() {
    windows(hosts, &[8, 64]);
    windows(boards::<PlainRdt>, &[8, 64]);
    windows(boards::<PlainRdt<1, 4>>, &[2, 4]);
    windows(boards::<SealedRdt>, &[4, 64]);
}

/// What stop-and-wait can reach when each datagram is lost with `loss`: a round is lost with q, and costs a time-out.
fn ideal_with_loss(loss: f64, timeout: f64) -> f64 {
    let lost = 1.0 - (1.0 - loss) * (1.0 - loss);
    f64::from(SEGMENT) / (ROUND_TRIP + lost / (1.0 - lost) * timeout)
}

fn loss_costs_what_it_must(play: Play, language: impl Fn(Scenario) -> Scenario) {
    // With round trips that are all alike the time-out comes down to the round trip and the granularity.
    let timeout = ROUND_TRIP + 0.001;
    for (per_mille, loss) in [(10, 0.01), (100, 0.10)] {
        let scenario = language(file(Way::Download, 2_000));
        let network = |seed| Simulated::new(seed).both(|path| path.loss = per_mille);
        let reached: f64 = (0..10).map(|seed| goodput(play, &scenario, network(seed))).sum::<f64>() / 10.0;
        let ideal = ideal_with_loss(loss, timeout);
        assert!(reached >= 0.96 * ideal, "{loss}: {reached} of {ideal} bytes/s");
    }
}

#[test]
fn stop_and_wait_loses_no_more_to_loss_than_it_must() {
    for play in [hosts as Play, boards::<PlainRdt>, boards::<PlainRdt<1, 1>>] {
        loss_costs_what_it_must(play, |scenario| scenario.own(1, SEGMENT));
        loss_costs_what_it_must(play, |scenario| scenario.known(1, SEGMENT));
    }
    loss_costs_what_it_must(boards::<SealedRdt>, |scenario| scenario.own(1, SEGMENT));
}

#[test]
fn a_wide_window_keeps_most_of_its_rate_under_loss() {
    let scenario = file(Way::Download, 20_000).own(1_024, SEGMENT);
    let full = 5e6;
    for (loss, least) in [(1, 0.9), (10, 0.8), (50, 0.5)] {
        let network = |seed| {
            Simulated::new(seed).both(|path| {
                path.loss = loss;
                path.rate = full as u64;
            })
        };
        let reached = (0..5).map(|seed| goodput(hosts, &scenario, network(seed))).sum::<f64>() / 5.0;
        assert!(reached > least * full, "{loss} in a thousand lost: {reached} of {full} bytes/s");
    }
}

#[test]
fn a_narrow_link_is_filled_and_not_flooded() {
    for (rate, seconds) in [(100_000, 20), (1_000_000, 20), (10_000_000, 4)] {
        let scenario = file(Way::Download, rate / u64::from(SEGMENT) * seconds).own(1_024, SEGMENT);
        let network = Simulated::new(1).both(|path| path.rate = rate);
        let report = scenario.run(network).expect_done();
        let reached = scenario.content.len() as f64 / report.elapsed().as_secs_f64();
        let counters = report.sender().statistics.counters;
        assert!(reached > 0.8 * rate as f64, "{reached} of {rate} bytes/s, {counters:?}");
        // The first flight may be more than a slow link takes. After it the queue overflows seldom.
        let first = u64::from(scenario.server.first_flight);
        assert!(counters.resent < first + counters.sent / 40, "{rate}: {counters:?}");
    }
}

#[test]
fn reordering_is_learnt_and_costs_few_repeats() {
    let mut random = Random::new(7);
    for _ in 0..5 {
        let network = Simulated::new(random.next()).both(|path| path.jitter = Duration::from_millis(5));
        let report = file(Way::Download, 10_000).own(64, SEGMENT).run(network).expect_done();
        let counters = report.sender().statistics.counters;
        assert!(counters.resent * 20 < counters.sent, "{counters:?}");
    }
}

#[test]
fn what_is_sent_again_is_what_was_lost_within_a_hundredth_and_two_at_the_end() {
    for link in [Link::B, Link::C, Link::D, Link::E, Link::F] {
        let report = Scenario::new(Way::Download, 64 << 20).stubborn().run(link.network(1)).expect_done();
        let sender = report.sender().statistics.counters;
        let receiver = report.receiver().statistics.counters;
        let came = receiver.received + receiver.duplicates + receiver.beyond_window + receiver.early;
        let lost = sender.sent - came;
        assert!(sender.resent <= lost + lost / 100 + 2, "{}: {lost} lost, {sender:?}", link.name);
    }
}
