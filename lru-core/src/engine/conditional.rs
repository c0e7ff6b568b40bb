//! Conditional changes: what a caller computes of an entry, without the lock, changes the entry only if it is
//! still what the caller has read (compare-and-swap).

use crate::engine::Engine;
use crate::engine::lifecycle::{Expiry, Lifecycle};
use crate::engine::lock::{Lock, release};
use crate::engine::notify::notify;
use crate::engine::state::State;
use crate::expiry::Ticks;
use crate::expiry::entry_deadlines::EntryInfo;
use crate::expiry::queue::Queued;
use crate::key::KeyHash;
use crate::store::{CacheTypes, Epoch, Place, Superseded};

/// What a caller has read of a key: which entry, if there was one, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    /// The serial number of the entry; `None` if there was none that could be served.
    serial: Option<u64>,
    epoch: Epoch,
}

impl<C: CacheTypes<Meta = EntryInfo<W>>, W: Queued, L: Lock<State<C>>> Engine<C, L> {
    /// Peeks at a value that may be served, and returns the version of the key as well.
    pub(crate) fn peek_versioned<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> (Option<R>, Version) {
        let now = lifecycle.now();
        let state = self.hold();
        // Before user code runs: a change that it makes supersedes this version.
        let epoch = state.change_log.now();
        let found = state.find_live(hash, matches, lifecycle, now);
        let value = found.map(|(place, _)| read(&state.store.borrow().get(place).value));
        release(state, |removed| drop(notify(removed, lifecycle)));
        (value, Version { serial: found.map(|(_, serial)| serial), epoch })
    }

    /// Takes the lock if this is still the version of the key.
    pub(crate) fn hold_version(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        version: Version,
        lifecycle: &impl Lifecycle<C>,
    ) -> Option<L::Held<'_>> {
        let now = lifecycle.now();
        let state = self.hold();
        let serial = state.find_live(hash, matches, lifecycle, now).map(|(_, serial)| serial);
        // Last, because user code has run.
        if serial == version.serial && state.change_log.superseded(version.epoch, hash) == Superseded::No {
            return Some(state);
        }
        release(state, |removed| drop(notify(removed, lifecycle)));
        None
    }
}

impl<C: CacheTypes<Meta = EntryInfo<W>>, W: Queued> State<C> {
    /// Returns the place and the serial number of the entry that has this hash and `matches`, if it may be
    /// served.
    fn find_live(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        expiry: &impl Expiry<C::Meta>,
        now: Ticks,
    ) -> Option<(Place, u64)> {
        let place = self.find(hash, matches)?;
        let store = self.store.borrow();
        let meta = &store.get(place).meta;
        expiry.check(meta, now).is_live().then_some((place, meta.serial))
    }
}
