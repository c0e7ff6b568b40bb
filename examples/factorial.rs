//! A body that prints shows when it runs: once per argument, and not for a cached result.
//!
//! Run it with `cargo run --example factorial`.

use functools::lru_cache;

#[lru_cache]
fn factorial(n: u64) -> u64 {
    println!("  computing factorial({n})");
    if n <= 1 { 1 } else { n * factorial(n - 1) }
}

fn main() {
    println!("the first call computes five results and caches each of them:");
    println!("factorial(5) = {}", factorial(5));

    println!("a smaller one is cached already:");
    println!("factorial(3) = {}", factorial(3));

    println!("{}", factorial::cache_info());
}
