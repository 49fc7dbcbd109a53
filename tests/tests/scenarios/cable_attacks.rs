//! What comes to a board that nobody should send, and what it does when others are gone.

use skep_core::{
    Instant,
    files::{Failure, Progress},
};
use skep_tests::{Forger, PlainRdt, PlainTcp, Scenario, SealedRdt, SealedTcp, Simulated, Way, Wiring};
use std::{net::SocketAddr, time::Duration};

const WAYS: [Way; 2] = [Way::Download, Way::Upload];

/// A transfer that takes a while.
fn long(way: Way) -> Scenario {
    Scenario::new(way, 300_000).own(4, 1_000)
}

/// How long it takes when nobody disturbs it, and when a frame of `make` comes every millisecond once it has begun.
fn disturbed<W: Wiring>(way: Way, mut make: impl FnMut() -> Vec<u8>) -> (Duration, Duration) {
    let calm = long(way).run_on_cable::<W, true>(Simulated::new(1)).expect_done().elapsed();
    let mut report = long(way).prepare_cable::<W, _, true>(Simulated::new(1), 0);
    // Whoever comes while a server that speaks plain RDT is flooded with calls may find no room.
    report.world.run_for(Duration::from_millis(100));
    let mut frames = 0;
    while report.client().events.len() < 2 {
        report.world.run_for(Duration::from_millis(1));
        let frame = make();
        report.server_mut().stack.device.arrive(&frame);
        frames += 1;
        assert!(frames < 100_000, "it does not end");
    }
    report.world.run();
    report.check();
    let report = report.expect_done();
    assert!(frames > 300, "only {frames} frames were forged");
    (calm, report.elapsed())
}

/// Datagrams from somebody who is not there are answered, if at all, to nobody. Nobody waits until smoltcp has given up
/// to ask where that is.
#[test]
fn forged_datagrams_from_nobody_hold_up_no_transfer() {
    for way in WAYS {
        for seed in 0..5 {
            let mut forger = Forger::new(seed);
            let (calm, took) = disturbed::<PlainRdt>(way, || forger.rdt());
            assert!(took < calm * 3 / 2, "{took:?} instead of {calm:?}");
            let (calm, took) = disturbed::<SealedRdt>(way, || forger.rdt());
            assert!(took < calm * 3 / 2, "{took:?} instead of {calm:?}");
        }
    }
}

#[test]
fn garbage_holds_up_no_transfer() {
    for way in WAYS {
        for seed in 0..5 {
            let mut forger = Forger::new(seed);
            let mut garbage = || forger.garbage();
            for (calm, took) in [
                disturbed::<PlainRdt>(way, &mut garbage),
                disturbed::<SealedRdt>(way, &mut garbage),
                disturbed::<PlainTcp>(way, &mut garbage),
                disturbed::<SealedTcp>(way, &mut garbage),
            ] {
                assert!(took < calm * 3 / 2, "{took:?} instead of {calm:?}");
            }
        }
    }
}

/// A server that is flooded with calls, one every so often, and a client that calls in the middle.
fn flooded<W: Wiring>(every: Duration, mut call: impl FnMut() -> Vec<u8>) {
    let scenario = long(Way::Download).but(|it| it.client.calls = 30);
    let mut report = scenario.prepare_cable::<W, _, true>(Simulated::new(1), 0);
    report.client_mut().postpone(Duration::from_secs(5));
    for _ in 0..Duration::from_secs(30).as_micros() / every.as_micros() {
        let frame = call();
        report.server_mut().stack.device.arrive(&frame);
        report.world.run_for(every);
    }
    assert!(matches!(report.end().1, Progress::Done { .. }), "{:?}", report.end());
    report.world.run();
    let report = report.expect_done();
    assert_eq!(report.server().driver.count(), 0);
}

