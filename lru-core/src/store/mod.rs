//! Where entries live.
//!
//! Invariant: a store finds under `&self`, where user code (`Eq`) may run and call back, and changes under
//! `&mut self`, where none runs. It knows neither threads nor statistics. What leaves it is handed
//! to the caller, who drops it when the lock is free.

pub(crate) mod arena;
mod bounded;
pub(crate) mod candidates;
pub(crate) mod change_log;
pub(crate) mod entry;
pub(crate) mod entry_meta;
pub(crate) mod index;
pub(crate) mod maxsize;
pub(crate) mod place;
pub mod policy;
pub(crate) mod read_stripes;
pub(crate) mod removal_cause;
pub(crate) mod removed;
pub(crate) mod types;
mod unbounded;

use crate::key::KeyHash;
use crate::store::candidates::Candidates;
use crate::store::entry::Entry;
use crate::store::entry_meta::EntryMeta;
use crate::store::place::{Brought, Place};
use crate::store::policy::Policy;
use crate::store::read_stripes::ReadStripes;
use crate::store::removed::{ClearedStore, RemovedEntries};
use crate::store::types::CacheTypes;

use bounded::Bounded;
use unbounded::Unbounded;

pub use unbounded::Table;

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

impl<C: CacheTypes<Meta = ()>> Store<C> {
    /// Lends the entries to the current thread, by way of `readers`, where no order is kept.
    pub(crate) fn lend(&mut self, readers: &ReadStripes<Table<C>>) {
        if let Self::Unbounded(unbounded) = self {
            unbounded.lend(readers);
        }
    }
}

/// The two ways to store: everything, or so much and the rest by policy.
///
/// What has terms lies in the second even where there is no bound: it may have to leave in time.
pub(crate) enum Store<C: CacheTypes> {
    Unbounded(Unbounded<C>),
    Bounded(Bounded<C>),
}

/// Calls the same method on whichever store it is.
macro_rules! either {
    ($store:expr, $this:ident => $call:expr) => {
        match $store {
            Store::Unbounded($this) => $call,
            Store::Bounded($this) => $call,
        }
    };
}

impl<C: CacheTypes> Store<C> {
    /// An empty store. A disabled cache has one too, and never uses it.
    pub(crate) const fn new(maxsize: Option<usize>) -> Self {
        match maxsize {
            None if C::Meta::IS_BARE => Self::Unbounded(Unbounded::new()),
            None => Self::Bounded(Bounded::new(usize::MAX, C::Policy::NEW)),
            Some(maxsize) => Self::Bounded(Bounded::new(maxsize, C::Policy::NEW)),
        }
    }

    /// Leaves an empty store of the same kind, and returns what has to be dropped.
    pub(crate) fn take(&mut self) -> Self {
        match self {
            Self::Unbounded(unbounded) => Self::Unbounded(unbounded.take()),
            Self::Bounded(bounded) => {
                let empty = bounded.another();
                Self::Bounded(core::mem::replace(bounded, empty))
            }
        }
    }

    /// Whether others can read the entries as well: then it can't be changed.
    #[inline]
    pub(crate) fn is_lent(&self) -> bool {
        matches!(self, Self::Unbounded(unbounded) if unbounded.is_lent())
    }

    /// Hits that readers counted of what is lent to them, since they were last asked for.
    pub(crate) fn take_hits(&self) -> u64 {
        match self {
            Self::Unbounded(unbounded) => unbounded.take_hits(),
            Self::Bounded(_) => 0,
        }
    }

