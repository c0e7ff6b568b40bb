//! The background refresh of a stale result that a call was served (stale-while-revalidate, RFC 5861).

use core::future::Future;
use core::pin::pin;
use std::boxed::Box;
use std::sync::Arc;

use crate::engine::{InsertKind, Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::{EntryOptions, Freshness};
use crate::flight::executor::{Spawn, Task};
use crate::flight::table::Terms;
use crate::function::call::coalesced::publish;
use crate::function::call::computation::{Computation, LeaderOf};
use crate::function::call::handle::CacheHandle;
use crate::function::call::pending_call::PendingCall;
use crate::function::call::remote::{Computed, Fetched, Obtained, Purpose, Remote, Stored, block_on};
use crate::function::call::unfinished_refresh::UnfinishedRefresh;
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::function::tagged::reads::RunningCall;
use crate::key::KeyHash;
use crate::store::Entry;
use crate::tags::validity::Validity;
use crate::time::Instant;

/// The right to refresh a stale result. If it is dropped before the refresh has ended, another call may claim
/// it.
#[must_use = "no other call refreshes the result meanwhile"]
pub struct RefreshClaim<E: Placement, S, O> {
    pending: PendingCall<E, S, O>,
    leader: LeaderOf<E>,
    unfinished: UnfinishedRefresh,
}

impl<E: Placement, S: Lifecycle<E::Types>, O> RunningCall for RefreshClaim<E, S, O> {
    fn __validity(&self) -> Option<&Validity> {
        self.pending.__validity()
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O> RefreshClaim<E, S, O> {
    /// Claims the refresh; `None` if another call computes the result.
    pub(super) fn new(mut pending: PendingCall<E, S, O>) -> Option<Self> {
        let leader = pending.claim()?;
        if leader.is_after_timeout() {
            // A refresh that hangs has failed: it is not begun again each time that it exceeds its time.
            pending.delay_next_refresh();
        }
        let pool = pending.handle.engines.first(|engine| Arc::clone(engine.refreshes()));
        let unfinished = UnfinishedRefresh::new(pool, pending.options.events, leader.is_after_claim());
        Some(Self { pending, leader, unfinished })
    }

    /// Calls `refresh` on a background thread of the cache, as soon as one is free.
    pub fn in_background(self, refresh: impl FnOnce(Self) + Send + 'static)
    where
        Self: Send + 'static,
    {
        let (pool, options) = (self.unfinished.pool(), self.pending.options);
        self.leader.confirm(options.timeout);
        self.unfinished.waits_for_no_turn();
        pool.run(Box::new(move || refresh(self)), options.threads(), options.timeout);
    }

    /// The call awaits the refresh, which does not wait for its turn.
    pub(crate) fn awaited(self) -> Self {
        self.unfinished.waits_for_no_turn();
        self
    }

    /// Spawns the future of `refresh` on `executor`. Returns it to be awaited by the call if the executor does not
    /// take it, or has taken it before and not begun: it may run only while it is awaited.
    pub fn spawned<F>(self, executor: &impl Spawn, refresh: impl FnOnce(Self) -> F) -> Option<Task>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let is_awaited = self.unfinished.is_awaited();
        is_awaited.spawn(executor, Box::pin(refresh(self)))
    }
}

impl<E: Placement + Clone, S: Lifecycle<E::Types>, O> RefreshClaim<E, S, O> {
    /// Computes the result by `body`, unless the backend has it, and stores it in place of the stale one; `options` returns
    /// those of its entry. An error does not replace the stale result, and delays the next refresh.
    ///
    /// Returns the stored form of the result, if this call has one.
    pub fn refresh<R, H, M>(
        self,
        sharing: H,
        remote: &M,
        body: impl FnOnce() -> R,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> Option<StoredValue<E>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        block_on(self.refresh_by(sharing, remote, async { body() }, options, true))
    }

    /// Like [`RefreshClaim::refresh`], but awaits `body`.
    pub fn refresh_async<R, H, M>(
        self,
        sharing: H,
        remote: &M,
        body: impl Future<Output = R>,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> impl Future<Output = Option<StoredValue<E>>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        self.refresh_by(sharing, remote, body, options, false)
    }

    /// Refreshes the result. With `blocks`, the body blocks the thread, which cannot renew a claim meanwhile.
    async fn refresh_by<R, H, M>(
        self,
        sharing: H,
        remote: &M,
        body: impl Future<Output = R>,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
        blocks: bool,
    ) -> Option<StoredValue<E>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        let flight = self.pending.options;
        self.leader.confirm(flight.timeout);
        let _slot = self.unfinished.turn(flight).await;
        let policy = self.pending.policy;
        let refresh = self.begin()?;
        let complete = move |refresh: Refresh<E, S, O>, computation, result, stored| {
            refresh.complete(computation, sharing, remote, result, stored)
        };
        let computed = Box::pin(refresh.compute(remote, body, options, blocks));
        policy.into_stored(remote.conclude(computed, complete).await)
    }

    /// Begins to compute; `None` if another call has taken over.
    fn begin(self) -> Option<Begun<E, S, O>> {
        let Self { pending, leader, unfinished, .. } = self;
        let began = pending.handle.at(pending.hash, |engine, _| engine.epoch());
        leader.restart(began, pending.options.timeout);
        let start = leader.leads().then(Instant::now)?;
        let computation = pending.computation(Some(leader), began, start);
        Some(Begun { refresh: Refresh { pending, options: None, unfinished }, computation })
    }
}

/// A refresh that has begun, and its computation.
struct Begun<E: Placement, S, O> {
    refresh: Refresh<E, S, O>,
    computation: Computation<E>,
}

/// A refresh that has begun.
struct Refresh<E: Placement, S, O> {
    pending: PendingCall<E, S, O>,
    /// The options of the entry of its result, if the result policy stores it.
    options: Option<EntryOptions>,
    unfinished: UnfinishedRefresh,
}

impl<E: Placement, S: Lifecycle<E::Types>, O> PendingCall<E, S, O> {
    /// Delays the next refresh of the entry, if it is still stale.
    fn delay_next_refresh(&self) {
        let Self { handle, hash, key, same, .. } = self;
        handle.delay_next_refresh(*hash, |stored| same(stored, key));
    }
}

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Delays the next refresh of an entry, if it is still stale.
    pub(in crate::function) fn delay_next_refresh(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&StoredKey<E>) -> bool,
    ) {
        self.at(hash, |engine, lifecycle| {
            let delay = |entry: &Entry<E::Types>| {
                let is_stale = lifecycle.check(&entry.meta, lifecycle.now()) != Freshness::Fresh;
                is_stale.then(|| lifecycle.refresh_failed(&entry.meta))
            };
            engine.find_with(hash, matches, delay, lifecycle);
        });
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O> Begun<E, S, O> {
    /// Computes the result, unless the backend has it: another process may have refreshed it, or only the copy in this
    /// process be stale.
    async fn compute<R, M>(
        self,
        remote: &M,
        body: impl Future<Output = R>,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
        blocks: bool,
    ) -> Computed<E, Refresh<E, S, O>, R, M::Encoded, M::Claim>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        M: Remote<R, O>,
    {
        let Self { refresh: mut pending, mut computation } = self;
        let policy = pending.pending.policy;
        let claim = match remote.obtain(&computation, policy, Purpose::Refresh).await {
            Obtained::Compute(claim) => claim,
            Obtained::Done(Fetched::Found(result, currency, depends)) => {
                let stored = Stored::Kept(currency);
                if let Some(validity) = pending.pending.handle.lifecycle.validity() {
                    remote.fetched(validity, &depends);
                }
                pending.judge(&computation, remote, &result, options);
                pending.pending.handle.end_fetched(stored);
                return Computed::Result { result, encoded: None, stored, computation, pending };
            }
            Obtained::Done(Fetched::Failed(error)) => {
                pending.failed();
                return Computed::Answered(error);
            }
        };
        let renewal = blocks.then(|| remote.renewal(&claim));
        let ended = computation.in_scope(true, pin!(Some(body)), remote.renewing(&claim)).await;
        drop(renewal);
        match ended {
            Ok(result) => {
                pending.judge(&computation, remote, &result, options);
                let scope = computation.body_scope();
                let options = pending.options.as_ref().filter(|_| !policy.is_error(&result));
                let handle = &pending.pending.handle;
                let kept = handle.kept_outside(options);
                let encoded = Some(remote.encode(&result, kept, claim, policy, handle.lifecycle.validity()));
                drop(scope);
                Computed::Result { result, encoded, stored: Stored::HERE, computation, pending }
            }
            Err(payload) => {
                pending.failed();
                if let Some(leader) = computation.leader.take() {
                    leader.fail();
                }
                Computed::Panicked(payload, claim, computation)
            }
        }
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O> Refresh<E, S, O> {
    /// Ends a refresh that has no result, such as one whose body has panicked. It counts as a failure.
    fn failed(mut self) {
        self.pending.delay_next_refresh();
        self.unfinished.failed();
    }

    /// Records the options of the entry of the result.
    fn judge<R, M>(
        &mut self,
        computation: &Computation<E>,
        remote: &M,
        result: &R,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        M: Remote<R, O>,
    {
        let _scope = computation.body_scope();
        let PendingCall { handle, hash, policy, .. } = &self.pending;
        self.options = handle.judge_by(remote, *hash, (result, *policy), options);
    }

    /// Inserts and publishes the result.
    fn complete<R, H, M>(
        self,
        mut computation: Computation<E>,
        sharing: H,
        remote: &M,
        result: R,
        stored: Stored,
    ) -> R
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        // A refresh that fails delays the next one. So does one whose insert panics.
        self.pending.delay_next_refresh();
        let Self { mut pending, options: entry_options, mut unfinished } = self;
        unfinished.done();
        // User code runs here, which may call the function.
        let scope = computation.body_scope();
        let PendingCall { handle, hash, key, same, policy, options, .. } = &pending;
        let (policy, hash, events, took) = (*policy, *hash, options.events, computation.start.elapsed());
        let matches = |stored: &StoredKey<E>| same(stored, key);
        handle.at(hash, |engine, _| engine.counters().computing.record(took));
        let leader = computation.leader.take();
        let terms = leader.as_ref().map(|_| pending.terms(computation.start)).unwrap_or_default();
        let result = match stored {
            Stored::Superseded(_) => {
                pending.end_without_entry(entry_options.as_ref(), &result);
                pending.invalidate();
                result
            }
            Stored::Unknown => result,
            Stored::Kept(_) if policy.is_error(&result) => {
                pending.count(|counters| &counters.errors);
                events.refresh_failed(took);
                result
            }
            Stored::Kept(currency) => {
                if !policy.stores(&result) || !entry_options.as_ref().is_some_and(EntryOptions::stores) {
                    handle.change(hash, |engine, lifecycle| engine.remove_stale(hash, matches, lifecycle));
                }
                pending.max_age = currency.max_age;
                let miss = pending.into_miss(InsertKind::Revalidated(computation.began), computation.start);
                let result = miss.insert_judged(result, entry_options);
                // Counted after the insert: a thread that sees the count finds the result.
                computation.engines.first(|engine| engine.counters().refreshes.add(1));
                events.refreshed(took);
                result
            }
        };
        let terms = Terms { current_at: stored.current_at().or(terms.current_at), ..terms };
        publish(leader, policy, sharing, &result, terms);
        drop(scope);
        remote.inserted(hash);
        result
    }
}
