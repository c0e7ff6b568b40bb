//! Instructions per call, which unlike times are nearly the same in each run: counted for the page of
//! results, and held to limits in CI.

use std::fmt::Write;
use std::process::Command;
use std::{env, fs, process};

use crate::page::Page;
use crate::step::{Outcome, Result, cargo, fail, install, output_of};

/// The kinds of calls that `benches/instructions.rs` can make; and how many instructions each has been
/// counted to take more than [`PLAIN`], where a change must not add to them.
const KINDS: &[(&str, Option<f64>)] = &[
    ("lock", None),
    ("hit", Some(110.1)),
    ("unbounded", Some(89.0)),
    ("unbounded-lent", Some(102.0)),
    ("generic", Some(152.7)),
    ("generic-untyped", Some(140.2)),
    ("generic-result", Some(163.2)),
    ("method", Some(214.9)),
    ("method-skipping-self", Some(154.4)),
    ("async", Some(125.6)),
    ("object", Some(183.4)),
    ("thread", Some(108.2)),
    ("thread-unbounded", Some(79.0)),
    ("thread-miss", Some(178.8)),
    ("shards", Some(156.3)),
    ("shards-miss", Some(279.2)),
    ("miss", Some(194.9)),
    ("disabled", Some(1.0)),
    ("counted", None),
    (PLAIN, None),
];

/// The compiler that these calls were compiled by: another one may come to other counts.
const COUNTED_WITH: &str = "rustc 1.95.0";

/// The loop and a function without a cache.
const PLAIN: &str = "plain";

/// How much more a call may take, in per cent, and one instruction.
const MARGIN: f64 = 8.0;

/// The policies that `benches/policies.rs` has functions of, with room for few and for many entries.
const POLICIES: &[&str] = &["lru", "lfu", "fifo", "rr", "sieve", "s3_fifo", "w_tinylfu"];

/// What an operation may take among many entries, in multiples of what it takes among few.
const GROWTH_BAR: f64 = 3.0;

/// How many calls lie between the two runs whose instructions are compared.
const CALLS: u32 = 20_000;

/// The same for policies, which have more to do with entries that come and go.
const GROWTH_CALLS: u32 = 100_000;

/// How much longer the environment is made: hashers take their seed from addresses, which depend on
/// it. So each of these has a seed of its own, and the median none that suits the keys badly.
const SEEDS: [usize; 3] = [1, 101, 1009];

/// Counts all kinds and policies for the page of results.
pub(crate) fn counted(page: &Page) -> Result {
    if output_of(Command::new("valgrind").arg("--version")).is_err() {
        return Ok(Outcome::Skipped("valgrind is not installed".into()));
    }
    let mut part = String::from(
        "## Instructions\n\nCounted by callgrind, with the loop around the call.\n\n\
         | operation | instructions |\n|---|--:|\n",
    );
    for (kind, _) in KINDS {
        _ = writeln!(part, "| {kind} | {:.1} |", per_call(kind)?);
    }
    page.add(&(part + &growth()?))
}

/// Counts the kinds that have a limit, and fails if one takes more.
pub(crate) fn limited() -> Result {
    if output_of(Command::new("valgrind").arg("--version")).is_err() {
        install("valgrind", "a count of instructions")?;
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
        "calls take more instructions than they did, those of a call without a cache taken away:\n{over}\
         Counts depend on the compiler: the limits hold for {COUNTED_WITH}, this is {}. If it is the same, see what the \
         change adds to a call, by `callgrind_annotate` on two runs of `instructions KIND CALLS`. If the price is meant, \
         or the compiler is newer, put the new counts into KINDS in xtask/src/instructions.rs, with a line in \
         benches/NOTES.md",
        rustc.trim()
    ))
}

/// Whether operations take more instructions the more entries there are.
fn growth() -> Result<String> {
    let mut table = String::from("\nHalf of the calls below ask for what is there, the others evict.\n\n");
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

/// How many instructions a call of this kind takes.
fn per_call(kind: &str) -> Result<f64> {
    let mut counts = Vec::new();
    for seed in SEEDS {
        counts.push(between(kind, CALLS, seed)?);
    }
    counts.sort_unstable_by(f64::total_cmp);
    Ok(counts[SEEDS.len() / 2])
}

/// How many instructions a call takes, of so many that one run makes more than another.
fn between(kind: &str, calls: u32, seed: usize) -> Result<f64> {
    Ok((count(kind, 2 * calls, seed)? - count(kind, calls, seed)?) / f64::from(calls))
}

/// How many instructions that many calls take, with the start and the end of the program.
fn count(kind: &str, calls: u32, seed: usize) -> Result<f64> {
    // Callgrind replaces whatever has the name of its report, which nobody asked for: so that name is ours.
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
    total.map_or_else(|| fail(format!("no count in what callgrind wrote:\n{output}")), Ok)
}
