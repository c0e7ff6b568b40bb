use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

use super::*;
use crate::engine::lifecycle::NoLifecycle;
use crate::function::call::CacheHandle;
use crate::function::result_policy::Plain;
use crate::function::tagged::tested;
use crate::store::Lru;
use crate::store::lock_free::thread_number::NUMBERS;
use crate::store::types::Types;
use crate::tags::current::DomainHandle;

type Tested = Fronted<Types<(u64,), u64, Lru, ()>>;

/// More hits than there are before a front is made.
const MANY: u64 = 1000;

impl Tested {
    fn handle(&self) -> CacheHandle<&Self, NoLifecycle> {
        CacheHandle::new(self, true, NoLifecycle)
    }

    fn call(&self, n: u64, compute: impl FnOnce() -> u64) -> u64 {
        match self.handle().lookup((&n,), Plain) {
            Ok(found) => found,
            Err(miss) => miss.insert(compute()),
        }
    }

    /// Returns the value that is there.
    fn hit(&self, n: u64) -> u64 {
        self.call(n, || panic!("{n} is there"))
    }

    fn counted(&self) -> (u64, u64, usize) {
        let info = self.handle().info();
        (info.hits, info.misses, info.currsize)
    }

    /// Returns the value of a copy.
    fn copy(&self, n: u64) -> Option<u64> {
        let hash = KeyHash::of_part(&(&n,));
        let front = self.front.get()?;
        front.read(thread_number(), hash, |key: &(u64,)| key.0 == n, |(): ()| true, |value: &u64| *value)
    }
}

/// Returns a cache of ten times 1, 2 and 3 with a front that has them all, and the number of hits so far.
fn fronted() -> (Tested, u64) {
    let cache = Tested::new();
    (1..=3).for_each(|n| cache.handle().put((&n,), 10 * n, Plain));
    (0..MANY).for_each(|n| assert_eq!(cache.hit(n % 3 + 1), (n % 3 + 1) * 10));
    assert_eq!((cache.copy(1), cache.copy(2), cache.copy(3)), (Some(10), Some(20), Some(30)));
    (cache, MANY + 3)
}

#[test]
fn a_few_hits_make_no_front() {
    let cache = Tested::new();
    cache.call(1, || 10);
    (0..200).for_each(|_| assert_eq!(cache.hit(1), 10));
    assert!(cache.front.get().is_none());
    assert_eq!(cache.counted(), (200, 1, 1));
}

#[test]
fn hits_of_the_front_are_counted() {
    let _some = NUMBERS.read();
    let (cache, hits) = fronted();
    assert_eq!(cache.counted(), (hits, 0, 3));
    (0..100).for_each(|_| assert_eq!(cache.hit(2), 20));
    assert_eq!(cache.counted(), (hits + 100, 0, 3));
    cache.handle().clear();
    assert_eq!(cache.counted(), (0, 0, 0));
    assert_eq!((cache.call(2, || 7), cache.hit(2), cache.hit(2)), (7, 7, 7));
    assert_eq!(cache.counted(), (2, 1, 1));
}

#[test]
fn what_is_replaced_or_removed_is_not_served() {
    let _some = NUMBERS.read();
    let (cache, _) = fronted();
    cache.handle().put((&1_u64,), 11, Plain);
    assert_eq!(cache.copy(1), None);
    assert_eq!((cache.hit(1), cache.hit(1), cache.copy(1)), (11, 11, Some(11)));
    assert!(cache.handle().invalidate((&1_u64,)));
    assert_eq!(cache.call(1, || 12), 12);
    assert_eq!((cache.hit(1), cache.copy(1), cache.hit(2)), (12, Some(12), 20));
    cache.handle().retain(|key, _| key.0 != 2);
    assert_eq!((cache.call(2, || 21), cache.hit(2), cache.hit(3)), (21, 21, 30));
    cache.handle().clear();
    assert_eq!((cache.copy(3), cache.call(3, || 31), cache.hit(3)), (None, 31, 31));
}

#[test]
fn the_last_of_two_computations_stays() {
    let _some = NUMBERS.read();
    let (cache, _) = fronted();
    let value = cache.call(4, || {
        assert_eq!(cache.call(4, || 40), 40);
        assert_eq!((cache.hit(4), cache.copy(4)), (40, Some(40)));
        41
    });
    assert_eq!((value, cache.hit(4), cache.hit(4)), (41, 41, 41));
}

