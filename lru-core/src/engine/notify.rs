//! Notifies the eviction listener after the lock is released.

use std::panic::resume_unwind;

use crate::engine::Engine;
use crate::engine::lifecycle::{Hooks, Lifecycle};
use crate::engine::lock::{Lock, release};
use crate::engine::state::State;
use crate::store::Removed;
use crate::store::entry::Entry;
use crate::store::removal_cause::RemovalCause;
use crate::store::types::CacheTypes;

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Releases the lock, notifies the eviction listener, and returns the removed entries to be dropped.
    pub(super) fn let_go(state: L::Held<'_>, leavers: Removed<C>, plan: &impl Lifecycle<C>) -> Removed<C> {
        Self::let_go_of(state, leavers, None, plan)
    }

    /// Like [`let_go`](Self::let_go), but also reports an entry that the caller has removed itself (`taken`).
    pub(super) fn let_go_of(
        state: L::Held<'_>,
        mut leavers: Removed<C>,
        taken: Option<(&Entry<C>, RemovalCause)>,
        plan: &impl Lifecycle<C>,
    ) -> Removed<C> {
        state.count(&leavers);
        if taken.is_some_and(|(_, cause)| cause == RemovalCause::Evicted) {
            state.counters.eviction();
        }
        release(state, |leftover| leavers.append(leftover));
        let taken = taken.map(|(entry, cause)| (&entry.key, &entry.value, cause));
        told_with(leavers, taken, plan)
    }

    /// Carries out deferred work and releases the lock.
    pub(crate) fn settle(state: L::Held<'_>, plan: &impl Lifecycle<C>) {
        if !plan.hooks().notifies_later() {
            drop(Self::let_go(state, Removed::none(), plan));
        }
    }
}

/// Notifies the eviction listener of all removed entries, the oldest first, and returns them to be dropped.
#[inline]
pub(crate) fn told<C: CacheTypes>(leavers: Removed<C>, plan: &impl Lifecycle<C>) -> Removed<C> {
    told_with(leavers, None, plan)
}

/// Like [`told`], but also reports an entry that was `taken` out after them.
#[inline]
pub(crate) fn told_with<C: CacheTypes>(
    leavers: Removed<C>,
    taken: Option<(&C::Key, &C::Value, RemovalCause)>,
    plan: &impl Lifecycle<C>,
) -> Removed<C> {
    if plan.hooks().listens() {
        if let Some(thrown) = leavers.tell(taken, |key, value, cause| plan.hooks().notify(key, value, cause))
        {
            // Drop them before the panic is resumed: a destructor may panic too.
            drop(leavers);
            resume_unwind(thrown);
        }
    }
    leavers
}
