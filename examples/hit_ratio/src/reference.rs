//! Compares the hits with those of other implementations on the same traces.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::replay::{Progress, SERIES, Series};
use crate::trace::{self, Trace};
use crate::{Failure, curve, regret};

/// A line of the reference, if its policy is one of ours.
struct Expected {
    series: &'static Series,
    capacity: usize,
    hits: usize,
}

/// The tolerance, in percentage points of all requests.
fn tolerance(series: &Series) -> RangeInclusive<f64> {
    match series.name {
        // Depends on which ghost entry is dropped when a key returns: its own or the oldest.
        "s3_fifo" => -1.0..=1.0,
        // Depends on how the sketch ages, and on which keys share a counter.
        "w_tinylfu" => -4.0..=6.0,
        _ => 0.0..=0.0,
    }
}

/// The name of a policy in the reference.
fn series(name: &str) -> Option<&'static Series> {
    let ours = name.to_lowercase().replace('-', "_");
    SERIES.iter().find(|series| series.name.to_lowercase() == ours)
}

pub(crate) fn check(reference: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    let table = fs::read_to_string(reference)
        .map_err(|error| Failure(format!("{}: {error}", reference.display())))?;
    let mut off = 0;
    let mut traces = Vec::new();
    println!(
        "{:<12}{:>9} {:<10}{:>9}{:>11}{:>9}",
        "trace", "capacity", "policy", "hits", "reference", "points"
    );
    for file in files {
        let expected = expected(&table, &trace::name(file), reference)?;
        let trace = Trace::read(file)?;
        let progress = Progress::new(&trace, expected.len());
        for Expected { series, capacity, hits } in expected {
            let counted = progress.hits(series, &trace, capacity);
            let points = 100.0 * (trace.ratio(counted) - trace.ratio(hits));
            let is_off = !tolerance(series).contains(&points);
            off += usize::from(is_off);
            println!(
                "{:<12}{capacity:>9} {:<10}{counted:>9}{hits:>11}{points:>+9.2}{}",
                trace.name,
                series.name,
                if is_off { "  <- off" } else { "" }
            );
        }
        progress.finish();
        traces.push(trace);
    }
    if off > 0 {
        return Err(Failure(format!("{off} of these are too far from the reference")));
    }
    println!(
        "All as the reference has it: s3_fifo within 1 point, w_tinylfu within -4 to +6, others to the last hit."
    );
    regret::check(reference, &traces)?;
    curve::check(&traces)
}

/// The lines of one trace.
fn expected(table: &str, trace: &str, reference: &Path) -> Result<Vec<Expected>, Failure> {
    let mut expected = Vec::new();
    for (number, line) in (1..).zip(table.lines()).skip(1) {
        let bad = || Failure(format!("{}: line {number}: can't be read: {line:?}", reference.display()));
        let &[name, capacity, policy, _, hits, ..] = &line.split(',').collect::<Vec<_>>()[..] else {
            return Err(bad());
        };
        let (Some(series), true) = (series(policy), name == trace) else { continue };
        let (Ok(capacity @ 1..), Ok(hits)) = (capacity.parse(), hits.parse()) else { return Err(bad()) };
        expected.push(Expected { series, capacity, hits });
    }
    if expected.is_empty() {
        return Err(Failure(format!("{} has nothing on a trace {trace:?}", reference.display())));
    }
    Ok(expected)
}
