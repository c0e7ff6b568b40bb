//! All computations of one cache that others may wait for.

use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use core::time::Duration;
use std::sync::{Arc, OnceLock};
use std::vec::Vec;

use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::flight::cycles::FlightId;
use crate::flight::wait_queue::{Leader, Published, State, WaitQueue, deadline_after};
use crate::key::KeyHash;
use crate::store::change_log::Epoch;

/// All computations of one cache that others may wait for.
pub(crate) struct Flights<K, V> {
    pub(super) table: Mutex<HashTable<Arc<Flight<K, V>>>>,
}

/// A computation, and who waits for it.
pub(crate) struct Flight<K, V> {
    pub(super) id: FlightId,
    pub(super) hash: KeyHash,
    pub(super) key: K,
    pub(super) landed: OnceLock<Published<V>>,
    /// How many follow. Raised under the lock of the table only: once the flight is out of it, nobody
    /// joins.
    pub(super) followers: AtomicUsize,
    pub(super) line: Arc<WaitQueue>,
}

impl<K, V> Flights<K, V> {
    pub(crate) const fn new() -> Self {
        Self { table: Mutex::new(HashTable::new()) }
    }

    /// Whether somebody computes a key that has this hash and `matches`, and still has time.
    pub(crate) fn is_in_flight(&self, hash: KeyHash, matches: impl Fn(&K) -> bool) -> bool {
        let table = self.table.lock();
        let of_hash = table.iter_hash(hash.get()).filter(|flight| flight.hash == hash);
        let candidates: Vec<_> = of_hash.cloned().collect();
        drop(table);
        candidates.iter().any(|flight| !flight.line.0.lock().is_stuck() && matches(&flight.key))
    }

    /// How many flights there are, and how many calls follow.
    #[cfg(feature = "testing")]
    pub(crate) fn count(&self) -> (usize, usize) {
        let table = self.table.lock();
        (table.len(), table.iter().map(|flight| flight.followers.load(Relaxed)).sum())
    }

    /// Takes it out of the table, if nobody leads or follows it any more: nobody joins it from now on.
    pub(super) fn remove_if_deserted(&self, flight: &Arc<Flight<K, V>>) {
        let mut table = self.table.lock();
        let is_deserted = flight.followers.load(Relaxed) == 0 && flight.line.0.lock().leader.is_none();
        let found = table.find_entry(flight.hash.get(), |other| Arc::ptr_eq(other, flight));
        let removed = found.ok().filter(|_| is_deserted).map(|found| found.remove().0);
        drop(table);
        drop(removed);
    }
}

impl<K, V> Flight<K, V> {
    pub(super) fn led_by_first(hash: KeyHash, key: K, timeout: Duration) -> Self {
        let leader = Leader { number: 0, began: None, deadline: deadline_after(timeout) };
        let state = State { leader: Some(leader), ..State::default() };
        Self {
            id: FlightId::new(),
            hash,
            key,
            landed: OnceLock::new(),
            followers: AtomicUsize::new(0),
            line: Arc::new(WaitQueue(Mutex::new(state))),
        }
    }

    /// Since when it is computed, by who leads it now.
    pub(super) fn began(&self) -> Option<Epoch> {
        self.line.0.lock().leader.as_ref().and_then(|leader| leader.began)
    }
}

impl<K, V> fmt::Debug for Flights<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").finish_non_exhaustive()
    }
}
