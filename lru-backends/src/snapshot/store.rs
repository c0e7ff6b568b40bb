//! The entries of a snapshot in memory: values and leases, of bounded size.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use lru_core::backend::Stored;

/// The size of an entry besides its key and its value, in bytes.
const OVERHEAD: u64 = 160;

/// A namespace and a key.
type Place = (String, Vec<u8>);

/// The entries, oldest first out.
#[derive(Default)]
pub(super) struct Store {
    entries: HashMap<Place, Item>,
    /// The places of the entries by number, which grows from entry to entry.
    order: BTreeMap<u64, Place>,
    /// The number of the last entry.
    last: u64,
    bytes: u64,
    max_bytes: u64,
    /// How many times a value was stored or removed.
    changes: u64,
}

struct Item {
    /// Tells it from all others: the token of leases.
    number: u64,
    /// `None` is a lease.
    value: Option<Vec<u8>>,
    /// The deadline, in milliseconds since 1970.
    expires: Option<u64>,
}

/// An entry as the file has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'s> {
    pub(super) namespace: &'s str,
    pub(super) key: &'s [u8],
    pub(super) value: &'s [u8],
    pub(super) expires: Option<u64>,
}

impl Item {
    fn is_live(&self, now: u64) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    fn size(&self, (namespace, key): &Place) -> u64 {
        let value = self.value.as_ref().map_or(0, Vec::len);
        OVERHEAD + (2 * (namespace.len() + key.len()) + value) as u64
    }
}

/// Returns the deadline after this time, rounded up to milliseconds.
fn deadline(now: u64, ttl: Duration) -> u64 {
    now.saturating_add(u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

impl Store {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self { max_bytes, ..Self::default() }
    }

    /// Returns how many times a value was stored or removed.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Stores what was read from the file.
    pub(super) fn load(&mut self, entries: Vec<(Place, Vec<u8>, Option<u64>)>, now: u64) {
        for (place, value, expires) in entries {
            let number = self.next();
            let item = Item { number, value: Some(value), expires };
            if item.is_live(now) {
                self.insert(place, item);
            }
        }
    }

    /// Returns the entries that have not expired, oldest first.
    pub(super) fn live(&self, now: u64) -> impl Iterator<Item = Entry<'_>> {
        self.order.values().filter_map(move |place| {
            let item = self.entries.get(place).filter(|item| item.is_live(now))?;
            let (namespace, key) = place;
            Some(Entry { namespace, key, value: item.value.as_deref()?, expires: item.expires })
        })
    }

    pub(super) fn get(&self, namespace: &str, key: &[u8], now: u64) -> Option<Stored> {
        let item = self.entries.get(&(namespace.to_owned(), key.to_vec()))?;
        item.is_live(now).then(|| item.stored(now))?
    }

    /// Returns the entry, its number, and whether a lease was left in its place.
    pub(super) fn get_or_lease(
        &mut self,
        namespace: &str,
        key: &[u8],
        lease: Duration,
        now: u64,
    ) -> (Option<Stored>, u64, bool) {
        let place = (namespace.to_owned(), key.to_vec());
        if let Some(item) = self.entries.get(&place).filter(|item| item.is_live(now)) {
            return (item.stored(now), item.number, false);
        }
        let number = self.next();
        self.insert(place, Item { number, value: None, expires: Some(deadline(now, lease)) });
        (None, number, true)
    }

    /// Returns whether the entry or the lease at this place has the number of the token.
    pub(super) fn is_valid(&self, namespace: &str, key: &[u8], token: &[u8]) -> bool {
        let item = self.entries.get(&(namespace.to_owned(), key.to_vec()));
        item.is_some_and(|item| item.number.to_le_bytes() == token)
    }

    /// Stores a value, and returns its number.
    pub(super) fn set(
        &mut self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
        now: u64,
    ) -> u64 {
        let number = self.next();
        let expires = ttl.map(|ttl| deadline(now, ttl));
        self.changes += 1;
        self.insert(
            (namespace.to_owned(), key.to_vec()),
            Item { number, value: Some(value.to_vec()), expires },
        );
        number
    }

    pub(super) fn expire_after(&mut self, namespace: &str, key: &[u8], ttl: Duration, now: u64) {
        if let Some(item) = self.entries.get_mut(&(namespace.to_owned(), key.to_vec())) {
            item.expires = Some(deadline(now, ttl));
        }
    }

    /// Removes the entry or the lease, and returns whether there was a value.
    pub(super) fn delete(&mut self, namespace: &str, key: &[u8], now: u64) -> bool {
        let removed = self.remove(&(namespace.to_owned(), key.to_vec()));
        removed.is_some_and(|item| item.value.is_some() && item.is_live(now))
    }

    pub(super) fn clear(&mut self, namespace: &str) {
        let places: Vec<_> = self.entries.keys().filter(|(of, _)| of == namespace).cloned().collect();
        for place in places {
            self.remove(&place);
        }
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn remove(&mut self, place: &Place) -> Option<Item> {
        let item = self.entries.remove(place)?;
        self.order.remove(&item.number);
        self.bytes -= item.size(place);
        self.changes += u64::from(item.value.is_some());
        Some(item)
    }

    /// Inserts an item, and removes the oldest ones beyond the size limit. One that exceeds it by itself is not kept.
    fn insert(&mut self, place: Place, item: Item) {
        self.remove(&place);
        if item.size(&place) > self.max_bytes {
            return;
        }
        self.bytes += item.size(&place);
        self.order.insert(item.number, place.clone());
        self.entries.insert(place, item);
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.order.first_key_value().map(|(_, place)| place.clone()) else { break };
            self.remove(&oldest);
        }
    }
}

impl Item {
    fn stored(&self, now: u64) -> Option<Stored> {
        let left = self.expires.map(|expires| Duration::from_millis(expires.saturating_sub(now)));
        Some(Stored::new(self.value.as_deref()?).ttl(left))
    }
}
