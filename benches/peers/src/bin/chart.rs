//! Draws the results of `compare`, JSON on standard input, into the SVG file that is named: a panel a link, a bar a peer.

use plotters::{
    coord::Shift,
    prelude::{
        BLACK, ChartBuilder, Color, DrawingArea, IntoDrawingArea, IntoFont, RGBColor, Rectangle, SVGBackend,
        Text, WHITE,
    },
};
use serde::Deserialize;
use std::{env, error::Error, io::stdin};

#[derive(Deserialize)]
struct Run {
    link: String,
    peer: String,
    outcome: String,
    rate: f64,
}

/// A peer on a link: the median of its rates, and whether most runs were done.
struct Bar {
    peer: String,
    rate: f64,
    is_done: bool,
}

const PANEL: (u32, u32) = (460, 300);
const OURS: RGBColor = RGBColor(214, 138, 0);
const OTHERS: RGBColor = RGBColor(110, 130, 160);
const BROKEN: RGBColor = RGBColor(205, 205, 205);

fn bars(runs: &[Run], link: &str) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for run in runs.iter().filter(|run| run.link == link) {
        if bars.iter().any(|bar| bar.peer == run.peer) {
            continue;
        }
        let of_peer = || runs.iter().filter(|other| other.link == link && other.peer == run.peer);
        let is_done = of_peer().filter(|run| run.outcome == "done").count() * 2 > of_peer().count();
        let mut rates: Vec<_> =
            of_peer().filter(|run| !is_done || run.outcome == "done").map(|run| run.rate).collect();
        rates.sort_by(f64::total_cmp);
        bars.push(Bar { peer: run.peer.clone(), rate: rates[rates.len() / 2], is_done });
    }
    bars
}

fn draw(panel: &DrawingArea<SVGBackend<'_>, Shift>, link: &str, bars: &[Bar]) -> Result<(), Box<dyn Error>> {
    let longest = bars.iter().map(|bar| bar.rate).fold(0.001, f64::max) * 1.25;
    let count = bars.len() as f64;
    let mut chart = ChartBuilder::on(panel)
        .caption(format!("{link}: MB/s (grey: not done)"), ("sans-serif", 16))
        .margin(8)
        .build_cartesian_2d(-0.55 * longest..longest, 0.0..count)?;
    chart.draw_series(bars.iter().enumerate().map(|(place, bar)| {
        let top = count - place as f64;
        let color = match (bar.is_done, bar.peer.starts_with("skep")) {
            (false, _) => BROKEN,
            (true, true) => OURS,
            (true, false) => OTHERS,
        };
        Rectangle::new([(0.0, top - 0.15), (bar.rate, top - 0.85)], color.filled())
    }))?;
    let font = || ("sans-serif", 12).into_font().color(&BLACK);
    for (place, bar) in bars.iter().enumerate() {
        let top = count - place as f64 - 0.2;
        panel_text(&mut chart, (-0.54 * longest, top), bar.peer.clone(), font())?;
        let figure = if bar.rate < 1.0 { format!("{:.3}", bar.rate) } else { format!("{:.1}", bar.rate) };
        panel_text(&mut chart, (bar.rate + 0.01 * longest, top), figure, font())?;
    }
    Ok(())
}

type Chart<'a, 'b> = plotters::chart::ChartContext<
    'a,
    SVGBackend<'b>,
    plotters::prelude::Cartesian2d<
        plotters::coord::types::RangedCoordf64,
        plotters::coord::types::RangedCoordf64,
    >,
>;

fn panel_text(
    chart: &mut Chart<'_, '_>,
    at: (f64, f64),
    text: String,
    style: plotters::style::TextStyle<'_>,
) -> Result<(), Box<dyn Error>> {
    chart.draw_series([Text::new(text, at, style)])?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = env::args().nth(1).ok_or("usage: chart FILE.svg < results.json")?;
    let runs: Vec<Run> = serde_json::from_reader(stdin())?;
    let mut links: Vec<_> = runs.iter().map(|run| run.link.clone()).collect();
    links.dedup();
    let rows = links.len().div_ceil(2);
    let root = SVGBackend::new(&file, (2 * PANEL.0, rows as u32 * PANEL.1)).into_drawing_area();
    root.fill(&WHITE)?;
    for (panel, link) in root.split_evenly((rows, 2)).iter().zip(&links) {
        draw(panel, link, &bars(&runs, link))?;
    }
    root.present()?;
    Ok(())
}
