//! Members and a tracker on loopback, in one process.

mod lossy;

use super::{Arrival, Node, Plan};
use crate::{
    args::{Login, Via},
    driver::{Driver, NoFiles, Subject},
    gate::{Admission, Gate},
    identity::Fingerprint,
    member::{Accept, DownloadId, Event, Travel, Trouble},
    url::Host,
};
use lossy::Lossy;
use mio::Events;
use skep_core::{
    Instant,
    files::Outcome,
    seal::{
        KeyPair, RustCrypto, Secret,
        layer::{Access, Caller, Decision},
    },
    stream::{Action, FileId, Service, StreamId},
    tracker::{self, Dialect, Peer, Tracker},
    wire::{
        seal::Purpose,
        session::{Code, FileInfo},
    },
};
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant as Clock},
};
use tempfile::TempDir;

type Room = tracker::Fixed<64, 32, 256, 1024, 32, 16>;

const SESSIONS: usize = 0;
const RELAYS: usize = 1;

struct Everybody;

impl Access for Everybody {
    fn decide(&mut self, caller: &Caller, _: bool) -> Decision {
        Decision::admit_if(caller.purpose == Purpose::Member)
    }
}

impl Subject for tracker::Event {
    fn subject(&self) -> (Option<StreamId>, Option<FileId>) {
        (None, None)
    }
}

/// A tracker in a thread.
struct Host7 {
    port: u16,
    key: Fingerprint,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

fn admit(tracker: &mut Tracker<Room>, now: Instant, admission: &Admission) -> bool {
    let dialect = if admission.label == RELAYS { Dialect::Relay } else { Dialect::Session };
    let key = admission.caller.and_then(|caller| caller.key).map(|key| key.0);
    let peer = Peer { key, ..Peer::at(admission.peer.ip()) };
    tracker.opened_as(now, admission.stream, dialect, &peer)
}

impl Host7 {
    fn start(settings: tracker::Settings) -> Self {
        let secret = Secret::new([7; 32]);
        let key = *KeyPair::<RustCrypto>::new(secret.clone()).public();
        let mut driver = Driver::new(Tracker::<Room>::fixed(settings, [9; 32]), NoFiles, admit).unwrap();
        driver.identify(&secret, Gate::new(Arc::new(Mutex::new(Everybody)))).unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let bound = driver.listen_tcp_tracker(any, SESSIONS, RELAYS).unwrap();
        driver.bind_sealed(bound, skep_core::rdt::Settings::HOST, SESSIONS).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut events = Events::with_capacity(64);
            while !stopped.load(Ordering::Relaxed) {
                driver.turn(&mut events, Some(Duration::from_millis(20))).unwrap();
                driver.events.clear();
                driver.gone.clear();
            }
            driver.abort_all();
        });
        Self { port: bound.port(), key: Fingerprint::new(key).unwrap(), stop, thread: Some(thread) }
    }
}

impl Drop for Host7 {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

/// Who a member of a test is.
#[derive(Clone, Copy)]
struct Who {
    name: &'static str,
    via: Option<Via>,
    accept: Accept,
    /// Its door cannot be reached where the tracker sees it.
    is_shut: bool,
    /// Of every so many datagrams to the tracker and from there one is lost.
    loses: Option<u32>,
    /// Its way to the tracker takes one connection by TCP, and no more.
    calls_once: bool,
}

impl Who {
    fn new(name: &'static str) -> Self {
        Self { name, via: None, accept: Accept::All, is_shut: false, loses: None, calls_once: false }
    }
}

/// Members that take their turns in one thread, so that nothing depends on who is faster.
struct World {
    tracker: Host7,
    home: TempDir,
    nodes: Vec<(Node, Vec<Event>)>,
    /// The paths that lose something.
    paths: Vec<Lossy>,
    /// A member that does nothing at present.
    asleep: Option<usize>,
}

impl World {
    fn new(members: &[Who]) -> Self {
        let mut world = Self {
            tracker: Host7::start(tracker::Settings::DEFAULT),
            home: tempfile::tempdir().unwrap(),
            nodes: Vec::new(),
            paths: Vec::new(),
            asleep: None,
        };
        for who in members {
            world.join(who);
        }
        world
    }

