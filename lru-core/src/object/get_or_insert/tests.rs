use std::cell::Cell;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::expiry::clock::ManualClock;
use crate::expiry::{Clock, SystemClock};
use crate::function::call::remote::block_on;
use crate::object::aliases::LruCache;
use crate::observe::CacheInfo;

/// Polls a future once.
fn poll<F: Future>(future: &mut Pin<&mut F>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// A future that is ready as soon as the cell has a value.
fn given<T: Copy>(cell: &Cell<Option<T>>) -> impl Future<Output = T> {
    std::future::poll_fn(|_| cell.get().map_or(Poll::Pending, Poll::Ready))
}

fn counts<V>(cache: &LruCache<u32, V>) -> (u64, u64) {
    let CacheInfo { hits, misses, .. } = cache.info();
    (hits, misses)
}

#[test]
fn an_error_is_returned_and_not_stored() {
    let cache = LruCache::new(Some(2));
    assert_eq!(cache.get_or_try_insert_with(1, || Err("no")), Err("no"));
    assert_eq!(cache.get_or_try_insert_with::<&str>(1, || Ok(7)), Ok(7));
    assert_eq!(cache.get_or_try_insert_with(1, || Err("no")), Ok(7));
    assert_eq!((counts(&cache), cache.len()), ((1, 2), 1));
}

#[test]
fn a_failed_computation_leaves_what_was_stored_meanwhile() {
    let cache = LruCache::new(Some(2));
    let result = cache.get_or_try_insert_with(1, || {
        cache.insert(1, 5);
        Err(())
    });
    assert_eq!((result, cache.peek(&1)), (Err(()), Some(5)));
    let raised = catch_unwind(AssertUnwindSafe(|| {
        cache.get_or_try_insert_with::<()>(2, || resume_unwind(Box::new("raised")))
    }));
    assert!(raised.is_err() && !cache.contains(&2));
    cache.engine().validate();
}

#[test]
fn concurrent_calls_share_one_computation() {
    let (cache, value, runs) = (LruCache::new(Some(2)), Cell::new(None), Cell::new(0));
    let call = || {
        cache.get_or_insert_with_async(1, || {
            runs.set(runs.get() + 1);
            given(&value)
        })
    };
    let (mut first, mut second, mut third) = (pin!(call()), pin!(call()), pin!(call()));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending() && poll(&mut third).is_pending());
    value.set(Some(7));
    assert!(poll(&mut second).is_pending());
    assert_eq!(poll(&mut first), Poll::Ready(7));
    assert_eq!((poll(&mut second), poll(&mut third)), (Poll::Ready(7), Poll::Ready(7)));
    assert_eq!(poll(&mut pin!(call())), Poll::Ready(7));
    assert_eq!((runs.get(), counts(&cache), cache.peek(&1)), (1, (3, 1), Some(7)));
}

#[test]
fn a_call_takes_over_from_one_that_is_dropped() {
    let (cache, value) = (LruCache::new(None), Cell::new(None));
    let mut first = Box::pin(cache.get_or_insert_with_async(1, pending));
    let mut second = pin!(cache.get_or_insert_with_async(1, || given(&value)));
    assert!(poll(&mut first.as_mut()).is_pending() && poll(&mut second).is_pending());
    drop(first);
    assert!(poll(&mut second).is_pending());
    value.set(Some(9));
    assert_eq!((poll(&mut second), cache.peek(&1)), (Poll::Ready(9), Some(9)));
    cache.engine().validate();
}

#[test]
fn the_calls_that_wait_compute_in_turn_after_an_error() {
    let (cache, result) = (LruCache::new(None), Cell::new(None));
    let call = |own: Result<u32, u8>| {
        let result = &result;
        cache.get_or_try_insert_with_async(1, move || async move {
            let shared: Option<Result<u32, u8>> = given(result).await;
            shared.unwrap_or(own)
        })
    };
    let (mut first, mut second, mut third) = (pin!(call(Err(1))), pin!(call(Ok(2))), pin!(call(Ok(3))));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending() && poll(&mut third).is_pending());
    result.set(Some(None));
    assert_eq!(poll(&mut first), Poll::Ready(Err(1)));
    let (second, third) = (poll(&mut second), poll(&mut third));
    assert!(matches!(second, Poll::Ready(Ok(2 | 3))), "{second:?}");
    assert!(matches!(third, Poll::Ready(Ok(2 | 3))), "{third:?}");
    assert!(matches!(cache.peek(&1), Some(2 | 3)));
    cache.engine().validate();
}

