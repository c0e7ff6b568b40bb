//! The curve of hit ratios that a cache estimates: a line, beside the exact one, with the knee and the present capacity.

use std::error::Error;
use std::fs;
use std::path::Path;

use functools::Insight;
use plotters::prelude::*;

use crate::curve::Exact;
use crate::trace::Trace;

const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(213, 94, 0);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const GREY: RGBColor = RGBColor(220, 220, 220);

/// How many capacities of the exact curve are drawn.
const POINTS: u32 = 32;

/// Draws the curve of a trace, and marks the capacity `maxsize`.
pub(crate) fn draw(
    path: &Path,
    trace: &Trace,
    maxsize: usize,
    insight: &Insight,
) -> Result<(), Box<dyn Error>> {
    let exact = Exact::of(&trace.keys);
    let most = float(trace.unique()).max(2.0 * float(maxsize));
    let up = (1.1 * insight.best()).clamp(0.01, 1.0);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (680, 320)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(format!("{}: expected hit ratio by maxsize", trace.name), ("sans-serif", 16))
            .margin(10)
            .x_label_area_size(36)
            .y_label_area_size(50)
            .build_cartesian_2d((1.0..most).log_scale(), 0.0..up)?;
        chart
            .configure_mesh()
            .x_desc("maxsize")
            .x_labels(8)
            .x_label_formatter(&|size| format!("{size:.0}"))
            .y_labels(6)
            .y_label_formatter(&|ratio| format!("{:.0} %", 100.0 * ratio))
            .bold_line_style(GREY)
            .light_line_style(TRANSPARENT)
            .draw()?;
        let sizes = (0..POINTS).map(|n| most.powf(f64::from(n) / f64::from(POINTS - 1)).round());
        let circles =
            sizes.map(|size| Circle::new((size, exact.hit_ratio(whole(size))), 3, BLACK.stroke_width(1)));
        chart
            .draw_series(circles)?
            .label("exact LRU")
            .legend(|(x, y)| Circle::new((x + 9, y), 3, BLACK.stroke_width(1)));
        let points = insight.curve().iter().map(|point| (float(point.maxsize), point.hit_ratio));
        chart
            .draw_series(LineSeries::new(points.filter(|&(size, _)| size <= most), BLUE.stroke_width(2)))?
            .label("cache_insight()")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], BLUE.stroke_width(2)));
        for (name, size, colour) in [("maxsize now", maxsize, ORANGE), ("knee", insight.knee(), GREEN)] {
            let line = PathElement::new([(float(size), 0.0), (float(size), up)], colour.stroke_width(1));
            chart
                .draw_series([line])?
                .label(format!("{name}: {size} → {:.0} %", 100.0 * insight.hit_ratio(size)))
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(1)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(GREY)
            .label_font(("sans-serif", 13))
            .draw()?;
        root.present()?;
    }
    Ok(fs::write(path, svg)?)
}

#[expect(clippy::cast_precision_loss, reason = "a position on paper")]
fn float(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is small, and above zero")]
fn whole(size: f64) -> usize {
    size as usize
}
