//! Peers that die, and paths that are cut.

use skep_core::{
    Instant,
    rdt::{Error, Language},
};
use skep_tests::{Host, Report, Scenario, Simulated, Way};
use std::time::Duration;

/// The idle time, and what comes on top of it: the last time-outs, and the datagrams under way.
const NOTICED: Duration = Duration::from_secs(30 + 5);

fn scenarios(size: usize) -> impl Iterator<Item = Scenario> {
    [Way::Download, Way::Upload].into_iter().flat_map(move |way| {
        let scenario = || Scenario::new(way, size);
        [scenario().own(1, 100), scenario().own(64, 100), scenario().known(1, 100), scenario().known(8, 100)]
    })
}

fn half_way(scenario: &Scenario) -> (Report<Simulated>, Instant) {
    let all = scenario.run(Simulated::new(1)).world.network.count();
    let mut report = scenario.prepare::<_, Host, Host>(Simulated::new(1));
    report.world.run_to(|world| world.network.count() >= all / 2);
    let now = report.world.now();
    (report, now)
}

#[test]
fn a_dead_server_is_noticed_within_the_idle_time() {
    for scenario in scenarios(10_000) {
        let (mut report, died) = half_way(&scenario);
        report.server_mut().kill();
        let client = report.handles().1;
        report.world.run_to(|world| world.get(client).has_left());
        let past = report.client().last_past();
        assert!(past.at.since(died) < NOTICED, "{past:?}");
        assert!(matches!(past.outcome, Err(Error::Silent { .. } | Error::TimedOut { .. })), "{past:?}");
        assert_eq!(report.client().storage.in_use(), 0);
    }
}

#[test]
fn a_dead_client_is_noticed_within_the_idle_time() {
    for scenario in scenarios(10_000) {
        let (mut report, died) = half_way(&scenario);
        report.client_mut().kill();
        let server = report.handles().0;
        report.world.run_to(|world| world.get(server).endpoint.count() == 0);
        let past = report.server().last_past();
        assert!(past.at.since(died) < NOTICED, "{past:?}");
        assert_eq!((report.server().service.transfers(), report.server().storage.in_use()), (0, 0));
        assert_eq!(report.server().storage.files.len(), usize::from(scenario.way == Way::Download));
    }
}

#[test]
fn a_cut_in_either_direction_is_survived() {
    for scenario in scenarios(30_000) {
        let (_, middle) = half_way(&scenario);
        for seconds in [1, 5, 15] {
            let cut = middle..middle + Duration::from_secs(seconds);
            for is_up in [true, false] {
                let network = Simulated::new(1);
                let network = if is_up {
                    network.up(|path| path.cuts.push(cut.clone()))
                } else {
                    network.down(|path| path.cuts.push(cut.clone()))
                };
                let report = scenario.run(network).expect_done();
                assert!(report.elapsed() < Duration::from_secs(seconds * 2 + 10), "{:?}", report.elapsed());
            }
        }
    }
}

#[test]
fn a_cut_that_does_not_end_ends_both_sides() {
    for scenario in scenarios(10_000) {
        let (_, middle) = half_way(&scenario);
        for is_up in [true, false] {
            let cut = middle..Instant::FAR;
            let network = Simulated::new(1);
            let network = if is_up {
                network.up(|path| path.cuts.push(cut))
            } else {
                network.down(|path| path.cuts.push(cut))
            };
            let report = scenario.run(network);
            for past in [report.client().last_past(), report.server().last_past()] {
                assert!(past.outcome.is_err(), "{past:?}");
                assert!(past.at.since(middle) < 2 * NOTICED, "{past:?}");
            }
        }
    }
}

#[test]
fn who_calls_nobody_is_told_so() {
    for language in [Language::Any, Language::Own, Language::Known] {
        let scenario = Scenario::new(Way::Download, 1).but(|it| it.language = language);
        let mut report = scenario.prepare::<_, Host, Host>(Simulated::new(1).up(|path| path.loss = 1_000));
        report.world.run();
        let past = report.client().last_past();
        assert_eq!(past.outcome, Err(Error::Unreachable));
        assert!(past.at.as_micros() < 1_000_000 + 10_000_000, "{past:?}");
    }
}

#[test]
fn a_call_that_nothing_follows_is_forgotten() {
    for language in [Language::Any, Language::Own, Language::Known] {
        let scenario = Scenario::new(Way::Download, 1).but(|it| it.language = language);
        // The server's answers are lost, so the client never says more than its calls.
        let mut report = scenario.prepare::<_, Host, Host>(Simulated::new(1).down(|path| path.loss = 1_000));
        report.world.run();
        assert_eq!(report.client().last_past().outcome, Err(Error::Unreachable));
        assert!(report.server().past.iter().all(|past| past.outcome.is_err()));
        assert_eq!(report.server().endpoint.count(), 0);
    }
}
