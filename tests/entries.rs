//! `cache_entries`: copies of the entries of a function.

use std::sync::LazyLock;
use std::time::Duration;

use functools::{CacheEntry, Clock, LruCache, ManualClock, cache, lru_cache};

#[lru_cache]
fn parse(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| text.to_owned())
}

#[test]
fn one_argument_is_listed_by_itself_and_of_a_result_the_ok() {
    assert!(parse("x").is_err());
    for text in ["2", "3", "2"] {
        parse(text).unwrap();
    }
    let before = parse::cache_info();
    let entries: Vec<CacheEntry<String, u32>> = parse::cache_entries();
    assert_eq!(parse::cache_info(), before);
    let listed: Vec<_> = entries.iter().map(|entry| (entry.arguments().as_str(), *entry.result())).collect();
    assert_eq!(listed, [("3", 3), ("2", 2)]); // least recently used first
    assert_eq!(entries[0].age(), None);
    assert_eq!(entries[0].clone().into_parts(), ("3".to_owned(), 3));
}

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);

#[lru_cache(ttl = Duration::from_secs(60), timer = || CLOCK.now())]
fn price(symbol: &str, amounts: &[u64]) -> Option<u64> {
    amounts.first().map(|amount| amount * symbol.len() as u64)
}

#[test]
fn entry_has_its_age_and_expired_ones_are_not_listed() {
    price("abc", &[2]);
    CLOCK.advance(Duration::from_secs(50));
    price("de", &[]);
    let entries = price::cache_entries();
    let ages: Vec<_> = entries.iter().map(|entry| (entry.arguments().0.as_str(), entry.age())).collect();
    assert_eq!(ages, [("abc", Some(Duration::from_secs(50))), ("de", Some(Duration::ZERO))]);
    assert_eq!((entries[0].result(), entries[1].result()), (&Some(6), &None));
    assert_eq!(entries[0].arguments(), &("abc".to_owned(), vec![2]));
    CLOCK.advance(Duration::from_secs(10));
    assert_eq!(price::cache_entries().len(), 1);
}

#[lru_cache(ttl = 60, timer = || 7_u64)]
fn ticks(n: u64) -> u64 {
    n
}

#[cache]
fn nothing() -> u8 {
    1
}

#[lru_cache(shards = 4)]
fn sharded(n: u64) -> u64 {
    n + 1
}

#[lru_cache(scope = thread, cache_errors = true)]
fn of_a_thread(n: u64) -> Result<u64, String> {
    if n == 0 { Err("zero".to_owned()) } else { Ok(n) }
}

#[lru_cache]
#[expect(clippy::unused_async, reason = "the test is about an async function")]
async fn later(name: &str) -> usize {
    name.len()
}

#[test]
fn every_kind_of_cache_is_listed() {
    ticks(1);
    assert_eq!(ticks::cache_entries()[0].age(), None); // in no known unit
    assert_eq!(nothing::cache_entries(), []);
    nothing();
    assert_eq!(nothing::cache_entries()[0].arguments(), &());
    for n in 1..4 {
        sharded(n);
    }
    let mut listed: Vec<_> = sharded::cache_entries().into_iter().map(CacheEntry::into_parts).collect();
    listed.sort_unstable();
    assert_eq!(listed, [(1, 2), (2, 3), (3, 4)]);
    assert!(of_a_thread(0).is_err());
    assert_eq!(of_a_thread::cache_entries()[0].result(), &Err("zero".to_owned()));
    drop(later("Ada")); // not awaited
    later::cache_put("Ada", 3);
    assert_eq!(later::cache_entries()[0].arguments(), "Ada");
}

struct Shop;

impl Shop {
    #[lru_cache]
    fn rate(#[key(skip)] &self, currency: &str, date: usize) -> usize {
        date + currency.len()
    }
}

#[test]
fn methods_have_entries() {
    Shop.rate("EUR", 1);
    let entries = Shop::rate_cache_entries();
    assert_eq!(entries[0].arguments(), &("EUR".to_owned(), 1));
}

#[test]
fn object_has_entries() {
    let clock = ManualClock::new();
    let cache = LruCache::builder_with(clock.clone()).build();
    cache.insert("a", 1);
    clock.advance(Duration::from_secs(1));
    cache.insert("b", 2);
    let ages: Vec<_> = cache.entries().iter().map(CacheEntry::age).collect();
    assert_eq!(ages, [Some(Duration::from_secs(1)), Some(Duration::ZERO)]);
}
