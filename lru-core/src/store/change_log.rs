//! The change log of a cache: sequence numbers by which stale computations are discarded.
//!
//! A result is not stored if its computation began before a clear, before an invalidation or put of its key, or
//! before a refresh of its key whose result was stored. Each of these changes gets a sequence number. A computation
//! records the current number at its miss ([`Epoch`]), and its result is discarded if a later change affects its key.
//! A computation writes nothing to the log, so nothing must be undone when it panics or its future is dropped.
//!
//! The log has one number for each hash that changed, in sets of [`WAYS`] hashes. There are at most [`MOST_SETS`]
//! sets, so the memory is bounded (half a MiB for each cache with very many changes). A set that is full drops its oldest
//! number and keeps it as a bound: computations that began before the bound are discarded if their hash is in the set
//! and has no number of its own. Changes of other keys thus affect a computation only if more than [`WAYS`] of them
//! are in its set, which at 10,000 changes per computation hardly happens, and at 20,000 seldom.

use core::cell::{Cell, RefCell};

use crate::key::KeyHash;

/// The number of hashes in a set.
const WAYS: usize = 8;

/// The number of sets that the log grows to.
const MOST_SETS: usize = 1 << 12;

/// A point in the change log of a cache: the numbers of changes and of insertions before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    changes: u64,
    insertions: u64,
}

impl Epoch {
    /// The epoch before all changes and insertions.
    pub(crate) const FIRST: Self = Self { changes: 0, insertions: 0 };

    /// The epoch of a lookup that did not reach the cache.
    pub(crate) const UNKNOWN: Self = Self { changes: u64::MAX, insertions: u64::MAX };

    /// Returns the epoch after so many changes and insertions.
    #[inline]
    pub(crate) fn of(changes: u64, insertions: u64) -> Self {
        Self { changes, insertions }
    }

    /// Returns the numbers of changes and insertions.
    #[inline]
    pub(crate) fn numbers(self) -> (u64, u64) {
        (self.changes, self.insertions)
    }

    /// Returns whether there was no change between the two epochs, not counting insertions.
    pub(crate) fn has_changes_of(self, other: Self) -> bool {
        self.changes == other.changes
    }
}

/// Whether a later change supersedes a computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Superseded {
    /// The result is current.
    No,
    /// The key was put, refreshed or invalidated, or all entries were removed: what is stored for the key is newer.
    ByKey,
    /// Any key may have changed: what is stored may be what the result was to replace.
    ByAny,
}

/// The latest change to the keys with one hash.
#[derive(Clone, Copy, Debug)]
struct Change {
    hash: KeyHash,
    /// The first epoch that is not affected: computations that began before are discarded.
    valid_from: u64,
}

/// The latest changes to the hashes of one set.
#[derive(Clone, Debug, Default)]
struct ChangeSet {
    /// At most [`WAYS`] changes, one for each hash.
    latest: Vec<Change>,
    /// The first epoch that is not affected by any change that was dropped.
    valid_from: u64,
}

impl ChangeSet {
    /// Records a change, and returns it if the set is full.
    fn record(&mut self, change: Change) -> Result<(), Change> {
        let is_full = self.latest.len() == WAYS;
        match self.latest.iter_mut().find(|latest| latest.hash == change.hash) {
            Some(latest) => latest.valid_from = latest.valid_from.max(change.valid_from),
            None if is_full => return Err(change),
            None => self.latest.push(change),
        }
        Ok(())
    }

    /// Drops the change that affects the fewest computations.
    fn drop_oldest(&mut self) {
        let oldest = (0..self.latest.len()).min_by_key(|&at| self.latest[at].valid_from);
        if let Some(oldest) = oldest {
            let dropped = self.latest.swap_remove(oldest);
            self.valid_from = self.valid_from.max(dropped.valid_from);
        }
    }
}

/// The changes that callers made to a cache: invalidations, puts, refreshes and clears.
pub(crate) struct ChangeLog {
    changes: Cell<u64>,
    /// The number of insertions.
    insertions: Cell<u64>,
    /// The number of changes at the last clear.
    cleared: Cell<u64>,
    /// The number of changes at the last change that may affect any key.
    any_changed: Cell<u64>,
    /// A power of two of sets, by the low bits of the hash; none before the first change.
    sets: RefCell<Vec<ChangeSet>>,
}

impl ChangeLog {
    pub(crate) const fn new() -> Self {
        Self {
            changes: Cell::new(0),
            insertions: Cell::new(0),
            cleared: Cell::new(0),
            any_changed: Cell::new(0),
            sets: RefCell::new(Vec::new()),
        }
    }

    #[inline]
    pub(crate) fn now(&self) -> Epoch {
        Epoch { changes: self.changes.get(), insertions: self.insertions.get() }
    }

