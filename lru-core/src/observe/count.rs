//! [`Count`]: a counter without a lock that can be reset, and still knows all that it has counted.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A counter.
#[derive(Debug, Default)]
pub(crate) struct Count {
    /// What was counted since the start of the program.
    lifetime: AtomicU64,
    /// What had been counted at the last reset.
    at_reset: AtomicU64,
}

impl Count {
    pub(crate) const fn new() -> Self {
        Self { lifetime: AtomicU64::new(0), at_reset: AtomicU64::new(0) }
    }

    pub(crate) fn add(&self, more: u64) {
        self.lifetime.fetch_add(more, Relaxed);
    }

    /// Returns what was counted since the last reset.
    pub(crate) fn get(&self) -> u64 {
        self.lifetime.load(Relaxed).saturating_sub(self.at_reset.load(Relaxed))
    }

    /// Returns what was counted since the start of the program.
    #[cfg(feature = "registry")]
    pub(crate) fn lifetime(&self) -> u64 {
        self.lifetime.load(Relaxed)
    }

    pub(crate) fn reset(&self) {
        self.at_reset.store(self.lifetime.load(Relaxed), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_takes_nothing_from_the_lifetime() {
        let count = Count::new();
        count.add(2);
        count.reset();
        count.add(3);
        assert_eq!(count.get(), 3);
        #[cfg(feature = "registry")]
        assert_eq!(count.lifetime(), 5);
    }
}
