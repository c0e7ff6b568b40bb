//! Several threads that use one cache: exact counters, the bound, no superseded results, no deadlock.
//!
//! No test sleeps: threads that must overlap meet at a barrier, and what may happen in any order is repeated
//! many times with a check that holds in every order.

use crate::support::{Handle, Random, counts, finishes, handle};
use functools::{LruCache, cache, lru_cache};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Barrier, LazyLock, Mutex};
use std::thread;

/// Runs `f` on this many threads, which start together; each gets its number. Returns their results.
fn at_once<R: Send>(threads: usize, f: impl Fn(u64) -> R + Sync) -> Vec<R> {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let (f, start) = (&f, &start);
        let run = move |number| {
            start.wait();
            f(number)
        };
        let running: Vec<_> = (0..threads as u64).map(|number| scope.spawn(move || run(number))).collect();
        running.into_iter().map(|thread| thread.join().expect("the thread does not panic")).collect()
    })
}

/// Runs the test for each `maxsize`, with a function `$f` of a `u64` of its own.
macro_rules! for_each_maxsize {
    ($($maxsize:tt),+ => |$f:ident($k:ident)| $body:expr, $test:expr) => {$({
        #[lru_cache(maxsize = $maxsize)]
        fn $f($k: u64) -> u64 {
            $body
        }
        finishes(move || $test(&handle!($f)));
    })+};
}

// ---- Counts and bounds

#[test]
fn counts_are_exact_under_contention() {
    const THREADS: usize = 8;
    const CALLS: u64 = 300;
    const KEYS: u64 = 16;
    static BODIES: AtomicU64 = AtomicU64::new(0);

    for_each_maxsize!(0, 1, 5, 16, None => |f(k)| { BODIES.fetch_add(1, SeqCst); 3 * k }, |f: &Handle| {
        BODIES.store(0, SeqCst);
        at_once(THREADS, |thread| {
            let mut random = Random(thread);
            for call in 0..CALLS {
                let k = random.below(KEYS);
                // Every tenth call is an explicit refresh.
                let answer = if call % 10 == 0 { (f.refresh)(k) } else { (f.call)(k) };
                assert_eq!(answer, 3 * k);
            }
        });
        let info = (f.info)();
        assert_eq!(info.hits + info.misses, THREADS as u64 * CALLS, "{info}");
        assert_eq!(info.misses, BODIES.load(SeqCst), "{info}");
        assert_eq!(Some(info.currsize), info.maxsize.or(Some(16)), "{info}");
        assert_eq!((0..KEYS).filter(|k| (f.contains)(*k)).count(), info.currsize);
    });
}

#[test]
fn maxsize_is_never_seen_exceeded() {
    const MAXSIZE: usize = 3;
    const WRITERS: u64 = 3;
    static CACHE: LruCache<u64, u64> = LruCache::new(Some(MAXSIZE));

    #[lru_cache(maxsize = MAXSIZE)]
    fn f(k: u64) -> u64 {
        k
    }
    finishes(|| {
        let writing = AtomicU64::new(WRITERS);
        at_once(5, |thread| {
            if thread < WRITERS {
                for k in (0..500).map(|n| WRITERS * n + thread) {
                    assert_eq!((f(k), CACHE.insert(k, k)), (k, None));
                    f::cache_put(k + 1, k + 1);
                    f::cache_refresh(k + 2);
                    CACHE.get_or_insert_with(k + 100_000, || k);
                }
                writing.fetch_sub(1, SeqCst);
                return;
            }
            let mut last = f::cache_info();
            while writing.load(SeqCst) > 0 {
                let info = f::cache_info();
                assert!(info.currsize <= MAXSIZE, "{info}");
                assert!(
                    info.currsize >= last.currsize,
                    "no entry is removed, so currsize only grows: {last}, then {info}"
                );
                assert!(info.hits >= last.hits && info.misses >= last.misses, "{last}, then {info}");
                assert!(CACHE.len() <= MAXSIZE && CACHE.iter().len() <= MAXSIZE);
                last = info;
            }
        });
        assert_eq!((f::cache_info().currsize, CACHE.len()), (MAXSIZE, MAXSIZE));
    });
}

