//! A member of a tracker's exchange: its session, one download at a time, and the downloads of others from it.
//!
//! ```text
//!   session  ◄──► client::Client ──► Connect, Call: a stream is to be opened
//!   door     ◄──► files::Server
//!   called   ◄──► files::Client  ──► Fetched, NotFetched
//! ```
//!
//! One machine over streams, made of three of the core.

use crate::door::{Door, Token};
use core::time::Duration;
use heapless::{Deque, Vec};
use skep_core::{
    Instant,
    client::{self, FetchId, Profile, UploadId},
    files::{Client, Dialect, Progress, Server, Session, Settings, Uploads, WhenFull},
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    table::Named,
    wire::{
        Name, TEXT_MAX, Text,
        seal::Purpose,
        session::{Code, FileInfo, Way},
    },
};
use skep_smoltcp::{Admission, Machine};

/// Files of the download have numbers from here on; the server's are below.
const DOWNLOADS: u32 = 1 << 16;

/// An owner has so long to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Events that wait: one of the download, and those of streams that close in one turn.
const NEWS: usize = 4;

/// What the application is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Open a stream to the tracker, and say so by [`Member::session_called`].
    Connect,
    /// It is logged in.
    Online,
    /// It is not logged in, and tries again.
    Offline(Code),
    /// It is not logged in, and does not try again.
    Over(Code),
    /// Open a stream to where [`Member::way`] says, and say so by [`Member::download_called`].
    Call,
    /// The file that was asked for is there.
    Fetched {
        /// Its length.
        bytes: u64,
    },
    /// It is not, and may be asked for again.
    NotFetched,
    /// Somebody who came through the door has gone.
    Served,
}

/// A member that serves at most `SERVED` downloads at once. See the [module](self).
pub struct Member<P: Profile, const SERVED: usize> {
    session: client::Client<P>,
    session_stream: Option<StreamId>,
    server: Server<Vec<Named<Session>, SERVED>>,
    /// The streams of the server, and for which request they are.
    served: Vec<(StreamId, Option<UploadId>), SERVED>,
    download: Option<Download>,
    door: &'static Door<SERVED>,
    /// The ports of the door: TCP and RDT.
    ports: (u16, u16),
    /// What is still to be told.
    news: Deque<Event, NEWS>,
    scratch: [u8; MESSAGE_MAX],
}

struct Download {
    fetch: FetchId,
    client: Client,
    stream: Option<StreamId>,
}

impl<P: Profile, const SERVED: usize> Member<P, SERVED> {
    /// A member that serves at these ports (TCP, RDT; 0 for none) whoever comes through the door.
    pub fn new(session: client::Client<P>, door: &'static Door<SERVED>, ports: (u16, u16)) -> Self {
        let settings = Settings {
            read_only: true,
            slots: SERVED as u32,
            when_full: WhenFull::Busy,
            ..Settings::DEFAULT
        };
        Self {
            session,
            session_stream: None,
            server: Server::new(settings, Vec::new()),
            served: Vec::new(),
            download: None,
            door,
            ports,
            news: Deque::new(),
            scratch: [0; MESSAGE_MAX],
        }
    }

    /// Shares a file. `false`: it has no name, or there is no room.
    pub fn publish(&mut self, name: &str, info: FileInfo) -> bool {
        Name::new(name.as_bytes()).is_ok_and(|name| self.session.publish(name, info).is_some())
    }

    /// Logs in as this user, now and whenever the session is lost. `false`: it is no name.
    pub fn start(&mut self, name: &str) -> bool {
        Text::new(name.as_bytes()).is_ok_and(|name| self.session.start(name))
    }

    /// Asks for another member's file. `false`: one is being fetched, or these are no names.
    pub fn fetch(&mut self, now: Instant, owner: &str, name: &str) -> bool {
        let (Ok(owner), Ok(text)) = (Text::new(owner.as_bytes()), Text::new(name.as_bytes())) else {
            return false;
        };
        let Ok(name) = Name::new(name.as_bytes()) else { return false };
        if self.download.is_some() {
            return false;
        }
        let Some(fetch) = self.session.fetch(now, owner, text, Way::Direct) else { return false };
        let client = Client::download(name, Dialect::Files, u64::MAX, PATIENCE);
        self.download = Some(Download { fetch, client, stream: None });
        true
    }

