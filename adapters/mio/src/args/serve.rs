//! `skep serve`.

use std::path::PathBuf;

use clap::Args;

use super::{Pace, magic::Magic, number::size};
use crate::{
    exit::CODES,
    url::{Host, PATH_PORT, PORT, Scheme},
};

/// Where a server listens that was not told where: at every address, as nobody gets in without a key.
const EVERYWHERE: &str = "::";

const EXAMPLES: &str = "\
No name and no link leads out of DIR; links in it are not followed. A new file appears when it is whole and safely \
stored; a transfer that breaks leaves nothing. Ctrl-C, SIGTERM and SIGHUP end the server cleanly. It does not open a log \
file anew: rotate it by copying and truncating it (copytruncate), and have it written with >>.

Everything is sealed: encrypted both ways, and only for those whose key is in the allow file, who have an invite, or \
everybody with --public (to fetch, not to send). The link that is printed names this server's key; who uses the link \
is sure to reach this server and nobody else. --tcp, --rdt and --path are the plain formats of other programs: anyone \
on the way can read and change what they carry.

ADDR is HOST:PORT, [IPV6]:PORT or just HOST (port 7537, for --path 7538). `:PORT` is every address of this machine, \
IPv6 and IPv4. Port 0 is any free one; the line that is printed tells which. Each option may be given several times. \
When none is given, skep listens sealed at :7537.

SIZE is a number of bytes, or 10K, 10KiB (1024), 10KB (1000), and so on for M, G and T.

Examples:
  skep serve shared --invite                            to one guest: send him the link
  skep serve shared --public                            to everybody who has the link, to fetch from
  skep serve shared --allow keys --listen :7600         to those whose keys are in the file
  skep serve shared --tcp 127.0.0.1:7537                plain, to this machine alone
  skep serve drop --tcp 192.0.2.7 --max-upload 100M --slots 20 --wait";

/// Serve the files of a directory, and take new ones
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct Serve {
    /// The directory
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,

    /// Listen, sealed, over TCP and over RDT on UDP
    #[arg(long, value_name = "ADDR", value_parser = file_transfer)]
    pub listen: Vec<Host>,

    /// The key of this server; it is made when there is none [default: see skep key]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Let in who has a key in this file, as well as invited guests [default: allow, beside the key]
    #[arg(long, value_name = "FILE")]
    pub allow: Option<PathBuf>,

    /// Make an invite for one guest, good for a day, and print its link; another one at each start, so a service is better
    /// served by skep invite
    #[arg(long)]
    pub invite: bool,

    /// Let everybody fetch, without a key too
    #[arg(long)]
    pub public: bool,

    /// Plain: listen for file transfers over TCP
    #[arg(long, value_name = "ADDR", value_parser = file_transfer)]
    pub tcp: Vec<Host>,

    /// Plain: listen for file transfers over RDT, on UDP
    #[arg(long, value_name = "ADDR", value_parser = file_transfer)]
    pub rdt: Vec<Host>,

    /// Plain: listen for path requests over TCP, which only fetch
    #[arg(long, value_name = "ADDR", value_parser = path_requests)]
    pub path: Vec<Host>,

    /// Take no files
    #[arg(long)]
    pub read_only: bool,

    /// Refuse a file whose name is taken, instead of replacing the old one
    #[arg(long, conflicts_with = "read_only")]
    pub no_replace: bool,

    /// Refuse files that are larger than this
    #[arg(long, value_name = "SIZE", value_parser = size, conflicts_with = "read_only")]
    pub max_upload: Option<u64>,

    /// Plain uploads from the network go into DIR/drop, and no further than this
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "1G", conflicts_with = "read_only")]
    pub drop_quota: u64,

    /// Transfers at the same time; all others are told "busy"
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    pub slots: u16,

    /// Let clients wait for a slot instead of telling them "busy"
    #[arg(long)]
    pub wait: bool,

    /// RDT: packets under way at most, per connection and direction
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub window: Option<u16>,

    /// How fast to send.
    #[command(flatten)]
    pub pace: Pace,

    /// RDT: one datagram a call of the system, for paths on which segmentation offload fails
    #[arg(long)]
    pub no_gso: bool,

    /// Plain RDT: send at once to callers whose address is not proven yet, which saves the first visit a round trip. For
    /// closed networks: whoever can forge a source address has up to a megabyte sent there for each packet of his
    #[arg(long)]
    pub trust_addresses: bool,

    /// RDT: what begins each datagram, as text or as 0x and hex digits
    #[arg(long, value_name = "MAGIC", default_value = Magic::KNOWN)]
    pub magic: Magic,

    /// Print a line for each transfer, and for whom the door turned away
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,

    /// Print nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

impl Serve {
    /// Where to listen, and for what: as told, or else sealed at every address of this machine.
    pub fn listeners(&self) -> Vec<(Scheme, Host)> {
        if self.is_told_where() {
            let of =
                |scheme, hosts: &[Host]| hosts.iter().map(|host| (scheme, host.clone())).collect::<Vec<_>>();
            let plain =
                [of(Scheme::Tcp, &self.tcp), of(Scheme::Rdt, &self.rdt), of(Scheme::Path, &self.path)];
            [of(Scheme::Skep, &self.listen), plain.concat()].concat()
        } else {
            vec![(Scheme::Skep, Host { name: EVERYWHERE.to_owned(), port: PORT })]
        }
    }

    /// Whether any address was given.
    pub fn is_told_where(&self) -> bool {
        !(self.listen.is_empty() && self.tcp.is_empty() && self.rdt.is_empty() && self.path.is_empty())
    }
}

fn file_transfer(text: &str) -> Result<Host, String> {
    listen(text, PORT)
}

fn path_requests(text: &str) -> Result<Host, String> {
    listen(text, PATH_PORT)
}

pub(super) fn listen(text: &str, default_port: u16) -> Result<Host, String> {
    if !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(format!(
            "write :{text} for every address of this machine, or 127.0.0.1:{text} for none but it"
        ));
    }
    match text.strip_prefix(':') {
        // The unspecified address of IPv6 takes IPv4 as well.
        Some(port) if !port.contains(':') => Host::parse(&format!("[::]:{port}"), default_port),
        _ => Host::parse(text, default_port),
    }
}
