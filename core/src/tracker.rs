//! The tracker: who is there, what they share, and how they get it from each other.
//!
//! ```text
//!   session ══ Login, Publish, Fetch ... ══►  ┌──────────┐            Each stream is a session (docs/protocol.md
//!   session ◄═ Welcome, Came, Shared ... ════ │ one list │            section 5), a command (section 3) or one end
//!   command ── REGISTER, LIST_USERS ... ───►  └──────────┘            of a relayed transfer. All share one list.
//!   relay   ◄══════════ Splice ══════════► relay
//! ```
//!
//! The list is a sequence of changes with numbers; a session is a place in it (`feed.rs`). A session is written to
//! only when all that was written before has left: what it is told then is the list as it is by then. So a slow
//! session costs what every session costs, and hurts nobody.

mod answering;
mod brokering;
mod changes;
mod command;
mod compose;
mod counters;
mod decide;
mod directory;
mod doubt;
mod event;
mod feed;
mod line;
mod link;
mod listing;
mod login;
mod profile;
mod reading;
mod relay;
mod requests;
mod secrets;
mod service;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
mod transfer;
mod versioned_slab;

pub use crate::{index::Cell, texts::Chunk};
pub use counters::Counters;
pub use directory::{Directory, File, User};
pub use event::{Ask, EntryId, Event, LeftName, Record, Ticket, UserId};
pub use link::{Busy, Link};
pub use profile::{Fixed, Profile};
pub use settings::{SameName, Settings};
pub use transfer::Transfer;
pub use versioned_slab::Place;

use crate::{
    Instant,
    count::count,
    stream::StreamId,
    table::{ByName, Table},
    texts::Stored,
    wire::{TEXT_MAX, Text, session::Code},
};
use core::net::{IpAddr, Ipv4Addr};
use heapless::Deque;
use line::Line;
use link::State;

/// The most events that wait to be taken; what happens then is counted and not told.
pub const EVENTS_MAX: usize = 32;

/// What is spoken on a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Dialect {
    /// Sessions and relayed transfers (docs/protocol.md section 5).
    #[default]
    Session,
    /// One end of a relayed transfer and nothing else, on a stream that is not sealed: what goes over it is, between
    /// the two ends.
    Relay,
    /// Commands, one to a stream (docs/protocol.md section 3).
    Command,
}

/// What a user may do besides being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rights {
    /// Share files.
    pub publish: bool,
    /// Fetch files.
    pub fetch: bool,
}

impl Rights {
    /// Everything.
    pub const ALL: Self = Self { publish: true, fetch: true };
}

/// Who is at the other end of a stream, as far as what lies beneath it knows.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Peer<'a> {
    /// Where it is. Other clients are told no other address of it.
    pub address: IpAddr,
    /// The account that it has proven to be: it logs in by this name and no other.
    pub account: Option<Text<'a>>,
    /// Its public key, of which a client that it meets is told.
    pub key: Option<[u8; 32]>,
    /// What it may do.
    pub rights: Rights,
}

impl Peer<'_> {
    /// Somebody at this address, who may do everything.
    #[must_use]
    pub const fn at(address: IpAddr) -> Self {
        Self { address, account: None, key: None, rights: Rights::ALL }
    }
}

/// Where a user is, or who waits for a seat, as the tracker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Whereabouts {
    /// Its address.
    pub address: IpAddr,
    /// The stream of its session; `None` for who is there by command.
    pub stream: Option<StreamId>,
    /// Its public key, where its stream has one.
    pub key: Option<[u8; 32]>,
    /// How many files it shares.
    pub files: u32,
}

/// A tracker, in memories of the profile `P`.
#[derive(Debug)]
pub struct Tracker<P: Profile> {
    settings: Settings,
    directory: Directory<P>,
    links: Table<Link<P>, P::Links, ByName>,
    transfers: Table<Transfer, P::Transfers>,
    line: Line,
    seats_taken: u32,
    generation: u16,
    /// How often the application was asked about a log-in.
    asked: u32,
    events: Deque<Event, EVENTS_MAX>,
    /// The name in the last event that was polled.
    told: LeftName,
    counters: Counters,
    sweep: Sweep,
    /// The moment of the last call.
    now: Instant,
}

