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
//! Invariant: the lock of the in-process cache is not taken while the records are locked, as a call that
//! holds the former may wait for the latter.

use core::hash::BuildHasher;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::collections::VecDeque;
use std::hash::RandomState;
use std::sync::OnceLock;
use std::vec::Vec;

use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;
use parking_lot::Mutex;

use crate::backend::async_backend::AsyncBackend;
use crate::backend::invalidation_sink::{LocalCopies, sink_of};
use crate::engine::placement::invalidate::{HasInProcessCache, InProcessCache};
use crate::flight::catch::catch_and_discard;
use crate::key::KeyHash;

/// The invalidation of a function's in-process copies by its backend; in a `static`.
pub struct Invalidation(OnceLock<Tracker>);

impl Invalidation {
    /// Creates an invalidation that has not begun.
    #[expect(clippy::new_without_default, reason = "a `static` is made by a constant")]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Returns the tracker, which begins to watch the backend at the first call. `None` if the backend does
    /// not report changes, or nothing is stored in the process.
    pub(crate) fn tracker(
        &'static self,
        memo: &'static impl HasInProcessCache,
        has_listener: bool,
        backend: &impl AsyncBackend,
        namespace: &str,
    ) -> Option<&'static Tracker> {
        if self.0.get().is_none() && self.0.set(Tracker::new(memo.in_process()?, has_listener)).is_ok() {
            // Until this is known, other calls assume that changes are reported.
            let tracker = self.0.get()?;
            let is_watching = backend.watch(namespace, sink_of(tracker));
            tracker.is_watching.store(is_watching, Relaxed);
        }
        self.0.get().filter(|tracker| tracker.is_watching.load(Relaxed))
    }
}

/// The number of buckets for the sequence numbers of changes. Keys in one bucket share their last change.
const BUCKETS: usize = 1024;

/// The number of records up to which nothing is swept.
const SWEEP_MIN: usize = 64;

/// Tracks which entries of a backend have copies in the in-process cache of a function.
pub(crate) struct Tracker {
    cache: &'static dyn InProcessCache,
    /// Whether the function has an eviction listener.
    has_listener: bool,
    /// Whether the backend reports changes.
    is_watching: AtomicBool,
    seed: RandomState,
    records: Mutex<Records>,
}

/// A sequence number, which orders the records.
type Sequence = u64;

/// The hash of a key of the backend.
type Address = u64;

#[derive(Default)]
struct Records {
    now: Sequence,
    /// When the keys of each bucket were last changed. Allocated at the first change.
    changed: Vec<Sequence>,
    /// When any key may have been changed.
    all_changed: Sequence,
    /// The copies that may be in the in-process cache, by address. A key may have copies under several hashes.
    copies: HashTable<CopyRecord>,
    /// The records in the order in which they are checked for whether their copy is still there.
    sweep: VecDeque<CopyRecord>,
}

#[derive(Clone, Copy)]
struct CopyRecord {
    address: Address,
    hash: KeyHash,
    /// When the record was made.
    recorded: Sequence,
    /// When a copy was last inserted.
    inserted: Sequence,
    /// The hash of the bytes that this function has written to the backend, if the copy is known to equal them.
    own_write: Option<u64>,
}

impl CopyRecord {
    fn is_record(&self, other: &Self) -> bool {
        (self.address, self.hash, self.recorded) == (other.address, other.hash, other.recorded)
    }
}

impl Records {
    fn tick(&mut self) -> Sequence {
        self.now += 1;
        self.now
    }

    fn was_changed_since(&self, began: Sequence, address: Address) -> bool {
        let changed = self.changed.get(bucket_of(address)).copied().unwrap_or(0);
        changed.max(self.all_changed) > began
    }

    /// Records a copy that is inserted now, and was fetched or computed from `began` on. `None` if another copy was
    /// inserted meanwhile: which of the two is there is unknown.
    fn insert(&mut self, address: Address, hash: KeyHash, began: Sequence) -> Option<Sequence> {
        let inserted = self.tick();
        if let Some(copy) = self.copies.find_mut(address, |copy| (copy.address, copy.hash) == (address, hash))
        {
            let is_only_one = copy.inserted <= began;
            (copy.inserted, copy.own_write) = (inserted, None);
            return is_only_one.then_some(inserted);
        }
        let copy = CopyRecord { address, hash, recorded: inserted, inserted, own_write: None };
        self.copies.insert_unique(address, copy, |copy| copy.address);
        self.sweep.push_back(copy);
        Some(inserted)
    }

    /// Removes the record if it is unchanged, and returns whether it was.
    fn remove(&mut self, record: &CopyRecord) -> bool {
        let is_unchanged = |copy: &CopyRecord| copy.is_record(record) && copy.inserted == record.inserted;
        self.copies.find_entry(record.address, is_unchanged).map(OccupiedEntry::remove).is_ok()
    }

