//! Files of ours for which the tracker has no room.

use super::sharing::TOLD_MAX;
use crate::{
    commands::words::{counted, of_code},
    escape::escape,
};
use skep_core::wire::session::Code;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant as Clock},
};

/// How long no more are refused before it is told which were: of very many each is asked for by itself.
const QUIET: Duration = Duration::from_secs(1);

/// Files that the tracker has refused, until there is room: which, and of which that was not told.
#[derive(Debug, Default)]
pub(super) struct Untaken {
    names: BTreeSet<Box<str>>,
    untold: BTreeSet<Box<str>>,
    changed: Option<Clock>,
}

impl Untaken {
    pub(super) fn add(&mut self, name: &str) {
        if self.names.insert(name.into()) {
            self.untold.insert(name.into());
            self.changed = Some(Clock::now());
        }
    }

    /// `false`: it was not there.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.untold.remove(name);
        self.names.remove(name)
    }

    /// One of them, which is to be offered again.
    pub(super) fn take(&mut self) -> Option<Box<str>> {
        let name = self.names.pop_first()?;
        self.untold.remove(&name);
        Some(name)
    }

    /// The tracker is asked anew for all of them.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn count(&self) -> usize {
        self.names.len()
    }

    /// How long it takes until there is news.
    pub(super) fn patience(&self) -> Option<Duration> {
        let changed = self.changed.filter(|_| !self.untold.is_empty())?;
        Some(QUIET.saturating_sub(changed.elapsed()))
    }

    /// Which are new, in words, when no more come.
    pub(super) fn news(&mut self) -> Vec<String> {
        if self.patience().is_none_or(|patience| !patience.is_zero()) {
            return Vec::new();
        }
        let untold = std::mem::take(&mut self.untold);
        if untold.len() > TOLD_MAX {
            let files = counted(untold.len(), "file");
            return vec![format!("{files} are not shared: the tracker has no room for them")];
        }
        let why = of_code(Code::Full);
        untold.iter().map(|name| format!("{} is not shared: {why}", escape(name))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_told_in_one_line_when_no_more_come() {
        let mut untaken = Untaken::default();
        for number in 0..1_000 {
            untaken.add(&number.to_string());
        }
        assert!(untaken.news().is_empty() && untaken.patience().is_some());
        assert_eq!(untaken.take().as_deref(), Some("0"));
        assert!(untaken.remove("1") && !untaken.remove("1"));
        untaken.changed = Clock::now().checked_sub(QUIET);
        assert_eq!(untaken.news(), ["998 files are not shared: the tracker has no room for them"]);
        assert!(untaken.news().is_empty() && untaken.patience().is_none());
        untaken.add("last");
        untaken.changed = Clock::now().checked_sub(QUIET);
        assert_eq!(untaken.news(), ["last is not shared: the tracker has no room for it"]);
        assert_eq!(untaken.count(), 999);
    }
}
