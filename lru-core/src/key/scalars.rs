//! Arguments that are one value: numbers, text, paths, and the plain types of the standard library.

use core::any::TypeId;
use core::cmp::Ordering;
use core::ffi::CStr;
use core::hash::{Hash, Hasher};
use core::num::NonZero;
use core::time::Duration;
use std::borrow::ToOwned;
use std::ffi::{CString, OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::{Path, PathBuf};
use std::thread::ThreadId;
use std::time::{Instant, SystemTime};

use super::argument::Argument;
use super::cross_type::Common;

/// Types that are their own owned form, and whose `Hash` and `Eq` say all there is to say.
macro_rules! plain {
    ($($type:ty),* $(,)?) => { $(
        #[diagnostic::do_not_recommend]
        impl Argument for $type {
            type Stored = Self;

            #[inline]
            fn hash_argument<H: Hasher>(&self, state: &mut H) {
                Hash::hash(self, state);
            }

            #[inline]
            fn eq_argument(&self, other: &Self) -> bool {
                self == other
            }

            #[inline]
            fn eq_stored(&self, stored: &Self) -> bool {
                self == stored
            }

            #[inline]
            fn to_stored(&self) -> Self {
                Clone::clone(self)
            }

            #[inline]
            fn stored_eq(one: &Self, other: &Self) -> bool {
                one == other
            }

            #[inline]
            fn as_common(&self) -> Option<Common<'_>> {
                Common::recognise(self)
            }

            #[inline]
            fn hash_slice<H: Hasher>(items: &[Self], state: &mut H) {
                Hash::hash_slice(items, state);
            }

            #[inline]
            fn eq_slice(items: &[Self], stored: &[Self]) -> bool {
                items == stored
            }
        }
    )* };
}

plain! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, bool, char, (),
    NonZero<u8>, NonZero<u16>, NonZero<u32>, NonZero<u64>, NonZero<u128>, NonZero<usize>,
    NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<i64>, NonZero<i128>, NonZero<isize>,
    Ordering, Duration, Instant, SystemTime, TypeId, ThreadId,
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6,
}

/// Floats are what their bits are, except that all NaNs are one.
macro_rules! floats {
    ($($type:ident)*) => { $(
        #[diagnostic::do_not_recommend]
        impl Argument for $type {
            type Stored = Self;

            #[inline]
            fn hash_argument<H: Hasher>(&self, state: &mut H) {
                let canonical = if self.is_nan() { Self::NAN } else { *self };
                canonical.to_bits().hash(state);
            }

            #[inline]
            fn eq_argument(&self, other: &Self) -> bool {
                self.to_bits() == other.to_bits() || (self.is_nan() && other.is_nan())
            }

            #[inline]
            fn eq_stored(&self, stored: &Self) -> bool {
                self.eq_argument(stored)
            }

            #[inline]
            fn to_stored(&self) -> Self {
                *self
            }

            #[inline]
            fn stored_eq(one: &Self, other: &Self) -> bool {
                one.eq_argument(other)
            }

            #[inline]
            fn as_common(&self) -> Option<Common<'_>> {
                Common::recognise(self)
            }
        }
    )* };
}

floats! { f32 f64 }

/// Text and the like: a borrowed form, an owned form, and the bytes by which both are compared.
macro_rules! texts {
    ($($borrowed:ty, $owned:ty, $exact:expr, $common:expr;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl Argument for $borrowed {
            type Stored = $owned;

            #[inline]
            fn hash_argument<H: Hasher>(&self, state: &mut H) {
                $exact(self).hash(state);
            }

            #[inline]
            fn eq_argument(&self, other: &Self) -> bool {
                $exact(self) == $exact(other)
            }

            #[inline]
            fn eq_stored(&self, stored: &$owned) -> bool {
                $exact(self) == $exact(stored)
            }

            #[inline]
            fn to_stored(&self) -> $owned {
                ToOwned::to_owned(self)
            }

            #[inline]
            fn stored_eq(one: &$owned, other: &$owned) -> bool {
                $exact(one) == $exact(other)
            }

            #[inline]
            fn as_common(&self) -> Option<Common<'_>> {
                $common(self)
            }
        }

        #[diagnostic::do_not_recommend]
        impl Argument for $owned {
            type Stored = Self;

            #[inline]
            fn hash_argument<H: Hasher>(&self, state: &mut H) {
                <$borrowed>::hash_argument(self, state);
            }

            #[inline]
            fn eq_argument(&self, other: &Self) -> bool {
                <$borrowed>::eq_argument(self, other)
            }

            #[inline]
            fn eq_stored(&self, stored: &Self) -> bool {
                <$borrowed>::eq_stored(self, stored)
            }

            #[inline]
            fn to_stored(&self) -> Self {
                Clone::clone(self)
            }

            #[inline]
            fn stored_eq(one: &Self, other: &Self) -> bool {
                <$borrowed>::stored_eq(one, other)
            }

            #[inline]
            fn as_common(&self) -> Option<Common<'_>> {
                <$borrowed>::as_common(self)
            }
        }
    )* };
}

fn same<T: ?Sized>(text: &T) -> &T {
    text
}

texts! {
    str, String, same::<str>, |text| Some(Common::Text(text));
    CStr, CString, same::<CStr>, |_| None;
    OsStr, OsString, same::<OsStr>, |_| None;
    // `Path`'s own `Eq` passes over doubled separators, which a function can see.
    Path, PathBuf, Path::as_os_str, |_| None;
}
