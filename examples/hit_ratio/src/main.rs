//! Hit ratios of all eviction policies: replays a recorded trace of keys through caches of several
//! sizes, and computes the optimum.
//!
//! Run it with `cargo run --release --package hit_ratio -- FILE CAPACITY…`. The file has one decimal
//! key per line, in the order of the calls, as plain text or gzipped.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fmt};

mod auto;
mod costs;
mod curve;
mod curve_plot;
mod plot;
mod reference;
mod regret;
mod replay;
mod trace;

use replay::{Progress, SERIES, Series};
use trace::Trace;

const USAGE: &str = "\
Usage: hit_ratio FILE CAPACITY… [--svg PATH]
       hit_ratio --costs SEED FILE CAPACITY…
       hit_ratio --regret REFERENCE FILE… [--svg PATH]
       hit_ratio --check REFERENCE FILE…
       hit_ratio --auto MIN..=MAX FILE…
       hit_ratio --curve FILE MAXSIZE [--svg PATH]

FILE has one decimal key per line, as text or gzipped. The first form replays it
through caches of each capacity, prints the hits and plots them as an SVG file,
named like FILE in the current folder unless PATH is given. The second form
gives each key a cost and a weight by SEED, and prints which share of the cost
hits save; CAPACITY is in entries of mean weight. REFERENCE is a table
`trace,capacity,policy,requests,hits,…` of the hits that other implementations count. The third form prints by how many
points `auto`, and the policies that it chooses from, are below the best policy in REFERENCE. `--check` compares the
hits with those in REFERENCE, and the curves that caches with `insight` estimate with exact ones, and checks `auto`.
`--auto` replays each trace through a cache that sets its own capacity within these bounds, and through one with MAX; without
MAX (`--auto 64..`), it is the number of keys. `--curve` prints the advice of a cache of MAXSIZE with `insight`, and plots its
curve beside an exact one.";

/// The command line.
enum Task {
    Help,
    Draw { file: PathBuf, capacities: Vec<usize>, svg: PathBuf },
    Costs { seed: u64, file: PathBuf, capacities: Vec<usize> },
    Check { reference: PathBuf, files: Vec<PathBuf> },
    Curve { file: PathBuf, maxsize: usize, svg: PathBuf },
    Auto { min: usize, max: Option<usize>, files: Vec<PathBuf> },
    Regret { reference: PathBuf, files: Vec<PathBuf>, svg: Option<PathBuf> },
}

/// An error message.
struct Failure(String);

/// An error in the command line, with the usage.
fn misused(why: impl fmt::Display) -> Failure {
    Failure(format!("{why}\n\n{USAGE}"))
}

