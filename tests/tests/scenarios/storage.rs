//! Storage that fails, fills up or is slow, at every point of a transfer.

use skep_core::{
    files::{Failure, Progress},
    stream::Fault,
    wire::file::Code,
};
use skep_tests::{Report, Scenario, Simulated, Way};
use std::time::Duration;

const SIZE: usize = 1_050;

fn scenarios(way: Way) -> impl Iterator<Item = Scenario> {
    let scenario = move || Scenario::new(way, SIZE);
    [scenario().own(1, 100), scenario().own(4, 100), scenario().known(1, 100), scenario().known(4, 100)]
        .into_iter()
}

/// Without and with loss.
fn networks() -> impl Iterator<Item = Simulated> {
    (0..10).map(|seed| Simulated::new(seed).both(|path| path.loss = if seed == 0 { 0 } else { 150 }))
}

fn nothing_is_left(report: &Report<Simulated>) {
    assert_eq!(report.stored(), None, "a file that is not whole");
    for count in [report.server().storage.in_use(), report.client().storage.in_use()] {
        assert_eq!(count, 0, "files in use");
    }
}

/// The server may be gone before the client has heard why, when its answers are lost.
fn is_refused(end: Progress, code: Code) -> bool {
    end == Progress::Refused(code) || end == Progress::Failed(Failure::Closed)
}

#[test]
fn a_server_that_cannot_write_says_so_at_whatever_byte() {
    for scenario in scenarios(Way::Upload) {
        for write in 1..=11 {
            let scenario = scenario.clone().but(|it| it.server_faults.write = Some(write));
            for network in networks() {
                let report = scenario.run(network);
                nothing_is_left(&report);
                assert!(is_refused(report.end().1, Code::StorageFault), "{write}: {:?}", report.end().1);
            }
            assert_eq!(scenario.run(Simulated::new(1)).end().1, Progress::Refused(Code::StorageFault));
        }
    }
}

#[test]
fn a_server_that_is_full_says_so_at_whatever_byte() {
    for scenario in scenarios(Way::Upload) {
        for room in [0, 1, 99, 100, 101, 500, 1_000, 1_049] {
            let scenario = scenario.clone().but(|it| it.server_faults.room = Some(room));
            for network in networks() {
                let report = scenario.run(network);
                nothing_is_left(&report);
                assert!(is_refused(report.end().1, Code::NoSpace), "{room}: {:?}", report.end().1);
            }
            assert_eq!(scenario.run(Simulated::new(1)).end().1, Progress::Refused(Code::NoSpace));
        }
    }
}

#[test]
fn a_server_that_cannot_create_or_commit_says_so() {
    for scenario in scenarios(Way::Upload) {
        for network in networks() {
            let report = scenario.clone().but(|it| it.server_faults.create = true).run(network);
            nothing_is_left(&report);
            assert!(is_refused(report.end().1, Code::StorageFault));
        }
        for network in networks() {
            let report = scenario.clone().but(|it| it.server_faults.commit = true).run(network);
            nothing_is_left(&report);
            assert!(is_refused(report.end().1, Code::StorageFault));
        }
    }
}

#[test]
fn a_server_that_cannot_read_breaks_off_at_whatever_byte() {
    for scenario in scenarios(Way::Download) {
        for read in 1..=11 {
            let scenario = scenario.clone().but(|it| it.server_faults.read = Some(read));
            for network in networks() {
                let report = scenario.run(network);
                nothing_is_left(&report);
                assert_eq!(report.end().1, Progress::Failed(Failure::Closed), "{read}");
                assert!(report.elapsed() < Duration::from_secs(40), "{:?}", report.elapsed());
            }
        }
    }
}

#[test]
fn a_client_that_cannot_store_fails_and_tells_the_server_at_whatever_byte() {
    for scenario in scenarios(Way::Download) {
        for write in 1..=11 {
            let scenario = scenario.clone().but(|it| it.client_faults.write = Some(write));
            for network in networks() {
                let report = scenario.run(network);
                nothing_is_left(&report);
                assert_eq!(report.end().1, Progress::Failed(Failure::Storage(Fault::Failed)), "{write}");
            }
        }
        let report = scenario.clone().but(|it| it.client_faults.room = Some(500)).run(Simulated::new(1));
        assert_eq!(report.end().1, Progress::Failed(Failure::Storage(Fault::NoSpace)));
        nothing_is_left(&report);
        let report = scenario.clone().but(|it| it.client_faults.commit = true).run(Simulated::new(1));
        assert_eq!(report.end().1, Progress::Failed(Failure::Storage(Fault::Failed)));
        nothing_is_left(&report);
        let report = scenario.but(|it| it.client_faults.create = true).run(Simulated::new(1));
        assert_eq!(report.end().1, Progress::Failed(Failure::Storage(Fault::Failed)));
        nothing_is_left(&report);
    }
}

#[test]
fn a_client_that_cannot_read_leaves_nothing_at_the_server() {
    for scenario in scenarios(Way::Upload) {
        for read in 1..=11 {
            let scenario = scenario.clone().but(|it| it.client_faults.read = Some(read));
            for network in networks() {
                let report = scenario.run(network);
                nothing_is_left(&report);
                assert_eq!(report.end().1, Progress::Failed(Failure::Storage(Fault::Failed)), "{read}");
            }
        }
    }
}

#[test]
fn a_slow_commit_is_waited_for() {
    for way in [Way::Download, Way::Upload] {
        for scenario in scenarios(way) {
            for seconds in [1, 20, 100] {
                let scenario = scenario.clone().but(|it| {
                    it.server_faults.slow_commit = Duration::from_secs(seconds);
                    it.client_faults.slow_commit = Duration::from_secs(seconds);
                });
                let report = scenario.run(Simulated::new(1));
                // A known peer cannot be asked whether it lives: it is let go after the idle time.
                let is_known = scenario.language == skep_core::rdt::Language::Known;
                if !is_known || seconds < 30 {
                    report.expect_done();
                }
            }
        }
    }
}