    /// The hash by which its owner has announced a file, if it is there and has one.
    pub fn announced(&self, owner: &str, name: &str) -> Option<[u8; 32]> {
        let (owner, name) = (Text::new(owner.as_bytes()).ok()?, Text::new(name.as_bytes()).ok()?);
        let mut room = [0; TEXT_MAX];
        let (_, _, info) = self.session.file(self.session.find(owner, name)?, &mut room)?;
        info.hash
    }

    /// Where the file that was asked for is.
    pub fn way(&self) -> Option<&client::Go> {
        self.session.way(self.download.as_ref()?.fetch)
    }

    /// A stream to the tracker is being opened, or could not be.
    pub fn session_called(&mut self, now: Instant, stream: Option<StreamId>) {
        self.session_stream = stream;
        if stream.is_none() {
            self.session.unreachable(now);
        }
    }

    /// A stream to the owner is being opened, or could not be.
    pub fn download_called(&mut self, stream: Option<StreamId>) {
        if let Some(download) = &mut self.download {
            download.stream = stream;
        }
        if stream.is_none() {
            self.end_download(Code::Unreachable, Event::NotFetched);
        }
    }

    fn end_download(&mut self, code: Code, news: Event) {
        if let Some(download) = self.download.take() {
            self.session.fetched(download.fetch, code);
            self.tell(news);
        }
    }

    fn tell(&mut self, event: Event) {
        // Of streams that close without number nobody need know.
        let _ = self.news.push_back(event);
    }

    /// The download, if the stream is its.
    fn download_on(&mut self, stream: StreamId) -> Option<&mut Client> {
        let download = self.download.as_mut()?;
        (download.stream == Some(stream)).then_some(&mut download.client)
    }

    fn is_session(&self, stream: StreamId) -> bool {
        self.session_stream == Some(stream)
    }

    /// A download is asked for and not under way.
    fn is_waiting(&self) -> bool {
        self.download.as_ref().is_some_and(|download| download.stream.is_none())
    }

    /// What the session tells becomes what the application is told, or is settled here.
    fn session_told(&mut self, event: client::Event) -> Option<Event> {
        match event {
            client::Event::Connect => Some(Event::Connect),
            client::Event::Online => Some(Event::Online),
            client::Event::Offline { code } => Some(Event::Offline(code)),
            client::Event::Over { code } => Some(Event::Over(code)),
            // A new session says it again of a download that is under way.
            client::Event::Go(_) => self.is_waiting().then_some(Event::Call),
            client::Event::FetchFailed { code, .. } => {
                self.end_download(code, Event::NotFetched);
                None
            }
            client::Event::FetchEnded { .. } => {
                // One that is under way goes on; it says itself what becomes of it.
                if self.is_waiting() {
                    self.end_download(Code::Gone, Event::NotFetched);
                }
                None
            }
            client::Event::Asked(upload) => {
                self.asked(upload);
                None
            }
            client::Event::UploadEnded { upload, .. } => {
                self.door.remove(upload);
                None
            }
            _ => None,
        }
    }

    /// Somebody wants a file.
    fn asked(&mut self, upload: UploadId) {
        let Some(asked) = self.session.asked(upload) else { return };
        let introduced = match &asked.introduction {
            Some(introduction) if asked.way == Way::Direct => {
                self.door.add(upload, asked.token, introduction)
            }
            _ => false,
        };
        if introduced {
            let (tcp, rdt) = self.ports;
            self.session.accept(upload, tcp, rdt);
        } else {
            self.session.refuse(upload, Code::Busy);
        }
    }

    fn download_told(&mut self, progress: Progress) {
        match progress {
            Progress::Started { .. } => {}
            Progress::Done { bytes } => self.end_download(Code::Done, Event::Fetched { bytes }),
            Progress::Refused(_) | Progress::Failed(_) => self.end_download(Code::Broken, Event::NotFetched),
        }
    }

    fn upload_of(&self, token: Option<Token>) -> Option<UploadId> {
        self.session.upload_of(&token?)
    }
}

