//! Networks that are worse than bad: the transfer completes, or it fails with a clear reason; the queue of the link is
//! not kept full for ever, and nothing grows without bound.

use skep_core::{Instant, rdt::control::Congestion};
use skep_tests::{Habits, Link, Report, Scenario, Simulated, Way};
use std::time::Duration;

const MIB: usize = 1 << 20;
const WINDOW: u32 = 8_192;
const SEGMENT: u16 = 1_435;

/// 40 ms, 100 Mbit/s, and a queue of 20 ms.
const LINK: Link =
    Link { name: '-', delay: Duration::from_millis(20), loss: 0, rate: 12_500_000, queue: 256_000 };

fn scenario(size: usize) -> Scenario {
    Scenario::new(Way::Download, size).own(WINDOW, SEGMENT)
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(1_000_000 + millis * 1_000)
}

fn seconds(report: &Report<Simulated>) -> f64 {
    report.elapsed().as_secs_f64()
}

/// Plays a download; at that moment the network changes.
fn changed(size: usize, millis: u64, change: impl Fn(&mut skep_tests::Path)) -> Report<Simulated> {
    let mut report: Report<Simulated> = scenario(size).prepare(LINK.network(1));
    report.world.run_until(at(millis));
    let (up, down) = report.world.network.paths();
    change(up);
    change(down);
    report.world.run();
    report.check();
    report.expect_done()
}

#[test]
fn a_blackout_of_ten_seconds_costs_ten_seconds_and_some_round_trips() {
    for congestion in [Congestion::Model, Congestion::Cubic, Congestion::Reno] {
        for is_up in [true, false] {
            let cut = at(1_000)..at(11_000);
            let network = LINK.network(1);
            let network = match is_up {
                true => network.up(|path| path.cuts.push(cut)),
                false => network.down(|path| path.cuts.push(cut)),
            };
            let scenario = scenario(32 * MIB).but(|it| it.server.congestion = congestion);
            let undisturbed = seconds(&scenario.run(LINK.network(1)).expect_done());
            let report = scenario.run(network).expect_done();
            let late = seconds(&report) - undisturbed;
            // The last time-out before the network is back may have been two seconds.
            assert!((9.0..14.0).contains(&late), "{congestion:?} {is_up}: {late} s more");
            let counters = report.sender().statistics.counters;
            assert!(counters.sent < 32 * MIB as u64 / u64::from(SEGMENT) * 5 / 4, "{counters:?}");
        }
    }
}

#[test]
fn a_rate_that_drops_a_hundredfold_is_found_and_not_flooded() {
    let report = changed(16 * MIB, 700, |path| path.rate /= 100);
    // What was left then takes its time, and no more than a third above that.
    let left = 16.0 * 1.048_576 - 0.5 * 12.0;
    assert!(seconds(&report) < left / 0.12 * 1.33, "{} s", seconds(&report));
    let counters = report.sender().statistics.counters;
    assert!(counters.resent * 5 < counters.sent, "{counters:?}");
}

#[test]
fn a_round_trip_that_jumps_from_5_to_500_milliseconds_slows_and_does_not_end_it() {
    let link = Link { delay: Duration::from_micros(2_500), ..LINK };
    let mut report: Report<Simulated> = scenario(64 * MIB).prepare(link.network(1));
    report.world.run_until(at(1_000));
    let (up, down) = report.world.network.paths();
    up.delay = Duration::from_millis(250);
    down.delay = Duration::from_millis(250);
    report.world.run();
    let report = report.expect_done();
    assert!(seconds(&report) < 60.0, "{} s", seconds(&report));
    let counters = report.sender().statistics.counters;
    assert!(counters.resent * 10 < counters.sent, "{counters:?}");
}

#[test]
fn reordering_by_fifty_packets_costs_little() {
    // 50 packets of 1,480 bytes take 6 ms.
    let network = LINK.network(1).down(|path| path.jitter = Duration::from_millis(6));
    let report = scenario(32 * MIB).run(network).expect_done();
    let rate = 32.0 * 1.048_576 / seconds(&report);
    assert!(rate > 9.0, "{rate} MB/s");
    let counters = report.sender().statistics.counters;
    assert!(counters.resent * 50 < counters.sent, "{counters:?}");
}

