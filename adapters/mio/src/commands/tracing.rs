//! `--trace`: what happens on the connection, written into a file.

use crate::{
    driver::{Driver, Storage},
    exit::Failure,
    trace::Writer,
};
use skep_core::{files::Client, stream::StreamId};
use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// A trace under way, or none.
pub(super) struct Trace(Option<(PathBuf, Shared)>);

type Shared = Arc<Mutex<Writer<BufWriter<File>>>>;

/// Begins the trace of a stream, if one is asked for. There is none of TCP.
pub(super) fn begin<F: Storage>(
    driver: &mut Driver<Client, F>,
    stream: StreamId,
    file: Option<&Path>,
    title: &str,
) -> Result<Trace, Failure> {
    let Some(file) = file else { return Ok(Trace(None)) };
    let writer = Writer::create(file, title);
    let writer = writer.map_err(|error| Failure::cannot(format_args!("write {}", file.display()), &error))?;
    let shared = Arc::new(Mutex::new(writer));
    let listening = Arc::clone(&shared);
    let is_traced = driver.trace(stream, move |now, happened| {
        listening.lock().unwrap_or_else(PoisonError::into_inner).note(now, happened);
    });
    Ok(Trace(is_traced.then(|| (file.to_owned(), shared))))
}

impl Trace {
    /// Writes what is still held back.
    pub(super) fn end(self) -> Result<(), Failure> {
        let Some((file, writer)) = self.0 else { return Ok(()) };
        let finished = writer.lock().unwrap_or_else(PoisonError::into_inner).finish();
        finished.map_err(|error| Failure::cannot(format_args!("write {}", file.display()), &error))
    }
}
