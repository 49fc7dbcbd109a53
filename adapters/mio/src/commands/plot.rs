//! `skep plot`: draws a trace.

mod chart;
mod series;

use super::output::print;
use crate::{args::Plot, exit::Failure, trace};
use series::Series;
use std::{
    fs::{self, File},
    io::BufReader,
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
    let events = trace::read(BufReader::new(opened))
        .map_err(|error| Failure::cannot(format_args!("read {file}"), &error))?;
    let series = Series::of(&events);
    if series.is_empty() {
        return Err(Failure::local(format!("there is nothing to draw in {file}: it has no packets")));
    }
    let drawn =
        chart::draw(&series).map_err(|error| Failure::local(format!("cannot draw {file}: {error}")))?;
    if plot.output == Path::new("-") {
        return print(drawn);
    }
    fs::write(&plot.output, drawn)
        .map_err(|error| Failure::cannot(format_args!("write {}", plot.output.display()), &error))
}

/// Whether both names lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}
