//! Backend invalidation: when another process changes an entry of the backend (L2), the copy in the in-process
//! cache (L1) of a function is removed.
//!
//! A backend reports keys as bytes, while the in-process cache finds its entries by the hashes of the arguments. So
//! a [`Tracker`] records which backend key was copied under which hash. It does so after a miss: a hit costs
//! nothing.
//!
//! Invariant: a copy that was fetched or computed before its key was reported as changed is not in the in-process cache
//! afterwards. A call that inserts a copy checks afterwards whether a change was reported meanwhile, and removes
//! its copy again; a report is recorded first, and removes copies afterwards. So one of the two sees the other.
//!
//! A report may be of a change that this process made itself. The backend then tells what is there after the change: the
//! value, or the token of the lease over the entry, which no other entry has. A copy of that is current and stays. As
//! the report may arrive before the answer to the change, what is reported during a call is compared when the call
//! inserts its copy.
//!
//! Invariant: the lock of the in-process cache is not taken while the records are locked, as a call that
//! holds the former may wait for the latter.

use core::hash::BuildHasher;
use core::num::NonZeroU64;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::hash::RandomState;
use std::sync::OnceLock;
use std::vec::Vec;

use parking_lot::Mutex;

use crate::backend::async_backend::AsyncBackend;
use crate::backend::invalidation_records::{Address, Content, Records, Sequence};
use crate::backend::invalidation_sink::{LocalCopies, sink_of};
use crate::backend::lease::Lease;
use crate::engine::placement::invalidate::{HasInProcessCache, InProcessCache};
use crate::flight::catch::catch_and_discard;
use crate::key::KeyHash;

/// The invalidation of a function's in-process copies by its backend; in a `static`.
pub(crate) struct Invalidation(OnceLock<Tracker>);

impl Invalidation {
    /// Creates an invalidation that has not begun.
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Returns the tracker, which begins to watch the backend at the first call. `None` if the backend does
    /// not report changes, nothing is stored in the process, or the thread has a cache of its own: its copies are not
    /// those of the cache that is tracked, and what it writes is a change to that one.
    pub(crate) fn tracker(
        &'static self,
        memo: &'static impl HasInProcessCache,
        (has_listener, drops_when_lost): (bool, bool),
        backend: &impl AsyncBackend,
        namespace: &str,
    ) -> Option<&'static Tracker> {
        #[cfg(feature = "testing")]
        if crate::engine::placement::isolation::is_isolated() {
            return None;
        }
        if self.0.get().is_none()
            && self.0.set(Tracker::new(memo.in_process()?, has_listener, drops_when_lost)).is_ok()
        {
            // Until this is known, other calls assume that changes are reported.
            let tracker = self.0.get()?;
            let is_watching = backend.watch(namespace, sink_of(tracker));
            tracker.is_watching.store(is_watching, Relaxed);
        }
        self.0.get().filter(|tracker| tracker.is_watching.load(Relaxed))
    }
}

/// Tracks which entries of a backend have copies in the in-process cache of a function.
pub(crate) struct Tracker {
    cache: &'static dyn InProcessCache,
    /// Whether the function has an eviction listener.
    has_listener: bool,
    /// Whether the copies are dropped when changes may have been missed.
    drops_when_lost: bool,
    /// Whether the backend reports changes.
    is_watching: AtomicBool,
    seed: RandomState,
    records: Mutex<Records>,
}

impl Tracker {
    fn new(cache: &'static dyn InProcessCache, has_listener: bool, drops_when_lost: bool) -> Self {
        let (is_watching, seed, records) = (AtomicBool::new(true), RandomState::new(), Mutex::default());
        Self { cache, has_listener, drops_when_lost, is_watching, seed, records }
    }

    /// Tracks a key of the backend for one call, which begins now.
    pub(crate) fn key(&'static self, key: &[u8]) -> TrackedKey {
        let address = self.seed.hash_one(key);
        let number = self.records.lock().add_call(address);
        let (began, inserted) = (AtomicU64::new(number), AtomicU64::new(0));
        TrackedKey { tracker: self, address, number, began, inserted }
    }

    /// Returns what an entry is known by: the token of its lease, or its value.
    fn content(&self, bytes: &[u8]) -> Content {
        NonZeroU64::new(self.seed.hash_one(bytes)).unwrap_or(NonZeroU64::MIN)
    }

    /// Checks some records for each one inserted, so that there are never many more records than entries.
    fn sweep(&self) {
        let mut records = self.records.lock().next_to_check();
        for record in &mut records {
            if record.is_some_and(|record| self.cache.contains_hash(record.hash)) {
                *record = None;
            }
        }
        if records.iter().any(Option::is_some) {
            let mut all = self.records.lock();
            records.iter().flatten().for_each(|record| all.forget(record));
        }
    }

