//! `depends = true`: results that are invalidated with what they were computed from.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use functools::{depends_on, invalidate, isolated, lru_cache, tag};

use crate::support::{advance, now, until, within};

fn counts(info: functools::CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

#[test]
fn a_page_is_invalidated_with_its_user() {
    #[lru_cache(tags = |id| [tag("user", id)])]
    fn user(id: u32) -> String {
        format!("user {id}")
    }

    #[lru_cache(depends = true)]
    fn header(id: u32) -> String {
        format!("<h1>{}</h1>", user(id))
    }

    #[lru_cache(depends = true)]
    fn page(id: u32) -> String {
        depends_on(tag("layout", ()));
        format!("{}{}", header(id), user(0))
    }

    isolated(|| {
        let fill = || [1, 2].map(page);
        let missing = || [1, 2].map(|id| !page::cache_contains(id));
        fill();
        invalidate(tag("user", 1));
        assert_eq!(missing(), [true, false]);
        fill();
        assert!(user::cache_invalidate(2));
        assert_eq!(missing(), [false, true]);
        assert!(!header::cache_contains(2));
        fill();
        invalidate(tag("user", 0));
        assert_eq!(missing(), [true, true]);
        // The header is read from the cache, and recorded as if it were computed.
        fill();
        assert_eq!(counts(header::cache_info()).0, 2);
        invalidate(tag("user", 1));
        assert_eq!(missing(), [true, false]);
        fill();
        user::cache_put(1, "Ada".to_owned());
        assert_eq!(missing(), [true, false]);
        assert!(page(1).contains("Ada"));
        user::cache_refresh(1);
        assert!(!page(1).contains("Ada"));
        fill();
        user::cache_retain(|id, _| *id != 2);
        assert_eq!(missing(), [false, true]);
        fill();
        header::cache_clear();
        assert_eq!(missing(), [true, true]);
        fill();
        invalidate(tag("layout", ()));
        assert_eq!(missing(), [true, true]);
        assert!(header::cache_contains(1) && header::cache_contains(2));
        // An eviction of what was read invalidates nothing; that of an entry which is not there any more does.
        fill();
        for id in 10..200 {
            user(id);
        }
        assert!(!user::cache_contains(1));
        assert_eq!(missing(), [false, false]);
        user::cache_invalidate(1);
        assert_eq!(missing(), [true, false]);
    });
}

#[test]
fn recursion() {
    #[lru_cache(maxsize = None, depends = true)]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }

    isolated(|| {
        assert_eq!(fib(90), 2_880_067_194_370_816_120);
        assert_eq!(counts(fib::cache_info()), (88, 91, 91));
        assert!(fib::cache_invalidate(50));
        assert!(fib::cache_contains(49) && !fib::cache_contains(51) && !fib::cache_contains(90));
        assert_eq!(fib(90), 2_880_067_194_370_816_120);
        assert_eq!(counts(fib::cache_info()).1, 91 + 41);
    });
}

#[test]
fn results_that_are_not_stored_and_failures() {
    static VERSION: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(keep = |_, _| false, tags = |id| [tag("source", id)])]
    fn not_kept(id: u32) -> u32 {
        id + VERSION.load(SeqCst)
    }

    #[lru_cache(maxsize = 0, tags = |id, _| [tag("source", id)])]
    fn without_cache(id: u32) -> u32 {
        id + VERSION.load(SeqCst)
    }

    #[lru_cache(tags = |id, _| [tag("source", id)])]
    fn fails(id: u32) -> Result<u32, u32> {
        Err(id + VERSION.load(SeqCst))
    }

    #[lru_cache(tags = |id| [tag("source", id)])]
    fn panics(id: u32) -> u32 {
        std::panic::resume_unwind(Box::new(id + VERSION.load(SeqCst)))
    }

    #[lru_cache(tags = |id| [tag("source", id)])]
    fn fails_by_arguments(id: u32) -> Result<u32, u32> {
        Err(id + VERSION.load(SeqCst))
    }

    #[lru_cache(single_flight = true, tags = |id| [tag("source", id)])]
    fn fails_with_flights(id: u32) -> Result<u32, u32> {
        Err(id + VERSION.load(SeqCst))
    }

    #[lru_cache(depends = true)]
    fn outer(which: u32) -> u32 {
        match which {
            0 => not_kept(1),
            1 => without_cache(1),
            2 => fails(1).unwrap_err(),
            3 => *catch_unwind(|| panics(1)).unwrap_err().downcast().unwrap(),
            4 => functools::bypassed(|| not_kept(1)),
            _ => {
                fails_by_arguments(1).unwrap_err() + fails_with_flights(1).unwrap_err()
                    - 1
                    - VERSION.load(SeqCst)
            }
        }
    }

    isolated(|| {
        for version in 0..3 {
            VERSION.store(version, SeqCst);
            invalidate(tag("source", 1));
            assert_eq!([0, 1, 2, 3, 4, 5].map(outer), [1 + version; 6]);
            assert_eq!([0, 1, 2, 3, 4, 5].map(outer), [1 + version; 6]);
        }
        assert_eq!(counts(outer::cache_info()), (18, 18, 6));
        invalidate(tag("source", 2));
        assert!(outer::cache_contains(0) && outer::cache_contains(5), "its tags are known");
        outer(0);
        let before = counts(outer::cache_info());
        outer(2);
        let after = outer::cache_info();
        assert_eq!((after.hits, after.misses), (before.0, before.1 + 1), "its tags are unknown");
        for by_key in [fails_by_arguments::cache_invalidate, fails_with_flights::cache_invalidate] {
            outer(5);
            assert!(!by_key(1), "an error is not stored");
            assert!(!outer::cache_contains(5));
        }
    });
}

