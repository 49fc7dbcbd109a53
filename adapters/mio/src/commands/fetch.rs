//! `skep get` from a tracker: a short visit for one file.

use super::{
    credentials::Credentials,
    no_session::cannot_log_in,
    node::{Arrival, Node, Plan},
    signals::Signals,
    tracing::{self, Trace},
    words::of_trouble,
};
use crate::{
    args::{Get, user_name},
    driver::Moved,
    escape::escape,
    exit::{Failure, describe},
    member::{Accept, DownloadId, Event, Trouble},
    progress::{Progress, Summary},
    url::Url,
};
use skep_core::{
    files,
    stream::{Fault, StreamId},
};
use std::{
    io::{Write, stderr},
    path::Path,
    time::{Duration, Instant as Clock},
};

/// How often the display is looked at.
const TICK: Duration = Duration::from_millis(100);

/// Fetches the file of a user, `USER/FILE`, to a path; `local` is what that is called in errors.
pub(super) fn run(
    get: &Get,
    url: &Url,
    path: &Path,
    local: &str,
    credentials: Credentials,
) -> Result<Summary, Failure> {
    let (host, timeout) = (&url.host, get.link.timeout);
    let user = get.name.as_deref().or(get.link.user.as_deref());
    let name = user_name(user)?;
    let (owner, file) = url.user_and_file().map_err(|error| Failure::usage(error.to_string()))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let last = path.file_name().and_then(|name| name.to_str());
    let last =
        last.ok_or_else(|| Failure::local(format!("cannot write {}: choose another name", path.display())))?;
    let plan = Plan {
        shared: None,
        downloads: parent,
        replace: !get.no_replace,
        wants_list: true,
        accept: Accept::All,
        door: None,
        plain: get.plain,
    };
    let credentials = credentials.with_key(url, get.link.key.as_deref(), timeout)?;
    let arrival = Arrival { host, name: &name, credentials, via: get.link.via, timeout };
    let mut node = Node::new(arrival, &plan)?;
    let mut signals = Signals::new(&mut node.driver)?;
    let mut fetch = Fetch {
        get,
        url,
        what: &format!("{owner}/{file}"),
        local,
        download: None,
        display: None,
        began: Clock::now(),
        seen: (0, Clock::now()),
        repeated: None,
        stream: None,
        is_flowing: false,
        trace: None,
    };
    node.visit(|node| {
        let outcome = fetch.stay(node, &mut signals, (owner, file), last);
        if let (Err(_), Some(download)) = (&outcome, fetch.download) {
            // Nothing is to flow on while it logs out.
            node.driver.service.cancel(node.driver.now(), download);
        }
        let traced = fetch.trace.take().map_or(Ok(()), Trace::end);
        outcome.and_then(|summary| traced.map(|()| summary))
    })
}

struct Fetch<'a> {
    get: &'a Get,
    url: &'a Url,
    what: &'a str,
    local: &'a str,
    download: Option<DownloadId>,
    display: Option<Progress>,
    began: Clock,
    /// How far it was, and since when it is no further.
    seen: (u64, Clock),
    /// Segments that this side sent again, where that is known.
    repeated: Option<u64>,
    /// What it flows over.
    stream: Option<StreamId>,
    is_flowing: bool,
    trace: Option<Trace>,
}

