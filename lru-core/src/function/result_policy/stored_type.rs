//! The type that a result is stored as, chosen by the type of the result as [`select`](super::select) does.

use core::marker::PhantomData;

use super::adapters::Refused;
use crate::key::sharing::Accepts;

/// Asks about a type. Not for bounds: for constants that are decided where the type is known.
#[derive(Debug)]
pub struct Probe<T: ?Sized, S>(PhantomData<S>, PhantomData<T>);

/// The answer of [`Probe`] where its own constants do not apply.
pub trait ProbeDefaults {
    /// Is it a `Result`?
    const __RESULT: bool = false;
    /// Can it be copied out of the cache, for any thread?
    const __SHARED: bool = false;
    /// Is it a `Result` whose `Ok` can be?
    const __SHARED_OK: bool = false;
}

impl<T: ?Sized, S> ProbeDefaults for Probe<T, S> {}

impl<T, E, S> Probe<Result<T, E>, S> {
    /// It is a `Result`.
    pub const __RESULT: bool = true;
}

impl<T: Clone, S: Accepts<T>> Probe<T, S> {
    /// It can be copied out of the cache, for any thread.
    pub const __SHARED: bool = true;
}

impl<T: Clone, E, S: Accepts<T>> Probe<Result<T, E>, S> {
    /// Its `Ok` can be copied out of the cache, for any thread.
    pub const __SHARED_OK: bool = true;
}

/// Neither plain nor fallible.
const REFUSED: u8 = 0;
/// A plain value.
const PLAIN: u8 = 1;
/// A `Result`.
const FALLIBLE: u8 = 2;
/// A `Result` whose `Ok` can't be copied.
const REFUSED_OK: u8 = 3;

/// Which of the four a type is, from what [`Probe`] says of it.
#[must_use]
pub const fn kind(result: bool, shared: bool, shared_ok: bool) -> u8 {
    match (result, shared, shared_ok) {
        (true, _, true) => FALLIBLE,
        (true, _, false) => REFUSED_OK,
        (false, true, _) => PLAIN,
        (false, false, _) => REFUSED,
    }
}

/// What is kept of a type that is of this `KIND`.
pub trait StoredAs<const KIND: u8> {
    /// What lies in the cache.
    type Kept;
}

impl<R> StoredAs<PLAIN> for R {
    type Kept = R;
}

impl<T, E> StoredAs<FALLIBLE> for Result<T, E> {
    type Kept = T;
}

impl<R> StoredAs<REFUSED> for R {
    type Kept = Refused;
}

impl<T, E> StoredAs<REFUSED_OK> for Result<T, E> {
    type Kept = Refused;
}

/// What can lie in a cache that all threads share.
///
/// Where it is asked for, `Open` is left open: a bound with a gap in it the compiler does not
/// propose to the user, who has no use for one that names this trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached: the cache is shared between threads",
    label = "a result must be `Send + Sync + 'static`",
    note = "where it depends on a type parameter, that needs the bounds: `T: Send + Sync + 'static`",
    note = "where each thread may have results of its own, write `scope = thread`: then `'static` suffices"
)]
pub trait Cacheable<Open> {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static, Open> Cacheable<Open> for T {}

/// What [`StoredAs`] says of a result's type: with `whole`, as if it were no `Result`.
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
        <$type as $crate::__private::result_policy::StoredAs<
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

/// The type of what is kept of a result's type; [`Refused`] where it can't be remembered.
#[macro_export]
macro_rules! stored_result {
    ($type:ty) => {
        $crate::stored_result!($type, in Shared)
    };
    ($type:ty, whole) => {
        $crate::stored_result!($type, whole in Shared)
    };
    ($type:ty, in $scope:ident) => {
        $crate::__stored_result!($type, $scope, Kept)
    };
    ($type:ty, whole in $scope:ident) => {
        $crate::__stored_result!($type, $scope, Kept, false)
    };
}