// ---- No superseded results

/// The data that a function reads: for each key, its version, and the oldest version that may be served.
struct Source {
    versions: [AtomicU64; 4],
    floors: [AtomicU64; 4],
}

impl Source {
    const KEYS: u64 = 4;

    const fn new() -> Self {
        Self { versions: [const { AtomicU64::new(0) }; 4], floors: [const { AtomicU64::new(0) }; 4] }
    }

    /// The function body: it yields between its read and its return, so that other threads run in between.
    fn read(&self, key: u64) -> u64 {
        let version = at(&self.versions, key).load(SeqCst);
        (0..version % 4).for_each(|_| thread::yield_now());
        version
    }

    /// Makes a new version, applies `change` to the cache, and requires this version of later calls.
    fn change(&self, key: u64, change: impl FnOnce(u64)) {
        let version = at(&self.versions, key).fetch_add(1, SeqCst) + 1;
        change(version);
        at(&self.floors, key).fetch_max(version, SeqCst);
    }
}

fn at(numbers: &[AtomicU64; 4], key: u64) -> &AtomicU64 {
    &numbers[usize::try_from(key).expect("keys are small")]
}

/// The operation on the cache after a key gets a new version.
type CacheChange = fn(&Handle, u64, u64);

/// Two threads change versions, by one of the `ways` each time, while two others call.
fn nothing_stale_is_served(f: &Handle, source: &Source, ways: &[CacheChange], own_keys_only: bool) {
    const CHANGERS: u64 = 2;
    (f.clear)();
    let changing = AtomicU64::new(CHANGERS);
    at_once(4, |thread| {
        let mut random = Random(thread);
        if thread < CHANGERS {
            for _ in 0..300 {
                let key = if own_keys_only { thread } else { random.below(Source::KEYS) };
                let way = ways[usize::try_from(random.below(ways.len() as u64)).expect("indices are small")];
                source.change(key, |version| way(f, key, version));
            }
            changing.fetch_sub(1, SeqCst);
            return;
        }
        while changing.load(SeqCst) > 0 {
            let key = random.below(Source::KEYS);
            let floor = at(&source.floors, key).load(SeqCst);
            let found = (f.peek)(key);
            assert!(
                found.is_none_or(|version| version >= floor),
                "peek returned {found:?} after version {floor} was required"
            );
            let version = (f.call)(key);
            assert!(version >= floor, "the call returned {version} after version {floor} was required");
            // Without this, reading threads would keep the lock from the writing threads.
            thread::yield_now();
        }
    });
}

#[test]
fn what_began_before_a_clear_or_an_invalidation_or_a_refresh_is_never_served_after_it() {
    const CLEAR: CacheChange = |f, _, _| (f.clear)();
    const INVALIDATE: CacheChange = |f, key, _| _ = (f.invalidate)(key);
    const REFRESH: CacheChange = |f, key, version| assert!((f.refresh)(key) >= version);
    const MIXES: [&[CacheChange]; 4] = [&[CLEAR], &[INVALIDATE], &[REFRESH], &[CLEAR, INVALIDATE, REFRESH]];
    for ways in MIXES {
        static SOURCE: Source = Source::new();
        for_each_maxsize!(2, 4, None => |f(k)| SOURCE.read(k), |f: &Handle| {
            nothing_stale_is_served(f, &SOURCE, ways, false);
        });
    }
}

#[test]
fn what_began_before_a_put_is_never_served_after_it() {
    // A put stores its version, and the last put of a key wins, so each key is put by one thread only.
    const WAYS: [CacheChange; 3] = [
        |f, key, version| (f.put)(key, version),
        |f, key, version| assert!((f.refresh)(key) >= version),
        |f, key, _| _ = (f.invalidate)(key),
    ];
    for count in 1..=WAYS.len() {
        static SOURCE: Source = Source::new();
        for_each_maxsize!(2, 4, None => |f(k)| SOURCE.read(k), move |f: &Handle| {
            nothing_stale_is_served(f, &SOURCE, &WAYS[..count], true);
        });
    }
}

