use super::*;
use crate::engine::lifecycle::NoLifecycle;
use crate::function::call::CacheHandle;
use crate::function::result_policy::Plain;
use crate::function::tagged::tested;
use crate::store::Lru;
use crate::store::lock_free::thread_number::NUMBERS;
use crate::store::types::Types;
use crate::tags::current::DomainHandle;
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::Barrier;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

type Numbers = LockFree<Types<(u64,), u64, Lru, ()>>;

impl Numbers {
    fn of(maxsize: usize) -> Self {
        Self::new(MaxSize::from_option(Some(maxsize)))
    }

    fn handle(&self) -> CacheHandle<&Self, NoLifecycle> {
        CacheHandle::new(self, true, NoLifecycle)
    }

    /// Calls the function that adds one.
    fn call(&self, n: u64) -> u64 {
        match self.handle().lookup((&n,), Plain) {
            Ok(found) => found,
            Err(miss) => miss.insert(n + 1),
        }
    }

    fn is_mirrored(&self) -> bool {
        self.0.lock().mirror.get().is_some()
    }

    /// Returns hits, misses and the number of entries.
    fn counted(&self) -> (u64, u64, usize) {
        let info = self.handle().info();
        (info.hits, info.misses, info.currsize)
    }
}

/// Its drop ends the watch over a test that could wait for a lock for ever.
struct Watchdog(#[expect(dead_code, reason = "its drop is the signal")] Sender<()>);

impl Watchdog {
    fn new() -> Self {
        let (done, wait) = channel();
        thread::spawn(move || {
            if wait.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
                eprintln!("a call waits for the lock");
                std::process::exit(101);
            }
        });
        Self(done)
    }
}

#[test]
fn the_mirror_is_made_for_an_eighth_of_the_entries_or_after_some_hits() {
    let cache = Numbers::of(64);
    (0..7).for_each(|n| _ = cache.call(n));
    assert!(!cache.is_mirrored());
    cache.call(7);
    assert!(cache.is_mirrored());
    let cache = Numbers::of(64);
    cache.call(1);
    for _ in 1..HITS_OF_USE {
        assert_eq!(cache.call(1), 2);
        assert!(!cache.is_mirrored());
    }
    cache.call(1);
    assert!(cache.is_mirrored());
    assert_eq!(cache.counted(), (HITS_OF_USE, 1, 1));
}

#[test]
fn a_hit_and_a_miss_take_no_lock() {
    let _some = NUMBERS.read();
    let cache = &Numbers::of(8);
    (0..8).for_each(|n| _ = cache.call(n));
    let (ready, hold) = channel();
    let (locked, go_on) = channel();
    let watchdog = Watchdog::new();
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            // Its first hit takes the lock, and gives the thread memory for its stamps.
            assert_eq!(cache.call(3), 4);
            ready.send(()).unwrap();
            go_on.recv().unwrap();
            let found = (cache.call(3), cache.call(5));
            let missed = cache.handle().lookup::<_, u64, _>((&100_u64,), Plain).is_err();
            (found, missed)
        });
        hold.recv().unwrap();
        let guard = cache.0.hold();
        locked.send(()).unwrap();
        let found = reader.join().unwrap();
        drop(guard);
        assert_eq!(found, ((4, 6), true));
    });
    drop(watchdog);
    assert_eq!(cache.counted(), (3, 9, 8));
}

#[test]
fn what_was_removed_is_not_found_without_the_lock() {
    let cache = Numbers::of(4);
    (0..4).for_each(|n| _ = cache.call(n));
    (0..4).for_each(|n| _ = cache.call(n));
    cache.handle().put((&1_u64,), 100_u64, Plain);
    assert_eq!(cache.call(1), 100);
    assert!(cache.handle().invalidate((&1_u64,)));
    assert_eq!(cache.call(1), 2);
    assert_eq!(cache.handle().refresh((&2_u64,), Plain).insert(200_u64), 200);
    assert_eq!(cache.call(2), 200);
    cache.handle().clear();
    assert_eq!((cache.call(2), cache.counted()), (3, (0, 1, 1)));
}

#[test]
fn threads_come_and_go_by_the_thousand() {
    const ROUNDS: u64 = 250;
    const THREADS: u64 = 8;
    const CALLS: u64 = 60;
    let cache = &Numbers::of(16);
    let wrong = &AtomicU64::new(0);
    for round in 0..ROUNDS {
        let start = &Barrier::new(usize::try_from(THREADS).unwrap());
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || {
                    start.wait();
                    for call in 0..CALLS {
                        let n = (round + thread * call + call * call) % 20;
                        wrong.fetch_add(u64::from(cache.call(n) != n + 1), SeqCst);
                    }
                });
            }
        });
    }
    assert_eq!(wrong.load(SeqCst), 0);
    let (hits, misses, size) = cache.counted();
    assert_eq!((hits + misses, size), (ROUNDS * THREADS * CALLS, 16));
    cache.0.validate();
}

#[test]
fn more_threads_than_have_numbers_take_the_lock() {
    let _all = NUMBERS.write();
    let threads = 100;
    let cache = &Numbers::of(4);
    let start = &Barrier::new(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(move || {
                ensure_thread_number();
                start.wait();
                (0..40).for_each(|n| assert_eq!(cache.call(n % 4), n % 4 + 1));
                start.wait();
            });
        }
    });
    let (hits, misses, size) = cache.counted();
    assert_eq!((hits + misses, size), (4_000, 4));
}

