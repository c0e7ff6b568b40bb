//! [`Domain`]: the generations of invalidations, and when each tag was last invalidated.

use core::fmt;
use core::sync::atomic::AtomicUsize;
use std::sync::{OnceLock, PoisonError};

use super::sync::Mutex;
use super::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use crate::tags::table::{Noted, Table, WAYS};
use crate::tags::tag::TagId;

/// How often tags were invalidated: a number that grows with each invalidation.
///
/// The generations of different domains differ in their upper bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

/// Where the number of the domain begins in a generation.
const DOMAIN_SHIFT: u32 = 40;

impl Generation {
    /// The generation at which no result is valid.
    pub(crate) const NEVER: Self = Self(0);

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    /// Returns whether a result that is valid at this generation is valid at `now`, without a look at its tags.
    #[inline(always)]
    pub(crate) fn covers(self, now: Self) -> bool {
        // Those of other domains say nothing. Without `testing` there are none.
        let is_comparable =
            cfg!(not(any(test, feature = "testing"))) || self.0 >> DOMAIN_SHIFT == now.0 >> DOMAIN_SHIFT;
        is_comparable && self.0 >= now.0
    }
}

/// A [`Generation`] that any thread may replace. It is a fact about the order of invalidations, so threads may store what they
/// found out in any order.
#[derive(Debug)]
pub(crate) struct AtomicGeneration(core::sync::atomic::AtomicU64);

impl AtomicGeneration {
    pub(crate) const fn new(generation: Generation) -> Self {
        Self(core::sync::atomic::AtomicU64::new(generation.0))
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> Generation {
        Generation(self.0.load(Relaxed))
    }

    #[inline(always)]
    pub(crate) fn store(&self, generation: Generation) {
        self.0.store(generation.0, Relaxed);
    }
}

/// Alone in its cache line, because each hit of a function with tags reads it.
#[repr(align(64))]
struct CacheLine<T>(T);

/// What a domain has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InvalidationCounts {
    /// The number of tags that were invalidated, those of entries and of caches included.
    pub(crate) invalidated: u64,
    /// The number of tags that the table has forgotten.
    pub(crate) forgotten: u64,
}

/// The current generation, and the generations of tags.
///
/// Invariant: a thread that has seen a generation, by [`now`](Self::now), finds in the table all that was invalidated up to
/// it, and sees what the invalidating threads wrote before.
///
/// The lock of writers is a leaf: no other lock is acquired and no code of users runs under it, so tags may be invalidated
/// under any lock.
pub(crate) struct Domain {
    generation: CacheLine<AtomicU64>,
    /// Created by the first invalidation.
    table: OnceLock<Table>,
    /// The number of tags that the table is to have room for.
    capacity: AtomicUsize,
    writer: Mutex<InvalidationCounts>,
}

/// The default capacity, in tags: 4096 buckets, 256 KiB.
pub(super) const CAPACITY: usize = 4096 * WAYS;

/// The largest number of buckets: 1 GiB.
const MOST_BUCKETS: usize = 1 << 24;

impl Domain {
    /// Creates a domain of its parts, which the checker `loom` cannot create in constants.
    const fn of(generation: AtomicU64, writer: Mutex<InvalidationCounts>) -> Self {
        let table = OnceLock::new();
        Self { generation: CacheLine(generation), table, capacity: AtomicUsize::new(CAPACITY), writer }
    }

    /// Creates a domain with a number of its own: that of all threads has number zero.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn numbered(number: u64) -> Self {
        Self::of(AtomicU64::new(1 | number << DOMAIN_SHIFT), Mutex::default())
    }

    /// Returns the current generation, at which a call, a computation or a check of tags begins. It is none from before an
    /// invalidation that ended before.
    #[inline]
    pub(crate) fn now(&self) -> Generation {
        // Acquire: what begins at this generation sees what was written before its invalidation, and the table.
        Generation(self.generation.0.load(Acquire))
    }

    /// Returns whether a tag was invalidated after `generation`, as far as this thread has seen generations.
    pub(crate) fn is_invalidated(&self, tag: TagId, generation: Generation) -> bool {
        self.table.get().is_some_and(|table| table.last(tag) > generation.0)
    }

    /// Invalidates tags, all at one generation. What begins after it returned is valid.
    pub(crate) fn invalidate(&self, tags: &[TagId]) {
        if tags.is_empty() {
            return;
        }
        let mut counts = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let table = self.table.get_or_init(|| Table::new(buckets(self.capacity.load(Relaxed))));
        let generation = self.generation.0.load(Relaxed) + 1;
        for &tag in tags {
            counts.invalidated += 1;
            counts.forgotten += u64::from(table.note(tag, generation) == Noted::Forgot);
        }
        // Last: a thread that sees the generation sees the table. Otherwise it would take the generation for one at which
        // its results are valid.
        self.generation.0.store(generation, Release);
    }

    /// Begins a new generation, in which no tag is invalidated: a result that depends on something unknown is valid within one
    /// generation only.
    pub(crate) fn advance(&self) {
        let _counts = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.generation.0.load(Relaxed) + 1;
        self.generation.0.store(generation, Release);
    }

    /// Sets the number of tags that the table has room for; `false` if the table exists already.
    pub(crate) fn set_capacity(&self, tags: usize) -> bool {
        let _counts = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.capacity.store(tags, Relaxed);
        self.table.get().is_none()
    }

    /// Returns what was counted.
    pub(crate) fn counts(&self) -> InvalidationCounts {
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how many buckets have room for so many tags.
fn buckets(tags: usize) -> usize {
    tags.div_ceil(WAYS).clamp(1, MOST_BUCKETS).next_power_of_two()
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Domain").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// The domain of all threads that are not isolated.
#[cfg(not(all(test, loom)))]
pub(super) static SHARED: Domain =
    Domain::of(AtomicU64::new(1), Mutex::new(InvalidationCounts { invalidated: 0, forgotten: 0 }));

#[cfg(all(test, loom))]
pub(super) static SHARED: std::sync::LazyLock<Domain> = std::sync::LazyLock::new(|| Domain::numbered(0));

/// Invalidates a tag for all threads that are not isolated.
#[cfg(feature = "backend")]
pub(crate) fn invalidate_shared(tag: TagId) {
    SHARED.invalidate(&[tag]);
}

/// Sets how many invalidated tags are remembered, before the first invalidation. Returns whether that took effect.
///
/// Of each tag that was invalidated, the library remembers when that was last, in a table of fixed size. A tag that
/// is forgotten, because others were invalidated since, counts as invalidated later than it was: results with this tag,
/// and some with tags that were never invalidated, are computed once more if nothing asked for them meanwhile. No
/// invalidation is lost. The own tags of entries count, too: `cache_invalidate(key)` invalidates one.
///
/// The default is 12,288 tags. The table takes 64 bytes for every three tags, for which the number is rounded up: 256 KiB
/// by default, at most 1 GiB. It is created by the first invalidation; after that the function returns `false` and changes
/// nothing.
///
/// Inside `isolated`, tags are remembered apart, in a table of the default size.
///
/// ```
/// # use lru_core as functools;
/// // At the start of the program: 4 MiB.
/// assert!(functools::set_tag_capacity(196_608));
/// ```
pub fn set_tag_capacity(tags: usize) -> bool {
    SHARED.set_capacity(tags)
}
