//! What of a function's result is remembered, decided by the result's type.
//!
//! A `Result` under any name keeps its `Ok` value alone, so that the error needs no trait and may
//! even borrow. Everything else is a plain value and kept whole. An option can have it otherwise:
//! errors are kept too when the first choice is passed over, and [`Present`] leaves `None` out.
//!
//! The choice is made twice, by the same bounds. For a value, [`Returns`] is called through as many
//! references as there are choices, which works in generic functions too. For the type of what a
//! `static` keeps, an inherent constant of [`Is`] shadows the constant of the same name that the
//! trait [`Otherwise`] gives to every type.

use core::any::Any;
use core::fmt;
use core::marker::PhantomData;
use std::boxed::Box;

use crate::key::sharing::{Boxes, BoxesOf, Keeps, Shared, Takes};

/// A way to remember results of type `R`.
pub trait ResultPolicy<R>: Copy {
    /// What lies in the cache.
    type Kept;
    /// The same, with its own type.
    type Value;

    /// The result that a hit returns: a copy of what is kept.
    fn answer(self, kept: &Self::Kept) -> R;

    /// A copy of what is to be kept; `None` where the result is not to be remembered.
    fn kept(self, result: &R) -> Option<Self::Kept>;

    /// What is to be kept; `None` where the result is not to be remembered.
    fn into_kept(self, result: R) -> Option<Self::Kept>;

    /// What of the result is the value, to be weighed and the like.
    fn value(self, result: &R) -> Option<&Self::Value>;

    /// Whether the result says that the function failed.
    fn is_error(self, result: &R) -> bool;

    /// Whether the result is to be remembered.
    fn keeps(self, _result: &R) -> bool {
        true
    }

    /// The result of which this is the value.
    fn of_value(self, value: Self::Value) -> R;
}

/// The whole result is kept.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl<R: Clone> ResultPolicy<R> for Plain {
    type Kept = R;
    type Value = R;

    #[inline]
    fn value(self, result: &R) -> Option<&R> {
        Some(result)
    }

    #[inline]
    fn is_error(self, _: &R) -> bool {
        false
    }

    fn of_value(self, value: R) -> R {
        value
    }

    #[inline]
    fn answer(self, kept: &R) -> R {
        kept.clone()
    }

    #[inline]
    fn kept(self, result: &R) -> Option<R> {
        Some(result.clone())
    }

    #[inline]
    fn into_kept(self, result: R) -> Option<R> {
        Some(result)
    }
}

/// The whole of a `Result` is kept.
#[derive(Clone, Copy, Debug)]
pub struct WholeResult;

impl<T, E> ResultPolicy<Result<T, E>> for WholeResult
where
    Result<T, E>: Clone,
{
    type Kept = Result<T, E>;
    type Value = Result<T, E>;

    #[inline]
    fn value(self, result: &Result<T, E>) -> Option<&Result<T, E>> {
        Some(result)
    }

    #[inline]
    fn is_error(self, result: &Result<T, E>) -> bool {
        result.is_err()
    }

    fn of_value(self, value: Result<T, E>) -> Result<T, E> {
        value
    }

    #[inline]
    fn answer(self, kept: &Result<T, E>) -> Result<T, E> {
        kept.clone()
    }

    #[inline]
    fn kept(self, result: &Result<T, E>) -> Option<Result<T, E>> {
        Some(result.clone())
    }

    #[inline]
    fn into_kept(self, result: Result<T, E>) -> Option<Result<T, E>> {
        Some(result)
    }
}

/// Of a `Result`, the `Ok` value is kept; an `Err` is not remembered.
#[derive(Clone, Copy, Debug)]
pub struct Fallible;

impl<T: Clone, E> ResultPolicy<Result<T, E>> for Fallible {
    type Kept = T;
    type Value = T;

    #[inline]
    fn keeps(self, result: &Result<T, E>) -> bool {
        result.is_ok()
    }

    #[inline]
    fn value(self, result: &Result<T, E>) -> Option<&T> {
        result.as_ref().ok()
    }

    #[inline]
    fn is_error(self, result: &Result<T, E>) -> bool {
        result.is_err()
    }

    fn of_value(self, value: T) -> Result<T, E> {
        Ok(value)
    }

    #[inline]
    fn answer(self, kept: &T) -> Result<T, E> {
        Ok(kept.clone())
    }

    #[inline]
    fn kept(self, result: &Result<T, E>) -> Option<T> {
        result.as_ref().ok().cloned()
    }

    #[inline]
    fn into_kept(self, result: Result<T, E>) -> Option<T> {
        result.ok()
    }
}

