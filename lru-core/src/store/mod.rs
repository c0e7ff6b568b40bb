//! Stores of entries.
//!
//! Invariant: a store is read through `&self`, where user code (`Eq`) may run and call the cache, and changed
//! through `&mut self`, where no user code runs. It depends neither on threads nor on statistics. Removed
//! entries are handed to the caller, which drops them after the lock is released.

mod announced;
mod bounded;
pub(crate) mod candidates;
pub(crate) mod change_log;
pub(crate) mod entry;
pub(crate) mod entry_meta;
pub(crate) mod index;
pub(crate) mod linked_arena;
pub(crate) mod lock_free;
pub(crate) mod maxsize;
pub(crate) mod place;
pub mod policy;
mod publishing;
pub(crate) mod read_stripes;
pub(crate) mod removal_cause;
pub(crate) mod removed;
pub(crate) mod sampling;
mod self_sizing;
pub(crate) mod types;
mod unbounded;

pub(crate) use candidates::Candidates;
pub(crate) use change_log::{Epoch, Superseded};
pub(crate) use entry::{Entry, EntryOf};
pub(crate) use entry_meta::EntryMeta;
pub(crate) use maxsize::MaxSize;
pub(crate) use place::Place;
pub(crate) use policy::{Lru, Policy};
pub(crate) use removal_cause::RemovalCause;
pub(crate) use types::CacheTypes;

use crate::insight::Sampler;
use crate::key::KeyHash;
use crate::observe::leading_policy::LeadingPolicy;
use crate::store::place::FastInsert;
use crate::store::removed::{ClearedStore, RemovedEntries};
use crate::store::types::Stores;

use bounded::Bounded;
pub(crate) use bounded::memory::entry_bytes;
use unbounded::Unbounded;

pub use unbounded::Table;

/// The hash table of the unbounded store of a cache.
pub(crate) type TableOf<C> = Table<<C as CacheTypes>::Key, <C as CacheTypes>::Value, <C as CacheTypes>::Meta>;

/// The entries removed from a store.
pub(crate) type Removed<C> = RemovedEntries<C, Store<C>>;

impl<C: CacheTypes> ClearedStore<C> for Store<C> {
    fn for_each(&self, mut report: impl FnMut(&C::Key, &C::Value)) {
        for place in self.places() {
            let entry = self.get(place);
            report(&entry.key, &entry.value);
        }
    }
}

/// The place of an entry in its store, valid as long as the store does not change.
///
/// Entries with deadlines or weights are in a bounded store even if the capacity is unlimited; and those of a cache with a
/// sampler, because it records each use.
pub(crate) enum Store<C: CacheTypes> {
    Unbounded(Unbounded<C::Key, C::Value, C::Meta>),
    Bounded(Bounded<C>),
}

/// Evaluates an expression for the store that there is, which may differ for the two kinds.
macro_rules! either {
    ($store:expr, $this:ident => $call:expr) => {
        either!($store, $this => $call, $this => $call)
    };
    // The branches are on constants: of a store that cannot be there, nothing is compiled.
    ($store:expr, $unbounded:pat => $of_unbounded:expr, $bounded:pat => $of_bounded:expr) => {
        match $store {
            Store::Unbounded($unbounded) => {
                if Self::MAY_BE_UNBOUNDED {
                    $of_unbounded
                } else {
                    unreachable!("the store is bounded")
                }
            }
            Store::Bounded($bounded) => {
                if Self::MAY_BE_BOUNDED {
                    $of_bounded
                } else {
                    unreachable!("the store is unbounded")
                }
            }
        }
    };
}

impl<C: CacheTypes> Store<C> {
    const MAY_BE_UNBOUNDED: bool =
        C::Meta::MAY_BE_UNORDERED && !C::Policy::SAMPLES && !matches!(C::STORES, Stores::Bounded);
    const MAY_BE_BOUNDED: bool = !matches!(C::STORES, Stores::Unbounded);

    /// Creates an empty store. A disabled cache has one too, and never uses it.
    pub(crate) const fn new(maxsize: Option<usize>) -> Self {
        match maxsize {
            None if C::Meta::MAY_BE_UNORDERED && !C::Policy::SAMPLES => Self::Unbounded(Unbounded::new()),
            maxsize => Self::Bounded(Bounded::new(maxsize, C::Policy::NEW)),
        }
    }

    /// Replaces the store by an empty one of the same settings, and returns the old one to be dropped.
    pub(crate) fn take(&mut self) -> Self {
        either!(
            self,
            unbounded => Self::Unbounded(unbounded.take()),
            bounded => {
                let empty = bounded.new_like();
                Self::Bounded(core::mem::replace(bounded, empty))
            }
        )
    }

