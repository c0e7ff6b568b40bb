//! One generic function, memoized twice: which equal arguments of different types share an entry?
//!
//! Run it with `cargo run --example typed`.

use std::fmt::Debug;

use functools::{Argument, CacheInfo, lru_cache};

/// Equal arguments of different types share an entry, as in Python by default.
#[lru_cache(typed = false)]
fn untyped<T: Argument + Debug>(x: T) -> String {
    format!("{x:?}")
}

/// Arguments of different types have separate entries.
#[lru_cache(typed = true)]
fn typed<T: Argument + Debug>(x: T) -> String {
    format!("{x:?}")
}

/// Whether a call was a hit, from the counters before and after it.
fn by(before: CacheInfo, after: CacheInfo) -> &'static str {
    if after.hits > before.hits { "cache" } else { "body" }
}

/// Calls both and prints a row about it.
fn row<T: Argument + Debug + Copy>(label: &str, x: T) {
    let (before_untyped, before_typed) = (untyped::cache_info(), typed::cache_info());
    let (shared, own) = (untyped(x), typed(x));
    let by_untyped = by(before_untyped, untyped::cache_info());
    let by_typed = by(before_typed, typed::cache_info());
    println!("{label:<14}{shared:<9}{by_untyped:<11}{own:<9}{by_typed}");
}

fn main() {
    println!("{:<14}{:<20}typed = true", "argument", "typed = false");
    row("3_u8", 3_u8);
    row("3_i64", 3_i64);
    row("3.0_f64", 3.0_f64);
    row("3.5_f64", 3.5_f64);
    row("3_u8", 3_u8);
    row("Some(3_u8)", Some(3_u8)); // only whole arguments are compared across types
    println!("\nWhat is shared is the result of the first call: with typed = false, 3.0 prints as 3.");
    println!("untyped: {}\ntyped:   {}", untyped::cache_info(), typed::cache_info());
}
