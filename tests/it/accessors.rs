//! The accessors of a memoized function (`f::cache_info()` and the others): what each one returns, counts and
//! reorders.

use crate::support::{Handle, Raised, Random, catch, counts, handle, raise};
use functools::{CacheInfo, CacheParameters, cache, lru_cache};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

// ---- cache_info, cache_parameters, cache_clear

#[test]
fn info_prints_as_python_does() {
    #[cache]
    fn unbounded(n: u32) -> u32 {
        n
    }
    #[lru_cache(maxsize = 32)]
    fn bounded(n: u32) -> u32 {
        n
    }
    #[lru_cache(maxsize = 0)]
    fn nothing(n: u32) -> u32 {
        n
    }

    for n in [1, 2, 1] {
        let _ = (unbounded(n), bounded(n), nothing(n));
    }
    assert_eq!(unbounded::cache_info().to_string(), "CacheInfo(hits=1, misses=2, maxsize=None, currsize=2)");
    assert_eq!(bounded::cache_info().to_string(), "CacheInfo(hits=1, misses=2, maxsize=32, currsize=2)");
    assert_eq!(nothing::cache_info().to_string(), "CacheInfo(hits=0, misses=3, maxsize=0, currsize=0)");
}

#[test]
fn info_is_a_plain_value() {
    #[lru_cache(maxsize = 32)]
    fn f(n: u32) -> u32 {
        n
    }

    let before = f::cache_info();
    let copy = before;
    f(1);
    assert_eq!(before, copy);
    assert_ne!(before, f::cache_info());
    let CacheInfo { hits, misses, maxsize, currsize } = f::cache_info();
    let tuple: (u64, u64, Option<usize>, usize) = f::cache_info().into();
    assert_eq!(tuple, (hits, misses, maxsize, currsize));
    assert_eq!(tuple, (0, 1, Some(32), 1));
}

#[test]
fn hit_ratio_is_the_share_of_hits() {
    #[cache]
    fn f(n: u32) -> u32 {
        n
    }
    let ratio_is = |expected: f64| (f::cache_info().hit_ratio() - expected).abs() < 1e-12;

    assert!(ratio_is(0.0), "no call yet");
    f(1);
    assert!(ratio_is(0.0));
    let _ = [1, 1, 1].map(f);
    assert!(ratio_is(0.75));
}

#[test]
fn parameters_tell_the_options() {
    #[lru_cache]
    fn plain(n: u32) -> u32 {
        n
    }
    #[lru_cache(maxsize = 7, typed = true)]
    fn typed(n: u32) -> u32 {
        n
    }
    #[cache]
    fn unbounded(n: u32) -> u32 {
        n
    }
    #[lru_cache(maxsize = -1)]
    fn nothing(n: u32) -> u32 {
        n
    }

    assert_eq!([plain(1), typed(1), unbounded(1), nothing(1)], [1; 4]);
    let read = |CacheParameters { maxsize, typed, .. }| (maxsize, typed);
    assert_eq!(read(plain::cache_parameters()), (Some(128), false));
    assert_eq!(read(typed::cache_parameters()), (Some(7), true));
    assert_eq!(read(unbounded::cache_parameters()), (None, false));
    assert_eq!(read(nothing::cache_parameters()), (Some(0), false));
}

#[test]
fn clear_empties_and_zeroes() {
    #[lru_cache(maxsize = 3)]
    fn f(n: u32) -> u32 {
        n
    }

    let _ = [1, 2, 3, 4, 4].map(f);
    assert_eq!(counts(f::cache_info()), (1, 4, Some(3), 3));
    f::cache_clear();
    assert_eq!(counts(f::cache_info()), (0, 0, Some(3), 0));
    assert!(!(1..5).any(f::cache_contains));
    f(4);
    assert_eq!(counts(f::cache_info()), (0, 1, Some(3), 1));
}

// ---- wrapped, cache_contains, cache_peek

