//! `--trace`: what happens on the connection, written into a file.

use super::same::is_same;
use crate::{
    driver::{Driver, Storage, Subject},
    exit::Failure,
    trace::{Start, Writer},
};
use skep_core::stream::{Service, StreamId};
use std::{
    fs::File,
    io::{self, BufWriter, Write, stderr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// A trace, if one is asked for. Dropped, it is as complete as it can be.
pub(super) enum Trace {
    /// None is asked for.
    Unwanted,
    /// There is none of TCP.
    OfTcp,
    /// Under way, into this file.
    Written(PathBuf, Shared),
}

/// The connection writes, and the command ends it.
type Shared = Arc<Mutex<Writer<BufWriter<File>>>>;

/// Says of a trace that it would be written over `content`, before anything is. What that is, `role` says: "the file to be
/// sent".
pub(super) fn check(file: Option<&Path>, content: &Path, role: &str) -> Result<(), Failure> {
    match file {
        Some(file) if is_same(file, content) => Err(Failure::usage(format!(
            "{} is {role}; give the trace another name with --trace",
            file.display()
        ))),
        _ => Ok(()),
    }
}

/// Begins the trace of a stream, if one is asked for.
pub(super) fn begin<S: Service<Event: Subject>, F: Storage>(
    driver: &mut Driver<S, F>,
    stream: StreamId,
    file: Option<&Path>,
    title: &str,
) -> Result<Trace, Failure> {
    let Some(file) = file else { return Ok(Trace::Unwanted) };
    if driver.statistics(stream).is_none() {
        return Ok(Trace::OfTcp);
    }
    let writer = Writer::create(file, title, Start { own: driver.now(), wall: SystemTime::now() });
    let writer = writer.map_err(|error| Failure::cannot(format_args!("write {}", file.display()), &error))?;
    let shared = Arc::new(Mutex::new(writer));
    let listening = Arc::clone(&shared);
    driver.trace(stream, move |now, happened| {
        listening.lock().unwrap_or_else(PoisonError::into_inner).note(now, happened);
    });
    Ok(Trace::Written(file.to_owned(), shared))
}

impl Trace {
    /// Writes what is still held back of the trace of a transfer. Whoever asked for one, and has none, is told.
    pub(super) fn end(self) -> Result<(), Failure> {
        match &self {
            Self::Unwanted => {}
            Self::OfTcp => {
                let _ = writeln!(
                    stderr(),
                    "skep: the transfer is in no trace: it went over TCP, and --trace is for RDT"
                );
            }
            Self::Written(file, writer) => {
                let what = format_args!("write {}", file.display());
                finish(writer).map_err(|error| Failure::cannot(what, &error))?;
            }
        }
        Ok(())
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if let Self::Written(_, writer) = self {
            // The transfer has other troubles, or the end has told of this one.
            let _ = finish(writer);
        }
    }
}

fn finish(writer: &Shared) -> io::Result<()> {
    writer.lock().unwrap_or_else(PoisonError::into_inner).finish()
}