    fn join(&mut self, who: &Who) {
        let port = match who.loses {
            None if who.calls_once => one_connection(self.tracker.port),
            None => self.tracker.port,
            Some(loses) => {
                let path = Lossy::start(self.tracker.port, loses);
                self.paths.push(path);
                self.paths.last().unwrap().port
            }
        };
        let link = format!("skep://{}@127.0.0.1:{port}/", self.tracker.key);
        let login = Login {
            server: None,
            link_file: None,
            name: Some(who.name.to_owned()),
            password: false,
            password_file: None,
            key: Some(self.path(who.name, "keys").join("key")),
            via: who.via,
            timeout: Duration::from_secs(10),
        };
        let (shared, downloads) = (self.path(who.name, "shared"), self.path(who.name, "downloads"));
        fs::create_dir_all(&shared).unwrap();
        // The tracker sees 127.0.0.1.
        let elsewhere = Host { name: "127.0.0.2".to_owned(), port: 0 };
        let plan = Plan {
            shared: Some(&shared),
            downloads: &downloads,
            replace: false,
            wants_list: true,
            accept: who.accept,
            door: Some(who.is_shut.then_some(&elsewhere)),
            plain: false,
        };
        self.nodes.push((
            Node::new(Arrival::new(&link.parse().unwrap(), &login, who.name).unwrap(), &plan).unwrap(),
            Vec::new(),
        ));
        let number = self.nodes.len() - 1;
        self.until(number, |event| matches!(event, Event::Listed));
    }

    fn path(&self, who: &str, what: &str) -> PathBuf {
        self.home.path().join(who).join(what)
    }

    fn turn(&mut self) {
        for (number, (node, told)) in self.nodes.iter_mut().enumerate() {
            if self.asleep == Some(number) {
                continue;
            }
            node.turn(Some(Duration::from_millis(1))).unwrap();
            told.extend(node.news.drain(..));
        }
    }

    /// Goes on until a member is told something; what that was.
    fn until(&mut self, number: usize, is_it: impl Fn(&Event) -> bool) -> Event {
        let patience = Clock::now() + Duration::from_secs(60);
        loop {
            let told = &mut self.nodes[number].1;
            if let Some(at) = told.iter().position(&is_it) {
                return told.drain(..=at).next_back().unwrap();
            }
            assert!(Clock::now() < patience, "{number} was told {told:?}");
            self.turn();
        }
    }

    fn share(&mut self, number: usize, who: &str, name: &str, content: &[u8], hash: bool) {
        let path = self.path(who, "shared").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        let hash = hash.then(|| *blake3::hash(content).as_bytes());
        let info = FileInfo { length: content.len() as u64, flags: 0, hash };
        assert!(self.nodes[number].0.driver.service.publish(name, info));
        for other in (0..self.nodes.len()).filter(|other| *other != number) {
            self.until(other, |event| matches!(event, Event::Shared { name: told, .. } if **told == *name));
        }
    }

    fn get(&mut self, number: usize, from: (&str, &str), local: &str, relayed: bool) -> DownloadId {
        let node = &mut self.nodes[number].0;
        let now = node.driver.now();
        node.driver.service.download(now, from, local, relayed).unwrap()
    }

    fn outcome(&mut self, number: usize) -> Result<u64, Trouble> {
        match self.until(number, |event| matches!(event, Event::Got { .. })) {
            Event::Got { outcome, .. } => outcome,
            _ => unreachable!(),
        }
    }