#[test]
fn wrapped_runs_the_body_past_the_cache() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[cache]
    fn f(n: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        n + 1
    }

    f(1);
    assert_eq!(f::wrapped(1), 2);
    assert_eq!(f::wrapped(5), 6);
    assert_eq!(RUNS.load(SeqCst), 3);
    assert!(!f::cache_contains(5));
    assert_eq!(counts(f::cache_info()), (0, 1, None, 1));
}

#[test]
fn wrapped_of_a_recursive_function_recurses_through_the_cache() {
    #[cache]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }

    assert_eq!(fib::wrapped(10), 55);
    assert_eq!(counts(fib::cache_info()), (8, 10, None, 10));
    assert!(!fib::cache_contains(10));
}

#[test]
fn contains_and_peek_touch_nothing() {
    #[lru_cache(maxsize = 2)]
    fn f(n: u32) -> u32 {
        n * 10
    }

    let _ = [1, 2].map(f);
    assert!(f::cache_contains(1));
    assert_eq!(f::cache_peek(1), Some(10));
    assert!(!f::cache_contains(3));
    assert_eq!(f::cache_peek(3), None);
    assert_eq!(counts(f::cache_info()), (0, 2, Some(2), 2));
    // 1 is still the least recently used.
    f(3);
    assert_eq!([1, 2, 3].map(f::cache_contains), [false, true, true]);
}

#[test]
fn peek_has_the_return_type_as_written() {
    #[lru_cache]
    fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
        text.parse()
    }
    #[lru_cache]
    fn half(n: u32) -> Option<u32> {
        (n % 2 == 0).then_some(n / 2)
    }
    type Peeked = Option<Result<u32, std::num::ParseIntError>>;

    let _ = (parse("7"), parse("seven"), half(4), half(5));
    let peeked: Peeked = parse::cache_peek("7");
    assert_eq!(peeked, Some(Ok(7)));
    assert_eq!(parse::cache_peek("seven"), None);
    assert_eq!([4, 5, 6].map(half::cache_peek), [Some(Some(2)), Some(None), None]);
}

// ---- cache_put, cache_invalidate, cache_refresh

#[test]
fn put_is_answered_from_then_on_and_counts_nothing() {
    #[cache]
    fn f(n: u32) -> u32 {
        n
    }

    f::cache_put(1, 100);
    assert_eq!(counts(f::cache_info()), (0, 0, None, 1));
    assert_eq!(f(1), 100);
    assert_eq!(f(2), 2);
    f::cache_put(2, 200);
    assert_eq!(f(2), 200);
    assert_eq!(counts(f::cache_info()), (2, 1, None, 2));
}

#[test]
fn put_makes_most_recent() {
    #[lru_cache(maxsize = 2)]
    fn f(n: u32) -> u32 {
        n
    }

    let _ = [1, 2].map(f);
    f::cache_put(1, 100);
    f(3);
    assert_eq!([1, 2, 3].map(f::cache_peek), [Some(100), None, Some(3)]);
    assert_eq!(counts(f::cache_info()), (0, 3, Some(2), 2));
}

#[test]
fn put_of_a_new_key_evicts_the_least_recently_used() {
    #[lru_cache(maxsize = 2)]
    fn f(n: u32) -> u32 {
        n
    }

    let _ = [1, 2, 1].map(f);
    f::cache_put(3, 300);
    assert_eq!([1, 2, 3].map(f::cache_peek), [Some(1), None, Some(300)]);
    assert_eq!(counts(f::cache_info()), (1, 2, Some(2), 2));
}

#[test]
fn put_stores_nothing_where_nothing_is_stored() {
    #[lru_cache(maxsize = 0)]
    fn f(n: u32) -> u32 {
        n
    }

    f::cache_put(1, 100);
    assert!(!f::cache_contains(1));
    assert_eq!(f(1), 1);
    assert!(!f::cache_invalidate(1));
    assert_eq!(f::cache_refresh(1), 1);
    assert_eq!(counts(f::cache_info()), (0, 2, Some(0), 0));
}

