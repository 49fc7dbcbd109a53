//! One transfer from the side of a client: connect, move, tell how far it is, end.

use super::{
    attempts::Attempts, credentials::Credentials, serve::because, settings, signals::Signals, tracing,
};
use crate::{
    args::{Link, Via},
    driver::{Driver, Storage},
    exit::{Code, Failure, describe},
    gate::Gate,
    progress::{Progress as Display, Summary},
    url::{Scheme, Url},
    visits::Visits,
};
use mio::Events;
use skep_core::{
    files::{Client, Failure as Reason, Progress},
    rdt::{self, Language},
    stream::{Fault, Service, StreamId},
    wire::{
        file,
        rdt::{Pass, TypeKind},
    },
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant as Clock},
};

/// How long the end of a connection may take once its transfer is done.
pub(super) const FAREWELL: Duration = Duration::from_secs(3);

/// How often the display is looked at.
const TICK: Duration = Duration::from_millis(100);

/// What a command wants to be moved, and how it wants to hear of it.
pub(super) struct Order<'a> {
    pub(super) url: &'a Url,
    pub(super) link: &'a Link,
    pub(super) label: &'a str,
    /// The directory there that a file is put into.
    pub(super) folder: Option<&'a str>,
    /// What the local file is called in errors.
    pub(super) local: &'a str,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    /// How long the end of the connection may take once the transfer is done.
    pub(super) farewell: Duration,
    /// Is shown the state of the connection again and again, on RDT.
    pub(super) observe: &'a dyn Fn(&rdt::Statistics),
}

/// How an address is tried.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// As the URL says.
    Plain,
    Sealed(Via),
    /// Over TCP, with an invite.
    Enrol,
}

/// What the machine had to say in the end.
enum End {
    Done(Summary),
    /// It was never connected; another address may be tried.
    Unconnected(String),
    Failed(Failure),
    /// The answer was none.
    Strange,
}

/// Why there was no transfer.
pub(super) enum Ended {
    Failure(Failure),
    /// What answers there is no server of files, but perhaps a tracker; how it was called.
    Tracker(Box<Credentials>),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl Ended {
    /// For those who want a server of files and nothing else.
    pub(super) fn failure(self, url: &Url) -> Failure {
        match self {
            Self::Failure(failure) => failure,
            Self::Tracker(_) => Failure::refused(format!(
                "{url}: the answer was not understood; is it a tracker? What it knows is shared with skep join"
            )),
        }
    }
}

impl Order<'_> {
    /// Does it. Each address of the host is tried in turn until one can be connected to. `storage` and `client` make
    /// what an attempt needs.
    pub(super) fn run<F: Storage>(
        &self,
        storage: impl Fn() -> Result<F, Failure>,
        client: impl Fn() -> Client,
    ) -> Result<Summary, Ended> {
        self.link.fits(self.url.scheme).map_err(|error| Failure::usage(error.to_string()))?;
        let addresses = self.url.host.resolve();
        let addresses =
            addresses.map_err(|error| Failure::network(format!("cannot find {}: {error}", self.url.host)))?;
        let sealed = match self.url.scheme {
            Scheme::Skep => Some(Credentials::of_link(self.url, self.link)?),
            _ => None,
        };
        let ways: &[Way] = match (&sealed, self.link.via) {
            (None, _) => &[Way::Plain],
            (Some(sealed), Some(Via::Udp)) if sealed.invite.is_some() => {
                return Err(Failure::usage("an invite is used over TCP; leave --via out").into());
            }
            // Who was let in before, perhaps by this very invite, comes in with his key.
            (Some(sealed), Some(Via::Tcp)) if sealed.invite.is_some() => &[Way::Enrol, Way::Sealed(Via::Tcp)],
            (Some(sealed), None) if sealed.invite.is_some() => {
                &[Way::Enrol, Way::Sealed(Via::Udp), Way::Sealed(Via::Tcp)]
            }
            (Some(_), Some(Via::Udp)) => &[Way::Sealed(Via::Udp)],
            (Some(_), Some(Via::Tcp)) => &[Way::Sealed(Via::Tcp)],
            (Some(_), None) => &[Way::Sealed(Via::Udp), Way::Sealed(Via::Tcp)],
        };
        let mut attempts = Attempts::default();
        for (address, &way) in
            addresses.iter().flat_map(|address| ways.iter().map(move |way| (*address, way)))
        {
            match self.attempt(address, way, sealed.as_ref(), storage()?, client())? {
                End::Done(summary) => return Ok(summary),
                End::Failed(failure) => return Err(failure.into()),
                End::Strange => {
                    return Err(match sealed {
                        Some(sealed) => Ended::Tracker(Box::new(sealed)),
                        None => Failure::refused(format!(
                            "{}: the answer was not understood; is it a server of files?",
                            self.url
                        ))
                        .into(),
                    });
                }
                End::Unconnected(reason) => {
                    let way = match way {
                        Way::Plain => "",
                        Way::Sealed(Via::Udp) => "udp",
                        Way::Sealed(Via::Tcp) | Way::Enrol => "tcp",
                    };
                    attempts.failed(&self.url.host, address, way, &reason);
                }
            }
        }
        let hint = match (&sealed, &self.link.user) {
            (Some(_), Some(_)) => {
                "; a server is silent to a wrong password, and after a few of them for a while to the right one, too"
            }
            (Some(_), None) => {
                "; a server is silent to those who do not know its key, and to those whom it does not let in"
            }
            (None, _) => "",
        };
        Err(Failure::network(format!("cannot connect to {}: {attempts}{hint}", self.url.host)).into())
    }

