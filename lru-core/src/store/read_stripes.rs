//! Read stripes: lock-striped reads of an unbounded table, without a lock that all threads share.
//!
//! The table is published to a thread by storing an `Arc` of it in the stripe of that thread, which has cache lines of
//! its own and a local counter of hits. Before the lock holder changes the table, it revokes all handles, one stripe
//! after the other.
//!
//! Invariant: only the holder of the cache lock publishes and revokes; it may block on the lock of a stripe. A reader
//! holds the lock of its stripe only, and blocks on no other lock meanwhile.

use core::cell::Cell;
use core::convert::Infallible;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread;

use parking_lot::{Mutex, MutexGuard};

/// Returns the number of stripes: one for each thread that can run at a time, and one for the thread that made them.
fn stripe_count() -> usize {
    static STRIPES: OnceLock<usize> = OnceLock::new();
    *STRIPES.get_or_init(|| {
        let threads = thread::available_parallelism().map_or(16, NonZeroUsize::get);
        (threads + 1).next_power_of_two().clamp(4, 128)
    })
}

/// The smallest number of lookups in an empty stripe before the table is published to it.
const MIN_LOOKUPS: u32 = 4;

/// The largest number of such lookups. With frequent changes, which revoke the table, publishing does not pay.
const MAX_LOOKUPS: u32 = 4096;

/// The number of hits between publishing and revoking that makes publishing pay.
const MIN_HITS: u64 = 32;

/// The number that no thread has.
pub(crate) const NO_THREAD: usize = 0;

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(NO_THREAD) };
}

/// Returns the number of the current thread, which is at least 1.
#[inline]
pub(crate) fn thread_number() -> usize {
    match NUMBER.get() {
        NO_THREAD => assign_thread_number(),
        number => number,
    }
}

/// Sets the number of the current thread.
#[cfg(test)]
pub(crate) fn set_thread_number(number: usize) {
    NUMBER.set(number);
}

/// Assigns a new number to the current thread.
#[cold]
fn assign_thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(NO_THREAD + 1);
    let number = NEXT.fetch_add(1, Relaxed).max(NO_THREAD + 1);
    NUMBER.set(number);
    number
}

/// The stripes in which threads find a published table.
pub struct ReadStripes<X> {
    /// The number of stripes is a power of two.
    stripes: Arc<[Stripe<X>]>,
}

impl<X> Clone for ReadStripes<X> {
    fn clone(&self) -> Self {
        Self { stripes: Arc::clone(&self.stripes) }
    }
}

#[repr(align(128))]
struct Stripe<X> {
    slot: Mutex<StripeSlot<X>>,
    /// Whether the table is published to this stripe.
    is_published: AtomicBool,
    /// The number of lookups since the table was revoked, and the number at which it is published again.
    lookups: AtomicU32,
    publish_after: AtomicU32,
}

struct StripeSlot<X> {
    table: Option<Arc<X>>,
    /// The number of hits that have not been collected.
    hits: u64,
    /// The number of the last thread that read here.
    last_thread: usize,
    /// How often the reading thread changed.
    collisions: u32,
}

/// A lookup of the current thread in a published table.
pub(crate) struct Reading<'a, X> {
    slot: MutexGuard<'a, StripeSlot<X>>,
}

impl<X> Reading<'_, X> {
    #[inline]
    pub(crate) fn table(&self) -> Option<&X> {
        self.slot.table.as_deref()
    }

    /// Counts a hit and ends the lookup.
    #[inline]
    pub(crate) fn hit(mut self) {
        self.slot.hits += 1;
    }
}

/// The result of a lookup in the stripe of the current thread.
pub(crate) enum StripeLookup<'a, X> {
    Table(Reading<'a, X>),
    /// The table is not published here: the lookup goes through the cache lock.
    NotPublished,
    /// Like [`StripeLookup::NotPublished`], and so often that the lock holder should publish the table.
    PublishDue,
}

impl<X> ReadStripes<X> {
    /// Returns the stripe of the thread with this number.
    #[inline]
    fn of(&self, number: usize) -> &Stripe<X> {
        &self.stripes[number & (self.stripes.len() - 1)]
    }

