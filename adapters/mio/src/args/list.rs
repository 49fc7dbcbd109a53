//! `skep ls` and `skep find`.

use clap::Args;

use super::Login;
use crate::exit::CODES;

const LS_EXAMPLES: &str = "\
A line for each file: how long it is, whose, and its name. Users who share nothing have a line of their own.

Examples:
  skep ls -s skep://KEY@bee.example/ -u ana
  skep ls -s bee.example ben                only what ben shares
  skep ls -s bee.example --json | jq .users";

const FIND_EXAMPLES: &str = "\
PATTERN is one of the shell: * and ? stand for anything, [a-z] for one character. It is compared with the name of the \
file, or with all of its path if there is a / in it; upper and lower case are the same. A word without any of these is \
looked for everywhere in the name.

When nothing is found, a line on standard error says so and the exit code is 1.

Examples:
  skep find '*.iso' -s bee.example
  skep find bee -s bee.example --json";

/// List who is at a tracker, and what they share
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{LS_EXAMPLES}\n\n{CODES}"))]
pub struct Ls {
    /// Only what this user shares
    #[arg(value_name = "USER")]
    pub user: Option<String>,

    /// How to log in.
    #[command(flatten)]
    pub login: Login,

    /// One JSON document
    #[arg(long)]
    pub json: bool,
}

/// Find files at a tracker
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{FIND_EXAMPLES}\n\n{CODES}"))]
pub struct Find {
    /// What to look for
    #[arg(value_name = "PATTERN")]
    pub pattern: String,

    /// How to log in.
    #[command(flatten)]
    pub login: Login,

    /// One JSON document
    #[arg(long)]
    pub json: bool,
}
