//! The measured functions, including those that are floors.
#![allow(dead_code, reason = "each bench uses a few of them")]

use std::cell::Cell;
use std::future::ready;
use std::hint::black_box;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use functools::{Argument, LruCache, cache, lru_cache, tag};
use parking_lot::ReentrantMutex;

/// A body of negligible cost, so that the cost of the cache is measured.
fn body(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[lru_cache(maxsize = 128)]
pub(crate) fn bounded(n: u64) -> u64 {
    body(n)
}

/// The hit that the one with tags which takes the lock is compared with.
#[lru_cache(maxsize = 128, lock_free = false)]
pub(crate) fn bounded_with_lock(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, tags = |n| [tag("number", n), tag("all", ())])]
pub(crate) fn tagged(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, lock_free = false, tags = |n| [tag("number", n), tag("all", ())])]
pub(crate) fn tagged_with_lock(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = None, tags = |n| [tag("number", n), tag("all", ())])]
pub(crate) fn tagged_unbounded(n: u64) -> u64 {
    body(n)
}

#[cache]
pub(crate) fn unbounded(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128)]
pub(crate) fn evicting(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, single_flight = true)]
pub(crate) fn single_flight(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, single_flight = true)]
pub(crate) fn single_flight_evicting(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, scope = thread)]
pub(crate) fn of_thread(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = None, scope = thread)]
pub(crate) fn of_thread_unbounded(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, scope = thread)]
pub(crate) fn of_thread_evicting(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 1024, shards = 16)]
pub(crate) fn sharded(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 1024, shards = 16)]
pub(crate) fn sharded_evicting(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, policy = lfu)]
pub(crate) fn lfu(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, policy = fifo)]
pub(crate) fn fifo(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, policy = sieve)]
pub(crate) fn sieve(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, policy = s3_fifo)]
pub(crate) fn s3_fifo(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, policy = w_tinylfu)]
pub(crate) fn w_tinylfu(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128, ttl = 3600)]
pub(crate) fn timed(n: u64) -> u64 {
    body(n)
}

/// A hit and a reading of the clock, which is the least that a hit with a time to live needs.
pub(crate) fn bounded_and_clock(n: u64) -> u64 {
    black_box(Instant::now());
    bounded(n)
}

#[lru_cache(maxsize = 0)]
#[inline(never)] // like the functions compared with it
pub(crate) fn disabled(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128)]
pub(crate) fn borrowed(text: &str) -> usize {
    text.len()
}

#[lru_cache(maxsize = 128)]
pub(crate) fn borrowed_long(text: &str) -> usize {
    text.len()
}

/// Generic: each type has its own entries, and arguments are stored type-erased.
#[lru_cache(maxsize = 128, typed = true)]
pub(crate) fn typed<T: Argument + Into<u64>>(x: T) -> u64 {
    body(x.into())
}

/// Generic: equal arguments of different types share an entry.
#[lru_cache(maxsize = 128, typed = false)]
pub(crate) fn untyped<T: Argument + Into<u64>>(x: T) -> u64 {
    body(x.into())
}

/// Generic in its result, which is stored type-erased too.
#[lru_cache(maxsize = 128, typed = true)]
pub(crate) fn generic_result<T>(x: T) -> T
where
    T: Argument + From<u64> + Into<u64> + Clone + Send + Sync + 'static,
{
    body(x.into()).into()
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Line {
    slope: u64,
    offset: u32,
}

impl Line {
    #[lru_cache(maxsize = 128)]
    fn at(&self, n: u64) -> u64 {
        body(n).wrapping_mul(self.slope).wrapping_add(self.offset.into())
    }

    #[lru_cache(maxsize = 128)]
    fn at_skipping_self(#[key(skip)] &self, n: u64) -> u64 {
        body(n).wrapping_mul(self.slope).wrapping_add(self.offset.into())
    }
}

/// Used through a black box everywhere, since a user's object is not a constant.
static LINE: Line = Line { slope: 3, offset: 4 };

#[inline]
pub(crate) fn method(n: u64) -> u64 {
    black_box(&LINE).at(n)
}

#[inline]
pub(crate) fn method_skipping_self(n: u64) -> u64 {
    black_box(&LINE).at_skipping_self(n)
}

#[lru_cache(maxsize = 128)]
async fn asynchronous(n: u64) -> u64 {
    ready(body(n)).await
}

#[lru_cache(maxsize = 128)]
async fn asynchronous_evicting(n: u64) -> u64 {
    ready(body(n)).await
}

/// Polls an `async fn` once; its body does not wait.
#[inline]
pub(crate) fn polled(n: u64) -> u64 {
    poll(asynchronous(n))
}

#[inline]
pub(crate) fn polled_evicting(n: u64) -> u64 {
    poll(asynchronous_evicting(n))
}

#[inline]
fn poll(call: impl Future<Output = u64>) -> u64 {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("the body does not wait"),
    }
}

#[lru_cache(cache = memo)]
fn cached_in(n: u64, memo: &LruCache<u64, u64>) -> u64 {
    body(n)
}

/// The results are stored in a cache object that is passed as an argument.
#[inline]
pub(crate) fn in_object(n: u64) -> u64 {
    static MEMO: LruCache<u64, u64> = LruCache::new(Some(128));
    cached_in(n, black_box(&MEMO))
}

/// The body of `disabled`, without the attribute.
#[inline(never)]
pub(crate) fn plain(n: u64) -> u64 {
    body(n)
}

/// Like [`plain`], after one uncontended atomic addition, which is what counting a miss may cost.
#[inline(never)]
pub(crate) fn plain_and_counted(n: u64) -> u64 {
    static MISSES: AtomicU64 = AtomicU64::new(0);
    MISSES.fetch_add(1, Ordering::Relaxed);
    body(n)
}

/// The floor of a hit: acquires and releases the kind of lock that guards a cache.
#[inline(never)]
pub(crate) fn locked(n: u64) -> u64 {
    static LOCK: ReentrantMutex<Cell<u64>> = ReentrantMutex::new(Cell::new(0));
    LOCK.lock().replace(n)
}
