//! A tracker on a board, and members on others: they find each other, and again when the tracker was gone.

use skep_tests::{Exchange, PlainRdt, PlainTcp, SealedRdt, SealedTcp, Simulated, Wiring};
use std::time::Duration;

const MEMBERS: usize = 2;

fn they_find_each_other<W: Wiring>() {
    for seed in 0..30 {
        let loss = if seed == 0 { 0 } else { 50 };
        let cable = Simulated::new(seed).both(|path| {
            path.loss = loss;
            path.duplication = loss;
            path.reordering = loss;
        });
        let mut exchange = Exchange::<_, W>::new(cable, MEMBERS);
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
