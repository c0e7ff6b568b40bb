//! The removal of all entries that do not pass a test.
//!
//! The test is user code, and there may be many entries. The lock is therefore held for a batch of entries at a
//! time. Between the batches other threads may change the cache, so entries are found by their hashes, which stay
//! valid: an entry that is stored all the time is tested once, and one that is stored meanwhile may be tested.

use std::collections::BTreeSet;
use std::vec::Vec;

use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::Lock;
use crate::engine::state::State;
use crate::engine::{Copied, Engine};
use crate::key::KeyHash;
use crate::panics::FirstPanic;
use crate::store::{CacheTypes, EntryOf, Epoch, RemovalCause, Removed, Superseded};

/// The number of hashes of a batch.
const BATCH: usize = 64;

/// How often an entry is tested that is changed during each test.
const ATTEMPTS: usize = 16;

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Removes all entries for which `holds` is false. Results of computations in flight are not stored,
    /// because they may be based on what no longer holds.
    pub(crate) fn retain(
        &self,
        mut holds: impl FnMut(&C::Key, &C::Value) -> bool,
        lifecycle: &impl Lifecycle<C>,
    ) {
        if self.is_disabled() {
            // A call must not share a computation that began before.
            return self.hold().change_log.any_changed();
        }
        let (state, removed) = self.hold_swept(lifecycle, drop);
        state.change_log.any_changed();
        let mut hashes = state.hashes();
        let mut panics = FirstPanic::none();
        panics.catch(|| drop(Self::release_and_notify(state, removed, lifecycle)));
        remove_repetitions(&mut hashes);
        for batch in hashes.chunks(BATCH) {
            match self.copy {
                Some(copy) => self.retain_copies(batch, copy, &mut holds, lifecycle, &mut panics),
                None => self.retain_batch(batch, &mut holds, lifecycle, &mut panics),
            }
        }
        panics.resume();
    }

    fn retain_batch(
        &self,
        hashes: &[KeyHash],
        holds: &mut impl FnMut(&C::Key, &C::Value) -> bool,
        lifecycle: &impl Lifecycle<C>,
        panics: &mut FirstPanic,
    ) {
        let state = self.hold();
        let now = state.while_borrowed(|| lifecycle.now());
        for &hash in hashes {
            state.for_each_of(hash, |place| {
                let store = state.store.borrow();
                let entry = store.get(place);
                // `holds`, even this call of it, may have called the cache and removed the entry. An expired
                // entry is removed as such.
                // One that is kept for calls that fail is tested.
                let is_kept = lifecycle.check(&entry.meta, now).is_gone() || holds(&entry.key, &entry.value);
                drop(store);
                if !is_kept && !state.deferred.hides(place) {
                    state.change_log.changed(hash);
                    state.hide(place, RemovalCause::Invalidated);
                    if let Some(validity) = lifecycle.validity() {
                        validity.removed(hash);
                    }
                }
            });
        }
        panics.catch(|| drop(Self::release_and_notify(state, Removed::none(), lifecycle)));
    }

    /// Like [`retain_batch`](Self::retain_batch), but calls `holds` without the lock, on copies. An entry that was
    /// changed meanwhile is tested again.
    fn retain_copies(
        &self,
        hashes: &[KeyHash],
        copy: Copied<C>,
        holds: &mut impl FnMut(&C::Key, &C::Value) -> bool,
        lifecycle: &impl Lifecycle<C>,
        panics: &mut FirstPanic,
    ) {
        for (hash, key, value, epoch) in self.copies(hashes, copy) {
            let mut copied = Some((key, value, epoch));
            // Bounded, in case the key is changed all the time: what is put meanwhile need not be tested.
            for _ in 0..ATTEMPTS {
                let Some((key, value, epoch)) = copied.take() else { break };
                if !self.contains_hash(hash) || holds(&key, &value) {
                    break;
                }
                let state = self.hold();
                if state.change_log.superseded(epoch, hash) == Superseded::No {
                    state.change_log.changed(hash);
                    state.hide_all_of(hash);
                    if let Some(validity) = lifecycle.validity() {
                        validity.removed(hash);
                    }
                    panics.catch(|| drop(Self::release_and_notify(state, Removed::none(), lifecycle)));
                    break;
                }
                drop(state);
                copied = self.copies(&[hash], copy).pop().map(|(_, key, value, epoch)| (key, value, epoch));
            }
        }
    }

    /// Returns copies of the entries with these hashes, and the epoch at which they were made.
    fn copies(&self, hashes: &[KeyHash], copy: Copied<C>) -> Vec<(KeyHash, C::Key, C::Value, Epoch)> {
        let mut entries = Vec::new();
        let state = self.hold();
        let epoch = state.change_log.now();
        for &hash in hashes {
            state.for_each_of(hash, |place| {
                let store = state.store.borrow();
                let EntryOf { key, value, .. } = store.get(place);
                entries.push((hash, copy.0(key), copy.1(value), epoch));
            });
        }
        entries
    }
}

impl<C: CacheTypes> State<C> {
    /// Returns the hash of each entry, from least to most recently used if the store keeps an order.
    fn hashes(&self) -> Vec<KeyHash> {
        let store = self.store.borrow();
        store.places().into_iter().map(|place| store.get(place).hash).collect()
    }
}

/// Leaves the first of equal hashes.
fn remove_repetitions(hashes: &mut Vec<KeyHash>) {
    let mut known = BTreeSet::new();
    hashes.retain(|hash| known.insert(hash.get()));
}
