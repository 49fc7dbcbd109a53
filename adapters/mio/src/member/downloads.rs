//! Files that are fetched from others.
//!
//! ```text
//! download ──► asked of the tracker ──► Go ──► called, one target after the other ──► opened ──► Got
//!                       ▲                          │ none answers
//!                       └───────── relayed ────────┘
//! ```

use super::{DownloadId, Event, Leg, Member, Role, Target, Travel, Trouble};
use crate::{
    args::Via,
    driver::{Joined, Relayed},
};
use skep_core::{
    Instant, client,
    files::{Client, Dialect, Failure, Progress},
    seal::{Psk, Public, Secret, layer::Call},
    stream::{Action, Fault, FileId, Service, StreamId},
    wire::{
        Name, Text,
        seal::Purpose,
        session::{Code, FileInfo, Way},
    },
};
use std::{collections::VecDeque, net::SocketAddr, time::Duration};

/// Files of downloads have numbers from here on; the server's are below.
const FILES: u32 = 1 << 30;

/// How long an owner's door may take to open. Over RDT the endpoint gives up by itself, a little earlier.
const DOOR_PATIENCE: Duration = Duration::from_secs(3);

/// How long it may take until both ends of a relayed transfer are there, and have greeted each other.
pub(super) const RELAY_PATIENCE: Duration = Duration::from_secs(30);

/// How long the end of a stream may take once its transfer is over.
const FAREWELL: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Download {
    /// `None`: the tracker has ended it, or has forgotten it.
    fetch: Option<client::FetchId>,
    owner: Box<str>,
    name: Box<str>,
    /// What its owner had announced when it was asked for. What he announces afterwards he may have made for it.
    announced: Option<FileInfo>,
    /// What it is called here.
    pub(super) local: Box<str>,
    /// Where it is still to be tried.
    targets: VecDeque<Target>,
    /// How it travels, or is tried to.
    travel: Travel,
    /// Why it did not get through.
    reasons: String,
    /// The stream that was called, or is open.
    pub(super) stream: Option<StreamId>,
    pub(super) client: Option<Client>,
    /// The client's file.
    file: FileId,
    use_of_file: UseOfFile,
    /// Its file has begun to come.
    has_begun: bool,
    /// Until when a call is to be answered.
    pub(super) deadline: Option<Instant>,
}

/// What the storage has of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UseOfFile {
    /// It was not asked for, or has let it go.
    None,
    /// It owes an answer.
    Asked,
    /// To be let go.
    Held,
}

impl Download {
    /// An action of its client, with the number and the name that its file has here.
    pub(super) fn acts<'r>(&mut self, action: Action<'_, Progress>, room: &'r mut [u8]) -> Action<'r, Event> {
        match &action {
            Action::Create { .. } | Action::Commit(_) => self.use_of_file = UseOfFile::Asked,
            Action::Release(_) => self.use_of_file = UseOfFile::None,
            _ => {}
        }
        let action = match (action, Name::new(self.local.as_bytes())) {
            (Action::Create { file, length, .. }, Ok(name)) => Action::Create { file, name, length },
            (action, _) => action,
        };
        action.passed_on(room, |_| self.file)
    }

    /// What is known of the file: its length, and its hash. `now`: what its owner announces of it by now; the same file may
    /// have got its hash meanwhile.
    fn promised(&self, now: Option<FileInfo>) -> (Option<u64>, Option<[u8; 32]>) {
        let length = |info: FileInfo| (info.flags & FileInfo::UNKNOWN_LENGTH == 0).then_some(info.length);
        let (before, after) = (self.announced.and_then(length), now.and_then(length));
        let hash = self.announced.and_then(|info| info.hash);
        (before.or(after), hash.or_else(|| now?.hash.filter(|_| before.is_none() || before == after)))
    }

