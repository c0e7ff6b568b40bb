//! Removed entries and the causes of their removal.

use std::any::Any;
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::vec::Vec;

use crate::store::Store;
use crate::store::entry::Entry;
use crate::store::types::CacheTypes;

/// The reason for which an entry was removed from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemovalCause {
    /// The entry was evicted to make room for another.
    Evicted,
    /// The entry expired.
    Expired,
    /// The value was replaced by another one for the same key.
    Replaced,
    /// The entry was removed by its key, or by `retain`.
    Invalidated,
    /// The cache was cleared.
    Cleared,
}

/// The entries that were removed from the store, in the order of removal, to be reported and dropped after
/// the lock is released. In most cases there is one, which needs no allocation.
pub(crate) struct Removed<C: CacheTypes> {
    first: Option<Leaver<C>>,
    rest: Option<Box<Rest<C>>>,
    /// The number of the entry that the inserted one replaced.
    replaced: Option<usize>,
}

/// An entry with the cause of its removal: `None` if it was never stored.
pub(crate) struct Leaver<C: CacheTypes> {
    pub(crate) entry: Entry<C>,
    pub(crate) cause: Option<RemovalCause>,
}

struct Rest<C: CacheTypes> {
    more: Vec<Leaver<C>>,
    /// The store that was cleared, with all its entries.
    cleared: Option<Store<C>>,
}

impl<C: CacheTypes> Removed<C> {
    #[inline]
    pub(crate) const fn none() -> Self {
        Self { first: None, rest: None, replaced: None }
    }

    /// Adds a removed entry that is reported.
    #[inline]
    pub(crate) fn push(&mut self, entry: Entry<C>, cause: RemovalCause) {
        self.add(Leaver { entry, cause: Some(cause) });
    }

    /// Adds the entry that the inserted one replaced.
    pub(crate) fn replace(&mut self, entry: Entry<C>) {
        let more = self.rest.as_ref().map_or(0, |rest| rest.more.len());
        self.replaced = Some(usize::from(self.first.is_some()) + more);
        self.push(entry, RemovalCause::Replaced);
    }

    /// Adds a rejected entry, which is dropped and not reported.
    #[inline]
    pub(crate) fn refuse(&mut self, entry: Entry<C>) {
        self.add(Leaver { entry, cause: None });
    }

    #[inline]
    fn add(&mut self, leaver: Leaver<C>) {
        if self.first.is_none() {
            self.first = Some(leaver);
        } else {
            self.rest().more.push(leaver);
        }
    }

    #[cold]
    fn rest(&mut self) -> &mut Rest<C> {
        self.rest.get_or_insert_with(|| Box::new(Rest { more: Vec::new(), cleared: None }))
    }

    /// Adds all entries of a cleared store.
    pub(crate) fn clear(&mut self, store: Store<C>) {
        self.rest().cleared = Some(store);
    }

    pub(crate) fn append(&mut self, others: Self) {
        let Self { first, rest, replaced: _ } = others;
        let (more, cleared) = rest.map_or_else(Default::default, |rest| (rest.more, rest.cleared));
        for leaver in first.into_iter().chain(more) {
            self.add(leaver);
        }
        // At most one of the two has a cleared store with entries: after a clear, the store is empty.
        if let Some(cleared) = cleared {
            self.clear(cleared);
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.rest.is_none()
    }

    /// Returns the number of entries removed for this reason, without those of a cleared store.
    pub(crate) fn count(&self, reason: RemovalCause) -> u64 {
        let rest = self.rest.iter().flat_map(|rest| &rest.more);
        let leavers = self.first.iter().chain(rest).filter(|leaver| leaver.cause == Some(reason));
        leavers.map(|_| 1).sum()
    }

    /// Calls `whom` for each removed entry, and then for one that was `taken` out. A panic of one call does
    /// not skip the others; the first panic is returned.
    pub(crate) fn tell(
        &self,
        taken: Option<(&C::Key, &C::Value, RemovalCause)>,
        whom: impl Fn(&C::Key, &C::Value, RemovalCause),
    ) -> Option<Box<dyn Any + Send>> {
        let mut thrown = None;
        let mut tell = |key: &C::Key, value: &C::Value, cause| {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| whom(key, value, cause))) {
                thrown.get_or_insert(panic);
            }
        };
        let rest = self.rest.as_deref();
        for Leaver { entry, cause } in self.first.iter().chain(rest.iter().flat_map(|rest| &rest.more)) {
            if let Some(cause) = *cause {
                tell(&entry.key, &entry.value, cause);
            }
        }
        for store in rest.iter().filter_map(|rest| rest.cleared.as_ref()) {
            for place in store.places() {
                let entry = store.get(place);
                tell(&entry.key, &entry.value, RemovalCause::Cleared);
            }
        }
        if let Some((key, value, cause)) = taken {
            tell(key, value, cause);
        }
        thrown
    }

    /// Passes each entry to `to`, except those of a cleared store.
    pub(crate) fn hand_over(self, mut to: impl FnMut(Entry<C>, Option<RemovalCause>)) {
        let rest = self.rest.into_iter().flat_map(|rest| rest.more);
        for Leaver { entry, cause } in self.first.into_iter().chain(rest) {
            to(entry, cause);
        }
    }

    /// Returns whether there is a cleared store.
    pub(crate) fn are_all(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.cleared.is_some())
    }

    /// Returns the entry that the inserted one replaced, if any, and drops the others.
    pub(crate) fn into_replaced(self) -> Option<(C::Key, C::Value)> {
        let number = self.replaced?;
        let rest = self.rest.into_iter().flat_map(|rest| rest.more);
        let Leaver { entry, .. } = self.first.into_iter().chain(rest).nth(number)?;
        Some((entry.key, entry.value))
    }

    /// Returns the entries removed for this reason, and drops the others.
    pub(crate) fn only(self, cause: RemovalCause) -> impl Iterator<Item = (C::Key, C::Value)> {
        let rest = self.rest.into_iter().flat_map(|rest| rest.more);
        let leavers = self.first.into_iter().chain(rest).filter(move |leaver| leaver.cause == Some(cause));
        leavers.map(|leaver| (leaver.entry.key, leaver.entry.value))
    }
}
