//! A file on disk, by the `redb` crate.
//!
//! Results are kept in memory until a group of them is written as one transaction: one `fsync` for up to 64
//! results, or for those of 5 ms. Removals are written before they return.

mod async_backend;
mod exit;
mod key;
mod leases;
mod opening;
mod overlay;
mod slot;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use lru_core::backend::{
    Backend, BackendError, CircuitState, ErrorKind, Item, Lease, LeasedItem, Leases, Lookup, LookupOptions,
    Permission, Stored,
};

use crate::circuit_breaker::Breaker;
use crate::compare_and_swap::CompareAndSwap;
use crate::error::ClientError;
use crate::milliseconds::{since_1970, whole_milliseconds};
use key::{FileKey, prefix};
use leases::Token;
use opening::{Create, create};
use overlay::Entry;
use slot::SlotUser;
use store::{Condition, Store};

/// The default size limit of all entries.
const MAX_BYTES: u64 = 256 << 20;

/// A backend that stores results in a file on this machine: `disk("results.redb")`.
///
/// * Stored results survive a restart. Storing takes microseconds: a thread writes results in groups, with one `fsync`
///   for up to 64 results or for those of 5 ms. A crash loses the results that are not written yet, and nothing
///   else; the normal end of a thread or of the program waits until they are written.
///   [`durable`](Self::durable) waits for each result.
/// * Removing an entry, clearing a namespace, `put`, `add` and compare-and-swap return when the change is
///   on disk: no crash undoes an invalidation.
/// * The file is opened at the first lookup, which verifies it: about a second for half a GiB. Missing directories
///   are created.
/// * A damaged file is renamed to `results.redb.damaged`, replacing an older one of this name. One operation reports that
///   as an error of kind [`Protocol`](ErrorKind::Protocol); the next one begins a new file. A file that `redb` did not
///   write is an error, and is left as it is.
/// * A file that fails, because the disk is full or for other reasons, is closed, and opened again at most once a
///   second.
/// * All functions of a program may share one file. A second program that opens it gets an error of kind
///   [`Unavailable`](ErrorKind::Unavailable) at once, and runs without the backend until it gets the file.
/// * A value that is larger than all entries may be together is an error of kind [`Rejected`](ErrorKind::Rejected).
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

/// A file that is opened at the first operation.
struct LazyFile {
    options: Options,
    /// The path, as errors name it.
    place: String,
    breaker: Breaker,
    /// The last failure, which the open circuit breaker repeats.
    last: Mutex<String>,
    user: OnceLock<SlotUser>,
}

#[derive(Clone)]
struct Options {
    path: PathBuf,
    max_bytes: u64,
    is_durable: bool,
    /// The circuit breaker's limit and pause.
    breaker: Option<(u32, Duration)>,
    on_circuit_change: Option<fn(CircuitState)>,
    create: Create,
}

/// Creates a backend that stores results in the file at this path. The file is opened at the first lookup.
pub fn disk(path: impl AsRef<Path>) -> Disk {
    let path = path.as_ref().to_owned();
    let (breaker, on_circuit_change) = (None, None);
    Disk::new(Options { path, max_bytes: MAX_BYTES, is_durable: false, breaker, on_circuit_change, create })
}

impl Disk {
    fn new(options: Options) -> Self {
        let mut breaker = Breaker::new();
        if let Some((failures, pause)) = options.breaker {
            (breaker.limit, breaker.pause) = (failures.max(1), pause);
        }
        breaker.on_change = options.on_circuit_change;
        let place = options.path.display().to_string();
        let (last, user) = (Mutex::default(), OnceLock::new());
        Self { file: Arc::new(LazyFile { options, place, breaker, last, user }) }
    }

