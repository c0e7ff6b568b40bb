//! The computation of a coalesced call: the flight that it leads, when it began, and what a backend needs.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crate::engine::{Placement, StoredKey, StoredValue};
use crate::flight::Leader;
use crate::flight::cycles::{BodyScope, InScope};
use crate::flight::executor::Task;
use crate::key::KeyHash;
use crate::observe::events::Events;
use crate::store::Epoch;
use crate::time::Instant;

/// The leader of a flight of a cache.
pub(super) type LeaderOf<E> = Leader<StoredKey<E>, StoredValue<E>>;

/// A computation that a call runs: as the leader of a flight, or uncoalesced.
#[cfg_attr(not(feature = "backend"), expect(dead_code, reason = "what only backends use"))]
pub struct Computation<E: Placement> {
    pub(super) engines: E,
    pub(super) hash: KeyHash,
    pub(super) events: Events,
    /// `None` if the computation is not coalesced, and after the result is published.
    pub(super) leader: Option<LeaderOf<E>>,
    /// The epoch at which it began: a later change of the key makes its result out of date.
    pub(super) began: Epoch,
    /// When the call began to compute.
    pub(super) start: Instant,
}

impl<E: Placement> Computation<E> {
    /// Attributes the calls of this thread to the leader until the scope is dropped.
    pub(super) fn body_scope(&self) -> Option<BodyScope> {
        self.leader.as_ref().map(Leader::body_scope)
    }

    /// Awaits `future` in the leader's scope: calls that it makes while it is polled are attributed to the
    /// leader, and so are those of its destructors; it is dropped at the end, or when this is dropped. With `catches`,
    /// returns the payload of its panic.
    ///
    /// As long as `future` is not ready, `renewing` is polled as well.
    ///
    /// The future is pinned by the caller: one that is passed by value takes up its size once more.
    pub(super) async fn in_scope<F: Future>(
        &self,
        catches: bool,
        future: Pin<&mut Option<F>>,
        mut renewing: Option<Task>,
    ) -> thread::Result<F::Output> {
        let mut scoped = InScope::new(self.leader.as_ref().map(Leader::computation), future);
        poll_fn(|context| {
            scoped.poll(|future| {
                let polled =
                    if catches { poll_caught(future, context) } else { future.poll(context).map(Ok) };
                if polled.is_pending() {
                    poll_beside(&mut renewing, context);
                }
                polled
            })
        })
        .await
    }
}

/// Polls a future, and returns the payload of its panic.
pub(in crate::function) fn poll_caught<F: Future>(
    future: Pin<&mut F>,
    context: &mut Context<'_>,
) -> Poll<thread::Result<F::Output>> {
    match catch_unwind(AssertUnwindSafe(|| future.poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(payload)),
    }
}

/// Polls a task that runs beside a future which is not ready, and drops it at its end.
pub(in crate::function) fn poll_beside(task: &mut Option<Task>, context: &mut Context<'_>) {
    if task.as_mut().is_some_and(|task| task.as_mut().poll(context).is_ready()) {
        *task = None;
    }
}
