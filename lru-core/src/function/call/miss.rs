//! The miss token: what a call that was not answered from the cache keeps until its result is inserted.

use core::marker::PhantomData;
use core::time::Duration;

use crate::engine::insert::Comparison;
use crate::engine::{InsertKind, Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::settings::MaxAge;
use crate::expiry::time_to_live::KeptOutside;
use crate::expiry::{Clock, EntryOptions, SystemClock, Ticks, Timestamp};
use crate::function::call::handle::CacheHandle;
use crate::function::call::remote::{Remote, Stored};
use crate::function::result_policy::ResultPolicy;
use crate::function::tagged::reads::RunningCall;
use crate::key::KeyHash;
use crate::store::policy::Stopwatch;
use crate::store::{CacheTypes, EntryOf, Policy};
use crate::tags::frame::is_recording;
use crate::tags::validity::Validity;
use crate::time::Instant;

/// A call that was not answered from the cache. Owns the key, and borrows no argument.
#[must_use = "the result is stored by `insert`"]
pub struct Miss<E: Placement, S, O> {
    pub(crate) handle: CacheHandle<E, S>,
    /// `None` if the cache stores nothing.
    pub(crate) pending: Option<PendingOf<E>>,
    pub(crate) policy: O,
}

/// How a computation for these engines is measured.
pub(crate) type StopwatchOf<E> = <<<E as Placement>::Types as CacheTypes>::Policy as Policy>::Stopwatch;

/// What is needed to store a result in these engines.
pub(crate) type PendingOf<E> = Pending<StoredKey<E>, StopwatchOf<E>>;

pub(crate) struct Pending<K, W> {
    pub(crate) hash: KeyHash,
    pub(crate) key: K,
    pub(crate) kind: InsertKind,
    pub(crate) same: fn(&K, &K) -> bool,
    /// How long the in-process cache may keep the result at most, if a backend has it too.
    pub(crate) max_age: Option<MaxAge>,
    /// How long the computation takes.
    pub(crate) stopwatch: W,
}

/// Returns the options of an entry of a function that has none.
pub fn no_options<S, V>(_: &S, _: &V) -> EntryOptions {
    EntryOptions::NONE
}

/// Compares keys by a function, and recognizes errors by the result policy `O` of results `R`.
pub(crate) struct PolicyComparison<K, O, R, W = ()> {
    pub(crate) same: fn(&K, &K) -> bool,
    pub(crate) policy: PhantomData<fn(O) -> R>,
    /// How long the computation took.
    pub(crate) stopwatch: W,
}

impl<C: CacheTypes, O, R, W: Stopwatch> Comparison<C> for PolicyComparison<C::Key, O, R, W>
where
    O: ResultPolicy<R, Stored = C::Value>,
{
    #[inline]
    fn cost(&self) -> u64 {
        self.stopwatch.nanoseconds()
    }

    #[inline]
    fn is_same(&self, stored: &C::Key, key: &C::Key) -> bool {
        (self.same)(stored, key)
    }

    fn is_error(&self, value: &C::Value) -> bool {
        O::is_stored_error(value)
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O> RunningCall for Miss<E, S, O> {
    fn __validity(&self) -> Option<&Validity> {
        self.handle.lifecycle.validity()
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O> Miss<E, S, O> {
    /// Stores the part of `result` that the result policy selects, and returns `result`.
    // Inlined like `CacheHandle::lookup`: the fields of the miss then stay in registers.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn insert<R>(self, result: R) -> R
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        self.insert_with(result, |_, _| EntryOptions::NONE)
    }

    /// Like [`Miss::insert`], but with options computed from the value.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn insert_with<R>(self, result: R, options: impl FnOnce(&S, &O::Value) -> EntryOptions) -> R
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let Self { handle, pending, policy } = self;
        if let Some(pending) = pending {
            handle.insert_result(pending, &result, policy, options);
        } else {
            if policy.is_error(&result) && !handle.is_bypassed() {
                handle.count_error();
            }
            if handle.lifecycle.validity().is_some_and(|validity| is_recording() || validity.is_judged()) {
                handle.judge_apart(&result, policy, options);
            }
        }
        result
    }

    /// Like [`Miss::insert_with`], with the options that [`Miss::judge`] returned.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn insert_judged<R>(self, result: R, options: Option<EntryOptions>) -> R
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        self.insert_with(result, move |_, _| options.unwrap_or(EntryOptions::NONE))
    }

    /// Returns for how long a backend stores the result that was judged, with these options; see [`CacheHandle::kept_outside`].
    pub fn kept_outside(&self, options: Option<&EntryOptions>) -> KeptOutside {
        self.handle.kept_outside(options)
    }

    /// Returns the options of a result, before it is stored by [`Miss::insert_with`].
    pub fn judge<R>(
        &self,
        result: &R,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> Option<EntryOptions>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        self.handle.judge(result, self.policy, options)
    }
}

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Returns the options of a result, if the result policy may store it.
    #[inline]
    pub fn judge<R, O: ResultPolicy<R>>(
        &self,
        result: &R,
        policy: O,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> Option<EntryOptions> {
        policy.value(result).map(|value| options(&self.lifecycle, value))
    }

    /// Like [`CacheHandle::judge`], for the result of this key: its node is made, where it has one.
    #[inline]
    pub(super) fn judge_for<R, O: ResultPolicy<R>>(
        &self,
        hash: KeyHash,
        result: &R,
        policy: O,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> Option<EntryOptions> {
        let options = self.judge(result, policy, options);
        if let Some(validity) = self.lifecycle.validity() {
            validity.judged(hash, self.number());
            self.end_unstored(options.as_ref(), policy.is_error(result));
        }
        options
    }

    /// Notes when the time to live of a judged result ends that its options do not store.
    #[inline]
    pub(in crate::function) fn end_unstored(&self, options: Option<&EntryOptions>, is_error: bool) {
        if let Some(options) = options.filter(|options| !options.stores()) {
            self.end_without_entry(options, is_error);
        }
    }

    /// Notes when the time to live of a judged result ends for which no entry is made.
    #[cold]
    pub(super) fn end_without_entry(&self, options: &EntryOptions, is_error: bool) {
        let Some(validity) = self.lifecycle.validity() else { return };
        // Whatever the clock, a time to live of zero is over.
        let deadline = if options.fresh_until == Some(Ticks::START) {
            Some(Ticks::START)
        } else {
            self.lifecycle.deadline_without_entry(&EntryOptions { is_error, ..*options })
        };
        if let Some(deadline) = deadline {
            validity.ends(deadline.get());
        }
    }

    /// Notes when a judged result is not fresh any more that was found in a backend.
    pub(super) fn end_fetched(&self, stored: Stored) {
        let (Some(validity), Stored::Kept(currency)) = (self.lifecycle.validity(), stored) else { return };
        let fresh = currency.max_age.map(MaxAge::left).map(|[fresh, _]| fresh);
        if let Some(fresh) = fresh.filter(|fresh| *fresh != Duration::MAX) {
            validity.ends(Instant::later(SystemClock.now().now(), fresh).get());
        }
    }

    /// Judges a result of a cache that stores nothing, for the caller's frame.
    #[cold]
    fn judge_apart<R, O: ResultPolicy<R>>(
        &self,
        result: &R,
        policy: O,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) {
        let options = self.judge(result, policy, options);
        if let (Some(validity), Some(options)) = (self.lifecycle.validity(), options) {
            validity.judged_apart();
            self.end_without_entry(&options, policy.is_error(result));
        }
    }

    /// Returns for how long a backend stores a result with these options; `None` is not stored.
    pub fn kept_outside(&self, options: Option<&EntryOptions>) -> KeptOutside {
        let Some(options) = options.filter(|options| options.stores()) else { return KeptOutside::No };
        match options.until.or(options.fresh_until) {
            None => match self.left_to_dependencies() {
                Some(Duration::ZERO) => KeptOutside::No,
                Some(left) => KeptOutside::TakenOver(left),
                None => KeptOutside::BySettings,
            },
            Some(Ticks::NEVER) => KeptOutside::For { fresh: None, may_be_stale: false },
            Some(end) => match self.lifecycle.left(end) {
                Some(Duration::ZERO) => KeptOutside::No,
                Some(fresh) => KeptOutside::For { fresh: Some(fresh), may_be_stale: options.until.is_none() },
                None => KeptOutside::BySettings,
            },
        }
    }

    /// Returns how long it takes until a result expires that the judged one was computed from, if that is known.
    fn left_to_dependencies(&self) -> Option<Duration> {
        let deadline = self.lifecycle.validity()?.judged_node()?.deadline();
        let deadline = Some(Ticks::new(deadline)).filter(|deadline| *deadline != Ticks::NEVER)?;
        Some(Instant::between(SystemClock.now().now(), deadline))
    }

    /// Like [`CacheHandle::judge_for`], for a result that a backend may have.
    #[inline]
    pub(super) fn judge_by<R, O: ResultPolicy<R>, M: Remote<R, O>>(
        &self,
        remote: &M,
        hash: KeyHash,
        (result, policy): (&R, O),
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> Option<EntryOptions> {
        let options = self.judge(result, policy, options);
        if let Some(validity) = self.lifecycle.validity() {
            remote.judged(validity, hash, self.number());
            self.end_unstored(options.as_ref(), policy.is_error(result));
        }
        options
    }

    /// Inserts the result of a computation, if the result policy stores it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn insert_result<R, O: ResultPolicy<R, Stored = StoredValue<E>>>(
        self,
        pending: PendingOf<E>,
        result: &R,
        policy: O,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) {
        let stopwatch = pending.stopwatch.stop();
        let is_error = policy.is_error(result);
        if is_error && self.failed(&pending, policy) {
            return;
        }
        let Pending { hash, key, kind, same, max_age, .. } = pending;
        // Cloned before the lock is taken.
        let options = self.judge_for(hash, result, policy, options);
        if options.as_ref().is_some_and(|options| !options.stores()) {
            self.count_not_kept();
        }
        let options = options.filter(EntryOptions::stores);
        if let Some((options, value)) = options.and_then(|options| Some((options, policy.stored(result)?))) {
            let Self { engines, stores, may_bypass, lifecycle } = self;
            let meta = lifecycle.meta(&key, &value, EntryOptions { is_error, max_age, ..options });
            let entry = EntryOf { hash, key, value, meta };
            let compare = PolicyComparison { same, policy: PhantomData::<fn(O) -> R>, stopwatch };
            if let InsertKind::Computed(began) = kind {
                engines.insert_computed(entry, began, compare, &lifecycle);
            } else {
                Self { engines, stores, may_bypass, lifecycle }.insert(entry, kind, compare);
            }
        } else if !is_error {
            self.remove_replaced(hash, |stored| same(stored, &key), kind);
        }
    }
}
