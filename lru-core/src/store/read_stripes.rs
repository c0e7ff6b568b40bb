//! What threads read at the same time, without a lock that they have in common.
//!
//! A table is lent by putting a handle to it where one thread looks for it, and no other: a stripe of its own, in
//! cache lines of its own. There the thread also counts its hits. Who wants to change the table takes the handles
//! back, one by one.
//!
//! Invariant: handles are put and taken back by who holds the lock of the cache, who may wait for a stripe. Whoever
//! reads holds a stripe, and waits for nothing.

use core::cell::Cell;
use core::convert::Infallible;
use core::fmt;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread;

use parking_lot::{Mutex, MutexGuard};

/// How many stripes there are: one for each thread that can run at a time, and one for who made them.
fn stripes() -> usize {
    static STRIPES: OnceLock<usize> = OnceLock::new();
    *STRIPES.get_or_init(|| {
        let threads = thread::available_parallelism().map_or(16, NonZeroUsize::get);
        (threads + 1).next_power_of_two().clamp(4, 128)
    })
}

/// How often a thread finds nothing, at least, before it is lent the table.
const VISITS: u32 = 4;

/// The same at most. What was lent is taken back at the next change; where changes are frequent, that is not worth
/// it, and the thread has to be the more patient.
const PATIENCE: u32 = 4096;

/// How many hits make it worth while.
const WORTH: u64 = 32;

/// The number of no thread.
pub(crate) const NOBODY: usize = 0;

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(NOBODY) };
}

/// The number of the current thread, from one on.
#[inline]
pub(crate) fn number() -> usize {
    match NUMBER.get() {
        NOBODY => numbered(),
        number => number,
    }
}

/// Gives the current thread a number of one's choice.
#[cfg(test)]
pub(crate) fn be(number: usize) {
    NUMBER.set(number);
}

/// Gives it another one.
#[cold]
fn numbered() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(NOBODY + 1);
    let number = NEXT.fetch_add(1, Relaxed).max(NOBODY + 1);
    NUMBER.set(number);
    number
}

/// Where the threads find the table.
pub struct ReadStripes<X> {
    /// As many as a power of two.
    stripes: Arc<[Stripe<X>]>,
}

impl<X> Clone for ReadStripes<X> {
    fn clone(&self) -> Self {
        Self { stripes: Arc::clone(&self.stripes) }
    }
}

#[repr(align(128))]
struct Stripe<X> {
    desk: Mutex<Desk<X>>,
    /// Whether the table lies there.
    is_filled: AtomicBool,
    /// How often it was missed, and how often it is to be before it is put there.
    visits: AtomicU32,
    patience: AtomicU32,
}

struct Desk<X> {
    table: Option<Arc<X>>,
    /// Hits since the table was put there, or they were asked for.
    hits: u64,
    /// Who read last.
    reader: usize,
    /// How often that was another one than the time before.
    collisions: u32,
}

/// The table in the hands of the current thread.
pub(crate) struct Reading<'a, X> {
    desk: MutexGuard<'a, Desk<X>>,
}

impl<X> Reading<'_, X> {
    #[inline]
    pub(crate) fn table(&self) -> Option<&X> {
        self.desk.table.as_deref()
    }

    /// Counts a hit, and ends.
    #[inline]
    pub(crate) fn hit(mut self) {
        self.desk.hits += 1;
    }
}

impl<X> fmt::Debug for Reading<'_, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").finish_non_exhaustive()
    }
}

/// What a thread finds where it looks.
pub(crate) enum Found<'a, X> {
    Table(Reading<'a, X>),
    /// Nothing: the cache must be asked.
    Nothing,
    /// The same, and once too often: the cache had better lend its table.
    NothingAgain,
}

impl<X> ReadStripes<X> {
    fn new() -> Self {
        let stripe = || Stripe {
            desk: Mutex::new(Desk { table: None, hits: 0, reader: NOBODY, collisions: 0 }),
            is_filled: AtomicBool::new(false),
            visits: AtomicU32::new(0),
            patience: AtomicU32::new(VISITS),
        };
        Self { stripes: (0..stripes()).map(|_| stripe()).collect() }
    }

    /// The stripe of the thread with this number.
    #[inline]
    fn of(&self, number: usize) -> &Stripe<X> {
        &self.stripes[number & (self.stripes.len() - 1)]
    }

