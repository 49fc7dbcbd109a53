//! A client of a tracker: one session, kept up.
//!
//! ```text
//!                    ┌──────────── Pausing ◄──────────────┐
//!                    ▼                                    │ lost, refused for now
//! Idle ──► ToConnect ──► Connecting ──► LoggingIn ──► Waiting ──► Online ──► LoggingOut ──► Over
//! ```
//!
//! The machine logs in, mirrors the list of the others, tells the tracker what the client shares, asks for downloads
//! and is asked for uploads. When the session is lost it comes back, and gets what it missed. It carries no
//! content: a download is the files machine's, on another stream; this one says where to and by which token.

mod event;
mod fetches;
mod mirror;
mod profile;
mod service;
mod session;
mod settings;
mod shares;
#[cfg(test)]
mod tests;
mod uploads;

pub use event::{EntryId, Event, FetchId, ShareId, UploadId, UserId};
pub use fetches::{Fetch, Go};
pub use mirror::{File, Mirror, NEWS_MAX, User};
pub use profile::{Fixed, Profile};
pub use settings::{Accept, Settings};
pub use shares::Share;
pub use uploads::{Asked, Upload};

use crate::{
    Instant,
    index::Index,
    stream::StreamId,
    table::Table,
    time::micros,
    wire::{
        Text,
        session::{Code, FRAME_MAX, FileInfo, RESUME_LENGTH, USER_MAX},
    },
};
use heapless::{Deque, Vec};

/// The most answers that wait to be sent for transfers of which nothing else is kept.
const STRAYS_MAX: usize = 8;

/// A client, in memories of the profile `P`.
#[derive(Debug)]
pub struct Client<P: Profile> {
    settings: Settings,
    name: Vec<u8, USER_MAX, u8>,
    state: State,
    deadline: Option<Instant>,
    stream: Option<StreamId>,
    in_flight: bool,
    mirror: Mirror<P>,
    shares: Table<Share, P::Shares>,
    share_index: Index<P::Index>,
    fetches: Table<Fetch, P::Fetches>,
    uploads: Table<Upload, P::Uploads>,
    /// Up to which request the tracker has granted shares, and the next share to look at.
    done: Option<(u32, u32)>,
    /// The share that was refused last.
    refused: u32,
    /// Transfers to be ended, and others to be refused.
    strays: Deque<(u32, Code), STRAYS_MAX>,
    refusals: Deque<(u32, Code), STRAYS_MAX>,
    tags: u32,
    random: u64,
    /// How many attempts have failed since the last log-in.
    failures: u32,
    was_online: bool,
    /// Of the last session: what it takes to go on where it ended.
    epoch: u64,
    number: u64,
    resume: [u8; RESUME_LENGTH],
    heard: Instant,
    silence: u32,
    owes: Owes,
    /// Bytes of a message that is too long, still to be skipped.
    skip: u32,
    /// The beginning of a message of which the rest has not come.
    begun: Vec<u8, FRAME_MAX, u16>,
}

/// What is to be done next, besides the list and the transfers.
#[derive(Clone, Copy, Debug, Default)]
struct Owes {
    connect: bool,
    place: Option<u32>,
    online: bool,
    offline: Option<Code>,
    over: Option<Code>,
    listed: Listed,
    login: bool,
    logout: bool,
    ping: bool,
    pong: bool,
    finish: Option<StreamId>,
    abort: Option<StreamId>,
}

/// Whether the application has been told that the list is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Listed {
    #[default]
    No,
    Owed,
    Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    ToConnect,
    Connecting,
    LoggingIn,
    Waiting,
    Online,
    LoggingOut,
    Pausing,
    Over,
}

impl State {
    const fn is_online(self) -> bool {
        matches!(self, Self::Online)
    }

    /// Whether there is a session, or about to be one.
    const fn has_session(self) -> bool {
        matches!(self, Self::LoggingIn | Self::Waiting | Self::Online | Self::LoggingOut)
    }
}

impl<P: Profile> Client<P> {
    /// A client with these rules, in empty memories, which does nothing before [`Client::start`]. `seed` should
    /// differ between clients: it spreads the times at which they come back.
    pub const fn new(
        settings: Settings,
        seed: u64,
        mirror: Mirror<P>,
        shares: P::Shares,
        share_index: P::Index,
        fetches: P::Fetches,
        uploads: P::Uploads,
    ) -> Self {
        Self {
            settings,
            name: Vec::new(),
            state: State::Idle,
            deadline: None,
            stream: None,
            in_flight: false,
            mirror,
            shares: Table::new(shares),
            share_index: Index::new(share_index),
            fetches: Table::new(fetches),
            uploads: Table::new(uploads),
            done: None,
            refused: 0,
            strays: Deque::new(),
            refusals: Deque::new(),
            tags: 0,
            random: seed,
            failures: 0,
            was_online: false,
            epoch: 0,
            number: 0,
            resume: [0; RESUME_LENGTH],
            heard: Instant::ZERO,
            silence: 0,
            owes: Owes {
                connect: false,
                place: None,
                online: false,
                offline: None,
                over: None,
                listed: Listed::No,
                login: false,
                logout: false,
                ping: false,
                pong: false,
                finish: None,
                abort: None,
            },
            skip: 0,
            begun: Vec::new(),
        }
    }

