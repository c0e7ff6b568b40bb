//! Cached properties: a value that is computed once for each object, and kept in a lazy field of the object.
//!
//! A call returns the kept value. Without one it computes, and keeps the result unless another call has kept one
//! meanwhile. The computation runs without a lock, so it may call the property again; it keeps nothing if it fails,
//! panics or is dropped.

#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

/// A field that keeps the value of a cached property.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot keep the value of a cached property",
    label = "declare the field as a `OnceLock<T>`",
    note = "`std::sync::OnceLock<T>` or, in an object that stays on one thread, `std::cell::OnceCell<T>`; an `async fn` may have a `tokio::sync::OnceCell<T>`"
)]
pub trait LazyField {
    type Value;

    /// Returns the kept value.
    fn value(&self) -> Option<&Self::Value>;

    /// Keeps a value unless there is one, and returns the kept one.
    fn keep(&self, value: Self::Value) -> &Self::Value;
}

/// A field that keeps the value of a cached property whose computation is asynchronous.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot keep the value of an `async` cached property",
    label = "declare the field as a `OnceLock<T>`",
    note = "`std::sync::OnceLock<T>` or `std::cell::OnceCell<T>`; with the feature `tokio` also `tokio::sync::OnceCell<T>`, which computes once for concurrent calls"
)]
pub trait AsyncLazyField {
    type Value;

    /// Returns the kept value, or awaits the computation and keeps its value. An `Err` is returned and not kept.
    fn value_or_compute<E>(
        &self,
        compute: impl Future<Output = Result<Self::Value, E>>,
    ) -> impl Future<Output = Result<&Self::Value, E>>;
}

/// Implements both traits for a cell of the standard library.
macro_rules! cells {
    ($($Cell:ident)+) => {$(
        #[diagnostic::do_not_recommend]
        impl<T> LazyField for $Cell<T> {
            type Value = T;

            #[inline]
            fn value(&self) -> Option<&T> {
                self.get()
            }

            #[inline]
            fn keep(&self, value: T) -> &T {
                self.get_or_init(|| value)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T> AsyncLazyField for $Cell<T> {
            type Value = T;

            async fn value_or_compute<E>(&self, compute: impl Future<Output = Result<T, E>>) -> Result<&T, E> {
                match self.get() {
                    Some(value) => Ok(value),
                    None => Ok(self.keep(compute.await?)),
                }
            }
        }
    )+};
}

cells! { OnceLock OnceCell }

/// Implements both traits for a pointer to a field.
macro_rules! pointers {
    ($($Pointer:ty)+) => {$(
        #[diagnostic::do_not_recommend]
        impl<L: LazyField + ?Sized> LazyField for $Pointer {
            type Value = L::Value;

            #[inline]
            fn value(&self) -> Option<&L::Value> {
                (**self).value()
            }

            #[inline]
            fn keep(&self, value: L::Value) -> &L::Value {
                (**self).keep(value)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<L: AsyncLazyField + ?Sized> AsyncLazyField for $Pointer {
            type Value = L::Value;

            fn value_or_compute<E>(
                &self,
                compute: impl Future<Output = Result<L::Value, E>>,
            ) -> impl Future<Output = Result<&L::Value, E>> {
                (**self).value_or_compute(compute)
            }
        }
    )+};
}

pointers! { &L Box<L> Rc<L> Arc<L> }

/// Concurrent calls compute once: the others wait, and one of them takes over from a computation that fails.
#[cfg(feature = "tokio")]
#[diagnostic::do_not_recommend]
impl<T> AsyncLazyField for tokio::sync::OnceCell<T> {
    type Value = T;

    fn value_or_compute<E>(
        &self,
        compute: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<&T, E>> {
        self.get_or_try_init(|| compute)
    }
}

/// Returns the kept value, or computes and keeps it.
#[inline]
pub fn property<L: LazyField + ?Sized>(field: &L, compute: impl FnOnce() -> L::Value) -> &L::Value {
    match field.value() {
        Some(value) => value,
        None => field.keep(compute()),
    }
}

/// Returns the kept value, or computes it, and keeps it unless it is an `Err`.
///
/// # Errors
///
/// If the computation fails.
#[inline]
pub fn try_property<L: LazyField + ?Sized, E>(
    field: &L,
    compute: impl FnOnce() -> Result<L::Value, E>,
) -> Result<&L::Value, E> {
    match field.value() {
        Some(value) => Ok(value),
        None => Ok(field.keep(compute()?)),
    }
}

/// Returns the kept value, or awaits the computation and keeps its value.
pub async fn property_async<L: AsyncLazyField + ?Sized>(
    field: &L,
    compute: impl Future<Output = L::Value>,
) -> &L::Value {
    let computed = async { Ok::<_, std::convert::Infallible>(compute.await) };
    match field.value_or_compute(computed).await {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// Returns the kept value, or awaits the computation, and keeps its value unless it is an `Err`.
///
/// # Errors
///
/// If the computation fails.
pub async fn try_property_async<L: AsyncLazyField + ?Sized, E>(
    field: &L,
    compute: impl Future<Output = Result<L::Value, E>>,
) -> Result<&L::Value, E> {
    field.value_or_compute(compute).await
}

/// Returns no value, of the type that the field keeps: it tells the type of an asynchronous computation.
#[inline]
pub fn none_for<L: AsyncLazyField + ?Sized>(_: &L) -> Option<L::Value> {
    None
}

/// Like [`none_for`], for a computation that may fail.
#[inline]
pub fn no_result_for<L: AsyncLazyField + ?Sized, E>(_: &L) -> Option<Result<L::Value, E>> {
    None
}

/// A value of which a cached property can return a clone.
#[diagnostic::on_unimplemented(
    message = "a cached property that returns `{Self}` by value returns clones of it, and it is not `Clone`",
    label = "return a reference, as in `-> &{Self}`, or derive `Clone`"
)]
pub trait ReturnedByValue: Sized {
    #[doc(hidden)]
    fn __another(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> ReturnedByValue for T {
    #[inline]
    fn __another(&self) -> Self {
        self.clone()
    }
}

/// Returns a clone of the kept value.
#[inline]
pub fn by_value<T: ReturnedByValue>(value: &T) -> T {
    value.__another()
}
