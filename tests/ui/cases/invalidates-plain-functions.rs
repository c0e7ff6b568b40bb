//! `#[invalidates(…)]` of functions that are not memoized, or have no accessors.

use functools::{invalidates, lru_cache};

fn plain(id: u32) -> u32 {
    id
}

#[lru_cache(accessors = none)]
fn without_accessors(id: u32) -> u32 {
    id
}

#[invalidates(plain(id))]
fn change_plain(id: u32) {}

#[invalidates(without_accessors(id))]
fn change_hidden(id: u32) {}

#[invalidates(missing(id))]
async fn change_missing(id: u32) {}

fn main() {}