    /// Takes up the table that is lent to the current thread.
    #[inline]
    pub(crate) fn find(&self) -> Found<'_, X> {
        let number = number();
        let stripe = self.of(number);
        if !stripe.is_filled.load(Relaxed) {
            return stripe.visit();
        }
        let mut desk = stripe.desk.lock();
        if desk.reader != number {
            self.collide(&mut desk, number);
        }
        // It may have been taken back just now.
        if desk.table.is_some() { Found::Table(Reading { desk }) } else { Found::Nothing }
    }

    /// Notes that another thread has read here before the current one. Every now and then one of them goes
    /// elsewhere, until each has a stripe for itself, if there are enough.
    #[cold]
    #[inline(never)]
    fn collide(&self, desk: &mut Desk<X>, number: usize) {
        let is_taken = desk.reader != NOBODY;
        desk.reader = number;
        if is_taken {
            desk.collisions = desk.collisions.saturating_add(1);
            if desk.collisions.is_power_of_two() {
                while core::ptr::eq(self.of(numbered()), self.of(number)) {}
            }
        }
    }

    /// Puts the table where the current thread looks.
    fn put(&self, table: &Arc<X>) {
        let stripe = self.of(number());
        stripe.desk.lock().table = Some(Arc::clone(table));
        stripe.visits.store(0, Relaxed);
        stripe.is_filled.store(true, Relaxed);
    }

    /// Returns the hits that were counted.
    fn take_hits(&self) -> u64 {
        let filled = self.stripes.iter().filter(|stripe| stripe.is_filled.load(Relaxed));
        filled.map(|stripe| core::mem::take(&mut stripe.desk.lock().hits)).sum()
    }

    /// The same, and takes all handles back.
    fn take_back(&self) -> u64 {
        let mut hits = 0;
        for stripe in self.stripes.iter().filter(|stripe| stripe.is_filled.load(Relaxed)) {
            // From now on its thread asks the cache, and does not wait here.
            stripe.is_filled.store(false, Relaxed);
            let mut desk = stripe.desk.lock();
            // Never the last handle: the cache has one.
            desk.table = None;
            let counted = core::mem::take(&mut desk.hits);
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
    /// Notes that the table lay there for so many hits.
    fn learn(&self, hits: u64) {
        let patience = self.patience.load(Relaxed);
        let patience = if hits < WORTH { (2 * patience).min(PATIENCE) } else { VISITS };
        self.patience.store(patience, Relaxed);
    }

    /// Notes that nothing was found.
    #[cold]
    fn visit(&self) -> Found<'_, X> {
        let visits = self.visits.load(Relaxed).saturating_add(1);
        self.visits.store(visits, Relaxed);
        if visits < self.patience.load(Relaxed) { Found::Nothing } else { Found::NothingAgain }
    }
}

impl<X> fmt::Debug for ReadStripes<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadStripes").finish_non_exhaustive()
    }
}

/// A table that is lent.
pub trait Lent<X>: Sized + fmt::Debug {
    /// The table.
    fn table(&self) -> &X;

    /// Returns the hits that readers counted since they were last asked for.
    fn take_hits(&self) -> u64;

    /// Takes the table back from all, and returns it with those hits.
    fn take_back(self) -> (X, u64);
}

/// A table that is lent to readers.
pub struct ToReaders<X> {
    table: Arc<X>,
    readers: ReadStripes<X>,
}

impl<X> ToReaders<X> {
    pub(crate) fn new(table: X, readers: &ReadStripes<X>) -> Self {
        Self { table: Arc::new(table), readers: ReadStripes::clone(readers) }
    }

    /// Lends it to the current thread.
    pub(crate) fn put(&self) {
        self.readers.put(&self.table);
    }
}

impl<X> Lent<X> for ToReaders<X> {
    // Apart: a table that is not lent is the likely case, and to be foreseen as such.
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
            Err(_) => unreachable!("all handles were taken back, and nobody makes more"),
        }
    }
}

impl<X> fmt::Debug for ToReaders<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToReaders").finish_non_exhaustive()
    }
}

/// Never.
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
    fn threads_that_share_a_stripe_part() {
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
        let visits = (1..).find(|_| matches!(readers.find(), Found::NothingAgain));
        assert_eq!(visits, Some(PATIENCE));
    }

    #[test]
    fn where_it_is_taken_back_too_soon_it_is_lent_more_rarely() {
        let (readers, table) = (ReadStripes::default(), Arc::new(1));
        let visits = || (1..10_000).find(|_| matches!(readers.find(), Found::NothingAgain)).expect("at last");
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
            let Found::Table(reading) = readers.find() else { panic!("it was put there") };
            reading.hit();
        }
        assert_eq!(readers.take_back(), WORTH);
        assert_eq!(visits(), 4);
    }
}
