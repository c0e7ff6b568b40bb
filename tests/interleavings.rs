//! The call protocol under every order in which threads can come and go.
//!
//! Whatever happens under the lock happens at once, so orders differ only in what comes between a
//! look, a computation and the storing of its result. Bodies let others go first where they begin,
//! where they read and where they end; `shuttle` tries the orders.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use functools::{cache, lru_cache};
use shuttle::thread::{self, yield_now};

/// How many orders are drawn, where there are too many to try all.
const DRAWN: usize = 20_000;

/// The functions and what they read are for one test at a time.
static TURN: Mutex<()> = Mutex::new(());

/// What the functions read: each change makes all results out of date.
static SOURCE: AtomicU64 = AtomicU64::new(0);

fn read_slowly() -> u64 {
    yield_now();
    let version = SOURCE.load(SeqCst);
    yield_now();
    version
}

#[lru_cache(maxsize = 1)]
fn bounded(_key: u64) -> u64 {
    read_slowly()
}

#[cache]
fn unbounded(_key: u64) -> u64 {
    read_slowly()
}

/// A memoized function, and what can be asked of it.
#[derive(Clone, Copy)]
struct Memoized {
    call: fn(u64) -> u64,
    clear: fn(),
    invalidate: fn(u64) -> bool,
    put: fn(u64, u64),
    refresh: fn(u64) -> u64,
    misses: fn() -> u64,
    hits: fn() -> u64,
    size: fn() -> usize,
}

macro_rules! memoized {
    ($function:ident) => {
        Memoized {
            call: $function,
            clear: $function::cache_clear,
            invalidate: $function::cache_invalidate,
            put: $function::cache_put,
            refresh: $function::cache_refresh,
            misses: || $function::cache_info().misses,
            hits: || $function::cache_info().hits,
            size: || $function::cache_info().currsize,
        }
    };
}

/// Runs two threads against each other in every order, and in each mode, and a check at the end.
fn in_every_order(one: fn(Memoized), other: fn(Memoized), check: fn(Memoized)) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for function in [memoized!(bounded), memoized!(unbounded)] {
        let orders = move || {
            SOURCE.store(1, SeqCst);
            (function.clear)();
            let threads = [thread::spawn(move || one(function)), thread::spawn(move || other(function))];
            for thread in threads {
                thread.join().unwrap();
            }
            check(function);
        };
        shuttle::check_dfs(orders, None);
    }
}

#[test]
fn after_a_clear_nobody_is_served_what_was_computed_before() {
    in_every_order(
        |f| _ = (f.call)(1),
        |f| {
            SOURCE.store(2, SeqCst);
            yield_now();
            (f.clear)();
            yield_now();
            assert_eq!((f.call)(1), 2);
        },
        |f| assert_eq!((f.call)(1), 2),
    );
}

#[test]
fn after_an_invalidation_nobody_is_served_what_was_computed_before() {
    in_every_order(
        |f| _ = (f.call)(1),
        |f| {
            SOURCE.store(2, SeqCst);
            yield_now();
            (f.invalidate)(1);
            yield_now();
            assert_eq!((f.call)(1), 2);
        },
        |f| assert_eq!((f.call)(1), 2),
    );
}

#[test]
fn what_is_put_is_not_replaced_by_what_began_earlier() {
    in_every_order(
        |f| _ = (f.call)(1),
        |f| {
            yield_now();
            (f.put)(1, 7);
            yield_now();
            assert_eq!((f.call)(1), 7);
        },
        |f| assert_eq!((f.call)(1), 7),
    );
}

#[test]
fn of_two_refreshes_the_newer_one_stays() {
    in_every_order(
        |f| _ = (f.refresh)(1),
        |f| {
            SOURCE.store(2, SeqCst);
            yield_now();
            assert_eq!((f.refresh)(1), 2);
        },
        // The other one may have begun later, but then it read the newer source too.
        |f| assert_eq!((f.call)(1), 2),
    );
}

#[test]
fn every_call_is_a_hit_or_a_miss() {
    in_every_order(
        |f| assert_eq!([(f.call)(1), (f.call)(2)], [1, 1]),
        |f| assert_eq!([(f.call)(2), (f.call)(1)], [1, 1]),
        |f| {
            assert_eq!((f.hits)() + (f.misses)(), 4);
            assert!((f.size)() >= 1);
        },
    );
}

#[test]
fn a_bound_is_never_exceeded() {
    thread_local!(static SEEN: Cell<usize> = const { Cell::new(0) });

    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let orders = || {
        SOURCE.store(1, SeqCst);
        bounded::cache_clear();
        let callers = [0, 1, 2].map(|first| {
            thread::spawn(move || {
                for key in first..first + 3 {
                    assert_eq!(bounded(key % 4), 1);
                    SEEN.set(SEEN.get().max(bounded::cache_info().currsize));
                }
            })
        });
        for caller in callers {
            caller.join().unwrap();
        }
        let info = bounded::cache_info();
        assert_eq!(info.hits + info.misses, 9);
    };
    shuttle::check_random(orders, DRAWN);
    assert_eq!(SEEN.get(), 1);
}
