//! Entries that are published to readers without the lock.

use std::sync::Arc;

use crate::store::lock_free::front::Front;
use crate::store::lock_free::mirror::Mirror;
use crate::store::lock_free::words::Words;
use crate::store::policy::StampedLru;
use crate::store::read_stripes::ReadStripes;
use crate::store::types::CacheTypes;
use crate::store::{Store, TableOf};

impl<C: CacheTypes> Store<C> {
    /// Copies entries to `front` from now on, if the store keeps no order.
    pub(crate) fn set_front(&mut self, front: Arc<Front>) {
        if let Self::Unbounded(unbounded) = self {
            unbounded.set_front(front);
        }
    }

    /// Publishes the entries to the current thread in `stripes`, if the store keeps no order.
    pub(crate) fn publish(&mut self, stripes: &ReadStripes<TableOf<C>>) {
        if let Self::Unbounded(unbounded) = self {
            unbounded.publish(stripes);
        }
    }
}

impl<C: CacheTypes<Policy = StampedLru>> Store<C>
where
    C::Key: Words,
    C::Value: Words,
{
    /// Publishes new and replaced entries to readers without the lock, and returns the mirror that they read, if there is
    /// one. It is made if the cache `is_used`, or has entries enough.
    #[inline]
    pub(crate) fn publish_entries(&mut self, is_used: bool) -> Option<&Arc<Mirror>> {
        match self {
            Self::Unbounded(_) => None,
            Self::Bounded(bounded) => bounded.publish(is_used),
        }
    }
}