/// How far the sessions that have nothing else to do have been told the newest changes.
#[derive(Debug)]
struct Sweep {
    /// The next session, while a sweep is under way.
    next: Option<u32>,
    /// The changes up to this one have gone out, or go out in the sweep that is under way.
    newest: u64,
    /// When the next sweep may begin.
    due: Instant,
    /// Sessions that were told in this one.
    told: u32,
}

/// What is to be done next, still without the bytes.
enum Step {
    Write { stream: StreamId, length: usize },
    Splice { from: StreamId, to: StreamId },
    Finish(StreamId),
    Abort(StreamId),
    Tell(Event),
}

impl<P: Profile> Tracker<P> {
    /// A tracker with these rules, in empty memories. A stream's number must be below the bound of `links`.
    pub const fn new(
        settings: Settings,
        directory: Directory<P>,
        links: P::Links,
        transfers: P::Transfers,
    ) -> Self {
        Self {
            settings,
            directory,
            links: Table::new(links),
            transfers: Table::new(transfers),
            line: Line::new(),
            seats_taken: 0,
            generation: 0,
            asked: 0,
            events: Deque::new(),
            told: LeftName(Stored::EMPTY),
            counters: Counters::ZERO,
            sweep: Sweep { next: None, newest: 0, due: Instant::ZERO, told: 0 },
            now: Instant::ZERO,
        }
    }

    /// A stream was accepted on which `dialect` is spoken, and of whose other end so much is known. `false`: there is
    /// no room for it, as for [`opened`](crate::stream::Service::opened).
    #[must_use]
    pub fn opened_as(&mut self, now: Instant, stream: StreamId, dialect: Dialect, peer: &Peer<'_>) -> bool {
        self.now = now;
        let account = match peer.account {
            Some(account) if dialect != Dialect::Command => self.directory.texts.store(account.as_bytes()),
            _ => Some(Stored::EMPTY),
        };
        let Some(account) = account else {
            count(&mut self.counters.turned_away);
            return false;
        };
        let (link, patience) = match dialect {
            Dialect::Session => (Link::session(now, stream, peer, account), self.settings.login_timeout),
            Dialect::Relay => {
                let mut link = Link::session(now, stream, peer, account);
                link.state = State::ToAttach;
                (link, self.settings.login_timeout)
            }
            Dialect::Command => (Link::request(now, stream, peer), self.settings.command_timeout),
        };
        if let Ok(number) = self.links.insert(link) {
            if self.links.set_name(stream.0, number) {
                self.links.set_deadline(number, Some(now + patience));
                return true;
            }
            self.links.remove(number);
        }
        self.directory.texts.free(account);
        count(&mut self.counters.turned_away);
        false
    }

    /// Ends a user's session, or its presence by command. `false`: it is not there.
    pub fn dismiss(&mut self, now: Instant, name: Text<'_>) -> bool {
        self.now = now;
        let user = self.directory.user_named(name.as_bytes());
        user.is_some_and(|user| self.dismiss_user(user, Code::Dismissed))
    }

    /// What the tracker has done so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// The rules that it goes by.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many streams there are.
    pub const fn links(&self) -> usize {
        self.links.count()
    }

    /// How many users are there, in sessions and by command.
    pub const fn online(&self) -> u32 {
        self.directory.online
    }

    /// How many seats are taken.
    pub const fn seats_taken(&self) -> u32 {
        self.seats_taken
    }

    /// How many wait in line for one.
    pub const fn waiting(&self) -> u32 {
        self.line.length()
    }

    /// How many files the users have, there or not.
    pub const fn files(&self) -> usize {
        self.directory.files.count()
    }

    /// How many transfers there are, with those of which a side still has to be told the end.
    pub const fn transfers(&self) -> usize {
        self.transfers.count()
    }

    /// How many chunks of the memory for names are in use.
    pub const fn chunks(&self) -> usize {
        self.directory.texts.used()
    }

    /// The number of the newest change of the list.
    pub const fn newest(&self) -> u64 {
        self.directory.changes.last()
    }