    /// Looks for the table in the stripe of the current thread.
    #[inline]
    pub(crate) fn find(&self) -> StripeLookup<'_, X> {
        let number = thread_number();
        let stripe = self.of(number);
        if !stripe.is_published.load(Relaxed) {
            return stripe.count_lookup();
        }
        let mut slot = stripe.slot.lock();
        if slot.last_thread != number {
            self.record_collision(&mut slot, number);
        }
        // The table may have been revoked since `is_published` was read.
        if slot.table.is_some() { StripeLookup::Table(Reading { slot }) } else { StripeLookup::NotPublished }
    }

    /// Records that the last reader was another thread. At every power of two of such collisions, the current thread
    /// moves to another stripe, until each thread has a stripe of its own, if there are enough.
    #[cold]
    #[inline(never)]
    fn record_collision(&self, slot: &mut StripeSlot<X>, number: usize) {
        let is_taken = slot.last_thread != NO_THREAD;
        slot.last_thread = number;
        if is_taken {
            slot.collisions = slot.collisions.saturating_add(1);
            if slot.collisions.is_power_of_two() {
                while core::ptr::eq(self.of(assign_thread_number()), self.of(number)) {}
            }
        }
    }

    /// Publishes the table to the current thread.
    fn publish(&self, table: &Arc<X>) {
        let stripe = self.of(thread_number());
        stripe.slot.lock().table = Some(Arc::clone(table));
        stripe.lookups.store(0, Relaxed);
        stripe.is_published.store(true, Relaxed);
    }

    /// Collects the hits that were counted in all stripes.
    fn take_hits(&self) -> u64 {
        let filled = self.stripes.iter().filter(|stripe| stripe.is_published.load(Relaxed));
        filled.map(|stripe| core::mem::take(&mut stripe.slot.lock().hits)).sum()
    }

    /// Revokes the table from all stripes, and collects their hits.
    fn revoke(&self) -> u64 {
        let mut hits = 0;
        for stripe in self.stripes.iter().filter(|stripe| stripe.is_published.load(Relaxed)) {
            // From now on, the thread of the stripe uses the cache lock and does not block here.
            stripe.is_published.store(false, Relaxed);
            let mut slot = stripe.slot.lock();
            // This is not the last handle: the cache has one.
            slot.table = None;
            let counted = core::mem::take(&mut slot.hits);
            stripe.adapt(counted);
            hits += counted;
        }
        hits
    }
}

impl<X> Default for ReadStripes<X> {
    fn default() -> Self {
        let stripe = || Stripe {
            slot: Mutex::new(StripeSlot { table: None, hits: 0, last_thread: NO_THREAD, collisions: 0 }),
            is_published: AtomicBool::new(false),
            lookups: AtomicU32::new(0),
            publish_after: AtomicU32::new(MIN_LOOKUPS),
        };
        Self { stripes: (0..stripe_count()).map(|_| stripe()).collect() }
    }
}

impl<X> Stripe<X> {
    /// Adapts the number of lookups before the table is published again to the hits since the last time.
    fn adapt(&self, hits: u64) {
        let publish_after = self.publish_after.load(Relaxed);
        let publish_after = if hits < MIN_HITS { (2 * publish_after).min(MAX_LOOKUPS) } else { MIN_LOOKUPS };
        self.publish_after.store(publish_after, Relaxed);
    }

    /// Counts a lookup that found no table.
    #[cold]
    fn count_lookup(&self) -> StripeLookup<'_, X> {
        let lookups = self.lookups.load(Relaxed).saturating_add(1);
        self.lookups.store(lookups, Relaxed);
        if lookups < self.publish_after.load(Relaxed) {
            StripeLookup::NotPublished
        } else {
            StripeLookup::PublishDue
        }
    }
}

/// A table that may be published to read stripes.
pub trait MaybePublished<X>: Sized {
    /// Prepares a table for being published to stripes.
    ///
    /// # Errors
    ///
    /// Returns `table` if it is never published.
    fn new(table: X, stripes: &ReadStripes<X>) -> Result<Self, X>;

    /// Publishes the table to the current thread.
    fn publish(&self);

    /// Returns the table.
    fn table(&self) -> &X;

    /// Collects the hits that the stripes have counted.
    fn take_hits(&self) -> u64;

    /// Revokes the table from all stripes, and returns it with the hits.
    fn revoke(self) -> (X, u64);
}

/// A table that is published to read stripes.
pub struct PublishedTable<X> {
    table: Arc<X>,
    stripes: ReadStripes<X>,
}

impl<X> MaybePublished<X> for PublishedTable<X> {
    fn new(table: X, stripes: &ReadStripes<X>) -> Result<Self, X> {
        Ok(Self { table: Arc::new(table), stripes: ReadStripes::clone(stripes) })
    }

    fn publish(&self) {
        self.stripes.publish(&self.table);
    }

    // Out of line: that the table is not published is the likely case.
    #[cold]
    #[inline(never)]
    fn table(&self) -> &X {
        &self.table
    }