    /// What the tracker's word for its end means: that the owner cannot be reached is the same whichever side finds it out.
    fn trouble(&mut self, code: Code) -> Trouble {
        match code {
            Code::Unreachable => Trouble::Unreachable(std::mem::take(&mut self.reasons)),
            code => Trouble::Code(code),
        }
    }
}

impl Member {
    /// Fetches a file of another member, into the directory for downloads under the name `local`. Events tell what
    /// becomes of it. `None`: a name cannot be used, or as many downloads as there may be are under way.
    pub fn download(
        &mut self,
        now: Instant,
        (owner, name): (&str, &str),
        local: &str,
        relayed: bool,
    ) -> Option<DownloadId> {
        Name::new(local.as_bytes()).ok()?;
        let way = if relayed { Way::Relayed } else { Way::Direct };
        let (to, of) = (Text::new(owner.as_bytes()).ok()?, Text::new(name.as_bytes()).ok()?);
        let announced = self.find(owner, name);
        let fetch = self.session.fetch(now, to, of, way)?;
        let key = self.downloads.insert(Download {
            fetch: Some(fetch),
            owner: owner.into(),
            name: name.into(),
            announced,
            local: local.into(),
            targets: VecDeque::new(),
            travel: Travel::Tcp,
            reasons: String::new(),
            stream: None,
            client: None,
            file: FileId(FILES),
            use_of_file: UseOfFile::None,
            has_begun: false,
            deadline: None,
        });
        Some(DownloadId(key))
    }

    /// Gives a download up; [`Event::Got`] follows.
    pub fn cancel(&mut self, now: Instant, download: DownloadId) {
        if self.downloads.contains(download.0) {
            self.end_download(now, download.0, Err(Trouble::Code(Code::Done)));
        }
    }

    /// The stream that a download is on, if it is on one.
    pub fn stream_of(&self, download: DownloadId) -> Option<StreamId> {
        self.downloads.get(download.0)?.stream
    }

    fn downloaded_by(&self, fetch: client::FetchId) -> Option<usize> {
        self.downloads.iter().find(|(_, download)| download.fetch == Some(fetch)).map(|(key, _)| key)
    }

    /// The tracker says where the file is to be had.
    pub(super) fn go(&mut self, now: Instant, fetch: client::FetchId) {
        let (Some(key), Some(go)) = (self.downloaded_by(fetch), self.session.way(fetch).copied()) else {
            return;
        };
        let Some(download) = self.downloads.get_mut(key) else { return };
        let call = go.introduction.map(|introduction| {
            let mut secret = introduction.secret;
            Call {
                server: Public(introduction.key),
                purpose: Purpose::Peer { introduction: go.token },
                psk: Some(Psk::new(Secret::take(&mut secret))),
            }
        });
        // A tracker that takes IPv4 on a socket of IPv6 may say so.
        let at = |port| SocketAddr::new(go.address.to_canonical(), port);
        let trouble = match (go.way, call) {
            (Way::Command, _) if self.rules.plain => {
                download.targets.push_back(Target::Plain { address: at(go.tcp) });
                None
            }
            (Way::Command, _) => Some(Trouble::Plain),
            (_, None) => Some(Trouble::Unsealed),
            (Way::Direct, Some(call)) => {
                if go.rdt != 0 && self.rules.via != Some(Via::Tcp) {
                    let call = call.clone();
                    download.targets.push_back(Target::Direct { address: at(go.rdt), via: Via::Udp, call });
                }
                if go.tcp != 0 && self.rules.via != Some(Via::Udp) {
                    download.targets.push_back(Target::Direct { address: at(go.tcp), via: Via::Tcp, call });
                }
                None
            }
            (Way::Relayed, Some(call)) => {
                let end = Relayed { transfer: go.transfer, token: go.token, then: Joined::Call(call) };
                download.targets.push_back(Target::Relayed(end));
                None
            }
        };
        match trouble {
            Some(trouble) => self.end_download(now, key, Err(trouble)),
            None => self.call_next(now, key),
        }
    }

