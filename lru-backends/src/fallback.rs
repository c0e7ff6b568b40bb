//! Migration from one backend to another while both are in use.
//!
//! Invariant: once an entry was set or deleted, its older value in the old backend is not found any more.
//!
//! * A change is made in the old backend first: a set or a delete deletes the entry there. If that fails, a mark in the new
//!   backend says that the old entry of this key is invalid; the next lookup that finds the mark deletes the old entry.
//! * An entry found in the old backend is copied to the new one by a lease, which a lookup there gave before the old
//!   backend was read. So a change ends the lease if the old entry was read before it, and the copy does not undo the
//!   change. A new backend that gives no leases receives no copies.
//! * A deleted entry leaves a tombstone among the marks for a while, for clients that write to the old backend late.
//! * Marks cannot be read while the new backend is down. The old one is then read alone, unless this process knows
//!   that there was a mark.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use lru_core::backend::{
    AsyncBackend, Backend, BackendError, CircuitState, InvalidationSink, Item, Lease, LeasedItem, Leases,
    Lookup, LookupOptions, Permission, Stored, TagKey, TagNonces,
};

/// The mark of a key whose old entry could not be deleted.
const MARK: &[u8] = b"\xF7\0invalid";

/// The mark of a key that was deleted, also in the old backend.
const TOMBSTONE: &[u8] = b"\xF7\0deleted";

/// The time to live of a tombstone: longer than any client takes from reading a backend to writing it.
const TOMBSTONE_TTL: Duration = Duration::from_secs(60);

/// How long the lease of a copy lasts: longer than reading the old backend takes.
const COPY_LEASE: Duration = Duration::from_secs(5);

/// A migration from an old backend to a new one, with both in use.
///
/// * A lookup queries the new backend, then the old one. An entry found in the old backend is copied to the
///   new one, with its remaining time to live.
/// * A write deletes the entry in the old backend, and goes to the new one.
/// * While the old backend is down, its entries are misses. Deleting and clearing then return the error, because other
///   clients may still read the old backend.
/// * While the new backend is down, the entries of the old one are found, and other lookups and all writes return
///   the error. An entry that was set while the old backend was down may then be found with its older value by a process
///   that has not set it.
/// * Once every useful entry has been copied or has expired, drop the old backend: the new one holds the keys
///   and values that it would hold without the migration.
/// * Nonces of tags are those of the new backend, so results with tags are not taken over from the old one. A tag is invalidated
///   in both.
/// * Leases are those of the new backend. If it gives none, no entry is copied.
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
    /// Whether this process has set or found a mark of an old entry that could not be deleted.
    has_marks: Arc<AtomicBool>,
}

impl<N, O> Fallback<N, O> {
    /// Creates a migration to `new` from `old`. The new backend is the first of the pair.
    pub fn new((new, old): (N, O)) -> Self {
        Self { new, old, has_marks: Arc::default() }
    }
}

impl<N: Leases, O> Leases for Fallback<N, O> {}

/// Returns the namespace of the marks: keys whose old entries are invalid.
fn marks(namespace: &str) -> String {
    format!("{namespace}\0deleted in the old one")
}

/// Returns the marks of these keys.
fn marked<'a>(keys: &[&'a [u8]], mark: &'a [u8], ttl: Option<Duration>) -> Vec<Item<'a>> {
    keys.iter().map(|key| Item::new(key, mark).ttl(ttl)).collect()
}

