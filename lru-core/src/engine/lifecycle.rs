//! Lifecycle hooks: the clock, expiry, the eviction listener and the victim chooser, as the engine sees
//! them.
//!
//! The engine does not depend on whether they are the settings of an object or the options of a function.

use core::time::Duration;

use crate::expiry::{EntryOptions, Freshness, Ticks};
use crate::store::types::UnlockedOf;
use crate::store::{CacheTypes, Candidates, RemovalCause};
use crate::tags::validity::Validity;

/// When entries with the metadata `T` expire.
pub trait Expiry<T> {
    /// Returns the current time, or [`Ticks::START`] if nothing expires and no clock need be read.
    fn now(&self) -> Ticks;

    /// Returns a time close to the current one, for [`is_surely_fresh`](Self::is_surely_fresh).
    #[inline]
    fn about_now(&self) -> Ticks {
        self.now()
    }

    /// Returns whether an entry is fresh now and a use of it records no time, as far as `about` tells, which
    /// [`about_now`](Self::about_now) has returned. Otherwise the exact time decides.
    #[inline]
    fn is_surely_fresh(&self, _meta: &T, _about: Ticks) -> bool {
        false
    }

    /// Returns the exact time, which may be `about`.
    #[inline]
    fn exact(&self, about: Ticks) -> Ticks {
        about
    }

    /// Returns how an entry may be served at this time.
    fn check(&self, meta: &T, now: Ticks) -> Freshness;

    /// Records a use of an entry at this time.
    fn touch(&self, meta: &T, now: Ticks);

    /// Returns whether entries may be stale.
    fn may_be_stale(&self) -> bool {
        false
    }

    /// Returns whether stale entries are served when the function fails (stale-if-error).
    fn serves_on_error(&self) -> bool {
        false
    }

    /// Returns when the time to live of an entry with these options ends, by the monotonic clock of the system; if another
    /// clock measures it, [`Ticks::NEVER`]. `None` if the entry has no time to live.
    fn own_deadline(&self, _meta: &T, _options: &EntryOptions) -> Option<Ticks> {
        None
    }

    /// Like [`own_deadline`](Self::own_deadline), of a result for which no entry is made.
    fn deadline_without_entry(&self, _options: &EntryOptions) -> Option<Ticks> {
        None
    }

    /// Returns the time since an entry was stored, if it is recorded and the clock measures seconds.
    fn age(&self, _meta: &T) -> Option<Duration> {
        None
    }

    /// Returns the time to a deadline, if the clock measures seconds.
    fn left(&self, _deadline: Ticks) -> Option<Duration> {
        None
    }

    /// Records that a refresh of an entry has failed, so that the next one is not due at once.
    fn refresh_failed(&self, _meta: &T) {}
}

/// The user callbacks of a cache: the eviction listener and the victim chooser.
pub trait Hooks<K, V> {
    /// Returns whether the user chooses the victim, if the eviction policy has candidates.
    fn chooses(&self) -> bool {
        false
    }

    /// Returns the number of the key whose entry is to be evicted. Runs while the store is borrowed.
    fn choose(&self, _keys: &Candidates<'_, K>) -> Option<usize> {
        None
    }

    /// Returns whether there is an eviction listener.
    fn listens(&self) -> bool {
        false
    }

    /// Calls the eviction listener for a removed entry. The lock is not held.
    fn notify(&self, _key: &K, _value: &V, _cause: RemovalCause) {}

    /// Returns whether the weight of an entry is its size in bytes.
    #[inline]
    fn weighs_bytes(&self) -> bool {
        false
    }

    /// Returns the bytes that key and value own outside of the entry. Called if these are weighed; without the lock.
    fn owned_bytes(&self, _key: &K, _value: &V) -> usize {
        0
    }

    /// Returns whether there is an eviction listener that cannot be named here; the next call notifies it.
    fn notifies_later(&self) -> bool {
        false
    }
}

/// The settings of a cache as a call provides them: when entries expire, which hooks there are, and the
/// metadata of stored entries.
pub trait Lifecycle<C: CacheTypes>: Expiry<C::Meta> {
    /// The type of the hooks.
    type Hooks: Hooks<C::Key, C::Value>;

    /// Returns the hooks.
    fn hooks(&self) -> &Self::Hooks;

    /// Returns the metadata for an entry that is stored now.
    fn meta(&self, key: &C::Key, value: &C::Value, options: EntryOptions) -> C::Meta;

    /// Returns whether an entry may be served without the lock, of whose metadata this is seen, and a use of it records nothing.
    /// Otherwise the lookup takes the lock.
    #[inline]
    fn serves_unlocked(&self, _meta: UnlockedOf<C>) -> bool {
        false
    }

    /// Returns what the call knows of the validity of results, where these can be invalidated by tags.
    #[inline]
    fn validity(&self) -> Option<&Validity> {
        None
    }

    /// Returns the number that distinguishes the cache from others, if it has one: one whose address may change.
    fn number(&self) -> Option<u64> {
        None
    }

    /// Returns the number if results with tags may have been stored in the cache by other handles, or read from it.
    #[inline]
    fn number_in_use(&self) -> Option<u64> {
        None
    }
}

/// The lifecycle of entries without metadata, which never expire. There are no hooks.
#[derive(Clone, Copy, Debug)]
pub struct NoLifecycle;

impl Expiry<()> for NoLifecycle {
    #[inline]
    fn now(&self) -> Ticks {
        Ticks::START
    }

    #[inline]
    fn is_surely_fresh(&self, (): &(), _: Ticks) -> bool {
        true
    }

    #[inline]
    fn check(&self, (): &(), _: Ticks) -> Freshness {
        Freshness::Fresh
    }

    #[inline]
    fn touch(&self, (): &(), _: Ticks) {}
}

impl<K, V> Hooks<K, V> for NoLifecycle {}

impl<C: CacheTypes<Meta = ()>> Lifecycle<C> for NoLifecycle {
    type Hooks = Self;

    #[inline]
    fn hooks(&self) -> &Self {
        self
    }

    #[inline]
    fn meta(&self, _: &C::Key, _: &C::Value, _: EntryOptions) {}

    #[inline]
    fn serves_unlocked(&self, (): ()) -> bool {
        true
    }
}
