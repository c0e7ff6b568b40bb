//! Keys of several functions in one cache, kept apart.

use core::hash::{Hash, Hasher};

use super::part::Part;

/// A key, and the function whose arguments it is.
///
/// Functions whose results lie in one object by `cache = …` share its entries where their arguments
/// are equal. Where the keys of the object are `Tagged<K>` instead of `K`, they don't.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tagged<K> {
    /// The path of the function, and where it stands.
    function: &'static str,
    key: K,
}

impl<K> Tagged<K> {
    /// The arguments.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The path of the function, and the line and column of its attribute.
    pub fn function(&self) -> &'static str {
        self.function
    }
}

/// A part that is the whole key of a function among others.
#[derive(Debug)]
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
