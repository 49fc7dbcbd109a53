//! A tracker and fifty clients over RDT and over TCP, with losses, and a few on boards with a cable: everybody comes, goes,
//! dies, publishes, withdraws and fetches at random; when things are quiet every mirror is what the others share, and
//! nothing is taken.

use skep_core::{
    Instant,
    rdt::{self, Language},
    tracker::{self, Tracker},
};
use skep_smoltcp::Machine;
use skep_tests::{
    Board, BoardStorage, Card, Checked, Handle, Host, List, Member, Node, PlainRdt, PlainTcp, SealedRdt,
    SealedTcp, Seat, Simulated, Streams, Wanderer, Wiring, World, own_settings,
};
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

const CLIENTS: u64 = 50;
/// As many as the tracker on a board has connections for, besides one of who died.
const BOARDS: u64 = 3;
/// How long they are busy.
const BUSY: Duration = Duration::from_secs(60);
/// Long enough for the longest pause, for every dead session to be found, and for every time-out of a transfer.
const QUIET: Duration = Duration::from_secs(200);

/// How long the network loses nothing then: whom it has cut off by chance finds that out, and comes back.
const KIND: Duration = Duration::from_secs(60);

/// How many seeds are played, unless the environment says otherwise (`SKEP_SEEDS=1000`).
const SEEDS: u64 = 20;

fn seeds() -> u64 {
    std::env::var("SKEP_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

type Memories = tracker::Fixed<128, 64, 640, 2_048, 128, 32>;
type Hub = Tracker<Memories>;

/// A program, whatever carries its streams.
trait Program<S>: Member + Sized {
    /// It calls whom it knows.
    fn new(seat: Seat, seed: u64, service: S, knows: Option<SocketAddr>) -> Self;
    fn service(&self) -> &S;
    fn service_mut(&mut self) -> &mut S;
}

impl<S: Checked<Event: std::fmt::Debug> + 'static> Program<S> for Node<Host, S> {
    fn new(seat: Seat, seed: u64, service: S, knows: Option<SocketAddr>) -> Self {
        let rdt = rdt::Settings { calls: 20, tries: 40, ..rdt::Settings::HOST };
        let node = Self::new(seat, rdt, seed, service);
        match knows {
            Some(peer) => node.knowing(peer, Language::Own),
            None => node,
        }
    }

    fn service(&self) -> &S {
        &self.service
    }

    fn service_mut(&mut self) -> &mut S {
        &mut self.service
    }
}

impl<S: Checked + 'static> Program<S> for Streams<S> {
    fn new(seat: Seat, seed: u64, service: S, knows: Option<SocketAddr>) -> Self {
        let streams = Self::new(seat, seed, service);
        match knows {
            Some(peer) => streams.knowing(peer),
            None => streams,
        }
    }

    fn service(&self) -> &S {
        &self.service
    }

    fn service_mut(&mut self) -> &mut S {
        &mut self.service
    }
}

/// A board, whose tracker is on the first seat.
impl<S: Machine + Checked + 'static, W: Wiring> Program<S> for Board<S, W> {
    fn new(seat: Seat, seed: u64, service: S, knows: Option<SocketAddr>) -> Self {
        let number = seat.0 as u8;
        let wire = |stack: &mut _| {
            W::wire::<BoardStorage>(stack, own_settings(4, 1_000), seed, number, knows.is_none())
        };
        let board = Self::new(seat, Card::default(), service, BoardStorage::default(), seed, wire);
        if knows.is_some() { board.knowing_tracker() } else { board }
    }

    fn service(&self) -> &S {
        &self.driver.machine
    }

    fn service_mut(&mut self) -> &mut S {
        &mut self.driver.machine
    }
}

struct Scene<H, M> {
    world: World<Simulated>,
    hub: Handle<H>,
    members: Vec<Handle<M>>,
}

impl<H: Program<Hub>, M: Program<Wanderer>> Scene<H, M> {
    fn new(seed: u64, clients: u64, network: Simulated, settings: tracker::Settings) -> Self {
        let mut world = World::new(network);
        world.steps_max = 50_000_000;
        let tracker = Tracker::fixed(settings, [seed as u8 | 1; 32]);
        let hub = world.add(|seat| H::new(seat, seed, tracker, None));
        let (address, until) = (world.address(hub), world.now() + BUSY);
        let members = (0..clients)
            .map(|number| {
                let wanderer = Wanderer::new(seed, number, clients, until);
                world.add(|seat| M::new(seat, seed + number, wanderer, Some(address)))
            })
            .collect();
        Self { world, hub, members }
    }

    fn tracker(&self) -> &Hub {
        self.world.get(self.hub).service()
    }

