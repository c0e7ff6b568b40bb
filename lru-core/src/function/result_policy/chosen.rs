//! A policy that autoref selection has chosen, with the types that the error about a refused result names.

use core::marker::PhantomData;

/// The policy `P` that was selected for results of which a `T` is stored, in a cache with the marker `S`.
///
/// `Open` is `()`, and is left to inference for a stand-in, as in [`Cacheable`](super::Cacheable).
pub struct Chosen<T, S, P, Open = ()>(P, PhantomData<fn() -> T>, PhantomData<fn() -> (S, Open)>);

impl<T, S, P, Open> Chosen<T, S, P, Open> {
    #[inline]
    pub(super) fn new(policy: P) -> Self {
        Self(policy, PhantomData, PhantomData)
    }

    #[inline]
    pub(super) fn policy(self) -> P {
        self.0
    }
}
