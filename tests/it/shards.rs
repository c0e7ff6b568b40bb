//! `shards = N`: a cache of independently locked shards, each with its own order, that behaves as one.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Barrier, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use functools::{RemovalCause, cache, lru_cache};

use crate::support::{Handle, Random, catch, counts, finishes, handle, raise, tally};

/// Runs `f` on this many threads, which start together; each gets its number.
fn at_once(threads: usize, f: impl Fn(u64) + Sync) {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        for number in 0..threads as u64 {
            let (f, start) = (&f, &start);
            scope.spawn(move || {
                start.wait();
                f(number);
            });
        }
    });
}

// ---- Accessors

#[test]
fn every_accessor_speaks_for_all_shards() {
    #[lru_cache(maxsize = 64, shards = 4)]
    fn square(n: u64) -> u64 {
        n * n
    }
    assert!((0..8).all(|n| square(n) == n * n) && (0..8).all(|n| square(n) == n * n));
    assert_eq!(counts(square::cache_info()), (8, 8, Some(64), 8));
    assert!((0..8).all(|n| square::cache_contains(n) && square::cache_peek(n) == Some(n * n)));
    assert!(!square::cache_contains(9) && square::cache_peek(9).is_none() && !square::cache_invalidate(9));
    assert!(square::cache_invalidate(3) && !square::cache_contains(3));
    square::cache_put(3, 10);
    assert_eq!((square(3), square::cache_refresh(3), square(3)), (10, 9, 9));
    square::cache_retain(|n, square| n % 2 == 0 && *square < 30);
    let there: Vec<_> = (0..10).filter(|n| square::cache_contains(*n)).collect();
    assert_eq!((there, square::cache_info().currsize), (vec![0, 2, 4], 3));
    assert_eq!(square::wrapped(9), 81);
    let parameters = square::cache_parameters();
    assert_eq!((parameters.maxsize, parameters.typed), (Some(64), false));
    square::cache_clear();
    assert_eq!(counts(square::cache_info()), (0, 0, Some(64), 0));
    assert!(!(0..10).any(square::cache_contains));
}

#[test]
fn shards_share_out_maxsize_to_the_last() {
    macro_rules! full {
        ($($maxsize:tt / $shards:tt),*) => {$({
            #[lru_cache(maxsize = $maxsize, shards = $shards, on_evict = |_, _, _| ())]
            fn f(k: u64) -> u64 {
                k
            }
            for k in 0..400 {
                assert_eq!(f(k), k);
                assert!(f::cache_info().currsize <= $maxsize);
            }
            assert_eq!(counts(f::cache_info()), (0, 400, Some($maxsize), $maxsize));
            assert_eq!((0..400).filter(|k| f::cache_contains(*k)).count(), $maxsize);
            assert_eq!(f::cache_stats().evictions, 400 - $maxsize);
        })*};
    }
    full!(1 / 1, 2 / 2, 3 / 2, 10 / 4, 16 / 16, 17 / 16, 31 / 16, 128 / 8);
}

#[test]
fn a_constant_may_say_how_many() {
    const SHARDS: u32 = 1 << 3;
    #[lru_cache(maxsize = 2 * SHARDS, shards = SHARDS)]
    fn f(k: u64) -> u64 {
        k
    }
    #[lru_cache(shards = SHARDS as i64)]
    fn by_default(k: u64) -> u64 {
        k
    }
    assert!((0..800).all(|k| f(k) == k && by_default(k) == k));
    assert_eq!((f::cache_info().currsize, by_default::cache_info().currsize), (16, 128));
}

#[test]
fn unbounded_and_disabled() {
    #[cache(shards = 8)]
    fn fibonacci(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }
    #[lru_cache(maxsize = 0, shards = 8)]
    fn disabled(n: u64) -> u64 {
        if n < 2 { n } else { disabled(n - 1) + disabled(n - 2) }
    }
    assert_eq!(
        (fibonacci(90), counts(fibonacci::cache_info())),
        (2_880_067_194_370_816_120, (88, 91, None, 91))
    );
    assert_eq!((disabled(6), counts(disabled::cache_info())), (8, (0, 25, Some(0), 0)));
    assert_eq!(disabled::cache_refresh(1), 1);
    disabled::cache_put(1, 7);
    assert_eq!((disabled(1), disabled::cache_info().misses), (1, 27));
    disabled::cache_clear();
    assert_eq!(disabled::cache_info().misses, 0);
}

