//! A file, by the `redb` crate.
//!
//! Each change is one transaction, and on the disk when it returns: a process that is killed in the middle of
//! it leaves the file as it was before. That costs one `fsync` for each result that is stored, which is
//! little beside what it took to compute; reads cost none.
//!
//! Invariant: each entry stands once in `ENTRIES` and once in `ORDER`, and in `DEADLINES` if it expires;
//! `TOTALS` has the sum of what they take.

use std::collections::HashMap;
use std::fmt;
use std::fs::OpenOptions;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use lru_core::backend::{AsyncBackend, Backend, BackendError, Stored};
use redb::{Database, DatabaseError, ReadableTable, TableDefinition, WriteTransaction};

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
use crate::error::{Failure, RemovalCause};

/// Namespace and key → until when it is good, as milliseconds since 1970 or zero; its number; the value.
const ENTRIES: TableDefinition<&[u8], (u64, u64, &[u8])> = TableDefinition::new("entries");
/// Number → namespace and key: the oldest first.
const ORDER: TableDefinition<u64, &[u8]> = TableDefinition::new("order");
/// Until when and number → namespace and key.
const DEADLINES: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("deadlines");
const TOTALS: TableDefinition<&str, u64> = TableDefinition::new("totals");
const NEXT_NUMBER: &str = "next number";
const BYTES: &str = "bytes";

/// What entries may take in all, if nobody says so.
const MAX_BYTES: u64 = 256 << 20;
/// What an entry takes beside its key and its value.
const OVERHEAD: u64 = 160;
/// How much of the file is kept in memory.
const MEMORY: usize = 8 << 20;
/// How many that have expired leave with each one that comes.
const SWEEP: usize = 16;

/// Results in a file of this machine: `disk("results.redb")`.
///
/// What is stored is there after a restart, and after a crash. Nothing is opened before the first call;
/// folders that are missing are made. All functions of a program may share one file; a second program that
/// opens it gets an error, and goes on without: so nobody else changes what this one has copies of. Async
/// functions leave the work to threads of tokio, if that is what they run on.
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
/// let found = backend.get("squares", b"12")?.expect("it is there for a minute");
/// assert_eq!(found.value, b"144");
/// assert!(found.ttl <= Some(Duration::from_secs(60)));
/// # drop(backend);
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), BackendError>(())
/// ```
#[derive(Clone)]
pub struct Disk {
    shelf: Arc<Shelf>,
}

/// Keeps results in the file at this path.
pub fn disk(path: impl AsRef<Path>) -> Disk {
    Disk { shelf: Arc::new(Shelf::new(path.as_ref().to_owned(), MAX_BYTES)) }
}

impl Disk {
    /// What all entries may take together: 256 MiB by default. Then the oldest leave. The file itself may
    /// become up to three times as large.
    ///
    /// Where several share a file, the least counts.
    #[must_use]
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        Self { shelf: Arc::new(Shelf::new(self.shelf.path.clone(), max_bytes)) }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("path", &self.shelf.path).finish_non_exhaustive()
    }
}

/// A file that may be open.
struct Shelf {
    path: PathBuf,
    max_bytes: u64,
    file: OnceLock<Arc<File>>,
}

/// A file that is open.
struct File {
    database: Database,
    /// The least that anybody asked for.
    max_bytes: Mutex<u64>,
}

/// A value, until when it is good, and its number.
type Entry = (Vec<u8>, u64, u64);

/// The files that this process has open: it can open none twice.
static OPEN: LazyLock<Mutex<HashMap<PathBuf, Weak<File>>>> = LazyLock::new(Mutex::default);

impl Shelf {
    const fn new(path: PathBuf, max_bytes: u64) -> Self {
        Self { path, max_bytes, file: OnceLock::new() }
    }

    fn file(&self) -> Result<&File, RemovalCause> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = File::open(&self.path)?;
        {
            let mut max_bytes = file.max_bytes.lock().unwrap_or_else(PoisonError::into_inner);
            *max_bytes = self.max_bytes.min(*max_bytes);
        }
        Ok(self.file.get_or_init(|| file))
    }

    fn run<T>(&self, ask: impl FnOnce(&File) -> Result<T, RemovalCause>) -> Result<T, BackendError> {
        let done = self.file().and_then(ask);
        done.map_err(|cause| Failure::Asked { place: self.path.display().to_string(), cause }.into())
    }
}

