//! The protocol of a [`Front`] under all interleavings.

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

use super::hash;
use crate::store::lock_free::front::Front;

/// The value of one key, behind a lock, and a front with a copy of it. The two halves of a value are equal.
struct FrontedValue {
    front: Front,
    value: Mutex<u64>,
    is_done: AtomicBool,
}

impl FrontedValue {
    fn read(&self) -> Option<u64> {
        let matches = |key: &u64| *key == 1;
        let (one, other) = self.front.read(0, hash(1), matches, |value: &(u64, u64)| *value)?;
        assert_eq!(one, other, "a value is never a mixture");
        Some(one)
    }

    /// Replaces the value, and copies it as the next hit under the lock does.
    fn replace(&self, value: u64) {
        *self.value.lock().unwrap() = {
            self.front.clear();
            value
        };
        let stored = self.value.lock().unwrap();
        self.front.add(hash(1), |key: &u64| *key == 1, (1, (*stored, *stored)));
    }
}

#[test]
fn a_front_serves_no_value_that_was_replaced_before_the_hit_began() {
    for is_reader_first in [true, false] {
        let mut model = loom::model::Builder::new();
        model.preemption_bound.get_or_insert(2);
        model.check(move || {
            let (front, value) = (Front::new::<u64, (u64, u64)>(2), Mutex::new(0));
            front.add(hash(1), |key: &u64| *key == 1, (1, (0, 0)));
            assert!(front.admit(0));
            let cache = Arc::new(FrontedValue { front, value, is_done: AtomicBool::new(false) });
            let (reading, writing) = (Arc::clone(&cache), Arc::clone(&cache));
            let reader = move || {
                let was_done = reading.is_done.load(Ordering::Acquire);
                let found = reading.read();
                assert!(matches!(found, None | Some(0 | 7 | 8)), "{found:?}");
                assert!(!was_done || !matches!(found, Some(0 | 7)), "{found:?} was replaced");
                u64::from(found.is_some())
            };
            let writer = move || {
                writing.replace(7);
                writing.replace(8);
                writing.is_done.store(true, Ordering::Release);
            };
            let hits = if is_reader_first {
                let (reader, writer) = (thread::spawn(reader), thread::spawn(writer));
                let hits = reader.join().unwrap();
                writer.join().unwrap();
                hits
            } else {
                let (writer, reader) = (thread::spawn(writer), thread::spawn(reader));
                writer.join().unwrap();
                reader.join().unwrap()
            };
            assert_eq!(cache.front.take_hits(), hits);
            assert_eq!(cache.read(), Some(8));
        });
    }
}
