//! Connections on which nothing happens are parked. That changes nothing that anybody could see: what is sent, and when, is
//! the same to the byte as by connections that never are.

use skep_core::{
    rdt::{self, Connection, Language, Profile},
    table::Slot,
    tracker::{self, Tracker},
    wire::seal::Purpose,
};
use skep_tests::{
    Growing, Handle, Host, Node, Random, Scenario, Simulated, Wanderer, Way, World, memory::WINDOW_MAX,
};
use std::time::Duration;

/// The memories of a host, in which connections are never parked.
#[derive(Debug)]
struct Wakeful;

impl Profile for Wakeful {
    type Connections = Growing<Slot<Connection<Self>>, 256>;
    type Keep = Connection<Self>;
    type Index = <Host as Profile>::Index;
    type Backlog = <Host as Profile>::Backlog;
    type Replies = <Host as Profile>::Replies;
    type Segments = Growing<rdt::Segment, WINDOW_MAX>;
    type Transmissions = <Host as Profile>::Transmissions;
    type Stored = <Host as Profile>::Stored;
    type Outbox = <Host as Profile>::Outbox;
    type Pieces = <Host as Profile>::Pieces;
    type Controller = <Host as Profile>::Controller;
    type Trace = <Host as Profile>::Trace;
    type Tokens = <Host as Profile>::Tokens;
}

/// The networks of these tests: from good to bad.
fn network(seed: u64) -> Simulated {
    let mut random = Random::new(seed);
    let delay = Duration::from_micros(random.one_of(&[50, 1_000, 20_000]));
    let (loss, is_rough) = (random.one_of(&[0, 10, 100, 250]), random.happens(500));
    Simulated::new(seed).both(|path| {
        path.delay = delay;
        path.loss = loss;
        if is_rough {
            path.jitter = delay;
            path.duplication = 100;
            path.reordering = 100;
        }
    })
}

#[test]
fn files_go_as_they_do_over_connections_that_are_never_parked() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let way = random.one_of(&[Way::Download, Way::Upload]);
        let segment = random.one_of(&[210, 512, 1_405]);
        let size = random.one_of(&[0, 1, 7, 60]) * usize::from(segment) + random.below(3) as usize;
        let scenario = Scenario::new(way, size).own(random.one_of(&[1, 4, 64, 1_024]), segment).but(|it| {
            it.seed = seed;
            it.habits.feeds = random.one_of(&[1, 3, 64]);
            it.is_impatient = random.happens(125);
        });
        let scenario = if random.happens(500) { scenario.sealed(Purpose::Guest) } else { scenario };
        let parked = scenario.run_on::<_, Host, Host>(network(seed));
        let wakeful = scenario.run_on::<_, Wakeful, Wakeful>(network(seed));
        assert_eq!(parked.end(), wakeful.end(), "seed {seed}");
        assert_eq!(parked.world.network.hash(), wakeful.world.network.hash(), "seed {seed}");
        let statistics = |past: &skep_tests::Past| (past.outcome, past.statistics);
        assert_eq!(statistics(parked.sender()), statistics(wakeful.sender()), "seed {seed}");
        assert_eq!(statistics(parked.receiver()), statistics(wakeful.receiver()), "seed {seed}");
    }
}

type Hub = Tracker<tracker::Fixed<16, 16, 160, 512, 128, 32>>;

const CLIENTS: u64 = 8;

/// Clients of a tracker come, go and share for a minute, and are quiet for another. What all of them sent, and how many
/// of the tracker's connections are awake at the end.
fn a_day<P>(seed: u64) -> (u64, usize)
where
    P: Profile<Connections: Default, Index: Default, Replies: Default> + 'static,
{
    let settings = rdt::Settings { calls: 20, tries: 40, ..rdt::Settings::HOST };
    let mut world = World::new(network(seed));
    let hub: Handle<Node<P, Hub>> = world.add(|seat| {
        let tracker = Tracker::fixed(tracker::Settings::DEFAULT, [seed as u8 | 1; 32]);
        Node::new(seat, settings, seed, tracker)
    });
    let (address, until) = (world.address(hub), world.now() + Duration::from_secs(60));
    for number in 0..CLIENTS {
        let wanderer = Wanderer::new(seed, number, CLIENTS, until);
        let _: Handle<Node<P, Wanderer>> = world
            .add(|seat| Node::new(seat, settings, seed + number, wanderer).knowing(address, Language::Own));
    }
    world.run_for(Duration::from_secs(120));
    let awake = world.get(hub).endpoint.awake();
    (world.network.hash(), awake)
}

#[test]
fn a_tracker_and_its_clients_say_what_they_say_over_connections_that_are_never_parked() {
    for seed in 0..12 {
        let ((parked, awake), (wakeful, all)) = (a_day::<Host>(seed), a_day::<Wakeful>(seed));
        assert_eq!(parked, wakeful, "seed {seed}");
        assert!(awake < all, "{awake} of {all} are awake");
    }
}
