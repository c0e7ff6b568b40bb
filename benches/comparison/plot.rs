//! Plots of the measurements, on a white background so that they are legible in light and dark themes.

use std::error::Error;
use std::fs;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::memoized::{CONCURRENT, FUNCTOOLS, OURS, PER_THREAD, QUICK};
use crate::page::throughput;
use crate::threads::{Crowds, Keys, THREADS};
use crate::{BARE, Effort, Figures, LOCK};

type Drawn = Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Relative to this package, where cargo runs its benches.
const FOLDER: &str = "../docs";

const FONT: &str = "sans-serif";
const WIDTH: i32 = 760;

/// Distinguishable with colour vision deficiency (Okabe and Ito); this library has the first ones.
const BLUE: RGBColor = RGBColor(0, 114, 178);
const OTHERS: [RGBColor; 9] = [
    RGBColor(230, 159, 0),
    RGBColor(204, 121, 167),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
    RGBColor(120, 94, 40),
    RGBColor(150, 150, 150),
    RGBColor(90, 60, 150),
    RGBColor(160, 30, 60),
];
const GREY: RGBColor = RGBColor(148, 163, 184);
const PALE: RGBColor = RGBColor(220, 220, 220);

/// Draws all plots, and writes them if this is a bench.
pub(crate) fn plots(figures: &Figures, effort: Effort) -> Drawn {
    let mut plots = Vec::new();
    if let Some(hits) = figures.hits.first() {
        let unit = hits.time(LOCK);
        let bars: Vec<_> = hits.figures.iter().map(|one| (one.name, one.nanoseconds / unit)).collect();
        let title = "A hit, u64, 128 entries, one thread: multiples of a lock and unlock";
        plots.push(("benchmarks-hit", bar_chart(title, &bars, 3.2, 2)?));
    }
    if let Some(crowds) = figures.threads.first() {
        plots.push(("benchmarks-threads", threads(crowds)?));
    }
    let bars: Vec<_> = figures.memory.iter().map(|held| (held.name, held.bytes)).collect();
    let title = "Memory, u64 to u64, a million entries: bytes per entry";
    plots.push(("benchmarks-memory", bar_chart(title, &bars, 200.0, 0)?));
    for (name, svg) in plots {
        if let Effort::Bench = effort {
            fs::write(format!("{FOLDER}/{name}.svg"), svg)?;
        }
    }
    Ok(())
}

/// A name as in a table, without code marks.
fn plain(name: &str) -> String {
    name.replace('`', "")
}

