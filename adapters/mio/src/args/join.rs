//! `skep join`.

use std::path::PathBuf;

use clap::Args;

use super::Login;
use crate::{
    exit::CODES,
    url::{Host, PORT},
};

const EXAMPLES: &str = "\
At a terminal there is a prompt: `help` lists its commands. Elsewhere a line is printed for whatever happens, and the \
program ends, and logs out, by SIGTERM or Ctrl-C. When the tracker is lost it is called again until it is back; without a \
terminal also when it does not answer at the start, or its name is not found, so that a machine may be up before it. A \
log-in that is refused is the end. Who was killed and started again takes the place of what is left of him after 3 s.

DIR is watched: a file is shared when it is complete, and no longer when it is gone. Hidden files, and those that end \
in .part, are not shared. Others fetch from you directly, sealed; where that does not get through, both of you call the \
tracker, which passes on what it cannot read.

A link with an invite is shown by lists of processes while the program runs: read it from a file (--link-file) or put it \
into $SKEP_LINK instead.

ADDR is HOST:PORT, [IPV6]:PORT, or :PORT for every address of this machine.

Examples:
  skep join -s skep://KEY@bee.example/ -u ana shared
  skep join -s bee.example -u ana                      share nothing; the tracker is a known host
  skep join --link-file invite.txt -u ben              with an invite, the first time
  skep join -s bee.example -u ana shared --json        for a program that watches";

/// Log in to a tracker, share a directory, and fetch from others
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct Join {
    /// How to log in.
    #[command(flatten)]
    pub login: Login,

    /// The directory to share [default: none]
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,

    /// Where downloads go
    #[arg(long, value_name = "DIR", default_value = "downloads")]
    pub downloads: PathBuf,

    /// Where others fetch from you, over TCP and UDP [default: any free port]
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub listen: Option<Host>,

    /// Fetch through the tracker from the first, and let others fetch only so
    #[arg(long, conflicts_with = "listen")]
    pub relay: bool,

    /// Ask at the prompt before somebody gets a file
    #[arg(long, conflicts_with_all = ["log", "json", "quiet"])]
    pub ask: bool,

    /// Exchange files with users of the plain commands too, not encrypted
    #[arg(long)]
    pub plain: bool,

    /// No prompt, also at a terminal: print a line for whatever happens
    #[arg(long)]
    pub log: bool,

    /// A line of JSON for whatever happens
    #[arg(long)]
    pub json: bool,

    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "json")]
    pub quiet: bool,
}

fn listen(text: &str) -> Result<Host, String> {
    match text.strip_prefix(':') {
        Some(port) if !port.contains(':') => Host::parse(&format!("[::]:{port}"), PORT),
        _ => Host::parse(text, PORT),
    }
}