impl Fetch<'_> {
    /// Asks for the file when the list is there, and waits for its end.
    fn stay(
        &mut self,
        node: &mut Node,
        signals: &mut Signals,
        what: (&str, &str),
        last: &str,
    ) -> Result<Summary, Failure> {
        loop {
            node.turn(Some(TICK))?;
            self.look(node)?;
            while let Some(event) = node.news.pop_front() {
                if let Event::Listed = event
                    && self.download.is_none()
                {
                    let now = node.driver.now();
                    let download = node.driver.service.download(now, what, last, self.get.relay);
                    let bad = || Failure::usage(format!("{last} is no name that can be used here"));
                    self.download = Some(download.ok_or_else(bad)?);
                }
                if let Some(summary) = self.hear(node, event)? {
                    return Ok(summary);
                }
            }
            self.show(node)?;
            if signals.ask_to_end(&mut node.driver) {
                return Err(Failure::interrupted());
            }
        }
    }

    /// Takes note of what happens; what it came to, when it is over.
    fn hear(&mut self, node: &Node, event: Event) -> Result<Option<Summary>, Failure> {
        match event {
            Event::Waiting { place } if !self.get.quiet => {
                let line = format!("skep: no seat is free; waiting in line, place {place}");
                let _ = writeln!(stderr(), "{line}");
                // It can take any time.
                self.seen.1 = Clock::now() + Duration::from_secs(86_400);
            }
            Event::Online => self.seen.1 = Clock::now(),
            Event::Getting { length, travel, .. } => {
                if self.get.verbose {
                    let _ = writeln!(stderr(), "skep: {} comes {}", escape(self.what), travel.as_phrase());
                }
                self.is_flowing = true;
                self.began = Clock::now();
                self.seen = (0, Clock::now());
                self.display = Some(Progress::new(self.get.quiet, Some(length), self.what));
            }
            Event::Got { outcome: Ok(bytes), .. } => {
                let resent = self.resent(node);
                let summary = Summary { bytes, elapsed: self.began.elapsed(), resent };
                self.display = None;
                return Ok(Some(summary));
            }
            Event::Got { outcome: Err(trouble), .. } => {
                self.display = None;
                return Err(self.failure(&trouble));
            }
            // What flows from door to door goes on without the tracker.
            _ if self.is_flowing => {}
            event => cannot_log_in(node, &self.url.host, &event)?,
        }
        Ok(None)
    }

    /// Sees how far it is: before what happened is heard, for then the stream may be gone.
    fn look(&mut self, node: &mut Node) -> Result<(), Failure> {
        let Some(stream) = self.download.and_then(|download| node.driver.service.stream_of(download)) else {
            self.stream = None;
            return Ok(());
        };
        if self.stream.replace(stream) != Some(stream) {
            let file = self.get.link.trace.as_deref();
            self.trace = Some(tracing::begin(&mut node.driver, stream, file, self.what)?);
        }
        let Moved { bytes, resent } = node.moved(Some(stream));
        self.repeated = resent;
        if bytes != self.seen.0 {
            self.seen = (bytes, Clock::now());
        }
        Ok(())
    }

    /// Segments that were sent again by either side, where the carrier knows it.
    fn resent(&self, node: &Node) -> Option<u64> {
        self.repeated.map(|repeated| repeated + node.driver.came_late())
    }

    /// Shows how far it is, and whether it gets any further.
    fn show(&mut self, node: &Node) -> Result<(), Failure> {
        let resent = self.resent(node);
        if let Some(display) = &mut self.display {
            display.update(self.seen.0, resent);
        }
        // What the tracker and the owner may take together has deadlines of its own; this is the last one.
        let patience = if self.is_flowing { self.get.link.timeout } else { self.get.link.timeout * 4 };
        if self.seen.1.elapsed() > patience {
            let seconds = patience.as_secs();
            let url = self.url;
            return Err(Failure::network(format!("{url}: nothing came for {seconds} s; gave up")));
        }
        Ok(())
    }

    fn failure(&self, trouble: &Trouble) -> Failure {
        let message = format!("{}: {}", self.url, of_trouble(trouble));
        match trouble {
            Trouble::Failed(files::Failure::Storage(fault)) if *fault != Fault::Ended => {
                Failure::local(format!("{}: {}", self.local, describe(*fault)))
            }
            Trouble::Unreachable(_)
            | Trouble::Broken(_)
            | Trouble::Failed(
                files::Failure::Closed | files::Failure::Timeout | files::Failure::Storage(_),
            ) => Failure::network(message),
            _ => Failure::refused(message),
        }
    }
}
