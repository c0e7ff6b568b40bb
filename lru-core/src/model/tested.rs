//! The engine as a map with small keys, with the operations that its callers use.

use core::fmt;
use core::time::Duration;
use std::sync::Mutex;

use super::naive::EntrySettings;
use crate::engine::insert::Comparison;
use crate::engine::lifecycle::NoLifecycle;
use crate::engine::notify::notify;
use crate::engine::placement::lock_free::LockFree;
use crate::engine::{Engine, Expiry, Hooks, InsertKind, Lifecycle, Placement};
use crate::expiry::clock::ManualClock;
use crate::expiry::entry_deadlines::EntryInfo;
use crate::expiry::{Clock, EntryOptions, ExpirySettings, Freshness, Ticks, Timestamp};
use crate::key::KeyHash;
use crate::observe::CacheInfo;
use crate::store::lock_free::words::Words;
use crate::store::types::Types;
use crate::store::{CacheTypes, EntryMeta, EntryOf, Epoch, Lru, MaxSize, Policy, RemovalCause};

/// An engine with one lock.
pub(super) type Locked<V, P = Lru, T = ()> = Engine<Types<u8, V, P, T>>;

/// An engine under test, by its placement.
pub(super) trait TestedEngine<V>: Placement<Types: CacheTypes<Key = u8, Value = V>> {
    fn new(maxsize: MaxSize) -> Self;
}

impl<V, P: Policy, T: EntryMeta> TestedEngine<V> for Locked<V, P, T> {
    fn new(maxsize: MaxSize) -> Self {
        Engine::new(maxsize)
    }
}

impl<V: Words> TestedEngine<V> for LockFree<Types<u8, V, Lru, ()>> {
    fn new(maxsize: MaxSize) -> Self {
        Self::new(maxsize)
    }
}

/// An engine and its lifecycle.
pub(super) struct Tested<V, E = Locked<V>, S = NoLifecycle> {
    engine: E,
    pub(super) lifecycle: S,
    is_error: fn(&V) -> bool,
}

/// Compares keys, and recognizes errors by a function.
struct KnownErrors<V>(fn(&V) -> bool);

impl<V, C: CacheTypes<Key = u8, Value = V>> Comparison<C> for KnownErrors<V> {
    fn is_same(&self, stored: &u8, key: &u8) -> bool {
        stored == key
    }

    fn is_error(&self, value: &V) -> bool {
        (self.0)(value)
    }
}

/// Removed entries, each with its cause.
pub(super) type Removals<V> = Vec<(u8, V, RemovalCause)>;

/// A lifecycle that a test can observe.
pub(super) trait Tracker<V> {
    /// Whether expired entries may remain until an entry is stored or entries are counted.
    const IS_TIMED: bool;

    /// Returns the entries reported to the listener since the last call; `None` if there is no listener.
    fn take_notified(&self) -> Option<Removals<V>>;

    /// Advances the clock.
    fn advance(&self, span: Duration);
}

impl<V> Tracker<V> for NoLifecycle {
    const IS_TIMED: bool = false;

    fn take_notified(&self) -> Option<Removals<V>> {
        None
    }

    fn advance(&self, _: Duration) {}
}

/// A lifecycle with these settings and a manually advanced clock.
pub(super) struct TimedLifecycle<V> {
    settings: EntrySettings<V>,
    clock: ManualClock,
    expiry: ExpirySettings<Duration>,
    removed: Mutex<Removals<V>>,
}

/// The metadata of its entries.
pub(super) type TimedInfo = EntryInfo;

impl<V> TimedLifecycle<V> {
    pub(super) fn new(settings: EntrySettings<V>) -> Self {
        let expiry = ExpirySettings::NONE.min_weight(0);
        let expiry = settings.idle.map_or(expiry, |idle| expiry.tti(idle));
        Self { settings, clock: ManualClock::new(), expiry, removed: Mutex::new(Vec::new()) }
    }
}

impl<V> Expiry<TimedInfo> for TimedLifecycle<V> {
    fn now(&self) -> Ticks {
        self.clock.now().now()
    }

    fn check(&self, info: &TimedInfo, now: Ticks) -> Freshness {
        info.freshness(now)
    }

    fn touch(&self, info: &TimedInfo, now: Ticks) {
        self.expiry.touch(info, now);
    }
}

impl<V: Clone> Hooks<u8, V> for TimedLifecycle<V> {
    fn listens(&self) -> bool {
        true
    }

    fn notify(&self, key: &u8, value: &V, cause: RemovalCause) {
        self.removed.lock().expect("no thread panics while it holds the lock").push((
            *key,
            value.clone(),
            cause,
        ));
    }
}

impl<V: Clone, C: CacheTypes<Key = u8, Value = V, Meta = TimedInfo>> Lifecycle<C> for TimedLifecycle<V> {
    type Hooks = Self;

    fn hooks(&self) -> &Self {
        self
    }

    fn meta(&self, _: &u8, value: &V, options: EntryOptions) -> TimedInfo {
        let now = self.clock.now();
        let until = (self.settings.life)(value).map(|life| Duration::later(now.now(), life));
        self.expiry.info(now.now(), EntryOptions { weight: (self.settings.weight)(value), until, ..options })
    }
}

