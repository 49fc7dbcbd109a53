//! More call a tracker at once than it has room for, over a path on which each calls several times before it can be
//! answered. A call that was refused is answered when it comes again and there is room.

use skep_core::{
    rdt::{self, Error, Language},
    tracker::{self, Tracker},
    wire::seal::Purpose,
};
use skep_tests::{Handle, Host, Node, Seal, Simulated, Wanderer, World, sealed_settings};
use std::time::Duration;

const CLIENTS: u64 = 40;

/// Every call takes room, until it is known which of a client's it goes on with.
type Hub = Tracker<tracker::Fixed<64, 64, 640, 2_048, 512, 32>>;

/// How many callers the tracker refused, and how many clients were online and then heard nothing any more.
fn rush(seed: u64) -> (usize, usize) {
    let settings = sealed_settings(rdt::Settings::HOST);
    let network = Simulated::new(seed).both(|path| {
        path.delay = Duration::from_millis(300);
        path.jitter = Duration::from_millis(100);
    });
    let mut world = World::new(network);
    let hub: Handle<Node<Host, Hub>> = world.add(|seat| {
        let tracker = Tracker::fixed(tracker::Settings::DEFAULT, [7; 32]);
        let seal = Seal::new(0, &settings, seed, Purpose::Guest);
        Node::new(seat, settings, seed, tracker).sealed(seal)
    });
    let (address, until) = (world.address(hub), world.now() + Duration::from_secs(2));
    let mut clients: Vec<Handle<Node<Host, Wanderer>>> = Vec::new();
    for number in 0..CLIENTS {
        let wanderer = Wanderer::new(seed, number, CLIENTS, until);
        let seal = Seal::new(1 + number as u8, &settings, seed, Purpose::Guest);
        clients.push(world.add(|seat| {
            let node = Node::new(seat, settings, seed + number, wanderer).sealed(seal);
            node.knowing(address, Language::Own)
        }));
    }
    world.run_for(Duration::from_secs(60));
    let refused = world.get(hub).past.iter().filter(|past| past.outcome == Err(Error::Aborted)).count();
    let ends = clients.iter().flat_map(|client| &world.get(*client).past);
    let silent = ends.filter(|past| matches!(past.outcome, Err(Error::Silent { .. }))).count();
    assert!(clients.iter().all(|client| world.get(*client).service.is_online()), "seed {seed}");
    (refused, silent)
}

#[test]
fn who_was_refused_and_is_answered_at_last_keeps_its_session() {
    let mut all_refused = 0;
    for seed in 0..10 {
        let (refused, silent) = rush(seed);
        assert_eq!(silent, 0, "seed {seed}");
        all_refused += refused;
    }
    assert!(all_refused > 0, "there was room for all");
}
