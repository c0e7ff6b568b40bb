//! Caches that set their own capacity, after a result is stored. In others, nothing of it is compiled.

use crate::engine::Engine;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::{Lock, release};
use crate::engine::notify::notify;
use crate::engine::state::State;
use crate::store::maxsize::InitialSize;
use crate::store::{CacheTypes, Policy, Removed};

impl<C: CacheTypes> State<C> {
    /// Returns whether the capacity may be set anew.
    #[inline]
    pub(super) fn is_size_due(&self) -> bool {
        C::Policy::SIZES_ITSELF
            && self.store.try_borrow().is_ok_and(|store| store.is_size_due(self.counters.calls()))
    }
}

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Sets the capacity by what was sampled, if it is due, and adds the evicted entries to `removed`. A call that is
    /// nested in a read leaves it to a later one.
    #[inline]
    pub(super) fn size_itself(&self, removed: &mut Removed<C>) {
        if C::Policy::SIZES_ITSELF {
            self.set_own_size(removed);
        }
    }

    #[inline(never)]
    fn set_own_size(&self, removed: &mut Removed<C>) {
        let state = self.hold();
        if state.is_size_due() {
            let mut evicted = Removed::none();
            if let Some(mut store) = state.write(&mut evicted) {
                store.size_itself(state.counters.calls(), &mut evicted);
            }
            state.count(&evicted);
            removed.append(evicted);
        }
        release(state, |leftover| removed.append(leftover));
    }

    /// Sets the capacity like [`size_itself`](Self::size_itself), and reports and drops the evicted entries.
    #[cold]
    #[inline(never)]
    pub(super) fn size_itself_and_notify(&self, lifecycle: &impl Lifecycle<C>) {
        let mut removed = Removed::none();
        self.set_own_size(&mut removed);
        drop(notify(removed, lifecycle));
    }

    /// Sets the capacity of an empty cache.
    pub(crate) fn set_size(&self, size: InitialSize) {
        match size {
            InitialSize::Fixed(maxsize) => self.set_capacity(maxsize),
            InitialSize::Within(bounds) => {
                self.set_capacity(Some(bounds.max()));
                self.hold().store.borrow().set_bounds(Some(bounds));
            }
        }
    }

    /// Returns the capacity of an empty cache like this one.
    #[cfg(feature = "testing")]
    pub(crate) fn size(&self) -> InitialSize {
        let bounds = self.hold().store.borrow().bounds();
        bounds.map_or_else(|| InitialSize::Fixed(self.maxsize()), InitialSize::Within)
    }
}
