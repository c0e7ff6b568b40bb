//! Extreme inputs: clocks that go backwards, unreachable times, maximal weights, and invalid victim choices.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use functools::policy::{Auto, Candidates, Fifo, Gdsf, Lfu, Lru, Policy, Rr, S3Fifo, Sieve, WTinyLfu};
use functools::{
    Cache, Clock, LfuCache, LruCache, ManualClock, RemovalCause, RrCache, Timer, lru_cache, ttl_cache,
};

use crate::support::{Raised, Random, catch, finishes, raise, tally};

const SECOND: Duration = Duration::from_secs(1);

/// Checks a cache whose values are their expiry times: only the clock decides which entries are live.
fn survives_time_travel<P: Policy + 'static>() {
    let clock = ManualClock::new();
    let cache = Cache::<u64, Duration, P, _>::builder_with(clock.clone())
        .maxsize(20)
        .ttu(|_, until, _| *until)
        .tti(50 * SECOND)
        .build();
    let mut random = Random(7);
    // For each key: when its entry expires, and when it was last used.
    let mut known: HashMap<u64, (Duration, Duration)> = HashMap::new();
    for _ in 0..20_000 {
        let now = clock.now();
        let key = random.below(40);
        match random.below(10) {
            0 => clock.set(SECOND * u32::try_from(random.below(300)).unwrap()),
            1..=2 => clock.advance(SECOND * u32::try_from(random.below(9)).unwrap()),
            3..=5 => {
                let until = SECOND * u32::try_from(random.below(300)).unwrap();
                cache.insert(key, until);
                known.insert(key, (until, now));
            }
            6 => _ = cache.expire(),
            _ => {
                let Some(until) = cache.get(&key) else { continue };
                let (expected, used) = known.insert(key, (until, now)).expect("the key was stored");
                assert_eq!(until, expected, "the entry has the last value");
                assert!(now < until && now < used + 50 * SECOND, "the entry is live at the current time");
            }
        }
        assert!(cache.len() <= 20);
    }
    clock.set(Duration::MAX);
    assert_eq!((cache.len(), cache.info().currsize), (0, 0), "at the end of time every entry has expired");
}

#[test]
fn a_clock_that_goes_backwards_loses_nothing_but_the_right_time() {
    finishes(|| {
        survives_time_travel::<Lru>();
        survives_time_travel::<Lfu>();
        survives_time_travel::<Fifo>();
        survives_time_travel::<Rr>();
        survives_time_travel::<Sieve>();
        survives_time_travel::<S3Fifo>();
        survives_time_travel::<WTinyLfu>();
        survives_time_travel::<Gdsf>();
        survives_time_travel::<Auto>();
    });
}

#[test]
fn what_was_stored_before_the_clock_was_set_back_stays_for_longer() {
    let clock = ManualClock::new();
    let cache = LruCache::builder_with(clock.clone()).ttl(10 * SECOND).build();
    clock.set(100 * SECOND);
    cache.insert("late", 1);
    clock.set(Duration::ZERO);
    cache.insert("early", 2);
    assert_eq!((cache.get("late"), cache.get("early")), (Some(1), Some(2)));
    clock.set(10 * SECOND);
    assert_eq!(cache.expire(), [("early", 2)]);
    clock.set(109 * SECOND);
    assert_eq!(cache.get("late"), Some(1));
    clock.set(110 * SECOND);
    assert_eq!(cache.expire(), [("late", 1)]);
}

#[test]
fn the_longest_time_is_for_ever() {
    let clock = ManualClock::new();
    let forever = LruCache::<u64, u64, _>::builder_with(clock.clone());
    let caches = [forever.ttl(Duration::MAX).tti(Duration::MAX).jitter(1.0).build()];
    for cache in &caches {
        cache.insert(1, 1);
        for time in [Duration::from_secs(u64::from(u32::MAX)), Duration::from_nanos(u64::MAX), Duration::MAX]
        {
            clock.set(time);
            assert_eq!((cache.get(&1), cache.expire()), (Some(1), vec![]));
        }
        // The end of time is never in the past.
        cache.insert(2, 2);
        assert_eq!(cache.get(&2), Some(2));
    }

    let cache = LruCache::builder().ttl(Duration::MAX).tti(Duration::MAX).jitter(0.5).build();
    cache.insert(1, 1);
    assert_eq!((cache.get(&1), cache.len()), (Some(1), 1));
}

