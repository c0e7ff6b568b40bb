//! A coalesced call that computes, or receives what another call computes (single-flight, stale-if-error), in
//! the process or through a backend.
//!
//! `run` and `run_async` differ in how they wait, and in that the future of an async function is polled. All
//! else is shared.

use core::future::{Future, ready};
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crate::engine::{InsertKind, Lifecycle, Placement, StoredValue};
use crate::flight::Leader;
use crate::flight::table::Published;
use crate::function::call::computation::Computation;
use crate::function::call::miss::Miss;
use crate::function::call::pending_call::PendingCall;
use crate::function::call::remote::{Computed, Fetched, Obtained, Remote, block_on, shorter};
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::time::Instant;

impl<E: Placement + Clone, S: Lifecycle<E::Types>, O> PendingCall<E, S, O> {
    /// Computes the result by `body`, unless another call or the backend has it. `insert` stores it in the
    /// process.
    pub fn run<R, H, M>(
        mut self,
        sharing: H,
        remote: &M,
        body: impl FnOnce() -> R,
        insert: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) -> R
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        let mut computation = match self.wait(sharing) {
            Ok(result) => return result,
            Err(computation) => computation,
        };
        match block_on(remote.obtain(&computation, self.policy)) {
            Some(Obtained::Fetched(fetched)) => {
                return self.finish_fetched(computation, sharing, remote, fetched, insert);
            }
            Some(Obtained::Locked) => computation.is_locked = true,
            None => {}
        }
        let start = Instant::now();
        let compute = || {
            let _scope = computation.body_scope();
            body()
        };
        // Other processes must not wait for the lock to expire.
        let result =
            if computation.is_locked { catch_unwind(AssertUnwindSafe(compute)) } else { Ok(compute()) };
        let computed = self.finish(computation, start, sharing, remote, result, insert);
        block_on(remote.conclude(ready(computed)))
    }

    /// Like [`PendingCall::run`], but awaits `body` and other calls.
    ///
    /// The future is boxed: most calls hit, and their futures do not need memory for all of this.
    pub fn run_async<R, H, M>(
        mut self,
        sharing: H,
        remote: &M,
        body: impl Future<Output = R>,
        insert: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) -> impl Future<Output = R>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        let computed = async move {
            let computation = match self.wait_async(sharing).await {
                Ok(result) => return Computed::Answered(result),
                Err(computation) => computation,
            };
            self.compute_async(computation, sharing, remote, body, insert).await
        };
        remote.conclude(Box::pin(computed))
    }

    /// Awaits `body`, after this call has become the one that computes.
    pub(super) async fn compute_async<R, H, M>(
        self,
        mut computation: Computation<E>,
        sharing: H,
        remote: &M,
        body: impl Future<Output = R>,
        insert: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) -> Computed<E, R, M::Encoded>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        match remote.obtain(&computation, self.policy).await {
            Some(Obtained::Fetched(fetched)) => {
                let result = self.finish_fetched(computation, sharing, remote, fetched, insert);
                return Computed::Answered(result);
            }
            Some(Obtained::Locked) => computation.is_locked = true,
            None => {}
        }
        let start = Instant::now();
        // After a panic, the followers do not wait for this future to be dropped.
        let result = computation.in_scope(true, body).await;
        self.finish(computation, start, sharing, remote, result, insert)
    }

    /// Ends a call that has computed: inserts and publishes the result, or a stale result instead of an
    /// error.
    fn finish<R, H, M>(
        mut self,
        mut computation: Computation<E>,
        start: Instant,
        sharing: H,
        remote: &M,
        result: thread::Result<R>,
        insert: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) -> Computed<E, R, M::Encoded>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        let result = match result {
            Ok(result) => result,
            Err(payload) => {
                if let Some(leader) = computation.leader.take() {
                    leader.fail();
                }
                return Computed::Panicked(payload, computation);
            }
        };
        // User code runs here, which may call the function.
        let scope = computation.body_scope();
        let (leader, began) = (computation.leader.take(), computation.began);
        let (hash, policy, events, took) = (self.hash, self.policy, self.options.events, start.elapsed());
        let encoded = remote.encode(&result, policy);
        self.handle.at(hash, |engine, _| engine.counters().computed(took));
        events.computed(took, policy.is_error(&result));
        let (result, is_stale) = self.serve_stale_if_error(result);
        let is_for_backend = !is_stale && !self.is_late_error(&result);
        let result = if is_stale {
            self.count(|counters| &counters.errors);
            events.served_stale();
            result
        } else {
            let is_replaced = leader.as_ref().is_some_and(|leader| !leader.leads());
            let kind = if is_replaced { InsertKind::Revalidated(began) } else { InsertKind::Computed(began) };
            self.max_age = remote.local_ttl();
            insert(self.into_miss(kind), result)
        };
        publish(leader, policy, sharing, &result);
        drop(scope);
        remote.inserted(hash);
        Computed::Result { result, encoded: is_for_backend.then_some(encoded), computation }
    }

    /// Ends a call that has not computed: inserts and publishes what the backend had.
    fn finish_fetched<R, H, M>(
        mut self,
        mut computation: Computation<E>,
        sharing: H,
        remote: &M,
        fetched: Fetched<R>,
        insert: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) -> R
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        // User code runs here, which may call the function.
        let scope = computation.body_scope();
        let (leader, began) = (computation.leader.take(), computation.began);
        let (hash, policy) = (self.hash, self.policy);
        let result = match fetched {
            Fetched::Found(result, ttl) => {
                self.max_age = shorter(remote.local_ttl(), ttl);
                insert(self.into_miss(InsertKind::Computed(began)), result)
            }
            Fetched::Failed(error) => error,
        };
        publish(leader, policy, sharing, &result);
        drop(scope);
        remote.inserted(hash);
        result
    }
}

/// Publishes a result to the followers. If they cannot have a copy, they all compute for themselves.
pub(super) fn publish<R, K, V, O, H>(leader: Option<Leader<K, V>>, policy: O, sharing: H, result: &R)
where
    O: ResultPolicy<R, Stored = V>,
    H: Sharing<R>,
{
    let Some(mut leader) = leader else { return };
    if !leader.is_followed() {
        return;
    }
    if policy.is_error(result) && !H::COPIES {
        return leader.fail();
    }
    let value = policy.stored(result).map(Published::Stored);
    match value.or_else(|| sharing.pack(result).map(Published::Whole)) {
        Some(value) => leader.publish(value),
        None => leader.fail(),
    }
}
