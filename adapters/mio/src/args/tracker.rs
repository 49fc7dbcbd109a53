//! `skep tracker`.

use std::{path::PathBuf, str::FromStr};

use clap::{ArgGroup, Args, ValueEnum};

use super::serve::listen;
use crate::{
    exit::CODES,
    tracker::log::Format,
    url::{Host, PORT},
};

const EXAMPLES: &str = "\
A tracker knows who is there and what they share. People and devices log in with `skep join`, see each other's files as \
they change, and fetch them from each other; where they cannot reach each other, the tracker passes the content on, \
sealed between the two, so that it sees none of it.

Everything is sealed, also beside --commands and --plain, unless --no-sealed is given. Who has a key logs in by a name that belongs to this key from then on (--accounts open, the \
default), or only if an admin has given him one (--accounts invite, --accounts fixed). Who has no key may log in by a \
name that nobody has, where accounts are open. --commands serves the plain commands of older clients, which have no \
passwords and no keys: anyone who reaches that port can act in any name of theirs. --plain serves sessions without \
encryption, for closed networks and for measurements.

`skep admin` lists, kicks and bans on a tracker that runs.

ADDR is HOST:PORT, [IPV6]:PORT or just HOST (port 7537). `:PORT` is every address of this machine, IPv6 and IPv4. Port 0 \
is any free one; the line that is printed tells which. Nothing is printed before all of them are open.

Ctrl-C, SIGTERM and SIGHUP end the tracker cleanly. It does not open a log file anew: rotate it by copying and truncating \
it (copytruncate), and have it written with >>.

Examples:
  skep tracker                                 for everybody who has the link
  skep tracker --accounts invite               for those whom `skep admin invite` has let in
  skep tracker --commands 127.0.0.1:7530       older clients too, from this machine
  skep tracker --max-users 50 --waiting refuse --metrics 127.0.0.1:9100 --log json";

/// Run a tracker: who is there, what they share, and how they get it from each other
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
#[command(group = ArgGroup::new("unsealed").args(["commands", "plain"]).multiple(true))]
pub struct Tracker {
    /// Listen for sessions, sealed, over TCP and over RDT on UDP [default: :7537]
    #[arg(long, value_name = "ADDR", value_parser = sessions)]
    pub listen: Vec<Host>,

    /// Serve nothing sealed, only --commands or --plain
    #[arg(long, conflicts_with = "listen", requires = "unsealed")]
    pub no_sealed: bool,

    /// Plain: serve the commands of older clients over TCP
    #[arg(long, value_name = "ADDR", value_parser = sessions)]
    pub commands: Vec<Host>,

    /// Plain: serve sessions without encryption, over TCP and over RDT
    #[arg(long, value_name = "ADDR", value_parser = sessions)]
    pub plain: Vec<Host>,

    /// The key of this tracker; it is made when there is none [default: see skep key]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Where accounts, bans and published files are kept [default: tracker, beside the key]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,

    /// Who gets an account
    #[arg(long, value_enum, default_value = "open")]
    pub accounts: Registration,

    /// What becomes of a second log-in of the same name, unless it has the key of the first one, and that is not there
    /// any more
    #[arg(long, value_enum, default_value = "refuse")]
    pub same_name: SecondLogin,

    /// Sessions at the same time
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_users: u32,

    /// Files that one user shares
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_files: u32,

    /// How many may wait for a seat when there is none: a number, or `refuse` for nobody
    #[arg(long, value_name = "N|refuse", default_value = "1000")]
    pub waiting: Waiting,

    /// Serve numbers for Prometheus at http://ADDR/metrics, and at /health whether the tracker is well; the port of HOST
    /// alone is 9537
    #[arg(long, value_name = "ADDR", value_parser = numbers)]
    pub metrics: Vec<Host>,

    /// How lines about what happens look, on standard error
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    pub log: Format,

    /// Print nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// Who gets an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Registration {
    /// Whoever comes with a key, by the first name that he logs in by.
    Open,
    /// Who has an invite of an admin.
    Invite,
    /// Whom an admin has entered.
    Fixed,
}

/// What becomes of a second log-in of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecondLogin {
    /// It is refused.
    Refuse,
    /// It takes the place of the first.
    Replace,
}

/// How many may wait for a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting(pub u32);

impl FromStr for Waiting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "refuse" {
            return Ok(Self(0));
        }
        text.parse().map(Self).map_err(|_| "it is a number, or `refuse`".to_owned())
    }
}

impl Tracker {
    /// Where to listen for sealed sessions.
    pub fn sealed(&self) -> Vec<Host> {
        if self.listen.is_empty() && !self.no_sealed {
            vec![Host { name: "::".to_owned(), port: PORT }]
        } else {
            self.listen.clone()
        }
    }
}

/// Where numbers are served when no port is given.
const NUMBERS_PORT: u16 = 9_537;

fn numbers(text: &str) -> Result<Host, String> {
    listen(text, NUMBERS_PORT)
}

fn sessions(text: &str) -> Result<Host, String> {
    listen(text, PORT)
}
