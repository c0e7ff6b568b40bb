//! [`Argument`](super::Argument) for types that are stored as they are.

/// Implements `Argument` for types that are stored as they are, with type parameters after an `@`, and hashed and compared by their own `Hash` and `Eq`.
macro_rules! plain {
    ($($(@[$($generics:tt)*])? $type:ty),* $(,)?) => { $(
        #[diagnostic::do_not_recommend]
        impl$(<$($generics)*>)? super::argument::Argument for $type {
            type Stored = Self;

            #[inline]
            fn hash_argument<H: core::hash::Hasher>(&self, state: &mut H) {
                core::hash::Hash::hash(self, state);
            }

            #[inline]
            fn eq_argument(&self, other: &Self) -> bool {
                self == other
            }

            #[inline]
            fn eq_stored(&self, stored: &Self) -> bool {
                self == stored
            }

            #[inline]
            fn to_stored(&self) -> Self {
                Clone::clone(self)
            }

            #[inline]
            fn stored_eq(one: &Self, other: &Self) -> bool {
                one == other
            }

            #[inline]
            fn as_common(&self, _: super::argument::Internal) -> Option<super::cross_type_equality::Common<'_>> {
                super::cross_type_equality::Common::recognise(self)
            }

            #[inline]
            fn hash_slice<H: core::hash::Hasher>(items: &[Self], state: &mut H, _: super::argument::Internal) {
                core::hash::Hash::hash_slice(items, state);
            }

            #[inline]
            fn eq_slice(items: &[Self], stored: &[Self], _: super::argument::Internal) -> bool {
                items == stored
            }
        }
    )* };
}