impl<P: Profile, const SERVED: usize> Machine for Member<P, SERVED> {
    fn admit(&mut self, now: Instant, admission: &Admission) -> bool {
        let Admission { stream, origin } = admission;
        let token = match origin.caller.map(|caller| caller.purpose) {
            Some(Purpose::Peer { introduction }) => Some(introduction),
            _ => None,
        };
        let upload = self.upload_of(token);
        if token.is_some() && upload.is_none() {
            return false;
        }
        let is_open = self.server.opened_with(now, *stream, Dialect::Files, Uploads::Nowhere);
        // There is room for as many as the server has.
        is_open && self.served.push((*stream, upload)).is_ok()
    }

    fn unreachable(&mut self, now: Instant, stream: StreamId) {
        if self.is_session(stream) {
            self.session_called(now, None);
        } else if self.download_on(stream).is_some() {
            self.download_called(None);
        }
    }
}

impl<P: Profile, const SERVED: usize> Service for Member<P, SERVED> {
    type Event = Event;

    fn opened(&mut self, now: Instant, stream: StreamId) -> bool {
        if self.is_session(stream) {
            return self.session.opened(now, stream);
        }
        self.download_on(stream).is_some_and(|download| download.opened(now, stream))
    }

    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        if self.is_session(stream) {
            return self.session.received(now, stream, bytes);
        }
        match self.download_on(stream) {
            Some(download) => download.received(now, stream, bytes),
            None => self.server.received(now, stream, bytes),
        }
    }

    fn moved(&mut self, now: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        match self.download_on(stream) {
            Some(download) => download.moved(now, stream, outcome),
            None => self.server.moved(now, stream, outcome),
        }
    }

    fn finished(&mut self, now: Instant, stream: StreamId) {
        if self.is_session(stream) {
            return self.session.finished(now, stream);
        }
        match self.download_on(stream) {
            Some(download) => download.finished(now, stream),
            None => self.server.finished(now, stream),
        }
    }

    fn closed(&mut self, now: Instant, stream: StreamId, how: Closed) {
        if self.is_session(stream) {
            self.session_stream = None;
            return self.session.closed(now, stream, how);
        }
        if let Some(download) = self.download_on(stream) {
            return download.closed(now, stream, how);
        }
        self.server.closed(now, stream, how);
        let Some(index) = self.served.iter().position(|served| served.0 == stream) else { return };
        if let (_, Some(upload)) = self.served.swap_remove(index) {
            self.door.remove(upload);
            self.session.served(upload, if how == Closed::Done { Code::Done } else { Code::Broken });
        }
        self.tell(Event::Served);
    }

    fn flushed(&mut self, now: Instant, stream: StreamId) {
        if self.is_session(stream) {
            self.session.flushed(now, stream);
        }
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: core::net::SocketAddr) {}

    fn stored(&mut self, now: Instant, file: FileId, outcome: Result<u64, Fault>) {
        match (file.0.checked_sub(DOWNLOADS), &mut self.download) {
            (None, _) => self.server.stored(now, file, outcome),
            (Some(file), Some(download)) => download.client.stored(now, FileId(file), outcome),
            (Some(_), None) => {}
        }
    }

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, Event> {
        let mut until = None;
        loop {
            if let Some(event) = self.news.pop_front() {
                return Action::Event(event);
            }
            match self.session.poll(now, &mut self.scratch) {
                Action::Wait(deadline) => until = earlier(until, deadline),
                Action::Event(event) => match self.session_told(event) {
                    Some(event) => return Action::Event(event),
                    None => continue,
                },
                action => return action.passed_on(room, |file| file),
            }
            match self.server.poll(now, &mut self.scratch) {
                Action::Wait(deadline) => until = earlier(until, deadline),
                Action::Event(_) => continue,
                action => return action.passed_on(room, |file| file),
            }
            let Some(download) = &mut self.download else { return Action::Wait(until) };
            match download.client.poll(now, &mut self.scratch) {
                Action::Wait(deadline) => return Action::Wait(earlier(until, deadline)),
                Action::Event(progress) => self.download_told(progress),
                action => return action.passed_on(room, |file| FileId(file.0 + DOWNLOADS)),
            }
        }
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}
