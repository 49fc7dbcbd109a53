//! `skep admin`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};
use ipnet::IpNet;

use super::{
    invite, login,
    number::{life, seconds},
};
use crate::{
    exit::{CODES, Failure},
    identity::Fingerprint,
    tracker::account::{Role, addresses},
    url::{Host, Url},
};

const EXAMPLES: &str = "\
It speaks with a tracker that runs on this machine, through a socket in its state directory that only its owner can \
open; with -s LINK with one elsewhere, if your key has a name there that has the role of an admin. What it changes is \
stored before it is confirmed.

TIME is a number with s, m, h or d behind it, at most 90d.

Examples:
  skep admin list
  skep admin kick bob --reason spam              the reason is for the log; bob is not told
  skep admin ban --name bob --for 24h --reason spam
  skep admin ban --address 192.0.2.0/24
  skep admin unban 3
  skep admin invite ann                          a link for ann, good for a day
  skep admin uninvite ann                        sent to the wrong person
  skep admin add bob hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo
  skep admin backup state-2026-11-20.redb        to be put back as state.redb
  skep admin role ann admin                      ann may do all this, too:
  skep admin kick bob -s skep://KEY@bee.example/";

/// Look after a tracker that runs
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"), disable_help_subcommand = true)]
pub struct Admin {
    /// The tracker's state directory [default: tracker, beside the key]
    #[arg(long, value_name = "DIR", global = true)]
    pub state: Option<PathBuf>,

    /// A tracker elsewhere.
    #[command(flatten)]
    pub afar: Afar,

    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do.
    #[command(subcommand)]
    pub action: AdminAction,
}

/// How to reach a tracker elsewhere, and as whom.
#[derive(Args, Clone, Debug)]
pub struct Afar {
    /// A tracker elsewhere: its link, skep://KEY@HOST/, or HOST if its key is known ($SKEP_LINK does not count here)
    #[arg(short, long, value_name = "LINK", value_parser = login::tracker, conflicts_with = "link_file", global = true)]
    server: Option<Url>,

    /// Read the link from this file; - is standard input
    #[arg(long, value_name = "FILE", global = true)]
    link_file: Option<PathBuf>,

    // Before the action only: a ban has a --key, too.
    /// With -s: the file of your secret key, said before the command [default: see skep key]
    #[arg(id = "secret", long = "key", value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Give up when there is no answer after so many seconds
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = seconds, global = true)]
    pub timeout: Duration,
}

impl Afar {
    /// The tracker's link; `None`: it is the one on this machine.
    ///
    /// # Errors
    /// It cannot be read or understood.
    pub fn url(&self) -> Result<Option<Url>, Failure> {
        // Said on both sides of the action they do not meet where arguments are looked at.
        match (&self.server, &self.link_file) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(Failure::usage("give --server or --link-file, not both")),
            _ => {}
        }
        login::link(self.server.as_ref(), self.link_file.as_deref()).map(Some)
    }
}

/// What can be done with a tracker.
#[derive(Clone, Debug, Subcommand)]
pub enum AdminAction {
    /// Say how it is
    Status,
    /// List who is there
    List,
    /// End somebody's session; he may come again
    Kick {
        /// Who
        name: String,
        /// Why, for the log
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Keep somebody out
    Ban {
        /// Whom.
        #[command(flatten)]
        who: Whom,
        /// For how long [default: until it is lifted]
        #[arg(long = "for", value_name = "TIME", value_parser = life)]
        time: Option<Duration>,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// List who is banned
    Bans,
    /// Lift a ban
    Unban {
        /// Its number, as `skep admin bans` prints it
        #[arg(value_parser = ban)]
        id: u64,
    },
    /// List the names that belong to keys, and those that have a password
    Accounts,
    /// Give a name to a key
    Add {
        /// The name
        name: String,
        /// The public key
        #[arg(allow_hyphen_values = true)]
        key: Fingerprint,
        /// What its owner may do
        #[arg(long, value_enum, default_value = "user")]
        role: Role,
    },
    /// Take a name from its key, and take back all invites for it
    ///
    /// With --accounts open the name can be taken again, also by that key: ban it to keep somebody out.
    Remove {
        /// The name
        name: String,
    },
    /// Say what somebody may do
    Role {
        /// The name
        name: String,
        /// What
        #[arg(value_enum)]
        role: Role,
    },
    /// Make an invite for somebody, and print its link; he uses it by skep join or skep ls
    Invite {
        /// The name that he gets
        name: String,
        /// Where he finds the tracker: HOST or HOST:PORT [default: as the tracker prints it]
        #[arg(long, value_name = "HOST", value_parser = invite::host)]
        host: Option<Host>,
        /// What he may do
        #[arg(long, value_enum, default_value = "user")]
        role: Role,
        /// For how long it is good
        #[arg(long = "for", value_name = "TIME", default_value = "24h", value_parser = life)]
        time: Duration,
    },
    /// List the invites that are open, without their codes
    Invites,
    /// Copy what a tracker on this machine keeps into a new file, while it runs; the key belongs to it
    Backup {
        /// The file, which must not be there
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Take an invite back
    Uninvite {
        /// Whose it is, or its number, as `skep admin invites` prints it
        #[arg(value_name = "NAME|NUMBER", allow_hyphen_values = true)]
        invite: String,
    },
}

fn banned(text: &str) -> Result<Fingerprint, String> {
    text.parse().map_err(|error| {
        format!(
            "{error}; here --key is whom to ban, and before the command your own: skep admin --key FILE ban"
        )
    })
}

fn ban(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "it is a number; skep admin bans prints it".to_owned())
}

/// Who is to be banned: one of these.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct Whom {
    /// Whoever comes by this name
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub name: Option<String>,

    /// Whoever has this key
    #[arg(long, value_name = "KEY", allow_hyphen_values = true, value_parser = banned)]
    pub key: Option<Fingerprint>,

    /// Whoever comes from this address, or these: 192.0.2.0/24
    #[arg(long, value_name = "ADDRESS", value_parser = addresses)]
    pub address: Option<IpNet>,
}
