//! A store in the memory of this process.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound::{Included, Unbounded};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru_core::backend::{
    AsyncBackend, Backend, BackendError, ErrorKind, Lease, Leases, Lookup, Permission, Stored,
};

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};

/// What an entry takes besides its key and value, in bytes, as estimated for the limit.
const OVERHEAD: usize = 128;

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
    items: Arc<Mutex<Items>>,
}

/// Creates a backend that stores results in the memory of this process, up to this number of bytes.
pub fn memory(max_bytes: usize) -> Memory {
    Memory { max_bytes, items: Arc::default() }
}

/// A namespace and a key in it. The keys of one namespace are neighbours.
type Place = (Arc<str>, Arc<[u8]>);

/// The number of an item, which no other item ever has.
type Id = u64;

#[derive(Default)]
struct Items {
    by_place: BTreeMap<Place, Item>,
    /// The places in the order of their last use.
    by_use: BTreeMap<Id, Place>,
    bytes: usize,
}

struct Item {
    /// `None` for a lease.
    value: Option<Vec<u8>>,
    id: Id,
    last_use: Id,
    expires: Option<Instant>,
}

impl Item {
    fn stored(&self, now: Instant) -> Option<Stored> {
        let left = self.expires.map(|expires| expires.saturating_duration_since(now));
        Some(Stored::new(self.value.as_deref()?).ttl(left))
    }

    fn lease(&self) -> Lease {
        Lease::new(self.id.to_le_bytes())
    }
}

fn next_id() -> Id {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

fn place(namespace: &str, key: &[u8]) -> Place {
    (namespace.into(), key.into())
}

fn size(place: &Place, value: Option<&[u8]>) -> usize {
    OVERHEAD + place.0.len() + place.1.len() + value.map_or(0, <[u8]>::len)
}

impl Items {
    fn remove(&mut self, place: &Place) -> Option<Item> {
        let item = self.by_place.remove(place)?;
        self.by_use.remove(&item.last_use);
        self.bytes -= size(place, item.value.as_deref());
        Some(item)
    }

    /// Returns the item at a place, unless it has expired, and counts that as a use.
    fn find(&mut self, place: &Place, now: Instant) -> Option<&mut Item> {
        if self.by_place.get(place)?.expires.is_some_and(|expires| expires <= now) {
            self.remove(place);
        }
        let item = self.by_place.get_mut(place)?;
        self.by_use.remove(&item.last_use);
        item.last_use = next_id();
        self.by_use.insert(item.last_use, place.clone());
        Some(item)
    }

    /// Replaces whatever is at a place, evicts what does not fit beside it, and returns the lease over the new item.
    fn replace(
        &mut self,
        max_bytes: usize,
        place: Place,
        value: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<Lease, BackendError> {
        let size = size(&place, value);
        if size > max_bytes {
            let message = format!("a value of {size} bytes is larger than the limit of {max_bytes}");
            return Err(BackendError::with_kind(ErrorKind::Rejected, message));
        }
        self.remove(&place);
        while self.bytes + size > max_bytes {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.remove(&oldest);
        }
        let id = next_id();
        let expires = ttl.and_then(|ttl| Instant::now().checked_add(ttl));
        let item = Item { value: value.map(<[u8]>::to_vec), id, last_use: id, expires };
        let lease = item.lease();
        self.bytes += size;
        self.by_use.insert(id, place.clone());
        self.by_place.insert(place, item);
        Ok(lease)
    }

    /// Returns the item that a lease was given over, if it is still there.
    fn leased(&mut self, place: &Place, lease: &Lease) -> Option<&mut Item> {
        self.find(place, Instant::now()).filter(|item| item.id.to_le_bytes() == lease.token())
    }
}

impl Memory {
    fn items(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("max_bytes", &self.max_bytes).finish_non_exhaustive()
    }
}

impl Leases for Memory {}

macro_rules! in_memory {
    ($Backend:ident, $CompareAndSwap:ident, [$($fn:tt)*]) => {
        impl $Backend for Memory {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                let now = Instant::now();
                Ok(self.items().find(&place(namespace, key), now).and_then(|item| item.stored(now)))
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                self.items().replace(self.max_bytes, place(namespace, key), Some(value), ttl).map(drop)
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let (place, mut items) = (place(namespace, key), self.items());
                if items.find(&place, Instant::now()).is_some_and(|item| item.value.is_some()) {
                    return Ok(false);
                }
                items.replace(self.max_bytes, place, Some(value), Some(ttl)).map(|_| true)
            }

            $($fn)* get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: Duration,
            ) -> Result<Lookup, BackendError> {
                let (place, now, mut items) = (place(namespace, key), Instant::now(), self.items());
                if let Some(item) = items.find(&place, now) {
                    return Ok(Lookup::new(item.stored(now)).permission(Permission::Leased(item.lease())));
                }
                // What is too large for a lease is too large for a result.
                let lease = items.replace(self.max_bytes, place, None, Some(lease));
                let permission = lease.map_or(Permission::Denied, |lease| Permission::Leased(lease.new_here(true)));
                Ok(Lookup::new(None).permission(permission))
            }

            $($fn)* set_leased(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                let (place, mut items) = (place(namespace, key), self.items());
                if items.leased(&place, lease).is_none() {
                    return Ok(None);
                }
                items.replace(self.max_bytes, place, Some(value), ttl).map(Some)
            }

            $($fn)* put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                self.items().replace(self.max_bytes, place(namespace, key), Some(value), ttl).map(Some)
            }

            $($fn)* renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let mut items = self.items();
                let Some(item) = items.leased(&place(namespace, key), lease) else { return Ok(false) };
                item.expires = Instant::now().checked_add(ttl);
                Ok(true)
            }

            $($fn)* end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
                let (place, mut items) = (place(namespace, key), self.items());
                if items.leased(&place, lease).is_some() {
                    items.remove(&place);
                }
                Ok(())
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                let (place, mut items) = (place(namespace, key), self.items());
                let is_there = items.find(&place, Instant::now()).is_some_and(|item| item.value.is_some());
                items.remove(&place);
                Ok(is_there)
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                let mut items = self.items();
                let from = (Included(place(namespace, b"")), Unbounded);
                let places = items.by_place.range(from).map(|(place, _)| place.clone());
                let places: Vec<_> = places.take_while(|(of, _)| **of == *namespace).collect();
                for place in &places {
                    items.remove(place);
                }
                Ok(())
            }
        }

        impl $CompareAndSwap for Memory {
            /// The number of the item.
            type Version = Option<u64>;

            $($fn)* get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Self::Version), BackendError> {
                let (now, mut items) = (Instant::now(), self.items());
                let item = items.find(&place(namespace, key), now);
                Ok(item.map_or((None, None), |item| (item.stored(now), Some(item.id))))
            }

            $($fn)* compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Self::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                let (place, mut items) = (place(namespace, key), self.items());
                if items.find(&place, Instant::now()).map(|item| item.id) != *version {
                    return Ok(false);
                }
                items.replace(self.max_bytes, place, Some(value), ttl).map(|_| true)
            }
        }
    };
}

in_memory! { Backend, CompareAndSwap, [fn] }
in_memory! { AsyncBackend, AsyncCompareAndSwap, [async fn] }

#[cfg(test)]
mod tests;