    fn attempt<F: Storage>(
        &self,
        address: SocketAddr,
        way: Way,
        sealed: Option<&Credentials>,
        storage: F,
        client: Client,
    ) -> Result<End, Failure> {
        let driver = Driver::new(client, storage, |client: &mut Client, now, admission| {
            client.opened(now, admission.stream)
        });
        let mut driver = driver.map_err(|error| Failure::cannot("start", &error))?;
        if self.link.pace.no_gso {
            driver.send_singly();
        }
        let mut signals = Signals::new(&mut driver)?;
        let (visits, mut pass) = (self.visits(), Pass::NONE);
        let stream = match self.connect(&mut driver, address, way, sealed, &visits)? {
            Ok(stream) => stream,
            Err(error) => return Ok(End::Unconnected(error.to_string())),
        };
        let trace = tracing::begin(&mut driver, stream, self.link.trace.as_deref(), self.label)?;
        let mut events = Events::with_capacity(16);
        let began = Clock::now();
        // There is something to show when there is a connection.
        let mut display = None;
        let mut watch = Watch {
            connected: false,
            total: None,
            bytes: 0,
            resent: None,
            heard: Clock::now(),
            is_assumed: false,
        };
        loop {
            driver
                .turn(&mut events, Some(TICK))
                .map_err(|error| Failure::cannot("wait for the network", &error))?;
            if let Some(moved) = driver.moved(stream) {
                watch.saw(moved.bytes, moved.resent.map(|own| own + driver.came_late()));
            }
            if let Some(statistics) = driver.statistics(stream) {
                (self.observe)(&statistics);
            }
            pass = driver.pass(stream).unwrap_or(pass);
            if !watch.connected && self.is_connected(&driver, stream) {
                watch.connected = true;
                self.tell_peer(&driver, stream);
            }
            if watch.connected {
                let display =
                    display.get_or_insert_with(|| Display::new(self.quiet, watch.total, self.label));
                display.update(watch.bytes, watch.resent);
            }
            let mut end = None;
            while let Some(told) = driver.events.pop_front() {
                match told.event {
                    Progress::Started { length } => {
                        // Over RDT what is sent may go out with the call.
                        watch.connected |= self.url.scheme != Scheme::Rdt;
                        watch.total = length;
                        if let Some(length) = length.filter(|_| watch.connected) {
                            display
                                .get_or_insert_with(|| Display::new(self.quiet, None, self.label))
                                .set_total(length);
                        }
                    }
                    last => end = Some(last),
                }
            }
            if let Some(last) = end {
                let end = self.conclude(
                    last,
                    &watch,
                    began.elapsed(),
                    driver.gone.pop_front().and_then(|gone| gone.reason),
                );
                if let End::Done(summary) = &end {
                    let display = display.unwrap_or_else(|| Display::new(self.quiet, None, self.label));
                    display.finish(summary);
                } else {
                    drop(display);
                }
                if watch.is_assumed {
                    self.tell_assumption();
                    driver.abort(stream);
                }
                if !matches!(end, End::Done(_)) || !driver.take_leave() {
                    farewell(&mut driver, &mut events, self.farewell);
                }
                if watch.connected {
                    visits.note(address, pass);
                }
                trace.end()?;
                return Ok(end);
            }
            if let Some(gone) = driver.gone.pop_front()
                && !watch.connected
            {
                return Ok(End::Unconnected(gone.reason.unwrap_or_else(|| "no answer".to_owned())));
            }
            if signals.ask_to_end(&mut driver) {
                driver.abort(stream);
                let _ = driver.turn(&mut events, Some(Duration::ZERO));
                return Err(Failure::interrupted());
            }
            if watch.is_stalled(self.link.timeout) && driver.count() > 0 {
                if self.url.scheme == Scheme::Path && watch.bytes > 0 && !watch.is_assumed {
                    watch.assume();
                    driver.take_as_finished(stream);
                    continue;
                }
                driver.abort(stream);
                let seconds = self.link.timeout.as_secs();
                if !watch.connected {
                    return Ok(End::Unconnected(format!("no answer in {seconds} s")));
                }
                let message = format!("{}: nothing came or went for {seconds} s; gave up", self.url);
                return Err(Failure::network(message));
            }
        }
    }

