//! Callback-free types: types whose `Hash`, `Eq` and `Clone` run code of the standard library only.
//!
//! With callback-free arguments and results, no code of the user runs while the lock of the cache is held, so
//! a non-reentrant mutex is sufficient. [`callback_free!`](crate::callback_free) decides it at compile time.
//! Types of the user are never callback-free, even with derived traits.

use core::cmp::Ordering;
use core::ffi::CStr;
use core::marker::PhantomData;
use core::num::NonZero;
use core::time::Duration;
use std::any::TypeId;
use std::borrow::{Cow, ToOwned};
use std::boxed::Box;
use std::ffi::{CString, OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::{Path, PathBuf};
use std::string::String;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::{Instant, SystemTime};
use std::vec::Vec;

use crate::store::lock_free::words::Words;

/// A callback-free type: comparisons and clones of its values run no user code.
pub trait CallbackFree {}

/// A stored result whose clones run no user code.
pub trait CallbackFreeResult {}

impl<T: CallbackFree> CallbackFreeResult for T {}
/// Cloning an `Arc` does not clone its contents.
impl<T: ?Sized> CallbackFreeResult for Arc<T> {}

macro_rules! callback_free {
    ($($type:ty),* $(,)?) => { $(
        impl CallbackFree for $type {}
    )* };
}

callback_free! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, (),
    NonZero<u8>, NonZero<u16>, NonZero<u32>, NonZero<u64>, NonZero<u128>, NonZero<usize>,
    NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<i64>, NonZero<i128>, NonZero<isize>,
    str, String, Path, PathBuf, OsStr, OsString, CStr, CString,
    Ordering, Duration, Instant, SystemTime, TypeId, ThreadId,
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6,
}

impl<T: ?Sized + CallbackFree> CallbackFree for &T {}
impl<T: ?Sized + CallbackFree> CallbackFree for Box<T> {}
impl<T: ?Sized + ToOwned<Owned: CallbackFree> + CallbackFree> CallbackFree for Cow<'_, T> {}
impl<T: CallbackFree> CallbackFree for [T] {}
impl<T: CallbackFree, const N: usize> CallbackFree for [T; N] {}
impl<T: CallbackFree> CallbackFree for Vec<T> {}
impl<T: CallbackFree> CallbackFree for Option<T> {}
impl<T: CallbackFree, E: CallbackFree> CallbackFree for Result<T, E> {}

macro_rules! tuples {
    ($first:ident $($other:ident)*) => {
        impl<$first: CallbackFree, $($other: CallbackFree,)*> CallbackFree for ($first, $($other,)*) {}
        tuples! { $($other)* }
    };
    () => {};
}

tuples! { A B C D E F G H I J K L }

/// Has a constant that is true if the type of an argument is callback-free.
pub struct ArgumentProbe<T: ?Sized>(PhantomData<T>);

/// Has a constant that is true if clones of a stored result run no user code.
pub struct ResultProbe<T: ?Sized>(PhantomData<T>);

/// Has a constant with the number of words of plain data.
pub struct WordProbe<T>(PhantomData<T>);

/// The constants of the probes for types that do not meet the bounds.
pub trait ProbeDefaults {
    /// Always true. It counts as a use of this trait's import if no other constant does.
    const __PROBED: bool = true;
    /// Whether the type is callback-free.
    const __CALLBACK_FREE: bool = false;
    /// The number of words, if the type is plain data.
    const __WORDS: Option<usize> = None;
}

impl<T: ?Sized> ProbeDefaults for ArgumentProbe<T> {}
impl<T: ?Sized> ProbeDefaults for ResultProbe<T> {}
impl<T> ProbeDefaults for WordProbe<T> {}

impl<T: Words> WordProbe<T> {
    /// The number of words.
    pub const __WORDS: Option<usize> = Some(T::WORDS);
}

impl<T: ?Sized + CallbackFree> ArgumentProbe<T> {
    /// The type is callback-free.
    pub const __CALLBACK_FREE: bool = true;
}

impl<T: CallbackFreeResult> ResultProbe<T> {
    /// The type is callback-free.
    pub const __CALLBACK_FREE: bool = true;
}

/// Returns whether the types of all arguments and of the stored result are callback-free.
#[macro_export]
macro_rules! callback_free {
    ($stored:ty $(, $argument:ty)*) => {{
        use $crate::__private::no_callbacks::ProbeDefaults as _;
        $crate::__private::no_callbacks::ResultProbe::<$stored>::__PROBED
            && $crate::__private::no_callbacks::ResultProbe::<$stored>::__CALLBACK_FREE
            $(&& $crate::__private::no_callbacks::ArgumentProbe::<$argument>::__CALLBACK_FREE)*
    }};
}

/// Returns the placement of an LRU cache without deadlines and weights, for the types of its key, stored result and arguments.
#[macro_export]
macro_rules! placement {
    ($maxsize:expr, $key:ty, $stored:ty $(, $argument:ty)*) => {{
        use $crate::__private::no_callbacks::ProbeDefaults as _;
        $crate::__private::SelectPlacement::<0>::number(
            $maxsize,
            $crate::callback_free!($stored $(, $argument)*),
            $crate::__private::no_callbacks::WordProbe::<$key>::__WORDS,
            $crate::__private::no_callbacks::WordProbe::<$stored>::__WORDS,
        )
    }};
}

/// Like [`placement!`](crate::placement), for an unbounded cache.
#[macro_export]
macro_rules! unbounded_placement {
    ($($types:tt)*) => {
        $crate::placement!($crate::__private::UNBOUNDED, $($types)*)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq)]
    struct User;
    type Number = u64;

    #[test]
    fn types_of_the_standard_library_are_callback_free() {
        const { assert!(callback_free!(u64)) };
        const { assert!(callback_free!(Arc<User>, Number, &str, &[u8], Option<(String, f64)>, Vec<Box<str>>)) };
        const { assert!(callback_free!(Result<String, Option<u8>>, Cow<'static, str>, [i8; 3])) };
    }

    #[test]
    fn types_with_a_users_type_in_them_are_not() {
        const { assert!(!callback_free!(User)) };
        const { assert!(!callback_free!(u64, User)) };
        const { assert!(!callback_free!(u64, u64, &[User])) };
        const { assert!(!callback_free!(u64, Arc<User>)) };
        const { assert!(!callback_free!(Vec<Arc<User>>)) };
        const { assert!(!callback_free!(u64, (u8, Option<User>))) };
    }
}
