//! The protocol under all interleavings of two threads and all outcomes of their weakly ordered accesses, by `loom`.
//!
//! A stripe is exhausted after four hits here, so that the numbers of hits wrap.

mod front;

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, Ordering};

use super::mirror::{Mirror, Read};
use crate::key::KeyHash;
use crate::store::Removed;
use crate::store::bounded::Bounded;
use crate::store::change_log::Epoch;
use crate::store::entry::EntryOf;
use crate::store::policy::{Policy, StampedLru};
use crate::store::removal_cause::RemovalCause;
use crate::store::types::Types;
use crate::thread_orders::in_every_order as in_every_order_of;

type Entries = Bounded<Types<u64, (u64, u64), StampedLru, ()>>;

/// A bounded store behind a lock, and its mirror.
struct Cache {
    mirror: std::sync::Arc<Mirror>,
    state: Mutex<(Entries, u64)>,
    /// Set by a thread when it is done.
    is_done: AtomicBool,
}

fn hash(key: u64) -> KeyHash {
    // One chain for all keys: a lookup reads what another thread links.
    _ = key;
    KeyHash::ANY
}

impl Cache {
    /// Creates a cache of this capacity with these keys, the first one least recently used, and with stripes for two
    /// threads.
    fn with(maxsize: usize, keys: &[u64]) -> Self {
        let mut entries = Entries::new(Some(maxsize), StampedLru::NEW);
        for &key in keys {
            insert_into(&mut entries, key, 0);
            entries.publish(true);
        }
        let mirror = std::sync::Arc::clone(entries.publish(true).expect("there is an entry"));
        mirror.renew(0);
        mirror.renew(1);
        mirror.end(Epoch::of(0, 0));
        Self { mirror, state: Mutex::new((entries, 0)), is_done: AtomicBool::new(false) }
    }

    fn done(&self) {
        self.is_done.store(true, Ordering::Release);
    }

    fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    /// Runs an operation under the lock.
    fn locked<R>(&self, operation: impl FnOnce(&mut Entries, &mut u64) -> R) -> R {
        let mut state = self.state.lock().unwrap();
        let (entries, insertions) = &mut *state;
        let result = operation(entries, insertions);
        entries.publish(true);
        self.mirror.end(Epoch::of(0, *insertions));
        result
    }

    /// Looks a key up without the lock. The two halves of its value are equal.
    fn hit(&self, thread: usize, key: u64) -> Option<u64> {
        match self.read(thread, key) {
            Read::Hit((one, other)) => {
                assert_eq!(one, other, "a value is never a mixture");
                Some(one)
            }
            Read::Missing(_) | Read::Locked => None,
        }
    }

    fn read(&self, thread: usize, key: u64) -> Read<(u64, u64)> {
        let matches = |stored: &u64| *stored == key;
        self.mirror.read(thread, hash(key), matches, |(): ()| true, |value: &(u64, u64)| *value)
    }

    /// Looks a key up, under the lock if need be, as a call does. The key is there.
    fn call(&self, thread: usize, key: u64) -> u64 {
        self.hit(thread, key).unwrap_or_else(|| {
            self.locked(|entries, _| {
                let (place, entry) = entries.find(hash(key), |stored| *stored == key).expect("it is there");
                let value = entry.value.0;
                entries.touch(place);
                self.mirror.renew(thread);
                value
            })
        })
    }

    /// Inserts a key, and returns the evicted one.
    fn insert(&self, key: u64) -> Option<u64> {
        self.locked(|entries, insertions| {
            *insertions += 1;
            insert_into(entries, key, 0)
        })
    }

    fn replace(&self, key: u64, value: u64) {
        self.locked(|entries, _| {
            let (place, _) = entries.find(hash(key), |stored| *stored == key).expect("it is there");
            let entry = EntryOf { hash: hash(key), key, value: (value, value), meta: () };
            entries.replace(place, entry, &mut Removed::<Types<u64, (u64, u64), StampedLru, ()>>::none());
        });
    }

    fn remove(&self, key: u64) {
        self.locked(|entries, _| {
            if let Some((place, _)) = entries.find(hash(key), |stored| *stored == key) {
                _ = entries.remove(place);
            }
        });
    }

    /// Returns the keys from least to most recently used.
    fn order(&self) -> Vec<u64> {
        self.locked(|entries, _| {
            let places: Vec<_> = entries.places().collect();
            places.into_iter().map(|place| entries.get(place).key).collect()
        })
    }
}

fn insert_into(entries: &mut Entries, key: u64, value: u64) -> Option<u64> {
    let mut removed = Removed::<Types<u64, (u64, u64), StampedLru, ()>>::none();
    entries.insert(EntryOf { hash: hash(key), key, value: (value, value), meta: () }, &mut removed);
    removed.into_entries_of(RemovalCause::Evicted).next().map(|(key, _)| key)
}

