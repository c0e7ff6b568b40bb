//! A store in the memory of this process.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru_core::backend::{AsyncBackend, Backend, BackendError, Lease, Leases, Lookup, LookupOptions, Stored};

use crate::bounded_store::{BoundedStore, Evicts, Oversized, held_in_memory, place};
use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};

/// A backend that stores results in the memory of this process, up to a number of bytes: `memory(64 << 20)`.
///
/// A function has an in-process cache of its own, so this backend is for the near side of a
/// [`Layered`](crate::Layered), where all functions share its bytes, and for tests. Beyond its size the least recently
/// used entries are evicted. A value that is larger than the limit is refused.
///
/// Clones share the store.
///
/// # Examples
///
/// ```
/// use lru_backends::memory;
/// use lru_core::backend::{Backend, BackendError};
///
/// let backend = memory(64 << 20);
/// backend.set("squares", b"12", b"144", None)?;
/// assert_eq!(backend.clone().get("squares", b"12")?.map(|found| found.value), Some(b"144".to_vec()));
/// # Ok::<(), BackendError>(())
/// ```
#[derive(Clone)]
pub struct Memory {
    max_bytes: usize,
    store: Arc<Mutex<BoundedStore>>,
}

/// Creates a backend that stores results in the memory of this process, up to this number of bytes.
pub fn memory(max_bytes: usize) -> Memory {
    let store = BoundedStore::new(max_bytes, Evicts::LeastRecentlyUsed, Oversized::Refused);
    Memory { max_bytes, store: Arc::new(Mutex::new(store)) }
}

impl Memory {
    fn store(&self) -> MutexGuard<'_, BoundedStore> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an operation on the entries.
    fn with<T>(
        &self,
        operation: impl FnOnce(&mut BoundedStore) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        operation(&mut self.store())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("max_bytes", &self.max_bytes).finish_non_exhaustive()
    }
}

held_in_memory! { Memory }

#[cfg(test)]
mod tests;
