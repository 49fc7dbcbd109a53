//! `skep invite`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Who, number::life};
use crate::{
    exit::CODES,
    identity::{InviteId, Label},
    url::{Host, PORT},
};

const EXAMPLES: &str = "\
An invite is a link that lets one key in, once. Send it to somebody over a way that nobody else reads: whoever uses it \
first is let in. With it the key of your guest comes into the allow file, under the name that you give here. Only a \
link that you have just made can be copied; the code in it is kept nowhere.

TIME is a number with s, m, h or d behind it, at most 90d.

Examples:
  skep invite add bee.example --name bob          a link for bob, good for a day
  skep invite add 192.0.2.7:7600 --name camera --read-only --for 15m
  skep invite list                                who has not come yet?
  skep invite remove AAECAwQFBgc                  sent to the wrong person";

/// Invite somebody to your server
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"), disable_help_subcommand = true)]
pub struct InviteArgs {
    /// Which identity.
    #[command(flatten)]
    pub who: Who,

    /// What to do.
    #[command(subcommand)]
    pub action: InviteAction,
}

/// What can be done with invites.
#[derive(Clone, Debug, Subcommand)]
pub enum InviteAction {
    /// Make an invite, and print its link
    Add {
        /// Where guests find your server: HOST or HOST:PORT
        #[arg(value_name = "HOST", value_parser = host)]
        host: Host,

        /// What your guest's key will be called
        #[arg(long, value_name = "NAME", default_value = "guest")]
        name: Label,

        /// How long the invite is good
        #[arg(long = "for", value_name = "TIME", default_value = "1d", value_parser = life)]
        life: Duration,

        /// Your guest may fetch, and not send
        #[arg(long)]
        read_only: bool,
    },
    /// Print the invites that are open, without their codes
    List,
    /// Take an invite back
    Remove {
        /// What `list` calls it
        #[arg(value_name = "ID", allow_hyphen_values = true, value_parser = invite)]
        id: InviteId,
    },
}

fn invite(text: &str) -> Result<InviteId, String> {
    text.parse().map_err(|_| "it is no invite; skep invite list prints what they are called".to_owned())
}

pub(super) fn host(text: &str) -> Result<Host, String> {
    Host::parse(text, PORT)
}
