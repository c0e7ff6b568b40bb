use super::*;

/// An in-process cache that shows which hashes it holds, and which it was asked to remove.
#[derive(Default)]
struct Fake {
    held: Mutex<Vec<KeyHash>>,
    removed: Mutex<Vec<KeyHash>>,
}

impl InProcessCache for Fake {
    fn contains_hash(&self, hash: KeyHash) -> bool {
        self.held.lock().contains(&hash)
    }

    fn invalidate_hash(&self, hash: KeyHash, _: bool) {
        self.held.lock().retain(|&held| held != hash);
        self.removed.lock().push(hash);
    }

    fn invalidate_all(&self, _: bool) {
        self.removed.lock().append(&mut self.held.lock());
    }
}

fn tracked() -> (&'static Fake, &'static Tracker) {
    let cache: &'static Fake = std::boxed::Box::leak(std::boxed::Box::default());
    (cache, std::boxed::Box::leak(std::boxed::Box::new(Tracker::new(cache, false))))
}

fn hash(n: u64) -> KeyHash {
    KeyHash::of(&n)
}

fn insert(cache: &Fake, key: &TrackedKey, hash: KeyHash) {
    cache.held.lock().push(hash);
    key.inserted(hash);
}

#[test]
fn what_was_changed_is_taken_out_and_nothing_else() {
    let (cache, tracker) = tracked();
    for n in 0..3_u64 {
        insert(cache, &tracker.key(&n.to_le_bytes()), hash(n));
    }
    tracker.invalidate(&1_u64.to_le_bytes());
    assert_eq!(*cache.removed.lock(), [hash(1)]);
    tracker.invalidate(b"unknown");
    tracker.invalidate(&1_u64.to_le_bytes());
    assert_eq!(*cache.removed.lock(), [hash(1)]);
    tracker.invalidate_all();
    assert_eq!(*cache.removed.lock(), [hash(1), hash(0), hash(2)]);
}

#[test]
fn what_began_before_a_change_does_not_stay() {
    let (cache, tracker) = tracked();
    for change in [(|tracker| tracker.invalidate(b"key")) as fn(&Tracker), |tracker| tracker.invalidate_all()]
    {
        let key = tracker.key(b"key");
        change(tracker);
        insert(cache, &key, hash(1));
        assert_eq!((cache.contains_hash(hash(1)), cache.removed.lock().pop()), (false, Some(hash(1))));
        key.begin();
        insert(cache, &key, hash(1));
        assert!(cache.contains_hash(hash(1)));
        change(tracker);
        assert!(!cache.contains_hash(hash(1)));
    }
}

#[test]
fn one_key_may_lie_under_several_hashes() {
    let (cache, tracker) = tracked();
    for n in 0..3 {
        insert(cache, &tracker.key(b"key"), hash(n));
    }
    tracker.invalidate(b"key");
    assert!(cache.held.lock().is_empty());
}

#[test]
fn own_bytes_are_no_news() {
    let (cache, tracker) = tracked();
    let key = tracker.key(b"key");
    assert!(!tracker.may_be_own_write(b"key"));
    insert(cache, &key, hash(1));
    assert!(!tracker.may_be_own_write(b"key"));
    key.writes(b"own");
    assert!(tracker.may_be_own_write(b"key") && !tracker.may_be_own_write(b"other"));
    tracker.invalidate_unless_equal(b"key", Some(b"own"));
    assert!(cache.contains_hash(hash(1)));
    tracker.invalidate_unless_equal(b"key", Some(b"foreign"));
    assert!(!cache.contains_hash(hash(1)));

    insert(cache, &key, hash(1));
    tracker.invalidate_unless_equal(b"key", None);
    assert!(!cache.contains_hash(hash(1)));
}

#[test]
fn what_another_call_kept_is_not_taken_for_ones_own() {
    let (cache, tracker) = tracked();
    let (one, other) = (tracker.key(b"key"), tracker.key(b"key"));
    insert(cache, &one, hash(1));
    insert(cache, &other, hash(1));
    one.writes(b"one");
    other.writes(b"other");
    assert!(!tracker.may_be_own_write(b"key"), "which of them is there?");
    tracker.invalidate_unless_equal(b"key", Some(b"one"));
    assert!(!cache.contains_hash(hash(1)));

    let later = tracker.key(b"key");
    insert(cache, &later, hash(1));
    later.writes(b"later");
    tracker.invalidate_unless_equal(b"key", Some(b"later"));
    assert!(cache.contains_hash(hash(1)));
}

#[test]
fn what_has_left_is_forgotten() {
    let (cache, tracker) = tracked();
    for n in 0..10_000_u64 {
        insert(cache, &tracker.key(&n.to_le_bytes()), hash(n));
        // As in a cache of ten entries.
        let mut held = cache.held.lock();
        if held.len() > 10 {
            held.remove(0);
        }
    }
    let records = tracker.records.lock();
    assert!(records.copies.len() < 200 && records.sweep.len() < 200, "{}", records.copies.len());
    drop(records);
    for n in 9_990..10_000_u64 {
        assert!(cache.contains_hash(hash(n)));
        tracker.invalidate(&n.to_le_bytes());
        assert!(!cache.contains_hash(hash(n)));
    }
}
