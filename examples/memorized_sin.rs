//! A cache of two entries with a float as the argument: the least recently used entry is evicted.
//!
//! Run it with `cargo run --example memorized_sin`.

use functools::lru_cache;

#[lru_cache(maxsize = 2)]
fn memorized_sin(x: f64) -> f64 {
    x.sin()
}

/// The arguments whose results are cached; `cache_contains` changes neither counters nor order.
fn cached() -> Vec<f64> {
    [1.0, 2.0, 3.0].into_iter().filter(|&x| memorized_sin::cache_contains(x)).collect()
}

fn main() {
    println!("{:>4}{:>10}   {:<10}{:<14}evicted", "x", "sin(x)", "by", "cached");
    for x in [1.0, 2.0, 1.0, 3.0, 2.0] {
        let (before, hits) = (cached(), memorized_sin::cache_info().hits);
        let sin = memorized_sin(x);
        let by = if memorized_sin::cache_info().hits > hits { "cache" } else { "body" };
        let after = cached();
        let evicted = before.iter().find(|x| !after.contains(x)).map_or("-".into(), |x| format!("{x:.1}"));
        println!("{x:>4.1}{sin:>10.6}   {by:<10}{:<14}{evicted}", format!("{after:.1?}"));
    }
    println!("\n3.0 took the place of 2.0, not of 1.0: the hit on 1.0 had made it the most recent.");
    println!("{}", memorized_sin::cache_info());
}