#[derive(Hash, PartialEq, Eq, Clone)]
struct Shop(u64);

impl Shop {
    #[lru_cache(shards = 4)]
    fn price(&self, n: u64) -> u64 {
        self.0 * n
    }
}

#[test]
fn methods_generics_and_no_accessors() {
    static BODIES: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(shards = 4, typed = false)]
    fn shown<T: std::fmt::Display + functools::Argument>(value: T) -> String {
        value.to_string()
    }
    #[lru_cache(shards = 4, accessors = none)]
    fn silent(n: u64) -> u64 {
        BODIES.fetch_add(1, SeqCst);
        n
    }
    assert_eq!((Shop(3).price(2), Shop(3).price(2), Shop::price_wrapped(&Shop(1), 1)), (6, 6, 1));
    assert_eq!(tally(Shop::price_cache_info()), (1, 1, 1));
    assert_eq!((shown(3_u8), shown(3_i64), shown("3")), ("3".into(), "3".into(), "3".into()));
    assert_eq!(tally(shown::cache_info()), (1, 2, 2));
    assert_eq!((silent(1), silent(1), BODIES.load(SeqCst)), (1, 1, 1));
}

#[test]
fn a_panic_in_the_body_counts_a_miss_and_stores_nothing() {
    #[lru_cache(shards = 2)]
    fn f(n: u64) -> u64 {
        if n == 1 {
            raise();
        }
        n
    }
    assert!(catch(|| f(1)).is_err() && catch(|| f(1)).is_err());
    assert_eq!((f(2), f(2), tally(f::cache_info())), (2, 2, (1, 3, 1)));
}

// ---- With other options

#[test]
fn time_weight_and_listeners() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static REMOVED: Mutex<Vec<(u64, RemovalCause)>> = Mutex::new(Vec::new());
    fn ticks() -> u64 {
        NOW.load(SeqCst)
    }
    fn log(n: &u64, _: &u64, cause: RemovalCause) {
        // The listener runs without the lock held.
        assert!(f::cache_info().currsize <= 40);
        REMOVED.lock().unwrap().push((*n, cause));
    }
    #[lru_cache(maxsize = 40, shards = 4, ttl = 5, timer = ticks, weight = |n, _| usize::try_from(*n).unwrap(), on_evict = log)]
    fn f(n: u64) -> u64 {
        n
    }
    assert_eq!((f(10), f(11), f(12)), (10, 11, 12));
    // An entry heavier than a shard's share of the bound is not stored.
    assert_eq!((f::cache_contains(10), f::cache_contains(11), f::cache_contains(12)), (true, false, false));
    for n in 1..10 {
        f(n);
        assert!(f::cache_info().currsize <= 40);
    }
    let there = (0..11).filter(|n| f::cache_contains(*n)).sum::<u64>();
    assert_eq!(f::cache_info().currsize as u64, there);
    NOW.fetch_add(5, SeqCst);
    assert_eq!(f::cache_info().currsize, 0);
    f(1);
    assert!(f::cache_invalidate(1));
    f(2);
    f::cache_clear();
    let removed = REMOVED.lock().unwrap();
    let of = |which| removed.iter().filter(|(_, cause)| *cause == which).map(|(n, _)| n).sum::<u64>();
    assert_eq!(
        (
            of(RemovalCause::Evicted) + of(RemovalCause::Expired),
            of(RemovalCause::Invalidated),
            of(RemovalCause::Cleared)
        ),
        (55, 1, 2)
    );
}

