//! The protocol of a call: look, release, compute, keep.
//!
//! Invariant: no computation runs under the lock. A call looks its key up, lets go, computes, and
//! takes the lock again to keep the result.
//!
//! Invariant: under the lock user code runs (`Eq` and `Clone`) only while the store is borrowed
//! for reading. It may call back: nested calls read what the outer one reads. What they would
//! change has to wait ([`Deferred`]) or goes unstored.
//!
//! Invariant: what is evicted, replaced, invalidated or cleared is dropped after the lock is
//! released: functions that take entries out hold them until they have let go, and between no user
//! code runs that could panic. What a nested call may not keep waits for the outermost one.

pub(crate) mod deferred;
pub(crate) mod insert;
pub(crate) mod lifecycle;
pub(crate) mod lock;
mod lookup;
pub(crate) mod notify;
pub(crate) mod placement;
mod remove;
mod report;
pub(crate) mod state;

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::sync::atomic::AtomicU64;
use std::boxed::Box;
use std::sync::{Arc, OnceLock};

#[cfg(feature = "testing")]
use crate::engine::lock::PlainLock;
use crate::engine::lock::{Lock, RLock, Unlocked};
#[cfg(feature = "testing")]
use crate::engine::placement::isolation::Another;
use crate::engine::state::State;
use crate::flight::table::FlightTable;
use crate::flight::worker::Worker;
use crate::observe::stats::Counters;
use crate::store::entry_meta::EntryMeta;
use crate::store::maxsize::MaxSize;
use crate::store::types::CacheTypes;

/// The protocol, over a store of entries on terms `T` in which `P` chooses who leaves.
pub struct Engine<C: CacheTypes, L = RLock<State<C>>> {
    maxsize: MaxSize,
    /// Misses of the disabled mode, which takes no lock.
    uncached: AtomicU64,
    state: L,
    /// Made when the first call wants to share what it computes, or share in it.
    flights: OnceLock<Arc<FlightTable<C::Key, C::Value>>>,
    /// Made when there is first something to count.
    tallies: OnceLock<Box<Counters>>,
    /// Made when something is first refreshed on a thread of its own.
    background: OnceLock<Arc<Worker>>,
    /// How to copy an entry, where a user's code must not run under the lock.
    copy: Option<Copied<C>>,
}

/// How to copy a key and a value.
type Copied<C> = (fn(&KeyIn<C>) -> KeyIn<C>, fn(&ValueIn<C>) -> ValueIn<C>);

type KeyIn<C> = <C as CacheTypes>::Key;
type ValueIn<C> = <C as CacheTypes>::Value;

impl<C: CacheTypes> Engine<C> {
    /// An empty cache in the mode that `maxsize` chooses.
    #[must_use]
    pub(crate) const fn new(maxsize: MaxSize) -> Self {
        Self::of(maxsize, RLock::new(State::new(maxsize)))
    }
}

/// The engine of a cache that one thread has for itself.
pub(crate) type LocalEngine<C> = Engine<C, Unlocked<State<C>>>;

impl<C: CacheTypes> LocalEngine<C> {
    /// An empty cache of the current thread, in the mode that `maxsize` chooses.
    #[must_use]
    pub(crate) const fn local(maxsize: MaxSize) -> Self {
        Self::of(maxsize, Unlocked::new(State::new(maxsize)))
    }
}

/// Of the same bound.
#[cfg(feature = "testing")]
impl<C: CacheTypes> Another for Engine<C> {
    fn another(&self) -> Self {
        Self::another_of(self, RLock::new(State::new(self.maxsize)))
    }
}

/// Of the same bound.
#[cfg(feature = "testing")]
impl<C: CacheTypes> Another for Engine<C, PlainLock<State<C>>> {
    fn another(&self) -> Self {
        Self::another_of(self, PlainLock::new(State::new(self.maxsize)))
    }
}

/// Of the same bound.
#[cfg(feature = "testing")]
impl<C: CacheTypes> Another for LocalEngine<C> {
    fn another(&self) -> Self {
        Self::local(self.maxsize)
    }
}

impl<C: CacheTypes, L> Engine<C, L> {
    pub(crate) const fn of(maxsize: MaxSize, state: L) -> Self {
        Self::copying(maxsize, state, None)
    }

    /// The same, under whose lock a user's code must not run.
    pub(crate) const fn quiet(maxsize: MaxSize, state: L) -> Self
    where
        C::Key: Clone,
        C::Value: Clone,
    {
        Self::copying(maxsize, state, Some((C::Key::clone, C::Value::clone)))
    }

    /// The same as another one, in which there is nothing.
    #[cfg(feature = "testing")]
    fn another_of(other: &Self, state: L) -> Self {
        Self::copying(other.maxsize, state, other.copy)
    }

    const fn copying(maxsize: MaxSize, state: L, copy: Option<Copied<C>>) -> Self {
        Self {
            maxsize,
            uncached: AtomicU64::new(0),
            state,
            flights: OnceLock::new(),
            tallies: OnceLock::new(),
            background: OnceLock::new(),
            copy,
        }
    }
}

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Makes `policy` the policy of a cache in which there is nothing yet.
    pub(crate) fn set_policy(&mut self, policy: C::Policy) {
        self.state.get_mut().store.get_mut().set_policy(policy);
    }

    /// Whether nothing is ever stored, and no lock taken. What has terms takes it all the same: its
    /// bound may change.
    #[inline]
    pub(crate) fn is_disabled(&self) -> bool {
        C::Meta::IS_BARE && matches!(self.maxsize, MaxSize::Disabled)
    }

    /// Counts a miss of the disabled mode.
    #[inline]
    pub(crate) fn miss_uncached(&self) {
        L::count(&self.uncached);
    }

    pub(crate) fn hold(&self) -> L::Held<'_> {
        self.state.hold()
    }

    /// The same, where no other thread holds the lock.
    pub(crate) fn try_hold(&self) -> Option<L::Held<'_>> {
        self.state.try_hold()
    }

    /// Whether the current thread holds the lock: the call comes from an `Eq` or a `Clone`.
    pub(crate) fn is_held(&self) -> bool {
        self.state.is_held()
    }

    /// The computations that calls share.
    pub(crate) fn flights(&self) -> &Arc<FlightTable<C::Key, C::Value>> {
        self.flights.get_or_init(|| Arc::new(FlightTable::new()))
    }

    /// Where stale entries are refreshed.
    pub(crate) fn background(&self) -> &Arc<Worker> {
        self.background.get_or_init(Arc::default)
    }

    /// What is counted without the lock.
    pub(crate) fn tallies(&self) -> &Counters {
        self.tallies.get_or_init(Box::default)
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn validate(&self) {
        let state = self.hold();
        state.store.borrow().validate();
        assert!(state.deferred.is_empty(), "nothing waits once the lock is free");
    }
}

/// Whole at every point where user code runs, and so after a panic in it.
impl<C: CacheTypes, L> RefUnwindSafe for Engine<C, L> {}
impl<C: CacheTypes, L> UnwindSafe for Engine<C, L> {}

impl<C: CacheTypes, L> fmt::Debug for Engine<C, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("maxsize", &self.maxsize).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
