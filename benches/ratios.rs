//! What does a call cost, in multiples of a lock and unlock, and how often does it allocate?
//!
//! The contestants take turns within one run, so their ratios are valid even when the machine's speed varies.
//! Prints a part of `RESULTS.md`; without cargo's `--bench` it runs everything once and prints it.

use std::env;
use std::fmt::Write;

use allocation_counter::measure;
use benches::{BARS, CALLS, Contestant, ENTRIES, bar, contest, draws, each, text};
use hashbrown::HashMap;

mod subjects;

/// Bars on time: the first contestant takes at most this many times as long as the last.
const TIME_BARS: &[(&str, f64, &str)] = &[
    (HIT, 1.25, LOCK),
    (GENERIC, 1.5, HIT),
    (GENERIC_UNTYPED, 1.5, HIT),
    (GENERIC_RESULT, 1.5, HIT),
    (METHOD, 1.5, HIT),
    (METHOD_SKIPPING_SELF, 1.5, HIT),
    (ASYNC, 1.3, HIT),
    (LFU, 1.3, HIT),
    (FIFO, 1.3, HIT),
    (TTL, 1.0, HIT_AND_CLOCK),
    ("call, disabled", 1.0, COUNTED),
];

/// Contestants that must not allocate.
const MEMORY_BARS: &[&str] = &[
    "hit, &str of 16 bytes",
    "hit, &str of 200 bytes",
    GENERIC,
    GENERIC_UNTYPED,
    GENERIC_RESULT,
    METHOD,
    METHOD_SKIPPING_SELF,
    ASYNC,
    OBJECT,
    THREAD,
    SHARDS,
    LFU,
    FIFO,
    TTL,
    "miss with eviction, 128",
    THREAD_MISS,
];

const THREAD_MISS: &str = "miss with eviction, 128, scope = thread";
const LOCK: &str = "ReentrantMutex, lock and unlock";
const HIT: &str = "hit, bounded 128";
const GENERIC: &str = "hit, generic, typed = true";
const GENERIC_UNTYPED: &str = "hit, generic, typed = false";
const GENERIC_RESULT: &str = "hit, generic result";
const METHOD: &str = "hit, method, &self in the key";
const METHOD_SKIPPING_SELF: &str = "hit, method, #[key(skip)] &self";
const ASYNC: &str = "hit, async fn, polled once";
const OBJECT: &str = "hit, cache = memo";
const THREAD: &str = "hit, scope = thread";
const SHARDS: &str = "hit, shards = 16";
const LFU: &str = "hit, policy = lfu";
const FIFO: &str = "hit, policy = fifo";
const TTL: &str = "hit, ttl";
const HIT_AND_CLOCK: &str = "hit, bounded 128, and a reading of the clock";
const COUNTED: &str = "plain call and an atomic addition";

