//! Hit ratio against capacity, a line for each policy.

use std::error::Error;
use std::fs;
use std::path::Path;

use plotters::prelude::*;

use crate::replay::Series;
use crate::trace::Trace;

/// Colours that are distinct for colour-blind readers too (Okabe and Ito); the optimum is black.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    BLACK,
];

const GREY: RGBColor = RGBColor(220, 220, 220);
pub(crate) fn draw(
    path: &Path,
    trace: &Trace,
    capacities: &[usize],
    counts: &[(&Series, Vec<usize>)],
) -> Result<(), Box<dyn Error>> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (760, 420)).into_drawing_area();
        root.fill(&WHITE)?;
        let entries = across(capacities).log_scale();
        let entries = entries.with_key_points(capacities.iter().copied().map(float).collect());
        let (lines, legend) = root.split_horizontally(650);
        let mut chart = ChartBuilder::on(&lines)
            .caption(format!("{}: hit ratio by capacity", trace.name), ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(54)
            .build_cartesian_2d(entries, 0.0..up(trace, counts))?;
        chart
            .configure_mesh()
            .x_desc("entries")
            .x_label_formatter(&|entries| format!("{entries:.0}"))
            .y_label_formatter(&|ratio| format!("{:.0} %", 100.0 * ratio))
            .bold_line_style(GREY)
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (((series, hits), colour), y) in counts.iter().zip(COLOURS).zip((50..).step_by(20)) {
            let points = capacities.iter().zip(hits).map(|(&n, &hits)| (float(n), trace.ratio(hits)));
            let line = LineSeries::new(points, colour.stroke_width(2)).point_size(3);
            chart.draw_series(line)?;
            legend.draw(&PathElement::new([(0, y), (18, y)], colour.stroke_width(2)))?;
            legend.draw(&Text::new(series.name, (26, y - 6), ("sans-serif", 14)))?;
        }
        root.present()?;
    }
    Ok(fs::write(path, svg)?)
}

/// The range from the smallest capacity to the largest, widened if they are equal.
fn across(capacities: &[usize]) -> std::ops::Range<f64> {
    let (least, most) = (float(capacities[0]), float(capacities[capacities.len() - 1]));
    if capacities.len() == 1 { least / 2.0..most * 2.0 } else { least..most }
}

/// The range up to a little above the best hit ratio.
fn up(trace: &Trace, counts: &[(&Series, Vec<usize>)]) -> f64 {
    let most = counts.iter().flat_map(|(_, hits)| hits).max().copied().unwrap_or_default();
    (1.05 * trace.ratio(most)).clamp(0.01, 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "a position on paper")]
fn float(n: usize) -> f64 {
    n as f64
}

/// The regrets for one trace and capacity, of the policies in the order of their names.
pub(crate) struct Regrets {
    pub(crate) label: String,
    pub(crate) points: Vec<f64>,
}

/// Plots by how many points policies are below the best one, a column for each trace and capacity. The first policy is drawn
/// larger than the others.
pub(crate) fn draw_regrets(path: &Path, names: &[&str], regrets: &[Regrets]) -> Result<(), Box<dyn Error>> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (760, 460)).into_drawing_area();
        root.fill(&WHITE)?;
        let columns = float(regrets.len());
        let most = regrets.iter().flat_map(|one| &one.points).fold(1.0_f64, |most, &points| most.max(points));
        let (dots, legend) = root.split_horizontally(650);
        let mut chart = ChartBuilder::on(&dots)
            .caption("Points below the best of eight policies", ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(110)
            .y_label_area_size(54)
            .build_cartesian_2d(-0.5..columns - 0.5, (1.05 * most)..-2.0)?;
        let label = |column: &f64| {
            let column = regrets.iter().zip(0_u32..).find(|&(_, at)| (f64::from(at) - column).abs() < 0.01);
            column.map_or_else(String::new, |(regrets, _)| regrets.label.clone())
        };
        let upright = ("sans-serif", 12).into_font().transform(FontTransform::Rotate90);
        chart
            .configure_mesh()
            .x_labels(regrets.len())
            .x_label_formatter(&label)
            .x_label_style(upright)
            .y_desc("points of the hit ratio")
            .bold_line_style(GREY)
            .light_line_style(TRANSPARENT)
            .draw()?;
        for ((series, name), y) in names.iter().enumerate().zip((50..).step_by(20)) {
            let colour = COLOURS[(series + 5) % 6];
            let size = if series == 0 { 5 } else { 3 };
            let points = regrets.iter().zip(0_u32..).map(|(one, at)| (f64::from(at), one.points[series]));
            chart.draw_series(points.map(|at| Circle::new(at, size, colour.filled())))?;
            legend.draw(&Circle::new((9, y), size, colour.filled()))?;
            legend.draw(&Text::new(*name, (26, y - 6), ("sans-serif", 14)))?;
        }
        root.present()?;
    }
    Ok(fs::write(path, svg)?)
}
