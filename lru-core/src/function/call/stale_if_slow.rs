//! Stale-if-slow: a stale result is served if the computation takes longer than a time limit. The computation continues,
//! and its result is stored.
//!
//! A call that finds a kept result when it begins has a limit. It waits for a computation apart from it: that of another
//! call, or its own, as a task or on a background thread. Whether there is a result to be served is decided anew when the
//! time is over: one that was invalidated meanwhile is not.

use core::future::poll_fn;
use core::task::Poll;

use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::flight::follower::{Followed, Follower};
use crate::flight::leadership::deadline_after;
use crate::flight::timeout::Sleep;
use crate::function::call::handle::CacheHandle;
use crate::function::call::pending_call::{FlightOptions, PendingCall};
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::store::Entry;
use crate::time::Instant;

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Returns until when a call waits that has found nothing to be served; `None` if no result is kept for it.
    pub(super) fn limit_of<Q: Part<Stored = StoredKey<E>>>(
        &self,
        hash: KeyHash,
        key: &Q,
        options: FlightOptions,
    ) -> Option<Instant> {
        let span = options.slow?;
        self.kept(hash, |stored| key.eq_stored(stored), |_| ())?;
        deadline_after(span)
    }

    /// Returns the kept result for the key, for a call whose time is over, and counts a stale hit. `None` if there is none
    /// any more.
    #[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
    pub fn stale_if_slow<Q, R, O>(self, key: Q, policy: O, options: FlightOptions) -> Option<R>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let hash = KeyHash::of_part(&key);
        let stale = self.kept(hash, |stored| key.eq_stored(stored), |stored| policy.restore(stored))?;
        self.at(hash, |engine, _| engine.counters().stale_hits.add(1));
        options.events.served_stale_while_slow();
        Some(stale)
    }

    /// Reads a value that is fresh or kept.
    fn kept<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&StoredKey<E>) -> bool,
        read: impl FnOnce(&StoredValue<E>) -> R,
    ) -> Option<R> {
        self.at(hash, |engine, lifecycle| {
            let read = |entry: &Entry<E::Types>| {
                let is_usable = !lifecycle.check(&entry.meta, lifecycle.now()).is_gone();
                is_usable.then(|| read(&entry.value))
            };
            engine.find_with(hash, matches, read, lifecycle)
        })
    }
}

/// A follower of a flight of a cache, and how its wait ended.
type FollowerOf<E> = Follower<StoredKey<E>, StoredValue<E>>;
type FollowedOf<E> = Followed<StoredKey<E>, StoredValue<E>>;

impl<E: Placement, S: Lifecycle<E::Types>, O> PendingCall<E, S, O> {
    /// Awaits the end of the flight.
    ///
    /// # Errors
    ///
    /// Returns the result of `instead` if the call's time is over first, and there is one.
    pub(super) async fn follow_within<R>(
        &mut self,
        follower: &mut FollowerOf<E>,
        instead: impl FnOnce() -> Option<R>,
    ) -> Result<FollowedOf<E>, R> {
        if let Some(limit) = self.limit {
            let mut sleep = Sleep::until(limit);
            let end = poll_fn(|context| match follower.poll(context) {
                Poll::Ready(end) => Poll::Ready(Some(end)),
                Poll::Pending => sleep.poll(context).map(|()| None),
            });
            if let Some(end) = end.await {
                return Ok(end);
            }
            self.limit = None;
            if let Some(stale) = instead() {
                self.count(|counters| &counters.coalesced);
                return Err(stale);
            }
        }
        Ok(poll_fn(|context| follower.poll(context)).await)
    }
}
