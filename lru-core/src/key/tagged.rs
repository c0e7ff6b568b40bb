//! [`Tagged`]: keys of several functions in one cache object.

use core::hash::{Hash, Hasher};

use super::part::Part;
use crate::heap_size::HeapSize;

/// A key with the memoized function that it belongs to, for a cache object that several functions use.
///
/// Functions that use one cache object (`cache = …`) share an entry when their arguments are equal. If the key
/// type of the object is `Tagged<K>` instead of `K`, each function has entries of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tagged<K> {
    /// The path of the function, with the line and column of its attribute.
    function: &'static str,
    key: K,
}

impl<K> Tagged<K> {
    /// Returns the key: the arguments in their owned form.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Returns the path of the function, with the line and column of its attribute.
    pub fn function(&self) -> &'static str {
        self.function
    }
}

impl<K: HeapSize> HeapSize for Tagged<K> {
    const IS_FLAT: bool = K::IS_FLAT;

    fn heap_size(&self) -> usize {
        self.key.heap_size()
    }
}

/// A borrowed [`Tagged`] key.
pub struct WithTag<P> {
    pub(crate) function: &'static str,
    pub(crate) part: P,
}

impl<P: Part> Part for WithTag<P> {
    type Stored = Tagged<P::Stored>;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        self.function.hash(state);
        self.part.hash_part(state);
    }

    #[inline]
    fn eq_stored(&self, stored: &Self::Stored) -> bool {
        self.function == stored.function && self.part.eq_stored(&stored.key)
    }

    #[inline]
    fn to_stored(&self) -> Self::Stored {
        Tagged { function: self.function, key: self.part.to_stored() }
    }

    #[inline]
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool {
        one.function == other.function && P::stored_eq(&one.key, &other.key)
    }

    #[inline]
    fn eq_part(&self, other: &Self) -> bool {
        self.function == other.function && self.part.eq_part(&other.part)
    }
}