#[test]
fn entries_beyond_the_copies_are_served_all_the_same() {
    let _some = NUMBERS.read();
    let cache = Tested::new();
    let all = 10 * COPIES as u64;
    for round in 0..MANY {
        for n in 0..all {
            assert_eq!(cache.call(n, || n + 1), n + 1);
        }
        if round == 10 {
            assert!(cache.handle().invalidate((&5_u64,)));
            assert_eq!(cache.call(5, || 6), 6);
        }
    }
    assert!(cache.front.get().is_some_and(|front| !front.takes::<()>()));
    assert_eq!(cache.counted(), (MANY * all - all, all + 1, usize::try_from(all).unwrap()));
}

#[test]
fn a_thread_that_comes_when_the_front_is_full_reads_it_too() {
    let _some = NUMBERS.read();
    let cache = Tested::new();
    for n in 0..MANY {
        cache.call(n % 20, || n);
    }
    let copied = (0..20).filter(|&n| cache.copy(n).is_some()).count();
    assert_eq!(copied, COPIES);
    let count = || (0..20).filter(|&n| (cache.hit(n), cache.copy(n).is_some()).1).count();
    let counted = thread::scope(|scope| scope.spawn(|| [count(), count()]).join().unwrap());
    assert_eq!(counted[1], COPIES);
}

#[test]
fn no_call_is_served_a_value_that_was_replaced_before_it_began() {
    let cache = Arc::new(Tested::new());
    let (latest, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    cache.handle().put((&1_u64,), 0, Plain);
    let barrier = Arc::new(Barrier::new(4));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (cache, latest, ended) = (Arc::clone(&cache), Arc::clone(&latest), Arc::clone(&ended));
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                barrier.wait();
                let mut calls = 0_u64;
                while !ended.load(SeqCst) {
                    let at_least = latest.load(SeqCst);
                    let found = cache.hit(1);
                    assert!(found >= at_least, "{found} was replaced by {at_least}");
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    barrier.wait();
    for value in 1..20_000 {
        cache.handle().put((&1_u64,), value, Plain);
        latest.store(value, SeqCst);
    }
    ended.store(true, SeqCst);
    let calls: u64 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
    assert_eq!(cache.counted(), (calls, 0, 1));
}

#[test]
fn threads_beyond_those_with_a_number_are_served() {
    let _all = NUMBERS.write();
    let cache = Arc::new(fronted().0);
    let (hits, misses, _) = cache.counted();
    let barrier = Arc::new(Barrier::new(100));
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let (cache, barrier) = (Arc::clone(&cache), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                (0..300).for_each(|n| assert_eq!(cache.hit(n % 3 + 1), (n % 3 + 1) * 10));
                // All live at the same time.
                barrier.wait();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(cache.counted(), (hits + 30_000, misses, 3));
}

#[test]
fn entries_with_tags_are_read_without_the_lock_until_something_is_invalidated() {
    let _some = NUMBERS.read();
    let domain = DomainHandle::isolated();
    let _entered = domain.enter();
    let cache = Fronted::<Types<(u64,), u64, Lru, tested::Info>>::new();
    let call = |n, value| tested::call(&cache, n, value);
    let read = |n| cache.read(tested::hash_of(n), |key| key.0 == n, |value| *value, &tested::begin());
    tested::is_read_until_invalidated(&domain, (MANY, 1), call, read);
}

#[test]
fn copies_of_entries_with_tags_are_renewed_when_there_is_no_room_for_others() {
    let _some = NUMBERS.read();
    let domain = DomainHandle::isolated();
    let _entered = domain.enter();
    let cache = Fronted::<Types<(u64,), u64, Lru, tested::Info>>::new();
    let many = COPIES as u64 + 10;
    (0..MANY).for_each(|n| _ = tested::call(&cache, n % many, n));
    let read = |n| cache.read(tested::hash_of(n), |key| key.0 == n, |value| *value, &tested::begin());
    let copies = || (0..many).filter(|n| read(*n).is_some()).count();
    assert_eq!(copies(), COPIES);
    domain.invalidate(&[tested::tag_of(many)]);
    assert_eq!(copies(), 0);
    (0..many).for_each(|n| assert_eq!(tested::call(&cache, n, 0), n));
    assert_eq!(copies(), COPIES);
}
