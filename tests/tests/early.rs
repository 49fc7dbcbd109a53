//! Content behind the call: what a client that knows the rate of the path sends before the call is answered.

use skep_core::rdt::{Language, Settings};
use skep_tests::{Scenario, Simulated, Way, own_settings};
use std::time::Duration;

const SIZE: usize = 100_000;
const RATE: u64 = 10_000_000;

fn upload(change: impl FnOnce(&mut Scenario)) -> Scenario {
    Scenario::new(Way::Upload, SIZE).own(1_024, 1_000).but(|it| it.client.rate = RATE).but(change)
}

#[test]
fn an_upload_takes_one_round_trip_less() {
    let early = upload(|_| ()).run(Simulated::new(1)).expect_done();
    let late = upload(|it| it.client.rate = 0).run(Simulated::new(1)).expect_done();
    let file = Duration::from_millis(10);
    assert!(early.elapsed() < Duration::from_millis(20) + file * 11 / 10, "{:?}", early.elapsed());
    assert!(late.elapsed() >= Duration::from_millis(40), "{:?}", late.elapsed());
}

#[test]
fn a_download_waits_for_the_answer_as_content_should_go_to_nobody_who_did_not_ask() {
    let scenario = Scenario::new(Way::Download, SIZE).own(1_024, 1_000).but(|it| it.client.rate = RATE);
    let report = scenario.run(Simulated::new(1)).expect_done();
    assert!(report.elapsed() > Duration::from_millis(40), "{:?}", report.elapsed());
}

#[test]
fn what_was_said_behind_a_call_that_is_lost_is_said_again() {
    for lost in [1_u64, 0b11, 0b1000, u64::MAX >> 34] {
        for seed in 0..20 {
            upload(|_| ()).run(Simulated::new(seed).pattern(lost)).expect_done();
        }
    }
    for seed in 0..200 {
        let network = Simulated::new(seed).both(|path| path.loss = 200);
        upload(|_| ()).run(network).expect_done();
    }
}

#[test]
fn a_server_of_shorter_segments_gets_the_file_behind_its_answer() {
    for segment in [100, 400, 999] {
        for loss in [0, 50] {
            for seed in 0..20 {
                let scenario = upload(|it| it.server.terms.segment = segment);
                let network = Simulated::new(seed).both(|path| path.loss = loss);
                let report = scenario.run(network).expect_done();
                assert_eq!(report.sender().statistics.segment, segment);
            }
        }
    }
}

#[test]
fn a_server_with_a_small_window_gets_the_file() {
    for window in [1, 4, 64] {
        let scenario = upload(|it| it.server.terms.window = window);
        scenario.run(Simulated::new(1)).expect_done();
    }
}

#[test]
fn a_path_that_does_not_carry_the_size_hoped_for_gets_the_file() {
    let settings = Settings { rate: RATE, ..own_settings(1_024, 1_435) };
    let scenario = Scenario::new(Way::Upload, SIZE).own(1_024, 1_435).but(|it| it.client = settings);
    let report = scenario.run(Simulated::new(1).both(|path| path.carries = 1_300)).expect_done();
    assert_eq!(report.sender().statistics.segment, 1_183);
}

#[test]
fn a_known_server_gets_the_file_in_its_own_language() {
    let scenario = upload(|it| it.language = Language::Any);
    // One that drops everything else, as a known peer does.
    let network = Simulated::new(1).sieve(|datagram| datagram.starts_with(b"SKEP"));
    let report = scenario.run(network).expect_done();
    assert!(!report.sender().statistics.own);
}

#[test]
fn who_does_not_answer_is_unreachable() {
    let report = upload(|_| ()).run(Simulated::new(1).sieve(|_| true));
    assert!(report.stored().is_none());
}