#[test]
fn a_panic_does_not_hold_up_the_calls_that_wait() {
    let (cache, opened) = (LruCache::new(None), Cell::new(None));
    let mut first = pin!(cache.get_or_insert_with_async(1, || async {
        given(&opened).await;
        resume_unwind(Box::new("raised"))
    }));
    let mut second = pin!(cache.get_or_insert_with_async(1, || ready(2)));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    opened.set(Some(()));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut first))).is_err());
    assert_eq!((poll(&mut second), cache.peek(&1)), (Poll::Ready(2), Some(2)));
    cache.engine().validate();
}

#[test]
fn a_computation_that_awaits_its_own_value_computes() {
    let cache = LruCache::new(None);
    let value =
        block_on(cache.get_or_insert_with_async(1, || async {
            cache.get_or_insert_with_async(1, || ready(1)).await + 1
        }));
    assert!(value == 2 && cache.contains(&1));
}

#[test]
fn a_value_that_is_inserted_meanwhile_stays() {
    let (cache, value) = (LruCache::new(None), Cell::new(None));
    let mut call = pin!(cache.get_or_insert_with_async(1, || given(&value)));
    assert!(poll(&mut call).is_pending());
    cache.insert(1, 5);
    value.set(Some(7));
    assert_eq!((poll(&mut call), cache.peek(&1)), (Poll::Ready(7), Some(5)));
}

#[test]
fn futures_go_to_other_threads() {
    static CACHE: LruCache<String, u32, SystemClock> = LruCache::new(None);
    let future = CACHE.get_or_try_insert_with_async("a".to_owned(), || async { Ok::<_, ()>(1) });
    assert_eq!(thread::spawn(|| block_on(future)).join().ok(), Some(Ok(1)));
}

#[test]
fn threads_share_a_computation_if_the_cache_says_so() {
    let cache = LruCache::<u32, u32>::builder().maxsize(4).single_flight().build();
    let (begun, runs) = (Barrier::new(2), AtomicU32::new(0));
    let call = |own: u32| {
        cache.get_or_insert_with(1, || {
            if runs.fetch_add(1, SeqCst) > 0 {
                return own;
            }
            begun.wait();
            // The other call waits for this one as soon as it is counted as a follower.
            let deadline = Instant::now() + Duration::from_secs(60);
            while cache.engine().flights().count().1 == 0 {
                assert!(Instant::now() < deadline, "no call waits");
                thread::yield_now();
            }
            own
        })
    };
    let results = thread::scope(|scope| {
        let leader = scope.spawn(|| call(7));
        begun.wait();
        let follower = call(8);
        (leader.join().ok(), follower)
    });
    assert_eq!((results, runs.into_inner()), ((Some(7), 7), 1));
    assert_eq!((counts(&cache), cache.peek(&1)), ((1, 1), Some(7)));
    // A computation that needs its own value computes it.
    let nested = cache.get_or_try_insert_with::<()>(2, || Ok(cache.get_or_insert_with(2, || 1) + 1));
    assert!(nested == Ok(2) && cache.contains(&2));
    cache.engine().validate();
}

#[test]
fn wrapped_functions_are_served_what_async_calls_compute() {
    let cache = LruCache::<u32, u32>::builder().single_flight().build();
    let value = Cell::new(None);
    let mut call = pin!(cache.get_or_insert_with_async(1, || given(&value)));
    assert!(poll(&mut call).is_pending());
    let runs = Cell::new(0);
    let twice = cache.wrap(|n| {
        runs.set(runs.get() + 1);
        2 * n
    });
    assert_eq!((twice(2), twice(2), runs.get()), (4, 4, 1));
    value.set(Some(9));
    assert_eq!((poll(&mut call), twice(1)), (Poll::Ready(9), 9));
    cache.engine().validate();
}

