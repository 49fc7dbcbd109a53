//! A host's `skep` and a `skep-tap` beside it, in every role.

use crate::{
    content,
    namespace::Namespace,
    process::{Server, run, run_well},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};
use tempfile::TempDir;

const BYTES: usize = 3_000_000;

/// The program `skep` of this build, made if it was not yet: as the tests of the whole workspace make it, for beside
/// them it would be compiled once more, with other features of its dependencies.
fn skep() -> &'static Path {
    static SKEP: OnceLock<PathBuf> = OnceLock::new();
    SKEP.get_or_init(|| {
        let directory = Path::new(env!("CARGO_BIN_EXE_skep-tap")).parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["test", "--quiet", "--workspace", "--no-run", "--test", "program", "--target-dir"]);
        build.arg(directory.parent().unwrap());
        if directory.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "skep cannot be built");
        directory.join("skep")
    })
}

struct World {
    namespace: Namespace,
    home: TempDir,
}

impl World {
    fn make() -> Option<Self> {
        let namespace = Namespace::make()?;
        let home = TempDir::new().unwrap();
        for directory in ["shared", "shared/drop", "got"] {
            fs::create_dir(home.path().join(directory)).unwrap();
        }
        fs::write(home.path().join("shared/big"), content(1, BYTES)).unwrap();
        fs::write(home.path().join("mine"), content(2, BYTES)).unwrap();
        Some(Self { namespace, home })
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }

    /// The host's program.
    fn host(&self, arguments: &str) -> Command {
        let mut command = self.namespace.command(&skep().display().to_string());
        command.args(arguments.split_whitespace()).env("SKEP_HOME", self.path("host"));
        command
    }

    /// The other machine.
    fn tap(&self, arguments: &str) -> Command {
        let mut command = self.namespace.command(env!("CARGO_BIN_EXE_skep-tap"));
        command.args("--tap tap0 --ip 10.9.0.2/24 --gateway 10.9.0.1".split(' '));
        command.args(arguments.split_whitespace()).env("SKEP_HOME", self.path("tap"));
        command
    }

    #[track_caller]
    fn arrived(&self, name: &str, seed: u64) {
        let arrived = fs::read(self.path(name)).unwrap_or_default();
        assert!(arrived == content(seed, BYTES), "{name} is another file, of {} bytes", arrived.len());
    }
}

#[test]
fn a_host_fetches_from_and_sends_to_a_tap_in_the_clear() {
    let Some(world) = World::make() else { return };
    let shared = world.path("shared");
    let mut server = Server::start(&mut world.tap(&format!("serve {shared} --plain")), "serving");
    for scheme in ["rdt", "tcp"] {
        let (got, mine) = (world.path(&format!("got/{scheme}")), world.path("mine"));
        run_well(&mut world.host(&format!("get -q {scheme}://10.9.0.2/big -o {got}")));
        world.arrived(&format!("got/{scheme}"), 1);
        run_well(&mut world.host(&format!("put -q {mine} {scheme}://10.9.0.2/{scheme}")));
        world.arrived(&format!("shared/{scheme}"), 2);
        let (code, said) = run(&mut world.host(&format!("get -q {scheme}://10.9.0.2/absent -o {got}")));
        assert_eq!(code, 1, "{said}");
    }
    assert!(server.is_running());
}

#[test]
fn a_host_fetches_from_and_sends_to_a_tap_sealed() {
    let Some(world) = World::make() else { return };
    let (shared, allow) = (world.path("shared"), world.path("allow"));
    run_well(&mut world.host("key make"));
    fs::write(&allow, world.host("key export").output().unwrap().stdout).unwrap();
    let server = Server::start(&mut world.tap(&format!("serve {shared} --allow {allow}")), "serving");
    let link = &server.link;
    for via in ["udp", "tcp"] {
        let (got, mine) = (world.path(&format!("got/{via}")), world.path("mine"));
        run_well(&mut world.host(&format!("get -q {link}big --via {via} -o {got}")));
        world.arrived(&format!("got/{via}"), 1);
        run_well(&mut world.host(&format!("put -q {mine} {link}{via} --via {via}")));
        world.arrived(&format!("shared/{via}"), 2);
    }
    // Whose key is not in the file is not spoken to.
    let mut stranger = world.host(&format!("get -q {link}big --via tcp -o {}", world.path("got/stolen")));
    let (code, said) = run(stranger.env("SKEP_HOME", world.path("stranger")));
    assert_eq!(code, 3, "{said}");
}

