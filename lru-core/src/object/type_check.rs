//! Checks that a function's types match those of the cache object that stores its results: for generated
//! code.
//!
//! The user writes both types, so they may differ. A key, a result policy or a test that matches is passed on
//! as it is. One that does not match is reported by one error and replaced by a stand-in that does match.
//! Method resolution selects between them, as in [`select`](crate::key::select).

use core::hash::Hasher;
use core::marker::PhantomData;

use crate::engine::{Placement, StoredKey, StoredValue};
use crate::function::call::CacheHandle;
use crate::function::call::accessors::EntryTest;
use crate::function::result_policy::{Refused, ResultPolicy};
use crate::key::by_eq::NoKey;
use crate::key::{Part, Tagged, WithTag};

/// A key part `P`, stored as `S`, for a cache whose keys are `K`.
pub struct Keyed<P, S, K> {
    part: P,
    /// Identifies the function that the key belongs to: its module path, name and position.
    function: &'static str,
    fits: PhantomData<fn(S) -> K>,
}

/// A result policy `O` of results `R`, for a cache whose values are `V`.
pub struct Valued<R, O, V>(O, PhantomData<fn(R) -> V>);

/// Returns a key for the cache that is called. `_handle` is passed for its type, and not called.
#[inline]
pub fn keyed<Q: Part, E: Placement, S>(
    _handle: impl FnOnce() -> CacheHandle<E, S>,
    function: &'static str,
    part: Q,
) -> Keyed<Q, Q::Stored, StoredKey<E>> {
    Keyed { part, function, fits: PhantomData }
}

/// Returns a result policy for the cache that is called. `_handle` is passed for its type, and not called.
#[inline]
pub fn valued<R, O: ResultPolicy<R>, E: Placement, S>(
    _handle: impl FnOnce() -> CacheHandle<E, S>,
    policy: O,
) -> Valued<R, O, StoredValue<E>> {
    Valued(policy, PhantomData)
}

/// A test of arguments and values, `Given` as a pair, for a cache of these keys and values, `Stored` as a
/// pair.
pub struct Tested<H, Given, Stored> {
    predicate: H,
    /// The function whose results are tested.
    function: &'static str,
    types: PhantomData<fn(Given, Stored)>,
}

/// A test for a cache of this placement.
type TestedIn<E, H, Given> = Tested<H, Given, (StoredKey<E>, StoredValue<E>)>;

/// Returns a test for the cache that is called. `_handle` is passed for its type, and not called.
#[inline]
pub fn tested<A, W, E: Placement, S, H>(
    _handle: impl FnOnce() -> CacheHandle<E, S>,
    function: &'static str,
    predicate: H,
) -> TestedIn<E, H, (A, W)>
where
    H: FnMut(&A, &W) -> bool,
{
    Tested { predicate, function, types: PhantomData }
}

/// A test of the entries of one function; those of other functions are retained.
pub struct OfFunction<H> {
    predicate: H,
    function: &'static str,
}

impl<K, V, H: FnMut(&K, &V) -> bool> EntryTest<Tagged<K>, V> for OfFunction<H> {
    fn accepts(&mut self, tagged: &Tagged<K>, value: &V) -> bool {
        tagged.function() != self.function || (self.predicate)(tagged.key(), value)
    }
}

/// Selected first, if the types match.
pub trait Fits {
    /// The key, result policy or test that is passed on.
    type Fit;
    /// Returns the key, result policy or test in the form that the cache takes.
    fn __fit(self) -> Self::Fit;

    /// Like [`Fits::__fit`], in an item that leaves compile errors to another.
    #[inline]
    fn __assumed_fit(self) -> Self::Fit
    where
        Self: Sized,
    {
        self.__fit()
    }
}

impl<P: Part<Stored = Key>, Key> Fits for Keyed<P, Key, Key> {
    type Fit = P;

    #[inline]
    fn __fit(self) -> P {
        self.part
    }
}

/// For a cache that separates functions, whose keys are tagged.
impl<P: Part<Stored = Key>, Key> Fits for Keyed<P, Key, Tagged<Key>> {
    type Fit = WithTag<P>;

    #[inline]
    fn __fit(self) -> WithTag<P> {
        WithTag { function: self.function, part: self.part }
    }
}

impl<R, O: ResultPolicy<R, Stored = V>, V> Fits for Valued<R, O, V> {
    type Fit = O;

    #[inline]
    fn __fit(self) -> O {
        self.0
    }
}

impl<H, A, W> Fits for Tested<H, (A, W), (A, W)> {
    type Fit = H;

    #[inline]
    fn __fit(self) -> H {
        self.predicate
    }
}

/// For a cache that separates functions: the test is applied to the entries of one function.
impl<H, A, W> Fits for Tested<H, (A, W), (Tagged<A>, W)> {
    type Fit = OfFunction<H>;

    #[inline]
    fn __fit(self) -> OfFunction<H> {
        OfFunction { predicate: self.predicate, function: self.function }
    }
}

