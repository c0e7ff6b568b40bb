//! The lookup of a batch whose elements may be stale (stale-while-revalidate): stale results are served, and refreshed in
//! the background.

use std::vec::Vec;

use crate::engine::batch::CountMisses;
use crate::engine::placement::rounds::{BatchKeys, BatchLookup, Missing, lookup_many};
use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::Freshness;
use crate::function::batch::argument::Batch;
use crate::function::batch::lookup::ElementKeys;
use crate::function::batch::noting::NotingLifecycle;
use crate::function::batch::shared::BoxedCall;
use crate::function::call::handle::CacheHandle;
use crate::function::call::pending_call::FlightOptions;
use crate::function::result_policy::ResultPolicy;
use crate::key::Part;

/// What the lookup of a batch has found: the results of all elements, or a call for those that are missing; and which results
/// are stale.
pub struct StaleBatch<E: Placement, S, O, R> {
    looked: Result<Vec<R>, BoxedCall<E, S, O, R>>,
    stale: Vec<StaleHit>,
}

/// A stale result that was served.
pub struct StaleHit {
    /// The position of its element in the batch.
    pub(super) position: usize,
    /// Its number among the results that were found.
    found: usize,
    /// Whether a refresh may begin.
    pub(super) is_due: bool,
}

impl<E: Placement, S, O, R> StaleBatch<E, S, O, R> {
    /// Returns whether any result is stale.
    pub fn has_stale(&self) -> bool {
        !self.stale.is_empty()
    }

    /// Returns the results that are stale.
    pub fn stale(&self) -> &[StaleHit] {
        &self.stale
    }

    /// Returns the results of all elements.
    ///
    /// # Errors
    ///
    /// Returns the call, if anything is missing.
    pub fn found(self) -> Result<Vec<R>, BoxedCall<E, S, O, R>> {
        self.looked
    }
}

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Like [`CacheHandle::lookup_shared_batch`], of a function whose results may be stale.
    pub fn lookup_stale_batch<'b, B, Q, R, O>(
        self,
        batch: &'b B,
        key: impl Fn(&'b B::Element) -> Q,
        policy: O,
        options: FlightOptions,
    ) -> StaleBatch<E, S, O, R>
    where
        B: Batch,
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        if !self.stores || self.is_bypassed() {
            let looked = self.lookup_shared_batch(batch, key, policy, options);
            return StaleBatch { looked, stale: Vec::new() };
        }
        let keys = ElementKeys::new(batch, key);
        let noting = NotingLifecycle::new(&self.lifecycle);
        let read = |stored: &StoredValue<E>| {
            // The clone may look up other entries.
            let freshness = noting.checked();
            (policy.restore(stored), freshness)
        };
        let BatchLookup { hits, missing } =
            lookup_many(&self.engines, &keys, read, (CountMisses::Later, &noting));
        let stale = stale_hits(&hits, &missing, keys.count());
        let hits = hits.into_iter().map(|(result, _)| result).collect();
        let looked = if missing.is_empty() {
            Ok(hits)
        } else {
            Err(self.shared_call(&keys, policy, options, BatchLookup { hits, missing }))
        };
        StaleBatch { looked, stale }
    }

    /// Looks up the stale results once more, after the call has awaited their refresh. Counts nothing.
    pub fn reload<'b, B, Q, R, O, T, P>(
        self,
        looked: &mut StaleBatch<E, T, P, R>,
        batch: &'b B,
        key: impl Fn(&'b B::Element) -> Q,
        policy: O,
    ) where
        B: Batch,
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let StaleBatch { looked, stale } = looked;
        let hits = match looked {
            Ok(hits) => hits,
            Err(call) => &mut call.miss.hits,
        };
        for StaleHit { position, found, .. } in stale {
            if let Some(refreshed) = self.peek_at(&key(batch.element(*position)), policy) {
                hits[*found] = refreshed;
            }
        }
    }
}

/// Returns the hits that are stale, of a batch of `count` elements.
fn stale_hits<R>(hits: &[(R, Freshness)], missing: &[Missing], count: usize) -> Vec<StaleHit> {
    let mut missing = missing.iter().peekable();
    let positions =
        (0..count).filter(|position| missing.next_if(|missing| missing.position == *position).is_none());
    let stale = positions.zip(hits).enumerate().filter_map(|(found, (position, (_, freshness)))| {
        let Freshness::Stale { due } = *freshness else { return None };
        Some(StaleHit { position, found, is_due: due })
    });
    stale.collect()
}