#[test]
fn functions_take_the_longest_time_and_the_shortest() {
    const INFINITE: f64 = f64::INFINITY;
    const SHORTEST: Duration = Duration::ZERO;
    const NONE: f64 = f64::NAN;
    #[lru_cache(ttl = Duration::MAX, tti = Duration::MAX)]
    fn max(n: u64) -> u64 {
        n
    }
    #[ttl_cache(ttl = INFINITE, jitter = 1.0)]
    fn infinite(n: u64) -> u64 {
        n
    }
    #[ttl_cache(ttl = u64::MAX)]
    fn seconds(n: u64) -> u64 {
        n
    }
    #[ttl_cache(ttl = SHORTEST)]
    fn zero(n: u64) -> u64 {
        n
    }
    #[ttl_cache(ttl = NONE)]
    fn none(n: u64) -> u64 {
        n
    }
    for _ in 0..3 {
        assert_eq!((max(1), infinite(1), seconds(1), zero(1), none(1)), (1, 1, 1, 1, 1));
    }
    for info in [max::cache_info(), infinite::cache_info(), seconds::cache_info()] {
        assert_eq!(tally(info), (2, 1, 1));
    }
    for info in [zero::cache_info(), none::cache_info()] {
        assert_eq!(tally(info), (0, 3, 0));
    }
}

#[test]
fn times_that_cannot_be_compared_are_not_ahead() {
    thread_local! {
        static NOW: Cell<f64> = const { Cell::new(0.0) };
    }
    let cache = LruCache::builder_with(Timer::new(|| NOW.get())).ttl(10.0).tti(5.0).maxsize(3).build();
    cache.insert(1, 1);
    NOW.set(f64::NAN);
    assert_eq!(cache.get(&1), None);
    cache.insert(2, 2);
    NOW.set(1.0);
    assert_eq!((cache.get(&2), cache.len()), (None, 0));
    for key in 0..9 {
        cache.insert(key, key);
    }
    assert_eq!((cache.get(&8), cache.len()), (Some(8), 3));
}

#[test]
fn weights_as_heavy_as_can_be() {
    let weigher = |_: &u64, value: &usize| *value;
    let unbounded = LfuCache::builder().weigher(weigher).min_weight(0).build();
    let bounded = LruCache::builder().weigher(weigher).maxsize(usize::MAX - 1).build();
    for key in 0..5 {
        unbounded.insert(key, usize::MAX);
        bounded.insert(key, usize::MAX - 1);
        unbounded.insert(key, usize::MAX / 2);
        bounded.insert(key, usize::MAX);
    }
    assert_eq!(
        (bounded.len(), bounded.get(&4)),
        (1, Some(usize::MAX - 1)),
        "too heavy: the old entry is kept"
    );
    assert!(unbounded.info().currsize >= usize::MAX / 2);
    unbounded.insert(9, usize::MAX);
    assert_eq!((unbounded.len(), unbounded.info().currsize), (1, usize::MAX));
    unbounded.insert(9, 0);
    assert_eq!((unbounded.len(), unbounded.info().currsize), (1, 0));
}

#[test]
fn a_choice_that_is_none_is_left_to_chance() {
    for choice in [usize::MAX, 3, 100] {
        let cache = RrCache::builder().maxsize(3).choice(move |_| choice).build();
        for key in 0..50 {
            cache.insert(key, key);
        }
        assert_eq!(cache.len(), 3);
        assert!(cache.pop_victim().is_some());
        cache.resize(Some(1));
        assert_eq!((cache.len(), cache.info().maxsize), (1, Some(1)));
    }
}

