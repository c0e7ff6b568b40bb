//! The regret of a policy: by how many points its hit ratio is below that of the best policy for each trace and capacity, which is not
//! known beforehand.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use functools::Cache;
use functools::policy::{Auto, Lru, Policy, S3Fifo, WTinyLfu};

use crate::Failure;
use crate::plot::{self, Regrets};
use crate::trace::Trace;

/// How often a trace is replayed, with other hashes of the keys. The median counts.
const REPLAYS: u64 = 5;

/// The fewest requests of a trace by which `policy = auto` is judged: it has to learn first.
const FEWEST_REQUESTS: usize = 1000;

/// The bars for `policy = auto`, in points: the mean of all traces and capacities, the largest one, and the one that nine of ten keep. They
/// are wide: hashes differ in every run, and two short cells vary by 2 points.
const MEAN_BAR: f64 = 0.5;
const WORST_BAR: f64 = 3.5;
const USUAL_BAR: f64 = 2.5;

/// A policy: its name, and a function that counts its hits on a trace, by capacity and number of the replay.
struct Series {
    name: &'static str,
    hits: fn(&[u64], usize, u64) -> usize,
}

const AUTO: Series = Series { name: "auto", hits: replay::<Auto> };

/// The policies between which the choice is.
const OTHERS: [Series; 3] = [
    Series { name: "lru", hits: replay::<Lru> },
    Series { name: "s3_fifo", hits: replay::<S3Fifo> },
    Series { name: "w_tinylfu", hits: replay::<WTinyLfu> },
];

/// Replays the trace: look each key up, and insert it on a miss.
fn replay<P: Policy>(keys: &[u64], capacity: usize, replay: u64) -> usize {
    let cache = Cache::<(u64, u64), (), P>::new(Some(capacity));
    for &key in keys {
        if cache.get(&(key, replay)).is_none() {
            cache.insert((key, replay), ());
        }
    }
    usize::try_from(cache.info().hits).unwrap_or(usize::MAX)
}

/// The best policy of the reference for a trace and a capacity.
struct Best {
    capacity: usize,
    policy: String,
    ratio: f64,
}

/// Returns the best policy for each capacity of a trace. The optimum, which knows the future, is no policy.
fn best(table: &str, trace: &Trace) -> Vec<Best> {
    let mut all: Vec<Best> = Vec::new();
    for line in table.lines().skip(1) {
        let &[name, capacity, policy, _, hits, ..] = &line.split(',').collect::<Vec<_>>()[..] else {
            continue;
        };
        let (Ok(capacity @ 1..), Ok(hits)) = (capacity.parse(), hits.parse()) else { continue };
        if name != trace.name || policy.starts_with("OPT") {
            continue;
        }
        let one = Best { capacity, policy: policy.to_owned(), ratio: 100.0 * trace.ratio(hits) };
        match all.iter_mut().find(|best| best.capacity == capacity) {
            Some(best) if best.ratio >= one.ratio => {}
            Some(best) => *best = one,
            None => all.push(one),
        }
    }
    all
}

/// Returns the regret of the median replay, in points.
fn regret(series: &Series, trace: &Trace, best: &Best) -> f64 {
    let count = |replay| (series.hits)(&trace.keys, best.capacity, replay);
    let mut hits: Vec<usize> = thread::scope(|scope| {
        let replays: Vec<_> = (0..REPLAYS).map(|replay| scope.spawn(move || count(replay))).collect();
        replays.into_iter().map(|replay| replay.join().unwrap_or(0)).collect()
    });
    hits.sort_unstable();
    best.ratio - 100.0 * trace.ratio(hits[hits.len() / 2])
}

fn read(reference: &Path) -> Result<String, Failure> {
    fs::read_to_string(reference).map_err(|error| Failure(format!("{}: {error}", reference.display())))
}

/// Prints a table of the regret of `auto` and of the policies that it chooses from, and plots it if there is a path.
pub(crate) fn table(reference: &Path, files: &[PathBuf], svg: Option<&Path>) -> Result<(), Failure> {
    let table = read(reference)?;
    let all = || [&AUTO].into_iter().chain(&OTHERS);
    let names: Vec<_> = all().map(|series| series.name).collect();
    println!("trace,capacity,best,hit_ratio,{}", names.join(","));
    let mut regrets = Vec::new();
    for file in files {
        let trace = Trace::read(file)?;
        for best in best(&table, &trace) {
            let points: Vec<_> = all().map(|series| regret(series, &trace, &best)).collect();
            print!("{},{},{},{:.2}", trace.name, best.capacity, best.policy, best.ratio);
            for points in &points {
                print!(",{points:.2}");
            }
            println!();
            regrets.push(Regrets { label: format!("{} {}", trace.name, best.capacity), points });
        }
    }
    let Some(svg) = svg else { return Ok(()) };
    plot::draw_regrets(svg, &names, &regrets)
        .map_err(|error| Failure(format!("{} can't be written: {error}", svg.display())))
}

/// Checks the regret of `auto` against the bars.
pub(crate) fn check(reference: &Path, traces: &[Trace]) -> Result<(), Failure> {
    let table = read(reference)?;
    println!("\n{:<12}{:>9} {:<12}{:>9}", "regret of", "capacity", "best", "points");
    let mut regrets = Vec::new();
    for trace in traces.iter().filter(|trace| trace.keys.len() >= FEWEST_REQUESTS) {
        for best in best(&table, trace) {
            let points = regret(&AUTO, trace, &best);
            println!("{:<12}{:>9} {:<12}{points:>+9.2}", trace.name, best.capacity, best.policy);
            regrets.push(points);
        }
    }
    if regrets.is_empty() {
        println!("No trace has {FEWEST_REQUESTS} requests, from which `auto` could learn.");
        return Ok(());
    }
    #[expect(clippy::cast_precision_loss, reason = "there are few")]
    let count = regrets.len() as f64;
    let mean = regrets.iter().sum::<f64>() / count;
    regrets.sort_by(f64::total_cmp);
    let worst = regrets.last().copied().unwrap_or(0.0);
    let usual = regrets.len().saturating_sub(1) * 9 / 10;
    let usual = regrets.get(usual).copied().unwrap_or(0.0);
    let verdict = format!(
        "mean {mean:.2}, at most {MEAN_BAR}; worst {worst:.2}, at most {WORST_BAR}; of nine in ten {usual:.2}, at most {USUAL_BAR}"
    );
    if mean > MEAN_BAR || worst > WORST_BAR || usual > USUAL_BAR {
        return Err(Failure(format!("policy = auto is too far from the best policy: {verdict}")));
    }
    println!("policy = auto is close enough to the best policy: {verdict}.");
    Ok(())
}
