//! Results in memory that are written to a file at an interval, and read at the next start: warm restarts without a
//! server.

mod file;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use lru_core::backend::{
    AsyncBackend, Backend, BackendError, ErrorKind, Lease, Leases, Lookup, LookupOptions, Stored,
};

use crate::bounded_store::{BoundedStore, Evicts, Oversized, held_in_memory, place};
use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
use crate::milliseconds::since_1970;

/// The default size limit of all entries together.
const MAX_BYTES: u64 = 64 << 20;

/// The default time between two writes of the file.
const INTERVAL: Duration = Duration::from_secs(60);

/// A backend that holds results in memory and writes them to a file: `snapshot = "prices.bin"` on a function, or
/// `backend = snapshot("prices.bin")`.
///
/// The file is read at the first lookup. It is written a minute after a change, and by [`shutdown`]; so a process that is
/// killed loses the results of the last minute. It is replaced as a whole: an interrupted write leaves the old file.
///
/// * Entries keep their time to live. All of them together take 64 MiB at most, in memory and in the file; beyond
///   that the oldest are dropped.
/// * Each result is in memory twice: as the function returns it, and as bytes. A lookup of the bytes costs a lock.
/// * A damaged file is ignored, and replaced by the next write. The first lookup then returns an error of kind
///   [`Protocol`](ErrorKind::Protocol), which is told as any error of a backend. So is a file that cannot be written.
/// * All functions of a program may name the same file. Of several processes, the last to write wins.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use lru_backends::{shutdown, snapshot};
/// use lru_core::backend::{Backend, BackendError};
///
/// # let folder = std::env::temp_dir().join(format!("lru-doc-snapshot-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let path = folder.join("squares.bin");
/// let backend = snapshot(&path).interval(Duration::from_secs(10));
/// backend.set("squares", b"12", b"144", None)?;
/// shutdown()?;
/// assert!(path.exists());
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), BackendError>(())
/// ```
#[derive(Clone)]
pub struct Snapshot {
    path: PathBuf,
    max_bytes: u64,
    interval: Duration,
    /// What all values with this path share, from the first use on.
    shared: OnceLock<Arc<Shared>>,
}

/// Creates a backend that holds results in memory, and in the file at this path between two runs of the program.
pub fn snapshot(path: impl AsRef<Path>) -> Snapshot {
    let (path, shared) = (path.as_ref().to_owned(), OnceLock::new());
    Snapshot { path, max_bytes: MAX_BYTES, interval: INTERVAL, shared }
}

/// Writes all snapshots that have changed. Call it at the end of `main`.
///
/// It returns when the files are on disk. Results that are stored afterwards are written again after their interval, or by the
/// next call.
///
/// # Errors
///
/// Returns the first error if a file cannot be written; the others are written nevertheless.
pub fn shutdown() -> Result<(), BackendError> {
    let open: Vec<_> = lock(&OPEN).values().cloned().collect();
    let mut result = Ok(());
    for shared in open {
        let written = shared.write();
        result = result.and(written);
    }
    result
}

impl Snapshot {
    /// Sets the size limit of all entries together, in bytes: 64 MiB by default. If several values name one file, the first
    /// one used decides.
    #[must_use]
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Sets the time from a change to the write of the file: a minute by default. If several values name one file, the first
    /// one used decides.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Returns what all values with this path share.
    fn shared(&self) -> &Arc<Shared> {
        self.shared.get_or_init(|| {
            let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
            let mut open = lock(&OPEN);
            Arc::clone(open.entry(path).or_insert_with_key(|path| Arc::new(self.open(path.clone()))))
        })
    }

    fn open(&self, path: PathBuf) -> Shared {
        let max_bytes = usize::try_from(self.max_bytes).unwrap_or(usize::MAX);
        let store = BoundedStore::new(max_bytes, Evicts::Oldest, Oversized::Dropped);
        let state = State { store, is_loaded: false, written: 0, has_writer: false, error: None };
        Shared { path, interval: self.interval, state: Mutex::new(state) }
    }

    /// Runs an operation on the entries, which are read from the file at the first one.
    fn with<T>(
        &self,
        operation: impl FnOnce(&mut BoundedStore) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        self.shared().with(operation)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Held while a file is written: of two writers, the later has the later entries.
static WRITES: Mutex<()> = Mutex::new(());

/// The snapshots that this process uses, by path.
static OPEN: LazyLock<Mutex<HashMap<PathBuf, Arc<Shared>>>> = LazyLock::new(Mutex::default);

/// One snapshot: its entries and its file.
struct Shared {
    path: PathBuf,
    interval: Duration,
    state: Mutex<State>,
}

struct State {
    store: BoundedStore,
    is_loaded: bool,
    /// How many changes the file contains.
    written: u64,
    has_writer: bool,
    /// An error that the next operation returns.
    error: Option<BackendError>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn with<T>(
        self: &Arc<Self>,
        operation: impl FnOnce(&mut BoundedStore) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        let mut state = lock(&self.state);
        if !state.is_loaded {
            state.is_loaded = true;
            match file::read(&self.path) {
                Ok(entries) => load(&mut state.store, entries),
                Err(error) => state.error = Some(self.located(&error)),
            }
            state.written = state.store.changes();
        }
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        let result = operation(&mut state.store);
        if state.store.changes() != state.written && !state.has_writer {
            state.has_writer = self.start();
        }
        result
    }

    /// Starts the thread that writes the file after the interval, and ends then. Returns whether it started.
    fn start(self: &Arc<Self>) -> bool {
        let this = Arc::clone(self);
        let run = move || {
            thread::sleep(this.interval);
            lock(&this.state).has_writer = false;
            if let Err(error) = this.write() {
                lock(&this.state).error = Some(error);
            }
        };
        thread::Builder::new().name("functools-snapshot".to_owned()).spawn(run).is_ok()
    }

    /// Writes the file if it lacks changes.
    fn write(&self) -> Result<(), BackendError> {
        let state = lock(&self.state);
        let changes = state.store.changes();
        if changes == state.written {
            return Ok(());
        }
        let content = file::encoded(state.store.live(), since_1970(SystemTime::now()));
        drop(state);
        let bytes = file::sealed(content);
        let writes = lock(&WRITES);
        if lock(&self.state).written < changes {
            file::write(&self.path, &bytes).map_err(|error| self.located(&error))?;
            lock(&self.state).written = changes;
        }
        drop(writes);
        Ok(())
    }

    fn located(&self, error: &std::io::Error) -> BackendError {
        let kind = ErrorKind::from(error.kind());
        BackendError::with_kind(kind, format!("snapshot {}: {error}", self.path.display()))
    }
}

/// Stores what was read from the file and has not expired.
fn load(store: &mut BoundedStore, entries: Vec<file::Read>) {
    let now = since_1970(SystemTime::now());
    for ((namespace, key), value, expires) in entries {
        let left = expires.map(|expires| expires.saturating_sub(now));
        if left != Some(0) {
            // What does not fit is dropped, and is no error.
            drop(store.put(place(&namespace, &key), &value, left.map(Duration::from_millis)));
        }
    }
}

held_in_memory! { Snapshot }

#[cfg(test)]
mod tests;
