//! A coalesced call that computes, or receives what another call computes (single-flight, stale-if-error), in
//! the process or through a backend.
//!
//! `run` and `run_async` differ in how they wait, and in that the future of an async function is polled. All
//! else is shared.

use core::future::{Future, ready};
use core::pin::{Pin, pin};
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crate::engine::{InsertKind, Lifecycle, Placement, StoredValue};
use crate::expiry::EntryOptions;
use crate::expiry::time_to_live::KeptOutside;
use crate::flight::Leader;
use crate::flight::follower::Follower;
use crate::flight::table::{Published, Terms};
use crate::function::call::computation::Computation;
use crate::function::call::pending_call::PendingCall;
use crate::function::call::remote::{
    Computed, Currency, Fetched, Obtained, Purpose, Remote, Stored, block_on,
};
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::tags::validity::Validity;
use crate::time::Instant;

/// A call that has its result, to be stored.
pub(super) struct Ended<E: Placement, S, O> {
    pending: PendingCall<E, S, O>,
    /// The options of its entry, if the result policy stores it.
    options: Option<EntryOptions>,
    /// Whether a stale result is served instead of an error.
    is_stale: bool,
}

impl<E: Placement + Clone, S: Lifecycle<E::Types>, O> PendingCall<E, S, O> {
    /// Computes the result by `body`, unless another call or the backend has it. `options` returns those of its entry.
    pub fn run<R, H, M>(
        mut self,
        sharing: H,
        remote: &M,
        body: impl FnOnce() -> R,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> R
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        if self.handle.is_bypassed() {
            return body();
        }
        match self.wait(sharing, || None) {
            Ok(result) => result,
            Err(computation) => self.compute_blocking(computation, sharing, remote, body, options),
        }
    }

    /// Computes the result on this thread, after this call has become the one that computes.
    // In one place each: the calls of it are those of the body.
    #[inline]
    pub(super) fn compute_blocking<R, H, M>(
        self,
        computation: Computation<E>,
        sharing: H,
        remote: &M,
        body: impl FnOnce() -> R,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> R
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        let computed = match block_on(remote.obtain(&computation, self.policy, Purpose::Call)) {
            Obtained::Done(fetched) => self.fetched(computation, remote, fetched, options),
            Obtained::Compute(claim) => {
                let start = M::start(computation.start);
                let compute = || {
                    let _renewal = remote.renewal(&claim);
                    let _scope = computation.body_scope();
                    body()
                };
                let result = if M::CATCHES { catch_unwind(AssertUnwindSafe(compute)) } else { Ok(compute()) };
                self.computed(computation, start, remote, claim, result, options)
            }
        };
        let complete = |ended: Ended<E, S, O>, computation, result, stored| {
            ended.complete(computation, sharing, remote, result, stored)
        };
        match computed {
            // Nothing is to be awaited.
            Computed::Result { result, stored, computation, pending, .. } if !M::CATCHES => {
                complete(pending, computation, result, stored)
            }
            computed => block_on(remote.conclude(ready(computed), complete)),
        }
    }

    /// Like [`PendingCall::run`], but awaits `body` and other calls.
    ///
    /// The future is boxed: most calls hit, and their futures do not need memory for all of this.
    pub fn run_async<R, H, M>(
        mut self,
        sharing: H,
        remote: &M,
        body: impl Future<Output = R>,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> impl Future<Output = R>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        let computed = async move {
            if self.handle.is_bypassed() {
                return Computed::Answered(body.await);
            }
            let computation = match self.wait_async(sharing, || None).await {
                Ok(result) => return Computed::Answered(result),
                Err(computation) => computation,
            };
            self.compute_async(computation, remote, pin!(Some(body)), options).await
        };
        Self::conclude(sharing, remote, Box::pin(computed))
    }

    /// Awaits a computation, stores its result in the backend, and inserts and publishes it.
    pub(super) fn conclude<R, H, M>(
        sharing: H,
        remote: &M,
        computed: impl Future<Output = ComputedBy<M, E, S, R, O>> + Unpin,
    ) -> impl Future<Output = R>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
        M: Remote<R, O>,
    {
        let complete = move |ended: Ended<E, S, O>, computation, result, stored| {
            ended.complete(computation, sharing, remote, result, stored)
        };
        remote.conclude(computed, complete)
    }

