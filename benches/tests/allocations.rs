//! What allocates and what does not: hits never, and misses not once a cache is full.
//!
//! Allocations are counted per thread, so the tests do not disturb each other.

use std::hint::black_box;

use allocation_counter::measure;
use functools::{CacheInfo, cache, lru_cache};

#[derive(Clone, PartialEq, Eq, Hash)]
struct User {
    name: String,
    age: u32,
}

#[lru_cache]
fn of_number(n: u64) -> u64 {
    n + 1
}

#[cache]
fn of_number_unbounded(n: u64) -> u64 {
    n + 1
}

#[lru_cache]
fn of_str(text: &str) -> usize {
    text.len()
}

#[lru_cache]
fn of_bytes(bytes: &[u8]) -> usize {
    bytes.len()
}

#[lru_cache]
fn of_floats(numbers: &[f64]) -> f64 {
    numbers.iter().sum()
}

#[lru_cache]
fn of_option(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

#[lru_cache]
fn of_tuple(pair: (&str, u32)) -> usize {
    pair.0.len() + pair.1 as usize
}

#[lru_cache]
fn of_user(user: &User) -> usize {
    user.name.len() + user.age as usize
}

/// Makes a call that misses, then measures a hundred that must hit.
fn hits_allocate_nothing<T>(info: fn() -> CacheInfo, mut call: impl FnMut() -> T) {
    call();
    let before = info();
    let allocations = measure(|| (0..100).for_each(|_| _ = black_box(call()))).count_total;
    let after = info();
    assert_eq!((after.hits - before.hits, after.misses - before.misses), (100, 0));
    assert_eq!(allocations, 0, "allocations in 100 hits");
}

#[test]
fn hit_on_a_number_allocates_nothing() {
    hits_allocate_nothing(of_number::cache_info, || of_number(black_box(1)));
    hits_allocate_nothing(of_number_unbounded::cache_info, || of_number_unbounded(black_box(1)));
}

#[test]
fn hit_on_a_str_allocates_nothing() {
    for length in [0, 16, 200] {
        let text = "x".repeat(length);
        hits_allocate_nothing(of_str::cache_info, || of_str(black_box(&text)));
    }
}

#[test]
fn hit_on_a_slice_allocates_nothing() {
    let bytes = vec![7; 200];
    hits_allocate_nothing(of_bytes::cache_info, || of_bytes(black_box(&bytes)));
    let floats = vec![0.5; 200];
    hits_allocate_nothing(of_floats::cache_info, || of_floats(black_box(&floats)));
}

#[test]
fn hit_on_a_reference_inside_allocates_nothing() {
    let text = "x".repeat(200);
    hits_allocate_nothing(of_option::cache_info, || of_option(black_box(Some(&text))));
    hits_allocate_nothing(of_option::cache_info, || of_option(black_box(None)));
    hits_allocate_nothing(of_tuple::cache_info, || of_tuple(black_box((&text, 7))));
}

#[test]
fn hit_on_a_struct_allocates_nothing() {
    let user = User { name: "Ada Lovelace".into(), age: 36 };
    hits_allocate_nothing(of_user::cache_info, || of_user(black_box(&user)));
}

/// Fills a cache, then measures what 200,000 further misses allocate: from the very first on.
macro_rules! misses_allocate_nothing_once_full {
    ($($test:ident: $maxsize:literal,)*) => {$(
        #[test]
        fn $test() {
            #[lru_cache(maxsize = $maxsize)]
            fn evicting(n: u64) -> u64 {
                n + 1
            }

            (0..$maxsize).for_each(|n| _ = evicting(n));
            let allocations = measure(|| (0..200_000).for_each(|n| _ = black_box(evicting($maxsize + n))));
            let CacheInfo { hits, misses, currsize, .. } = evicting::cache_info();
            assert_eq!((hits, misses, currsize), (0, 200_000 + $maxsize, $maxsize));
            assert_eq!(allocations.count_total, 0, "allocations in 200,000 misses");
        }
    )*};
}

misses_allocate_nothing_once_full! {
    misses_allocate_nothing_once_100_are_stored: 100,
    misses_allocate_nothing_once_112_are_stored: 112,
    misses_allocate_nothing_once_128_are_stored: 128,
    misses_allocate_nothing_once_1000_are_stored: 1_000,
}
