//! What does a call cost beside the same call as engineers write it today?
//!
//! Within one column all contestants take turns, so their ratios hold where nanoseconds drift;
//! `CPython` is a process of its own and comes right after them. Prints tables for `RESULTS.md`;
//! without cargo's `--bench` it only tries everything once.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Write;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, hint, thread};

use allocation_counter::measure;
use benches::{CALLS, Contestant, ENTRIES, contest, draws, each, text, verdict};
use memoized::{
    CACHED, CONCURRENT, CONCURRENT_ROOMY, FUNCTOOLS, MOKA, Peer, QUICK, QUICK_ROOMY, Subjects, body, peers,
};

mod memoized;
mod subjects;

const LOCK: &str = "`ReentrantMutex`, lock and unlock";
const PYTHON: &str = "CPython's `lru_cache`, called by `map`";

/// Each column's name in a table and to `lru_cache.py`.
const COLUMNS: [(&str, &str); 5] = [
    ("`u64`", "number"),
    ("`(u64, u64)`", "pair"),
    ("`&str`, 16 bytes", "short"),
    ("`&str`, 200 bytes", "long"),
    ("`u64` → `String`", "string"),
];

/// The columns of the contests of two threads.
const THREADS: [(&str, &str, &str); 2] =
    [("bounded 128", "threads", "number"), ("unbounded", "threads-unbounded", "number")];

/// How many times both threads go through the list: starting them must not count.
const TURNS: usize = 64;

/// What was measured of one contestant in one column.
struct Figure {
    name: &'static str,
    nanoseconds: f64,
    allocations: u64,
    computed: u64,
}

type Column = Vec<Figure>;

/// Which functions of a peer are called.
type Mode = fn(&Peer) -> Option<&Subjects>;

/// What `CPython` was measured to take, by case and column.
type Python = HashMap<(String, String), f64>;

/// Where arguments come from.
#[derive(Clone, Copy, PartialEq)]
enum Arguments {
    /// Those that a cache of 128 entries holds, again and again.
    Known,
    /// Never one that was there before.
    Fresh,
}

fn main() {
    let measured = env::args().any(|argument| argument == "--bench");
    let rounds = |rounds| if measured { rounds } else { 1 };
    let peers = peers();

    let bounded: Mode = |peer| peer.bounded.as_ref();
    let unbounded: Mode = |peer| peer.unbounded.as_ref();
    let disabled: Mode = |peer| peer.disabled.as_ref();
    let hits = columns(&peers, bounded, Arguments::Known, rounds(1500));
    let misses = columns(&peers, bounded, Arguments::Fresh, rounds(400));
    let unbounded_hits = columns(&peers, unbounded, Arguments::Known, rounds(1500));
    let calls = columns(&peers, disabled, Arguments::Known, rounds(500));
    let fibonacci = fibonacci(&peers, rounds(2000));
    let threads = [bounded, unbounded].map(|mode| threads(&peers, mode, rounds(31)));
    let python = python(rounds(500));
    let python = python.as_ref();

    let names: Vec<_> = [LOCK].into_iter().chain(peers.iter().map(|peer| peer.name)).collect();
    println!("\n## Beside its peers\n");
    println!(
        "A column is a contest of its own; times are those of best rounds, in multiples of {LOCK}. Bodies are one \
         multiplication, the length of a text, and `format!` to a `String` of 16 bytes. `#[memoize]` takes a `String` \
         for a text, which the caller makes. CPython's strings carry their hash. Of the 128 arguments of a hit, caches \
         in shards may have lost some: the last column of the allocations tells how many.\n"
    );
    for (case, key, columns) in [
        ("hit, bounded 128, all 128 in turn", "hit", &hits),
        ("miss with eviction, bounded 128", "miss", &misses),
        ("hit, unbounded", "unbounded", &unbounded_hits),
        ("call, disabled", "disabled", &calls),
    ] {
        println!("{}", table(case, key, &names, columns, python));
    }
    println!("{}", memory(&names, &hits));
    println!("{}", absolute(&names, &fibonacci, &threads, python));
    println!("{}", bars(&hits, &misses));
}

/// A contest for each column.
fn columns(peers: &[Peer], mode: Mode, arguments: Arguments, rounds: usize) -> [Column; 5] {
    [
        column(peers, |peer| Some(mode(peer)?.number), |n| n, arguments, rounds),
        column(peers, |peer| Some(mode(peer)?.pair), |n| (n, n + 1), arguments, rounds),
        column(peers, |peer| Some(mode(peer)?.short), |n| text(n, 16), arguments, rounds),
        column(peers, |peer| Some(mode(peer)?.long), |n| text(n, 200), arguments, rounds),
        column(peers, |peer| Some(mode(peer)?.string), |n| n, arguments, rounds),
    ]
}

