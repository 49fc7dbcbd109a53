//! What goes out behind the call: requests always, content when the rate of the path or its round-trip time is known; and
//! what comes back before the caller's address is proven.

use skep_core::{
    rdt::{Language, Settings},
    wire::rdt::Pass,
};
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

fn download(size: usize) -> Scenario {
    Scenario::new(Way::Download, size).own(1_024, 1_000)
}

/// What a client has after a first visit.
fn pass(scenario: &Scenario) -> Pass {
    let report = scenario.run(Simulated::new(1)).expect_done();
    report.client().last_past().pass
}

#[test]
fn the_first_visit_takes_a_small_file_in_one_round_trip_and_a_large_one_in_two() {
    let small = download(900).run(Simulated::new(1)).expect_done();
    assert_eq!(small.elapsed(), Duration::from_millis(20));
    let large = download(SIZE).run(Simulated::new(1)).expect_done();
    let elapsed = large.elapsed().as_millis();
    assert!((40..60).contains(&elapsed), "{elapsed}");
}

#[test]
fn the_first_visit_takes_a_large_file_in_one_where_addresses_are_trusted_and_the_rate_is_told() {
    let told = download(SIZE).but(|it| it.server.rate = RATE);
    for (trusts, round_trips) in [(true, 30..40), (false, 40..60)] {
        let scenario = told.clone().but(|it| it.server.trusts_addresses = trusts);
        let report = scenario.run(Simulated::new(1)).expect_spotless();
        let elapsed = report.elapsed().as_millis();
        assert!(round_trips.contains(&elapsed), "{trusts}: {elapsed}");
    }
}

#[test]
fn a_later_visit_takes_a_large_file_in_one_round_trip() {
    let scenario = download(SIZE);
    let pass = pass(&scenario);
    assert!(pass.token != 0 && (20_000..21_000).contains(&pass.round_trip), "{pass:?}");
    let report = scenario.but(|it| it.pass = pass).run(Simulated::new(1)).expect_spotless();
    let elapsed = report.elapsed().as_millis();
    assert!((20..40).contains(&elapsed), "{elapsed}");
    assert_eq!(report.client().last_past().pass.token, pass.token);
}

#[test]
fn an_upload_to_a_server_visited_before_goes_with_the_call() {
    let first = upload(|it| it.client.rate = 0);
    let pass = pass(&first);
    let report = first.but(|it| it.pass = pass).run(Simulated::new(1)).expect_done();
    assert!(report.elapsed() < Duration::from_millis(40), "{:?}", report.elapsed());
}

#[test]
fn a_token_of_another_address_or_time_is_a_first_visit() {
    let scenario = download(SIZE);
    let good = pass(&scenario);
    for pass in [Pass { token: good.token ^ 1, ..good }, Pass { token: 0, ..good }] {
        let report = scenario.clone().but(|it| it.pass = pass).run(Simulated::new(1)).expect_done();
        assert!(report.elapsed() >= Duration::from_millis(40), "{:?}", report.elapsed());
        assert_eq!(report.client().last_past().pass.token, good.token, "it is given anew");
    }
}

#[test]
fn what_is_expected_of_the_round_trip_may_be_wrong_by_far() {
    let scenario = Scenario::new(Way::Download, 10_000_000);
    let good = pass(&scenario);
    let network = || {
        Simulated::new(1).down(|path| {
            path.rate = 12_500_000;
            path.queue = 256_000;
        })
    };
    let right = scenario.clone().but(|it| it.pass = good).run(network()).expect_done().elapsed();
    for round_trip in [0, 1, 200, 5_000, 200_000, u32::MAX] {
        let pass = Pass { round_trip, ..good };
        let report = scenario.clone().but(|it| it.pass = pass).run(network()).expect_done();
        let most = right * 5 / 4 + Duration::from_secs(u64::from(round_trip > 100_000));
        assert!(report.elapsed() < most, "{round_trip}: {:?} and {right:?}", report.elapsed());
    }
}

#[test]
fn every_pattern_of_loss_at_the_opening_of_a_download_is_repaired() {
    let first = Scenario::new(Way::Download, 5_000).own(1_024, 1_000);
    let pass = pass(&first);
    for scenario in [first.clone(), first.but(|it| it.pass = pass)] {
        for pattern in 0..1 << 12 {
            scenario.run(Simulated::new(pattern).pattern(pattern)).expect_done();
        }
    }
}

#[test]
fn a_request_needs_no_second_connection_where_segments_are_shorter_than_asked_for() {
    let scenario = download(SIZE);
    let pass = pass(&scenario);
    let scenario = scenario.but(|it| it.server.terms.segment = 400);
    for (pass, round_trips) in [(Pass::NONE, 40..60), (pass, 20..40)] {
        let report = scenario.clone().but(|it| it.pass = pass).run(Simulated::new(1)).expect_done();
        let elapsed = report.elapsed().as_millis();
        assert!(round_trips.contains(&elapsed), "{elapsed}");
        assert_eq!(report.server().past.len(), 1);
    }
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