    fn travelled(&mut self, number: usize) -> Travel {
        match self.until(number, |event| matches!(event, Event::Getting { .. })) {
            Event::Getting { travel, .. } => travel,
            _ => unreachable!(),
        }
    }
}

fn content(size: usize) -> Vec<u8> {
    (0..size as u32).flat_map(|number| number.wrapping_mul(0x9e37_79b1).to_le_bytes()).take(size).collect()
}

#[test]
fn a_relay_joins_whatever_its_two_ends_have() {
    for (one, other) in [(Via::Udp, Via::Udp), (Via::Udp, Via::Tcp), (Via::Tcp, Via::Udp)] {
        let (ana, eva) = (Who::new("ana"), Who::new("eva"));
        let mut world = World::new(&[Who { via: Some(one), ..ana }, Who { via: Some(other), ..eva }]);
        for size in [0, 1, 3 << 20] {
            let name = size.to_string();
            world.share(0, "ana", &name, &content(size), true);
            world.get(1, ("ana", &name), &name, true);
            assert_eq!(world.travelled(1), Travel::Relayed);
            assert_eq!(world.outcome(1), Ok(size as u64), "{one:?} to {other:?}");
            assert!(fs::read(world.path("eva", "downloads").join(&name)).unwrap() == content(size));
        }
    }
}

#[test]
fn a_relay_over_udp_that_loses_delivers_every_byte() {
    let lossy = |name| Who { via: Some(Via::Udp), loses: Some(40), ..Who::new(name) };
    let mut world = World::new(&[lossy("ana"), lossy("eva")]);
    world.share(0, "ana", "file", &content(1 << 20), true);
    world.get(1, ("ana", "file"), "got", true);
    assert_eq!(world.outcome(1), Ok(1 << 20));
    assert!(fs::read(world.path("eva", "downloads").join("got")).unwrap() == content(1 << 20));
    assert!(world.paths.iter().all(|path| path.lost() > 0));
}

#[test]
fn who_takes_nothing_in_of_a_relay_over_udp_does_not_hold_up_who_does() {
    let by_udp = |name| Who { via: Some(Via::Udp), ..Who::new(name) };
    let mut world = World::new(&[by_udp("ana"), by_udp("eva"), by_udp("bob")]);
    world.share(0, "ana", "file", &content(2 << 20), true);
    world.get(1, ("ana", "file"), "got", true);
    world.until(1, |event| matches!(event, Event::Getting { .. }));
    world.asleep = Some(1);
    world.get(2, ("ana", "file"), "got", true);
    assert_eq!(world.outcome(2), Ok(2 << 20));
    world.asleep = None;
    assert_eq!(world.outcome(1), Ok(2 << 20));
    assert!(fs::read(world.path("eva", "downloads").join("got")).unwrap() == content(2 << 20));
}

#[test]
fn files_go_from_door_to_door_and_through_the_tracker() {
    for via in [Via::Udp, Via::Tcp] {
        let who = |name| Who { via: Some(via), ..Who::new(name) };
        let mut world = World::new(&[who("ana"), who("ben")]);
        for (size, relayed) in [(0, false), (1, true), (3 << 20, false), (3 << 20, true)] {
            let name = format!("sub/{size}{relayed}");
            let bytes = content(size);
            world.share(0, "ana", &name, &bytes, true);
            world.get(1, ("ana", &name), "got", relayed);
            let direct = if via == Via::Udp { Travel::Udp } else { Travel::Tcp };
            assert_eq!(world.travelled(1), if relayed { Travel::Relayed } else { direct });
            assert_eq!(world.outcome(1), Ok(size as u64), "{via:?} {name}");
            let got = world.path("ben", "downloads").join("got");
            assert!(fs::read(&got).unwrap() == bytes);
            fs::remove_file(got).unwrap();
            let served = world.until(0, |event| matches!(event, Event::Served { .. }));
            assert!(
                matches!(served, Event::Served { user, outcome: Some(Outcome::Done), .. } if &*user == "ben")
            );
        }
        for _ in 0..20 {
            world.turn();
        }
        assert!(world.nodes.iter().all(|(node, _)| node.driver.service.is_idle()));
    }
}

#[test]
fn a_download_that_is_given_up_leaves_nothing_and_may_begin_anew() {
    let mut world = World::new(&[Who::new("ana"), Who::new("ben")]);
    world.share(0, "ana", "file", &content(8 << 20), true);
    let download = world.get(1, ("ana", "file"), "got", false);
    world.until(1, |event| matches!(event, Event::Getting { .. }));
    let downloads = world.path("ben", "downloads");
    let unfinished = || fs::read_dir(&downloads).unwrap().count();
    assert_eq!(unfinished(), 1);
    let node = &mut world.nodes[1].0;
    node.driver.service.cancel(node.driver.now(), download);
    assert_eq!(world.outcome(1), Err(Trouble::Code(Code::Done)));
    // A thread removes it.
    for _ in 0..1_000 {
        if unfinished() == 0 {
            break;
        }
        world.turn();
    }
    assert_eq!(unfinished(), 0);
    world.get(1, ("ana", "file"), "got", false);
    assert_eq!(world.outcome(1), Ok(8 << 20));
}

#[test]
fn an_owner_whose_door_cannot_be_reached_is_reached_through_the_tracker() {
    let mut world = World::new(&[Who { is_shut: true, ..Who::new("ana") }, Who::new("ben")]);
    world.share(0, "ana", "file", b"content", false);
    world.get(1, ("ana", "file"), "got", false);
    assert_eq!(world.travelled(1), Travel::Relayed);
    assert_eq!(world.outcome(1), Ok(7));
}

#[test]
fn an_owner_without_a_door_waits_for_nobody_there() {
    let mut world = World::new(&[Who::new("ana"), Who::new("ben")]);
    world.share(0, "ana", "file", b"content", false);
    world.nodes[0].0.driver.service.set_door((0, 0), 0);
    world.get(1, ("ana", "file"), "got", false);
    assert_eq!(world.travelled(1), Travel::Relayed);
    assert_eq!(world.outcome(1), Ok(7));
    world.until(0, |event| matches!(event, Event::Served { outcome: Some(Outcome::Done), .. }));
    let ana = &mut world.nodes[0].0.driver;
    let (later, mut room) = (ana.now() + Duration::from_secs(50), [0; 1 << 10]);
    loop {
        match ana.service.poll(later, &mut room) {
            Action::Wait(_) => break,
            Action::Event(event) => assert!(!matches!(event, Event::Served { .. }), "{event:?}"),
            _ => {}
        }
    }
}

#[test]
fn an_owner_whose_datagrams_are_lost_is_reached_over_tcp() {
    let mut world = World::new(&[Who::new("ana"), Who::new("ben")]);
    world.share(0, "ana", "file", b"content", false);
    let ana = &mut world.nodes[0].0.driver.service;
    let (tcp, rdt) = ana.door();
    let path = Lossy::one_way(rdt);
    ana.set_door((tcp, path.port), 0);
    world.get(1, ("ana", "file"), "got", false);
    assert_eq!(world.travelled(1), Travel::Tcp);
    assert_eq!(world.outcome(1), Ok(7));
    assert!(path.lost() > 0);
}

#[test]
fn an_owner_who_breaks_off_at_the_door_is_reached_through_the_tracker() {
    let mut world = World::new(&[Who::new("ana"), Who::new("ben")]);
    world.share(0, "ana", "file", b"content", false);
    let ana = &mut world.nodes[0].0.driver.service;
    let (tcp, _) = ana.door();
    ana.set_door((ends_behind_the_handshake(tcp), 0), 0);
    world.get(1, ("ana", "file"), "got", false);
    assert_eq!(world.travelled(1), Travel::Relayed);
    assert_eq!(world.outcome(1), Ok(7));
}

/// A way by TCP to a port on loopback for one connection.
fn one_connection(to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut front, _) = listener.accept().unwrap();
        drop(listener);
        let mut back = TcpStream::connect(("127.0.0.1", to)).unwrap();
        let (mut front_too, mut back_too) = (front.try_clone().unwrap(), back.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut front_too, &mut back_too));
        let _ = std::io::copy(&mut back, &mut front);
    });
    port
}

