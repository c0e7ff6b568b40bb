use super::*;
use crate::engine::lifecycle::NoLifecycle;
use crate::function::call::CacheHandle;
use crate::function::call::begin::CoalescedLookup;
use crate::function::call::pending_call::FlightOptions;
use crate::function::result_policy::Plain;
use crate::function::tagged::tested;
use crate::key::Part;
use crate::store::Lru;
use crate::store::read_stripes::set_thread_number;
use crate::store::types::Types;
use crate::tags::current::DomainHandle;
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

/// A number as a key, which calls a function when it is compared with a stored key.
struct Asked<'a>(u64, &'a dyn Fn());

impl Part for Asked<'_> {
    type Stored = u64;

    fn hash_part<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }

    fn eq_stored(&self, stored: &u64) -> bool {
        (self.1)();
        self.0 == *stored
    }

    fn to_stored(&self) -> u64 {
        self.0
    }

    fn stored_eq(one: &u64, other: &u64) -> bool {
        one == other
    }

    fn eq_part(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

type Tested<V = u64> = Replicated<Types<u64, V, Lru, ()>>;

impl<V: Clone> Tested<V> {
    fn handle(&self) -> CacheHandle<&Self, NoLifecycle> {
        CacheHandle::new(self, true, NoLifecycle)
    }

    /// Calls with a key that calls `on_eq` when it is compared.
    fn call_with(&self, n: u64, on_eq: &dyn Fn(), compute: impl FnOnce() -> V) -> V {
        match self.handle().lookup(Asked(n, on_eq), Plain) {
            Ok(found) => found,
            Err(miss) => miss.insert(compute()),
        }
    }

    fn call(&self, n: u64, compute: impl FnOnce() -> V) -> V {
        self.call_with(n, &|| (), compute)
    }

    fn contains(&self, n: u64) -> bool {
        self.handle().contains(Asked(n, &|| ()))
    }

    fn invalidate(&self, n: u64) -> bool {
        self.handle().invalidate(Asked(n, &|| ()))
    }

    fn put(&self, n: u64, value: V) {
        self.handle().put(Asked(n, &|| ()), value, Plain);
    }

    fn counted(&self) -> (u64, u64, usize) {
        let info = self.handle().info();
        (info.hits, info.misses, info.currsize)
    }

    fn is_published(&self) -> bool {
        self.0.stripes().is_some_and(|stripes| self.begin_read(stripes).is_some())
    }

    /// Publishes the table to the current thread by as many hits as needed. Returns their number.
    fn publish_here(&self, n: u64) -> u64 {
        self.0.create_stripes();
        for hits in 0..10_000 {
            if self.is_published() {
                return hits;
            }
            self.call(n, || panic!("it is there"));
        }
        panic!("the table is never published");
    }
}

/// Returns a cache of ten times 1, 2 and 3, published to the current thread, and the number of hits so far.
/// There are no misses.
fn published() -> (Tested, u64) {
    let cache = Tested::new();
    (1..=3).for_each(|n| cache.put(n, 10 * n));
    let hits = cache.publish_here(1);
    (cache, hits)
}

fn unasked() -> u64 {
    panic!("it is there")
}

/// Runs a test in a thread, and fails instead of hanging if threads deadlock.
fn finishes(test: impl FnOnce() + Send + 'static) {
    let (done, finished) = channel();
    let running = thread::spawn(move || {
        test();
        done.send(()).expect("it is waited for");
    });
    let result = finished.recv_timeout(Duration::from_secs(60));
    assert!(result.is_ok() || running.is_finished(), "not done after a minute: a deadlock?");
    running.join().expect("the test holds");
}

#[test]
fn nothing_is_published_while_one_thread_calls() {
    let cache = Tested::new();
    (0..10_000).for_each(|_| assert_eq!(cache.call(1, || 10), 10));
    assert!(cache.0.stripes().is_none());
    assert_eq!(cache.counted(), (9_999, 1, 1));
}

#[test]
fn the_table_is_published_to_threads_that_take_turns() {
    let cache = &Tested::new();
    cache.put(1, 10);
    for turn in 0..=THREAD_CHANGES {
        assert!(cache.0.stripes().is_none(), "{turn}");
        let calls = || (0..SAMPLE_INTERVAL).for_each(|_| assert_eq!(cache.call(1, unasked), 10));
        thread::scope(|scope| _ = scope.spawn(calls));
    }
    assert!(cache.0.stripes().is_some());
    cache.publish_here(1);
    assert!(cache.is_published());
}

#[test]
fn a_published_table_is_revoked_to_be_changed_and_published_again() {
    let (cache, mut hits) = published();
    assert_eq!(cache.call(2, unasked), 20);
    assert!(cache.is_published());
    assert_eq!(cache.call(4, || 40), 40);
    assert!(!cache.is_published(), "there is one more");
    hits += 1 + cache.publish_here(4);
    assert_eq!(cache.call(4, unasked), 40);
    assert_eq!(cache.counted(), (hits + 1, 1, 4));
    assert!(cache.is_published(), "counting all hits does not revoke it");
    hits += 1;
    assert!(cache.invalidate(4) && !cache.is_published() && !cache.contains(4));
    assert_eq!(cache.counted(), (hits, 1, 3));
    cache.publish_here(1);
    cache.handle().clear();
    assert_eq!(cache.counted(), (0, 0, 0));
    cache.0.validate();
}

#[test]
fn what_is_put_while_the_table_is_published_is_served() {
    let (cache, _) = published();
    cache.put(2, 21);
    assert_eq!(cache.call(2, unasked), 21);
    cache.publish_here(2);
    assert_eq!(cache.handle().refresh(Asked(2, &|| ()), Plain).insert(22), 22);
    assert_eq!(cache.call(2, unasked), 22);
}

#[test]
fn readers_are_in_it_at_the_same_time() {
    finishes(|| {
        set_thread_number(1);
        let (cache, hits) = published();
        let both = &Barrier::new(2);
        let other = thread::scope(|scope| {
            let cache = &cache;
            let other = scope.spawn(move || {
                set_thread_number(2);
                let hits = cache.publish_here(2);
                assert_eq!(cache.call_with(2, &|| _ = both.wait(), unasked), 20);
                hits
            });
            assert_eq!(cache.call_with(1, &|| _ = both.wait(), unasked), 10);
            other.join().unwrap()
        });
        assert_eq!(cache.counted(), (hits + other + 2, 0, 3));
    });
}

#[test]
fn a_reader_does_not_block_on_the_lock_holder() {
    finishes(|| {
        let (cache, hits) = published();
        let cache = &cache;
        let holding = &Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(move || {
                let held = cache.0.hold();
                holding.wait();
                holding.wait();
                drop(held);
            });
            holding.wait();
            assert_eq!(cache.call(2, unasked), 20);
            let found = cache.handle().begin(Asked(2, &|| ()), Plain, FlightOptions::SINGLE);
            assert!(matches!(found, CoalescedLookup::Hit(20)));
            holding.wait();
        });
        assert_eq!(cache.counted(), (hits + 2, 0, 3));
    });
}