#[test]
fn a_tap_fetches_from_and_sends_to_a_host() {
    let Some(world) = World::make() else { return };
    let shared = world.path("shared");
    let doors = "--listen 10.9.0.1:7537 --public --tcp 10.9.0.1:7538 --rdt 10.9.0.1:7539";
    let server = Server::start(&mut world.host(&format!("serve {shared} {doors}")), "serving");
    let key = server.link.split_once('@').unwrap().0;
    for (name, url, via) in [
        ("rdt", "rdt://10.9.0.1:7539/", ""),
        ("tcp", "tcp://10.9.0.1:7538/", ""),
        ("udp", &*format!("{key}@10.9.0.1/"), "--via udp"),
        ("sealed", &*format!("{key}@10.9.0.1/"), "--via tcp"),
    ] {
        let (got, mine) = (world.path(&format!("got/{name}")), world.path("mine"));
        run_well(&mut world.tap(&format!("get {url}big -o {got} {via}")));
        world.arrived(&format!("got/{name}"), 1);
        if via.is_empty() {
            // Plain uploads from other machines are kept apart by the server.
            run_well(&mut world.tap(&format!("put {mine} {url}{name}")));
            world.arrived(&format!("shared/drop/{name}"), 2);
        }
    }
}

#[test]
fn hosts_find_each_other_by_a_tracker_on_a_tap() {
    let Some(world) = World::make() else { return };
    let (shared, nothing) = (world.path("shared"), world.path("got"));
    let mut tracker = Server::start(&mut world.tap("tracker --public"), "tracking");
    for via in ["udp", "tcp"] {
        let join = |name: &str, directory: &str| {
            let rest = format!("--server {} --name {name}-{via} --via {via} --log {directory}", tracker.link);
            let mut join = world.host(&format!("join {rest}"));
            join.env("SKEP_HOME", world.path(&format!("{name}-{via}")));
            join
        };
        let bob = Server::start(&mut join("bob", &nothing), "logged in");
        let ann = Server::start(&mut join("ann", &shared), "logged in");
        bob.until(&format!("ann-{via} shares big"));
        drop(ann);
    }
    assert!(tracker.is_running());
}

#[test]
fn what_makes_a_name_read_as_another_is_shown_by_a_tracker_on_a_tap() {
    let Some(world) = World::make() else { return };
    let tracker = Server::start(&mut world.tap("tracker --public"), "tracking");
    let join = format!("join --server {} --name cod\u{202e}txt --log", tracker.link);
    let _member = Server::start(&mut world.host(&join), "logged in");
    tracker.until(r"cod\u{202e}txt came");
}

#[test]
fn a_tracker_on_a_tap_relays_between_hosts() {
    let Some(world) = World::make() else { return };
    let mut tracker = Server::start(&mut world.tap("tracker --public"), "tracking");
    let link = tracker.link.clone();
    // An end over RDT moves a few messages each round trip.
    for (via, bytes) in [("tcp", BYTES), ("udp", 30_000)] {
        for directory in [format!("{via}-ann"), format!("{via}-cat")] {
            fs::create_dir(world.path(&directory)).unwrap();
        }
        fs::write(world.path(&format!("{via}-ann/file")), content(3, bytes)).unwrap();
        let join = |name: &str| {
            // Nobody can call them.
            let rest = format!("--server {link} --name {via}-{name} --via {via} --relay --log");
            let mut join = world.host(&format!("join {rest} {}", world.path(&format!("{via}-{name}"))));
            Server::start(join.env("SKEP_HOME", world.path(&format!("{via}-{name}-home"))), "logged in")
        };
        let cat = join("cat");
        let _ann = join("ann");
        cat.until(&format!("{via}-ann shares file"));
        let got = world.path(&format!("got/{via}"));
        let rest = format!("--relay --name {via}-bob --via {via} -o {got}");
        let mut get = world.host(&format!("get -q {link}{via}-ann/file {rest}"));
        run_well(get.env("SKEP_HOME", world.path("bob")));
        assert!(fs::read(&got).unwrap() == content(3, bytes), "{via}: another file arrived");
    }
    assert!(tracker.is_running());
}
