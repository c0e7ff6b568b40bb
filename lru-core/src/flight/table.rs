//! The flights of one cache: its computations in progress that other calls may wait for.

use core::any::Any;
#[cfg(any(test, feature = "testing"))]
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Acquire, Ordering::Release};
use core::time::Duration;
use std::boxed::Box;
use std::sync::{Arc, OnceLock};
use std::vec::Vec;

use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::flight::cycles::ComputationId;
use crate::flight::leadership::{Beginning, FIRST};
use crate::flight::wait_queue::WaitQueue;
use crate::key::KeyHash;
use crate::store::Epoch;
use crate::tags::node::Node;
use crate::time::Instant;

/// The flights of one cache by the hash of their key.
pub(crate) struct FlightTable<K, V>(pub(super) Mutex<HashTable<Arc<Flight<K, V>>>>);

/// A computation in progress, and the calls that wait for it.
pub(crate) struct Flight<K, V> {
    pub(super) hash: KeyHash,
    pub(super) key: K,
    pub(super) published: OnceLock<Published<V>>,
    /// On which terms followers share the published result; empty if all may.
    pub(super) terms: OnceLock<Terms>,
    /// How many calls follow. Incremented only under the lock of the table, so that no call joins a flight that
    /// has been removed from it.
    pub(super) followers: AtomicUsize,
    /// When the flight began.
    beginning: Beginning,
    /// Whether no leader has begun yet, after one more lookup: calls join whatever has changed.
    is_open: AtomicBool,
    /// The current leadership, and the followers that wait. Created when a call follows or the leadership changes:
    /// until then, the first leader leads.
    queue: OnceLock<Arc<WaitQueue>>,
}

/// What the leader shares with the followers.
pub(crate) enum Published<V> {
    /// The value that the cache stores of the result.
    Stored(V),
    /// A whole result of which the cache stores nothing.
    Whole(Box<dyn Any + Send + Sync>),
}

/// On which terms followers share a published result.
#[derive(Default)]
pub(crate) struct Terms {
    /// The time up to which the follower must have begun: when the result was current in the backend. `None` if the process
    /// itself knows of every change.
    pub(crate) current_at: Option<Instant>,
    /// What the result was computed from, where results have tags: it must be valid, and is what the follower has read.
    pub(crate) node: Option<Arc<Node>>,
}

impl<K, V> FlightTable<K, V> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(HashTable::new()))
    }

    /// Returns whether a leader that has not exceeded its timeout computes a key that has this hash and
    /// `matches`.
    pub(crate) fn is_in_flight(&self, hash: KeyHash, matches: impl Fn(&K) -> bool) -> bool {
        let table = self.0.lock();
        let of_hash = table.iter_hash(hash.get()).filter(|flight| flight.hash == hash);
        let candidates: Vec<_> = of_hash.cloned().collect();
        drop(table);
        candidates.iter().any(|flight| !flight.is_stuck() && matches(&flight.key))
    }

    /// Returns the number of flights and of followers.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn count(&self) -> (usize, usize) {
        let table = self.0.lock();
        (table.len(), table.iter().map(|flight| flight.followers.load(Relaxed)).sum())
    }

    /// Returns whether calls may join `flight`.
    pub(super) fn contains(&self, flight: &Arc<Flight<K, V>>) -> bool {
        self.0.lock().find(flight.hash.get(), |other| Arc::ptr_eq(other, flight)).is_some()
    }

    /// Removes `flight` if `condition` holds under the lock of the table: no call joins it from then on. Returns
    /// whether it holds.
    pub(super) fn remove_if(&self, flight: &Arc<Flight<K, V>>, condition: impl FnOnce() -> bool) -> bool {
        let mut table = self.0.lock();
        let holds = condition();
        let found = table.find_entry(flight.hash.get(), |other| Arc::ptr_eq(other, flight));
        let removed = found.ok().filter(|_| holds).map(|found| found.remove().0);
        drop(table);
        drop(removed);
        holds
    }

    /// Removes `flight` if it has neither leader nor followers.
    pub(super) fn remove_if_deserted(&self, flight: &Arc<Flight<K, V>>) {
        self.remove_if(flight, || flight.is_unfollowed() && flight.is_abandoned());
    }
}

impl<K, V> Flight<K, V> {
    #[inline]
    pub(super) fn new(hash: KeyHash, key: K, beginning: Beginning) -> Self {
        Self {
            hash,
            key,
            terms: OnceLock::new(),
            published: OnceLock::new(),
            followers: AtomicUsize::new(0),
            beginning,
            is_open: AtomicBool::new(beginning.is_open),
            queue: OnceLock::new(),
        }
    }

    /// Returns the current leadership with the followers that wait, to follow or to change it.
    pub(super) fn queue(&self) -> &Arc<WaitQueue> {
        self.queue.get_or_init(|| Arc::new(WaitQueue::new(self.beginning)))
    }

    /// Returns the computation of the first leader.
    pub(super) fn first_id(&self) -> ComputationId {
        self.beginning.id
    }

    /// Records when the leader of this number began to compute. With `timeout`, its time is counted from now on.
    pub(super) fn begin(&self, number: u64, began: Epoch, timeout: Option<Duration>) {
        let is_known = number == FIRST
            && timeout.is_none()
            && self.is_open.load(Acquire)
            && self.beginning.epoch.is_some_and(|epoch| epoch.has_changes_of(began));
        if !is_known {
            self.queue().begin(number, began, timeout);
        }
        self.is_open.store(false, Release);
    }

    /// Returns when the current leader began to compute.
    pub(super) fn began(&self) -> Option<Epoch> {
        if self.is_open.load(Acquire) {
            return None;
        }
        self.queue.get().map_or(self.beginning.epoch, |queue| queue.began())
    }

    /// Returns whether the leader of this number is the current one.
    pub(super) fn is_led_by(&self, number: u64) -> bool {
        self.queue.get().map_or(number == FIRST, |queue| queue.is_led_by(number))
    }

    /// Returns whether the leader has exceeded its timeout, either computing, or as a claim that has not begun.
    fn is_stuck(&self) -> bool {
        self.queue.get().map_or_else(|| self.beginning.is_stuck(), |queue| queue.is_stuck())
    }

    /// Returns whether the flight has no leader at all.
    fn is_abandoned(&self) -> bool {
        self.queue.get().is_some_and(|queue| queue.is_abandoned())
    }

    /// Returns whether no call follows. If so, what former followers did to the leadership is visible.
    pub(super) fn is_unfollowed(&self) -> bool {
        self.followers.load(Acquire) == 0
    }
}