// ---- One key at the same time

/// A body that every thread enters before any returns; the test chooses the order in which they return.
struct Race {
    all_in: Barrier,
    returns: Vec<(Sender<()>, Mutex<Receiver<()>>)>,
}

thread_local! {
    /// The number of this thread.
    static RACER: Cell<u64> = const { Cell::new(0) };
}

impl Race {
    fn new(racers: usize) -> Self {
        let returns = (0..racers).map(|_| channel()).map(|(to, from)| (to, Mutex::new(from))).collect();
        Self { all_in: Barrier::new(racers), returns }
    }

    fn body(&self) -> u64 {
        let racer = RACER.get();
        self.all_in.wait();
        self.returns[usize::try_from(racer).expect("indices are small")]
            .1
            .lock()
            .unwrap()
            .recv()
            .expect("the sender is alive");
        racer
    }

    /// Two threads call key 1; thread 0 returns, `between` runs, then thread 1 returns.
    fn run(&self, f: &Handle, between: impl FnOnce() + Send) {
        thread::scope(|scope| {
            let [first, second] = [0, 1].map(|racer| {
                scope.spawn(move || {
                    RACER.set(racer);
                    (f.call)(1)
                })
            });
            let mut between = Some(between);
            for (racer, thread) in [first, second].into_iter().enumerate() {
                self.returns[racer].0.send(()).expect("the receiver is alive");
                assert_eq!(
                    thread.join().expect("the thread does not panic"),
                    racer as u64,
                    "each caller gets the result that it computed"
                );
                between.take().into_iter().for_each(|between| between());
            }
        });
    }
}

#[test]
fn of_two_threads_that_compute_one_key_the_first_is_kept_in_its_place() {
    static RACE: LazyLock<Race> = LazyLock::new(|| Race::new(2));

    for_each_maxsize!(3 => |f(k)| if k == 1 { RACE.body() } else { k }, |f: &Handle| {
        RACE.run(f, || assert_eq!([2, 3].map(f.call), [2, 3]));
        assert_eq!(((f.peek)(1), counts((f.info)())), (Some(0), (0, 4, Some(3), 3)));
        assert_eq!(f.push_out(&[1, 2, 3], || 0), [1, 2, 3]);
        // If the first result was evicted meanwhile, the second is stored.
        (f.clear)();
        RACE.run(f, || assert_eq!([2, 3, 4].map(f.call), [2, 3, 4]));
        assert_eq!([1, 2, 3, 4].map(f.peek), [Some(1), None, Some(3), Some(4)]);
    });
}

#[test]
fn of_two_threads_that_compute_one_key_the_last_is_kept_where_nothing_is_evicted() {
    static RACE: LazyLock<Race> = LazyLock::new(|| Race::new(2));

    for_each_maxsize!(None => |f(k)| if k == 1 { RACE.body() } else { k }, |f: &Handle| {
        RACE.run(f, || assert_eq!((f.call)(1), 0));
        assert_eq!(((f.peek)(1), counts((f.info)())), (Some(1), (1, 2, None, 1)));
    });
}

#[test]
fn every_hit_on_a_bounded_cache_is_the_result_that_came_first() {
    static NEXT: AtomicU64 = AtomicU64::new(0);

    thread_local! {
        static COMPUTED: Cell<Option<u64>> = const { Cell::new(None) };
    }
    for_each_maxsize!(2 => |f(_k)| { let n = NEXT.fetch_add(1, SeqCst); COMPUTED.set(Some(n)); n }, |f: &Handle| {
        for key in 0..100 {
            let answers = at_once(4, |_| {
                let answer = (f.call)(key);
                let again = (f.call)(key);
                (answer, COMPUTED.take(), again)
            });
            let stored = (f.peek)(key).expect("the key was computed");
            for (answer, computed, again) in answers {
                assert_eq!((answer, again), (computed.unwrap_or(stored), stored));
            }
        }
    });
}

