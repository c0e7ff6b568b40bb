//! Moving from one backend to another while both are in use.
//!
//! Invariant: once something was set or deleted, what the old backend had before is not found any more.
//!
//! * What is set or deleted is first deleted in the old backend, so it can't come from there again. If that
//!   fails, a mark in the new one says that the old one is not to be believed about this key; the next who
//!   comes across it deletes what it is about.
//! * What is found in the old backend goes to the new one by compare-and-swap, so it takes nobody's place.
//!   In the place of what was deleted lies a tombstone for a while, so that it does not take that either.
//! * Whoever copied something looks again whether it is still in the old backend, and takes it back if not:
//!   there may have been a clear.

use std::time::Duration;

use lru_core::backend::{AsyncBackend, Backend, BackendError, InvalidationSink, Stored};

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};

/// What lies where something was deleted. To anybody else it is nothing of theirs.
const TOMBSTONE: &[u8] = b"\xF7\0deleted";

/// Longer than anybody takes from reading the old backend to writing the new one.
const REST: Duration = Duration::from_secs(60);

/// Two backends, the new one first: for moving from one server to another.
///
/// Reads go to the new one, then to the old one. What that gave is copied to the new one, with the time it
/// has left. Writes go to the new one, and whatever is set or deleted is deleted in the old one. An old
/// backend that is down is a miss; deleting and clearing then tell of it, as others may read it yet. When
/// everything of use has been copied, or has expired, leave the old one out: the new one has the same keys
/// and values as without this.
///
/// For more than two, the old one is a `Fallback` itself. All who write must go through it: what is stored
/// in the old backend by others is seen until there is something in the new one.
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
    /// The new one, and the one to fall back to.
    pub fn new((new, old): (N, O)) -> Self {
        Self { new, old }
    }
}

/// Where it stands about which keys the old backend is not to be believed.
fn marks(namespace: &str) -> String {
    format!("{namespace}\0deleted in the old one")
}

fn is_tombstone(found: &Stored) -> bool {
    found.value == TOMBSTONE
}

macro_rules! falls_back {
    ($Backend:ident, $CompareAndSwap:ident, [$($bound:tt)*] [$($fn:tt)*] $($await:tt)*) => {
        impl<N: $CompareAndSwap $($bound)*, O: $Backend $($bound)*> $Backend for Fallback<N, O> {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                let Self { new, old } = self;
                let (found, version) = new.look(namespace, key)$($await)*?;
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
                match new.swap(namespace, key, &version, &found.value, found.ttl)$($await)* {
                    Ok(true) => {
                        if let Ok(Some(_)) = old.get(namespace, key)$($await)* {
                            return Ok(Some(found));
                        }
                        // It was taken from under us: what we have brought is to go, what others have is not.
                        let (brought, version) = new.look(namespace, key)$($await)*?;
                        if brought.is_some_and(|brought| brought.value == found.value) {
                            new.swap(namespace, key, &version, TOMBSTONE, Some(REST))$($await)*?;
                        }
                        Ok(None)
                    }
                    // Somebody was faster, and may know better.
                    Ok(false) => {
                        let found = new.get(namespace, key)$($await)*?;
                        Ok(found.filter(|found| !is_tombstone(found)))
                    }
                    // It was found all the same.
                    Err(_) => Ok(Some(found)),
                }
            }

            /// Each backend is asked once for all; what is to be copied, or is marked, then goes the way of one.
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
                let (found, version) = new.look(namespace, key)$($await)*?;
                if found.is_some_and(|found| !is_tombstone(&found)) {
                    return Ok(false);
                }
                new.swap(namespace, key, &version, value, Some(ttl))$($await)*
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                let Self { new, old } = self;
                let in_old = old.delete(namespace, key)$($await)*;
                if in_old.is_err() {
                    new.set(&marks(namespace), key, TOMBSTONE, None)$($await)*?;
                }
                let in_new = new.get(namespace, key)$($await)*?.is_some_and(|found| !is_tombstone(&found));
                new.set(namespace, key, TOMBSTONE, Some(REST))$($await)*?;
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
                let is_told = self.new.watch(namespace, sink.clone());
                // What was found in the old one is mostly copied to the new one, but not where that failed.
                if is_told {
                    self.old.watch(namespace, sink);
                }
                is_told
            }
        }
    };
}

falls_back! { Backend, CompareAndSwap, [] [fn] }
falls_back! { AsyncBackend, AsyncCompareAndSwap, [+ Sync] [async fn] .await }