/// Returns the order of use, by evicting one entry after the other.
fn pushed_out(cache: &Numbers) -> Vec<u64> {
    let listed: Vec<_> = cache.0.snapshot(&NoLifecycle).into_iter().map(|((n,), _)| n).collect();
    for (left, n) in listed.iter().enumerate() {
        assert!(cache.handle().contains((n,)));
        cache.handle().resize(listed.len() - left - 1);
        assert!(!cache.handle().contains((n,)), "{n} was used before the others");
    }
    listed
}

#[test]
fn a_smaller_capacity_leaves_the_entries_used_last_and_hits_without_the_lock() {
    let _some = NUMBERS.read();
    let cache = Numbers::of(16);
    (0..16).for_each(|n| _ = cache.call(n));
    assert_eq!([3, 1, 2].map(|n| cache.call(n)), [4, 2, 3]);
    cache.handle().resize(4);
    assert_eq!(cache.handle().info().maxsize, Some(4));
    let hits_without_lock = |n: u64| {
        let hash = KeyHash::of_part(&(&n,));
        let reads = || cache.read(hash, |(key,)| *key == n, |value| *value, &NoLifecycle) == Read::Hit(n + 1);
        // A hit that takes the lock gives the thread memory for its stamps.
        reads() || (cache.call(n) == n + 1 && reads())
    };
    assert!([15, 3, 1, 2].into_iter().all(hits_without_lock));
    cache.0.validate();
    // As many as there are slots.
    cache.handle().resize(16);
    (0..16).for_each(|n| _ = cache.call(n));
    assert!((0..16).all(hits_without_lock));
    cache.0.validate();
}

#[test]
fn a_larger_capacity_than_that_of_the_mirror_loses_no_entry_no_count_and_no_order() {
    let _some = NUMBERS.read();
    for maxsize in [Some(17), Some(100), Some(5000), None] {
        let cache = Numbers::of(16);
        (0..16).for_each(|n| _ = cache.call(n));
        assert_eq!([5, 9, 5].map(|n| cache.call(n)), [6, 10, 6]);
        assert!(cache.is_mirrored());
        let counted = cache.counted();
        cache.handle().resize(maxsize);
        assert_eq!(cache.counted(), counted);
        cache.0.validate();
        // All are hits, and what is added is found.
        (16..40).for_each(|n| _ = cache.call(n));
        let len = maxsize.map_or(40, |maxsize| maxsize.min(40));
        let last = 40 - len as u64;
        (last.max(10)..40).for_each(|n| assert_eq!(cache.call(n), n + 1));
        cache.0.validate();
        assert_eq!(cache.counted(), (counted.0 + 40 - last.max(10), counted.1 + 24, len), "{maxsize:?}");
        let order = pushed_out(&cache);
        assert!(order.ends_with(&(last.max(10)..40).collect::<Vec<_>>()), "{order:?}");
        if maxsize == Some(100) {
            assert!(order.starts_with(&[0, 1, 2, 3, 4, 6, 7, 8, 9, 5]), "{order:?}");
        }
    }
}

#[test]
fn a_cache_that_is_empty_or_has_no_mirror_may_get_any_capacity() {
    for first in [0, 1, 16, 5000] {
        let cache = Numbers::of(16);
        cache.handle().resize(first);
        (0..40).for_each(|n| assert_eq!(cache.call(n), n + 1));
        assert_eq!(cache.counted(), (0, 40, first.min(40)));
        assert_eq!(cache.is_mirrored(), first > 0 && first <= 1024);
        cache.0.validate();
        cache.handle().clear();
        (0..40).for_each(|n| assert_eq!(cache.call(n), n + 1));
        cache.0.validate();
        assert_eq!(cache.counted(), (0, 40, first.min(40)));
    }
}

#[test]
fn hits_of_other_threads_while_the_capacity_changes_are_right_and_counted() {
    let _some = NUMBERS.read();
    let cache = Numbers::of(16);
    (0..16).for_each(|n| _ = cache.call(n));
    let calls = AtomicU64::new(16);
    thread::scope(|scope| {
        for thread in 0..3_u64 {
            let (cache, calls) = (&cache, &calls);
            scope.spawn(move || {
                for n in 0..4000 {
                    let n = (n * 7 + thread) % 24;
                    assert_eq!(cache.call(n), n + 1);
                    calls.fetch_add(1, SeqCst);
                }
            });
        }
        for maxsize in [8, 16, 3, 12, 40, 2, 100, 0, 20].into_iter().cycle().take(300) {
            cache.handle().resize(maxsize);
        }
    });
    cache.0.validate();
    let (hits, misses, len) = cache.counted();
    assert_eq!(hits + misses, calls.load(SeqCst));
    assert!(len <= 20);
}

#[test]
fn entries_with_tags_are_read_without_the_lock_until_something_is_invalidated() {
    let _some = NUMBERS.read();
    let domain = DomainHandle::isolated();
    let _entered = domain.enter();
    let cache = LockFree::<Types<(u64,), u64, Lru, tested::Info>>::new(MaxSize::of(4));
    let call = |n, value| tested::call(&cache, n, value);
    let read = |n| match cache.read(tested::hash_of(n), |key| key.0 == n, |value| *value, &tested::begin()) {
        Read::Hit(value) => Some(value),
        Read::Missing(_) | Read::Locked => None,
    };
    tested::is_read_until_invalidated(&domain, (3, 0), call, read);
}
