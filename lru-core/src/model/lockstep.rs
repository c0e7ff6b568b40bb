//! A cache and its model, which do the same together and must tell the same.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::Mutex;

use super::naive::{Id, Model, Reason};
use super::script::Quick;
use super::tested::Tested;
use super::trial::{Pending, Subject, keep, look, refresh};

/// The two, for any number of threads.
///
/// Invariant: whoever operates on the cache holds the model, and does the same to it before letting
/// go. Nobody holds it during a computation.
#[derive(Debug)]
pub(super) struct Lockstep {
    cache: Tested<u32>,
    model: Mutex<Model>,
    /// Every value is a new one.
    values: AtomicU32,
}

impl Lockstep {
    pub(super) fn new(maxsize: Option<usize>) -> Self {
        let cache = Tested::new(maxsize);
        Self { cache, model: Mutex::new(Model::new(maxsize)), values: AtomicU32::new(0) }
    }

    /// Does something to cache and model, and compares what they tell of themselves.
    fn both<T>(&self, operation: impl FnOnce(&Tested<u32>, &mut Model) -> T) -> T {
        let mut model = self.model.lock().expect("nobody found a difference");
        let result = operation(&self.cache, &mut model);
        assert_eq!(self.cache.info(), model.info());
        result
    }

    fn new_value(&self) -> u32 {
        self.values.fetch_add(1, Relaxed)
    }

    /// The last comparison, when everything has ended.
    ///
    /// # Panics
    ///
    /// Where the two differ, and where the cache is not whole.
    pub(super) fn finish(&self) {
        self.quick(Quick::Entries, 0);
        self.both(|cache, model| {
            assert!(model.is_idle(), "all computations have ended");
            cache.validate();
        });
    }
}

impl Subject for Lockstep {
    type Computation = (Id, Pending);

    fn call(&self, key: u8) -> Option<Self::Computation> {
        self.both(|cache, model| {
            let looked = look(cache, key);
            assert_eq!(looked.as_ref().ok().copied(), model.look(key));
            let pending = looked.err()??;
            Some((model.begin(key, Reason::Call), pending))
        })
    }

    fn refresh(&self, key: u8) -> Option<Self::Computation> {
        self.both(|cache, model| {
            let Some(pending) = refresh(cache, key) else {
                assert_eq!(model.look(key), None);
                return None;
            };
            Some((model.begin(key, Reason::Refresh), pending))
        })
    }

    fn end(&self, (id, pending): Self::Computation) {
        let value = self.new_value();
        self.both(|cache, model| assert_eq!(keep(cache, pending, value), model.end(id, value)));
    }

    fn quick(&self, operation: Quick, key: u8) {
        let value = self.new_value();
        self.both(|cache, model| match operation {
            Quick::GetOrInsert => {
                assert_eq!(cache.get_or_insert_with(key, || value), get_or_insert(model, key, value));
            }
            Quick::Get => assert_eq!(cache.get(key), model.look(key)),
            Quick::Put => assert_eq!(cache.insert(key, value), model.put(key, value)),
            Quick::Remove => assert_eq!(cache.remove(key), model.remove(key)),
            Quick::Forget => {
                assert_eq!(cache.forget(key), model.remove(key).is_some());
            }
            Quick::Contains => assert_eq!(cache.contains(key), model.peek(key).is_some()),
            Quick::Peek | Quick::PeekWith => {
                let found = cache.peek(key);
                assert_eq!(found, model.peek(key));
            }
            Quick::Entries => compare_entries(cache, model),
            Quick::Clear => {
                cache.clear();
                model.clear();
            }
        });
    }
}

fn get_or_insert(model: &mut Model, key: u8, value: u32) -> u32 {
    model.look(key).unwrap_or_else(|| {
        let id = model.begin(key, Reason::Call);
        model.end(id, value);
        value
    })
}

fn compare_entries(cache: &Tested<u32>, model: &Model) {
    let mut entries: Vec<_> = cache.entries();
    let mut expected = model.entries().to_vec();
    if cache.info().maxsize.is_none() {
        entries.sort_unstable();
        expected.sort_unstable();
    }
    assert_eq!(entries, expected);
}
