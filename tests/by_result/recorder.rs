//! A backend in memory that records the times to live.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use functools::backend::{Backend, BackendError, Stored};

/// The values and times to live by key.
type Entries = BTreeMap<Vec<u8>, (Vec<u8>, Option<Duration>)>;

/// A backend in memory that records the times to live.
#[derive(Default)]
pub(crate) struct Recorder(pub(crate) Mutex<Entries>);

impl Recorder {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Returns the times to live of all entries, in seconds, rounded.
    pub(crate) fn times(&self) -> Vec<Option<u64>> {
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
