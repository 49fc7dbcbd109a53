//! `skep get`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Link, Target};
use crate::exit::{CODES, Failure};

const EXAMPLES: &str = "\
URL is a link that `skep serve` printed, skep://KEY@HOST/, with the NAME of the file behind it: KEY is the key that the \
server has to have, so nobody else can answer. It goes over UDP, or over TCP where that does not get through. A link \
with an invite lets your key in, once; after that leave the invite out. Other users of this machine see the arguments \
of a program: with --link-file, or in $SKEP_LINK, a link is hidden from them. Without KEY the host has to be known (skep known).

Where a tracker answers, NAME is USER/FILE: what that user shares there. You log in for as long as it takes, and the file comes from the owner directly, or through the tracker where the owner cannot be reached. -u, --relay and --plain say from the first that it is one.

The plain formats, which anyone on the way can read and change, are tcp://HOST/NAME, rdt://HOST/NAME and \
path://HOST/NAME, with HOST:PORT where it is not the default port (7537, \
for path 7538). An IPv6 address goes into brackets. In NAME, %20 is a space and %25 is %.

The file appears when all of it has arrived and is safely stored. A file of that name is replaced. Without -o it is \
called as it is there, and comes into the current directory. With `-o -`, the line of --json goes to standard error.

Over path://, the end of a file is the end of the connection. Some servers keep it open: then silence for the time of \
--timeout is taken for the end, and a line says so.

Examples:
  skep get skep://KEY@bee.example/notes.txt            into notes.txt
  skep get --link-file invite notes.txt                the link is in the file `invite`
  skep get tcp://bee.example/notes.txt                 plain
  skep get skep://KEY@hub.example/ana/bee.jpg -u ben   what ana shares at a tracker
  skep get rdt://[2001:db8::7]/photos/bee.jpg -o b.jpg
  skep get path://10.0.0.5:2000/etc/motd -o -          to standard output
  skep get rdt://device.example/log --legacy           from a peer that is not skep
  skep get -q --json tcp://bee.example/big.iso | jq .rate";

/// Fetch a file
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct Get {
    /// Where the file is.
    #[command(flatten)]
    pub target: Target,

    /// Save it as this file, or into this directory; - is standard output, where it goes when all of it has come to $TMPDIR
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Refuse when there is such a file already, instead of replacing it
    #[arg(long)]
    pub no_replace: bool,

    /// From a tracker: your name there [default: --user, or your name on this machine]
    #[arg(short = 'u', long, value_name = "NAME")]
    pub name: Option<String>,

    /// From a tracker: through it, and not from the owner's door
    #[arg(long)]
    pub relay: bool,

    /// From a tracker: also from owners who speak only the plain commands, not encrypted
    #[arg(long)]
    pub plain: bool,

    /// How to speak with the other side.
    #[command(flatten)]
    pub link: Link,

    /// Of those who send: it is refused here, with a word about that.
    #[arg(long, hide = true, value_name = "SIZE")]
    pub rate: Option<String>,

    /// The same.
    #[arg(long, hide = true, value_name = "HOW")]
    pub congestion: Option<String>,

    /// Tell what is going on with the connection
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,

    /// Print nothing but errors
    #[arg(short, long)]
    pub quiet: bool,

    /// End with a line of JSON: bytes, seconds, rate (bytes/s), resent
    #[arg(long)]
    pub json: bool,
}

impl Get {
    /// The option that says that it is a tracker, if there is one. Otherwise that is seen by its answer.
    pub fn tracker_option(&self) -> Option<&'static str> {
        let options = [("-u", self.name.is_some()), ("--relay", self.relay), ("--plain", self.plain)];
        options.into_iter().find_map(|(option, is_given)| is_given.then_some(option))
    }

    /// Makes sure that every option is about what a download does.
    ///
    /// # Errors
    /// One is about what is sent.
    pub fn check(&self) -> Result<(), Failure> {
        let options = [("--rate", &self.rate), ("--congestion", &self.congestion)];
        match options.into_iter().find(|(_, value)| value.is_some()) {
            None => Ok(()),
            Some((option, _)) => Err(Failure::usage(format!(
                "{option} is about what is sent, and has no meaning for get: give it to skep put, or to the skep serve that \
                 the file comes from"
            ))),
        }
    }

    /// Whether the content goes to standard output.
    pub fn is_to_standard_output(&self) -> bool {
        self.output.as_deref() == Some(Path::new("-"))
    }
}
