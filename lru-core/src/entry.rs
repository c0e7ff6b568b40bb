//! One remembered result and what we know of it.

use crate::key::KeyHash;

/// A key with its hash, and the value remembered under it.
///
/// The hash is kept so that tables can be rebuilt without running user code. It is never zero, which
/// lets an empty slot be told without a further byte.
#[derive(Debug)]
pub(crate) struct Entry<K, V> {
    pub(crate) hash: KeyHash,
    pub(crate) key: K,
    pub(crate) value: V,
}
