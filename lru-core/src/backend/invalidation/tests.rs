use super::*;
use crate::engine::placement::invalidate::ErrorCount;

/// An in-process cache that shows which hashes it holds, and which it was asked to remove.
#[derive(Default)]
struct Fake {
    held: Mutex<Vec<KeyHash>>,
    removed: Mutex<Vec<KeyHash>>,
}

impl HoldsCopies for Fake {
    fn copies(&self) -> Option<Copies> {
        None
    }

    fn contains_hash(&self, hash: KeyHash) -> bool {
        self.held.lock().contains(&hash)
    }

    fn errors(&self) -> ErrorCount {
        ErrorCount(Arc::default())
    }
}

impl InProcessCache for Fake {
    fn invalidate_hash(&self, hash: KeyHash, _: bool) {
        self.held.lock().retain(|&held| held != hash);
        self.removed.lock().push(hash);
    }

    fn invalidate_all(&self, _: bool) {
        self.removed.lock().append(&mut self.held.lock());
    }
}

fn tracked() -> (&'static Fake, Arc<Tracker>) {
    let cache: &'static Fake = std::boxed::Box::leak(std::boxed::Box::default());
    (cache, Arc::new(Tracker::new(Reached::Shared(cache), false, true)))
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
        insert(cache, &Arc::clone(&tracker).key(&n.to_le_bytes()), hash(n));
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
        let key = Arc::clone(&tracker).key(b"key");
        change(&tracker);
        insert(cache, &key, hash(1));
        assert_eq!((cache.contains_hash(hash(1)), cache.removed.lock().pop()), (false, Some(hash(1))));
        key.begin();
        insert(cache, &key, hash(1));
        assert!(cache.contains_hash(hash(1)));
        change(&tracker);
        assert!(!cache.contains_hash(hash(1)));
    }
}

#[test]
fn one_key_may_lie_under_several_hashes() {
    let (cache, tracker) = tracked();
    for n in 0..3 {
        insert(cache, &Arc::clone(&tracker).key(b"key"), hash(n));
    }
    tracker.invalidate(b"key");
    assert!(cache.held.lock().is_empty());
}

#[test]
fn own_bytes_are_no_news() {
    let (cache, tracker) = tracked();
    let key = Arc::clone(&tracker).key(b"key");
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
    let (one, other) = (Arc::clone(&tracker).key(b"key"), Arc::clone(&tracker).key(b"key"));
    insert(cache, &one, hash(1));
    insert(cache, &other, hash(1));
    one.writes(b"one");
    other.writes(b"other");
    assert!(!tracker.may_be_own_write(b"key"), "which of them is there?");
    tracker.invalidate_unless_equal(b"key", Some(b"one"));
    assert!(!cache.contains_hash(hash(1)));

    let later = Arc::clone(&tracker).key(b"key");
    insert(cache, &later, hash(1));
    later.writes(b"later");
    tracker.invalidate_unless_equal(b"key", Some(b"later"));
    assert!(cache.contains_hash(hash(1)));
}

#[test]
fn what_has_left_is_forgotten() {
    let (cache, tracker) = tracked();
    for n in 0..10_000_u64 {
        tracker.sweep(cache);
        insert(cache, &Arc::clone(&tracker).key(&n.to_le_bytes()), hash(n));
        // As in a cache of ten entries.
        let mut held = cache.held.lock();
        if held.len() > 10 {
            held.remove(0);
        }
    }
    let (copies, bytes) = tracker.records.lock().size();
    assert!(copies < 200 && bytes < 200 * 64, "{copies}");
    for n in 9_990..10_000_u64 {
        assert!(cache.contains_hash(hash(n)));
        tracker.invalidate(&n.to_le_bytes());
        assert!(!cache.contains_hash(hash(n)));
    }
}

#[test]
fn a_copy_takes_few_bytes() {
    let (cache, tracker) = tracked();
    for n in 0..30_000_u64 {
        tracker.sweep(cache);
        Arc::clone(&tracker).key(&n.to_le_bytes()).inserted(hash(n));
        let (copies, bytes) = tracker.records.lock().size();
        cache.held.lock().clear();
        cache.held.lock().push(hash(n));
        assert!(copies < 1000 || bytes <= 48 * copies, "{bytes} bytes for {copies} copies");
    }
}

/// A lease with this token.
fn lease(token: u8) -> Lease {
    Lease::new([token])
}

#[test]
fn a_report_of_an_own_store_may_come_first() {
    let (cache, tracker) = tracked();
    let key = Arc::clone(&tracker).key(b"key");
    key.begin();
    assert!(tracker.may_be_own_write(b"key"), "the lookup leaves a lease");
    tracker.invalidate_unless_equal(b"key", Some(&[1]));
    key.leased(&lease(1));
    tracker.invalidate_unless_equal(b"key", Some(&[2]));
    tracker.invalidate_unless_equal(b"key", Some(&[1]));
    key.leased(&lease(2));
    insert(cache, &key, hash(1));
    assert!(cache.contains_hash(hash(1)));
    drop(key);
    assert!(tracker.may_be_own_write(b"key"));
    tracker.invalidate_unless_equal(b"key", Some(&[2]));
    assert!(cache.contains_hash(hash(1)));
    tracker.invalidate_unless_equal(b"key", Some(&[3]));
    assert!(!cache.contains_hash(hash(1)) && !tracker.may_be_own_write(b"key"));
}