    /// Returns whether the entries are published to read stripes, in which case the store cannot be changed.
    #[inline]
    pub(crate) fn is_published(&self) -> bool {
        either!(self, unbounded => unbounded.is_published(), _ => false)
    }

    /// Returns the sampler that records the calls, if there is one.
    #[inline]
    pub(crate) fn sampler(&self) -> Option<&Sampler> {
        either!(self, _ => None, bounded => bounded.policy.sampler())
    }

    /// Returns which of several policies chooses the victims, if there are several.
    pub(crate) fn leading_policy(&self) -> Option<LeadingPolicy> {
        either!(self, _ => None, bounded => bounded.policy.leading())
    }

    /// Collects the hits and misses that were counted without the lock since the last time.
    pub(crate) fn take_counts(&self) -> (u64, u64) {
        either!(self, unbounded => (unbounded.take_hits(), 0), bounded => bounded.take_counts())
    }

    /// Revokes the entries from the read stripes, and returns the hits that they have counted.
    pub(crate) fn revoke(&mut self) -> u64 {
        either!(self, unbounded => unbounded.revoke(), _ => 0)
    }

    pub(crate) fn len(&self) -> usize {
        either!(self, store => store.len())
    }

    /// Returns the weight of all entries, which is their number if they have no weights.
    pub(crate) fn weight(&self) -> usize {
        either!(self, unbounded => unbounded.len(), bounded => bounded.weight())
    }

    /// Returns whether the store has a capacity, which may be changed.
    pub(crate) fn is_bounded(&self) -> bool {
        either!(self, _ => false, _ => true)
    }

    /// Returns the capacity; `None` if the store is unbounded.
    pub(crate) fn maxsize(&self) -> Option<usize> {
        either!(self, _ => None, bounded => bounded.maxsize())
    }

    /// Returns whether an entry with this metadata can be stored at all.
    #[inline]
    pub(crate) fn has_room_for(&self, meta: &C::Meta) -> bool {
        either!(self, _ => true, bounded => bounded.has_room_for(meta))
    }

