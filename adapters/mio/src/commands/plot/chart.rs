//! The drawing: three panels over the same time.

use super::series::{Points, Series};
use plotters::{
    coord::Shift,
    prelude::{
        ChartBuilder, Circle, Color, Cross, DrawingArea, IntoDrawingArea, LineSeries, RGBColor, Rectangle,
        SVGBackend, WHITE,
    },
    series::PointSeries,
};
use std::error::Error;

type Drawn = Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const SIZE: (u32, u32) = (1100, 1000);
const BLUE: RGBColor = RGBColor(70, 110, 180);
const GREEN: RGBColor = RGBColor(60, 150, 90);
const RED: RGBColor = RGBColor(200, 50, 50);
const AMBER: RGBColor = RGBColor(214, 138, 0);

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

/// Draws; the text of an SVG file.
pub(super) fn draw(series: &Series) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let panels = root.split_evenly((3, 1));
        let [sequence, rate, path] = panels.as_slice() else { return Err("no room".into()) };
        panel(
            sequence,
            "place in the stream, MB",
            series.seconds,
            &[
                layer("received", &series.received, Mark::Dot, GREEN),
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
                layer("allowed", &series.pacing, Mark::Steps, AMBER),
            ],
        )?;
        let half = path.split_evenly((1, 2));
        let [time, window] = half.as_slice() else { return Err("no room".into()) };
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
            window,
            "KiB",
            series.seconds,
            &[
                layer("under way", &series.in_flight, Mark::Steps, BLUE),
                layer("window", &series.window, Mark::Steps, AMBER),
            ],
        )?;
        root.present()?;
    }
    Ok(text)
}

fn panel(area: &Area<'_>, title: &str, seconds: f64, layers: &[Layer<'_>]) -> Drawn {
    let highest = layers.iter().flat_map(|layer| layer.points).map(|point| point.1).fold(1e-6, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..seconds, 0.0..highest * 1.05)?;
    chart.configure_mesh().x_desc("s").y_desc(title).light_line_style(WHITE).draw()?;
    for Layer { name, points, mark, color } in layers.iter().filter(|layer| !layer.points.is_empty()) {
        let (points, color) = (points.iter().copied(), *color);
        match mark {
            Mark::Dot => {
                chart.draw_series(PointSeries::<_, _, Circle<_, _>, _>::new(points, 1, color.filled()))?
            }
            Mark::Cross => chart.draw_series(PointSeries::<_, _, Cross<_, _>, _>::new(points, 3, color))?,
            Mark::Line => chart.draw_series(LineSeries::new(points, color))?,
            Mark::Steps => chart.draw_series(LineSeries::new(steps(points), color))?,
        }
        .label(*name)
        .legend(move |(x, y)| legend(x, y, color));
    }
    chart.configure_series_labels().background_style(WHITE).border_style(WHITE).draw()?;
    Ok(())
}

fn legend(x: i32, y: i32, color: RGBColor) -> Rectangle<(i32, i32)> {
    Rectangle::new([(x, y - 4), (x + 14, y + 4)], color.filled())
}

/// Each point but the first is led to at the height of the one before.
fn steps(points: impl Iterator<Item = (f64, f64)>) -> impl Iterator<Item = (f64, f64)> {
    let mut height = None;
    points.flat_map(move |(x, y)| {
        let corner = height.replace(y).map(|before| (x, before));
        corner.into_iter().chain([(x, y)])
    })
}
