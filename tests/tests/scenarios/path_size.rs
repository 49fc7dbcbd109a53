//! What datagrams a path carries: found out while a connection opens, in both directions, and soon.

use skep_core::{rdt::Language, wire::seal::Purpose};
use skep_tests::{Past, Report, Scenario, Simulated, Way};
use std::{cell::Cell, rc::Rc, time::Duration};

const WAYS: [Way; 2] = [Way::Download, Way::Upload];
/// UDP and IPv4 on a path of 1,500 bytes; a tunnel of 1,420 over IPv4 and IPv6; 1,280; what all paths carry.
const CARRIES: [usize; 6] = [1_472, 1_452, 1_392, 1_372, 1_252, 1_200];

/// A host's file, plain or sealed; segments of what an Ethernet carries.
fn file(way: Way, size: usize, is_sealed: bool) -> Scenario {
    let scenario = Scenario::new(way, size);
    if is_sealed { scenario.own(1_024, 1_405).sealed(Purpose::Member) } else { scenario.own(1_024, 1_435) }
}

/// What goes out in a segment of a datagram of `size` bytes.
fn segment(size: usize, is_sealed: bool) -> u16 {
    size as u16 - if is_sealed { 47 } else { 17 }
}

/// The sizes that were agreed on, of those connections that came to something.
fn agreed(report: &Report<Simulated>) -> Vec<u16> {
    let is_done = |past: &&Past| past.outcome.is_ok();
    let pasts = [&report.server().past, &report.client().past];
    pasts.iter().map(|past| past.iter().find(is_done).unwrap().statistics.segment).collect()
}

#[test]
fn a_path_of_any_width_is_opened_soon_and_used_for_what_it_carries() {
    for is_sealed in [false, true] {
        for way in WAYS {
            let first = file(way, 1, is_sealed).run(Simulated::new(1)).expect_done().elapsed();
            for carries in CARRIES {
                let network = Simulated::new(1).both(|path| path.carries = carries);
                let report = file(way, 1, is_sealed).run(network).expect_done();
                let (size, late) = match carries {
                    1_452.. => (1_452, 0),
                    1_372.. => (1_372, 10),
                    _ => (1_200, 30),
                };
                assert_eq!(agreed(&report), [segment(size, is_sealed); 2], "{carries}");
                let elapsed = report.elapsed().abs_diff(first + Duration::from_millis(late));
                assert!(elapsed < Duration::from_millis(1), "{carries}: {:?}", report.elapsed());
            }
        }
    }
}

#[test]
fn a_way_back_that_is_narrower_is_found_out_by_the_second_call() {
    for is_sealed in [false, true] {
        for way in WAYS {
            for carries in [1_392, 1_300, 1_200] {
                let network = Simulated::new(1).down(|path| path.carries = carries);
                let report = file(way, 1, is_sealed).run(network).expect_done();
                assert_eq!(agreed(&report), [segment(1_200, is_sealed); 2], "{carries}");
                assert!(report.elapsed() < Duration::from_millis(400), "{:?}", report.elapsed());
            }
        }
    }
}

#[test]
fn a_way_there_that_is_narrower_makes_both_directions_so() {
    for is_sealed in [false, true] {
        for (carries, size) in [(1_392, 1_372), (1_300, 1_200)] {
            let network = Simulated::new(1).up(|path| path.carries = carries);
            let report = file(Way::Download, 50_000, is_sealed).run(network).expect_done();
            assert_eq!(agreed(&report), [segment(size, is_sealed); 2], "{carries}");
        }
    }
}

#[test]
fn a_far_peer_hears_all_copies_and_grants_the_large_size() {
    for is_sealed in [false, true] {
        for millis in [50, 200, 700] {
            let network = Simulated::new(1).both(|path| path.delay = Duration::from_millis(millis) / 2);
            let report = file(Way::Download, 50_000, is_sealed).run(network).expect_done();
            assert_eq!(agreed(&report), [segment(1_452, is_sealed); 2], "{millis} ms");
        }
    }
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again_and_the_size_stays() {
    for is_sealed in [false, true] {
        for millis in [20, 40, 100, 200] {
            let delay = Duration::from_millis(millis) / 2;
            // The answer to the first call is the first long datagram on the way down.
            let count = Rc::new(Cell::new(0));
            let is_answer = move |datagram: &[u8]| {
                let is_own = datagram.starts_with(b"SKEP\x11") || datagram.starts_with(b"SKES\x03");
                count.set(count.get() + u32::from(is_own));
                is_own && count.get() == 1
            };
            let network = Simulated::new(1).both(|path| path.delay = delay).sieve(is_answer);
            let report = file(Way::Download, 1, is_sealed).run(network).expect_done();
            assert_eq!(agreed(&report), [segment(1_452, is_sealed); 2], "{millis} ms");
            // The short answer to the copy, and the long one: two round trips in place of one, and what comes behind.
            let most = Duration::from_millis(30 + 4 * millis + 5);
            assert!(report.elapsed() < most, "{millis} ms: {:?}", report.elapsed());
        }
    }
}

#[test]
fn a_call_is_answered_by_no_more_bytes_than_came_and_twice_at_most() {
    for seed in 0..50 {
        let (asked, told) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (ask, tell) = (asked.clone(), told.clone());
        let network = Simulated::new(seed).sieve(move |datagram| {
            match datagram.get(4) {
                Some(0x10) => ask.set(ask.get() + datagram.len()),
                Some(0x11) => tell.set(tell.get() + datagram.len()),
                _ => {}
            }
            assert!(tell.get() <= 2 * ask.get(), "{} for {}", tell.get(), ask.get());
            false
        });
        let delay = Duration::from_millis(seed * 5);
        let scenario = file(Way::Download, 1, false).but(|it| it.language = Language::Own);
        scenario.run(network.both(|path| path.delay = delay)).expect_done();
        assert!(told.get() > 0);
    }
}

#[test]
fn what_the_route_is_known_to_carry_is_asked_for_at_once() {
    for is_sealed in [false, true] {
        for (carries, size) in [(1_392, 1_392), (1_200, 1_200), (800, 1_200), (9_000, 1_452)] {
            let network = Simulated::new(1).both(|path| path.carries = size);
            let scenario = file(Way::Download, 1, is_sealed).but(|it| it.habits.route = Some(carries));
            let report = scenario.run(network).expect_done();
            assert_eq!(agreed(&report), [segment(size, is_sealed); 2], "{carries}");
            assert!(report.elapsed() < Duration::from_millis(70), "{carries}: {:?}", report.elapsed());
        }
    }
}
