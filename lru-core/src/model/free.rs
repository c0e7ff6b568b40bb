//! A cache that threads use as they like, and what must hold in every order.

use core::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use super::script::Quick;
use super::tested::Tested;
use super::trial::{Pending, Subject, keep, look, refresh};

/// Whether the counters may be set to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clears {
    Happen,
    AreLeftOut,
}

/// A value tells its key, beside a number of its own.
type Value = (u8, u64);

/// Nothing orders what threads do here but the cache itself.
#[derive(Debug)]
pub(super) struct Free {
    cache: Tested<Value>,
    clears: Clears,
    /// Lookups and refreshes that have begun.
    calls: AtomicU64,
    values: AtomicU64,
}

impl Free {
    pub(super) fn new(maxsize: Option<usize>, clears: Clears) -> Self {
        let cache = Tested::new(maxsize);
        Self { cache, clears, calls: AtomicU64::new(0), values: AtomicU64::new(0) }
    }

    /// Notes that a lookup begins, before the cache can have counted it.
    fn called(&self) {
        self.calls.fetch_add(1, SeqCst);
    }

    fn new_value(&self, key: u8) -> Value {
        (key, self.values.fetch_add(1, SeqCst))
    }

    /// What holds at every moment.
    fn check_info(&self) {
        let info = self.cache.info();
        assert!(info.maxsize.is_none_or(|maxsize| info.currsize <= maxsize), "{info}");
        assert!(info.hits + info.misses <= self.calls.load(SeqCst), "{info}");
    }

    fn check_entries(&self) {
        let mut keys: Vec<_> = self.cache.entries().into_iter().map(|(key, (of, _))| (key, of)).collect();
        assert!(keys.iter().all(|(key, of)| key == of), "each value is its key's");
        assert!(self.cache.info().maxsize.is_none_or(|maxsize| keys.len() <= maxsize));
        let len = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), len, "each key is there once");
    }

    /// What holds when all threads have come to their end.
    ///
    /// # Panics
    ///
    /// Where it does not.
    pub(super) fn finish(&self) {
        self.check_entries();
        let info = self.cache.info();
        if self.clears == Clears::AreLeftOut {
            assert_eq!(info.hits + info.misses, self.calls.load(SeqCst), "{info}");
        }
        assert_eq!(self.cache.entries().len(), info.currsize);
        self.cache.validate();
    }
}

/// Checks that what was found under `key` is its value.
fn check(found: Option<Value>, key: u8) {
    assert!(found.is_none_or(|(of, _)| of == key), "{found:?} under {key}");
}

impl Subject for Free {
    type Computation = Pending;

    fn call(&self, key: u8) -> Option<Pending> {
        self.called();
        let pending = match look(&self.cache, key) {
            Ok(found) => {
                check(Some(found), key);
                None
            }
            Err(pending) => pending,
        };
        self.check_info();
        pending
    }

    fn refresh(&self, key: u8) -> Option<Pending> {
        self.called();
        refresh(&self.cache, key)
    }

    fn end(&self, pending: Pending) {
        let key = pending.key;
        check(keep(&self.cache, pending, self.new_value(key)), key);
        self.check_info();
    }

    fn quick(&self, operation: Quick, key: u8) {
        let cache = &self.cache;
        match operation {
            Quick::GetOrInsert => {
                self.called();
                let compute = || {
                    thread::yield_now();
                    self.new_value(key)
                };
                check(Some(cache.get_or_insert_with(key, compute)), key);
            }
            Quick::Get => {
                self.called();
                check(cache.get(key), key);
            }
            Quick::Put => check(cache.insert(key, self.new_value(key)), key),
            Quick::Remove => check(cache.remove(key), key),
            Quick::Forget => _ = cache.forget(key),
            Quick::Contains => _ = cache.contains(key),
            Quick::Peek | Quick::PeekWith => check(cache.peek(key), key),
            Quick::Entries => self.check_entries(),
            Quick::Clear if self.clears == Clears::Happen => cache.clear(),
            Quick::Clear => {}
        }
        self.check_info();
    }
}
