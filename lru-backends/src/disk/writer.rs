//! The thread that writes the groups of an open file, each as one transaction.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use lru_core::backend::ErrorKind;

use super::now;
use super::opening::contained;
use super::overlay::Writes;
use super::store::{GROUP, Store};
use super::tables::Tables;
use crate::error::ClientError;

/// How long a group is collected.
const GROUP_TIME: Duration = Duration::from_millis(5);

/// An open file and its writer thread. Its drop waits until all writes are on disk, and the file is closed.
pub(super) struct OpenFile {
    pub(super) store: Arc<Store>,
    thread: Option<JoinHandle<()>>,
}

impl OpenFile {
    pub(super) fn new(store: Store) -> Result<Self, ClientError> {
        let store = Arc::new(store);
        let written = Arc::clone(&store);
        let thread = Builder::new().name("functools-disk".to_owned()).spawn(move || run(&written));
        let thread = thread.map_err(|error| ClientError::down(ErrorKind::Unavailable, error))?;
        Ok(Self { store, thread: Some(thread) })
    }

    /// Returns why the file cannot be used any more.
    pub(super) fn failure(&self) -> Option<ClientError> {
        self.store.lock().failure.as_ref().map(ClientError::again)
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.store.lock().is_closing = true;
        self.store.work.notify_all();
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

fn run(store: &Store) {
    while let Some((group, writes)) = next(store) {
        if let Err(error) = contained(|| commit(store, &writes)) {
            // The error is reported by the next operation, and by those that wait for this group.
            store.fail(&error);
            return;
        }
        store.written(group);
    }
}

/// Waits for the next group; `None` if the file is closed or has failed.
fn next(store: &Store) -> Option<(u64, Arc<Writes>)> {
    let mut pending = store.lock();
    loop {
        if pending.failure.is_some() {
            return None;
        }
        let Some(since) = pending.since else {
            if pending.is_closing {
                return None;
            }
            pending = store.work.wait(pending).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        let left = GROUP_TIME.saturating_sub(since.elapsed());
        let is_full = pending.overlay.collected().len() >= GROUP;
        if pending.is_urgent || pending.is_closing || is_full || left.is_zero() {
            let group = pending.group;
            pending.group += 1;
            pending.since = None;
            pending.is_urgent = false;
            store.done.notify_all();
            return Some((group, pending.overlay.begin_commit()));
        }
        pending = store.work.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn commit(store: &Store, writes: &Writes) -> Result<(), ClientError> {
    let transaction = store.database.get()?.begin_write()?;
    let mut tables = Tables::open(&transaction)?;
    tables.write(writes, store.max_bytes.load(Relaxed), now())?;
    tables.close()?;
    transaction.commit()?;
    Ok(())
}