    /// Awaits `body`, after this call has become the one that computes.
    pub(super) async fn compute_async<R, M>(
        self,
        computation: Computation<E>,
        remote: &M,
        body: Pin<&mut Option<impl Future<Output = R>>>,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> ComputedBy<M, E, S, R, O>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        M: Remote<R, O>,
    {
        if self.handle.is_bypassed() {
            let result = computation.in_scope(false, body, None).await;
            return Computed::Answered(result.unwrap_or_else(|payload| resume_unwind(payload)));
        }
        let claim = match remote.obtain(&computation, self.policy, Purpose::Call).await {
            Obtained::Compute(claim) => claim,
            Obtained::Done(fetched) => return self.fetched(computation, remote, fetched, options),
        };
        let start = M::start(computation.start);
        // After a panic, the followers do not wait for this future to be dropped.
        let result = computation.in_scope(true, body, remote.renewing(&claim)).await;
        self.computed(computation, start, remote, claim, result, options)
    }

    /// Encodes the result of a body that has ended, or the stale result that is served instead of an error.
    fn computed<R, M>(
        self,
        mut computation: Computation<E>,
        start: Instant,
        remote: &M,
        mut claim: M::Claim,
        result: thread::Result<R>,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> ComputedBy<M, E, S, R, O>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        M: Remote<R, O>,
    {
        let result = match result {
            Ok(result) => result,
            Err(payload) => {
                if let Some(leader) = computation.leader.take() {
                    leader.fail();
                }
                return Computed::Panicked(payload, claim, computation);
            }
        };
        // User code runs here, which may call the function.
        let scope = computation.body_scope();
        let (policy, events, took) = (self.policy, self.options.events, start.elapsed());
        self.handle.at(self.hash, |engine, _| engine.counters().computing.record(took));
        events.computed(took, policy.is_error(&result));
        let (mut result, mut is_stale) = self.serve_stale_if_error(result);
        if let Some(stale) = remote.take_stale(&mut claim).filter(|_| !is_stale && policy.is_error(&result)) {
            (result, is_stale) = (stale, true);
            self.count(|counters| &counters.stale_hits);
        }
        if is_stale {
            self.count(|counters| &counters.errors);
            events.served_stale();
        }
        let is_kept = !is_stale && !self.is_late_error(&result);
        let (options, kept) = if is_kept {
            let options = self.handle.judge_by(remote, self.hash, (&result, policy), options);
            (options, self.handle.kept_outside(options.as_ref()))
        } else {
            (None, KeptOutside::Failed)
        };
        let encoded = Some(remote.encode(&result, kept, claim, policy, self.handle.lifecycle.validity()));
        drop(scope);
        Computed::Result {
            result,
            encoded,
            stored: Stored::HERE,
            computation,
            pending: Ended { pending: self, options, is_stale },
        }
    }

    /// Ends a call that does not compute.
    fn fetched<R, M>(
        self,
        computation: Computation<E>,
        remote: &M,
        fetched: Fetched<R>,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> ComputedBy<M, E, S, R, O>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        M: Remote<R, O>,
    {
        let (result, stored) = match fetched {
            Fetched::Found(result, currency, depends) => {
                if let Some(validity) = self.handle.lifecycle.validity() {
                    remote.fetched(validity, &depends);
                }
                (result, Stored::Kept(currency))
            }
            Fetched::Failed(error) => {
                if self.handle.lifecycle.validity().is_some() {
                    // Nothing is known of what would have been found.
                    Validity::shared(None);
                }
                (error, Stored::Unknown)
            }
        };
        let scope = computation.body_scope();
        let options = self.handle.judge_by(remote, self.hash, (&result, self.policy), options);
        self.handle.end_fetched(stored);
        drop(scope);
        let pending = Ended { pending: self, options, is_stale: false };
        Computed::Result { result, encoded: None, stored, computation, pending }
    }
}

/// The outcome of a call of a function with the backend `M`.
pub(super) type ComputedBy<M, E, S, R, O> =
    Computed<E, Ended<E, S, O>, R, <M as Remote<R, O>>::Encoded, <M as Remote<R, O>>::Claim>;

impl<E: Placement, S: Lifecycle<E::Types>, O> Ended<E, S, O> {
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
        let Self { mut pending, options, is_stale } = self;
        // User code runs here, which may call the function.
        let scope = computation.body_scope();
        let (leader, began) = (computation.leader.take(), computation.began);
        let (hash, policy) = (pending.hash, pending.policy);
        let terms = leader.as_ref().map(|_| pending.terms(computation.start)).unwrap_or_default();
        let result = match stored {
            Stored::Superseded(_) => {
                pending.end_without_entry(options.as_ref(), &result);
                pending.invalidate();
                result
            }
            Stored::Kept(Currency { max_age, .. }) if !is_stale => {
                let is_replaced = leader.as_ref().is_some_and(|leader| !leader.leads());
                let kind =
                    if is_replaced { InsertKind::Revalidated(began) } else { InsertKind::Computed(began) };
                pending.max_age = max_age;
                pending.into_miss(kind, computation.start).insert_judged(result, options)
            }
            Stored::Kept(_) | Stored::Unknown => {
                pending.end_without_entry(options.as_ref(), &result);
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

/// Publishes a result to the followers, on these terms. If they cannot have a copy, they all compute for themselves.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn publish<R, K, V, O, H>(
    leader: Option<Leader<K, V>>,
    policy: O,
    sharing: H,
    result: &R,
    terms: Terms,
) where
    O: ResultPolicy<R, Stored = V>,
    H: Sharing<R>,
{
    let Some(mut leader) = leader else { return };
    if !leader.is_followed() {
        return;
    }
    if terms.current_at.is_some() || terms.node.is_some() {
        leader.set_terms(terms);
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

/// Returns a copy of the result that a leader has published, if there can be one.
pub(crate) fn published<R, K, V, O, H>(follower: &Follower<K, V>, policy: O, sharing: H) -> Option<R>
where
    O: ResultPolicy<R, Stored = V>,
    H: Sharing<R>,
{
    match follower.published()? {
        Published::Stored(value) => Some(policy.restore(value)),
        Published::Whole(packed) => sharing.unpack(&**packed),
    }
}
