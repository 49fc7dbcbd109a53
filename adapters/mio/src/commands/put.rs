//! `skep put`: a file to a server.

use super::{
    output::print,
    tracing,
    transfer::{FAREWELL, Request},
};
use crate::{
    args::Put,
    driver::Storage,
    exit::Failure,
    progress::Summary,
    storage::{Part, Source},
};
use skep_core::{
    files::Client,
    stream::Fault,
    wire::{
        Name,
        file::{LENGTH_MAX, Message},
    },
};
use std::{path::Path, time::Duration};

/// Bytes a second that a server's disk takes at least.
const SLOWEST_DISK: u64 = 5_000_000;

/// The file that is sent.
pub(super) struct Sent(pub(super) Option<Source>);

impl Storage for Sent {
    fn open(&mut self, _: Name<'_>) -> Result<Source, Fault> {
        self.0.take().ok_or(Fault::NotFound)
    }

    fn create(&mut self, _: Name<'_>, _: Option<u64>) -> Result<Part, Fault> {
        Err(Fault::NotAllowed)
    }

    fn replaces(&self) -> bool {
        false
    }
}

/// Says of what can never be sent what would be.
fn check(file: &Path) -> Result<(), Failure> {
    if file == Path::new("-") {
        return Err(Failure::usage(
            "standard input cannot be sent: how long it is has to be known first; save it in a file (one that is called - is ./-)",
        ));
    }
    if file.is_dir() {
        let file = file.display();
        return Err(Failure::local(format!(
            "cannot read {file}: it is a directory; one file is sent at a time"
        )));
    }
    Ok(())
}

/// How many bytes go before the content of an upload.
pub(super) fn header(length: u64, name: Name<'_>) -> u64 {
    let mut room = [0; LENGTH_MAX];
    Message::Upload { length, name }.emit(&mut room).map_or(0, |count| count as u64)
}

pub(super) fn run(put: &Put) -> Result<(), Failure> {
    let url = put.target.url()?;
    check(&put.file)?;
    tracing::check(put.link.trace.as_deref(), &put.file, "the file to be sent")?;
    let name = url.name_to_put(&put.file).map_err(|error| Failure::usage(error.to_string()))?;
    let local = put.file.display().to_string();
    let checked =
        Name::new(name.as_bytes()).map_err(|_| Failure::usage(format!("{name} is not a name for a file")))?;
    let length = std::fs::metadata(&put.file).map_or(0, |metadata| metadata.len());
    let done = |summary: &Summary| {
        summary.tell(put.quiet, &name);
        if put.json { print(format_args!("{}\n", summary.json())) } else { Ok(()) }
    };
    let request = Request {
        url: &url,
        header: Some(header(length, checked)),
        folder: name.rsplit_once('/').map(|(folder, _)| folder),
        link: &put.link,
        pace: put.pace,
        label: &name,
        local: &local,
        quiet: put.quiet,
        verbose: put.verbose,
        farewell: FAREWELL,
        observe: &|_| {},
        done: &done,
    };
    let open = || {
        let source = Source::open(&put.file);
        Ok(Sent(Some(source.map_err(|error| Failure::cannot(format_args!("read {local}"), &error))?)))
    };
    // A server confirms when its disk has everything, and a slow disk is no dead server.
    let patience = put.link.timeout + Duration::from_secs(length / SLOWEST_DISK);
    request.run(open, || Client::upload(checked, patience)).map_err(|ended| ended.failure(&url))
}
