//! [`Distinct`]: a list that stays short although the same items are added over and over.

use core::fmt;

/// Items without many duplicates: at most as many as distinct items, or as [`RECENT`].
#[derive(Clone)]
pub(super) struct Distinct<T> {
    items: Vec<T>,
    /// The length at which duplicates are removed.
    most: usize,
}

/// How many of the last items an item is compared with.
const RECENT: usize = 16;

/// An item, and what distinguishes it from others.
pub(super) trait Identify {
    fn identity(&self) -> u64;
}

impl<T: Identify> Distinct<T> {
    pub(super) const fn new() -> Self {
        Self { items: Vec::new(), most: 4 * RECENT }
    }

    /// Adds an item, unless it is known to be there.
    pub(super) fn push(&mut self, item: T) {
        if self.items.iter().rev().take(RECENT).any(|other| other.identity() == item.identity()) {
            return;
        }
        if self.items.len() >= self.most {
            self.remove_duplicates();
            // So the work for each item is constant, but for a logarithm.
            self.most = self.most.max(2 * self.items.len());
        }
        self.items.push(item);
    }

    fn remove_duplicates(&mut self) {
        self.items.sort_unstable_by_key(Identify::identity);
        self.items.dedup_by_key(|item| item.identity());
    }

    /// Returns the items, of which some may be equal.
    #[cfg(feature = "backend")]
    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    pub(super) fn into_items(mut self) -> Vec<T> {
        if self.items.len() > RECENT {
            self.remove_duplicates();
        }
        self.items
    }
}

impl<T: Identify> Default for Distinct<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Distinct<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Distinct").field("len", &self.items.len()).finish_non_exhaustive()
    }
}