    /// Begins: [`Event::Connect`] follows. `false`: the name is longer than [`USER_MAX`] bytes, or the client has
    /// begun and is not over.
    #[must_use]
    pub fn start(&mut self, name: Text<'_>) -> bool {
        if !matches!(self.state, State::Idle | State::Over) {
            return false;
        }
        let Ok(name) = Vec::from_slice(name.as_bytes()) else { return false };
        self.name = name;
        self.failures = 0;
        self.was_online = false;
        self.state = State::ToConnect;
        self.owes.connect = true;
        true
    }

    /// No stream to the tracker could be opened.
    pub fn unreachable(&mut self, now: Instant) {
        if self.state == State::Connecting {
            self.lost(now, Code::Unreachable);
        }
    }

    /// What kept the tracker out of reach may be over: a pause before the next attempt ends, and those after it are as short
    /// as the first.
    pub fn retry(&mut self, now: Instant) {
        if self.state == State::Pausing {
            self.failures = 0;
            self.deadline = Some(now);
        }
    }

    /// Leaves: the tracker confirms it, then [`Event::Over`] follows.
    pub fn log_out(&mut self, now: Instant) {
        match self.state {
            State::Idle | State::Over | State::LoggingOut => {}
            State::Online | State::Waiting | State::LoggingIn if self.stream.is_some() => {
                self.state = State::LoggingOut;
                self.owes.logout = true;
                self.deadline = Some(now + self.settings.answer_timeout);
            }
            _ => self.over(Code::Done),
        }
    }

    /// Whether the client is logged in.
    pub const fn is_online(&self) -> bool {
        self.state.is_online()
    }

    /// Whether [`Event::Over`] was told, or the client has not begun.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Idle | State::Over) && self.owes.over.is_none()
    }

    /// The rules that it goes by, to change.
    pub const fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Up to which change the mirror is the tracker's list.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// How many entries of the list found no room in the mirror.
    pub const fn missed(&self) -> u64 {
        self.mirror.missed()
    }

    /// How many chunks of the memory for names are in use.
    pub const fn chunks(&self) -> usize {
        self.mirror.texts.used()
    }

    /// Everybody who is there but the client itself.
    pub fn users(&self) -> impl Iterator<Item = UserId> + '_ {
        self.mirror.users()
    }

    /// Everything that they share.
    pub fn files(&self) -> impl Iterator<Item = EntryId> + '_ {
        self.mirror.files()
    }

    /// The name of a user, copied into `room`, and whether it is there by command.
    pub fn user<'r>(&self, user: UserId, room: &'r mut [u8]) -> Option<(Text<'r>, bool)> {
        let user = self.mirror.user(user)?;
        Some((Text::new(self.mirror.texts.copy(user.name, room)?).ok()?, user.by_command))
    }

    /// The name of a file, copied into `room`, its owner, and what is known of it.
    pub fn file<'r>(&self, file: EntryId, room: &'r mut [u8]) -> Option<(Text<'r>, UserId, FileInfo)> {
        let file = self.mirror.file(file)?;
        let name = Text::new(self.mirror.texts.copy(file.name, room)?).ok()?;
        Some((name, UserId(file.user), file.info))
    }

    /// A file by its owner and its name.
    pub fn find(&self, owner: Text<'_>, name: Text<'_>) -> Option<EntryId> {
        self.mirror.find(owner, name)
    }

    fn end_stray(&mut self, transfer: u32, code: Code) {
        // Of what finds no room the tracker learns by a time-out.
        let _ = self.strays.push_back((transfer, code));
    }

    fn refuse_stray(&mut self, transfer: u32, code: Code) {
        let _ = self.refusals.push_back((transfer, code));
    }

    /// A tag that was not used for long: those of downloads are in the upper half.
    const fn next_tag(&mut self, is_fetch: bool) -> u32 {
        self.tags = self.tags.wrapping_add(1) & 0x7fff_ffff;
        if is_fetch { self.tags | 0x8000_0000 } else { self.tags }
    }

    /// The pause after so many failures.
    fn pause(&mut self) -> core::time::Duration {
        let first = micros(self.settings.pause_min).max(1);
        let most = micros(self.settings.pause_max).max(first);
        let full = first.saturating_mul(1 << self.failures.min(32)).min(most);
        self.failures = self.failures.saturating_add(1);
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Between half of it and all of it.
        let part = (self.random >> 33) & 0xffff;
        let half = full / 2;
        core::time::Duration::from_micros(
            half.saturating_add((half >> 16).saturating_mul(part)).saturating_add(1),
        )
    }
}

impl<const USERS: usize, const FILES: usize, const SHARES: usize, const TRANSFERS: usize, const CHUNKS: usize>
    Client<Fixed<USERS, FILES, SHARES, TRANSFERS, CHUNKS>>
{
    /// A client with these rules.
    #[must_use]
    pub const fn fixed(settings: Settings, seed: u64) -> Self {
        const { assert!(USERS <= FILES && SHARES <= FILES, "the indices take as many as that of files") };
        let mirror =
            Mirror::new(Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self::new(settings, seed, mirror, Vec::new(), Vec::new(), Vec::new(), Vec::new())
    }
}
