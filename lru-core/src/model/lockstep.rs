//! A cache and its model, which run the same operations and must report the same.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::Mutex;

use super::is_error;
use super::naive::{EntrySettings, Id, Model, Order, Reason};
use super::script::{Quick, Timed};
use super::tested::{Locked, Tested, TestedEngine, TimedInfo, TimedLifecycle, Tracker};
use super::trial::{Pending, Subject, insert_pending, is_retained, lookup, refresh, resized, ticks};
use crate::engine::Lifecycle;
use crate::engine::lifecycle::NoLifecycle;
use crate::store::{CacheTypes, EntryMeta, Policy};

/// The cache and its model, for any number of threads.
///
/// Invariant: a thread that operates on the cache holds the model's lock, and applies the operation to the
/// model before it releases the lock. No thread holds it during a computation.
pub(super) struct Lockstep<E = Locked<u32>, S = NoLifecycle> {
    cache: Tested<u32, E, S>,
    model: Mutex<Model>,
    /// The number of values so far: each value is unique.
    values: AtomicU32,
}

impl<E: TestedEngine<u32, Types: CacheTypes<Meta = ()>>> Lockstep<E> {
    pub(super) fn new(maxsize: Option<usize>) -> Self {
        let settings = EntrySettings { is_error: |value| is_error(*value), ..EntrySettings::PLAIN };
        Self::by(maxsize, Order::Lru, settings, NoLifecycle)
    }
}

impl<P: Policy> Lockstep<Locked<u32, P, TimedInfo>, TimedLifecycle<u32>> {
    /// Creates a cache with a policy that evicts in this order.
    pub(super) fn timed(maxsize: Option<usize>, order: Order, settings: EntrySettings<u32>) -> Self {
        Self::by(maxsize, order, settings, TimedLifecycle::new(settings))
    }
}

impl<E: TestedEngine<u32>, S: Lifecycle<E::Types> + Tracker<u32>> Lockstep<E, S> {
    fn by(maxsize: Option<usize>, order: Order, settings: EntrySettings<u32>, lifecycle: S) -> Self {
        let model = Mutex::new(Model::new(maxsize, order, settings));
        Self { cache: Tested::new(maxsize, lifecycle, settings.is_error), model, values: AtomicU32::new(0) }
    }

    /// Applies an operation to the cache and the model, and compares what they report.
    fn both<R>(&self, operation: impl FnOnce(&Tested<u32, E, S>, &mut Model) -> R) -> R {
        let mut model = self.model.lock().expect("no thread panics while it holds the lock");
        let result = operation(&self.cache, &mut model);
        // Reading the info removes expired entries: the test would never encounter one.
        if !S::IS_TIMED {
            assert_eq!(self.cache.info(), model.info());
        }
        let mut expected = model.removed();
        let mut reported = self.cache.lifecycle.take_notified().unwrap_or_else(|| expected.clone());
        // An insert removes some of very many expired entries after others have been evicted.
        if S::IS_TIMED && expected.len() > 64 {
            expected.sort_unstable_by_key(|&(key, value, _)| (key, value));
            reported.sort_unstable_by_key(|&(key, value, _)| (key, value));
        }
        assert_eq!(reported, expected);
        result
    }

    fn new_value(&self) -> u32 {
        self.values.fetch_add(1, Relaxed)
    }

    /// Compares the two once more, after everything has ended.
    ///
    /// # Panics
    ///
    /// If the two differ, or if the cache is inconsistent.
    pub(super) fn finish(&self) {
        self.quick(Quick::Entries, 0);
        self.both(|cache, model| {
            assert!(model.is_idle(), "all computations have ended");
            assert_eq!(cache.info(), model.info());
            cache.validate();
        });
    }
}

impl<E: TestedEngine<u32>, S: Lifecycle<E::Types> + Tracker<u32>> Subject for Lockstep<E, S> {
    type Computation = (Id, Pending);

