//! What `keep`, `ttl` by the result and `ttu` decide holds in a backend too.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use functools::backend::{Backend, BackendError, Stored};
use functools::{isolated, lru_cache};

/// The values and times to live by key.
type Entries = BTreeMap<Vec<u8>, (Vec<u8>, Option<Duration>)>;

/// A backend in memory that records the times to live.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Entries>);

impl Recorder {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Returns the times to live of all entries, in seconds, rounded.
    fn times(&self) -> Vec<Option<u64>> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rounded = |ttl: &Option<Duration>| ttl.map(|ttl| (ttl + Duration::from_millis(500)).as_secs());
        entries.values().map(|(_, ttl)| rounded(ttl)).collect()
    }
}

impl Backend for Recorder {
    fn get(&self, _: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.get(key).map(|(value, ttl)| Stored::new(value.clone()).ttl(*ttl)))
    }

    fn set(&self, _: &str, key: &[u8], value: &[u8], ttl: Option<Duration>) -> Result<(), BackendError> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(key.to_vec(), (value.to_vec(), ttl));
        Ok(())
    }

    fn delete(&self, _: &str, key: &[u8]) -> Result<bool, BackendError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key).is_some())
    }

    fn clear(&self, _: &str) -> Result<(), BackendError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }
}

#[test]
fn a_call_a_put_and_a_refresh() {
    static STORE: Recorder = Recorder::new();

    #[lru_cache(backend = &STORE, ttl = |_, value| (*value < 1000).then_some(*value), keep = |n, _| n % 2 == 0)]
    fn read(n: u32) -> u32 {
        n
    }

    isolated(|| {
        (read(10), read(11), read(0), read(2000));
        assert_eq!(STORE.times(), [Some(10), None]);
        read::cache_put(10, 20).unwrap();
        assert_eq!(STORE.times(), [Some(20), None]);
        read::cache_put(10, 0).unwrap();
        assert_eq!(STORE.times(), [None], "a time of zero is stored nowhere");
        assert_eq!(read::cache_refresh(10), 10);
        assert_eq!(STORE.times(), [Some(10), None]);
    });
}

#[test]
fn a_stale_window_comes_on_top() {
    static STORE: Recorder = Recorder::new();

    #[lru_cache(backend = &STORE, ttl = |_, value| *value, stale_if_error = 100)]
    fn read(n: u32) -> Result<u32, String> {
        Ok(n)
    }

    isolated(|| {
        read(10).unwrap();
        assert_eq!(STORE.times(), [Some(110)]);
    });
}

#[test]
fn the_time_until_works_with_a_backend() {
    static STORE: Recorder = Recorder::new();

    #[lru_cache(backend = &STORE, ttu = |_, value, now| now + Duration::from_secs(*value))]
    fn read(n: u32) -> u64 {
        n.into()
    }

    #[lru_cache(backend = &STORE, namespace = "for ever", ttu = |_, _, now: Instant| now + Duration::MAX / 4)]
    fn far(n: u32) -> u32 {
        n
    }

    isolated(|| {
        (read(10), read(0));
        assert_eq!(STORE.times(), [Some(10)]);
        _ = far;
    });
}

#[test]
fn it_is_shortened_at_random_once_for_both() {
    static STORE: Recorder = Recorder::new();

    #[lru_cache(backend = &STORE, ttl = |_, _| 100_000, jitter = 0.5)]
    fn read(n: u32) -> u32 {
        n
    }

    isolated(|| {
        (0..50).for_each(|n| _ = read(n));
        let times: Vec<_> = STORE.times().into_iter().flatten().collect();
        assert!(times.len() == 50 && times.iter().all(|time| (50_000..=100_000).contains(time)), "{times:?}");
        assert!(times.iter().any(|time| *time != times[0]), "{times:?}");
    });
}
