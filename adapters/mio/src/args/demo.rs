//! `skep demo`.

use std::time::Duration;

use clap::Args;

use super::number::{milliseconds, percent, size};
use crate::exit::CODES;

const EXAMPLES: &str = "\
A server, a client and a relay between them that loses packets, all on real sockets of this machine: a file goes \
across by stop-and-wait and by selective repeat, as skep's own peers do it and as other (legacy) peers do. A table \
tells how that went: packets sent by the client, sent again, and lost by the relay in both directions; time and \
rate without the server's disk; and whether the content that arrived is equal. If it is not, the exit code is 3.

Then a tracker, and two who join it: one is told what the other shares, and fetches it from his door and through the \
tracker. All of that is sealed, and nothing is lost on the way.

Examples:
  skep demo
  skep demo --loss 20 --delay 10 --window 256
  skep demo --size 16M --loss 0 --delay 0";

/// Show on this machine how files cross a network that loses packets
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct Demo {
    /// How large the file is
    #[arg(long, value_name = "SIZE", default_value = "512K", value_parser = size)]
    pub size: u64,

    /// Packets of a hundred that the relay loses, in each direction
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = percent)]
    pub loss: f64,

    /// How long the relay holds each packet back, in milliseconds
    #[arg(long, value_name = "MS", default_value = "1", value_parser = milliseconds)]
    pub delay: Duration,

    /// Packets under way at most in selective repeat
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(2..))]
    pub window: u16,

    /// Which packets are lost: the same seed, the same losses
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Print a line of JSON for each transfer instead of the table
    #[arg(long)]
    pub json: bool,
}
