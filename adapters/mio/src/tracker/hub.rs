//! The tracker as its driver sees it: the machine, with somebody at its side who answers its questions and tells what
//! happens by names.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use skep_core::{
    Instant,
    seal::Public,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    tracker::{Ask, Dialect, EntryId, Event, Peer, Record, Rights, Settings, Ticket, Tracker, UserId},
    wire::{
        TEXT_MAX, Text,
        session::{Code, Way},
    },
};

use super::{
    account::{Account, VISITS, check_shown, host_of, visit_of},
    admin::{Ordered, key_of},
    because::Because,
    house::{House, Judgement},
    memory::{self, Wide},
    orders::{Giver, Orders},
    places::Places,
    store::{Change, Kept, NotStored},
};
use crate::{args::Registration, driver::Subject, gate::Admission, identity::Fingerprint};

/// What happened, in words that outlive it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The tracker had no key, and has made one.
    MadeKey {
        /// In which file.
        file: Box<str>,
    },
    /// The tracker is ready.
    Started {
        /// Who gets an account.
        accounts: Registration,
        /// Where it listens.
        places: Places,
    },
    /// A user is there.
    Came {
        /// The name.
        user: Box<str>,
        /// The stream.
        stream: StreamId,
        /// His key, if he has one that can be told.
        key: Option<Box<str>>,
    },
    /// A user is not there any more.
    Left {
        /// The name.
        user: Box<str>,
        /// Why.
        code: Code,
    },
    /// Somebody waits for a seat.
    Waits {
        /// The stream.
        stream: StreamId,
    },
    /// A log-in was refused.
    Refused {
        /// By which name, as far as is known.
        user: Box<str>,
        /// The stream.
        stream: StreamId,
        /// What he was told.
        code: Code,
        /// Why, where there is more to say.
        because: Option<Because>,
        /// His key, if he has one that can be told.
        key: Option<Box<str>>,
    },
    /// Somebody was turned away at the door, before there was a stream.
    TurnedAway {
        /// His key, if he has one.
        key: Option<Box<str>>,
        /// Where he says that he calls from.
        from: SocketAddr,
    },
    /// A name belongs to a key from now on.
    Registered {
        /// The name.
        user: Box<str>,
        /// The key.
        key: Option<Box<str>>,
    },
    /// A transfer has begun.
    Began {
        /// Which.
        transfer: u32,
        /// How it travels.
        way: Way,
        /// Who asked.
        requester: Box<str>,
        /// Whose file it is.
        owner: Box<str>,
    },
    /// A transfer is over.
    Ended {
        /// Which.
        transfer: u32,
        /// How.
        code: Code,
    },
    /// An admin has done something.
    Ordered {
        /// What.
        what: Box<str>,
        /// Who, when it was done over the network.
        by: Option<Box<str>>,
    },
    /// Somebody wanted to give an order who is no admin.
    OrderRefused {
        /// What kind of order.
        what: Box<str>,
        /// The name of his key, if it has one.
        by: Option<Box<str>>,
        /// The key.
        key: Option<Box<str>>,
    },
    /// Something could not be stored, or nobody let in for want of what the system has to give.
    Failed {
        /// What, and why.
        what: Box<str>,
    },
    /// The tracker ends.
    Stopped,
    /// Nothing that is told.
    Nothing,
}

impl Subject for Report {
    fn subject(&self) -> (Option<StreamId>, Option<FileId>) {
        match *self {
            Self::Came { stream, .. } | Self::Waits { stream } | Self::Refused { stream, .. } => {
                (Some(stream), None)
            }
            _ => (None, None),
        }
    }
}

/// What is to be done when something is stored.
#[derive(Debug)]
pub enum Receipt {
    /// A command is answered.
    Command(Ticket),
    /// Somebody is let in, by a name that belongs to his key then.
    LogIn(Ask, Box<str>, Account),
    /// What an admin has ordered is done, and he is answered.
    Order(Box<Ordered>),
}

/// Who may come in, shared with the gate of the sockets.
pub type Shared = Arc<Mutex<House<Receipt>>>;

/// A tracker and what stands at its side.
#[derive(Debug)]
pub struct Hub {
    pub(super) tracker: Tracker<Wide>,
    house: Shared,
    pub(super) orders: Orders,
    /// The tracker's own link, if it has a sealed port: what invites are made of.
    pub link: Option<String>,
    /// Since when it runs.
    pub(super) began: Timestamp,
    /// Why log-ins are refused, until that is told.
    refusals: HashMap<StreamId, Because>,
    /// Log-ins by keys that are about to get a name.
    waiting: Vec<(Ask, StreamId)>,
    /// What happened outside the machine.
    pub(super) reports: Vec<Report>,
}

