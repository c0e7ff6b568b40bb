//! CPython's own tests of `functools.lru_cache`, under their own names.
//!
//! Origin: CPython 3.11, `Lib/test/test_functools.py`, `TestCache` and `TestLRU`, PSF licence. The tests are
//! rewritten in Rust; no code is copied.
//!
//! Left out: what Rust does not have (keyword and star arguments, pickling, copying, weak references), and
//! what fails to compile (an argument that cannot be hashed).
//!
//! The last section rewrites cachetools' tests of `typed`: `tests/test_func.py`, MIT licence.

use crate::support::{Raised, Random, catch, counts, finishes, raise};
use functools::{Argument, cache, lru_cache};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::thread;

const FIBONACCI: [u64; 16] = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610];

// ---- TestCache

#[test]
fn test_cache() {
    #[cache]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }

    assert!((0..16).map(fib).eq(FIBONACCI));
    assert_eq!(counts(fib::cache_info()), (28, 16, None, 16));
    fib::cache_clear();
    assert_eq!(counts(fib::cache_info()), (0, 0, None, 0));
}

// ---- TestLRU

#[test]
fn test_lru() {
    fn orig(x: u64, y: u64) -> u64 {
        3 * x + y
    }
    #[lru_cache(maxsize = 20)]
    fn f(x: u64, y: u64) -> u64 {
        orig(x, y)
    }

    assert_eq!(counts(f::cache_info()), (0, 0, Some(20), 0));
    let mut random = Random(20);
    for _ in 0..1000 {
        let (x, y) = (random.below(5), random.below(5));
        assert_eq!(f(x, y), orig(x, y));
    }
    let info = f::cache_info();
    assert!(info.hits > info.misses);
    assert_eq!(info.hits + info.misses, 1000);
    assert_eq!(info.currsize, 20);

    f::cache_clear();
    assert_eq!(counts(f::cache_info()), (0, 0, Some(20), 0));
    f(3, 4);
    assert_eq!(counts(f::cache_info()), (0, 1, Some(20), 1));

    // Bypasses the cache.
    assert_eq!(f::wrapped(3, 4), orig(3, 4));
    assert_eq!(counts(f::cache_info()), (0, 1, Some(20), 1));
}

/// The second part of CPython's `test_lru`.
#[test]
fn test_lru_size_zero() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(0)]
    fn f() -> u32 {
        RUNS.fetch_add(1, SeqCst);
        20
    }

    assert_eq!(f::cache_info().maxsize, Some(0));
    assert!((0..5).all(|_| f() == 20));
    assert_eq!(RUNS.load(SeqCst), 5);
    assert_eq!(counts(f::cache_info()), (0, 5, Some(0), 0));
}

/// The third part of CPython's `test_lru`.
#[test]
fn test_lru_size_one() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(1)]
    fn f() -> u32 {
        RUNS.fetch_add(1, SeqCst);
        20
    }

    assert_eq!(f::cache_info().maxsize, Some(1));
    assert!((0..5).all(|_| f() == 20));
    assert_eq!(RUNS.load(SeqCst), 1);
    assert_eq!(counts(f::cache_info()), (4, 1, Some(1), 1));
}

/// The last part of CPython's `test_lru`.
#[test]
fn test_lru_size_two() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(2)]
    fn f(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        x * 10
    }

    assert_eq!(f::cache_info().maxsize, Some(2));
    for x in [7, 9, 7, 9, 7, 9, 8, 8, 8, 9, 9, 9, 8, 8, 8, 7] {
        assert_eq!(f(x), x * 10);
    }
    assert_eq!(RUNS.load(SeqCst), 4);
    assert_eq!(counts(f::cache_info()), (12, 4, Some(2), 2));
}

#[test]
fn test_lru_no_args() {
    #[lru_cache]
    fn square(x: u32) -> u32 {
        x.pow(2)
    }

    assert_eq!([10, 20, 10].map(square), [100, 400, 100]);
    assert_eq!(counts(square::cache_info()), (1, 2, Some(128), 2));
}

#[test]
fn test_lru_bug_35780() {
    static ONCE: AtomicBool = AtomicBool::new(true);
    #[lru_cache(maxsize = 10)]
    fn f(x: u32) -> String {
        if x == 20 && ONCE.swap(false, SeqCst) { f(x) } else { format!(".{x}.") }
    }

    assert!((0..15).all(|x| f(x) == format!(".{x}.")));
    assert_eq!(f::cache_info().currsize, 10);
    // A call that stores its own key before it returns leaves the cache full and consistent.
    assert_eq!(f(20), ".20.");
    assert_eq!(f::cache_info().currsize, 10);
}