#[test]
fn a_listener_hears_of_all_that_leaves_in_order_and_may_store_it_elsewhere() {
    thread_local! {
        static SECOND_LEVEL: LruCache<u64, u64> = const { LruCache::new(None) };
    }
    let cache = LruCache::builder()
        .maxsize(3)
        .weigher(|_, value: &u64| usize::try_from(*value).unwrap())
        .on_evict(|key, value, cause| {
            if cause == RemovalCause::Evicted {
                SECOND_LEVEL.with(|cache| _ = cache.insert(*key, *value));
            }
        })
        .build();
    for key in 0..3 {
        cache.insert(key, 1);
    }
    cache.insert(7, 3);
    assert!(SECOND_LEVEL.with(|cache| cache.iter().map(|(key, _)| key).is_sorted() && cache.len() == 3));
}

/// A key with a constant hash, whose next comparison may run an action.
#[derive(Clone, Debug)]
struct Comparing(u64);

thread_local! {
    static ON_EQ: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

impl Hash for Comparing {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0.hash(state);
    }
}

impl PartialEq for Comparing {
    fn eq(&self, other: &Self) -> bool {
        if let Some(act) = ON_EQ.take() {
            act();
        }
        self.0 == other.0
    }
}

impl Eq for Comparing {}

fn keys<P: Policy, C: Clock>(cache: &Cache<Comparing, u64, P, C>) -> Vec<u64> {
    cache.iter().map(|(key, _)| key.0).collect()
}

#[test]
fn no_entry_is_evicted_where_a_nested_call_has_made_room() {
    let cache: &RrCache<Comparing, u64> =
        Box::leak(Box::new(RrCache::builder().maxsize(2).choice(|_| 0).build()));
    cache.insert(Comparing(1), 1);
    cache.insert(Comparing(2), 2);
    ON_EQ.set(Some(Box::new(|| _ = cache.remove(&Comparing(1)))));
    cache.insert(Comparing(3), 3);
    assert_eq!(keys(cache), [2, 3]);
}

#[test]
fn what_expired_is_told_of_where_the_operation_panics() {
    let clock = ManualClock::new();
    thread_local! {
        static REMOVED: Cell<usize> = const { Cell::new(0) };
    }
    let cache = LruCache::<Comparing, u64, _>::builder_with(clock.clone())
        .ttl(SECOND)
        .on_evict(|_, _, _| REMOVED.set(REMOVED.get() + 1))
        .build();
    cache.insert(Comparing(1), 1);
    clock.advance(SECOND / 2);
    cache.insert(Comparing(2), 2);
    clock.advance(SECOND / 2);
    ON_EQ.set(Some(Box::new(|| raise())));
    assert_eq!(catch(|| cache.insert(Comparing(3), 3)), Err(Raised));
    assert_eq!((cache.len(), REMOVED.get()), (1, 1));
}

#[test]
fn what_is_too_heavy_after_a_refresh_does_not_leave_the_old_result() {
    thread_local! {
        static LENGTH: Cell<usize> = const { Cell::new(1) };
    }
    #[lru_cache(maxsize = 10, weight = |_, text| text.len())]
    fn load(_id: u64) -> String {
        "x".repeat(LENGTH.get())
    }
    load(1);
    LENGTH.set(20);
    assert_eq!(load::cache_refresh(1).len(), 20);
    assert_eq!(load::cache_peek(1), None);
}

#[test]
fn a_cache_resized_to_nothing_holds_nothing() {
    let cache =
        LruCache::builder().maxsize(10).weigher(|_: &u64, value: &usize| *value).min_weight(0).build();
    cache.insert(2, 1);
    cache.insert(1, 0);
    cache.resize(Some(0));
    assert_eq!((cache.len(), cache.get(&1)), (0, None));
}

