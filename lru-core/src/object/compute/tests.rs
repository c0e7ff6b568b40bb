use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use super::{ATTEMPTS, Compute};
use crate::expiry::clock::ManualClock;
use crate::object::aliases::LruCache;
use crate::observe::CacheInfo;
use crate::store::RemovalCause;

fn raise() -> ! {
    resume_unwind(Box::new("raised"))
}

#[test]
fn an_entry_is_stored_replaced_kept_and_removed() {
    let cache = LruCache::new(Some(2));
    assert_eq!(cache.compute(1, |old| Compute::Replace(old.map_or(10, |old| old + 1))), Some(10));
    assert_eq!(cache.compute(1, |old| Compute::Replace(old.map_or(10, |old| old + 1))), Some(11));
    assert_eq!(cache.compute(1, |_| Compute::Keep), Some(11));
    assert_eq!(cache.compute(2, |old| if old.is_none() { Compute::Keep } else { Compute::Remove }), None);
    assert_eq!(cache.compute(1, |_| Compute::Remove), None);
    assert_eq!(cache.compute(1, |_| Compute::Remove), None);
    assert_eq!(cache.info(), CacheInfo { hits: 0, misses: 0, maxsize: Some(2), currsize: 0 });
    cache.engine().validate();
}

#[test]
fn a_replaced_entry_is_the_most_recent_and_a_kept_one_is_not_used() {
    let cache = LruCache::new(Some(2));
    cache.insert(1, 1);
    cache.insert(2, 2);
    cache.compute(1, |_| Compute::Keep);
    assert_eq!(cache.keys(), [1, 2]);
    cache.compute(1, |_| Compute::Replace(3));
    assert_eq!(cache.keys(), [2, 1]);
    cache.compute(4, |_| Compute::Replace(4));
    assert_eq!(cache.keys(), [1, 4]);
}

#[test]
fn no_update_of_many_threads_is_lost() {
    let cache = LruCache::new(Some(1));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    cache.compute("n", |old| Compute::Replace(old.map_or(1, |old| old + 1)));
                }
            });
        }
    });
    assert_eq!(cache.peek("n"), Some(4000));
    cache.engine().validate();
}

#[test]
fn the_function_runs_again_with_what_another_call_has_stored_meanwhile() {
    for maxsize in [None, Some(8)] {
        let (cache, runs) = (LruCache::new(maxsize), Cell::new(0));
        let mut change = |old: Option<&u32>| {
            runs.set(runs.get() + 1);
            match runs.get() {
                1 => _ = cache.insert(1, 10),
                2 => _ = cache.remove(&1),
                3 => _ = cache.get_or_insert_with(1, || 20),
                4 => cache.clear(),
                5 => cache.retain(|_, _| true),
                _ => {}
            }
            Compute::Replace(old.map_or(1, |old| old + 1))
        };
        assert_eq!(cache.compute(1, &mut change), Some(1));
        assert_eq!(runs.get(), 6);
        assert_eq!(cache.compute(1, &mut change), Some(2));
        assert_eq!((runs.get(), cache.peek(&1)), (7, Some(2)));
    }
}

#[test]
fn the_function_runs_again_if_the_entry_was_evicted_or_has_expired() {
    let clock = ManualClock::new();
    let cache = LruCache::builder_with(clock.clone()).maxsize(1).ttl(Duration::from_secs(5)).build();
    let (seen, runs) = (Cell::new(0), Cell::new(0));
    let compute = |meanwhile: &dyn Fn()| {
        runs.set(0);
        cache.compute(1, |old| {
            runs.set(runs.get() + 1);
            seen.set(old.copied().unwrap_or(-1));
            if runs.get() == 1 {
                meanwhile();
            }
            Compute::Replace(7)
        })
    };
    cache.insert(1, 1);
    compute(&|| _ = cache.insert(2, 2));
    assert_eq!((runs.get(), seen.get(), cache.keys()), (2, -1, vec![1]));
    compute(&|| clock.advance(Duration::from_secs(5)));
    assert_eq!((runs.get(), seen.get(), cache.keys()), (2, -1, vec![1]));
    // A change of another key does not count, even if both have one slot in turn.
    cache.resize(8);
    compute(&|| _ = cache.insert(3, 3));
    assert_eq!((runs.get(), seen.get(), cache.len()), (1, 7, 2));
    cache.engine().validate();
}