#[test]
fn any_policy_keeps_to_the_bound() {
    macro_rules! policies {
        ($({$($option:tt)*})*) => {$({
            #[lru_cache(maxsize = 11, shards = 4, $($option)*)]
            fn f(k: u64) -> u64 {
                k
            }
            let mut random = Random(1);
            for _ in 0..500 {
                let k = random.below(200);
                assert_eq!(f(k), k);
                assert!(f::cache_info().currsize <= 11);
            }
            assert_eq!(f::cache_info().currsize, 11, stringify!($($option)*));
            assert_eq!(f::cache_info().hits + f::cache_info().misses, 500);
        })*};
    }
    policies! {
        { policy = lru } { policy = lfu } { policy = fifo } { policy = rr } { policy = rr, seed = 42 }
        { policy = rr, choice = |keys| keys.len() - 1 } { policy = sieve } { policy = s3_fifo } { policy = w_tinylfu }
        { policy = auto }
    }
}

#[test]
fn of_calls_that_miss_a_key_at_one_time_one_computes() {
    static BODIES: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 64, shards = 4, single_flight = true)]
    fn f(k: u64) -> u64 {
        thread::yield_now();
        BODIES.fetch_add(1, SeqCst);
        3 * k
    }
    finishes(|| {
        at_once(8, |thread| {
            let mut random = Random(thread);
            for _ in 0..200 {
                let k = random.below(16);
                assert_eq!(f(k), 3 * k);
            }
        });
        let info = f::cache_info();
        assert_eq!((BODIES.load(SeqCst), info.misses, info.hits + info.misses), (16, 16, 1600));
    });
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(ready) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return ready;
        }
    }
}

#[test]
fn async_and_stale() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 64, shards = 4)]
    async fn length(text: &str) -> usize {
        std::future::ready(()).await;
        text.len()
    }
    #[lru_cache(shards = 4, ttl = 5, swr = 60, timer = || NOW.load(SeqCst))]
    fn now(k: u64) -> u64 {
        NOW.load(SeqCst) + k
    }
    #[lru_cache(shards = 4, ttl = 5, stale_if_error = 60, timer = || NOW.load(SeqCst))]
    fn early(k: u64) -> Result<u64, String> {
        if NOW.load(SeqCst) < 5 { Ok(k) } else { Err("late".to_owned()) }
    }
    finishes(|| {
        assert_eq!(
            block_on(async { (length("abc").await, length("abc").await, length("de").await) }),
            (3, 3, 2)
        );
        assert_eq!(tally(length::cache_info()), (1, 2, 2));
        assert_eq!((block_on(length::cache_refresh("abc")), length::cache_peek("de")), (3, Some(2)));
        assert!((0..8).all(|k| now(k) == k && early(k) == Ok(k)));
        NOW.store(5, SeqCst);
        assert!((0..8).all(|k| now(k) == k && early(k) == Ok(k)));
        while now::cache_stats().refreshes < 8 {
            thread::yield_now();
        }
        assert!((0..8).all(|k| now(k) == 5 + k));
        assert_eq!((now::cache_stats().stale_hits, early::cache_stats().stale_hits), (8, 8));
        assert_eq!(tally(now::cache_info()), (16, 8, 8));
    });
}

// ---- Threads

