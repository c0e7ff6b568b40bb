//! The place of an entry in its store, and the outcome of an insert.

use crate::store::entry::Entry;

/// The place of an entry, valid as long as the store does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(pub(super) usize);

/// The outcome of the fast path of an insert: the evicted entry, if any, or the entry that was not inserted.
pub(crate) type FastInsert<C> = Result<Option<Entry<C>>, Entry<C>>;
