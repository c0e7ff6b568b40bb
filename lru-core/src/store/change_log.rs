//! Which computations in flight may still be remembered.
//!
//! A result whose computation began before a clear, or before its key was invalidated or put, is
//! not stored after it; nor is one that began before a refresh of its key that has been stored.
//! Computations leave no trace here; the changes made by callers do: each is numbered, and a
//! computation remembers how many there were when it began. Nothing has to be undone when a
//! computation panics or its future is dropped.

use core::cell::{Cell, RefCell};

use crate::key::KeyHash;

/// How many of the latest changes are told apart by key. A computation that is overtaken by more
/// of them than this goes unstored, whatever its key: a store too few is harmless.
const REMEMBERED: usize = 1024;

/// Where change `number` is noted.
#[expect(clippy::cast_possible_truncation, reason = "less than `REMEMBERED`")]
fn place_of(number: u64) -> usize {
    (number % REMEMBERED as u64) as usize
}

/// A point in the history of a cache: between two changes, and between two arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
    changes: u64,
    arrivals: u64,
}

impl Epoch {
    /// Before anything happened.
    pub(crate) const FIRST: Self = Self { changes: 0, arrivals: 0 };
}

/// What a caller did to a key.
#[derive(Clone, Copy, Debug)]
struct Change {
    hash: KeyHash,
    /// How many changes there were when what it speaks for began: computations of the key that began
    /// earlier are out of date.
    speaks_for: u64,
}

/// The changes that callers made: keys invalidated, put or refreshed, and clears.
#[derive(Debug)]
pub(crate) struct ChangeLog {
    changes: Cell<u64>,
    /// How many entries came into the store.
    arrivals: Cell<u64>,
    cleared: Cell<u64>,
    /// The latest changes to single keys, change `n` at `n % REMEMBERED`. Memory is taken with the
    /// first changes: caches that are never told to forget pay nothing.
    recent: RefCell<Vec<Option<Change>>>,
}

impl ChangeLog {
    pub(crate) const fn new() -> Self {
        Self {
            changes: Cell::new(0),
            arrivals: Cell::new(0),
            cleared: Cell::new(0),
            recent: RefCell::new(Vec::new()),
        }
    }

    #[inline]
    pub(crate) fn now(&self) -> Epoch {
        Epoch { changes: self.changes.get(), arrivals: self.arrivals.get() }
    }

    /// The same for who has not looked what is there: no key is known to be missing.
    pub(crate) fn unseen(&self) -> Epoch {
        Epoch { arrivals: u64::MAX, ..self.now() }
    }

    /// Whether since `began` nothing was changed and nothing came in: a key that was missing then is
    /// missing still.
    #[inline]
    pub(crate) fn is_still(&self, began: Epoch) -> bool {
        began == self.now()
    }

    /// Whether since `began` nothing was changed, whatever came in.
    #[inline]
    pub(crate) fn is_unchanged(&self, began: Epoch) -> bool {
        began.changes == self.changes.get()
    }

    /// Notes that an entry came into the store.
    #[inline]
    pub(crate) fn arrived(&self) {
        self.arrivals.set(self.arrivals.get() + 1);
    }

    /// A moment of its own: what begins later has a later one.
    pub(crate) fn next(&self) -> Epoch {
        self.push(None);
        self.now()
    }

    /// Notes that the caller changed what is remembered under a key with this hash, just now.
    pub(crate) fn changed(&self, hash: KeyHash) {
        self.push(Some(Change { hash, speaks_for: self.changes.get() + 1 }));
    }

    /// Notes that what is remembered under this key was computed anew, from `began` on.
    pub(crate) fn refreshed(&self, hash: KeyHash, began: Epoch) {
        self.push(Some(Change { hash, speaks_for: began.changes }));
    }

    /// Notes that everything was forgotten.
    pub(crate) fn cleared(&self) {
        self.push(None);
        self.cleared.set(self.changes.get());
    }

    fn push(&self, change: Option<Change>) {
        let number = self.changes.get();
        let mut recent = self.recent.borrow_mut();
        if recent.len() < REMEMBERED {
            recent.push(change);
        } else {
            recent[place_of(number)] = change;
        }
        self.changes.set(number + 1);
    }

