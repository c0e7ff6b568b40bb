//! The comparison in `RESULTS.md`: a table for each kind of call, and the bars.

use std::fmt::Write;

use benches::{BARS, bar};

use crate::memoized::{
    BODY, CACHED, CONCURRENT, CONCURRENT_ROOMY, FUNCTOOLS, LRU, MEMOIZE, MEMOIZE_SHARED, MOKA, OURS,
    PER_THREAD, QUICK, QUICK_ROOMY, SHARDS, THREAD, UNSYNC,
};
use crate::memory::Held;
use crate::threads::{Crowds, Keys, THREADS};
use crate::{BARE, Column, Figure, Figures, LOCK, python};

/// Bars on the time of a hit: the first contestant takes at most this many times as long as the last, in the
/// first column.
const HIT_BARS: &[(&str, f64, &str)] = &[
    (FUNCTOOLS, 1.12, LOCK),
    (FUNCTOOLS, 0.8, CACHED),
    (FUNCTOOLS, 0.8, QUICK),
    (FUNCTOOLS, 0.8, QUICK_ROOMY),
    (FUNCTOOLS, 0.8, MOKA),
    (FUNCTOOLS, 1.0, CONCURRENT),
    (FUNCTOOLS, 1.0, CONCURRENT_ROOMY),
    (THREAD, 1.7, BARE),
];

/// The rivals at a miss and in a cold recursion: contestants that share results between threads are compared
/// with each other, and contestants with a cache per thread with each other.
const RIVALS: &[(&str, &[&str])] = &[
    (FUNCTOOLS, &[CACHED, UNSYNC, CONCURRENT, CONCURRENT_ROOMY, MEMOIZE_SHARED, MOKA, QUICK, QUICK_ROOMY]),
    (THREAD, &[MEMOIZE]),
];

/// Contestants whose recursions must be slower than ours.
const MACROS: &[&str] = &[CACHED, UNSYNC, CONCURRENT, MEMOIZE, MEMOIZE_SHARED];

pub(crate) fn page(figures: &Figures) -> String {
    let mut out = String::from("## Compared with other libraries\n\n");
    out.push_str(
        "Each column is a contest: all contestants take turns, and times are those of the best round, and after the dot \
         the medians of all rounds, each in multiples of an uncontended lock and unlock in the same contest. In brackets: allocations per call, if any. The arguments come \
         from a shuffled list. The bodies are one multiplication, the length of the argument, `format!` to a `String` of \
         16 bytes, or a new `Arc` of 128 bytes. `#[memoize]` takes a `String` or a `Vec`, which the caller makes. \
         CPython's strings and bytes store their hash. Sharded caches may have evicted some of the 128 entries: the last \
         column is the share of calls that hit.\n\n",
    );
    out += &plot("hit", "Hits of one thread, in multiples of a lock and unlock");
    out += &ratios("hit, bounded 128, all 128 in turn", &figures.hits);
    out += &ratios("miss with eviction, bounded 128", &figures.misses);
    out += &ratios("hit, unbounded", &figures.unbounded);
    out += &ratios("call, disabled", &figures.disabled);
    out += &recursion(&figures.recursion);

    out.push_str(
        "Threads, which all hit at the same time; the numbers are medians, in million calls per second of all threads \
         together. The keys are one of the 128 in the cache, all of them with a Zipf distribution (the second half as \
         often as the first, and so on), or a disjoint set for each thread. Caches per thread share nothing.\n\n",
    );
    out += &plot("threads", "Throughput by threads, for one hot key, Zipf and disjoint keys");
    for crowds in &figures.threads {
        out += &threads(crowds);
    }
    out += &traces(&figures.traces);
    out += &memory(&figures.memory);
    out += &bars(figures);
    out
}

/// Returns a plot as an image of the page.
fn plot(name: &str, what: &str) -> String {
    format!("![{what}](../docs/benchmarks-{name}.svg)\n\n")
}

