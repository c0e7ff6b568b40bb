//! A cache that threads use without any order between them, and what must hold in every order.

use core::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::collections::HashSet;
use std::sync::Mutex;
use std::thread;

use super::naive::EntrySettings;
use super::script::{Quick, Timed};
use super::tested::{Locked, Tested, TestedEngine, TimedInfo, TimedLifecycle, Tracker};
use super::trial::{Pending, Subject, insert_pending, is_retained, lookup, refresh, resized, ticks};
use crate::engine::Lifecycle;
use crate::engine::lifecycle::NoLifecycle;
use crate::store::{CacheTypes, Policy};

/// Whether the counters may be set to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clears {
    Included,
    Skipped,
}

/// A value contains its key, and a unique number.
pub(super) type Value = (u8, u64);

/// A cache under test, whose operations are ordered by the cache itself only.
pub(super) struct Free<E = Locked<Value>, S = NoLifecycle> {
    cache: Tested<Value, E, S>,
    weight: fn(&Value) -> usize,
    clears: Clears,
    /// The numbers of removed values, if removals are reported.
    removed: Mutex<HashSet<u64>>,
    /// Lookups and refreshes that have begun.
    calls: AtomicU64,
    values: AtomicU64,
}

impl<E: TestedEngine<Value, Types: CacheTypes<Meta = ()>>> Free<E> {
    pub(super) fn new(maxsize: Option<usize>, clears: Clears) -> Self {
        Self::by(maxsize, clears, EntrySettings::PLAIN, NoLifecycle)
    }
}

impl<P: Policy> Free<Locked<Value, P, TimedInfo>, TimedLifecycle<Value>> {
    /// Creates a cache whose entries have this lifecycle.
    pub(super) fn timed(maxsize: Option<usize>, clears: Clears, settings: EntrySettings<Value>) -> Self {
        Self::by(maxsize, clears, settings, TimedLifecycle::new(settings))
    }
}

impl<E: TestedEngine<Value>, S: Lifecycle<E::Types> + Tracker<Value>> Free<E, S> {
    fn by(maxsize: Option<usize>, clears: Clears, settings: EntrySettings<Value>, lifecycle: S) -> Self {
        Self {
            cache: Tested::new(maxsize, lifecycle, settings.is_error),
            weight: settings.weight,
            clears,
            removed: Mutex::new(HashSet::new()),
            calls: AtomicU64::new(0),
            values: AtomicU64::new(0),
        }
    }

    /// Records that a lookup begins, before the cache can have counted it.
    fn called(&self) {
        self.calls.fetch_add(1, SeqCst);
    }

    fn new_value(&self, key: u8) -> Value {
        (key, self.values.fetch_add(1, SeqCst))
    }

    /// Checks what holds at every moment.
    fn check_info(&self) {
        let mut removed = self.removed.lock().expect("no thread panics while it holds the lock");
        for (key, value, _) in self.cache.lifecycle.take_notified().unwrap_or_default() {
            check(Some(value), key);
            assert!(removed.insert(value.1), "{value:?} is removed once");
        }
        drop(removed);
        // Reading the info removes expired entries: the test would never encounter one.
        if S::IS_TIMED {
            return;
        }
        let info = self.cache.info();
        assert!(info.maxsize.is_none_or(|maxsize| info.currsize <= maxsize), "{info}");
        assert!(info.hits + info.misses <= self.calls.load(SeqCst), "{info}");
    }

    fn check_entries(&self) {
        let entries = self.cache.entries();
        let mut keys: Vec<_> = entries.iter().map(|&(key, (of, _))| (key, of)).collect();
        assert!(keys.iter().all(|(key, of)| key == of), "each value is its key's");
        let weight = entries.iter().map(|(_, value)| (self.weight)(value)).sum::<usize>();
        assert!(self.cache.info().maxsize.is_none_or(|maxsize| weight <= maxsize));
        let len = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), len, "each key is there once");
    }

    /// Checks what holds when all threads have ended.
    ///
    /// # Panics
    ///
    /// If it does not hold.
    pub(super) fn finish(&self) {
        self.check_entries();
        let info = self.cache.info();
        if self.clears == Clears::Skipped {
            assert_eq!(info.hits + info.misses, self.calls.load(SeqCst), "{info}");
        }
        let weights = self.cache.entries().into_iter().map(|(_, value)| (self.weight)(&value));
        assert_eq!(weights.sum::<usize>(), info.currsize);
        self.check_info();
        let removed = self.removed.lock().expect("no thread panics while it holds the lock");
        let entries = self.cache.entries();
        assert!(entries.iter().all(|(_, (_, number))| !removed.contains(number)), "removed entries are gone");
        self.cache.validate();
    }
}

/// Checks that the value found for `key` belongs to it.
fn check(found: Option<Value>, key: u8) {
    assert!(found.is_none_or(|(of, _)| of == key), "{found:?} under {key}");
}

impl<E: TestedEngine<Value>, S: Lifecycle<E::Types> + Tracker<Value>> Subject for Free<E, S> {
    type Computation = Pending;

    fn call(&self, key: u8) -> Option<Pending> {
        self.called();
        let pending = match lookup(&self.cache, key) {
            Ok(found) => {
                check(Some(found), key);
                None
            }
            Err(pending) => pending,
        };
        self.check_info();
        pending
    }

    fn refresh(&self, key: u8) -> Option<Pending> {
        self.called();
        refresh(&self.cache, key)
    }

    fn end(&self, pending: Pending) {
        let key = pending.key;
        check(insert_pending(&self.cache, pending, self.new_value(key)), key);
        self.check_info();
    }

    fn quick(&self, operation: Quick, key: u8) {
        let cache = &self.cache;
        match operation {
            Quick::GetOrInsert => {
                self.called();
                let compute = || {
                    thread::yield_now();
                    self.new_value(key)
                };
                check(Some(cache.get_or_insert_with(key, compute)), key);
            }
            Quick::Get => {
                self.called();
                check(cache.get(key), key);
            }
            Quick::Put => check(cache.insert(key, self.new_value(key)), key),
            Quick::Remove => check(cache.remove(key), key),
            Quick::Invalidate => _ = cache.invalidate(key),
            Quick::Contains => _ = cache.contains(key),
            Quick::Peek | Quick::PeekWith => check(cache.peek(key), key),
            Quick::Entries => self.check_entries(),
            Quick::Clear if self.clears == Clears::Included => cache.clear(),
            Quick::Clear => {}
        }
        self.check_info();
    }

    fn timed(&self, operation: Timed, byte: u8) {
        let cache = &self.cache;
        match operation {
            Timed::Tick => cache.lifecycle.advance(ticks(byte)),
            Timed::Info => assert!(cache.info().maxsize.is_none_or(|max| cache.info().currsize <= max)),
            Timed::Len => assert!(cache.len() <= cache.entries().len()),
            Timed::Expire => cache.expire().into_iter().for_each(|(key, value)| check(Some(value), key)),
            Timed::PopVictim => {
                let there = cache.len();
                let victim = cache.pop_victim();
                assert_eq!((victim.is_some(), cache.len()), (there > 0, there.saturating_sub(1)));
                check(victim.map(|(_, value)| value), victim.map_or(0, |(key, _)| key));
            }
            Timed::Retain => {
                cache.retain(|key| is_retained(key, byte));
                assert!(cache.entries().iter().all(|(key, _)| is_retained(*key, byte)));
            }
            Timed::Resize => {
                cache.resize(resized(byte));
                assert_eq!(cache.info().maxsize, resized(byte));
                self.check_entries();
                cache.validate();
            }
        }
        self.check_info();
    }
}