    /// Finds the entry with this hash whose key `matches`.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
    ) -> Option<(Place, &Entry<C>)> {
        either!(self, store => store.find(hash, matches))
    }

    /// Reads the entry with this hash whose key `matches`, and marks it as just used. `matches` may call the
    /// cache and hide the entry: `may_serve` returns whether it is still there, and may be served.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn read<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        may_serve: impl Fn(&dyn Fn() -> Option<Place>, &C::Meta) -> bool,
        read: impl FnOnce(&Entry<C>) -> R,
    ) -> Option<R> {
        either!(
            self,
            unbounded => {
                let entry = unbounded.find_entry(hash, matches)?;
                if !may_serve(&|| unbounded.place_of(entry), &entry.meta) {
                    return None;
                }
                Some(read(entry))
            },
            bounded => {
                let (place, entry) = bounded.find(hash, matches)?;
                if !may_serve(&|| Some(place), &entry.meta) {
                    return None;
                }
                let value = read(entry);
                bounded.hit(place, hash, &entry.meta);
                Some(value)
            }
        )
    }

    /// Like [`read`](Self::read), where no user code is called. Whether an entry is served takes a longer check only if it
    /// is not sure.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn read_checked<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        is_surely_served: impl Fn(&C::Meta) -> bool,
        may_serve: impl Fn(&C::Meta) -> bool,
        read: impl FnOnce(&Entry<C>) -> R,
    ) -> Option<R> {
        either!(
            self,
            unbounded => {
                let entry = unbounded.find_entry(hash, matches)?;
                (is_surely_served(&entry.meta) || may_serve(&entry.meta)).then(|| read(entry))
            },
            bounded => {
                let (place, entry) = bounded.find(hash, matches)?;
                // Apart: after a longer check, the compiler reads again what that might have changed.
                if is_surely_served(&entry.meta) {
                    let value = read(entry);
                    bounded.hit(place, hash, &entry.meta);
                    return Some(value);
                }
                if !may_serve(&entry.meta) {
                    return None;
                }
                let value = read(entry);
                bounded.hit(place, hash, &entry.meta);
                Some(value)
            }
        )
    }

    pub(crate) fn get(&self, place: Place) -> &Entry<C> {
        either!(self, store => store.get(place))
    }

    /// Returns the places of all entries, from least to most recently used if the store keeps an order.
    pub(crate) fn places(&self) -> Vec<Place> {
        either!(self, store => store.places().collect())
    }

    /// Inserts an entry as the most recent one. Its key must not be stored, and there must be room for it.
    #[inline]
    pub(crate) fn insert(&mut self, entry: Entry<C>, removed: &mut Removed<C>) {
        let stored = sampling::Stored::of(&entry);
        either!(self, unbounded => unbounded.insert(entry), bounded => bounded.insert(entry, removed));
        stored.note(self.sampler());
    }

    /// Inserts an entry whose key is not stored, and returns the evicted entry.
    ///
    /// # Errors
    ///
    /// Returns `entry` if the victim depends on entry metadata, or if there is no victim although the store
    /// is full ([`Store::insert`] handles both); and if the entries are published to read stripes.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn insert_fast(&mut self, entry: Entry<C>) -> FastInsert<C> {
        either!(
            self,
            unbounded => unbounded.insert_fast(entry).map(|()| None),
            bounded => {
                let stored = sampling::Stored::of(&entry);
                let evicted = bounded.insert_fast(entry)?;
                stored.note(bounded.policy.sampler());
                Ok(evicted)
            }
        )
    }

    /// Like [`insert_fast`](Self::insert_fast), if no stored key is the `same`: that of an entry with the same hash.
    ///
    /// # Errors
    ///
    /// As those of `insert_fast`, and if the key is stored.
    #[inline]
    pub(crate) fn insert_if_missing(
        &mut self,
        entry: Entry<C>,
        same: impl Fn(&C::Key, &C::Key) -> bool,
    ) -> FastInsert<C> {
        either!(
            self,
            unbounded => unbounded.insert_if_missing(entry, same).map(|()| None),
            bounded => {
                if bounded.find(entry.hash, |stored| same(stored, &entry.key)).is_some() {
                    return Err(entry);
                }
                self.insert_fast(entry)
            }
        )
    }

    /// Replaces the value of a stored key and makes the entry the most recent one. The old key stays; the new
    /// key is removed with the old value.
    pub(crate) fn replace(&mut self, place: Place, entry: Entry<C>, removed: &mut Removed<C>) {
        let stored = sampling::Stored::of(&entry);
        either!(
            self,
            unbounded => removed.push_replaced(unbounded.replace(place, entry)),
            bounded => bounded.replace(place, entry, removed)
        );
        stored.note(self.sampler());
    }

    /// Removes an entry for another reason than lack of room.
    pub(crate) fn remove(&mut self, place: Place) -> Entry<C> {
        let entry = either!(self, store => store.remove(place));
        sampling::gone(self.sampler(), entry)
    }

    /// Removes entries that have expired by `now`, while there are `steps` left: one for each entry.
    #[inline]
    pub(crate) fn expire(&mut self, now: u64, steps: &mut usize, removed: &mut Removed<C>) {
        either!(self, _ => {}, bounded => bounded.expire(now, steps, removed));
    }

    /// Looks at one more entry, and removes it if it is not served any more.
    pub(crate) fn look(&mut self) -> Option<Entry<C>> {
        let gone = either!(self, store => store.look())?;
        Some(sampling::gone(self.sampler(), gone))
    }

    /// Removes the next victim; `None` if the store keeps no order.
    pub(crate) fn pop_victim(&mut self) -> Option<(Place, Entry<C>)> {
        either!(self, _ => None, bounded => bounded.pop_victim())
    }

    /// Returns whether an entry must be evicted to insert one with this metadata in place of `replaced`.
    pub(crate) fn lacks_room(&self, meta: &C::Meta, replaced: Option<Place>) -> bool {
        either!(self, _ => false, bounded => bounded.lacks_room(meta, replaced))
    }

    /// Returns whether the entries exceed this capacity.
    pub(crate) fn exceeds(&self, maxsize: Option<usize>) -> bool {
        either!(self, _ => false, bounded => maxsize.is_some_and(|maxsize| bounded.exceeds(maxsize)))
    }

    /// Returns the place of the entry that the user chose among the candidates of the policy.
    pub(crate) fn chosen(
        &self,
        choose: impl FnOnce(&Candidates<'_, C::Key>) -> Option<usize>,
    ) -> Option<Place> {
        either!(self, _ => None, bounded => bounded.chosen(choose))
    }

    /// Sets the eviction policy of an empty store.
    pub(crate) fn set_policy(&mut self, policy: C::Policy) {
        either!(self, _ => {}, bounded => bounded.set_policy(policy));
    }

    /// Makes the entry at `place` the next victim.
    pub(crate) fn choose(&mut self, place: Place) {
        either!(self, _ => {}, bounded => bounded.choose(place));
    }

    /// Sets the capacity, and evicts the entries that exceed it. A cache that has set its own capacity does so no more.
    pub(crate) fn resize(&mut self, maxsize: Option<usize>, removed: &mut Removed<C>) {
        self.set_bounds(None);
        either!(self, _ => {}, bounded => bounded.resize(maxsize, removed));
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn validate(&self) {
        either!(self, _ => {}, bounded => bounded.validate());
    }
}
