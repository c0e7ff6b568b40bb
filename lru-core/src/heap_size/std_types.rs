//! [`HeapSize`] for the types of the standard library.

use core::any::TypeId;
use core::cell::{Cell, OnceCell, RefCell};
use core::cmp::{Ordering, Reverse};
use core::convert::Infallible;
use core::ffi::CStr;
use core::marker::PhantomData;
use core::num::{NonZero, Saturating, Wrapping};
use core::ops::{Bound, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};
use core::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16, AtomicU32,
    AtomicU64, AtomicUsize,
};
use core::time::Duration;
use std::borrow::{Cow, ToOwned};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CString, OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::{Path, PathBuf};
use std::rc::{self, Rc};
use std::sync::{self, Arc, Mutex, OnceLock, RwLock};
use std::thread::ThreadId;
use std::time::{Instant, SystemTime};

use super::{HeapSize, sum};

/// Types whose values own nothing, with type parameters after an `@`.
macro_rules! flat {
    ($($(@[$($generics:tt)*])? $type:ty),* $(,)?) => { $(
        impl$(<$($generics)*>)? $crate::heap_size::HeapSize for $type {
            const IS_FLAT: bool = true;

            #[inline]
            fn heap_size(&self) -> usize {
                0
            }
        }
    )* };
}
pub(super) use flat;

flat! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, (), str,
    NonZero<u8>, NonZero<u16>, NonZero<u32>, NonZero<u64>, NonZero<u128>, NonZero<usize>,
    NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<i64>, NonZero<i128>, NonZero<isize>,
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize,
    AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
    Ordering, Infallible, Duration, Instant, SystemTime, TypeId, ThreadId, RangeFull,
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6,
    OsStr, Path, CStr,
    @[T: ?Sized] PhantomData<T>, @[T: ?Sized] &T, @[T: ?Sized] rc::Weak<T>, @[T: ?Sized] sync::Weak<T>,
    @[R] fn() -> R, @[A, R] fn(A) -> R, @[A, B, R] fn(A, B) -> R,
}

/// Types that own bytes only, with the number of them.
macro_rules! bytes {
    ($($type:ty, $this:ident => $size:expr;)*) => { $(
        impl HeapSize for $type {
            #[inline]
            fn heap_size(&self) -> usize {
                let $this = self;
                $size
            }
        }
    )* };
}

bytes! {
    String, this => this.capacity();
    OsString, this => this.capacity();
    PathBuf, this => this.capacity();
    CString, this => this.as_bytes_with_nul().len();
}

/// Wrappers, which own what their fields own.
macro_rules! wrappers {
    ($($wrapper:ident { $($field:tt),* })*) => { $(
        impl<T: HeapSize> HeapSize for $wrapper<T> {
            const IS_FLAT: bool = T::IS_FLAT;

            #[inline]
            fn heap_size(&self) -> usize {
                0 $( + self.$field.heap_size() )*
            }
        }
    )* };
}

wrappers! {
    Wrapping { 0 }
    Saturating { 0 }
    Reverse { 0 }
    Range { start, end }
    RangeFrom { start }
    RangeTo { end }
    RangeToInclusive { end }
}

/// Collections, with the size of their table.
macro_rules! collections {
    ($($collection:ident, $this:ident => $table:expr;)*) => { $(
        impl<T: HeapSize> HeapSize for $collection<T> {
            fn heap_size(&self) -> usize {
                let $this = self;
                $table + sum(self)
            }
        }
    )* };
}

collections! {
    Vec, this => this.capacity() * size_of::<T>();
    VecDeque, this => this.capacity() * size_of::<T>();
    BinaryHeap, this => this.capacity() * size_of::<T>();
    LinkedList, this => this.len() * size_of::<(T, [usize; 2])>();
    BTreeSet, this => tree(this.len(), size_of::<T>());
}

/// Returns the approximate size of a B-tree. A node has room for eleven entries, and eight on an average.
fn tree(len: usize, entry: usize) -> usize {
    let (leaves, links) = (len.div_ceil(8), 2 * size_of::<usize>());
    // The nodes above the leaves have twelve links in addition.
    let inner = if leaves > 1 { leaves.div_ceil(8) } else { 0 };
    (leaves + inner) * (11 * entry + links) + inner * 12 * size_of::<usize>()
}

/// Returns the size of a hash table. It has a power of two of buckets, of which seven in eight may be used, and a byte for each.
fn table(capacity: usize, entry: usize) -> usize {
    match capacity {
        0 => 0,
        // Small tables have four or eight buckets, of which one stays free.
        1..=3 => 4 * (entry + 1) + 16,
        4..=7 => 8 * (entry + 1) + 16,
        _ => (capacity / 7 * 8).next_power_of_two() * (entry + 1) + 16,
    }
}

