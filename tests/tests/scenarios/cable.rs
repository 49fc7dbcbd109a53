//! Transfers between two boards: the driver for smoltcp on both ends of a cable, in virtual time.

use skep_core::{
    files::{self, Failure, Progress},
    rdt::Language,
    stream::Fault,
    wire::{file::Code, seal::Purpose},
};
use skep_tests::{
    Boards, Crowd, INTRODUCTION, INVITE, PlainRdt, PlainTcp, Player, Random, Scenario, SealedRdt, SealedTcp,
    Sessions, Simulated, Way, Wiring, own_settings, play_relayed, upload,
};
use std::time::Duration;

/// How many bad cables are played for each carrier, unless the environment says otherwise:
/// `SKEP_SEEDS=10000 cargo test -p skep-tests cable::`.
const SEEDS: u64 = 250;

const WAYS: [Way; 2] = [Way::Download, Way::Upload];
const SIZES: [usize; 10] = [0, 1, 2, 999, 1_000, 1_001, 2_000, 12_345, 65_536, 300_000];

fn seeds() -> u64 {
    std::env::var("SKEP_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

fn every_size<W: Wiring, const RANDOM_WRITES: bool>() {
    for way in WAYS {
        for size in SIZES {
            for window in [1, 4, 64] {
                let scenario = Scenario::new(way, size).own(window, 1_000);
                let _ = scenario.run_on_cable::<W, RANDOM_WRITES>(Simulated::new(1)).expect_done();
            }
        }
    }
}

#[test]
fn every_size_arrives_over_rdt() {
    every_size::<PlainRdt, true>();
    every_size::<PlainRdt, false>();
}

#[test]
fn every_size_arrives_over_rdt_sealed() {
    every_size::<SealedRdt, true>();
    every_size::<SealedRdt, false>();
}

#[test]
fn every_size_arrives_over_tcp() {
    every_size::<PlainTcp, false>();
}

#[test]
fn every_size_arrives_over_tcp_sealed() {
    every_size::<SealedTcp, false>();
}

#[test]
fn every_size_arrives_in_the_known_peers_language() {
    for way in WAYS {
        for size in SIZES {
            let scenario = Scenario::new(way, size).known(1, 1_000);
            let _ = scenario.run_on_cable::<PlainRdt, true>(Simulated::new(1)).expect_done();
        }
    }
}

#[test]
fn every_purpose_of_a_sealed_call_carries_files() {
    for way in WAYS {
        for purpose in [Purpose::Member, Purpose::Guest, INVITE, INTRODUCTION] {
            let scenario = Scenario::new(way, 50_000).own(16, 1_405).but(|it| it.seal = Some(purpose));
            // Who is invited comes over TCP.
            if purpose != INVITE {
                let _ = scenario.run_on_cable::<SealedRdt, true>(Simulated::new(1)).expect_done();
            }
            let _ = scenario.run_on_cable::<SealedTcp, true>(Simulated::new(1)).expect_done();
        }
    }
}

/// A scenario and a cable that follow from a seed alone.
fn made_of(seed: u64) -> (Scenario, Simulated) {
    let mut random = Random::new(seed);
    let way = random.one_of(&WAYS);
    let segment = random.one_of(&[210, 512, 1_000, 1_405]);
    let segments = random.one_of(&[0, 1, 2, 5, 20, 60]);
    let size = (segments * u64::from(segment) + random.below(3)).saturating_sub(1) as usize;
    let window = random.one_of(&[1, 2, 4, 16, 64]);
    let scenario = Scenario::new(way, size).own(window, segment).stubborn().but(|it| {
        it.seed = seed;
        it.language = random.one_of(&[Language::Own, Language::Any]);
        it.server.terms.window = random.one_of(&[window, 1, 16]);
    });
    // What is damaged is lost: the check sum of a frame is the network card's to look at, and ARP has none of its own.
    let cable = Simulated::new(seed).made_bad(&mut random, 200, 700, 50);
    (scenario, cable)
}

fn bad_cables<W: Wiring, const RANDOM_WRITES: bool>() {
    for seed in 0..seeds() {
        let (scenario, cable) = made_of(seed);
        let mut report = scenario.prepare_cable::<W, _, RANDOM_WRITES>(cable, 0);
        report.world.steps_max = 100_000;
        let reluctance = Random::new(!seed).one_of(&[0, 0, 2, 5]);
        report.server_mut().storage.reluctance = reluctance;
        report.client_mut().storage.reluctance = reluctance;
        report.world.run();
        report.check();
        assert!(matches!(report.end().1, Progress::Done { .. }), "{seed}: {:?}", report.end());
    }
}

#[test]
fn bad_cables_deliver_every_file_over_rdt() {
    bad_cables::<PlainRdt, true>();
}

#[test]
fn bad_cables_deliver_every_file_over_rdt_to_a_store_that_takes_them_in_order() {
    bad_cables::<PlainRdt, false>();
}

#[test]
fn bad_cables_deliver_every_file_over_rdt_sealed() {
    bad_cables::<SealedRdt, true>();
}

/// A call by TCP is given up after five seconds, and a connection after thirty. So these are not as bad, and some
/// clients are unlucky all the same.
fn fair_cables<W: Wiring>() {
    let mut unlucky = 0;
    for seed in 0..seeds() {
        let (scenario, cable) = made_of(seed);
        let cable = cable.both(|path| path.loss = path.loss.min(30));
        let mut report = scenario.prepare_cable::<W, _, false>(cable, 0);
        report.world.steps_max = 100_000;
        report.world.run();
        if report.client().events.is_empty() {
            assert_eq!(report.client().driver.count(), 0);
            unlucky += 1;
            continue;
        }
        report.check();
        assert!(matches!(report.end().1, Progress::Done { .. }), "{seed}: {:?}", report.end());
    }
    assert!(unlucky <= seeds() / 20, "{unlucky} could not connect");
}

#[test]
fn fair_cables_deliver_every_file_over_tcp() {
    fair_cables::<PlainTcp>();
}

#[test]
fn fair_cables_deliver_every_file_over_tcp_sealed() {
    fair_cables::<SealedTcp>();
}

fn faults<W: Wiring>() {
    for fault in [1, 2, 11] {
        let scenario = Scenario::new(Way::Upload, 10_500).own(4, 1_000);
        let scenario = scenario.but(|it| it.server_faults.write = Some(fault));
        let report = scenario.run_on_cable::<W, true>(Simulated::new(1));
        assert_eq!(report.end().1, Progress::Refused(Code::StorageFault));
        assert_eq!(report.stored(), None);
        let scenario = Scenario::new(Way::Download, 10_500).own(4, 1_000);
        let scenario = scenario.but(|it| it.server_faults.read = Some(fault));
        let report = scenario.run_on_cable::<W, true>(Simulated::new(1));
        assert_eq!(report.end().1, Progress::Failed(Failure::Closed));
        assert_eq!(report.stored(), None);
        let scenario = Scenario::new(Way::Download, 10_500).own(4, 1_000);
        let scenario = scenario.but(|it| it.client_faults.write = Some(fault));
        let report = scenario.run_on_cable::<W, true>(Simulated::new(1));
        assert_eq!(report.end().1, Progress::Failed(Failure::Storage(Fault::Failed)));
        assert_eq!(report.stored(), None);
    }
    let slow = |it: &mut Scenario| {
        it.server_faults.slow_open = Duration::from_secs(2);
        it.server_faults.slow_commit = Duration::from_secs(3);
    };
    for way in WAYS {
        let scenario = Scenario::new(way, 10_500).own(4, 1_000).but(slow);
        let _ = scenario.run_on_cable::<W, true>(Simulated::new(1)).expect_done();
    }
}

#[test]
fn storage_that_fails_or_is_slow_is_told_over_every_carrier() {
    faults::<PlainRdt>();
    faults::<SealedRdt>();
    faults::<PlainTcp>();
    faults::<SealedTcp>();
}

/// What the LAN9118 holds, in bytes: six full frames. It loses the others without a word.
const FIFO: usize = 10_560;

#[test]
fn a_card_that_holds_six_frames_loses_none_of_a_transfer() {
    for window in [6, 64] {
        let scenario = Scenario::new(Way::Download, 300_000).own(window, 1_405);
        let cable = Simulated::new(1);
        let mut report = scenario.prepare_cable::<PlainRdt, _, true>(cable, FIFO);
        report.client_mut().feeds = 64;
        report.world.run();
        let report = report.expect_done();
        let card = &report.client().stack.device;
        assert_eq!(card.overrun, 0, "of a window of {window}");
        assert!(card.peak >= 6, "of a window of {window}");
    }
}

/// How long it takes to send so many files at once to a board whose card holds six frames and waits for it for longer
/// than a round trip; and how many frames that card lost, after the first second.
fn uploads(count: usize, window: u32) -> (Duration, u64) {
    let settings = own_settings(window, 1_405);
    let mut crowd = Crowd::<_, Boards<PlainRdt, Sessions, FIFO>>::new(
        Simulated::new(1),
        settings,
        files::Settings::DEFAULT,
    );
    crowd.world.get_mut(crowd.server).naps = Duration::from_millis(30);
    let begun = crowd.world.now();
    for number in 0..count {
        let name = format!("file {number}");
        let client = crowd.client(begun, settings, Language::Own, upload(&name));
        crowd.world.get_mut(client).files_mut().files.insert(name, vec![7; 300_000]);
    }
    crowd.world.run_for(Duration::from_secs(1));
    let lost_at_first = crowd.world.get(crowd.server).stack.device.overrun;
    crowd.world.run();
    let ends: Vec<_> = crowd.clients.iter().map(|&client| crowd.end(client)).collect();
    assert!(ends.iter().all(|end| end.1 == Progress::Done { bytes: 300_000 }), "{ends:?}");
    let card = &crowd.world.get(crowd.server).stack.device;
    assert!(card.peak >= 6, "{count} transfers with windows of {window} left room in the card");
    (ends.iter().map(|end| end.0).max().unwrap().since(begun), card.overrun - lost_at_first)
}

/// They share the room in the card. What they send before they know of each other may be too much.
#[test]
fn a_card_that_holds_six_frames_loses_none_of_three_transfers_at_once() {
    for window in [6, 64] {
        let (alone, _) = uploads(1, window);
        let (together, lost) = uploads(3, window);
        assert_eq!(lost, 0, "of windows of {window}");
        assert!(together < 3 * alone + Duration::from_secs(1), "{together:?}, and one alone {alone:?}");
    }
}

fn relayed<R: Wiring, W: Wiring>() {
    for size in [0, 1, 511, 512, 513, 100_000] {
        let content = Random::new(1).bytes(size);
        assert_eq!(play_relayed::<R, W>(Simulated::new(1), &content), Ok(()), "{size} bytes");
    }
    for seed in 0..seeds() / 5 {
        let content = Random::new(seed).bytes(20_000);
        let cable = Simulated::new(seed).both(|path| {
            path.loss = 10;
            path.jitter = Duration::from_millis(5);
            path.duplication = 50;
        });
        assert_eq!(play_relayed::<R, W>(cable, &content), Ok(()), "seed {seed}");
    }
}

/// Trackers relay streams of TCP (docs/protocol.md section 5). Over RDT the place of content follows from the number of
/// its segment, which a relay does not keep.
#[test]
fn a_board_relays_between_two_others() {
    relayed::<PlainTcp, PlainTcp>();
    relayed::<SealedTcp, SealedTcp>();
}

/// As the ends of a transfer come to a tracker when they have been introduced.
#[test]
fn a_sealed_board_relays_between_ends_that_begin_in_the_clear() {
    relayed::<SealedTcp, PlainTcp>();
}
