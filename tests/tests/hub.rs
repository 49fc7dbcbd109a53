//! A tracker and fifty clients over RDT, with losses: everybody comes, goes, dies, publishes, withdraws and fetches at
//! random; when things are quiet every mirror is what the others share, and nothing is taken.

use skep_core::{
    Instant,
    rdt::{self, Language},
    tracker::{self, Tracker},
};
use skep_tests::{Handle, Host, List, Node, Simulated, Wanderer, World};
use std::time::Duration;

const CLIENTS: u64 = 50;
/// How long they are busy.
const BUSY: Duration = Duration::from_secs(60);
/// Long enough for the longest pause, for every dead session to be found, and for every time-out of a transfer.
const QUIET: Duration = Duration::from_secs(200);

type Memories = tracker::Fixed<128, 64, 640, 1_024, 128, 32>;
type Hub = Node<Host, Tracker<Memories>>;
type Member = Node<Host, Wanderer>;

struct Scene {
    world: World<Simulated>,
    hub: Handle<Hub>,
    members: Vec<Handle<Member>>,
}

impl Scene {
    fn new(seed: u64, network: Simulated, settings: tracker::Settings) -> Self {
        let mut world = World::new(network);
        let rdt = rdt::Settings { calls: 20, tries: 40, ..rdt::Settings::HOST };
        let hub =
            world.add(|seat| Node::new(seat, rdt, seed, Tracker::fixed(settings, [seed as u8 | 1; 32])));
        let (address, until) = (world.address(hub), world.now() + BUSY);
        let members = (0..CLIENTS)
            .map(|number| {
                let wanderer = Wanderer::new(number, CLIENTS, until);
                world
                    .add(|seat| Node::new(seat, rdt, seed + number, wanderer).knowing(address, Language::Own))
            })
            .collect();
        Self { world, hub, members }
    }

    fn tracker(&self) -> &Tracker<Memories> {
        &self.world.get(self.hub).service
    }

    fn wanderers(&self) -> impl Iterator<Item = &Wanderer> {
        self.members.iter().map(|member| &self.world.get(*member).service)
    }

    /// Every mirror is what the others who are there share.
    fn check(&self, online: usize) {
        let list: List = self
            .wanderers()
            .filter(|wanderer| wanderer.is_online())
            .map(|wanderer| (wanderer.name().to_owned(), wanderer.shares.clone()))
            .collect();
        let tracker = self.tracker();
        assert_eq!(
            (list.len(), tracker.online() as usize, tracker.seats_taken() as usize),
            (online, online, online)
        );
        assert_eq!(tracker.files(), list.values().map(std::collections::BTreeMap::len).sum::<usize>());
        assert_eq!(tracker.transfers(), 0, "a slot is taken");
        for wanderer in self.wanderers().filter(|wanderer| wanderer.is_online()) {
            let mut expected = list.clone();
            expected.remove(wanderer.name());
            assert_eq!(wanderer.list(), expected, "{}", wanderer.name());
        }
    }

    /// All leave: nothing is left.
    fn end(&mut self) {
        let now = self.world.now();
        for member in self.members.clone() {
            self.world.get_mut(member).service.leave(now);
        }
        self.world.run_for(QUIET);
        let tracker = self.tracker();
        assert_eq!((tracker.links(), tracker.online(), tracker.files(), tracker.chunks()), (0, 0, 0, 0));
        assert_eq!((tracker.seats_taken(), tracker.waiting(), tracker.transfers()), (0, 0, 0));
        assert!(self.wanderers().all(|wanderer| !wanderer.is_online()));
    }
}

#[test]
fn fifty_who_come_and_go_at_random_over_a_network_that_loses_know_the_same_when_it_is_quiet() {
    for (seed, loss) in [(1, 0), (2, 100), (3, 250)] {
        let network = Simulated::new(seed).both(|path| {
            path.loss = loss;
            path.duplication = loss / 5;
            path.reordering = loss / 2;
        });
        let mut scene = Scene::new(seed, network, tracker::Settings::DEFAULT);
        scene.world.run_for(BUSY + QUIET);
        scene.check(CLIENTS as usize);
        let counters = scene.tracker().counters();
        let deaths: u64 = scene.wanderers().map(|wanderer| wanderer.deaths).sum();
        let begun: u64 = scene.wanderers().map(|wanderer| wanderer.begun).sum();
        // It must have gone everywhere, or it has shown nothing.
        assert!(deaths > 20 && begun > 20 && counters.logins > 100, "{deaths} {begun} {counters:?}");
        scene.end();
    }
}

#[test]
fn after_the_network_was_cut_for_all_everybody_knows_what_was_missed() {
    let (from, to) = (Instant::from_micros(20_000_000), Instant::from_micros(55_000_000));
    let network = Simulated::new(5).both(|path| path.cuts.push(from..to));
    let mut scene = Scene::new(5, network, tracker::Settings::DEFAULT);
    scene.world.run_for(BUSY + QUIET);
    scene.check(CLIENTS as usize);
    scene.end();
}

#[test]
fn with_one_seat_they_take_turns_and_nobody_is_there_twice() {
    let settings = tracker::Settings { seats: 1, waiting: 60, transfers: 1, ..tracker::Settings::DEFAULT };
    let network = Simulated::new(7).both(|path| path.loss = 50);
    let mut scene = Scene::new(7, network, settings);
    scene.world.run_for(BUSY + QUIET);
    scene.check(1);
    assert_eq!(scene.tracker().waiting() as u64, CLIENTS - 1);
    scene.end();
}
