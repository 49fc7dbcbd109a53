//! A call to one address, and the transfer when it is answered.

use super::{Request, watch::Watch};
use crate::{
    commands::{serve::because, signals::Signals, tracing::Trace},
    driver::{Driver, Moved, Storage},
    exit::{Code, Failure, describe},
    progress::{Progress as Display, Summary},
    url::Scheme,
};
use mio::Events;
use skep_core::{
    files::{Client, Failure as Reason, Progress},
    rdt,
    stream::{Fault, Service, StreamId},
    wire::{file, rdt::Pass},
};
use std::{
    io::{Write, stderr},
    net::SocketAddr,
    time::{Duration, Instant as Clock},
};

/// How often the display is looked at.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// What the machine had to say in the end.
pub(super) enum End {
    Done(Summary),
    /// It was never connected; another address may be tried.
    Unconnected(String),
    Failed(Failure),
    /// The answer was none.
    Strange,
}

/// A call that is made, and what has become of it so far.
pub(super) struct Attempt<'a, F: Storage> {
    request: &'a Request<'a>,
    to: SocketAddr,
    driver: Driver<Client, F>,
    stream: StreamId,
    signals: Signals,
    trace: Trace,
    events: Events,
    watch: Watch,
    /// There is something to show when there is a connection.
    display: Option<Display>,
    pass: Pass,
    began: Clock,
}

impl<'a, F: Storage> Attempt<'a, F> {
    /// A call of that address was made on this stream.
    pub(super) fn new(
        request: &'a Request<'a>,
        to: SocketAddr,
        driver: Driver<Client, F>,
        stream: StreamId,
        signals: Signals,
        trace: Trace,
    ) -> Self {
        Self {
            request,
            to,
            driver,
            stream,
            signals,
            trace,
            events: Events::with_capacity(16),
            watch: Watch::new(),
            display: None,
            pass: Pass::NONE,
            began: Clock::now(),
        }
    }

    /// Waits for something to happen, at most so long, and moves on; the end, when that has come.
    pub(super) fn turn(&mut self, longest: Duration) -> Result<Option<End>, Failure> {
        let turn = self.driver.turn(&mut self.events, Some(longest));
        turn.map_err(|error| Failure::cannot("wait for the network", &error))?;
        self.look();
        if let Some(last) = self.take_progress() {
            return Ok(Some(self.conclude(last)));
        }
        if let Some(gone) = self.driver.gone.pop_front()
            && !self.watch.connected
        {
            return Ok(Some(End::Unconnected(gone.reason.unwrap_or_else(|| "no answer".to_owned()))));
        }
        if self.signals.ask_to_end(&mut self.driver) {
            self.let_go();
            let is_whole = self.watch.total == Some(self.watch.bytes);
            let is_sent = self.request.header.is_some() && self.watch.connected && is_whole;
            return Err(match is_sent {
                true => {
                    Failure::new(Code::Interrupted, "interrupted; all was sent, and it may be stored there")
                }
                false => Failure::interrupted(),
            });
        }
        let is_stalled = self.watch.is_stalled(self.request.link.timeout) && self.driver.count() > 0;
        Ok(if is_stalled { self.give_up() } else { None })
    }

    /// Whether the call was answered.
    pub(super) const fn is_connected(&self) -> bool {
        self.watch.connected
    }

    /// Breaks it off, and tells the other side so.
    pub(super) fn let_go(&mut self) {
        self.driver.abort(self.stream);
        // Nobody may be there to hear it.
        let _ = self.driver.turn(&mut self.events, Some(Duration::ZERO));
    }

    /// Answers what a peer of an older format may still ask, as our last word to it may be lost.
    pub(super) fn linger(&mut self) {
        let until = Clock::now() + self.request.farewell;
        loop {
            let lingers = self.driver.linger_until().since(self.driver.now());
            let longest = lingers.min(until.saturating_duration_since(Clock::now()));
            if longest.is_zero() || self.driver.turn(&mut self.events, Some(longest)).is_err() {
                return;
            }
        }
    }

