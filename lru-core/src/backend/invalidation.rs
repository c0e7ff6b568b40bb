//! What others change in a backend leaves the front: the cache in this process.
//!
//! The backend tells under which key something was changed. The front knows its entries by the hashes of
//! the arguments, so which key lies under which hash is noted here: on the way from a miss, as a hit is to
//! cost nothing.
//!
//! Invariant: what was fetched or computed before its key was told of is not in the front after it. Who
//! keeps something looks here afterwards whether it was told of meanwhile, and takes it out again; who
//! tells notes that first, and takes out afterwards. So one of the two sees what the other has done.
//!
//! Invariant: the lock of the front is not taken under that of the notes, as calls may come here that hold
//! the former.

use core::fmt;
use core::hash::BuildHasher;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::collections::VecDeque;
use std::hash::RandomState;
use std::sync::OnceLock;
use std::vec::Vec;

use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;
use parking_lot::Mutex;

use crate::backend::AsyncBackend;
use crate::backend::invalidation_sink::{LocalCopies, sink_of};
use crate::engine::placement::{Change, Placement};
use crate::flight::catch::catch_and_discard;
use crate::key::KeyHash;

/// The cache in front of a backend, by the hashes of its keys.
pub trait Front: Sync {
    /// Whether anything lies under this hash. True where that can't be known now.
    fn holds(&self, hash: KeyHash) -> bool;

    /// Takes out what lies under it. With `later`, who wants to know what left is told by the next call.
    fn drop_changed(&self, hash: KeyHash, later: bool);

    /// Takes out everything, in the same way.
    fn drop_all_changed(&self, later: bool);
}

impl<E: Placement + Sync> Front for E {
    /// A call from inside an `Eq` or a `Clone` does not ask: it must not wait for a lock.
    fn holds(&self, hash: KeyHash) -> bool {
        self.is_held() || self.at(hash, |engine| engine.holds(hash))
    }

    fn drop_changed(&self, hash: KeyHash, later: bool) {
        self.change(hash, |engine| engine.drop_changed(hash, later));
    }

    fn drop_all_changed(&self, later: bool) {
        self.each(Change::Retain, |engine| engine.drop_all_changed(later));
    }
}

/// A cache in a `static`.
pub trait Fronting {
    /// What all threads share of it; `None` where nothing is kept.
    fn front(&'static self) -> Option<&'static dyn Front>;
}

/// What the front of a function holds of its backend, if that tells of changes.
pub struct Invalidation(OnceLock<Tracker>);

impl Invalidation {
    /// Nothing is watched yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a `static` is made by a constant")]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Has the backend tell of changes, once. `None` where it does not, or nothing is kept in front.
    pub(crate) fn of(
        &'static self,
        memo: &'static impl Fronting,
        listens: bool,
        backend: &impl AsyncBackend,
        namespace: &str,
    ) -> Option<&'static Tracker> {
        if self.0.get().is_none() && self.0.set(Tracker::new(memo.front()?, listens)).is_ok() {
            // Others go on as if it were told, until it is known.
            let watched = self.0.get()?;
            let is_told = backend.watch(namespace, sink_of(watched));
            watched.is_told.store(is_told, Relaxed);
        }
        self.0.get().filter(|watched| watched.is_told.load(Relaxed))
    }
}

impl fmt::Debug for Invalidation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invalidation").finish_non_exhaustive()
    }
}

/// So many times of changes are told apart by key.
const TIMES: usize = 1024;

/// So many notes are not worth being swept.
const FEW: usize = 64;

/// A front that is watched.
pub(crate) struct Tracker {
    front: &'static dyn Front,
    /// Whether somebody wants to know what leaves it.
    listens: bool,
    /// Whether the backend tells.
    is_told: AtomicBool,
    seed: RandomState,
    notes: Mutex<Notes>,
}

/// A point in time: between two things that were noted.
type Time = u64;

/// A key of the backend, hashed.
type Address = u64;

