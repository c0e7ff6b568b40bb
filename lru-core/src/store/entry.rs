//! One remembered result, and what is known of it.

use crate::key::KeyHash;

/// A key with its hash, the value remembered under it, and on what terms.
///
/// The hash is kept so that tables can be rebuilt without running user code. It is never zero, which
/// lets an empty slot be told without a further byte.
#[derive(Debug)]
pub(crate) struct Entry<K, V, T = ()> {
    pub(crate) hash: KeyHash,
    pub(crate) key: K,
    pub(crate) value: V,
    pub(crate) term: T,
}
