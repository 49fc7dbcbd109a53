//! What the program does, a file for each command.

mod admin;
mod attempts;
mod client;
mod credentials;
mod demo;
mod fetch;
mod get;
mod invite;
mod join;
mod key;
mod known;
mod list;
mod no_session;
mod node;
mod open_files;
mod output;
mod password;
mod plot;
mod port;
mod put;
mod same;
mod serve;
mod signals;
mod temporary;
mod terminal;
mod tracing;
mod tracker;
mod transfer;
mod words;

use crate::{
    args::{Command, Magic},
    driver::Subject,
    exit::Failure,
};
use skep_core::{
    files,
    rdt::Settings,
    stream::{FileId, StreamId},
    wire::rdt,
};

/// Runs a command.
///
/// # Errors
/// Why it failed, with the exit code.
pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Serve(serve) => serve::run(serve),
        Command::Get(get) => get::run(get),
        Command::Put(put) => put::run(put),
        Command::Tracker(tracker) => tracker::run(tracker),
        Command::Admin(admin) => admin::run(admin),
        Command::Join(join) => join::run(join),
        Command::Ls(ls) => list::ls(ls),
        Command::Find(find) => list::find(find),
        Command::Key(key) => key::run(key),
        Command::Known(known) => known::run(known),
        Command::Invite(invite) => invite::run(invite),
        Command::Client(client) => client::run(client),
        Command::Demo(demo) => demo::run(demo),
        Command::Plot(plot) => plot::run(plot),
    }
}

/// Does something on a thread of its own, for which nobody waits.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let spawned = std::thread::Builder::new().name(name.into()).spawn(work);
    spawned.map(drop).map_err(|error| Failure::cannot("start", &error))
}

impl Subject for files::Event {
    fn subject(&self) -> (Option<StreamId>, Option<FileId>) {
        match *self {
            Self::Started { stream, file, .. }
            | Self::Ended { stream, file, .. }
            | Self::Refused { stream, file, .. } => (Some(stream), Some(file)),
        }
    }
}

impl Subject for files::Progress {
    fn subject(&self) -> (Option<StreamId>, Option<FileId>) {
        (None, None)
    }
}

/// The endpoint's settings for a magic and, where one is given, a window in both directions.
fn settings(magic: &Magic, window: Option<u16>) -> Result<Settings, Failure> {
    let mut settings = Settings::HOST;
    settings.magic = rdt::Magic::new(magic.as_bytes())
        .ok_or_else(|| Failure::usage("the magic is 1 to 8 bytes, and does not begin with SKEP"))?;
    if let Some(window) = window {
        settings.window = u32::from(window);
        settings.terms.window = u32::from(window);
    }
    Ok(settings)
}
