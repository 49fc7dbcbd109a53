//! The drawing: three panels over the same time.

use super::series::{Points, Series};
use plotters::{
    coord::Shift,
    prelude::{
        ChartBuilder, Circle, Color, Cross, DrawingArea, IntoDrawingArea, LineSeries, RGBColor, Rectangle,
        SVGBackend, Text, WHITE,
    },
    series::PointSeries,
};
use std::error::Error;

type Drawn = Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const SIZE: (u32, u32) = (1100, 1060);
/// The height of the line above a panel that names its layers.
const LEGEND: i32 = 22;
/// Points are drawn large when there are no more than so many.
const FEW: usize = 200;
const BLUE: RGBColor = RGBColor(70, 110, 180);
const GREEN: RGBColor = RGBColor(60, 150, 90);
const RED: RGBColor = RGBColor(200, 50, 50);
const AMBER: RGBColor = RGBColor(214, 138, 0);
const VIOLET: RGBColor = RGBColor(130, 70, 170);

/// How points are shown.
#[derive(Clone, Copy)]
enum Mark {
    Dot,
    Cross,
    Line,
    /// A line that keeps its height until the next point.
    Steps,
}

/// One curve or cloud of a panel.
struct Layer<'p> {
    name: &'static str,
    points: &'p Points,
    mark: Mark,
    color: RGBColor,
}

fn layer<'p>(name: &'static str, points: &'p Points, mark: Mark, color: RGBColor) -> Layer<'p> {
    Layer { name, points, mark, color }
}

/// Draws, under a title; the text of an SVG file.
pub(super) fn draw(title: &str, series: &Series) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let allowed = match series.is_pacing_cut {
            true => "allowed, drawn up to 1.5 times the most delivered",
            false => "allowed",
        };
        let window = match series.is_window_cut {
            true => "window, drawn up to 1.5 times the most under way",
            false => "window",
        };
        let panels = root.titled(title, ("sans-serif", 20))?.split_evenly((3, 1));
        let [sequence, rate, path] = panels.as_slice() else { return Err("no room".into()) };
        panel(
            sequence,
            "place in the stream, MB",
            series.seconds,
            &[
                layer("received", &series.received, Mark::Dot, VIOLET),
                layer("received late", &series.late, Mark::Dot, AMBER),
                layer("received again", &series.again, Mark::Cross, RED),
                layer("sent", &series.sent, Mark::Dot, BLUE),
                layer("acknowledged", &series.acknowledged, Mark::Dot, GREEN),
                layer("sent again", &series.repeated, Mark::Dot, AMBER),
                layer("lost", &series.lost, Mark::Cross, RED),
            ],
        )?;
        panel(
            rate,
            "rate, MB/s",
            series.seconds,
            &[
                layer("delivered", &series.goodput, Mark::Line, GREEN),
                layer(allowed, &series.pacing, Mark::Steps, AMBER),
            ],
        )?;
        let half = path.split_evenly((1, 2));
        let [time, room] = half.as_slice() else { return Err("no room".into()) };
        panel(
            time,
            "round-trip time, ms",
            series.seconds,
            &[
                layer("sample", &series.latest_rtt, Mark::Dot, BLUE),
                layer("smoothed", &series.smoothed_rtt, Mark::Line, RED),
            ],
        )?;
        panel(
            room,
            "bytes under way, MB",
            series.seconds,
            &[
                layer("under way", &series.in_flight, Mark::Steps, BLUE),
                layer(window, &series.window, Mark::Steps, AMBER),
            ],
        )?;
        root.present()?;
    }
    Ok(text)
}

/// Draws a panel: a line that names its layers, and below it they themselves.
fn panel(area: &Area<'_>, title: &str, seconds: f64, layers: &[Layer<'_>]) -> Drawn {
    let highest = layers.iter().flat_map(|layer| layer.points).map(|point| point.1).fold(1e-6, f64::max);
    let layers: Vec<_> = layers.iter().filter(|layer| !layer.points.is_empty()).collect();
    let (above, below) = area.split_vertically(LEGEND);
    legend(&above, &layers)?;
    let mut chart = ChartBuilder::on(&below)
        .margin(12)
        .margin_top(2)
        .x_label_area_size(28)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..seconds, 0.0..highest * 1.05)?;
    chart.configure_mesh().x_desc("s").y_desc(title).light_line_style(WHITE).draw()?;
    for Layer { points, mark, color, .. } in layers {
        let radius = if points.len() > FEW { 1 } else { 3 };
        let (points, color) = (points.iter().copied(), *color);
        match mark {
            Mark::Dot => chart.draw_series(PointSeries::<_, _, Circle<_, _>, _>::new(
                points,
                radius,
                color.filled(),
            ))?,
            Mark::Cross => chart.draw_series(PointSeries::<_, _, Cross<_, _>, _>::new(points, 3, color))?,
            Mark::Line => chart.draw_series(LineSeries::new(points, color))?,
            Mark::Steps => chart.draw_series(LineSeries::new(steps(points), color))?,
        };
    }
    Ok(())
}

/// Names layers side by side, where they hide no points.
fn legend(area: &Area<'_>, layers: &[&Layer<'_>]) -> Drawn {
    let mut x = 70;
    for Layer { name, color, .. } in layers {
        area.draw(&Rectangle::new([(x, 8), (x + 14, 16)], color.filled()))?;
        let text = Text::new(*name, (x + 20, 6), ("sans-serif", 12));
        area.draw(&text)?;
        // The width of a letter is about this.
        x += 50 + 6 * name.len() as i32;
    }
    Ok(())
}

/// Each point but the first is led to at the height of the one before.
fn steps(points: impl Iterator<Item = (f64, f64)>) -> impl Iterator<Item = (f64, f64)> {
    let mut height = None;
    points.flat_map(move |(x, y)| {
        let corner = height.replace(y).map(|before| (x, before));
        corner.into_iter().chain([(x, y)])
    })
}