/// Returns the first two lines of a table.
fn head<'a>(first: &str, columns: impl IntoIterator<Item = &'a str>) -> String {
    let (mut names, mut rule) = (format!("| {first} |"), String::from("|---|"));
    for column in columns {
        _ = write!(names, " {column} |");
        rule.push_str("--:|");
    }
    format!("{names}\n{rule}\n")
}

/// Adds a line to a table, if it has any cell.
fn row(out: &mut String, name: &str, cells: impl IntoIterator<Item = Option<String>>) {
    let cells: Vec<_> = cells.into_iter().collect();
    if cells.iter().any(Option::is_some) {
        let cells: Vec<_> = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "—".into())).collect();
        _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
    }
}

/// Returns the contestants of these columns, in their order.
fn names<'a>(columns: impl IntoIterator<Item = &'a Column>) -> Vec<&'static str> {
    let mut names = Vec::new();
    for Figure { name, .. } in columns.into_iter().flat_map(|column| &column.figures) {
        if !names.contains(name) {
            names.push(*name);
        }
    }
    names
}

fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

/// Returns a time in multiples of that of `unit`, the same of medians, and the allocations.
fn times(column: &Column, name: &str, unit: &str) -> Option<String> {
    let (found, unit) = (column.find(name)?, column.find(unit)?);
    let mut cell = format!("{:.2}", found.nanoseconds / unit.nanoseconds);
    if let (Some(median), Some(unit)) = (found.median, unit.median) {
        _ = write!(cell, " · {:.2}", median / unit);
    }
    if let Some(allocations) = column.allocations(name).filter(|count| *count > 0.0) {
        let count = if allocations < 0.01 { "<0.01".into() } else { format!("{allocations:.2}") };
        _ = write!(cell, " ({})", count.trim_end_matches(".00"));
    }
    Some(cell)
}

/// Returns a table of times in multiples of lock and unlock, with the share of hits in the first column.
fn ratios(title: &str, columns: &[Column]) -> String {
    let titles = columns.iter().map(|column| &*column.title);
    let mut out = head(title, titles.chain(["hits, `u64`"]));
    for name in names(columns) {
        let ratios = columns.iter().map(|column| times(column, name, LOCK));
        let hits = columns.first().filter(|_| ![LOCK, BARE, BODY].contains(&name));
        let hits = hits.and_then(|column| Some(percent(column.hit_ratio(name)?)));
        row(&mut out, name, ratios.chain([hits]));
    }
    out + "\n"
}

fn recursion(column: &Column) -> String {
    let mut out =
        head("cold recursion, unbounded: `fibonacci(90)`", ["µs", "× `#[lru_cache]`", "allocations"]);
    for Figure { name, nanoseconds, .. } in &column.figures {
        let microseconds = format!("{:.2}", nanoseconds / 1000.0);
        let ratio = format!("{:.2}", nanoseconds / column.time(FUNCTOOLS));
        let allocations = column.allocations(name).map(|count| format!("{count:.0}"));
        row(&mut out, name, [Some(microseconds), Some(ratio), allocations]);
    }
    out + "\n"
}

/// Returns million calls per second of all threads together, from the time per call of each.
pub(crate) fn throughput(threads: u8, nanoseconds: f64) -> f64 {
    1000.0 * f64::from(threads) / nanoseconds
}

fn threads(crowds: &Crowds) -> String {
    let columns = || crowds.by_keys.iter().flat_map(|(_, columns)| columns.iter().zip(THREADS));
    let title = |(at, (keys, _)): (usize, &(Keys, Vec<Column>))| {
        THREADS.map(|threads| match threads {
            1 if at == 0 => format!("{}: 1 thread", keys.title()),
            1 => format!("{}: 1", keys.title()),
            more => more.to_string(),
        })
    };
    let titles: Vec<_> = crowds.by_keys.iter().enumerate().flat_map(title).collect();
    let mut out = head(crowds.title, titles.iter().map(|title| &**title));
    for name in names(columns().map(|(column, _)| column)) {
        let cell = |(column, threads): (&Column, u8)| {
            Some(format!("{:.1}", throughput(threads, column.find(name)?.nanoseconds)))
        };
        row(&mut out, name, columns().map(cell));
    }
    out + "\n"
}

