//! The miss token: what a call that was not answered from the cache keeps until its result is inserted.

use core::marker::PhantomData;

use crate::engine::insert::Comparison;
use crate::engine::{InsertKind, Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::EntryOptions;
use crate::expiry::settings::MaxAge;
use crate::function::call::handle::CacheHandle;
use crate::function::result_policy::ResultPolicy;
use crate::key::KeyHash;
use crate::store::{CacheTypes, EntryOf};

/// A call that was not answered from the cache. Owns the key, and borrows no argument.
#[must_use = "the result is stored by `insert`"]
pub struct Miss<E: Placement, S, O> {
    pub(crate) handle: CacheHandle<E, S>,
    /// `None` if the cache stores nothing.
    pub(crate) pending: Option<Pending<StoredKey<E>>>,
    pub(crate) policy: O,
}

pub(crate) struct Pending<K> {
    pub(crate) hash: KeyHash,
    pub(crate) key: K,
    pub(crate) kind: InsertKind,
    pub(crate) same: fn(&K, &K) -> bool,
    /// How long the in-process cache may keep the result at most, if a backend has it too.
    pub(crate) max_age: Option<MaxAge>,
}

/// Compares keys by a function, and recognizes errors by the result policy `O` of results `R`.
pub(super) struct PolicyComparison<K, O, R> {
    pub(super) same: fn(&K, &K) -> bool,
    pub(super) policy: PhantomData<fn(O) -> R>,
}

impl<C: CacheTypes, O, R> Comparison<C> for PolicyComparison<C::Key, O, R>
where
    O: ResultPolicy<R, Stored = C::Value>,
{
    #[inline]
    fn is_same(&self, stored: &C::Key, key: &C::Key) -> bool {
        (self.same)(stored, key)
    }

    fn is_error(&self, value: &C::Value) -> bool {
        O::is_stored_error(value)
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
        } else if policy.is_error(&result) {
            handle.count_error();
        }
        result
    }
}

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Inserts the result of a computation, if the result policy stores it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn insert_result<R, O: ResultPolicy<R, Stored = StoredValue<E>>>(
        self,
        pending: Pending<StoredKey<E>>,
        result: &R,
        policy: O,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) {
        let is_error = policy.is_error(result);
        if is_error && self.failed(&pending, policy) {
            return;
        }
        let Pending { hash, key, kind, same, max_age } = pending;
        // Cloned before the lock is taken.
        let value = policy.stored(result);
        if let (Some(value), Some(options)) =
            (value, policy.value(result).map(|value| options(&self.lifecycle, value)))
        {
            let Self { engines, stores, lifecycle } = self;
            let meta = lifecycle.meta(&key, &value, EntryOptions { is_error, max_age, ..options });
            let entry = EntryOf { hash, key, value, meta };
            let compare = PolicyComparison { same, policy: PhantomData::<fn(O) -> R> };
            if let InsertKind::Computed(began) = kind {
                engines.insert_computed(entry, began, compare, &lifecycle);
            } else {
                Self { engines, stores, lifecycle }.insert(entry, kind, compare);
            }
        } else if !is_error && !matches!(kind, InsertKind::Computed(_)) {
            self.remove_replaced(hash, |stored| same(stored, &key), kind);
        }
    }
}
