//! Calls of a function with tags, by the cache alone, for the tests of placements.

use crate::engine::Placement;
use crate::engine::lifecycle::NoLifecycle;
use crate::function::tagged::info::{Taggable, TaggedInfo, Tags};
use crate::function::tagged::lifecycle::TaggedLifecycle;
use crate::key::KeyHash;
use crate::store::{CacheTypes, EntryOf};
use crate::tags::current::Beginning;
use crate::tags::frame::Computed;
use crate::tags::tag::{TagId, tag};

/// The metadata of the entries.
pub(crate) type Info = TaggedInfo<()>;

/// The tag of the results for a key.
pub(crate) fn tag_of(n: u64) -> TagId {
    tag("tested", n).into()
}

pub(crate) fn hash_of(n: u64) -> KeyHash {
    KeyHash::of_part(&(&n,))
}

pub(crate) fn begin() -> TaggedLifecycle<NoLifecycle> {
    TaggedLifecycle::begin(NoLifecycle)
}

/// Returns the result for a key, which is `value` if it is computed now.
pub(crate) fn call<P>(cache: &P, n: u64, value: u64) -> u64
where
    P: Placement<Types: CacheTypes<Key = (u64,), Value = u64, Meta = Info>>,
    TaggedLifecycle<NoLifecycle>: crate::engine::Lifecycle<P::Types>,
{
    let lifecycle = begin();
    cache.lookup(hash_of(n), |key| key.0 == n, |value| *value, &lifecycle).unwrap_or_else(|began| {
        let node = Computed::at(Beginning::now()).into_node([tag_of(n)]);
        let meta = Info::tagged((), Tags::new(node, None));
        let entry = EntryOf { hash: hash_of(n), key: (n,), value, meta };
        cache.insert_computed(entry, began, |one: &(u64,), other: &(u64,)| one == other, &lifecycle);
        value
    })
}
