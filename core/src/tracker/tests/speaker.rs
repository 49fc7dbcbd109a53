//! A client that speaks the format and no more: what it was told is its mirror, checked at every message.

use super::world::World;
use crate::{
    tracker::{Dialect, Peer, Profile},
    wire::session::{Code, FileInfo, Frame, Notice, Request, Side, Way},
};
use core::net::IpAddr;
use std::collections::BTreeMap;

/// What others share, by user and file.
pub(super) type List = BTreeMap<String, BTreeMap<String, FileInfo>>;

pub(super) struct Speaker {
    pub stream: u32,
    pub name: String,
    pub unread: Vec<u8>,
    pub users: BTreeMap<u32, String>,
    pub files: BTreeMap<u32, (u32, String, FileInfo)>,
    /// Messages besides those of the list, as text.
    pub heard: Vec<String>,
    pub epoch: u64,
    pub number: u64,
    pub resume: [u8; 16],
    /// The client itself, among the users.
    pub me: Option<u32>,
    pub bye: Option<Code>,
    /// Transfers that it was asked for or may go to.
    pub asks: Vec<(u32, Way, [u8; 16])>,
    pub goes: Vec<(u32, u32, Way, [u8; 16])>,
    pub ended: Vec<(u32, Code)>,
    pub failed: Vec<(u32, Code)>,
    /// Messages of the list that changed nothing.
    pub noise: usize,
    pub told: usize,
    pub pings: usize,
    pub upto: usize,
    /// It is fast: nothing that it is told is what it knew.
    pub is_strict: bool,
}

pub(super) fn info(length: u64) -> FileInfo {
    FileInfo { length, flags: 0, hash: None }
}

impl Speaker {
    pub(super) fn new(name: &str) -> Self {
        Self {
            stream: u32::MAX,
            name: name.into(),
            unread: Vec::new(),
            users: BTreeMap::new(),
            files: BTreeMap::new(),
            heard: Vec::new(),
            epoch: 0,
            number: 0,
            resume: [0; 16],
            me: None,
            bye: None,
            asks: Vec::new(),
            goes: Vec::new(),
            ended: Vec::new(),
            failed: Vec::new(),
            noise: 0,
            told: 0,
            pings: 0,
            upto: 0,
            is_strict: true,
        }
    }

    /// Opens a stream and logs in; what is known from before is resumed.
    pub(super) fn join<P: Profile>(&mut self, world: &mut World<P>) -> bool {
        self.join_from(world, &Peer::at(IpAddr::from([10, 0, 0, 1])))
    }

    pub(super) fn join_from<P: Profile>(&mut self, world: &mut World<P>, peer: &Peer<'_>) -> bool {
        let Some(stream) = world.open(Dialect::Session, peer) else { return false };
        self.stream = stream;
        self.unread.clear();
        (self.me, self.bye) = (None, None);
        let login = Request::Login {
            version: 1,
            wants_list: true,
            epoch: self.epoch,
            number: self.number,
            resume: self.resume,
            door: 0,
            name: self.name.as_bytes(),
        };
        self.say(world, &login);
        world.run();
        self.listen(world);
        true
    }

    pub(super) fn say<P: Profile>(&self, world: &mut World<P>, request: &Request<'_>) {
        let mut out = [0; 512];
        let length = request.emit(&mut out).unwrap();
        world.write(self.stream, &out[..length]);
    }

    pub(super) fn publish<P: Profile>(&self, world: &mut World<P>, name: &str, length: u64) {
        self.say(world, &Request::Publish { tag: 1, file: info(length), name: name.as_bytes() });
    }

    pub(super) fn withdraw<P: Profile>(&self, world: &mut World<P>, name: &str) {
        self.say(world, &Request::Withdraw { tag: 2, name: name.as_bytes() });
    }

    pub(super) fn fetch<P: Profile>(
        &self,
        world: &mut World<P>,
        tag: u32,
        way: Way,
        owner: &str,
        name: &str,
    ) {
        let fetch = Request::Fetch { tag, way, owner: owner.as_bytes(), name: name.as_bytes() };
        self.say(world, &fetch);
    }

