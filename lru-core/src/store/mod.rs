//! Where entries live.
//!
//! Invariant: a store finds under `&self`, where user code (`Eq`) may run and call back, and changes under
//! `&mut self`, where none runs. It knows neither threads nor statistics. What leaves it is handed
//! to the caller, who drops it when the lock is free.

mod bounded;
mod unbounded;

use crate::entry::Entry;
use crate::key::KeyHash;
use crate::maxsize::MaxSize;

use bounded::Bounded;
use unbounded::Unbounded;

/// Where an entry lies in its store, as long as the store does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

/// The two ways to store: everything, or so much and the rest by policy.
#[derive(Debug)]
pub(crate) enum Store<K, V> {
    Unbounded(Unbounded<K, V>),
    Bounded(Bounded<K, V>),
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

impl<K, V> Store<K, V> {
    /// An empty store. A disabled cache has one too, and never uses it.
    pub(crate) const fn new(maxsize: MaxSize) -> Self {
        match maxsize {
            MaxSize::Unbounded | MaxSize::Disabled => Self::Unbounded(Unbounded::new()),
            MaxSize::Bounded(maxsize) => Self::Bounded(Bounded::new(maxsize.get())),
        }
    }

    /// Leaves an empty store of the same kind, and returns what was there.
    pub(crate) fn take(&mut self) -> Self {
        let empty = match self {
            Self::Unbounded(_) => Self::Unbounded(Unbounded::new()),
            Self::Bounded(bounded) => Self::Bounded(Bounded::new(bounded.maxsize())),
        };
        core::mem::replace(self, empty)
    }

    pub(crate) fn len(&self) -> usize {
        either!(self, store => store.len())
    }

    /// Finds the entry under a key that has this hash and `matches`.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&K) -> bool,
    ) -> Option<(Place, &Entry<K, V>)> {
        either!(self, store => store.find(hash, matches))
    }

    /// A caller's lookup: reads the value under a key that has this hash and `matches`, and marks
    /// the entry as used just now. `matches` may call back and hide the entry; then it is not there.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `Calls::look`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn read<T>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&K) -> bool,
        is_hidden: impl Fn(Place) -> bool,
        read: impl FnOnce(&V) -> T,
    ) -> Option<T> {
        match self {
            Self::Unbounded(unbounded) => {
                let (place, entry) = unbounded.find(hash, matches)?;
                if is_hidden(place) {
                    return None;
                }
                Some(read(&entry.value))
            }
            Self::Bounded(bounded) => {
                let (place, entry) = bounded.find(hash, matches)?;
                if is_hidden(place) {
                    return None;
                }
                let value = read(&entry.value);
                bounded.touch(place);
                Some(value)
            }
        }
    }

    pub(crate) fn get(&self, place: Place) -> &Entry<K, V> {
        either!(self, store => store.get(place))
    }

    /// Where the entries lie: from least to most recently used, where an order is kept.
    pub(crate) fn places(&self) -> Vec<Place> {
        either!(self, store => store.places().collect())
    }

    /// Marks an entry as used just now.
    #[inline]
    pub(crate) fn touch(&self, place: Place) {
        match self {
            Self::Unbounded(_) => {}
            Self::Bounded(bounded) => bounded.touch(place),
        }
    }

    /// Adds an entry whose key is not there, as the most recent, and returns the one it evicts.
    #[inline]
    pub(crate) fn insert(&mut self, entry: Entry<K, V>) -> Option<Entry<K, V>> {
        match self {
            Self::Unbounded(unbounded) => {
                unbounded.insert(entry);
                None
            }
            Self::Bounded(bounded) => bounded.insert(entry),
        }
    }

    /// Puts another value under a key that is there, as the most recent. The old key stays; the
    /// new key comes back with the old value.
    pub(crate) fn replace(&mut self, place: Place, mut entry: Entry<K, V>) -> Entry<K, V> {
        let stored = either!(self, store => store.get_mut(place));
        core::mem::swap(&mut stored.value, &mut entry.value);
        self.touch(place);
        entry
    }

    pub(crate) fn remove(&mut self, place: Place) -> Entry<K, V> {
        either!(self, store => store.remove(place))
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn validate(&self) {
        match self {
            Self::Unbounded(_) => {}
            Self::Bounded(bounded) => bounded.validate(),
        }
    }
}
