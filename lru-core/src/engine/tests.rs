use super::*;
use crate::engine::insert_kind::InsertKind;
use crate::engine::lock::Settle;
use crate::expiry::Ticks;
use crate::expiry::clock::ManualClock;
use crate::expiry::entry_deadlines::EntryInfo;
use crate::key::KeyHash;
use crate::object::aliases::LruCache;
use crate::observe::CacheInfo;
use crate::store::EntryOf;
use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

/// A function that a key or value calls when it is compared, cloned or dropped.
type Hook = Rc<RefCell<Option<Box<dyn Fn(&Probed)>>>>;

/// A key or value that calls its hook once.
#[derive(Clone)]
struct Probe {
    number: u32,
    on_eq: Hook,
}

type Probed = LruCache<Probe, Loud>;

thread_local! {
    static CACHE: Probed = const { LruCache::new(Some(3)) };
    static CALLING_BACK: Cell<bool> = const { Cell::new(false) };
}

impl Probe {
    fn new(number: u32) -> Self {
        Self { number, on_eq: Hook::default() }
    }

    fn on_eq(number: u32, call: impl Fn(&Probed) + 'static) -> Self {
        let probe = Self::new(number);
        *probe.on_eq.borrow_mut() = Some(Box::new(call));
        probe
    }
}

