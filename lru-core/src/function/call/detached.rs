//! A coalesced call whose computation does not end with its caller: `detach = true`.
//!
//! The call waits for another call's computation as any other does. If it is to compute itself, the computation,
//! with insert, publication and backend, is a task on an executor, and the call awaits its result.

use core::future::Future;
use core::pin::pin;
use std::boxed::Box;

use crate::engine::{Lifecycle, Placement, StoredValue};
use crate::expiry::EntryOptions;
use crate::flight::Leader;
use crate::flight::detached::{Carrier, Detached};
use crate::flight::executor::Spawn;
use crate::function::call::computation::Computation;
use crate::function::call::pending_call::PendingCall;
use crate::function::call::remote::Remote;
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::function::tagged::reads::RunningCall;
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
    pub fn follow<R, H>(mut self, sharing: H) -> impl Future<Output = Result<R, PendingComputation<E, S, O>>>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
        H: Sharing<R>,
    {
        Box::pin(async move {
            if self.handle.is_bypassed() {
                let computation = self.computation(None, Epoch::UNKNOWN, Instant::now());
                return Err(PendingComputation { pending: self, computation });
            }
            let waited = self.wait_async(sharing).await;
            waited.map_err(|computation| PendingComputation { pending: self, computation })
        })
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
