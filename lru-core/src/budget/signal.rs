//! How calls learn that an epoch is due: without a lock, and at the next call of a function that has had a miss.

use core::sync::atomic::{
    AtomicU8, AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};

/// An epoch is due after so many misses of all functions.
pub(crate) const EPOCH: u64 = 1024;

/// An epoch is due after so many misses if much of the memory has been filled meanwhile.
const FEWEST: u64 = 64;

/// What the next call of a function has to do before it looks its key up.
#[derive(Debug)]
pub struct Attention(AtomicU8);

/// The function has not been used yet.
const NEW: u8 = 0;
/// There is nothing to do.
const NONE: u8 = 1;
/// An epoch is due.
const DUE: u8 = 2;

impl Attention {
    pub(crate) const fn new() -> Self {
        Self(AtomicU8::new(NEW))
    }

    /// Returns whether there is anything to do.
    #[inline]
    pub(crate) fn is_needed(&self) -> bool {
        // Acquire: the call finds the capacity that was set when the function joined.
        self.0.load(Acquire) != NONE
    }

    pub(crate) fn is_new(&self) -> bool {
        self.0.load(Acquire) == NEW
    }

    /// Records that the function has joined, or that an epoch was noticed.
    pub(crate) fn end(&self) {
        self.0.store(NONE, Release);
    }

    /// Records that an epoch is due.
    fn request(&self) {
        self.0.store(DUE, Relaxed);
    }
}

/// The misses since the last epoch.
#[derive(Debug)]
pub struct Pulse {
    misses: AtomicU64,
    bytes: AtomicU64,
    /// The budget.
    total: AtomicUsize,
}

impl Pulse {
    pub(crate) const fn new() -> Self {
        Self { misses: AtomicU64::new(0), bytes: AtomicU64::new(0), total: AtomicUsize::new(usize::MAX) }
    }

    /// Counts a miss with a result of so many bytes, and asks the next call for an epoch if it is due.
    pub(crate) fn count(&self, bytes: usize, attention: &Attention) {
        let misses = self.misses.fetch_add(1, Relaxed) + 1;
        let added = u64::try_from(bytes).unwrap_or(u64::MAX >> 16);
        let bytes = self.bytes.fetch_add(added, Relaxed).saturating_add(added);
        let much = u64::try_from(self.total.load(Relaxed) / 8).unwrap_or(u64::MAX);
        if misses >= EPOCH || (misses >= FEWEST && bytes >= much) {
            attention.request();
        }
    }

    /// Returns whether a result of so many bytes could be stored with all of the budget.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        bytes <= self.total.load(Relaxed)
    }

    /// Begins an epoch, with this budget.
    pub(crate) fn begin(&self, total: usize) {
        self.misses.store(0, Relaxed);
        self.bytes.store(0, Relaxed);
        self.total.store(total, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_due_after_many_misses_or_much_memory() {
        let (pulse, attention) = (Pulse::new(), Attention::new());
        assert!(attention.is_new() && attention.is_needed());
        attention.end();
        pulse.begin(8000);
        (1..EPOCH).for_each(|_| pulse.count(0, &attention));
        assert!(!attention.is_needed());
        pulse.count(0, &attention);
        assert!(attention.is_needed() && !attention.is_new());
        attention.end();
        pulse.begin(8000);
        (1..FEWEST).for_each(|_| pulse.count(1000, &attention));
        assert!(!attention.is_needed());
        pulse.count(1000, &attention);
        assert!(attention.is_needed());
    }
}