fn main() -> ExitCode {
    let done = parse(env::args().skip(1)).and_then(|task| match task {
        Task::Help => {
            println!("{USAGE}");
            Ok(())
        }
        Task::Draw { file, capacities, svg } => draw(&file, &capacities, &svg),
        Task::Costs { seed, file, capacities } => save(&file, &capacities, seed),
        Task::Check { reference, files } => reference::check(&reference, &files),
        Task::Curve { file, maxsize, svg } => plot_curve(&file, maxsize, &svg),
        Task::Auto { min, max, files } => auto::compare(&files, min, max),
        Task::Regret { reference, files, svg } => regret::table(&reference, &files, svg.as_deref()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(why)) => {
            eprintln!("hit_ratio: {why}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Task, Failure> {
    let (mut svg, mut reference, mut regret, mut seed) = (None, None, None, None);
    let (mut bounds, mut is_curve, mut others) = (None, false, Vec::new());
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut path = || {
            let path = arguments.next().map(PathBuf::from);
            path.ok_or_else(|| misused(format!("`{argument}` takes a path")))
        };
        match argument.as_str() {
            "--help" | "-h" => return Ok(Task::Help),
            "--svg" => svg = Some(path()?),
            "--check" => reference = Some(path()?),
            "--regret" => regret = Some(path()?),
            "--costs" => {
                let text = arguments.next().unwrap_or_default();
                let number = text.parse().map_err(|_| misused("`--costs` takes a seed, a number"))?;
                seed = Some(number);
            }
            "--curve" => is_curve = true,
            "--auto" => bounds = Some(bounds_of(&arguments.next().unwrap_or_default())?),
            option if option.starts_with("--") => return Err(misused(format!("unknown option `{option}`"))),
            _ => others.push(argument),
        }
    }
    if others.is_empty() {
        return Err(misused("no file of keys was given"));
    }
    if let Some(reference) = reference {
        return Ok(Task::Check { reference, files: others.into_iter().map(PathBuf::from).collect() });
    }
    if let Some((min, max)) = bounds {
        return Ok(Task::Auto { min, max, files: others.into_iter().map(PathBuf::from).collect() });
    }
    if let Some(reference) = regret {
        let files = others.into_iter().map(PathBuf::from).collect();
        return Ok(Task::Regret { reference, files, svg });
    }
    let file = PathBuf::from(others.remove(0));
    let mut capacities = others.iter().map(|text| capacity(text)).collect::<Result<Vec<_>, _>>()?;
    if capacities.is_empty() {
        return Err(misused("no capacity was given"));
    }
    if let (true, &[maxsize]) = (is_curve, &*capacities) {
        let svg = svg.unwrap_or_else(|| PathBuf::from(format!("{}.svg", trace::name(&file))));
        return Ok(Task::Curve { file, maxsize, svg });
    }
    if is_curve {
        return Err(misused("`--curve` takes one capacity"));
    }
    capacities.sort_unstable();
    capacities.dedup();
    if let Some(seed) = seed {
        return Ok(Task::Costs { seed, file, capacities });
    }
    let svg = svg.unwrap_or_else(|| PathBuf::from(format!("{}.svg", trace::name(&file))));
    Ok(Task::Draw { file, capacities, svg })
}

/// Reads bounds: `64..=5000`, or `64..` without an upper one.
fn bounds_of(text: &str) -> Result<(usize, Option<usize>), Failure> {
    let Some((min, max)) = text.split_once("..") else {
        return Err(misused("`--auto` takes bounds, such as `64..=5000`"));
    };
    let max = max.strip_prefix('=').unwrap_or(max);
    Ok((capacity(min)?, if max.is_empty() { None } else { Some(capacity(max)?) }))
}

fn capacity(text: &str) -> Result<usize, Failure> {
    match text.parse() {
        Ok(0) => Err(Failure("a capacity of 0 stores nothing, so nothing hits; give 1 or more".to_owned())),
        Ok(capacity) => Ok(capacity),
        Err(_) => Err(misused(format!("`{text}` is no capacity; expected a number of entries"))),
    }
}

/// Prints the hit ratio of policies for a trace whose keys have costs and weights, and which share of the cost the hits save.
fn save(file: &Path, capacities: &[usize], seed: u64) -> Result<(), Failure> {
    let trace = Trace::read(file)?;
    println!("{}: {} requests of {} keys\n", trace.name, trace.keys.len(), trace.unique());
    print!("{:<12}", "policy");
    for capacity in capacities {
        print!("{capacity:>10} {:>9}", "hits");
    }
    for series in &costs::SERIES {
        print!("\n{:<12}", series.name);
        for &capacity in capacities {
            let saved = (series.saves)(&trace, capacity, seed);
            print!("{:>9.2}% {:>8.2}%", 100.0 * saved.cost, 100.0 * saved.hits);
        }
    }
    println!();
    Ok(())
}

/// Prints the advice of a cache of this capacity, and plots its curve.
fn plot_curve(file: &Path, maxsize: usize, svg: &Path) -> Result<(), Failure> {
    let trace = Trace::read(file)?;
    let insight = curve::estimated(&trace.keys, maxsize, 0);
    println!("{}: {insight}", trace.name);
    curve_plot::draw(svg, &trace, maxsize, &insight)
        .map_err(|error| Failure(format!("{} can't be written: {error}", svg.display())))?;
    println!("The plot is in {}", svg.display());
    Ok(())
}

/// Prints and plots the hit ratio of each policy for a trace.
fn draw(file: &Path, capacities: &[usize], svg: &Path) -> Result<(), Failure> {
    let trace = Trace::read(file)?;
    println!("{}: {} requests of {} keys\n", trace.name, trace.keys.len(), trace.unique());
    let progress = Progress::new(&trace, SERIES.len() * capacities.len());
    let counts: Vec<(&Series, Vec<usize>)> = SERIES
        .iter()
        .map(|series| (series, capacities.iter().map(|&n| progress.hits(series, &trace, n)).collect()))
        .collect();
    progress.finish();

    print!("{:<12}", "policy");
    for capacity in capacities {
        print!("{capacity:>17}");
    }
    for (series, hits) in &counts {
        print!("\n{:<12}", series.name);
        for &hits in hits {
            print!("{hits:>10}{:>6.2}%", 100.0 * trace.ratio(hits));
        }
    }
    println!("\n");

    plot::draw(svg, &trace, capacities, &counts)
        .map_err(|error| Failure(format!("{} can't be written: {error}", svg.display())))?;
    println!("The plot is in {}", svg.display());
    Ok(())
}
