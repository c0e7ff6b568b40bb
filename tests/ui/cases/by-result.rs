use std::time::Duration;

use functools::lru_cache;

#[lru_cache(keep = true)]
fn keep_is_a_constant(n: u64) -> u64 {
    n
}

#[lru_cache(keep = |value| *value > 1)]
fn keep_takes_too_few(n: u64) -> u64 {
    n
}

#[lru_cache(keep = |_, value| *value)]
fn keep_returns_a_number(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = |value| *value)]
fn ttl_takes_too_few(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = |_, value| value.to_string())]
fn ttl_returns_text(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = |_, _| ())]
fn ttl_returns_nothing(n: u64) -> u64 {
    n
}

fn of_text(_: &u64, text: &str) -> Duration {
    Duration::from_secs(text.len() as u64)
}

#[lru_cache(ttl = of_text)]
fn ttl_by_a_function_of_another_type(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = None)]
fn ttl_is_none(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = |_, value| *value, ttu = |_, value, now| now + Duration::from_secs(*value))]
fn two_expiries(n: u64) -> u64 {
    n
}

#[lru_cache(force = true)]
fn force_is_a_constant(n: u64) -> u64 {
    n
}

#[lru_cache(force = |_, _| true)]
fn force_takes_too_many(n: u64) -> u64 {
    n
}

#[lru_cache(force = |n| *n)]
fn force_returns_a_number(n: u64) -> u64 {
    n
}

#[lru_cache(force = |_| true, accessors = none)]
fn force_without_accessors(n: u64) -> u64 {
    n
}

#[lru_cache(condition = |_, value| *value > 1)]
fn another_name(n: u64) -> u64 {
    n
}

#[lru_cache(unless = |_, value| *value > 1)]
fn a_negated_name(n: u64) -> u64 {
    n
}

fn main() {}
