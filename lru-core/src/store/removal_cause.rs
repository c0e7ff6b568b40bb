//! Why an entry was removed.

/// The cause for which an entry was removed from the cache, as passed to the eviction listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemovalCause {
    /// The eviction policy evicted the entry, because the cache exceeded its capacity.
    Evicted,
    /// The time to live or the time to idle of the entry had passed.
    Expired,
    /// The value was replaced by another one for the same key.
    Replaced,
    /// The entry was removed by its key, by `retain`, or because it changed in the backend; or it was found invalid, because one
    /// of its tags, or a result that it was computed from, was invalidated.
    Invalidated,
    /// The cache was cleared, or all copies of backend entries were dropped.
    Cleared,
}