    /// The name of a user, copied into `room` (at most [`crate::wire::TEXT_MAX`] bytes).
    pub fn user_name<'r>(&self, user: UserId, room: &'r mut [u8]) -> Option<Text<'r>> {
        let user = self.directory.users.get(user.0)?;
        Text::new(self.directory.texts.copy(user.name, room)?).ok()
    }

    /// The user of a name, there or not.
    pub fn user_named(&self, name: Text<'_>) -> Option<UserId> {
        self.directory.user_named(name.as_bytes()).map(UserId)
    }

    /// Whether somebody has registered by this name, by command.
    pub fn is_registered(&self, name: Text<'_>) -> bool {
        let user = self.directory.user_named(name.as_bytes()).and_then(|user| self.directory.users.get(user));
        user.is_some_and(|user| user.standing != directory::Standing::Guest)
    }

    /// Everybody who is there.
    pub fn users(&self) -> impl Iterator<Item = UserId> + '_ {
        (0..self.directory.users.reach()).filter(|&user| self.directory.is_there(user)).map(UserId)
    }

    /// Where a user is, if it is there.
    pub fn whereabouts(&self, user: UserId) -> Option<Whereabouts> {
        let found = self.directory.users.get(user.0)?;
        let link = match found.presence {
            directory::Presence::Away => return None,
            directory::Presence::Command => None,
            directory::Presence::Session(link) => self.links.get(link),
        };
        Some(Whereabouts {
            address: found.address,
            stream: link.map(|link| link.stream),
            key: link.and_then(|link| link.key),
            files: found.files,
        })
    }

    /// The name of a file, copied into `room`, and its owner.
    pub fn entry_name<'r>(&self, entry: EntryId, room: &'r mut [u8]) -> Option<(UserId, Text<'r>)> {
        let owner = self.directory.files.place(entry.0)?.owner;
        let file = self.directory.files.get(entry.0)?;
        Some((UserId(owner), Text::new(self.directory.texts.copy(file.name, room)?).ok()?))
    }

    /// The name of somebody who has left, copied into `room` (at most [`crate::wire::TEXT_MAX`] bytes), as long as its
    /// [`Event::Left`] is the last thing that was polled. `None`: there was no room to keep it until then.
    pub fn left_name<'r>(&self, name: LeftName, room: &'r mut [u8]) -> Option<Text<'r>> {
        Text::new(self.directory.texts.copy(name.0, room)?).ok()
    }

    fn tell_application(&mut self, event: Event) {
        if self.events.push_back(event).is_err() {
            count(&mut self.counters.events_lost);
            self.forget_name(&event);
        }
    }

    /// An event is over: whose name it had is not asked any more.
    fn forget_name(&mut self, event: &Event) {
        if let Event::Left { name, .. } = event {
            self.directory.texts.free(name.0);
        }
    }

    /// A user is not there any more. Its name is kept until that was told.
    fn user_leaves(&mut self, user: u32, code: Code) {
        let mut room = [0; TEXT_MAX];
        let texts = &mut self.directory.texts;
        let name = self.directory.users.get(user).and_then(|user| texts.copy(user.name, &mut room));
        let name = LeftName(name.and_then(|name| texts.store(name)).unwrap_or(Stored::EMPTY));
        self.directory.leave(user);
        self.tell_application(Event::Left { user: UserId(user), name, code });
    }

    /// A user has to leave, however it is there. `false`: it is not there.
    fn dismiss_user(&mut self, user: u32, code: Code) -> bool {
        match self.directory.users.get(user).map(|user| user.presence) {
            None | Some(directory::Presence::Away) => return false,
            Some(directory::Presence::Session(link)) => self.dismiss_link(link, code),
            Some(directory::Presence::Command) => self.user_leaves(user, code),
        }
        true
    }

    /// A session, or what wants to be one, is over: it is told why.
    fn dismiss_link(&mut self, number: u32, code: Code) {
        self.leave(number, code);
        self.part(number, code);
    }

    /// The last message of a session is to be written. It must have left its seat.
    fn part(&mut self, number: u32, code: Code) {
        let Some(link) = self.links.get_mut(number).filter(|link| link.is_open) else { return };
        link.state = State::Part(code);
        self.links.set_deadline(number, Some(self.now + self.settings.linger));
        self.links.give_turn(number);
    }

    /// Where a stream is.
    fn address(&self, number: u32) -> IpAddr {
        let Some(link) = self.links.get(number) else { return IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        self.directory.users.get(link.user).map_or_else(|| link.address(), |user| user.address)
    }

    /// A session is to be looked at when it may have been silent for too long.
    fn watch(&mut self, number: u32) {
        let Some(link) = self.links.get_mut(number) else { return };
        link.rest();
        let deadline = link.heard + self.settings.ping_after.min(self.settings.dead_after);
        self.links.set_deadline(number, Some(deadline));
    }
}