#[test]
fn counts_add_up_and_the_bound_holds_in_every_thread() {
    macro_rules! with {
        ($({$($option:tt)*})*) => {$({
            #[lru_cache($($option)*)]
            fn f(k: u64) -> u64 {
                3 * k
            }
            finishes(|| hammer(&handle!(f), stringify!($($option)*)));
        })*};
    }
    fn hammer(f: &Handle, what: &str) {
        const CALLS: u64 = 400;
        let busy = AtomicU64::new(8);
        at_once(10, |thread| {
            if thread < 8 {
                let mut random = Random(thread);
                for call in 0..CALLS {
                    let k = random.below(24);
                    assert_eq!(if call % 10 == 0 { (f.refresh)(k) } else { (f.call)(k) }, 3 * k);
                    match call % 50 {
                        11 => (f.put)(k, 3 * k),
                        22 => _ = (f.invalidate)(k),
                        _ => {}
                    }
                }
                busy.fetch_sub(1, SeqCst);
                return;
            }
            let mut last = (f.info)();
            while busy.load(SeqCst) > 0 {
                let info = (f.info)();
                assert!(info.maxsize.is_none_or(|maxsize| info.currsize <= maxsize), "{what}: {info}");
                assert!(info.hits >= last.hits && info.misses >= last.misses, "{what}: {last}, then {info}");
                last = info;
                thread::yield_now();
            }
        });
        let info = (f.info)();
        assert_eq!(info.hits + info.misses, 8 * CALLS, "{what}: {info}");
        assert_eq!((0..24).filter(|k| (f.contains)(*k)).count(), info.currsize, "{what}");
        (f.clear)();
        assert_eq!(((f.info)().hits, (f.info)().misses, (f.info)().currsize), (0, 0, 0), "{what}");
    }
    with! {
        { maxsize = 4, shards = 4 } { maxsize = 10, shards = 4 } { maxsize = 64, shards = 16 } { maxsize = None, shards = 8 }
        { maxsize = 0, shards = 2 } { maxsize = 10, shards = 4, policy = lfu } { maxsize = 10, shards = 4, ttl = 60 }
        { maxsize = 5, shards = 1 } { maxsize = 12, shards = 4, single_flight = true }
    }
}

#[test]
fn after_a_clear_or_an_invalidation_no_earlier_result_is_served() {
    const KEYS: u64 = 8;
    static VERSION: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 6, shards = 2)]
    fn f(_k: u64) -> u64 {
        let version = VERSION.load(SeqCst);
        thread::yield_now();
        version
    }
    static FLOOR: AtomicU64 = AtomicU64::new(0);
    finishes(|| {
        let busy = AtomicU64::new(1);
        at_once(4, |thread| {
            if thread == 0 {
                for round in 0..400 {
                    let version = VERSION.fetch_add(1, SeqCst) + 1;
                    if round % 2 == 0 {
                        f::cache_clear();
                    } else {
                        f::cache_retain(|_, _| false);
                        (0..KEYS).for_each(|k| _ = f::cache_invalidate(k));
                    }
                    FLOOR.store(version, SeqCst);
                }
                busy.fetch_sub(1, SeqCst);
                return;
            }
            let mut random = Random(thread);
            while busy.load(SeqCst) > 0 {
                let floor = FLOOR.load(SeqCst);
                let version = f(random.below(KEYS));
                assert!(version >= floor, "the call returned {version} after version {floor} was required");
                thread::yield_now();
            }
        });
    });
}

// ---- Calls from inside `Eq`, while other threads are inside `Eq` too

thread_local! {
    /// Run by the next comparison on this thread.
    static ON_EQ: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
    static DROPS: Cell<Option<fn()>> = const { Cell::new(None) };
}

#[derive(Clone, Debug)]
struct Key(u64);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        if let Some(act) = ON_EQ.take() {
            act();
        }
        self.0 == other.0
    }
}

impl Eq for Key {}

/// Runs `call`; its first comparison runs `act`.
fn with_eq<R>(act: impl FnOnce() + 'static, call: impl FnOnce() -> R) -> R {
    ON_EQ.set(Some(Box::new(act)));
    let result = call();
    assert!(ON_EQ.take().is_none(), "the call compares keys");
    result
}

/// Returns whether these keys are in the same of two shards, each of which holds one entry.
fn share_a_shard(one: u64, other: u64) -> bool {
    #[lru_cache(maxsize = 2, shards = 2)]
    fn probe(_key: &Key) {}

    static ONE_BY_ONE: Mutex<()> = Mutex::new(());
    let _guard = ONE_BY_ONE.lock();
    probe::cache_clear();
    probe(&Key(one));
    probe(&Key(other));
    !probe::cache_contains(&Key(one))
}

/// Returns a key of one shard, and two keys of the other.
fn one_and_two_of_the_other() -> (u64, u64, u64) {
    let mut others = (1..).filter(|k| !share_a_shard(0, *k));
    (
        0,
        others.next().expect("keys are spread over both shards"),
        others.next().expect("keys are spread over both shards"),
    )
}

