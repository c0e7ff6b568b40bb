//! Whether a call fits the cache in an object that it is to be answered by: for generated code.
//!
//! The user wrote both types, that of the cache and those of the function, so they may differ. What
//! fits passes as it is. What does not is replaced by something that fits, after the one error
//! that says so: the choice is made by method resolution, as in [`choice`](crate::key::select).

use core::hash::Hasher;
use core::marker::PhantomData;

use crate::engine::placement::{Placement, StoredKey, StoredValue};
use crate::function::call::CacheHandle;
use crate::function::result_policy::{Refused, ResultPolicy};
use crate::key::by_eq::NoKey;
use crate::key::{Part, Tagged, WithTag};

/// A key `P`, stored as `S`, for a cache whose keys are `K`.
#[derive(Debug)]
pub struct Keyed<P, S, K> {
    part: P,
    /// The function whose key it is.
    function: &'static str,
    fits: PhantomData<fn(S) -> K>,
}

/// What is kept by an outcome `O` of results `R`, for a cache whose values are `V`.
#[derive(Debug)]
pub struct Valued<R, O, V>(O, PhantomData<fn(R) -> V>);

/// A key for the cache that is called. `_calls` is there for its type, and not run.
#[inline]
pub fn keyed<Q: Part, E: Placement, S>(
    _calls: impl FnOnce() -> CacheHandle<E, S>,
    function: &'static str,
    part: Q,
) -> Keyed<Q, Q::Stored, StoredKey<E>> {
    Keyed { part, function, fits: PhantomData }
}

/// An outcome for the cache that is called. `_calls` is there for its type, and not run.
#[inline]
pub fn valued<R, O: ResultPolicy<R>, E: Placement, S>(
    _calls: impl FnOnce() -> CacheHandle<E, S>,
    outcome: O,
) -> Valued<R, O, StoredValue<E>> {
    Valued(outcome, PhantomData)
}

/// A test of arguments and values, for a cache of keys and what is kept under them.
#[derive(Debug)]
pub struct Tested<H, Arguments, Value, Key, Kept> {
    holds: H,
    /// The function whose results are tested.
    function: &'static str,
    tests: PhantomData<fn(Arguments, Value)>,
    fits: PhantomData<fn(Key, Kept)>,
}

/// A test for the cache that is called. `_calls` is there for its type, and not run.
#[inline]
pub fn tested<A, W, E: Placement, S, H>(
    _calls: impl FnOnce() -> CacheHandle<E, S>,
    function: &'static str,
    holds: H,
) -> Tested<H, A, W, StoredKey<E>, StoredValue<E>>
where
    H: FnMut(&A, &W) -> bool,
{
    Tested { holds, function, tests: PhantomData, fits: PhantomData }
}

/// Says of an entry whether it may stay.
pub trait Test<K, V> {
    /// Whether it may.
    fn holds(&mut self, key: &K, value: &V) -> bool;
}

impl<K, V, H: FnMut(&K, &V) -> bool> Test<K, V> for H {
    fn holds(&mut self, key: &K, value: &V) -> bool {
        self(key, value)
    }
}

/// A test of the entries of one function; those of others may stay.
#[derive(Debug)]
pub struct OfFunction<H> {
    holds: H,
    function: &'static str,
}

impl<K, V, H: FnMut(&K, &V) -> bool> Test<Tagged<K>, V> for OfFunction<H> {
    fn holds(&mut self, tagged: &Tagged<K>, value: &V) -> bool {
        tagged.function() != self.function || (self.holds)(tagged.key(), value)
    }
}

/// The first choice: it fits.
pub trait Fits {
    /// What it is.
    type Fit;
    /// Takes it as it is.
    fn __fit(self) -> Self::Fit;
}

impl<P: Part<Stored = Key>, Key> Fits for Keyed<P, Key, Key> {
    type Fit = P;

    #[inline]
    fn __fit(self) -> P {
        self.part
    }
}

/// The same, where functions are kept apart.
impl<P: Part<Stored = Key>, Key> Fits for Keyed<P, Key, Tagged<Key>> {
    type Fit = WithTag<P>;

    #[inline]
    fn __fit(self) -> WithTag<P> {
        WithTag { function: self.function, part: self.part }
    }
}

impl<R, O: ResultPolicy<R, Kept = V>, V> Fits for Valued<R, O, V> {
    type Fit = O;

    #[inline]
    fn __fit(self) -> O {
        self.0
    }
}

impl<H, A, W> Fits for Tested<H, A, W, A, W> {
    type Fit = H;

    #[inline]
    fn __fit(self) -> H {
        self.holds
    }
}

/// The same, where functions are kept apart.
impl<H, A, W> Fits for Tested<H, A, W, Tagged<A>, W> {
    type Fit = OfFunction<H>;