#[test]
fn a_function_that_always_changes_its_own_entry_ends() {
    let (cache, runs) = (LruCache::new(None), Cell::new(0));
    let result = cache.compute(1, |old| {
        runs.set(runs.get() + 1);
        cache.insert(1, 1000 + runs.get());
        cache.insert(2, 2);
        Compute::Replace(old.copied().unwrap_or_default() + 1)
    });
    let last = 1000 + ATTEMPTS + 1;
    assert_eq!((runs.get(), result, cache.peek(&1)), (ATTEMPTS + 1, Some(last), Some(last)));
    assert!(!cache.engine().is_held());
    cache.engine().validate();
    // Likewise if it keeps or removes the entry in the end.
    for (change, left) in [(Compute::Remove, None), (Compute::Keep, Some(5))] {
        let (runs, cache) = (Cell::new(0), LruCache::new(None));
        let result = cache.compute(1, |_| {
            runs.set(runs.get() + 1);
            if runs.get() <= ATTEMPTS {
                cache.insert(1, 5);
                return Compute::Replace(6);
            }
            assert!(cache.engine().is_held());
            change
        });
        assert_eq!((result, cache.peek(&1), cache.engine().is_held()), (left, left, false));
        cache.engine().validate();
    }
}

#[test]
fn a_panic_leaves_the_entry_as_it_is() {
    for last in [1, ATTEMPTS + 1] {
        let (cache, runs) = (LruCache::new(Some(4)), Cell::new(0));
        cache.insert(1, 0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            cache.compute(1, |_| {
                runs.set(runs.get() + 1);
                if runs.get() == last {
                    raise();
                }
                cache.insert(1, runs.get());
                Compute::Remove
            })
        }));
        assert!(result.is_err());
        assert_eq!((runs.get(), cache.peek(&1), cache.engine().is_held()), (last, Some(last - 1), false));
        cache.engine().validate();
    }
}

#[test]
fn a_computation_in_flight_does_not_replace_the_new_value() {
    for maxsize in [None, Some(8)] {
        let cache = LruCache::new(maxsize);
        let result = cache.get_or_insert_with(1, || {
            cache.compute(1, |_| Compute::Replace(2));
            1
        });
        assert_eq!((result, cache.peek(&1)), (1, Some(2)));
        let result = cache.get_or_insert_with(3, || {
            cache.compute(3, |_| Compute::Remove);
            3
        });
        assert_eq!((result, cache.peek(&3)), (3, None));
    }
}

#[test]
fn what_is_too_heavy_is_not_stored() {
    let cache = LruCache::builder().maxsize(4).weigher(|_: &u32, &value: &usize| value).build();
    cache.compute(1, |_| Compute::Replace(2));
    assert_eq!(cache.compute(1, |_| Compute::Replace(5)), Some(5));
    assert_eq!((cache.peek(&1), cache.info().currsize), (Some(2), 2));
}

#[test]
fn the_listener_is_called_without_the_lock() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    static CACHE: LazyLock<LruCache<u32, u32>> = LazyLock::new(|| {
        let listener = |_: &u32, &value: &u32, cause| {
            assert!(!CACHE.engine().is_held());
            let expected = if value == 2 { RemovalCause::Invalidated } else { RemovalCause::Replaced };
            assert_eq!(cause, expected);
            CALLS.fetch_add(1, SeqCst);
        };
        LruCache::builder().on_evict(listener).build()
    });
    CACHE.compute(1, |_| Compute::Replace(1));
    CACHE.compute(1, |_| Compute::Replace(2));
    CACHE.compute(1, |_| Compute::Remove);
    assert_eq!(CALLS.load(SeqCst), 2);
    // The last run holds the lock.
    let runs = Cell::new(0);
    CACHE.compute(1, |_| {
        runs.set(runs.get() + 1);
        if runs.get() <= ATTEMPTS {
            CACHE.insert(1, 7);
        } else {
            assert!(CACHE.engine().is_held());
        }
        Compute::Replace(1)
    });
    assert_eq!((runs.get(), CACHE.peek(&1), CALLS.load(SeqCst)), (ATTEMPTS + 1, Some(1), 2 + ATTEMPTS));
}
