use functools::lru_cache;

#[lru_cache]
fn area(width: u64, #[cfg(unix)] height: u64) -> u64 {
    width * height
}

fn main() {}