/// A bar chart from left to right, the shortest bar first, cut off at `most`.
fn bar_chart(
    title: &str,
    bars: &[(&'static str, f64)],
    most: f64,
    digits: usize,
) -> Result<String, Box<dyn Error>> {
    const LEFT: i32 = 300;
    const STEP: i32 = 26;
    const TOP: i32 = 52;

    let mut bars = bars.to_vec();
    bars.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    let longest = bars.iter().map(|(_, value)| value.min(most)).fold(0.0, f64::max);
    let mut svg = String::new();
    {
        let height = TOP + STEP * i32::try_from(bars.len())? + 12;
        let root = SVGBackend::with_string(&mut svg, (WIDTH.unsigned_abs(), height.unsigned_abs()))
            .into_drawing_area();
        root.fill(&WHITE)?;
        root.draw(&Text::new(title, (16, 16), (FONT, 17).into_font()))?;
        let (right, middle) = (Pos::new(HPos::Right, VPos::Center), Pos::new(HPos::Left, VPos::Center));
        for ((name, value), y) in bars.iter().zip((0..).map(|at| TOP + STEP * at)) {
            let colour = if OURS.contains(name) {
                BLUE
            } else if [LOCK, BARE].contains(name) {
                PALE
            } else {
                GREY
            };
            let length = f64::from(WIDTH - LEFT - 90) * value.min(most) / longest;
            #[expect(clippy::cast_possible_truncation, reason = "a position in pixels")]
            let end = LEFT + length as i32;
            let weight = if OURS.contains(name) { FontStyle::Bold } else { FontStyle::Normal };
            let font = (FONT, 14).into_font().style(weight);
            root.draw(&Text::new(
                plain(name),
                (LEFT - 10, y + 9),
                font.clone().into_text_style(&root).pos(right),
            ))?;
            root.draw(&Rectangle::new([(LEFT, y), (end, y + 18)], colour.filled()))?;
            let more = if *value > most { " …" } else { "" };
            let figure = format!("{more}{value:.digits$}");
            root.draw(&Text::new(figure, (end + 6, y + 9), font.into_text_style(&root).pos(middle)))?;
        }
        root.present()?;
    }
    Ok(svg)
}

/// Throughput by threads: a chart for each kind of keys, and a legend.
fn threads(crowds: &Crowds) -> Result<String, Box<dyn Error>> {
    let names = crowds.column(Keys::Zipf, 1).map_or_else(Vec::new, |column| {
        // Caches with shards that evict some of the 128 entries also compute: the ones with capacity 1024 are
        // shown.
        let names = column.figures.iter().map(|figure| figure.name);
        names.filter(|name| ![LOCK, CONCURRENT, QUICK].contains(name)).collect()
    });
    let rows = u32::try_from(names.len().div_ceil(3))?;
    let mut svg = String::new();
    {
        let root =
            SVGBackend::with_string(&mut svg, (WIDTH.unsigned_abs(), 340 + 22 * rows)).into_drawing_area();
        root.fill(&WHITE)?;
        let title = format!("Threads, {}: million calls per second, all threads together", crowds.title);
        root.draw(&Text::new(title, (16, 16), (FONT, 17).into_font()))?;
        let (_, below) = root.split_vertically(44);
        let (charts, legend) = below.split_vertically(290);
        for (keys, area) in Keys::ALL.into_iter().zip(charts.split_evenly((1, 3))) {
            chart(&area, crowds, keys, &names)?;
        }
        for (at, name) in (0..).zip(&names) {
            let (x, y) = (20 + 245 * (at % 3), 14 + 22 * (at / 3));
            legend.draw(&PathElement::new([(x, y), (x + 18, y)], style(name, &names)))?;
            let left =
                (FONT, 13).into_font().into_text_style(&legend).pos(Pos::new(HPos::Left, VPos::Center));
            legend.draw(&Text::new(plain(name), (x + 26, y), left))?;
        }
        root.present()?;
    }
    Ok(svg)
}

fn chart(area: &Area<'_>, crowds: &Crowds, keys: Keys, names: &[&'static str]) -> Drawn {
    let point = |name: &str, threads: u8| {
        let time = crowds.column(keys, threads).map_or(f64::NAN, |column| column.time(name));
        (f64::from(threads), throughput(threads, time))
    };
    let mut chart = ChartBuilder::on(area)
        .caption(keys.title(), (FONT, 15))
        .margin(8)
        .x_label_area_size(34)
        .y_label_area_size(42)
        .build_cartesian_2d(
            (1.0..8.0).log_scale().base(2.0).with_key_points(THREADS.map(f64::from).to_vec()),
            (1.0..500.0).log_scale().with_key_points(vec![1.0, 3.0, 10.0, 30.0, 100.0, 300.0]),
        )?;
    chart
        .configure_mesh()
        .x_desc("threads")
        .x_label_formatter(&|threads| format!("{threads:.0}"))
        .y_label_formatter(&|calls| format!("{calls:.0}"))
        .bold_line_style(PALE)
        .light_line_style(TRANSPARENT)
        .draw()?;
    // This library's lines last, on top of the others.
    for name in names.iter().rev() {
        let points = THREADS.iter().map(|&threads| point(name, threads)).filter(|(_, y)| y.is_finite());
        chart.draw_series(LineSeries::new(points, style(name, names)).point_size(3))?;
    }
    Ok(())
}

/// The line style of this contestant.
fn style(name: &str, names: &[&str]) -> ShapeStyle {
    if name == FUNCTOOLS {
        return BLUE.stroke_width(3).filled();
    }
    if OURS.contains(&name) {
        return BLACK.stroke_width(if PER_THREAD.contains(&name) { 1 } else { 3 }).filled();
    }
    let others = names.iter().filter(|other| !OURS.contains(other));
    let at = others.take_while(|other| **other != name).count();
    let width = if PER_THREAD.contains(&name) { 1 } else { 2 };
    OTHERS[at % OTHERS.len()].stroke_width(width).filled()
}