/// What may be `None`.
pub trait MaybeNone {
    /// Whether it is.
    fn is_none(&self) -> bool;
}

impl<T> MaybeNone for Option<T> {
    #[inline]
    fn is_none(&self) -> bool {
        self.is_none()
    }
}

impl<T, E> MaybeNone for Result<Option<T>, E> {
    #[inline]
    fn is_none(&self) -> bool {
        matches!(self, Ok(None))
    }
}

/// As `O` has it, but `None` is not remembered.
#[derive(Clone, Copy, Debug)]
pub struct Present<O>(O);

impl<R: MaybeNone, O: ResultPolicy<R>> ResultPolicy<R> for Present<O> {
    type Kept = O::Kept;
    type Value = O::Value;

    #[inline]
    fn value(self, result: &R) -> Option<&O::Value> {
        self.0.value(result)
    }

    #[inline]
    fn is_error(self, result: &R) -> bool {
        self.0.is_error(result)
    }

    fn keeps(self, result: &R) -> bool {
        !result.is_none() && self.0.keeps(result)
    }

    fn of_value(self, value: O::Value) -> R {
        self.0.of_value(value)
    }

    #[inline]
    fn answer(self, kept: &O::Kept) -> R {
        self.0.answer(kept)
    }

    #[inline]
    fn kept(self, result: &R) -> Option<O::Kept> {
        if result.is_none() { None } else { self.0.kept(result) }
    }

    #[inline]
    fn into_kept(self, result: R) -> Option<O::Kept> {
        if result.is_none() { None } else { self.0.into_kept(result) }
    }
}

/// What is kept where a `static` can't name its type, since it depends on a generic parameter.
pub struct Unnamed<S: Boxes = Shared>(Box<S::Any>);

impl<S: Boxes> fmt::Debug for Unnamed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// As `O` has it, kept [`Unnamed`] where a cache is `S`.
#[derive(Clone, Copy, Debug)]
pub struct WithoutName<O, S>(pub O, pub S);

impl<R, O: ResultPolicy<R, Kept: 'static>, S: BoxesOf<O::Kept>> ResultPolicy<R> for WithoutName<O, S> {
    type Kept = Unnamed<S>;
    type Value = O::Value;

    #[inline]
    fn value(self, result: &R) -> Option<&O::Value> {
        self.0.value(result)
    }

    #[inline]
    fn is_error(self, result: &R) -> bool {
        self.0.is_error(result)
    }

    fn keeps(self, result: &R) -> bool {
        self.0.keeps(result)
    }

    fn of_value(self, value: O::Value) -> R {
        self.0.of_value(value)
    }

    #[inline]
    fn answer(self, kept: &Unnamed<S>) -> R {
        let kept = S::any(&kept.0).downcast_ref().expect("an entry answers to the types it was made with");
        self.0.answer(kept)
    }

    #[inline]
    fn kept(self, result: &R) -> Option<Unnamed<S>> {
        self.0.kept(result).map(|kept| Unnamed(S::boxed(kept)))
    }

    #[inline]
    fn into_kept(self, result: R) -> Option<Unnamed<S>> {
        self.0.into_kept(result).map(|kept| Unnamed(S::boxed(kept)))
    }
}

/// Stands for a result that can't be remembered, so that the one error about it is the only one.
#[derive(Clone, Copy, Debug)]
pub struct Refused;

impl<R> ResultPolicy<R> for Refused {
    type Kept = Self;
    type Value = Self;

    fn value(self, _: &R) -> Option<&Self> {
        None
    }

    fn is_error(self, _: &R) -> bool {
        false
    }

    fn of_value(self, _: Self) -> R {
        unreachable!("nothing is kept")
    }

    fn answer(self, _: &Self) -> R {
        unreachable!("nothing is kept")
    }

    fn kept(self, _: &R) -> Option<Self> {
        None
    }

    fn into_kept(self, _: R) -> Option<Self> {
        None
    }
}

/// A result's type, whose [`ResultPolicy`] is to be chosen, for a cache that is `S`:
/// [`Shared`], [`Thread`](crate::key::Thread) or [`Local`](crate::key::Local).
#[derive(Debug)]
pub struct Returns<R, S>(PhantomData<fn() -> R>, PhantomData<S>);

impl<R, S> Returns<R, S> {
    /// The only one.
    pub const NEW: Self = Self(PhantomData, PhantomData);
}

/// The first choice: of a `Result`, its `Ok`.
pub trait ByOk {
    /// Makes it.
    fn __outcome(&self) -> Fallible;
}