/// Of those who have only called the oldest makes room.
#[test]
fn who_calls_in_the_middle_of_a_flood_of_forged_calls_is_served() {
    for seed in 0..5 {
        let mut forger = Forger::new(seed);
        flooded::<PlainRdt>(Duration::from_millis(20), || forger.rdt());
        flooded::<SealedRdt>(Duration::from_millis(20), || forger.rdt());
        // Who finds no socket that listens is refused, and does not call again: so not as many.
        flooded::<PlainTcp>(Duration::from_millis(200), || forger.syn());
        flooded::<SealedTcp>(Duration::from_millis(200), || forger.syn());
    }
}

/// A flood that takes every place as soon as it is free can be sat out.
#[test]
fn a_flood_of_forged_calls_passes() {
    let mut report = long(Way::Download).prepare_cable::<PlainRdt, _, true>(Simulated::new(1), 0);
    report.client_mut().postpone(Duration::from_secs(20));
    let mut forger = Forger::new(3);
    for _ in 0..5_000 {
        let frame = forger.rdt();
        report.server_mut().stack.device.arrive(&frame);
        report.world.run_for(Duration::from_millis(2));
    }
    report.world.run();
    let _ = report.expect_done();
}

/// smoltcp wants to tell somebody that a call is over, and does not find him. The socket is used again all the same.
#[test]
fn who_calls_nobody_over_tcp_can_call_again() {
    let mut report = long(Way::Download).prepare_cable::<PlainTcp<1>, _, true>(Simulated::new(1), 0);
    let nobody = SocketAddr::from(([10, 0, 0, 77], 7_537));
    let client = report.client_mut();
    client.postpone(Duration::from_secs(20));
    // Past the machine, which would be told, and not call again.
    let (carrier, stack) = (&mut client.driver.carrier, &mut client.stack);
    assert!(carrier.call(Instant::from_micros(1_000_000), stack, nobody).is_some());
    report.world.run();
    let _ = report.expect_done();
}

fn half_way<W: Wiring>(way: Way) -> skep_tests::CableReport<Simulated, W, true> {
    let calm = long(way).run_on_cable::<W, true>(Simulated::new(1)).expect_done().elapsed();
    let mut report = long(way).prepare_cable::<W, _, true>(Simulated::new(1), 0);
    report.world.run_for(calm / 2);
    report
}

fn the_power_fails<W: Wiring>() {
    for way in WAYS {
        let mut report = half_way::<W>(way);
        report.server_mut().kill();
        report.world.run();
        assert_eq!(report.end().1, Progress::Failed(Failure::Closed), "{way:?}");
        assert!(report.elapsed() < Duration::from_secs(40), "{:?}", report.elapsed());
        let mut report = half_way::<W>(way);
        report.client_mut().kill();
        report.world.run();
        assert_eq!(report.server().driver.count(), 0, "{way:?}");
        assert_eq!(report.server().driver.machine.transfers(), 0, "{way:?}");
    }
}

#[test]
fn a_board_whose_peer_lost_power_notices_over_every_carrier() {
    the_power_fails::<PlainRdt>();
    the_power_fails::<SealedRdt>();
    the_power_fails::<PlainTcp>();
    the_power_fails::<SealedTcp>();
}

/// Every way to lose some of the first frames, those that ask for hardware addresses among them.
fn every_pattern<W: Wiring>(length: u32) {
    for way in WAYS {
        for pattern in 0..1_u64 << length {
            let scenario = Scenario::new(way, 3_001).own(4, 1_000).but(|it| it.client.calls = 20);
            let cable = Simulated::new(pattern).pattern(pattern);
            let _ = scenario.run_on_cable::<W, true>(cable).expect_done();
        }
    }
}

#[test]
fn every_pattern_of_lost_frames_is_repaired() {
    every_pattern::<PlainRdt>(10);
    every_pattern::<SealedRdt>(10);
    // Of calls by TCP only so many are made in the time that one has.
    every_pattern::<PlainTcp>(5);
    every_pattern::<SealedTcp>(5);
}
