//! Words that only a later edition reserves, as names.

use functools::{LruCache, lru_cache};

#[lru_cache]
fn gen(gen: u32) -> u32 {
    gen + 1
}

#[lru_cache(key = |gen, _| *gen)]
fn keyed(gen: u32, other: u32) -> u32 {
    gen + other
}

#[lru_cache]
fn part(#[key(gen / 2)] gen: u32) -> u32 {
    gen / 2
}

#[lru_cache(cache = gen)]
fn held(n: u32, gen: &LruCache<u32, u32>) -> u32 {
    n + 1
}

// As without the attribute: the body only reads what it takes by value.
#[allow(clippy::needless_pass_by_value)]
#[lru_cache(cache = gen, accessors = none)]
fn held_by_value(n: u32, gen: std::sync::Arc<LruCache<u32, u32>>) -> u32 {
    n + u32::from(gen.is_empty())
}

#[allow(non_camel_case_types)]
#[lru_cache(typed = true)]
fn typed<gen: functools::Argument>(value: gen) -> u64 {
    drop(value);
    1
}

#[lru_cache(handle = gen_cache, weight = |gen, _| *gen as usize, single_flight = true)]
fn weighed(gen: u32) -> u32 {
    gen
}

struct S;

impl S {
    #[lru_cache]
    fn gen(#[key(skip)] &self, gen: u32) -> u32 {
        gen + 2
    }
}

#[test]
fn functions_of_such_names_are_cached() {
    assert_eq!((gen(1), gen(1)), (2, 2));
    assert_eq!(gen::cache_info().hits, 1);
    assert_eq!((keyed(1, 2), keyed(1, 3)), (3, 3));
    assert_eq!((part(4), part(5)), (2, 2));
    let memo = LruCache::new(None);
    assert_eq!((held(1, &memo), held(1, &memo)), (2, 2));
    let memo = std::sync::Arc::new(memo);
    assert_eq!(held_by_value(1, memo.clone()), 2);
    assert_eq!(held_by_value(2, memo.clone()), 2);
    assert_eq!(held::cache_info(&memo).hits, 2);
    assert_eq!((typed(1_u8), typed(1_u8)), (1, 1));
    assert_eq!((weighed(1), weighed(1), gen_cache::cache_info().hits), (1, 1, 1));
    assert_eq!((S.gen(1), S.gen(1), S::gen_cache_info().hits), (3, 3, 1));
}
