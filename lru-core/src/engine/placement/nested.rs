//! Calls from an `Eq` or a `Clone` that runs under the lock of a shard, where they must not wait for another one.
//!
//! Invariant: a thread that holds a lock of which it is [`Held`] waits for no other such. What such a nested call asks
//! of a shard that another thread holds is answered as if nothing was there; what it changes there is noted, and
//! carried out before the next call.

use core::cell::Cell;
use core::fmt;
use core::mem;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::engine::Engine;
use crate::engine::deferred::DeferredChange;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::Lock;
use crate::engine::placement::Change;
use crate::engine::state::State;
use crate::key::KeyHash;
use crate::store::types::CacheTypes;

thread_local! {
    /// How many such locks this thread holds, of whichever function.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// The current thread holds a lock.
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

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

/// Whether the current thread holds one.
#[inline]
pub(crate) fn is_nested() -> bool {
    HELD.get() > 0
}

/// What nested calls could not do to an engine, as another thread held it.
#[derive(Debug)]
pub(crate) struct Missed {
    /// Whether there are changes. Set while they are noted or carried out, and so never behind them.
    any: AtomicBool,
    changes: Mutex<Vec<DeferredChange>>,
    /// Misses that could not be counted.
    misses: AtomicU64,
}

impl Missed {
    pub(crate) const fn new() -> Self {
        Self { any: AtomicBool::new(false), changes: Mutex::new(Vec::new()), misses: AtomicU64::new(0) }
    }

    /// Whether there is a change to be carried out. It is over when this is false.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Relaxed)
    }

    /// Misses that the engine has not counted.
    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Relaxed)
    }

    /// Counts those of an engine that stood in for the one that was asked.
    pub(crate) fn count(&self, misses: u64) {
        self.misses.fetch_add(misses, Relaxed);
    }

    /// Notes a change to what is under a key.
    #[cold]
    pub(crate) fn note(&self, hash: KeyHash) {
        self.want(DeferredChange::Forget(hash));
    }

    /// Notes what is to happen to all.
    #[cold]
    pub(crate) fn note_all(&self, change: Change) {
        match change {
            Change::None => {}
            Change::Retain => self.want(DeferredChange::Empty),
            Change::Clear => {
                self.cleared();
                self.want(DeferredChange::Clear);
            }
        }
    }

    fn want(&self, wanted: DeferredChange) {
        let mut changes = self.changes.lock();
        changes.push(wanted);
        self.any.store(true, Relaxed);
    }

    /// Counters start anew.
    pub(crate) fn cleared(&self) {
        self.misses.store(0, Relaxed);
    }

    /// What was noted since the last time; `None` where all is carried out.
    fn next(&self) -> Option<Vec<DeferredChange>> {
        let mut changes = self.changes.lock();
        if changes.is_empty() {
            self.any.store(false, Relaxed);
            return None;
        }
        Some(mem::take(&mut *changes))
    }

    /// The lock of the engine, where that is free and nothing has to be caught up with: what should be gone is not
    /// served.
    pub(crate) fn try_hold<'a, C, L>(&self, engine: &'a Engine<C, L>) -> Option<L::Held<'a>>
    where
        C: CacheTypes,
        L: Lock<State<C>>,
    {
        engine.try_hold().filter(|_| !self.any())
    }

    /// Does what nested calls could not do.
    #[cold]
    #[inline(never)]
    pub(crate) fn catch_up<C, L>(&self, engine: &Engine<C, L>, plan: &impl Lifecycle<C>)
    where
        C: CacheTypes,
        L: Lock<State<C>>,
    {
        let is_nested = is_nested();
        let held = if is_nested { engine.try_hold() } else { Some(engine.hold()) };
        let Some(held) = held else { return };
        while let Some(changes) = self.next() {
            engine.make_up(&held, changes);
        }
        if !is_nested {
            Engine::<C, L>::settle(held, plan);
        }
    }
}