    fn wanderers(&self) -> impl Iterator<Item = &Wanderer> {
        self.members.iter().map(|member| self.world.get(*member).service())
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
        assert_eq!(tracker.files(), list.values().map(BTreeMap::len).sum::<usize>());
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
            self.world.get_mut(member).service_mut().leave(now);
        }
        self.world.run_for(QUIET);
        let tracker = self.tracker();
        assert_eq!((tracker.links(), tracker.online(), tracker.files(), tracker.chunks()), (0, 0, 0, 0));
        assert_eq!((tracker.seats_taken(), tracker.waiting(), tracker.transfers()), (0, 0, 0));
        assert!(self.wanderers().all(|wanderer| !wanderer.is_online()));
    }
}

/// How often somebody died, how many downloads could begin, and how often somebody logged in.
fn busy_then_quiet<H: Program<Hub>, M: Program<Wanderer>>(seed: u64, clients: u64, loss: u32) -> [u64; 3] {
    let network = Simulated::new(seed).both(|path| {
        path.loss = loss;
        path.duplication = loss / 5;
        path.reordering = loss / 2;
    });
    let mut scene = Scene::<H, M>::new(seed, clients, network, tracker::Settings::DEFAULT);
    scene.world.run_for(BUSY + QUIET);
    let (up, down) = scene.world.network.paths();
    (up.loss, down.loss) = (0, 0);
    scene.world.run_for(KIND);
    scene.check(clients as usize);
    let counters = scene.tracker().counters();
    let deaths = scene.wanderers().map(|wanderer| wanderer.deaths).sum();
    let begun = scene.wanderers().map(|wanderer| wanderer.begun).sum();
    scene.end();
    [deaths, begun, counters.logins]
}

/// It must have gone everywhere, or it has shown nothing.
fn fifty<H: Program<Hub>, M: Program<Wanderer>>(losses: [u32; 3]) {
    for seed in 1..=seeds() {
        let counts = busy_then_quiet::<H, M>(seed, CLIENTS, losses[seed as usize % 3]);
        assert!(counts.iter().zip([20, 20, 100]).all(|(count, least)| *count > least), "{counts:?}");
    }
}

/// The same of all seeds together.
fn boards<W: Wiring>() {
    let mut sum = [0; 3];
    for seed in 1..=seeds() {
        let loss = [0, 20, 50][seed as usize % 3];
        let counts = busy_then_quiet::<Board<Hub, W>, Board<Wanderer, W>>(seed, BOARDS, loss);
        sum = std::array::from_fn(|place| sum[place] + counts[place]);
    }
    assert!(sum.iter().zip([20, 20, 100]).all(|(count, least)| *count > least), "{sum:?}");
}

fn cut_off<H: Program<Hub>, M: Program<Wanderer>>(seed: u64) {
    let (from, to) = (Instant::from_micros(20_000_000), Instant::from_micros(55_000_000));
    let network = Simulated::new(seed).both(|path| path.cuts.push(from..to));
    let mut scene = Scene::<H, M>::new(seed, CLIENTS, network, tracker::Settings::DEFAULT);
    scene.world.run_for(BUSY + QUIET);
    scene.check(CLIENTS as usize);
    scene.end();
}

fn one_seat<H: Program<Hub>, M: Program<Wanderer>>(seed: u64) {
    let settings = tracker::Settings { seats: 1, waiting: 60, transfers: 1, ..tracker::Settings::DEFAULT };
    let network = Simulated::new(seed).both(|path| path.loss = 50);
    let mut scene = Scene::<H, M>::new(seed, CLIENTS, network, settings);
    scene.world.run_for(BUSY + QUIET);
    scene.check(1);
    assert_eq!(scene.tracker().waiting() as u64, CLIENTS - 1);
    scene.end();
}

#[test]
fn fifty_who_come_and_go_at_random_over_a_network_that_loses_know_the_same_when_it_is_quiet() {
    fifty::<Node<Host, Hub>, Node<Host, Wanderer>>([0, 100, 250]);
}

#[test]
fn so_do_fifty_over_tcp() {
    fifty::<Streams<Hub>, Streams<Wanderer>>([0, 50, 150]);
}

#[test]
fn so_do_a_few_on_boards_over_rdt() {
    boards::<PlainRdt>();
}

#[test]
fn so_do_a_few_on_boards_over_rdt_sealed() {
    boards::<SealedRdt>();
}

#[test]
fn so_do_a_few_on_boards_over_tcp() {
    boards::<PlainTcp<6>>();
}

#[test]
fn so_do_a_few_on_boards_over_tcp_sealed() {
    boards::<SealedTcp<6>>();
}

#[test]
fn after_the_network_was_cut_for_all_everybody_knows_what_was_missed() {
    for seed in 5..8 {
        cut_off::<Node<Host, Hub>, Node<Host, Wanderer>>(seed);
        cut_off::<Streams<Hub>, Streams<Wanderer>>(seed);
    }
}

#[test]
fn with_one_seat_they_take_turns_and_nobody_is_there_twice() {
    for seed in 7..10 {
        one_seat::<Node<Host, Hub>, Node<Host, Wanderer>>(seed);
        one_seat::<Streams<Hub>, Streams<Wanderer>>(seed);
    }
}