#[test]
fn a_stale_value_stands_in_for_an_error() {
    let clock = ManualClock::new();
    let cache = LruCache::<u32, u32, _>::builder_with(clock.clone())
        .ttl(Duration::from_secs(10))
        .stale_if_error(Duration::from_secs(20))
        .build();
    let half = cache.try_wrap(|n| if clock.now().is_zero() { Ok(n / 2) } else { Err("offline") });
    assert_eq!(half(4), Ok(2));
    clock.advance(Duration::from_secs(10));
    assert_eq!((cache.get(&4), cache.expires_in(&4), cache.peek(&4)), (None, None, None));
    assert_eq!((half(4), half(6)), (Ok(2), Err("offline")));
    assert_eq!(cache.get_or_try_insert_with(4, || Err("offline")), Ok(2));
    let call = cache.get_or_try_insert_with_async(4, || ready(Err("offline")));
    assert_eq!(block_on(call), Ok(2));
    assert_eq!(block_on(cache.try_wrap_async(|_| ready(Err("offline")))(4)), Ok(2));
    // A new value replaces it.
    assert_eq!(cache.get_or_try_insert_with::<&str>(4, || Ok(3)), Ok(3));
    assert_eq!((cache.get(&4), half(4)), (Some(3), Ok(3)));
    clock.advance(Duration::from_secs(30));
    assert_eq!(cache.get_or_try_insert_with(4, || Err("offline")), Err("offline"));
    assert_eq!((half(4), cache.len()), (Err("offline"), 0));
    cache.engine().validate();
}

#[test]
fn one_call_refreshes_a_stale_value_and_the_others_are_served_it() {
    let clock = ManualClock::new();
    let cache = LruCache::<u32, u32, _>::builder_with(clock.clone())
        .ttl(Duration::from_secs(10))
        .swr(Duration::from_secs(100))
        .build();
    assert_eq!(cache.get_or_insert_with(1, || 1), 1);
    clock.advance(Duration::from_secs(10));
    assert_eq!((cache.get(&1), cache.contains(&1), cache.len()), (None, false, 1));
    let inner = || cache.get_or_insert_with(1, || unreachable!("another call refreshes it"));
    let value = cache.get_or_insert_with(1, || {
        assert_eq!(inner(), 1);
        assert_eq!(block_on(cache.get_or_insert_with_async(1, pending)), 1);
        2
    });
    assert_eq!((value, inner(), cache.get(&1)), (2, 2, Some(2)));
    // Later than `swr`, it is computed again.
    clock.advance(Duration::from_secs(110));
    assert_eq!(cache.get_or_insert_with(1, || 3), 3);
    cache.engine().validate();
}

#[test]
fn a_refresh_that_fails_is_served_the_stale_value_and_tried_again_later() {
    let clock = ManualClock::new();
    let cache = LruCache::<u32, u32, _>::builder_with(clock.clone())
        .ttl(Duration::from_secs(10))
        .swr(Duration::from_secs(100))
        .build();
    let runs = Cell::new(0);
    let fail = |_: u32| {
        runs.set(runs.get() + 1);
        Err::<u32, _>("offline")
    };
    assert_eq!(cache.get_or_try_insert_with::<&str>(1, || Ok(1)), Ok(1));
    clock.advance(Duration::from_secs(10));
    assert_eq!((cache.try_wrap(fail)(1), runs.get()), (Ok(1), 1));
    // It is not tried again at once.
    assert_eq!((cache.try_wrap(fail)(1), runs.get()), (Ok(1), 1));
    clock.advance(Duration::from_secs(1));
    assert_eq!(block_on(cache.get_or_try_insert_with_async(1, || ready(fail(1)))), Ok(1));
    assert_eq!(runs.get(), 2);
    clock.advance(Duration::from_secs(2));
    assert_eq!(block_on(cache.try_wrap_async(|n| ready(Ok::<_, &str>(n + 6)))(1)), Ok(7));
    assert_eq!(cache.get(&1), Some(7));
    cache.engine().validate();
}

#[test]
fn a_refresh_that_panics_or_is_dropped_leaves_the_stale_value() {
    let clock = ManualClock::new();
    let cache = LruCache::<u32, u32, _>::builder_with(clock.clone())
        .ttl(Duration::from_secs(10))
        .swr(Duration::from_secs(100))
        .build();
    cache.insert(1, 1);
    clock.advance(Duration::from_secs(10));
    let dropped = Box::pin(cache.get_or_insert_with_async(1, pending));
    let mut dropped = dropped;
    assert!(poll(&mut pin!(dropped.as_mut())).is_pending());
    drop(dropped);
    let panicking = AssertUnwindSafe(|| cache.get_or_insert_with(1, || resume_unwind(Box::new("no"))));
    assert!(catch_unwind(panicking).is_err());
    assert_eq!(cache.get_or_insert_with(1, || unreachable!("the next attempt is later")), 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(cache.get_or_insert_with(1, || 2), 2);
    cache.engine().validate();
}
