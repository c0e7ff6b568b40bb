use functools::{RemovalCause, lru_cache};

#[lru_cache(on_evict = |key, value| println!("{key:?} {value}"))]
fn too_few(n: u64) -> u64 {
    n
}

fn log(key: u64, value: u64, cause: RemovalCause) {
    println!("{key} {value} {cause:?}");
}

#[lru_cache(on_evict = log)]
fn by_value(n: u64) -> u64 {
    n
}

#[lru_cache(on_evict = |key: u64, value: u64, _: RemovalCause| println!("{key} {value}"))]
fn in_a_closure(n: u64) -> u64 {
    n
}

fn main() {
    println!("{} {} {}", too_few(1), by_value(2), in_a_closure(3));
}
