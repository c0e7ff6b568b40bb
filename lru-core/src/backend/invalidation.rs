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
//! A cache in an object, or of a thread, cannot be reached by the thread that reports: its tracker adds the hashes to a
//! list of the cache ([`ReportedChanges`]), and the next call with this cache removes the copies.
//!
//! Invariant: the lock of the in-process cache is not taken while the records are locked, as a call that
//! holds the former may wait for the latter.

use core::hash::BuildHasher;
use core::num::NonZeroU64;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::collections::BTreeMap;
use std::hash::RandomState;
use std::sync::{Arc, OnceLock, Weak};
use std::vec::Vec;

use parking_lot::Mutex;

use crate::backend::async_backend::AsyncBackend;
use crate::backend::invalidation_records::{Address, Content, CopyRecord, Records, Sequence};
use crate::backend::invalidation_sink::{LocalCopies, sink_of};
use crate::backend::lease::Lease;
use crate::engine::placement::invalidate::{Copies, HoldsCopies, InProcessCache};
use crate::engine::reported::ReportedChanges;
use crate::key::KeyHash;
use crate::panics::catch_and_discard;

/// The invalidation of a function's in-process copies by its backend; in a `static`.
///
/// Each cache with copies has a tracker: the cache in the `static`, and each object and thread that the function is used
/// with. A report is passed on to all of them.
pub(crate) struct Invalidation {
    /// Whether the backend was asked to report changes.
    has_begun: AtomicBool,
    /// Whether the backend reports changes. Until this is known, calls assume that it does.
    is_watching: AtomicBool,
    shared: OnceLock<Arc<Tracker>>,
    apart: Mutex<TrackersApart>,
}

/// The trackers of caches that may be dropped.
struct TrackersApart {
    /// By the address of what the cache has for reports. No other has this address while the tracker is here.
    trackers: BTreeMap<usize, Arc<Tracker>>,
    /// The number of trackers from which on those of dropped caches are removed.
    most: usize,
}

/// The number of trackers up to which those of dropped caches are kept.
const FEW_TRACKERS: usize = 16;

impl TrackersApart {
    fn of(&mut self, reported: &Arc<ReportedChanges>, drops_when_lost: bool) -> Arc<Tracker> {
        if self.trackers.len() >= self.most {
            self.trackers.retain(|_, tracker| tracker.has_cache());
            self.most = FEW_TRACKERS.max(2 * self.trackers.len());
        }
        let new = || {
            let reported = Arc::downgrade(reported);
            Arc::new(Tracker::new(Reached::Apart(reported), false, drops_when_lost))
        };
        Arc::clone(self.trackers.entry(Arc::as_ptr(reported).addr()).or_insert_with(new))
    }
}

impl Invalidation {
    /// Creates an invalidation that has not begun.
    pub(crate) const fn new() -> Self {
        Self {
            has_begun: AtomicBool::new(false),
            is_watching: AtomicBool::new(true),
            shared: OnceLock::new(),
            apart: Mutex::new(TrackersApart { trackers: BTreeMap::new(), most: FEW_TRACKERS }),
        }
    }

    /// Returns the tracker of a cache. The first call begins to watch the backend. `None` if the backend does
    /// not report changes, or nothing is stored in the process.
    pub(crate) fn tracker(
        &'static self,
        cache: &impl HoldsCopies,
        (has_listener, drops_when_lost): (bool, bool),
        backend: &impl AsyncBackend,
        namespace: &str,
    ) -> Option<Arc<Tracker>> {
        if !self.is_watching.load(Relaxed) {
            return None;
        }
        let tracker = match cache.copies()? {
            Copies::Shared(cache) => {
                let new = || Arc::new(Tracker::new(Reached::Shared(cache), has_listener, drops_when_lost));
                Arc::clone(self.shared.get_or_init(new))
            }
            Copies::Apart(reported) => self.apart.lock().of(&reported, drops_when_lost),
        };
        if !self.has_begun.swap(true, Relaxed) {
            self.is_watching.store(backend.watch(namespace, sink_of(self)), Relaxed);
        }
        tracker.sweep(cache);
        Some(tracker).filter(|_| self.is_watching.load(Relaxed))
    }

    /// Returns the trackers of all caches that were not dropped.
    fn trackers(&self) -> Vec<Arc<Tracker>> {
        let mut trackers: Vec<_> = self.shared.get().cloned().into_iter().collect();
        let apart = self.apart.lock();
        trackers.extend(apart.trackers.values().filter(|tracker| tracker.has_cache()).cloned());
        trackers
    }
}

