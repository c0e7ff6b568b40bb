//! What does a batch cost, in multiples of as many calls of single keys that make the same container, and what does it
//! allocate?
//!
//! The contestants take turns within one run. Without cargo's `--bench` it runs everything once and prints it.

use std::env;

use allocation_counter::measure;
use benches::{BARS, Contestant, bar, contest};

use many::{MANY, PAIRS, Pair};

mod many;

/// The number of batches of a round.
const BATCHES: usize = 5;

/// The time of hits in multiples of single ones, into a sequence and into a map; and of misses.
const LIMITS: [f64; 3] = [0.8, 0.9, 1.0];

/// Hits of elements that are no strings allocate nothing but what is returned.
const RESULT: f64 = 1.0;

fn main() {
    let measured = env::args().any(|argument| argument == "--bench");
    let contestant =
        |name, call: fn()| Contestant::new(name, move || (0..BATCHES).for_each(|_| call())).of(BATCHES);
    let mut contestants: Vec<_> = PAIRS
        .iter()
        .flat_map(|pair| [contestant(pair.name, pair.batch), contestant(pair.name, pair.singles)])
        .collect();
    // Fills the caches, and calls often enough for what is created after some hits.
    contest(&mut contestants, 20);
    contest(&mut contestants, if measured { 2_000 } else { 1 });

    println!(
        "## Batches of {MANY}\n\n| batch | ns | single calls, ns | × | median × | allocations |\n|---|--:|--:|--:|--:|--:|"
    );
    let mut bars = String::new();
    for (pair, both) in PAIRS.iter().zip(contestants.chunks(2)) {
        let allocated = measure(pair.batch).count_total;
        let (batch, singles) = (both[0].nanoseconds(), both[1].nanoseconds());
        let medians = both[0].median() / both[1].median();
        println!(
            "| {} | {batch:.0} | {singles:.0} | {:.2} | {medians:.2} | {allocated} |",
            pair.name,
            batch / singles
        );
        let limit = limit(pair);
        bars += &bar(&format!("{} ≤ {limit} × single calls", pair.name), batch / singles, 2, |ratio| {
            ratio <= limit
        });
        if is_hits(pair) && !pair.name.ends_with("text") {
            #[expect(clippy::cast_precision_loss, reason = "the number is small")]
            let allocated = allocated as f64;
            bars += &bar(&format!("{}: no allocation but the result", pair.name), allocated, 0, |count| {
                count <= RESULT
            });
        }
    }
    println!("\n{BARS}{bars}");
}

fn is_hits(pair: &Pair) -> bool {
    pair.name.starts_with("hits")
}

fn limit(pair: &Pair) -> f64 {
    let [sequence, map, misses] = LIMITS;
    match (is_hits(pair), pair.name.contains("map")) {
        (true, false) => sequence,
        (true, true) => map,
        (false, _) => misses,
    }
}
