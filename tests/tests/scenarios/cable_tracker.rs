//! A tracker on a board, and members on others: they find each other, again when the tracker was gone, and wait for seats.

use skep_tests::{Exchange, PlainRdt, PlainTcp, SealedRdt, SealedTcp, Simulated, Wiring};
use std::time::Duration;

const MEMBERS: usize = 2;

/// A cable that loses, doubles and reorders; the first one does not.
fn cable(seed: u64) -> Simulated {
    let much = if seed == 0 { 0 } else { 50 };
    Simulated::new(seed).both(|path| {
        path.loss = much;
        path.duplication = much;
        path.reordering = much;
    })
}

fn they_find_each_other<W: Wiring>() {
    for seed in 0..30 {
        let mut exchange = Exchange::<_, W>::new(cable(seed), MEMBERS, 8);
        exchange.world.steps_max = 1_000_000;
        exchange.run_until_all_know();
        // A tracker that was restarted knows nobody, and is told everything again.
        exchange.restart_tracker();
        exchange.run_until_all_miss_it();
        exchange.run_until_all_know();
        // One that is gone for a while is found again.
        exchange.kill_tracker();
        exchange.run_until_all_miss_it();
        exchange.world.run_for(Duration::from_secs(60));
        exchange.restart_tracker();
        exchange.run_until_all_know();
    }
}

#[test]
fn members_find_each_other_over_rdt() {
    they_find_each_other::<PlainRdt>();
}

#[test]
fn members_find_each_other_over_rdt_sealed() {
    they_find_each_other::<SealedRdt>();
}

#[test]
fn members_find_each_other_over_tcp() {
    they_find_each_other::<PlainTcp>();
}

#[test]
fn members_find_each_other_over_tcp_sealed() {
    they_find_each_other::<SealedTcp>();
}

/// Two seats, and four who want one: who has none waits, and is next when one who had one dies. Over TCP each takes a socket,
/// and one listens.
fn they_wait_for_seats<W: Wiring>() {
    for seed in 0..10 {
        let mut exchange = Exchange::<_, W>::new(cable(seed), 4, 2);
        exchange.world.steps_max = 1_000_000;
        let line = exchange.run_until_all_wait();
        let seated = exchange.seated();
        exchange.kill_member(seated[0]);
        exchange.run_until_seated(line[0]);
        assert!(!exchange.seated().contains(&line[1]), "seed {seed}: the second of the line has a seat");
        exchange.kill_member(seated[1]);
        exchange.run_until_seated(line[1]);
    }
}

#[test]
fn members_wait_for_seats_over_rdt() {
    they_wait_for_seats::<PlainRdt>();
}

#[test]
fn members_wait_for_seats_over_rdt_sealed() {
    they_wait_for_seats::<SealedRdt>();
}

#[test]
fn members_wait_for_seats_over_tcp() {
    they_wait_for_seats::<PlainTcp<5>>();
}

#[test]
fn members_wait_for_seats_over_tcp_sealed() {
    they_wait_for_seats::<SealedTcp<5>>();
}
