//! `skep tracker`: who is there, what they share, and how they get it from each other.

use super::{
    port::{free_for_both, reached_at},
    signals::Signals,
};
use crate::{
    args::{SecondLogin, Tracker},
    driver::{Driver, Storage},
    escape::escape,
    exit::Failure,
    gate::{Admission, Gate},
    identity::{Home, Identity},
    storage::{Part, Source},
    tracker::Hub,
    url::{self, Host},
};
use mio::Events;
use skep_core::{
    Instant, rdt,
    seal::{
        Psk, Public,
        layer::{Access, Caller},
    },
    stream::Fault,
    tracker::{Dialect, SameName, Settings},
    wire::{Name, seal::Purpose},
};
use std::{
    io::{self, Write, stderr, stdout},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

/// What is spoken on a socket, by its label.
const SEALED: usize = 0;
const RELAYS: usize = 1;
const PLAIN: usize = 2;
const COMMANDS: usize = 3;

/// A tracker has no files of its own.
struct Nothing;

impl Storage for Nothing {
    fn open(&mut self, _: Name<'_>) -> Result<Source, Fault> {
        Err(Fault::NotFound)
    }

    fn create(&mut self, _: Name<'_>, _: Option<u64>) -> Result<Part, Fault> {
        Err(Fault::NotAllowed)
    }

    fn replaces(&self) -> bool {
        false
    }
}

/// Everybody may come in.
struct Open;

impl Access for Open {
    fn permits(&mut self, caller: &Caller) -> bool {
        matches!(caller.purpose, Purpose::Member | Purpose::Guest)
    }

    fn invite(&mut self, _: &[u8; 8]) -> Option<Psk> {
        None
    }

    fn introduction(&mut self, _: &[u8; 16]) -> Option<(Public, Psk)> {
        None
    }
}

/// Runs until it is asked to end.
pub(super) fn run(tracker: &Tracker) -> Result<(), Failure> {
    let cannot = |error: &io::Error| Failure::cannot("start", error);
    let rules = Settings {
        seats: tracker.max_users,
        waiting: tracker.waiting.0,
        same_name: match tracker.same_name {
            SecondLogin::Refuse => SameName::Refuse,
            SecondLogin::Replace => SameName::Replace,
        },
        ..Settings::DEFAULT
    };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| cannot(&io::Error::other(error)))?;
    let mut driver = Driver::new(Hub::new(rules, seed), Nothing, admit).map_err(|error| cannot(&error))?;
    let home = match &tracker.key {
        Some(path) => Home::of_key(path),
        None => Home::find()?,
    };
    let identity = Identity::load_or_make(home.key())?;
    if identity.is_new() && !tracker.quiet {
        say(&format_args!("made a key in {}", escape(&home.key().display().to_string())));
    }
    let gate = Gate::new(Arc::new(Mutex::new(Open)));
    driver.identify(identity.secret(), gate).map_err(|error| cannot(&error))?;
    let mut signals = Signals::new(&mut driver)?;
    for host in tracker.sealed() {
        for bound in listen_sealed(&mut driver, &host)? {
            let link = url::link(&reached_at(bound), &identity.fingerprint(), None);
            tell(tracker, &format_args!("listening on skep://{bound}\ntracker {}", *link));
        }
    }
    for host in &tracker.plain {
        for bound in listen_plain(&mut driver, host)? {
            tell(tracker, &format_args!("listening on {bound} for sessions (plain: not encrypted)"));
        }
    }
    for host in &tracker.commands {
        for bound in listen_commands(&mut driver, host)? {
            tell(tracker, &format_args!("listening on {bound} for commands (plain: not encrypted)"));
        }
    }
    let mut events = Events::with_capacity(4_096);
    loop {
        driver.turn(&mut events, None).map_err(|error| Failure::cannot("wait for the network", &error))?;
        driver.events.clear();
        driver.gone.clear();
        if signals.ask_to_end(&mut driver) {
            break;
        }
    }
    driver.stop_listening();
    driver.abort_all();
    let _ = driver.turn(&mut events, Some(Duration::ZERO));
    if !tracker.quiet {
        say(&"ended");
    }
    Ok(())
}

fn admit(hub: &mut Hub, now: Instant, admission: &Admission) -> bool {
    let dialect = match admission.label {
        COMMANDS => Dialect::Command,
        RELAYS => Dialect::Relay,
        _ => Dialect::Session,
    };
    hub.admit(now, admission, dialect)
}

type Running = Driver<Hub, Nothing>;

/// Listens for sealed sessions on all addresses of a host: for TCP and UDP on one port number each.
fn listen_sealed(driver: &mut Running, host: &Host) -> Result<Vec<SocketAddr>, Failure> {
    on_each(host, |address| {
        let bound = driver.listen_tcp_tracker(free_for_both(address), SEALED, RELAYS)?;
        let address = SocketAddr::new(address.ip(), bound.port());
        driver.bind_sealed(address, rdt::Settings::HOST, SEALED).map(|(_, bound)| bound)
    })
}

fn listen_plain(driver: &mut Running, host: &Host) -> Result<Vec<SocketAddr>, Failure> {
    on_each(host, |address| {
        let bound = driver.listen_tcp(free_for_both(address), PLAIN)?;
        let address = SocketAddr::new(address.ip(), bound.port());
        driver.bind_rdt(address, rdt::Settings::HOST, PLAIN).map(|(_, bound)| bound)
    })
}

fn listen_commands(driver: &mut Running, host: &Host) -> Result<Vec<SocketAddr>, Failure> {
    on_each(host, |address| driver.listen_tcp(address, COMMANDS))
}

fn on_each(
    host: &Host,
    mut listen: impl FnMut(SocketAddr) -> io::Result<SocketAddr>,
) -> Result<Vec<SocketAddr>, Failure> {
    let cannot = |error: &io::Error| Failure::cannot(format_args!("listen on {host}"), error);
    let addresses = host.resolve().map_err(|error| cannot(&error))?;
    addresses.into_iter().map(|address| listen(address).map_err(|error| cannot(&error))).collect()
}

/// On standard output, and at once: a script may wait for it to learn the port.
fn tell(tracker: &Tracker, line: &dyn std::fmt::Display) {
    if !tracker.quiet {
        let mut out = stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

fn say(message: &dyn std::fmt::Display) {
    let _ = writeln!(stderr(), "skep: {message}");
}
