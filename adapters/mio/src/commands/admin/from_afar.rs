//! An order for a tracker elsewhere, over its sealed port: a line there, a line back (docs/protocol.md section 5.1).

use std::{
    net::SocketAddr,
    time::{Duration, Instant as Clock},
};

use mio::Events;
use skep_core::{
    Instant,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
};

use crate::{
    args::Afar,
    commands::{
        attempts::{APART, Attempts},
        credentials::{As, Credentials},
    },
    driver::{Driver, NoFiles, Subject},
    exit::{self, Failure},
    gate::{Admission, Gate},
    tracker::order::{Answer, Order},
    url::{Host, Url},
};

/// The longest answer that is taken, in bytes: a hundred thousand users have 20 MB.
const ANSWER_MAX: usize = 64 << 20;

/// Gives an order to the tracker of a link; the answer.
pub(super) fn ask(url: &Url, afar: &Afar, order: &Order) -> Result<Answer, Failure> {
    if url.invite.is_some() {
        return Err(Failure::usage(
            "a link with an invite is for skep join; an admin's has only the tracker's key",
        ));
    }
    let credentials = Credentials::new(url, &As::Anyone, afar.key.as_deref(), afar.timeout)?;
    let cannot = |error: &std::io::Error| Failure::cannot("start", error);
    let mut line = serde_json::to_vec(order).map_err(|error| cannot(&error.into()))?;
    line.push(b'\n');
    let driver = Driver::new(Asking::new(line), NoFiles, |_: &mut Asking, _, _: &Admission| false);
    let mut driver = driver.map_err(|error| cannot(&error))?;
    driver.identify(credentials.secret(), Gate::closed()).map_err(|error| cannot(&error))?;
    let host = &url.host;
    let found = host.resolve();
    let found = found.map_err(|error| Failure::network(format!("cannot find {host}: {error}")))?;
    let mut calls =
        Calls { host, left: found.into(), open: Vec::new(), next: Clock::now(), failed: Attempts::default() };
    let until = Clock::now() + afar.timeout;
    let mut events = Events::with_capacity(16);
    loop {
        let wait = calls.go_on(&mut driver, &credentials);
        if let Some(answer) = driver.service.take_answer() {
            return answer_of(host, &answer);
        }
        if driver.service.is_broken() {
            return Err(Failure::network(format!(
                "{host}: broken off without an answer; it may have been done"
            )));
        }
        if calls.is_over(&driver) {
            let hint = calls.failed.hint("tracker", credentials.proof);
            return Err(Failure::network(format!("cannot connect to {host}: {}{hint}", calls.failed)));
        }
        let left = until.saturating_duration_since(Clock::now());
        if left.is_zero() {
            return Err(Failure::network(format!("{host}: no answer in {} s", afar.timeout.as_secs())));
        }
        let waited = driver.turn(&mut events, Some(wait.map_or(left, |wait| wait.min(left))));
        waited.map_err(|error| Failure::cannot("wait for the network", &error))?;
    }
}

/// What the tracker has said.
fn answer_of(host: &Host, answer: &[u8]) -> Result<Answer, Failure> {
    serde_json::from_slice(answer).map_err(|_| {
        Failure::refused(format!(
            "{host} takes no orders from your key: it has no name there with the role of an admin, or is banned"
        ))
    })
}

/// The calls of the addresses of a host: one after the other, until one is answered.
struct Calls<'a> {
    host: &'a Host,
    left: std::collections::VecDeque<SocketAddr>,
    open: Vec<(StreamId, SocketAddr)>,
    next: Clock,
    failed: Attempts,
}

