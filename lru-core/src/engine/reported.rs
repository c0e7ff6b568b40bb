//! Changes of a cache that are reported by threads which cannot reach it, because it is in an object that may be
//! dropped, or belongs to a thread. The next call of a function with a backend removes the entries.

use core::mem;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::vec::Vec;

use parking_lot::Mutex;

use crate::key::KeyHash;

/// The hashes of the entries that are to be removed from a cache.
#[derive(Default)]
pub struct ReportedChanges {
    /// Whether there are any. Written only under the lock of `hashes`.
    any: AtomicBool,
    hashes: Mutex<Vec<KeyHash>>,
}

impl ReportedChanges {
    /// Reports that the entries with these hashes are to be removed.
    pub(crate) fn report(&self, changed: impl IntoIterator<Item = KeyHash>) {
        let mut hashes = self.hashes.lock();
        hashes.extend(changed);
        self.any.store(!hashes.is_empty(), Relaxed);
    }

    /// Takes the changes that were reported since the last time; `None` if there are none.
    #[inline]
    pub(crate) fn taken(&self) -> Option<Vec<KeyHash>> {
        if self.any.load(Relaxed) { Some(self.take()) } else { None }
    }

    #[cold]
    fn take(&self) -> Vec<KeyHash> {
        let mut hashes = self.hashes.lock();
        self.any.store(false, Relaxed);
        mem::take(&mut hashes)
    }
}
