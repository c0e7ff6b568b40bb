//! A computation in the background needs copies of the arguments, and sends its result.

use std::rc::Rc;

use functools::lru_cache;

struct Db;

#[lru_cache(ttl = 60, stale_if_slow = 0.1)]
fn with_a_connection(#[key(skip)] db: &Db, n: u32) -> u32 {
    n
}

#[lru_cache(ttl = 60, stale_if_slow = 0.1)]
fn with_an_error_of_a_thread(n: u32) -> Result<u32, Rc<str>> {
    Ok(n)
}

#[lru_cache(ttl = 60, stale_if_slow = "soon")]
fn with_another_span(n: u32) -> u32 {
    n
}

fn main() {}
