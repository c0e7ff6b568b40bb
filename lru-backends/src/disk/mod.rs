//! A file on disk, by the `redb` crate.
//!
//! Each write is one transaction, which is on disk when the write returns: if the process is killed
//! meanwhile, the file stays as it was before. This costs one `fsync` per stored result; reads cost none.

mod async_backend;
mod file;

mod tables;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lru_core::backend::{Backend, BackendError, Stored};

use crate::compare_and_swap::CompareAndSwap;
use file::LazyFile;

/// The default size limit of all entries.
const MAX_BYTES: u64 = 256 << 20;
/// A backend that stores results in a file on this machine: `disk("results.redb")`.
///
/// * Stored results survive a restart and a crash. Each write takes one `fsync`.
/// * The file is opened at the first lookup; missing directories are created.
/// * All functions of a program may share one file. A second program that opens it gets an error of kind
///   [`Unavailable`](lru_core::backend::ErrorKind::Unavailable) and runs without the backend.
/// * `async` functions do the work on blocking threads of tokio, if they run on tokio.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use lru_backends::disk;
/// use lru_core::backend::{Backend, BackendError};
///
/// # let folder = std::env::temp_dir().join(format!("lru-doc-{}", std::process::id()));
/// # let path = folder.join("results.redb");
/// let backend = disk(&path).max_bytes(64 << 20);
/// backend.set("squares", b"12", b"144", Some(Duration::from_secs(60)))?;
/// let found = backend.get("squares", b"12")?.expect("stored for a minute");
/// assert_eq!(found.value, b"144");
/// assert!(found.ttl <= Some(Duration::from_secs(60)));
/// # drop(backend);
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), BackendError>(())
/// ```
#[derive(Clone)]
pub struct Disk {
    file: Arc<LazyFile>,
}

/// Creates a backend that stores results in the file at this path. The file is opened at the first lookup.
pub fn disk(path: impl AsRef<Path>) -> Disk {
    Disk { file: Arc::new(LazyFile::new(path.as_ref().to_owned(), MAX_BYTES)) }
}

impl Disk {
    /// Sets the size limit of all entries together, in bytes: 256 MiB by default.
    ///
    /// Beyond it the oldest entries are evicted. The file itself may grow to three times this size. If several `Disk`
    /// values share a file, the smallest limit applies.
    #[must_use]
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        Self { file: Arc::new(LazyFile::new(self.file.path.clone(), max_bytes)) }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("path", &self.file.path).finish_non_exhaustive()
    }
}

/// Returns the key in the file. No namespace is a prefix of another.
fn file_key(namespace: &str, key: &[u8]) -> Vec<u8> {
    [prefix(namespace).as_slice(), key].concat()
}

fn prefix(namespace: &str) -> Vec<u8> {
    [format!("{}:", namespace.len()).as_bytes(), namespace.as_bytes(), b":"].concat()
}

/// Returns the present time in milliseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, whole_milliseconds)
}

/// Returns the deadline of an entry stored now; zero if it does not expire.
fn expires(ttl: Option<Duration>) -> u64 {
    ttl.map_or(0, |ttl| now().saturating_add(whole_milliseconds(ttl)).max(1))
}

/// Returns the duration rounded up: a time to live of less than a millisecond must not become zero, which
/// means no expiry.
fn whole_milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Returns the entry, unless it has expired.
fn live(value: Vec<u8>, expires: u64) -> Option<Stored> {
    if expires == 0 {
        return Some(Stored::new(value));
    }
    let left = expires.checked_sub(now()).filter(|left| *left > 0)?;
    Some(Stored::new(value).ttl(Duration::from_millis(left)))
}

impl Backend for Disk {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        Ok(CompareAndSwap::get_versioned(self, namespace, key)?.0)
    }

    fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
        let all = self.file.run(|file| file.get_many(keys.iter().map(|key| file_key(namespace, key))))?;
        Ok(all.into_iter().map(|entry| entry.and_then(|(value, expires, _)| live(value, expires))).collect())
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        let key = file_key(namespace, key);
        self.file.run(|file| {
            file.change(|tables, max_bytes| {
                tables.remove(&key)?;
                tables.insert(&key, value, expires(ttl))?;
                tables.evict(max_bytes, now())
            })
        })
    }

    fn add(&self, namespace: &str, key: &[u8], value: &[u8], ttl: Duration) -> Result<bool, BackendError> {
        let (found, version) = CompareAndSwap::get_versioned(self, namespace, key)?;
        Ok(found.is_none()
            && CompareAndSwap::compare_and_swap(self, namespace, key, &version, value, Some(ttl))?)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        let key = file_key(namespace, key);
        let expires = self.file.run(|file| {
            // Most deleted keys have no entry: then nothing is written.
            if file.get(&key)?.is_none() { Ok(None) } else { file.change(|tables, _| tables.remove(&key)) }
        })?;
        Ok(expires.is_some_and(|expires| expires == 0 || expires > now()))
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        let prefix = prefix(namespace);
        self.file.run(|file| {
            file.change(|tables, _| {
                let keys = tables.keys_with_prefix(&prefix)?;
                keys.iter().try_for_each(|key| tables.remove(key).map(drop))
            })
        })
    }
}

impl CompareAndSwap for Disk {
    /// The number of the entry, expired or not.
    type Version = Option<u64>;

    fn get_versioned(
        &self,
        namespace: &str,
        key: &[u8],
    ) -> Result<(Option<Stored>, Option<u64>), BackendError> {
        let key = file_key(namespace, key);
        let entry = self.file.run(|file| file.get(&key))?;
        let version = entry.as_ref().map(|(_, _, number)| *number);
        Ok((entry.and_then(|(value, expires, _)| live(value, expires)), version))
    }

    fn compare_and_swap(
        &self,
        namespace: &str,
        key: &[u8],
        version: &Option<u64>,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, BackendError> {
        let key = file_key(namespace, key);
        self.file.run(|file| {
            file.change(|tables, max_bytes| {
                if tables.number_of(&key)? != *version {
                    return Ok(false);
                }
                tables.remove(&key)?;
                tables.insert(&key, value, expires(ttl))?;
                tables.evict(max_bytes, now())?;
                Ok(true)
            })
        })
    }
}
