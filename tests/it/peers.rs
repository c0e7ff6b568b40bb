//! Wrong answers that other memoization libraries are known to give, checked for functions, generic
//! functions, methods, and methods without accessors.

use std::cell::Cell;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use functools::{Argument, lru_cache};

use crate::support::{finishes, tally as info};

#[test]
fn arguments_are_not_joined_into_a_text() {
    #[lru_cache]
    fn plain(a: &str, b: &str) -> String {
        format!("{a}/{b}")
    }
    #[lru_cache(typed = false)]
    fn generic<A: Argument + Display, B: Argument + Display>(a: A, b: B) -> String {
        format!("{a}/{b}")
    }
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Joiner(String);
    impl Joiner {
        #[lru_cache]
        fn method(&self, b: &str) -> String {
            format!("{}/{b}", self.0)
        }
        #[lru_cache(accessors = none)]
        fn silent(&self, b: &str) -> String {
            format!("{}/{b}", self.0)
        }
    }
    for [a, b] in [["a|b", "c"], ["a", "b|c"], ["ab", "c"], ["a", "bc"], ["", "abc"], ["abc", ""]] {
        let joiner = Joiner(a.into());
        assert_eq!(
            [plain(a, b), generic(a, b), joiner.method(b), joiner.silent(b)],
            [(); 4].map(|()| format!("{a}/{b}"))
        );
    }
    assert_eq!(
        [plain::cache_info(), generic::cache_info(), Joiner::method_cache_info()].map(info),
        [(0, 6, 6); 3]
    );
}

/// Returns early in every way that Rust has.
macro_rules! early {
    ($n:expr, $runs:expr) => {{
        $runs.fetch_add(1, SeqCst);
        if $n == 0 {
            return Ok("zero".into());
        }
        let text = char::from_digit($n, 10).ok_or("no digit")?;
        loop {
            if text == '1' {
                return Ok("one".into());
            }
            break;
        }
        Ok(text.into())
    }};
}

#[test]
fn an_early_return_is_stored() {
    static RUNS: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];
    #[lru_cache]
    fn plain(n: u32) -> Result<String, String> {
        early!(n, RUNS[0])
    }
    #[lru_cache(typed = true)]
    fn generic<T: Argument + Into<u32>>(n: T) -> Result<String, String> {
        let n = n.into();
        early!(n, RUNS[1])
    }
    struct Early;
    impl Early {
        #[lru_cache]
        fn method(#[key(skip)] &self, n: u32) -> Result<String, String> {
            early!(n, RUNS[2])
        }
        #[lru_cache(accessors = none)]
        fn silent(#[key(skip)] &self, n: u32) -> Result<String, String> {
            early!(n, RUNS[3])
        }
    }
    for _ in 0..2 {
        for (n, text) in [(0, "zero"), (1, "one"), (2, "2")] {
            assert_eq!(
                [plain(n), generic(n), Early.method(n), Early.silent(n)],
                [(); 4].map(|()| Ok(text.into()))
            );
        }
        assert!([plain(10), generic(10_u32), Early.method(10), Early.silent(10)].iter().all(Result::is_err));
    }
    assert!(RUNS.iter().all(|runs| runs.load(SeqCst) == 5));
}

type Aliased<T> = std::result::Result<T, String>;

trait Answers {
    type Answer;
    fn answer(&self, n: u32) -> Self::Answer;
}

