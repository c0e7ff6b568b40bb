//! Evictions with a victim chooser: a policy with candidates calls it before each eviction.
//!
//! The chooser runs while the store is borrowed for reading. It may call the cache, and it may panic: entries
//! that were evicted before are deferred, so that they are reported in any case.

use crate::engine::lifecycle::{Hooks, Lifecycle};
use crate::engine::state::State;
use crate::store::{CacheTypes, Entry, Place, RemovalCause, Removed, Store};

/// The reason for evicting entries.
pub(super) enum Demand<'m, C: CacheTypes> {
    /// Room for an entry with this metadata, in place of the entry at `replaced`.
    Insert { meta: &'m C::Meta, replaced: Option<Place> },
    /// A new capacity.
    Capacity(Option<usize>),
}

impl<C: CacheTypes> Demand<'_, C> {
    /// Returns whether an entry must be evicted to meet the demand.
    pub(super) fn exceeds(&self, store: &Store<C>) -> bool {
        match *self {
            Self::Insert { meta, replaced } => store.has_room_for(meta) && store.lacks_room(meta, replaced),
            Self::Capacity(maxsize) => store.exceeds(maxsize),
        }
    }

    /// Records that the entries for which `is_gone` holds are no longer stored.
    fn forget(&mut self, is_gone: impl Fn(Place) -> bool) {
        if let Self::Insert { replaced, .. } = self {
            *replaced = replaced.filter(|&place| !is_gone(place));
        }
    }
}

impl<C: CacheTypes> State<C> {
    /// Evicts the entries that the user chooses, one by one, until the demand is met. Returns whether the
    /// chooser was called, which may have changed the cache. Does nothing if there is no chooser: the store
    /// then evicts by itself.
    #[inline]
    pub(super) fn evict_chosen(
        &self,
        mut demand: Demand<'_, C>,
        lifecycle: &impl Lifecycle<C>,
        removed: &mut Removed<C>,
    ) -> bool {
        let mut was_asked = false;
        while lifecycle.hooks().chooses() && demand.exceeds(&self.store.borrow()) {
            was_asked = true;
            let Some((place, victim)) = self.evict_one(&mut demand, lifecycle, removed) else { break };
            demand.forget(|gone| gone == place);
            self.deferred.defer_entry(victim, Some(RemovalCause::Evicted));
        }
        was_asked
    }

    /// Calls the victim chooser, and evicts the chosen entry unless the demand is met meanwhile.
    #[cold]
    fn evict_one(
        &self,
        demand: &mut Demand<'_, C>,
        lifecycle: &impl Lifecycle<C>,
        removed: &mut Removed<C>,
    ) -> Option<(Place, Entry<C>)> {
        self.choose(lifecycle);
        demand.forget(|place| self.deferred.hides(place));
        let mut just_removed = Removed::none();
        let mut store = self.write(&mut just_removed)?;
        let victim = if demand.exceeds(&store) { store.pop_victim() } else { None };
        drop(store);
        if just_removed.has_cleared_store() {
            removed.append(just_removed);
        } else {
            just_removed.drain_into(|entry, cause| self.deferred.defer_entry(entry, cause));
        }
        victim
    }

    /// Evicts one entry: the one that the user chooses, or else the victim of the policy.
    pub(super) fn pop_victim(
        &self,
        lifecycle: &impl Lifecycle<C>,
        removed: &mut Removed<C>,
    ) -> Option<Entry<C>> {
        if lifecycle.hooks().chooses() {
            self.choose(lifecycle);
        }
        Some(self.write(removed)?.pop_victim()?.1)
    }

    /// Calls the user's victim chooser and marks the chosen entry as the next victim.
    fn choose(&self, lifecycle: &impl Lifecycle<C>) {
        let choose = |store: &Store<C>| store.chosen(|keys| lifecycle.hooks().choose(keys));
        let chosen = self.store.try_borrow().ok().and_then(|store| choose(&store));
        if let (Some(place), Ok(mut store)) = (chosen, self.store.try_borrow_mut()) {
            store.choose(place);
        }
    }
}