#[test]
fn a_panic_leaves_no_frame() {
    static PANICS: AtomicBool = AtomicBool::new(true);

    #[lru_cache(tags = |id| [tag("inner", id)])]
    fn inner(id: u32) -> u32 {
        id
    }

    #[lru_cache(depends = true)]
    fn outer(id: u32) -> u32 {
        let result = inner(id);
        assert!(!PANICS.load(SeqCst));
        result
    }

    isolated(|| {
        assert!(catch_unwind(AssertUnwindSafe(|| outer(1))).is_err());
        PANICS.store(false, SeqCst);
        assert_eq!(outer(1), 1);
        invalidate(tag("inner", 2));
        assert!(outer::cache_contains(1));
        invalidate(tag("inner", 1));
        assert!(!outer::cache_contains(1));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_and_awaits() {
    #[lru_cache(tags = |id| [tag("part", id)])]
    async fn part(id: u32) -> u32 {
        tokio::task::yield_now().await;
        id
    }

    #[lru_cache(depends = true)]
    async fn sum(first: u32, second: u32) -> u32 {
        let (first, second) = tokio::join!(part(first), part(second));
        tokio::task::yield_now().await;
        first + second
    }

    #[lru_cache(depends = true, tags = |id, _| [tag("whole", id)])]
    async fn whole(id: u32) -> u32 {
        let one = sum(id, id + 1).await;
        tokio::task::yield_now().await;
        one + part(id + 2).await
    }

    within(async {
        for round in 0..50 {
            let base = round * 10;
            let calls: Vec<_> = (0..8).map(|_| tokio::spawn(whole(base))).collect();
            for call in calls {
                assert_eq!(call.await.unwrap(), 3 * base + 3);
            }
            assert!(whole::cache_contains(base) && sum::cache_contains(base, base + 1));
            invalidate(tag("part", base + 2));
            assert!(!whole::cache_contains(base) && sum::cache_contains(base, base + 1));
            assert_eq!(whole(base).await, 3 * base + 3);
            part::cache_invalidate(base + 1);
            assert!(!whole::cache_contains(base) && !sum::cache_contains(base, base + 1));
            assert_eq!(whole(base).await, 3 * base + 3);
            invalidate(tag("whole", base));
            assert!(!whole::cache_contains(base) && sum::cache_contains(base, base + 1));
        }
    })
    .await;
}

#[tokio::test]
async fn detached_computations_and_refreshes() {
    #[lru_cache(ttl = 60, swr = 600, timer = now, tags = |id| [tag("inner", id)])]
    async fn inner(id: u32) -> u32 {
        tokio::task::yield_now().await;
        id
    }

    #[lru_cache(detach = true, tags = |id, _| [tag("apart", id)])]
    async fn apart(id: u32) -> u32 {
        tokio::task::yield_now().await;
        id
    }

    #[lru_cache(depends = true)]
    async fn outer(id: u32) -> u32 {
        inner(id).await + apart(id).await
    }

    isolated(async {
        assert_eq!((outer(1).await, apart(1).await), (2, 1));
        invalidate(tag("inner", 1));
        assert!(!outer::cache_contains(1) && !inner::cache_contains(1) && apart::cache_contains(1));
        assert_eq!(outer(1).await, 2);
        // Now the task's result was read from the cache, and its node is known.
        invalidate(tag("inner", 2));
        assert!(outer::cache_contains(1));
        invalidate(tag("apart", 1));
        assert!(!outer::cache_contains(1));
        // What a task has computed is known as well.
        assert_eq!(outer(1).await, 2);
        invalidate(tag("inner", 2));
        assert!(outer::cache_contains(1) && apart::cache_contains(1));
        invalidate(tag("apart", 1));
        assert!(!outer::cache_contains(1));
        // A stale result is recorded as a fresh one, and its refresh invalidates nothing.
        advance(std::time::Duration::from_secs(61));
        assert_eq!(outer(1).await, 2);
        until(|| inner::cache_stats().refreshes == 1).await;
        assert!(outer::cache_contains(1) && inner::cache_contains(1));
        invalidate(tag("inner", 1));
        assert!(!outer::cache_contains(1) && !inner::cache_contains(1));
    })
    .await;
}

#[tokio::test]
async fn a_task_that_fails_or_panics_leaves_a_result_of_unknown_tags() {
    #[lru_cache(detach = true, tags = |id, _| [tag("failing", id)])]
    async fn failing(id: u32) -> Result<u32, u32> {
        tokio::task::yield_now().await;
        assert!(id < 10, "panics");
        Err(id)
    }

    #[lru_cache(depends = true)]
    async fn outer(id: u32) -> u32 {
        let mut call = Box::pin(failing(id));
        let called =
            poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context))) {
                Ok(polled) => polled.map(Ok),
                Err(_) => Poll::Ready(Err(())),
            });
        called.await.map_or(0, |result| result.unwrap_or(1))
    }

    isolated(async {
        for (id, result) in [(1, 1), (10, 0)] {
            assert_eq!(outer(id).await, result);
            assert!(outer::cache_contains(id));
            invalidate(tag("unrelated", id));
            assert!(!outer::cache_contains(id), "{id}");
        }
    })
    .await;
}

