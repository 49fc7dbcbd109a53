//! `skep tracker`: who is there, what they share, and how they get it from each other.

use super::{
    open_files::raise_limit,
    port::{free_for_both, reached_at},
    signals::Signals,
};
use crate::{
    args::{Registration, SecondLogin, Tracker},
    driver::{Driver, EventRecord, NoFiles},
    escape::escape,
    exit::Failure,
    gate::{Admission, Gate},
    identity::{Home, Identity, make_directory},
    log_writer::complaint,
    tracker::{
        Hub, Places, Report, Shared,
        desk::{Asked, Desk},
        house::House,
        log::{Format, Log, complain},
        numbers,
        store::{DAMAGED, Kept, Store},
    },
    trim::give_back,
    url::{self, Host},
};
use mio::Events;
use skep_core::{
    Instant, rdt,
    seal::layer::Access,
    tracker::{Dialect, SameName, Settings},
};
use std::{
    fmt::Display,
    io::{self, Write, stdout},
    net::SocketAddr,
    panic,
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What is spoken on a socket, by its label.
const SEALED: usize = 0;
const RELAYS: usize = 1;
const PLAIN: usize = 2;
const COMMANDS: usize = 3;

/// What the system keeps of a session that does not read, before the tracker keeps the newest state instead.
const UNSENT_MAX: u32 = 32 << 10;

/// How often memory is given back to the system, which takes some milliseconds.
const GIVE_BACK: Duration = Duration::from_secs(10);

/// In the state directory: the database, and where admins are answered.
const DATABASE: &str = "state.redb";
pub(super) const SOCKET: &str = "admin.sock";

/// The longest path that a socket can have everywhere, in bytes.
#[cfg(unix)]
const SOCKET_MAX: usize = 103;

/// Where a tracker keeps what it has to keep: `tracker`, beside its key.
pub(super) fn state_directory(key: Option<&Path>) -> Result<PathBuf, Failure> {
    let home = home(key)?;
    Ok(home.key().parent().unwrap_or(Path::new(".")).join("tracker"))
}

fn home(key: Option<&Path>) -> Result<Home, Failure> {
    match key {
        Some(path) => Ok(Home::of_key(path)),
        None => Home::find(),
    }
}

/// Runs until it is asked to end.
pub(super) fn run(tracker: &Tracker) -> Result<(), Failure> {
    let log = Log::new(tracker.log, tracker.quiet);
    raise_limit();
    let home = home(tracker.key.as_deref())?;
    let state = match &tracker.state {
        Some(state) => state.clone(),
        None => state_directory(tracker.key.as_deref())?,
    };
    check_key(home.key(), &state)?;
    let identity = Identity::load_or_make(home.key())?;
    if identity.is_new() {
        let file = home.key().display().to_string();
        let made = format!("made a key in {}", escape(&file));
        tell_besides(tracker, &log, &Report::MadeKey { file: file.into() }, &made);
    }
    let (mut driver, house) = driver(tracker, &home, &identity, &state)?;
    let gate = Gate::new(house as Arc<Mutex<dyn Access + Send>>);
    driver.identify(identity.secret(), gate).map_err(|error| Failure::cannot("start", &error))?;
    let (desk, questions) = Desk::new(driver.waker());
    let mut signals = Signals::new(&mut driver)?;
    // Before anybody is told where it listens: who waits for that may be an admin, whose order waits for the loop.
    let orders = take_orders(&desk, &state)?;
    let mut places = listen(&mut driver, tracker, &identity)?;
    places.numbers = serve_numbers(&desk, tracker)?;
    driver.service.link = places.link().map(str::to_owned);
    if !tracker.quiet {
        tell(&places);
    }
    log.tell(&Report::Started { accounts: tracker.accounts, places }, None);
    let mut events = Events::with_capacity(4_096);
    let mut gave_back = Instant::ZERO;
    loop {
        driver.turn(&mut events, None).map_err(|error| Failure::cannot("wait for the network", &error))?;
        while let Some(EventRecord { event, peer, .. }) = driver.events.pop_front() {
            log.tell(&event, peer);
        }
        driver.gone.clear();
        if let Some(why) = driver.take_unaccepted() {
            log.tell(&Report::Failed { what: format!("cannot accept connections: {why}").into() }, None);
        }
        let now = driver.now();
        if now.since(gave_back) > GIVE_BACK {
            gave_back = now;
            give_back();
        }
        driver.service.settle_stored(now);
        for asked in questions.try_iter() {
            match asked {
                Asked::Order(order, to) => driver.service.administer(now, order, None, to),
                Asked::Numbers(to) => _ = to.send(numbers(&driver.service, driver.unaccepted())),
                Asked::Health(to) => _ = to.send(driver.service.trouble()),
            }
        }
        for report in driver.service.take_reports() {
            log.tell(&report, None);
        }
        if signals.ask_to_end(&mut driver) {
            break;
        }
    }
    driver.stop_listening();
    driver.abort_all();
    let _ = driver.turn(&mut events, Some(Duration::ZERO));
    drop(orders);
    tell_besides(tracker, &log, &Report::Stopped, "ended");
    Ok(())
}

/// Tells what is no line of the log for people.
fn tell_besides(tracker: &Tracker, log: &Log, report: &Report, words: &str) {
    match tracker.log {
        Format::Json => log.tell(report, None),
        _ if tracker.quiet => {}
        _ => complain(&words),
    }
}

/// A state without its key is no state of the tracker that a new key would be: nobody's link leads to that.
fn check_key(key: &Path, state: &Path) -> Result<(), Failure> {
    let database = state.join(DATABASE);
    if database.symlink_metadata().is_ok() && key.try_exists().is_ok_and(|is_there| !is_there) {
        return Err(Failure::local(format!(
            "there is {}, but not the tracker's key, {}: put that back from a copy, or all links to this tracker \
             are dead; or move the state away to begin anew",
            database.display(),
            key.display()
        )));
    }
    Ok(())
}

/// The machine with everything that was kept, and who may come in.
pub(super) fn driver(
    tracker: &Tracker,
    home: &Home,
    identity: &Identity,
    state: &Path,
) -> Result<(Running, Shared), Failure> {
    let cannot = |error: &io::Error| Failure::cannot("start", error);
    let rules = Settings {
        seats: tracker.max_users,
        files_per_user: tracker.max_files,
        waiting: tracker.waiting.0,
        same_name: match tracker.same_name {
            SecondLogin::Refuse => SameName::Refuse,
            SecondLogin::Replace => SameName::Replace,
        },
        // Nobody can be told by a name without a key where names are for those who are known.
        accounts: if tracker.accounts == Registration::Open { Settings::DEFAULT.accounts } else { 0 },
        ..Settings::DEFAULT
    };
    let shown = state.display().to_string();
    // The waker has to be there before the driver that wakes by it, which takes the machine that stores.
    let poll = mio::Poll::new().map_err(|error| cannot(&error))?;
    let waker = Driver::<Hub, NoFiles>::waker_of(&poll).map_err(|error| cannot(&error))?;
    let cannot_use =
        |why: &dyn Display| Failure::local(format!("cannot use the state in {}: {why}", escape(&shown)));
    make_directory(state).map_err(|error| cannot_use(&error))?;
    let opened = or_fail(cannot_use(&DAMAGED), || Store::open(&state.join(DATABASE), Arc::clone(&waker)));
    let (store, kept) = opened.map_err(|error| cannot_use(&error))?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| cannot(&io::Error::other(error)))?;
    let commands =
        Kept { registered: kept.registered.clone(), published: kept.published.clone(), ..Kept::default() };
    let house = House::new(tracker.accounts, store, kept, &home.accounts(), identity.secret())?;
    let house = Arc::new(Mutex::new(house));
    let hub = Hub::new(rules, seed, Arc::clone(&house), &commands);
    let mut driver = Driver::on(poll, waker, hub, NoFiles, admit).map_err(|error| cannot(&error))?;
    driver.bound_unsent(UNSENT_MAX);
    Ok((driver, house))
}

