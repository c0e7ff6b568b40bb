//! Entries and their metadata.

use core::fmt;

use crate::key::KeyHash;
use crate::store::types::CacheTypes;

/// A key with its hash, the value stored for it, and the metadata of the entry.
///
/// The hash is stored so that tables can be rebuilt without running user code. It is never zero, so that an
/// empty slot is recognized without another byte.
pub struct Entry<C: CacheTypes> {
    pub(crate) hash: KeyHash,
    pub(crate) key: C::Key,
    pub(crate) value: C::Value,
    pub(crate) term: C::Meta,
}

impl<C: CacheTypes> fmt::Debug for Entry<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("hash", &self.hash).finish_non_exhaustive()
    }
}
