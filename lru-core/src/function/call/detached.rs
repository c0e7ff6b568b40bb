//! A coalesced call whose computation does not end with its caller: `detach = true`, and `stale_if_slow` where there is a
//! stale result.
//!
//! The call waits for another call's computation as any other does. If it is to compute itself, the computation,
//! with insert, publication and backend, is a task on an executor, or runs on a background thread, and the call awaits
//! its result.

use core::cell::Cell;
use core::future::Future;
use core::pin::pin;
use std::boxed::Box;
use std::sync::Arc;

use crate::engine::{Lifecycle, Placement, StoredValue};
use crate::expiry::EntryOptions;
use crate::flight::Leader;
use crate::flight::detached::{Carrier, Detached};
use crate::flight::executor::{Spawn, Task};
use crate::flight::limited::Limited;
use crate::function::call::computation::Computation;
use crate::function::call::pending_call::PendingCall;
use crate::function::call::remote::{Remote, block_on};
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::function::tagged::reads::{RunningCall, TaskReads};
use crate::store::Epoch;
use crate::tags::validity::Validity;
use crate::time::Instant;

/// A result that a task can send to the call that awaits it.
#[diagnostic::on_unimplemented(
    message = "`detach` cannot return this: a result of type `{Self}` cannot be sent from the task that computes it",
    label = "`detach` needs a result that is `Send + 'static`, error included"
)]
pub trait DetachedResult: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<R: Send + 'static> DetachedResult for R {}

/// A result that a task or thread can send to the call that waits for it.
#[diagnostic::on_unimplemented(
    message = "`stale_if_slow` cannot return this: a result of type `{Self}` cannot be sent from the background",
    label = "`stale_if_slow` needs a result that is `Send + 'static`, error included"
)]
pub trait BackgroundResult: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<R: Send + 'static> BackgroundResult for R {}

/// Returns the carrier of results of this type, from the background.
pub const fn background_result<R: BackgroundResult>() -> Carrier<R> {
    Carrier::new()
}

/// Returns the carrier of results of this type.
pub const fn detached_result<R: DetachedResult>() -> Carrier<R> {
    Carrier::new()
}

/// A call that is to compute, as the leader of a flight or uncoalesced.
#[must_use = "the result is computed by `run`"]
pub struct PendingComputation<E: Placement, S, O> {
    pending: PendingCall<E, S, O>,
    computation: Computation<E>,
}

impl<E: Placement, S: Lifecycle<E::Types>, O> RunningCall for PendingComputation<E, S, O> {
    fn __validity(&self) -> Option<&Validity> {
        self.pending.__validity()
    }
}

impl<E: Placement + Clone, S: Lifecycle<E::Types>, O> PendingCall<E, S, O> {
    /// Awaits the result of another call.
    ///
    /// # Errors
    ///
    /// Returns the computation if this call is to compute.
    pub fn follow<R, H>(self, sharing: H) -> impl Future<Output = Result<R, PendingComputation<E, S, O>>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
    {
        self.follow_or(sharing, || None)
    }

    /// Like [`PendingCall::follow`]. If the call's time is over, returns the result of `instead`, if there is one.
    ///
    /// # Errors
    ///
    /// Returns the computation if this call is to compute.
    pub fn follow_or<R, H>(
        mut self,
        sharing: H,
        instead: impl Fn() -> Option<R>,
    ) -> impl Future<Output = Result<R, PendingComputation<E, S, O>>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
    {
        Box::pin(async move {
            if self.handle.is_bypassed() {
                return Err(self.uncoalesced());
            }
            let waited = self.wait_async(sharing, instead).await;
            waited.map_err(|computation| PendingComputation { pending: self, computation })
        })
    }

    /// Like [`PendingCall::follow_or`], but blocks.
    ///
    /// # Errors
    ///
    /// Returns the computation if this call is to compute.
    #[expect(clippy::result_large_err, reason = "the caller takes it apart at once")]
    pub fn follow_blocking<R, H>(
        mut self,
        sharing: H,
        instead: impl Fn() -> Option<R>,
    ) -> Result<R, PendingComputation<E, S, O>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
    {
        if self.handle.is_bypassed() {
            return Err(self.uncoalesced());
        }
        let waited = self.wait(sharing, instead);
        waited.map_err(|computation| PendingComputation { pending: self, computation })
    }

    /// Returns the computation of a call that bypasses the cache.
    fn uncoalesced(self) -> PendingComputation<E, S, O> {
        let computation = self.computation(None, Epoch::UNKNOWN, Instant::now());
        PendingComputation { pending: self, computation }
    }
}

