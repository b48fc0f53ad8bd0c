//! Draws the figures of the tables as SVG.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::Result;
use crate::backend::Entry;
use crate::harness::{PERCENTILES, Work};
use crate::table::{Reports, median};

const SIZE: (u32, u32) = (900, 480);

/// What tells the lines and bars apart; this library's is the first, the floor's is grey.
const COLORS: [RGBColor; 9] = [
    RGBColor(213, 43, 30),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(120, 94, 200),
    RGBColor(140, 86, 75),
    RGBColor(50, 50, 50),
];
const FLOOR: RGBColor = RGBColor(150, 150, 150);

/// Draws `latency.svg` and `throughput.svg` in a directory that is there.
pub fn draw(entries: &[&'static Entry], reports: &Reports, dir: &Path) -> Result<()> {
    // Those that write JSON have no run of this work.
    let text: Vec<_> = entries.iter().filter(|entry| !entry.is_json).collect();
    let mut colors = COLORS.iter().cycle();
    let mut own = text.clone();
    own.sort_by_key(|entry| entry.name != "femtologging");
    let named: Vec<_> = own
        .iter()
        .map(|entry| match entry.name {
            "floor" => (entry.name, FLOOR),
            name => (name, *colors.next().unwrap_or(&BLACK)),
        })
        .collect();
    latency(&named, reports, &dir.join("latency.svg"))?;
    throughput(&named, reports, &dir.join("throughput.svg"))
}

/// One line a library: the time that a share of the calls took at most. The share's axis has nines, and the time's is
/// logarithmic.
fn latency(named: &[(&str, RGBColor)], reports: &Reports, path: &Path) -> Result<()> {
    let nines = |percentile: f64| -(1.0 - percentile / 100.0).log10();
    let last = nines(PERCENTILES[PERCENTILES.len() - 1]);
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let title = "One call with three numbers, on its caller's thread";
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .margin_right(190)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..last, (5.0..200_000.0).log_scale())?;
    chart
        .configure_mesh()
        .x_labels(5)
        .x_label_formatter(&|nines| {
            let percent = 100.0 - 100.0 / 10_f64.powf(*nines);
            format!("{percent:.*} %", (nines.round() as usize).saturating_sub(2))
        })
        .y_label_formatter(&|ns| match ns {
            ns if *ns < 1_000.0 => format!("{ns:.0} ns"),
            ns => format!("{:.0} µs", ns / 1_000.0),
        })
        .x_desc("share of the calls")
        .light_line_style(WHITE)
        .draw()?;
    let mut labels = Vec::new();
    for (name, color) in named {
        let Some(rounds) = reports.get(&(*name, Work::Latency.name())) else {
            continue;
        };
        // A call that is faster than the clock's step reads as nothing.
        let at = |percentile: &f64| median(rounds, &format!("p{percentile}")).map(|ns| ns.max(5.0));
        let points: Vec<_> =
            PERCENTILES.iter().filter_map(|percentile| Some((nines(*percentile), at(percentile)?))).collect();
        if let Some((_, end)) = points.last() {
            labels.push((*end, *name, *color));
        }
        let width = if *name == "femtologging" { 3 } else { 2 };
        chart.draw_series(LineSeries::new(points, color.stroke_width(width)))?;
    }
    // Names stand beside the lines' ends, no two closer than a line of text.
    labels.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut lowest = 0;
    for (end, name, color) in labels {
        let (x, y) = chart.backend_coord(&(last, end));
        let y = y.max(lowest + 16);
        lowest = y;
        let style = ("sans-serif", 14).into_font().color(&color).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw_text(name, &style, (x + 8, y))?;
    }
    area.present()?;
    Ok(())
}

/// One bar a library, the longest on top.
fn throughput(named: &[(&str, RGBColor)], reports: &Reports, path: &Path) -> Result<()> {
    let mut rates: Vec<_> = named
        .iter()
        .filter_map(|(name, color)| {
            let rounds = reports.get(&(*name, Work::Throughput.name()))?;
            Some((median(rounds, "rate")? / 1e6, *name, *color))
        })
        .collect();
    rates.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (rows, longest) = (rates.len() as f64, rates.first().map_or(1.0, |rate| rate.0));
    let area = SVGBackend::new(path, (SIZE.0, 90 + 36 * rates.len() as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let title = "Million lines a second to a file, one producer, until all are written";
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .margin_left(190)
        .x_label_area_size(30)
        .build_cartesian_2d(0.0..longest * 1.1, 0.0..rows)?;
    chart.configure_mesh().disable_y_mesh().disable_y_axis().light_line_style(WHITE).draw()?;
    for (row, (rate, name, color)) in rates.iter().enumerate() {
        let top = rows - row as f64;
        let bar = Rectangle::new([(0.0, top - 0.8), (*rate, top - 0.2)], color.filled());
        chart.draw_series([bar])?;
        let text =
            |color: &RGBColor, side| ("sans-serif", 14).into_font().color(color).pos(Pos::new(side, VPos::Center));
        let (x, y) = chart.backend_coord(&(0.0, top - 0.5));
        area.draw_text(name, &text(color, HPos::Right), (x - 8, y))?;
        let (x, y) = chart.backend_coord(&(*rate, top - 0.5));
        area.draw_text(&format!("{rate:.1}"), &text(&BLACK, HPos::Left), (x + 6, y))?;
    }
    area.present()?;
    Ok(())
}
