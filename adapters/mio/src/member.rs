//! A member of a tracker's exchange: its session, its downloads from other members, and theirs from it.
//!
//! ```text
//!                 ┌──────────── Member ─────────────┐
//!   session  ◄──► │ client::Client                  │ ──► Connect, Call: streams to be opened
//!   the door ◄──► │ files::Server, for uploads      │
//!   called   ◄──► │ files::Client, one a download   │ ──► Came, Shared, Asked, Getting, Got: what is told
//!                 └─────────────────────────────────┘
//! ```
//!
//! It is one machine over streams, made of those of the core. What it adds is who belongs to whom: which stream is
//! which transfer's, who may fetch which file, in which order an owner is called, and when that is given up.

mod downloads;
mod event;
mod introductions;
mod places;
mod service;
mod uploads;

pub use event::{DownloadId, Event, Leg, Target, Travel, Trouble, UploadId};
pub use introductions::Introductions;
pub use places::Places;

use crate::{
    args::Via,
    driver::Subject,
    gate::Admission,
    host::{self, HostClient, STREAMS_MAX, TRANSFERS_MAX},
    memory::Growing,
};
use downloads::Download;
use places::Expected;
use skep_core::{
    Instant, client,
    files::{self, Server, WhenFull},
    stream::{FileId, StreamId},
    table::Named,
    wire::{
        Name, TEXT_MAX, Text,
        session::{Code, FileInfo},
    },
};
use slab::Slab;
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};
use uploads::{Promise, Upload};

/// The label of the sockets on which members come that were introduced.
pub const DOOR: usize = 0;

/// The label of the socket on which `GET_FILE` is spoken.
pub const PLAIN_DOOR: usize = 1;

/// How long the user has to say whether he accepts: less than a tracker waits for an owner.
const ANSWER: Duration = Duration::from_secs(18);

/// What a member goes by.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The list of the others is wanted.
    pub wants_list: bool,
    /// What others may have.
    pub accept: Accept,
    /// The ports of the door: TCP and RDT; 0 for none.
    pub door: (u16, u16),
    /// The port of the plain door; 0 for none.
    pub plain_door: u16,
    /// Files are fetched by the plain commands too.
    pub plain: bool,
    /// What may carry what is fetched from a door; `None`: whatever gets through.
    pub via: Option<Via>,
    /// How long another member may be silent.
    pub patience: Duration,
}

/// What becomes of who wants a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// He gets it.
    All,
    /// The user is asked.
    Ask,
}

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Session,
    Download(usize),
    Upload(usize),
    /// Its transfer is over.
    Parting,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    role: Role,
    /// The machine behind it knows of it.
    is_open: bool,
}

/// A member. See the [module](self).
#[derive(Debug)]
pub struct Member {
    rules: Rules,
    session: client::Client<HostClient>,
    server: Server<Growing<Named<files::Session>, STREAMS_MAX>>,
    downloads: Slab<Download>,
    uploads: Slab<Upload>,
    /// Who was let have what, directly: should that not get through, he need not be accepted again.
    promises: Vec<Promise>,
    streams: HashMap<StreamId, Stream>,
    introductions: Introductions,
    expected: Expected,
    news: VecDeque<Event>,
    aborts: VecDeque<StreamId>,
    /// Files of downloads that are not wanted any more, to be let go.
    releases: VecDeque<FileId>,
    /// Those about which the storage owes an answer before.
    left: Vec<FileId>,
    /// The number that the last file of a download got.
    next_file: u32,
    /// Streams of uploads that have gone, until the server has said all of them.
    closed: Vec<StreamId>,
    /// Until when streams whose transfer is over have to be closed.
    parting: VecDeque<(Instant, StreamId)>,
}

impl Member {
    /// A member that does nothing before [`Member::start`]. Its files are in `places`. `seed` should differ between
    /// members.
    pub fn new(rules: Rules, places: &Places, introductions: Introductions, seed: u64) -> Self {
        let settings = client::Settings {
            wants_list: rules.wants_list,
            door: rules.plain_door,
            accept: client::Accept::Ask,
            accept_timeout: ANSWER,
            // Who calls gives up by itself.
            connect_timeout: Duration::from_secs(120),
            ..client::Settings::DEFAULT
        };
        let files = files::Settings {
            read_only: true,
            slots: TRANSFERS_MAX as u32,
            when_full: WhenFull::Busy,
            ..files::Settings::DEFAULT
        };
        Self {
            rules,
            session: host::client(settings, seed),
            server: Server::new(files, Growing::new()),
            downloads: Slab::new(),
            uploads: Slab::new(),
            promises: Vec::new(),
            streams: HashMap::new(),
            introductions,
            expected: places.expected(),
            news: VecDeque::new(),
            aborts: VecDeque::new(),
            releases: VecDeque::new(),
            left: Vec::new(),
            next_file: 0,
            closed: Vec::new(),
            parting: VecDeque::new(),
        }
    }

    /// Begins: [`Event::Connect`] follows. `false`: it is no name for a user.
    #[must_use]
    pub fn start(&mut self, name: &str) -> bool {
        Text::new(name.as_bytes()).is_ok_and(|name| self.session.start(name))
    }

    /// Leaves; [`Event::Over`] follows.
    pub fn log_out(&mut self, now: Instant) {
        self.session.log_out(now);
    }

    /// Where the door is, once it is known.
    pub fn set_door(&mut self, door: (u16, u16), plain_door: u16) {
        self.rules.door = door;
        self.rules.plain_door = plain_door;
        self.session.settings_mut().door = plain_door;
    }

    /// Whether it is logged in.
    pub fn is_online(&self) -> bool {
        self.session.is_online()
    }

    /// The ports of the door: TCP and RDT.
    pub const fn door(&self) -> (u16, u16) {
        self.rules.door
    }

