//! Removed entries: reported to the eviction listener and dropped after the lock is released.

use std::any::Any;
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::vec::Vec;

use crate::store::entry::Entry;
use crate::store::removal_cause::RemovalCause;
use crate::store::types::CacheTypes;

/// A store that was cleared as a whole.
pub(crate) trait ClearedStore<C: CacheTypes> {
    /// Passes each entry to `report`, from the least to the most recently used where an order is kept.
    fn for_each(&self, report: impl FnMut(&C::Key, &C::Value));
}

/// What left the store, in the order in which it did, to be told of and dropped when the lock is
/// free. Mostly this is one entry, and nothing is allocated for that.
pub(crate) struct RemovedEntries<C: CacheTypes, S> {
    first: Option<Leaver<C>>,
    rest: Option<Box<Rest<C, S>>>,
    /// Which of them the newcomer replaced.
    replaced: Option<usize>,
}

/// An entry with the cause of its removal: `None` if it was never stored.
pub(crate) struct Leaver<C: CacheTypes> {
    pub(crate) entry: Entry<C>,
    pub(crate) cause: Option<RemovalCause>,
}

struct Rest<C: CacheTypes, S> {
    more: Vec<Leaver<C>>,
    /// The store that was cleared, with all its entries.
    cleared: Option<S>,
}

impl<C: CacheTypes, S: ClearedStore<C>> RemovedEntries<C, S> {
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
    fn rest(&mut self) -> &mut Rest<C, S> {
        self.rest.get_or_insert_with(|| Box::new(Rest { more: Vec::new(), cleared: None }))
    }

    /// Adds all entries of a cleared store.
    pub(crate) fn clear(&mut self, store: S) {
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
            store.for_each(|key, value| tell(key, value, RemovalCause::Cleared));
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