    fn connect<F: Storage>(
        &self,
        driver: &mut Driver<Client, F>,
        to: SocketAddr,
        way: Way,
        sealed: Option<&Credentials>,
        visits: &Visits,
    ) -> Result<std::io::Result<StreamId>, Failure> {
        if let Some(sealed) = sealed {
            let identified = driver.identify(sealed.secret(), Gate::closed());
            identified.map_err(|error| Failure::cannot("start", &error))?;
        }
        match (way, sealed) {
            (Way::Enrol, Some(Credentials { invite: Some(invite), .. })) => {
                return Ok(driver.connect_tcp_sealed(to, invite));
            }
            (Way::Sealed(Via::Tcp), Some(sealed)) => return Ok(driver.connect_tcp_sealed(to, &sealed.call)),
            (Way::Plain, _) if self.url.scheme != Scheme::Rdt => return Ok(driver.connect_tcp(to)),
            _ => {}
        }
        let mut settings = settings(&self.link.magic(), self.link.window)?;
        self.link.pace.set(&mut settings);
        settings.idle = self.link.timeout.into();
        settings.keep_alive = settings.keep_alive.min((self.link.timeout / 3).into());
        if self.link.ascii_types {
            settings.kind = TypeKind::Ascii;
        }
        if self.link.legacy
            && let Some(window) = self.link.window
        {
            settings.known_window = u32::from(window);
        }
        let any: IpAddr = match to {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        if let Some(sealed) = sealed {
            if self.link.via.is_none() {
                // TCP comes next: whether UDP gets through is soon known.
                settings.calls = 5;
            }
            let bound = driver.bind_sealed(SocketAddr::new(any, 0), settings, 0);
            return Ok(bound.and_then(|(socket, _)| driver.connect_sealed(socket, to, sealed.call.clone())));
        }
        let language = if self.is_known() { Language::Known } else { Language::Any };
        let bound = driver.bind_rdt(SocketAddr::new(any, 0), settings, 0);
        Ok(bound.and_then(|(socket, _)| driver.connect_rdt_again(socket, to, language, visits.pass(to))))
    }

    /// Types as digits are a known peer's affair: so is everything else then.
    const fn is_known(&self) -> bool {
        self.link.legacy || self.link.ascii_types
    }

    /// What earlier calls have left, where that is of use.
    fn visits(&self) -> Visits {
        let is_useful = self.url.scheme == Scheme::Rdt && !self.is_known() && !self.link.no_cache;
        if is_useful { Visits::find() } else { Visits::none() }
    }

    fn is_connected<F: Storage>(&self, driver: &Driver<Client, F>, stream: StreamId) -> bool {
        match driver.statistics(stream) {
            Some(statistics) => statistics.segment > 0 && driver.is_open(stream),
            None => driver.is_open(stream),
        }
    }

    fn tell_peer<F: Storage>(&self, driver: &Driver<Client, F>, stream: StreamId) {
        if !self.verbose {
            return;
        }
        let peer = driver.peer(stream).map(|peer| peer.to_string()).unwrap_or_default();
        match driver.statistics(stream) {
            Some(rdt::Statistics { own, segment, .. }) => {
                let language = if own { "a skep peer" } else { "a peer without skep's extensions" };
                eprintln_quietly(&format!(
                    "skep: connected to {peer}: {language}, segments of {segment} bytes"
                ));
            }
            None => eprintln_quietly(&format!("skep: connected to {peer}")),
        }
    }

    fn tell_assumption(&self) {
        if !self.quiet {
            let seconds = self.link.timeout.as_secs();
            let message = format!(
                "skep: {}: the server did not close; {seconds} s of silence were taken for the end",
                self.url
            );
            eprintln_quietly(&message);
        }
    }

    fn conclude(&self, last: Progress, watch: &Watch, elapsed: Duration, reason: Option<String>) -> End {
        let url = self.url;
        let failure = match last {
            Progress::Done { bytes } => {
                return End::Done(Summary { bytes, elapsed, resent: watch.resent });
            }
            Progress::Started { .. } => Failure::new(Code::Network, format!("{url}: ended early")),
            Progress::Refused(code) => Failure::refused(match (code, self.folder) {
                (file::Code::NotFound, Some(folder)) => {
                    format!("{url}: there is no directory {folder} there, and none is made by this")
                }
                _ => format!("{url}: {}", because(code)),
            }),
            Progress::Failed(Reason::Storage(Fault::Ended)) | Progress::Failed(Reason::Closed) => {
                if !watch.connected {
                    return End::Unconnected(reason.unwrap_or_else(|| "no answer".to_owned()));
                }
                let reason = reason.unwrap_or_else(|| "the other side ended it too early".to_owned());
                Failure::network(format!("{url}: broken off after {} bytes: {reason}", watch.bytes))
            }
            Progress::Failed(Reason::Malformed) => return End::Strange,
            Progress::Failed(Reason::TooLarge) => Failure::refused(format!("{url}: the file is too large")),
            Progress::Failed(Reason::Timeout) if !watch.connected => {
                return End::Unconnected(format!("no answer in {} s", self.link.timeout.as_secs()));
            }
            Progress::Failed(Reason::Timeout) => {
                Failure::network(format!("{url}: no answer in {} s", self.link.timeout.as_secs()))
            }
            Progress::Failed(Reason::Storage(fault)) => {
                Failure::local(format!("{}: {}", self.local, describe(fault)))
            }
        };
        End::Failed(failure)
    }
}

/// Lets the connection end in order, so that the other side need not wait for an end that it never hears of.
fn farewell<F: Storage>(driver: &mut Driver<Client, F>, events: &mut Events, patience: Duration) {
    let until = Clock::now() + patience;
    loop {
        let lingers = driver.linger_until().since(driver.now());
        if driver.count() == 0 && lingers.is_zero() || Clock::now() >= until {
            return;
        }
        let longest = if driver.count() == 0 { lingers } else { TICK };
        if driver.turn(events, Some(longest.max(Duration::from_millis(1)))).is_err() {
            return;
        }
    }
}

/// Notes how a transfer gets on.
struct Watch {
    connected: bool,
    total: Option<u64>,
    bytes: u64,
    resent: Option<u64>,
    heard: Clock,
    /// Silence was taken for the end: a known server of paths keeps its connection open.
    is_assumed: bool,
}

impl Watch {
    fn saw(&mut self, bytes: u64, resent: Option<u64>) {
        if bytes != self.bytes {
            self.heard = Clock::now();
            self.bytes = bytes;
        }
        self.resent = resent.or(self.resent);
    }

    fn assume(&mut self) {
        self.is_assumed = true;
        self.heard = Clock::now();
    }

    /// Nothing has moved for so long, though something should. The end of a transfer has deadlines of its own.
    fn is_stalled(&self, timeout: Duration) -> bool {
        self.total.is_none_or(|total| self.bytes < total) && self.heard.elapsed() > timeout
    }
}

fn eprintln_quietly(message: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{message}");
}
