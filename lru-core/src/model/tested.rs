//! The engine as a map with small keys, with the operations that its callers use.

use core::fmt;
use core::time::Duration;
use std::sync::Mutex;

use super::naive::Terms;
use crate::engine::Engine;
use crate::engine::insert_kind::InsertKind;
use crate::engine::lifecycle::{Expiry, Hooks, Lifecycle, NoLifecycle};
use crate::engine::notify::told;
use crate::expiry::clock::{Clock, ManualClock};
use crate::expiry::entry_info::{EntryInfo, Freshness};
use crate::expiry::settings::{EntryOptions, ExpirySettings};
use crate::expiry::ticks::{Ticks, Timestamp};
use crate::key::KeyHash;
use crate::observe::info::CacheInfo;
use crate::store::change_log::Epoch;
use crate::store::entry::EntryOf;
use crate::store::entry_meta::EntryMeta;
use crate::store::maxsize::MaxSize;
use crate::store::policy::{Lru, Policy};
use crate::store::removal_cause::RemovalCause;
use crate::store::types::{CacheTypes, Types};

/// An engine and its lifecycle.
pub(super) struct Tested<V, P: Policy = Lru, T: EntryMeta = (), S = NoLifecycle> {
    engine: Engine<Types<u8, V, P, T>>,
    pub(super) plan: S,
}

/// Removed entries, each with its cause.
pub(super) type Left<V> = Vec<(u8, V, RemovalCause)>;

/// A lifecycle that a test can observe.
pub(super) trait Tracker<V> {
    /// Whether expired entries may remain until an entry is stored or entries are counted.
    const IS_TIMED: bool;

    /// Returns the entries reported to the listener since the last call; `None` if there is no listener.
    fn told(&self) -> Option<Left<V>>;

    /// Advances the clock.
    fn advance(&self, span: Duration);
}

impl<V> Tracker<V> for NoLifecycle {
    const IS_TIMED: bool = false;

    fn told(&self) -> Option<Left<V>> {
        None
    }

    fn advance(&self, _: Duration) {}
}

/// A lifecycle with these settings and a manually advanced clock.
pub(super) struct Planned<V> {
    terms: Terms<V>,
    clock: ManualClock,
    expiry: ExpirySettings<Duration>,
    left: Mutex<Left<V>>,
}

/// The metadata of its entries.
pub(super) type PlannedInfo = EntryInfo;

impl<V> Planned<V> {
    pub(super) fn new(terms: Terms<V>) -> Self {
        let expiry = terms.idle.map_or(ExpirySettings::NONE, |idle| ExpirySettings::NONE.tti(idle));
        Self { terms, clock: ManualClock::new(), expiry, left: Mutex::new(Vec::new()) }
    }
}

impl<V> Expiry<PlannedInfo> for Planned<V> {
    fn now(&self) -> Ticks {
        self.clock.now().now()
    }

    fn check(&self, info: &PlannedInfo, now: Ticks) -> Freshness {
        info.freshness(now)
    }

    fn touch(&self, info: &PlannedInfo, now: Ticks) {
        self.expiry.touch(info, now);
    }
}

impl<V: Clone> Hooks<u8, V> for Planned<V> {
    fn listens(&self) -> bool {
        true
    }

    fn notify(&self, key: &u8, value: &V, cause: RemovalCause) {
        self.left.lock().expect("no thread panics while it holds the lock").push((
            *key,
            value.clone(),
            cause,
        ));
    }
}

impl<V: Clone, C: CacheTypes<Key = u8, Value = V, Meta = PlannedInfo>> Lifecycle<C> for Planned<V> {
    type Hooks = Self;

    fn hooks(&self) -> &Self {
        self
    }

    fn meta(&self, _: &u8, value: &V, options: EntryOptions) -> PlannedInfo {
        let now = self.clock.now();
        let until = (self.terms.life)(value).map(|life| Duration::later(now.now(), life));
        self.expiry.info(now.now(), EntryOptions { weight: (self.terms.weight)(value), until, ..options })
    }
}

impl<V> Tracker<V> for Planned<V> {
    const IS_TIMED: bool = true;

