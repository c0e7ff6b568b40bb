//! The type that a result is stored as. Used by generated code.
//!
//! Makes the same choice as [`select`](super::select), in a type: an inherent constant of [`Probe`] exists where its
//! bounds are met, and shadows the constant of the same name that [`ProbeDefaults`] gives to every type.

use core::marker::PhantomData;

use super::chosen::Chosen;
use super::refused::Refused;
use crate::key::sharing::{Accepts, Stores};

/// Tells by constants which bounds a concrete type meets, for a cache with the marker `S`.
pub struct Probe<T: ?Sized, S>(PhantomData<S>, PhantomData<T>);

/// The constants of [`Probe`] for types that do not meet the bounds.
pub trait ProbeDefaults {
    /// Whether the type is a `Result`.
    const __RESULT: bool = false;
    /// Whether the type can be cloned out of the cache on any thread that has access.
    const __SHARED: bool = false;
    /// Whether the type is a `Result` with such an `Ok` type.
    const __SHARED_OK: bool = false;
}

impl<T: ?Sized, S> ProbeDefaults for Probe<T, S> {}

impl<T, E, S> Probe<Result<T, E>, S> {
    /// The type is a `Result`.
    pub const __RESULT: bool = true;
}

impl<T: Clone, S: Accepts<T>> Probe<T, S> {
    /// The type can be cloned out of the cache.
    pub const __SHARED: bool = true;
}

impl<T: Clone, E, S: Accepts<T>> Probe<Result<T, E>, S> {
    /// The `Ok` type can be cloned out of the cache.
    pub const __SHARED_OK: bool = true;
}

/// A result that cannot be stored.
const REFUSED: u8 = 0;
/// A plain value.
const PLAIN: u8 = 1;
/// A `Result`.
const FALLIBLE: u8 = 2;
/// A `Result` whose `Ok` value cannot be stored.
const REFUSED_OK: u8 = 3;

/// Returns the kind of a type, from the constants of [`Probe`].
pub const fn kind(result: bool, shared: bool, shared_ok: bool) -> u8 {
    match (result, shared, shared_ok) {
        (true, _, true) => FALLIBLE,
        (true, _, false) => REFUSED_OK,
        (false, true, _) => PLAIN,
        (false, false, _) => REFUSED,
    }
}

/// Maps a result type of this `KIND` to its stored type.
pub trait StoredAs<const KIND: u8> {
    /// The stored type.
    type Stored;
}

impl<R> StoredAs<PLAIN> for R {
    type Stored = R;
}

impl<T, E> StoredAs<FALLIBLE> for Result<T, E> {
    type Stored = T;
}

impl<R> StoredAs<REFUSED> for R {
    type Stored = Refused;
}

impl<T, E> StoredAs<REFUSED_OK> for Result<T, E> {
    type Stored = Refused;
}

/// Types of which a hit can return a clone.
///
/// The unmet bound is the one of a trait on its own method, so the error shows no code of this crate. `Open` is as in
/// [`Cacheable`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached: it is not `Clone`",
    label = "a hit returns a clone: derive `Clone`, or return an `Arc` of it",
    note = "a type parameter is bounded by `T: Clone`; with `cache_errors = true` the error is cloned too"
)]
pub trait Cloneable<Open>: Sized {
    /// Returns the policy.
    #[inline]
    fn __allow<S, P>(chosen: Chosen<Self, S, P, Open>) -> Chosen<Self, S, P, Open> {
        chosen
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone, Open> Cloneable<Open> for T {}

/// Types that can be stored in a cache with the marker `S`.
///
/// The parameter `Open` is left to inference for a type that is refused. The compiler does not suggest a bound with an
/// inferred parameter to the user, who could not write one that names this trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached: the cache is shared between threads",
    label = "a result must be `Send + Sync + 'static`",
    note = "if the result depends on a type parameter, add the bounds `T: Send + Sync + 'static`",
    note = "with `scope = thread`, each thread has a cache of its own and `'static` is sufficient"
)]
pub trait Cacheable<S, Open>: Sized {
    /// Returns the policy.
    #[inline]
    fn __allow<P>(chosen: Chosen<Self, S, P, Open>) -> P {
        chosen.policy()
    }
}

#[diagnostic::do_not_recommend]
impl<T, S: Stores<T>, Open> Cacheable<S, Open> for T {}

/// Implemented by no type: the error about a function that returns a future under another name.
///
/// `Open` is inferred, as in [`Cacheable`].
#[diagnostic::on_unimplemented(
    message = "the future `{Self}` cannot be cached, only its output",
    label = "the attribute does not recognise this type as a future",
    note = "write `async fn`, or as the return type `Pin<Box<dyn Future<Output = …> + Send + '_>>`, `BoxFuture<'_, …>` or `impl Future<Output = …>`"
)]
pub trait CachedOutput<Open> {}

/// The result of [`StoredAs`] for the type of a result; with `false`, as if the type were no `Result`.
#[doc(hidden)]
#[macro_export]
macro_rules! __stored_result {
    ($type:ty, $scope:ident, $what:ident) => {
        $crate::__stored_result!(
            $type,
            $scope,
            $what,
            $crate::__private::result_policy::Probe::<$type, $crate::__private::$scope>::__RESULT
        )
    };
    ($type:ty, $scope:ident, $what:ident, $is_result:expr) => {
        $crate::__stored_result!($type, as $type, $scope, $what, $is_result)
    };
    ($written:ty, as $type:ty, $scope:ident, $what:ident, $is_result:expr) => {
        <$written as $crate::__private::result_policy::StoredAs<
            {
                use $crate::__private::result_policy::ProbeDefaults as _;
                $crate::__private::result_policy::kind(
                    $is_result,
                    $crate::__private::result_policy::Probe::<$type, $crate::__private::$scope>::__SHARED,
                    $crate::__private::result_policy::Probe::<$type, $crate::__private::$scope>::__SHARED_OK,
                )
            },
        >>::$what
    };
}

/// The stored type of a result type; [`Refused`] if it cannot be stored.
#[macro_export]
macro_rules! stored_result {
    ($type:ty) => {
        $crate::stored_result!($type, in Shared)
    };
    ($type:ty, whole) => {
        $crate::stored_result!($type, whole in Shared)
    };
    ($type:ty, in $scope:ident) => {
        $crate::__stored_result!($type, $scope, Stored)
    };
    ($type:ty, whole in $scope:ident) => {
        $crate::__stored_result!($type, $scope, Stored, false)
    };
    // A constant may not name lifetimes: `$type` has `'static` where `$written` has those of its function.
    ($written:ty, as $type:ty, in $scope:ident) => {
        $crate::__stored_result!(
            $written,
            as $type,
            $scope,
            Stored,
            $crate::__private::result_policy::Probe::<$type, $crate::__private::$scope>::__RESULT
        )
    };
    ($written:ty, as $type:ty, whole in $scope:ident) => {
        $crate::__stored_result!($written, as $type, $scope, Stored, false)
    };
}
