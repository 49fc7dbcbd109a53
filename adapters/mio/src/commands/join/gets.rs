//! Downloads: those that wait, those that are under way, and how far they are.

use super::pauses::Pauses;
use crate::{
    commands::{
        node::Node,
        words::{counted, of_trouble},
    },
    escape::escape,
    member::{DownloadId, Travel, Trouble},
    progress::Summary,
};
use indicatif::HumanBytes;
use skep_core::{
    limits::NAME_MAX,
    wire::{file, session::Code},
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant as Clock},
};

/// Downloads at once. A tracker allows some more, but then each is slower.
const PARALLEL: usize = 4;

/// The most downloads that wait.
const WAITING_MAX: usize = 10_000;

/// The most names of files that were not fetched which are told at the end.
const LEFT_MAX: usize = 5;

/// When the tracker is back, how long its users may take to come back, too, and to tell it what they share: a member calls it
/// every minute at least.
const RETURN: Duration = Duration::from_secs(90);

/// How often it is told how far a download is.
const TOLD: Duration = Duration::from_secs(5);

/// A file that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Want {
    pub(super) owner: String,
    pub(super) name: String,
    /// What it is to be called here.
    pub(super) local: String,
    pub(super) relayed: bool,
}

impl Want {
    /// What a file of somebody else is called here: as the last part of its name, or as the user says.
    pub(super) fn new(owner: &str, name: &str, local: Option<&str>, relayed: bool) -> Self {
        let last = name.rsplit('/').next().unwrap_or(name);
        Self { owner: owner.into(), name: name.into(), local: local.unwrap_or(last).into(), relayed }
    }

    fn shown(&self) -> String {
        format!("{}/{}", escape(&self.owner), escape(&self.name))
    }

    fn is(&self, what: &str) -> bool {
        what.split_once('/') == Some((self.owner.as_str(), self.name.as_str()))
    }
}

#[derive(Debug)]
struct Active {
    download: DownloadId,
    want: Want,
    began: Clock,
    /// Bytes in all, and how it travels, once it flows.
    flows: Option<(u64, Travel)>,
    told: Clock,
}

/// The downloads of a stay.
#[derive(Debug, Default)]
pub(super) struct Gets {
    waiting: VecDeque<Want>,
    active: Vec<Active>,
    pauses: Pauses,
    /// Since when the tracker is back, if it was away.
    returned: Option<Clock>,
}

impl Gets {
    /// The tracker is back.
    pub(super) fn tracker_returned(&mut self) {
        self.returned = Some(Clock::now());
    }

    /// Wants a file. An error says why not.
    pub(super) fn want(&mut self, want: Want) -> Result<(), String> {
        let is_name = !want.local.contains('/') && want.local.len() <= NAME_MAX;
        if !is_name {
            return Err(format!("{}: it needs a name without a slash here: -o NAME", want.shown()));
        }
        let mut all = self.waiting.iter().chain(self.active.iter().map(|active| &active.want));
        if all.any(|other| other.local == want.local) {
            return Err(format!("{}: {} is on its way already", want.shown(), escape(&want.local)));
        }
        if self.waiting.len() >= WAITING_MAX {
            return Err(format!("{}: {WAITING_MAX} downloads wait already", want.shown()));
        }
        self.waiting.push_back(want);
        Ok(())
    }

    /// Whether there is room for one more. While the tracker is away nobody can be asked, and what waits is not to be given up
    /// one after the other.
    fn can_begin(&self, node: &Node) -> bool {
        self.active.len() < PARALLEL && node.driver.service.is_online()
    }

    /// Lets those begin for which there is room; what could not.
    pub(super) fn begin(&mut self, node: &mut Node) -> Vec<String> {
        let mut failed = Vec::new();
        while self.can_begin(node)
            && let Some(want) = self.next()
        {
            let now = node.driver.now();
            let member = &mut node.driver.service;
            match member.download(now, (&want.owner, &want.name), &want.local, want.relayed) {
                Some(download) => {
                    let now = Clock::now();
                    self.active.push(Active { download, want, began: now, flows: None, told: now });
                }
                None => failed.push(format!("{}: that is no name that can be used here", want.shown())),
            }
        }
        failed
    }

    /// The first that waits whose owner may be asked.
    fn next(&mut self) -> Option<Want> {
        if self.waiting.is_empty() && self.active.is_empty() {
            self.pauses.clear();
        }
        let now = Clock::now();
        let may_be_asked = |want: &Want| self.pauses.until(&want.owner).is_none_or(|until| until <= now);
        let at = self.waiting.iter().position(may_be_asked)?;
        self.waiting.remove(at)
    }

