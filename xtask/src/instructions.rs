//! Instructions per call, which vary much less between runs than times: counted for the page of results, and
//! limited in CI.

use std::fmt::Write;
use std::process::Command;
use std::{env, fs, process};

use crate::page::Page;
use crate::step::{Options, Outcome, Result, cargo, fail, install, output_of};

/// The kinds of calls that `benches/instructions.rs` can make. A kind with a limit has the number of
/// instructions that it takes more than [`PLAIN`].
const KINDS: &[(&str, Option<f64>)] = &[
    ("lock", None),
    ("hit", Some(87.4)),
    ("hit-with-lock", Some(91.3)),
    ("tagged", Some(97.4)),
    ("tagged-with-lock", Some(103.6)),
    ("tagged-unbounded", Some(82.8)),
    ("unbounded", Some(77.5)),
    ("unbounded-striped", Some(77.8)),
    ("generic", Some(152.7)),
    ("generic-untyped", Some(140.2)),
    ("generic-result", Some(163.2)),
    ("method", Some(214.9)),
    ("method-skipping-self", Some(154.4)),
    ("async", Some(109.8)),
    ("object", Some(155.3)),
    ("thread", Some(108.2)),
    ("thread-unbounded", Some(79.0)),
    ("thread-miss", Some(182.0)),
    ("shards", Some(96.5)),
    ("shards-miss", Some(184.3)),
    ("miss", Some(511.4)),
    ("single-flight", Some(103.5)),
    ("single-flight-miss", Some(2033.9)),
    ("async-miss", Some(3365.5)),
    ("disabled", Some(14.3)),
    ("batch-hits", Some(9140.0)),
    ("batch-hits-with-lock", Some(11927.0)),
    ("batch-misses-with-lock", Some(43102.0)),
    ("counted", None),
    (PLAIN, None),
];

/// The compiler of these counts; with another compiler they may differ.
const COUNTED_WITH: &str = "rustc 1.95.0";

/// The loop with a function without a cache.
const PLAIN: &str = "plain";

/// The margin of the limits in per cent, in addition to one instruction.
const MARGIN: f64 = 8.0;

/// The policies that `benches/policies.rs` has functions for, each with a small and a large `maxsize`.
const POLICIES: &[&str] = &["lru", "lfu", "fifo", "rr", "sieve", "s3_fifo", "w_tinylfu", "auto"];

/// The maximum cost of an operation with many entries, in multiples of its cost with few.
const GROWTH_BAR: f64 = 3.0;

/// The difference in calls between the two runs whose instructions are compared.
const CALLS: u32 = 20_000;

/// Like [`CALLS`], but for batches, which are calls of 100 elements.
const BATCHES: u32 = 200;

/// Like [`CALLS`], but for policies, whose cost varies with the entries inserted and evicted.
const GROWTH_CALLS: u32 = 100_000;

/// Lengths of a variable added to the environment. Hashers take their seed from addresses, which depend on
/// the size of the environment, so each length gives another seed; the median excludes a seed that suits the
/// keys badly.
const SEEDS: [usize; 3] = [1, 101, 1009];

/// Counts the instructions of all kinds and policies for the page of results.
pub(crate) fn counted(page: &Page) -> Result {
    if output_of(Command::new("valgrind").arg("--version")).is_err() {
        return Ok(Outcome::Skipped("valgrind is not installed".into()));
    }
    let mut part = String::from(
        "## Instructions\n\nCounted by callgrind, including the loop around the call.\n\n\
         | operation | instructions |\n|---|--:|\n",
    );
    for (kind, _) in KINDS {
        _ = writeln!(part, "| {kind} | {:.1} |", per_call(kind)?);
    }
    page.add(&(part + &growth()?))
}