impl<T: Clone, E, S: Keeps<T>> ByOk for &&&&Returns<Result<T, E>, S> {
    #[inline]
    fn __outcome(&self) -> Fallible {
        Fallible
    }
}

/// No choice: a `Result` whose `Ok` can't be kept. The bound of the method says so.
pub trait RefusedOk<T> {
    /// Asks for what the `Ok` is not.
    fn __outcome<Nobody>(&self) -> Refused
    where
        T: Clone + Kept<Nobody>;
}

impl<T, E, S> RefusedOk<T> for &&&Returns<Result<T, E>, S> {
    fn __outcome<Nobody>(&self) -> Refused
    where
        T: Clone + Kept<Nobody>,
    {
        Refused
    }
}

/// The second choice: the whole. One reference further down than it need be: what begins here must
/// not come upon [`RefusedOk`] by the one reference that the compiler adds.
pub trait ByWhole {
    /// Makes it.
    fn __outcome(&self) -> Plain;
}

impl<R: Clone, S: Keeps<R>> ByWhole for &Returns<R, S> {
    #[inline]
    fn __outcome(&self) -> Plain {
        Plain
    }
}

/// No choice: the bound of the method says so.
pub trait RefusedWhole<R> {
    /// Asks for what the result is not.
    fn __outcome<Nobody>(&self) -> Refused
    where
        R: Clone + Kept<Nobody>;
}

impl<R, S> RefusedWhole<R> for Returns<R, S> {
    fn __outcome<Nobody>(&self) -> Refused
    where
        R: Clone + Kept<Nobody>,
    {
        Refused
    }
}

/// Where errors are kept: of a `Result`, all of it.
pub trait ByResult {
    /// Makes it of what was chosen for the whole.
    fn __failing<O: Whole>(&self, whole: O) -> O::OfResult;
}

impl<T, E, S> ByResult for &Returns<Result<T, E>, S> {
    #[inline]
    fn __failing<O: Whole>(&self, whole: O) -> O::OfResult {
        whole.of_result()
    }
}

/// What may be chosen for the whole.
pub trait Whole {
    /// The same, for what is known to be a `Result`.
    type OfResult;

    /// Makes it.
    fn of_result(self) -> Self::OfResult;
}

impl Whole for Plain {
    type OfResult = WholeResult;

    fn of_result(self) -> WholeResult {
        WholeResult
    }
}

impl Whole for Refused {
    type OfResult = Self;

    fn of_result(self) -> Self {
        self
    }
}

/// Where what is kept can't be an error, or none that could be told.
pub trait WithoutResult {
    /// Leaves it as it is.
    fn __failing<O>(&self, whole: O) -> O;
}

impl<R, S> WithoutResult for Returns<R, S> {
    #[inline]
    fn __failing<O>(&self, whole: O) -> O {
        whole
    }
}

/// How those who wait for a result that is not kept come by it.
pub trait Sharing<R>: Copy {
    /// Whether it can be copied for them.
    const COPIES: bool;

    /// A copy for them; `None` where there can be none.
    fn pack(self, result: &R) -> Option<Box<dyn Any + Send + Sync>>;

    /// A copy for one of them.
    fn unpack(self, packed: &(dyn Any + Send + Sync)) -> Option<R>;
}

/// It is copied.
#[derive(Clone, Copy, Debug)]
pub struct Copied;

impl<R: Clone + Send + Sync + 'static> Sharing<R> for Copied {
    const COPIES: bool = true;

    fn pack(self, result: &R) -> Option<Box<dyn Any + Send + Sync>> {
        Some(Box::new(result.clone()))
    }

    fn unpack(self, packed: &(dyn Any + Send + Sync)) -> Option<R> {
        packed.downcast_ref().cloned()
    }
}

/// They compute for themselves, in turn.
#[derive(Clone, Copy, Debug)]
pub struct InTurn;

impl<R> Sharing<R> for InTurn {
    const COPIES: bool = false;

    fn pack(self, _: &R) -> Option<Box<dyn Any + Send + Sync>> {
        None
    }

    fn unpack(self, _: &(dyn Any + Send + Sync)) -> Option<R> {
        None
    }
}

/// Where all of a result can be copied for others.
pub trait ByCopy {
    /// Says so.
    fn __sharing(&self) -> Copied;
}

impl<R: Clone + Send + Sync + 'static, S> ByCopy for &Returns<R, S> {
    fn __sharing(&self) -> Copied {
        Copied
    }
}

/// Where it can't.
pub trait ByTurns {
    /// Says so.
    fn __sharing(&self) -> InTurn;
}

impl<R, S> ByTurns for Returns<R, S> {
    fn __sharing(&self) -> InTurn {
        InTurn
    }
}

