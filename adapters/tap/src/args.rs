//! The command line.

use clap::{ArgGroup, Parser, Subcommand, ValueEnum};
use skep::{
    exit::CODES,
    url::{PORT, Url},
};
use smoltcp::wire::{EthernetAddress, Ipv4Address, Ipv4Cidr};
use std::{net::SocketAddr, path::PathBuf, str::FromStr};

const EXAMPLES: &str = "\
skep-tap is another machine on your network: it has a network card, an Ethernet address and an IP address of its own, and \
its TCP/IP stack is the one that a microcontroller has (smoltcp). It talks with skep, and with other skep-taps, in every \
role, over RDT and over TCP, sealed or plain.

Make a TAP device, which takes root, and give the host an address beside the one that skep-tap gets:

  ip tuntap add tap0 mode tap user $USER
  ip address add 10.9.0.1/24 dev tap0
  ip link set tap0 up

  skep-tap --tap tap0 --ip 10.9.0.2/24 serve shared --public
  skep get skep://KEY@10.9.0.2/notes.txt                       KEY is in the link that it prints

  skep serve shared --public
  skep-tap --tap tap0 --ip 10.9.0.2/24 get skep://KEY@10.9.0.1/notes.txt

Without root, frames go over UDP between two programs, one frame a datagram, as between two QEMUs with \
`-nic socket,udp=REMOTE,localaddr=LOCAL`:

  skep-tap --udp 127.0.0.1:7001,127.0.0.1:7002 --ip 10.9.0.1/24 serve shared --plain
  skep-tap --udp 127.0.0.1:7002,127.0.0.1:7001 --ip 10.9.0.2/24 get tcp://10.9.0.1/notes.txt";

/// Another machine on your network: skep on the network stack of a microcontroller
#[derive(Clone, Debug, Parser)]
#[command(name = "skep-tap", version, max_term_width = 100, after_help = format!("{EXAMPLES}\n\n{CODES}"))]
#[command(group(ArgGroup::new("card").required(true).args(["tap", "udp", "unix"])))]
pub(crate) struct Args {
    /// The network card: this TAP device
    #[arg(long, value_name = "NAME")]
    pub(crate) tap: Option<String>,

    /// The network card: frames in UDP datagrams between these two addresses
    #[arg(long, value_name = "LOCAL,REMOTE")]
    pub(crate) udp: Option<Ends<SocketAddr>>,

    /// The network card: frames in datagrams between these two Unix sockets
    #[arg(long, value_name = "LOCAL,REMOTE")]
    pub(crate) unix: Option<Ends<PathBuf>>,

    /// The IP address of this machine, and how many bits of it are the network's
    #[arg(long, value_name = "ADDRESS/BITS", value_parser = network)]
    pub(crate) ip: Ipv4Cidr,

    /// Through which machine other networks are reached
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) gateway: Option<Ipv4Address>,

    /// The Ethernet address of this machine [default: one that follows from its IP address]
    #[arg(long, value_name = "ADDRESS", value_parser = mac)]
    pub(crate) mac: Option<EthernetAddress>,

    /// The most full frames that the card takes at once, for what it is like on a board that has no more room
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) burst: Option<u16>,

    /// What this machine does.
    #[command(subcommand)]
    pub(crate) role: Role,
}

/// What a machine does.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Role {
    /// Serve the files of a directory, and take new ones
    Serve {
        /// The directory
        directory: PathBuf,
        /// How it is reached.
        #[command(flatten)]
        listen: Listen,
    },
    /// Fetch a file
    Get {
        /// Where it is: skep://KEY@IP/NAME, or plain tcp://IP/NAME or rdt://IP/NAME
        url: Url,
        /// Save it as this file [default: its own name]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// How to speak with the other side.
        #[command(flatten)]
        call: Call,
    },
    /// Send a file
    Put {
        /// The file
        file: PathBuf,
        /// Where to: as for get; behind a slash at the end it gets its own name
        url: Url,
        /// How to speak with the other side.
        #[command(flatten)]
        call: Call,
    },
    /// Be the tracker of a few members
    Tracker {
        /// How many can be logged in at once
        #[arg(long, default_value = "8", value_parser = clap::value_parser!(u32).range(1..=16))]
        seats: u32,
        /// How it is reached.
        #[command(flatten)]
        listen: Listen,
    },
}

/// How others come in.
#[derive(Clone, Debug, clap::Args)]
#[command(group(ArgGroup::new("who").required(true).args(["public", "allow", "plain"])))]
pub(crate) struct Listen {
    /// Sealed: let everybody in who has the link; they may fetch, and not send
    #[arg(long)]
    pub(crate) public: bool,
    /// Sealed: let those in whose keys are in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) allow: Option<PathBuf>,
    /// Not sealed: everybody on the way can read and change everything
    #[arg(long)]
    pub(crate) plain: bool,
    /// The file of the secret key of this machine [default: that of skep]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The port, for UDP and TCP
    #[arg(long, value_name = "PORT", default_value_t = PORT)]
    pub(crate) port: u16,
}

/// How somebody is called.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Call {
    /// What carries a sealed transfer
    #[arg(long, value_name = "WAY", value_enum, default_value_t = Via::Udp)]
    pub(crate) via: Via,
    /// The file of the secret key of this machine [default: that of skep]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

/// What carries a sealed transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    /// RDT on UDP.
    Udp,
    /// TCP.
    Tcp,
}

/// The two ends of a link of datagrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ends<T> {
    pub(crate) local: T,
    pub(crate) remote: T,
}

impl<T: FromStr> FromStr for Ends<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (local, remote) = text.split_once(',').ok_or("it is LOCAL,REMOTE with a comma between them")?;
        let parse = |end: &str| end.parse().map_err(|_| format!("\"{end}\" is no address of such a socket"));
        Ok(Self { local: parse(local)?, remote: parse(remote)? })
    }
}

fn network(text: &str) -> Result<Ipv4Cidr, String> {
    text.parse().map_err(|()| "it is an IPv4 address and bits, like 10.9.0.2/24".to_owned())
}

fn mac(text: &str) -> Result<EthernetAddress, String> {
    text.parse().map_err(|()| "it is six bytes in hexadecimal, like 02-00-00-00-00-01".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn one_card_and_who_may_come_in_have_to_be_named() {
        let parse = |line: &str| Args::try_parse_from(line.split(' ')).map_err(|error| error.kind());
        let ends = "--udp 127.0.0.1:1,127.0.0.1:2";
        assert!(parse(&format!("skep-tap {ends} --ip 10.9.0.2/24 serve . --plain")).is_ok());
        assert!(parse("skep-tap --tap tap0 --ip 10.9.0.2/24 tracker --public").is_ok());
        assert!(parse("skep-tap --ip 10.9.0.2/24 serve . --plain").is_err(), "no card");
        assert!(parse(&format!("skep-tap {ends} --tap t --ip 10.9.0.2/24 serve . --plain")).is_err());
        assert!(parse(&format!("skep-tap {ends} --ip 10.9.0.2/24 serve .")).is_err(), "nobody may come in");
        assert!(parse(&format!("skep-tap {ends} --ip 10.9.0.2 serve . --plain")).is_err(), "no bits");
        assert!(parse("skep-tap --udp 127.0.0.1:1 --ip 10.9.0.2/24 serve . --plain").is_err(), "one end");
    }
}
