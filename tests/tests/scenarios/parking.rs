//! Connections on which nothing happens are parked. That changes nothing that anybody could see: what is sent, and when, is
//! the same to the byte as by connections that never are.

use skep_core::{
    rdt::{self, Connection, Language, Profile},
    stream::Service,
    table::Slot,
    tracker::{self, Tracker},
    wire::seal::Purpose,
};
use skep_tests::{
    Growing, Handle, Host, Node, Random, Scenario, Seal, Seat, Simulated, Wanderer, Way, World,
    host::{Listener, WINDOW_MAX},
    sealed_settings,
};
use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

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
    Simulated::new(seed).made_bad(&mut Random::new(seed), 250, 500, 0)
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

type Hub = Tracker<tracker::Fixed<16, 16, 160, 1024, 128, 32>>;

const CLIENTS: u64 = 8;

/// Memories of either kind.
trait Room: Profile<Connections: Default, Index: Default, Replies: Default, Trace = Listener> + 'static {}

impl Room for Host {}
impl Room for Wakeful {}

/// Clients of a tracker come, go and share for a minute, and are quiet then.
struct Day<P: Profile> {
    seed: u64,
    settings: rdt::Settings,
    is_sealed: bool,
    world: World<Simulated>,
    hub: Handle<Node<P, Hub>>,
    clients: Vec<Handle<Node<P, Wanderer>>>,
}

impl<P: Room> Day<P> {
    fn new(network: Simulated, seed: u64, is_sealed: bool) -> Self {
        let settings = rdt::Settings { calls: 20, tries: 40, ..rdt::Settings::HOST };
        let settings = if is_sealed { sealed_settings(settings) } else { settings };
        let mut world = World::new(network);
        let hub = world.add(|seat| Self::hub(seat, settings, seed, is_sealed));
        let mut day = Self { seed, settings, is_sealed, world, hub, clients: Vec::new() };
        let (address, until) = (day.world.address(hub), day.world.now() + Duration::from_secs(60));
        for number in 0..CLIENTS {
            let wanderer = Wanderer::new(seed, number, CLIENTS, until);
            day.clients.push(day.world.add(|seat| {
                let node = Node::new(seat, settings, seed + number, wanderer).knowing(address, Language::Own);
                sealed(node, 1 + number as u8, &settings, seed, is_sealed)
            }));
        }
        day
    }

    fn hub(seat: Seat, settings: rdt::Settings, seed: u64, is_sealed: bool) -> Node<P, Hub> {
        let tracker = Tracker::fixed(tracker::Settings::DEFAULT, [seed as u8 | 1; 32]);
        sealed(Node::new(seat, settings, seed, tracker), 0, &settings, seed, is_sealed)
    }

    fn run(&mut self, seconds: u64) {
        self.world.run_for(Duration::from_secs(seconds));
    }

    /// The tracker forgets everything, and starts again.
    fn restart(&mut self) {
        let (settings, seed, is_sealed) = (self.settings, self.seed + 1, self.is_sealed);
        self.hub = self.world.replace(self.hub, |seat| Self::hub(seat, settings, seed, is_sealed));
    }

    /// How many of the tracker's connections are awake.
    fn awake(&self) -> usize {
        self.world.get(self.hub).endpoint.awake()
    }

    /// What everybody sent.
    fn hash(&self) -> u64 {
        self.world.network.hash()
    }

    fn online(&self) -> usize {
        let is_online = |client: &&Handle<Node<P, Wanderer>>| self.world.get(**client).service.is_online();
        self.clients.iter().filter(is_online).count()
    }
}

fn sealed<P: Profile, S: Service>(
    node: Node<P, S>,
    number: u8,
    settings: &rdt::Settings,
    seed: u64,
    is_sealed: bool,
) -> Node<P, S> {
    if is_sealed { node.sealed(Seal::new(number, settings, seed, Purpose::Guest)) } else { node }
}

#[test]
fn a_tracker_and_its_clients_say_what_they_say_over_connections_that_are_never_parked() {
    fn play<P: Room>(seed: u64) -> (u64, usize) {
        let mut day = Day::<P>::new(network(seed), seed, false);
        day.run(120);
        (day.hash(), day.awake())
    }
    for seed in 0..12 {
        let ((parked, awake), (wakeful, all)) = (play::<Host>(seed), play::<Wakeful>(seed));
        assert_eq!(parked, wakeful, "seed {seed}");
        assert!(awake < all, "{awake} of {all} are awake");
    }
}

#[test]
fn clients_whose_connections_are_parked_find_a_tracker_that_was_restarted() {
    fn play<P: Room>(seed: u64) -> (u64, usize) {
        let mut day = Day::<P>::new(network(seed), seed, false);
        day.run(90);
        day.restart();
        day.run(60);
        (day.hash(), day.online())
    }
    for seed in 0..6 {
        let ((parked, online), wakeful) = (play::<Host>(seed), play::<Wakeful>(seed));
        assert_eq!((parked, online), wakeful, "seed {seed}");
        assert!(online > 0, "seed {seed}");
    }
}

#[test]
fn a_client_whose_address_changes_while_its_connection_is_parked_is_heard_and_told_of_others() {
    fn play<P: Room>(seed: u64) -> (u64, usize, u64) {
        // Of a move that is lost three times a client learns when it is too late.
        let mut day = Day::<P>::new(Simulated::new(seed), seed, true);
        day.run(90);
        let online = day.online();
        day.world.network.readdress();
        day.run(60);
        assert_eq!(day.online(), online, "seed {seed}: nobody had to log in again");
        let moved = day.world.get(day.hub).seal.as_ref().unwrap().layer.counters().moved;
        (day.hash(), online, moved)
    }
    for seed in 0..6 {
        let (parked, online, moved) = play::<Host>(seed);
        assert_eq!((parked, online, moved), play::<Wakeful>(seed), "seed {seed}");
        assert!(online > 0 && moved == online as u64, "seed {seed}: {moved} of {online}");
    }
}

#[test]
fn a_trace_tells_of_a_parked_connection_what_it_tells_of_one_that_is_not() {
    fn play<P: Room>(seed: u64) -> (u64, String) {
        let mut day = Day::<P>::new(network(seed), seed, false);
        day.run(70);
        let text = Arc::new(Mutex::new(String::new()));
        let hub = day.world.get_mut(day.hub);
        let connections: Vec<_> = hub.connections().collect();
        for (number, connection) in connections.into_iter().enumerate() {
            let text = Arc::clone(&text);
            hub.endpoint.trace(connection).unwrap().set(move |now, happened| {
                let _ = writeln!(text.lock().unwrap(), "{number} {now:?} {happened:?}");
            });
        }
        day.run(60);
        let told = text.lock().unwrap().clone();
        (day.hash(), told)
    }
    for seed in 0..6 {
        let (parked, wakeful) = (play::<Host>(seed), play::<Wakeful>(seed));
        assert_eq!(parked, wakeful, "seed {seed}");
        let (_, told) = parked;
        assert!(told.lines().count() > 1, "seed {seed}");
    }
}
