//! Ten thousand networks, each as bad as its seed makes it.

use skep_core::{Span, rdt::Language};
use skep_tests::{Network, Random, Report, Scenario, Simulated, Way};
use std::time::Duration;

/// How many seeds are played, unless the environment says otherwise: `SKEP_SEEDS=1000000 cargo test -p skep-tests`.
const SEEDS: u64 = 10_000;

fn seeds() -> u64 {
    std::env::var("SKEP_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

/// A scenario and a network that follow from a seed alone.
fn made_of(seed: u64) -> (Scenario, Simulated) {
    let mut random = Random::new(seed);
    let way = random.one_of(&[Way::Download, Way::Upload]);
    let segment = random.one_of(&[16, 64, 100, 512, 1_400]);
    let segments = random.one_of(&[0, 1, 2, 5, 20, 60]);
    let size = (segments * u64::from(segment) + random.below(3)).saturating_sub(1) as usize;
    let window = random.one_of(&[1, 2, 3, 4, 8, 64, 1_024]);
    let scenario = Scenario::new(way, size);
    let scenario = match random.below(4) {
        0 => scenario.known(window, segment),
        1 => scenario.own(window, segment).but(|it| it.language = Language::Any),
        _ => scenario.own(window, segment),
    };
    let scenario = scenario.stubborn().but(|it| {
        it.seed = seed;
        it.habits.feeds = random.one_of(&[1, 1, 3, 64]);
        it.habits.keeps_early = random.happens(500);
        it.is_impatient = random.happens(125);
        it.server.batch = random.one_of(&[1, 4, 64]);
        it.server.known_window = random.one_of(&[window, 1]);
        it.client.known_window = it.server.known_window;
        it.server.terms.window = random.one_of(&[window, 1, 16]);
        it.server.half_open = Span::from_secs(60);
    });
    let network = Simulated::new(seed).made_bad(&mut random, 300, 500, 20);
    (scenario, network)
}

fn play(seed: u64) -> Report<Simulated> {
    let (scenario, network) = made_of(seed);
    scenario.run(network).expect_done()
}

fn play_all(seeds: std::ops::Range<u64>) {
    let (mut sent, mut resent) = (0, 0);
    for seed in seeds {
        let counters = play(seed).sender().statistics.counters;
        sent += counters.sent;
        resent += counters.resent;
    }
    assert!(resent > sent / 10 && resent < sent / 2, "of {sent} segments {resent} were sent again");
}

#[test]
fn ten_thousand_bad_networks_deliver_every_file_first_half() {
    play_all(0..seeds() / 2);
}

#[test]
fn ten_thousand_bad_networks_deliver_every_file_second_half() {
    play_all(seeds() / 2..seeds());
}

/// Wide windows, in memories that grow while much is under way.
#[test]
fn bad_networks_deliver_big_files() {
    for seed in 0..seeds() / 250 {
        let mut random = Random::new(seed);
        let way = random.one_of(&[Way::Download, Way::Upload]);
        let window = random.one_of(&[100, 256, 1_024, 5_000]);
        let scenario = Scenario::new(way, 500_000 + random.below(100) as usize).own(window, 200);
        let scenario = scenario.but(|it| {
            it.habits.feeds = random.one_of(&[1, 16, 64]);
            it.client.calls = 60;
        });
        let rate = random.one_of(&[0, 200_000, 5_000_000]);
        let loss = random.below(150) as u32;
        let is_rough = random.happens(500);
        let network = Simulated::new(seed).both(|path| {
            path.rate = rate;
            path.loss = loss;
            if is_rough {
                path.jitter = Duration::from_millis(20);
                path.duplication = 50;
                path.reordering = 50;
            }
        });
        scenario.run(network).expect_done();
    }
}

#[test]
fn a_seed_plays_the_same_twice() {
    for seed in 0..100 {
        let (one, other) = (play(seed), play(seed));
        assert_eq!(one.world.network.hash(), other.world.network.hash(), "{seed}");
        assert_eq!(one.world.network.now(), other.world.network.now());
    }
}

#[test]
fn other_seeds_play_otherwise() {
    assert_ne!(play(1).world.network.hash(), play(2).world.network.hash());
}
