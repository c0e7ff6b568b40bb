//! Small numbers of threads, unique among the threads that live.
//!
//! A number returns when its thread ends, and is given to a later thread. What one thread wrote as the owner of the number
//! happens before what the next owner writes.

use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};

/// The largest number of threads that have a number at a time. Further threads have none.
pub(crate) const MAX_THREADS: usize = 64;

/// The number of a thread that has none.
const NO_NUMBER: usize = usize::MAX;

/// A bit for each number that a thread has.
static TAKEN: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The number of the current thread. It has no destructor, so that it can be read while the thread ends.
    static NUMBER: Cell<usize> = const { Cell::new(NO_NUMBER) };
    /// Returns the number when the thread ends.
    static LEASE: Lease = const { Lease };
}

/// Its drop returns the number of the current thread.
struct Lease;

impl Drop for Lease {
    fn drop(&mut self) {
        let number = NUMBER.replace(NO_NUMBER);
        if number != NO_NUMBER {
            TAKEN.fetch_and(!(1 << number), Ordering::Release);
        }
    }
}

/// Returns the number of the current thread, or one that is out of range if it has none.
#[inline]
pub(crate) fn thread_number() -> usize {
    NUMBER.get()
}

/// Gives the current thread a number if it has none and one is free. A thread that is ending gets none.
pub(crate) fn ensure_thread_number() -> usize {
    if NUMBER.get() == NO_NUMBER && TAKEN.load(Ordering::Relaxed) != u64::MAX {
        // Registers the destructor, which is run once: a thread that has run it cannot return a number.
        if LEASE.try_with(|_| ()).is_ok() {
            let taken = TAKEN.fetch_update(Ordering::Acquire, Ordering::Relaxed, |taken| {
                let free = (!taken).trailing_zeros();
                (free < u64::BITS).then(|| taken | 1 << free)
            });
            if let Ok(before) = taken {
                NUMBER.set((!before).trailing_zeros() as usize);
            }
        }
    }
    NUMBER.get()
}

/// Held for writing by a test that may take all numbers, and for reading by one that needs a number.
#[cfg(test)]
pub(crate) static NUMBERS: parking_lot::RwLock<()> = parking_lot::RwLock::new(());

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::{Arc, Barrier};
    use std::thread;

    #[test]
    fn living_threads_have_different_numbers() {
        let _all = NUMBERS.write();
        let all = 40;
        let barrier = Arc::new(Barrier::new(all));
        let threads: Vec<_> = (0..all)
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                thread::spawn(move || {
                    let number = ensure_thread_number();
                    assert_eq!(number, thread_number());
                    // No thread ends before all have a number.
                    barrier.wait();
                    number
                })
            })
            .collect();
        let numbers: HashSet<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        // Threads of other tests may have the others.
        let with_number = numbers.iter().filter(|&&number| number < MAX_THREADS).count();
        assert!(with_number == all || numbers.contains(&NO_NUMBER), "{numbers:?}");
    }

    #[test]
    fn numbers_are_given_again() {
        let _some = NUMBERS.read();
        for _ in 0..1000 {
            let number = thread::spawn(ensure_thread_number).join().unwrap();
            assert!(number < MAX_THREADS || number == NO_NUMBER);
        }
        let number = thread::spawn(ensure_thread_number).join().unwrap();
        assert!(number < MAX_THREADS, "no more than the tests that run at a time have a number");
    }

    #[test]
    fn a_thread_that_is_ending_has_no_number() {
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                // Thread-locals are dropped in an order that is not specified: the lease may be there or gone.
                let number = ensure_thread_number();
                assert_eq!(number, thread_number());
            }
        }
        thread_local!(static LATE: Late = const { Late });
        thread::spawn(|| {
            LATE.with(|_| ());
            ensure_thread_number();
        })
        .join()
        .unwrap();
    }
}