    /// A download flows.
    pub(super) fn flows(&mut self, download: DownloadId, length: u64, travel: Travel) {
        if let Some(active) = self.active.iter_mut().find(|active| active.download == download) {
            active.flows = Some((length, travel));
            active.told = Clock::now();
            self.pauses.shorten(&active.want.owner);
        }
    }

    /// A download is over, in words; or its owner has no time for it yet, and it waits again.
    pub(super) fn over(&mut self, download: DownloadId, outcome: &Result<u64, Trouble>) -> Option<String> {
        let at = self.active.iter().position(|active| active.download == download)?;
        let Active { want, began, flows, .. } = self.active.swap_remove(at);
        let travel = flows.map_or("", |(_, travel)| travel.as_str());
        Some(match outcome {
            Ok(bytes) => {
                let summary = Summary { bytes: *bytes, elapsed: began.elapsed(), resent: None };
                format!("got {} ({travel}): {summary}", want.shown())
            }
            Err(Trouble::Code(Code::Busy) | Trouble::Refused(file::Code::Busy)) => {
                return self.wait_for(want, "is busy");
            }
            Err(Trouble::Code(Code::UnknownUser | Code::NotShared))
                if self.returned.is_some_and(|returned| returned.elapsed() < RETURN) =>
            {
                return self.wait_for(want, "may not be back yet");
            }
            Err(trouble) => {
                format!("{}: {}", want.shown(), escape(&of_trouble(trouble)))
            }
        })
    }

    /// The owner has no time, or is not there, for a while: it is asked for again after a pause. That is told when it is new.
    fn wait_for(&mut self, want: Want, why: &str) -> Option<String> {
        // Without a random number all the same, but together with others.
        let share = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX) / 2.0;
        let owner = escape(&want.owner).to_string();
        let is_new = self.pauses.begin(&want.owner, Clock::now(), share);
        self.waiting.push_front(want);
        is_new.then(|| format!("{owner} {why}; what is wanted of {owner} waits"))
    }

    /// Gives up what is wanted of this name. `false`: nothing is.
    pub(super) fn cancel(&mut self, what: &str, node: &mut Node) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|want| !want.is(what));
        let now = node.driver.now();
        let active = self.active.iter().filter(|active| active.want.is(what));
        let count = active.map(|active| node.driver.service.cancel(now, active.download)).count();
        count > 0 || self.waiting.len() < before
    }

    /// How far they are, all of them.
    pub(super) fn lines(&self, node: &Node) -> Vec<String> {
        let active = self.active.iter().map(|active| active.line(node));
        let waiting = self.waiting.iter().map(|want| format!("{}: waits", want.shown()));
        active.chain(waiting).collect()
    }

    /// What is given up when the session ends now, in words.
    pub(super) fn left(&self) -> Option<String> {
        let wants = self.active.iter().map(|active| &active.want).chain(&self.waiting);
        let shown: Vec<_> = wants.map(Want::shown).collect();
        let told = if shown.len() > LEFT_MAX { counted(shown.len(), "file") } else { shown.join(", ") };
        (!shown.is_empty()).then(|| format!("not fetched: {told}"))
    }

    /// How far those are that have not been told of for a while.
    pub(super) fn news(&mut self, node: &Node) -> Vec<String> {
        let mut lines = Vec::new();
        for active in self.active.iter_mut().filter(|active| active.told.elapsed() >= TOLD) {
            active.told = Clock::now();
            lines.push(active.line(node));
        }
        lines
    }

    /// How long it takes until there is news, or something to begin.
    pub(super) fn patience(&self, node: &Node) -> Option<Duration> {
        let now = Clock::now();
        let news = self.active.iter().map(|active| TOLD.saturating_sub(active.told.elapsed()));
        let can_begin = self.can_begin(node);
        let waiting = self.waiting.iter().filter(|_| can_begin);
        let pauses = waiting.filter_map(|want| self.pauses.until(&want.owner));
        news.chain(pauses.map(|until| until.saturating_duration_since(now))).min()
    }
}

impl Active {
    fn line(&self, node: &Node) -> String {
        let shown = self.want.shown();
        let Some((length, travel)) = self.flows else { return format!("{shown}: asked for") };
        let bytes = node.moved(node.driver.service.stream_of(self.download)).bytes.min(length);
        let percent = if length == 0 { 100 } else { u128::from(bytes) * 100 / u128::from(length) };
        let summary = Summary { bytes, elapsed: self.began.elapsed(), resent: None };
        format!(
            "{shown} ({}): {percent} % of {}, {}/s",
            travel.as_str(),
            HumanBytes(length),
            HumanBytes(summary.rate())
        )
    }
}
