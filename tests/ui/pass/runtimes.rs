//! Attributes of runtimes above `#[lru_cache]`, or on a function without accessors: they are those of the function.

use functools::lru_cache;

#[tokio::main(flavor = "current_thread")]
#[lru_cache]
async fn report(id: u32) -> u32 {
    id * 2
}

#[lru_cache(accessors = none)]
#[tokio::main(flavor = "current_thread")]
async fn total(id: u32) -> u32 {
    id * 3
}

#[test]
#[lru_cache]
fn a_test() {}

fn main() {
    assert_eq!((report(1), report(1), total(1)), (2, 2, 3));
    assert_eq!(report::cache_info().hits, 1);
}
