//! Entries and their metadata.

use crate::key::KeyHash;
use crate::store::types::CacheTypes;

/// A key with its hash, the value stored for it, and the metadata of the entry.
///
/// The hash is stored so that tables can be rebuilt without running user code. It is never zero, so that an
/// empty slot is recognized without another byte. The type does not depend on the policy, so that caches with
/// different policies share the compiled code of their tables.
pub struct EntryOf<K, V, M> {
    pub(crate) hash: KeyHash,
    pub(crate) key: K,
    pub(crate) value: V,
    pub(crate) meta: M,
}

/// The entry of a cache.
pub(crate) type Entry<C> = EntryOf<<C as CacheTypes>::Key, <C as CacheTypes>::Value, <C as CacheTypes>::Meta>;