    /// Returns the next record to be checked, as it is now.
    fn next_to_sweep(&mut self) -> Option<CopyRecord> {
        if self.sweep.len() <= SWEEP_MIN {
            return None;
        }
        loop {
            let record = self.sweep.pop_front()?;
            if let Some(copy) = self.copies.find(record.address, |copy| copy.is_record(&record)) {
                return Some(*copy);
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "less than `PLACES`")]
fn bucket_of(address: Address) -> usize {
    (address % BUCKETS as u64) as usize
}

impl Tracker {
    fn new(cache: &'static dyn InProcessCache, has_listener: bool) -> Self {
        let (is_watching, seed, records) = (AtomicBool::new(true), RandomState::new(), Mutex::default());
        Self { cache, has_listener, is_watching, seed, records }
    }

    /// Tracks a key of the backend for one call, which begins now.
    pub(crate) fn key(&'static self, key: &[u8]) -> TrackedKey {
        let began = AtomicU64::new(self.records.lock().now);
        TrackedKey { tracker: self, address: self.seed.hash_one(key), began, inserted: AtomicU64::new(0) }
    }

    /// Checks two records for each one inserted, so that there are never many more records than entries.
    fn sweep(&self) {
        for _ in 0..2 {
            let Some(record) = self.records.lock().next_to_sweep() else { return };
            let is_held = self.cache.contains_hash(record.hash);
            let mut records = self.records.lock();
            // A record that was removed meanwhile is skipped when its turn comes.
            if is_held || !records.remove(&record) {
                records.sweep.push_back(record);
            }
        }
    }

    /// Returns whether all copies of this key are known to equal `value`.
    fn is_copy(&self, address: Address, value: Option<&[u8]>) -> bool {
        let value = value.map(|value| self.seed.hash_one(value));
        let records = self.records.lock();
        let mut copies = records.copies.iter_hash(address).filter(|copy| copy.address == address);
        copies.all(|copy| copy.own_write == value)
    }

    fn invalidate_address(&self, address: Address) {
        let mut records = self.records.lock();
        let now = records.tick();
        if records.changed.is_empty() {
            records.changed.resize(BUCKETS, 0);
        }
        records.changed[bucket_of(address)] = now;
        let mut hashes = Vec::new();
        while let Ok(copy) = records.copies.find_entry(address, |copy| copy.address == address) {
            hashes.push(copy.remove().0.hash);
        }
        drop(records);
        for hash in hashes {
            catch_and_discard(|| self.cache.invalidate_hash(hash, self.has_listener));
        }
    }
}

impl LocalCopies for Tracker {
    fn invalidate(&self, key: &[u8]) {
        self.invalidate_address(self.seed.hash_one(key));
    }

    fn may_be_own_write(&self, key: &[u8]) -> bool {
        let address = self.seed.hash_one(key);
        let records = self.records.lock();
        let mut copies = records.copies.iter_hash(address);
        copies.any(|copy| copy.address == address && copy.own_write.is_some())
    }

    fn invalidate_unless_equal(&self, key: &[u8], value: Option<&[u8]>) {
        let address = self.seed.hash_one(key);
        if value.is_none() || !self.is_copy(address, value) {
            self.invalidate_address(address);
        }
    }

    fn invalidate_all(&self) {
        let mut records = self.records.lock();
        records.all_changed = records.tick();
        records.copies.clear();
        records.sweep.clear();
        drop(records);
        catch_and_discard(|| self.cache.invalidate_all(self.has_listener));
    }
}

/// A key of the backend that is tracked for one call.
pub(crate) struct TrackedKey {
    tracker: &'static Tracker,
    address: Address,
    /// When the result began to be fetched or computed.
    began: AtomicU64,
    /// When the result was inserted; zero if it was not, or may have been replaced.
    inserted: AtomicU64,
}

impl TrackedKey {
    /// Records that fetching or computing the result begins.
    pub(crate) fn begin(&self) {
        self.began.store(self.tracker.records.lock().now, Relaxed);
    }

    /// Records that the result may be in the in-process cache under `hash`, and removes it if its key was
    /// changed since it began.
    pub(crate) fn inserted(&self, hash: KeyHash) {
        let Self { tracker, address, began, inserted } = self;
        let began = began.load(Relaxed);
        let mut records = tracker.records.lock();
        if records.was_changed_since(began, *address) {
            drop(records);
            tracker.cache.invalidate_hash(hash, tracker.has_listener);
            return;
        }
        let now = records.insert(*address, hash, began);
        drop(records);
        inserted.store(now.unwrap_or(0), Relaxed);
        tracker.sweep();
    }

    /// Records that the result is about to be written to the backend as these bytes, so that the report of
    /// this write does not invalidate it.
    pub(crate) fn writes(&self, value: &[u8]) {
        let Self { tracker, address, inserted, .. } = self;
        let inserted = inserted.load(Relaxed);
        if inserted == 0 {
            return;
        }
        let own_write = Some(tracker.seed.hash_one(value));
        let mut records = tracker.records.lock();
        let is_own = |copy: &CopyRecord| copy.address == *address && copy.inserted == inserted;
        if let Some(copy) = records.copies.find_mut(*address, is_own) {
            copy.own_write = own_write;
        }
    }
}

#[cfg(test)]
mod tests;
