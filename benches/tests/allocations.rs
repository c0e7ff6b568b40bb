//! Hits never allocate, and misses do not allocate once a cache is full.
//!
//! Allocations are counted per thread, so tests that run in parallel do not affect each other.

use std::future::Future;
use std::hash::Hash;
use std::hint::black_box;
use std::pin::pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Waker};

use allocation_counter::measure;
use functools::{Argument, CacheInfo, LruCache, cache, lru_cache};

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

/// Makes a call that misses, then asserts that a hundred hits allocate nothing.
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

#[lru_cache(typed = false)]
fn generic<T: Argument>(_argument: &T, _more: impl Argument) -> usize {
    1
}

#[lru_cache(typed = true)]
fn typed<T: Hash + Eq + Clone + Default + Send + Sync + 'static>(_argument: &T) -> T {
    T::default()
}

#[lru_cache(typed = true)]
fn parsed<T: FromStr + Clone + Send + Sync + 'static>(text: &str) -> Result<T, T::Err> {
    text.parse()
}

#[test]
fn hit_on_a_generic_function_allocates_nothing() {
    let text = "x".repeat(200);
    hits_allocate_nothing(generic::cache_info, || generic(black_box(&7_u8), black_box(7.5)));
    hits_allocate_nothing(generic::cache_info, || generic(black_box(&7_i64), black_box(&*text)));
    hits_allocate_nothing(generic::cache_info, || generic(black_box(&text), black_box((&*text, 1.0))));
    hits_allocate_nothing(generic::cache_info, || {
        generic(black_box(&Some(&*text)), black_box(&[0.5; 4][..]))
    });
    hits_allocate_nothing(typed::cache_info, || typed(black_box(&7_u64)));
    hits_allocate_nothing(typed::cache_info, || typed(black_box(&Some(7_u64))));
    // A clone of an empty `String` does not allocate.
    hits_allocate_nothing(typed::cache_info, || typed(black_box(&text)));
    hits_allocate_nothing(parsed::cache_info, || parsed::<u64>(black_box("1234567890")));
    hits_allocate_nothing(parsed::cache_info, || parsed::<f64>(black_box("1234567890")));
}

impl User {
    #[lru_cache]
    #[allow(clippy::unnecessary_wraps)]
    fn greeting(&self, lang: &str, floats: &[f64]) -> Result<usize, String> {
        Ok(self.name.len() + lang.len() + floats.len())
    }

    #[lru_cache(accessors = none)]
    fn silent(&self, lang: Option<&str>) -> Option<Arc<str>> {
        RUNS.fetch_add(1, SeqCst);
        lang.map(|lang| format!("{lang} {}", self.name).into())
    }

    #[lru_cache]
    fn skipped(#[key(skip)] &self, pair: (&str, u32)) -> usize {
        pair.0.len() + pair.1 as usize + self.name.len()
    }

    #[lru_cache]
    fn made(#[key(&*self.name)] &self, #[key(text.len())] text: &str) -> usize {
        text.len() + self.name.len()
    }

    #[lru_cache(key = |user, text| (user.age, text))]
    fn by_closure(&self, text: &str) -> usize {
        text.len() + self.age as usize
    }

