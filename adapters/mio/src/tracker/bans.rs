//! Who is kept out.

use std::net::IpAddr;

use jiff::Timestamp;

use super::account::{Ban, Banned};
use crate::identity::Fingerprint;

/// The bans of a tracker. Those that have ended cover nobody, and are not listed.
#[derive(Debug)]
pub struct Bans {
    bans: Vec<Ban>,
    /// The highest number that one was given.
    last: u64,
}

impl Bans {
    /// Those that were kept, and the highest number that one was given.
    pub const fn new(kept: Vec<Ban>, last: u64) -> Self {
        Self { bans: kept, last }
    }

    /// The number of a ban that is about somebody, by any of what he comes with: see [`Ban::covers`].
    pub fn covering(&self, names: [&str; 2], key: Option<&Fingerprint>, address: IpAddr) -> Option<u64> {
        let now = Timestamp::now();
        self.bans.iter().find(|ban| ban.covers(names, key, address, now)).map(|ban| ban.id)
    }

    /// Whether nobody may come by a name.
    pub fn cover_name(&self, name: &str) -> bool {
        self.open().any(|ban| matches!(&ban.who, Banned::Name(banned) if banned == name))
    }

    /// Those that have not ended.
    pub fn open(&self) -> impl Iterator<Item = &Ban> {
        let now = Timestamp::now();
        self.bans.iter().filter(move |ban| !ban.has_ended(now))
    }

    /// A number that no other one gets.
    pub fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Somebody is banned.
    pub fn add(&mut self, ban: Ban) {
        self.bans.push(ban);
    }

    /// A ban is lifted.
    pub fn lift(&mut self, id: u64) {
        self.bans.retain(|ban| ban.id != id);
    }

    /// Forgets those that had ended by some time, and says which.
    pub fn take_ended(&mut self, by: Timestamp) -> Vec<u64> {
        self.bans.extract_if(.., |ban| ban.has_ended(by)).map(|ban| ban.id).collect()
    }
}
