//! Why an entry was removed.

/// Why an entry was removed from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemovalCause {
    /// The eviction policy chose it, to make room for another entry.
    Evicted,
    /// Its time to live or its idle time was over.
    Expired,
    /// Another value was stored under its key.
    Replaced,
    /// A caller removed it: by its key, or by `retain`.
    Invalidated,
    /// The cache was cleared.
    Cleared,
}
