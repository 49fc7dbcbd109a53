//! `skep demo`: files cross a network that loses packets, on real sockets of this machine; then a tracker, and two who
//! exchange files there.
//!
//! ```text
//!   client ──► relay ──► server        The client's and the server's drivers run in threads of their own, as they
//!      ▲      │     ▲     │            would in two processes. The relay holds every packet back for a while, and
//!      └──────┘     └─────┘            loses some: which ones is decided by a seed.
//! ```

mod exchange;
mod relay;
mod report;

use super::{
    put::{Sent, header},
    serve::{self, Files, Quota, Served},
    settings,
    temporary::Temporary,
    transfer::Request,
};
use crate::{
    args::{Demo, Link, Magic, Pace},
    driver::Driver,
    exit::{Code, Failure},
    memory::Growing,
    storage::{Directory, Source},
    url::Url,
};
use mio::Events;
use relay::{Random, Relay};
use report::{Report, Row};
use skep_core::{
    files::{self, Client},
    rdt::Statistics,
    wire::Name,
};
use std::{
    cell::Cell,
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant as Clock},
};

/// Any free port of this machine.
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How often who runs in a thread looks whether it is still wanted.
const TICK: Duration = Duration::from_millis(20);

/// Everybody here is this very program: that nothing happens for so long is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the file is called at the server.
const NAME: &str = "file";

/// One way to move the file.
struct Mode {
    name: &'static str,
    legacy: bool,
    window: u16,
}

pub(super) fn run(demo: &Demo) -> Result<(), Failure> {
    let directory = Temporary::new()?;
    let (sent, served) = (directory.path().join("sent"), directory.path().join("served"));
    let cannot = |error: &io::Error| Failure::cannot(format_args!("write {}", sent.display()), error);
    write_file(&sent, demo).map_err(|error| cannot(&error))?;
    fs::create_dir(&served).map_err(|error| cannot(&error))?;
    let server = Serving::start(&served)?;
    let report = Report::begin(demo)?;
    let modes = [
        Mode { name: "stop-and-wait", legacy: false, window: 1 },
        Mode { name: "selective repeat", legacy: false, window: demo.window },
        Mode { name: "stop-and-wait", legacy: true, window: 1 },
        Mode { name: "selective repeat", legacy: true, window: demo.window },
    ];
    let mut differ = false;
    for mode in &modes {
        let row = cross(demo, mode, server.address, &sent, &served.join(NAME))?;
        differ |= !row.equal;
        report.add(mode, &row)?;
    }
    if differ {
        return Err(Failure::new(Code::Network, "what arrived is not what was sent"));
    }
    exchange::run(demo, directory.path(), &sent)
}

/// Moves the file once, through a relay of its own: every mode meets the same losses.
fn cross(demo: &Demo, mode: &Mode, server: SocketAddr, sent: &Path, received: &Path) -> Result<Row, Failure> {
    let relay = Relay::start(server, demo).map_err(|error| Failure::cannot("start the relay", &error))?;
    let url = format!("rdt://{}/{NAME}", relay.address);
    let url: Url = url.parse().map_err(|error| Failure::usage(format!("{error}")))?;
    let link = Link {
        via: None,
        key: None,
        user: None,
        password_file: None,
        legacy: mode.legacy,
        no_cache: true,
        ascii_types: false,
        window: Some(mode.window),
        magic: None,
        trace: None,
        no_gso: false,
        timeout: PATIENCE,
    };
    let watch = Watch::default();
    let name = Name::new(NAME.as_bytes()).map_err(|_| Failure::usage("no name"))?;
    let request = Request {
        url: &url,
        header: Some(header(demo.size, name)),
        folder: None,
        link: &link,
        pace: Pace::default(),
        label: NAME,
        local: "the file",
        quiet: true,
        verbose: false,
        // The server is not going to miss it.
        farewell: Duration::ZERO,
        observe: &|statistics| watch.saw(statistics),
        done: &|_| Ok(()),
    };
    let storage = || {
        let source = Source::open(sent).map_err(|error| Failure::cannot("read the file", &error))?;
        Ok(Sent(Some(source)))
    };
    request.run(storage, || Client::upload(name, PATIENCE)).map_err(|ended| ended.failure(&url))?;
    let equal = same(sent, received).map_err(|error| Failure::cannot("compare the files", &error))?;
    fs::remove_file(received).map_err(|error| Failure::cannot("remove the file", &error))?;
    Ok(Row {
        bytes: demo.size,
        elapsed: watch.elapsed(),
        statistics: watch.last.get(),
        lost: relay.lost(),
        equal,
    })
}

