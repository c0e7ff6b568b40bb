//! Values and leases in memory, of bounded size: what [`Memory`](crate::Memory) and [`Snapshot`](crate::Snapshot) hold.

use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use lru_core::backend::{BackendError, ErrorKind, Lease, Lookup, Permission, Stored};

/// What an entry takes besides its key and value, in bytes, as estimated for the limit.
pub(crate) const OVERHEAD: usize = 128;

/// A namespace and a key in it. The keys of one namespace are neighbours.
pub(crate) type Place = (Arc<str>, Arc<[u8]>);

/// The number of an item, which no other item ever has.
pub(crate) type Id = u64;

/// Which entry is evicted for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evicts {
    /// The one that was used least recently.
    LeastRecentlyUsed,
    /// The one that was stored first.
    Oldest,
}

/// What happens to an entry that is larger than the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oversized {
    /// It is an error, and the entry that it was to replace stays.
    Refused,
    /// It is not kept, and the entry that it was to replace is removed.
    Dropped,
}

/// The entries, up to a number of bytes.
pub(crate) struct BoundedStore {
    by_place: BTreeMap<Place, Item>,
    /// The places in the order in which they are evicted.
    order: BTreeMap<Id, Place>,
    bytes: usize,
    max_bytes: usize,
    evicts: Evicts,
    oversized: Oversized,
    /// How many times a value was stored or removed.
    changes: u64,
}

struct Item {
    /// `None` for a lease.
    value: Option<Vec<u8>>,
    id: Id,
    /// Its place in the order.
    rank: Id,
    expires: Option<Instant>,
}

/// An entry that has not expired, and its remaining time to live.
pub(crate) struct Live<'s> {
    pub(crate) namespace: &'s str,
    pub(crate) key: &'s [u8],
    pub(crate) value: &'s [u8],
    pub(crate) ttl: Option<Duration>,
}

impl Item {
    fn left(&self, now: Instant) -> Option<Duration> {
        self.expires.map(|expires| expires.saturating_duration_since(now))
    }

    fn stored(&self, now: Instant) -> Option<Stored> {
        Some(Stored::new(self.value.as_deref()?).ttl(self.left(now)))
    }