    fn call(&self, key: u8) -> Option<Self::Computation> {
        self.both(|cache, model| {
            let looked = lookup(cache, key);
            assert_eq!(looked.as_ref().ok().copied(), model.lookup(key));
            let pending = looked.err()??;
            Some((model.begin(key, Reason::Call), pending))
        })
    }

    fn refresh(&self, key: u8) -> Option<Self::Computation> {
        self.both(|cache, model| {
            let Some(pending) = refresh(cache, key) else {
                assert_eq!(model.lookup(key), None);
                return None;
            };
            Some((model.begin(key, Reason::Refresh), pending))
        })
    }

    fn end(&self, (id, pending): Self::Computation) {
        let value = self.new_value();
        self.both(|cache, model| {
            assert_eq!(insert_pending(cache, pending, value), model.end(id, value));
            sweep(cache, model);
        });
    }

    fn quick(&self, operation: Quick, key: u8) {
        let value = self.new_value();
        self.both(|cache, model| match operation {
            Quick::GetOrInsert => {
                assert_eq!(cache.get_or_insert_with(key, || value), get_or_insert(model, key, value));
                sweep(cache, model);
            }
            Quick::Get => assert_eq!(cache.get(key), model.lookup(key)),
            Quick::Put => {
                assert_eq!(cache.insert(key, value), model.put(key, value));
                sweep(cache, model);
            }
            Quick::Remove => assert_eq!(cache.remove(key), model.remove(key)),
            Quick::Invalidate => {
                assert_eq!(cache.invalidate(key), model.remove(key).is_some());
            }
            Quick::Contains => assert_eq!(cache.contains(key), model.peek(key).is_some()),
            Quick::Peek | Quick::PeekWith => {
                let found = cache.peek(key);
                assert_eq!(found, model.peek(key));
            }
            Quick::Entries => compare_entries(cache, model),
            Quick::Clear => {
                cache.clear();
                model.clear();
            }
        });
    }

    fn timed(&self, operation: Timed, byte: u8) {
        self.both(|cache, model| match operation {
            Timed::Tick => {
                cache.lifecycle.advance(ticks(byte));
                model.advance(ticks(byte));
            }
            Timed::Info => assert_eq!(cache.info(), model.info()),
            Timed::Len => assert_eq!(cache.len(), model.len()),
            Timed::Expire => assert_eq!(cache.expire(), model.expire()),
            Timed::PopVictim => assert_eq!(cache.pop_victim(), model.pop_victim()),
            Timed::Retain => {
                cache.retain(|key| is_retained(key, byte));
                model.retain(|key| is_retained(key, byte));
            }
            Timed::Resize => {
                cache.resize(resized(byte));
                model.resize(resized(byte));
                cache.validate();
            }
        });
    }
}

/// Removes the expired entries that an insert has left, because there were very many.
fn sweep<E: TestedEngine<u32>, S: Lifecycle<E::Types> + Tracker<u32>>(
    cache: &Tested<u32, E, S>,
    model: &mut Model,
) {
    if S::IS_TIMED {
        assert_eq!(cache.len(), model.len());
    }
}

fn get_or_insert(model: &mut Model, key: u8, value: u32) -> u32 {
    model.lookup(key).unwrap_or_else(|| {
        let id = model.begin(key, Reason::Call);
        model.end(id, value);
        value
    })
}

fn compare_entries<E: TestedEngine<u32>, S: Lifecycle<E::Types>>(cache: &Tested<u32, E, S>, model: &Model) {
    let mut entries: Vec<_> = cache.entries();
    let mut expected = model.entries();
    // An unbounded cache without deadlines and weights keeps no order.
    if <E::Types as CacheTypes>::Meta::MAY_BE_UNORDERED && cache.info().maxsize.is_none() {
        entries.sort_unstable();
        expected.sort_unstable();
    }
    assert_eq!(entries, expected);
}
