//! Honest clients get in while others flood.

use super::{
    world::{Forger, Outcome, World},
    *,
};

/// So many forged packets a second; under Miri, to which load makes no difference, a few.
fn forged(a_second: u64) -> u64 {
    fewer(a_second, a_second.min(20))
}

fn host(seconds: u64, forged_a_second: u64, forger: Forger) -> Outcome {
    let world = World::<{ fewer(HOST_SLOTS, 16) }, { fewer(HOST_BUCKETS, 256) }>::new(Settings::HOST, 1);
    world.run(fewer(seconds, 4), forged(forged_a_second), forger)
}

/// At least 99 of 100.
fn nearly_all_are_in_time(outcome: &Outcome) {
    assert!(outcome.in_time * 100 >= outcome.honest * 99, "{outcome:#?}");
    let (received, sent) = outcome.bytes;
    assert!(sent <= received, "{outcome:#?}");
}

#[test]
fn without_a_flood_every_client_is_through_after_one_round_trip() {
    let outcome = host(20, 0, Forger::Anywhere);
    assert_eq!(outcome.in_time, outcome.honest);
    assert_eq!(outcome.counters.challenges, 0);
}

#[test]
fn case_20_a_thousand_to_a_hundred_thousand_forged_first_packets_a_second_keep_no_honest_client_out() {
    for forged_a_second in [1_000, 10_000, 100_000].into_iter().skip(fewer(0, 2)) {
        nearly_all_are_in_time(&host(20, forged_a_second, Forger::Anywhere));
    }
}

#[test]
fn case_20_a_flood_too_slow_to_be_one_keeps_no_honest_client_out() {
    for forged_a_second in [1, 5, 20, 50, 90].into_iter().skip(fewer(0, 4)) {
        nearly_all_are_in_time(&host(20, forged_a_second, Forger::Anywhere));
    }
}

#[test]
fn case_20_a_flood_in_the_name_of_honest_prefixes_does_not_keep_them_out() {
    for forged_a_second in [30, 1_000, 10_000].into_iter().skip(fewer(0, 2)) {
        nearly_all_are_in_time(&host(20, forged_a_second, Forger::AsHonest));
    }
}

#[test]
fn case_20_a_flood_from_real_addresses_in_up_to_32_prefixes_keeps_no_honest_client_out() {
    for (prefixes, forged_a_second) in
        [(1, 100), (1, 10_000), (8, 1_000), (32, 1_000)].into_iter().take(fewer(4, 1))
    {
        nearly_all_are_in_time(&host(20, forged_a_second, Forger::Real(prefixes)));
    }
}

#[test]
fn case_20_a_device_with_four_slots_lets_its_clients_in_through_a_flood_too() {
    for forged_a_second in [1_000, 10_000].into_iter().skip(fewer(0, 1)) {
        let world = World::<DEVICE_SLOTS, DEVICE_BUCKETS>::new(Settings::DEVICE, 1);
        nearly_all_are_in_time(&world.run(fewer(20, 4), forged(forged_a_second), Forger::Anywhere));
    }
    let world = World::<DEVICE_SLOTS, DEVICE_BUCKETS>::new(Settings::DEVICE, 1);
    nearly_all_are_in_time(&world.run(fewer(20, 4), forged(1_000), Forger::Real(1)));
}

#[test]
fn the_same_seed_makes_the_same_flood() {
    assert_eq!(host(5, 1_000, Forger::Anywhere), host(5, 1_000, Forger::Anywhere));
}
