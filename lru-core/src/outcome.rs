//! What of a function's result is remembered, decided by the result's type.
//!
//! A `Result` under any name keeps its `Ok` value alone, so that the error needs no trait and may
//! even borrow. Everything else is a plain value and kept whole. The choice is made where the type
//! is known, by [`outcome!`](crate::outcome!): an inherent constant of [`Is`] shadows the constant
//! of the same name that the trait [`Otherwise`] gives to every type, if its bounds are met.

use core::marker::PhantomData;

/// A way to remember results.
pub trait Outcome {
    /// What lies in the cache.
    type Kept: Clone;
}

/// Turns results of type `R` into what is kept, and back.
pub trait Outcomes<R>: Outcome {
    /// The result that a hit returns.
    fn answer(kept: Self::Kept) -> R;

    /// A copy of what is to be kept; `None` where the result is not to be remembered.
    fn kept(result: &R) -> Option<Self::Kept>;

    /// What is to be kept; `None` where the result is not to be remembered.
    fn into_kept(result: R) -> Option<Self::Kept>;
}

/// The whole result is kept.
#[derive(Debug)]
pub struct Plain<R>(PhantomData<fn() -> R>);

impl<R: Clone> Outcome for Plain<R> {
    type Kept = R;
}

impl<R: Clone> Outcomes<R> for Plain<R> {
    #[inline]
    fn answer(kept: R) -> R {
        kept
    }

    #[inline]
    fn kept(result: &R) -> Option<R> {
        Some(result.clone())
    }

    #[inline]
    fn into_kept(result: R) -> Option<R> {
        Some(result)
    }
}

/// Of a `Result`, the `Ok` value is kept; an `Err` is not remembered.
#[derive(Debug)]
pub struct Fallible<T>(PhantomData<fn() -> T>);

impl<T: Clone> Outcome for Fallible<T> {
    type Kept = T;
}

impl<T: Clone, E> Outcomes<Result<T, E>> for Fallible<T> {
    #[inline]
    fn answer(kept: T) -> Result<T, E> {
        Ok(kept)
    }

    #[inline]
    fn kept(result: &Result<T, E>) -> Option<T> {
        result.as_ref().ok().cloned()
    }

    #[inline]
    fn into_kept(result: Result<T, E>) -> Option<T> {
        result.ok()
    }
}

/// Stands for a result that can't be remembered, so that the one error about it is the only one.
#[derive(Debug)]
pub struct Refused;

impl Outcome for Refused {
    type Kept = ();
}

impl<R> Outcomes<R> for Refused {
    fn answer((): ()) -> R {
        unreachable!("nothing is kept")
    }

    fn kept(_: &R) -> Option<()> {
        None
    }

    fn into_kept(_: R) -> Option<()> {
        None
    }
}

/// Asks about a type. Not for bounds: for constants that are decided where the type is known.
#[derive(Debug)]
pub struct Is<T: ?Sized>(PhantomData<T>);

/// The answer of [`Is`] where its own constants do not apply.
pub trait Otherwise {
    /// Is it a `Result`?
    const __RESULT: bool = false;
    /// Can it be copied out of the cache, for any thread?
    const __SHARED: bool = false;
    /// Is it a `Result` whose `Ok` can be?
    const __SHARED_OK: bool = false;
}

impl<T: ?Sized> Otherwise for Is<T> {}

impl<T, E> Is<Result<T, E>> {
    /// It is a `Result`.
    pub const __RESULT: bool = true;
}

impl<T: Clone + Send + Sync> Is<T> {
    /// It can be copied out of the cache, for any thread.
    pub const __SHARED: bool = true;
}

impl<T: Clone + Send + Sync, E> Is<Result<T, E>> {
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

/// Which of the four a type is, from what [`Is`] says of it.
#[must_use]
pub const fn kind(result: bool, shared: bool, shared_ok: bool) -> u8 {
    match (result, shared, shared_ok) {
        (true, _, true) => FALLIBLE,
        (true, _, false) => REFUSED_OK,
        (false, true, _) => PLAIN,
        (false, false, _) => REFUSED,
    }
}

/// The [`Outcome`] of a type that is of this `KIND`.
pub trait Returned<const KIND: u8> {
    /// What is kept, and how.
    type Outcome: Outcome;
    /// What must be `Clone + Send + Sync`.
    type Remembered;
}

impl<R: Clone> Returned<PLAIN> for R {
    type Outcome = Plain<R>;
    type Remembered = R;
}

impl<T: Clone, E> Returned<FALLIBLE> for Result<T, E> {
    type Outcome = Fallible<T>;
    type Remembered = T;
}

impl<R> Returned<REFUSED> for R {
    type Outcome = Refused;
    type Remembered = R;
}

impl<T, E> Returned<REFUSED_OK> for Result<T, E> {
    type Outcome = Refused;
    type Remembered = T;
}

/// What can lie in a cache that all threads share.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached: the cache is shared between threads",
    label = "a result must be `Send + Sync + 'static`"
)]
pub trait Shared {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Shared for T {}

/// Asks of a result's type what remembering it takes: the compiler says what is missing.
pub const fn remembered<T: Clone + Shared>() {}

/// What [`Returned`] says of a result's type.
#[doc(hidden)]
#[macro_export]
macro_rules! __returned {
    ($type:ty, $what:ident) => {
        <$type as $crate::outcome::Returned<
            {
                use $crate::outcome::Otherwise as _;
                $crate::outcome::kind(
                    $crate::outcome::Is::<$type>::__RESULT,
                    $crate::outcome::Is::<$type>::__SHARED,
                    $crate::outcome::Is::<$type>::__SHARED_OK,
                )
            },
        >>::$what
    };
}

/// The [`Outcome`] of a result's type; [`Refused`] where it can't be remembered.
#[macro_export]
macro_rules! outcome {
    ($type:ty) => {
        $crate::__returned!($type, Outcome)
    };
}

/// What of a result's type must be `Clone + Send + Sync`.
#[macro_export]
macro_rules! kept {
    ($type:ty) => {
        $crate::__returned!($type, Remembered)
    };
}
