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

/// Like `anyhow::Error` and `anyhow::Result`.
mod anyhow {
    #[derive(Debug)]
    pub struct Error(Box<dyn std::error::Error + Send + Sync>);

    impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
        fn from(error: E) -> Self {
            Self(Box::new(error))
        }
    }

    pub type Result<T, E = Error> = core::result::Result<T, E>;
}

#[lru_cache(cache_errors = true)]
fn size(path: &str) -> anyhow::Result<u64> {
    Ok(path.parse()?)
}

#[lru_cache(cache_errors = true)]
async fn fetch(path: &str) -> Result<u64, anyhow::Error> {
    Ok(path.parse()?)
}

/// The error has another name.
type Boxed = Box<dyn Error>;

#[lru_cache(cache_errors = true, scope = thread)]
fn boxed(path: &str) -> Result<u64, Boxed> {
    Ok(path.parse()?)
}

fn main() {
    let _ = (parse("1"), read("a"), open("b"), size("c"), fetch("d"), boxed("e"));
}