impl Hub {
    /// A tracker with these rules, and what was kept of commands. `seed` must be random and secret, and another one at
    /// every start.
    pub fn new(settings: Settings, seed: [u8; 32], house: Shared, kept: &Kept) -> Self {
        let settings = Settings { asks: true, ..settings };
        let mut tracker = memory::tracker(settings, seed);
        for user in &kept.registered {
            let _ = Text::new(user.as_bytes()).is_ok_and(|user| tracker.restore_user(user));
        }
        for (user, path) in &kept.published {
            if let (Ok(user), Ok(path)) = (Text::new(user.as_bytes()), Text::new(path.as_bytes())) {
                let _ = tracker.restore_file(user, path);
            }
        }
        Self {
            tracker,
            house,
            orders: Orders::default(),
            link: None,
            began: Timestamp::now(),
            refusals: HashMap::new(),
            waiting: Vec::new(),
            reports: Vec::new(),
        }
    }

    /// The machine.
    pub const fn tracker(&self) -> &Tracker<Wide> {
        &self.tracker
    }

    /// What happened since the last call besides what the driver was told.
    pub fn take_reports(&mut self) -> Vec<Report> {
        let turned_away = self.house().take_turned_away().into_iter().map(|caller| {
            let key = caller.key.and_then(|key| Fingerprint::new(key).ok());
            Report::TurnedAway { key: key.map(|key| key.to_string().into()), from: caller.address }
        });
        self.reports.extend(turned_away);
        let failures = self.house().take_failures();
        self.reports.extend(failures.into_iter().map(|what| Report::Failed { what: what.into() }));
        std::mem::take(&mut self.reports)
    }

    pub(super) fn house(&self) -> MutexGuard<'_, House<Receipt>> {
        self.house.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream on which this dialect is spoken. `false`: there is no room for it, or it comes from where nobody
    /// may come from.
    #[must_use]
    pub fn admit(&mut self, now: Instant, admission: &Admission, dialect: Dialect) -> bool {
        let address = admission.peer.ip().to_canonical();
        if dialect == Dialect::Command && self.house().is_banned("", None, address) {
            return false;
        }
        let key = admission.caller.and_then(|caller| caller.key);
        let found = key.and_then(|key| Fingerprint::new(key).ok());
        let account = found.and_then(|key| Some(self.house().name_of(&key)?.to_owned()));
        let giver = found.filter(|key| self.house().admin(key, address).is_some());
        let peer = Peer {
            address,
            account: account.as_ref().and_then(|name| Text::new(name.as_bytes()).ok()),
            key: key.map(|key| key.0),
            rights: Rights::ALL,
        };
        let is_taken = self.tracker.opened_as(now, admission.stream, dialect, &peer);
        if let Some(key) = giver.filter(|_| is_taken && dialect == Dialect::Session) {
            self.orders.expect(admission.stream, Giver { key, address });
        }
        is_taken
    }

    /// Does what waited for something to be stored.
    pub fn settle_stored(&mut self, now: Instant) {
        let arrived = self.house().take_arrived();
        for name in arrived {
            self.dismiss_strangers(now, &name);
            let key = self.house().account(&name).map(|account| account.key.to_string().into());
            self.reports.push(Report::Registered { user: name.into(), key });
        }
        self.settle_all_stored(now);
        // Whose key is still about to get a name waits again.
        for (ask, stream) in std::mem::take(&mut self.waiting) {
            self.asked(now, ask, stream);
        }
    }

    fn settle_all_stored(&mut self, now: Instant) {
        loop {
            let done = self.house().store.done();
            let Some((receipt, outcome)) = done else { return };
            if let Err(error) = &outcome {
                let what = match &receipt {
                    Receipt::Order(ordered) => ordered.failed(error),
                    _ => format!("cannot store: {error}"),
                };
                self.reports.push(Report::Failed { what: what.into() });
            }
            self.stored_for(now, receipt, outcome);
        }
    }

    fn stored_for(&mut self, now: Instant, receipt: Receipt, outcome: Result<(), NotStored>) {
        match receipt {
            Receipt::Command(ticket) => {
                self.tracker.committed(now, ticket, outcome.map_err(|_| Fault::Failed));
            }
            Receipt::LogIn(ask, user, account) => {
                let key = Some(account.key.to_string().into());
                self.house().settle(&user, account, outcome.is_ok());
                self.dismiss_strangers(now, &user);
                self.tracker.decided(now, ask, outcome.as_ref().map_or(Err(Code::Full), |()| Ok(())));
                if outcome.is_ok() {
                    self.reports.push(Report::Registered { user, key });
                }
            }
            Receipt::Order(ordered) => self.settle_order(now, *ordered, outcome),
        }
    }

