//! The engine of a cache: one locked store with its counters and change log, and the protocol of a call.
//!
//! Invariant: no computation runs under the lock. A call looks its key up, releases the lock, computes, and
//! takes the lock again to insert the result.
//!
//! Invariant: user code (`Eq` and `Clone`) runs under the lock only while the store is borrowed for reading.
//! It may call the cache: a nested call reads the same store as the outer one. A removal that a nested call
//! requests is deferred ([`Deferred`](deferred::Deferred)), and a value that it inserts is not stored.
//!
//! Invariant: removed entries (evicted, replaced, invalidated or cleared) are dropped after the lock is
//! released. A function that removes entries keeps them until then, and runs no user code that could panic in
//! between. An entry that a nested call cannot store is kept until the outermost call releases the lock.

pub(crate) mod batch;
mod conditional;
pub(crate) mod deferred;
mod evict;
pub(crate) mod insert;
mod insert_decision;
pub(crate) mod insert_kind;
pub(crate) mod lifecycle;
pub(crate) mod lock;
mod lookup;
pub(crate) mod metered;
mod miss_counter;
pub(crate) mod notify;
pub(crate) mod placement;
mod remove;
mod report;
#[cfg(feature = "backend")]
pub(crate) mod reported;
mod retain;
mod self_sizing;
pub(crate) mod state;
mod sweep;

pub(crate) use insert_kind::InsertKind;
pub(crate) use lifecycle::{Expiry, Hooks, Lifecycle};
pub(crate) use placement::{Placement, StoredKey, StoredValue};

use core::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};
#[cfg(feature = "backend")]
use std::vec::Vec;

#[cfg(feature = "testing")]
use crate::engine::lock::PlainLock;
use crate::engine::lock::{Lock, RLock, Unlocked};
use crate::engine::miss_counter::MissCounter;
#[cfg(feature = "testing")]
use crate::engine::placement::isolation::NewLike;
#[cfg(feature = "backend")]
use crate::engine::reported::ReportedChanges;
use crate::engine::state::State;
use crate::flight::refresh_pool::RefreshPool;
use crate::flight::table::FlightTable;
#[cfg(feature = "backend")]
use crate::key::KeyHash;
use crate::observe::Counters;
use crate::store::{CacheTypes, EntryMeta, MaxSize};

/// A cache of the types `C`: a store behind a lock of type `L`, and what calls share besides.
pub struct Engine<C: CacheTypes, L = RLock<State<C>>> {
    maxsize: MaxSize,
    /// The misses of the disabled mode, which takes no lock.
    uncached_misses: MissCounter,
    state: L,
    /// The computations in flight. Created by the first coalesced call.
    flights: OnceLock<Arc<FlightTable<C::Key, C::Value>>>,
    /// The counters that need no lock. Created when the first of them is used.
    counters: OnceLock<Arc<Counters>>,
    /// The refreshes of stale entries. Created by the first of them.
    refreshes: OnceLock<Arc<RefreshPool>>,
    /// The changes that a backend reports. Created when the first copy of an entry in a backend is to be inserted, unless
    /// the backend reaches the cache itself.
    #[cfg(feature = "backend")]
    reported: OnceLock<Arc<ReportedChanges>>,
    /// Functions that copy an entry, if user code must not run under the lock.
    copy: Option<Copied<C>>,
}

/// Functions that copy a key and a value.
type Copied<C> = (fn(&KeyIn<C>) -> KeyIn<C>, fn(&ValueIn<C>) -> ValueIn<C>);

type KeyIn<C> = <C as CacheTypes>::Key;
type ValueIn<C> = <C as CacheTypes>::Value;

impl<C: CacheTypes> Engine<C> {
    /// Creates an empty cache in the mode that `maxsize` selects.
    pub(crate) const fn new(maxsize: MaxSize) -> Self {
        Self::of(maxsize, RLock::new(State::new(maxsize)))
    }
}

/// The engine of a cache that belongs to one thread.
pub(crate) type LocalEngine<C> = Engine<C, Unlocked<State<C>>>;

impl<C: CacheTypes> LocalEngine<C> {
    /// Creates an empty cache of the current thread, in the mode that `maxsize` selects.
    pub(crate) const fn local(maxsize: MaxSize) -> Self {
        Self::of(maxsize, Unlocked::new(State::new(maxsize)))
    }
}

/// The new engine has the same capacity.
#[cfg(feature = "testing")]
impl<C: CacheTypes> NewLike for Engine<C> {
    fn new_like(&self) -> Self {
        Self::with_settings_of(self, RLock::new(State::new(self.maxsize))).of_capacity_of(self)
    }
}

/// The new engine has the same capacity.
#[cfg(feature = "testing")]
impl<C: CacheTypes> NewLike for Engine<C, PlainLock<State<C>>> {
    fn new_like(&self) -> Self {
        Self::with_settings_of(self, PlainLock::new(State::new(self.maxsize))).of_capacity_of(self)
    }
}