#[test]
fn what_is_inserted_returns_what_it_replaced_and_not_what_a_nested_call_did() {
    let cache: &LruCache<Comparing, u64> = Box::leak(Box::new(LruCache::new(Some(3))));
    for (key, replaced) in [(2, Some(2)), (3, None)] {
        cache.insert(Comparing(1), 1);
        cache.insert(Comparing(2), 2);
        ON_EQ.set(Some(Box::new(|| _ = cache.insert(Comparing(1), 10))));
        assert_eq!(cache.insert(Comparing(key), 0), replaced);
    }
}

#[test]
fn a_listener_that_panics_prevents_no_other_notification() {
    thread_local! {
        static REMOVED: RefCell<Vec<(u64, RemovalCause)>> = const { RefCell::new(Vec::new()) };
    }
    let act = |act: &dyn Fn(&LruCache<u64, u64, ManualClock>)| {
        let clock = ManualClock::new();
        let cache = LruCache::builder_with(clock.clone())
            .maxsize(3)
            .ttl(2 * SECOND)
            .on_evict(|key, _, cause| {
                REMOVED.with_borrow_mut(|removed| removed.push((*key, cause)));
                if key % 2 == 1 {
                    raise();
                }
            })
            .build();
        cache.insert(1, 1);
        clock.advance(SECOND);
        (cache.insert(2, 2), cache.insert(3, 3));
        clock.advance(SECOND);
        assert_eq!(catch(|| act(&cache)), Err(Raised));
        REMOVED.take()
    };
    let expired = (1, RemovalCause::Expired);
    assert_eq!(act(&|cache| _ = cache.pop_victim()), [expired, (2, RemovalCause::Evicted)]);
    assert_eq!(
        act(&|cache| cache.resize(Some(0))),
        [expired, (2, RemovalCause::Evicted), (3, RemovalCause::Evicted)]
    );
    assert_eq!(act(&|cache| cache.retain(|_, _| false)).len(), 3);
    assert_eq!(act(&LruCache::clear), [1, 2, 3].map(|key| (key, RemovalCause::Cleared)));
    assert_eq!(act(&|cache| _ = cache.expire()), [expired]);
}

#[test]
fn what_a_clock_evicts_is_told_of_when_the_lock_is_free() {
    type Times = Timer<fn() -> u64>;
    thread_local! {
        static ACTS_IN: Cell<u64> = const { Cell::new(0) };
    }
    static CACHE: LazyLock<LruCache<u64, u64, Times>> = LazyLock::new(|| {
        let free = |_: &u64, _: &u64, _| assert!(!finishes(|| CACHE.contains(&100)));
        LruCache::builder_with(Timer::new(now as fn() -> u64)).maxsize(1).ttl(5).on_evict(free).build()
    });
    fn now() -> u64 {
        let remaining = ACTS_IN.get();
        ACTS_IN.set(remaining.saturating_sub(1));
        if remaining == 1 {
            (CACHE.insert(7, 7), CACHE.insert(8, 8));
        }
        0
    }
    let operations: [fn(); 7] = [
        || _ = CACHE.insert(2, 2),
        || _ = CACHE.remove(&1),
        || _ = CACHE.get(&1),
        || _ = CACHE.pop_victim(),
        || _ = CACHE.len(),
        || CACHE.retain(|_, _| false),
        || CACHE.resize(Some(1)),
    ];
    for operation in operations {
        for reading in 1..5 {
            CACHE.insert(1, 1);
            ACTS_IN.set(reading);
            operation();
            ACTS_IN.set(0);
        }
    }
}

