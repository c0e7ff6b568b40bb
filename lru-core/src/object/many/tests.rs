use std::cell::{Cell, RefCell};
use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use crate::expiry::clock::ManualClock;
use crate::function::call::remote::block_on;
use crate::key::hash::mixed;
use crate::object::Cache;
use crate::object::aliases::{LfuCache, LruCache};
use crate::store::{Lru, RemovalCause};

fn is_send<T: Send>(value: T) -> T {
    value
}

fn squares(missing: &[u32]) -> Vec<u32> {
    missing.iter().map(|n| n * n).collect()
}

#[test]
fn an_empty_batch_computes_nothing() {
    let cache = LruCache::<u32, u32>::new(Some(2));
    assert!(cache.get_or_insert_many_with([], |_| unreachable!("nothing is missing")).is_empty());
    assert!(cache.get_many(&[0; 0]).is_empty());
    assert_eq!((cache.info().hits, cache.info().misses), (0, 0));
}

#[test]
fn only_missing_keys_are_computed_once_and_in_order() {
    let (cache, asked) = (LruCache::new(None), RefCell::new(Vec::new()));
    let batch = |keys: &[u32]| {
        cache.get_or_insert_many_with(keys.to_vec(), |missing| {
            asked.borrow_mut().push(missing.to_vec());
            squares(missing)
        })
    };
    assert_eq!(batch(&[3, 1, 3]), [9, 1, 9]);
    assert_eq!(batch(&[5, 3, 4, 5, 1]), [25, 9, 16, 25, 1]);
    assert_eq!(batch(&[1, 3]), [1, 9]);
    assert_eq!(asked.take(), [vec![3, 1], vec![5, 4]]);
    // Equal keys are answered by one computation.
    assert_eq!((cache.info().hits, cache.info().misses), (1 + 3 + 2, 4));
    assert_eq!(cache.get_many(&[4, 7, 4]), [Some(16), None, Some(16)]);
    assert_eq!((cache.info().hits, cache.info().misses), (8, 5));
}

#[test]
fn a_long_batch_is_right_and_within_maxsize() {
    let cache = LruCache::new(Some(500));
    let keys = || (0..10_000).rev();
    assert!(cache.get_or_insert_many_with(keys(), squares).into_iter().eq(keys().map(|n: u32| n * n)));
    assert_eq!((cache.len(), cache.stats_evictions()), (500, 9_500));
    assert!(cache.keys().into_iter().eq((0..500).rev()), "the last ones stay, in order");
    cache.engine().validate();
}

impl<K, V> LruCache<K, V> {
    fn stats_evictions(&self) -> u64 {
        self.engine().stats().evictions
    }
}

#[test]
fn another_number_of_values_is_a_panic_that_stores_nothing() {
    let cache = LruCache::new(Some(8));
    let result = catch_unwind(AssertUnwindSafe(|| cache.get_or_insert_many_with([1, 2], |_| vec![1])));
    let message = *result.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(message, "`compute` returned 1 values for 2 keys");
    assert_eq!((cache.len(), cache.info().misses), (0, 2));
    cache.engine().validate();
}

#[test]
fn an_error_stores_nothing() {
    let cache = LruCache::new(Some(8));
    cache.insert(1, 1);
    assert_eq!(cache.get_or_try_insert_many_with([1, 2, 2], |_| Err("no")), Err("no"));
    assert_eq!((cache.len(), cache.info().hits, cache.info().misses), (1, 1, 2));
    assert_eq!(
        cache.get_or_try_insert_many_with([1, 2], |missing| Ok::<_, ()>(squares(missing))),
        Ok(vec![1, 4])
    );
}