    fn told(&self) -> Option<Left<V>> {
        Some(core::mem::take(&mut *self.left.lock().expect("no thread panics while it holds the lock")))
    }

    fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }
}

impl<V> fmt::Debug for Planned<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planned").finish_non_exhaustive()
    }
}

impl<V: Clone, P: Policy, T: EntryMeta, S: Lifecycle<Types<u8, V, P, T>>> Tested<V, P, T, S> {
    pub(super) fn new(maxsize: Option<usize>, plan: S) -> Self {
        Self { engine: Engine::new(MaxSize::from_option(maxsize)), plan }
    }

    /// Looks up the result of a call: a hit, or the epoch of its computation, if the cache stores anything.
    pub(super) fn look(&self, key: u8) -> Result<V, Option<Epoch>> {
        if self.engine.is_disabled() {
            self.engine.miss_uncached();
            return Err(None);
        }
        let looked = self.engine.lookup(KeyHash::of(&key), |stored| *stored == key, V::clone, &self.plan);
        looked.map_err(Some)
    }

    pub(super) fn refresh(&self) -> Option<Epoch> {
        if self.engine.is_disabled() {
            self.engine.miss_uncached();
            return None;
        }
        Some(self.engine.begin())
    }

    pub(super) fn keep(&self, key: u8, value: V, origin: InsertKind) -> Option<V> {
        let term = self.plan.meta(&key, &value, EntryOptions::NONE);
        let entry = EntryOf { hash: KeyHash::of(&key), key, value, term };
        let leavers = told(self.engine.keep(entry, origin, u8::eq, &self.plan), &self.plan);
        leavers.only(RemovalCause::Replaced).next().map(|(_, value)| value)
    }

    pub(super) fn get(&self, key: u8) -> Option<V> {
        self.look(key).ok()
    }

    pub(super) fn get_or_insert_with(&self, key: u8, compute: impl FnOnce() -> V) -> V {
        self.look(key).unwrap_or_else(|began| {
            let value = compute();
            if let Some(began) = began {
                self.keep(key, value.clone(), InsertKind::Computed(began));
            }
            value
        })
    }

    pub(super) fn insert(&self, key: u8, value: V) -> Option<V> {
        self.keep(key, value, InsertKind::Inserted)
    }

    pub(super) fn remove(&self, key: u8) -> Option<V> {
        let matches = |stored: &u8| *stored == key;
        self.engine.forget_with(KeyHash::of(&key), matches, |value| value, V::clone, &self.plan)
    }

    pub(super) fn forget(&self, key: u8) -> bool {
        self.engine.forget(KeyHash::of(&key), |stored| *stored == key, &self.plan)
    }

    pub(super) fn contains(&self, key: u8) -> bool {
        self.engine.peek_with(KeyHash::of(&key), |stored| *stored == key, |_| (), &self.plan).is_some()
    }

    pub(super) fn peek(&self, key: u8) -> Option<V> {
        self.engine.peek_with(KeyHash::of(&key), |stored| *stored == key, V::clone, &self.plan)
    }

    pub(super) fn clear(&self) {
        self.engine.clear(&self.plan);
    }

    pub(super) fn info(&self) -> CacheInfo {
        self.engine.info(&self.plan)
    }

    pub(super) fn entries(&self) -> Vec<(u8, V)> {
        self.engine.snapshot(&self.plan)
    }

    pub(super) fn validate(&self) {
        self.engine.validate();
    }
}

/// Operations for caches with a lifecycle only.
impl<V: Clone, P: Policy, T: EntryMeta, S: Lifecycle<Types<u8, V, P, T>>> Tested<V, P, T, S> {
    pub(super) fn len(&self) -> usize {
        self.engine.len(&self.plan)
    }

    pub(super) fn expire(&self) -> Vec<(u8, V)> {
        self.engine.take_expired(&self.plan)
    }

    pub(super) fn pop_victim(&self) -> Option<(u8, V)> {
        self.engine.pop_victim(&self.plan)
    }

    pub(super) fn resize(&self, maxsize: Option<usize>) {
        self.engine.resize(maxsize, &self.plan);
    }

    pub(super) fn retain(&self, holds: impl Fn(u8) -> bool) {
        self.engine.retain(|key, _| holds(*key), &self.plan);
    }
}
