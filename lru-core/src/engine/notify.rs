//! Notifies the eviction listener after the lock is released.

use std::panic::resume_unwind;

use crate::engine::Engine;
use crate::engine::lifecycle::{Hooks, Lifecycle};
use crate::engine::lock::{Lock, release};
use crate::engine::state::State;
use crate::store::{CacheTypes, Entry, RemovalCause, Removed};

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Releases the lock, notifies the eviction listener, and returns the removed entries to be dropped.
    pub(super) fn release_and_notify(
        state: L::Held<'_>,
        removed: Removed<C>,
        lifecycle: &impl Lifecycle<C>,
    ) -> Removed<C> {
        Self::release_and_notify_with(state, removed, None, lifecycle)
    }

    /// Like [`release_and_notify`](Self::release_and_notify), but also reports an entry that the caller has
    /// removed itself (`taken`).
    pub(super) fn release_and_notify_with(
        state: L::Held<'_>,
        mut removed: Removed<C>,
        taken: Option<(&Entry<C>, RemovalCause)>,
        lifecycle: &impl Lifecycle<C>,
    ) -> Removed<C> {
        state.count(&removed);
        if taken.is_some_and(|(_, cause)| cause == RemovalCause::Evicted) {
            state.counters.eviction();
        }
        release(state, |leftover| removed.append(leftover));
        let taken = taken.map(|(entry, cause)| (&entry.key, &entry.value, cause));
        notify_with(removed, taken, lifecycle)
    }

    /// Carries out deferred work and releases the lock.
    pub(crate) fn settle(state: L::Held<'_>, lifecycle: &impl Lifecycle<C>) {
        if !lifecycle.hooks().notifies_later() {
            drop(Self::release_and_notify(state, Removed::none(), lifecycle));
        }
    }
}

/// Notifies the eviction listener of all removed entries, the oldest first, and returns them to be dropped.
#[inline]
pub(crate) fn notify<C: CacheTypes>(removed: Removed<C>, lifecycle: &impl Lifecycle<C>) -> Removed<C> {
    notify_with(removed, None, lifecycle)
}

/// Like [`notify`], but also reports an entry that was `taken` out after them.
#[inline]
pub(crate) fn notify_with<C: CacheTypes>(
    removed: Removed<C>,
    taken: Option<(&C::Key, &C::Value, RemovalCause)>,
    lifecycle: &impl Lifecycle<C>,
) -> Removed<C> {
    if lifecycle.hooks().listens() {
        let panic = removed.report(taken, |key, value, cause| lifecycle.hooks().notify(key, value, cause));
        if let Some(payload) = panic.into_payload() {
            // Drop them before the panic is resumed: a destructor may panic too.
            drop(removed);
            resume_unwind(payload);
        }
    }
    removed
}
