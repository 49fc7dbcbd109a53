//! A server and clients on this machine's loopback, with the host's own driver.

use mio::Events;
use skep::{
    driver::{Driver, Storage},
    gate::Gate,
    host::STREAMS_MAX,
    memory::Growing,
    storage::{Directory, Part, Source},
};
use skep_core::{
    files::{self, Client, Dialect, Progress, Server, Session},
    rdt::{Language, Settings},
    seal::{
        KeyPair, RustCrypto, Secret,
        layer::{Access, Call, Caller, Decision},
    },
    stream::{Fault, Service},
    table::Named,
    wire::{Name, seal::Purpose},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const SERVER_KEY: [u8; 32] = [7; 32];
const NAME: &[u8] = b"content";

/// What carries a transfer.
#[derive(Clone, Copy, Debug)]
pub enum Carrier {
    /// TCP, plain.
    Tcp,
    /// RDT on UDP, plain.
    Rdt,
    /// TCP, sealed.
    SealedTcp,
    /// RDT on UDP, sealed.
    SealedRdt,
}

/// A server in a thread of its own, with one file.
pub struct Host {
    directory: PathBuf,
    addresses: [SocketAddr; 4],
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Folder(Directory);

impl Storage for Folder {
    fn open(&mut self, name: Name<'_>) -> Result<Source, Fault> {
        self.0.open_file(name)
    }

    fn create(&mut self, name: Name<'_>, length: Option<u64>) -> Result<Part, Fault> {
        self.0.create(name, length)
    }

    fn replaces(&self) -> bool {
        true
    }
}

/// Lets everybody in, and knows no codes.
pub(crate) struct Everybody;

impl Access for Everybody {
    fn decide(&mut self, _: &Caller, _: bool) -> Decision {
        Decision::Admit
    }
}

impl Host {
    /// Serves a file of `length` bytes, in memory where the system has a directory for that.
    pub fn new(length: usize) -> Self {
        let base = if Path::new("/dev/shm").is_dir() { "/dev/shm".into() } else { std::env::temp_dir() };
        let directory = base.join(format!("skep-bench-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("got")).expect("a directory to serve");
        let content: Vec<u8> = (0..length).map(|place| ((place * 31) >> 3) as u8).collect();
        std::fs::write(directory.join("content"), content).expect("a file to serve");
        let rules = files::Settings { slots: 64, ..files::Settings::DEFAULT };
        let memory = Growing::<Named<Session>, STREAMS_MAX>::new();
        let folder = Folder(Directory::open(&directory).expect("the directory"));
        let admit = |server: &mut Server<_>, now, admission: &skep::gate::Admission| {
            server.opened_as(now, admission.stream, Dialect::Files)
        };
        let mut driver = Driver::new(Server::new(rules, memory), folder, admit).expect("a driver");
        let gate = Gate::new(Arc::new(Mutex::new(Everybody)));
        driver.identify(&Secret::new(SERVER_KEY), gate).expect("an identity");
        let addresses = [
            driver.listen_tcp(ANY, 0).expect("a port"),
            driver.bind_rdt(ANY, Settings::HOST, 0).expect("a port").1,
            driver.listen_tcp_sealed(ANY, 0).expect("a port"),
            driver.bind_sealed(ANY, Settings::HOST, 0).expect("a port").1,
        ];
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut events = Events::with_capacity(64);
            while !stopped.load(Ordering::Relaxed) {
                driver.turn(&mut events, Some(Duration::from_millis(50))).expect("the network");
                driver.events.clear();
                driver.gone.clear();
            }
        });
        Self { directory, addresses, stop, thread: Some(thread) }
    }

    /// Fetches the file; how many bytes came.
    pub fn fetch(&self, carrier: Carrier) -> u64 {
        let folder = Folder(Directory::open(self.directory.join("got")).expect("the directory"));
        let name = Name::new(NAME).expect("a name");
        let client = Client::download(name, Dialect::Files, u64::MAX, Duration::from_secs(10));
        let admit = |client: &mut Client, now, admission: &skep::gate::Admission| {
            client.opened(now, admission.stream)
        };
        let mut driver = Driver::new(client, folder, admit).expect("a driver");
        driver.identify(&Secret::new([9; 32]), Gate::closed()).expect("an identity");
        let server = *KeyPair::<RustCrypto>::new(Secret::new(SERVER_KEY)).public();
        let call = Call { server, purpose: Purpose::Guest, psk: None };
        let to = self.addresses[carrier as usize];
        let called = match carrier {
            Carrier::Tcp => driver.connect_tcp(to),
            Carrier::SealedTcp => driver.connect_tcp_sealed(to, &call),
            Carrier::Rdt => {
                let (socket, _) = driver.bind_rdt(ANY, Settings::HOST, 0).expect("a port");
                driver.connect_rdt(socket, to, Language::Own)
            }
            Carrier::SealedRdt => {
                let (socket, _) = driver.bind_sealed(ANY, Settings::HOST, 0).expect("a port");
                driver.connect_sealed(socket, to, call)
            }
        };
        called.expect("a call");
        let mut events = Events::with_capacity(16);
        loop {
            driver.turn(&mut events, Some(Duration::from_millis(50))).expect("the network");
            while let Some(told) = driver.events.pop_front() {
                match told.event {
                    Progress::Done { bytes } => return bytes,
                    Progress::Started { .. } => {}
                    other => panic!("{carrier:?}: {other:?}"),
                }
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