// ---- Lifetime of values

static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counted(u64);

impl Counted {
    fn new(number: u64) -> Self {
        LIVE.fetch_add(1, SeqCst);
        Self(number)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        thread::yield_now();
        Self::new(self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, SeqCst);
        // A read after the drop would return this.
        self.0 = u64::MAX;
    }
}

#[test]
fn values_are_whole_while_others_remove_them_and_each_is_dropped_once() {
    #[lru_cache(maxsize = 3)]
    fn bounded(k: u64) -> Counted {
        Counted::new(k)
    }
    #[cache]
    fn unbounded(k: u64) -> Counted {
        Counted::new(k)
    }

    finishes(|| {
        for f in [handle!(bounded), handle!(unbounded)] {
            at_once(4, |thread| {
                let mut random = Random(thread);
                let mut held = Counted::new(0);
                let mut number = 0;
                for _ in 0..500 {
                    assert_eq!(held.0, number);
                    number = random.below(6);
                    match random.below(8) {
                        0 => (f.clear)(),
                        1 => _ = (f.invalidate)(number),
                        2 => (f.put)(number, Counted::new(number)),
                        3 => held = (f.refresh)(number),
                        4 => held = (f.peek)(number).unwrap_or_else(|| Counted::new(number)),
                        _ => held = (f.call)(number),
                    }
                    number = held.0;
                }
            });
            assert_eq!(LIVE.load(SeqCst), (f.info)().currsize);
            (f.clear)();
            assert_eq!(LIVE.load(SeqCst), 0);
        }
    });
}

#[test]
fn a_slow_destructor_blocks_no_other_thread() {
    static IN_DROP: Barrier = Barrier::new(2);
    static GO_ON: Barrier = Barrier::new(2);
    static SLOW: AtomicBool = AtomicBool::new(false);

    #[derive(Clone)]
    struct Slow(u64);
    impl Drop for Slow {
        fn drop(&mut self) {
            if SLOW.swap(false, SeqCst) {
                IN_DROP.wait();
                GO_ON.wait();
            }
        }
    }
    #[lru_cache(maxsize = 2)]
    fn f(k: u64) -> Slow {
        Slow(k)
    }

    finishes(|| {
        let ways: [fn(); 5] = [
            f::cache_clear,
            || assert!(f::cache_invalidate(1)),
            || f::cache_put(1, Slow(1)),
            || f::cache_put(3, Slow(3)),
            || drop(f::cache_refresh(1)),
        ];
        for remove in ways {
            f::cache_clear();
            let _ = [1, 2].map(|k| f(k).0);
            SLOW.store(true, SeqCst);
            thread::scope(|scope| {
                scope.spawn(remove);
                IN_DROP.wait();
                // While another thread runs the destructor: hits, misses, evictions and a clear.
                assert_eq!([2, 4, 5, 2, 1].map(|k| f(k).0), [2, 4, 5, 2, 1]);
                f::cache_clear();
                assert_eq!(f::cache_info().currsize, 0);
                GO_ON.wait();
            });
        }
    });
}

