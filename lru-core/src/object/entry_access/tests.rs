use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::expiry::Clock;
use crate::expiry::clock::ManualClock;
use crate::function::call::begin::CoalescedLookup;
use crate::function::call::pending_call::FlightOptions;
use crate::function::result_policy::Plain;
use crate::object::aliases::LruCache;
use crate::observe::CacheInfo;

const SECOND: Duration = Duration::from_secs(1);

/// A value that must not be cloned.
struct NotCloned(u32);

impl Clone for NotCloned {
    fn clone(&self) -> Self {
        unreachable!("cloned")
    }
}

#[test]
fn a_value_is_read_in_place_counted_and_marked_as_used() {
    let cache = LruCache::new(Some(2));
    cache.insert(1, NotCloned(1));
    cache.insert(2, NotCloned(2));
    assert_eq!(cache.with(&1, |value| value.0), Some(1));
    assert_eq!(cache.with(&3, |value| value.0), None);
    assert_eq!(cache.keys(), [2, 1]);
    assert_eq!(cache.info(), CacheInfo { hits: 1, misses: 1, maxsize: Some(2), currsize: 2 });
}

#[test]
fn the_function_may_call_the_cache_while_it_reads() {
    let cache = LruCache::new(Some(4));
    cache.insert(1, 10);
    cache.insert(2, 20);
    let seen = cache.with(&1, |value| {
        assert!(cache.engine().is_held());
        assert_eq!(cache.remove(&1), Some(10));
        cache.insert(3, 30);
        assert_eq!(
            (cache.get(&1), cache.get(&2), cache.with(&2, |value| *value)),
            (None, Some(20), Some(20))
        );
        // Still there, though it is removed.
        *value
    });
    assert_eq!((seen, cache.keys()), (Some(10), vec![2]));
    assert!(!cache.engine().is_held());
    cache.engine().validate();
}

#[test]
fn a_panic_while_a_value_is_read_leaves_the_cache_whole() {
    let cache = LruCache::new(Some(4));
    cache.insert(1, 10);
    let result = catch_unwind(AssertUnwindSafe(|| {
        cache.with(&1, |_| -> () {
            cache.remove(&1);
            resume_unwind(Box::new("raised"))
        })
    }));
    assert!(result.is_err() && !cache.engine().is_held());
    assert_eq!((cache.get(&1), cache.info().hits, cache.len()), (None, 0, 0));
    cache.engine().validate();
}

#[test]
fn an_age_is_the_time_since_the_value_was_stored() {
    let clock = ManualClock::new();
    clock.set(100 * SECOND);
    let cache = LruCache::builder_with(clock.clone()).maxsize(2).build();
    cache.insert(1, "one");
    cache.insert(2, "two");
    clock.advance(3 * SECOND);
    assert_eq!(cache.get_with_age(&1), Some(("one", 3 * SECOND)));
    clock.advance(SECOND);
    // A hit does not change it; a new value does.
    assert_eq!(cache.get_with_age(&1), Some(("one", 4 * SECOND)));
    cache.insert(1, "uno");
    assert_eq!(cache.get_with_age(&1), Some(("uno", Duration::ZERO)));
    assert_eq!((cache.get_with_age(&3), cache.keys()), (None, vec![2, 1]));
    assert_eq!((cache.info().hits, cache.info().misses), (3, 1));
    clock.set(Duration::ZERO);
    assert_eq!(cache.get_with_age(&1), Some(("uno", Duration::ZERO)));
}

#[test]
fn an_entry_expires_by_its_first_deadline() {
    let clock = ManualClock::new();
    let cache = LruCache::builder_with(clock.clone()).ttl(10 * SECOND).tti(4 * SECOND).build();
    cache.insert(1, ());
    clock.advance(3 * SECOND);
    assert_eq!((cache.expires_in(&1), cache.expires_in(&2)), (Some(Some(SECOND)), None));
    cache.get(&1);
    clock.advance(3 * SECOND);
    cache.get(&1);
    clock.advance(3 * SECOND);
    cache.get(&1);
    assert_eq!(cache.expires_in(&1), Some(Some(SECOND)), "of the time to live");
    clock.advance(SECOND);
    assert_eq!((cache.expires_in(&1), cache.get_with_age(&1)), (None, None));
    assert_eq!((cache.info().hits, cache.info().misses), (3, 1));
}

