//! Stale-if-error: a stale result is served, and kept, in place of an error (RFC 5861).

use crate::engine::{Lifecycle, Placement, StoredValue};
use crate::expiry::Freshness;
use crate::function::call::handle::CacheHandle;
use crate::function::call::miss::{Pending, PendingOf};
use crate::function::call::pending_call::PendingCall;
use crate::function::result_policy::ResultPolicy;
use crate::store::Entry;

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Counts an error. Returns whether the cached value stays in its place (stale-if-error).
    #[cold]
    pub(super) fn failed<R, O: ResultPolicy<R, Stored = StoredValue<E>>>(
        &self,
        pending: &PendingOf<E>,
        policy: O,
    ) -> bool {
        self.count_error();
        let Pending { hash, key, same, .. } = pending;
        let may_serve = |entry: &Entry<E::Types>| {
            let is_usable = !self.lifecycle.check(&entry.meta, self.lifecycle.now()).is_gone()
                && !policy.is_error(&policy.restore(&entry.value));
            is_usable.then_some(())
        };
        self.lifecycle.serves_on_error()
            && self
                .at(*hash, |engine, lifecycle| {
                    engine.find_with(*hash, |stored| same(stored, key), may_serve, lifecycle)
                })
                .is_some()
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O> PendingCall<E, S, O> {
    /// Applies `stale_if_error`: if `result` is an error, and a cached value may be served in its place,
    /// returns that value and `true`.
    pub(super) fn serve_stale_if_error<R>(&self, result: R) -> (R, bool)
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        if !self.handle.lifecycle.serves_on_error() || !self.policy.is_error(&result) {
            return (result, false);
        }
        let Self { handle, hash, key, same, policy, .. } = self;
        let stale = handle.at(*hash, |engine, lifecycle| {
            let read = |entry: &Entry<E::Types>| {
                let is_usable = !lifecycle.check(&entry.meta, lifecycle.now()).is_gone();
                is_usable.then(|| policy.restore(&entry.value))
            };
            engine.find_with(*hash, |stored| same(stored, key), read, lifecycle)
        });
        match stale {
            Some(stale) => {
                self.count(|counters| &counters.stale_hits);
                (stale, true)
            }
            None => (result, false),
        }
    }

    /// Returns whether `result` is an error that would replace a good result, which another call has stored
    /// meanwhile.
    pub(super) fn is_late_error<R>(&self, result: &R) -> bool
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let Self { handle, hash, key, same, policy, .. } = self;
        policy.is_error(result)
            && handle.at(*hash, |engine, lifecycle| {
                let good = |entry: &Entry<E::Types>| {
                    let is_fresh = lifecycle.check(&entry.meta, lifecycle.now()) == Freshness::Fresh;
                    (is_fresh && !O::is_stored_error(&entry.value)).then_some(())
                };
                engine.find_with(*hash, |stored| same(stored, key), good, lifecycle).is_some()
            })
    }
}
