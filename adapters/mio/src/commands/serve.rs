//! `skep serve`: the files of a directory, to those who may come in.

mod access_control;
mod enrolments;
mod log;
mod quota;

use super::{
    open_files::raise_limit,
    port::{free_for_both, reached_at},
    settings,
    signals::Signals,
};
use crate::{
    args::Serve,
    driver::{Driver, EventRecord, Storage, Subject as _},
    escape::escape,
    exit::Failure,
    gate::{Admission, Gate},
    host::STREAMS_MAX,
    identity::{Code, Home, Identity, Invites, Label, Rights},
    log_writer::say,
    memory::Growing,
    storage::{Directory, Part, Source},
    url::{self, Host, Scheme},
};
use access_control::{AccessControl, LOOK};
use log::Log;
use mio::Events;
pub(super) use quota::Quota;
use skep_core::{
    Instant,
    files::{Dialect, Event, Server, Session, Settings, Uploads, WhenFull},
    seal::layer::Access,
    stream::Fault,
    table::Named,
    wire::{Name, file},
};
use std::{
    io::{self, Write, stdout},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

pub(super) type Files = Server<Growing<Named<Session>, STREAMS_MAX>>;

/// What is known of a socket by its label: files or paths; sealed, plain on this machine, or plain on the network.
const FILES: usize = 0;
const PATHS: usize = 1;
const FROM_NETWORK: usize = 2;
const SEALED: usize = 4;

/// The directory for plain uploads from the network.
const DROP: &str = "drop";

/// The directory that is served.
pub(super) struct Served {
    pub(super) directory: Directory,
    pub(super) replace: bool,
    /// What the directory for plain uploads may hold.
    pub(super) quota: Quota,
}

impl Served {
    /// Counts what the directory for plain uploads holds, before anybody waits for that.
    fn count(&mut self) {
        // What cannot be counted now is told to who wants to put a file there.
        let _ = self.quota.count(|| self.directory.held(DROP));
    }
}

impl Storage for Served {
    fn open(&mut self, name: Name<'_>) -> Result<Source, Fault> {
        self.directory.open_file(name)
    }

    fn create(&mut self, name: Name<'_>, length: Option<u64>) -> Result<Part, Fault> {
        if !self.replace {
            self.directory.vacant(name)?;
        }
        if name.as_str().split('/').next() == Some(DROP) {
            // What is under way counts too, with all of its length.
            self.quota.let_in(length, || self.directory.held(DROP))?;
        }
        self.directory.create(name, length)
    }

    fn replaces(&self) -> bool {
        self.replace
    }
}

/// What a server of files goes by.
fn rules(serve: &Serve) -> Settings {
    Settings {
        read_only: serve.read_only,
        max_upload: serve.max_upload.unwrap_or(u64::MAX),
        slots: u32::from(serve.slots),
        when_full: if serve.wait { WhenFull::Wait } else { WhenFull::Busy },
        ..Settings::DEFAULT
    }
}

/// Options without the listeners that they are about would do nothing.
fn check(serve: &Serve) -> Result<(), Failure> {
    if serve.is_told_where() && serve.listen.is_empty() {
        let given = [
            ("--public", serve.public),
            ("--invite", serve.invite),
            ("--allow", serve.allow.is_some()),
            ("--key", serve.key.is_some()),
        ];
        if let Some((option, _)) = given.into_iter().find(|(_, given)| *given) {
            return Err(Failure::usage(format!("{option} is about sealed listeners; add --listen ADDR")));
        }
    }
    if serve.trust_addresses && serve.rdt.is_empty() {
        return Err(Failure::usage(
            "--trust-addresses is about plain RDT, as sealed calls prove theirs; add --rdt ADDR",
        ));
    }
    Ok(())
}

/// Serves until it is asked to end.
pub(super) fn run(serve: &Serve) -> Result<(), Failure> {
    check(serve)?;
    raise_limit();
    let shown = serve.directory.display();
    let directory = Directory::open(&serve.directory);
    let directory = directory.map_err(|error| Failure::cannot(format_args!("serve {shown}"), &error))?;
    if !serve.read_only {
        directory.sweep().map_err(|error| Failure::cannot(format_args!("look through {shown}"), &error))?;
    }
    let listeners = serve.listeners();
    let sealed = match listeners.iter().any(|(scheme, _)| *scheme == Scheme::Skep) {
        true => Some(Sealed::new(serve)?),
        false => None,
    };
    let quota = Quota::new(serve.drop_quota);
    let mut storage = Served { directory, replace: !serve.no_replace, quota };
    if !serve.read_only && listeners.iter().any(|(scheme, host)| is_from_network(*scheme, host)) {
        let made = std::fs::create_dir_all(serve.directory.join(DROP));
        made.map_err(|error| Failure::cannot(format_args!("make {shown}/{DROP}"), &error))?;
        storage.count();
    }
    let access = sealed.as_ref().map(|sealed| Arc::clone(&sealed.access));
    let admit =
        move |server: &mut Files, now: Instant, admission: &Admission| admit(server, now, admission, &access);
    let driver = Driver::new(Files::new(rules(serve), Growing::new()), storage, admit);
    let mut driver = driver.map_err(|error| Failure::cannot("start", &error))?;
    if serve.no_gso {
        driver.send_singly();
    }
    if let Some(sealed) = &sealed {
        let gate = Gate::new(Arc::clone(&sealed.access) as Arc<Mutex<dyn Access + Send>>);
        let identified = driver.identify(sealed.identity.secret(), gate);
        identified.map_err(|error| Failure::cannot("start", &error))?;
        sealed.access.lock().unwrap_or_else(PoisonError::into_inner).wake(driver.waker());
    }
    let mut signals = Signals::new(&mut driver)?;
    let mut bound = Vec::new();
    for (scheme, host) in &listeners {
        bound.extend(listen(&mut driver, serve, *scheme, host)?.into_iter().map(|bound| (*scheme, bound)));
    }
    if !serve.quiet {
        tell_where(&bound, sealed.as_ref());
        if let Some(sealed) = &sealed {
            sealed.tell(serve);
        }
    }
    let mut log = Log::new(serve.verbose);
    let mut events = Events::with_capacity(1_024);
    loop {
        // The files of keys are looked at while nobody calls, too: who has spoilt one is told so at once.
        let longest = sealed.as_ref().map(|_| LOOK);
        driver.turn(&mut events, longest).map_err(|error| Failure::cannot("wait for the network", &error))?;
        if let Some(sealed) = &sealed {
            sealed.access.lock().unwrap_or_else(PoisonError::into_inner).look();
        }
        while let Some(told) = driver.events.pop_front() {
            let called = sealed.as_ref().and_then(|sealed| sealed.name_of(&told));
            log.tell(&told, called.as_ref());
        }
        driver.gone.clear();
        if let Some(why) = driver.take_unaccepted() {
            say(&format_args!("cannot accept connections: {why}"));
        }
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

/// Opens a stream for what its socket is for, and with the rights that its peer has.
pub(super) fn admit_plain(server: &mut Files, now: Instant, admission: &Admission) -> bool {
    admit(server, now, admission, &None)
}

/// The same on any socket.
fn admit(
    server: &mut Files,
    now: Instant,
    admission: &Admission,
    access: &Option<Arc<Mutex<AccessControl>>>,
) -> bool {
    let dialect = if admission.label & PATHS != 0 { Dialect::Path } else { Dialect::Files };
    if let Some(access) = access {
        let mut access = access.lock().unwrap_or_else(PoisonError::into_inner);
        access.note(admission.stream, admission.caller.as_ref());
    }
    let uploads = match (&admission.caller, access) {
        (Some(caller), Some(access)) => access.lock().unwrap_or_else(PoisonError::into_inner).uploads(caller),
        _ if admission.label & SEALED != 0 => Uploads::Nowhere,
        _ if admission.label & FROM_NETWORK != 0 => Uploads::Drop,
        _ => Uploads::Anywhere,
    };
    server.opened_with(now, admission.stream, dialect, uploads)
}

/// Whether anybody on the network may come in plain by this listener.
fn is_from_network(scheme: Scheme, host: &Host) -> bool {
    let is_loopback = |addresses: Vec<SocketAddr>| addresses.iter().all(|address| address.ip().is_loopback());
    scheme != Scheme::Skep && !host.resolve().is_ok_and(is_loopback)
}

/// The identity of a server, and who may come in.
struct Sealed {
    identity: Identity,
    home: Home,
    access: Arc<Mutex<AccessControl>>,
    /// A link for one guest.
    code: Option<Code>,
}

impl Sealed {
    fn new(serve: &Serve) -> Result<Self, Failure> {
        let home = match &serve.key {
            Some(path) => Home::of_key(path),
            None => Home::find()?,
        };
        let identity = Identity::load_or_make(home.key())?;
        if identity.is_new() && !serve.quiet {
            say(&format_args!("made a key in {}", escape(&home.key().display().to_string())));
        }
        let code = match serve.invite {
            true => {
                let now = SystemTime::now();
                let rights = Rights { read_only: serve.read_only };
                Some(Invites::load(&home.invites())?.create(Label::somebody(), rights, INVITE_LIFE, now)?)
            }
            false => None,
        };
        let access = Arc::new(Mutex::new(AccessControl::new(serve, &home, identity.secret())?));
        Ok(Self { identity, home, access, code })
    }

    /// What the key of whom something was told of is called.
    fn name_of(&self, told: &EventRecord<Event>) -> Option<Label> {
        let (Some(stream), _) = told.event.subject() else { return None };
        self.access.lock().unwrap_or_else(PoisonError::into_inner).name_on(stream)
    }

    /// Prints the link of a listener, for the user to copy.
    fn tell_link(&self, bound: SocketAddr, code: Option<&Code>) {
        let link = url::link(&reached_at(bound), &self.identity.fingerprint(), code);
        let mut out = stdout().lock();
        let _ = writeln!(out, "{}{}", if code.is_some() { "invite " } else { "serving " }, *link);
        let _ = out.flush();
    }

    fn tell(&self, serve: &Serve) {
        if !serve.public && self.access.lock().unwrap_or_else(PoisonError::into_inner).is_closed() {
            let allow = serve.allow.clone().unwrap_or_else(|| self.home.allow()).display().to_string();
            say(&format_args!(
                "nobody may come in yet: --public lets everybody fetch, --invite makes a link for one guest, or put \
                 keys into {}",
                escape(&allow)
            ));
        }
    }
}

/// How long the invite of `--invite` is good.
const INVITE_LIFE: Duration = Duration::from_secs(86_400);

/// Listens on all addresses of a host; where.
fn listen(
    driver: &mut Driver<Files, Served>,
    serve: &Serve,
    scheme: Scheme,
    host: &Host,
) -> Result<Vec<SocketAddr>, Failure> {
    let cannot =
        |error: &io::Error| Failure::cannot_on_network(format_args!("listen on {scheme}://{host}"), error);
    let mut all = Vec::new();
    for address in host.resolve().map_err(|error| cannot(&error))? {
        let mut settings = settings(&serve.magic, serve.window)?;
        serve.pace.set(&mut settings);
        settings.trusts_addresses = serve.trust_addresses;
        let reach = if address.ip().is_loopback() { 0 } else { FROM_NETWORK };
        let bound = match scheme {
            Scheme::Tcp => driver.listen_tcp(address, FILES | reach),
            Scheme::Path => driver.listen_tcp(address, PATHS | reach),
            Scheme::Rdt => driver.bind_rdt(address, settings, FILES | reach).map(|(_, bound)| bound),
            // One port number for both: the one that TCP got.
            Scheme::Skep => driver
                .listen_tcp_sealed(free_for_both(address), SEALED)
                .and_then(|bound| driver.bind_sealed(bound, settings, SEALED).map(|(_, bound)| bound)),
        };
        all.push(bound.map_err(|error| cannot(&error))?);
    }
    Ok(all)
}

/// Says where it listens: on standard output, as a script may wait for it to learn the port. When it listens everywhere, as a
/// link that was printed is to be good.
fn tell_where(bound: &[(Scheme, SocketAddr)], sealed: Option<&Sealed>) {
    for &(scheme, bound) in bound {
        let plain = if scheme == Scheme::Skep { "" } else { " (plain: not encrypted)" };
        let mut out = stdout().lock();
        let _ = writeln!(out, "listening on {scheme}://{bound}{plain}").and_then(|()| out.flush());
        drop(out);
        if let (Scheme::Skep, Some(sealed)) = (scheme, sealed) {
            sealed.tell_link(bound, None);
            if let Some(code) = &sealed.code {
                sealed.tell_link(bound, Some(code));
            }
        }
    }
}

/// What an error code of the protocol means to a person.
pub(super) fn because(code: file::Code) -> String {
    match code {
        file::Code::Unknown => "the request was not understood".to_owned(),
        file::Code::NotFound => "there is no such file".to_owned(),
        file::Code::Exists => "there is a file of that name already".to_owned(),
        file::Code::TooLarge => "the file is too large".to_owned(),
        file::Code::NoSpace => "there is no space left".to_owned(),
        file::Code::BadName => "that is not a name that can be used there".to_owned(),
        file::Code::Busy => "busy; try again later".to_owned(),
        file::Code::NotAllowed => "that is not allowed".to_owned(),
        file::Code::StorageFault => "the storage failed there".to_owned(),
        file::Code::Other(number) => format!("error {number}"),
    }
}