impl<V> Tracker<V> for TimedLifecycle<V> {
    const IS_TIMED: bool = true;

    fn take_notified(&self) -> Option<Removals<V>> {
        Some(core::mem::take(&mut *self.removed.lock().expect("no thread panics while it holds the lock")))
    }

    fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }
}

impl<V> fmt::Debug for TimedLifecycle<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planned").finish_non_exhaustive()
    }
}

impl<V: Clone, E: TestedEngine<V>, S: Lifecycle<E::Types>> Tested<V, E, S> {
    pub(super) fn new(maxsize: Option<usize>, lifecycle: S, is_error: fn(&V) -> bool) -> Self {
        Self { engine: E::new(MaxSize::from_option(maxsize)), lifecycle, is_error }
    }

    /// Looks up the result of a call: a hit, or the epoch of its computation, if the cache stores anything.
    pub(super) fn lookup(&self, key: u8) -> Result<V, Option<Epoch>> {
        if self.engine.first(Engine::is_disabled) {
            self.engine.first(Engine::count_uncached_miss);
            return Err(None);
        }
        let looked =
            self.engine.lookup(KeyHash::of(&key), |stored| *stored == key, V::clone, &self.lifecycle);
        looked.map_err(Some)
    }

    pub(super) fn refresh(&self, key: u8) -> Option<Epoch> {
        if self.engine.first(Engine::is_disabled) {
            self.engine.first(Engine::count_uncached_miss);
            return None;
        }
        Some(self.engine.first(|engine| engine.begin_refresh(KeyHash::of(&key))))
    }

    pub(super) fn insert_as(&self, key: u8, value: V, kind: InsertKind) -> Option<V> {
        let meta = self.lifecycle.meta(&key, &value, EntryOptions::NONE);
        let entry = EntryOf { hash: KeyHash::of(&key), key, value, meta };
        let compare = KnownErrors(self.is_error);
        let removed = notify(
            self.engine.first(|engine| engine.insert(entry, kind, compare, &self.lifecycle)),
            &self.lifecycle,
        );
        removed.into_entries_of(RemovalCause::Replaced).next().map(|(_, value)| value)
    }

    pub(super) fn get(&self, key: u8) -> Option<V> {
        self.lookup(key).ok()
    }

    pub(super) fn get_or_insert_with(&self, key: u8, compute: impl FnOnce() -> V) -> V {
        self.lookup(key).unwrap_or_else(|began| {
            let value = compute();
            if let Some(began) = began {
                self.insert_as(key, value.clone(), InsertKind::Computed(began));
            }
            value
        })
    }

    pub(super) fn insert(&self, key: u8, value: V) -> Option<V> {
        self.insert_as(key, value, InsertKind::Inserted)
    }

    pub(super) fn remove(&self, key: u8) -> Option<V> {
        let matches = |stored: &u8| *stored == key;
        self.engine.first(|engine| {
            engine.take_with(KeyHash::of(&key), matches, |value| value, V::clone, &self.lifecycle)
        })
    }

    pub(super) fn invalidate(&self, key: u8) -> bool {
        self.engine
            .first(|engine| engine.invalidate(KeyHash::of(&key), |stored| *stored == key, &self.lifecycle))
    }

    pub(super) fn contains(&self, key: u8) -> bool {
        self.engine
            .first(|engine| {
                engine.peek_with(KeyHash::of(&key), |stored| *stored == key, |_| (), &self.lifecycle)
            })
            .is_some()
    }

    pub(super) fn peek(&self, key: u8) -> Option<V> {
        self.engine.first(|engine| {
            engine.peek_with(KeyHash::of(&key), |stored| *stored == key, V::clone, &self.lifecycle)
        })
    }

    pub(super) fn clear(&self) {
        self.engine.first(|engine| engine.clear(&self.lifecycle));
    }

    pub(super) fn info(&self) -> CacheInfo {
        self.engine.first(|engine| engine.info(&self.lifecycle))
    }

    pub(super) fn entries(&self) -> Vec<(u8, V)> {
        self.engine.first(|engine| engine.snapshot(&self.lifecycle))
    }

    pub(super) fn validate(&self) {
        self.engine.first(Engine::validate);
    }
}

/// Operations for caches with a lifecycle only.
impl<V: Clone, E: TestedEngine<V>, S: Lifecycle<E::Types>> Tested<V, E, S> {
    pub(super) fn len(&self) -> usize {
        self.engine.first(|engine| engine.len(&self.lifecycle))
    }

    pub(super) fn expire(&self) -> Vec<(u8, V)> {
        self.engine.first(|engine| engine.take_expired(&self.lifecycle))
    }

    pub(super) fn pop_victim(&self) -> Option<(u8, V)> {
        self.engine.first(|engine| engine.pop_victim(&self.lifecycle))
    }

    pub(super) fn resize(&self, maxsize: Option<usize>) {
        self.engine.first(|engine| engine.resize(|| maxsize, &self.lifecycle));
    }

    pub(super) fn retain(&self, predicate: impl Fn(u8) -> bool) {
        self.engine.first(|engine| engine.retain(|key, _| predicate(*key), &self.lifecycle));
    }
}
