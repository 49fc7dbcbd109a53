//! `skep plot`: draws a trace.

mod chart;
mod series;

use super::{output::print, same::is_same};
use crate::{
    args::Plot,
    escape::escape,
    exit::Failure,
    trace::{self, Trace},
};
use series::Series;
use std::{
    fs::{self, File},
    io::{BufReader, Write, stderr},
    path::Path,
};

pub(super) fn run(plot: &Plot) -> Result<(), Failure> {
    let file = plot.trace.display().to_string();
    if is_same(&plot.trace, &plot.output) {
        return Err(Failure::usage(format!(
            "{file} is the trace itself; give the drawing another name with -o"
        )));
    }
    let opened =
        File::open(&plot.trace).map_err(|error| Failure::cannot(format_args!("open {file}"), &error))?;
    let Trace { events, bad } = trace::read(BufReader::new(opened))
        .map_err(|error| Failure::cannot(format_args!("read {file}"), &error))?;
    if bad > 0 {
        let records = if bad == 1 { "1 record".to_owned() } else { format!("{bad} records") };
        let _ = writeln!(stderr(), "skep: {file}: {records} left out, cut off or damaged");
    }
    let series = Series::of(&events);
    if series.is_empty() {
        return Err(Failure::local(format!("there is nothing to draw in {file}: it has no packets")));
    }
    let drawn = chart::draw(&escape(&file).to_string(), &series)
        .map_err(|error| Failure::local(format!("cannot draw {file}: {error}")))?;
    if plot.output == Path::new("-") {
        return print(drawn);
    }
    fs::write(&plot.output, drawn)
        .map_err(|error| Failure::cannot(format_args!("write {}", plot.output.display()), &error))
}