fn main() {
    let measured = env::args().any(|argument| argument == "--bench");
    let draws = draws();
    let map: HashMap<u64, u64> = (0..ENTRIES).map(|n| (n, n)).collect();
    let (short, long) = (texts(&draws, 16), texts(&draws, 200));
    let (mut fresh, mut fresh_of_thread) = (0.., 0..);

    let mut contestants = [
        Contestant::new(LOCK, || each(draws.iter().copied(), subjects::locked)),
        Contestant::new("HashMap, find", || each(&draws, |n| map.get(n).copied())),
        Contestant::new(HIT, || each(draws.iter().copied(), subjects::bounded)),
        Contestant::new("hit, unbounded", || each(draws.iter().copied(), subjects::unbounded)),
        Contestant::new("hit, &str of 16 bytes", || each(&short, |text| subjects::borrowed(text))),
        Contestant::new("hit, &str of 200 bytes", || each(&long, |text| subjects::borrowed_long(text))),
        Contestant::new(GENERIC, || each(draws.iter().copied(), subjects::typed)),
        Contestant::new(GENERIC_UNTYPED, || each(draws.iter().copied(), subjects::untyped)),
        Contestant::new(GENERIC_RESULT, || each(draws.iter().copied(), subjects::generic_result)),
        Contestant::new(METHOD, || each(draws.iter().copied(), subjects::method)),
        Contestant::new(METHOD_SKIPPING_SELF, || each(draws.iter().copied(), subjects::method_skipping_self)),
        Contestant::new(ASYNC, || each(draws.iter().copied(), subjects::polled)),
        Contestant::new(OBJECT, || each(draws.iter().copied(), subjects::in_object)),
        Contestant::new(THREAD, || each(draws.iter().copied(), subjects::of_thread)),
        Contestant::new(SHARDS, || each(draws.iter().copied(), subjects::sharded)),
        Contestant::new(LFU, || each(draws.iter().copied(), subjects::lfu)),
        Contestant::new(FIFO, || each(draws.iter().copied(), subjects::fifo)),
        Contestant::new("hit, policy = sieve", || each(draws.iter().copied(), subjects::sieve)),
        Contestant::new("hit, policy = s3_fifo", || each(draws.iter().copied(), subjects::s3_fifo)),
        Contestant::new("hit, policy = w_tinylfu", || each(draws.iter().copied(), subjects::w_tinylfu)),
        Contestant::new(TTL, || each(draws.iter().copied(), subjects::timed)),
        Contestant::new(HIT_AND_CLOCK, || each(draws.iter().copied(), subjects::bounded_and_clock)),
        Contestant::new("miss with eviction, 128", || each(fresh.by_ref().take(CALLS), subjects::evicting)),
        Contestant::new(THREAD_MISS, || {
            each(fresh_of_thread.by_ref().take(CALLS), subjects::of_thread_evicting);
        }),
        Contestant::new("plain call", || each(draws.iter().copied(), subjects::plain)),
        Contestant::new(COUNTED, || each(draws.iter().copied(), subjects::plain_and_counted)),
        Contestant::new("call, disabled", || each(draws.iter().copied(), subjects::disabled)),
    ];

    contest(&mut contestants, 1); // fills the caches
    let allocated: Vec<_> =
        contestants.iter_mut().map(|one| one.play_for(|round| measure(round)).count_total).collect();
    contest(&mut contestants, if measured { 10_000 } else { 1 });

    println!("{}", results(&contestants, &allocated));
}

fn texts(draws: &[u64], length: usize) -> Vec<String> {
    draws.iter().map(|n| text(*n, length)).collect()
}

fn results(contestants: &[Contestant<'_>], allocated: &[u64]) -> String {
    let find = |name: &str| {
        contestants.iter().position(|one| one.name == name).expect("every name is a contestant's")
    };
    let time = |name: &str| contestants[find(name)].nanoseconds();
    let mut out = String::from("## Each kind of call\n\n");
    _ = writeln!(
        out,
        "The contestants take turns. Each time is that of the best of the rounds of {CALLS} calls; beside it the median of \
         all rounds. The last two columns are from [another machine](RESULTS-2026-11-22.md), where a lock costs more, before \
         hits of plain data took no lock.\n"
    );
    _ = writeln!(
        out,
        "| operation | ns | × lock and unlock | median, ns | × lock and unlock | allocations in {CALLS} | other machine, ns \
         | × lock and unlock |\n|---|--:|--:|--:|--:|--:|--:|--:|"
    );
    let median_of_lock = contestants[find(LOCK)].median();
    for (one, allocations) in contestants.iter().zip(allocated) {
        let (name, nanoseconds, median) = (one.name, one.nanoseconds(), one.median());
        let [other, other_ratio] = on_another_machine(name).unwrap_or(["—"; 2]);
        _ = writeln!(
            out,
            "| {name} | {nanoseconds:.2} | {:.2} | {median:.2} | {:.2} | {allocations} | {other} | {other_ratio} |",
            nanoseconds / time(LOCK),
            median / median_of_lock
        );
    }

    _ = write!(out, "\n{BARS}");
    for (name, limit, floor) in TIME_BARS {
        let claim = format!("{name} ≤ {limit} × {floor}");
        out += &bar(&claim, time(name) / time(floor), 2, |ratio| ratio <= *limit);
    }
    for name in MEMORY_BARS {
        #[expect(clippy::cast_precision_loss, reason = "the number is small")]
        let allocations = allocated[find(name)] as f64;
        out += &bar(&format!("{name}: no allocation"), allocations, 0, |count| count == 0.0);
    }
    out
}

/// Returns the nanoseconds of an operation on another machine, and the multiple of a lock and unlock there.
fn on_another_machine(name: &str) -> Option<[&'static str; 2]> {
    let results = include_str!("RESULTS-2026-11-22.md");
    let (_, table) = results.split_once("## Each kind of call")?;
    let mut rows = table.lines().map(|line| line.trim_matches(['|', ' ']).split(" | "));
    let mut row = rows.find_map(|mut cells| (cells.next()? == name).then_some(cells))?;
    Some([row.next()?, row.next()?])
}
