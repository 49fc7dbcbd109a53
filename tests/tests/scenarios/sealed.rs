//! Sealed transfers: every size, both ways, for every purpose, on networks that lose, repeat, reorder and damage.

use skep_core::wire::seal::Purpose;
use skep_tests::{Host, INTRODUCTION, Loopback, Past, Random, Report, Scenario, Simulated, Way};
use std::time::Duration;

/// How many seeds are played, unless the environment says otherwise:
/// `SKEP_SEEDS=100000 cargo test -p skep-tests sealed::`.
const SEEDS: u64 = 2_000;

const SIZES: [usize; 9] = [0, 1, 2, 999, 1_000, 1_001, 2_000, 12_345, 100_000];
const WAYS: [Way; 2] = [Way::Download, Way::Upload];
const PURPOSES: [Purpose; 3] = [Purpose::Member, Purpose::Guest, INTRODUCTION];

fn seeds() -> u64 {
    std::env::var("SKEP_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

#[test]
fn every_size_arrives_sealed_and_nothing_is_sent_twice() {
    for way in WAYS {
        for size in SIZES {
            for window in [1, 4, 1_024] {
                let scenario = Scenario::new(way, size).own(window, 1_000).sealed(Purpose::Member);
                let report = scenario.run(Simulated::new(1)).expect_done().expect_spotless();
                let layer = &report.server().seal.as_ref().unwrap().layer;
                assert_eq!((layer.counters().sessions, layer.guard().confirmed), (1, 1));
                assert_eq!(layer.counters().unopened + layer.counters().strange, 0);
            }
        }
    }
}

#[test]
fn every_purpose_carries_files_both_ways() {
    for way in WAYS {
        for purpose in PURPOSES {
            let scenario = Scenario::new(way, 50_000).own(16, 1_405).sealed(purpose);
            scenario.run(Simulated::new(1)).expect_done().expect_spotless();
        }
    }
}

/// A sealed connection opens in as many round trips as a plain one.
#[test]
fn a_sealed_transfer_takes_as_long_as_a_plain_one() {
    for way in WAYS {
        let plain = Scenario::new(way, 100_000).own(64, 1_000);
        let sealed = plain.clone().sealed(Purpose::Member);
        let took = plain.run(Simulated::new(1)).elapsed();
        assert_eq!(sealed.run(Simulated::new(1)).elapsed(), took);
    }
}

#[test]
fn sealed_files_arrive_over_sockets() {
    for way in WAYS {
        for size in [0, 1_000_000] {
            let scenario = Scenario::new(way, size).own(64, 1_405).sealed(Purpose::Member);
            scenario.run(Loopback::new()).expect_done();
        }
    }
}

/// A scenario and a network that follow from a seed alone.
fn made_of(seed: u64) -> (Scenario, Simulated) {
    let mut random = Random::new(seed);
    let way = random.one_of(&WAYS);
    let segment = random.one_of(&[210, 512, 1_000, 1_405]);
    let segments = random.one_of(&[0, 1, 2, 5, 20, 60]);
    let size = (segments * u64::from(segment) + random.below(3)).saturating_sub(1) as usize;
    let window = random.one_of(&[1, 2, 4, 64, 1_024]);
    let purpose = random.one_of(&PURPOSES);
    let scenario = Scenario::new(way, size).own(window, segment).stubborn().but(|it| {
        it.seed = seed;
        it.habits.feeds = random.one_of(&[1, 1, 3, 64]);
        it.is_impatient = random.happens(125);
        it.server.batch = random.one_of(&[1, 4, 64]);
        it.server.terms.window = random.one_of(&[window, 1, 16]);
    });
    let network = Simulated::new(seed).damaging().made_bad(&mut random, 300, 700, 50);
    (scenario.sealed(purpose), network)
}

fn play(seed: u64) -> Report<Simulated> {
    let (scenario, network) = made_of(seed);
    scenario.run(network).expect_done()
}

fn play_all(seeds: std::ops::Range<u64>) {
    let mut unopened = 0;
    for seed in seeds {
        let report = play(seed);
        unopened += report.server().seal.as_ref().unwrap().layer.counters().unopened;
    }
    assert!(unopened > 100);
}

#[test]
fn two_thousand_bad_networks_deliver_every_sealed_file_first_half() {
    play_all(0..seeds() / 2);
}

#[test]
fn two_thousand_bad_networks_deliver_every_sealed_file_second_half() {
    play_all(seeds() / 2..seeds());
}

/// A handshake and a small transfer, with every pattern of losses among the first ten datagrams.
#[test]
fn case_35_every_pattern_of_losses_is_survived_that_of_the_last_acknowledgement_too() {
    for way in WAYS {
        let scenario = Scenario::new(way, 500).own(4, 1_000).sealed(Purpose::Guest);
        let scenario = scenario.but(|it| it.client.calls = 20);
        for pattern in 0..1 << 10 {
            scenario.run(Simulated::new(1).pattern(pattern)).expect_done();
        }
    }
}

/// What a path does not carry is found out by the handshake, in both directions.
#[test]
fn a_path_that_does_not_carry_the_size_gets_a_smaller_one() {
    for (up, down) in [(true, false), (false, true), (true, true)] {
        for way in WAYS {
            let network = Simulated::new(1);
            let network = if up { network.up(|path| path.carries = 1_300) } else { network };
            let network = if down { network.down(|path| path.carries = 1_300) } else { network };
            let scenario = Scenario::new(way, 50_000).own(64, 1_405).sealed(Purpose::Member);
            let report = scenario.run(network).expect_done();
            let is_done = |past: &&Past| past.outcome.is_ok();
            for past in [&report.server().past, &report.client().past] {
                assert_eq!(past.iter().find(is_done).unwrap().statistics.segment, 1_153);
            }
            assert!(report.elapsed() < Duration::from_secs(3), "{:?}", report.elapsed());
        }
    }
}

#[test]
fn big_files_arrive_sealed_through_wide_windows() {
    for seed in 0..seeds() / 200 {
        let mut random = Random::new(seed);
        let way = random.one_of(&WAYS);
        let window = random.one_of(&[100, 256, 1_024, 5_000]);
        let scenario = Scenario::new(way, 500_000).own(window, 300).sealed(Purpose::Member);
        let scenario = scenario.but(|it| {
            it.habits.feeds = random.one_of(&[1, 16, 64]);
            it.client.calls = 60;
        });
        let loss = random.below(150) as u32;
        let network = Simulated::new(seed).damaging().both(|path| {
            path.loss = loss;
            path.jitter = Duration::from_millis(20);
            path.duplication = 50;
            path.reordering = 50;
            path.corruption = 20;
        });
        scenario.run(network).expect_done();
    }
}

/// Who only receives has to say something before what is sent to it can come to its new address.
#[test]
fn a_translator_of_addresses_that_is_restarted_holds_a_transfer_up_for_seconds_only() {
    for way in WAYS {
        let scenario = Scenario::new(way, 2_000_000).own(64, 1_405).sealed(Purpose::Member);
        let network = || {
            Simulated::new(1).both(|path| (path.rate, path.delay) = (1_000_000, Duration::from_millis(20)))
        };
        let usual = scenario.run(network()).expect_done().elapsed();
        let mut report = scenario.prepare::<_, Host, Host>(network());
        let at = report.world.now() + Duration::from_secs(1);
        report.world.run_until(at);
        // What is under way is lost too, so that the receiver owes no acknowledgement.
        let (up, down) = report.world.network.paths();
        for path in [up, down] {
            path.cuts.push(at..at + Duration::from_millis(300));
        }
        report.world.network.readdress();
        report.world.run();
        let late = report.expect_done().elapsed() - usual;
        assert!(late < Duration::from_secs(4), "{way:?}: {late:?} late");
    }
}
