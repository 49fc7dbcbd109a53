//! `skep put`.

use std::path::PathBuf;

use clap::Args;

use super::{Link, Pace, Target};
use crate::exit::CODES;

const EXAMPLES: &str = "\
URL is a link that `skep serve` printed, skep://KEY@HOST/, with the NAME behind it; or, plain, tcp://HOST/NAME or \
rdt://HOST/NAME, with HOST:PORT where it is not the default port (7537). When NAME is \
missing or ends in a slash, the file keeps its own name. An IPv6 address goes into brackets. In NAME, %20 is a space \
and %25 is %. Directories in NAME must exist on the other side. A link with an invite is better hidden from other users \
of this machine: with --link-file FILE, or in $SKEP_LINK; what stands for the URL then follows the link.

It ends well (exit code 0) only when the other side has stored the whole file safely under its name.

Examples:
  skep put photo.jpg skep://KEY@bee.example/           as photo.jpg
  skep put photo.jpg --link-file invite                the link is in the file `invite`
  skep put photo.jpg rdt://bee.example/photos/         as photos/photo.jpg
  skep put build.bin rdt://[fe80::1%eth0]:7000/fw.bin --window 4 --timeout 5";

/// Send a file
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct Put {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where it goes.
    #[command(flatten)]
    pub target: Target,

    /// How to speak with the other side.
    #[command(flatten)]
    pub link: Link,

    /// How fast to send.
    #[command(flatten)]
    pub pace: Pace,

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