/// Where `None` may be left out: of an `Option`, also inside a `Result`.
pub trait ByPresence {
    /// Makes it.
    fn __present<O>(&self, outcome: O) -> Present<O>;
}

impl<R: MaybeNone, S> ByPresence for &Returns<R, S> {
    #[inline]
    fn __present<O>(&self, outcome: O) -> Present<O> {
        Present(outcome)
    }
}

/// Where there is no `None`.
pub trait WithoutPresence {
    /// Leaves it as it is.
    fn __present<O>(&self, outcome: O) -> O;
}

impl<R, S> WithoutPresence for Returns<R, S> {
    #[inline]
    fn __present<O>(&self, outcome: O) -> O {
        outcome
    }
}

/// The traits among which [`Returns`] chooses, to be imported nameless.
pub(crate) mod choices {
    pub use super::{
        ByCopy as _, ByOk as _, ByPresence as _, ByResult as _, ByTurns as _, ByWhole as _, RefusedOk as _,
        RefusedWhole as _, WithoutPresence as _, WithoutResult as _,
    };
}

/// Asks about a type. Not for bounds: for constants that are decided where the type is known.
#[derive(Debug)]
pub struct Is<T: ?Sized, S>(PhantomData<S>, PhantomData<T>);

/// The answer of [`Is`] where its own constants do not apply.
pub trait Otherwise {
    /// Is it a `Result`?
    const __RESULT: bool = false;
    /// Can it be copied out of the cache, for any thread?
    const __SHARED: bool = false;
    /// Is it a `Result` whose `Ok` can be?
    const __SHARED_OK: bool = false;
}

impl<T: ?Sized, S> Otherwise for Is<T, S> {}

impl<T, E, S> Is<Result<T, E>, S> {
    /// It is a `Result`.
    pub const __RESULT: bool = true;
}

impl<T: Clone, S: Takes<T>> Is<T, S> {
    /// It can be copied out of the cache, for any thread.
    pub const __SHARED: bool = true;
}

impl<T: Clone, E, S: Takes<T>> Is<Result<T, E>, S> {
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

/// What is kept of a type that is of this `KIND`.
pub trait Returned<const KIND: u8> {
    /// What lies in the cache.
    type Kept;
}

impl<R> Returned<PLAIN> for R {
    type Kept = R;
}

impl<T, E> Returned<FALLIBLE> for Result<T, E> {
    type Kept = T;
}

impl<R> Returned<REFUSED> for R {
    type Kept = Refused;
}

impl<T, E> Returned<REFUSED_OK> for Result<T, E> {
    type Kept = Refused;
}

/// What can lie in a cache that all threads share.
///
/// Where it is asked for, `Nobody` is left open: a bound with a gap in it the compiler does not
/// propose to the user, who has no use for one that names this trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached: the cache is shared between threads",
    label = "a result must be `Send + Sync + 'static`",
    note = "where it depends on a type parameter, that needs the bounds: `T: Send + Sync + 'static`",
    note = "where each thread may have results of its own, write `scope = thread`: then `'static` suffices"
)]
pub trait Kept<Nobody> {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static, Nobody> Kept<Nobody> for T {}

/// What [`Returned`] says of a result's type: with `whole`, as if it were no `Result`.
#[doc(hidden)]
#[macro_export]
macro_rules! __returned {
    ($type:ty, $scope:ident, $what:ident) => {
        $crate::__returned!(
            $type,
            $scope,
            $what,
            $crate::__private::outcome::Is::<$type, $crate::__private::$scope>::__RESULT
        )
    };
    ($type:ty, $scope:ident, $what:ident, $is_result:expr) => {
        <$type as $crate::__private::outcome::Returned<
            {
                use $crate::__private::outcome::Otherwise as _;
                $crate::__private::outcome::kind(
                    $is_result,
                    $crate::__private::outcome::Is::<$type, $crate::__private::$scope>::__SHARED,
                    $crate::__private::outcome::Is::<$type, $crate::__private::$scope>::__SHARED_OK,
                )
            },
        >>::$what
    };
}

/// The type of what is kept of a result's type; [`Refused`] where it can't be remembered.
#[macro_export]
macro_rules! kept {
    ($type:ty) => {
        $crate::kept!($type, in Shared)
    };
    ($type:ty, whole) => {
        $crate::kept!($type, whole in Shared)
    };
    ($type:ty, in $scope:ident) => {
        $crate::__returned!($type, $scope, Kept)
    };
    ($type:ty, whole in $scope:ident) => {
        $crate::__returned!($type, $scope, Kept, false)
    };
}
