//! One remembered result, and what is known of it.

use core::fmt;

use crate::key::KeyHash;
use crate::store::types::CacheTypes;

/// A key with its hash, the value remembered under it, and on what terms.
///
/// The hash is kept so that tables can be rebuilt without running user code. It is never zero, which
/// lets an empty slot be told without a further byte.
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