impl Calls<'_> {
    /// Calls the next address when it is time for that, or when all others have failed. How long it is until then.
    fn go_on(&mut self, driver: &mut Driver<Asking, NoFiles>, credentials: &Credentials) -> Option<Duration> {
        while let Some(gone) = driver.gone.pop_front() {
            let Some(place) = self.open.iter().position(|(stream, _)| *stream == gone.stream) else {
                continue;
            };
            let (_, address) = self.open.swap_remove(place);
            let reason = gone.reason.unwrap_or_else(|| "no answer".into());
            self.failed.failed(self.host, address, "tcp", &reason);
        }
        if driver.service.was_open {
            return None;
        }
        while self.open.is_empty() || self.next <= Clock::now() {
            let address = self.left.pop_front()?;
            self.next = Clock::now() + APART;
            match driver.connect_tcp_sealed(address, &credentials.call) {
                Ok(stream) => self.open.push((stream, address)),
                Err(error) => self.failed.failed(self.host, address, "tcp", &exit::reason(&error)),
            }
        }
        (!self.left.is_empty()).then(|| self.next.saturating_duration_since(Clock::now()))
    }

    /// Whether nobody can answer any more.
    fn is_over(&self, driver: &Driver<Asking, NoFiles>) -> bool {
        self.open.is_empty() && self.left.is_empty() && !driver.service.is_open()
    }
}

/// Says its line on the first stream that opens, and takes what comes back until the other side finishes.
struct Asking {
    line: Vec<u8>,
    stream: Option<StreamId>,
    was_open: bool,
    in_flight: bool,
    answer: Vec<u8>,
    is_answered: bool,
    /// Our direction is to be finished, or the stream to be ended.
    leaves: Option<Closed>,
}

/// Nothing is told but the answer, which is fetched.
enum Nothing {}

impl Subject for Nothing {
    fn subject(&self) -> (Option<StreamId>, Option<FileId>) {
        match *self {}
    }
}

impl Asking {
    const fn new(line: Vec<u8>) -> Self {
        Self {
            line,
            stream: None,
            was_open: false,
            in_flight: false,
            answer: Vec::new(),
            is_answered: false,
            leaves: None,
        }
    }

    const fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// The stream was open, and is no more: what was said on it may have been heard.
    const fn is_broken(&self) -> bool {
        self.was_open && self.stream.is_none() && !self.is_answered
    }

    fn take_answer(&mut self) -> Option<Vec<u8>> {
        std::mem::take(&mut self.is_answered).then(|| std::mem::take(&mut self.answer))
    }
}

impl Service for Asking {
    type Event = Nothing;

    fn opened(&mut self, _: Instant, stream: StreamId) -> bool {
        if std::mem::replace(&mut self.was_open, true) {
            return false;
        }
        self.stream = Some(stream);
        true
    }

    fn received(&mut self, _: Instant, _: StreamId, bytes: &[u8]) -> usize {
        self.answer.extend_from_slice(bytes);
        // What begins otherwise is a word of the session for which it was taken. One that is too long cannot be read.
        if self.answer.first() != Some(&b'{') || self.answer.len() > ANSWER_MAX {
            self.is_answered = true;
            self.leaves = Some(Closed::Broken);
        }
        bytes.len()
    }

    fn moved(&mut self, _: Instant, _: StreamId, _: Result<(), Fault>) {}

    fn finished(&mut self, _: Instant, _: StreamId) {
        self.is_answered = true;
        self.leaves = Some(Closed::Done);
    }

    fn closed(&mut self, _: Instant, stream: StreamId, _: Closed) {
        if self.stream == Some(stream) {
            self.stream = None;
        }
    }

    fn flushed(&mut self, _: Instant, _: StreamId) {
        self.in_flight = false;
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: SocketAddr) {}

    fn stored(&mut self, _: Instant, _: FileId, _: Result<u64, Fault>) {}

    fn poll<'b>(&mut self, _: Instant, room: &'b mut [u8]) -> Action<'b, Nothing> {
        let Some(stream) = self.stream else { return Action::Wait(None) };
        match self.leaves.take() {
            Some(Closed::Done) => return Action::Finish(stream),
            Some(Closed::Broken) => return Action::Abort(stream),
            None => {}
        }
        if self.line.is_empty() || self.in_flight {
            return Action::Wait(None);
        }
        let count = self.line.len().min(room.len());
        room[..count].copy_from_slice(&self.line[..count]);
        self.line.drain(..count);
        self.in_flight = true;
        Action::Write { stream, bytes: &room[..count] }
    }
}
