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
pub trait Quiet {}

/// A result whose copies call nobody back.
pub trait QuietResult {}

impl<T: Quiet> QuietResult for T {}
/// A copy of it copies nothing of a user's.
impl<T: ?Sized> QuietResult for Arc<T> {}

macro_rules! quiet {
    ($($type:ty),* $(,)?) => { $(
        impl Quiet for $type {}
    )* };
}

quiet! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, (),
    NonZero<u8>, NonZero<u16>, NonZero<u32>, NonZero<u64>, NonZero<u128>, NonZero<usize>,
    NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<i64>, NonZero<i128>, NonZero<isize>,
    str, String, Path, PathBuf, OsStr, OsString, CStr, CString,
    Ordering, Duration, Instant, SystemTime, TypeId, ThreadId,
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6,
}

impl<T: ?Sized + Quiet> Quiet for &T {}
impl<T: ?Sized + Quiet> Quiet for Box<T> {}
impl<T: ?Sized + ToOwned<Owned: Quiet> + Quiet> Quiet for Cow<'_, T> {}
impl<T: Quiet> Quiet for [T] {}
impl<T: Quiet, const N: usize> Quiet for [T; N] {}
impl<T: Quiet> Quiet for Vec<T> {}
impl<T: Quiet> Quiet for Option<T> {}
impl<T: Quiet, E: Quiet> Quiet for Result<T, E> {}

macro_rules! tuples {
    ($first:ident $($other:ident)*) => {
        impl<$first: Quiet, $($other: Quiet,)*> Quiet for ($first, $($other,)*) {}
        tuples! { $($other)* }
    };
    () => {};
}

tuples! { A B C D E F G H I J K L }

/// Asks about an argument. Not for bounds: for a constant that is decided where the type is known.
#[derive(Debug)]
pub struct Argument<T: ?Sized>(PhantomData<T>);

/// The same about what is kept of a result.
#[derive(Debug)]
pub struct Kept<T: ?Sized>(PhantomData<T>);

/// The answer where their own constants do not apply.
pub trait Otherwise {
    /// Something is asked.
    const __ASKED: bool = true;
    /// Does it call nobody back?
    const __QUIET: bool = false;
}

impl<T: ?Sized> Otherwise for Argument<T> {}
impl<T: ?Sized> Otherwise for Kept<T> {}

impl<T: ?Sized + Quiet> Argument<T> {
    /// It calls nobody back.
    pub const __QUIET: bool = true;
}

impl<T: QuietResult> Kept<T> {
    /// It calls nobody back.
    pub const __QUIET: bool = true;
}

/// Whether neither any of the arguments, by their types, nor what is kept of the result calls anybody back.
#[macro_export]
macro_rules! quiet {
    ($kept:ty $(, $argument:ty)*) => {{
        use $crate::__private::no_callbacks::Otherwise as _;
        $crate::__private::no_callbacks::Kept::<$kept>::__ASKED
            && $crate::__private::no_callbacks::Kept::<$kept>::__QUIET
            $(&& $crate::__private::no_callbacks::Argument::<$argument>::__QUIET)*
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
        const { assert!(quiet!(u64)) };
        const { assert!(quiet!(Arc<User>, Number, &str, &[u8], Option<(String, f64)>, Vec<Box<str>>)) };
        const { assert!(quiet!(Result<String, Option<u8>>, Cow<'static, str>, [i8; 3])) };
    }

    #[test]
    fn what_has_users_types_in_it_is_not() {
        const { assert!(!quiet!(User)) };
        const { assert!(!quiet!(u64, User)) };
        const { assert!(!quiet!(u64, u64, &[User])) };
        const { assert!(!quiet!(u64, Arc<User>)) };
        const { assert!(!quiet!(Vec<Arc<User>>)) };
        const { assert!(!quiet!(u64, (u8, Option<User>))) };
    }
}