    /// Somebody wants to log in.
    fn asked(&mut self, now: Instant, ask: Ask, stream: StreamId) {
        let mut room = [0; TEXT_MAX];
        let Some((name, address, key)) = self.tracker.asked(ask, &mut room) else { return };
        let is_registered = self.tracker.is_registered(name);
        let user: Box<str> = name.as_str().into();
        let judgement = match self.tracker.is_asked_by_command(ask) {
            true => self.house().judge_command(&user, address),
            false => self.house().judge(&user, key, address, is_registered),
        };
        match judgement {
            Judgement::LetIn => self.tracker.decided(now, ask, Ok(())),
            Judgement::Later => self.waiting.push((ask, stream)),
            Judgement::Refuse(because) => {
                self.refusals.insert(stream, because);
                self.tracker.decided(now, ask, Err(because.code()));
            }
            Judgement::Register(account) => {
                // Nobody is given a name for a place in the line.
                if !self.tracker.hold_seat(now, ask) {
                    return;
                }
                let mut house = self.house();
                house.reserve(&user, account.key);
                let change = Change::Put(user.clone(), account.clone());
                house.store.put(change, Receipt::LogIn(ask, user, account));
            }
        }
    }

    /// A command is to be stored, unless it would take a name that cannot be shown, belongs to a key, or is banned.
    fn store(&mut self, now: Instant, ticket: Ticket, record: Record) {
        let change = match record {
            Record::Register(user) => Change::Register(self.name(user)),
            Record::Unregister(user) => Change::Unregister(self.name(user)),
            Record::Publish(entry) => {
                let (user, path) = self.entry(entry);
                Change::Publish(user, path)
            }
            Record::Delete(entry) => {
                let (user, path) = self.entry(entry);
                Change::Delete(user, path)
            }
        };
        let house = self.house();
        // A visit's name is whose it looks like, and he may come later than the command.
        if let Change::Register(user) = &change
            && (check_shown(user).is_err()
                || host_of(user).is_some()
                || house.is_owned(user)
                || house.bans.cover_name(user))
        {
            drop(house);
            self.tracker.committed(now, ticket, Err(Fault::NotAllowed));
        } else {
            house.store.put(change, Receipt::Command(ticket));
        }
    }

    /// What an event says, in words.
    fn report(&mut self, now: Instant, event: Event) -> Report {
        match event {
            Event::Came { user, stream } => self.came(now, user, stream),
            Event::Left { name, code, .. } => {
                let mut room = [0; TEXT_MAX];
                let user = self.tracker.left_name(name, &mut room);
                Report::Left { user: user.map_or("", |user| user.as_str()).into(), code }
            }
            Event::Waits { stream } => Report::Waits { stream },
            Event::Refused { stream, code } => {
                let mut room = [0; TEXT_MAX];
                let user = self.tracker.refused_name(stream, &mut room);
                let user = user.map_or("", |user| user.as_str()).into();
                let (because, key) = (self.refusals.remove(&stream), self.key_on(stream));
                Report::Refused { user, stream, code, because, key }
            }
            Event::Began { transfer, way, requester, owner } => {
                let (requester, owner) = (self.name(requester), self.name(owner));
                Report::Began { transfer, way, requester, owner }
            }
            Event::Ended { transfer, code } => Report::Ended { transfer, code },
            Event::Store { ticket, record } => {
                self.store(now, ticket, record);
                Report::Nothing
            }
            Event::Asks { ask, stream } => {
                self.asked(now, ask, stream);
                Report::Nothing
            }
        }
    }

    /// Who has come goes again if he may not be here any more: he may have waited for a seat or for the disk.
    fn came(&mut self, now: Instant, user: UserId, stream: StreamId) -> Report {
        let name = self.name(user);
        if !self.may_stay(user, &name) {
            self.dismiss(now, &name);
        }
        Report::Came { user: name, stream, key: self.key_on(stream) }
    }

    /// The key with which somebody came on a stream, as the log has it.
    pub(super) fn key_on(&self, stream: StreamId) -> Option<Box<str>> {
        let key = self.tracker.key_of(stream).and_then(|key| Fingerprint::new(Public(key)).ok());
        self.house().key_for_log(key)
    }

    /// How many callers the door has turned away, and how many writes failed.
    pub(super) fn refused_and_failed(&self) -> (u64, u64) {
        let house = self.house();
        (house.refused(), house.store.health().failed)
    }