#[test]
fn destructors_may_call_each_others_functions() {
    thread_local! {
        static DEPTH: Cell<u32> = const { Cell::new(0) };
    }
    /// Calls the other function when it is dropped; entries evicted by that call do the same, three deep.
    #[derive(Clone)]
    struct Calling(u64, fn(u64) -> Calling);
    impl Drop for Calling {
        fn drop(&mut self) {
            if DEPTH.get() < 3 {
                DEPTH.set(DEPTH.get() + 1);
                assert_eq!((self.1)(self.0 + 1).0, self.0 + 1);
                DEPTH.set(DEPTH.get() - 1);
            }
        }
    }
    #[lru_cache(maxsize = 2)]
    fn one(k: u64) -> Calling {
        Calling(k, other)
    }
    #[lru_cache(maxsize = 2)]
    fn other(k: u64) -> Calling {
        Calling(k, one)
    }

    finishes(|| {
        at_once(4, |thread| {
            for k in (0..60).map(|n| (n + thread) % 7) {
                assert_eq!((one(k).0, other(k).0), (k, k));
                one::cache_invalidate(k);
                other::cache_put(k, Calling(k, one));
            }
        });
        assert_eq!((one::cache_info().maxsize, other::cache_info().maxsize), (Some(2), Some(2)));
        assert!(one::cache_info().currsize <= 2 && other::cache_info().currsize <= 2);
    });
}

// ---- Threads that end, and functions that call each other

#[test]
fn a_thread_that_ends_may_call_from_its_thread_locals() {
    static ANSWERS: Mutex<Vec<u64>> = Mutex::new(Vec::new());

    #[lru_cache(maxsize = 4)]
    fn f(k: u64) -> u64 {
        3 * k
    }
    struct Last(u64);
    impl Drop for Last {
        fn drop(&mut self) {
            let mut answers: Vec<_> = (0..20).map(|n| f(self.0 + n % 2)).collect();
            f::cache_put(self.0, 3 * self.0);
            f::cache_invalidate(self.0 + 1);
            ANSWERS.lock().unwrap().append(&mut answers);
        }
    }
    thread_local! {
        static LAST: Last = const { Last(6) };
    }

    finishes(|| {
        at_once(8, |thread| {
            // Thread-locals are dropped in the order in which they were initialized, or in reverse.
            if thread % 2 == 0 {
                f(6);
            }
            LAST.with(|last| assert_eq!(last.0, 6));
            if thread % 4 == 1 {
                f(7);
            }
        });
        let answers = ANSWERS.lock().unwrap();
        assert_eq!(answers.len(), 8 * 20);
        assert!(answers.chunks(2).all(|pair| pair == [18, 21]));
        let info = f::cache_info();
        assert_eq!(info.hits + info.misses, 8 * 20 + 4 + 2, "{info}");
        assert!(f::cache_contains(6) && !f::cache_contains(7));
    });
}

#[test]
fn functions_that_call_each_other_answer_rightly_from_any_number_of_threads() {
    /// Hofstadter's two sequences, each defined by the other.
    fn plain(count: usize) -> (Vec<u64>, Vec<u64>) {
        let (mut female, mut male) = (vec![1_usize], vec![0_usize]);
        for n in 1..count {
            male.push(n - female[male[n - 1]]);
            female.push(n - male[female[n - 1]]);
        }
        let [female, male] = [female, male].map(|sequence| sequence.iter().map(|n| *n as u64).collect());
        (female, male)
    }
    macro_rules! with_maxsize {
        ($($maxsize:tt),+) => {$({
            #[lru_cache(maxsize = $maxsize)]
            fn female(n: u64) -> u64 {
                if n == 0 { 1 } else { n - male(female(n - 1)) }
            }
            #[lru_cache(maxsize = $maxsize)]
            fn male(n: u64) -> u64 {
                if n == 0 { 0 } else { n - female(male(n - 1)) }
            }
            finishes(|| {
                let right = plain(200);
                let answers = at_once(4, |thread| {
                    let all = |f: fn(u64) -> u64| (0..200).map(f).collect::<Vec<_>>();
                    if thread % 2 == 0 {
                        (all(female), all(male))
                    } else {
                        let male = all(male);
                        (all(female), male)
                    }
                });
                assert!(answers.iter().all(|answer| *answer == right));
                let infos = [female::cache_info(), male::cache_info()];
                assert!(infos.iter().all(|info| info.currsize == info.maxsize.unwrap_or(200)), "{infos:?}");
            });
        })+};
    }
    with_maxsize!(40, None);
}