#[test]
fn a_panic_while_reading_leaves_all_as_it_was() {
    let (cache, hits) = published();
    std::panic::set_hook(Box::new(|_| {}));
    let call = AssertUnwindSafe(|| cache.call_with(2, &|| panic!("on purpose"), unasked));
    assert!(catch_unwind(call).is_err());
    drop(std::panic::take_hook());
    assert_eq!(cache.call(2, unasked), 20);
    assert_eq!(cache.counted(), (hits + 1, 0, 3));
    cache.0.validate();
}

#[test]
fn a_removed_value_is_dropped_at_once_although_it_was_published() {
    finishes(|| {
        let cache = &Tested::<Arc<u64>>::new();
        let values = [1, 2, 3].map(Arc::new);
        let turn = &Barrier::new(2);
        thread::scope(|scope| {
            let publish = || {
                for (n, value) in (1..).zip(&values) {
                    cache.put(n, Arc::clone(value));
                }
                turn.wait();
                cache.publish_here(1);
                turn.wait();
            };
            let changed = || _ = turn.wait();
            scope.spawn(move || {
                for _ in 0..3 {
                    turn.wait();
                    cache.publish_here(2);
                    turn.wait();
                    turn.wait();
                }
            });
            let counts = || values.each_ref().map(Arc::strong_count);
            publish();
            assert_eq!(counts(), [2, 2, 2]);
            assert!(cache.invalidate(1));
            assert_eq!(counts(), [1, 2, 2]);
            changed();
            publish();
            cache.put(2, Arc::new(4));
            assert_eq!(counts(), [2, 1, 2]);
            changed();
            publish();
            cache.handle().clear();
            assert_eq!(counts(), [1, 1, 1]);
            changed();
        });
    });
}