    /// Returns the current epoch for a computation without a lookup: no key is known to be missing.
    pub(crate) fn now_without_lookup(&self) -> Epoch {
        Epoch { insertions: u64::MAX, ..self.now() }
    }

    /// Returns whether there was neither a change nor an insertion since `began`. A key that was missing is then still
    /// missing.
    #[inline]
    pub(crate) fn is_at(&self, began: Epoch) -> bool {
        began == self.now()
    }

    /// Returns whether there was no change since `began`, not counting insertions.
    #[inline]
    pub(crate) fn is_unchanged(&self, began: Epoch) -> bool {
        began.changes == self.changes.get()
    }

    /// Records an insertion, or that an entry was replaced.
    #[inline]
    pub(crate) fn inserted(&self) {
        self.insertions.set(self.insertions.get() + 1);
    }

    /// Returns an epoch of its own: all later epochs are greater.
    pub(crate) fn next(&self) -> Epoch {
        self.changes.set(self.changes.get() + 1);
        self.now()
    }

    /// Records an invalidation or put of a key with this hash.
    pub(crate) fn changed(&self, hash: KeyHash) {
        let valid_from = self.next().changes;
        self.record(Change { hash, valid_from });
    }

    /// Records that the result of a refresh of this key, which began at `began`, was stored.
    pub(crate) fn refreshed(&self, hash: KeyHash, began: Epoch) {
        self.next();
        self.record(Change { hash, valid_from: began.changes });
    }

    /// Records a change that may affect any key, and removes entries that are not known yet.
    pub(crate) fn any_changed(&self) {
        self.any_changed.set(self.next().changes);
    }

    /// Records a clear.
    pub(crate) fn cleared(&self) {
        self.cleared.set(self.next().changes);
    }

    #[cold]
    fn record(&self, change: Change) {
        let mut sets = self.sets.borrow_mut();
        if sets.is_empty() {
            sets.push(ChangeSet::default());
        }
        while let Err(change) = Self::set_of(&mut sets, change.hash).record(change) {
            if sets.len() < MOST_SETS {
                Self::double(&mut sets);
            } else {
                Self::set_of(&mut sets, change.hash).drop_oldest();
            }
        }
    }

    fn set_of(sets: &mut [ChangeSet], hash: KeyHash) -> &mut ChangeSet {
        let at = set_number(hash, sets.len());
        &mut sets[at]
    }

    /// Doubles the number of sets. Each set is divided in two, by one more bit of the hash.
    fn double(sets: &mut Vec<ChangeSet>) {
        let count = sets.len();
        sets.reserve_exact(count);
        for at in 0..count {
            let set = &mut sets[at];
            let moves = |change: &Change| set_number(change.hash, 2 * count) != at;
            let latest = set.latest.iter().copied().filter(moves).collect();
            set.latest.retain(|change| !moves(change));
            // Nothing was dropped yet: that begins when there are as many sets as may be.
            sets.push(ChangeSet { latest, valid_from: 0 });
        }
    }

    /// Returns whether a computation that began at `began` was superseded by a later change to this key.
    pub(crate) fn superseded(&self, began: Epoch, hash: KeyHash) -> Superseded {
        // By far the most frequent case: there was no change.
        if self.is_unchanged(began) {
            Superseded::No
        } else {
            self.superseded_by_changes(began.changes, hash)
        }
    }

    #[cold]
    fn superseded_by_changes(&self, began: u64, hash: KeyHash) -> Superseded {
        let sets = self.sets.borrow();
        let set = sets.get(set_number(hash, sets.len()));
        let is_changed = |change: &Change| change.hash == hash && change.valid_from > began;
        if began < self.cleared.get() || set.is_some_and(|set| set.latest.iter().any(is_changed)) {
            return Superseded::ByKey;
        }
        // A future that began with another cache, as with another thread's, may have an epoch that is yet to come here.
        let is_foreign = began > self.changes.get();
        if is_foreign || began < self.any_changed.get() || set.is_some_and(|set| set.valid_from > began) {
            return Superseded::ByAny;
        }
        Superseded::No
    }
}

