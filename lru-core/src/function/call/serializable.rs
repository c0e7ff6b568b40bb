//! Checks that the arguments and the result of a function with a backend can be serialized: for generated code.
//!
//! One that cannot is reported by one error, and replaced by a stand-in that can. Method resolution selects between
//! them, as in [`type_check`](crate::object::type_check).

use core::marker::PhantomData;

use serde::de::{self, DeserializeOwned};
use serde::ser;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::function::result_policy::{Refused, ResultPolicy};

/// An argument as a part of the key in a backend.
pub struct RemoteKey<'a, T: ?Sized>(pub &'a T);

/// What is passed to the backend for a type `T`: an argument or a policy of that type, or a stand-in.
///
/// `Open` is `()`, and is left to inference for a stand-in: the compiler does not suggest a bound with an inferred parameter
/// to the user, who could not write one that names a trait of this crate.
pub struct Passed<T: ?Sized, A, Open = ()>(A, PhantomData<fn(&T) -> Open>);

impl<T: ?Sized, A, Open> Passed<T, A, Open> {
    #[inline]
    pub(super) fn new(passed: A) -> Self {
        Self(passed, PhantomData)
    }

    #[inline]
    pub(super) fn passed(self) -> A {
        self.0
    }
}

/// Selected first, if the argument can be serialized.
pub trait KeyIsSerialized<'a, T: ?Sized> {
    /// Returns the argument.
    fn __passed(&self) -> Passed<T, &'a T>;
    /// Returns the argument, in an item that leaves compile errors to another.
    fn __assumed_passed(&self) -> &'a T;
}

impl<'a, T: Serialize + ?Sized> KeyIsSerialized<'a, T> for &RemoteKey<'a, T> {
    #[inline]
    fn __passed(&self) -> Passed<T, &'a T> {
        Passed::new(self.0)
    }

    #[inline]
    fn __assumed_passed(&self) -> &'a T {
        self.0
    }
}

/// Selected last.
pub trait KeyIsNotSerialized<T: ?Sized> {
    /// Returns a stand-in.
    fn __passed<Open>(&self) -> Passed<T, NotSerialized, Open>;
    /// Returns a stand-in, in an item that leaves compile errors to another.
    fn __assumed_passed(&self) -> NotSerialized;
}

impl<T: ?Sized> KeyIsNotSerialized<T> for RemoteKey<'_, T> {
    fn __passed<Open>(&self) -> Passed<T, NotSerialized, Open> {
        Passed::new(NotSerialized)
    }

    fn __assumed_passed(&self) -> NotSerialized {
        NotSerialized
    }
}

/// A result policy `O` of results `R` that a backend stores.
pub struct RemoteResult<R, O>(O, PhantomData<fn() -> R>);

/// Returns the policy for the selection.
#[inline]
pub fn remote_result<R, O: ResultPolicy<R>>(policy: O) -> RemoteResult<R, O> {
    RemoteResult(policy, PhantomData)
}

/// Selected first, if the result can be serialized and deserialized.
pub trait ResultIsSerialized<O, V> {
    /// Returns the policy.
    fn __passed(&self) -> Passed<V, O>;
    /// Returns the policy, in an item that leaves compile errors to another.
    fn __assumed_passed(&self) -> O;
}

impl<R, O, V: Serialize + DeserializeOwned> ResultIsSerialized<O, V> for &RemoteResult<R, O>
where
    O: ResultPolicy<R, Value = V>,
{
    #[inline]
    fn __passed(&self) -> Passed<V, O> {
        Passed::new(self.0)
    }

    #[inline]
    fn __assumed_passed(&self) -> O {
        self.0
    }
}

/// Selected last.
pub trait ResultIsNotSerialized<O, V> {
    /// Returns a stand-in.
    fn __passed<Open>(&self) -> Passed<V, OnlyInProcess<O>, Open>;
    /// Returns a stand-in, in an item that leaves compile errors to another.
    fn __assumed_passed(&self) -> OnlyInProcess<O>;
}

impl<R, O: ResultPolicy<R>> ResultIsNotSerialized<O, O::Value> for RemoteResult<R, O> {
    fn __passed<Open>(&self) -> Passed<O::Value, OnlyInProcess<O>, Open> {
        Passed::new(OnlyInProcess(self.0))
    }

    fn __assumed_passed(&self) -> OnlyInProcess<O> {
        OnlyInProcess(self.0)
    }
}

/// The bound that reports an argument. It is the one of a trait on its own method, so the error shows no code of this
/// crate.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a function with a backend",
    label = "an argument must be `serde::Serialize`: it is the key in the backend",
    note = "derive `serde::Serialize`, with the feature `derive` of `serde`; bound a type parameter: `T: serde::Serialize`; or leave the parameter out of the key: `#[key(skip)]`"
)]
pub trait ArgumentInBackend<Open> {
    /// Returns what is passed.
    #[inline]
    fn __allow<A>(passed: Passed<Self, A, Open>) -> A {
        passed.0
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized, Open> ArgumentInBackend<Open> for T {}

/// Like [`ArgumentInBackend`], for results.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a result of a function with a backend",
    label = "a result must be `serde::Serialize` and `serde::Deserialize`: the backend stores it as bytes",
    note = "derive both, with the feature `derive` of `serde`; bound a type parameter: `T: serde::Serialize + serde::de::DeserializeOwned`"
)]
pub trait ResultInBackend<Open>: Sized {
    /// Returns the policy.
    #[inline]
    fn __allow<A>(passed: Passed<Self, A, Open>) -> A {
        passed.0
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned, Open> ResultInBackend<Open> for T {}

/// A stand-in for an argument that cannot be serialized.
#[derive(Clone, Copy, Debug)]
pub struct NotSerialized;

/// A stand-in for the policy of a result that cannot be serialized.
#[derive(Clone, Copy, Debug)]
pub struct OnlyInProcess<O>(O);

impl<R, O: ResultPolicy<R>> ResultPolicy<R> for OnlyInProcess<O> {
    type Stored = O::Stored;
    type Value = NotSerialized;

    fn restore(self, stored: &O::Stored) -> R {
        self.0.restore(stored)
    }

    fn stored(self, result: &R) -> Option<O::Stored> {
        self.0.stored(result)
    }

    fn value(self, _: &R) -> Option<&NotSerialized> {
        None
    }

    fn copied_value(self, _: &O::Stored) -> Option<NotSerialized> {
        None
    }

    fn result_of(self, _: NotSerialized) -> R {
        unreachable!("no result is read from the backend")
    }
}

/// Makes a stand-in meet the bounds of what a backend stores. None is ever stored.
macro_rules! stand_ins {
    ($($StandIn:ty)+) => {$(
        impl Serialize for $StandIn {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(ser::Error::custom("its type cannot be serialized"))
            }
        }

        impl<'de> Deserialize<'de> for $StandIn {
            fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                Err(de::Error::custom("its type cannot be deserialized"))
            }
        }
    )+};
}

stand_ins! { NotSerialized Refused }

/// The traits of the selection, for import without names.
pub(crate) mod choices {
    pub use super::{
        KeyIsNotSerialized as _, KeyIsSerialized as _, ResultIsNotSerialized as _, ResultIsSerialized as _,
    };
}
