//! Eviction policies: which entry is removed when the cache is full.
//!
//! A function selects its policy with the option `policy`, as in `policy = sieve`; a cache object has it in
//! its type, as in `Cache<K, V, Sieve>`. The default is [`Lru`], which evicts the least recently used entry.
//!
//! | policy | evicts | good for | additional memory per entry |
//! |---|---|---|---|
//! | [`Lru`] | the least recently used entry | most uses: recent entries are used again | none |
//! | [`Fifo`] | the oldest entry | entries that lose their value with age | none |
//! | [`Lfu`] | the least frequently used entry | popularity that never changes | 36 bytes |
//! | [`Rr`] | a random entry | a baseline; uniform access | 8 bytes |
//! | [`Sieve`] | the oldest entry without a recent use | web workloads with many one-hit keys | 13 bytes |
//! | [`S3Fifo`] | new entries that are not used again | scans and one-hit keys; unknown workloads | 58 to 88 bytes |
//! | [`WTinyLfu`] | the entry with the lower recent frequency | databases, search, loops larger than the cache | 28 to 36 bytes |
//! | [`Gdsf`] | the cheapest entry to lose, by computing time and weight | results that differ in cost (experimental) | 48 bytes |
//! | [`Auto`] | what the best of three policies of late would evict | unknown or changing workloads | 90 to 130 bytes, and shadows |
//!
//! Every policy takes constant time for a hit and for an eviction (amortized for the last five); only `Gdsf` takes
//! logarithmic time for an eviction.

mod auto;
mod fifo;
mod forwarding;
mod gdsf;
mod lfu;
mod lru;
mod metered;
mod rr;
mod s3_fifo;
mod sampled;
mod sieve;
mod slot_lists;
mod stamped_lru;
pub(crate) mod stopwatch;
#[cfg(test)]
mod tests;
mod w_tinylfu;

pub use crate::store::candidates::Candidates;
pub use auto::Auto;
pub use fifo::Fifo;
pub use gdsf::Gdsf;
pub use lfu::Lfu;
pub use lru::Lru;
#[doc(hidden)]
pub use metered::Metered;
pub use rr::Rr;
pub use s3_fifo::S3Fifo;
pub use sampled::{AutoSized, Sampled, Sizing};

pub use sieve::Sieve;
pub(crate) use stamped_lru::StampedLru;
pub(crate) use stopwatch::Stopwatch;
pub use w_tinylfu::WTinyLfu;

use core::fmt;
use std::boxed::Box;

use crate::budget::meter::Meter;
use crate::insight::{Sampler, SelfSizing};
use crate::key::KeyHash;
use crate::observe::leading_policy::LeadingPolicy;
use crate::store::linked_arena::{Arena, Slot};
use crate::store::lock_free::words::Words;

pub(crate) mod sealed {
    /// The supertrait of [`Policy`](super::Policy), which other crates cannot name.
    pub trait Sealed {}
}

/// An eviction policy.
///
/// The trait is sealed: it is implemented by the types of this module, and cannot be implemented by other crates.
// A policy orders the slots by the ring of the arena, which links every occupied slot and appends new ones, or by
// lists of its own. The slot of a new entry may differ from that of the victim, and there is one slot more than
// there are entries. State that changes on a hit is in cells, because hits borrow the store shared.
pub trait Policy: sealed::Sealed + fmt::Debug + Sized {
    /// How the policy measures the computations of results.
    #[doc(hidden)]
    type Stopwatch: Stopwatch;

    /// Whether the policy takes the cost and the weight of entries into account.
    #[doc(hidden)]
    const IS_WEIGHED: bool = false;

    /// The policy of an empty cache.
    #[doc(hidden)]
    const NEW: Self;

    /// Whether the policy is LRU, which a curve of hit ratios describes.
    #[doc(hidden)]
    const IS_LRU: bool = false;

    /// Whether there is a [`sampler`](Self::sampler).
    #[doc(hidden)]
    const SAMPLES: bool = false;

    /// Returns the sampler that records the calls of the cache.
    #[doc(hidden)]
    #[inline]
    fn sampler(&self) -> Option<&Sampler> {
        None
    }

    /// Whether there is a [`self_sizing`](Self::self_sizing).
    #[doc(hidden)]
    const SIZES_ITSELF: bool = false;

