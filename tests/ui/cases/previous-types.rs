//! What `#[previous]` borrows is what is kept.

use functools::lru_cache;

#[lru_cache]
fn of_another_type(n: u32, #[previous] old: Option<&String>) -> u32 {
    n + old.map_or(0, |old| old.len() as u32)
}

#[lru_cache]
fn of_a_whole_result(n: u32, #[previous] old: Option<&Result<u32, String>>) -> Result<u32, String> {
    old.cloned().unwrap_or(Ok(n))
}

#[lru_cache]
fn passed(n: u32, #[previous] old: Option<&u32>) -> u32 {
    n + old.copied().unwrap_or(0)
}

fn main() {
    passed(1, None);
}