const THREADS: u64 = 8;

/// Runs a function in this many threads, each with its number.
fn in_threads(work: impl Fn(u64) + Sync) {
    let start = Barrier::new(usize::try_from(THREADS).expect("few"));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (work, start) = (&work, &start);
            scope.spawn(move || {
                start.wait();
                work(thread);
            });
        }
    });
}

/// Returns a pseudorandom number below the bound.
fn draw(random: &mut u64, below: u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    (*random >> 20) % below
}

const CALLS: u64 = if cfg!(debug_assertions) { 20_000 } else { 200_000 };

#[test]
fn no_call_is_lost() {
    finishes(|| {
        let cache = Tested::new();
        in_threads(|thread| {
            let mut random = thread + 1;
            for number in 0..CALLS {
                let below = if number % 64 == 0 { 10_000 } else { 32 };
                let n = draw(&mut random, below);
                assert_eq!(cache.call(n, || 10 * n), 10 * n);
                if number % 1000 == 0 {
                    let (hits, misses, len) = cache.counted();
                    assert!(hits + misses <= THREADS * CALLS && misses >= len as u64);
                }
            }
        });
        let (hits, misses, len) = cache.counted();
        assert_eq!(hits + misses, THREADS * CALLS);
        assert!(misses >= len as u64);
        assert!(cache.0.stripes().is_some(), "threads have taken turns");
        cache.0.validate();
    });
}

/// Each key has a source, which some threads change and then invalidate, put or clear. A value that is served
/// afterwards was computed afterwards.
#[test]
fn outdated_values_are_not_served() {
    const KEYS: usize = 16;
    finishes(|| {
        let cache = Tested::new();
        cache.0.create_stripes();
        let sources = [const { AtomicU64::new(0) }; KEYS];
        let settled = [const { AtomicU64::new(0) }; KEYS];
        in_threads(|thread| {
            let mut random = thread + 1;
            for _ in 0..CALLS {
                let n = draw(&mut random, KEYS as u64);
                let at = usize::try_from(n).expect("few");
                match draw(&mut random, 1000) {
                    0 => {
                        let version = sources[at].fetch_add(1, SeqCst) + 1;
                        cache.invalidate(n);
                        settled[at].fetch_max(version, SeqCst);
                    }
                    1 => {
                        let version = sources[at].fetch_add(1, SeqCst) + 1;
                        cache.handle().retain(|key, _| *key != n);
                        settled[at].fetch_max(version, SeqCst);
                    }
                    2 => {
                        let version = sources[at].fetch_add(1, SeqCst) + 1;
                        cache.handle().clear();
                        settled[at].fetch_max(version, SeqCst);
                    }
                    _ => {
                        let at_least = settled[at].load(SeqCst);
                        let version = cache.call(n, || sources[at].load(SeqCst));
                        assert!(version >= at_least, "{version} of {at_least}");
                    }
                }
            }
        });
        cache.counted();
        cache.0.validate();
    });
}

#[test]
fn entries_with_tags_are_read_in_stripes_until_something_is_invalidated() {
    let domain = DomainHandle::isolated();
    let _entered = domain.enter();
    let cache = Replicated::<Types<(u64,), u64, Lru, tested::Info>>::new();
    let call = |n, value| tested::call(&cache, n, value);
    let read = |n| cache.read(tested::hash_of(n), |key| key.0 == n, |value| *value, &tested::begin());
    cache.0.create_stripes();
    // What is inserted revokes the table.
    tested::is_read_until_invalidated(&domain, (10, 100), call, read);
}