    fn has_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

fn next_id() -> Id {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

/// Returns the lease over the item of this number.
fn lease_over(id: Id) -> Lease {
    Lease::new(id.to_le_bytes())
}

pub(crate) fn place(namespace: &str, key: &[u8]) -> Place {
    (namespace.into(), key.into())
}

fn size(place: &Place, value: Option<&[u8]>) -> usize {
    OVERHEAD + place.0.len() + place.1.len() + value.map_or(0, <[u8]>::len)
}

impl BoundedStore {
    pub(crate) fn new(max_bytes: usize, evicts: Evicts, oversized: Oversized) -> Self {
        let (by_place, order) = (BTreeMap::new(), BTreeMap::new());
        Self { by_place, order, bytes: 0, max_bytes, evicts, oversized, changes: 0 }
    }

    /// Returns how many times a value was stored or removed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Returns the entries that have not expired, in the order in which they are evicted.
    pub(crate) fn live(&self) -> impl Iterator<Item = Live<'_>> {
        let now = Instant::now();
        self.order.values().filter_map(move |place| {
            let item = self.by_place.get(place).filter(|item| !item.has_expired(now))?;
            let (namespace, key) = place;
            Some(Live { namespace, key, value: item.value.as_deref()?, ttl: item.left(now) })
        })
    }

    fn remove(&mut self, place: &Place) -> Option<Item> {
        let item = self.by_place.remove(place)?;
        self.order.remove(&item.rank);
        self.bytes -= size(place, item.value.as_deref());
        self.changes += u64::from(item.value.is_some());
        Some(item)
    }

    /// Returns the item at a place, unless it has expired, and counts that as a use.
    fn find(&mut self, place: &Place, now: Instant) -> Option<&mut Item> {
        if self.by_place.get(place)?.has_expired(now) {
            self.remove(place);
        }
        let item = self.by_place.get_mut(place)?;
        if self.evicts == Evicts::LeastRecentlyUsed {
            self.order.remove(&item.rank);
            item.rank = next_id();
            self.order.insert(item.rank, place.clone());
        }
        Some(item)
    }

    /// Replaces whatever is at a place, evicts what does not fit beside it, and returns the lease over the new item.
    fn replace(
        &mut self,
        place: Place,
        value: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<Lease, BackendError> {
        let (size, max_bytes) = (size(&place, value), self.max_bytes);
        if size > max_bytes && self.oversized == Oversized::Refused {
            let message = format!("a value of {size} bytes is larger than the limit of {max_bytes}");
            return Err(BackendError::with_kind(ErrorKind::Rejected, message));
        }
        self.remove(&place);
        let id = next_id();
        if size > max_bytes {
            return Ok(lease_over(id));
        }
        while self.bytes + size > max_bytes {
            let Some((_, first)) = self.order.pop_first() else { break };
            self.remove(&first);
        }
        let expires = ttl.and_then(|ttl| Instant::now().checked_add(ttl));
        let item = Item { value: value.map(<[u8]>::to_vec), id, rank: id, expires };
        self.bytes += size;
        self.changes += u64::from(value.is_some());
        self.order.insert(id, place.clone());
        self.by_place.insert(place, item);
        Ok(lease_over(id))
    }

    /// Returns the item that a lease was given over, if it is still there.
    fn leased(&mut self, place: &Place, lease: &Lease) -> Option<&mut Item> {
        self.find(place, Instant::now()).filter(|item| item.id.to_le_bytes() == lease.token())
    }

    pub(crate) fn get(&mut self, place: &Place) -> Option<Stored> {
        self.get_versioned(place).0
    }

    pub(crate) fn get_versioned(&mut self, place: &Place) -> (Option<Stored>, Option<Id>) {
        let now = Instant::now();
        self.find(place, now).map_or((None, None), |item| (item.stored(now), Some(item.id)))
    }

    pub(crate) fn put(
        &mut self,
        place: Place,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Lease, BackendError> {
        self.replace(place, Some(value), ttl)
    }

    pub(crate) fn add(&mut self, place: Place, value: &[u8], ttl: Duration) -> Result<bool, BackendError> {
        if self.find(&place, Instant::now()).is_some_and(|item| item.value.is_some()) {
            return Ok(false);
        }
        self.put(place, value, Some(ttl)).map(|_| true)
    }

    pub(crate) fn compare_and_swap(
        &mut self,
        place: Place,
        version: Option<Id>,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, BackendError> {
        if self.find(&place, Instant::now()).map(|item| item.id) != version {
            return Ok(false);
        }
        self.put(place, value, ttl).map(|_| true)
    }

    pub(crate) fn get_or_lease(&mut self, place: Place, lease: Duration) -> Lookup {
        let now = Instant::now();
        if let Some(item) = self.find(&place, now) {
            return Lookup::new(item.stored(now)).permission(Permission::Leased(lease_over(item.id)));
        }
        // What is too large for a lease is too large for a result.
        let lease = self.replace(place, None, Some(lease));
        let permission = lease.map_or(Permission::Denied, |lease| Permission::Leased(lease.new_here(true)));
        Lookup::new(None).permission(permission)
    }

    pub(crate) fn set_leased(
        &mut self,
        place: Place,
        lease: &Lease,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Lease>, BackendError> {
        if self.leased(&place, lease).is_none() {
            return Ok(None);
        }
        self.put(place, value, ttl).map(Some)
    }

    /// Extends a lease, and returns whether it was still there.
    pub(crate) fn renew_lease(&mut self, place: &Place, lease: &Lease, ttl: Duration) -> bool {
        let item = self.leased(place, lease);
        item.map(|item| item.expires = Instant::now().checked_add(ttl)).is_some()
    }

    pub(crate) fn end_lease(&mut self, place: &Place, lease: &Lease) {
        if self.leased(place, lease).is_some() {
            self.remove(place);
        }
    }

    /// Removes the entry or the lease, and returns whether there was a value.
    pub(crate) fn delete(&mut self, place: &Place) -> bool {
        let is_there = self.find(place, Instant::now()).is_some_and(|item| item.value.is_some());
        self.remove(place);
        is_there
    }

    pub(crate) fn clear(&mut self, namespace: &str) {
        let from = (Included(place(namespace, b"")), Unbounded);
        let places = self.by_place.range(from).map(|(place, _)| place.clone());
        let places: Vec<_> = places.take_while(|(of, _)| **of == *namespace).collect();
        for place in &places {
            self.remove(place);
        }
    }

    /// Returns the bytes of all items, and the numbers of places in both orders.
    #[cfg(test)]
    pub(crate) fn sizes(&self) -> (usize, usize, usize) {
        (self.bytes, self.by_place.len(), self.order.len())
    }
}

/// Implements the backend traits for a type that has `fn with(&self, …) -> Result<T, BackendError>`, which runs an operation
/// on a [`BoundedStore`]. No operation waits for more than a lock.
macro_rules! held_in_memory {
    ($Held:ident) => {
        $crate::bounded_store::held_in_memory! { $Held, Backend, CompareAndSwap, [fn] }
        $crate::bounded_store::held_in_memory! { $Held, AsyncBackend, AsyncCompareAndSwap, [async fn] }

        impl Leases for $Held {}
    };
    ($Held:ident, $Backend:ident, $CompareAndSwap:ident, [$($fn:tt)*]) => {
        impl $Backend for $Held {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                self.with(|store| Ok(store.get(&place(namespace, key))))
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                self.with(|store| store.put(place(namespace, key), value, ttl).map(drop))
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                self.with(|store| store.add(place(namespace, key), value, ttl))
            }

            $($fn)* get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
            ) -> Result<Lookup, BackendError> {
                self.with(|store| Ok(store.get_or_lease(place(namespace, key), options.lease)))
            }

            $($fn)* set_leased(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                self.with(|store| store.set_leased(place(namespace, key), lease, value, ttl))
            }

            $($fn)* put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                self.with(|store| store.put(place(namespace, key), value, ttl).map(Some))
            }

            $($fn)* renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                self.with(|store| Ok(store.renew_lease(&place(namespace, key), lease, ttl)))
            }

            $($fn)* end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
                self.with(|store| {
                    store.end_lease(&place(namespace, key), lease);
                    Ok(())
                })
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                self.with(|store| Ok(store.delete(&place(namespace, key))))
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                self.with(|store| {
                    store.clear(namespace);
                    Ok(())
                })
            }
        }

        impl $CompareAndSwap for $Held {
            /// The number of the item.
            type Version = Option<u64>;

            $($fn)* get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Self::Version), BackendError> {
                self.with(|store| Ok(store.get_versioned(&place(namespace, key))))
            }

            $($fn)* compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Self::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                self.with(|store| store.compare_and_swap(place(namespace, key), *version, value, ttl))
            }
        }
    };
}

pub(crate) use held_in_memory;