    /// Why nothing can be stored, as it seems: the last write failed.
    pub fn trouble(&self) -> Option<String> {
        self.house().store.health().trouble.map(|why| format!("cannot store: {why}"))
    }

    /// Whether somebody who is there may be, by this name, as it is now.
    fn may_stay(&self, user: UserId, name: &str) -> bool {
        let Some(there) = self.tracker.whereabouts(user) else { return true };
        let key = key_of(&there);
        let house = self.house();
        let is_his = key.is_some_and(|key| house.is_his(&key, name));
        (is_his || !house.is_owned(name)) && !house.is_banned(name, key.as_ref(), there.address)
    }

    /// A name was given to a key: who has it without that goes, and who has one of its visits'.
    pub(super) fn dismiss_strangers(&mut self, now: Instant, name: &str) {
        for name in with_visits(name) {
            let user = Text::new(name.as_bytes()).ok().and_then(|name| self.tracker.user_named(name));
            if user.is_some_and(|user| !self.may_stay(user, &name)) {
                self.dismiss(now, &name);
            }
        }
    }

    /// Ends somebody's session, those of his visits, and what of them waits for a seat. `false`: there is none.
    pub(super) fn send_away(&mut self, now: Instant, name: &str) -> bool {
        let (mut waiting, mut there) = (self.waiters(), with_visits(name).collect::<Vec<_>>());
        let house = self.house();
        waiting.retain(|(_, waiter, _)| house.is_of(waiter, name));
        there.retain(|there| house.is_of(there, name));
        drop(house);
        let is_out = waiting
            .into_iter()
            .fold(false, |is_out, (stream, ..)| self.tracker.turn_away(now, stream) || is_out);
        there.iter().fold(is_out, |is_out, name| self.dismiss(now, name) || is_out)
    }

    pub(super) fn dismiss(&mut self, now: Instant, name: &str) -> bool {
        Text::new(name.as_bytes()).is_ok_and(|name| self.tracker.dismiss(now, name))
    }

    pub(super) fn name(&self, user: UserId) -> Box<str> {
        let mut room = [0; TEXT_MAX];
        self.tracker.user_name(user, &mut room).map(|name| name.as_str().into()).unwrap_or_default()
    }

    fn entry(&self, entry: EntryId) -> (Box<str>, Box<str>) {
        let mut room = [0; TEXT_MAX];
        match self.tracker.entry_name(entry, &mut room) {
            Some((owner, path)) => (self.name(owner), path.as_str().into()),
            None => Default::default(),
        }
    }
}

/// A name, and those of its visits.
fn with_visits(name: &str) -> impl Iterator<Item = String> {
    std::iter::once(name.to_owned()).chain((0..VISITS).map(move |number| visit_of(name, number)))
}

impl Service for Hub {
    type Event = Report;

    fn opened(&mut self, now: Instant, stream: StreamId) -> bool {
        self.tracker.opened(now, stream)
    }

    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        if self.take_order(now, stream, bytes) {
            return bytes.len();
        }
        self.tell_refused_order(stream, bytes);
        self.tracker.received(now, stream, bytes)
    }

    fn moved(&mut self, now: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        self.tracker.moved(now, stream, outcome);
    }

    fn finished(&mut self, now: Instant, stream: StreamId) {
        self.tracker.finished(now, stream);
    }

    fn closed(&mut self, now: Instant, stream: StreamId, how: Closed) {
        self.refusals.remove(&stream);
        if !self.orders.closed(stream) {
            self.tracker.closed(now, stream, how);
        }
    }

    fn flushed(&mut self, now: Instant, stream: StreamId) {
        if !self.orders.flushed(stream) {
            self.tracker.flushed(now, stream);
        }
    }

    fn relocated(&mut self, now: Instant, stream: StreamId, address: SocketAddr) {
        self.orders.relocated(stream, address.ip().to_canonical());
        self.tracker.relocated(now, stream, address);
    }

    fn progressed(&mut self, now: Instant, stream: StreamId) {
        self.tracker.progressed(now, stream);
    }

    fn stored(&mut self, now: Instant, file: FileId, outcome: Result<u64, Fault>) {
        self.tracker.stored(now, file, outcome);
    }

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, Report> {
        if let Some(due) = self.orders.due(now) {
            return self.orders.act(&due, room);
        }
        match self.tracker.poll(now, room) {
            Action::Finish(stream) => {
                // What is said after our end is no order any more.
                self.orders.forget(stream);
                Action::Finish(stream)
            }
            Action::Wait(until) => Action::Wait(until.into_iter().chain(self.orders.deadline()).min()),
            action => action.map(|event| self.report(now, event)),
        }
    }
}
