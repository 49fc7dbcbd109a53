//! Files of every size go both ways, in both languages, on every network.

use skep_core::Span;

use skep_tests::{Loopback, Network, Scenario, Simulated, Way};

const SEGMENT: u16 = 1_000;
const SIZES: [usize; 9] = [0, 1, 2, 999, 1_000, 1_001, 2_000, 12_345, 100_000];
const WAYS: [Way; 2] = [Way::Download, Way::Upload];

fn every_size<N: Network>(network: impl Fn() -> N, language: impl Fn(Scenario) -> Scenario) {
    for way in WAYS {
        for size in SIZES {
            let scenario = language(Scenario::new(way, size));
            scenario.run(network()).expect_done();
        }
    }
}

fn every_size_spotless(language: impl Fn(Scenario) -> Scenario) {
    for way in WAYS {
        for size in SIZES {
            let scenario = language(Scenario::new(way, size));
            scenario.run(Simulated::new(1)).expect_done().expect_spotless();
        }
    }
}

#[test]
fn every_size_arrives_by_stop_and_wait() {
    every_size_spotless(|scenario| scenario.own(1, SEGMENT));
    every_size(Loopback::new, |scenario| scenario.own(1, SEGMENT));
}

#[test]
fn every_size_arrives_by_windows() {
    for window in [2, 4, 32, 1_024] {
        every_size_spotless(|scenario| scenario.own(window, SEGMENT));
    }
    every_size(Loopback::new, |scenario| scenario.own(64, SEGMENT));
}

#[test]
fn every_size_arrives_in_the_known_peers_language() {
    every_size_spotless(|scenario| scenario.known(1, SEGMENT));
    every_size_spotless(|scenario| scenario.known(8, SEGMENT).but(|it| it.habits.keeps_early = true));
    every_size(Loopback::new, |scenario| {
        scenario.known(1, SEGMENT).but(|it| {
            // The world waits for both.
            it.client.known_linger = Span::from_millis(20);
            it.server.known_linger = Span::from_millis(20);
        })
    });
}

#[test]
fn several_megabytes_arrive() {
    for way in WAYS {
        let scenario = Scenario::new(way, 5_000_000);
        scenario.run(Simulated::new(1)).expect_done().expect_spotless();
        scenario.run(Loopback::new()).expect_done();
    }
}