fn column<T>(
    peers: &[Peer],
    calls: impl Fn(&Peer) -> Option<fn(&[T])>,
    make: impl Fn(u64) -> T,
    arguments: Arguments,
    rounds: usize,
) -> Column {
    let draws = draws();
    let list: RefCell<Vec<T>> = RefCell::new(draws.iter().map(|n| make(*n)).collect());
    let fresh = Cell::new(ENTRIES);
    let (list, make, fresh) = (&list, &make, &fresh);
    let prepare = move || {
        if arguments == Arguments::Fresh {
            list.borrow_mut().fill_with(|| make(fresh.replace(fresh.get() + 1)));
        }
    };

    let mut contestants = vec![Contestant::new(LOCK, || each(draws.iter().copied(), subjects::locked))];
    for peer in peers {
        let Some(calls) = calls(peer) else { continue };
        contestants.push(Contestant::new(peer.name, move || calls(&list.borrow())).after(prepare));
    }

    contest(&mut contestants, 4); // fills the caches, and lets those that need to learn do so
    let counted: Vec<_> = contestants
        .iter_mut()
        .map(|one| {
            prepare();
            let before = body::runs();
            (measure(&mut one.batch).count_total, body::runs() - before)
        })
        .collect();
    contest(&mut contestants, rounds);

    let figure = |(one, (allocations, computed)): (&Contestant<'_>, (u64, u64))| Figure {
        name: one.name,
        nanoseconds: one.nanoseconds(),
        allocations,
        computed,
    };
    contestants.iter().zip(counted).map(figure).collect()
}

/// The recursion from an empty cache: 91 misses, 88 hits.
fn fibonacci(peers: &[Peer], rounds: usize) -> Column {
    let recursions = peers.iter().filter_map(|peer| Some((peer.name, peer.recursion.as_ref()?)));
    let contestant = |(name, recursion): (_, &memoized::Recursion)| {
        let (fibonacci, clear) = (recursion.fibonacci, recursion.clear);
        Contestant::new(name, move || each([90], fibonacci)).of(1).after(clear)
    };
    let mut contestants: Vec<_> = recursions.map(contestant).collect();
    contest(&mut contestants, rounds);
    contestants.iter().map(|one| timed(one.name, one.nanoseconds())).collect()
}

/// Hits of two threads at once; the time is what a call takes as one of them sees it.
fn threads(peers: &[Peer], mode: Mode, rounds: usize) -> Column {
    let draws = draws();
    let lock: fn(&[u64]) = |list| each(list.iter().copied(), subjects::locked);
    let calls = peers.iter().filter_map(|peer| Some((peer.name, mode(peer)?.number)));
    let contestant = |(name, calls): (_, fn(&[u64]))| {
        let draws = &draws;
        let batch = move || {
            let ready = AtomicUsize::new(0);
            let turns = || {
                ready.fetch_add(1, Ordering::SeqCst);
                while ready.load(Ordering::SeqCst) < 2 {
                    hint::spin_loop();
                }
                (0..TURNS).for_each(|_| calls(draws));
            };
            thread::scope(|scope| {
                scope.spawn(turns);
                turns();
            });
        };
        Contestant::new(name, batch).of(TURNS * CALLS)
    };
    let mut contestants: Vec<_> = [(LOCK, lock)].into_iter().chain(calls).map(contestant).collect();
    contest(&mut contestants, rounds);
    contestants.iter().map(|one| timed(one.name, one.median())).collect()
}

fn timed(name: &'static str, nanoseconds: f64) -> Figure {
    Figure { name, nanoseconds, allocations: 0, computed: 0 }
}

/// `None` where there is no `python3`.
fn python(rounds: usize) -> Option<Python> {
    let output = Command::new("python3").args(["lru_cache.py", &rounds.to_string()]).output().ok()?;
    let line = |line: &str| {
        let [case, column, nanoseconds] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        Some(((case.to_owned(), column.to_owned()), nanoseconds.parse().ok()?))
    };
    let figures: Python = String::from_utf8_lossy(&output.stdout).lines().filter_map(line).collect();
    (!figures.is_empty()).then_some(figures)
}

fn find<'a>(column: &'a [Figure], name: &str) -> Option<&'a Figure> {
    column.iter().find(|figure| figure.name == name)
}

fn time(column: &[Figure], name: &str) -> f64 {
    find(column, name).map_or(f64::NAN, |figure| figure.nanoseconds)
}

/// A table's first two lines.
fn head<'a>(first: &str, columns: impl IntoIterator<Item = &'a str>) -> String {
    let (mut names, mut rule) = (format!("| {first} |"), String::from("|---|"));
    for column in columns {
        _ = write!(names, " {column} |");
        rule.push_str("--:|");
    }
    format!("{names}\n{rule}\n")
}

/// A line of a table, if there is anything to say.
fn row(out: &mut String, name: &str, cells: impl IntoIterator<Item = Option<String>>) {
    let cells: Vec<_> = cells.into_iter().collect();
    if cells.iter().any(Option::is_some) {
        let cells: Vec<_> = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "—".into())).collect();
        _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
    }
}