/// Runs two threads on a cache of this capacity with these keys, in every order, and then checks what they returned.
fn in_every_order<A: 'static, B: 'static>(
    (maxsize, keys): (usize, &'static [u64]),
    one: fn(&Cache) -> A,
    other: fn(&Cache) -> B,
    check: fn(&Cache, A, B),
) {
    in_every_order_of(3, move || Cache::with(maxsize, keys), one, other, check);
}

#[test]
fn no_hit_returns_a_value_that_was_replaced_before_it_began() {
    in_every_order(
        (2, &[1, 2]),
        |cache| (cache.is_done(), cache.hit(0, 1)),
        |cache| {
            cache.replace(1, 7);
            cache.done();
        },
        |cache, (was_done, found), ()| {
            match found {
                Some(0) => assert!(!was_done, "the old value was replaced"),
                found => assert!(matches!(found, None | Some(7))),
            }
            // Nothing is under way: the reader finds the new value without the lock.
            assert_eq!(cache.hit(0, 1), Some(7));
        },
    );
}

#[test]
fn no_hit_finds_a_key_that_was_removed_before_it_began() {
    in_every_order(
        (3, &[1, 2, 3]),
        |cache| (cache.is_done(), cache.hit(0, 2)),
        |cache| {
            cache.remove(2);
            cache.done();
        },
        |cache, (was_done, found), ()| {
            assert!(found.is_none() || !was_done, "it was removed");
            assert_eq!((cache.hit(0, 1), cache.hit(0, 2), cache.hit(0, 3)), (Some(0), None, Some(0)));
        },
    );
}

#[test]
fn a_key_in_the_slot_of_another_is_never_read_with_the_others_value() {
    in_every_order(
        (1, &[1]),
        |cache| cache.hit(0, 3),
        |cache| {
            // The second insertion is into the slot of the first key.
            assert_eq!([cache.insert(2), cache.insert(3)], [Some(1), Some(2)]);
            cache.replace(3, 3);
        },
        |cache, found, ()| {
            assert!(matches!(found, None | Some(0 | 3)), "{found:?}");
            assert_eq!((cache.hit(0, 1), cache.hit(0, 3)), (None, Some(3)));
        },
    );
}

#[test]
fn a_hit_that_ended_before_an_insertion_keeps_its_entry() {
    in_every_order(
        (2, &[1, 2]),
        |cache| {
            if cache.hit(1, 1).is_some() {
                cache.done();
            }
        },
        |cache| (cache.is_done(), cache.insert(3)),
        |_, (), (was_done, evicted)| {
            assert!(evicted == Some(2) || !was_done, "{evicted:?}: the other one was just used");
        },
    );
}

#[test]
fn a_hit_while_the_order_is_settled_is_not_lost() {
    in_every_order(
        (3, &[1, 2, 3]),
        |cache| cache.hit(1, 1).is_some(),
        |cache| assert_eq!(cache.order().len(), 3),
        |cache, was_hit, ()| {
            assert_eq!(cache.insert(4), Some(if was_hit { 2 } else { 1 }));
            assert_eq!(cache.insert(5), Some(if was_hit { 3 } else { 2 }));
        },
    );
}

#[test]
fn a_late_hit_of_an_evicted_entry_does_not_promote_its_successor() {
    in_every_order(
        (2, &[1, 2]),
        |cache| _ = cache.hit(1, 1),
        |cache| {
            // The fourth key is in the slot of the first one.
            let evicted = [cache.insert(3), cache.insert(4)];
            cache.call(0, 3);
            evicted
        },
        |cache, (), evicted| {
            if evicted == [Some(1), Some(2)] {
                assert_eq!(cache.order(), [4, 3]);
                assert_eq!(cache.insert(5), Some(4));
            }
        },
    );
}

/// Checks the order of use after a thread has called these keys.
fn are_in_order(calls: fn(&Cache)) {
    in_every_order(
        (3, &[1, 2, 3]),
        calls,
        |cache| _ = cache.call(0, 3),
        |cache, (), ()| {
            let order = cache.order();
            let of = |key| order.iter().position(|&other| other == key);
            assert!(of(2) < of(1), "{order:?}");
        },
    );
}

#[test]
fn the_hits_of_a_thread_are_in_its_order_when_their_numbers_wrap() {
    // The fifth hit has the number of the first one.
    are_in_order(|cache| {
        for key in [1, 2, 2, 2, 1] {
            cache.call(1, key);
        }
    });
    // The fifth call takes the lock; the ninth hit has the number of the fifth one.
    are_in_order(|cache| {
        for key in [2, 2, 2, 2, 2, 2, 2, 2, 2, 1] {
            cache.call(1, key);
        }
    });
}

#[test]
fn a_hit_is_before_what_begins_after_a_later_locked_operation() {
    in_every_order(
        (2, &[1, 2]),
        |cache| {
            cache.call(1, 2);
            cache.locked(|_, _| ());
            cache.done();
        },
        |cache| {
            let was_done = cache.is_done();
            cache.call(0, 1);
            was_done
        },
        |cache, (), was_done| {
            let order = cache.order();
            assert!(!was_done || order == [2, 1], "{order:?}");
        },
    );
}

#[test]
fn a_key_is_missing_at_the_epoch_of_its_miss() {
    in_every_order(
        (2, &[1]),
        |cache| {
            let missed = match cache.read(0, 2) {
                Read::Missing(sequence) => cache.mirror.missed(0, sequence, true),
                Read::Hit(_) | Read::Locked => None,
            };
            cache.locked(|entries, insertions| {
                if missed == Some(Epoch::of(0, *insertions)) {
                    assert!(entries.find(hash(2), |stored| *stored == 2).is_none());
                }
            });
            missed.is_some()
        },
        |cache| _ = cache.insert(2),
        |cache, was_missed, ()| assert_eq!(cache.mirror.take_counts().1, u64::from(was_missed)),
    );
}
