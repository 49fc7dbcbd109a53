//! What the driver feeds to a member, and what it is asked for in return.

use super::{Event, Member, Role, Stream, downloads::is_of_download};
use skep_core::{
    Instant, client,
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    wire::session::Code,
};

impl Service for Member {
    type Event = Event;

    /// A stream that was asked for is open.
    fn opened(&mut self, now: Instant, stream: StreamId) -> bool {
        let has_session = self.session_stream().is_some();
        let Some(found) = self.streams.get_mut(&stream) else { return false };
        if found.role == Role::Session && has_session {
            return false;
        }
        found.is_open = true;
        match found.role {
            Role::Session => self.session.opened(now, stream),
            Role::Download(key) => self.open_download(now, key, stream),
            Role::Upload(_) | Role::Parting => false,
        }
    }

    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        match self.role(stream) {
            Some(Role::Session) => self.session.received(now, stream, bytes),
            Some(Role::Upload(_)) => self.server.received(now, stream, bytes),
            Some(Role::Download(key)) => {
                self.client(key).map_or(bytes.len(), |client| client.received(now, stream, bytes))
            }
            Some(Role::Parting) | None => bytes.len(),
        }
    }

    fn moved(&mut self, now: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        match self.role(stream) {
            Some(Role::Upload(_)) => self.server.moved(now, stream, outcome),
            Some(Role::Download(key)) => {
                if let Some(client) = self.client(key) {
                    client.moved(now, stream, outcome);
                }
            }
            Some(Role::Session | Role::Parting) | None => {}
        }
    }

    fn finished(&mut self, now: Instant, stream: StreamId) {
        match self.role(stream) {
            Some(Role::Session) => self.session.finished(now, stream),
            Some(Role::Upload(_)) => self.server.finished(now, stream),
            Some(Role::Download(key)) => {
                if let Some(client) = self.client(key) {
                    client.finished(now, stream);
                }
            }
            Some(Role::Parting) | None => {}
        }
    }

    fn closed(&mut self, now: Instant, stream: StreamId, how: Closed) {
        match self.streams.remove(&stream).map(|stream| stream.role) {
            Some(Role::Session) => self.session.closed(now, stream, how),
            Some(Role::Upload(key)) => {
                // What the server still says of it comes first.
                self.streams.insert(stream, Stream { role: Role::Upload(key), is_open: true });
                self.server.closed(now, stream, how);
                self.closed.push(stream);
            }
            Some(Role::Download(key)) => {
                if let Some(download) = self.downloads.get_mut(key) {
                    download.stream = None;
                }
                if let Some(client) = self.client(key) {
                    client.closed(now, stream, how);
                }
            }
            Some(Role::Parting) | None => {}
        }
    }

    fn flushed(&mut self, now: Instant, stream: StreamId) {
        if self.role(stream) == Some(Role::Session) {
            self.session.flushed(now, stream);
        }
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: std::net::SocketAddr) {}

    fn stored(&mut self, now: Instant, file: FileId, outcome: Result<u64, Fault>) {
        if is_of_download(file) {
            self.download_stored(now, file, outcome);
        } else {
            self.server.stored(now, file, outcome);
        }
    }

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, Event> {
        let mut scratch = [0; MESSAGE_MAX];
        self.expire(now);
        'again: loop {
            if let Some(event) = self.news.pop_front() {
                return Action::Event(event);
            }
            if let Some(stream) = self.aborts.pop_front() {
                return Action::Abort(stream);
            }
            if let Some(file) = self.releases.pop_front() {
                return Action::Release(file);
            }
            let mut deadline = self.deadline();
            match self.server.poll(now, &mut scratch) {
                Action::Event(event) => {
                    self.server_told(event);
                    continue;
                }
                Action::Open { file, name } if !self.may_have(self.server.stream(file), name.as_str()) => {
                    self.server.stored(now, file, Err(Fault::NotFound));
                    continue;
                }
                Action::Wait(until) => deadline = sooner(deadline, until),
                action => return action.passed_on(room, |file| file),
            }
            if !self.closed.is_empty() {
                // The server has said all of them, and their names do not belong to other streams yet.
                for stream in std::mem::take(&mut self.closed) {
                    self.upload_closed(stream);
                }
                continue;
            }
            match self.session.poll(now, &mut scratch) {
                Action::Event(event) => {
                    self.heard(now, event);
                    continue;
                }
                Action::Wait(until) => deadline = sooner(deadline, until),
                action => return action.passed_on(room, |file| file),
            }
            for key in self.downloads.iter().map(|(key, _)| key).collect::<Vec<_>>() {
                let Some(download) = self.downloads.get_mut(key) else { continue };
                let Some(client) = &mut download.client else { continue };
                match client.poll(now, &mut scratch) {
                    Action::Event(progress) => {
                        self.download_told(now, key, progress);
                        continue 'again;
                    }
                    Action::Wait(until) => deadline = sooner(deadline, until),
                    action => return download.acts(action, room),
                }
            }
            return Action::Wait(deadline);
        }
    }
}

