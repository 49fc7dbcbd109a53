//! `skep get` from a tracker: a short visit for one file.

use super::{
    credentials::Credentials,
    no_session::{cannot_log_in, no_answer},
    node::{Arrival, Node, Plan},
    signals::Signals,
    tracing::{self, Trace},
    words::of_trouble,
};
use crate::{
    args::{Get, Link, user_name},
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
    wire::session::Code,
};
use std::{
    io::{IsTerminal, Write, stderr},
    path::Path,
    time::{Duration, Instant as Clock},
};

/// How often the display is looked at.
const TICK: Duration = Duration::from_millis(100);

/// Who waits longer is told for what.
const TELL_AFTER: Duration = Duration::from_secs(3);

/// How far it has come, in words what is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// For the tracker to let us in.
    Calling,
    /// For a seat there.
    InLine,
    /// For its list.
    Listing,
    /// For the owner to say whether we get it, and to be reached.
    Asking,
    Flowing,
}

/// Fetches the file of a user, `USER/FILE`, to a path; `local` is what that is called in errors.
pub(super) fn run(
    get: &Get,
    url: &Url,
    path: &Path,
    local: &str,
    credentials: Credentials,
) -> Result<Summary, Failure> {
    let (host, timeout) = (&url.host, get.link.timeout);
    let (owner, file) = url.user_and_file().map_err(|error| match get.tracker_option() {
        Some(option) => Failure::usage(format!(
            "{option} is for trackers, where a file is USER/FILE: skep://{host}/USER/{}; leave it out for a server of \
             files",
            url.name()
        )),
        None => Failure::usage(error.to_string()),
    })?;
    let name = user_name(get.name.as_deref().or(get.link.user.as_deref()))?;
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
    let Link { via, window, .. } = get.link;
    let arrival = Arrival { host, name: &name, credentials, via, window, timeout, waits: false };
    let mut node = Node::new(arrival, &plan)?;
    if get.link.no_gso {
        node.driver.send_singly();
    }
    let mut signals = Signals::new(&mut node.driver)?;
    let mut fetch = Fetch {
        get,
        name: &name,
        url,
        owner,
        what: &format!("{owner}/{file}"),
        local,
        download: None,
        display: None,
        began: Clock::now(),
        seen: (0, Clock::now()),
        repeated: None,
        stream: None,
        stage: Stage::Calling,
        has_told: false,
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
    /// Who fetches it.
    name: &'a str,
    url: &'a Url,
    owner: &'a str,
    what: &'a str,
    local: &'a str,
    download: Option<DownloadId>,
    display: Option<Progress>,
    began: Clock,
    /// How far it was, and since when it is no further.
    seen: (u64, Clock),
    stage: Stage,
    /// What is waited for in this stage has been said.
    has_told: bool,
    /// Segments that this side sent again, where that is known.
    repeated: Option<u64>,
    /// What it flows over.
    stream: Option<StreamId>,
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
                    self.enter(Stage::Asking);
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
    fn hear(&mut self, node: &mut Node, event: Event) -> Result<Option<Summary>, Failure> {
        match event {
            // What flows from door to door goes on without the tracker, whatever becomes of that.
            event if self.stage == Stage::Flowing && !matches!(event, Event::Got { .. }) => {}
            Event::Waiting { place } => {
                if !self.get.quiet {
                    let line = format!("skep: no seat is free; waiting in line, place {place}");
                    let _ = writeln!(stderr(), "{line}");
                }
                self.enter(Stage::InLine);
            }
            Event::Online => self.enter(Stage::Listing),
            Event::Getting { length, travel, .. } => {
                if self.get.verbose {
                    let _ = writeln!(stderr(), "skep: {} comes {}", escape(self.what), travel.as_phrase());
                }
                self.enter(Stage::Flowing);
                self.began = Clock::now();
                self.seen.0 = 0;
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
            event if node.come_again(self.name, &event) => {}
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
            // The owner has agreed, or another way to him is tried.
            self.seen.1 = Clock::now();
            let file = self.get.link.trace.as_deref();
            self.trace = None;
            self.trace = Some(tracing::begin(&mut node.driver, stream, file, self.what)?);
        }
        let Moved { bytes, resent, .. } = node.moved(Some(stream));
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
        let host = &self.url.host;
        let whom = match self.stage {
            // It can take any time.
            Stage::InLine => return Ok(()),
            Stage::Calling | Stage::Listing => host.to_string(),
            Stage::Asking | Stage::Flowing => self.owner.to_owned(),
        };
        let timeout = self.get.link.timeout;
        let silence = self.seen.1.elapsed();
        if silence > timeout {
            if self.stage == Stage::Calling {
                return Err(no_answer(node, host, timeout));
            }
            let (url, seconds) = (self.url, timeout.as_secs_f64());
            return Err(Failure::network(format!(
                "{url}: nothing came from {whom} for {seconds} s; gave up"
            )));
        }
        if silence > TELL_AFTER
            && self.stage != Stage::Flowing
            && !self.has_told
            && !self.get.quiet
            && stderr().is_terminal()
        {
            self.has_told = true;
            let _ = writeln!(stderr(), "skep: waiting for {}", escape(&whom));
        }
        Ok(())
    }

    /// Something has come.
    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.seen.1 = Clock::now();
        self.has_told = false;
    }

    fn failure(&self, trouble: &Trouble) -> Failure {
        if let Trouble::Code(Code::Silent) = trouble {
            let Self { url, owner, .. } = self;
            return Failure::network(format!("{url}: {owner} did not answer the tracker in its time"));
        }
        let message = format!("{}: {}", self.url, of_trouble(trouble));
        match trouble {
            Trouble::Failed(files::Failure::Storage(fault)) if *fault != Fault::Ended => {
                Failure::local(format!("{}: {}", self.local, describe(*fault)))
            }
            Trouble::Unreachable(_)
            | Trouble::Broken(_)
            | Trouble::Failed(
                files::Failure::Unreachable
                | files::Failure::Closed
                | files::Failure::Timeout
                | files::Failure::Storage(_),
            ) => Failure::network(message),
            _ => Failure::refused(message),
        }
    }
}
