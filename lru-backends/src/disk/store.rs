//! One opening of a file: lookups see the pending writes first, then the file; a writer thread commits the
//! pending writes as groups.
//!
//! Invariant: what is pending stays visible until its transaction has committed, so a lookup that finds nothing
//! pending may read the file.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru_core::backend::ErrorKind;
use redb::ReadableDatabase;

use super::key::FileKey;
use super::leases::{Claims, Token, Versions};
use super::opening::{OpenDatabase, contained};
use super::overlay::{Entry, Overlay, Seen};
use super::tables::{ENTRIES, size};
use super::{expires, is_live};
use crate::error::ClientError;

/// How many results are written by one transaction, unless more are stored while the one before is synced.
pub(super) const GROUP: usize = 64;
/// How much is pending at most. A store that exceeds it waits for the group before it.
const MAX_PENDING: u64 = 8 << 20;
/// The largest value, whatever the size limit of the file.
const MAX_VALUE: usize = 1 << 30;
/// How often an operation that other writes interfere with is tried.
const TRIES: usize = 100;

/// An open file.
pub(super) struct Store {
    pub(super) database: OpenDatabase,
    versions: Versions,
    pending: Mutex<Pending>,
    /// Wakes the writer thread.
    pub(super) work: Condvar,
    /// Wakes those that wait for a group, or for room in it.
    pub(super) done: Condvar,
    /// The smallest limit of all `Disk` values that share the file.
    pub(super) max_bytes: Arc<AtomicU64>,
}

/// The writes that are not on disk yet, and the groups that they are written in.
pub(super) struct Pending {
    pub(super) overlay: Overlay,
    pub(super) claims: Claims,
    next_number: u64,
    /// The number of the group that is collected.
    pub(super) group: u64,
    /// The number of the last group that is on disk.
    written: u64,
    /// When the group that is collected got its first write.
    pub(super) since: Option<Instant>,
    /// Whether a caller waits for the group that is collected.
    pub(super) is_urgent: bool,
    pub(super) is_closing: bool,
    /// Why the file cannot be used any more.
    pub(super) failure: Option<ClientError>,
}

/// The condition on which an entry is stored.
pub(super) enum Condition {
    Always,
    /// Nothing has changed the key since the token was given.
    Unchanged(Token),
    /// The entry has this number; `None` if there is no entry.
    Number(Option<u64>),
}

impl Pending {
    /// Returns the last group that has writes.
    fn last_group(&self) -> u64 {
        if self.overlay.collected().is_empty() { self.group - 1 } else { self.group }
    }
}