#[test]
fn a_copy_of_what_was_replaced_during_the_call_does_not_stay() {
    let (cache, tracker) = tracked();
    for reports in [&[&[3][..]][..], &[&[1], &[3]], &[&[3], &[1], &[2]], &[&[1], &[2], &[3]]] {
        let key = Arc::clone(&tracker).key(b"key");
        key.begin();
        for report in reports {
            tracker.invalidate_unless_equal(b"key", Some(report));
        }
        key.leased(&lease(1));
        key.leased(&lease(2));
        insert(cache, &key, hash(1));
        assert!(!cache.contains_hash(hash(1)), "{reports:?}");
        // The next call is another one.
        key.begin();
        key.leased(&lease(3));
        insert(cache, &key, hash(1));
        assert!(cache.contains_hash(hash(1)), "{reports:?}");
        tracker.invalidate(b"key");
    }
}

#[test]
fn two_calls_that_find_one_entry_keep_its_copy() {
    let (cache, tracker) = tracked();
    let (one, other) = (Arc::clone(&tracker).key(b"key"), Arc::clone(&tracker).key(b"key"));
    for key in [&one, &other] {
        key.begin();
        key.leased(&lease(1));
    }
    insert(cache, &one, hash(1));
    insert(cache, &other, hash(1));
    tracker.invalidate_unless_equal(b"key", Some(&[1]));
    assert!(cache.contains_hash(hash(1)));
}

#[test]
fn what_is_stored_after_its_copy_was_inserted_is_known() {
    let (cache, tracker) = tracked();
    let key = Arc::clone(&tracker).key(b"key");
    key.begin();
    insert(cache, &key, hash(1));
    key.leased(&lease(1));
    drop(key);
    tracker.invalidate_unless_equal(b"key", Some(&[1]));
    assert!(cache.contains_hash(hash(1)));
}

#[test]
fn a_call_that_is_over_leaves_no_record() {
    let (_, tracker) = tracked();
    for n in 0..1000_u64 {
        Arc::clone(&tracker).key(&n.to_le_bytes()).begin();
        assert!(!tracker.may_be_own_write(&n.to_le_bytes()));
    }
}

#[test]
fn a_report_of_an_own_lease_may_come_after_the_store() {
    let (cache, tracker) = tracked();
    let key = Arc::clone(&tracker).key(b"key");
    key.begin();
    key.leased(&lease(1));
    key.leased(&lease(2));
    insert(cache, &key, hash(1));
    drop(key);
    tracker.invalidate_unless_equal(b"key", Some(&[1]));
    assert!(cache.contains_hash(hash(1)));
    tracker.invalidate_unless_equal(b"key", Some(&[2]));
    assert!(cache.contains_hash(hash(1)));
    // A lease that a later call left comes after the removal of the entry.
    tracker.invalidate_unless_equal(b"key", Some(&[3]));
    assert!(!cache.contains_hash(hash(1)));
}

#[test]
fn a_result_that_may_not_have_replaced_a_copy_is_not_taken_for_it() {
    let (cache, tracker) = tracked();
    for replaces in [false, true] {
        for token in [1, 2] {
            let key = Arc::clone(&tracker).key(b"key");
            key.begin();
            key.leased(&lease(token));
            cache.held.lock().push(hash(1));
            if replaces { key.replaced(hash(1)) } else { key.inserted(hash(1)) }
        }
        tracker.invalidate_unless_equal(b"key", Some(&[2]));
        assert_eq!(cache.contains_hash(hash(1)), replaces);
    }
}

#[test]
fn the_trackers_of_dropped_caches_are_removed() {
    let mut apart = TrackersApart { trackers: BTreeMap::new(), most: FEW_TRACKERS };
    let kept = Arc::new(ReportedChanges::default());
    let tracker = apart.of(&kept, false);
    for _ in 0..1000 {
        let other = Arc::new(ReportedChanges::default());
        assert!(!Arc::ptr_eq(&apart.of(&other, false), &tracker));
        assert!(apart.trackers.len() <= FEW_TRACKERS);
    }
    assert!(Arc::ptr_eq(&apart.of(&kept, false), &tracker));
    let all = [(); 100].map(|()| Arc::new(ReportedChanges::default()));
    for one in all.iter().chain(&all) {
        apart.of(one, false);
    }
    assert!((101..=101 + FEW_TRACKERS).contains(&apart.trackers.len()));
}

#[test]
fn a_cache_apart_is_told_of_its_own_copies_only() {
    let reported = Arc::new(ReportedChanges::default());
    let tracker = Arc::new(Tracker::new(Reached::Apart(Arc::downgrade(&reported)), false, true));
    for n in 0..3_u64 {
        Arc::clone(&tracker).key(&n.to_le_bytes()).inserted(hash(n));
    }
    tracker.invalidate(&1_u64.to_le_bytes());
    assert_eq!(reported.taken(), Some(std::vec![hash(1)]));
    tracker.invalidate(&1_u64.to_le_bytes());
    assert_eq!(reported.taken(), None);
    tracker.may_have_missed_changes();
    assert_eq!(reported.taken(), Some(std::vec![hash(0), hash(2)]));
    let key = Arc::clone(&tracker).key(b"key");
    tracker.invalidate(b"key");
    key.inserted(hash(4));
    assert_eq!(reported.taken(), Some(std::vec![hash(4)]));
    drop(reported);
    assert!(!tracker.has_cache());
    tracker.invalidate_all();
}