    #[lru_cache(typed = false)]
    fn generic(&self, _other: impl Argument) -> Arc<User> {
        Arc::new(self.clone())
    }
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[test]
fn hit_on_a_method_allocates_nothing() {
    let (user, text) = (User { name: "Ada Lovelace".into(), age: 36 }, "x".repeat(200));
    hits_allocate_nothing(User::greeting_cache_info, || {
        user.greeting(black_box(&text), black_box(&[0.5, 1.5]))
    });
    hits_allocate_nothing(User::skipped_cache_info, || user.skipped(black_box((&text, 7))));
    hits_allocate_nothing(User::made_cache_info, || user.made(black_box(&text)));
    hits_allocate_nothing(User::by_closure_cache_info, || user.by_closure(black_box(&text)));
    hits_allocate_nothing(User::generic_cache_info, || user.generic(black_box(&*text)));
    hits_allocate_nothing(User::generic_cache_info, || user.generic(black_box(7_u8)));

    user.silent(Some(&text));
    let allocations = measure(|| (0..100).for_each(|_| _ = black_box(user.silent(black_box(Some(&text))))));
    assert_eq!((allocations.count_total, RUNS.load(SeqCst)), (0, 1));
}

#[lru_cache]
fn of_skipped(#[key(skip)] user: &User, text: &str) -> usize {
    text.len() + user.name.len()
}

#[lru_cache]
#[allow(clippy::needless_borrow)]
fn of_made(#[key((&*user.name, user.age))] user: &User, #[key(&text[1..])] text: &str) -> usize {
    text.len() + user.name.len()
}

#[lru_cache(key = |user, text, floats| (&*user.name, &text[1..], floats))]
fn of_closure(user: &User, text: &str, floats: &[f64]) -> usize {
    text.len() + user.name.len() + floats.len()
}

#[test]
fn hit_on_a_key_that_borrows_allocates_nothing() {
    let (user, text) = (User { name: "Ada Lovelace".into(), age: 36 }, "x".repeat(200));
    hits_allocate_nothing(of_skipped::cache_info, || of_skipped(&user, black_box(&text)));
    hits_allocate_nothing(of_made::cache_info, || of_made(&user, black_box(&text)));
    hits_allocate_nothing(of_closure::cache_info, || of_closure(&user, black_box(&text), black_box(&[0.5])));
}

struct Shelf {
    lengths: LruCache<(String, Option<String>, User), usize>,
}

impl Shelf {
    #[lru_cache(cache = self.lengths)]
    fn length(&self, text: &str, more: Option<&str>, user: &User) -> usize {
        text.len() + more.map_or(0, str::len) + user.name.len()
    }
}

#[test]
fn hit_on_a_cache_in_an_object_allocates_nothing() {
    let (user, text) = (User { name: "Ada Lovelace".into(), age: 36 }, "x".repeat(200));
    let shelf = Shelf { lengths: LruCache::new(Some(8)) };
    shelf.length(&text, Some(&text), &user);
    let allocations =
        measure(|| (0..100).for_each(|_| _ = shelf.length(black_box(&text), Some(&text), &user)));
    assert_eq!((allocations.count_total, shelf.length_cache_info().hits), (0, 100));
}

#[lru_cache]
async fn of_future(text: &str, user: &User) -> usize {
    std::future::ready(()).await;
    text.len() + user.name.len()
}

#[test]
fn hit_on_an_async_function_allocates_nothing() {
    let (user, text) = (User { name: "Ada Lovelace".into(), age: 36 }, "x".repeat(200));
    hits_allocate_nothing(of_future::cache_info, || {
        let future = pin!(of_future(black_box(&text), black_box(&user)));
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    });
}

#[lru_cache(single_flight = true)]
fn of_threads(text: &str) -> usize {
    text.len()
}

#[lru_cache(ttl = 60, swr = 30, stale_if_error = 300)]
async fn of_refreshed_future(text: &str) -> Result<usize, String> {
    std::future::ready(()).await;
    Ok(text.len())
}

#[test]
fn hit_where_calls_share_or_results_are_refreshed_allocates_nothing() {
    let text = "x".repeat(200);
    hits_allocate_nothing(of_threads::cache_info, || of_threads(black_box(&text)));
    hits_allocate_nothing(of_refreshed_future::cache_info, || {
        let future = pin!(of_refreshed_future(black_box(&text)));
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    });
}

#[test]
fn an_entry_of_numbers_takes_at_most_48_bytes() {
    #[lru_cache(maxsize = 100_000)]
    fn many(n: u64) -> u64 {
        n + 1
    }

    let taken = measure(|| (0..150_000).for_each(|n| _ = black_box(many(n)))).bytes_current;
    assert!(taken <= 48 * 100_000, "{taken} bytes");
}

/// Fills a cache, then asserts that 200,000 further misses allocate nothing, from the first one on.
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
