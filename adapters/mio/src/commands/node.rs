//! A member on the sockets of this host: opens the streams that it asks for.

mod address;
mod breaks;
mod outlook;
mod relays;
mod rendezvous;
#[cfg(test)]
mod tests;

use super::{
    attempts::{Attempts, Proof},
    credentials::{As, Credentials},
    port::free_for_both,
    settings,
};
use crate::{
    args::{Login, Magic, Via},
    driver::{Driver, Moved, Relayed},
    exit::{self, Failure},
    gate::Gate,
    member::{Accept, DOOR, Event, Introductions, Leg, Member, PLAIN_DOOR, Places, Rules, Target},
    tracker::account::{VISITS, visit_of},
    url::{Host, Url},
};
use address::Address;
use breaks::Breaks;
use mio::Events;
use outlook::Outlook;
use relays::{Opening, Relays};
use rendezvous::{Next, Rendezvous, Way};
use skep_core::{stream::StreamId, wire::session::Code};
use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

/// How long a log-out may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// How often a door or a tracker is called over UDP before TCP is tried: it takes 1.75 s.
const CALLS: u8 = 5;

/// How a member logs in.
pub(super) struct Arrival<'a> {
    pub(super) host: &'a Host,
    pub(super) name: &'a str,
    pub(super) credentials: Credentials,
    pub(super) via: Option<Via>,
    /// Packets under way at most, over RDT.
    pub(super) window: Option<u16>,
    pub(super) timeout: Duration,
    /// The tracker is called until it is there, also where its name cannot be looked up yet.
    pub(super) waits: bool,
}

impl<'a> Arrival<'a> {
    /// As the options say, at the tracker of a link.
    pub(super) fn new(url: &'a Url, login: &Login, name: &'a str) -> Result<Self, Failure> {
        let who = if login.is_by_password() {
            As::Account { name, password_file: login.password_file.as_deref() }
        } else {
            As::Member
        };
        let credentials = Credentials::new(url, &who, login.key.as_deref(), login.timeout)?;
        let Login { via, timeout, .. } = *login;
        Ok(Self { host: &url.host, name, credentials, via, window: None, timeout, waits: false })
    }
}

/// What a member is to do besides logging in.
pub(super) struct Plan<'a> {
    pub(super) shared: Option<&'a Path>,
    pub(super) downloads: &'a Path,
    /// A download replaces what has its name.
    pub(super) replace: bool,
    pub(super) wants_list: bool,
    pub(super) accept: Accept,
    /// Others may fetch; where from, if it was said.
    pub(super) door: Option<Option<&'a Host>>,
    pub(super) plain: bool,
}

/// A member, and the driver under it.
pub(super) struct Node {
    pub(super) driver: Driver<Member, Places>,
    events: Events,
    credentials: Credentials,
    rendezvous: Rendezvous,
    address: Address,
    outlook: Outlook,
    relays: Relays,
    breaks: Breaks,
    via: Option<Via>,
    window: Option<u16>,
    /// Sockets from which is called over RDT, for IPv4 and IPv6.
    callers: [Option<usize>; 2],
    /// By which number a visit is tried next.
    next_visit: u8,
    /// What is to be told.
    pub(super) news: VecDeque<Event>,
    was_online: bool,
}