/// Does something in which a library panics when what it reads is damaged: then the program ends with that failure, as nothing
/// else can be done with it.
fn or_fail<T>(failure: Failure, something: impl FnOnce() -> T) -> T {
    let (before, here) = (Arc::new(panic::take_hook()), thread::current().id());
    let otherwise = Arc::clone(&before);
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == here {
            let _ = writeln!(io::stderr(), "{}", complaint(&failure));
            process::exit(failure.code() as i32);
        }
        otherwise(info);
    }));
    let done = something();
    panic::set_hook(Box::new(move |info| before(info)));
    done
}

/// The socket for admins, which goes with the tracker.
struct Orders(PathBuf);

impl Drop for Orders {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Opens the socket for admins.
#[cfg(unix)]
fn take_orders(desk: &Desk, state: &Path) -> Result<Orders, Failure> {
    use rustix::{fs::Mode, process::umask};
    use std::os::unix::net::UnixListener;
    let path = state.join(SOCKET);
    // Nobody else has the database, so nobody listens on what was left.
    let _ = std::fs::remove_file(&path);
    let shown = path.display().to_string();
    let cannot =
        |error: io::Error| Failure::cannot_on_network(format_args!("listen on {}", escape(&shown)), &error);
    // Nobody else can open it from the first moment on, whoever may look into the directory.
    if path.as_os_str().len() > SOCKET_MAX {
        return Err(Failure::local(format!(
            "{shown} is too long for the path of a socket; say a shorter --state"
        )));
    }
    let before = umask(Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(&path);
    umask(before);
    let listener = listener.map_err(cannot)?;
    let orders = Orders(path);
    desk.clone().take_orders(listener).map_err(cannot)?;
    Ok(orders)
}

#[cfg(not(unix))]
fn take_orders(_: &Desk, state: &Path) -> Result<Orders, Failure> {
    Ok(Orders(state.join(SOCKET)))
}

fn serve_numbers(desk: &Desk, tracker: &Tracker) -> Result<Vec<SocketAddr>, Failure> {
    let mut all = Vec::new();
    for host in &tracker.metrics {
        all.extend(on_each(host, |address| {
            let listener = std::net::TcpListener::bind(address)?;
            let bound = listener.local_addr()?;
            desk.clone().serve_numbers(listener)?;
            Ok(bound)
        })?);
    }
    Ok(all)
}

/// Listens where it is told to; where that is.
pub(super) fn listen(
    driver: &mut Running,
    tracker: &Tracker,
    identity: &Identity,
) -> Result<Places, Failure> {
    let mut places = Places::default();
    for host in tracker.sealed() {
        let bound = listen_sealed(driver, &host)?.into_iter();
        let link = |bound| url::link(&reached_at(bound), &identity.fingerprint(), None).to_string();
        places.sealed.extend(bound.map(|bound| (bound, link(bound))));
    }
    for host in &tracker.plain {
        places.plain.extend(listen_plain(driver, host)?);
    }
    for host in &tracker.commands {
        places.commands.extend(on_each(host, |address| driver.listen_tcp(address, COMMANDS))?);
    }
    Ok(places)
}

fn admit(hub: &mut Hub, now: Instant, admission: &Admission) -> bool {
    let dialect = match admission.label {
        COMMANDS => Dialect::Command,
        RELAYS => Dialect::Relay,
        _ => Dialect::Session,
    };
    hub.admit(now, admission, dialect)
}

pub(super) type Running = Driver<Hub, NoFiles>;

/// Listens for sealed sessions on all addresses of a host: for TCP and UDP on one port number each.
fn listen_sealed(driver: &mut Running, host: &Host) -> Result<Vec<SocketAddr>, Failure> {
    on_each(host, |address| {
        let bound = driver.listen_tcp_tracker(free_for_both(address), SEALED, RELAYS)?;
        driver.bind_sealed(bound, rdt::Settings::HOST, SEALED).map(|(_, bound)| bound)
    })
}

fn listen_plain(driver: &mut Running, host: &Host) -> Result<Vec<SocketAddr>, Failure> {
    on_each(host, |address| {
        let bound = driver.listen_tcp(free_for_both(address), PLAIN)?;
        driver.bind_rdt(bound, rdt::Settings::HOST, PLAIN).map(|(_, bound)| bound)
    })
}

fn on_each(
    host: &Host,
    mut listen: impl FnMut(SocketAddr) -> io::Result<SocketAddr>,
) -> Result<Vec<SocketAddr>, Failure> {
    let cannot = |error: &io::Error| Failure::cannot_on_network(format_args!("listen on {host}"), error);
    let addresses = host.resolve().map_err(|error| cannot(&error))?;
    addresses.into_iter().map(|address| listen(address).map_err(|error| cannot(&error))).collect()
}

/// On standard output, and at once: a script may wait for it to learn the port, and that all of them are open.
fn tell(places: &Places) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{places}").and_then(|()| out.flush());
}
