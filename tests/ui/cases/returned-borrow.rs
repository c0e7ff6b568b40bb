use std::borrow::Cow;

use functools::lru_cache;

#[lru_cache]
fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or(text)
}

#[lru_cache]
fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

#[lru_cache]
fn tail<'a>(items: &'a [u64]) -> Option<&'a [u64]> {
    items.get(1..)
}

#[lru_cache]
fn trimmed(text: &str) -> Result<Cow<'_, str>, String> {
    Ok(text.trim().into())
}

fn main() {}
