//! The types of a cache as one bundle.

use core::marker::PhantomData;

use crate::store::entry_meta::EntryMeta;
use crate::store::policy::Policy;

/// Which stores the types of a cache are used with. The compiler emits no code for the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stores {
    /// Either, by `maxsize`.
    Any,
    /// The bounded store.
    Bounded,
    /// The unbounded store.
    Unbounded,
}

/// The types of a cache: those of its keys and values, its eviction policy, and the metadata of its entries.
pub trait CacheTypes {
    /// Which stores there are.
    const STORES: Stores = Stores::Any;
    /// The stored form of a key.
    type Key;
    /// The stored value.
    type Value;
    /// The eviction policy.
    type Policy: Policy;
    /// The metadata of an entry.
    type Meta: EntryMeta;
}

/// What readers without the lock see of the metadata in a cache.
pub(crate) type UnlockedOf<C> = <<C as CacheTypes>::Meta as EntryMeta>::Unlocked;

/// A bundle of four types, used at the type level only.
#[expect(clippy::type_complexity, reason = "it is the bundle itself")]
pub struct Types<K, V, P, M>(PhantomData<fn() -> (K, V, P, M)>);

impl<K, V, P: Policy, M: EntryMeta> CacheTypes for Types<K, V, P, M> {
    type Key = K;
    type Value = V;
    type Policy = P;
    type Meta = M;
}

/// The types `C` of a cache that always has an unbounded store.
pub struct Unordered<C>(PhantomData<fn() -> C>);

impl<C: CacheTypes> CacheTypes for Unordered<C> {
    const STORES: Stores = Stores::Unbounded;
    type Key = C::Key;
    type Value = C::Value;
    type Policy = C::Policy;
    type Meta = C::Meta;
}
