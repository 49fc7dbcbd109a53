//! `skep known`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Who;
use crate::{
    exit::CODES,
    url::{Host, PORT, Url},
};

const EXAMPLES: &str = "\
skep calls a server only when it knows its key. A link that has the key in it is enough, and nothing is remembered. For \
a server that is remembered here a link without the key is enough: skep://HOST/NAME. When a link says another key than \
this list, skep does not call at all.

Examples:
  skep known add skep://hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo@bee.example/
  skep get skep://bee.example/notes.txt
  skep known list
  skep known remove bee.example          when its key has changed, and you know why";

/// Remember the keys of servers
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"), disable_help_subcommand = true)]
pub struct Known {
    /// Which identity.
    #[command(flatten)]
    pub who: Who,

    /// What to do.
    #[command(subcommand)]
    pub action: KnownAction,
}

/// What can be done with the list.
#[derive(Clone, Debug, Subcommand)]
pub enum KnownAction {
    /// Remember the key in a link
    Add {
        /// The link: skep://FINGERPRINT@HOST:PORT/
        #[arg(value_name = "LINK", conflicts_with = "link_file")]
        link: Option<Url>,

        /// Read the link from this file; - is standard input [default: $SKEP_LINK]
        #[arg(long, value_name = "FILE")]
        link_file: Option<PathBuf>,
    },
    /// Print all servers and their keys
    List,
    /// Forget a server
    Remove {
        /// HOST or HOST:PORT
        #[arg(value_name = "HOST", value_parser = host)]
        host: Host,
    },
}

fn host(text: &str) -> Result<Host, String> {
    Host::parse(text, PORT)
}