#[test]
fn stale_values_of_all_missing_keys_stand_in_for_an_error() {
    let clock = ManualClock::new();
    let cache = LruCache::builder_with(clock.clone())
        .maxsize(8)
        .ttl(Duration::from_secs(1))
        .stale_if_error(Duration::from_secs(10))
        .build();
    cache.get_or_insert_many_with([1, 2], squares);
    clock.advance(Duration::from_secs(2));
    assert_eq!(cache.get_or_try_insert_many_with([2, 1], |_| Err("no")), Ok(vec![4, 1]));
    assert_eq!(cache.get_or_try_insert_many_with([2, 3], |_| Err("no")), Err("no"));
}

#[test]
fn a_change_during_the_computation_supersedes_that_key_only() {
    let cache = LruCache::new(Some(8));
    let values = cache.get_or_insert_many_with([1, 2, 3], |missing| {
        cache.remove(&1);
        cache.insert(2, 77);
        squares(missing)
    });
    assert_eq!((values, cache.get_many(&[1, 2, 3])), (vec![1, 4, 9], vec![None, Some(77), Some(9)]));
    let values = cache.get_or_insert_many_with([4, 5], |missing| {
        cache.clear();
        squares(missing)
    });
    assert_eq!((values, cache.len()), (vec![16, 25], 0));
    cache.engine().validate();
}

#[test]
fn entries_that_a_batch_evicts_are_reported_without_the_lock() {
    let evicted = RefCell::new(Vec::new());
    thread_local! {
        static EVICTED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    }
    let cache = Cache::<u32, u32, Lru>::builder()
        .maxsize(2)
        .on_evict(|key: &u32, _: &u32, cause| {
            assert_eq!(cause, RemovalCause::Evicted);
            EVICTED.with_borrow_mut(|evicted| evicted.push(*key));
        })
        .build();
    cache.get_or_insert_many_with([1, 2, 3, 4], squares);
    evicted.replace(EVICTED.take());
    assert_eq!((evicted.take(), cache.keys()), (vec![1, 2], vec![3, 4]));
}

#[test]
fn weights_and_deadlines_hold_for_each_entry() {
    let clock = ManualClock::new();
    let cache = LruCache::builder_with(clock.clone())
        .maxsize(10)
        .weigher(|_: &u32, value: &u32| *value as usize)
        .ttu(|key: &u32, _: &u32, now: Duration| now + Duration::from_secs(u64::from(*key)))
        .build();
    assert_eq!(cache.get_or_insert_many_with([1, 2, 3, 4], squares), [1, 4, 9, 16]);
    // 16 is too heavy; 9 needs the room of 1 and 4, of which 1 is enough.
    assert_eq!(cache.info().currsize, 9);
    clock.advance(Duration::from_secs(3));
    assert_eq!(cache.get_many(&[1, 2, 3, 4]), [None; 4]);
}

