//! Shared helpers: a cached function as a value, a panic without output, a timeout for
//! deadlocks, and a deterministic random generator.

use functools::CacheInfo;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// A cached function and its accessors, each as a function of the number from which its arguments are built.
///
/// Built by [`handle!`], so that one test covers functions that differ in `maxsize` or in their arguments.
pub(crate) struct Handle<V = u64> {
    pub(crate) call: fn(u64) -> V,
    pub(crate) info: fn() -> CacheInfo,
    pub(crate) clear: fn(),
    pub(crate) contains: fn(u64) -> bool,
    pub(crate) peek: fn(u64) -> Option<V>,
    pub(crate) put: fn(u64, V),
    pub(crate) invalidate: fn(u64) -> bool,
    pub(crate) refresh: fn(u64) -> V,
}

/// `handle!(f)` for a function of a `u64`; `handle!(f, k => (args))` to build the arguments from `k`.
macro_rules! handle {
    ($f:ident) => {
        handle!($f, k => (k))
    };
    ($f:ident, $k:ident => ($($arg:expr),+)) => {
        $crate::support::Handle {
            call: |$k| $f($($arg),+),
            info: $f::cache_info,
            clear: $f::cache_clear,
            contains: |$k| $f::cache_contains($($arg),+),
            peek: |$k| $f::cache_peek($($arg),+),
            put: |$k, value| $f::cache_put($($arg),+, value),
            invalidate: |$k| $f::cache_invalidate($($arg),+),
            refresh: |$k| $f::cache_refresh($($arg),+),
        }
    };
}
pub(crate) use handle;

impl<V> Handle<V> {
    /// Puts new keys until every key of `resident` is evicted, and returns these keys in the order of
    /// eviction: least recently used first.
    pub(crate) fn push_out(&self, resident: &[u64], value: impl Fn() -> V) -> Vec<u64> {
        const FRESH: u64 = 1_000_000;
        let maxsize = (self.info)().maxsize.expect("only a bounded cache has an order");
        let mut remaining = resident.to_vec();
        let mut evicted = Vec::new();
        for fresh in (FRESH..).take(maxsize) {
            (self.put)(fresh, value());
            let (still, gone): (Vec<_>, Vec<_>) = remaining.iter().partition(|key| (self.contains)(**key));
            assert!(gone.len() <= 1, "one put evicted {gone:?}");
            assert!((self.info)().currsize <= maxsize);
            remaining = still;
            evicted.extend(gone);
        }
        assert!(remaining.is_empty(), "{remaining:?} were not evicted");
        evicted
    }
}

/// `CacheInfo` as the tuple that Python prints: hits, misses, maxsize, currsize.
pub(crate) fn counts(info: CacheInfo) -> (u64, u64, Option<usize>, usize) {
    info.into()
}

/// Hits, misses and the number of entries.
pub(crate) fn tally(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

/// What a test's body raises, as an error or as a panic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Raised;

/// Panics without a word: the panic hook is not called.
pub(crate) fn raise() -> ! {
    resume_unwind(Box::new(Raised))
}

/// Runs `f`, and catches what [`raise`] threw; any other panic is resumed.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Raised> {
    catch_unwind(AssertUnwindSafe(f))
        .map_err(|thrown| *thrown.downcast::<Raised>().unwrap_or_else(|other| resume_unwind(other)))
}

/// Runs `f` on a thread of its own and fails if it takes a minute: a deadlock fails, it does not hang.
pub(crate) fn finishes<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = channel();
    let worker = thread::spawn(move || {
        let result = f();
        // The waiting thread may have timed out.
        let _ = done.send(result);
    });
    match result.recv_timeout(Duration::from_secs(60)) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("not finished after a minute: probably a deadlock"),
        Err(RecvTimeoutError::Disconnected) => {
            resume_unwind(worker.join().expect_err("a thread that sends no result has panicked"))
        }
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % bound
    }
}