#[test]
fn invalidate_removes_one_entry_and_says_whether_it_was_there() {
    #[lru_cache(maxsize = 3)]
    fn f(n: u32) -> u32 {
        n
    }

    let _ = [1, 2, 3].map(f);
    assert!(f::cache_invalidate(2));
    assert!(!f::cache_invalidate(2));
    assert!(!f::cache_invalidate(9));
    assert_eq!(counts(f::cache_info()), (0, 3, Some(3), 2));
    assert_eq!([1, 2, 3].map(f::cache_contains), [true, false, true]);
    // One more entry fits; after that, 1 is evicted before 3.
    f(4);
    assert_eq!([1, 3, 4].map(f::cache_contains), [true; 3]);
    f(5);
    assert_eq!([1, 3, 4, 5].map(f::cache_contains), [false, true, true, true]);
}

#[test]
fn refresh_computes_anew_and_counts_one_miss() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = 2)]
    fn f(n: u32) -> (u32, u32) {
        (n, RUNS.fetch_add(1, SeqCst))
    }

    let _ = [1, 2].map(f);
    assert_eq!(f::cache_refresh(1), (1, 2));
    assert_eq!(f(1), (1, 2));
    assert_eq!(counts(f::cache_info()), (1, 3, Some(2), 2));
    // A refresh makes its entry the most recently used, and a new key evicts.
    assert_eq!(f::cache_refresh(3), (3, 3));
    assert_eq!([1, 2, 3].map(f::cache_contains), [true, false, true]);
    assert_eq!(counts(f::cache_info()), (1, 4, Some(2), 2));
    // A refresh that only replaces also makes its entry the most recently used.
    f::cache_refresh(1);
    f(4);
    assert_eq!([1, 3, 4].map(f::cache_contains), [true, false, true]);
}

#[test]
fn errors_put_or_refreshed_change_nothing() {
    static FAIL: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = 2)]
    fn f(n: u32) -> Result<u32, Raised> {
        if FAIL.load(SeqCst) == n { Err(Raised) } else { Ok(n) }
    }

    let _ = [1, 2].map(f);
    f::cache_put(1, Err(Raised));
    f::cache_put(3, Err(Raised));
    FAIL.store(1, SeqCst);
    assert_eq!(f::cache_refresh(1), Err(Raised));
    assert_eq!([1, 2, 3].map(f::cache_peek), [Some(Ok(1)), Some(Ok(2)), None]);
    assert_eq!(counts(f::cache_info()), (0, 3, Some(2), 2));
    // A failed refresh does not move 1.
    f::cache_put(4, Ok(4));
    assert_eq!([1, 2, 4].map(f::cache_contains), [false, true, true]);
}

#[test]
fn refresh_that_panics_changes_nothing() {
    static FAIL: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = 2)]
    fn f(n: u32) -> u32 {
        if FAIL.load(SeqCst) == n { raise() } else { n }
    }

    let _ = [1, 2].map(f);
    FAIL.store(1, SeqCst);
    assert_eq!(catch(|| f::cache_refresh(1)), Err(Raised));
    assert_eq!([1, 2].map(f::cache_peek), [Some(1), Some(2)]);
    assert_eq!(counts(f::cache_info()), (0, 3, Some(2), 2));
    f(3);
    assert_eq!([1, 2, 3].map(f::cache_contains), [false, true, true]);
}

#[test]
fn accessors_take_the_arguments_as_the_function_does() {
    #[lru_cache]
    fn f(name: &str, numbers: Vec<u32>, (a, _b): (u32, bool)) -> u32 {
        u32::try_from(name.len() + numbers.len()).unwrap_or(a)
    }

    assert_eq!(f("one", vec![1, 2], (3, true)), 5);
    assert_eq!(f::wrapped("one", vec![1, 2], (3, true)), 5);
    assert!(f::cache_contains("one", vec![1, 2], (3, true)));
    assert_eq!(f::cache_peek("one", vec![1, 2], (3, false)), None);
    f::cache_put("two", vec![], (0, false), 9);
    assert_eq!(f::cache_peek("two", vec![], (0, false)), Some(9));
    assert_eq!(f::cache_refresh("two", vec![], (0, false)), 3);
    assert!(f::cache_invalidate("two", vec![], (0, false)));
}