impl LocalCopies for Invalidation {
    fn invalidate(&self, key: &[u8]) {
        self.trackers().iter().for_each(|tracker| tracker.invalidate(key));
    }

    fn may_be_own_write(&self, key: &[u8]) -> bool {
        self.trackers().iter().any(|tracker| tracker.may_be_own_write(key))
    }

    fn invalidate_unless_equal(&self, key: &[u8], current: Option<&[u8]>) {
        self.trackers().iter().for_each(|tracker| tracker.invalidate_unless_equal(key, current));
    }

    fn invalidate_all(&self) {
        self.trackers().iter().for_each(|tracker| tracker.invalidate_all());
    }

    fn may_have_missed_changes(&self) {
        self.trackers().iter().for_each(|tracker| tracker.may_have_missed_changes());
    }
}

/// How a tracker removes copies.
enum Reached {
    Shared(&'static dyn InProcessCache),
    /// The next call removes them.
    Apart(Weak<ReportedChanges>),
}

/// Tracks which entries of a backend have copies in an in-process cache of a function.
pub(crate) struct Tracker {
    cache: Reached,
    /// Whether the function has an eviction listener.
    has_listener: bool,
    /// Whether the copies are dropped when changes may have been missed.
    drops_when_lost: bool,
    seed: RandomState,
    records: Mutex<Records>,
}

impl Tracker {
    fn new(cache: Reached, has_listener: bool, drops_when_lost: bool) -> Self {
        let (seed, records) = (RandomState::new(), Mutex::default());
        Self { cache, has_listener, drops_when_lost, seed, records }
    }

    /// Returns whether the cache was not dropped.
    fn has_cache(&self) -> bool {
        match &self.cache {
            Reached::Shared(_) => true,
            Reached::Apart(reported) => reported.strong_count() > 0,
        }
    }

    /// Tracks a key of the backend for one call, which begins now.
    pub(crate) fn key(self: Arc<Self>, key: &[u8]) -> TrackedKey {
        let address = self.seed.hash_one(key);
        let number = self.records.lock().add_call(address);
        let (began, inserted) = (AtomicU64::new(number), AtomicU64::new(0));
        TrackedKey { tracker: self, address, number, began, inserted }
    }

    /// Returns what an entry is known by: the token of its lease, or its value.
    fn content(&self, bytes: &[u8]) -> Content {
        NonZeroU64::new(self.seed.hash_one(bytes)).unwrap_or(NonZeroU64::MIN)
    }

    /// Checks some records for each call, which inserts one at most, so that there are never many more records than
    /// entries.
    fn sweep(&self, cache: &impl HoldsCopies) {
        let mut records = self.records.lock().next_to_check();
        for record in &mut records {
            if record.is_some_and(|record| cache.contains_hash(record.hash)) {
                *record = None;
            }
        }
        if records.iter().any(Option::is_some) {
            let mut all = self.records.lock();
            records.iter().flatten().for_each(|record| all.forget(record));
        }
    }

    fn invalidate_hash(&self, hash: KeyHash) {
        match &self.cache {
            Reached::Shared(cache) => cache.invalidate_hash(hash, self.has_listener),
            Reached::Apart(_) => self.report([hash]),
        }
    }

    fn invalidate_hashes(&self, hashes: Vec<KeyHash>) {
        match &self.cache {
            Reached::Shared(_) => {
                for hash in hashes {
                    catch_and_discard(|| self.invalidate_hash(hash));
                }
            }
            Reached::Apart(_) if hashes.is_empty() => {}
            Reached::Apart(_) => self.report(hashes),
        }
    }

    /// Reports changes to the next call with a cache which other threads cannot reach.
    fn report(&self, hashes: impl IntoIterator<Item = KeyHash>) {
        let Reached::Apart(reported) = &self.cache else { return };
        if let Some(reported) = reported.upgrade() {
            reported.report(hashes);
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
        let copies = self.records.lock().all_changed();
        match &self.cache {
            Reached::Shared(cache) => catch_and_discard(|| cache.invalidate_all(self.has_listener)),
            // An object may have entries of other functions.
            Reached::Apart(_) => self.report(copies.iter().map(|copy: &CopyRecord| copy.hash)),
        }
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
    tracker: Arc<Tracker>,
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
            tracker.invalidate_hash(hash);
            return;
        }
        let now = records.insert(*address, hash, began, content, replaces);
        drop(records);
        inserted.store(now.unwrap_or(0), Relaxed);
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