    fn invalidate_hashes(&self, hashes: Vec<KeyHash>) {
        for hash in hashes {
            catch_and_discard(|| self.cache.invalidate_hash(hash, self.has_listener));
        }
    }
}

impl LocalCopies for Tracker {
    fn invalidate(&self, key: &[u8]) {
        let hashes = self.records.lock().changed(self.seed.hash_one(key));
        self.invalidate_hashes(hashes);
    }

    fn may_be_own_write(&self, key: &[u8]) -> bool {
        self.records.lock().may_be_own(self.seed.hash_one(key))
    }

    fn invalidate_unless_equal(&self, key: &[u8], current: Option<&[u8]>) {
        let Some(current) = current else { return self.invalidate(key) };
        let content = self.content(current);
        let hashes = self.records.lock().changed_to(self.seed.hash_one(key), content);
        self.invalidate_hashes(hashes);
    }

    fn invalidate_all(&self) {
        self.records.lock().all_changed();
        catch_and_discard(|| self.cache.invalidate_all(self.has_listener));
    }

    fn may_have_missed_changes(&self) {
        if self.drops_when_lost {
            self.invalidate_all();
        }
    }
}

/// A key of the backend that is tracked for one call.
///
/// The call records what it does in this order: [`begin`](Self::begin), then a request to the backend, the
/// [lease](Self::leased) that it gave, further requests and their leases, the insertion in the in-process cache,
/// [`inserted`](Self::inserted).
pub(crate) struct TrackedKey {
    tracker: &'static Tracker,
    address: Address,
    /// The number of the call.
    number: Sequence,
    /// When the result began to be fetched or computed.
    began: AtomicU64,
    /// When the result was inserted; zero if it was not, or may have been replaced.
    inserted: AtomicU64,
}

impl TrackedKey {
    /// Records that fetching or computing the result begins: the backend is about to be asked.
    pub(crate) fn begin(&self) {
        let mut records = self.tracker.records.lock();
        self.began.store(records.now, Relaxed);
        if let Some(call) = records.call(self.address, self.number) {
            call.begin();
        }
    }

    /// Records the lease that the lookup gave, over what it found or left, or the lease over what the call has stored.
    pub(crate) fn leased(&self, lease: &Lease) {
        self.is_of(self.tracker.content(lease.token()));
    }

    /// Records that the result is about to be written to the backend as these bytes, so that the report of
    /// this write does not invalidate it. A backend that gives leases reports the lease over it instead.
    pub(crate) fn writes(&self, value: &[u8]) {
        self.is_of(self.tracker.content(value));
    }

    fn is_of(&self, content: Content) {
        let mut records = self.tracker.records.lock();
        let Some(call) = records.call(self.address, self.number) else { return };
        call.is_of(content);
        let content = Some(content).filter(|_| call.is_current());
        let inserted = self.inserted.load(Relaxed);
        if inserted != 0 {
            records.set_content(self.address, inserted, content);
        }
    }

    /// Records that the result may be in the in-process cache under `hash`, and removes it if its key was
    /// changed since it began. If it is not there, a copy that was there before may be.
    pub(crate) fn inserted(&self, hash: KeyHash) {
        self.insert(hash, false);
    }

    /// Like [`inserted`](Self::inserted), for a result that replaces a copy that was there before, or removes it.
    pub(crate) fn replaced(&self, hash: KeyHash) {
        self.insert(hash, true);
    }

    fn insert(&self, hash: KeyHash, replaces: bool) {
        let Self { tracker, address, number, began, inserted } = self;
        let began = began.load(Relaxed);
        let mut records = tracker.records.lock();
        let call = records.call(*address, *number);
        let (is_current, content) = match call {
            Some(call) => (call.is_current(), call.content()),
            None => (false, None),
        };
        if !is_current || records.was_changed_since(began, *address) {
            drop(records);
            tracker.cache.invalidate_hash(hash, tracker.has_listener);
            return;
        }
        let now = records.insert(*address, hash, began, content, replaces);
        drop(records);
        inserted.store(now.unwrap_or(0), Relaxed);
        tracker.sweep();
    }
}

impl Drop for TrackedKey {
    fn drop(&mut self) {
        let has_inserted = self.inserted.load(Relaxed) != 0;
        self.tracker.records.lock().remove_call(self.address, self.number, has_inserted);
    }
}

#[cfg(test)]
mod tests;