#[test]
fn an_error_is_not_remembered_whatever_its_result_is_called() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    fn fails_at_first<T>(value: T) -> Aliased<T> {
        if RUNS.fetch_add(1, SeqCst) == 0 { Err("first".into()) } else { Ok(value) }
    }
    macro_rules! recovers {
        ($call:expr) => {{
            RUNS.store(0, SeqCst);
            assert_eq!(($call.is_err(), $call, $call), (true, Ok(1), Ok(1)));
            assert_eq!(RUNS.load(SeqCst), 2);
        }};
    }
    #[lru_cache]
    fn plain(n: u32) -> Aliased<u32> {
        fails_at_first(n)
    }
    #[lru_cache(typed = false)]
    fn generic<T: Argument + Into<u32>>(n: T) -> Aliased<u32> {
        fails_at_first(n.into())
    }
    #[lru_cache(typed = false)]
    fn returned<T: Argument + Clone + Send + Sync + 'static>(n: &T) -> Aliased<T> {
        fails_at_first(n.clone())
    }
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Of<T>(T);
    impl<T: Clone + Eq + Hash + Send + Sync + 'static> Of<T> {
        #[lru_cache]
        fn method(&self) -> Aliased<T> {
            fails_at_first(self.0.clone())
        }
        #[lru_cache(accessors = none)]
        fn silent(&self) -> Aliased<T> {
            fails_at_first(self.0.clone())
        }
    }
    impl Answers for Of<u8> {
        type Answer = Aliased<u32>;
        #[lru_cache(accessors = none)]
        fn answer(&self, n: u32) -> Self::Answer {
            fails_at_first(n)
        }
    }
    recovers!(plain(1));
    recovers!(generic(1_u32));
    recovers!(returned(&1));
    recovers!(Of(1).method());
    recovers!(Of(1).silent());
    recovers!(Of(1_u8).answer(1));
}

thread_local! {
    /// Whether the next body calls its function again; the nested call then starts later.
    static AGAIN: Cell<bool> = const { Cell::new(false) };
}

#[test]
fn a_late_error_does_not_overwrite_a_newer_value() {
    /// Fails after a nested call with the same key has returned a value.
    fn late<T>(call: impl FnOnce() -> Result<T, String>, value: T) -> Result<T, String> {
        if AGAIN.take() {
            assert!(call().is_ok());
            return Err("late".into());
        }
        Ok(value)
    }
    macro_rules! keeps_the_value {
        ($call:expr) => {{
            AGAIN.set(true);
            assert_eq!($call, Err("late".into()));
            AGAIN.set(true);
            assert_eq!($call, Ok(1), "a hit");
            AGAIN.set(false);
        }};
    }
    macro_rules! in_mode {
        ($maxsize:tt) => {{
            #[lru_cache(maxsize = $maxsize, typed = false)]
            fn generic<T: Argument + Clone + Send + Sync + 'static>(n: &T) -> Aliased<T> {
                late(|| generic(n), n.clone())
            }
            #[derive(Clone, PartialEq, Eq, Hash)]
            struct Of<T>(T);
            impl<T: Clone + Eq + Hash + Send + Sync + 'static> Of<T> {
                #[lru_cache(maxsize = $maxsize)]
                fn method(&self) -> Aliased<T> {
                    late(|| self.method(), self.0.clone())
                }
                #[lru_cache(maxsize = $maxsize, accessors = none)]
                fn silent(&self) -> Aliased<T> {
                    late(|| self.silent(), self.0.clone())
                }
            }
            keeps_the_value!(generic(&1));
            keeps_the_value!(Of(1).method());
            keeps_the_value!(Of(1).silent());
        }};
    }
    in_mode!(None);
    in_mode!(4);
}

thread_local! {
    /// The function that `Hash`, `Eq`, `Clone` and `Drop` of [`Caller`] call.
    static CALL: Cell<Option<fn()>> = const { Cell::new(None) };
    static CALLED: Cell<u32> = const { Cell::new(0) };
}

fn call_back() {
    if let Some(call) = CALL.take() {
        CALLED.set(CALLED.get() + 1);
        call();
        CALL.set(Some(call));
    }
}

/// An argument and result type that calls the cache when it is hashed, compared, cloned or dropped.
#[derive(Debug)]
struct Caller(u32);

impl Hash for Caller {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        call_back();
        self.0.hash(state);
    }
}

impl PartialEq for Caller {
    fn eq(&self, other: &Self) -> bool {
        call_back();
        self.0 == other.0
    }
}

impl Eq for Caller {}

impl Clone for Caller {
    fn clone(&self) -> Self {
        call_back();
        Self(self.0)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        call_back();
    }
}