    /// Sets the size limit of all entries together, in bytes: 256 MiB by default.
    ///
    /// Beyond it the oldest entries are evicted. The file itself may grow to three times this size. If several `Disk`
    /// values share a file, the smallest limit applies.
    #[must_use]
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        Self::new(Options { max_bytes, ..self.file.options.clone() })
    }

    /// Sets whether storing a result waits until it is on disk, which takes some milliseconds; `false` by default.
    #[must_use]
    pub fn durable(self, is_durable: bool) -> Self {
        Self::new(Options { is_durable, ..self.file.options.clone() })
    }

    /// Sets the circuit breaker: after `failures` in a row, operations are skipped for `pause`.
    ///
    /// By default, three failures open it for one second. After the pause one operation goes through as a
    /// probe; the circuit breaker closes if it succeeds. Whatever the pause, a file that cannot be opened is tried again
    /// at most once a second.
    #[must_use]
    pub fn breaker(self, failures: u32, pause: Duration) -> Self {
        Self::new(Options { breaker: Some((failures, pause)), ..self.file.options.clone() })
    }

    /// Sets a callback for changes of the circuit breaker; see
    /// [`CircuitBreaker::on_change`](crate::CircuitBreaker::on_change).
    #[must_use]
    pub fn on_circuit_change(self, callback: fn(CircuitState)) -> Self {
        Self::new(Options { on_circuit_change: Some(callback), ..self.file.options.clone() })
    }

    /// Waits until all stored results are on disk.
    ///
    /// # Errors
    ///
    /// Returns an error if a result could not be written.
    pub fn flush(&self) -> Result<(), BackendError> {
        self.run(|store| store.flush())
    }

    /// Runs an operation on the open file, and names the file in its error.
    fn run<T>(
        &self,
        operation: impl FnOnce(&Arc<Store>) -> Result<T, ClientError>,
    ) -> Result<T, BackendError> {
        let LazyFile { options, place, breaker, last, .. } = &*self.file;
        if !breaker.admits() {
            let last = last.lock().unwrap_or_else(PoisonError::into_inner);
            let message = format!(
                "circuit breaker open for {place}: skipped after repeated failures; the last one: {last}"
            );
            return Err(BackendError::with_kind(ErrorKind::CircuitOpen, message));
        }
        let file = self.user().and_then(|user| user.file(options.create));
        let done = file.and_then(|file| operation(&file.store));
        let failure = done.as_ref().err().filter(|error| error.is_down);
        if let Some(failure) = failure {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = failure.to_string();
        }
        let is_down = failure.is_some();
        breaker.recorded(place, is_down, done.map_err(|error| error.at(place)))
    }

    fn user(&self) -> Result<&SlotUser, ClientError> {
        let LazyFile { options, user, .. } = &*self.file;
        if let Some(user) = user.get() {
            return Ok(user);
        }
        let new = SlotUser::new(&options.path, options.max_bytes)?;
        Ok(user.get_or_init(|| new))
    }

    /// Stores an entry; `None` if the condition does not hold.
    fn store(
        &self,
        key: &FileKey,
        value: &[u8],
        ttl: Option<Duration>,
        condition: &Condition,
        is_synced: bool,
    ) -> Result<Option<Token>, BackendError> {
        self.run(|store| {
            let token = store.store(key, value, ttl, condition, is_synced)?;
            if !is_synced && token.is_some() {
                exit::note(store);
            }
            Ok(token)
        })
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("path", &self.file.options.path).finish_non_exhaustive()
    }
}

/// Returns the present time in milliseconds since 1970.
fn now() -> u64 {
    since_1970(SystemTime::now())
}

/// Returns the deadline of an entry stored now; zero if it does not expire.
fn expires(ttl: Option<Duration>) -> u64 {
    ttl.map_or(0, |ttl| now().saturating_add(whole_milliseconds(ttl)).max(1))
}

fn is_live(expires: u64) -> bool {
    expires == 0 || expires > now()
}

/// Returns the entry, unless it has expired.
fn live(entry: Entry) -> Option<Stored> {
    if entry.expires == 0 {
        return Some(Stored::new(entry.value));
    }
    let left = entry.expires.checked_sub(now()).filter(|left| *left > 0)?;
    Some(Stored::new(entry.value).ttl(Duration::from_millis(left)))
}

impl Leases for Disk {}

