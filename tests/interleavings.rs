//! The call protocol under all interleavings of its threads, or a random sample of them.
//!
//! Operations under the lock are atomic, so interleavings differ only in what runs between a lookup, the
//! computation and the insert of its result. Bodies yield where they begin, after they read, and where they
//! end; `shuttle` tries the schedules.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use functools::{cache, lru_cache};
use shuttle::thread::{self, yield_now};

/// The number of random schedules, where there are too many to try all.
const DRAWN: usize = 20_000;

/// The functions and their source are used by one test at a time.
static EXCLUSIVE: Mutex<()> = Mutex::new(());

/// The version that the functions read: each change makes all earlier results out of date.
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

/// A memoized function and its accessors.
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

/// Runs two threads concurrently in every order and in each mode, and `check` after each run.
fn in_every_order(one: fn(Memoized), other: fn(Memoized), check: fn(Memoized)) {
    let _exclusive = EXCLUSIVE.lock().unwrap_or_else(PoisonError::into_inner);
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
fn after_a_clear_no_earlier_result_is_served() {
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
fn after_an_invalidation_no_earlier_result_is_served() {
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
        // The other refresh may have begun later, but then it read the newer source too.
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

    let _exclusive = EXCLUSIVE.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Coalesced calls of async functions, in random schedules of their tasks.
///
/// A poll is atomic, except where it yields. Schedules differ in which task leads, when a future is dropped,
/// and what changed before.
mod shared {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::sync::PoisonError;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::task::Poll;

    use functools::lru_cache;
    use shuttle::future::{block_on, spawn, yield_now};

    use super::{DRAWN, EXCLUSIVE, SOURCE};

    /// The number of bodies started, and the number running now.
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static RUNNING: AtomicU64 = AtomicU64::new(0);

    /// Counts a body as running while it lives.
    struct Running;

    impl Running {
        fn begin() -> Self {
            RUNS.fetch_add(1, SeqCst);
            RUNNING.fetch_add(1, SeqCst);
            Self
        }
    }

    impl Drop for Running {
        fn drop(&mut self) {
            RUNNING.fetch_sub(1, SeqCst);
        }
    }

    async fn read_slowly() -> u64 {
        let _running = Running::begin();
        yield_now().await;
        let version = SOURCE.load(SeqCst);
        yield_now().await;
        version
    }

    #[lru_cache(maxsize = 1)]
    async fn stored(_key: u64) -> u64 {
        read_slowly().await
    }

    #[lru_cache(maxsize = 0)]
    async fn unstored(_key: u64) -> u64 {
        let version = read_slowly().await;
        assert!(RUNNING.load(SeqCst) <= 1, "bodies run one at a time");
        version
    }

    /// An error without `Clone`.
    #[derive(Debug)]
    struct Failed;

    #[lru_cache(maxsize = 1)]
    async fn failing(_key: u64) -> Result<u64, Failed> {
        let run = RUNS.load(SeqCst);
        let version = read_slowly().await;
        if run == 0 { Err(Failed) } else { Ok(version) }
    }

    /// Polls a future once, yields, and drops it.
    async fn abandoned<F: Future>(future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let begun = poll_fn(|context| {
            Poll::Ready(match future.as_mut().poll(context) {
                Poll::Ready(output) => Some(output),
                Poll::Pending => None,
            })
        });
        let output = begun.await;
        yield_now().await;
        output
    }

    fn begin() {
        SOURCE.store(1, SeqCst);
        RUNS.store(0, SeqCst);
        RUNNING.store(0, SeqCst);
        stored::cache_clear();
        unstored::cache_clear();
        failing::cache_clear();
    }

    fn in_drawn_orders(order: fn()) {
        let _exclusive = EXCLUSIVE.lock().unwrap_or_else(PoisonError::into_inner);
        shuttle::check_random(
            move || {
                begin();
                order();
            },
            DRAWN,
        );
    }

    #[test]
    fn one_computes_for_all() {
        in_drawn_orders(|| {
            block_on(async {
                let calls = [(); 3].map(|()| spawn(stored(1)));
                for call in calls {
                    assert_eq!(call.await.unwrap(), 1);
                }
            });
            let info = stored::cache_info();
            assert_eq!((RUNS.load(SeqCst), info.hits, info.misses), (1, 2, 1));
        });
    }

    #[test]
    fn whichever_future_is_dropped_the_others_are_answered() {
        in_drawn_orders(|| {
            block_on(async {
                let dropped = [(); 2].map(|()| spawn(abandoned(stored(1))));
                let calls = [(); 2].map(|()| spawn(stored(1)));
                for call in calls {
                    assert_eq!(call.await.unwrap(), 1);
                }
                for call in dropped {
                    call.await.unwrap();
                }
            });
            assert!((1..=3).contains(&RUNS.load(SeqCst)));
            assert_eq!(RUNNING.load(SeqCst), 0);
        });
    }

    #[test]
    fn whichever_future_is_dropped_one_computes_at_a_time() {
        in_drawn_orders(|| {
            block_on(async {
                let dropped = [(); 2].map(|()| spawn(abandoned(unstored(1))));
                let calls = [(); 2].map(|()| spawn(unstored(1)));
                for call in calls {
                    assert_eq!(call.await.unwrap(), 1);
                }
                for call in dropped {
                    call.await.unwrap();
                }
            });
        });
    }

    #[test]
    fn after_an_error_that_cannot_be_shared_all_calls_go_on() {
        in_drawn_orders(|| {
            let failures = block_on(async {
                let calls = [(); 3].map(|()| spawn(failing(1)));
                let mut failures = 0;
                for call in calls {
                    failures += u64::from(call.await.unwrap().is_err());
                }
                failures
            });
            let (info, runs) = (failing::cache_info(), RUNS.load(SeqCst));
            assert_eq!((failures, info.hits + info.misses, info.misses), (1, 3, runs));
            assert!([2, 3].contains(&runs), "a call that comes later finds the result");
        });
    }

    #[test]
    fn a_call_after_a_change_joins_nothing_that_began_before_it() {
        for change in [stored::cache_clear, || _ = stored::cache_invalidate(1), || stored::cache_put(1, 2)] {
            let orders = move || {
                begin();
                block_on(async {
                    let calls = [
                        spawn(stored(1)),
                        spawn(stored(1)),
                        spawn(async { abandoned(stored(1)).await.unwrap_or(1) }),
                    ];
                    let changes = spawn(async move {
                        yield_now().await;
                        SOURCE.store(2, SeqCst);
                        yield_now().await;
                        change();
                        assert_eq!(stored(1).await, 2);
                    });
                    for call in calls {
                        assert!([1, 2].contains(&call.await.unwrap()));
                    }
                    changes.await.unwrap();
                    assert_eq!(stored(1).await, 2);
                });
            };
            let _exclusive = EXCLUSIVE.lock().unwrap_or_else(PoisonError::into_inner);
            shuttle::check_random(orders, DRAWN / 2);
        }
    }

    #[test]
    fn a_leader_that_is_dropped_while_all_is_cleared() {
        let _exclusive = EXCLUSIVE.lock().unwrap_or_else(PoisonError::into_inner);
        let orders = || {
            begin();
            block_on(async {
                let dropped = spawn(abandoned(stored(1)));
                let call = spawn(stored(1));
                stored::cache_clear();
                assert_eq!(call.await.unwrap(), 1);
                dropped.await.unwrap();
            });
        };
        shuttle::check_dfs(orders, Some(200_000));
    }
}
