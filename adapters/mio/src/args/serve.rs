//! `skep serve`.

use std::path::PathBuf;

use clap::Args;

use super::{magic::Magic, number::size};
use crate::{
    exit::CODES,
    url::{Host, PATH_PORT, PORT, Scheme},
};

/// Where a server listens that was not told where: a directory goes to the network only when somebody says so.
const LOOPBACK: &str = "127.0.0.1";

const EXAMPLES: &str = "\
No name and no link leads out of DIR; links in it are not followed. A new file appears when it is whole and safely \
stored; a transfer that breaks leaves nothing. Ctrl-C or SIGTERM end the server cleanly.

ADDR is HOST:PORT, [IPV6]:PORT or just HOST (port 7537, for --path 7538). `:PORT` is every address of this machine, \
IPv6 and IPv4. Port 0 is any free one; the line that is printed tells which. Each option may be given several times. \
When none is given, skep listens on tcp and rdt at 127.0.0.1:7537: for this machine and nobody else.

SIZE is a number of bytes, or 10K, 10KiB (1024), 10KB (1000), and so on for M, G and T.

Examples:
  skep serve shared                                     to this machine alone
  skep serve shared --tcp :7537 --rdt :7537             to the network
  skep serve shared --rdt :7537 --read-only             to fetch from, not to send to
  skep serve drop --tcp 192.0.2.7 --no-replace --max-upload 100M --slots 20 --wait";

/// Serve the files of a directory, and take new ones
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct Serve {
    /// The directory
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,

    /// Listen for file transfers over TCP
    #[arg(long, value_name = "ADDR", value_parser = file_transfer)]
    pub tcp: Vec<Host>,

    /// Listen for file transfers over RDT, on UDP
    #[arg(long, value_name = "ADDR", value_parser = file_transfer)]
    pub rdt: Vec<Host>,

    /// Listen for path requests over TCP, which only fetch
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

    /// Transfers at the same time; all others are told "busy"
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    pub slots: u16,

    /// Let clients wait for a slot instead of telling them "busy"
    #[arg(long)]
    pub wait: bool,

    /// RDT: packets under way at most, per connection and direction
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub window: Option<u16>,

    /// RDT: what begins each datagram, as text or as 0x and hex digits
    #[arg(long, value_name = "MAGIC", default_value = Magic::KNOWN)]
    pub magic: Magic,

    /// Print a line for each transfer
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,

    /// Print nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

impl Serve {
    /// Where to listen, and for what: as told, or else for file transfers from this machine.
    pub fn listeners(&self) -> Vec<(Scheme, Host)> {
        if self.is_told_where() {
            let of =
                |scheme, hosts: &[Host]| hosts.iter().map(|host| (scheme, host.clone())).collect::<Vec<_>>();
            [of(Scheme::Tcp, &self.tcp), of(Scheme::Rdt, &self.rdt), of(Scheme::Path, &self.path)].concat()
        } else {
            let host = Host { name: LOOPBACK.to_owned(), port: PORT };
            vec![(Scheme::Tcp, host.clone()), (Scheme::Rdt, host)]
        }
    }

    /// Whether any address was given. If none was, the user should read that only this machine is served.
    pub fn is_told_where(&self) -> bool {
        !(self.tcp.is_empty() && self.rdt.is_empty() && self.path.is_empty())
    }
}

fn file_transfer(text: &str) -> Result<Host, String> {
    listen(text, PORT)
}

fn path_requests(text: &str) -> Result<Host, String> {
    listen(text, PATH_PORT)
}

fn listen(text: &str, default_port: u16) -> Result<Host, String> {
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
