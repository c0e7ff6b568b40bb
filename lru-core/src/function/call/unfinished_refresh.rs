//! A background refresh that was claimed, of one result or of many: its turn, and how it ends.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::Arc;

use crate::flight::executor::{Spawn, Task};
use crate::flight::refresh_pool::{RefreshPool, RefreshSlot};
use crate::function::call::pending_call::FlightOptions;
use crate::observe::events::Events;

/// A refresh that was claimed. If it is dropped before its end, that is reported.
pub(in crate::function) struct UnfinishedRefresh {
    pool: Arc<RefreshPool>,
    events: Events,
    is_awaited: IsAwaited,
    has_ended: bool,
}

/// Whether a call awaits a refresh, which then does not wait for its turn.
#[derive(Clone)]
pub(in crate::function) struct IsAwaited(Arc<AtomicBool>);

impl IsAwaited {
    /// Spawns the task of the refresh on `executor`. Returns it to be awaited by the call if the executor does not take it, or if
    /// the call is to await it anyway.
    pub(in crate::function) fn spawn(&self, executor: &impl Spawn, task: Task) -> Option<Task> {
        if self.0.load(Relaxed) {
            return Some(task);
        }
        let refused = executor.spawn(task).err();
        self.0.store(refused.is_some(), Relaxed);
        refused
    }
}

impl UnfinishedRefresh {
    /// Creates a refresh that was claimed, perhaps after a claim that has not begun.
    pub(in crate::function) fn new(pool: Arc<RefreshPool>, events: Events, is_after_claim: bool) -> Self {
        let is_awaited = IsAwaited(Arc::new(AtomicBool::new(is_after_claim || pool.must_await())));
        Self { pool, events, is_awaited, has_ended: false }
    }

    pub(in crate::function) fn is_awaited(&self) -> IsAwaited {
        self.is_awaited.clone()
    }

    /// Records that the refresh does not wait for its turn.
    pub(in crate::function) fn waits_for_no_turn(&self) {
        self.is_awaited.0.store(true, Relaxed);
    }

    /// Waits for the turn of a task, unless a call awaits it.
    pub(in crate::function) async fn turn(&self, options: FlightOptions) -> Option<RefreshSlot> {
        if self.is_awaited.0.load(Relaxed) {
            return None;
        }
        Some(self.pool.turn(options.tasks(), options.timeout).await)
    }

    /// Returns the threads and turns of the refreshes of the cache.
    pub(in crate::function) fn pool(&self) -> Arc<RefreshPool> {
        Arc::clone(&self.pool)
    }

    /// Records that the refresh has ended, whether or not it has a result.
    pub(in crate::function) fn done(&mut self) {
        self.has_ended = true;
        self.pool.ended(false);
    }

    /// Records that the refresh has panicked. The executor has run it: the next one is spawned as ever.
    pub(in crate::function) fn failed(&mut self) {
        self.has_ended = true;
        self.events.refresh_abandoned();
    }
}

impl Drop for UnfinishedRefresh {
    // Not inlined into each memoized function, where it would take registers from the hit.
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        if !self.has_ended {
            self.events.refresh_abandoned();
            self.pool.ended(true);
        }
    }
}
