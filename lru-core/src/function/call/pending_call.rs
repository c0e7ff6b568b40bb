//! A coalesced call that found no fresh result: all that it needs to compute the result, or to wait for it.

use core::time::Duration;

use crate::engine::{InsertKind, Lifecycle, Placement, StoredKey};
use crate::expiry::EntryOptions;
use crate::expiry::duration::IntoSpan;
use crate::expiry::settings::MaxAge;
use crate::flight::table::Terms;
use crate::function::call::computation::{Computation, LeaderOf};
use crate::function::call::handle::CacheHandle;
use crate::function::call::miss::{Miss, Pending};
use crate::function::result_policy::ResultPolicy;
use crate::function::tagged::reads::RunningCall;
use crate::key::{KeyHash, Part};
use crate::observe::Counters;
use crate::observe::count::Count;
use crate::observe::events::Events;
use crate::observe::location::FunctionLocation;
use crate::store::Epoch;
use crate::store::policy::Stopwatch;
use crate::tags::validity::Validity;
use crate::time::Instant;

/// How calls share computations, and how long they wait: the options `single_flight`, `flight_timeout` and `stale_if_slow`.
#[derive(Clone, Copy, Debug)]
#[must_use = "options take effect in a call"]
pub struct FlightOptions {
    /// Whether concurrent misses of a key are coalesced.
    pub(crate) is_single: bool,
    /// How long a leader may compute before a follower takes over.
    pub(crate) timeout: Duration,
    /// How many stale results may be refreshed at a time; `None` for the default.
    pub(super) refreshes: Option<usize>,
    /// How long a call waits that can be answered by a stale result (stale-if-slow).
    pub(super) slow: Option<Duration>,
    pub(crate) events: Events,
}

impl FlightOptions {
    /// One call computes for all that miss a key concurrently.
    pub const SINGLE: Self = Self { is_single: true, ..Self::UNSHARED };
    /// Each call computes for itself.
    pub const UNSHARED: Self =
        Self { is_single: false, timeout: TIMEOUT, refreshes: None, slow: None, events: Events::NONE };

    /// Sets how long a leader may compute before a follower takes over.
    pub fn timeout(self, timeout: impl IntoSpan<Duration>) -> Self {
        Self { timeout: timeout.into_span(), ..self }
    }

    /// Sets how many stale results may be refreshed at a time.
    pub const fn refreshes(self, refreshes: usize) -> Self {
        Self { refreshes: Some(refreshes), ..self }
    }

    /// Returns how many refreshes may run on threads at a time.
    pub(in crate::function) fn threads(&self) -> usize {
        self.refreshes.unwrap_or(THREADS)
    }

    /// Returns how many refreshes may run as tasks at a time.
    pub(in crate::function) fn tasks(&self) -> usize {
        self.refreshes.unwrap_or(TASKS)
    }

    /// Sets how long a call waits that can be answered by a stale result (stale-if-slow).
    pub fn stale_if_slow(self, span: impl IntoSpan<Duration>) -> Self {
        Self { slow: Some(span.into_span()), ..self }
    }

    /// Sets the function that events name; `None` without the feature `tracing`.
    pub const fn at(self, location: Option<&'static FunctionLocation>) -> Self {
        Self { events: Events::of(location), ..self }
    }
}

/// How many refreshes run on threads at a time, by default.
const THREADS: usize = 4;

/// How many refreshes run as tasks at a time, by default.
const TASKS: usize = 64;

/// The default of `flight_timeout`.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A coalesced call that found no fresh result. Owns the key, and borrows no argument.
#[must_use = "the result is computed by `run`"]
pub struct PendingCall<E: Placement, S, O> {
    pub(super) handle: CacheHandle<E, S>,
    pub(super) hash: KeyHash,
    pub(super) key: StoredKey<E>,
    /// Another copy of the key, for a flight.
    pub(super) flight_key: Option<StoredKey<E>>,
    pub(super) same: fn(&StoredKey<E>, &StoredKey<E>) -> bool,
    pub(super) policy: O,
    pub(super) options: FlightOptions,
    /// How long the in-process cache may keep the result at most, if a backend has it too.
    pub(super) max_age: Option<MaxAge>,
    /// When the call began to follow another, if it did.
    pub(super) following_since: Option<Instant>,
    /// When the call is answered by a stale result, if there still is one (stale-if-slow).
    pub(super) limit: Option<Instant>,
    /// The epoch of the last lookup, which found nothing.
    pub(super) missed: Epoch,
}

impl<E: Placement, S: Lifecycle<E::Types>, O> RunningCall for PendingCall<E, S, O> {
    fn __validity(&self) -> Option<&Validity> {
        self.handle.lifecycle.validity()
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O> PendingCall<E, S, O> {
    pub(super) fn new<Q: Part<Stored = StoredKey<E>>>(
        handle: CacheHandle<E, S>,
        hash: KeyHash,
        key: &Q,
        flight_key: Option<StoredKey<E>>,
        policy: O,
        options: FlightOptions,
    ) -> Self {
        let (key, same) = (key.to_stored(), Q::stored_eq);
        Self {
            handle,
            hash,
            key,
            flight_key,
            same,
            policy,
            options,
            max_age: None,
            following_since: None,
            limit: None,
            missed: Epoch::UNKNOWN,
        }
    }

    /// Adds one to a counter.
    pub(super) fn count(&self, which: impl FnOnce(&Counters) -> &Count) {
        self.handle.at(self.hash, |engine, _| which(engine.counters()).add(1));
    }

    /// Removes the entry that a result was to replace which is out of date itself.
    #[cold]
    pub(super) fn invalidate(&self) {
        let Self { handle, hash, key, same, .. } = self;
        let matches = |stored: &StoredKey<E>| same(stored, key);
        handle.change(*hash, |engine, lifecycle| engine.invalidate(*hash, matches, lifecycle));
    }

    /// Notes when the time to live of a judged result with these options ends, which is not stored.
    #[cold]
    pub(super) fn end_without_entry<R>(&self, options: Option<&EntryOptions>, result: &R)
    where
        O: ResultPolicy<R>,
    {
        if let Some(options) = options {
            self.handle.end_without_entry(options, self.policy.is_error(result));
        }
    }

    /// Returns the terms on which other calls share the result of this one, which began to compute at `start`. After it is
    /// judged, and before it is inserted.
    pub(super) fn terms(&self, start: Instant) -> Terms {
        let Some(validity) = self.handle.lifecycle.validity() else { return Terms::default() };
        let node = validity.judged_node();
        let current_at = if node.is_none() { Some(validity.shared_by(start)) } else { None };
        Terms { current_at, node }
    }

    /// Returns a computation of this call that begins at this epoch and time.
    pub(super) fn computation(
        &self,
        leader: Option<LeaderOf<E>>,
        began: Epoch,
        start: Instant,
    ) -> Computation<E>
    where
        E: Clone,
    {
        let (engines, events) = (self.handle.engines.clone(), self.options.events);
        Computation { engines, hash: self.hash, events, leader, began, start }
    }

    /// Returns the miss token with which the result is inserted, whose computation began at `start`.
    pub(super) fn into_miss(self, kind: InsertKind, start: Instant) -> Miss<E, S, O> {
        let Self { handle, hash, key, same, policy, max_age, .. } = self;
        let pending = handle.stores.then_some(Pending {
            hash,
            key,
            kind,
            same,
            max_age,
            stopwatch: Stopwatch::since(start),
        });
        Miss { handle, pending, policy }
    }
}
