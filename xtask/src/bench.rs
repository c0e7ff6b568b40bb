//! Measurements: times by criterion, ratios against floors, and instructions per call.

use std::fmt::Write;
use std::process::Command;

use crate::step::{Outcome, Result, Step, append, cargo, fail, output_of, run_through};

/// The benches that ask for a time: each but `ratios`.
const TIMED: &[&str] = &["floors", "hit", "miss", "disabled", "fibonacci"];

/// The kinds of calls that `benches/instructions.rs` can make.
const KINDS: &[&str] = &["lock", "hit", "unbounded", "miss", "disabled", "counted", "plain"];

/// How many calls lie between the two runs whose instructions are compared.
const CALLS: u32 = 100_000;

/// Counts all instructions of a program and writes their number, but no report, to its output.
const VALGRIND: [&str; 4] = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1"];

/// Ratios first: they are what the project promises.
pub(crate) fn bench() -> Vec<Step> {
    vec![
        Step::cargo("ratios", "bench --package benches --bench ratios"),
        Step::new("instructions", instructions),
        Step::new("times", times),
    ]
}

fn times() -> Result {
    let mut bench = cargo("bench --package benches");
    bench.args(TIMED.iter().flat_map(|name| ["--bench", name])).args(["--", "--quiet"]);
    run_through(&mut bench)
}

/// Counts instructions, which unlike times are nearly the same in each run.
fn instructions() -> Result {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Ok(Outcome::Skipped("valgrind is not installed".into()));
    }
    let mut table = String::from("\n| operation | instructions |\n|---|--:|\n");
    for kind in KINDS {
        let between = count(kind, 2 * CALLS)? - count(kind, CALLS)?;
        _ = writeln!(table, "| {kind} | {:.1} |", between / f64::from(CALLS));
    }
    println!("{table}");
    append("benches/RESULTS.md", &table)
}

/// How many instructions that many calls take, with the start and the end of the program.
fn count(kind: &str, calls: u32) -> Result<f64> {
    let mut run = cargo("run --quiet --profile bench --package benches --bin instructions --config");
    run.arg(format!("target.'cfg(all())'.runner = {VALGRIND:?}")).args(["--", kind, &calls.to_string()]);
    let output = output_of(&mut run)?;
    let total = output.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    total.map_or_else(|| fail(format!("no count in what callgrind wrote:\n{output}")), Ok)
}
