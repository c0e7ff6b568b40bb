//! Migration from one backend to another while both are in use.
//!
//! Invariant: once an entry was set or deleted, its older value in the old backend is not found any more.
//!
//! * A set or a delete first deletes the entry in the old backend. If that fails, a mark in the new backend says that
//!   the old entry of this key is invalid; the next lookup that finds the mark deletes the old entry.
//! * An entry found in the old backend is copied to the new one by compare-and-swap, so it replaces no newer
//!   value. A deleted entry is replaced by a tombstone for a while, so the copy does not undo the deletion
//!   either.
//! * After copying, the lookup checks that the entry is still in the old backend, and removes the copy if not: the
//!   namespace may have been cleared.

use std::time::Duration;

use lru_core::backend::{AsyncBackend, Backend, BackendError, InvalidationSink, Stored};

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};

/// The value of an entry that was deleted. It is no valid result of any function.
const TOMBSTONE: &[u8] = b"\xF7\0deleted";

/// The time to live of a tombstone: longer than any client takes from reading the old backend to writing the
/// new one.
const TOMBSTONE_TTL: Duration = Duration::from_secs(60);

/// A migration from an old backend to a new one, with both in use.
///
/// * A lookup queries the new backend, then the old one. An entry found in the old backend is copied to the
///   new one, with its remaining time to live.
/// * A write goes to the new backend, and deletes the entry in the old one.
/// * While the old backend is down, its entries are misses. Deleting and clearing then return the error, because other
///   clients may still read the old backend.
/// * Once every useful entry has been copied or has expired, drop the old backend: the new one holds the keys
///   and values that it would hold without the migration.
///
/// To migrate from more than one backend, let the old one be a `Fallback` itself. All processes that write must use the
/// `Fallback`: an entry that another process writes to the old backend is visible until the new backend has one.
///
/// # Examples
///
/// ```
/// # let folder = std::env::temp_dir().join(format!("lru-fallback-{}", std::process::id()));
/// # #[cfg(feature = "disk")] {
/// use std::time::Duration;
///
/// use lru_backends::{Fallback, disk};
/// use lru_core::backend::Backend;
///
/// let (new, old) = (disk(folder.join("new.redb")), disk(folder.join("old.redb")));
/// old.set("squares", b"12", b"144", Some(Duration::from_secs(60)))?;
///
/// let both = Fallback::new((new.clone(), old.clone()));
/// assert_eq!(both.get("squares", b"12")?.map(|found| found.value), Some(b"144".to_vec()));
/// assert!(new.get("squares", b"12")?.is_some(), "it was copied");
///
/// both.delete("squares", b"12")?;
/// assert_eq!((both.get("squares", b"12")?, old.get("squares", b"12")?), (None, None));
/// # }
/// # _ = std::fs::remove_dir_all(folder);
/// # Ok::<(), lru_core::backend::BackendError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fallback<N, O> {
    new: N,
    old: O,
}

impl<N, O> Fallback<N, O> {
    /// Creates a migration to `new` from `old`. The new backend is the first of the pair.
    pub fn new((new, old): (N, O)) -> Self {
        Self { new, old }
    }
}

/// Returns the namespace of the marks: keys whose old entries are invalid.
fn marks(namespace: &str) -> String {
    format!("{namespace}\0deleted in the old one")
}

fn is_tombstone(found: &Stored) -> bool {
    found.value == TOMBSTONE
}

