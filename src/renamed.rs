//! Former names of types: code that uses them compiles, with a hint at the new name.

use crate::{CacheBuilder, CacheIter, RemovalCause, SystemClock, policy};

/// The former name of [`RemovalCause`].
#[deprecated(note = "renamed to `RemovalCause`")]
pub type Cause = RemovalCause;

/// The former name of [`CacheBuilder`].
#[deprecated(note = "renamed to `CacheBuilder`")]
pub type Builder<K, V, P = policy::Lru, C = SystemClock> = CacheBuilder<K, V, P, C>;

/// The former name of [`CacheIter`].
#[deprecated(note = "renamed to `CacheIter`")]
pub type Iter<K, V> = CacheIter<K, V>;

/// The former place of [`refresh::Task`](crate::refresh::Task).
#[deprecated(note = "moved to `refresh::Task`")]
pub type Task = crate::refresh::Task;

/// Former names in the module `backend`.
pub(crate) mod backend {
    use crate::backend::Stored;
    #[cfg(feature = "backend")]
    use crate::backend::{CircuitBreaker, Sharded};

    /// The former name of [`Stored`].
    #[deprecated(note = "renamed to `Stored`, which `Stored::new(value).ttl(ttl)` makes")]
    pub type Found = Stored;

    /// The former name of [`CircuitBreaker`].
    #[cfg(feature = "backend")]
    #[deprecated(note = "renamed to `CircuitBreaker`")]
    pub type Guarded<B> = CircuitBreaker<B>;

    /// The former name of [`Sharded`].
    #[cfg(feature = "backend")]
    #[deprecated(note = "renamed to `Sharded`")]
    pub type Spread<B> = Sharded<B>;
}

#[cfg(test)]
mod tests {
    #[test]
    #[expect(deprecated, reason = "these are the former names")]
    fn former_names_are_the_present_types() {
        let cache = crate::Builder::<u64, u64>::maxsize(crate::LruCache::builder(), 2).build();
        cache.insert(1, 2);
        let mut entries: crate::Iter<u64, u64> = cache.iter();
        assert_eq!(entries.next(), Some((1, 2)));
        let found: crate::backend::Found = crate::backend::Stored::new(b"value");
        assert_eq!(found.value, b"value");
        assert_eq!(crate::Cause::Evicted, crate::RemovalCause::Evicted);
    }
}
