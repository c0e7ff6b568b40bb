//! Opening a file: what is ours and damaged is set aside and begun anew, and what is not ours is left alone.

use std::any::Any;
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use lru_core::backend::ErrorKind;
use redb::backends::FileBackend;
use redb::{CommitError, Database, DatabaseError, ReadableDatabase};
use redb::{StorageError, TableError, TransactionError};

use super::tables::{Layout, Tables, layout};
use crate::error::ClientError;

/// How much of the file `redb` keeps in memory.
const MEMORY: usize = 8 << 20;
/// The first bytes of every file of `redb`.
const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";
/// The size of a page, as it stands in the header from byte 12 on.
const PAGE: [u8; 4] = 4096_u32.to_le_bytes();

/// Makes a database of an open file.
pub(super) type Create = fn(File) -> Result<Database, DatabaseError>;

/// Why a file could not be opened.
pub(super) enum OpenError {
    /// The next try is likely to fail as well.
    Failed(ClientError),
    /// The file was damaged and is out of the way: the next try begins a new one.
    SetAside(ClientError),
}

impl From<ClientError> for OpenError {
    fn from(error: ClientError) -> Self {
        Self::Failed(error)
    }
}

/// The cause of an error that a damaged file explains.
#[derive(Debug)]
struct Damage(String);

impl Error for Damage {}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn damage(message: String) -> ClientError {
    ClientError::down(ErrorKind::Protocol, Damage(message))
}

/// An open database, whose drop does not panic.
pub(super) struct OpenDatabase(Option<Database>);

impl OpenDatabase {
    pub(super) fn get(&self) -> Result<&Database, ClientError> {
        self.0.as_ref().ok_or_else(|| ClientError::down(ErrorKind::Unavailable, "the file is closed"))
    }
}

impl Drop for OpenDatabase {
    fn drop(&mut self) {
        let database = self.0.take();
        // What closing could not write is repaired when the file is opened again.
        _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
    }
}

/// Verifies all checksums when it opens the file: a damaged page would otherwise be read as it is.
pub(super) fn create(file: File) -> Result<Database, DatabaseError> {
    let mut builder = Database::builder();
    builder.set_cache_size(MEMORY).set_check_integrity_on_open(true);
    builder.create_with_backend(FileBackend::new(file)?)
}

/// Creates the file, if there is none, with its directories, and returns its canonical path.
pub(super) fn locate(path: &Path) -> io::Result<PathBuf> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    // Only an existing file has a canonical path.
    OpenOptions::new().append(true).create(true).open(path)?;
    path.canonicalize()
}

/// Opens the file, and returns the number of its next entry.
pub(super) fn open(path: &Path, create: Create) -> Result<(OpenDatabase, u64), OpenError> {
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(path).map_err(unavailable)?;
    let opened = file.metadata().map_err(unavailable)?;
    let mut head = Vec::new();
    (&mut file).take(64).read_to_end(&mut head).map_err(unavailable)?;
    if !is_ours(&head) {
        let foreign = "this file was not written by this library, and is left as it is";
        return Err(ClientError::down(ErrorKind::Protocol, foreign).into());
    }
    match contained(|| prepare(create(file)?)) {
        Ok(open) => Ok(open),
        Err(error) if error.is_caused_by::<Damage>() => Err(set_aside(path, &opened, &error)),
        Err(error) => Err(error.into()),
    }
}

/// Creates the tables, if there are none, so that reads need not check for them.
fn prepare(database: Database) -> Result<(OpenDatabase, u64), ClientError> {
    let database = OpenDatabase(Some(database));
    let next_number = match layout(&database.get()?.begin_read()?)? {
        Layout::Ours(next_number) => next_number,
        Layout::Empty => {
            let transaction = database.get()?.begin_write()?;
            Tables::open(&transaction)?.close()?;
            transaction.commit()?;
            0
        }
        Layout::Foreign => {
            let foreign = "this file of `redb` was written by another program, and is left as it is";
            return Err(ClientError::down(ErrorKind::Configuration, foreign));
        }
    };
    Ok((database, next_number))
}

/// Returns whether a file that begins like this is one of `redb`, whole, cut off, or with a damaged byte.
fn is_ours(head: &[u8]) -> bool {
    let Some(first) = head.first_chunk::<9>() else { return MAGIC.starts_with(head) };
    let damaged = first.iter().zip(MAGIC).filter(|(byte, expected)| *byte != expected).count();
    // `redb` writes the magic number last when it creates a file.
    let is_begun =
        *first == [0; 9] && (head.iter().all(|byte| *byte == 0) || head.get(12..16) == Some(&PAGE));
    damaged <= 1 || is_begun
}

/// Renames a damaged file, unless another process has it open or has replaced it.
fn set_aside(path: &Path, opened: &Metadata, damage: &ClientError) -> OpenError {
    let mut name = OsString::from(path);
    name.push(".damaged");
    let aside = PathBuf::from(name);
    let renamed = || -> io::Result<bool> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if !is_locked(&file) || !is_same(&fs::metadata(path)?, opened) {
            return Ok(false);
        }
        fs::rename(path, &aside)?;
        Ok(true)
    };
    match renamed() {
        Ok(true) => OpenError::SetAside(ClientError::down(
            ErrorKind::Protocol,
            format!("the file was damaged, and is set aside as {}: {damage}", aside.display()),
        )),
        Ok(false) => OpenError::Failed(already_open()),
        Err(error) => OpenError::Failed(ClientError::down(
            ErrorKind::Protocol,
            format!("the file is damaged, and cannot be renamed to {}: {damage}; {error}", aside.display()),
        )),
    }
}

/// Locks a file as `redb` does, until it is dropped. A file system without locks has no other process to fear.
#[expect(clippy::incompatible_msrv, reason = "this feature needs a newer Rust than the rest")]
fn is_locked(file: &File) -> bool {
    !matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock))
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok()
}

/// Runs an operation of `redb`, which may panic on a damaged file: the panic is returned as an error.
pub(super) fn contained<T>(operation: impl FnOnce() -> Result<T, ClientError>) -> Result<T, ClientError> {
    catch_unwind(AssertUnwindSafe(operation))
        .unwrap_or_else(|panic| Err(damage(format!("the database panicked: {}", words(&*panic)))))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

fn unavailable(error: io::Error) -> OpenError {
    ClientError::down(ErrorKind::Unavailable, error).into()
}

fn already_open() -> ClientError {
    ClientError::down(ErrorKind::Unavailable, "another process has this file open")
}

macro_rules! from_redb {
    ($($Error:ident)*) => { $(
        impl From<$Error> for ClientError {
            fn from(error: $Error) -> Self {
                file_error(error.into())
            }
        }
    )* };
}

from_redb! { CommitError DatabaseError StorageError TableError TransactionError }

fn file_error(error: redb::Error) -> ClientError {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    let kind = match &error {
        redb::Error::DatabaseAlreadyOpen => return already_open(),
        redb::Error::Io(error) if matches!(error.kind(), InvalidData | UnexpectedEof) => {
            return damage(error.to_string());
        }
        redb::Error::Corrupted(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TypeDefinitionChanged { .. } => return damage(error.to_string()),
        redb::Error::Io(error) => error.kind().into(),
        redb::Error::PreviousIo | redb::Error::DatabaseClosed => ErrorKind::Unavailable,
        redb::Error::ValueTooLarge(_) => ErrorKind::Rejected,
        redb::Error::UpgradeRequired(_) | redb::Error::RepairAborted => ErrorKind::Protocol,
        _ => ErrorKind::Other,
    };
    ClientError::down(kind, error)
}