macro_rules! with_fallback {
    ($Backend:ident, $CompareAndSwap:ident, [$($bound:tt)*] [$($fn:tt)*] $($await:tt)*) => {
        impl<N: $CompareAndSwap $($bound)*, O: $Backend $($bound)*> $Backend for Fallback<N, O> {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                let Self { new, old } = self;
                let (found, version) = new.get_versioned(namespace, key)$($await)*?;
                if found.is_some() {
                    return Ok(found.filter(|found| !is_tombstone(found)));
                }
                let marks = marks(namespace);
                if new.get(&marks, key)$($await)*?.is_some() {
                    if old.delete(namespace, key)$($await)*.is_ok() {
                        new.delete(&marks, key)$($await)*?;
                    }
                    return Ok(None);
                }
                let Ok(Some(found)) = old.get(namespace, key)$($await)* else { return Ok(None) };
                match new.compare_and_swap(namespace, key, &version, &found.value, found.ttl)$($await)* {
                    Ok(true) => {
                        if let Ok(Some(_)) = old.get(namespace, key)$($await)* {
                            return Ok(Some(found));
                        }
                        // The old entry was removed meanwhile: remove the copy, but not a value set by another client.
                        let (copied, version) = new.get_versioned(namespace, key)$($await)*?;
                        if copied.is_some_and(|copied| copied.value == found.value) {
                            new.compare_and_swap(namespace, key, &version, TOMBSTONE, Some(TOMBSTONE_TTL))$($await)*?;
                        }
                        Ok(None)
                    }
                    // Another client set the entry first; its value may be newer.
                    Ok(false) => {
                        let found = new.get(namespace, key)$($await)*?;
                        Ok(found.filter(|found| !is_tombstone(found)))
                    }
                    // The copy failed, but the entry was found.
                    Err(_) => Ok(Some(found)),
                }
            }

            /// Looks up all keys in each backend at once. Entries to be copied, and marked ones, are then
            /// looked up singly.
            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                let Self { new, old } = self;
                let mut all = new.get_many(namespace, keys)$($await)*?;
                all.resize(keys.len(), None);
                let missing: Vec<usize> = (0..keys.len()).filter(|at| all[*at].is_none()).collect();
                if !missing.is_empty() {
                    let absent: Vec<&[u8]> = missing.iter().map(|at| keys[*at]).collect();
                    let marked = new.get_many(&marks(namespace), &absent)$($await)*?;
                    let in_old = old.get_many(namespace, &absent)$($await)*.unwrap_or_default();
                    for (n, at) in missing.into_iter().enumerate() {
                        if [&marked, &in_old].iter().any(|all| all.get(n).is_some_and(Option::is_some)) {
                            all[at] = self.get(namespace, keys[at])$($await)*?;
                        }
                    }
                }
                Ok(all.into_iter().map(|found| found.filter(|found| !is_tombstone(found))).collect())
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                let Self { new, old } = self;
                if old.delete(namespace, key)$($await)*.is_err() {
                    new.set(&marks(namespace), key, TOMBSTONE, None)$($await)*?;
                }
                new.set(namespace, key, value, ttl)$($await)*
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let Self { new, .. } = self;
                if self.get(namespace, key)$($await)*?.is_some() {
                    return Ok(false);
                }
                let (found, version) = new.get_versioned(namespace, key)$($await)*?;
                if found.is_some_and(|found| !is_tombstone(&found)) {
                    return Ok(false);
                }
                new.compare_and_swap(namespace, key, &version, value, Some(ttl))$($await)*
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                let Self { new, old } = self;
                let in_old = old.delete(namespace, key)$($await)*;
                if in_old.is_err() {
                    new.set(&marks(namespace), key, TOMBSTONE, None)$($await)*?;
                }
                let in_new = new.get(namespace, key)$($await)*?.is_some_and(|found| !is_tombstone(&found));
                new.set(namespace, key, TOMBSTONE, Some(TOMBSTONE_TTL))$($await)*?;
                Ok(in_old? || in_new)
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                let Self { new, old } = self;
                let in_old = old.clear(namespace)$($await)*;
                new.clear(namespace)$($await)*?;
                in_old?;
                new.clear(&marks(namespace))$($await)*
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                let is_watched = self.new.watch(namespace, sink.clone());
                // A copy in the process may come from the old backend, if copying to the new one failed.
                if is_watched {
                    self.old.watch(namespace, sink);
                }
                is_watched
            }
        }
    };
}

with_fallback! { Backend, CompareAndSwap, [] [fn] }
with_fallback! { AsyncBackend, AsyncCompareAndSwap, [+ Sync] [async fn] .await }