    #[inline]
    fn __fit(self) -> OfFunction<H> {
        OfFunction { holds: self.holds, function: self.function }
    }
}

/// No choice: the cache has other keys or values, as when what is in it can't be shared between
/// threads. That is no mistake until somebody asks.
///
/// ```compile_fail,E0080
/// use lru_core::LruCache;
/// use lru_core::fit::choices::*;
/// use lru_core::fit::tested;
///
/// let cache = LruCache::<u8, u8>::new(None);
/// let holds = |_: &u8, _: &u16| true;
/// cache.__calls().retain_tested(tested::<u8, u16, _, _, _, _, _, _>(|| cache.__calls(), "f", holds).__fit());
/// ```
pub trait TestDoesNotFit {
    /// Says so.
    fn __fit(&self) -> NoTest;
}

impl<H, A, W, K, V> TestDoesNotFit for Tested<H, A, W, K, V> {
    fn __fit(&self) -> NoTest {
        const { panic!("the types in this cache can't be named here; call `retain` of the object itself") }
    }
}

/// Stands for a test that does not fit.
#[derive(Debug)]
pub struct NoTest;

impl<K, V> Test<K, V> for NoTest {
    fn holds(&mut self, _: &K, _: &V) -> bool {
        true
    }
}

/// No choice: the cache has other keys. The bound of the method says so.
pub trait KeyDoesNotFit<S, K> {
    /// Asks for what the key is not.
    fn __fit<Nobody>(&self) -> NoFit<K>
    where
        S: KeyOf<K, Nobody>;
}

impl<P, S, K> KeyDoesNotFit<S, K> for Keyed<P, S, K> {
    fn __fit<Nobody>(&self) -> NoFit<K>
    where
        S: KeyOf<K, Nobody>,
    {
        NoFit(PhantomData)
    }
}

/// No choice: the cache has other values. The bound of the method says so.
pub trait ValueDoesNotFit<S, V> {
    /// Asks for what the result is not.
    fn __fit<Nobody>(&self) -> NoFit<V>
    where
        S: ValueOf<V, Nobody>;
}

impl<R, O: ResultPolicy<R>, V> ValueDoesNotFit<O::Kept, V> for Valued<R, O, V> {
    fn __fit<Nobody>(&self) -> NoFit<V>
    where
        O::Kept: ValueOf<V, Nobody>,
    {
        NoFit(PhantomData)
    }
}

/// The keys of a cache. What is one is never asked, so hardly anything is known to be one.
///
/// `Nobody` is left open, as it is in [`Cacheable`](crate::function::result_policy::Cacheable).
#[diagnostic::on_unimplemented(
    message = "the cache has keys of type `{K}`, and the function's are of type `{Self}`",
    label = "the keys in the cache are of type `{K}`",
    note = "one argument is a key by itself, several are a tuple, each in its owned form: `String` for `&str`"
)]
pub trait KeyOf<K, Nobody> {}

/// What was refused as a key already.
#[diagnostic::do_not_recommend]
impl<K, Nobody> KeyOf<K, Nobody> for NoKey {}

/// The values of a cache. What is one is never asked, so hardly anything is known to be one.
///
/// `Nobody` is left open here too.
#[diagnostic::on_unimplemented(
    message = "the cache has results of type `{V}`, and the function's are kept as `{Self}`",
    label = "the results in the cache are of type `{V}`",
    note = "of a `Result` the `Ok` is kept, or all of it with `cache_errors = true`"
)]
pub trait ValueOf<V, Nobody> {}

/// What was refused as a result already.
#[diagnostic::do_not_recommend]
impl<V, Nobody> ValueOf<V, Nobody> for Refused {}

/// Stands for what does not fit.
#[derive(Debug)]
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
        unreachable!("nothing is stored")
    }

    fn stored_eq(_: &K, _: &K) -> bool {
        false
    }

    fn eq_part(&self, _: &Self) -> bool {
        false
    }
}

impl<R, V> ResultPolicy<R> for NoFit<V> {
    type Kept = V;
    type Value = V;

    fn is_error(self, _: &R) -> bool {
        false
    }

    fn of_value(self, _: V) -> R {
        unreachable!("nothing is kept")
    }

    fn value(self, _: &R) -> Option<&V> {
        None
    }

    fn answer(self, _: &V) -> R {
        unreachable!("nothing is kept")
    }

    fn kept(self, _: &R) -> Option<V> {
        None
    }

    fn into_kept(self, _: R) -> Option<V> {
        None
    }
}

/// The traits among which [`Keyed`] and [`Valued`] choose, to be imported nameless.
pub(crate) mod choices {
    pub use super::{Fits as _, KeyDoesNotFit as _, TestDoesNotFit as _, ValueDoesNotFit as _};
}