    /// Whether what began at `began` was overtaken by a change to this key.
    pub(crate) fn overtook(&self, began: Epoch, hash: KeyHash) -> bool {
        // The common case by far: nobody changed anything meanwhile.
        !self.is_unchanged(began) && self.overtook_among_changes(began.changes, hash)
    }

    #[cold]
    fn overtook_among_changes(&self, began: u64, hash: KeyHash) -> bool {
        let now = self.changes.get();
        // What began in another cache, as a future may that goes on elsewhere, has perhaps a number yet to come.
        if began < self.cleared.get() || now.wrapping_sub(began) > REMEMBERED as u64 {
            return true;
        }
        let recent = self.recent.borrow();
        (began..now)
            .filter_map(|number| recent[place_of(number)])
            .any(|change| change.hash == hash && change.speaks_for > began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u64) -> KeyHash {
        KeyHash::of(&n)
    }

    #[test]
    fn a_change_overtakes_its_own_key_only() {
        let history = ChangeLog::new();
        let began = history.now();
        history.changed(hash(1));
        assert!(history.overtook(began, hash(1)));
        assert!(!history.overtook(began, hash(2)));
        assert!(!history.overtook(history.now(), hash(1)));
    }

    #[test]
    fn a_refresh_overtakes_what_began_before_it_and_nothing_later() {
        let history = ChangeLog::new();
        let (before, first, second) = (history.now(), history.next(), history.next());
        let after = history.now();
        history.refreshed(hash(1), first);
        assert!(history.overtook(before, hash(1)));
        assert!(!history.overtook(first, hash(1)));
        assert!(!history.overtook(second, hash(1)));
        history.refreshed(hash(1), second);
        assert!(history.overtook(first, hash(1)));
        assert!(!history.overtook(after, hash(1)));
    }

    #[test]
    fn a_clear_overtakes_every_key() {
        let history = ChangeLog::new();
        let began = history.now();
        history.cleared();
        let later = history.now();
        history.changed(hash(1));
        assert!(history.overtook(began, hash(2)));
        assert!(!history.overtook(later, hash(2)));
    }

    #[test]
    fn an_arrival_overtakes_nothing_and_ends_the_stillness() {
        let history = ChangeLog::new();
        let began = history.now();
        assert!(history.is_still(began));
        history.arrived();
        assert!(!history.is_still(began));
        assert!(!history.overtook(began, hash(1)));
        let began = history.now();
        history.changed(hash(1));
        assert!(!history.is_still(began));
    }

    #[test]
    fn without_a_lookup_a_key_is_not_known_to_be_missing() {
        let history = ChangeLog::new();
        history.arrived();
        let began = history.unseen();
        assert!(!history.is_still(began));
        assert!(history.is_unchanged(began));
        assert!(!history.overtook(began, hash(1)));
        history.changed(hash(1));
        assert!(!history.is_unchanged(began));
        assert!(history.overtook(began, hash(1)));
        assert!(!history.overtook(history.unseen(), hash(1)));
    }

    #[test]
    fn an_epoch_of_another_cache_is_superseded() {
        let (history, other) = (ChangeLog::new(), ChangeLog::new());
        for n in 0..3 {
            other.changed(hash(n));
        }
        assert!(history.overtook(other.now(), hash(9)));
        history.changed(hash(1));
        assert!(history.overtook(other.now(), hash(9)));
    }

    #[test]
    fn a_clear_supersedes_what_began_before_it_however_many_changes_follow() {
        let history = ChangeLog::new();
        let began = history.now();
        history.cleared();
        let later = history.now();
        for n in 0..REMEMBERED as u64 {
            history.changed(hash(n));
        }
        assert!(history.overtook(began, hash(u64::MAX)));
        assert!(!history.overtook(later, hash(u64::MAX)));
    }

    #[test]
    fn keys_are_told_apart_up_to_the_bound_and_no_further() {
        let history = ChangeLog::new();
        history.changed(hash(0));
        let began = history.now();
        for n in 1..=REMEMBERED as u64 {
            history.changed(hash(n));
        }
        assert!(!history.overtook(began, hash(0)));
        assert!(history.overtook(began, hash(REMEMBERED as u64)));
        history.changed(hash(1));
        assert!(history.overtook(began, hash(0)));
    }
}