/// Selected last, if the cache has other keys or values, such as types that cannot be shared between threads.
/// That is an error only if `cache_retain` is called.
///
/// ```compile_fail,E0080
/// use lru_core::LruCache;
/// use lru_core::__private::choices::*;
/// use lru_core::__private::tested;
///
/// let cache = LruCache::<u8, u8>::new(None);
/// let holds = |_: &u8, _: &u16| true;
/// cache.__calls().retain_tested(tested::<u8, u16, _, _, _>(|| cache.__calls(), "f", holds).__fit());
/// ```
pub trait TestDoesNotFit {
    /// Fails to compile.
    fn __fit(&self) -> NoTest;
}

impl<H, G, S> TestDoesNotFit for Tested<H, G, S> {
    fn __fit(&self) -> NoTest {
        const { panic!("the types in this cache can't be named here; call `retain` of the object itself") }
    }
}

/// A stand-in for a test of other types.
pub struct NoTest;

impl<K, V> EntryTest<K, V> for NoTest {
    fn accepts(&mut self, _: &K, _: &V) -> bool {
        true
    }
}

/// Selected last, if the cache has other keys: the bound of the method reports the error.
pub trait KeyDoesNotFit<S, K> {
    /// Has a bound that no key type of a user meets.
    #[rustfmt::skip] // on one line, which the error shows
    fn __fit<Open>(&self) -> NoFit<K> where S: KeyOf<K, Open>;
    /// Returns the stand-in, in an item that leaves compile errors to another.
    fn __assumed_fit(&self) -> NoFit<K>;
}

impl<P, S, K> KeyDoesNotFit<S, K> for Keyed<P, S, K> {
    fn __fit<Open>(&self) -> NoFit<K>
    where
        S: KeyOf<K, Open>,
    {
        NoFit(PhantomData)
    }

    fn __assumed_fit(&self) -> NoFit<K> {
        NoFit(PhantomData)
    }
}

/// Selected last, if the cache has other values: the bound of the method reports the error.
pub trait ValueDoesNotFit<S, V> {
    /// Has a bound that no result type of a user meets.
    #[rustfmt::skip] // on one line, which the error shows
    fn __fit<Open>(&self) -> NoFit<V> where S: ValueOf<V, Open>;
    /// Returns the stand-in, in an item that leaves compile errors to another.
    fn __assumed_fit(&self) -> NoFit<V>;
}

impl<R, O: ResultPolicy<R>, V> ValueDoesNotFit<O::Stored, V> for Valued<R, O, V> {
    fn __fit<Open>(&self) -> NoFit<V>
    where
        O::Stored: ValueOf<V, Open>,
    {
        NoFit(PhantomData)
    }

    fn __assumed_fit(&self) -> NoFit<V> {
        NoFit(PhantomData)
    }
}

/// The bound that reports a key of another type. Almost no type implements it, because it is required only if
/// the types differ.
///
/// `Open` is inferred, as in [`Cacheable`](crate::function::result_policy::Cacheable).
#[diagnostic::on_unimplemented(
    message = "the cache has keys of type `{K}`, and the function's are of type `{Self}`",
    label = "the keys in the cache are of type `{K}`",
    note = "one argument is a key by itself, several are a tuple, each in its owned form: `String` for `&str`"
)]
pub trait KeyOf<K, Open> {}

/// For a type that was already reported as no key.
#[diagnostic::do_not_recommend]
impl<K, Open> KeyOf<K, Open> for NoKey {}

/// Like [`KeyOf`], for values.
#[diagnostic::on_unimplemented(
    message = "the cache has results of type `{V}`, and the function's are kept as `{Self}`",
    label = "the results in the cache are of type `{V}`",
    note = "of a `Result` the `Ok` is kept, or all of it with `cache_errors = true`"
)]
pub trait ValueOf<V, Open> {}

/// For a result type that was already reported.
#[diagnostic::do_not_recommend]
impl<V, Open> ValueOf<V, Open> for Refused {}

/// A stand-in for a key or a result policy of other types.
pub struct NoFit<S>(PhantomData<fn() -> S>);

impl<S> Clone for NoFit<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for NoFit<S> {}

impl<K> Part for NoFit<K> {
    type Stored = K;

    fn hash_part<H: Hasher>(&self, _: &mut H) {}

    fn eq_stored(&self, _: &K) -> bool {
        false
    }

    fn to_stored(&self) -> K {
        unreachable!("no key is stored")
    }

    fn stored_eq(_: &K, _: &K) -> bool {
        false
    }

    fn eq_part(&self, _: &Self) -> bool {
        false
    }
}

impl<R, V> ResultPolicy<R> for NoFit<V> {
    type Stored = V;
    type Value = V;

    fn result_of(self, _: V) -> R {
        unreachable!("no result is stored")
    }

    fn value(self, _: &R) -> Option<&V> {
        None
    }

    fn copied_value(self, _: &V) -> Option<V> {
        None
    }

    fn restore(self, _: &V) -> R {
        unreachable!("no result is stored")
    }

    fn stored(self, _: &R) -> Option<V> {
        None
    }
}

/// The traits by which [`Keyed`], [`Valued`] and [`Tested`] are selected, to be imported without names.
pub(crate) mod choices {
    pub use super::{Fits as _, KeyDoesNotFit as _, TestDoesNotFit as _, ValueDoesNotFit as _};
}
