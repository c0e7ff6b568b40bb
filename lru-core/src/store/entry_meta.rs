//! Entry metadata: what a store needs of an entry besides its key and its value.
//!
//! An entry that never expires and weighs one has the metadata `()`: the compiler then removes all of this.

use crate::store::lock_free::words::Words;
use crate::store::read_stripes::{MaybePublished, PublishedTable};

/// The metadata of an entry.
///
/// An entry that never expires and weighs one has the metadata `()`, for which all of this is optimized away.
pub trait EntryMeta: Sized {
    /// The expiry queue of a store.
    #[doc(hidden)]
    type Queue: Queue<Self>;

    /// The way in which a store publishes its table to read stripes.
    #[doc(hidden)]
    type Published<X>: MaybePublished<X>;

    /// What readers without the lock see of the metadata, beside a copy of key and value: one word at most.
    #[doc(hidden)]
    type Unlocked: Words;

    /// Whether an entry may weigh other than one.
    const HAS_WEIGHT: bool;

    /// Whether entries expire by their queue, or by a clock that the engine reads.
    const MAY_EXPIRE: bool;

    /// Whether a stored entry may not be served any more: by time, or because it was invalidated. A key that is missed may
    /// then be stored.
    const MAY_END: bool;

    /// Whether the entry has no metadata.
    const IS_BARE: bool = !Self::HAS_WEIGHT && !Self::MAY_EXPIRE && !Self::MAY_END;

    /// Whether the unbounded store can have the entry: it has no order, no weights and no deadlines.
    const MAY_BE_UNORDERED: bool = !Self::HAS_WEIGHT && !Self::MAY_EXPIRE;

    /// Returns what readers without the lock see of the metadata now.
    #[doc(hidden)]
    fn unlocked(&self) -> Self::Unlocked;

    /// Returns the weight of the entry, its cost against `maxsize`.
    fn weight(&self) -> usize;

    /// Adds bytes to the weight of an entry that is weighed in bytes.
    fn add_weight(&mut self, _bytes: usize) {}
}

/// The deadlines of the entries in a store. Times are integers, for every type of clock.
#[doc(hidden)]
pub trait Queue<M: EntryMeta> {
    /// An empty queue.
    const EMPTY: Self;

    /// Records the deadline of the entry in `slot`.
    fn add(&mut self, slot: usize, meta: &mut M);

    /// Returns the slot of the entry that expired first, among those expired by `now`. `meta` returns the
    /// metadata in a slot. Takes one of `steps` for each deadline that it looks at, and returns `None` when there
    /// is no step left.
    fn next<'m>(
        &mut self,
        now: u64,
        steps: &mut usize,
        meta: impl Fn(usize) -> Option<&'m M>,
    ) -> Option<usize>
    where
        M: 'm;

    /// Whether [`look`](Self::look) does anything.
    const LOOKS: bool = false;

    /// Looks at one more of the entries in `slots` slots, whatever its deadline, if there is a reason to. Returns its slot if the
    /// entry is not served any more.
    fn look<'m>(&mut self, _slots: usize, _meta: impl Fn(usize) -> Option<&'m M>) -> Option<usize>
    where
        M: 'm,
    {
        None
    }

    /// Notes that entries may have moved to other slots.
    fn moved(&mut self) {}

    /// Drops the deadlines of removed entries if they outnumber those of the `len` stored entries.
    fn compact<'m>(&mut self, len: usize, meta: impl Fn(usize) -> Option<&'m M>)
    where
        M: 'm;
}

impl EntryMeta for () {
    type Queue = ();
    type Published<X> = PublishedTable<X>;
    type Unlocked = ();

    const HAS_WEIGHT: bool = false;
    const MAY_EXPIRE: bool = false;
    const MAY_END: bool = false;

    #[inline]
    fn unlocked(&self) {}

    #[inline]
    fn weight(&self) -> usize {
        1
    }
}

impl Queue<()> for () {
    const EMPTY: Self = ();

    #[inline]
    fn add(&mut self, _: usize, (): &mut ()) {}

    #[inline]
    fn next<'m>(&mut self, _: u64, _: &mut usize, _: impl Fn(usize) -> Option<&'m ()>) -> Option<usize> {
        None
    }

    #[inline]
    fn compact<'m>(&mut self, _: usize, _: impl Fn(usize) -> Option<&'m ()>) {}
}