    /// Returns by what the cache sets its own capacity.
    #[doc(hidden)]
    #[inline]
    fn self_sizing(&self) -> Option<&SelfSizing> {
        None
    }

    /// Whether the cache may share a budget, and then has a [`meter`](Self::meter).
    #[doc(hidden)]
    const IS_METERED: bool = false;

    /// Returns what is measured of the cache while it shares a budget.
    #[doc(hidden)]
    #[inline]
    fn meter(&self) -> Option<&Meter> {
        None
    }

    /// Begins or ends the measurement.
    #[doc(hidden)]
    fn set_meter(&mut self, _meter: Option<Box<Meter>>) {}

    /// The bytes that the policy needs for a slot.
    #[doc(hidden)]
    const SLOT_BYTES: usize = 0;

    /// Returns which of several policies chooses the victims, if there are several.
    #[doc(hidden)]
    #[inline]
    fn leading(&self) -> Option<LeadingPolicy> {
        None
    }

    /// Tells the capacity of the store, before an entry is added to a store that is not full.
    #[doc(hidden)]
    #[inline]
    fn announce_maxsize(&mut self, _maxsize: usize) {}

    /// Records a hit on the entry in `slot`.
    #[doc(hidden)]
    #[inline]
    fn used<T>(&self, _ring: &Arena<T>, _slot: Slot) {}

    /// Shows the metadata of the entry in `slot` to readers without the lock, after a hit may have changed it.
    #[doc(hidden)]
    #[inline]
    fn publish_meta<U: Words>(&self, _slot: Slot, _meta: impl FnOnce() -> U) {}

    /// Tells how long the computation of the entry took that is admitted or replaced next; zero if that is not known.
    #[doc(hidden)]
    fn announce_cost(&mut self, _nanoseconds: u64) {}

    /// Tells the weight of the entry that is admitted or replaced next, if it is not 1.
    #[doc(hidden)]
    fn announce_weight(&mut self, _weight: usize) {}

    /// Records a new entry in `slot`, which is last in the ring.
    #[doc(hidden)]
    #[inline]
    fn admitted<T>(&mut self, _ring: &Arena<T>, _slot: Slot, _hash: KeyHash) {}

    /// Records that the store may have so many entries from now on.
    #[doc(hidden)]
    #[inline]
    fn resized<T>(&mut self, _ring: &Arena<T>, _maxsize: usize) {}

    /// Records that the value of the entry in `slot` was replaced.
    #[doc(hidden)]
    fn replaced<T>(&mut self, ring: &Arena<T>, slot: Slot) {
        self.used(ring, slot);
    }

    /// Returns the next victim; `None` if there are no entries.
    ///
    /// The victim stays in the ring until it is removed, which [`Policy::removed`] records.
    #[doc(hidden)]
    fn victim<T>(&mut self, ring: &Arena<T>, newcomer: KeyHash) -> Option<Slot>;

    /// Returns the slots among which a user-defined victim chooser may choose; none if the policy does not
    /// call one.
    #[doc(hidden)]
    fn candidates(&self) -> &[Slot] {
        &[]
    }

    /// Makes one of the candidates the next victim.
    #[doc(hidden)]
    fn choose(&mut self, _slot: Slot) {}

    /// Brings the ring into the order of use, if the policy keeps one in it.
    #[doc(hidden)]
    #[inline]
    fn settle<T>(&self, _ring: &Arena<T>) {}

    /// Returns the hits and misses that were counted without the lock since the last time.
    #[doc(hidden)]
    #[inline]
    fn take_counts(&self) -> (u64, u64) {
        (0, 0)
    }

    /// Returns a policy with the same settings for an empty cache, to which readers without the lock turn.
    #[doc(hidden)]
    #[must_use]
    fn emptied(&mut self) -> Self {
        Self::NEW
    }

    /// Records that the entry in `slot` was removed, by eviction or otherwise.
    #[doc(hidden)]
    #[inline]
    fn removed(&mut self, _slot: Slot) {}

    /// Panics if the lists of the policy are inconsistent or their slots differ from those of the ring.
    #[doc(hidden)]
    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, _ring: &Arena<T>) {}
}