/// Counts the instructions of the kinds that have a limit, and fails if one exceeds it.
pub(crate) fn limited(options: Options) -> Result {
    if output_of(Command::new("valgrind").arg("--version")).is_err() {
        install("valgrind", "counting instructions", options)?;
    }
    let plain = per_call(PLAIN)?;
    let mut over = String::new();
    println!("{:<22}{:>9}{:>9}", "instructions per", "counted", "limit");
    for (kind, expected) in KINDS {
        let Some(expected) = expected else { continue };
        let (count, limit) = (per_call(kind)? - plain, expected * (1.0 + MARGIN / 100.0) + 1.0);
        println!("{kind:<22}{count:>9.1}{limit:>9.1}");
        if count > limit {
            _ = writeln!(
                over,
                "  {kind}: {count:.1} instructions, at most {limit:.1}: {expected:.1}, {MARGIN} % and 1"
            );
        }
    }
    if over.is_empty() {
        return Ok(Outcome::Done);
    }
    let rustc = output_of(Command::new("rustc").arg("--version")).unwrap_or_default();
    fail(format!(
        "calls take more instructions than their limits (those of a call without a cache are subtracted):\n{over}\
         Counts depend on the compiler: the limits hold for {COUNTED_WITH}, this is {}. If it is the same, see what the \
         change adds to a call, by `callgrind_annotate` on two runs of `instructions KIND CALLS`. If the price is meant, \
         or the compiler is newer, put the new counts into KINDS in xtask/src/instructions.rs, with a line in \
         benches/NOTES.md",
        rustc.trim()
    ))
}

/// Compares the instructions per operation with few and with many entries.
fn growth() -> Result<String> {
    let mut table = String::from("\nHalf of the calls below hit, the other half evict.\n\n");
    table.push_str("| policy | instructions, 100 entries | 100,000 entries | × |\n|---|--:|--:|--:|\n");
    let mut bars = String::from("\n| bar | measured | |\n|---|--:|---|\n");
    for policy in POLICIES {
        let per_call = |entries| between(&format!("{policy}-{entries}"), GROWTH_CALLS, SEEDS[0]);
        let (few, many) = (per_call(100)?, per_call(100_000)?);
        let ratio = many / few;
        let verdict = if ratio <= GROWTH_BAR { "met" } else { "**missed**" };
        _ = writeln!(table, "| `{policy}` | {few:.1} | {many:.1} | {ratio:.2} |");
        _ = writeln!(
            bars,
            "| `{policy}`, 100,000 entries ≤ {GROWTH_BAR} × 100 entries | {ratio:.2} | {verdict} |"
        );
    }
    Ok(table + &bars)
}

/// Returns the instructions per call of this kind: the median over the seeds.
fn per_call(kind: &str) -> Result<f64> {
    let mut counts = Vec::new();
    let calls = if kind.starts_with("batch-") { BATCHES } else { CALLS };
    for seed in SEEDS {
        counts.push(between(kind, calls, seed)?);
    }
    counts.sort_unstable_by(f64::total_cmp);
    Ok(counts[SEEDS.len() / 2])
}

/// Returns the instructions per call, from two runs that differ by `calls` calls.
fn between(kind: &str, calls: u32, seed: usize) -> Result<f64> {
    Ok((count(kind, 2 * calls, seed)? - count(kind, calls, seed)?) / f64::from(calls))
}

/// Returns the instructions of a run with this many calls, including the start and the end of the program.
fn count(kind: &str, calls: u32, seed: usize) -> Result<f64> {
    // Callgrind overwrites the file of its report, so its name must be one that only this process uses.
    let report = env::temp_dir().join(format!("functools-callgrind-{}", process::id()));
    let report_to = format!("--callgrind-out-file={}", report.display());
    let valgrind = ["valgrind", "--tool=callgrind", &report_to, "--log-fd=1"];
    let mut run = cargo("run --quiet --profile bench --package benches --bin instructions --config");
    run.arg(format!("target.'cfg(all())'.runner = {valgrind:?}")).args(["--", kind, &calls.to_string()]);
    run.env("FUNCTOOLS_SEED", "0".repeat(seed));
    let output = output_of(&mut run);
    _ = fs::remove_file(report);
    let output = output?;
    let total = output.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    total.map_or_else(|| fail(format!("no count in the output of callgrind:\n{output}")), Ok)
}