/// Two spellings of the same call share one entry. In Python they were `f(0)` and `f(0, **{})`.
#[test]
fn test_lru_bug_36650() {
    #[lru_cache]
    fn f(_x: u32) {}

    f(0);
    let by_pointer: fn(u32) = f;
    by_pointer(0);
    assert_eq!(f::cache_info().hits, 1);
}

#[test]
fn test_lru_hash_only_once() {
    static HASHED: AtomicU32 = AtomicU32::new(0);
    #[derive(Clone, PartialEq, Eq)]
    struct MockInt(u32);
    impl Hash for MockInt {
        fn hash<H: Hasher>(&self, state: &mut H) {
            HASHED.fetch_add(1, SeqCst);
            self.0.hash(state);
        }
    }
    #[lru_cache(maxsize = 1)]
    fn f(x: &MockInt, y: u32) -> u32 {
        x.0 * 3 + y
    }
    let hashed = || HASHED.swap(0, SeqCst);

    let mock_int = MockInt(5);
    // Stored.
    assert_eq!(f(&mock_int, 1), 16);
    assert_eq!((hashed(), counts(f::cache_info())), (1, (0, 1, Some(1), 1)));
    // A hit.
    assert_eq!(f(&mock_int, 1), 16);
    assert_eq!((hashed(), counts(f::cache_info())), (1, (1, 1, Some(1), 1)));
    // Evicted: only the new key is hashed.
    assert_eq!(f(&MockInt(6), 2), 20);
    assert_eq!((hashed(), counts(f::cache_info())), (1, (1, 2, Some(1), 1)));
    // A miss.
    assert_eq!(f(&mock_int, 1), 16);
    assert_eq!((hashed(), counts(f::cache_info())), (1, (1, 3, Some(1), 1)));
}

/// The function has the name of one that the cache itself might call.
#[test]
fn test_lru_reentrancy_with_len() {
    #[lru_cache(4)]
    fn len(text: &str) -> usize {
        text.len()
    }

    for n in [0, 0, 1, 2, 3, 3, 4, 5, 6, 1, 7, 2, 1] {
        assert_eq!(len(&"abcdefghijklmn"[..n]), n);
    }
}

#[test]
fn test_lru_with_maxsize_none() {
    #[lru_cache(maxsize = None)]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }

    assert!((0..16).map(fib).eq(FIBONACCI));
    assert_eq!(counts(fib::cache_info()), (28, 16, None, 16));
    fib::cache_clear();
    assert_eq!(counts(fib::cache_info()), (0, 0, None, 0));
}

#[test]
fn test_lru_with_maxsize_negative() {
    #[lru_cache(maxsize = -10)]
    fn eq(n: u32) -> u32 {
        n
    }

    for _ in 0..2 {
        assert!((0..150).map(eq).eq(0..150));
    }
    assert_eq!(counts(eq::cache_info()), (0, 300, Some(0), 0));
}

/// An exception is an `Err` or a panic: it reaches the caller unchanged, and is not cached.
#[test]
fn test_lru_with_exceptions() {
    macro_rules! with_maxsize {
        ($maxsize:tt) => {{
            #[lru_cache($maxsize)]
            fn func(i: usize) -> Result<char, Raised> {
                "abc".chars().nth(i).ok_or(Raised)
            }
            #[lru_cache($maxsize)]
            fn panicking(i: usize) -> char {
                "abc".chars().nth(i).unwrap_or_else(|| raise())
            }

            assert_eq!(func(0), Ok('a'));
            assert_eq!(func(15), Err(Raised));
            assert_eq!(func(15), Err(Raised));
            assert_eq!((func::cache_info().misses, func::cache_info().currsize), (3, 1));
            assert_eq!(panicking(0), 'a');
            assert_eq!(catch(|| panicking(15)), Err(Raised));
            assert_eq!(catch(|| panicking(15)), Err(Raised));
            assert_eq!((panicking::cache_info().misses, panicking::cache_info().currsize), (3, 1));
        }};
    }
    with_maxsize!(None);
    with_maxsize!(128);
}

/// The attribute keeps signature and name; the documentation is for rustdoc, and `wrapped` runs the original.
#[test]
fn test_lru_cache_decoration() {
    /// Returns the answer to everything.
    #[lru_cache]
    fn f(_zomg: u32) -> u32 {
        42
    }

    let g: fn(u32) -> u32 = f;
    assert_eq!(g(1), f::wrapped(1));
    assert!(std::any::type_name_of_val(&f).ends_with("::f"));
}