#[test]
fn async_batches_store_unless_they_are_dropped() {
    let cache = LruCache::new(Some(8));
    let values = block_on(cache.get_or_insert_many_with_async([1, 2, 1], |missing| ready(squares(&missing))));
    assert_eq!((values, cache.len()), (vec![1, 4, 1], 2));
    let failed = cache.get_or_try_insert_many_with_async([1, 3], |_| ready(Err::<Vec<u32>, _>("no")));
    assert_eq!(block_on(failed), Err("no"));
    let hits = cache.get_or_try_insert_many_with_async([2, 1], |_| ready(Err("is not called")));
    assert_eq!(block_on(hits), Ok(vec![4, 1]));
    {
        let mut dropped = pin!(cache.get_or_insert_many_with_async([5, 6], |_| std::future::pending()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(dropped.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!((cache.len(), cache.info().misses), (2, 2 + 1 + 2));
    let future = cache.get_or_insert_many_with_async([9], |missing| ready(squares(&missing)));
    assert_eq!(block_on(is_send(future)), [81]);
}

/// Runs random batches on one cache, and the same keys one by one on another.
#[test]
fn batches_equal_single_calls() {
    let mut state = 3;
    let mut below = |bound: u64| {
        state += 1;
        mixed(state) % bound
    };
    for maxsize in [Some(0), Some(1), Some(30), Some(200), None] {
        let (batched, single) = (LfuCache::new(maxsize), LfuCache::new(maxsize));
        for _ in 0..100 {
            let keys: Vec<u32> = (0..below(150)).map(|_| u32::try_from(below(100)).unwrap()).collect();
            // What a batch of single calls does which all begin before the first ends.
            let found = single.get_many_singly(&keys);
            let values = batched.get_or_insert_many_with(keys.clone(), squares);
            assert_eq!(values, squares(&keys));
            for (key, found) in keys.iter().zip(found) {
                if found.is_none() && !single.contains(key) {
                    single.insert(*key, key * key);
                }
            }
            if let None | Some(200) = maxsize {
                assert_eq!(batched.info().currsize, single.info().currsize);
            }
            assert!(maxsize.is_none_or(|maxsize| batched.len() <= maxsize));
            batched.engine().validate();
        }
    }
}

impl LfuCache<u32, u32> {
    fn get_many_singly(&self, keys: &[u32]) -> Vec<Option<u32>> {
        keys.iter().map(|key| self.get(key)).collect()
    }
}

#[test]
fn async_batches_share_the_computation_of_each_key_with_single_calls() {
    let (cache, asked, value) = (LruCache::new(Some(100)), RefCell::new(Vec::new()), Cell::new(false));
    let opened = || std::future::poll_fn(|_| if value.get() { Poll::Ready(()) } else { Poll::Pending });
    let batch = |keys: [u32; 2]| {
        cache.get_or_insert_many_with_async(keys, |missing: Vec<u32>| {
            asked.borrow_mut().push(missing.clone());
            async move {
                opened().await;
                squares(&missing)
            }
        })
    };
    let single = cache.get_or_insert_with_async(1, || async {
        opened().await;
        1
    });
    let mut context = Context::from_waker(Waker::noop());
    let (mut single, mut one, mut other) = (pin!(single), pin!(batch([1, 2])), pin!(batch([3, 2])));
    assert!(single.as_mut().poll(&mut context).is_pending());
    assert!(one.as_mut().poll(&mut context).is_pending() && other.as_mut().poll(&mut context).is_pending());
    value.set(true);
    assert!(other.as_mut().poll(&mut context).is_pending(), "it has computed 3");
    assert!(one.as_mut().poll(&mut context).is_pending(), "it has computed 2");
    assert_eq!(single.as_mut().poll(&mut context), Poll::Ready(1));
    assert_eq!(one.as_mut().poll(&mut context), Poll::Ready(vec![1, 4]));
    assert_eq!(other.as_mut().poll(&mut context), Poll::Ready(vec![9, 4]));
    assert_eq!(asked.take(), [vec![2], vec![3]]);
    assert_eq!((cache.info().hits, cache.info().misses), (2, 3));
    assert_eq!(cache.engine().flights().count(), (0, 0));
}

#[test]
fn blocking_batches_share_computations_with_single_flight() {
    let cache = LruCache::<u32, u32>::builder().maxsize(1000).single_flight().build();
    let (computed, barrier) = (AtomicU32::new(0), Barrier::new(4));
    thread::scope(|scope| {
        for thread in 0..4 {
            let (cache, computed, barrier) = (&cache, &computed, &barrier);
            scope.spawn(move || {
                for round in 0..20 {
                    barrier.wait();
                    let keys: Vec<u32> = (0..20).map(|n| round * 30 + (n + thread * 7) % 30).collect();
                    let values = cache.get_or_insert_many_with(keys.clone(), |missing| {
                        computed.fetch_add(u32::try_from(missing.len()).unwrap(), SeqCst);
                        squares(missing)
                    });
                    assert_eq!(values, squares(&keys));
                }
            });
        }
    });
    assert_eq!((computed.into_inner(), cache.info().misses), (20 * 30, 20 * 30));
    assert_eq!(cache.engine().flights().count(), (0, 0));
}
