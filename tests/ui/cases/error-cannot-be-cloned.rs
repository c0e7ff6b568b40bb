use std::error::Error;
use std::io;

use functools::lru_cache;

#[lru_cache(cache_errors = true)]
fn parse(text: &str) -> Result<u64, Box<dyn Error + Send + Sync>> {
    Ok(text.parse()?)
}

#[lru_cache(cache_errors = true)]
fn read(path: &str) -> io::Result<String> {
    std::fs::read_to_string(path)
}

#[lru_cache(cache_errors = true)]
fn open(path: &str) -> Result<u64, io::Error> {
    Ok(path.len() as u64)
}

fn main() {
    let _ = (parse("1"), read("a"), open("b"));
}