impl Hash for Probe {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl PartialEq for Probe {
    fn eq(&self, other: &Self) -> bool {
        let hooks = [self.on_eq.take(), other.on_eq.take()];
        let before = CALLING_BACK.replace(true);
        CACHE.with(|cache| hooks.iter().flatten().for_each(|hook| hook(cache)));
        CALLING_BACK.set(before);
        self.number == other.number
    }
}

impl Eq for Probe {}

/// A value that asserts that the cache never drops it under the lock.
#[derive(Clone, Debug, PartialEq)]
struct Loud(u32);

impl Drop for Loud {
    fn drop(&mut self) {
        let free = CACHE.try_with(|cache| cache.engine().state.hold().store.try_borrow_mut().is_ok());
        let dropped_by_test = CALLING_BACK.get() || std::thread::panicking();
        assert!(dropped_by_test || free.unwrap_or(true), "{self:?} is dropped under the lock");
    }
}

/// Runs a test on an empty cache with the keys 1, 2, 3, and validates it afterwards.
fn with_cache(test: impl FnOnce(&Probed)) {
    CACHE.with(|cache| {
        cache.clear();
        for number in 1..=3 {
            cache.insert(Probe::new(number), Loud(number));
        }
        test(cache);
        cache.engine().validate();
    });
}

fn keys(cache: &Probed) -> Vec<u32> {
    cache.iter().map(|(key, _)| key.number).collect()
}

#[test]
fn a_clear_from_within_eq_makes_the_lookup_a_miss() {
    with_cache(|cache| {
        let key = Probe::on_eq(2, |cache| {
            cache.clear();
            assert_eq!((cache.len(), keys(cache).len()), (0, 0));
        });
        assert_eq!(cache.get(&key), None);
        assert_eq!(cache.info(), CacheInfo { misses: 1, maxsize: Some(3), ..CacheInfo::default() });
    });
}

#[test]
fn a_key_removed_from_within_its_eq_is_gone() {
    with_cache(|cache| {
        let key = Probe::on_eq(2, |cache| {
            assert_eq!(cache.remove(&Probe::new(2)), Some(Loud(2)));
            assert_eq!(cache.remove(&Probe::new(2)), None);
            assert!(!cache.contains(&Probe::new(2)));
            assert_eq!(cache.len(), 2);
        });
        assert_eq!(cache.get(&key), None);
        assert_eq!(keys(cache), [1, 3]);
    });
}

#[test]
fn nested_hits_count_and_touch() {
    with_cache(|cache| {
        let key = Probe::on_eq(2, |cache| assert_eq!(cache.get(&Probe::new(1)), Some(Loud(1))));
        assert_eq!(cache.get(&key), Some(Loud(2)));
        assert_eq!(keys(cache), [3, 1, 2]);
        assert_eq!(cache.info().hits, 2);
    });
}

#[test]
fn what_is_put_from_within_eq_goes_unstored_and_removes_the_old() {
    with_cache(|cache| {
        let key = Probe::on_eq(2, |cache| {
            assert_eq!(cache.insert(Probe::new(1), Loud(10)), None);
            assert_eq!(cache.insert(Probe::new(4), Loud(40)), None);
            assert_eq!(cache.get_or_insert_with(Probe::new(5), || Loud(50)), Loud(50));
        });
        assert_eq!(cache.get(&key), Some(Loud(2)));
        assert_eq!(keys(cache), [3, 2]);
    });
}

#[test]
fn a_victim_may_have_been_removed_from_within_eq() {
    with_cache(|cache| {
        let key = Probe::on_eq(2, |cache| drop(cache.remove(&Probe::new(1))));
        // The key is stored: `Eq` runs, and removes the least recently used entry.
        cache.insert(key, Loud(20));
        assert_eq!(keys(cache), [3, 2]);
        cache.insert(Probe::new(4), Loud(4));
        assert_eq!(keys(cache), [3, 2, 4]);
    });
}

#[test]
fn a_key_removed_from_within_its_eq_is_stored_anew() {
    with_cache(|cache| {
        let key = Probe::on_eq(2, |cache| drop(cache.remove(&Probe::new(2))));
        assert_eq!(cache.get_or_insert_with(key, || Loud(20)), Loud(20));
        assert_eq!(keys(cache), [1, 3, 2]);
        assert_eq!(cache.peek(&Probe::new(2)), Some(Loud(20)));
    });
}

#[test]
fn what_nested_calls_left_behind_a_panic_is_dropped_by_the_next_result_that_comes_in() {
    with_cache(|cache| {
        std::panic::set_hook(Box::new(|_| {}));
        cache.get_or_insert_with(Probe::new(4), || {
            let key = Probe::on_eq(2, |cache| {
                cache.get_or_insert_with(Probe::new(5), || Loud(5));
                panic!("on purpose");
            });
            assert!(catch_unwind(AssertUnwindSafe(|| cache.get(&key))).is_err());
            CALLING_BACK.set(false);
            assert!(!cache.engine().state.hold().is_settled());
            Loud(4)
        });
        drop(std::panic::take_hook());
        assert!(cache.engine().state.hold().is_settled());
        assert_eq!(keys(cache), [2, 3, 4]);
    });
}

#[test]
fn of_a_key_that_came_in_meanwhile_there_is_one_entry() {
    let cache = LruCache::new(Some(2));
    cache.insert(7, 7);
    cache.insert(8, 8);
    let outer = cache.get_or_insert_with(1, || {
        cache.get_or_insert_with(1, || 10);
        11
    });
    assert_eq!((outer, cache.len()), (11, 2));
    assert!(cache.iter().eq([(8, 8), (1, 10)]));
    cache.engine().validate();
}

#[test]
fn what_was_not_live_and_is_again_since_the_clock_went_back_has_one_entry() {
    let clock = ManualClock::new();
    let cache = LruCache::builder_with(clock.clone()).maxsize(2).ttl(Duration::from_secs(5)).build();
    cache.insert("key", 1);
    clock.advance(Duration::from_secs(5));
    let compute = || {
        clock.set(Duration::ZERO);
        2
    };
    assert_eq!((cache.get_or_insert_with("key", compute), cache.len()), (2, 1));
    assert_eq!((cache.remove("key"), cache.peek("key")), (Some(1), None));
    cache.engine().validate();
}

#[test]
fn a_panic_in_eq_leaves_what_nested_calls_did() {
    with_cache(|cache| {
        let key = Probe::on_eq(2, |cache| {
            cache.remove(&Probe::new(3));
            panic!("on purpose");
        });
        std::panic::set_hook(Box::new(|_| {}));
        assert!(catch_unwind(AssertUnwindSafe(|| cache.get(&key))).is_err());
        drop(std::panic::take_hook());
        assert_eq!(keys(cache), [1, 2]);
    });
}

#[test]
fn what_began_before_a_clear_is_not_stored_after_it() {
    with_cache(|cache| {
        let compute = || {
            cache.clear();
            Loud(9)
        };
        assert_eq!(cache.get_or_insert_with(Probe::new(9), compute), Loud(9));
        assert!(cache.is_empty());
    });
}

#[test]
fn what_began_before_its_key_was_put_does_not_replace_it() {
    let cache = LruCache::new(None);
    let result = cache.get_or_insert_with("key", || {
        cache.insert("key", "put");
        "computed"
    });
    assert_eq!(result, "computed");
    assert_eq!(cache.peek("key"), Some("put"));
}

#[test]
fn of_two_refreshes_the_one_that_began_last_stays_whichever_ends_first() {
    for maxsize in [Some(2), None] {
        let cache = LruCache::<&str, u32>::new(maxsize);
        let hash = KeyHash::of("key");
        let refresh = |began, value| {
            let entry = EntryOf {
                hash,
                key: "key",
                value,
                meta: EntryInfo::new(1, Ticks::NEVER, Ticks::NEVER, None),
            };
            cache.insert_compared(entry, InsertKind::Refreshed(began), <&str>::eq)
        };
        let (older, newer) =
            (cache.engine().begin_refresh(KeyHash::of(&1)), cache.engine().begin_refresh(KeyHash::of(&1)));
        refresh(older, 1);
        assert_eq!(cache.peek("key"), Some(1));
        refresh(newer, 2);
        assert_eq!(cache.peek("key"), Some(2));
        let (older, newer) =
            (cache.engine().begin_refresh(KeyHash::of(&1)), cache.engine().begin_refresh(KeyHash::of(&1)));
        refresh(newer, 4);
        refresh(older, 3);
        assert_eq!(cache.peek("key"), Some(4));
    }
}

#[test]
fn a_key_removed_while_another_is_computed_has_no_effect_on_it() {
    let cache = LruCache::new(Some(2));
    cache.get_or_insert_with("key", || {
        cache.remove("other");
        1
    });
    assert!(cache.contains("key"));
    cache.engine().validate();
}

#[test]
fn of_two_computations_the_bounded_mode_keeps_the_first_and_the_unbounded_the_last() {
    for (maxsize, kept) in [(Some(8), "inner"), (None, "outer")] {
        let cache = LruCache::new(maxsize);
        let outer = cache.get_or_insert_with(1, || {
            assert_eq!(cache.get_or_insert_with(1, || "inner"), "inner");
            "outer"
        });
        assert_eq!((outer, cache.peek(&1)), ("outer", Some(kept)));
    }
}

/// A cache of numbers that expire after a second, with its clock.
fn timed(maxsize: Option<usize>, count: u64) -> (LruCache<u64, u64, ManualClock>, ManualClock) {
    let clock = ManualClock::new();
    let cache = LruCache::builder_with(clock.clone()).maxsize(maxsize).ttl(Duration::from_secs(1)).build();
    (0..count).for_each(|n| _ = cache.insert(n, n));
    (cache, clock)
}

#[test]
fn an_insert_removes_some_of_many_expired_entries_and_none_is_served_or_counted() {
    const MANY: u64 = 1000;
    let (cache, clock) = timed(None, MANY);
    let stored = || cache.engine().hold().store.borrow().len() as u64;
    clock.advance(Duration::from_secs(1));
    cache.insert(MANY, MANY);
    assert!((MANY - 100..MANY).contains(&stored()), "{} are stored", stored());
    assert_eq!((0..MANY).filter_map(|n| cache.get(&n)).count(), 0);
    for n in 1..MANY {
        cache.insert(MANY + n, n);
    }
    assert_eq!(stored(), MANY, "each insert has removed some");
    let (cache, clock) = timed(None, MANY);
    clock.advance(Duration::from_secs(1));
    cache.insert(MANY, MANY);
    assert_eq!((cache.info().currsize, stored()), (1, MANY));
    assert_eq!((cache.len(), cache.iter().count()), (1, 1));
}

#[test]
fn a_full_cache_evicts_no_live_entry_while_there_are_expired_ones() {
    let (cache, clock) = timed(Some(1000), 900);
    clock.advance(Duration::from_secs(1));
    for n in 1000..2000 {
        cache.insert(n, n);
    }
    assert_eq!(cache.engine().stats().evictions, 0);
    assert!((1000..2000).all(|n| cache.contains(&n)));
    cache.insert(2000, 0);
    assert_eq!(cache.engine().stats().evictions, 1);
}

#[test]
fn expired_entries_are_returned_in_order_however_many_they_are() {
    let (cache, clock) = timed(None, 500);
    clock.advance(Duration::from_secs(1));
    assert_eq!(cache.expire(), (0..500).map(|n| (n, n)).collect::<Vec<_>>());
    assert_eq!(cache.pop_victim(), None);
}

#[test]
fn an_entry_weighs_at_least_one_unless_it_may_be_free() {
    let cache = LruCache::builder().maxsize(100).weigher(|_: &u64, (): &()| 0).build();
    (0..1000).for_each(|n| _ = cache.insert(n, ()));
    assert_eq!((cache.len(), cache.info().currsize), (100, 100));
    let cache = LruCache::builder().maxsize(100).weigher(|_: &u64, (): &()| 0).min_weight(0).build();
    (0..1000).for_each(|n| _ = cache.insert(n, ()));
    assert_eq!((cache.len(), cache.info().currsize), (1000, 0));
    cache.engine().validate();
}

#[test]
fn the_largest_capacity_is_not_taken_for_none() {
    let cache = LruCache::builder().maxsize(usize::MAX).weigher(|_: &u64, &weight: &usize| weight).build();
    cache.insert(1, usize::MAX);
    cache.insert(2, 7);
    let info = cache.info();
    assert_eq!((info.maxsize, info.currsize, cache.len()), (Some(usize::MAX), 7, 1));
    cache.resize(None);
    assert_eq!(cache.info().maxsize, None);
}

#[test]
fn the_test_of_a_retain_is_called_once_for_each_entry_in_order() {
    for maxsize in [Some(1000), None] {
        let (cache, _clock) = timed(maxsize, 1000);
        let mut tested = Vec::new();
        cache.retain(|&n, _| {
            tested.push(n);
            n % 3 == 0
        });
        assert_eq!(tested, (0..1000).collect::<Vec<_>>());
        assert_eq!(
            cache.iter().map(|(n, _)| n).collect::<Vec<_>>(),
            (0..1000).step_by(3).collect::<Vec<_>>()
        );
        cache.engine().validate();
    }
}