    /// Writes what is left of the trace of the transfer.
    pub(super) fn end_trace(self) -> Result<(), Failure> {
        self.trace.end()
    }

    /// Who has answered, and what is of use for the next visit there.
    pub(super) fn left(&self) -> Option<(SocketAddr, Pass)> {
        self.watch.connected.then_some((self.to, self.pass))
    }

    /// Sees how far it is, and shows it.
    fn look(&mut self) {
        let (driver, watch) = (&mut self.driver, &mut self.watch);
        if let Some(moved) = driver.moved(self.stream)
            && watch
                .saw(content(self.request.header, moved), moved.resent.map(|own| own + driver.came_late()))
        {
            driver.service.progressed(driver.now(), self.stream);
        }
        if let Some(statistics) = driver.statistics(self.stream) {
            (self.request.observe)(&statistics);
        }
        self.pass = driver.pass(self.stream).unwrap_or(self.pass);
        if !self.watch.connected && self.is_answered() {
            self.watch.connect();
            self.tell_peer();
        }
        if self.watch.connected {
            let (bytes, resent) = (self.watch.bytes, self.watch.resent);
            self.display().update(bytes, resent);
        }
    }

    fn display(&mut self) -> &mut Display {
        let Request { quiet, label, .. } = *self.request;
        self.display.get_or_insert_with(|| Display::new(quiet, self.watch.total, label))
    }

    /// The last word of the machine, if it has said it.
    fn take_progress(&mut self) -> Option<Progress> {
        let mut end = None;
        while let Some(told) = self.driver.events.pop_front() {
            match told.event {
                Progress::Started { length } => {
                    // Over RDT what is sent may go out with the call.
                    self.watch.connected |= self.request.url.scheme != Scheme::Rdt;
                    self.watch.total = length;
                    if let Some(length) = length.filter(|_| self.watch.connected) {
                        self.display().set_total(length);
                    }
                }
                last => end = Some(last),
            }
        }
        end
    }

    /// The machine has said its last word: says what it came to, and lets the connection end.
    fn conclude(&mut self, last: Progress) -> End {
        let reason = self.driver.gone.pop_front().and_then(|gone| gone.reason);
        let end = self.meaning(last, reason);
        self.display = None;
        if self.watch.is_assumed {
            self.tell_assumption();
            self.driver.abort(self.stream);
        }
        if !matches!(end, End::Done(_)) || !self.driver.take_leave() {
            farewell(&mut self.driver, &mut self.events, self.request.farewell);
        }
        end
    }

    /// Nothing moved for too long. `None`: that is taken for the end, and there is one yet to come.
    fn give_up(&mut self) -> Option<End> {
        let url = self.request.url;
        if url.scheme == Scheme::Path && self.watch.bytes > 0 && !self.watch.is_assumed {
            self.watch.assume();
            self.driver.take_as_finished(self.stream);
            return None;
        }
        self.driver.abort(self.stream);
        let seconds = self.request.link.timeout.as_secs();
        Some(match self.watch.connected {
            false => End::Unconnected(format!("no answer in {seconds} s")),
            true => {
                let bytes = self.watch.bytes;
                let why = format!("nothing came or went for {seconds} s");
                End::Failed(Failure::network(format!("{url}: broken off after {bytes} bytes: {why}")))
            }
        })
    }

