//! Every way to lose some of the first datagrams, one after the other: nothing is left to chance.

use skep_core::Span;
use skep_tests::{Random, Scenario, Simulated, Way};
use std::time::Duration;

/// Plays every pattern of the first `length` datagrams; what was lost comes again, and the file arrives.
fn every_pattern(length: u32, scenario: impl Fn(Way) -> Scenario) {
    for way in [Way::Download, Way::Upload] {
        let scenario = scenario(way);
        for pattern in 0..1_u64 << length {
            scenario.run(Simulated::new(pattern).pattern(pattern)).expect_done();
        }
    }
}

/// Six segments, the last one short.
fn small(way: Way) -> Scenario {
    Scenario::new(way, 5 * 64 + 1)
}

/// A pattern may eat every call of eight, or all that follows a call for longer than a server believes in it.
fn patient(mut scenario: Scenario) -> Scenario {
    scenario.client.calls = 20;
    scenario.rules.request_timeout = Duration::from_secs(60);
    scenario.server.half_open = Span::from_secs(60);
    scenario.server.idle = Span::from_secs(60);
    scenario.client.idle = Span::from_secs(60);
    scenario
}

#[test]
fn every_pattern_of_loss_is_repaired_by_stop_and_wait() {
    every_pattern(14, |way| patient(small(way).own(1, 64)));
}

#[test]
fn every_pattern_of_loss_is_repaired_in_a_window_of_two() {
    every_pattern(14, |way| patient(small(way).own(2, 64)));
}

#[test]
fn every_pattern_of_loss_is_repaired_in_a_window_of_four() {
    every_pattern(14, |way| patient(small(way).own(4, 64)));
}

#[test]
fn every_pattern_of_loss_is_repaired_in_the_known_peers_stop_and_wait() {
    every_pattern(14, |way| patient(small(way).known(1, 64)));
}

#[test]
fn every_pattern_of_loss_is_repaired_in_the_known_peers_selective_repeat() {
    every_pattern(14, |way| patient(small(way).known(4, 64)));
    every_pattern(14, |way| patient(small(way).known(4, 64)).but(|it| it.habits.keeps_early = true));
}

#[test]
fn every_pattern_of_loss_is_repaired_when_the_language_is_found_out() {
    every_pattern(14, |way| patient(small(way).own(4, 64)).but(|it| it.language = Default::default()));
}

/// The same, with the pattern laid over the later part of a transfer, where it ends.
#[test]
fn every_pattern_of_loss_at_the_end_is_repaired() {
    for way in [Way::Download, Way::Upload] {
        for scenario in [small(way).own(1, 64), small(way).own(4, 64), small(way).known(1, 64)] {
            let all = scenario.run(Simulated::new(0)).world.network.count();
            for pattern in 0..1_u64 << 13 {
                let shift = all.saturating_sub(13);
                let report = scenario.run(Simulated::new(pattern).pattern(pattern << shift)).expect_done();
                assert!(report.elapsed() < Duration::from_secs(60));
            }
        }
    }
}

#[test]
fn a_pattern_is_a_pattern() {
    let mut random = Random::new(1);
    let pattern = random.next();
    let run = || {
        small(Way::Download).own(4, 64).run(Simulated::new(1).pattern(pattern & 0xffff)).world.network.hash()
    };
    assert_eq!(run(), run());
}
