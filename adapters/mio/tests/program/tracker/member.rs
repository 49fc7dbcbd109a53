//! A tracker under way, and members of it that say what a test tells them.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::SocketAddr,
};

use rustix::process::Signal;
use skep_core::wire::session::{Code, FileInfo, Frame, Introduction, Notice, Request, Way};

use super::wire::{Keys, Wire};
use crate::support::{Ended, Home, Process, until};

/// A tracker under way.
pub(crate) struct Tracker {
    pub(crate) process: Process,
}

impl Tracker {
    /// Starts one sealed, and with these options, in a test's home.
    pub(crate) fn start(home: &Home, options: &str) -> Self {
        let process = home.start_as("tracker", &format!("tracker --listen 127.0.0.1:0 {options}"));
        let mut tracker = Self { process };
        let count = |option| options.matches(option).count();
        let wanted = 2 + count("--plain") + count("--commands") + count("--metrics");
        until("the tracker", || {
            assert!(tracker.process.is_running(), "{}", tracker.process.err());
            (tracker.process.out().matches('\n').count() >= wanted).then_some(())
        });
        tracker
    }

    /// Its link, as it prints it.
    pub(crate) fn link(&self) -> String {
        let out = self.process.out();
        out.lines().find_map(|line| line.strip_prefix("tracker ")).expect("a link").to_owned()
    }

    /// Its key, as it is in the link.
    pub(crate) fn key(&self) -> String {
        self.link().strip_prefix("skep://").unwrap().split('@').next().unwrap().to_owned()
    }

    /// Where it listens for sealed sessions.
    pub(crate) fn sealed(&self) -> SocketAddr {
        self.told("listening on skep://", "")
    }

    /// Where it listens for plain sessions.
    pub(crate) fn plain(&self) -> SocketAddr {
        self.told("listening on ", " for sessions (plain: not encrypted)")
    }

    /// Where it listens for commands.
    pub(crate) fn commands(&self) -> SocketAddr {
        self.told("listening on ", " for commands (plain: not encrypted)")
    }

    /// An address that it printed, between these words.
    pub(crate) fn told(&self, before: &str, behind: &str) -> SocketAddr {
        let out = self.process.out();
        let mut found =
            out.lines().filter_map(|line| line.strip_prefix(before)?.strip_suffix(behind)?.parse().ok());
        found.next().unwrap_or_else(|| panic!("no {before}...{behind} in {out}"))
    }

    /// Does what an admin asks for; what he is answered.
    pub(crate) fn admin(&self, home: &Home, line: &str) -> String {
        String::from_utf8(home.run_as("tracker", &format!("admin {line}")).well().out).unwrap()
    }

    /// What an admin asks for cannot be done, for this reason.
    pub(crate) fn admin_fails(&self, home: &Home, line: &str, why: &str) {
        home.run_as("tracker", &format!("admin {line}")).with(1).saying(why);
    }

    /// A plain session.
    pub(crate) fn join(&self, name: &str) -> Member {
        Member::new(Wire::plain(self.plain()), name)
    }

    /// A sealed session of somebody with these keys.
    pub(crate) fn join_sealed(&self, name: &str, keys: &Keys) -> Member {
        let wire = Wire::sealed(self.sealed(), &self.key(), Some(keys)).unwrap();
        Member::new(wire, name)
    }

    /// Asks it to end, and sees that it does so in order.
    pub(crate) fn stop(self) -> Ended {
        self.process.send(Signal::TERM);
        self.process.end().well()
    }
}

/// What a member was told of a transfer.
#[derive(Clone, Debug)]
pub(crate) struct Meeting {
    pub(crate) transfer: u32,
    pub(crate) way: Way,
    pub(crate) token: [u8; 16],
    pub(crate) introduction: Option<Introduction>,
}

/// A session, and what it has heard.
pub(crate) struct Member {
    pub(crate) wire: Wire,
    pub(crate) name: String,
    unread: Vec<u8>,
    /// The others, by number.
    pub(crate) users: BTreeMap<u32, String>,
    /// What they share: whose, and what.
    pub(crate) files: BTreeMap<u32, (u32, String, u64)>,
    pub(crate) resume: [u8; 16],
    pub(crate) epoch: u64,
    pub(crate) upto: u64,
    pub(crate) meetings: Vec<Meeting>,
    pub(crate) failed: Vec<Code>,
    pub(crate) ended: Vec<(u32, Code)>,
    pub(crate) done: Option<u32>,
    pub(crate) place: Option<u32>,
    pub(crate) welcome: bool,
    pub(crate) bye: Option<Code>,
}

impl Member {
    /// Says hello on a stream.
    pub(crate) fn new(wire: Wire, name: &str) -> Self {
        let mut member = Self::silent(wire, name);
        member.log_in([0; 16]);
        member
    }

