//! The beginning of a coalesced call: the lookup, which finds a fresh result, a stale one, or none.

use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::Freshness;
use crate::function::call::handle::CacheHandle;
use crate::function::call::pending_call::{FlightOptions, PendingCall};
use crate::function::call::stale_while_revalidate::RefreshClaim;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::store::Epoch;

/// The result of the lookup of a coalesced call.
pub enum CoalescedLookup<R, P, C> {
    /// A fresh result.
    Hit(R),
    /// A stale result, which is served (stale-while-revalidate). If there is a claim, this call must refresh
    /// it.
    Stale(R, Option<C>),
    /// Nothing that can be served: `run` computes the result, or waits for the call that does.
    Miss(P),
}

/// The lookup of a call of a cache.
pub(crate) type LookupOf<E, S, O, R> = CoalescedLookup<R, PendingCall<E, S, O>, RefreshClaim<E, S, O>>;

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Looks up the result of a call that may be served a stale one, or one that another call computes.
    #[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn begin<Q, R, O>(self, key: Q, policy: O, options: FlightOptions) -> LookupOf<E, S, O, R>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let hash = KeyHash::of_part(&key);
        if self.is_bypassed() {
            return self.bypassing_call(hash, &key, policy, options);
        }
        match self.lookup_uncounted(hash, &key, policy) {
            Ok((result, freshness)) if !matches!(freshness, Freshness::Stale { .. }) => {
                CoalescedLookup::Hit(result)
            }
            found => self.found_no_fresh(hash, &key, policy, options, found),
        }
    }

    /// Like [`CacheHandle::begin`]. With `is_repeated`, the call has found a stale result before and
    /// refreshed it itself: it is not counted again.
    pub fn begin_again<Q, R, O>(
        self,
        key: Q,
        policy: O,
        options: FlightOptions,
        is_repeated: bool,
    ) -> LookupOf<E, S, O, R>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        if is_repeated {
            let (hash, matches) = (KeyHash::of_part(&key), |stored: &StoredKey<E>| key.eq_stored(stored));
            let read = |value: &StoredValue<E>| policy.restore(value);
            if let Some(result) =
                self.at(hash, |engine, lifecycle| engine.peek_with(hash, matches, read, lifecycle))
            {
                return CoalescedLookup::Hit(result);
            }
            self.at(hash, |engine, _| engine.revert_hit());
        }
        self.begin(key, policy, options)
    }

    /// Returns a call that bypasses the cache: it only runs the body.
    #[cold]
    #[inline(never)]
    fn bypassing_call<Q, R, O>(
        self,
        hash: KeyHash,
        key: &Q,
        policy: O,
        options: FlightOptions,
    ) -> LookupOf<E, S, O, R>
    where
        Q: Part<Stored = StoredKey<E>>,
    {
        CoalescedLookup::Miss(PendingCall::new(self, hash, key, None, policy, options))
    }

    // Not inlined: in the caller it would take registers and stack from the hit. One call for both outcomes: the options
    // are written to memory for it only.
    #[inline(never)]
    fn found_no_fresh<Q, R, O>(
        self,
        hash: KeyHash,
        key: &Q,
        policy: O,
        options: FlightOptions,
        found: Result<(R, Freshness), Epoch>,
    ) -> LookupOf<E, S, O, R>
    where
        Q: Part<Stored = StoredKey<E>>,
    {
        match found {
            Ok((result, freshness)) => {
                let is_due = matches!(freshness, Freshness::Stale { due: true });
                self.found_stale(hash, key, policy, options, (result, is_due))
            }
            Err(missed) => {
                let limit = self.limit_of(hash, key, options);
                // As by a refresh, a stale result is computed by one call at a time.
                let options = FlightOptions { is_single: options.is_single || limit.is_some(), ..options };
                let flight_key = options.is_single.then(|| key.to_stored());
                let pending = PendingCall::new(self, hash, key, flight_key, policy, options);
                CoalescedLookup::Miss(PendingCall { limit, missed, ..pending })
            }
        }
    }

    /// Counts a stale hit, and claims the refresh if it is due and no other call does it.
    fn found_stale<Q, R, O>(
        self,
        hash: KeyHash,
        key: &Q,
        policy: O,
        options: FlightOptions,
        (result, is_due): (R, bool),
    ) -> LookupOf<E, S, O, R>
    where
        Q: Part<Stored = StoredKey<E>>,
    {
        let matches = |stored: &StoredKey<E>| key.eq_stored(stored);
        let is_in_flight = self.at(hash, |engine, _| {
            engine.counters().stale_hits.add(1);
            is_due && engine.flights().is_in_flight(hash, matches)
        });
        let claim = if is_due && !is_in_flight {
            let flight_key = Some(key.to_stored());
            RefreshClaim::new(PendingCall::new(self, hash, key, flight_key, policy, options))
        } else {
            if is_in_flight {
                // The refreshes that held up others may have exceeded their time.
                let (most, timeout) = (options.threads(), options.timeout);
                self.engines.first(|engine| engine.refreshes().start_waiting(most, timeout));
            }
            None
        };
        CoalescedLookup::Stale(result, claim)
    }
}