#[derive(Default)]
struct Notes {
    now: Time,
    /// When what lies at these addresses was last changed: those of one remainder by [`TIMES`] share a place.
    /// Memory is taken with the first change.
    changed: Vec<Time>,
    /// When anything may have been changed.
    all_changed: Time,
    /// What may lie in front: by address, where one key may be told of by several hashes.
    kept: HashTable<Kept>,
    /// In which order these notes are looked after.
    sweep: VecDeque<Kept>,
}

#[derive(Clone, Copy)]
struct Kept {
    address: Address,
    hash: KeyHash,
    /// When the note was made.
    noted: Time,
    /// When something was last kept there.
    since: Time,
    /// The bytes of which it is a copy, hashed, if it is known to be one of what this function has set.
    copy_of: Option<u64>,
}

impl Kept {
    fn is_note(&self, other: &Self) -> bool {
        (self.address, self.hash, self.noted) == (other.address, other.hash, other.noted)
    }
}

impl Notes {
    fn tick(&mut self) -> Time {
        self.now += 1;
        self.now
    }

    fn was_changed_since(&self, began: Time, address: Address) -> bool {
        let changed = self.changed.get(place_of(address)).copied().unwrap_or(0);
        changed.max(self.all_changed) > began
    }

    /// Notes that something is kept now that began then. `None` where something else was kept meanwhile, and
    /// it is not known which of the two is there.
    fn keep(&mut self, address: Address, hash: KeyHash, began: Time) -> Option<Time> {
        let since = self.tick();
        if let Some(kept) = self.kept.find_mut(address, |kept| (kept.address, kept.hash) == (address, hash)) {
            let is_alone = kept.since <= began;
            (kept.since, kept.copy_of) = (since, None);
            return is_alone.then_some(since);
        }
        let kept = Kept { address, hash, noted: since, since, copy_of: None };
        self.kept.insert_unique(address, kept, |kept| kept.address);
        self.sweep.push_back(kept);
        Some(since)
    }

    /// Takes the note out, if it is as it was, and says whether it did.
    fn forget(&mut self, note: &Kept) -> bool {
        let is_same = |kept: &Kept| kept.is_note(note) && kept.since == note.since;
        self.kept.find_entry(note.address, is_same).map(OccupiedEntry::remove).is_ok()
    }

