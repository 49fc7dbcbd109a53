//! `--trace`: what happens on the connection, written into a file.

use crate::{
    driver::{Driver, Storage, Subject},
    exit::Failure,
    trace::Writer,
};
use skep_core::stream::{Service, StreamId};
use std::{
    fs::File,
    io::{BufWriter, Write, stderr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// A trace under way, or none.
pub(super) struct Trace(Option<(PathBuf, Shared)>);

type Shared = Arc<Mutex<Writer<BufWriter<File>>>>;

/// Begins the trace of a stream, if one is asked for. There is none of TCP, and whoever asked is told.
pub(super) fn begin<S: Service<Event: Subject>, F: Storage>(
    driver: &mut Driver<S, F>,
    stream: StreamId,
    file: Option<&Path>,
    title: &str,
) -> Result<Trace, Failure> {
    let Some(file) = file else { return Ok(Trace(None)) };
    if driver.statistics(stream).is_none() {
        let _ = writeln!(stderr(), "skep: no trace is written: this goes over TCP, and --trace is for RDT");
        return Ok(Trace(None));
    }
    let writer = Writer::create(file, title);
    let writer = writer.map_err(|error| Failure::cannot(format_args!("write {}", file.display()), &error))?;
    let shared = Arc::new(Mutex::new(writer));
    let listening = Arc::clone(&shared);
    driver.trace(stream, move |now, happened| {
        listening.lock().unwrap_or_else(PoisonError::into_inner).note(now, happened);
    });
    Ok(Trace(Some((file.to_owned(), shared))))
}

impl Trace {
    /// Writes what is still held back.
    pub(super) fn end(self) -> Result<(), Failure> {
        let Some((file, writer)) = self.0 else { return Ok(()) };
        let finished = writer.lock().unwrap_or_else(PoisonError::into_inner).finish();
        finished.map_err(|error| Failure::cannot(format_args!("write {}", file.display()), &error))
    }
}
