//! Calls from an `Eq` or a `Clone` that runs under the lock of a shard, which must not block on another
//! shard.
//!
//! Invariant: a thread that holds a lock marked by [`Held`] blocks on no other such lock. If another thread
//! holds the shard that a nested call needs, a lookup reports a miss, and a change is recorded and carried
//! out before the next call.

use core::cell::Cell;
use core::mem;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::engine::Engine;
use crate::engine::deferred::DeferredChange;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::Lock;
use crate::engine::placement::Change;
use crate::engine::state::State;
use crate::key::KeyHash;
use crate::observe::count::Count;
use crate::store::CacheTypes;

thread_local! {
    /// The number of such locks that this thread holds, of all functions.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// Marks that the current thread holds a lock.
pub(crate) struct Held(());

impl Held {
    #[inline]
    pub(crate) fn new() -> Self {
        HELD.set(HELD.get() + 1);
        Self(())
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        HELD.set(HELD.get() - 1);
    }
}

/// Returns whether the current thread holds such a lock.
#[inline]
pub(crate) fn is_nested() -> bool {
    HELD.get() > 0
}

/// The work that nested calls could not do on an engine, because another thread held its lock.
pub(crate) struct PendingWork {
    /// Whether there are changes. Written only under the lock of `changes`, and therefore consistent with
    /// them.
    any: AtomicBool,
    changes: Mutex<Vec<DeferredChange>>,
    /// The misses that the engine could not count.
    misses: Count,
}

impl PendingWork {
    pub(crate) const fn new() -> Self {
        Self { any: AtomicBool::new(false), changes: Mutex::new(Vec::new()), misses: Count::new() }
    }

    /// Returns whether there are changes to be carried out. When this is false, all of them have been.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Relaxed)
    }

    /// Returns the number of misses that the engine has not counted.
    pub(crate) fn misses(&self) -> u64 {
        self.misses.get()
    }

    /// Returns the number of such misses since the start of the program.
    #[cfg(feature = "registry")]
    pub(crate) fn lifetime_misses(&self) -> u64 {
        self.misses.lifetime()
    }

    /// Adds the misses of an engine that was used in place of a locked one.
    pub(crate) fn count(&self, misses: u64) {
        self.misses.add(misses);
    }

    /// Records a change to a key with this hash.
    #[cold]
    pub(crate) fn defer_invalidation(&self, hash: KeyHash) {
        self.push(DeferredChange::Invalidate(hash));
    }

    /// Records a change of the capacity.
    #[cold]
    pub(crate) fn defer_resize(&self) {
        self.push(DeferredChange::Resize);
    }

    /// Records a change to all entries.
    #[cold]
    pub(crate) fn defer_change(&self, change: Change) {
        match change {
            Change::None => {}
            Change::Retain => self.push(DeferredChange::RemoveAll),
            #[cfg(feature = "registry")]
            Change::Reset => {
                self.reset_misses();
                self.push(DeferredChange::Reset);
            }
            Change::Clear => {
                self.reset_misses();
                self.push(DeferredChange::Clear);
            }
        }
    }

    fn push(&self, change: DeferredChange) {
        let mut changes = self.changes.lock();
        changes.push(change);
        self.any.store(true, Relaxed);
    }

    /// Resets the count of misses.
    pub(crate) fn reset_misses(&self) {
        self.misses.reset();
    }

    /// Takes the changes that were recorded since the last time; `None` if there are none.
    fn next(&self) -> Option<Vec<DeferredChange>> {
        let mut changes = self.changes.lock();
        if changes.is_empty() {
            self.any.store(false, Relaxed);
            return None;
        }
        Some(mem::take(&mut *changes))
    }

    /// Returns the locked engine if the lock is free and no change is pending, so that entries with a pending
    /// removal are not served.
    pub(crate) fn try_hold<'a, C, L>(&self, engine: &'a Engine<C, L>) -> Option<L::Held<'a>>
    where
        C: CacheTypes,
        L: Lock<State<C>>,
    {
        engine.try_hold().filter(|_| !self.any())
    }

    /// Carries out the changes that nested calls could not make. `capacity` returns the present one of the engine.
    #[cold]
    #[inline(never)]
    pub(crate) fn apply_deferred<C, L>(
        &self,
        engine: &Engine<C, L>,
        capacity: &dyn Fn() -> Option<usize>,
        lifecycle: &impl Lifecycle<C>,
    ) where
        C: CacheTypes,
        L: Lock<State<C>>,
    {
        let is_nested = is_nested();
        let held = if is_nested { engine.try_hold() } else { Some(engine.hold()) };
        let Some(held) = held else { return };
        while let Some(changes) = self.next() {
            engine.apply_changes(&held, changes, capacity);
        }
        if !is_nested {
            Engine::<C, L>::settle(held, lifecycle);
        }
    }
}