impl Member {
    fn role(&self, stream: StreamId) -> Option<Role> {
        self.streams.get(&stream).map(|stream| stream.role)
    }

    fn client(&mut self, key: usize) -> Option<&mut skep_core::files::Client> {
        self.downloads.get_mut(key)?.client.as_mut()
    }

    /// What the session tells.
    fn heard(&mut self, now: Instant, event: client::Event) {
        use client::Event as Heard;
        let news = match event {
            Heard::Connect => Some(Event::Connect),
            Heard::Waiting { place } => Some(Event::Waiting { place }),
            Heard::Online => Some(Event::Online),
            Heard::Offline { code } => Some(Event::Offline { code }),
            Heard::Over { code } => Some(Event::Over { code }),
            Heard::Cleared => Some(Event::Cleared),
            Heard::Listed => Some(Event::Listed),
            Heard::Came(user) => {
                let mut room = [0; skep_core::wire::TEXT_MAX];
                self.session
                    .user(user, &mut room)
                    .map(|(name, by_command)| Event::Came { user: name.as_str().into(), by_command })
            }
            Heard::Left(user) => self.user(user).map(|user| Event::Left { user }),
            Heard::Shared(file) => {
                self.file(file).map(|(user, name, info)| Event::Shared { user, name, info })
            }
            Heard::Unshared(file) => self.file(file).map(|(user, name, _)| Event::Unshared { user, name }),
            Heard::Published(_) => None,
            Heard::NotPublished { share, code } => {
                let mut room = [0; skep_core::wire::TEXT_MAX];
                self.session
                    .share(share, &mut room)
                    .map(|(name, _)| Event::NotPublished { name: name.as_str().into(), code })
            }
            Heard::Go(fetch) => {
                self.go(now, fetch);
                None
            }
            Heard::FetchFailed { fetch, code } => {
                self.fetch_failed(now, fetch, code);
                None
            }
            Heard::FetchEnded { fetch, code } => {
                self.fetch_ended(now, fetch, code);
                None
            }
            Heard::Asked(upload) => {
                self.asked(now, upload);
                None
            }
            Heard::UploadEnded { upload, code } => {
                self.upload_ended(upload, code);
                None
            }
        };
        self.news.extend(news);
    }

    /// Time-outs that have come.
    fn expire(&mut self, now: Instant) {
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        let downloads = self.downloads.iter().filter(|(_, download)| is_due(download.deadline));
        for key in downloads.map(|(key, _)| key).collect::<Vec<_>>() {
            self.download_expired(now, key);
        }
        let uploads = self.uploads.iter().filter(|(_, upload)| is_due(upload.deadline));
        for key in uploads.map(|(key, _)| key).collect::<Vec<_>>() {
            self.end_upload(key, Code::Silent);
        }
        while let Some(&(until, stream)) = self.parting.front()
            && until <= now
        {
            self.parting.pop_front();
            if self.role(stream) == Some(Role::Parting) {
                self.streams.remove(&stream);
                self.aborts.push_back(stream);
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let downloads = self.downloads.iter().filter_map(|(_, download)| download.deadline);
        let uploads = self.uploads.iter().filter_map(|(_, upload)| upload.deadline);
        downloads.chain(uploads).chain(self.parting.front().map(|(until, _)| *until)).min()
    }
}

fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}
