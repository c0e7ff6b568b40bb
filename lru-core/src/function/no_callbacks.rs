//! Arguments and results that call nobody back: whose `Eq` and `Clone` are the standard library's, through and
//! through. Under the lock of their cache no code of a user's runs, so it need not be reentrant.

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

/// An argument whose comparison and copies call nobody back.
pub trait CallbackFree {}

/// A result whose copies call nobody back.
pub trait CallbackFreeResult {}

impl<T: CallbackFree> CallbackFreeResult for T {}
/// A copy of it copies nothing of a user's.
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

/// Asks about an argument. Not for bounds: for a constant that is decided where the type is known.
#[derive(Debug)]
pub struct ArgumentProbe<T: ?Sized>(PhantomData<T>);

/// The same about what is kept of a result.
#[derive(Debug)]
pub struct ResultProbe<T: ?Sized>(PhantomData<T>);

/// The answer where their own constants do not apply.
pub trait ProbeDefaults {
    /// Something is asked.
    const __ASKED: bool = true;
    /// Does it call nobody back?
    const __CALLBACK_FREE: bool = false;
}

impl<T: ?Sized> ProbeDefaults for ArgumentProbe<T> {}
impl<T: ?Sized> ProbeDefaults for ResultProbe<T> {}

impl<T: ?Sized + CallbackFree> ArgumentProbe<T> {
    /// It calls nobody back.
    pub const __CALLBACK_FREE: bool = true;
}

impl<T: CallbackFreeResult> ResultProbe<T> {
    /// It calls nobody back.
    pub const __CALLBACK_FREE: bool = true;
}

/// Whether neither any of the arguments, by their types, nor what is kept of the result calls anybody back.
#[macro_export]
macro_rules! callback_free {
    ($kept:ty $(, $argument:ty)*) => {{
        use $crate::__private::no_callbacks::ProbeDefaults as _;
        $crate::__private::no_callbacks::ResultProbe::<$kept>::__ASKED
            && $crate::__private::no_callbacks::ResultProbe::<$kept>::__CALLBACK_FREE
            $(&& $crate::__private::no_callbacks::ArgumentProbe::<$argument>::__CALLBACK_FREE)*
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq)]
    struct User;
    type Number = u64;

    #[test]
    fn what_is_made_of_the_standard_librarys_types_is_quiet() {
        const { assert!(callback_free!(u64)) };
        const { assert!(callback_free!(Arc<User>, Number, &str, &[u8], Option<(String, f64)>, Vec<Box<str>>)) };
        const { assert!(callback_free!(Result<String, Option<u8>>, Cow<'static, str>, [i8; 3])) };
    }

    #[test]
    fn what_has_users_types_in_it_is_not() {
        const { assert!(!callback_free!(User)) };
        const { assert!(!callback_free!(u64, User)) };
        const { assert!(!callback_free!(u64, u64, &[User])) };
        const { assert!(!callback_free!(u64, Arc<User>)) };
        const { assert!(!callback_free!(Vec<Arc<User>>)) };
        const { assert!(!callback_free!(u64, (u8, Option<User>))) };
    }
}
