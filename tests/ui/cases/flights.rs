//! Options of coalesced calls and of stale results that contradict the rest.

use functools::{async_lru_cache, lru_cache};

#[lru_cache(swr = true)]
fn without_ttl(n: u32) -> u32 {
    n
}

#[lru_cache(stale_if_error = 300)]
fn fails_without_ttl(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[lru_cache(ttl = 60, swr = true)]
fn returns_nothing(n: u32) {
    drop(n);
}

#[lru_cache(ttl = 60, swr = 30)]
async fn returns_unit(n: u32) -> () {
    drop(n);
}

#[lru_cache(ttl = 60, error_ttl = 5)]
fn forgets_errors(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[lru_cache(flight_timeout = 5)]
fn alone(n: u32) -> u32 {
    n
}

#[lru_cache(single_flight = false, flight_timeout = 5)]
async fn each_for_itself(n: u32) -> u32 {
    n
}

#[lru_cache(ttl = 60, spawn = run)]
async fn refreshes_nothing(n: u32) -> u32 {
    n
}

#[lru_cache(ttl = 60, swr = true, spawn = run)]
fn has_a_thread(n: u32) -> u32 {
    n
}

#[async_lru_cache(swr = "yes", single_flight = 1, flight_timeout = 0, stale_if_error = "300")]
async fn bad_values(n: u32) -> u32 {
    n
}

#[async_lru_cache(maxsize = 8, ttl = 5, sw = 1)]
async fn unknown(n: u32) -> u32 {
    n
}

trait Fetch {
    #[lru_cache(ttl = 60, swr = true, accessors = none)]
    fn fetch(&self, n: u32) -> u32 {
        n
    }
}

#[lru_cache(ttl = 60, swr = true)]
fn borrows_inside(name: Option<&str>, names: &[&str], n: &u32) -> usize {
    name.map_or(0, str::len) + names.len() + *n as usize
}

fn run(task: functools::refresh::Task) {
    drop(task);
}

struct Shop {
    prices: functools::LruCache<u32, u32>,
}

impl Shop {
    #[lru_cache(cache = self.prices, ttl = 60, swr = true)]
    fn price(&self, id: u32) -> u32 {
        id
    }
}

#[lru_cache(cache = memo, ttl = 60, swr = 30)]
fn in_a_parameter(id: u32, memo: &functools::LruCache<u32, u32>) -> u32 {
    id
}

fn main() {}