#[test]
fn a_stale_entry_of_a_function_expires_when_it_is_no_longer_served() {
    let clock = ManualClock::new();
    let cache = LruCache::<u32, u32, _>::builder_with(clock.clone()).build();
    let handle =
        || cache.__handle_with(|expiry| expiry.ttl(10 * SECOND).swr(5 * SECOND).stale_if_error(60 * SECOND));
    handle().put(&1_u32, 7, Plain);
    assert_eq!(cache.expires_in(&1), Some(Some(15 * SECOND)));
    clock.advance(12 * SECOND);
    let options = FlightOptions::UNSHARED;
    assert!(matches!(handle().begin(&1_u32, Plain, options), CoalescedLookup::Stale(7, _)));
    assert_eq!(cache.expires_in(&1), Some(Some(3 * SECOND)));
    assert_eq!(cache.get_with_age(&1), Some((7, 12 * SECOND)));
    clock.advance(3 * SECOND);
    assert_eq!((cache.expires_in(&1), cache.get_with_age(&1)), (None, None));
}

#[test]
fn spans_are_in_the_unit_of_the_clock() {
    /// A clock that is set by hand.
    #[derive(Default)]
    struct Hand<T>(Rc<Cell<T>>);
    impl<T: Copy + crate::Timestamp> Clock for Hand<T> {
        type Time = T;
        fn now(&self) -> T {
            self.0.get()
        }
    }
    let hand = Rc::new(Cell::new(-2_i32));
    let cache = LruCache::builder_with(Hand(Rc::clone(&hand))).ttl(7_u64).build();
    cache.insert(1, ());
    hand.set(3);
    assert_eq!((cache.get_with_age(&1), cache.expires_in(&1)), (Some(((), 5)), Some(Some(2))));

    let hand = Rc::new(Cell::new(-0.5_f64));
    let cache = LruCache::builder_with(Hand(Rc::clone(&hand))).ttl(2.0).build();
    cache.insert(1, ());
    hand.set(1.0);
    assert_eq!((cache.get_with_age(&1), cache.expires_in(&1)), (Some(((), 1.5)), Some(Some(0.5))));
    hand.set(-3.0);
    assert_eq!((cache.get_with_age(&1), cache.expires_in(&1)), (Some(((), 0.0)), Some(Some(4.5))));

    let cache = LruCache::new(None);
    cache.insert(1, ());
    assert!(cache.get_with_age(&1).is_some_and(|((), age)| age < 60 * SECOND));
    assert_eq!(cache.expires_in(&1), Some(None));
}

#[test]
fn keys_and_values_are_those_of_live_entries_in_order() {
    let clock = ManualClock::new();
    let cache = LruCache::builder_with(clock.clone()).ttl(5 * SECOND).build();
    cache.insert(0, 'z');
    clock.advance(5 * SECOND);
    cache.insert(1, 'a');
    cache.insert(2, 'b');
    cache.get(&1);
    assert_eq!((cache.keys(), cache.values()), (vec![2, 1], vec!['b', 'a']));
    assert_eq!((cache.info().hits, cache.info().misses), (1, 0));
}

#[test]
fn a_panic_while_values_are_cloned_leaves_the_cache_whole() {
    thread_local! {
        static RAISES: Cell<bool> = const { Cell::new(false) };
    }
    struct Value;
    impl Clone for Value {
        fn clone(&self) -> Self {
            if RAISES.get() { resume_unwind(Box::new("raised")) } else { Self }
        }
    }
    let cache = LruCache::new(None);
    cache.insert(1, Value);
    cache.insert(2, Value);
    RAISES.set(true);
    assert!(catch_unwind(AssertUnwindSafe(|| cache.values())).is_err());
    RAISES.set(false);
    assert_eq!((cache.keys(), cache.values().len(), cache.engine().is_held()), (vec![1, 2], 2, false));
    cache.engine().validate();
}
