//! Invalidations of a key that `#[invalidates(…)]` carries out, after a change.

use std::boxed::Box;

use crate::engine::{Lifecycle, Placement, StoredKey};
use crate::function::call::handle::CacheHandle;
use crate::function::tagged::invalidated::Invalidated;
use crate::function::tagged::invalidation::{InArgument, Invalidate, Process};
use crate::key::{KeyHash, Part};
use crate::tags::validity::Validity;

/// An invalidation that is carried out later, on any thread.
pub type Later = Box<dyn FnOnce() + Send>;

/// An invalidation in the cache of the current thread, which is carried out later on that thread.
pub type LaterHere = Box<dyn FnOnce()>;

/// The owned key of an entry that is invalidated later.
pub struct OwnedKey<K> {
    hash: KeyHash,
    key: K,
    same: fn(&K, &K) -> bool,
}

#[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Returns the key of an entry that is invalidated later.
    pub fn owned<Q: Part<Stored = StoredKey<E>>>(self, key: Q) -> OwnedKey<StoredKey<E>> {
        OwnedKey { hash: KeyHash::of_part(&key), key: key.to_stored(), same: Q::stored_eq }
    }

    /// Like [`CacheHandle::invalidate`], by an owned key.
    pub fn invalidate_owned(self, owned: &OwnedKey<StoredKey<E>>) {
        let OwnedKey { hash, key, same } = owned;
        let matches = |stored: &StoredKey<E>| same(stored, key);
        self.change(*hash, |engine, lifecycle| engine.invalidate(*hash, matches, lifecycle));
        self.invalidate_dependents(*hash);
    }

    /// Returns the own tag of the entry for the key, of a function with tags or dependencies.
    pub fn own_tag<Q: Part<Stored = StoredKey<E>>>(self, key: Q) -> OwnTag {
        OwnTag { hash: KeyHash::of_part(&key), cache: self.number() }
    }

    /// Returns an invalidation of the entry for the key, by `invalidate`, which gets the key owned.
    pub fn later<Q>(self, key: Q, invalidate: impl FnOnce(OwnedKey<StoredKey<E>>) + Send + 'static) -> Later
    where
        Q: Part<Stored = StoredKey<E>>,
        StoredKey<E>: Send + 'static,
    {
        let owned = self.owned(key);
        Box::new(move || invalidate(owned))
    }

    /// Like [`later`](Self::later), of the cache of the current thread.
    pub fn later_here<Q>(self, key: Q, invalidate: impl FnOnce(OwnedKey<StoredKey<E>>) + 'static) -> LaterHere
    where
        Q: Part<Stored = StoredKey<E>>,
        StoredKey<E>: 'static,
    {
        let owned = self.owned(key);
        Box::new(move || invalidate(owned))
    }
}

/// The own tag of an entry, by which it is invalidated later, whether or not its cache is still there.
#[derive(Debug)]
pub struct OwnTag {
    hash: KeyHash,
    cache: u64,
}

impl Invalidate for OwnTag {
    type Place = Process;

    fn carry_out(self) -> Invalidated {
        self.invalidate();
        Invalidated::here()
    }
}

impl OwnTag {
    /// Invalidates the entry, and what was computed from it.
    pub fn invalidate(&self) {
        Validity::changed(self.hash, self.cache);
    }

    /// Returns an invalidation by `invalidate`, which gets the tag.
    pub fn later(self, invalidate: impl FnOnce(&Self) + Send + 'static) -> Later {
        Box::new(move || invalidate(&self))
    }
}

/// Stands for an entry that cannot be invalidated later, because its cache is known during a call alone.
#[derive(Debug)]
pub struct OutOfReach;

impl Invalidate for OutOfReach {
    type Place = InArgument;

    fn carry_out(self) -> Invalidated {
        Invalidated::here()
    }
}