/// Calls a function of a [`Caller`] with each kind of callback, and checks its results.
macro_rules! survives {
    (|$n:ident| $call:expr, $info:expr, $clear:expr, $invalidate:expr, $put:expr) => {{
        fn call($n: u32) -> u32 {
            $call.0
        }
        fn calls() {
            (0..4).for_each(|n| assert_eq!(call(n), 10 * n));
        }
        let ways: [fn(); 5] = [
            calls,
            || $clear,
            || {
                for $n in 0..4 {
                    $invalidate
                }
            },
            || {
                for $n in 0..4 {
                    $put
                }
            },
            || {
                calls();
                $clear;
                calls();
            },
        ];
        for way in ways {
            CALLED.set(0);
            CALL.set(Some(way));
            for n in [0, 1, 0, 2, 3, 1, 1, 3] {
                assert_eq!(call(n), 10 * n);
            }
            $clear;
            CALL.set(None);
            assert!(CALLED.get() > 0);
            // The cache is intact: results are right, stored keys hit, and the size is within its bound.
            $clear;
            (0..3).for_each(|n| assert_eq!((call(n), call(n)), (10 * n, 10 * n)));
            let info = $info;
            let stores = info.maxsize != Some(0);
            assert_eq!((info.hits, info.misses), if stores { (3, 3) } else { (0, 6) });
            assert_eq!(info.currsize, 3.min(info.maxsize.unwrap_or(3)));
        }
    }};
}

macro_rules! values {
    () => {
        #[test]
        fn values_of_generic_functions_may_call_the_cache() {
            finishes(|| {
                survives!(
                    |n| generic(&Caller(n), n),
                    generic::cache_info(),
                    generic::cache_clear(),
                    _ = generic::cache_invalidate(&Caller(n), n),
                    generic::cache_put(&Caller(n), n, Caller(10 * n))
                );
            });
            finishes(|| {
                fn by(x: Caller) -> Caller {
                    Caller(10 * x.0)
                }
                survives!(
                    |n| returned(Caller(n), by),
                    returned::cache_info(),
                    returned::cache_clear(),
                    _ = returned::cache_invalidate(Caller(n), by),
                    returned::cache_put(Caller(n), by, Caller(10 * n))
                );
            });
        }
    };
}

macro_rules! in_each_mode {
    ($($mode:ident: $maxsize:tt;)+) => { $(
        mod $mode {
            use super::*;

            #[lru_cache(maxsize = $maxsize, typed = false)]
            fn generic<T: Hash + Eq + Clone + Send + Sync + 'static>(_x: &T, n: u32) -> Caller {
                Caller(10 * n)
            }

            #[lru_cache(maxsize = $maxsize, typed = true)]
            fn returned<T: Hash + Eq + Clone + Send + Sync + 'static>(x: T, by: fn(T) -> T) -> T {
                by(x)
            }

            values!();
        }
    )+ };
}

in_each_mode! {
    bounded: 3;
    unbounded: None;
    disabled: 0;
}

macro_rules! methods {
    ($($test:ident, $method:ident, $info:ident, $clear:ident, $invalidate:ident, $put:ident, $maxsize:tt;)+) => {
        impl Caller {
            $(
                #[lru_cache(maxsize = $maxsize)]
                fn $method(&self) -> Self {
                    Self(10 * self.0)
                }
            )+
        }
        $(
            #[test]
            fn $test() {
                finishes(|| {
                    survives!(|n| Caller(n).$method(), Caller::$info(), Caller::$clear(),
                        _ = Caller(n).$invalidate(), Caller(n).$put(Caller(10 * n)));
                });
            }
        )+
    };
}

methods! {
    values_of_bounded_methods_may_call_the_cache, few, few_cache_info, few_cache_clear, few_cache_invalidate, few_cache_put, 3;
    values_of_unbounded_methods_may_call_the_cache, all, all_cache_info, all_cache_clear, all_cache_invalidate, all_cache_put, None;
    values_of_disabled_methods_may_call_the_cache, no, no_cache_info, no_cache_clear, no_cache_invalidate, no_cache_put, 0;
}

#[test]
fn values_in_an_object_may_call_its_cache() {
    use functools::LruCache;
    static MEMO: LruCache<Caller, Caller> = LruCache::new(Some(3));
    #[lru_cache(cache = MEMO)]
    fn f(x: &Caller) -> Caller {
        Caller(10 * x.0)
    }
    finishes(|| {
        survives!(
            |n| f(&Caller(n)),
            f::cache_info(),
            f::cache_clear(),
            _ = f::cache_invalidate(&Caller(n)),
            f::cache_put(&Caller(n), Caller(10 * n))
        );
    });
}