#[tokio::test]
async fn followers_have_read_what_their_leader_has_computed() {
    static BODIES: AtomicU32 = AtomicU32::new(0);
    static GO: AtomicBool = AtomicBool::new(false);

    #[lru_cache(tags = |id| [tag("shared", id)])]
    async fn shared(id: u32) -> u32 {
        BODIES.fetch_add(1, SeqCst);
        until(|| GO.load(SeqCst)).await;
        id
    }

    #[lru_cache(depends = true)]
    async fn outer(id: u32) -> u32 {
        shared(id / 10).await + id
    }

    async fn both(first: u32) {
        GO.store(false, SeqCst);
        BODIES.store(0, SeqCst);
        let opened = async {
            until(|| BODIES.load(SeqCst) == 1).await;
            // Of a tag that neither has: it does not part the follower from the flight.
            invalidate(tag("other", 1));
            tokio::task::yield_now().await;
            GO.store(true, SeqCst);
        };
        let late = async {
            until(|| BODIES.load(SeqCst) == 1).await;
            invalidate(tag("other", 2));
            outer(first + 2).await
        };
        let (one, two, three, ()) =
            within(async { tokio::join!(outer(first), outer(first + 1), late, opened) }).await;
        assert_eq!([one, two, three], [0, 1, 2].map(|more| first + more + first / 10));
        assert_eq!(BODIES.load(SeqCst), 1);
    }

    isolated(async {
        let are_kept = || [10, 11, 12].map(outer::cache_contains);
        both(10).await;
        assert_eq!(shared::cache_stats().coalesced, 2);
        invalidate(tag("other", 1));
        assert_eq!(are_kept(), [true; 3]);
        invalidate(tag("shared", 1));
        assert_eq!(are_kept(), [false; 3]);
        both(10).await;
        assert!(shared::cache_invalidate(1));
        assert_eq!(are_kept(), [false; 3]);
    })
    .await;
}