#[test]
fn everything_twice_is_taken_once() {
    let network = LINK.network(1).both(|path| path.duplication = 1_000);
    let report = scenario(16 * MIB).run(network).expect_done();
    let rate = 16.0 * 1.048_576 / seconds(&report);
    assert!(rate > 8.0, "{rate} MB/s");
    let counters = report.sender().statistics.counters;
    // Half of the first flight is more than the link takes.
    assert!(counters.resent < 384 && counters.lost.abs_diff(counters.resent) < 4, "{counters:?}");
}

#[test]
fn half_of_all_acknowledgements_may_be_lost() {
    for congestion in [Congestion::Model, Congestion::Cubic] {
        let network = LINK.network(1).up(|path| path.loss = 500);
        let scenario = scenario(32 * MIB).but(|it| it.server.congestion = congestion);
        let report = scenario.run(network).expect_done();
        let rate = 32.0 * 1.048_576 / seconds(&report);
        assert!(rate > 7.0, "{congestion:?} {rate} MB/s");
        let counters = report.sender().statistics.counters;
        assert!(counters.resent * 10 < counters.sent, "{counters:?}");
    }
}

/// A download to a client whose storage takes so many bytes a second, with so many frames in front of it.
fn to_slow_storage(window: u32, rate: u64, frames: usize, size: usize) -> Report<Simulated> {
    let scenario = scenario(size).but(|it| it.client.terms.window = window);
    let mut report: Report<Simulated> = scenario.prepare(LINK.network(1));
    report.client_mut().set_habits(Habits { leaves: true, rate, frames, ..Habits::default() });
    report.world.run();
    report.check();
    report.expect_done()
}

#[test]
fn a_receiver_that_stores_slowly_is_sent_no_more_than_it_can_hold() {
    // The answers to the call and to its two copies take frames, too.
    for (window, frames) in [(4, 9), (6, 11), (64, 69)] {
        let report = to_slow_storage(window, 100_000, frames, MIB);
        assert_eq!(report.client().overflowed, 0, "a window of {window} in {frames} frames");
        let rate = MIB as f64 / seconds(&report);
        let least = 0.95 * f64::min(100_000.0, f64::from(window * u32::from(SEGMENT)) / 0.055);
        assert!(rate > least, "{window}: {rate} of {least} bytes/s");
    }
}

#[test]
fn a_receiver_that_promises_more_than_it_can_hold_gets_all_of_it_in_the_end() {
    let report = to_slow_storage(WINDOW, 100_000, 100, MIB);
    let counters = report.sender().statistics.counters;
    assert!(seconds(&report) < 25.0, "{} s, {counters:?}", seconds(&report));
    assert!(counters.resent < counters.sent * 7 / 10, "{counters:?}");
}

#[test]
fn acknowledgements_that_come_out_of_order_take_nothing_back() {
    let network = LINK.network(1).up(|path| path.jitter = Duration::from_millis(30));
    let report = scenario(16 * MIB).run(network).expect_done();
    let counters = report.sender().statistics.counters;
    // An acknowledgement tells of 256 numbers: what it overtakes by more looks lost, until the next one comes.
    assert!(counters.spurious * 50 < counters.lost, "{counters:?}");
    // The rate is hard to see through such a jitter: the queue overflows now and then.
    assert!(counters.resent * 10 < counters.sent, "{counters:?}");
    let rate = 16.0 * 1.048_576 / seconds(&report);
    assert!(rate > 6.0, "{rate} MB/s");
}

#[test]
fn the_queue_of_a_link_is_not_kept_full() {
    // Every 100 ms of a long transfer: how long a datagram would wait that is sent now.
    let mut report: Report<Simulated> = scenario(128 * MIB).prepare(LINK.network(1));
    let mut full = 0;
    for tick in 20..100 {
        report.world.run_until(at(tick * 100));
        let waits = report.world.network.waits();
        full += u32::from(waits > Duration::from_millis(15));
    }
    assert!(full < 16, "in {full} of 80 moments the queue is three quarters full");
    report.world.run();
}