    /// Ends that entries are lent, and returns such hits.
    pub(crate) fn take_back(&mut self) -> u64 {
        match self {
            Self::Unbounded(unbounded) => unbounded.take_back(),
            Self::Bounded(_) => 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        either!(self, store => store.len())
    }

    /// What all entries weigh: as many as there are, unless they have weights.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Unbounded(unbounded) => unbounded.len(),
            Self::Bounded(bounded) => bounded.weight(),
        }
    }

    /// The bound; `None` where there is none.
    pub(crate) fn maxsize(&self) -> Option<usize> {
        match self {
            Self::Unbounded(_) => None,
            Self::Bounded(bounded) => {
                Some(bounded.maxsize()).filter(|&maxsize| maxsize < usize::MAX || C::Meta::IS_BARE)
            }
        }
    }

    /// Whether an entry on these terms can be kept at all.
    #[inline]
    pub(crate) fn has_room_for(&self, term: &C::Meta) -> bool {
        match self {
            Self::Unbounded(_) => true,
            Self::Bounded(bounded) => bounded.has_room_for(term),
        }
    }

    /// Finds the entry under a key that has this hash and `matches`.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
    ) -> Option<(Place, &Entry<C>)> {
        either!(self, store => store.find(hash, matches))
    }

    /// A caller's lookup: reads the entry under a key that has this hash and `matches`, and marks
    /// the entry as used just now. `matches` may call back and hide the entry: `is_there` tells, and whether
    /// it is live.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn read<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        is_there: impl Fn(&dyn Fn() -> Option<Place>, &C::Meta) -> bool,
        read: impl FnOnce(&Entry<C>) -> R,
    ) -> Option<R> {
        match self {
            Self::Unbounded(unbounded) => {
                let entry = unbounded.find_entry(hash, matches)?;
                if !is_there(&|| unbounded.place_of(entry), &entry.term) {
                    return None;
                }
                Some(read(entry))
            }
            Self::Bounded(bounded) => {
                let (place, entry) = bounded.find(hash, matches)?;
                if !is_there(&|| Some(place), &entry.term) {
                    return None;
                }
                let value = read(entry);
                bounded.touch(place);
                Some(value)
            }
        }
    }

    pub(crate) fn get(&self, place: Place) -> &Entry<C> {
        either!(self, store => store.get(place))
    }

    /// Where the entries lie: from least to most recently used, where an order is kept.
    pub(crate) fn places(&self) -> Vec<Place> {
        either!(self, store => store.places().collect())
    }

    /// Adds an entry that there is room for, and whose key is not there, as the most recent.
    #[inline]
    pub(crate) fn insert(&mut self, entry: Entry<C>, leavers: &mut Removed<C>) {
        match self {
            Self::Unbounded(unbounded) => unbounded.insert(entry),
            Self::Bounded(bounded) => bounded.insert(entry, leavers),
        }
    }

    /// Adds an entry whose key is not there, and returns the one it evicts.
    ///
    /// # Errors
    ///
    /// Gives it back where what must leave depends on its terms, and where none does though there is no room:
    /// [`Store::insert`] sees to that; and where the entries are lent.
    #[cfg_attr(
        not(debug_assertions),
        expect(clippy::inline_always, reason = "see `Engine::insert_computed`")
    )]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn bring_in(&mut self, entry: Entry<C>) -> Brought<C> {
        match self {
            Self::Unbounded(unbounded) => unbounded.bring_in(entry).map(|()| None),
            Self::Bounded(bounded) => bounded.bring_in(entry),
        }
    }

    /// Puts another value under a key that is there, as the most recent. The old key stays; the
    /// new key leaves with the old value.
    pub(crate) fn replace(&mut self, place: Place, entry: Entry<C>, leavers: &mut Removed<C>) {
        match self {
            Self::Unbounded(unbounded) => leavers.replace(unbounded.replace(place, entry)),
            Self::Bounded(bounded) => bounded.replace(place, entry, leavers),
        }
    }

    pub(crate) fn remove(&mut self, place: Place) -> Entry<C> {
        either!(self, store => store.remove(place))
    }

    /// Takes out what has expired by `now`.
    #[inline]
    pub(crate) fn expire(&mut self, now: u64, leavers: &mut Removed<C>) {
        match self {
            Self::Unbounded(_) => {}
            Self::Bounded(bounded) => bounded.expire(now, leavers),
        }
    }

    /// Takes out the next victim; where no order is kept, there is none.
    pub(crate) fn pop_victim(&mut self) -> Option<(Place, Entry<C>)> {
        match self {
            Self::Unbounded(_) => None,
            Self::Bounded(bounded) => bounded.pop_victim(),
        }
    }

    /// Whether something must leave for an entry on these terms to come in, in place of `replaced`.
    pub(crate) fn lacks_room(&self, term: &C::Meta, replaced: Option<Place>) -> bool {
        match self {
            Self::Unbounded(_) => false,
            Self::Bounded(bounded) => bounded.lacks_room(term, replaced),
        }
    }

    /// Whether there is more than there may be.
    pub(crate) fn is_beyond(&self, maxsize: Option<usize>) -> bool {
        match self {
            Self::Unbounded(_) => false,
            Self::Bounded(bounded) => maxsize.is_some_and(|maxsize| bounded.is_beyond(maxsize)),
        }
    }

    /// Where the entry lies that the user chose among the candidates of the policy.
    pub(crate) fn chosen(
        &self,
        choose: impl FnOnce(&Candidates<'_, C::Key>) -> Option<usize>,
    ) -> Option<Place> {
        match self {
            Self::Unbounded(_) => None,
            Self::Bounded(bounded) => bounded.chosen(choose),
        }
    }

    /// Sets the policy of an empty store.
    pub(crate) fn set_policy(&mut self, policy: C::Policy) {
        if let Self::Bounded(bounded) = self {
            bounded.set_policy(policy);
        }
    }

    /// Makes this entry the next victim.
    pub(crate) fn choose(&mut self, place: Place) {
        if let Self::Bounded(bounded) = self {
            bounded.choose(place);
        }
    }

    /// Sets another bound, and evicts what is beyond it.
    pub(crate) fn resize(&mut self, maxsize: Option<usize>, leavers: &mut Removed<C>) {
        if let Self::Bounded(bounded) = self {
            bounded.resize(maxsize.unwrap_or(usize::MAX), leavers);
        }
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn validate(&self) {
        match self {
            Self::Unbounded(_) => {}
            Self::Bounded(bounded) => bounded.validate(),
        }
    }
}