    fn log_in(&mut self, resume: [u8; 16]) {
        let name = self.name.clone();
        self.say(&Request::Login {
            version: 1,
            wants_list: true,
            epoch: 0,
            number: 0,
            resume,
            door: 0,
            name: name.as_bytes(),
        });
    }

    /// A session that takes the place of this one.
    pub(crate) fn again(&self, wire: Wire) -> Self {
        let mut member = Self::silent(wire, &self.name);
        member.log_in(self.resume);
        member
    }

    /// A stream on which nothing was said yet.
    pub(crate) fn silent(wire: Wire, name: &str) -> Self {
        Self {
            wire,
            name: name.into(),
            unread: Vec::new(),
            users: BTreeMap::new(),
            files: BTreeMap::new(),
            resume: [0; 16],
            epoch: 0,
            upto: 0,
            meetings: Vec::new(),
            failed: Vec::new(),
            ended: Vec::new(),
            done: None,
            place: None,
            welcome: false,
            bye: None,
        }
    }

    pub(crate) fn say(&mut self, request: &Request<'_>) {
        let mut room = [0; 512];
        let length = request.emit(&mut room).unwrap();
        // Who is not listened to any more learns it by reading.
        let _ = self.wire.write_all(&room[..length]);
    }

    pub(crate) fn publish(&mut self, name: &str, length: u64) {
        let file = FileInfo { length, flags: 0, hash: None };
        self.say(&Request::Publish { tag: 1, file, name: name.as_bytes() });
        self.listen_until("an answer", |member| member.done == Some(1) || !member.failed.is_empty());
    }

    /// Reads until something is so.
    #[track_caller]
    pub(crate) fn listen_until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            assert!(self.listen(), "{} waits in vain for {what}; bye {:?}", self.name, self.bye);
        }
    }

    /// Reads once. `false`: there is no more.
    pub(crate) fn listen(&mut self) -> bool {
        let mut room = [0; 64 << 10];
        let Ok(count @ 1..) = self.wire.read(&mut room) else { return false };
        self.unread.extend_from_slice(&room[..count]);
        let unread = std::mem::take(&mut self.unread);
        let mut rest = unread.as_slice();
        while let Frame::Whole { kind, fields, length } = Frame::first(rest) {
            rest = &rest[length..];
            self.hear(&Notice::parse(kind, fields).expect("a message that can be read"));
        }
        self.unread = rest.to_vec();
        true
    }

    /// It is logged in, and knows the list.
    #[track_caller]
    pub(crate) fn welcomed(mut self) -> Self {
        self.listen_until("Welcome", |member| member.welcome);
        self
    }

    /// It is turned away for this reason.
    #[track_caller]
    pub(crate) fn refused(mut self) -> Code {
        while self.bye.is_none() && self.listen() {}
        self.bye.expect("a word of farewell")
    }

    /// Logs out, and waits until the tracker has let it go.
    pub(crate) fn leaves(mut self) {
        self.say(&Request::Logout);
        while self.listen() {}
    }

    /// Waits until somebody is there.
    #[track_caller]
    pub(crate) fn sees(&mut self, name: &str) {
        self.listen_until(name, |member| member.users.values().any(|user| user == name));
    }

    /// Waits until somebody is not there any more.
    #[track_caller]
    pub(crate) fn misses(&mut self, name: &str) {
        self.listen_until(name, |member| !member.users.values().any(|user| user == name));
    }

    fn hear(&mut self, notice: &Notice<'_>) {
        match *notice {
            Notice::Welcome { epoch, resume, .. } => {
                (self.welcome, self.epoch, self.resume) = (true, epoch, resume);
            }
            Notice::Waiting { place } => self.place = Some(place),
            Notice::Came { user, name, .. } => {
                self.users.insert(user, name.as_str().to_owned());
            }
            Notice::Left { user } => {
                self.users.remove(&user);
                self.files.retain(|_, file| file.0 != user);
            }
            Notice::Shared { file, user, info, name } => {
                self.files.insert(file, (user, name.as_str().to_owned(), info.length));
            }
            Notice::Unshared { file } => _ = self.files.remove(&file),
            Notice::Upto { number } => self.upto = number,
            Notice::Done { tag } => self.done = Some(tag),
            Notice::Failed { code, .. } => self.failed.push(code),
            Notice::Ask { transfer, way, token, introduction, .. }
            | Notice::Go { transfer, way, token, introduction, .. } => {
                self.meetings.push(Meeting { transfer, way, token, introduction });
            }
            Notice::Ended { transfer, code } => self.ended.push((transfer, code)),
            Notice::Bye { code } => self.bye = Some(code),
            Notice::Ping => self.say(&Request::Pong),
            Notice::Pong | Notice::Attached | Notice::Unsupported { .. } => {}
        }
    }
}
