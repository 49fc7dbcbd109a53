//! `skep serve`: the files of a directory, to everybody who asks.

use super::{settings, signals::Signals};
use crate::{
    args::Serve,
    driver::{Driver, Storage, Told},
    escape::escape,
    exit::{Failure, describe},
    memory::{Growing, STREAMS_MAX},
    storage::{Directory, Part, Source},
    url::{Host, Scheme},
};
use mio::Events;
use skep_core::{
    Instant,
    files::{Dialect, Direction, Event, Outcome, Server, Session, Settings, WhenFull},
    stream::{Fault, FileId, StreamId},
    table::Slot,
    wire::{Name, file::Code},
};
use std::{
    collections::HashMap,
    io::{self, Write, stderr, stdout},
    net::SocketAddr,
    time::{Duration, Instant as Clock},
};

pub(super) type Files = Server<Growing<Slot<Session>, STREAMS_MAX>>;

/// On listeners with this label paths are asked for; on all others, files.
const PATHS: usize = 1;

/// The directory that is served.
pub(super) struct Served {
    pub(super) directory: Directory,
    pub(super) replace: bool,
}

impl Storage for Served {
    fn open(&mut self, name: Name<'_>) -> Result<Source, Fault> {
        self.directory.open_file(name)
    }

    fn create(&mut self, name: Name<'_>, length: Option<u64>) -> Result<Part, Fault> {
        if !self.replace {
            self.directory.vacant(name)?;
        }
        self.directory.create(name, length)
    }

    fn replaces(&self) -> bool {
        self.replace
    }
}

/// Serves until it is asked to end.
pub(super) fn run(serve: &Serve) -> Result<(), Failure> {
    let shown = serve.directory.display();
    let directory = Directory::open(&serve.directory);
    let directory = directory.map_err(|error| Failure::cannot(format_args!("serve {shown}"), &error))?;
    if !serve.read_only {
        directory.sweep().map_err(|error| Failure::cannot(format_args!("look through {shown}"), &error))?;
    }
    let rules = Settings {
        read_only: serve.read_only,
        max_upload: serve.max_upload.unwrap_or(u64::MAX),
        slots: u32::from(serve.slots),
        when_full: if serve.wait { WhenFull::Wait } else { WhenFull::Busy },
        ..Settings::DEFAULT
    };
    let storage = Served { directory, replace: !serve.no_replace };
    let driver = Driver::new(Files::new(rules, Growing::new()), storage, admit);
    let mut driver = driver.map_err(|error| Failure::cannot("start", &error))?;
    let mut signals = Signals::new(&mut driver)?;
    for (scheme, host) in serve.listeners() {
        listen(&mut driver, serve, scheme, &host)?;
    }
    if !serve.is_told_where() && !serve.quiet {
        say(&"only this machine can connect; --tcp and --rdt serve the network");
    }
    let mut log = Log { started: HashMap::new(), verbose: serve.verbose };
    let mut events = Events::with_capacity(1_024);
    loop {
        driver.turn(&mut events, None).map_err(|error| Failure::cannot("wait for the network", &error))?;
        while let Some(told) = driver.events.pop_front() {
            log.tell(&told);
        }
        driver.gone.clear();
        if signals.ask_to_end(&mut driver) {
            break;
        }
    }
    driver.stop_listening();
    driver.abort_all();
    // What was received whole is made durable all the same. A last turn takes the aborts to the peers.
    let _ = driver.turn(&mut events, Some(Duration::ZERO));
    driver.finish_commits();
    if !serve.quiet {
        say(&"ended");
    }
    Ok(())
}

pub(super) fn admit(server: &mut Files, now: Instant, stream: StreamId, label: usize) -> bool {
    server.opened_as(now, stream, if label == PATHS { Dialect::Path } else { Dialect::Files })
}

/// Listens on all addresses of a host, and says where.
fn listen(driver: &mut Driver<Files, Served>, serve: &Serve, scheme: Scheme, host: &Host) -> Result<(), Failure> {
    let cannot = |error: &io::Error| Failure::cannot(format_args!("listen on {scheme}://{host}"), error);
    for address in host.resolve().map_err(|error| cannot(&error))? {
        let bound = match scheme {
            Scheme::Tcp => driver.listen_tcp(address, 0),
            Scheme::Path => driver.listen_tcp(address, PATHS),
            // There is no option yet that asks for it.
            Scheme::Skep => Err(io::ErrorKind::Unsupported.into()),
            Scheme::Rdt => {
                driver.bind_rdt(address, settings(&serve.magic, serve.window)?).map(|(_, bound)| bound)
            }
        };
        let bound = bound.map_err(|error| cannot(&error))?;
        if !serve.quiet {
            // On standard output, and at once: a script may wait for it to learn the port.
            let mut out = stdout().lock();
            let _ = writeln!(out, "listening on {scheme}://{bound}").and_then(|()| out.flush());
        }
    }
    Ok(())
}

fn say(message: &dyn std::fmt::Display) {
    let _ = writeln!(stderr(), "skep: {message}");
}

/// Says what happens, a line for each transfer.
struct Log {
    started: HashMap<FileId, Started>,
    verbose: bool,
}

struct Started {
    peer: Option<SocketAddr>,
    name: Box<str>,
    length: u64,
    at: Clock,
}

impl Log {
    fn tell(&mut self, told: &Told<Event>) {
        if !self.verbose {
            return;
        }
        match told.event {
            Event::Started { file, length, .. } => {
                let name = told.name.clone().unwrap_or_default();
                self.started.insert(file, Started { peer: told.peer, name, length, at: Clock::now() });
            }
            Event::Ended { file, direction, outcome, .. } => {
                let Some(started) = self.started.remove(&file) else { return };
                let what = match direction {
                    Direction::Download => "get",
                    Direction::Upload => "put",
                };
                let how = match outcome {
                    Outcome::Done => format!("{} bytes in {:.3} s", started.length, started.at.elapsed().as_secs_f64()),
                    Outcome::Broken => format!("broken off ({} bytes)", started.length),
                    Outcome::Failed(fault) => format!("failed: {}", describe(fault)),
                };
                say(&format_args!("{} {what} {}: {how}", shown(started.peer), escape(&started.name)));
            }
            Event::Refused { code, .. } => say(&format_args!("{} refused: {}", shown(told.peer), because(code))),
        }
    }
}

fn shown(peer: Option<SocketAddr>) -> String {
    peer.map_or_else(|| "(gone)".to_owned(), |peer| peer.to_string())
}

/// What an error code of the protocol means to a person.
pub(super) fn because(code: Code) -> String {
    match code {
        Code::Unknown => "the request was not understood".to_owned(),
        Code::NotFound => "there is no such file".to_owned(),
        Code::Exists => "there is a file of that name already".to_owned(),
        Code::TooLarge => "the file is too large".to_owned(),
        Code::NoSpace => "there is no space left".to_owned(),
        Code::BadName => "that is not a name that can be used there".to_owned(),
        Code::Busy => "busy; try again later".to_owned(),
        Code::NotAllowed => "that is not allowed".to_owned(),
        Code::StorageFault => "the storage failed there".to_owned(),
        Code::Other(number) => format!("error {number}"),
    }
}