/// `CPython`'s line, or why it is missing.
fn python_row(out: &mut String, python: Option<&Python>, cells: impl Iterator<Item = Option<String>>) {
    match python {
        Some(_) => row(out, PYTHON, cells),
        None => row(out, &format!("{PYTHON}: no `python3` here"), cells.map(|_| Some("—".into()))),
    }
}

fn nanoseconds(python: Option<&Python>, case: &str, column: &str) -> Option<f64> {
    python?.get(&(case.to_owned(), column.to_owned())).copied()
}

/// Times in multiples of lock and unlock.
fn table(case: &str, key: &str, names: &[&str], columns: &[Column; 5], python: Option<&Python>) -> String {
    let mut out = head(case, COLUMNS.map(|(title, _)| title));
    for name in names {
        let ratio =
            |column: &Column| Some(format!("{:.2}", find(column, name)?.nanoseconds / time(column, LOCK)));
        row(&mut out, name, columns.iter().map(ratio));
    }
    let cells = columns.iter().zip(COLUMNS).map(|(column, (_, name))| {
        Some(format!("{:.2}", nanoseconds(python, key, name)? / time(column, LOCK)))
    });
    python_row(&mut out, python, cells);
    out
}

/// What hits allocate, and how many of the calls were no hits after all.
fn memory(names: &[&str], hits: &[Column; 5]) -> String {
    let title = format!("hit, bounded 128: allocations in {CALLS} calls");
    let computed = format!("computed anew, of {CALLS} `u64`");
    let mut out = head(&title, COLUMNS.map(|(title, _)| title).into_iter().chain([&*computed]));
    for name in &names[1..] {
        let allocations = hits.iter().map(|column| Some(find(column, name)?.allocations.to_string()));
        let computed = find(&hits[0], name).map(|figure| figure.computed.to_string());
        row(&mut out, name, allocations.chain([computed]));
    }
    out
}

/// Fibonacci and threads, in their own units and in multiples of this library.
fn absolute(names: &[&str], fibonacci: &[Figure], threads: &[Column; 2], python: Option<&Python>) -> String {
    let titles = THREADS.map(|(mode, ..)| format!("2 threads, hit, {mode}, `u64`: ns"));
    let titles = ["`fibonacci(90)`, cold: µs", "×", &titles[0], "×", &titles[1], "×"];
    let columns = [fibonacci, &threads[0][..], &threads[1][..]];
    let cells = |figures: [Option<f64>; 3]| {
        let one = |(figure, (column, unit)): (Option<f64>, (&[Figure], f64))| {
            let ratio = figure.map(|figure| format!("{:.2}", figure / time(column, FUNCTOOLS)));
            [figure.map(|figure| format!("{:.1}", figure / unit)), ratio]
        };
        figures.into_iter().zip(columns.into_iter().zip([1000.0, 1.0, 1.0])).flat_map(one)
    };
    let mut out = head("median of two threads; × `#[lru_cache]`", titles);
    for name in names {
        let figures = columns.map(|column| find(column, name).map(|figure| figure.nanoseconds));
        row(&mut out, name, cells(figures));
    }
    let [(_, bounded, number), (_, unbounded, _)] = THREADS;
    let figures = ["fibonacci", bounded, unbounded].map(|case| nanoseconds(python, case, number));
    python_row(&mut out, python, cells(figures));
    out
}

/// What was promised of this library beside its peers.
fn bars(hits: &[Column; 5], misses: &[Column; 5]) -> String {
    let mut out = String::from("| bar | measured | |\n|---|--:|---|\n");
    let mut bar = |claim: String, measured: f64, digits: usize, met: bool| {
        row(&mut out, &claim, [Some(format!("{measured:.digits$}")), Some(verdict(met).into())]);
    };
    let [numbers, _, texts, ..] = hits;
    for peer in [CACHED, CONCURRENT, CONCURRENT_ROOMY, MOKA, QUICK, QUICK_ROOMY] {
        let ratio = time(numbers, FUNCTOOLS) / time(numbers, peer);
        bar(format!("hit, bounded 128, `u64` < 1 × {peer}"), ratio, 2, ratio < 1.0);
    }
    let allocations = find(texts, FUNCTOOLS).map_or(0, |figure| figure.allocations);
    #[expect(clippy::cast_precision_loss, reason = "it is zero, or wrong anyway")]
    bar("hit, `&str` of 16 bytes: no allocation".into(), allocations as f64, 0, allocations == 0);
    let ratio = time(texts, CACHED) / time(texts, FUNCTOOLS);
    bar(format!("hit, `&str` of 16 bytes: ≥ 1.5 × as fast as {CACHED}"), ratio, 2, ratio >= 1.5);
    let ratio = time(&misses[0], FUNCTOOLS) / time(&misses[0], CACHED);
    bar(format!("miss with eviction, 128, `u64` ≤ 0.8 × {CACHED}"), ratio, 2, ratio <= 0.8);
    out
}