#[test]
fn accessors_work_without_parameters() {
    #[lru_cache]
    fn f() -> String {
        "computed".into()
    }

    assert!(!f::cache_contains() && f::cache_peek().is_none());
    f::cache_put("put".into());
    assert_eq!((f(), f::cache_refresh(), f::wrapped()), ("put".into(), "computed".into(), "computed".into()));
    assert!(f::cache_contains() && f::cache_invalidate());
    assert_eq!(counts(f::cache_info()), (1, 1, Some(128), 0));
}

// ---- All operations together

/// A slow reference implementation of the cache: a list of entries in order of recency.
struct Model {
    maxsize: Option<usize>,
    entries: Vec<(u64, u64)>,
    hits: u64,
    misses: u64,
}

impl Model {
    fn take(&mut self, key: u64) -> Option<u64> {
        let place = self.entries.iter().position(|entry| entry.0 == key)?;
        Some(self.entries.remove(place).1)
    }

    fn store(&mut self, key: u64, value: u64) {
        self.take(key);
        self.entries.push((key, value));
        if self.maxsize.is_some_and(|maxsize| self.entries.len() > maxsize) {
            self.entries.remove(0);
        }
    }

    fn call(&mut self, key: u64, computed: u64) -> u64 {
        let found = self.take(key);
        *if found.is_some() { &mut self.hits } else { &mut self.misses } += 1;
        let value = found.unwrap_or(computed);
        self.store(key, value);
        value
    }
}

#[test]
fn random_operations_agree_with_a_model() {
    /// The value differs at each run, so that a refreshed or replaced value can be told apart.
    static RUNS: AtomicU32 = AtomicU32::new(0);
    macro_rules! functions {
        ($($maxsize:tt),+) => {
            [$({
                #[lru_cache(maxsize = $maxsize)]
                fn f(_key: u64) -> u64 {
                    RUNS.fetch_add(1, SeqCst).into()
                }
                handle!(f)
            }),+]
        };
    }
    const KEYS: u64 = 12;
    let functions: [Handle; 7] = functions!(0, 1, 2, 3, 7, 100, None);
    let mut random = Random(7);
    for f in functions {
        let mut model = Model { maxsize: (f.info)().maxsize, entries: Vec::new(), hits: 0, misses: 0 };
        for step in 0..3000 {
            let key = random.below(KEYS);
            let next_run = u64::from(RUNS.load(SeqCst));
            match random.below(100) {
                0..60 => assert_eq!((f.call)(key), model.call(key, next_run)),
                60..70 => {
                    (f.put)(key, 1_000_000 + step);
                    model.store(key, 1_000_000 + step);
                }
                70..80 => assert_eq!((f.invalidate)(key), model.take(key).is_some()),
                80..88 => {
                    assert_eq!((f.refresh)(key), next_run);
                    model.misses += 1;
                    model.store(key, next_run);
                }
                88..99 => assert_eq!((f.contains)(key), (f.peek)(key).is_some()),
                _ => {
                    (f.clear)();
                    (model.entries, model.hits, model.misses) = (Vec::new(), 0, 0);
                }
            }
            let entries: HashSet<(u64, u64)> =
                (0..KEYS).filter_map(|key| Some((key, (f.peek)(key)?))).collect();
            assert_eq!(entries, model.entries.iter().copied().collect());
            assert_eq!(counts((f.info)()), (model.hits, model.misses, model.maxsize, model.entries.len()));
        }
        if model.maxsize.is_some_and(|maxsize| maxsize > 0) {
            let order: Vec<u64> = model.entries.iter().map(|entry| entry.0).collect();
            assert_eq!(f.push_out(&order, || 0), order);
        }
    }
}
