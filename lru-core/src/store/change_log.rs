//! The change log of a cache: sequence numbers by which stale computations are discarded.
//!
//! A result is not stored if its computation began before a clear, before an invalidation or put of its key, or before
//! a refresh of its key whose result was stored. Each of these changes gets a sequence number. A computation records
//! the current number at its miss ([`Epoch`]), and its result is discarded if a later change affects its key. A
//! computation writes nothing to the log, so nothing must be undone when it panics or its future is dropped.

use core::cell::{Cell, RefCell};

use crate::key::KeyHash;

/// The number of latest changes that are recorded by key. A computation that began before more changes than this is
/// discarded whatever its key, which is correct: the next call computes again.
const CAPACITY: usize = 1024;

/// Returns the position of a change in the log.
#[expect(clippy::cast_possible_truncation, reason = "less than `CAPACITY`")]
fn position(number: u64) -> usize {
    (number % CAPACITY as u64) as usize
}

/// A point in the change log of a cache: the numbers of changes and of insertions before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    changes: u64,
    insertions: u64,
}

impl Epoch {
    /// The epoch before all changes and insertions.
    pub(crate) const FIRST: Self = Self { changes: 0, insertions: 0 };
}

/// A change to one key.
#[derive(Clone, Copy, Debug)]
struct Change {
    hash: KeyHash,
    /// The first epoch that is not affected: computations of the key that began before are discarded.
    valid_from: u64,
}

/// The changes that callers made to a cache: invalidations, puts, refreshes and clears.
pub(crate) struct ChangeLog {
    changes: Cell<u64>,
    /// The number of insertions.
    insertions: Cell<u64>,
    /// The number of changes at the last clear.
    cleared: Cell<u64>,
    /// A ring buffer of the latest changes: change `n` is at `n % CAPACITY`, `None` if it has no key of its own. It is
    /// allocated at the first change.
    recent: RefCell<Vec<Option<Change>>>,
}

impl ChangeLog {
    pub(crate) const fn new() -> Self {
        Self {
            changes: Cell::new(0),
            insertions: Cell::new(0),
            cleared: Cell::new(0),
            recent: RefCell::new(Vec::new()),
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

    /// Records an insertion.
    #[inline]
    pub(crate) fn inserted(&self) {
        self.insertions.set(self.insertions.get() + 1);
    }

    /// Returns an epoch of its own: all later epochs are greater.
    pub(crate) fn next(&self) -> Epoch {
        self.push(None);
        self.now()
    }

    /// Records an invalidation or put of a key with this hash.
    pub(crate) fn changed(&self, hash: KeyHash) {
        self.push(Some(Change { hash, valid_from: self.changes.get() + 1 }));
    }

    /// Records that the result of a refresh of this key, which began at `began`, was stored.
    pub(crate) fn refreshed(&self, hash: KeyHash, began: Epoch) {
        self.push(Some(Change { hash, valid_from: began.changes }));
    }

    /// Records a clear.
    pub(crate) fn cleared(&self) {
        self.push(None);
        self.cleared.set(self.changes.get());
    }

    fn push(&self, change: Option<Change>) {
        let number = self.changes.get();
        let mut recent = self.recent.borrow_mut();
        if recent.len() < CAPACITY {
            recent.push(change);
        } else {
            recent[position(number)] = change;
        }
        self.changes.set(number + 1);
    }

    /// Returns whether a computation that began at `began` was superseded by a later change to this key.
    pub(crate) fn is_superseded(&self, began: Epoch, hash: KeyHash) -> bool {
        // By far the most frequent case: there was no change.
        !self.is_unchanged(began) && self.is_superseded_by_recent(began.changes, hash)
    }

    #[cold]
    fn is_superseded_by_recent(&self, began: u64, hash: KeyHash) -> bool {
        let now = self.changes.get();
        // A future that began with another cache, as with another thread's, may have an epoch that is yet to come here.
        if began < self.cleared.get() || now.wrapping_sub(began) > CAPACITY as u64 {
            return true;
        }
        let recent = self.recent.borrow();
        (began..now)
            .filter_map(|number| recent[position(number)])
            .any(|change| change.hash == hash && change.valid_from > began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u64) -> KeyHash {
        KeyHash::of(&n)
    }

    #[test]
    fn a_change_supersedes_its_own_key_only() {
        let log = ChangeLog::new();
        let began = log.now();
        log.changed(hash(1));
        assert!(log.is_superseded(began, hash(1)));
        assert!(!log.is_superseded(began, hash(2)));
        assert!(!log.is_superseded(log.now(), hash(1)));
    }

    #[test]
    fn a_refresh_supersedes_what_began_before_it_and_nothing_later() {
        let log = ChangeLog::new();
        let (before, first, second) = (log.now(), log.next(), log.next());
        let after = log.now();
        log.refreshed(hash(1), first);
        assert!(log.is_superseded(before, hash(1)));
        assert!(!log.is_superseded(first, hash(1)));
        assert!(!log.is_superseded(second, hash(1)));
        log.refreshed(hash(1), second);
        assert!(log.is_superseded(first, hash(1)));
        assert!(!log.is_superseded(after, hash(1)));
    }

    #[test]
    fn a_clear_supersedes_every_key() {
        let log = ChangeLog::new();
        let began = log.now();
        log.cleared();
        let later = log.now();
        log.changed(hash(1));
        assert!(log.is_superseded(began, hash(2)));
        assert!(!log.is_superseded(later, hash(2)));
    }

    #[test]
    fn an_insertion_supersedes_nothing_and_is_noticed() {
        let log = ChangeLog::new();
        let began = log.now();
        assert!(log.is_at(began));
        log.inserted();
        assert!(!log.is_at(began));
        assert!(!log.is_superseded(began, hash(1)));
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
        assert!(!log.is_superseded(began, hash(1)));
        log.changed(hash(1));
        assert!(!log.is_unchanged(began));
        assert!(log.is_superseded(began, hash(1)));
        assert!(!log.is_superseded(log.now_without_lookup(), hash(1)));
    }

    #[test]
    fn an_epoch_of_another_cache_is_superseded() {
        let (log, other) = (ChangeLog::new(), ChangeLog::new());
        for n in 0..3 {
            other.changed(hash(n));
        }
        assert!(log.is_superseded(other.now(), hash(9)));
        log.changed(hash(1));
        assert!(log.is_superseded(other.now(), hash(9)));
    }

    #[test]
    fn a_clear_supersedes_what_began_before_it_however_many_changes_follow() {
        let log = ChangeLog::new();
        let began = log.now();
        log.cleared();
        let later = log.now();
        for n in 0..CAPACITY as u64 {
            log.changed(hash(n));
        }
        assert!(log.is_superseded(began, hash(u64::MAX)));
        assert!(!log.is_superseded(later, hash(u64::MAX)));
    }

    #[test]
    fn keys_are_told_apart_up_to_the_bound_and_no_further() {
        let log = ChangeLog::new();
        log.changed(hash(0));
        let began = log.now();
        for n in 1..=CAPACITY as u64 {
            log.changed(hash(n));
        }
        assert!(!log.is_superseded(began, hash(0)));
        assert!(log.is_superseded(began, hash(CAPACITY as u64)));
        log.changed(hash(1));
        assert!(log.is_superseded(began, hash(0)));
    }
}
