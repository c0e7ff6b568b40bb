//! [`Table`]: the generations at which tags were last invalidated. It is bounded, and read without a lock.

use super::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use crate::tags::tag::TagId;

/// How many tags a bucket has room for: as many as fit in a cache line.
pub(super) const WAYS: usize = 3;

/// A tag, zero if there is none, and the generation at which it was last invalidated.
struct Way {
    tag: AtomicU64,
    generation: AtomicU64,
}

/// Tags whose hashes have the same low bits.
#[repr(align(64))]
struct Bucket {
    /// The last generation at which a tag was invalidated that the bucket has forgotten.
    floor: AtomicU64,
    ways: [Way; WAYS],
}

/// What [`Table::note`] did with a tag that it did not find.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// There was room, or the tag was there.
    Kept,
    /// Another tag was forgotten.
    Forgot,
}

/// Buckets of tags, 64 bytes each.
///
/// A bucket without room forgets the tag that was invalidated longest ago, and remembers when that was. All tags that it
/// does not find count as invalidated at that time: for tags that were never invalidated, that is a miss too many.
///
/// Invariant: a reader that has seen a generation finds no generation of a tag that is too early. Where it reads while
/// a bucket changes, it may find one that is too late.
pub(super) struct Table {
    buckets: Box<[Bucket]>,
}

impl Table {
    /// Creates an empty table. The number of buckets is a power of two.
    pub(super) fn new(buckets: usize) -> Self {
        debug_assert!(buckets.is_power_of_two(), "buckets are selected by bits");
        let way = || Way { tag: AtomicU64::new(0), generation: AtomicU64::new(0) };
        let bucket = || Bucket { floor: AtomicU64::new(0), ways: [(); WAYS].map(|()| way()) };
        Self { buckets: (0..buckets).map(|_| bucket()).collect() }
    }

    fn bucket(&self, tag: TagId) -> &Bucket {
        #[expect(clippy::cast_possible_truncation, reason = "the low bits select a bucket")]
        let index = tag.get() as usize & (self.buckets.len() - 1);
        &self.buckets[index]
    }

    /// Returns the generation at which a tag was last invalidated, or a later one; zero if it never was.
    pub(super) fn last(&self, tag: TagId) -> u64 {
        let bucket = self.bucket(tag);
        for way in &bucket.ways {
            // Acquire: a reader that finds another tag in its place finds the floor that was raised before.
            if way.tag.load(Acquire) == tag.get() {
                return way.generation.load(Relaxed);
            }
        }
        bucket.floor.load(Relaxed)
    }

    /// Notes that a tag is invalidated at a generation, later than all others. Only one thread may do so at a time.
    pub(super) fn note(&self, tag: TagId, generation: u64) -> Noted {
        let bucket = self.bucket(tag);
        let mut oldest = (&bucket.ways[0], u64::MAX);
        for way in &bucket.ways {
            if way.tag.load(Relaxed) == tag.get() {
                way.generation.store(generation, Relaxed);
                return Noted::Kept;
            }
            let last = way.generation.load(Relaxed);
            if last < oldest.1 {
                oldest = (way, last);
            }
        }
        let (way, last) = oldest;
        let is_free = way.tag.load(Relaxed) == 0;
        // In this order: a reader that does not find the former tag any more sees the floor, which never falls, as the
        // generations of the other tags are later. One that still finds it may see a generation that is too late.
        bucket.floor.store(last, Relaxed);
        way.generation.store(generation, Relaxed);
        way.tag.store(tag.get(), Release);
        if is_free { Noted::Kept } else { Noted::Forgot }
    }
}
