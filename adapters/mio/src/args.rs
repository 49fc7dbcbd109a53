//! The command line.

mod admin;
mod client;
mod demo;
mod get;
mod invite;
mod join;
mod key;
mod known;
mod link;
mod list;
mod login;
mod magic;
mod number;
mod pace;
mod plot;
mod put;
mod serve;
mod target;
mod tracker;

#[cfg(test)]
mod tests;

use clap::{
    Parser, Subcommand,
    builder::StyledStr,
    error::{ContextKind, ContextValue},
};

use std::{
    ffi::OsString,
    io::{ErrorKind, Write, stderr, stdout},
    process::exit,
};

pub use admin::{Admin, AdminAction, Afar, Whom};
pub use client::Client;
pub use demo::Demo;
pub use get::Get;
pub use invite::{InviteAction, InviteArgs};
pub use join::Join;
pub use key::{Key, KeyAction, Who};
pub use known::{Known, KnownAction};
pub use link::{Link, Via};
pub use list::{Find, Ls};
pub use login::{Login, user_name};
pub use magic::Magic;
pub use pace::{Congestion, Pace};
pub use plot::Plot;
pub use put::Put;
pub use serve::Serve;
pub use target::Target;
pub(crate) use target::link_or;
pub use tracker::{Registration, SecondLogin, Tracker, Waiting};

use crate::{
    conceal::conceal,
    exit::{CODES, Code, Failure},
};

const EXAMPLES: &str = "\
Examples:
  skep demo                                  see it work: a lossy network on this machine
  skep serve shared --invite                 serve a directory, sealed, and invite a guest
  skep serve shared --public                 let everybody fetch who has the link
  skep get skep://KEY@bee.example/notes.txt  fetch a file, by the link that serve printed
  skep put photo.jpg skep://KEY@bee.example/ send one
  skep get tcp://bee.example/notes.txt       from a program that speaks only the plain formats

`skep help COMMAND` tells more about each.";

/// A file exchange, sealed, over TCP and over skep's own reliable transport on UDP (RDT).
#[derive(Clone, Debug, Parser)]
#[command(name = "skep", version, max_term_width = 100, after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// The command line of this process. Ends the process when it asks for help, or is wrong.
    pub fn of_process() -> Self {
        Self::of_transfer(std::env::args_os().skip(1)).unwrap_or_else(|| {
            Self::try_parse()
                .map_err(without_secrets)
                .map_err(with_place_of_key)
                .unwrap_or_else(|error| explain(&error))
        })
    }

    /// A `get` or `put` that is right: short ones take milliseconds, and to describe all the other commands first is part of
    /// one. What is not right, or asks for help, is left to the whole.
    fn of_transfer(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let command = match words.next()?.to_str()? {
            "get" => Command::Get(alone(words)?),
            "put" => Command::Put(alone(words)?),
            _ => return None,
        };
        Some(Self { command })
    }
}

/// The arguments of a command, read without the others.
fn alone<A: clap::Args>(words: impl Iterator<Item = OsString>) -> Option<A> {
    let command = A::augment_args(clap::Command::new("skep").no_binary_name(true));
    A::from_arg_matches(&command.try_get_matches_from(words).ok()?).ok()
}

/// Prints the help that was asked for, or what is wrong, and ends the process. Help that is lost is no success.
fn explain(error: &clap::Error) -> ! {
    match error.print().and_then(|()| stdout().flush()) {
        Err(lost) if !error.use_stderr() && lost.kind() != ErrorKind::BrokenPipe => {
            let failure = Failure::cannot("write to standard output", &lost);
            let _ = writeln!(stderr(), "skep: {failure}");
            exit(Code::Local as i32)
        }
        _ => exit(error.exit_code()),
    }
}

/// The key of an admin stands before the action: behind it there is none, or it is the one of a ban.
fn with_place_of_key(mut error: clap::Error) -> clap::Error {
    let unknown = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    let is_admin = std::env::args_os().nth(1).is_some_and(|word| word == "admin");
    if is_admin && unknown.is_some_and(|unknown| unknown == "--key") {
        let tip = StyledStr::from("your own key stands before the action: skep admin --key FILE ...");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

/// clap repeats what it does not understand. There may be the code of an invite in it, and what a program prints ends
/// up in logs and bug reports.
fn without_secrets(mut error: clap::Error) -> clap::Error {
    let is_secret = |text: &StyledStr| {
        let text = text.to_string();
        conceal(&text) != text
    };
    let concealed: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(conceal(text)))),
            ContextValue::Strings(texts) => {
                Some((kind, ContextValue::Strings(texts.iter().map(|text| conceal(text)).collect())))
            }
            // Its suggestions repeat it with colours. Without them the message is long enough.
            ContextValue::StyledStr(text) => is_secret(text).then_some((kind, ContextValue::None)),
            ContextValue::StyledStrs(texts) => {
                texts.iter().any(is_secret).then_some((kind, ContextValue::None))
            }
            _ => None,
        })
        .collect();
    for (kind, value) in concealed {
        error.insert(kind, value);
    }
    error
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
    /// Run a tracker: who is there, what they share, and how they get it from each other
    Tracker(Tracker),
    /// Look after a tracker that runs
    Admin(Admin),
    /// Log in to a tracker, share a directory, and fetch from others
    Join(Join),
    /// List who is at a tracker, and what they share
    Ls(Ls),
    /// Find files at a tracker
    Find(Find),
    /// Make a key, and show what others may see of it
    Key(Key),
    /// Remember the keys of servers
    Known(Known),
    /// Invite somebody to your server
    Invite(InviteArgs),
    /// Talk with a server of the commands protocol
    Client(Client),
    /// Show on this machine how files cross a network that loses packets
    Demo(Demo),
    /// Draw a trace of a transfer
    Plot(Plot),
}