impl Backend for Disk {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        Ok(CompareAndSwap::get_versioned(self, namespace, key)?.0)
    }

    fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
        let keys: Vec<_> = keys.iter().map(|key| FileKey::new(namespace, key)).collect();
        let all = self.run(|store| store.find_many(&keys))?;
        Ok(all.into_iter().map(|entry| entry.and_then(live)).collect())
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        let key = FileKey::new(namespace, key);
        self.store(&key, value, ttl, &Condition::Always, self.file.options.is_durable).map(drop)
    }

    /// One transaction, or the next one of the writer.
    fn set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
        let is_durable = self.file.options.is_durable;
        self.run(|store| {
            let mut done = Ok(());
            for item in items {
                let key = FileKey::new(namespace, item.key);
                let stored = store.store(&key, item.value, item.ttl, &Condition::Always, false);
                done = done.and(stored.map(drop));
            }
            if is_durable {
                return done.and(store.flush());
            }
            exit::note(store);
            done
        })
    }

    fn add(&self, namespace: &str, key: &[u8], value: &[u8], ttl: Duration) -> Result<bool, BackendError> {
        let (found, version) = CompareAndSwap::get_versioned(self, namespace, key)?;
        Ok(found.is_none()
            && CompareAndSwap::compare_and_swap(self, namespace, key, &version, value, Some(ttl))?)
    }

    fn get_or_lease(
        &self,
        namespace: &str,
        key: &[u8],
        options: LookupOptions,
    ) -> Result<Lookup, BackendError> {
        let key = FileKey::new(namespace, key);
        let (entry, token, is_claimed) = self.run(|store| store.find_or_claim(&key, options.lease))?;
        let lease = token.lease().new_here(is_claimed);
        Ok(Lookup::new(entry.and_then(live)).permission(Permission::Leased(lease)))
    }

    fn set_leased(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Lease>, BackendError> {
        let Some(token) = Token::of(lease) else { return Ok(None) };
        let key = FileKey::new(namespace, key);
        let is_synced = self.file.options.is_durable;
        let token = self.store(&key, value, ttl, &Condition::Unchanged(token), is_synced)?;
        Ok(token.map(Token::lease))
    }

    fn get_or_lease_many(
        &self,
        namespace: &str,
        keys: &[&[u8]],
        options: LookupOptions,
    ) -> Result<Vec<Lookup>, BackendError> {
        let look = |store: &Arc<Store>, key: &&[u8]| {
            let (entry, token, is_claimed) =
                store.find_or_claim(&FileKey::new(namespace, key), options.lease)?;
            let lease = token.lease().new_here(is_claimed);
            Ok(Lookup::new(entry.and_then(live)).permission(Permission::Leased(lease)))
        };
        self.run(|store| keys.iter().map(|key| look(store, key)).collect())
    }

    /// One transaction, or the next one of the writer.
    fn set_leased_many(
        &self,
        namespace: &str,
        items: &[LeasedItem<'_>],
    ) -> Result<Vec<Option<Lease>>, BackendError> {
        let is_durable = self.file.options.is_durable;
        self.run(|store| {
            // Keys may share a version, which the first of them raises.
            let mut raised: HashMap<usize, (Token, Token)> = HashMap::new();
            let set = |LeasedItem { item, lease, .. }: &LeasedItem<'_>| {
                let Some(token) = Token::of(lease) else { return Ok(None) };
                let key = FileKey::new(namespace, item.key);
                let slot = store.version_of(&key);
                let present = raised.get(&slot).map_or(token, |(before, now)| token.raised(*before, *now));
                let stored =
                    store.store(&key, item.value, item.ttl, &Condition::Unchanged(present), false)?;
                if let Some(now) = stored {
                    raised.entry(slot).or_insert((token, now)).1 = now;
                }
                Ok(stored.map(Token::lease))
            };
            let all: Vec<_> = items.iter().map(set).collect();
            if is_durable {
                store.flush()?;
            } else {
                exit::note(store);
            }
            all.into_iter().collect()
        })
    }

    fn put(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Lease>, BackendError> {
        let token = self.store(&FileKey::new(namespace, key), value, ttl, &Condition::Always, true)?;
        Ok(token.map(Token::lease))
    }

    fn renew_lease(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        ttl: Duration,
    ) -> Result<bool, BackendError> {
        let Some(token) = Token::of(lease) else { return Ok(false) };
        self.run(|store| store.renew(&FileKey::new(namespace, key), token, ttl))
    }

    fn end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
        let Some(token) = Token::of(lease) else { return Ok(()) };
        self.run(|store| store.end(&FileKey::new(namespace, key), token))
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        self.run(|store| store.remove(&FileKey::new(namespace, key)))
    }

    fn delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
        self.run(|store| {
            let all: Vec<_> = keys.iter().map(|key| store.remove(&FileKey::new(namespace, key))).collect();
            all.into_iter().collect()
        })
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        self.run(|store| store.clear(&prefix(namespace)))
    }

    fn circuit_state(&self) -> Option<CircuitState> {
        Some(self.file.breaker.state())
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
        let key = FileKey::new(namespace, key);
        let entry = self.run(|store| store.find(&key))?;
        let version = entry.as_ref().map(|entry| entry.number);
        Ok((entry.and_then(live), version))
    }

    fn compare_and_swap(
        &self,
        namespace: &str,
        key: &[u8],
        version: &Option<u64>,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, BackendError> {
        let key = FileKey::new(namespace, key);
        Ok(self.store(&key, value, ttl, &Condition::Number(*version), true)?.is_some())
    }
}