    /// Calls where the file may be had; if there is no such place left, it is asked for again, relayed.
    fn call_next(&mut self, now: Instant, key: usize) {
        let Some(download) = self.downloads.get_mut(key) else { return };
        download.deadline = None;
        let Some(target) = download.targets.pop_front() else {
            match (download.travel, download.fetch) {
                (Travel::Udp | Travel::Tcp, Some(fetch)) => self.session.owner_unreachable(now, fetch),
                _ => {
                    let reasons = std::mem::take(&mut download.reasons);
                    self.end_download(now, key, Err(Trouble::Unreachable(reasons)));
                }
            }
            return;
        };
        let (travel, patience) = match &target {
            Target::Direct { via: Via::Udp, .. } => (Travel::Udp, DOOR_PATIENCE),
            Target::Direct { via: Via::Tcp, .. } => (Travel::Tcp, DOOR_PATIENCE),
            Target::Plain { .. } => (Travel::Plain, DOOR_PATIENCE),
            Target::Relayed(_) => (Travel::Relayed, RELAY_PATIENCE),
        };
        download.travel = travel;
        download.deadline = Some(now + patience);
        self.news.push_back(Event::Call(Leg::Download(DownloadId(key)), target));
    }

    /// A call of a download was not answered.
    pub(super) fn download_not_called(&mut self, now: Instant, key: usize, reason: &str) {
        let Some(download) = self.downloads.get_mut(key) else { return };
        download.stream = None;
        if !download.reasons.is_empty() {
            download.reasons.push_str("; ");
        }
        download.reasons.push_str(&format!("{}: {reason}", download.travel.as_str()));
        self.call_next(now, key);
    }

    /// A call of a download was answered.
    pub(super) fn open_download(&mut self, now: Instant, key: usize, stream: StreamId) -> bool {
        let Some(download) = self.downloads.get(key) else { return false };
        let (length, hash) = download.promised(self.find(&download.owner, &download.name));
        let Some(download) = self.downloads.get_mut(key) else { return false };
        let limit = length.unwrap_or(u64::MAX);
        let (name, patience) = (download.name.as_bytes(), self.rules.patience);
        let client = if download.travel == Travel::Plain {
            // Who is there by command may call a file as he likes.
            Text::new(name).ok().map(|path| Client::get_file(path, limit, patience))
        } else {
            Name::new(name).ok().map(|name| Client::download(name, Dialect::Files, limit, patience))
        };
        let Some(mut client) = client else { return false };
        self.expected.set(&download.local, hash);
        let is_open = client.opened(now, stream);
        download.deadline = None;
        // Never one that the storage still has.
        self.next_file = (self.next_file + 1) % FILES;
        download.file = FileId(FILES + self.next_file);
        download.client = Some(client);
        is_open
    }

    /// What a download's machine tells.
    pub(super) fn download_told(&mut self, now: Instant, key: usize, progress: Progress) {
        let Some(download) = self.downloads.get_mut(key) else { return };
        match progress {
            Progress::Started { length } => {
                download.has_begun = true;
                let event = Event::Getting {
                    download: DownloadId(key),
                    length: length.unwrap_or_default(),
                    travel: download.travel,
                };
                self.news.push_back(event);
            }
            Progress::Done { bytes } => self.end_download(now, key, Ok(bytes)),
            Progress::Refused(code) => self.end_download(now, key, Err(Trouble::Refused(code))),
            Progress::Failed(Failure::Storage(Fault::Changed)) => {
                self.end_download(now, key, Err(Trouble::Differs));
            }
            // The owner may not have heard that his answer arrived, and turns the next call away; or nothing else does.
            Progress::Failed(Failure::Closed | Failure::Timeout)
                if !download.has_begun && matches!(download.travel, Travel::Udp | Travel::Tcp) =>
            {
                self.drop_call(key);
                self.download_not_called(now, key, "broken off before the file came");
            }
            Progress::Failed(failure) => self.end_download(now, key, Err(Trouble::Failed(failure))),
        }
    }