#[test]
fn a_cycle_ends() {
    #[lru_cache(depends = true)]
    fn even(n: u32) -> bool {
        n == 0 || odd(n - 1)
    }

    #[lru_cache(depends = true, tags = |n| [tag("odd", n)])]
    fn odd(n: u32) -> bool {
        n != 0 && even(n - 1)
    }

    isolated(|| {
        assert!(even(10) && odd(9) && !odd(10));
        // What was put depends on nothing, although it was made of what depends on what it replaces.
        odd::cache_put(5, even(10));
        assert!(!even::cache_contains(10) && odd::cache_contains(5));
        assert!(even(10));
        invalidate(tag("odd", 3));
        assert!(even::cache_contains(10) && !even::cache_contains(4) && even::cache_contains(2));
    });
}

/// Random calls in a graph of functions, with an oracle: a result is as new as what was invalidated before the call.
#[test]
fn no_result_of_a_random_graph_is_stale() {
    const SOURCES: usize = 6;
    static VERSIONS: [AtomicU32; SOURCES] = [const { AtomicU32::new(0) }; SOURCES];
    static INVALIDATED: [AtomicU32; SOURCES] = [const { AtomicU32::new(0) }; SOURCES];

    /// The version of each source that a value was made from; the largest number of none.
    type Made = [u32; SOURCES];
    const NONE: Made = [u32::MAX; SOURCES];

    fn both(one: Made, other: Made) -> Made {
        std::array::from_fn(|source| one[source].min(other[source]))
    }

    fn checked(call: impl FnOnce() -> Made) -> Made {
        let least: Made = std::array::from_fn(|source| INVALIDATED[source].load(SeqCst));
        let made = call();
        for source in 0..SOURCES {
            assert!(made[source] >= least[source], "source {source}: {} < {}", made[source], least[source]);
        }
        made
    }

    fn read(source: usize) -> Made {
        let mut made = NONE;
        made[source] = VERSIONS[source].load(SeqCst);
        made
    }

    #[lru_cache(maxsize = 4, tags = |source| [tag("source", source)])]
    fn leaf(source: usize) -> Made {
        read(source)
    }

    #[lru_cache(single_flight = true, tags = |source, _| [tag("source", source)])]
    fn shared(source: usize) -> Made {
        thread::yield_now();
        read(source)
    }

    #[lru_cache(tags = |source, _| [tag("source", source)])]
    fn failing(source: usize) -> Result<Made, Made> {
        let made = read(source);
        if made[source] % 3 == 0 { Err(made) } else { Ok(made) }
    }

    #[lru_cache(maxsize = None, keep = |_, made| made.iter().min().unwrap() % 4 != 0, depends = true)]
    fn middle(number: usize) -> Made {
        let one = checked(|| leaf(number % SOURCES));
        // What is read depends on what was read.
        let next = if one[number % SOURCES] % 2 == 0 { number + 1 } else { number + 2 };
        let other = checked(|| shared(next % SOURCES));
        both(both(one, other), checked(|| failing((number + 3) % SOURCES).unwrap_or_else(|made| made)))
    }

    #[lru_cache(maxsize = 8, single_flight = true, depends = true)]
    fn deep(number: usize) -> Made {
        if number == 0 {
            depends_on(tag("source", 5));
            return read(5);
        }
        let below = checked(|| deep(number - 1));
        both(below, checked(|| middle(number)))
    }

    let end = std::time::Instant::now() + std::time::Duration::from_secs(4);
    thread::scope(|scope| {
        for seed in 1..=4_u64 {
            scope.spawn(move || {
                let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let mut random = move |below: usize| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    usize::try_from(state >> 33).unwrap() % below
                };
                for _ in 0..40_000 {
                    if std::time::Instant::now() > end {
                        break;
                    }
                    match random(12) {
                        0 => {
                            let source = random(SOURCES);
                            let version = VERSIONS[source].fetch_add(1, SeqCst) + 1;
                            invalidate(tag("source", source));
                            INVALIDATED[source].fetch_max(version, SeqCst);
                        }
                        1 => _ = middle::cache_invalidate(random(8)),
                        2 => leaf::cache_clear(),
                        3 => _ = checked(|| middle::cache_refresh(random(8))),
                        4..=6 => _ = checked(|| middle(random(8))),
                        _ => _ = checked(|| deep(random(10))),
                    }
                }
            });
        }
    });
    assert!(deep::cache_info().hits > 0 && middle::cache_info().hits > 0);
}