impl<E: Placement + Clone, S: Lifecycle<E::Types>, O> PendingComputation<E, S, O> {
    /// Spawns the future of `compute` on `executor`, and returns a future of its result, which `carrier` sends.
    ///
    /// The call itself runs it if the executor does not take it, if no other call could join it, or if it
    /// `was_lost` before. The future is ready with `None` if the executor drops the task after it has begun.
    pub fn detached<R, F>(
        self,
        carrier: &Carrier<R>,
        executor: &impl Spawn,
        was_lost: bool,
        compute: impl FnOnce(Self) -> F,
    ) -> Detached<R>
    where
        F: Future<Output = R> + Send + 'static,
    {
        let leader = self.computation.leader.as_ref().filter(|_| !was_lost);
        let (executor, edge) = (leader.map(|_| executor), leader.and_then(Leader::wait_edge));
        Detached::new(carrier, Box::pin(compute(self)), executor, edge)
    }

    /// Like [`PendingComputation::detached`]. If the call's time is over, it returns the result of `instead`, if there is
    /// one, and the computation continues.
    pub fn detached_within<R, F>(
        self,
        carrier: &Carrier<R>,
        executor: &impl Spawn,
        was_lost: bool,
        compute: impl FnOnce(Self) -> F,
        instead: impl FnOnce() -> Option<R> + Unpin,
    ) -> Limited<R, impl FnOnce() -> Option<R> + Unpin>
    where
        F: Future<Output = R> + Send + 'static,
    {
        let limit = self.limit();
        Limited::new(self.detached(carrier, executor, was_lost, compute), limit, instead)
    }

    /// Like [`PendingComputation::detached_within`], but without a time limit the call itself computes.
    pub fn limited<R, F>(
        self,
        carrier: &Carrier<R>,
        executor: &impl Spawn,
        was_lost: bool,
        compute: impl FnOnce(Self) -> F,
        instead: impl FnOnce() -> Option<R> + Unpin,
    ) -> impl Future<Output = Option<R>>
    where
        F: Future<Output = R> + Send + 'static,
    {
        let is_limited = self.limit().is_some();
        self.detached_within(carrier, executor, was_lost || !is_limited, compute, instead)
    }

    /// Returns until when the call waits, if others can join the computation.
    fn limit(&self) -> Option<Instant> {
        self.pending.limit.filter(|_| self.computation.leader.is_some())
    }

    fn is_tagged(&self) -> bool {
        self.pending.handle.lifecycle.validity().is_some()
    }

    /// Calls `compute`: with a time limit on a background thread of the cache. If the call's time is over, it returns the
    /// result of `instead`, if there is one, and the computation continues.
    pub fn run_within<R>(
        self,
        carrier: &Carrier<R>,
        compute: impl FnOnce(Self) -> R + Send + 'static,
        instead: impl FnOnce() -> Option<R>,
    ) -> R
    where
        Self: Send + 'static,
    {
        let Some(limit) = self.limit() else { return compute(self) };
        let (options, reads) = (self.pending.options, self.is_tagged().then(TaskReads::new));
        let pool = self.pending.handle.engines.first(|engine| Arc::clone(engine.refreshes()));
        let thread = |task: Task| {
            pool.run_apart(Box::new(move || block_on(task)), options.threads(), options.timeout);
        };
        let edge = self.computation.leader.as_ref().and_then(Leader::wait_edge);
        let reads_of_task = reads.as_ref().map(TaskReads::of_task);
        let computation = Box::pin(async move {
            match reads_of_task {
                Some(reads) => reads.of(async move { compute(self) }).await,
                None => compute(self),
            }
        });
        let detached = Detached::new(carrier, computation, Some(&thread), edge).patient();
        let mut instead = Some(instead);
        let is_stale = Cell::new(false);
        let mut instead = || {
            let stale = instead.take().and_then(|instead| instead());
            is_stale.set(stale.is_some());
            stale
        };
        if !detached.outlives_call() {
            // So many computations hang that no thread takes this one.
            if let Some(other) = instead() {
                return other;
            }
        }
        let result = block_on(Limited::new(detached, Some(limit), &mut instead));
        // The stale result is recorded where it is read.
        if let Some(reads) = reads.filter(|_| !is_stale.get()) {
            reads.record();
        }
        result.expect("a thread runs its computation to the end")
    }

    /// Like [`PendingComputation::run`], but blocks.
    pub fn run_blocking<R, H, M>(
        self,
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
        let Self { pending, mut computation } = self;
        if pending.handle.is_bypassed() {
            return body();
        }
        if pending.limit.is_some() {
            // The thread may begin late.
            computation.start = Instant::now();
        }
        pending.compute_blocking(computation, sharing, remote, body, options)
    }

    /// Computes the result by `body`, unless the backend has it. `options` returns those of its entry.
    pub fn run<R, H, M>(
        self,
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
        let Self { pending, mut computation } = self;
        // The executor may begin late.
        computation.start = Instant::now();
        let computed =
            Box::pin(
                async move { pending.compute_async(computation, remote, pin!(Some(body)), options).await },
            );
        PendingCall::conclude(sharing, remote, computed)
    }
}