    /// The storage has answered about a download's file. Nobody may wait for it any more.
    pub(super) fn download_stored(&mut self, now: Instant, file: FileId, outcome: Result<u64, Fault>) {
        if let Some(place) = self.left.iter().position(|&left| left == file) {
            self.left.swap_remove(place);
            self.releases.push_back(file);
            return;
        }
        let found = self.downloads.iter_mut().map(|(_, download)| download);
        for download in found.filter(|download| download.file == file) {
            download.use_of_file = UseOfFile::Held;
            if let Some(client) = &mut download.client {
                client.stored(now, FileId(0), outcome);
            }
        }
    }

    /// A file of a download that is not wanted any more is let go, when the storage has said what it owes.
    fn leave_file(&mut self, file: FileId, use_of_file: UseOfFile) {
        match use_of_file {
            UseOfFile::None => {}
            UseOfFile::Asked => self.left.push(file),
            UseOfFile::Held => self.releases.push_back(file),
        }
    }

    /// What was called is not wanted any more.
    fn drop_call(&mut self, key: usize) {
        let Some(download) = self.downloads.get_mut(key) else { return };
        download.client = None;
        let (file, use_of_file) = (download.file, download.use_of_file);
        download.use_of_file = UseOfFile::None;
        self.leave_file(file, use_of_file);
        let Some(download) = self.downloads.get_mut(key) else { return };
        if let Some(stream) = download.stream.take()
            && self.streams.remove(&stream).is_some()
        {
            self.aborts.push_back(stream);
        }
    }

    /// A call has taken too long.
    pub(super) fn download_expired(&mut self, now: Instant, key: usize) {
        let Some(download) = self.downloads.get_mut(key) else { return };
        download.deadline = None;
        self.drop_call(key);
        self.download_not_called(now, key, "no answer in time");
    }

    pub(super) fn fetch_failed(&mut self, now: Instant, fetch: client::FetchId, code: Code) {
        let Some(key) = self.downloaded_by(fetch) else { return };
        let Some(download) = self.downloads.get_mut(key) else { return };
        download.fetch = None;
        let trouble = download.trouble(code);
        self.end_download(now, key, Err(trouble));
    }

    /// The tracker says that a transfer is over. One that is under way may go on all the same.
    pub(super) fn fetch_ended(&mut self, now: Instant, fetch: client::FetchId, code: Code) {
        let Some(key) = self.downloaded_by(fetch) else { return };
        let Some(download) = self.downloads.get_mut(key) else { return };
        download.fetch = None;
        if download.client.is_none() {
            let trouble = download.trouble(code);
            self.end_download(now, key, Err(trouble));
        }
    }

    fn end_download(&mut self, now: Instant, key: usize, outcome: Result<u64, Trouble>) {
        let Some(download) = self.downloads.try_remove(key) else { return };
        self.expected.set(&download.local, None);
        self.leave_file(download.file, download.use_of_file);
        if let Some(stream) = download.stream
            && let Some(found) = self.streams.get_mut(&stream)
        {
            if found.is_open && !matches!(outcome, Err(Trouble::Code(_))) {
                // It closes in order, or is made to.
                found.role = Role::Parting;
                self.parting.push_back((now + FAREWELL, stream));
            } else {
                self.streams.remove(&stream);
                self.aborts.push_back(stream);
            }
        }
        if let Some(fetch) = download.fetch {
            let code = if outcome.is_ok() { Code::Done } else { Code::Broken };
            self.session.fetched(fetch, code);
        }
        self.news.push_back(Event::Got { download: DownloadId(key), outcome });
    }
}

/// Whether a file is a download's, and not the server's.
pub(super) const fn is_of_download(file: FileId) -> bool {
    file.0 >= FILES
}