    fn take_hits(&self) -> u64 {
        self.stripes.take_hits()
    }

    fn revoke(self) -> (X, u64) {
        let hits = self.stripes.revoke();
        match Arc::try_unwrap(self.table) {
            Ok(table) => (table, hits),
            Err(_) => unreachable!("all handles were revoked, and only the lock holder makes new ones"),
        }
    }
}

/// A table that is never published.
impl<X> MaybePublished<X> for Infallible {
    fn new(table: X, _: &ReadStripes<X>) -> Result<Self, X> {
        Err(table)
    }

    fn publish(&self) {
        match *self {}
    }

    fn table(&self) -> &X {
        match *self {}
    }

    fn take_hits(&self) -> u64 {
        match *self {}
    }

    fn revoke(self) -> (X, u64) {
        match self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(stripes: &ReadStripes<u8>) -> bool {
        matches!(stripes.find(), StripeLookup::Table(_))
    }

    #[test]
    fn threads_that_share_a_stripe_move_apart() {
        let (stripes, table) = (ReadStripes::default(), Arc::new(1));
        let (mut one, mut other) = (5, 5 + stripes.stripes.len());
        let stripe = |number| core::ptr::from_ref(stripes.of(number));
        assert_eq!(stripe(one), stripe(other));
        for _ in 0..8 {
            for thread in [&mut one, &mut other] {
                set_thread_number(*thread);
                stripes.publish(&table);
                assert!(is_found(&stripes));
                *thread = thread_number();
            }
        }
        assert_ne!(stripe(one), stripe(other));
        let apart = (one, other);
        for thread in [one, other, one, other] {
            set_thread_number(thread);
            assert!(is_found(&stripes));
        }
        assert_eq!((one, other), apart);
    }

    /// Looks up in the stripe of the current thread and counts a hit.
    fn hit(stripes: &ReadStripes<u8>) {
        let StripeLookup::Table(reading) = stripes.find() else { panic!("the table is published") };
        assert_eq!(reading.table(), Some(&1));
        reading.hit();
    }

    #[test]
    fn a_table_is_found_by_the_thread_that_it_was_published_to_until_it_is_revoked() {
        let stripes = ReadStripes::default();
        let published = PublishedTable::new(1, &stripes).unwrap();
        set_thread_number(2);
        published.publish();
        assert!(is_found(&stripes));
        set_thread_number(3);
        assert!(!is_found(&stripes));
        set_thread_number(2);
        assert_eq!(published.table(), &1);
        assert_eq!(published.revoke(), (1, 0));
        assert!(!is_found(&stripes));
    }

    #[test]
    fn hits_are_returned_once_from_all_stripes() {
        let stripes = ReadStripes::default();
        let published = PublishedTable::new(1, &stripes).unwrap();
        for (thread, hits) in [(1, 2), (2, 3)] {
            set_thread_number(thread);
            published.publish();
            (0..hits).for_each(|_| hit(&stripes));
        }
        assert_eq!((published.take_hits(), published.take_hits()), (5, 0));
        hit(&stripes);
        assert_eq!(published.revoke(), (1, 1));
    }

    #[test]
    fn however_often_a_table_is_revoked_it_is_published_again_in_the_end() {
        let (stripes, table) = (ReadStripes::default(), Arc::new(1));
        set_thread_number(3);
        for _ in 0..20 {
            stripes.publish(&table);
            stripes.revoke();
        }
        let lookups = (1..100_000).find(|_| matches!(stripes.find(), StripeLookup::PublishDue));
        assert_eq!(lookups, Some(MAX_LOOKUPS));
    }

    #[test]
    fn a_table_that_is_revoked_too_soon_is_published_more_rarely() {
        let (stripes, table) = (ReadStripes::default(), Arc::new(1));
        let lookups = || {
            (1..10_000)
                .find(|_| matches!(stripes.find(), StripeLookup::PublishDue))
                .expect("it is published in the end")
        };
        set_thread_number(3);
        for publish_after in [4, 8, 16, 32] {
            assert_eq!(lookups(), publish_after);
            stripes.publish(&table);
            assert!(is_found(&stripes));
            assert_eq!(stripes.revoke(), 0);
        }
        assert_eq!(lookups(), 64);
        stripes.publish(&table);
        for _ in 0..MIN_HITS {
            let StripeLookup::Table(reading) = stripes.find() else { panic!("the table is published") };
            reading.hit();
        }
        assert_eq!(stripes.revoke(), MIN_HITS);
        assert_eq!(lookups(), 4);
    }
}