impl Node {
    /// A member that has not called its tracker yet.
    pub(super) fn new(arrival: Arrival<'_>, plan: &Plan<'_>) -> Result<Self, Failure> {
        let Arrival { host, name, credentials, via, window, timeout, waits } = arrival;
        let start = |error: &io::Error| Failure::cannot("start", error);
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|error| start(&io::Error::other(error)))?;
        let rules = Rules {
            wants_list: plan.wants_list,
            accept: plan.accept,
            door: (0, 0),
            plain_door: 0,
            plain: plan.plain,
            via,
            patience: timeout,
        };
        let introductions = Introductions::default();
        let places = Places::new(plan.shared, plan.downloads, plan.replace);
        let member = Member::new(rules, &places, introductions.clone(), u64::from_ne_bytes(seed));
        let driver =
            Driver::new(member, places, |member: &mut Member, now, admission| member.admit(now, admission));
        let mut driver = driver.map_err(|error| start(&error))?;
        let gate = Gate::new(Arc::new(Mutex::new(introductions)));
        driver.identify(credentials.secret(), gate).map_err(|error| start(&error))?;
        let rendezvous = Rendezvous::new(host, via, credentials.invite.is_some(), waits)?;
        let mut node = Self {
            driver,
            events: Events::with_capacity(256),
            credentials,
            rendezvous,
            address: Address::default(),
            outlook: Outlook::default(),
            relays: Relays::default(),
            breaks: Breaks::default(),
            via,
            window,
            callers: [None; 2],
            next_visit: 0,
            news: VecDeque::new(),
            was_online: false,
        };
        if let Some(host) = plan.door {
            node.open_door(host, plan.plain)?;
        }
        if !node.driver.service.start(name) {
            return Err(Failure::usage(format!("\"{name}\" cannot be the name of a user")));
        }
        Ok(node)
    }

    /// Listens for other members, over TCP and UDP on one port.
    fn open_door(&mut self, host: Option<&Host>, plain: bool) -> Result<(), Failure> {
        let any = [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
        let any = any.map(|any| SocketAddr::new(any, 0)).to_vec();
        let addresses = match host {
            None => any,
            Some(host) => host
                .resolve()
                .map_err(|error| Failure::cannot_on_network(format_args!("listen on {host}"), &error))?,
        };
        let mut failure = None;
        for address in addresses {
            match self.listen(address, plain) {
                Ok(()) => return Ok(()),
                Err(error) => failure = Some((address, error)),
            }
        }
        match failure {
            Some((address, error)) => {
                Err(Failure::cannot_on_network(format_args!("listen on {address}"), &error))
            }
            None => Err(Failure::usage("there is no address to listen on")),
        }
    }

    fn listen(&mut self, address: SocketAddr, plain: bool) -> io::Result<()> {
        let tcp = self.driver.listen_tcp_sealed(free_for_both(address), DOOR)?;
        let rules = settings(&Magic::default(), None).map_err(io::Error::other)?;
        let (_, rdt) = self.driver.bind_sealed(tcp, rules, DOOR)?;
        let mut any_port = tcp;
        any_port.set_port(0);
        let plain_port = match plain {
            true => self.driver.listen_tcp(any_port, PLAIN_DOOR)?.port(),
            false => 0,
        };
        self.driver.service.set_door((tcp.port(), rdt.port()), plain_port);
        Ok(())
    }

    /// Waits for something to happen, at most `longest`, and does what there is to do. What is to be told is in
    /// `news` then.
    pub(super) fn turn(&mut self, longest: Option<Duration>) -> Result<(), Failure> {
        self.driver.stir();
        let now = self.driver.now();
        let is_busy = !self.driver.gone.is_empty() || !self.driver.events.is_empty();
        let longest = if is_busy { Some(Duration::ZERO) } else { longest };
        let deadlines = self.rendezvous.deadline().into_iter().chain(self.relays.deadline());
        let deadlines = deadlines.chain(self.address.deadline()).chain(self.outlook.deadline());
        let patience = deadlines.map(|deadline| deadline.since(now));
        let longest = longest.into_iter().chain(patience).min();
        let waited = self.driver.turn(&mut self.events, longest);
        waited.map_err(|error| Failure::cannot("wait for the network", &error))?;
        let now = self.driver.now();
        self.relays.settle(|stream| self.driver.is_connected(stream), |stream| self.driver.is_open(stream));
        while let Some(stream) = self.relays.expired(now) {
            self.driver.abort(stream);
        }
        while let Some(gone) = self.driver.gone.pop_front() {
            self.breaks.gone(&gone);
            self.address.gone(gone.stream);
            let reason = gone.reason.unwrap_or_else(|| "no answer".to_owned());
            if let Some(opening) = self.relays.take(gone.stream, gone.was_turned_away) {
                self.relay_not_called(opening, gone.stream, &reason);
                continue;
            }
            self.driver.service.gone(now, gone.stream, &reason);
            if self.rendezvous.failed(gone.stream, &reason) {
                self.call_tracker();
            }
        }
        let answered = self.rendezvous.calls().find(|stream| self.driver.is_open(*stream));
        if let Some(stream) = answered {
            self.address.begin(now, stream);
            for other in self.rendezvous.connected(stream) {
                self.driver.abort(other);
            }
        }
        if let Some(stream) = self.rendezvous.expired(now) {
            self.driver.abort(stream);
        }
        if let Some(stream) = self.address.left(now, |stream| self.driver.source(stream)) {
            self.driver.abort(stream);
        }
        if self.outlook.has_changed(now, || self.rendezvous.address().and_then(outlook::source)) {
            self.driver.service.retry(now);
        }
        if self.rendezvous.is_due(now) {
            self.call_tracker();
        }
        while let Some(told) = self.driver.events.pop_front() {
            match told.event {
                Event::Connect => {
                    self.rendezvous.begin();
                    self.outlook.called(self.rendezvous.address().and_then(outlook::source));
                    self.call_tracker();
                }
                Event::Call(leg, target) => self.call(leg, &target),
                mut event => {
                    self.breaks.explain(&mut event);
                    self.was_online |= matches!(event, Event::Online);
                    if let Event::Offline { .. } | Event::Over { .. } = &event {
                        for stream in self.rendezvous.cancel() {
                            self.driver.abort(stream);
                        }
                    }
                    if let Event::Offline { .. } = &event {
                        self.outlook.pause(now);
                    }
                    self.news.push_back(event);
                }
            }
        }
        Ok(())
    }

    /// A short visit: `stay` says what it came to, and then it is logged out, also when it came to nothing. Who goes without
    /// a word is there for the tracker until it notices, and is refused when he comes again.
    pub(super) fn visit<T>(
        mut self,
        stay: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let outcome = stay(&mut self);
        // Nobody has heard of a call that is not answered.
        if self.rendezvous.calls().next().is_none() {
            self.leave()?;
        }
        outcome
    }

    /// Logs in as a visit of the user, who is logged in already: as the next one. `false`: it is not for that that he is not
    /// let in, or all visits are taken, too.
    pub(super) fn come_again(&mut self, user: &str, event: &Event) -> bool {
        let number = self.next_visit;
        if !matches!(event, Event::Over { code: Code::NameInUse }) || number >= VISITS {
            return false;
        }
        self.next_visit += 1;
        self.driver.service.start(&visit_of(user, number))
    }

    /// Logs out, and sees to it that the other side knows; not for ever.
    pub(super) fn leave(&mut self) -> Result<(), Failure> {
        let now = self.driver.now();
        self.driver.service.log_out(now);
        let until = now + FAREWELL;
        while self.driver.count() > 0 && self.driver.now() < until {
            self.turn(Some(until.since(self.driver.now())))?;
        }
        self.end()
    }

    /// The program ends: the other side of what is still under way is told so.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        let ended = self.driver.end(&mut self.events);
        ended.map_err(|error| Failure::cannot("wait for the network", &error))
    }

    /// Why the tracker could not be reached, the last time.
    pub(super) fn attempts(&self) -> &Attempts {
        self.rendezvous.attempts()
    }

    /// Whether the tracker has let us in.
    pub(super) const fn was_online(&self) -> bool {
        self.was_online
    }

    /// By what one wants to be let in there: who came by an invite comes by his key from then on.
    pub(super) const fn proof(&self) -> Proof {
        match self.credentials.proof {
            Proof::Invite if self.was_online => Proof::Key,
            proof => proof,
        }
    }

    /// How far a stream has come.
    pub(super) fn moved(&self, stream: Option<StreamId>) -> Moved {
        stream.and_then(|stream| self.driver.moved(stream)).unwrap_or_default()
    }

    /// Calls the tracker where it has not been tried yet.
    fn call_tracker(&mut self) {
        let now = self.driver.now();
        loop {
            let (address, way) = match self.rendezvous.next(now) {
                Next::Call(address, way) => (address, way),
                Next::Wait => return,
                Next::Unreachable => {
                    self.driver.service.session_unreachable(now);
                    return;
                }
            };
            let called = match way {
                Way::Enrol => match &self.credentials.invite {
                    Some(invite) => self.driver.connect_tcp_sealed(address, invite),
                    None => Err(io::ErrorKind::NotFound.into()),
                },
                Way::Tcp => self.driver.connect_tcp_sealed(address, &self.credentials.call),
                Way::Udp => self.caller(address).and_then(|socket| {
                    self.driver.connect_sealed(socket, address, self.credentials.call.clone())
                }),
            };
            match called {
                Ok(stream) => {
                    self.driver.service.session_called(stream);
                    self.rendezvous.called(now, stream);
                    return;
                }
                Err(error) => self.rendezvous.refused(&exit::reason(&error)),
            }
        }
    }

    /// Opens a stream for a transfer.
    fn call(&mut self, leg: Leg, target: &Target) {
        let called = match target {
            Target::Direct { address, via: Via::Tcp, call } => self.driver.connect_tcp_sealed(*address, call),
            Target::Direct { address, via: Via::Udp, call } => self
                .caller(*address)
                .and_then(|socket| self.driver.connect_sealed(socket, *address, call.clone())),
            Target::Relayed(end) => {
                return self.call_relay(self.relays.begin(leg, end.clone(), self.via));
            }
            Target::Plain { address } => self.driver.connect_tcp(*address),
        };
        match called {
            Ok(stream) => self.called(leg, stream),
            Err(error) => self.driver.service.not_called(self.driver.now(), leg, &exit::reason(&error)),
        }
    }

    fn called(&mut self, leg: Leg, stream: StreamId) {
        self.driver.service.called(leg, stream);
        self.breaks.called(leg, stream);
    }

    /// Opens a stream to the tracker for a transfer that it relays, by the first way by which it can be called.
    fn call_relay(&mut self, opening: Opening) {
        let (now, mut opening) = (self.driver.now(), opening);
        while let Some(way) = opening.next() {
            match self.call_relay_by(way, &opening.end) {
                Ok(stream) => {
                    self.called(opening.leg, stream);
                    return self.relays.called(now, stream, opening);
                }
                Err(error) => opening.failed(&exit::reason(&error)),
            }
        }
        self.driver.service.not_called(now, opening.leg, &opening.reasons);
    }

    fn call_relay_by(&mut self, way: Via, end: &Relayed) -> io::Result<StreamId> {
        let tracker = self.rendezvous.tracker().ok_or(io::ErrorKind::NotConnected)?;
        match way {
            Via::Tcp => self.driver.connect_relayed(tracker, end),
            Via::Udp => {
                let socket = self.caller(tracker)?;
                self.driver.connect_relayed_rdt(socket, tracker, self.credentials.call.clone(), end)
            }
        }
    }

    /// The tracker does not answer by one way, or does not know us by it: it is called by the next, if the transfer is still wanted.
    fn relay_not_called(&mut self, opening: Opening, stream: StreamId, reason: &str) {
        let mut opening = opening;
        opening.failed(reason);
        if self.driver.service.forget(stream) {
            self.call_relay(opening);
        }
    }

    /// A socket from which an address can be called over RDT.
    fn caller(&mut self, to: SocketAddr) -> io::Result<usize> {
        let (place, any): (_, IpAddr) = match to {
            SocketAddr::V4(_) => (0, Ipv4Addr::UNSPECIFIED.into()),
            SocketAddr::V6(_) => (1, Ipv6Addr::UNSPECIFIED.into()),
        };
        if let Some(socket) = self.callers[place] {
            return Ok(socket);
        }
        let mut rules = settings(&Magic::default(), self.window).map_err(io::Error::other)?;
        rules.calls = CALLS;
        let (socket, _) = self.driver.bind_sealed(SocketAddr::new(any, 0), rules, DOOR)?;
        self.callers[place] = Some(socket);
        Ok(socket)
    }
}