#[test]
fn an_owner_that_does_not_get_to_the_relay_cannot_be_reached() {
    let ana = Who { via: Some(Via::Tcp), calls_once: true, ..Who::new("ana") };
    let mut world = World::new(&[ana, Who::new("ben")]);
    world.share(0, "ana", "file", b"content", false);
    world.get(1, ("ana", "file"), "got", true);
    // Whose own stream was turned away first knows that, too.
    let outcome = world.outcome(1);
    assert!(matches!(outcome, Err(Trouble::Unreachable(_))), "{outcome:?}");
}

/// A way by TCP to a port on loopback that ends when each side has said its first words.
fn ends_behind_the_handshake(to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut front, _) = listener.accept().unwrap();
        let mut back = TcpStream::connect(("127.0.0.1", to)).unwrap();
        let mut words = [0; 1_024];
        let count = front.read(&mut words).unwrap();
        back.write_all(&words[..count]).unwrap();
        let count = back.read(&mut words).unwrap();
        front.write_all(&words[..count]).unwrap();
    });
    port
}

#[test]
fn an_owner_is_asked_once_also_when_its_door_cannot_be_reached() {
    let ana = Who { is_shut: true, accept: Accept::Ask, ..Who::new("ana") };
    let mut world = World::new(&[ana, Who::new("ben")]);
    world.share(0, "ana", "file", b"content", false);
    // And again when it was got.
    for local in ["first", "second"] {
        world.get(1, ("ana", "file"), local, false);
        let asked = world.until(0, |event| matches!(event, Event::Asked { .. }));
        let Event::Asked { upload, .. } = asked else { unreachable!() };
        let node = &mut world.nodes[0].0;
        let now = node.driver.now();
        assert!(node.driver.service.accept(now, upload));
        assert_eq!(world.travelled(1), Travel::Relayed);
        assert_eq!(world.outcome(1), Ok(7));
    }
}

