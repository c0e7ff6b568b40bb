use super::*;
use crate::engine::lifecycle::NoLifecycle;
use crate::function::call::CacheHandle;
use crate::function::call::begin::CoalescedLookup;
use crate::function::call::pending_call::FlightOptions;
use crate::function::result_policy::Plain;
use crate::key::Part;
use crate::store::policy::Lru;
use crate::store::read_stripes::be;
use crate::store::types::Types;
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

type Tested<V = u64> = Open<Types<u64, V, Lru, ()>>;

impl<V: Clone> Tested<V> {
    fn calls(&self) -> CacheHandle<&Self, NoLifecycle> {
        CacheHandle::new(self, true, NoLifecycle)
    }

    /// Calls with a key that calls `on_eq` when it is compared.
    fn call_with(&self, n: u64, on_eq: &dyn Fn(), compute: impl FnOnce() -> V) -> V {
        match self.calls().look(Asked(n, on_eq), Plain) {
            Ok(found) => found,
            Err(miss) => miss.keep(compute()),
        }
    }

    fn call(&self, n: u64, compute: impl FnOnce() -> V) -> V {
        self.call_with(n, &|| (), compute)
    }

    fn is_there(&self, n: u64) -> bool {
        self.calls().contains(Asked(n, &|| ()))
    }

    fn forget(&self, n: u64) -> bool {
        self.calls().invalidate(Asked(n, &|| ()))
    }

    fn put(&self, n: u64, value: V) {
        self.calls().put(Asked(n, &|| ()), value, Plain);
    }

    fn counted(&self) -> (u64, u64, usize) {
        let info = self.calls().info();
        (info.hits, info.misses, info.currsize)
    }

    fn is_lent(&self) -> bool {
        self.0.readers().is_some_and(|readers| self.begin_to_read(readers).is_some())
    }

    /// Publishes the table to the current thread by as many hits as needed. Returns their number.
    fn lend_here(&self, n: u64) -> u64 {
        self.0.prepare();
        for hits in 0..10_000 {
            if self.is_lent() {
                return hits;
            }
            self.call(n, || panic!("it is there"));
        }
        panic!("it is never lent");
    }
}

/// Returns a cache of ten times 1, 2 and 3, published to the current thread, and the number of hits so far.
/// There are no misses.
fn lent() -> (Tested, u64) {
    let open = Tested::new();
    (1..=3).for_each(|n| open.put(n, 10 * n));
    let hits = open.lend_here(1);
    (open, hits)
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
fn nothing_is_lent_while_one_thread_calls() {
    let open = Tested::new();
    (0..10_000).for_each(|_| assert_eq!(open.call(1, || 10), 10));
    assert!(open.0.readers().is_none());
    assert_eq!(open.counted(), (9_999, 1, 1));
}

#[test]
fn threads_that_take_turns_are_lent_the_table() {
    let open = &Tested::new();
    open.put(1, 10);
    for turn in 0..=CHANGES {
        assert!(open.0.readers().is_none(), "{turn}");
        let calls = || (0..SAMPLED).for_each(|_| assert_eq!(open.call(1, unasked), 10));
        thread::scope(|scope| _ = scope.spawn(calls));
    }
    assert!(open.0.readers().is_some());
    open.lend_here(1);
    assert!(open.is_lent());
}

#[test]
fn what_is_lent_is_taken_back_to_be_changed_and_lent_again() {
    let (open, mut hits) = lent();
    assert_eq!(open.call(2, unasked), 20);
    assert!(open.is_lent());
    assert_eq!(open.call(4, || 40), 40);
    assert!(!open.is_lent(), "there is one more");
    hits += 1 + open.lend_here(4);
    assert_eq!(open.call(4, unasked), 40);
    assert_eq!(open.counted(), (hits + 1, 1, 4));
    assert!(open.is_lent(), "to know all hits, it is not taken back");
    hits += 1;
    assert!(open.forget(4) && !open.is_lent() && !open.is_there(4));
    assert_eq!(open.counted(), (hits, 1, 3));
    open.lend_here(1);
    open.calls().clear();
    assert_eq!(open.counted(), (0, 0, 0));
    open.0.validate();
}

#[test]
fn what_is_put_while_it_is_lent_is_served() {
    let (open, _) = lent();
    open.put(2, 21);
    assert_eq!(open.call(2, unasked), 21);
    open.lend_here(2);
    assert_eq!(open.calls().refresh(Asked(2, &|| ()), Plain).keep(22), 22);
    assert_eq!(open.call(2, unasked), 22);
}

#[test]
fn readers_are_in_it_at_the_same_time() {
    finishes(|| {
        be(1);
        let (open, hits) = lent();
        let both = &Barrier::new(2);
        let other = thread::scope(|scope| {
            let open = &open;
            let other = scope.spawn(move || {
                be(2);
                let hits = open.lend_here(2);
                assert_eq!(open.call_with(2, &|| _ = both.wait(), unasked), 20);
                hits
            });
            assert_eq!(open.call_with(1, &|| _ = both.wait(), unasked), 10);
            other.join().unwrap()
        });
        assert_eq!(open.counted(), (hits + other + 2, 0, 3));
    });
}

#[test]
fn a_reader_waits_for_nobody_who_holds_the_lock() {
    finishes(|| {
        let (open, hits) = lent();
        let open = &open;
        let holding = &Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(move || {
                let held = open.0.hold();
                holding.wait();
                holding.wait();
                drop(held);
            });
            holding.wait();
            assert_eq!(open.call(2, unasked), 20);
            let found = open.calls().begin(Asked(2, &|| ()), Plain, FlightOptions::SINGLE);
            assert!(matches!(found, CoalescedLookup::Hit(20)));
            holding.wait();
        });
        assert_eq!(open.counted(), (hits + 2, 0, 3));
    });
}