#[test]
fn test_lru_cache_threaded() {
    const N: u64 = 5;
    const M: u64 = 11;
    fn orig(x: u64, y: u64) -> u64 {
        3 * x + y
    }
    #[lru_cache(maxsize = N * M)]
    fn f(x: u64, y: u64) -> u64 {
        orig(x, y)
    }
    fn full(k: u64, start: &Barrier) {
        start.wait();
        for _ in 0..M {
            assert_eq!(f(k, 0), orig(k, 0));
        }
    }

    finishes(|| {
        assert_eq!(f::cache_info().currsize, 0);
        let start = Barrier::new(5);
        thread::scope(|scope| {
            for k in 0..N {
                let start = &start;
                scope.spawn(move || full(k, start));
            }
        });
        assert_eq!(counts(f::cache_info()), (M * N - N, N, Some(55), 5));

        // Again, while another thread clears the cache.
        let start = Barrier::new(6);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                (0..2 * M).for_each(|_| f::cache_clear());
            });
            for k in 0..N {
                let start = &start;
                scope.spawn(move || full(k, start));
            }
        });
    });
}

/// Several threads make the same call at the same time.
#[test]
fn test_lru_cache_threaded2() {
    const N: usize = 5;
    const M: usize = 7;
    static START: Barrier = Barrier::new(N + 1);
    static PAUSE: Barrier = Barrier::new(N + 1);
    static STOP: Barrier = Barrier::new(N + 1);
    #[lru_cache(maxsize = M * N)]
    fn f(x: usize) -> usize {
        PAUSE.wait();
        3 * x
    }

    finishes(|| {
        assert_eq!(counts(f::cache_info()), (0, 0, Some(M * N), 0));
        thread::scope(|scope| {
            for _ in 0..N {
                scope.spawn(|| {
                    for i in 0..M {
                        START.wait();
                        assert_eq!(f(i), 3 * i);
                        STOP.wait();
                    }
                });
            }
            for i in 0..M {
                START.wait();
                PAUSE.wait();
                STOP.wait();
                assert_eq!(counts(f::cache_info()), (0, ((i + 1) * N) as u64, Some(M * N), i + 1));
            }
        });
    });
}

/// CPython's body sleeps; this one waits until every thread has entered it.
#[test]
fn test_lru_cache_threaded3() {
    static ALL_IN: Barrier = Barrier::new(5);
    #[lru_cache(maxsize = 2)]
    fn f(x: u32) -> u32 {
        ALL_IN.wait();
        3 * x
    }

    finishes(|| {
        thread::scope(|scope| {
            for x in [1, 2, 2, 3, 2] {
                scope.spawn(move || assert_eq!(f(x), 3 * x));
            }
        });
        assert_eq!(counts(f::cache_info()), (0, 5, Some(2), 2));
    });
}

#[test]
fn test_need_for_rlock() {
    static NESTED: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 10)]
    fn test_func(x: DoubleEq) -> DoubleEq {
        x
    }
    /// Its `eq` calls the function again.
    #[derive(Clone, Debug, Hash)]
    #[allow(clippy::derived_hash_with_manual_eq)] // Equal numbers have equal hashes.
    struct DoubleEq(u32);
    impl PartialEq for DoubleEq {
        fn eq(&self, other: &Self) -> bool {
            if self.0 == 2 {
                NESTED.fetch_add(1, SeqCst);
                test_func(DoubleEq(1));
            }
            self.0 == other.0
        }
    }
    impl Eq for DoubleEq {}

    finishes(|| {
        test_func(DoubleEq(1));
        test_func(DoubleEq(2));
        assert_eq!(test_func(DoubleEq(2)), DoubleEq(2));
        // At least one nested call from the lookup and one from the comparison above; all of them hit.
        let nested = NESTED.load(SeqCst);
        assert!(nested >= 2);
        assert_eq!(counts(test_func::cache_info()), (1 + nested, 2, Some(10), 2));
    });
}

#[test]
fn test_lru_cache_parameters() {
    #[lru_cache(maxsize = 2)]
    fn f() -> u32 {
        1
    }
    #[lru_cache(maxsize = 1000, typed = true)]
    fn g() -> u32 {
        1
    }

    assert_eq!((f::cache_parameters().maxsize, f::cache_parameters().typed), (Some(2), false));
    assert_eq!((g::cache_parameters().maxsize, g::cache_parameters().typed), (Some(1000), true));
    assert_eq!([f(), g()], [1, 1]);
}

