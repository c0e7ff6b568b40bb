//! The files that this process has open: one per path, whatever the number of `Disk` values.
//!
//! A file that fails is closed, and opened again at most once a second.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use lru_core::backend::ErrorKind;

use super::opening::{Create, OpenError, locate, open};
use super::store::Store;
use super::writer::OpenFile;
use crate::error::ClientError;

/// The shortest time between two tries to open a file.
const PAUSE: Duration = Duration::from_secs(1);

/// The files of this process, by their canonical paths. `redb` refuses to open a file twice.
static SLOTS: LazyLock<Mutex<HashMap<PathBuf, Arc<Slot>>>> = LazyLock::new(Mutex::default);

/// A path, and the file there.
struct Slot {
    path: PathBuf,
    max_bytes: Arc<AtomicU64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many `Disk` values use the file.
    users: usize,
    file: Option<Arc<OpenFile>>,
    /// When the file was last opened, or would have been.
    tried: Option<Instant>,
    /// Why it could not be opened, or was closed.
    failure: Option<ClientError>,
    /// The file that was closed, which some operation may still use.
    closed: Weak<Store>,
}

/// The right to use a file; the drop of the last one closes the file.
pub(super) struct SlotUser(Arc<Slot>);

impl SlotUser {
    pub(super) fn new(path: &Path, max_bytes: u64) -> Result<Self, ClientError> {
        let unavailable = |error| ClientError::down(ErrorKind::Unavailable, error);
        let path = locate(path).map_err(unavailable)?;
        let slot = {
            let mut slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
            // Without users no file is open.
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
            let slot = slots.entry(path.clone()).or_insert_with(|| Arc::new(Slot::new(path)));
            Arc::clone(slot)
        };
        {
            let mut state = slot.lock();
            state.users += 1;
            slot.max_bytes.fetch_min(max_bytes, Relaxed);
        }
        Ok(Self(slot))
    }

    /// Returns the open file, opening it if need be.
    pub(super) fn file(&self, create: Create) -> Result<Arc<OpenFile>, ClientError> {
        let mut state = self.0.lock();
        if let Some(file) = &state.file {
            let Some(failure) = file.failure() else { return Ok(Arc::clone(file)) };
            state.closed = Arc::downgrade(&file.store);
            state.failure = Some(failure.again());
            state.file = None;
            return Err(failure);
        }
        if let Some(failure) = &state.failure {
            let is_paused = state.tried.is_some_and(|tried| tried.elapsed() < PAUSE);
            if is_paused || state.closed.strong_count() > 0 {
                return Err(failure.again());
            }
        }
        state.tried = Some(Instant::now());
        let max_bytes = Arc::clone(&self.0.max_bytes);
        let opened = open(&self.0.path, create).and_then(|(database, next_number)| {
            Ok(Arc::new(OpenFile::new(Store::new(database, next_number, max_bytes))?))
        });
        match opened {
            Ok(file) => {
                state.failure = None;
                state.file = Some(Arc::clone(&file));
                Ok(file)
            }
            Err(OpenError::SetAside(error)) => {
                state.failure = None;
                Err(error)
            }
            Err(OpenError::Failed(error)) => {
                state.failure = Some(error.again());
                Err(error)
            }
        }
    }

    /// Returns the file if it is open and no thread is about to open or to close it.
    pub(super) fn open_file(&self) -> Option<Arc<OpenFile>> {
        self.0.state.try_lock().ok()?.file.clone()
    }
}

impl Drop for SlotUser {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.users -= 1;
        if state.users == 0 {
            // The next one to open the file waits for this lock until the file is closed.
            state.file = None;
            self.0.max_bytes.store(u64::MAX, Relaxed);
        }
    }
}

impl Slot {
    fn new(path: PathBuf) -> Self {
        Self { path, max_bytes: Arc::new(AtomicU64::new(u64::MAX)), state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