fn traces(columns: &[Column]) -> String {
    if columns.is_empty() {
        return "No recorded traces were found next to the repository, so none were replayed.\n\n".into();
    }
    let mut out = String::from(
        "Recorded calls, replayed from an empty cache with a capacity of 1000 entries: million calls per second, and the \
         share of calls that hit.\n\n",
    );
    out += &head("trace", columns.iter().map(|column| &*column.title));
    for name in names(columns) {
        let cell = |column: &Column| {
            let throughput = format!("{:.1}", throughput(1, column.find(name)?.nanoseconds));
            let hits = column.hit_ratio(name).map(percent);
            Some(hits.map_or(throughput.clone(), |hits| format!("{throughput}, {hits}")))
        };
        row(&mut out, name, columns.iter().map(cell));
    }
    out + "\n"
}

fn memory(held: &[Held]) -> String {
    let mut out = String::from(
        "Bytes requested from the allocator, `u64` to `u64`, without the overhead of the allocator itself.\n\n",
    );
    out += &plot("memory", "Bytes per entry");
    out += &head("capacity 1,000,000, full", ["bytes per entry", "peak while growing", "entries"]);
    for Held { name, bytes, most, entries } in held {
        row(
            &mut out,
            name,
            [Some(format!("{bytes:.1}")), Some(format!("{most:.1}")), Some(entries.to_string())],
        );
    }
    out + "\n"
}

/// Returns the fastest of these contestants, and its time.
fn best<'a>(column: &Column, names: &[&'a str]) -> (&'a str, f64) {
    let times = names.iter().map(|name| (*name, column.time(name)));
    let times = times.filter(|(_, time)| !time.is_nan());
    times.min_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap_or(("none", f64::NAN))
}

/// Returns the bars of the comparison.
fn bars(figures: &Figures) -> String {
    let mut out = BARS.to_owned();
    out += &hit_bars(figures);
    out += &thread_bars(figures);
    out += &miss_bars(figures);
    for (ours, peers) in RIVALS {
        for peer in peers.iter().filter(|peer| MACROS.contains(peer)) {
            let ratio = figures.recursion.time(ours) / figures.recursion.time(peer);
            out +=
                &bar(&format!("cold `fibonacci(90)`, {ours} < 1 × {peer}"), ratio, 2, |ratio| ratio < 1.0);
        }
    }
    out += &memory_bars(&figures.memory);
    out
}

fn hit_bars(figures: &Figures) -> String {
    let mut out = String::new();
    let [numbers, pairs, texts, ..] = &figures.hits[..] else { return out };
    for (ours, limit, other) in HIT_BARS {
        let claim = format!("hit, {ours}, `u64` ≤ {limit} × {other}");
        out += &bar(&claim, numbers.time(ours) / numbers.time(other), 2, |ratio| ratio <= *limit);
    }
    let ratio = pairs.time(FUNCTOOLS) / pairs.time(LOCK);
    out +=
        &bar(&format!("hit, {FUNCTOOLS}, `(u64, u64)` ≤ 1.12 × {LOCK}"), ratio, 2, |ratio| ratio <= 1.12);
    let ratio = numbers.time(MEMOIZE) / numbers.time(THREAD);
    out += &bar(&format!("hit, {THREAD}, `u64`: ≥ 1.5 × as fast as {MEMOIZE}"), ratio, 2, |ratio| {
        ratio >= 1.5
    });
    let ratio = texts.time(CACHED) / texts.time(FUNCTOOLS);
    let claim = format!("hit, `&str` of 16 bytes: ≥ 1.5 × as fast as {CACHED}");
    out += &bar(&claim, ratio, 2, |ratio| ratio >= 1.5);
    out
}

