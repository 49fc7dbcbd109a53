//! One transfer from the side of a client: which addresses are called, in which ways, until one answers.

mod attempt;
mod race;
mod watch;

use super::{
    attempts::{APART, Attempts, Proof},
    credentials::Credentials,
    settings,
    signals::Signals,
    tracing,
};
use crate::{
    args::{Link, Pace, Via},
    driver::{Driver, Storage},
    exit::{Failure, reason},
    gate::Gate,
    progress::Summary,
    url::{Scheme, Url},
    visits::Visits,
};
use attempt::{Attempt, End};
use race::{Failed, Outcome, Race};
use skep_core::{
    files::Client,
    rdt::{self, Language},
    stream::{Service, StreamId},
    wire::rdt::TypeKind,
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

/// How long the end of a connection may take once its transfer is done.
pub(super) const FAREWELL: Duration = Duration::from_secs(3);

/// What a command wants to be moved, and how it wants to hear of it.
pub(super) struct Request<'a> {
    pub(super) url: &'a Url,
    pub(super) link: &'a Link,
    pub(super) pace: Pace,
    pub(super) label: &'a str,
    /// Of what is sent: how many bytes go before the content.
    pub(super) header: Option<u64>,
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
    /// Is told what it came to as soon as it is done, whatever the other side may still have to hear.
    pub(super) done: &'a dyn Fn(&Summary) -> Result<(), Failure>,
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

impl Way {
    /// For messages; empty where the URL says it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Sealed(Via::Udp) => "udp",
            Self::Sealed(Via::Tcp) | Self::Enrol => "tcp",
        }
    }
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

impl Request<'_> {
    /// Does it, with the first address of the host that answers. `storage` and `client` make what an attempt needs.
    pub(super) fn run<F: Storage>(
        &self,
        storage: impl Fn() -> Result<F, Failure>,
        client: impl Fn() -> Client,
    ) -> Result<(), Ended> {
        self.link.fits(self.url.scheme, self.pace).map_err(|error| Failure::usage(error.to_string()))?;
        let addresses = self.url.host.resolve();
        let addresses =
            addresses.map_err(|error| Failure::network(format!("cannot find {}: {error}", self.url.host)))?;
        let sealed = match self.url.scheme {
            Scheme::Skep => Some(Credentials::of_link(self.url, self.link)?),
            _ => None,
        };
        let ways: &'static [Way] = match (&sealed, self.link.via) {
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
        let visits = self.visits();
        let start = |address, way| self.attempt(address, way, sealed.as_ref(), &visits, storage()?, client());
        // A trace is of one call: then one follows the other.
        let apart = if self.link.trace.is_some() { self.link.timeout } else { APART };
        let (mut attempt, end) = match Race::new(&addresses, ways, apart, start).run()? {
            Outcome::Answered(attempt, end) => (attempt, end),
            Outcome::Unanswered(failed) => {
                let proof = sealed.as_ref().map(|sealed| sealed.proof);
                return Err(self.unreachable(&failed, proof).into());
            }
        };
        if let Some((server, pass)) = attempt.left() {
            visits.note(server, pass);
        }
        let told = if let End::Done(summary) = &end { (self.done)(summary) } else { Ok(()) };
        attempt.linger();
        let traced = attempt.end_trace();
        match (end, sealed) {
            (End::Done(_), _) => Ok(told.and(traced)?),
            (End::Failed(failure), _) => Err(failure.into()),
            (End::Strange, Some(sealed)) => Err(Ended::Tracker(Box::new(sealed))),
            (End::Strange, None) => {
                let url = self.url;
                let why = format!("{url}: the answer was not understood; is it a server of files?");
                Err(Failure::refused(why).into())
            }
            (End::Unconnected(reason), _) => Err(Failure::network(format!("{}: {reason}", self.url)).into()),
        }
    }

    /// Nobody has answered.
    fn unreachable(&self, failed: &[Failed], proof: Option<Proof>) -> Failure {
        let host = &self.url.host;
        let mut attempts = Attempts::default();
        for (address, way, reason) in failed {
            attempts.failed(host, *address, way.as_str(), reason);
        }
        let hint = proof.map_or_else(String::new, |proof| attempts.hint("server", proof));
        Failure::network(format!("cannot connect to {host}: {attempts}{hint}"))
    }

    /// Begins a call; inside, why that cannot be.
    fn attempt<F: Storage>(
        &self,
        address: SocketAddr,
        way: Way,
        sealed: Option<&Credentials>,
        visits: &Visits,
        storage: F,
        client: Client,
    ) -> Result<Result<Attempt<'_, F>, String>, Failure> {
        let driver = Driver::new(client, storage, |client: &mut Client, now, admission| {
            client.opened(now, admission.stream)
        });
        let mut driver = driver.map_err(|error| Failure::cannot("start", &error))?;
        if self.link.no_gso {
            driver.send_singly();
        }
        let signals = Signals::new(&mut driver)?;
        let stream = match self.connect(&mut driver, address, way, sealed, visits)? {
            Ok(stream) => stream,
            Err(error) => return Ok(Err(reason(&error))),
        };
        let trace = tracing::begin(&mut driver, stream, self.link.trace.as_deref(), self.label)?;
        Ok(Ok(Attempt::new(self, address, driver, stream, signals, trace)))
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
        self.pace.set(&mut settings);
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
}
