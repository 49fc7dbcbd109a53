//! A tracker under way, and members of it.

use std::fs;

use serde_json::Value;

use crate::{
    support::{Ended, Home, Process, until},
    tracker::member::Tracker,
};

/// A tracker, and the directory in which it and its members live.
pub(crate) struct Hub {
    pub(crate) home: Home,
    pub(crate) tracker: Tracker,
}

impl Hub {
    pub(crate) fn new(options: &str) -> Self {
        let home = Home::new();
        let tracker = Tracker::start(&home, options);
        Self { home, tracker }
    }

    pub(crate) fn link(&self) -> String {
        self.tracker.link()
    }

    /// The same by way of another port.
    pub(crate) fn link_by(&self, port: u16) -> String {
        self.link().replace(&self.tracker.sealed().to_string(), &format!("127.0.0.1:{port}"))
    }

    /// A link to somebody's file.
    pub(crate) fn file(&self, owner: &str, name: &str) -> String {
        format!("{}{owner}/{name}", self.link())
    }

    /// Where somebody shares.
    pub(crate) fn shared(&self, name: &str) -> String {
        let folder = format!("{name}-shares");
        self.home.folder(&folder);
        folder
    }

    /// The command line of somebody who joins and shares.
    pub(crate) fn line(&self, name: &str, options: &str) -> String {
        let (link, shared) = (self.link(), self.shared(name));
        format!("join -s {link} -u {name} {shared} --downloads {name}-got {options}")
    }

    /// Somebody who has joined.
    pub(crate) fn join(&self, name: &str, options: &str) -> Process {
        let mut process = self.start(name, &self.line(name, options));
        until("a log-in", || {
            let is_in = process.out().contains("logged in to") || process.out().contains("\"online\"");
            assert!(is_in || process.is_running(), "{}", process.err());
            is_in.then_some(())
        });
        process
    }

    /// Writes a file that somebody shares, and waits until others know of it.
    pub(crate) fn share(&self, owner: &str, name: &str, content: impl Into<Vec<u8>>) -> Vec<u8> {
        let content = self.home.write(&format!("{}/{name}", self.shared(owner)), content);
        self.until_listed(owner, name);
        content
    }

    /// The same with nothing but zeros in it, which takes no room.
    pub(crate) fn share_zeros(&self, owner: &str, name: &str, length: u64) {
        let path = self.home.path(&format!("{}/{name}", self.shared(owner)));
        fs::File::create(path).unwrap().set_len(length).unwrap();
        self.until_listed(owner, name);
    }

    pub(crate) fn until_listed(&self, owner: &str, name: &str) {
        until(name, || self.names(owner).iter().any(|known| known == name).then_some(()));
    }

    /// What somebody shares, as another one sees it.
    pub(crate) fn names(&self, owner: &str) -> Vec<String> {
        let list = self.list();
        let users = list["users"].as_array().unwrap();
        let user = users.iter().find(|user| user["user"] == owner);
        let files = user.map_or(&Value::Null, |user| &user["files"]).as_array().cloned().unwrap_or_default();
        files.iter().map(|file| file["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The whole list.
    pub(crate) fn list(&self) -> Value {
        let ended = self.run("eye", &format!("ls -s {} -u eye --json", self.link())).well();
        serde_json::from_slice(&ended.out).unwrap()
    }

    /// Runs the program for somebody who has a key.
    pub(crate) fn run(&self, who: &str, line: &str) -> Ended {
        self.start(who, line).end()
    }

    /// Starts it.
    pub(crate) fn start(&self, who: &str, line: &str) -> Process {
        if !self.home.keys(who).join("key").exists() {
            self.home.make_key(who);
        }
        self.home.start_as(who, line)
    }

    /// Fetches a file for somebody.
    pub(crate) fn get(&self, who: &str, from: (&str, &str), options: &str) -> Ended {
        self.start_get(who, from, options).end()
    }

    pub(crate) fn start_get(&self, who: &str, (owner, name): (&str, &str), options: &str) -> Process {
        self.start(who, &format!("get {} -u {who} {options}", self.file(owner, name)))
    }
}

/// Waits until a process has printed something.
pub(crate) fn until_told(process: &Process, what: &str) {
    let mut told = String::new();
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        until(what, || {
            told = process.out();
            told.contains(what).then_some(())
        });
    }));
    assert!(found.is_ok(), "no \"{what}\" in:\n{told}{}", process.err());
}