/// Returns the bars on what a second thread adds to a hit, and on the throughput of threads with disjoint
/// keys.
fn thread_bars(figures: &Figures) -> String {
    let mut out = String::new();
    let Some(unbounded) = figures.threads.last() else { return out };
    for keys in Keys::ALL {
        let time =
            |threads| unbounded.column(keys, threads).map_or(f64::NAN, |column| column.time(FUNCTOOLS));
        let claim = format!("hit, unbounded, {}: each of 2 threads ≤ 1.3 × one alone", keys.title());
        out += &bar(&claim, time(2) / time(1), 2, |ratio| ratio <= 1.3);
    }
    let bounded = figures.threads.first().and_then(|bounded| bounded.column(Keys::Apart, 2));
    let Some(column) = bounded else { return out };
    let is_peer = |name: &&str| ![OURS, PER_THREAD, &[LOCK, python::NAME]].concat().contains(name);
    let peers: Vec<_> = column.figures.iter().map(|figure| figure.name).filter(is_peer).collect();
    let (peer, best) = best(column, &peers);
    let claim = format!("hit, {SHARDS}, 2 threads, disjoint keys ≤ 1 × {peer}, the best that shares results");
    out += &bar(&claim, column.time(SHARDS) / best, 2, |ratio| ratio <= 1.0);
    out
}

fn miss_bars(figures: &Figures) -> String {
    let mut out = String::new();
    let [numbers, pairs, ..] = &figures.misses[..] else { return out };
    let time = |name| numbers.time(name);
    let ratio = (time(FUNCTOOLS) - time(BODY)) / time(LOCK);
    out +=
        &bar(&format!("miss with eviction, `u64`, without the body ≤ 2.4 × {LOCK}"), ratio, 2, |ratio| {
            ratio <= 2.4
        });
    for (ours, peers) in RIVALS {
        let (peer, best) = best(numbers, peers);
        let claim = format!("miss with eviction, {ours}, `u64` ≤ 1 × {peer}, the best of its kind");
        out += &bar(&claim, time(ours) / best, 2, |ratio| ratio <= 1.0);
    }
    let ratio = time(FUNCTOOLS) / time(LRU);
    out += &bar(&format!("miss with eviction, `u64` ≤ 1.05 × {LRU}"), ratio, 2, |ratio| ratio <= 1.05);
    let ratio = time(FUNCTOOLS) / time(CACHED);
    out += &bar(&format!("miss with eviction, `u64` ≤ 0.8 × {CACHED}"), ratio, 2, |ratio| ratio <= 0.8);
    for column in [numbers, pairs] {
        let allocations = column.allocations(FUNCTOOLS).unwrap_or(f64::NAN);
        let claim = format!("miss with eviction, {}: no allocation", column.title);
        out += &bar(&claim, allocations, 3, |count| count == 0.0);
    }
    out
}

fn memory_bars(held: &[Held]) -> String {
    let bytes = |name: &str| held.iter().find(|held| held.name == name).map_or(f64::NAN, |held| held.bytes);
    let mut out = bar(&format!("memory, {FUNCTOOLS} ≤ 48 bytes per entry"), bytes(FUNCTOOLS), 1, |bytes| {
        bytes <= 48.0
    });
    let others = held.iter().filter(|held| !OURS.contains(&held.name) && held.name != python::NAME);
    if let Some(least) = others.min_by(|one, other| one.bytes.total_cmp(&other.bytes)) {
        let claim = format!("memory, every peer larger: bytes by which {}, the least, is", least.name);
        out += &bar(&claim, least.bytes - bytes(FUNCTOOLS), 1, |more| more > 0.0);
    }
    out
}