impl File {
    fn open(path: &Path) -> Result<Arc<Self>, RemovalCause> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        // There must be a file before it has one name.
        OpenOptions::new().append(true).create(true).open(path)?;
        let path = path.canonicalize()?;
        if let Some(file) = open.get(&path).and_then(Weak::upgrade) {
            return Ok(file);
        }
        let mut builder = Database::builder();
        let database = builder.set_cache_size(MEMORY).create_with_file_format_v3(true).create(&path);
        let database = database.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => "another process has this file open".into(),
            error => RemovalCause::from(error),
        })?;
        let file = Arc::new(Self { database, max_bytes: Mutex::new(u64::MAX) });
        // Reading can do without asking whether there are tables.
        file.change(|_, _| Ok(()))?;
        open.retain(|_, file| file.strong_count() > 0);
        open.insert(path, Arc::downgrade(&file));
        Ok(file)
    }

    /// What is there, until when, and its number.
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, RemovalCause> {
        Ok(self.get_many([key])?.pop().flatten())
    }

    /// All as they were at one moment.
    fn get_many<K: AsRef<[u8]>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<Entry>>, RemovalCause> {
        let entries = self.database.begin_read()?.open_table(ENTRIES)?;
        let found = keys.into_iter().map(|key| {
            Ok(entries.get(key.as_ref())?.map(|entry| {
                let (expires, number, value) = entry.value();
                (value.to_vec(), expires, number)
            }))
        });
        found.collect()
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Tables<'_>, u64) -> Result<T, RemovalCause>,
    ) -> Result<T, RemovalCause> {
        let transaction = self.database.begin_write()?;
        let changed = {
            let mut tables = Tables::open(&transaction)?;
            let changed =
                change(&mut tables, *self.max_bytes.lock().unwrap_or_else(PoisonError::into_inner))?;
            tables.close()?;
            changed
        };
        transaction.commit()?;
        Ok(changed)
    }
}

/// All tables, in a transaction that writes.
struct Tables<'t> {
    entries: redb::Table<'t, &'static [u8], (u64, u64, &'static [u8])>,
    order: redb::Table<'t, u64, &'static [u8]>,
    deadlines: redb::Table<'t, (u64, u64), &'static [u8]>,
    totals: redb::Table<'t, &'static str, u64>,
    bytes: u64,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, RemovalCause> {
        let totals = transaction.open_table(TOTALS)?;
        let bytes = totals.get(BYTES)?.map_or(0, |bytes| bytes.value());
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            order: transaction.open_table(ORDER)?,
            deadlines: transaction.open_table(DEADLINES)?,
            totals,
            bytes,
        })
    }

    fn close(mut self) -> Result<(), RemovalCause> {
        self.totals.insert(BYTES, self.bytes)?;
        Ok(())
    }

    /// Removes an entry, and returns until when it was good.
    fn remove(&mut self, key: &[u8]) -> Result<Option<u64>, RemovalCause> {
        let Some(entry) = self.entries.remove(key)? else { return Ok(None) };
        let (expires, number, value) = entry.value();
        self.order.remove(number)?;
        if expires != 0 {
            self.deadlines.remove((expires, number))?;
        }
        self.bytes = self.bytes.saturating_sub(size(key, value));
        Ok(Some(expires))
    }

    fn insert(&mut self, key: &[u8], value: &[u8], expires: u64) -> Result<(), RemovalCause> {
        let number = self.totals.get(NEXT_NUMBER)?.map_or(0, |number| number.value());
        self.totals.insert(NEXT_NUMBER, number + 1)?;
        self.entries.insert(key, (expires, number, value))?;
        self.order.insert(number, key)?;
        if expires != 0 {
            self.deadlines.insert((expires, number), key)?;
        }
        self.bytes += size(key, value);
        Ok(())
    }

    /// Some of those leave that have expired, and the oldest while there is too little room.
    fn make_room(&mut self, max_bytes: u64, now: u64) -> Result<(), RemovalCause> {
        for _ in 0..SWEEP {
            let Some(first) = self.deadlines.first()? else { break };
            if first.0.value().0 > now {
                break;
            }
            let key = first.1.value().to_vec();
            drop(first);
            self.remove(&key)?;
        }
        while self.bytes > max_bytes {
            let Some(oldest) = self.order.first()? else { break };
            let key = oldest.1.value().to_vec();
            drop(oldest);
            self.remove(&key)?;
        }
        Ok(())
    }
}

/// What an entry takes: its key is there three times, and large values have pages of their own, which double.
fn size(key: &[u8], value: &[u8]) -> u64 {
    let value = if value.len() > 2048 { value.len().next_power_of_two() } else { value.len() };
    OVERHEAD + 3 * key.len() as u64 + value as u64
}

/// The key in the file: no namespace is the beginning of another.
fn full(namespace: &str, key: &[u8]) -> Vec<u8> {
    [prefix(namespace).as_slice(), key].concat()
}

fn prefix(namespace: &str) -> Vec<u8> {
    [format!("{}:", namespace.len()).as_bytes(), namespace.as_bytes(), b":"].concat()
}

/// Now, in milliseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, whole_milliseconds)
}

fn expires(ttl: Option<Duration>) -> u64 {
    ttl.map_or(0, |ttl| now().saturating_add(whole_milliseconds(ttl)).max(1))
}

/// Rounded up: what is good for a moment is not good for ever.
fn whole_milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// What is good yet of what was found.
fn live(value: Vec<u8>, expires: u64) -> Option<Stored> {
    if expires == 0 {
        return Some(Stored::new(value));
    }
    let left = expires.checked_sub(now()).filter(|left| *left > 0)?;
    Some(Stored::new(value).ttl(Duration::from_millis(left)))
}