impl Store {
    pub(super) fn new(database: OpenDatabase, next_number: u64, max_bytes: Arc<AtomicU64>) -> Self {
        let pending = Pending {
            overlay: Overlay::default(),
            claims: Claims::new(),
            next_number,
            group: 1,
            written: 0,
            since: None,
            is_urgent: false,
            is_closing: false,
            failure: None,
        };
        Self {
            database,
            versions: Versions::new(),
            pending: Mutex::new(pending),
            work: Condvar::new(),
            done: Condvar::new(),
            max_bytes,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how much may be pending: an eighth of the size limit at most.
    pub(super) fn room(&self) -> u64 {
        MAX_PENDING.min(self.max_bytes.load(Relaxed) / 8)
    }

    /// Returns the number of the version that a key has, perhaps together with others.
    pub(super) fn version_of(&self, key: &FileKey) -> usize {
        self.versions.number_of(key)
    }

    /// Returns the entry for each key, expired or not.
    pub(super) fn find_many(&self, keys: &[FileKey]) -> Result<Vec<Option<Entry>>, ClientError> {
        let mut found: Vec<Option<Option<Entry>>> = {
            let pending = self.lock();
            if let Some(failure) = &pending.failure {
                return Err(failure.again());
            }
            keys.iter().map(|key| pending.overlay.find(key).map(|seen| seen.entry().cloned())).collect()
        };
        if found.iter().any(Option::is_none) {
            let read = contained(|| {
                let entries = self.database.get()?.begin_read()?.open_table(ENTRIES)?;
                for (key, found) in keys.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
                    *found = Some(entries.get(key.bytes())?.map(|entry| {
                        let (expires, number, value) = entry.value();
                        Entry { value: value.to_vec(), expires, number }
                    }));
                }
                Ok(())
            });
            read.inspect_err(|error| self.fail(error))?;
        }
        Ok(found.into_iter().map(Option::flatten).collect())
    }

    /// Returns the entry for a key, expired or not.
    pub(super) fn find(&self, key: &FileKey) -> Result<Option<Entry>, ClientError> {
        Ok(self.find_many(std::slice::from_ref(key))?.pop().flatten())
    }

    /// Returns the entry for a key, if it has not expired, and the token to replace it; with the claim of the key
    /// if there is no entry and no other claim.
    pub(super) fn find_or_claim(
        &self,
        key: &FileKey,
        ttl: Duration,
    ) -> Result<(Option<Entry>, Token, bool), ClientError> {
        for _ in 0..TRIES {
            let token = self.versions.at(key);
            let entry = self.find(key)?.filter(|entry| is_live(entry.expires));
            if entry.is_some() {
                return Ok((entry, token, false));
            }
            let mut pending = self.lock();
            if self.versions.at(key) == token {
                let is_claimed = pending.claims.claim(key.bytes(), ttl, &self.versions);
                return Ok((None, self.versions.at(key), is_claimed));
            }
        }
        Ok((None, self.versions.at(key), false))
    }

    /// Stores an entry, and returns the token to replace it; `None` if the condition does not hold.
    pub(super) fn store(
        &self,
        key: &FileKey,
        value: &[u8],
        ttl: Option<Duration>,
        condition: &Condition,
        is_synced: bool,
    ) -> Result<Option<Token>, ClientError> {
        let size = size(key.bytes(), value);
        let max_bytes = self.max_bytes.load(Relaxed);
        if size > max_bytes || value.len() > MAX_VALUE {
            let message = format!("an entry of {size} bytes is too large: all entries may take {max_bytes}");
            return Err(ClientError::answered(ErrorKind::Rejected, message));
        }
        for _ in 0..TRIES {
            let token = match condition {
                Condition::Always => None,
                Condition::Unchanged(token) => Some(*token),
                Condition::Number(number) => {
                    let token = self.versions.at(key);
                    if self.find(key)?.map(|entry| entry.number) != *number {
                        return Ok(None);
                    }
                    Some(token)
                }
            };
            let mut pending = self.lock_with_room(size)?;
            if token.is_some_and(|token| token != self.versions.at(key)) {
                // Another key may have the same version: then the number is still the same.
                if matches!(condition, Condition::Number(_)) {
                    continue;
                }
                return Ok(None);
            }
            let number = pending.next_number;
            pending.next_number += 1;
            let entry = Entry { value: value.to_vec(), expires: expires(ttl), number };
            let token = self.change(&mut pending, key, Some(entry));
            if is_synced {
                self.wait_for_writes(pending)?;
            }
            return Ok(Some(token));
        }
        Ok(None)
    }

    /// Removes the entry for a key, and returns whether there was one that had not expired. It does not come back
    /// after a crash.
    pub(super) fn remove(&self, key: &FileKey) -> Result<bool, ClientError> {
        let token = self.versions.at(key);
        let before = self.find(key)?;
        let mut pending = self.lock_with_room(0)?;
        let is_unchanged = self.versions.at(key) == token;
        // A removal that is pending need not be on disk yet.
        let is_pending = pending.overlay.find(key);
        let was_there = is_pending.map_or(before.as_ref(), Seen::entry);
        let was_live = was_there.is_some_and(|entry| is_live(entry.expires));
        if is_pending.is_none() && before.is_none() && is_unchanged {
            // Most removed keys have no entry: then nothing is written, but what is being computed is out of date.
            self.versions.raise(key.bytes());
            pending.claims.end(key.bytes());
            return Ok(false);
        }
        self.change(&mut pending, key, None);
        self.wait_for_writes(pending)?;
        Ok(was_live)
    }

    /// Removes all entries of a namespace. They do not come back after a crash.
    pub(super) fn clear(&self, prefix: &[u8]) -> Result<(), ClientError> {
        let mut pending = self.lock_with_room(0)?;
        self.versions.raise_namespace(prefix);
        pending.claims.end_all(prefix);
        pending.overlay.clear(prefix);
        self.begin_group(&mut pending);
        self.wait_for_writes(pending)
    }

    /// Extends the claim of a key, or the time to live of its entry, if the token is still valid. Returns whether it is.
    pub(super) fn renew(&self, key: &FileKey, token: Token, ttl: Duration) -> Result<bool, ClientError> {
        let before = self.find(key)?;
        let mut pending = self.lock_with_room(0)?;
        if self.versions.at(key) != token {
            return Ok(false);
        }
        let Some(entry) = before else {
            pending.claims.renew(key.bytes(), ttl);
            return Ok(true);
        };
        if !is_live(entry.expires) {
            return Ok(false);
        }
        if entry.expires != 0 {
            pending.overlay.set(key, Some(Entry { expires: expires(Some(ttl)), ..entry }));
            self.begin_group(&mut pending);
        }
        Ok(true)
    }

    /// Ends the leases on a key, if the token is still valid, and removes the entry that they were given for.
    pub(super) fn end(&self, key: &FileKey, token: Token) -> Result<(), ClientError> {
        let before = self.find(key)?;
        let mut pending = self.lock_with_room(0)?;
        if self.versions.at(key) != token {
            return Ok(());
        }
        if before.is_some() {
            self.change(&mut pending, key, None);
        } else {
            self.versions.raise(key.bytes());
            pending.claims.end(key.bytes());
        }
        Ok(())
    }

    /// Waits until everything that was stored before is on disk.
    pub(super) fn flush(&self) -> Result<(), ClientError> {
        self.wait_for_writes(self.lock())
    }

    /// Waits until everything that was stored before is on disk, but not for long, nor for a lock: at the end of the
    /// process other threads may be gone.
    pub(super) fn flush_within(&self, longest: Duration) {
        let start = Instant::now();
        let mut pending = loop {
            match self.pending.try_lock() {
                Ok(pending) => break pending,
                Err(_) if start.elapsed() >= longest => return,
                Err(_) => std::thread::yield_now(),
            }
        };
        let last = pending.last_group();
        while pending.failure.is_none() && pending.written < last {
            let Some(left) = longest.checked_sub(start.elapsed()) else { return };
            self.hurry(&mut pending, last);
            pending = self.done.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Marks the file as unusable, and forgets what is pending.
    pub(super) fn fail(&self, error: &ClientError) {
        let mut pending = self.lock();
        pending.failure.get_or_insert_with(|| error.again());
        pending.overlay = Overlay::default();
        self.work.notify_all();
        self.done.notify_all();
    }

    /// Records that a group is on disk.
    pub(super) fn written(&self, group: u64) {
        let mut pending = self.lock();
        pending.overlay.committed();
        pending.written = group;
        self.done.notify_all();
    }

    /// Puts a change of an entry into the group that is collected, and ends the leases on its key.
    fn change(&self, pending: &mut Pending, key: &FileKey, entry: Option<Entry>) -> Token {
        pending.overlay.set(key, entry);
        pending.claims.end(key.bytes());
        self.versions.raise(key.bytes());
        self.begin_group(pending);
        self.versions.at(key)
    }

    fn begin_group(&self, pending: &mut Pending) {
        let is_full =
            pending.overlay.collected().len() >= GROUP || pending.overlay.collected().bytes() >= self.room();
        if pending.since.is_none() {
            pending.since = Some(Instant::now());
            self.work.notify_all();
        } else if is_full && !pending.is_urgent {
            pending.is_urgent = true;
            self.work.notify_all();
        }
    }

    /// Returns whether an entry can be stored without waiting for the writer.
    pub(super) fn has_room(&self, key: &[u8], value: &[u8]) -> bool {
        let Ok(pending) = self.pending.try_lock() else { return false };
        pending.overlay.collected().bytes() + size(key, value) <= self.room()
    }

    /// Locks the pending writes when there is room for `size` more bytes.
    fn lock_with_room(&self, size: u64) -> Result<MutexGuard<'_, Pending>, ClientError> {
        let mut pending = self.lock();
        loop {
            if let Some(failure) = &pending.failure {
                return Err(failure.again());
            }
            let collected = pending.overlay.collected();
            if size == 0 || collected.is_empty() || collected.bytes() + size <= self.room() {
                return Ok(pending);
            }
            // Until the writer takes the group, and not until it is on disk.
            let group = pending.group;
            self.hurry(&mut pending, group);
            pending = self.done.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until everything that is pending is on disk.
    fn wait_for_writes(&self, mut pending: MutexGuard<'_, Pending>) -> Result<(), ClientError> {
        let last = pending.last_group();
        while pending.written < last {
            if let Some(failure) = &pending.failure {
                return Err(failure.again());
            }
            self.hurry(&mut pending, last);
            pending = self.done.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Has the writer take the group that is collected at once, if it is `group`.
    fn hurry(&self, pending: &mut Pending, group: u64) {
        if pending.group == group && !pending.is_urgent {
            pending.is_urgent = true;
            self.work.notify_all();
        }
    }
}
