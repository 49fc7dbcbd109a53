//! What an admin can ask of a tracker that runs, and what he is answered.
//!
//! An order and its answer are a line of JSON each, over a socket in the tracker's state directory that only its owner
//! can open (`desk.rs`), or over the network (`orders.rs`; docs/protocol.md section 5.1).

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::{Account, Ban, Banned, Role};

/// The longest order, in bytes.
pub const ORDER_MAX: usize = 64 << 10;

/// An order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// How is it?
    Status,
    /// Who is there?
    List,
    /// Ends somebody's session.
    Kick {
        /// Whose.
        name: String,
        /// Why.
        reason: String,
    },
    /// Keeps somebody out, and ends the sessions that are covered.
    Ban {
        /// Whom.
        who: Banned,
        /// For how long, in seconds; `None`: until it is lifted.
        seconds: Option<u64>,
        /// Why.
        reason: String,
    },
    /// Who is banned?
    Bans,
    /// Lifts a ban.
    Unban {
        /// Its number.
        id: u64,
    },
    /// Which names belong to keys?
    Accounts,
    /// Gives a name to a key, and ends the session of who has it without that.
    Add {
        /// The name.
        name: String,
        /// The key, and what its owner may do.
        account: Account,
    },
    /// Takes a name from a key, with all invites for it, and ends its session.
    Remove {
        /// The name.
        name: String,
    },
    /// Says what somebody may do.
    Role {
        /// The name.
        name: String,
        /// What.
        role: Role,
    },
    /// Makes an invite for somebody.
    Invite {
        /// The name that he gets.
        name: String,
        /// What he may do then.
        role: Role,
        /// For how long it is good, in seconds.
        seconds: u64,
    },
    /// Which invites are open?
    Invites,
    /// Copies all that is stored into a new file, where the order comes from the tracker's own machine.
    Backup {
        /// The whole path of the file.
        file: PathBuf,
    },
    /// Takes an invite back.
    Uninvite {
        /// Its number, or the name that it is for.
        invite: String,
    },
}

impl Order {
    /// What kind it is, in the word that it begins with.
    pub fn kind(&self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(word)) => word,
            Ok(Value::Object(order)) => order.into_iter().map(|(word, _)| word).next().unwrap_or_default(),
            _ => String::new(),
        }
    }
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It is done.
    Done(String),
    /// It is not.
    Failed(String),
    /// How it is.
    Status(Status),
    /// Who is there.
    Users(Vec<Present>),
    /// Who is banned.
    Bans(Vec<Ban>),
    /// Which names belong to keys.
    Accounts(Vec<Owner>),
    /// The link of an invite.
    Invited(String),
    /// Which invites are open.
    Invites(Vec<Open>),
}

/// How a tracker is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Users who are there.
    pub users: u32,
    /// Sessions that wait for a seat.
    pub waiting: u32,
    /// Files, of those who are there and of who has published by command.
    pub files: usize,
    /// Transfers under way.
    pub transfers: usize,
    /// Connections.
    pub connections: usize,
    /// The version of skep; earlier ones do not say it.
    #[serde(default)]
    pub version: Option<String>,
    /// Since when it runs; earlier versions do not say it.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// Somebody who is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Present {
    /// The name.
    pub name: String,
    /// Where from.
    pub address: std::net::IpAddr,
    /// Whether in a session, or by command.
    pub by_command: bool,
    /// The key, where there is one.
    pub key: Option<String>,
    /// How many files are shared.
    pub files: u32,
}

/// A name that belongs to a key, or has a password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Owner {
    /// The name.
    pub name: String,
    /// The key; that of a password is not told.
    pub key: Option<String>,
    /// What its owner may do.
    #[serde(default)]
    pub role: Role,
    /// Whether it has a password.
    #[serde(default)]
    pub password: bool,
}

/// An invite that waits for its guest, without what would let one in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Open {
    /// Its number.
    pub id: String,
    /// The name that the guest gets.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// When it ends.
    pub until: Timestamp,
}
