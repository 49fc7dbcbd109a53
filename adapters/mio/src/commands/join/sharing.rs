//! What we share: as the directory changes.

use super::{Stay, untaken::Untaken};
use crate::{
    args::Join,
    commands::{node::Node, words::counted},
    escape::escape,
    exit::Failure,
    shared_directory::{Change, SharedDirectory},
};
use mio::Waker;
use serde_json::json;
use skep_core::wire::session::FileInfo;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// More changes at a time than this are told in one line.
pub(super) const TOLD_MAX: usize = 5;

/// Changes that are taken at a time: the network has its turn in between.
const CHANGES_A_TURN: usize = 1_000;

pub(super) struct Sharing {
    directory: SharedDirectory,
    shown: String,
    /// What lies there, shared or not.
    names: HashMap<Box<str>, FileInfo>,
    pub(super) untaken: Untaken,
    settled: bool,
}

/// Downloads must not be shared because they lie where sharing is done.
pub(super) fn check(join: &Join) -> Result<(), Failure> {
    let Some(directory) = &join.directory else { return Ok(()) };
    let full = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    let (Ok(shared), Ok(downloads)) = (full(directory), full(&join.downloads)) else { return Ok(()) };
    if shared == downloads {
        return Err(Failure::usage(
            "downloads go to another directory than the shared one; choose one with --downloads",
        ));
    }
    Ok(())
}

impl Sharing {
    pub(super) fn new(join: &Join, waker: Arc<Waker>) -> Result<Option<Self>, Failure> {
        let Some(directory) = &join.directory else { return Ok(None) };
        let shown = directory.display().to_string();
        let except: [PathBuf; 1] = [join.downloads.clone()];
        let watched = SharedDirectory::watch(directory, &except, waker);
        let directory = watched
            .map_err(|error| Failure::cannot(format_args!("share {}", directory.display()), &error))?;
        Ok(Some(Self {
            directory,
            shown,
            names: HashMap::new(),
            untaken: Untaken::default(),
            settled: false,
        }))
    }

    /// A file is there. `true`: it was not before.
    fn share(&mut self, node: &mut Node, name: &str, info: FileInfo) -> bool {
        if self.untaken.remove(name) {
            // It is asked for anew also where nothing of it has changed.
            node.driver.service.withdraw(name);
        }
        if !node.driver.service.publish(name, info) {
            self.untaken.add(name);
        }
        self.names.insert(name.into(), info).is_none()
    }

    /// A file is there no longer. `false`: it was not before.
    fn withdraw(&mut self, node: &mut Node, name: &str) -> bool {
        node.driver.service.withdraw(name);
        let was_there = self.names.remove(name).is_some();
        // There is room for another one now, which is asked for anew.
        if !self.untaken.remove(name)
            && let Some(next) = self.untaken.take()
            && let Some(info) = self.names.get(&next).copied()
        {
            node.driver.service.withdraw(&next);
            self.share(node, &next, info);
        }
        was_there
    }

    /// How many files are shared, as far as the tracker has answered.
    fn count(&self) -> usize {
        self.names.len().saturating_sub(self.untaken.count())
    }
}

impl Stay<'_> {
    /// Tells the tracker what has changed in the directory.
    pub(super) fn take_changes(&mut self, node: &mut Node) {
        let Some(mut sharing) = self.sharing.take() else { return };
        let (mut new, mut gone) = (Vec::new(), Vec::new());
        // Of what was there at the start only the sum is told to people.
        let mut summed = 0;
        for taken in 0..CHANGES_A_TURN {
            let Some(change) = sharing.directory.next() else { break };
            if taken + 1 == CHANGES_A_TURN {
                // There may be more; what woke us has been forgotten by then.
                let _ = node.driver.waker().wake();
            }
            match change {
                Change::Shared { name, info } => {
                    if sharing.share(node, &name, info) {
                        new.push(name);
                    }
                }
                Change::Withdrawn { name } => {
                    if sharing.withdraw(node, &name) {
                        gone.push(name);
                    }
                }
                Change::NotShared { path, why } => {
                    self.tell(&format!("{} is not shared: {why}", escape(&path)));
                    self.tell_json(&json!({"event": "not-shared", "name": path, "why": why}));
                }
                Change::Settled => {
                    sharing.settled = true;
                    let files = counted(sharing.count(), "file");
                    self.tell(&format!("sharing {files} of {}", escape(&sharing.shown)));
                    summed = new.len();
                }
                Change::Gone => {
                    let shown = &sharing.shown;
                    self.tell(&format!("{} is gone; it is shared again when it is back", escape(shown)));
                    self.tell_json(&json!({"event": "trouble", "what": format!("{shown} is gone")}));
                }
                Change::Back => self.tell(&format!("{} is back", escape(&sharing.shown))),
                Change::Trouble { text } => {
                    self.tell(&text);
                    self.tell_json(&json!({"event": "trouble", "what": text}));
                }
            }
        }
        if sharing.settled {
            self.tell_names("sharing", &new[summed..], sharing.count());
            self.tell_names("no longer sharing", &gone, sharing.count());
        }
        if self.join.json {
            for name in new {
                self.tell_json(&json!({"event": "sharing", "name": name}));
            }
            for name in gone {
                self.tell_json(&json!({"event": "not-sharing", "name": name}));
            }
        }
        for line in sharing.untaken.news() {
            self.tell(&line);
        }
        self.sharing = Some(sharing);
    }

    fn tell_names(&mut self, what: &str, names: &[Box<str>], all: usize) {
        if names.len() > TOLD_MAX {
            self.tell(&format!("{what} {}, {all} in all", counted(names.len(), "file")));
            return;
        }
        for name in names {
            self.tell(&format!("{what} {}", escape(name)));
        }
    }
}