impl Backend for Disk {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        Ok(CompareAndSwap::look(self, namespace, key)?.0)
    }

    fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
        let all = self.shelf.run(|file| file.get_many(keys.iter().map(|key| full(namespace, key))))?;
        Ok(all.into_iter().map(|entry| entry.and_then(|(value, expires, _)| live(value, expires))).collect())
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        let key = full(namespace, key);
        self.shelf.run(|file| {
            file.change(|tables, max_bytes| {
                tables.remove(&key)?;
                tables.insert(&key, value, expires(ttl))?;
                tables.make_room(max_bytes, now())
            })
        })
    }

    fn add(&self, namespace: &str, key: &[u8], value: &[u8], ttl: Duration) -> Result<bool, BackendError> {
        let (found, version) = CompareAndSwap::look(self, namespace, key)?;
        Ok(found.is_none() && CompareAndSwap::swap(self, namespace, key, &version, value, Some(ttl))?)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        let key = full(namespace, key);
        let expires = self.shelf.run(|file| {
            // Most of what is invalidated was never there: that needs no writing.
            if file.get(&key)?.is_none() { Ok(None) } else { file.change(|tables, _| tables.remove(&key)) }
        })?;
        Ok(expires.is_some_and(|expires| expires == 0 || expires > now()))
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        let first = prefix(namespace);
        self.shelf.run(|file| {
            file.change(|tables, _| {
                let from = (Bound::Included(first.as_slice()), Bound::Unbounded);
                let mut keys = Vec::new();
                for entry in tables.entries.range::<&[u8]>(from)? {
                    let (key, _) = entry?;
                    if !key.value().starts_with(&first) {
                        break;
                    }
                    keys.push(key.value().to_vec());
                }
                keys.iter().try_for_each(|key| tables.remove(key).map(drop))
            })
        })
    }
}

impl CompareAndSwap for Disk {
    /// The number of the entry, live or not.
    type Version = Option<u64>;

    fn look(&self, namespace: &str, key: &[u8]) -> Result<(Option<Stored>, Option<u64>), BackendError> {
        let key = full(namespace, key);
        let entry = self.shelf.run(|file| file.get(&key))?;
        let version = entry.as_ref().map(|(_, _, number)| *number);
        Ok((entry.and_then(|(value, expires, _)| live(value, expires)), version))
    }

    fn swap(
        &self,
        namespace: &str,
        key: &[u8],
        version: &Option<u64>,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, BackendError> {
        let key = full(namespace, key);
        self.shelf.run(|file| {
            file.change(|tables, max_bytes| {
                let number = tables.entries.get(key.as_slice())?.map(|entry| entry.value().1);
                if number != *version {
                    return Ok(false);
                }
                tables.remove(&key)?;
                tables.insert(&key, value, expires(ttl))?;
                tables.make_room(max_bytes, now())?;
                Ok(true)
            })
        })
    }
}

impl Disk {
    /// Runs on a thread that may block, where there is a runtime with such threads.
    async fn aside<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Self) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let this = self.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(move || ask(&this)).await.map_err(BackendError::new)?,
            Err(_) => ask(&this),
        }
    }
}

impl AsyncBackend for Disk {
    async fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        let (namespace, key) = (namespace.to_owned(), key.to_vec());
        self.aside(move |disk| Backend::get(disk, &namespace, &key)).await
    }

    async fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
        let namespace = namespace.to_owned();
        let keys: Vec<_> = keys.iter().map(|key| key.to_vec()).collect();
        self.aside(move |disk| {
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            Backend::get_many(disk, &namespace, &keys)
        })
        .await
    }

    async fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        let (namespace, key, value) = (namespace.to_owned(), key.to_vec(), value.to_vec());
        self.aside(move |disk| Backend::set(disk, &namespace, &key, &value, ttl)).await
    }

    async fn add(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, BackendError> {
        let (namespace, key, value) = (namespace.to_owned(), key.to_vec(), value.to_vec());
        self.aside(move |disk| Backend::add(disk, &namespace, &key, &value, ttl)).await
    }

    async fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        let (namespace, key) = (namespace.to_owned(), key.to_vec());
        self.aside(move |disk| Backend::delete(disk, &namespace, &key)).await
    }

    async fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        let namespace = namespace.to_owned();
        self.aside(move |disk| Backend::clear(disk, &namespace)).await
    }
}

impl AsyncCompareAndSwap for Disk {
    type Version = Option<u64>;

    async fn look(&self, namespace: &str, key: &[u8]) -> Result<(Option<Stored>, Option<u64>), BackendError> {
        let (namespace, key) = (namespace.to_owned(), key.to_vec());
        self.aside(move |disk| CompareAndSwap::look(disk, &namespace, &key)).await
    }

    async fn swap(
        &self,
        namespace: &str,
        key: &[u8],
        version: &Option<u64>,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, BackendError> {
        let (namespace, key, value, version) = (namespace.to_owned(), key.to_vec(), value.to_vec(), *version);
        self.aside(move |disk| CompareAndSwap::swap(disk, &namespace, &key, &version, &value, ttl)).await
    }
}
