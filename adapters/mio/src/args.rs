//! The command line.

mod demo;
mod get;
mod link;
mod magic;
mod number;
mod put;
mod serve;

#[cfg(test)]
mod tests;

use clap::{Parser, Subcommand};

pub use demo::Demo;
pub use get::Get;
pub use link::Link;
pub use magic::Magic;
pub use put::Put;
pub use serve::Serve;

use crate::exit::CODES;

const EXAMPLES: &str = "\
Examples:
  skep demo                                  see it work: a lossy network on this machine
  skep serve shared                          serve a directory to this machine
  skep serve shared --rdt :7537              serve it to the network, over UDP
  skep get rdt://bee.example/notes.txt       fetch a file
  skep put photo.jpg tcp://bee.example/      send one

`skep help COMMAND` tells more about each.";

/// A file exchange over TCP and over skep's own reliable transport on UDP (RDT).
#[derive(Clone, Debug, Parser)]
#[command(name = "skep", version, max_term_width = 100, after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Serve the files of a directory, and take new ones
    Serve(Serve),
    /// Fetch a file
    Get(Get),
    /// Send a file
    Put(Put),
    /// Show on this machine how files cross a network that loses packets
    Demo(Demo),
}
