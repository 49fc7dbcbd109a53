//! What the driver feeds to a client, and what it is asked for in return.

use super::{Client, Event, Listed, Profile, State};
use crate::{
    Instant,
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    wire::session::Code,
};

impl<P: Profile> Service for Client<P> {
    type Event = Event;

    fn opened(&mut self, now: Instant, stream: StreamId) -> bool {
        if self.state != State::Connecting {
            return false;
        }
        self.state = State::LoggingIn;
        self.stream = Some(stream);
        self.in_flight = false;
        self.heard = now;
        self.owes.login = true;
        self.deadline = Some(now + self.settings.answer_timeout);
        true
    }

    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        if self.stream != Some(stream) {
            return bytes.len();
        }
        self.heard = now;
        self.take(now, bytes)
    }

    /// A client's own session moves no content.
    fn moved(&mut self, _now: Instant, _stream: StreamId, _outcome: Result<(), Fault>) {}

    fn finished(&mut self, now: Instant, stream: StreamId) {
        if self.stream == Some(stream) {
            self.lost(now, Code::Gone);
        }
    }

    fn closed(&mut self, now: Instant, stream: StreamId, _how: Closed) {
        if self.stream == Some(stream) {
            // There is nothing left to abort.
            self.stream = None;
            self.lost(now, Code::Gone);
        }
        self.owes.finish = self.owes.finish.filter(|&other| other != stream);
        self.owes.abort = self.owes.abort.filter(|&other| other != stream);
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: core::net::SocketAddr) {}

    /// A client stores nothing by itself.
    fn stored(&mut self, _now: Instant, _file: FileId, _outcome: Result<u64, Fault>) {}

    fn flushed(&mut self, _now: Instant, stream: StreamId) {
        if self.stream == Some(stream) {
            self.in_flight = false;
        }
    }

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, Event> {
        if room.len() < MESSAGE_MAX {
            return Action::Wait(self.next_deadline());
        }
        if let Some(stream) = self.owes.abort.take() {
            return Action::Abort(stream);
        }
        if let Some(stream) = self.owes.finish.take() {
            return Action::Finish(stream);
        }
        self.expire(now);
        if let Some(event) = self.next_event(now) {
            return Action::Event(event);
        }
        // What expired may have ended the session.
        if let Some(stream) = self.owes.abort.take() {
            return Action::Abort(stream);
        }
        match self.stream {
            Some(stream) if !self.in_flight => {
                let length = self.compose(room);
                if length == 0 {
                    return Action::Wait(self.next_deadline());
                }
                self.in_flight = true;
                Action::Write { stream, bytes: room.get(..length).unwrap_or_default() }
            }
            _ => Action::Wait(self.next_deadline()),
        }
    }
}

impl<P: Profile> Client<P> {
    /// Deadlines that have come.
    fn expire(&mut self, now: Instant) {
        while let Some(number) = self.fetches.take_expired(now) {
            self.fetch_expired(number);
        }
        while let Some(number) = self.uploads.take_expired(now) {
            self.upload_expired(number);
        }
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        self.deadline = None;
        match self.state {
            State::Pausing => {
                self.state = State::ToConnect;
                self.owes.connect = true;
            }
            State::Connecting => self.lost(now, Code::Unreachable),
            State::LoggingIn => self.lost(now, Code::Silent),
            State::LoggingOut => self.over(Code::Done),
            State::Waiting | State::Online => self.watch(now),
            State::Idle | State::ToConnect | State::Over => {}
        }
    }

    /// What the application is to be told next.
    fn next_event(&mut self, now: Instant) -> Option<Event> {
        if let Some(code) = self.owes.offline.take() {
            return Some(Event::Offline { code });
        }
        if core::mem::take(&mut self.owes.connect) {
            self.state = State::Connecting;
            self.deadline = Some(now + self.settings.connect_timeout);
            return Some(Event::Connect);
        }
        if let Some(place) = self.owes.place.take() {
            return Some(Event::Waiting { place });
        }
        if core::mem::take(&mut self.owes.online) {
            return Some(Event::Online);
        }
        if let Some(event) = self.mirror.next() {
            return Some(event);
        }
        if self.owes.listed == Listed::Owed {
            self.owes.listed = Listed::Told;
            return Some(Event::Listed);
        }
        if let Some(event) = self.next_done() {
            return Some(event);
        }
        if let Some(event) = self.next_fetch_event().or_else(|| self.next_upload_event()) {
            return Some(event);
        }
        self.owes.over.take().map(|code| Event::Over { code })
    }

    fn next_deadline(&self) -> Option<Instant> {
        let deadlines = [self.deadline, self.fetches.next_deadline(), self.uploads.next_deadline()];
        deadlines.into_iter().flatten().min()
    }
}
