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
fn stripes() -> usize {
    static STRIPES: OnceLock<usize> = OnceLock::new();
    *STRIPES.get_or_init(|| {
        let threads = thread::available_parallelism().map_or(16, NonZeroUsize::get);
        (threads + 1).next_power_of_two().clamp(4, 128)
    })
}

/// The smallest number of lookups in an empty stripe before the table is published to it.
const VISITS: u32 = 4;

/// The largest number of such lookups. With frequent changes, which revoke the table, publishing does not pay.
const PATIENCE: u32 = 4096;

/// The number of hits between publishing and revoking that makes publishing pay.
const WORTH: u64 = 32;

/// The number that no thread has.
pub(crate) const NO_THREAD: usize = 0;

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(NO_THREAD) };
}

/// Returns the number of the current thread, which is at least 1.
#[inline]
pub(crate) fn number() -> usize {
    match NUMBER.get() {
        NO_THREAD => numbered(),
        number => number,
    }
}

/// Sets the number of the current thread.
#[cfg(test)]
pub(crate) fn be(number: usize) {
    NUMBER.set(number);
}

/// Assigns a new number to the current thread.
#[cold]
fn numbered() -> usize {
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
    is_filled: AtomicBool,
    /// The number of lookups since the table was revoked, and the number at which it is published again.
    visits: AtomicU32,
    patience: AtomicU32,
}

struct StripeSlot<X> {
    table: Option<Arc<X>>,
    /// The number of hits that have not been collected.
    hits: u64,
    /// The number of the last thread that read here.
    reader: usize,
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
pub(crate) enum Found<'a, X> {
    Table(Reading<'a, X>),
    /// The table is not published here: the lookup goes through the cache lock.
    Nothing,
    /// Like [`Found::Nothing`], and so often that the lock holder should publish the table.
    NothingAgain,
}

impl<X> ReadStripes<X> {
    fn new() -> Self {
        let stripe = || Stripe {
            slot: Mutex::new(StripeSlot { table: None, hits: 0, reader: NO_THREAD, collisions: 0 }),
            is_filled: AtomicBool::new(false),
            visits: AtomicU32::new(0),
            patience: AtomicU32::new(VISITS),
        };
        Self { stripes: (0..stripes()).map(|_| stripe()).collect() }
    }

    /// Returns the stripe of the thread with this number.
    #[inline]
    fn of(&self, number: usize) -> &Stripe<X> {
        &self.stripes[number & (self.stripes.len() - 1)]
    }

    /// Looks for the table in the stripe of the current thread.
    #[inline]
    pub(crate) fn find(&self) -> Found<'_, X> {
        let number = number();
        let stripe = self.of(number);
        if !stripe.is_filled.load(Relaxed) {
            return stripe.visit();
        }
        let mut slot = stripe.slot.lock();
        if slot.reader != number {
            self.collide(&mut slot, number);
        }
        // The table may have been revoked since `is_filled` was read.
        if slot.table.is_some() { Found::Table(Reading { slot }) } else { Found::Nothing }
    }

    /// Records that the last reader was another thread. At every power of two of such collisions, the current thread
    /// moves to another stripe, until each thread has a stripe of its own, if there are enough.
    #[cold]
    #[inline(never)]
    fn collide(&self, slot: &mut StripeSlot<X>, number: usize) {
        let is_taken = slot.reader != NO_THREAD;
        slot.reader = number;
        if is_taken {
            slot.collisions = slot.collisions.saturating_add(1);
            if slot.collisions.is_power_of_two() {
                while core::ptr::eq(self.of(numbered()), self.of(number)) {}
            }
        }
    }

    /// Publishes the table to the current thread.
    fn put(&self, table: &Arc<X>) {
        let stripe = self.of(number());
        stripe.slot.lock().table = Some(Arc::clone(table));
        stripe.visits.store(0, Relaxed);
        stripe.is_filled.store(true, Relaxed);
    }

    /// Collects the hits that were counted in all stripes.
    fn take_hits(&self) -> u64 {
        let filled = self.stripes.iter().filter(|stripe| stripe.is_filled.load(Relaxed));
        filled.map(|stripe| core::mem::take(&mut stripe.slot.lock().hits)).sum()
    }

    /// Revokes the table from all stripes, and collects their hits.
    fn take_back(&self) -> u64 {
        let mut hits = 0;
        for stripe in self.stripes.iter().filter(|stripe| stripe.is_filled.load(Relaxed)) {
            // From now on, the thread of the stripe uses the cache lock and does not block here.
            stripe.is_filled.store(false, Relaxed);
            let mut slot = stripe.slot.lock();
            // This is not the last handle: the cache has one.
            slot.table = None;
            let counted = core::mem::take(&mut slot.hits);
            stripe.learn(counted);
            hits += counted;
        }
        hits
    }
}

impl<X> Default for ReadStripes<X> {
    fn default() -> Self {
        Self::new()
    }
}

impl<X> Stripe<X> {
    /// Adapts the number of lookups before the table is published again to the hits since the last time.
    fn learn(&self, hits: u64) {
        let patience = self.patience.load(Relaxed);
        let patience = if hits < WORTH { (2 * patience).min(PATIENCE) } else { VISITS };
        self.patience.store(patience, Relaxed);
    }