#[test]
fn test_lru_with_types() {
    macro_rules! with_maxsize {
        ($maxsize:tt) => {{
            #[lru_cache(maxsize = $maxsize, typed = true)]
            fn square<T: Argument + Copy + std::ops::Mul<Output: Clone + Send + Sync + 'static>>(
                x: T,
            ) -> T::Output {
                x * x
            }
            assert_eq!((square(3), square(3.0)), (9, 9.0));
            assert_eq!((square(3), square(3.0)), (9, 9.0));
            assert_eq!(std::any::type_name_of_val(&square(3)), "i32");
            assert_eq!(std::any::type_name_of_val(&square(3.0)), "f64");
            assert_eq!((square::cache_info().hits, square::cache_info().misses), (4, 2));
        }};
    }
    with_maxsize!(None);
    with_maxsize!(128);
}

/// In Python `(1,)`, `(True,)` and `(1.0,)` are the same call, typed or not, because only top-level types are
/// compared. Here a tuple's type includes the types of its elements, so these are three calls.
#[test]
fn test_lru_cache_typed_is_not_recursive() {
    #[lru_cache(typed = true)]
    fn repr<T: Argument + Debug>(x: T) -> String {
        format!("{x:?}")
    }
    assert_eq!((repr(1), repr(true), repr(1.0)), ("1".into(), "true".into(), "1.0".into()));
    assert_eq!((repr(0), repr(false), repr(0.0)), ("0".into(), "false".into(), "0.0".into()));
    assert_eq!((repr((1,)), repr((true,)), repr((1.0,))), ("(1,)".into(), "(true,)".into(), "(1.0,)".into()));
    assert_eq!((repr::cache_info().hits, repr::cache_info().currsize), (0, 9));
}

#[test]
fn test_lru_method() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    /// A number type: equal numbers are the same key.
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct X(u32);
    impl X {
        #[lru_cache(maxsize = 2)]
        fn f(&self, x: u32) -> u32 {
            RUNS.fetch_add(1, SeqCst);
            x * 10 + self.0
        }
    }
    let runs_of = |x: &X, arguments: [u32; 10]| {
        assert_eq!(arguments.map(|n| x.f(n)), arguments.map(|n| n * 10 + x.0));
        RUNS.swap(0, SeqCst)
    };
    let (a, b, c) = (X(5), X(5), X(7));
    assert_eq!(counts(X::f_cache_info()), (0, 0, Some(2), 0));
    assert_eq!(runs_of(&a, [1, 2, 2, 3, 1, 1, 1, 2, 3, 3]), 6);
    assert_eq!(counts(X::f_cache_info()), (4, 6, Some(2), 2));
    assert_eq!(runs_of(&b, [1, 2, 1, 1, 1, 1, 3, 2, 2, 2]), 4);
    assert_eq!(counts(X::f_cache_info()), (10, 10, Some(2), 2));
    assert_eq!(runs_of(&c, [2, 1, 1, 1, 1, 2, 1, 3, 2, 1]), 5);
    assert_eq!(counts(X::f_cache_info()), (15, 15, Some(2), 2));
}

// ---- cachetools

/// The two tests of its `DecoratorTestMixin` that are about types.
mod cachetools {
    use super::*;

    #[test]
    fn test_decorator() {
        #[lru_cache(maxsize = 2, typed = false)]
        fn cached<T: Argument>(_n: T) -> u8 {
            0
        }
        assert_eq!((cached::cache_parameters().maxsize, cached::cache_parameters().typed), (Some(2), false));
        assert_eq!(counts(cached::cache_info()), (0, 0, Some(2), 0));
        cached(1);
        assert_eq!(counts(cached::cache_info()), (0, 1, Some(2), 1));
        cached(1);
        assert_eq!(counts(cached::cache_info()), (1, 1, Some(2), 1));
        cached(1.0);
        assert_eq!(counts(cached::cache_info()), (2, 1, Some(2), 1));
        cached::cache_clear();
        cached(1);
        assert_eq!(counts(cached::cache_info()), (0, 1, Some(2), 1));
    }

    #[test]
    fn test_decorator_typed() {
        #[lru_cache(maxsize = 2, typed = true)]
        fn cached<T: Argument>(_n: T) -> u8 {
            0
        }
        assert_eq!((cached::cache_parameters().maxsize, cached::cache_parameters().typed), (Some(2), true));
        cached(1);
        assert_eq!(counts(cached::cache_info()), (0, 1, Some(2), 1));
        cached(1);
        assert_eq!(counts(cached::cache_info()), (1, 1, Some(2), 1));
        cached(1.0);
        assert_eq!(counts(cached::cache_info()), (1, 2, Some(2), 2));
        cached(1.0);
        assert_eq!(counts(cached::cache_info()), (2, 2, Some(2), 2));
    }
}