    /// What the machine's last word means; the carrier's may be the `reason`.
    fn meaning(&self, last: Progress, reason: Option<String>) -> End {
        let (request, watch) = (self.request, &self.watch);
        let url = request.url;
        let failure = match last {
            Progress::Done { bytes } => {
                return End::Done(Summary { bytes, elapsed: self.began.elapsed(), resent: watch.resent });
            }
            Progress::Started { .. } => Failure::new(Code::Network, format!("{url}: ended early")),
            Progress::Refused(code) => Failure::refused(match (code, request.folder) {
                (file::Code::NotFound, Some(folder)) => {
                    format!("{url}: there is no directory {folder} there, and none is made by this")
                }
                (file::Code::NotAllowed, _)
                    if request.header.is_some() && !url.to_string().ends_with('/') =>
                {
                    format!("{url}: {}; if that is a directory there, put a / behind it", because(code))
                }
                _ => format!("{url}: {}", because(code)),
            }),
            Progress::Failed(Reason::Storage(Fault::Ended) | Reason::Closed | Reason::Unreachable) => {
                if !watch.connected {
                    return End::Unconnected(reason.unwrap_or_else(|| "no answer".to_owned()));
                }
                let reason = reason.unwrap_or_else(|| "the other side ended it too early".to_owned());
                Failure::network(format!("{url}: broken off after {} bytes: {reason}", watch.bytes))
            }
            Progress::Failed(Reason::Malformed) => return End::Strange,
            Progress::Failed(Reason::TooLarge) => Failure::refused(format!("{url}: the file is too large")),
            Progress::Failed(Reason::Timeout) if !watch.connected => {
                return End::Unconnected(format!("no answer in {} s", request.link.timeout.as_secs()));
            }
            Progress::Failed(Reason::Timeout) => {
                Failure::network(format!("{url}: no answer in {} s", request.link.timeout.as_secs()))
            }
            Progress::Failed(Reason::Storage(fault)) => {
                Failure::local(format!("{}: {}", request.local, describe(fault)))
            }
        };
        End::Failed(failure)
    }

    fn is_answered(&self) -> bool {
        match self.driver.statistics(self.stream) {
            Some(statistics) => statistics.segment > 0 && self.driver.is_open(self.stream),
            None => self.driver.is_open(self.stream),
        }
    }

    fn tell_peer(&self) {
        if !self.request.verbose {
            return;
        }
        let peer = self.driver.peer(self.stream).map(|peer| peer.to_string()).unwrap_or_default();
        match self.driver.statistics(self.stream) {
            Some(rdt::Statistics { own, segment, .. }) => {
                let language = if own { "a skep peer" } else { "a peer without skep's extensions" };
                tell(&format!("skep: connected to {peer}: {language}, segments of {segment} bytes"));
            }
            None => tell(&format!("skep: connected to {peer}")),
        }
    }

    fn tell_assumption(&self) {
        if !self.request.quiet {
            let seconds = self.request.link.timeout.as_secs();
            let message = format!(
                "skep: {}: the server did not close; {seconds} s of silence were taken for the end",
                self.request.url
            );
            tell(&message);
        }
    }
}

/// How much content has been moved, when `header` bytes of messages go before what is sent. What is acknowledged of a
/// download is its request.
const fn content(header: Option<u64>, moved: Moved) -> u64 {
    match header {
        Some(header) if moved.acknowledged > header + moved.bytes => moved.acknowledged - header,
        _ => moved.bytes,
    }
}

/// Lets the connection end in order, so that the other side need not wait for an end that it never hears of.
fn farewell<F: Storage>(driver: &mut Driver<Client, F>, events: &mut Events, patience: Duration) {
    let until = Clock::now() + patience;
    while driver.count() > 0 && Clock::now() < until {
        if driver.turn(events, Some(TICK)).is_err() {
            return;
        }
    }
}

/// A line on standard error, which nobody may read any more.
fn tell(message: &str) {
    let _ = writeln!(stderr(), "{message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_no_content() {
        let content =
            |header, bytes, acknowledged| content(header, Moved { bytes, acknowledged, resent: None });
        assert_eq!([content(None, 0, 12), content(None, 7, 12)], [0, 7]);
        assert_eq!([content(Some(20), 0, 0), content(Some(20), 0, 20), content(Some(20), 0, 27)], [0, 0, 7]);
        // Over TCP nothing is told to be acknowledged.
        assert_eq!(content(Some(20), 7, 0), 7);
    }
}
