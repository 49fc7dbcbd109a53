//! Who is kept out.

use std::net::IpAddr;

use jiff::Timestamp;

use super::account::{Ban, Banned};
use crate::identity::Fingerprint;

/// The bans of a tracker. Those that have ended cover nobody, and are not listed.
#[derive(Debug)]
pub struct Bans(Vec<Ban>);

impl Bans {
    /// Those that were kept.
    pub const fn new(kept: Vec<Ban>) -> Self {
        Self(kept)
    }

    /// Whether somebody is banned, by any of what he comes with.
    pub fn cover(&self, name: &str, key: Option<&Fingerprint>, address: IpAddr) -> bool {
        let now = Timestamp::now();
        self.0.iter().any(|ban| ban.covers(name, key, address, now))
    }

    /// Whether nobody may come by a name.
    pub fn cover_name(&self, name: &str) -> bool {
        self.open().any(|ban| matches!(&ban.who, Banned::Name(banned) if banned == name))
    }

    /// Those that have not ended.
    pub fn open(&self) -> impl Iterator<Item = &Ban> {
        let now = Timestamp::now();
        self.0.iter().filter(move |ban| !ban.has_ended(now))
    }

    /// The number of the next one.
    pub fn next_number(&self) -> u64 {
        self.0.iter().map(|ban| ban.id).max().unwrap_or(0) + 1
    }

    /// Somebody is banned.
    pub fn add(&mut self, ban: Ban) {
        self.0.push(ban);
    }

    /// A ban is lifted. `false`: there is none of that number.
    pub fn lift(&mut self, id: u64) -> bool {
        let before = self.0.len();
        self.0.retain(|ban| ban.id != id);
        self.0.len() < before
    }
}