#[test]
fn what_is_not_what_was_announced_leaves_nothing() {
    for relayed in [false, true] {
        let mut world = World::new(&[Who::new("ana"), Who::new("ben")]);
        world.share(0, "ana", "file", b"content", true);
        fs::write(world.path("ana", "shared").join("file"), "another").unwrap();
        world.get(1, ("ana", "file"), "got", relayed);
        assert_eq!(world.outcome(1), Err(Trouble::Differs));
        // Longer than was said: it is not even taken.
        fs::write(world.path("ana", "shared").join("file"), "more than that").unwrap();
        world.get(1, ("ana", "file"), "got", relayed);
        assert!(matches!(world.outcome(1), Err(Trouble::Failed(_))));
        let left = fs::read_dir(world.path("ben", "downloads")).map_or(0, Iterator::count);
        assert_eq!(left, 0);
    }
}

#[test]
fn what_is_announced_otherwise_once_it_is_asked_for_is_not_taken_either() {
    let mut world = World::new(&[Who { accept: Accept::Ask, ..Who::new("ana") }, Who::new("ben")]);
    world.share(0, "ana", "file", b"content", true);
    world.get(1, ("ana", "file"), "got", false);
    let asked = world.until(0, |event| matches!(event, Event::Asked { .. }));
    let Event::Asked { upload, .. } = asked else { unreachable!() };
    world.share(0, "ana", "file", b"much more than that", false);
    let node = &mut world.nodes[0].0;
    let now = node.driver.now();
    assert!(node.driver.service.accept(now, upload));
    let outcome = world.outcome(1);
    assert!(matches!(outcome, Err(Trouble::Failed(_))), "{outcome:?}");
    assert_eq!(fs::read_dir(world.path("ben", "downloads")).map_or(0, Iterator::count), 0);
}

#[test]
fn an_owner_may_be_asked_and_refuse() {
    let mut world = World::new(&[Who { accept: Accept::Ask, ..Who::new("ana") }, Who::new("ben")]);
    world.share(0, "ana", "file", b"content", false);
    for relayed in [false, true] {
        for accepts in [false, true] {
            let local = format!("{relayed}{accepts}");
            world.get(1, ("ana", "file"), &local, relayed);
            let asked = world.until(0, |event| matches!(event, Event::Asked { .. }));
            let Event::Asked { upload, user, name } = asked else { unreachable!() };
            assert_eq!((&*user, &*name), ("ben", "file"));
            let node = &mut world.nodes[0].0;
            let now = node.driver.now();
            if accepts {
                assert!(node.driver.service.accept(now, upload));
                assert_eq!(world.outcome(1), Ok(7));
            } else {
                assert!(node.driver.service.refuse(upload));
                assert_eq!(world.outcome(1), Err(Trouble::Code(Code::Refused)));
            }
        }
    }
}

#[test]
fn what_is_not_there_is_refused_by_the_tracker() {
    let mut world = World::new(&[Who::new("ana"), Who::new("ben")]);
    world.share(0, "ana", "file", b"content", false);
    for (from, code) in [(("eva", "file"), Code::UnknownUser), (("ana", "other"), Code::NotShared)] {
        world.get(1, from, "got", false);
        assert_eq!(world.outcome(1), Err(Trouble::Code(code)));
    }
}
