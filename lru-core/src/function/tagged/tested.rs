//! Calls of a function with tags, by the cache alone, for the tests of placements.

use crate::engine::Placement;
use crate::engine::lifecycle::NoLifecycle;
use crate::function::tagged::info::{Taggable, TaggedInfo, Tags};
use crate::function::tagged::lifecycle::TaggedLifecycle;
use crate::key::KeyHash;
use crate::store::{CacheTypes, EntryOf};
use crate::tags::current::{Beginning, DomainHandle};
use crate::tags::frame::{Computation, Computed, Frame};
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

/// Checks that `read` finds a result without the lock, after `calls` calls, until something is invalidated or what is read is
/// recorded. A result that was computed anew is found after `more` calls.
pub(crate) fn is_read_until_invalidated(
    domain: &DomainHandle,
    (calls, more): (u64, u64),
    call: impl Fn(u64, u64) -> u64,
    read: impl Fn(u64) -> Option<u64>,
) {
    (0..calls).for_each(|_| assert_eq!(call(1, 10), 10));
    assert_eq!(read(1), Some(10));
    domain.invalidate(&[tag_of(2)]);
    assert_eq!(read(1), None, "it may have been invalidated");
    assert_eq!((call(1, 11), read(1)), (10, Some(10)));
    domain.invalidate(&[tag_of(1)]);
    assert_eq!((read(1), call(1, 12)), (None, 12));
    (0..more).for_each(|_| assert_eq!(call(1, 13), 12));
    assert_eq!((call(1, 13), read(1)), (12, Some(12)));
    let computation = Computation::begin(Frame::Own);
    assert_eq!(read(1), None, "what is read is recorded");
    drop(computation.end());
    assert_eq!(read(1), Some(12));
}