    /// Opens one end of a relayed transfer.
    pub(super) fn attach<P: Profile>(
        &self,
        world: &mut World<P>,
        transfer: u32,
        token: [u8; 16],
        side: Side,
    ) -> Option<u32> {
        let stream = world.open(Dialect::Session, &Peer::at(IpAddr::from([10, 0, 0, 1])))?;
        let mut out = [0; 64];
        let length = Request::Attach { transfer, token, side }.emit(&mut out).unwrap();
        world.write(stream, &out[..length]);
        world.run();
        Some(stream)
    }

    /// Reads all that has come.
    pub(super) fn listen<P: Profile>(&mut self, world: &mut World<P>) {
        self.unread.extend(world.read(self.stream));
        let unread = std::mem::take(&mut self.unread);
        let mut rest = unread.as_slice();
        loop {
            match Frame::first(rest) {
                Frame::Whole { kind, fields, length } => {
                    self.hear(&Notice::parse(kind, fields).unwrap());
                    rest = &rest[length..];
                }
                Frame::Incomplete => break,
                frame => panic!("{frame:?}"),
            }
        }
        self.unread = rest.to_vec();
    }

    fn hear(&mut self, notice: &Notice<'_>) {
        match *notice {
            Notice::Welcome { is_fresh, user, epoch, resume, .. } => {
                assert_eq!(self.me.replace(user), None);
                if is_fresh {
                    self.users.clear();
                    self.files.clear();
                }
                (self.epoch, self.resume) = (epoch, resume);
            }
            Notice::Came { user, name, .. } => {
                assert_ne!(Some(user), self.me, "it is told of itself");
                self.files.retain(|_, (owner, ..)| *owner != user);
                self.users.insert(user, name.as_str().into());
                self.told += 1;
            }
            Notice::Left { user } => {
                assert_ne!(Some(user), self.me.filter(|_| false));
                self.files.retain(|_, (owner, ..)| *owner != user);
                self.noise += usize::from(self.users.remove(&user).is_none());
                self.told += 1;
            }
            Notice::Shared { file, user, info, name } => {
                assert_ne!(Some(user), self.me, "it is told of its own file");
                assert!(self.users.contains_key(&user), "a file of nobody");
                let entry = (user, name.as_str().to_owned(), info);
                // Who was slow may find it as it was, after two changes.
                let is_same = self.files.insert(file, entry.clone()) == Some(entry);
                assert!(!is_same || !self.is_strict, "told twice");
                self.told += 1;
            }
            Notice::Unshared { file } => {
                self.noise += usize::from(self.files.remove(&file).is_none());
                self.told += 1;
            }
            Notice::Upto { number } => {
                assert!(number >= self.number || self.number == u64::MAX, "it goes backwards");
                self.number = number;
                self.upto += 1;
            }
            Notice::Bye { code } => self.bye = Some(code),
            Notice::Ask { transfer, way, token, .. } => {
                self.asks.push((transfer, way, token));
                self.heard.push(format!("{notice:?}"));
            }
            Notice::Go { tag, transfer, way, token, .. } => {
                self.goes.push((tag, transfer, way, token));
                self.heard.push(format!("{notice:?}"));
            }
            Notice::Ended { transfer, code } => self.ended.push((transfer, code)),
            Notice::Failed { tag, code } => self.failed.push((tag, code)),
            Notice::Ping => self.pings += 1,
            other => self.heard.push(format!("{other:?}")),
        }
    }

    /// What it knows of the others.
    pub(super) fn list(&self) -> List {
        let mut list = List::new();
        for name in self.users.values() {
            assert!(list.insert(name.clone(), BTreeMap::new()).is_none(), "{name} is there twice");
        }
        for (user, name, info) in self.files.values() {
            let files = list.get_mut(&self.users[user]).unwrap();
            assert!(files.insert(name.clone(), *info).is_none(), "{name} is there twice");
        }
        list
    }
}