    /// Shares a file, or shares it with another length or hash. `false`: its name cannot be used, or there is no room.
    pub fn publish(&mut self, name: &str, info: FileInfo) -> bool {
        Name::new(name.as_bytes()).is_ok_and(|name| self.session.publish(name, info).is_some())
    }

    /// Shares a file no longer. `false`: it did not.
    pub fn withdraw(&mut self, name: &str) -> bool {
        Name::new(name.as_bytes()).is_ok_and(|name| self.session.withdraw(name))
    }

    /// The users who are there, and whether by command.
    pub fn users(&self) -> impl Iterator<Item = (Box<str>, bool)> + '_ {
        self.session.users().filter_map(|user| {
            let mut room = [0; TEXT_MAX];
            self.session.user(user, &mut room).map(|(name, by_command)| (name.as_str().into(), by_command))
        })
    }

    /// What they share: whose, name, and what is known of it.
    pub fn files(&self) -> impl Iterator<Item = (Box<str>, Box<str>, FileInfo)> + '_ {
        self.session.files().filter_map(|file| self.file(file))
    }

    /// What is known of a file that somebody shares.
    pub fn find(&self, owner: &str, name: &str) -> Option<FileInfo> {
        let (owner, name) = (Text::new(owner.as_bytes()).ok()?, Text::new(name.as_bytes()).ok()?);
        let file = self.session.find(owner, name)?;
        self.file(file).map(|(_, _, info)| info)
    }

    /// How many users and files of the list found no room.
    pub fn missed(&self) -> u64 {
        self.session.missed()
    }

    fn user(&self, user: client::UserId) -> Option<Box<str>> {
        self.session.user(user, &mut [0; TEXT_MAX]).map(|(name, _)| name.as_str().into())
    }

    fn file(&self, file: client::EntryId) -> Option<(Box<str>, Box<str>, FileInfo)> {
        let mut room = [0; TEXT_MAX];
        let (name, owner, info) = self.session.file(file, &mut room)?;
        Some((self.user(owner)?, name.as_str().into(), info))
    }

    /// A stream to the tracker is being opened. Of several the first that is open is the session.
    pub fn session_called(&mut self, stream: StreamId) {
        // The last session may not have been closed by the other side.
        if let Some(old) = self.session_stream() {
            self.streams.remove(&old);
            self.aborts.push_back(old);
        }
        self.streams.insert(stream, Stream { role: Role::Session, is_open: false });
    }

    fn session_stream(&self) -> Option<StreamId> {
        let open = |stream: &Stream| stream.role == Role::Session && stream.is_open;
        self.streams.iter().find(|(_, stream)| open(stream)).map(|(&stream, _)| stream)
    }

    fn is_open(&self, stream: StreamId) -> bool {
        self.streams.get(&stream).is_some_and(|stream| stream.is_open)
    }

    /// The tracker cannot be reached.
    pub fn session_unreachable(&mut self, now: Instant) {
        self.session.unreachable(now);
    }

    /// The tracker may be in reach again: a pause before it is called ends.
    pub fn retry(&mut self, now: Instant) {
        self.session.retry(now);
    }

    /// A stream of a transfer is being opened.
    pub fn called(&mut self, leg: Leg, stream: StreamId) {
        let role = match leg {
            Leg::Download(DownloadId(key)) => {
                if let Some(download) = self.downloads.get_mut(key) {
                    download.stream = Some(stream);
                }
                Role::Download(key)
            }
            Leg::Upload(UploadId(key)) => {
                if let Some(upload) = self.uploads.get_mut(key) {
                    upload.stream = Some(stream);
                }
                Role::Upload(key)
            }
        };
        self.streams.insert(stream, Stream { role, is_open: false });
    }

    /// A stream of a transfer could not be opened, and another is going to be. `false`: it is not wanted any more.
    pub fn forget(&mut self, stream: StreamId) -> bool {
        let Some(Stream { role, is_open: false }) = self.streams.remove(&stream) else { return false };
        let own = match role {
            Role::Download(key) => self.downloads.get_mut(key).map(|download| &mut download.stream),
            Role::Upload(key) => self.uploads.get_mut(key).map(|upload| &mut upload.stream),
            Role::Session | Role::Parting => None,
        };
        own.is_some_and(|own| own.take_if(|own| *own == stream).is_some())
    }

    /// It could not be opened.
    pub fn not_called(&mut self, now: Instant, leg: Leg, reason: &str) {
        match leg {
            Leg::Download(DownloadId(key)) => self.download_not_called(now, key, reason),
            Leg::Upload(UploadId(key)) => self.end_upload(key, Code::Unreachable),
        }
    }

    /// A stream is gone. Those that were open are known to be; the others could not be opened. The tracker's is left
    /// to who calls it.
    pub fn gone(&mut self, now: Instant, stream: StreamId, reason: &str) {
        let Some(&Stream { role, is_open: false }) = self.streams.get(&stream) else { return };
        self.streams.remove(&stream);
        match role {
            Role::Session | Role::Parting => {}
            Role::Download(key) => self.download_not_called(now, key, reason),
            Role::Upload(key) => self.end_upload(key, Code::Unreachable),
        }
    }

    /// Opens a stream that came to one of the doors, or turns it away.
    pub fn admit(&mut self, now: Instant, admission: &Admission) -> bool {
        match admission.label {
            PLAIN_DOOR => self.admit_plain(now, admission),
            _ => self.admit_peer(now, admission),
        }
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.downloads.is_empty() && self.uploads.iter().all(|(_, upload)| upload.stream.is_none())
    }
}

impl Subject for Event {
    fn subject(&self) -> (Option<StreamId>, Option<FileId>) {
        (None, None)
    }
}