    /// The next note to be looked after, as it is now.
    fn next_to_sweep(&mut self) -> Option<Kept> {
        if self.sweep.len() <= FEW {
            return None;
        }
        loop {
            let note = self.sweep.pop_front()?;
            if let Some(kept) = self.kept.find(note.address, |kept| kept.is_note(&note)) {
                return Some(*kept);
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "less than `TIMES`")]
fn place_of(address: Address) -> usize {
    (address % TIMES as u64) as usize
}

impl Tracker {
    fn new(front: &'static dyn Front, listens: bool) -> Self {
        let (is_told, seed, notes) = (AtomicBool::new(true), RandomState::new(), Mutex::default());
        Self { front, listens, is_told, seed, notes }
    }

    /// One key, from now on.
    pub(crate) fn lookout(&'static self, key: &[u8]) -> TrackedKey {
        let began = AtomicU64::new(self.notes.lock().now);
        TrackedKey { watched: self, address: self.seed.hash_one(key), began, kept: AtomicU64::new(0) }
    }

    /// Two notes for each that comes: so there are never many more than there are entries.
    fn sweep(&self) {
        for _ in 0..2 {
            let Some(note) = self.notes.lock().next_to_sweep() else { return };
            let is_there = self.front.holds(note.hash);
            let mut notes = self.notes.lock();
            // What was taken out meanwhile is not found when its turn comes.
            if is_there || !notes.forget(&note) {
                notes.sweep.push_back(note);
            }
        }
    }

    /// Whether there is nothing in front but a copy of this.
    fn is_copy(&self, address: Address, value: Option<&[u8]>) -> bool {
        let value = value.map(|value| self.seed.hash_one(value));
        let notes = self.notes.lock();
        notes.kept.iter_hash(address).filter(|kept| kept.address == address).all(|kept| kept.copy_of == value)
    }

    fn drop_address(&self, address: Address) {
        let mut notes = self.notes.lock();
        let now = notes.tick();
        if notes.changed.is_empty() {
            notes.changed.resize(TIMES, 0);
        }
        notes.changed[place_of(address)] = now;
        let mut hashes = Vec::new();
        while let Ok(kept) = notes.kept.find_entry(address, |kept| kept.address == address) {
            hashes.push(kept.remove().0.hash);
        }
        drop(notes);
        for hash in hashes {
            catch_and_discard(|| self.front.drop_changed(hash, self.listens));
        }
    }
}

impl LocalCopies for Tracker {
    fn invalidate(&self, key: &[u8]) {
        self.drop_address(self.seed.hash_one(key));
    }

    fn may_be_own_write(&self, key: &[u8]) -> bool {
        let address = self.seed.hash_one(key);
        let notes = self.notes.lock();
        notes.kept.iter_hash(address).any(|kept| kept.address == address && kept.copy_of.is_some())
    }

    fn invalidate_unless_equal(&self, key: &[u8], value: Option<&[u8]>) {
        let address = self.seed.hash_one(key);
        if value.is_none() || !self.is_copy(address, value) {
            self.drop_address(address);
        }
    }

    fn invalidate_all(&self) {
        let mut notes = self.notes.lock();
        notes.all_changed = notes.tick();
        notes.kept.clear();
        notes.sweep.clear();
        drop(notes);
        catch_and_discard(|| self.front.drop_all_changed(self.listens));
    }
}

/// One key of a front that is watched, for one call.
pub(crate) struct TrackedKey {
    watched: &'static Tracker,
    address: Address,
    /// Since when what comes to be kept was fetched or computed.
    began: AtomicU64,
    /// When it was kept; zero if it was not, or is not known to be there.
    kept: AtomicU64,
}

impl TrackedKey {
    /// What comes to be kept begins now.
    pub(crate) fn begins(&self) {
        self.began.store(self.watched.notes.lock().now, Relaxed);
    }

    /// It may be in front by now, under this hash. If its key was told of meanwhile, it is taken out.
    pub(crate) fn kept(&self, hash: KeyHash) {
        let Self { watched, address, began, kept } = self;
        let began = began.load(Relaxed);
        let mut notes = watched.notes.lock();
        if notes.was_changed_since(began, *address) {
            drop(notes);
            watched.front.drop_changed(hash, watched.listens);
            return;
        }
        let since = notes.keep(*address, hash, began);
        drop(notes);
        kept.store(since.unwrap_or(0), Relaxed);
        watched.sweep();
    }

    /// It is about to be set in the backend as well, as these bytes: to hear of that is no news.
    pub(crate) fn hands_over(&self, value: &[u8]) {
        let Self { watched, address, kept, .. } = self;
        let since = kept.load(Relaxed);
        if since == 0 {
            return;
        }
        let copy_of = Some(watched.seed.hash_one(value));
        let mut notes = watched.notes.lock();
        let is_it = |kept: &Kept| kept.address == *address && kept.since == since;
        if let Some(kept) = notes.kept.find_mut(*address, is_it) {
            kept.copy_of = copy_of;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A front of which is known what lies under which hash, and what was taken out.
    #[derive(Default)]
    struct Fake {
        there: Mutex<Vec<KeyHash>>,
        dropped: Mutex<Vec<KeyHash>>,
    }

    impl Front for Fake {
        fn holds(&self, hash: KeyHash) -> bool {
            self.there.lock().contains(&hash)
        }

        fn drop_changed(&self, hash: KeyHash, _: bool) {
            self.there.lock().retain(|&there| there != hash);
            self.dropped.lock().push(hash);
        }

        fn drop_all_changed(&self, _: bool) {
            self.dropped.lock().append(&mut self.there.lock());
        }
    }

    fn watched() -> (&'static Fake, &'static Tracker) {
        let front: &'static Fake = std::boxed::Box::leak(std::boxed::Box::default());
        (front, std::boxed::Box::leak(std::boxed::Box::new(Tracker::new(front, false))))
    }

    fn hash(n: u64) -> KeyHash {
        KeyHash::of(&n)
    }

    fn keep(front: &Fake, lookout: &TrackedKey, hash: KeyHash) {
        front.there.lock().push(hash);
        lookout.kept(hash);
    }

    #[test]
    fn what_was_changed_is_taken_out_and_nothing_else() {
        let (front, watched) = watched();
        for n in 0..3_u64 {
            keep(front, &watched.lookout(&n.to_le_bytes()), hash(n));
        }
        watched.invalidate(&1_u64.to_le_bytes());
        assert_eq!(*front.dropped.lock(), [hash(1)]);
        watched.invalidate(b"unknown");
        watched.invalidate(&1_u64.to_le_bytes());
        assert_eq!(*front.dropped.lock(), [hash(1)]);
        watched.invalidate_all();
        assert_eq!(*front.dropped.lock(), [hash(1), hash(0), hash(2)]);
    }

    #[test]
    fn what_began_before_a_change_does_not_stay() {
        let (front, watched) = watched();
        for told in
            [(|watched| watched.invalidate(b"key")) as fn(&Tracker), |watched| watched.invalidate_all()]
        {
            let lookout = watched.lookout(b"key");
            told(watched);
            keep(front, &lookout, hash(1));
            assert_eq!((front.holds(hash(1)), front.dropped.lock().pop()), (false, Some(hash(1))));
            lookout.begins();
            keep(front, &lookout, hash(1));
            assert!(front.holds(hash(1)));
            told(watched);
            assert!(!front.holds(hash(1)));
        }
    }

    #[test]
    fn one_key_may_lie_under_several_hashes() {
        let (front, watched) = watched();
        for n in 0..3 {
            keep(front, &watched.lookout(b"key"), hash(n));
        }
        watched.invalidate(b"key");
        assert!(front.there.lock().is_empty());
    }

    #[test]
    fn own_bytes_are_no_news() {
        let (front, watched) = watched();
        let lookout = watched.lookout(b"key");
        assert!(!watched.may_be_own_write(b"key"));
        keep(front, &lookout, hash(1));
        assert!(!watched.may_be_own_write(b"key"));
        lookout.hands_over(b"own");
        assert!(watched.may_be_own_write(b"key") && !watched.may_be_own_write(b"other"));
        watched.invalidate_unless_equal(b"key", Some(b"own"));
        assert!(front.holds(hash(1)));
        watched.invalidate_unless_equal(b"key", Some(b"foreign"));
        assert!(!front.holds(hash(1)));

        keep(front, &lookout, hash(1));
        watched.invalidate_unless_equal(b"key", None);
        assert!(!front.holds(hash(1)));
    }

    #[test]
    fn what_another_call_kept_is_not_taken_for_ones_own() {
        let (front, watched) = watched();
        let (one, other) = (watched.lookout(b"key"), watched.lookout(b"key"));
        keep(front, &one, hash(1));
        keep(front, &other, hash(1));
        one.hands_over(b"one");
        other.hands_over(b"other");
        assert!(!watched.may_be_own_write(b"key"), "which of them is there?");
        watched.invalidate_unless_equal(b"key", Some(b"one"));
        assert!(!front.holds(hash(1)));

        let later = watched.lookout(b"key");
        keep(front, &later, hash(1));
        later.hands_over(b"later");
        watched.invalidate_unless_equal(b"key", Some(b"later"));
        assert!(front.holds(hash(1)));
    }

    #[test]
    fn what_has_left_is_forgotten() {
        let (front, watched) = watched();
        for n in 0..10_000_u64 {
            keep(front, &watched.lookout(&n.to_le_bytes()), hash(n));
            // As in a front of ten.
            let mut there = front.there.lock();
            if there.len() > 10 {
                there.remove(0);
            }
        }
        let notes = watched.notes.lock();
        assert!(notes.kept.len() < 200 && notes.sweep.len() < 200, "{}", notes.kept.len());
        drop(notes);
        for n in 9_990..10_000_u64 {
            assert!(front.holds(hash(n)));
            watched.invalidate(&n.to_le_bytes());
            assert!(!front.holds(hash(n)));
        }
    }
}