#[test]
fn what_ends_after_all_time_never_ends() {
    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(0) };
    }
    fn count() -> u64 {
        NOW.get()
    }
    fn since() -> Duration {
        Duration::from_secs(NOW.get())
    }
    fn system() -> SystemTime {
        SystemTime::UNIX_EPOCH + since()
    }
    #[lru_cache(ttl = u64::MAX, tti = 10, timer = count)]
    fn counted(n: u64) -> u64 {
        n
    }
    #[lru_cache(ttl = Duration::MAX, tti = Duration::MAX, timer = since)]
    fn timed(n: u64) -> u64 {
        n
    }
    #[lru_cache(ttl = Duration::MAX, timer = system)]
    fn dated(n: u64) -> u64 {
        n
    }
    let cache = LruCache::builder_with(Timer::new(count)).ttl(u64::MAX).tti(10).build();
    NOW.set(9);
    for _ in 0..2 {
        assert_eq!((counted(1), timed(1), dated(1)), (1, 1, 1));
        assert_eq!(cache.get_or_insert_with(1, || 1), 1);
    }
    for info in [counted::cache_info(), timed::cache_info(), dated::cache_info(), cache.info()] {
        assert_eq!(tally(info), (1, 1, 1));
    }

    // A time to idle that would end after the end of time does not end.
    NOW.set(u64::MAX - 15);
    (cache.insert(2, 2), counted(2));
    NOW.set(u64::MAX - 8);
    assert_eq!((cache.get(&2), counted(2)), (Some(2), 2));
    NOW.set(u64::MAX);
    assert!(cache.contains(&2) && counted::cache_contains(2) && !cache.contains(&1));
}

#[test]
fn a_timer_may_return_any_type_of_time() {
    thread_local! {
        static NOW: Cell<u32> = const { Cell::new(0) };
    }
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    fn since_start() -> Duration {
        Duration::from_secs(NOW.get().into())
    }
    macro_rules! timers {
        ($({ $($timer:tt)* } $ttl:expr;)*) => { $({
            #[lru_cache(ttl = $ttl, timer = $($timer)*)]
            fn by_ttl(n: u64) -> u64 {
                n
            }
            #[lru_cache(ttu = |_, _, now| now, timer = $($timer)*)]
            fn at_once(n: u64) -> u64 {
                n
            }
            NOW.set(1);
            (by_ttl(1), at_once(1));
            assert!(!at_once::cache_contains(1));
            NOW.set(3);
            assert!(by_ttl::cache_contains(1), stringify!($($timer)*));
            NOW.set(4);
            assert!(!by_ttl::cache_contains(1), stringify!($($timer)*));
        })* };
    }
    timers! {
        { || NOW.get() } 3;
        { || NOW.get() } 3_u64;
        { || i64::from(NOW.get()) - 2 } 3;
        { || u128::from(NOW.get()) * 1000 } 3000;
        { || f64::from(NOW.get()) / 4.0 - 0.5 } 0.75;
        { || f32::from(u16::try_from(NOW.get()).unwrap()) } 3;
        { since_start } 3;
        { since_start } 2.5;
        { || *START + since_start() } 3;
        { || *START + since_start() } 3 * SECOND;
        { || SystemTime::UNIX_EPOCH + since_start() } 3 * SECOND;
        { || SystemTime::UNIX_EPOCH - 2 * SECOND + since_start() } 3;
    }
}

#[test]
fn who_was_evicted_is_told_of_where_the_next_choice_panics() {
    thread_local! {
        static REMOVED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
        static CHOICES: Cell<u32> = const { Cell::new(0) };
    }
    let choice = |_: &Candidates<'_, u64>| {
        CHOICES.set(CHOICES.get() + 1);
        if CHOICES.get() == 2 {
            raise();
        }
        0
    };
    let listener = |key: &u64, _: &u64, _| REMOVED.with_borrow_mut(|removed| removed.push(*key));
    let cache = RrCache::builder().maxsize(3).choice(choice).on_evict(listener).build();
    for key in 1..=3 {
        cache.insert(key, key);
    }
    assert_eq!(catch(|| cache.resize(1)), Err(Raised));
    assert_eq!((cache.len(), REMOVED.take()), (2, vec![1]));
}

#[test]
fn a_clock_moved_by_several_threads_loses_no_time() {
    let clock = ManualClock::new();
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| (0..10_000).for_each(|_| clock.advance(SECOND)));
        }
    });
    assert_eq!(clock.now(), 40_000 * SECOND);
}