macro_rules! with_fallback {
    (
        $Backend:ident, $alone:ident, $unmarked:ident, $copied:ident, $invalidate:ident,
        $invalidate_many:ident,
        [$($bound:tt)*] [$($fn:tt)*] $($await:tt)*
    ) => {
        impl<N: $Backend $($bound)*, O: $Backend $($bound)*> Fallback<N, O> {
            /// Looks up the old backend after the new one has failed.
            $($fn)* $alone(
                &self,
                namespace: &str,
                key: &[u8],
                failed: BackendError,
            ) -> Result<Option<Stored>, BackendError> {
                if self.has_marks.load(Relaxed) {
                    return Err(failed);
                }
                match self.old.get(namespace, key)$($await)* {
                    Ok(Some(found)) => Ok(Some(found)),
                    _ => Err(failed),
                }
            }

            /// Looks up the old backend, whose entry may be marked as invalid. If it is down, it has no entry.
            $($fn)* $unmarked(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                let Self { new, old, has_marks } = self;
                let marks = marks(namespace);
                if let Some(mark) = new.get(&marks, key)$($await)*? {
                    if mark.value == MARK {
                        has_marks.store(true, Relaxed);
                    }
                    if old.delete(namespace, key)$($await)*.is_ok() {
                        new.delete(&marks, key)$($await)*?;
                    }
                    return Ok(None);
                }
                Ok(old.get(namespace, key)$($await)*.unwrap_or_default())
            }

            /// Completes a lookup of the new backend that found nothing: looks up the old one, and copies its entry.
            $($fn)* $copied(
                &self,
                namespace: &str,
                key: &[u8],
                looked: Lookup,
                options: LookupOptions,
            ) -> Result<Lookup, BackendError> {
                let Some(found) = self.$unmarked(namespace, key)$($await)*? else { return Ok(looked) };
                let Permission::Leased(held) = &looked.permission else {
                    return Ok(Lookup::new(found).permission(looked.permission));
                };
                match self.new.set_leased(namespace, key, held, &found.value, found.ttl)$($await)* {
                    Ok(Some(over)) => Ok(Lookup::new(found).permission(Permission::Leased(over))),
                    // Another client has changed or copied the entry: what the new backend has now is newer.
                    Ok(None) => self.new.get_or_lease(namespace, key, options)$($await)*,
                    // The copy failed, but the entry was found.
                    Err(_) => Ok(Lookup::new(found).permission(Permission::Denied)),
                }
            }

            /// Deletes the entry in the old backend; if that fails, marks it as invalid in the new one.
            $($fn)* $invalidate(&self, namespace: &str, key: &[u8]) -> Result<Result<bool, BackendError>, BackendError> {
                let deleted = self.old.delete(namespace, key)$($await)*;
                if deleted.is_err() {
                    self.has_marks.store(true, Relaxed);
                    self.new.set(&marks(namespace), key, MARK, None)$($await)*?;
                }
                Ok(deleted)
            }

            /// Like the above, for several entries: if any cannot be deleted, all are marked.
            $($fn)* $invalidate_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
            ) -> Result<Result<Vec<bool>, BackendError>, BackendError> {
                let deleted = self.old.delete_many(namespace, keys)$($await)*;
                if deleted.is_err() {
                    self.has_marks.store(true, Relaxed);
                    self.new.set_many(&marks(namespace), &marked(keys, MARK, None))$($await)*?;
                }
                Ok(deleted)
            }
        }

        impl<N: $Backend $($bound)*, O: $Backend $($bound)*> $Backend for Fallback<N, O> {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                match self.new.get(namespace, key)$($await)* {
                    Ok(Some(found)) => return Ok(Some(found)),
                    Ok(None) => {}
                    Err(failed) => return self.$alone(namespace, key, failed)$($await)*,
                }
                // A lease is left only if there is an entry to be copied.
                match self.$unmarked(namespace, key)$($await)*? {
                    Some(_) => Ok($Backend::get_or_lease(self, namespace, key, COPY_LEASE.into())$($await)*?.found),
                    None => Ok(None),
                }
            }

            /// Looks up all keys in each backend at once. Entries to be copied, and marked ones, are then
            /// looked up singly.
            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                let Self { new, old, has_marks } = self;
                let mut all = match new.get_many(namespace, keys)$($await)* {
                    Ok(all) => all,
                    Err(failed) if has_marks.load(Relaxed) => return Err(failed),
                    Err(failed) => {
                        let in_old = old.get_many(namespace, keys)$($await)*.unwrap_or_default();
                        let is_whole = in_old.len() == keys.len() && in_old.iter().all(Option::is_some);
                        return if is_whole { Ok(in_old) } else { Err(failed) };
                    }
                };
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
                Ok(all)
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                _ = self.$invalidate(namespace, key)$($await)*?;
                self.new.set(namespace, key, value, ttl)$($await)*
            }

            /// Deletes the entries in the old backend at once, and sets those in the new one at once.
            $($fn)* set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
                let keys: Vec<&[u8]> = items.iter().map(|item| item.key).collect();
                _ = self.$invalidate_many(namespace, &keys)$($await)*?;
                self.new.set_many(namespace, items)$($await)*
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                if self.get(namespace, key)$($await)*?.is_some() {
                    return Ok(false);
                }
                self.new.add(namespace, key, value, ttl)$($await)*
            }

            $($fn)* get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
            ) -> Result<Lookup, BackendError> {
                match self.new.get_or_lease(namespace, key, options)$($await)* {
                    Ok(looked) if looked.found.is_some() => Ok(looked),
                    Ok(looked) => self.$copied(namespace, key, looked, options)$($await)*,
                    Err(failed) => {
                        let found = self.$alone(namespace, key, failed)$($await)*?;
                        Ok(Lookup::new(found).permission(Permission::Denied))
                    }
                }
            }

            $($fn)* set_leased(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                _ = self.$invalidate(namespace, key)$($await)*?;
                self.new.set_leased(namespace, key, lease, value, ttl)$($await)*
            }

            $($fn)* put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                _ = self.$invalidate(namespace, key)$($await)*?;
                self.new.put(namespace, key, value, ttl)$($await)*
            }

            $($fn)* renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                self.new.renew_lease(namespace, key, lease, ttl)$($await)*
            }

            $($fn)* end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
                self.new.end_lease(namespace, key, lease)$($await)*
            }

            /// Looks up all keys in each backend at once. Entries to be copied, and marked ones, are then looked up singly.
            $($fn)* get_or_lease_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
                options: LookupOptions,
            ) -> Result<Vec<Lookup>, BackendError> {
                let mut all = match self.new.get_or_lease_many(namespace, keys, options)$($await)* {
                    Ok(all) => all,
                    Err(failed) => {
                        let found = $Backend::get_many(self, namespace, keys)$($await)*.map_err(|_| failed)?;
                        let alone = |found: Option<Stored>| Lookup::new(found).permission(Permission::Denied);
                        return Ok(found.into_iter().map(alone).collect());
                    }
                };
                let is_missing = |at: &usize| all.get(*at).is_some_and(|looked| looked.found.is_none());
                let missing: Vec<usize> = (0..keys.len()).filter(is_missing).collect();
                if !missing.is_empty() {
                    let absent: Vec<&[u8]> = missing.iter().map(|at| keys[*at]).collect();
                    let marked = self.new.get_many(&marks(namespace), &absent)$($await)*?;
                    let in_old = self.old.get_many(namespace, &absent)$($await)*.unwrap_or_default();
                    for (n, at) in missing.into_iter().enumerate() {
                        if [&marked, &in_old].iter().any(|all| all.get(n).is_some_and(Option::is_some)) {
                            let looked = core::mem::take(&mut all[at]);
                            all[at] = self.$copied(namespace, keys[at], looked, options)$($await)*?;
                        }
                    }
                }
                Ok(all)
            }

            /// Deletes the entries in the old backend at once, and sets those in the new one at once.
            $($fn)* set_leased_many(
                &self,
                namespace: &str,
                items: &[LeasedItem<'_>],
            ) -> Result<Vec<Option<Lease>>, BackendError> {
                let keys: Vec<&[u8]> = items.iter().map(|item| item.item.key).collect();
                _ = self.$invalidate_many(namespace, &keys)$($await)*?;
                self.new.set_leased_many(namespace, items)$($await)*
            }

            $($fn)* renew_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
                ttl: Duration,
            ) -> Result<Vec<bool>, BackendError> {
                self.new.renew_leases(namespace, leases, ttl)$($await)*
            }

            $($fn)* end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
                self.new.end_leases(namespace, leases)$($await)*
            }

            /// Those of the new backend: the nonces of the old one may be from before it was last down.
            $($fn)* tag_nonces(&self, tags: &[TagKey], life: Option<Duration>) -> Result<TagNonces, BackendError> {
                self.new.tag_nonces(tags, life)$($await)*
            }

            /// In both backends: other clients may still read the old one.
            $($fn)* invalidate_tags(&self, tags: &[TagKey]) -> Result<(), BackendError> {
                let in_old = self.old.invalidate_tags(tags)$($await)*;
                self.new.invalidate_tags(tags)$($await)*.and(in_old)
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                let in_old = self.$invalidate(namespace, key)$($await)*?;
                if in_old.is_ok() {
                    self.new.set(&marks(namespace), key, TOMBSTONE, Some(TOMBSTONE_TTL))$($await)*?;
                }
                let in_new = self.new.delete(namespace, key)$($await)*?;
                Ok(in_old? || in_new)
            }

            $($fn)* delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
                let in_old = self.$invalidate_many(namespace, keys)$($await)*?;
                if in_old.is_ok() {
                    let tombstones = marked(keys, TOMBSTONE, Some(TOMBSTONE_TTL));
                    self.new.set_many(&marks(namespace), &tombstones)$($await)*?;
                }
                let in_new = self.new.delete_many(namespace, keys)$($await)*?;
                Ok(in_new.into_iter().zip(in_old?).map(|(new, old)| new || old).collect())
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                let Self { new, old, .. } = self;
                let in_old = old.clear(namespace)$($await)*;
                new.clear(namespace)$($await)*?;
                in_old?;
                new.clear(&marks(namespace))$($await)*
            }

            /// Checks both backends.
            $($fn)* check(&self) -> Result<(), BackendError> {
                let new = self.new.check()$($await)*;
                new.and(self.old.check()$($await)*)
            }

            /// The worse state of both backends.
            fn circuit_state(&self) -> Option<CircuitState> {
                self.new.circuit_state().max(self.old.circuit_state())
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

with_fallback! { Backend, alone, unmarked, copied, invalidate, invalidate_many, [] [fn] }
with_fallback! {
    AsyncBackend, alone_async, unmarked_async, copied_async, invalidate_async, invalidate_many_async,
    [+ Sync] [async fn] .await
}