#[test]
fn hits_of_entries_that_are_surely_fresh_are_recorded() {
    #[lru_cache(ttl = 3600, tags = |id| [tag("fresh user", id)])]
    fn user(id: u32) -> u32 {
        id
    }

    #[lru_cache(depends = true, ttl = 3600)]
    fn page(id: u32) -> u32 {
        user(id)
    }

    isolated(|| {
        (user(1), user(2));
        (page(1), page(2));
        assert_eq!(user::cache_info().hits, 2);
        invalidate(tag("fresh user", 1));
        assert!(!page::cache_contains(1) && page::cache_contains(2));
    });
}

#[test]
fn what_a_slow_computation_reads_on_another_thread_is_known() {
    static NOW: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(tags = |id| [tag("slow source", id)])]
    fn source(id: u32) -> u32 {
        id
    }

    #[lru_cache(depends = true, ttl = 60, stale_if_slow = 600, timer = || NOW.load(SeqCst))]
    fn slow(id: u32) -> u32 {
        source(id)
    }

    #[lru_cache(depends = true)]
    fn page(id: u32) -> u32 {
        slow(id)
    }

    // Not in an isolation: the computation runs on another thread.
    slow(1);
    NOW.store(60, SeqCst);
    page(1);
    assert_eq!(slow::cache_info().misses, 2);
    invalidate(tag("slow and unrelated", ())).unwrap();
    assert!(page::cache_contains(1));
    invalidate(tag("slow source", 1)).unwrap();
    assert!(!page::cache_contains(1) && !slow::cache_contains(1));
}

#[test]
fn what_is_kept_for_failures_is_tested_as_well_and_what_was_evicted_is_not() {
    static FAILS: AtomicBool = AtomicBool::new(false);

    #[lru_cache(ttl = 10, stale_if_error = 100, timer = now)]
    fn read(id: u32) -> Result<u32, u32> {
        if FAILS.load(SeqCst) { Err(id) } else { Ok(id) }
    }

    #[lru_cache(maxsize = 1, depends = true)]
    fn small(id: u32) -> u32 {
        id
    }

    #[lru_cache(depends = true)]
    fn page(id: u32) -> u32 {
        small(id)
    }

    isolated(|| {
        (read(1).unwrap(), read(2).unwrap());
        FAILS.store(true, SeqCst);
        advance(Duration::from_secs(10));
        read::cache_retain(|id, _| *id != 1);
        assert_eq!((read(1), read(2)), (Err(1), Ok(2)));

        (page(1), page(2));
        small::cache_retain(|_, _| false);
        assert!(page::cache_contains(1) && !page::cache_contains(2));
        small::cache_invalidate(1);
        assert!(!page::cache_contains(1));
    });
}