/// Notes how a transfer got on.
#[derive(Default)]
struct Watch {
    connected: Cell<Option<Clock>>,
    /// When the last acknowledgement of something new came.
    acknowledged: Cell<Option<Clock>>,
    last: Cell<Option<Statistics>>,
}

impl Watch {
    fn saw(&self, statistics: &Statistics) {
        if statistics.segment == 0 {
            return;
        }
        if self.connected.get().is_none() {
            self.connected.set(Some(Clock::now()));
        }
        if self.last.get().is_none_or(|last| last.bytes_acknowledged < statistics.bytes_acknowledged) {
            self.acknowledged.set(Some(Clock::now()));
        }
        self.last.set(Some(*statistics));
    }

    /// From the first answer of the server to its last acknowledgement: what the transport took, without the disk.
    fn elapsed(&self) -> Duration {
        match (self.connected.get(), self.acknowledged.get()) {
            (Some(connected), Some(acknowledged)) => acknowledged - connected,
            _ => Duration::ZERO,
        }
    }
}

/// A server in a thread. Dropped, it ends.
struct Serving {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    fn start(directory: &Path) -> Result<Self, Failure> {
        let cannot = |error: &io::Error| Failure::cannot("start the server", error);
        let directory = Directory::open(directory).map_err(|error| cannot(&error))?;
        let storage = Served { directory, replace: true, quota: Quota::new(0) };
        let files = Files::new(files::Settings::DEFAULT, Growing::new());
        let mut driver = Driver::new(files, storage, serve::admit_plain).map_err(|error| cannot(&error))?;
        let bound = driver.bind_rdt(ANY, settings(&Magic::default(), None)?, 0);
        let (_, address) = bound.map_err(|error| cannot(&error))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("server".into()).spawn(move || {
            let mut events = Events::with_capacity(64);
            while !stopped.load(Ordering::Relaxed) && driver.turn(&mut events, Some(TICK)).is_ok() {
                driver.events.clear();
                driver.gone.clear();
            }
            driver.abort_all();
            driver.finish_commits();
        });
        Ok(Self { address, stop, thread: Some(thread.map_err(|error| cannot(&error))?) })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A file that nothing can guess or compress.
fn write_file(path: &Path, demo: &Demo) -> io::Result<()> {
    let mut random = Random::new(demo.seed);
    let mut file = io::BufWriter::new(File::create_new(path)?);
    let mut left = demo.size;
    while left > 0 {
        let word = random.next().to_le_bytes();
        let count = left.min(word.len() as u64);
        file.write_all(&word[..count as usize])?;
        left -= count;
    }
    file.flush()
}

/// Whether two files have the same content.
fn same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let mut pairs = BufReader::new(one).bytes().zip(BufReader::new(other).bytes());
    pairs.try_fold(true, |equal, (one, other)| Ok(equal && one? == other?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_crosses_a_network_that_loses_packets_in_every_mode() {
        let delay = Duration::from_micros(200);
        for (size, loss) in [(0, 0.0), (1, 0.0), (40_000, 10.0)] {
            run(&Demo { size, loss, delay, window: 16, seed: 7, json: true }).unwrap();
        }
    }

    #[test]
    fn files_are_the_same_when_every_byte_is() {
        let directory = Temporary::new().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = directory.path().join(name);
            fs::write(&path, content).unwrap();
            path
        };
        let one = file("one", &[7; 20_000]);
        assert!(same(&one, &file("equal", &[7; 20_000])).unwrap());
        assert!(!same(&one, &file("shorter", &[7; 19_999])).unwrap());
        let mut other = [7; 20_000];
        other[19_999] = 8;
        assert!(!same(&one, &file("other", &other)).unwrap());
    }
}