#[test]
fn threads_inside_eq_of_different_shards_never_wait_for_each_other() {
    static VERSION: AtomicU64 = AtomicU64::new(0);
    static CALLS: AtomicU64 = AtomicU64::new(0);
    static MEET: Barrier = Barrier::new(2);

    #[lru_cache(maxsize = 8, shards = 2)]
    fn f(_key: &Key) -> u64 {
        VERSION.load(SeqCst)
    }
    fn call(k: u64) -> u64 {
        CALLS.fetch_add(1, SeqCst);
        f(&Key(k))
    }
    /// An operation inside `Eq` on the key that the other thread compares, and whether it removes or replaces
    /// the entry.
    type Act = (&'static str, bool, fn(u64));
    const ACTS: [Act; 10] = [
        ("call", false, |k| assert!(call(k) <= VERSION.load(SeqCst))),
        ("info", false, |_| assert!(f::cache_info().currsize <= 2)),
        ("contains and peek", false, |k| _ = (f::cache_contains(&Key(k)), f::cache_peek(&Key(k)))),
        ("stats", false, |_| _ = (f::cache_stats(), f::cache_parameters())),
        ("invalidate", true, |k| _ = f::cache_invalidate(&Key(k))),
        ("put", true, |k| f::cache_put(&Key(k), VERSION.load(SeqCst))),
        ("retain", true, |_| f::cache_retain(|_, _| false)),
        ("refresh", true, |k| {
            CALLS.fetch_add(1, SeqCst);
            assert_eq!(f::cache_refresh(&Key(k)), VERSION.load(SeqCst));
        }),
        ("clear", true, |_| f::cache_clear()),
        ("clear and call", true, |k| {
            f::cache_clear();
            assert_eq!(call(k), VERSION.load(SeqCst));
        }),
    ];
    let (one, other, _) = one_and_two_of_the_other();
    finishes(move || {
        for first in ACTS {
            for second in ACTS {
                let what = format!("{} and {}", first.0, second.0);
                f::cache_clear();
                (CALLS.store(0, SeqCst), VERSION.store(1, SeqCst));
                _ = (call(one), call(other));
                at_once(2, |thread| {
                    let ((_, removes, act), mine, others) =
                        if thread == 0 { (first, one, other) } else { (second, other, one) };
                    let act = move || {
                        MEET.wait();
                        VERSION.store(2, SeqCst);
                        act(others);
                        if removes {
                            // Both threads are still inside `Eq`.
                            assert_eq!(call(others), 2);
                            assert!(
                                !f::cache_contains(&Key(others)) && f::cache_peek(&Key(others)).is_none()
                            );
                        }
                        MEET.wait();
                    };
                    let answer = with_eq(act, || call(mine));
                    assert!((1..=2).contains(&answer));
                });
                for (removes, k) in [(first.1, other), (second.1, one)] {
                    let found = f::cache_peek(&Key(k));
                    assert!(!removes || found != Some(1), "{what}: {found:?}");
                    assert!(!removes || call(k) == 2, "{what}");
                }
                let info = f::cache_info();
                if !what.contains("clear") {
                    assert_eq!(info.hits + info.misses, CALLS.load(SeqCst), "{what}: {info}");
                }
                assert!(info.currsize <= 2, "{what}: {info}");
                assert_eq!(
                    [one, other].map(|k| f::cache_contains(&Key(k))).iter().filter(|is| **is).count(),
                    info.currsize
                );
            }
        }
    });
}

#[test]
fn misses_of_nested_calls_after_a_nested_clear_stay_counted() {
    static MEET: Barrier = Barrier::new(2);
    #[lru_cache(maxsize = 8, shards = 2)]
    fn f(key: &Key) -> u64 {
        key.0
    }
    let (one, other, _) = one_and_two_of_the_other();
    finishes(move || {
        _ = (f(&Key(one)), f(&Key(other)));
        at_once(2, |thread| {
            let act = move || {
                MEET.wait();
                if thread == 0 {
                    f::cache_clear();
                    assert_eq!((f(&Key(other)), f(&Key(other))), (other, other));
                }
                MEET.wait();
            };
            with_eq(act, || f(&Key(if thread == 0 { one } else { other })));
        });
        // The counters have the two nested calls, and the outer call, which the clear turned into a miss. The
        // other thread's call came before or after the deferred clear was applied.
        let info = f::cache_info();
        assert!((3..=4).contains(&(info.hits + info.misses)) && info.misses >= 3, "{info}");
    });
}

#[test]
fn what_is_computed_while_a_nested_call_invalidates_it_is_not_stored() {
    static VERSION: AtomicU64 = AtomicU64::new(1);
    static IN_BODY: Barrier = Barrier::new(2);
    static INSIDE: Barrier = Barrier::new(2);
    thread_local! {
        static WAITS: Cell<bool> = const { Cell::new(false) };
    }
    #[lru_cache(maxsize = 8, shards = 2)]
    fn f(_key: &Key) -> u64 {
        let version = VERSION.load(SeqCst);
        if WAITS.take() {
            IN_BODY.wait();
            IN_BODY.wait();
        }
        version
    }
    let (one, other, neighbour) = one_and_two_of_the_other();
    finishes(move || {
        _ = (f(&Key(one)), f(&Key(neighbour)));
        thread::scope(|scope| {
            let computing = scope.spawn(move || {
                WAITS.set(true);
                f(&Key(other))
            });
            IN_BODY.wait();
            let holding = scope.spawn(move || {
                let hold = || {
                    INSIDE.wait();
                    INSIDE.wait();
                };
                with_eq(hold, || f(&Key(neighbour)))
            });
            let invalidate = move || {
                INSIDE.wait();
                VERSION.store(2, SeqCst);
                f::cache_invalidate(&Key(other));
                INSIDE.wait();
            };
            assert_eq!(with_eq(invalidate, || f(&Key(one))), 1);
            assert_eq!(holding.join().expect("the thread does not panic"), 1);
            // Applies the deferred invalidation.
            f(&Key(neighbour));
            IN_BODY.wait();
            assert_eq!(computing.join().expect("the thread does not panic"), 1);
        });
        assert_eq!((f::cache_contains(&Key(other)), f(&Key(other))), (false, 2));
    });
}

#[test]
fn what_a_nested_call_removes_from_another_shard_is_dropped_when_no_lock_is_held() {
    #[derive(Clone)]
    struct Waiting;
    impl Drop for Waiting {
        fn drop(&mut self) {
            if let Some(drops) = DROPS.take() {
                drops();
            }
        }
    }
    static ONE: AtomicU64 = AtomicU64::new(0);
    static OTHER: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 8, shards = 2)]
    fn f(_key: &Key) -> Waiting {
        Waiting
    }
    let (one, other, neighbour) = one_and_two_of_the_other();
    (ONE.store(one, SeqCst), OTHER.store(other, SeqCst));
    /// Waits for another thread that takes both locks.
    fn wait_for_another() {
        let lookup = || [&ONE, &OTHER].map(|k| f::cache_contains(&Key(k.load(SeqCst))));
        thread::spawn(lookup).join().expect("the thread does not panic");
    }
    finishes(move || {
        let ways: [fn(u64); 3] =
            [|k| _ = f::cache_invalidate(&Key(k)), |_| f::cache_clear(), |_| f::cache_retain(|_, _| false)];
        for remove in ways {
            f::cache_clear();
            for k in [one, other, neighbour] {
                f(&Key(k));
            }
            let act = move || {
                remove(other);
                assert!(!f::cache_contains(&Key(other)));
                DROPS.set(Some(wait_for_another));
            };
            std::mem::forget(with_eq(act, || f(&Key(one))));
            _ = f::cache_contains(&Key(neighbour));
            assert!(DROPS.take().is_none(), "the removed entry was dropped");
        }
    });
}
