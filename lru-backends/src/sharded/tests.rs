//! Which server a key belongs to, and what is reported.

use lru_core::__private::{LocalCopies, sink_of};

use super::*;

#[test]
fn shares_are_equal_and_few_keys_move_to_a_new_one() {
    let (three, four) = (Sharded::new([(); 3]), Sharded::new([(); 4]));
    let keys: Vec<[u8; 4]> = (0..10_000_u32).map(u32::to_le_bytes).collect();
    let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
    for share in three.shares("any", &keys, |key| key).unwrap() {
        assert!((3100..3570).contains(&share.items.len()), "{}", share.items.len());
    }
    let moved: Vec<_> =
        keys.iter().filter(|key| three.index_of("any", key) != four.index_of("any", key)).collect();
    assert!((2300..2700).contains(&moved.len()), "{}", moved.len());
    assert!(moved.iter().all(|key| four.index_of("any", key) == 3), "they move to the new one only");
    // These must not change in any version: entries are looked up where an older version stored them.
    assert_eq!(
        [b"a", b"b", b"c", b"d", b"e", b"f"].map(|key| three.index_of("any", key)),
        [1, 0, 1, 2, 0, 0]
    );
}

/// A backend that reports changes, or does not.
struct Reports(bool);

impl Backend for Reports {
    fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
        Ok(None)
    }

    fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
        Ok(())
    }

    fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
        Ok(false)
    }

    fn clear(&self, _: &str) -> Result<(), BackendError> {
        Ok(())
    }

    fn watch(&self, _: &str, sink: InvalidationSink) -> bool {
        sink.invalidate_all();
        self.0
    }
}

#[derive(Default)]
struct Counts(std::sync::atomic::AtomicU32);

impl LocalCopies for Counts {
    fn invalidate(&self, _: &[u8]) {}

    fn may_be_own_write(&self, _: &[u8]) -> bool {
        false
    }

    fn invalidate_unless_equal(&self, _: &[u8], _: Option<&[u8]>) {}

    fn invalidate_all(&self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn changes_are_heard_where_all_tell() {
    for (servers, is_notified) in [(&[true; 3][..], true), (&[true, false, true], false), (&[], false)] {
        let counts: &Counts = Box::leak(Box::default());
        let spread = Sharded::new(servers.iter().map(|reports| Reports(*reports)));
        assert_eq!(spread.watch("any", sink_of(counts)), is_notified);
        assert_eq!(counts.0.load(std::sync::atomic::Ordering::Relaxed) as usize, servers.len());
    }
}

#[test]
fn none_at_all_is_an_error() {
    let none = Sharded::<crate::CircuitBreaker<&dyn Backend>>::new([]);
    assert!(none.get("any", b"key").is_err() && none.get_many("any", &[b"key"]).is_err());
    assert!(none.get_many("any", &[]).unwrap().is_empty());
}