/// Returns the number of the set that has this hash, of `count` sets.
#[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
fn set_number(hash: KeyHash, count: usize) -> usize {
    hash.get() as usize & count.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::Superseded::{ByAny, ByKey, No};
    use super::*;

    fn hash(n: u64) -> KeyHash {
        KeyHash::of(&n)
    }

    #[test]
    fn a_change_supersedes_its_own_key_only() {
        let log = ChangeLog::new();
        let began = log.now();
        log.changed(hash(1));
        assert_eq!(log.superseded(began, hash(1)), ByKey);
        assert_eq!(log.superseded(began, hash(2)), No);
        assert_eq!(log.superseded(log.now(), hash(1)), No);
    }

    #[test]
    fn a_refresh_supersedes_what_began_before_it_and_nothing_later() {
        let log = ChangeLog::new();
        let (before, first, second) = (log.now(), log.next(), log.next());
        let after = log.now();
        log.refreshed(hash(1), first);
        assert_eq!(log.superseded(before, hash(1)), ByKey);
        assert_eq!(log.superseded(first, hash(1)), No);
        assert_eq!(log.superseded(second, hash(1)), No);
        log.refreshed(hash(1), second);
        assert_eq!(log.superseded(first, hash(1)), ByKey);
        assert_eq!(log.superseded(after, hash(1)), No);
    }

    #[test]
    fn a_refresh_that_began_early_revokes_no_later_change() {
        let log = ChangeLog::new();
        let first = log.next();
        log.changed(hash(1));
        let between = log.next();
        log.changed(hash(1));
        log.refreshed(hash(1), first);
        assert_eq!(log.superseded(between, hash(1)), ByKey);
    }

    #[test]
    fn a_clear_supersedes_every_key() {
        let log = ChangeLog::new();
        let began = log.now();
        log.cleared();
        let later = log.now();
        log.changed(hash(1));
        assert_eq!(log.superseded(began, hash(2)), ByKey, "what is stored is newer than the clear");
        assert_eq!(log.superseded(later, hash(2)), No);
    }

    #[test]
    fn a_change_of_any_key_supersedes_every_key_and_none_known_to_be_newer() {
        let log = ChangeLog::new();
        let began = log.now();
        log.changed(hash(1));
        log.any_changed();
        let later = log.now();
        log.changed(hash(2));
        assert_eq!(log.superseded(began, hash(1)), ByKey);
        assert_eq!(log.superseded(began, hash(2)), ByKey);
        assert_eq!(log.superseded(began, hash(3)), ByAny);
        assert_eq!(log.superseded(later, hash(3)), No);
    }

    #[test]
    fn an_insertion_supersedes_nothing_and_is_noticed() {
        let log = ChangeLog::new();
        let began = log.now();
        assert!(log.is_at(began));
        log.inserted();
        assert!(!log.is_at(began));
        assert_eq!(log.superseded(began, hash(1)), No);
        let began = log.now();
        log.changed(hash(1));
        assert!(!log.is_at(began));
    }

    #[test]
    fn without_a_lookup_a_key_is_not_known_to_be_missing() {
        let log = ChangeLog::new();
        log.inserted();
        let began = log.now_without_lookup();
        assert!(!log.is_at(began));
        assert!(log.is_unchanged(began));
        assert_eq!(log.superseded(began, hash(1)), No);
        log.changed(hash(1));
        assert!(!log.is_unchanged(began));
        assert_eq!(log.superseded(began, hash(1)), ByKey);
        assert_eq!(log.superseded(log.now_without_lookup(), hash(1)), No);
    }

    #[test]
    fn an_epoch_of_another_cache_is_superseded() {
        let (log, other) = (ChangeLog::new(), ChangeLog::new());
        for n in 0..3 {
            other.changed(hash(n));
        }
        assert_eq!(log.superseded(other.now(), hash(9)), ByAny);
        log.changed(hash(1));
        assert_eq!(log.superseded(other.now(), hash(9)), ByAny);
    }

    #[test]
    fn thousands_of_changes_to_other_keys_supersede_nothing() {
        for count in [1, 7, 8, 9, 100, 1_024, 1_025, 5_000] {
            let log = ChangeLog::new();
            log.changed(hash(0));
            let began = log.now();
            for n in 1..=count {
                log.changed(hash(n));
            }
            assert_eq!(log.superseded(began, hash(0)), No, "{count}");
            for n in 1..=count {
                assert_ne!(log.superseded(began, hash(n)), No, "{n} of {count}");
            }
            assert_eq!(log.superseded(log.now(), hash(count)), No);
        }
    }

    #[test]
    fn any_number_of_changes_to_few_other_keys_supersedes_nothing() {
        let log = ChangeLog::new();
        let began = log.now();
        for n in 0..200_000 {
            log.changed(hash(n % 4_000));
        }
        assert_eq!(log.superseded(began, hash(u64::MAX)), No);
        assert_eq!(log.superseded(began, hash(5)), ByKey);
    }

    #[test]
    fn a_change_is_never_missed_and_the_memory_is_bounded() {
        let log = ChangeLog::new();
        let (began, count) = (log.now(), 40 * (WAYS * MOST_SETS) as u64);
        for n in 0..count {
            log.changed(hash(n));
        }
        for n in 0..count {
            assert_ne!(log.superseded(began, hash(n)), No, "{n}");
        }
        let sets = log.sets.borrow();
        assert_eq!(sets.len(), MOST_SETS);
        assert!(sets.iter().all(|set| set.latest.len() <= WAYS && set.latest.capacity() <= 2 * WAYS));
        assert_eq!(log.superseded(log.now(), hash(0)), No);
    }
}
