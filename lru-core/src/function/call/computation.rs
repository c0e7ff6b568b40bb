//! The computation of a coalesced call: the flight that it leads, when it began, and what a backend needs.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::thread;

use crate::engine::{Placement, StoredKey, StoredValue};
use crate::flight::Leader;
use crate::flight::cycles::BodyScope;
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
    /// leader, and so are those of its destructors if it is dropped before it is ready. With `catches`,
    /// returns the payload of its panic.
    ///
    /// As long as `future` is not ready, `renewing` is polled as well.
    pub(super) async fn in_scope<R>(
        &self,
        catches: bool,
        future: impl Future<Output = R>,
        mut renewing: Option<Task>,
    ) -> thread::Result<R> {
        // Dropped in reverse: `_opens` opens the scope, then the future is dropped, then `scope` closes it.
        let scope = OnceLock::new();
        let mut future = pin!(future);
        let _opens = OpenOnDrop { leader: self.leader.as_ref(), scope: &scope };
        poll_fn(|context| {
            let _scope = self.body_scope();
            let polled = if catches {
                match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
                    Ok(polled) => polled.map(Ok),
                    Err(payload) => Poll::Ready(Err(payload)),
                }
            } else {
                future.as_mut().poll(context).map(Ok)
            };
            if polled.is_pending() {
                poll_beside(&mut renewing, context);
            }
            polled
        })
        .await
    }
}

/// Polls a task that runs beside a future which is not ready, and drops it at its end.
pub(super) fn poll_beside(task: &mut Option<Task>, context: &mut Context<'_>) {
    if task.as_mut().is_some_and(|task| task.as_mut().poll(context).is_ready()) {
        *task = None;
    }
}

/// Opens the leader's scope when it is dropped, which is just before the future is.
struct OpenOnDrop<'a, K, V> {
    leader: Option<&'a Leader<K, V>>,
    scope: &'a OnceLock<BodyScope>,
}

impl<K, V> Drop for OpenOnDrop<'_, K, V> {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            _ = self.scope.set(leader.body_scope());
        }
    }
}
