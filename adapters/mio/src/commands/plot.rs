//! `skep plot`: draws a trace.

mod chart;
mod series;

use crate::{args::Plot, escape::escape, exit::Failure, trace};
use series::Series;
use std::{fs::File, io::BufReader};

pub(super) fn run(plot: &Plot) -> Result<(), Failure> {
    let file = plot.trace.display().to_string();
    let opened =
        File::open(&plot.trace).map_err(|error| Failure::cannot(format_args!("open {file}"), &error))?;
    let events = trace::read(BufReader::new(opened))
        .map_err(|error| Failure::cannot(format_args!("read {file}"), &error))?;
    let series = Series::of(&events);
    if series.is_empty() {
        return Err(Failure::local(format!("there is nothing to draw in {file}: it has no packets")));
    }
    let drawn = chart::draw(&series, &plot.output);
    drawn.map_err(|error| {
        Failure::local(format!("cannot draw {}: {error}", escape(&plot.output.display().to_string())))
    })
}
