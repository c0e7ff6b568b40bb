//! The locks of shards, by whether user code runs under them.

use core::ops::Deref;

use crate::engine::lock::{Lock, PlainLock, RLock, SelectLock};
use crate::engine::placement::nested::{Held, is_nested};

/// The lock of a shard, which records that the current thread holds one.
pub struct ShardLock<T>(RLock<T>);

/// A guard of the lock of a shard.
pub struct HeldShard<'a, T: 'a> {
    held: <RLock<T> as Lock<T>>::Held<'a>,
    _held: Held,
}

impl<T> ShardLock<T> {
    pub(crate) const fn new(guarded: T) -> Self {
        Self(RLock::new(guarded))
    }
}

impl<'a, T> HeldShard<'a, T> {
    #[inline]
    fn new(held: <RLock<T> as Lock<T>>::Held<'a>) -> Self {
        Self { held, _held: Held::new() }
    }
}

impl<T> Deref for HeldShard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.held
    }
}

impl<T> Lock<T> for ShardLock<T> {
    type Held<'a>
        = HeldShard<'a, T>
    where
        T: 'a;

    #[inline]
    fn hold(&self) -> HeldShard<'_, T> {
        HeldShard::new(self.0.hold())
    }

    #[inline]
    fn try_hold(&self) -> Option<HeldShard<'_, T>> {
        self.0.try_hold().map(HeldShard::new)
    }

    fn is_held(&self) -> bool {
        self.0.is_held()
    }

    fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

/// Selects the lock of the shards: a plain one if no user code runs under it, so that no call is nested in another.
pub trait SelectShardLock {
    /// The lock type for a guarded state.
    #[doc(hidden)]
    type ShardLock<T>: Lock<T>;

    /// Creates a lock.
    #[doc(hidden)]
    fn lock<T>(guarded: T) -> Self::ShardLock<T>;

    /// Returns whether the current thread holds the lock of a shard of any function.
    #[doc(hidden)]
    fn is_nested() -> bool;
}

impl SelectShardLock for SelectLock<false> {
    type ShardLock<T> = ShardLock<T>;

    fn lock<T>(guarded: T) -> ShardLock<T> {
        ShardLock::new(guarded)
    }

    #[inline]
    fn is_nested() -> bool {
        is_nested()
    }
}

impl SelectShardLock for SelectLock<true> {
    type ShardLock<T> = PlainLock<T>;

    fn lock<T>(guarded: T) -> PlainLock<T> {
        PlainLock::new(guarded)
    }

    #[inline]
    fn is_nested() -> bool {
        false
    }
}
