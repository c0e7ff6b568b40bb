//! [`Argument`] for numbers, strings, paths and other plain types of the standard library.

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

use super::argument::{Argument, Internal};
use super::cross_type_equality::Common;

plain! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, bool, char, (),
    NonZero<u8>, NonZero<u16>, NonZero<u32>, NonZero<u64>, NonZero<u128>, NonZero<usize>,
    NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<i64>, NonZero<i128>, NonZero<isize>,
    Ordering, Duration, Instant, SystemTime, TypeId, ThreadId,
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6,
}

/// Floats, which are hashed and compared by their bits, except that all NaNs are equal.
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
            fn as_common(&self, _: Internal) -> Option<Common<'_>> {
                Common::recognise(self)
            }
        }
    )* };
}

floats! { f32 f64 }

/// Borrowed strings, stored as `$owned`, and hashed and compared by `$exact`.
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
            fn as_common(&self, _: Internal) -> Option<Common<'_>> {
                $common(self)
            }
        }
    )* };
}

fn whole<T: ?Sized>(text: &T) -> &T {
    text
}

texts! {
    str, String, whole::<str>, |text| Some(Common::Text(text));
    CStr, CString, whole::<CStr>, |_| None;
    OsStr, OsString, whole::<OsStr>, |_| None;
    // `Path`'s own `Eq` ignores repeated separators, which a function can observe.
    Path, PathBuf, Path::as_os_str, |_| None;
}
