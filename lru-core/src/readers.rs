//! What threads read at the same time, without a lock that they have in common.
//!
//! A table is lent by putting a handle to it where one thread looks for it, and no other: a stripe of its own, in
//! cache lines of its own. There the thread also counts its hits. Who wants to change the table, or to know
//! all hits, takes the handles back, one by one.
//!
//! Invariant: handles are put and taken back by who holds the lock of the cache. Whoever reads holds a stripe, and
//! is [`Held`] of it, so waits for nobody.

use core::cell::Cell;
use core::convert::Infallible;
use core::fmt;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread;

use parking_lot::{Mutex, MutexGuard};

use crate::nested::{Held, is_nested};

/// How many stripes there are: one for each thread that can run at a time, as threads that are made together have
/// numbers in a row, and one for who made them. More threads share them.
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
const NOBODY: usize = 0;

/// The number of the current thread, from one on.
#[inline]
pub(crate) fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(NOBODY + 1);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(NOBODY) };
    }
    match NUMBER.get() {
        NOBODY => {
            let number = NEXT.fetch_add(1, Relaxed);
            NUMBER.set(number);
            number
        }
        number => number,
    }
}

/// Where the threads find the table.
pub struct Readers<X> {
    /// As many as a power of two.
    stripes: Arc<[Stripe<X>]>,
}

impl<X> Clone for Readers<X> {
    fn clone(&self) -> Self {
        Self { stripes: Arc::clone(&self.stripes) }
    }
}

#[repr(align(128))]
struct Stripe<X> {
    /// The table, where it is lent. Held by who reads.
    desk: Mutex<Option<Arc<X>>>,
    /// Hits since the table was put there, or they were asked for.
    hits: AtomicU64,
    /// The number of the thread that is reading.
    reader: AtomicUsize,
    /// What is being read is not what the cache has any more: found so by a nested call, which could not take it.
    is_stale: AtomicBool,
    /// Whether the table lies there.
    is_filled: AtomicBool,
    /// How often it was missed, and how often it is to be before it is put there.
    visits: AtomicU32,
    patience: AtomicU32,
}

/// The table in the hands of the current thread.
pub(crate) struct Reading<'a, X> {
    desk: MutexGuard<'a, Option<Arc<X>>>,
    stripe: &'a Stripe<X>,
    _held: Held,
}

impl<'a, X> Reading<'a, X> {
    #[inline]
    fn begin(desk: MutexGuard<'a, Option<Arc<X>>>, stripe: &'a Stripe<X>, number: usize) -> Self {
        stripe.reader.store(number, Relaxed);
        Self { desk, stripe, _held: Held::new() }
    }

    #[inline]
    pub(crate) fn table(&self) -> Option<&X> {
        self.desk.as_deref()
    }

    /// Whether it is what the cache has.
    #[inline]
    pub(crate) fn is_up_to_date(&self) -> bool {
        !self.stripe.is_stale.load(Relaxed)
    }

    /// Counts a hit.
    #[inline]
    pub(crate) fn count(&self) {
        let hits = &self.stripe.hits;
        hits.store(hits.load(Relaxed) + 1, Relaxed);
    }
}

impl<X> Drop for Reading<'_, X> {
    #[inline]
    fn drop(&mut self) {
        self.stripe.reader.store(NOBODY, Relaxed);
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

/// Why the table is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recall {
    /// To know all hits: it stays where it is.
    Counted,
    /// It is to change. Who is reading it must not answer from it.
    Stale,
}

impl<X> Readers<X> {
    fn new() -> Self {
        let stripe = || Stripe {
            desk: Mutex::new(None),
            hits: AtomicU64::new(0),
            reader: AtomicUsize::new(NOBODY),
            is_stale: AtomicBool::new(false),
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
        let desk = if is_nested() { stripe.desk.try_lock() } else { Some(stripe.desk.lock()) };
        match desk {
            Some(desk) if desk.is_some() => Found::Table(Reading::begin(desk, stripe, number)),
            // Taken back just now, or being read up the stack.
            _ => Found::Nothing,
        }
    }

    /// Puts the table where the current thread looks.
    fn put(&self, table: &Arc<X>) {
        let stripe = self.of(number());
        if stripe.is_filled.load(Relaxed) {
            return;
        }
        if let Some(mut desk) = stripe.desk.try_lock() {
            *desk = Some(Arc::clone(table));
            stripe.is_stale.store(false, Relaxed);
            stripe.visits.store(0, Relaxed);
            stripe.is_filled.store(true, Relaxed);
        }
    }

    /// Returns the hits that were counted. Where the table is to change, takes it away from all but the current
    /// thread, should that be reading it just now.
    fn recall(&self, recall: Recall) -> u64 {
        let mut hits = 0;
        for stripe in self.stripes.iter().filter(|stripe| stripe.is_filled.load(Relaxed)) {
            let desk = if stripe.is_read_here() { None } else { Some(stripe.desk.lock()) };
            let counted = stripe.hits.swap(0, Relaxed);
            hits += counted;
            if recall == Recall::Stale {
                stripe.learn(counted);
                match desk {
                    // Never the last handle: the cache has one.
                    Some(mut desk) => {
                        *desk = None;
                        stripe.is_filled.store(false, Relaxed);
                    }
                    None => stripe.is_stale.store(true, Relaxed),
                }
            }
        }
        hits
    }

    /// Whether the current thread is reading.
    fn is_read_here(&self) -> bool {
        self.stripes.iter().any(Stripe::is_read_here)
    }
}

impl<X> Default for Readers<X> {
    fn default() -> Self {
        Self::new()
    }
}

impl<X> Stripe<X> {
    /// Whether it is the current thread that is reading.
    fn is_read_here(&self) -> bool {
        self.reader.load(Relaxed) == number()
    }

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

impl<X> fmt::Debug for Readers<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

/// A table that is lent.
pub trait Lent<X>: Sized + fmt::Debug {
    /// The table.
    fn table(&self) -> &X;

    /// Takes the handles back. Returns the hits that their readers counted.
    fn recall(&self, recall: Recall) -> u64;

    /// Whether the current thread is reading it by such a handle.
    fn is_read_here(&self) -> bool;

    /// The table, where all handles have been taken back.
    ///
    /// # Errors
    ///
    /// It is still lent where they have not been.
    fn into_table(self) -> Result<X, Self>;
}

/// A table that is lent to readers.
pub struct ToReaders<X> {
    table: Arc<X>,
    readers: Readers<X>,
}

impl<X> ToReaders<X> {
    pub(crate) fn new(table: X, readers: &Readers<X>) -> Self {
        Self { table: Arc::new(table), readers: Readers::clone(readers) }
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

    fn recall(&self, recall: Recall) -> u64 {
        self.readers.recall(recall)
    }

    fn is_read_here(&self) -> bool {
        self.readers.is_read_here()
    }

    fn into_table(self) -> Result<X, Self> {
        let Self { table, readers } = self;
        Arc::try_unwrap(table).map_err(|table| Self { table, readers })
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

    fn recall(&self, _: Recall) -> u64 {
        match *self {}
    }

    fn is_read_here(&self) -> bool {
        match *self {}
    }

    fn into_table(self) -> Result<X, Self> {
        match self {}
    }
}