    /// Counts a lookup that found no table.
    #[cold]
    fn visit(&self) -> Found<'_, X> {
        let visits = self.visits.load(Relaxed).saturating_add(1);
        self.visits.store(visits, Relaxed);
        if visits < self.patience.load(Relaxed) { Found::Nothing } else { Found::NothingAgain }
    }
}

/// A table that may be published to read stripes.
pub trait Lent<X>: Sized {
    /// Returns the table.
    fn table(&self) -> &X;

    /// Collects the hits that the stripes have counted.
    fn take_hits(&self) -> u64;

    /// Revokes the table from all stripes, and returns it with the hits.
    fn take_back(self) -> (X, u64);
}

/// A table that is published to read stripes.
pub struct ToReaders<X> {
    table: Arc<X>,
    readers: ReadStripes<X>,
}

impl<X> ToReaders<X> {
    pub(crate) fn new(table: X, readers: &ReadStripes<X>) -> Self {
        Self { table: Arc::new(table), readers: ReadStripes::clone(readers) }
    }

    /// Publishes the table to the current thread.
    pub(crate) fn put(&self) {
        self.readers.put(&self.table);
    }
}

impl<X> Lent<X> for ToReaders<X> {
    // Out of line: that the table is not published is the likely case.
    #[cold]
    #[inline(never)]
    fn table(&self) -> &X {
        &self.table
    }

    fn take_hits(&self) -> u64 {
        self.readers.take_hits()
    }

    fn take_back(self) -> (X, u64) {
        let hits = self.readers.take_back();
        match Arc::try_unwrap(self.table) {
            Ok(table) => (table, hits),
            Err(_) => unreachable!("all handles were revoked, and only the lock holder makes new ones"),
        }
    }
}

/// A table that is never published.
impl<X> Lent<X> for Infallible {
    fn table(&self) -> &X {
        match *self {}
    }

    fn take_hits(&self) -> u64 {
        match *self {}
    }

    fn take_back(self) -> (X, u64) {
        match self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(readers: &ReadStripes<u8>) -> bool {
        matches!(readers.find(), Found::Table(_))
    }

    #[test]
    fn threads_that_share_a_stripe_move_apart() {
        let (readers, table) = (ReadStripes::default(), Arc::new(1));
        let (mut one, mut other) = (5, 5 + readers.stripes.len());
        let stripe = |number| core::ptr::from_ref(readers.of(number));
        assert_eq!(stripe(one), stripe(other));
        for _ in 0..8 {
            for thread in [&mut one, &mut other] {
                be(*thread);
                readers.put(&table);
                assert!(is_found(&readers));
                *thread = number();
            }
        }
        assert_ne!(stripe(one), stripe(other));
        let apart = (one, other);
        for thread in [one, other, one, other] {
            be(thread);
            assert!(is_found(&readers));
        }
        assert_eq!((one, other), apart);
    }

    /// Looks up in the stripe of the current thread and counts a hit.
    fn hit(readers: &ReadStripes<u8>) {
        let Found::Table(reading) = readers.find() else { panic!("the table is published") };
        assert_eq!(reading.table(), Some(&1));
        reading.hit();
    }

    #[test]
    fn a_table_is_found_by_the_thread_that_it_was_published_to_until_it_is_revoked() {
        let readers = ReadStripes::default();
        let lent = ToReaders::new(1, &readers);
        be(2);
        lent.put();
        assert!(is_found(&readers));
        be(3);
        assert!(!is_found(&readers));
        be(2);
        assert_eq!(lent.table(), &1);
        assert_eq!(lent.take_back(), (1, 0));
        assert!(!is_found(&readers));
    }

    #[test]
    fn hits_are_returned_once_from_all_stripes() {
        let readers = ReadStripes::default();
        let lent = ToReaders::new(1, &readers);
        for (thread, hits) in [(1, 2), (2, 3)] {
            be(thread);
            lent.put();
            (0..hits).for_each(|_| hit(&readers));
        }
        assert_eq!((lent.take_hits(), lent.take_hits()), (5, 0));
        hit(&readers);
        assert_eq!(lent.take_back(), (1, 1));
    }

    #[test]
    fn however_often_a_table_is_revoked_it_is_published_again_in_the_end() {
        let (readers, table) = (ReadStripes::default(), Arc::new(1));
        be(3);
        for _ in 0..20 {
            readers.put(&table);
            readers.take_back();
        }
        let visits = (1..100_000).find(|_| matches!(readers.find(), Found::NothingAgain));
        assert_eq!(visits, Some(PATIENCE));
    }

    #[test]
    fn a_table_that_is_revoked_too_soon_is_published_more_rarely() {
        let (readers, table) = (ReadStripes::default(), Arc::new(1));
        let visits = || {
            (1..10_000)
                .find(|_| matches!(readers.find(), Found::NothingAgain))
                .expect("it is published in the end")
        };
        be(3);
        for patience in [4, 8, 16, 32] {
            assert_eq!(visits(), patience);
            readers.put(&table);
            assert!(is_found(&readers));
            assert_eq!(readers.take_back(), 0);
        }
        assert_eq!(visits(), 64);
        readers.put(&table);
        for _ in 0..WORTH {
            let Found::Table(reading) = readers.find() else { panic!("the table is published") };
            reading.hit();
        }
        assert_eq!(readers.take_back(), WORTH);
        assert_eq!(visits(), 4);
    }
}
