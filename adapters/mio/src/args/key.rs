//! `skep key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{
    exit::{CODES, Failure},
    identity::{Cost, Home, Label},
};

const EXAMPLES: &str = "\
Your key is who you are to the other side. It lies in `key` in $SKEP_HOME, or in $XDG_CONFIG_HOME/skep, or in \
~/.config/skep, for nobody but you to read. Never give it away: the line that `export` prints is for others. Whoever \
runs a server puts that line into its allow file, and you are let in.

A fingerprint is a public key in 43 characters. A link to a server begins with it: skep://FINGERPRINT@HOST/.

Where a key file would not do, a password can be the key. `password` prints the line for the accounts of a server. It \
holds no password, but give it to nobody else: with it passwords can be tried.

Examples:
  skep key make                          make a key, once
  skep key show                          who am I?
  skep key export >> allow               the line that lets me in
  skep key export --name build-robot
  skep key --key robot.key make          another key, in a file of its own
  skep key password bob                  asks for a password, prints the line of an account";

/// Make a key, and show what others may see of it
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"), disable_help_subcommand = true)]
pub struct Key {
    /// Which identity.
    #[command(flatten)]
    pub who: Who,

    /// What to do with it.
    #[command(subcommand)]
    pub action: KeyAction,
}

/// What can be done with a key.
#[derive(Clone, Debug, Subcommand)]
pub enum KeyAction {
    /// Make a key; one that there is already is never replaced
    Make,
    /// Show the fingerprint, the public key, and where the secret one lies
    Show,
    /// Print the public key as a line for an allow file
    Export {
        /// What the key is called there (you@this-machine if it is not given)
        #[arg(long, value_name = "NAME")]
        name: Option<Label>,
    },
    /// Make a key of a password, and print the line for the accounts of a server
    Password {
        /// The name to log in with
        #[arg(value_name = "NAME")]
        name: Label,

        /// Read the password from this file [default: $SKEP_PASSWORD, or ask]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,

        /// What a try costs: memory in KiB, passes, lanes; a server tells strangers the default
        #[arg(long, value_name = "COST", default_value_t = Cost::DEFAULT)]
        cost: Cost,

        /// It may fetch, and not send
        #[arg(long)]
        read_only: bool,
    },
}

/// Which identity is meant.
#[derive(Args, Clone, Debug)]
pub struct Who {
    /// The file of the secret key; known_hosts, allow, invites and accounts lie beside it
    #[arg(long, value_name = "FILE", global = true)]
    pub key: Option<PathBuf>,
}

impl Who {
    /// Where its files are.
    ///
    /// # Errors
    /// Neither this nor the environment says it.
    pub fn home(&self) -> Result<Home, Failure> {
        self.key.as_deref().map_or_else(Home::find, |key| Ok(Home::of_key(key)))
    }
}