/// The new engine has the same capacity.
#[cfg(feature = "testing")]
impl<C: CacheTypes> NewLike for LocalEngine<C> {
    fn new_like(&self) -> Self {
        Self::local(self.maxsize).of_capacity_of(self)
    }
}

impl<C: CacheTypes, L> Engine<C, L> {
    pub(crate) const fn of(maxsize: MaxSize, state: L) -> Self {
        Self::with_copy(maxsize, state, None)
    }

    /// Like [`of`](Self::of), but for an engine under whose lock user code must not run.
    pub(crate) const fn callback_free(maxsize: MaxSize, state: L) -> Self
    where
        C::Key: Clone,
        C::Value: Clone,
    {
        Self::with_copy(maxsize, state, Some((C::Key::clone, C::Value::clone)))
    }

    /// Creates an empty engine with the settings of `other`.
    #[cfg(feature = "testing")]
    fn with_settings_of(other: &Self, state: L) -> Self {
        Self::with_copy(other.maxsize, state, other.copy)
    }

    const fn with_copy(maxsize: MaxSize, state: L, copy: Option<Copied<C>>) -> Self {
        Self {
            maxsize,
            uncached_misses: MissCounter::new(),
            state,
            flights: OnceLock::new(),
            counters: OnceLock::new(),
            refreshes: OnceLock::new(),
            #[cfg(feature = "backend")]
            reported: OnceLock::new(),
            copy,
        }
    }
}

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Sets the eviction policy of an empty cache.
    pub(crate) fn set_policy(&mut self, policy: C::Policy) {
        self.state.get_mut().store.get_mut().set_policy(policy);
    }

    /// Returns whether the cache stores nothing and takes no lock. A cache with entry metadata takes the lock
    /// even at capacity zero, because its capacity may change.
    #[inline]
    pub(crate) fn is_disabled(&self) -> bool {
        C::Meta::IS_BARE && matches!(self.maxsize, MaxSize::Disabled)
    }

    /// Counts a miss of the disabled mode.
    #[inline]
    pub(crate) fn count_uncached_miss(&self) {
        self.uncached_misses.add(L::count);
    }

    /// Returns the lock itself, for what does not take it.
    #[inline]
    pub(crate) fn lock(&self) -> &L {
        &self.state
    }

    pub(crate) fn hold(&self) -> L::Held<'_> {
        self.state.hold()
    }

    /// Like [`hold`](Self::hold), but returns `None` if another thread holds the lock.
    pub(crate) fn try_hold(&self) -> Option<L::Held<'_>> {
        self.state.try_hold()
    }

    /// Returns whether the current thread holds the lock, as in a call from an `Eq` or a `Clone`.
    pub(crate) fn is_held(&self) -> bool {
        self.state.is_held()
    }

    /// Returns the computations in flight that calls share.
    pub(crate) fn flights(&self) -> &Arc<FlightTable<C::Key, C::Value>> {
        self.flights.get_or_init(|| Arc::new(FlightTable::new()))
    }

    /// Returns the pool of the refreshes of stale entries.
    pub(crate) fn refreshes(&self) -> &Arc<RefreshPool> {
        self.refreshes.get_or_init(Arc::default)
    }

    /// Returns the counters that need no lock.
    pub(crate) fn counters(&self) -> &Counters {
        self.counters.get_or_init(Arc::default)
    }

    /// Returns the counters that need no lock, for what counts apart from a call.
    #[cfg(feature = "backend")]
    pub(crate) fn shared_counters(&self) -> Arc<Counters> {
        Arc::clone(self.counters.get_or_init(Arc::default))
    }

    /// Returns where a backend that cannot reach this cache reports changes.
    #[cfg(feature = "backend")]
    pub(crate) fn reported(&self) -> &Arc<ReportedChanges> {
        self.reported.get_or_init(Arc::default)
    }

    /// Takes the changes that were reported since the last time; `None` if there are none.
    #[cfg(feature = "backend")]
    #[inline]
    pub(crate) fn take_reported(&self) -> Option<Vec<KeyHash>> {
        self.reported.get()?.taken()
    }

    /// Sets the capacity of an empty engine to that of another one.
    #[cfg(feature = "testing")]
    fn of_capacity_of(self, other: &Self) -> Self {
        if !other.is_disabled() {
            self.set_size(other.size());
        }
        self
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn validate(&self) {
        let state = self.hold();
        state.store.borrow().validate();
        assert!(state.deferred.is_empty(), "no work is deferred while the lock is free");
    }
}

/// The engine is consistent at every point where user code runs, and therefore after a panic in it.
impl<C: CacheTypes, L> RefUnwindSafe for Engine<C, L> {}
impl<C: CacheTypes, L> UnwindSafe for Engine<C, L> {}

#[cfg(test)]
mod tests;