#[test]
fn a_panic_while_reading_leaves_all_as_it_was() {
    let (open, hits) = lent();
    std::panic::set_hook(Box::new(|_| {}));
    let call = AssertUnwindSafe(|| open.call_with(2, &|| panic!("on purpose"), unasked));
    assert!(catch_unwind(call).is_err());
    drop(std::panic::take_hook());
    assert_eq!(open.call(2, unasked), 20);
    assert_eq!(open.counted(), (hits + 1, 0, 3));
    open.0.validate();
}

#[test]
fn what_leaves_is_dropped_at_once_though_it_was_lent() {
    finishes(|| {
        let open = &Tested::<Arc<u64>>::new();
        let values = [1, 2, 3].map(Arc::new);
        let turn = &Barrier::new(2);
        thread::scope(|scope| {
            let lend = || {
                for (n, value) in (1..).zip(&values) {
                    open.put(n, Arc::clone(value));
                }
                turn.wait();
                open.lend_here(1);
                turn.wait();
            };
            let changed = || _ = turn.wait();
            scope.spawn(move || {
                for _ in 0..3 {
                    turn.wait();
                    open.lend_here(2);
                    turn.wait();
                    turn.wait();
                }
            });
            let counts = || values.each_ref().map(Arc::strong_count);
            lend();
            assert_eq!(counts(), [2, 2, 2]);
            assert!(open.forget(1));
            assert_eq!(counts(), [1, 2, 2]);
            changed();
            lend();
            open.put(2, Arc::new(4));
            assert_eq!(counts(), [2, 1, 2]);
            changed();
            lend();
            open.calls().clear();
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
        let open = Tested::new();
        in_threads(|thread| {
            let mut random = thread + 1;
            for number in 0..CALLS {
                let below = if number % 64 == 0 { 10_000 } else { 32 };
                let n = draw(&mut random, below);
                assert_eq!(open.call(n, || 10 * n), 10 * n);
                if number % 1000 == 0 {
                    let (hits, misses, len) = open.counted();
                    assert!(hits + misses <= THREADS * CALLS && misses >= len as u64);
                }
            }
        });
        let (hits, misses, len) = open.counted();
        assert_eq!(hits + misses, THREADS * CALLS);
        assert!(misses >= len as u64);
        assert!(open.0.readers().is_some(), "threads have taken turns");
        open.0.validate();
    });
}

/// Each key has a source, which some threads change and then invalidate, put or clear. A value that is served
/// afterwards was computed afterwards.
#[test]
fn nobody_is_served_what_is_out_of_date() {
    const KEYS: usize = 16;
    finishes(|| {
        let open = Tested::new();
        open.0.prepare();
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
                        open.forget(n);
                        settled[at].fetch_max(version, SeqCst);
                    }
                    1 => {
                        let version = sources[at].fetch_add(1, SeqCst) + 1;
                        open.calls().retain(|key, _| *key != n);
                        settled[at].fetch_max(version, SeqCst);
                    }
                    2 => {
                        let version = sources[at].fetch_add(1, SeqCst) + 1;
                        open.calls().clear();
                        settled[at].fetch_max(version, SeqCst);
                    }
                    _ => {
                        let at_least = settled[at].load(SeqCst);
                        let version = open.call(n, || sources[at].load(SeqCst));
                        assert!(version >= at_least, "{version} of {at_least}");
                    }
                }
            }
        });
        open.counted();
        open.0.validate();
    });
}
