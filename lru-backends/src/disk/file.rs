//! The open file: reads, and writes as transactions.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak};

use lru_core::backend::{BackendError, ErrorKind};
use redb::{Database, DatabaseError, ReadableDatabase};

use super::tables::{ENTRIES, Tables};
use crate::error::ClientError;

/// How much of the file `redb` keeps in memory.
const MEMORY: usize = 8 << 20;
/// A file that is opened at the first operation.
pub(super) struct LazyFile {
    pub(super) path: PathBuf,
    max_bytes: u64,
    file: OnceLock<Arc<File>>,
}

/// An open file.
pub(super) struct File {
    database: Database,
    /// The smallest limit of all `Disk` values that share the file.
    max_bytes: Mutex<u64>,
}

/// A value, its deadline, and the number of its entry.
type Entry = (Vec<u8>, u64, u64);

/// The files that this process has open. `redb` refuses to open a file twice.
static OPEN: LazyLock<Mutex<HashMap<PathBuf, Weak<File>>>> = LazyLock::new(Mutex::default);

impl LazyFile {
    pub(super) const fn new(path: PathBuf, max_bytes: u64) -> Self {
        Self { path, max_bytes, file: OnceLock::new() }
    }

    fn file(&self) -> Result<&File, ClientError> {
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

    /// Runs an operation on the open file, and names the file in its error.
    pub(super) fn run<T>(
        &self,
        operation: impl FnOnce(&File) -> Result<T, ClientError>,
    ) -> Result<T, BackendError> {
        let done = self.file().and_then(operation);
        done.map_err(|error| error.at(&self.path.display().to_string()))
    }
}

impl File {
    fn open(path: &Path) -> Result<Arc<Self>, ClientError> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let unavailable = |error: io::Error| ClientError::down(ErrorKind::Unavailable, error);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(unavailable)?;
        }
        // Only an existing file has a canonical path.
        OpenOptions::new().append(true).create(true).open(path).map_err(unavailable)?;
        let path = path.canonicalize().map_err(unavailable)?;
        if let Some(file) = open.get(&path).and_then(Weak::upgrade) {
            return Ok(file);
        }
        let mut builder = Database::builder();
        let database = builder.set_cache_size(MEMORY).create(&path);
        let database = database.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => {
                ClientError::down(ErrorKind::Unavailable, "another process has this file open")
            }
            error => error.into(),
        })?;
        let file = Arc::new(Self { database, max_bytes: Mutex::new(u64::MAX) });
        // Creates the tables, so that reads need not check for them.
        file.change(|_, _| Ok(()))?;
        open.retain(|_, file| file.strong_count() > 0);
        open.insert(path, Arc::downgrade(&file));
        Ok(file)
    }

    /// Returns the entry for a key, expired or not.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Entry>, ClientError> {
        Ok(self.get_many([key])?.pop().flatten())
    }

    /// Returns the entry for each key, from one snapshot.
    pub(super) fn get_many<K: AsRef<[u8]>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<Entry>>, ClientError> {
        let entries = self.database.begin_read()?.open_table(ENTRIES)?;
        let found = keys.into_iter().map(|key| {
            Ok(entries.get(key.as_ref())?.map(|entry| {
                let (expires, number, value) = entry.value();
                (value.to_vec(), expires, number)
            }))
        });
        found.collect()
    }

    /// Runs `change` in a write transaction. It is given the tables and the size limit.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Tables<'_>, u64) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
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

macro_rules! from_redb {
    ($($Error:ident)*) => { $(
        impl From<redb::$Error> for ClientError {
            fn from(error: redb::$Error) -> Self {
                file_error(error.into())
            }
        }
    )* };
}

from_redb! { DatabaseError TransactionError TableError StorageError CommitError }

fn file_error(error: redb::Error) -> ClientError {
    let kind = match &error {
        redb::Error::Io(error) => error.kind().into(),
        redb::Error::DatabaseAlreadyOpen | redb::Error::PreviousIo => ErrorKind::Unavailable,
        redb::Error::ValueTooLarge(_) => ErrorKind::Rejected,
        redb::Error::Corrupted(_)
        | redb::Error::UpgradeRequired(_)
        | redb::Error::RepairAborted
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TypeDefinitionChanged { .. } => ErrorKind::Protocol,
        _ => ErrorKind::Other,
    };
    ClientError::down(kind, error)
}
