//! Attributes that make a program or a test of a function.

use functools::lru_cache;

#[lru_cache]
#[tokio::main(flavor = "current_thread")]
async fn report(id: u32) -> u32 {
    id
}

#[lru_cache]
#[test]
fn a_test() {
    assert_eq!(1, 1);
}

#[lru_cache]
#[tokio::test]
async fn an_async_test() {}

#[tokio::test]
#[lru_cache]
async fn a_cached_test() {}

#[lru_cache]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("{}", report(1));
}