impl<K: HeapSize, V: HeapSize, S> HeapSize for HashMap<K, V, S> {
    fn heap_size(&self) -> usize {
        table(self.capacity(), size_of::<(K, V)>()) + sum(self.keys()) + sum(self.values())
    }
}

impl<T: HeapSize, S> HeapSize for HashSet<T, S> {
    fn heap_size(&self) -> usize {
        table(self.capacity(), size_of::<T>()) + sum(self)
    }
}

impl<K: HeapSize, V: HeapSize> HeapSize for BTreeMap<K, V> {
    fn heap_size(&self) -> usize {
        tree(self.len(), size_of::<(K, V)>()) + sum(self.keys()) + sum(self.values())
    }
}

impl<T: HeapSize> HeapSize for [T] {
    const IS_FLAT: bool = T::IS_FLAT;

    #[inline]
    fn heap_size(&self) -> usize {
        sum(self)
    }
}

impl<T: HeapSize, const N: usize> HeapSize for [T; N] {
    const IS_FLAT: bool = T::IS_FLAT;

    #[inline]
    fn heap_size(&self) -> usize {
        sum(self)
    }
}

impl<T: HeapSize + ?Sized> HeapSize for Box<T> {
    #[inline]
    fn heap_size(&self) -> usize {
        size_of_val(&**self) + (**self).heap_size()
    }
}

/// Shared values, which count in full, with their two counters.
macro_rules! shared {
    ($($pointer:ident)*) => { $(
        impl<T: HeapSize + ?Sized> HeapSize for $pointer<T> {
            #[inline]
            fn heap_size(&self) -> usize {
                2 * size_of::<usize>() + size_of_val(&**self) + (**self).heap_size()
            }
        }
    )* };
}

shared! { Arc Rc }

impl<T: ToOwned<Owned: HeapSize> + ?Sized> HeapSize for Cow<'_, T> {
    #[inline]
    fn heap_size(&self) -> usize {
        match self {
            Self::Borrowed(_) => 0,
            Self::Owned(owned) => owned.heap_size(),
        }
    }
}

impl<T: HeapSize> HeapSize for Option<T> {
    const IS_FLAT: bool = T::IS_FLAT;

    #[inline]
    fn heap_size(&self) -> usize {
        self.as_ref().map_or(0, HeapSize::heap_size)
    }
}

impl<T: HeapSize, E: HeapSize> HeapSize for Result<T, E> {
    const IS_FLAT: bool = T::IS_FLAT && E::IS_FLAT;

    #[inline]
    fn heap_size(&self) -> usize {
        match self {
            Ok(value) => value.heap_size(),
            Err(error) => error.heap_size(),
        }
    }
}

impl<T: HeapSize> HeapSize for Bound<T> {
    const IS_FLAT: bool = T::IS_FLAT;

    #[inline]
    fn heap_size(&self) -> usize {
        match self {
            Self::Included(at) | Self::Excluded(at) => at.heap_size(),
            Self::Unbounded => 0,
        }
    }
}

impl<T: HeapSize> HeapSize for RangeInclusive<T> {
    const IS_FLAT: bool = T::IS_FLAT;

    #[inline]
    fn heap_size(&self) -> usize {
        self.start().heap_size() + self.end().heap_size()
    }
}

impl<T: HeapSize + Copy> HeapSize for Cell<T> {
    const IS_FLAT: bool = T::IS_FLAT;

    #[inline]
    fn heap_size(&self) -> usize {
        self.get().heap_size()
    }
}

/// Cells and locks, which count nothing while they are empty, borrowed or locked.
macro_rules! cells {
    ($($cell:ident, $this:ident => $value:expr;)*) => { $(
        impl<T: HeapSize> HeapSize for $cell<T> {
            const IS_FLAT: bool = T::IS_FLAT;

            fn heap_size(&self) -> usize {
                let $this = self;
                $value.map_or(0, |value| value.heap_size())
            }
        }
    )* };
}

cells! {
    OnceCell, this => this.get();
    OnceLock, this => this.get();
    RefCell, this => this.try_borrow();
    Mutex, this => this.try_lock();
    RwLock, this => this.try_read();
}

/// Tuples, by their fields.
macro_rules! tuples {
    ($(($($name:ident)+))*) => { $(
        #[allow(non_snake_case, reason = "fields have the names of their types")]
        impl<$($name: HeapSize),+> HeapSize for ($($name,)+) {
            const IS_FLAT: bool = true $( && $name::IS_FLAT )+;

            #[inline]
            fn heap_size(&self) -> usize {
                let ($($name,)+) = self;
                0 $( + $name.heap_size() )+
            }
        }
    )* };
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
    (A B C D E F G H I) (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
}
