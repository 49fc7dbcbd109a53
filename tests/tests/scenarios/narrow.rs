//! A path that carries less in the middle of a transfer than when it began, and nobody says so.

use skep_core::{Instant, rdt::control::Congestion, wire::seal::Purpose};
use skep_tests::{Link, Report, Scenario, Simulated, Way};
use std::time::Duration;

const MIB: usize = 1 << 20;
const WAYS: [Way; 2] = [Way::Download, Way::Upload];

/// 20 ms, 100 Mbit/s, and a queue of 20 ms.
const LINK: Link =
    Link { name: '-', delay: Duration::from_millis(10), loss: 0, rate: 12_500_000, queue: 256_000 };

fn file(way: Way, size: usize, window: u32, is_sealed: bool) -> Scenario {
    let scenario = Scenario::new(way, size);
    if is_sealed { scenario.own(window, 1_405).sealed(Purpose::Member) } else { scenario.own(window, 1_435) }
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(1_000_000 + millis * 1_000)
}

/// Plays a file; at these moments the ways up and down carry that much from then on.
fn play(scenario: &Scenario, network: Simulated, changes: &[(u64, [usize; 2])]) -> Report<Simulated> {
    let mut report: Report<Simulated> = scenario.prepare(network);
    for &(millis, [up, down]) in changes {
        report.world.run_until(at(millis));
        let paths = report.world.network.paths();
        paths.0.carries = up;
        paths.1.carries = down;
    }
    report.world.run();
    report.check();
    report.expect_done()
}

#[test]
fn a_path_that_becomes_narrower_costs_some_time_outs_and_no_more() {
    for is_sealed in [false, true] {
        for way in WAYS {
            for carries in [1_300, 1_200] {
                let scenario = file(way, 8 * MIB, 8_192, is_sealed);
                let undisturbed = play(&scenario, LINK.network(1), &[]).elapsed();
                let report = play(&scenario, LINK.network(1), &[(300, [carries; 2])]);
                assert!(report.sender().statistics.narrow);
                let late = report.elapsed().saturating_sub(undisturbed);
                assert!(late < Duration::from_millis(700), "{way:?} {carries} {is_sealed}: {late:?}");
            }
        }
    }
}

#[test]
fn every_controller_goes_on_as_fast_as_before() {
    for congestion in [Congestion::Model, Congestion::Cubic, Congestion::Reno, Congestion::Constant] {
        for millis in [2, 200] {
            let link = Link { delay: Duration::from_millis(millis) / 2, ..LINK };
            let scenario =
                file(Way::Download, 32 * MIB, 512, false).but(|it| it.server.congestion = congestion);
            let undisturbed = play(&scenario, link.network(1), &[]).elapsed();
            let report = play(&scenario, link.network(1), &[(1_000, [1_300; 2])]);
            assert!(report.sender().statistics.narrow);
            let late = report.elapsed().saturating_sub(undisturbed);
            assert!(late < Duration::from_millis(150 + 10 * millis), "{congestion:?} {millis}: {late:?}");
        }
    }
}

#[test]
fn it_may_lose_a_tenth_of_all_as_well() {
    for is_sealed in [false, true] {
        for way in WAYS {
            for seed in 0..5 {
                let link = Link { loss: 100, ..LINK };
                let scenario = file(way, 4 * MIB, 8_192, is_sealed);
                let report = play(&scenario, link.network(seed), &[(200, [1_300; 2])]);
                assert!(report.sender().statistics.narrow);
                assert!(report.elapsed() < Duration::from_secs(5), "{way:?}: {:?}", report.elapsed());
            }
        }
    }
}

#[test]
fn a_path_that_is_wide_again_is_used_for_what_it_carries() {
    for is_sealed in [false, true] {
        for way in WAYS {
            for loss in [0, 100] {
                let link = Link { loss, ..LINK };
                let scenario = file(way, 16 * MIB, 8_192, is_sealed);
                let changes = [(200, [1_300; 2]), (600, [0; 2])];
                let report = play(&scenario, link.network(3), &changes);
                assert!(!report.sender().statistics.narrow);
            }
        }
    }
}

#[test]
fn only_the_direction_that_is_narrower_goes_in_parts() {
    for way in WAYS {
        for (carries, is_way_of_content) in
            [([1_300, 0], way == Way::Upload), ([0, 1_300], way == Way::Download)]
        {
            let report = play(&file(way, 4 * MIB, 8_192, false), LINK.network(1), &[(100, carries)]);
            assert_eq!(report.sender().statistics.narrow, is_way_of_content);
        }
    }
}

#[test]
fn small_windows_go_on_too() {
    for way in WAYS {
        for window in [1, 2, 3, 4, 16, 64] {
            for loss in [0, 50] {
                let link = Link { loss, ..LINK };
                let scenario = file(way, 200_000, window, false).but(|it| {
                    it.server.tries = 60;
                    it.client.tries = 60;
                });
                let report = play(&scenario, link.network(1), &[(60, [1_250; 2])]);
                assert!(report.sender().statistics.narrow, "{way:?} {window} {loss}");
            }
        }
    }
}

#[test]
fn a_network_that_loses_much_does_not_look_narrow_for_long() {
    let mut narrow = 0;
    for seed in 0..20 {
        let network = Simulated::new(seed).both(|path| path.loss = 300);
        let scenario = file(Way::Download, 300_000, 4, false).but(|it| it.server.tries = 100);
        narrow += u32::from(play(&scenario, network, &[]).sender().statistics.narrow);
    }
    assert!(narrow <= 10, "{narrow} of 20 ended in parts");
}
