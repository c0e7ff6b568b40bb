//! Two backends in layers: copies of a far one's entries in a near one.
//!
//! Invariant: a copy of what the far backend held before a change is not found in the near one after the change. It is
//! stored there only by the lease of a lookup that came before the far backend was asked; and a change is made in the
//! far backend first and then ends the leases in the near one, together with the copy. So either the lease ends, or the
//! far backend was asked after the change.
//!
//! Changes that do not pass through this type are not noticed: a copy is found for a limited time.

mod near_copy;
mod token;

use std::time::{Duration, Instant};

use lru_core::backend::{
    AsyncBackend, Backend, BackendError, CircuitState, InvalidationSink, Item, Lease, LeasedItem, Leases,
    Lookup, LookupOptions, Permission, Stored, TagKey, TagNonces,
};

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
use near_copy::{Life, read, written};
use token::Token;

/// The time for which a copy is found by default.
const NEAR_TTL: Duration = Duration::from_secs(5);

/// Two backends in layers: a near one that holds copies, in memory or on disk, of the entries of a far one, on a
/// server.
///
/// * A lookup asks the near backend, then the far one. What it finds there it copies to the near one, with the
///   remaining time to live. A failing near backend is passed over; put it into a [`CircuitBreaker`](crate::CircuitBreaker)
///   if it is a server.
/// * A change goes to the far backend first, then to the near one. It returns `Ok` if both have carried it out.
/// * **Other processes.** A change that is made elsewhere is not noticed: a copy is found for five seconds, or
///   [`near_ttl`](Self::near_ttl), in addition to the `front_ttl` of a function. Changes are not
///   [reported](Backend::watch) either, since a report would come before the near copy is gone.
/// * **Tags.** Their nonces are read from the far backend with each lookup, also if a near copy is found: what was invalidated
///   elsewhere is not found. So a hit of a function with `tags` or `depends` takes a round trip to the far backend.
/// * Leases are those of the far backend, over which the results of functions are stored. A near copy is stored by a
///   lease of the near backend, so both need to give leases: the far one for results that are not overwritten by older ones,
///   the near one to have any copies.
/// * **Order.** Put `Compressed` and `Encrypted` around the far backend, not around the layers: what is
///   found near is then neither decompressed nor decrypted. A near file that is not to hold plain values needs an `Encrypted` of its
///   own. Leases pass through either way.
/// * For three layers, let the far backend be a `Layered` itself.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use lru_backends::{Layered, memory};
/// use lru_core::backend::{Backend, BackendError};
///
/// # let server = || memory(1 << 30);
/// # let file = || memory(1 << 25);
/// // Memory, then a file, then a server.
/// let layers = Layered::new((memory(1 << 20), Layered::new((file(), server()))));
/// layers.set("squares", b"12", b"144", Some(Duration::from_secs(60)))?;
/// assert_eq!(layers.get("squares", b"12")?.map(|found| found.value), Some(b"144".to_vec()));
/// # Ok::<(), BackendError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Layered<N, F> {
    near: N,
    far: F,
    near_ttl: Duration,
}

impl<N, F> Layered<N, F> {
    /// Puts the first backend of the pair, the near one, before the second, the far one.
    pub fn new((near, far): (N, F)) -> Self {
        Self { near, far, near_ttl: NEAR_TTL }
    }

    /// Sets for how long a copy in the near backend is found at most, after which the far one is asked again: five
    /// seconds by default.
    ///
    /// That bounds how long an entry is found here that another process has changed. If entries are never changed before
    /// they expire, [`Duration::MAX`] keeps their copies as long.
    #[must_use]
    pub fn near_ttl(mut self, ttl: Duration) -> Self {
        self.near_ttl = ttl;
        self
    }

    /// Returns how long copies are found of what the far backend is asked for now.
    fn life(&self) -> Life {
        Life { asked: Instant::now(), near_ttl: self.near_ttl }
    }
}

impl<N, F: Leases> Leases for Layered<N, F> {}

macro_rules! layered {
    ($Backend:ident, $CompareAndSwap:ident, $copy_over:ident, $layer:ident, $copy_stored:ident, $remove:ident,
     [$($bound:tt)*] [$($fn:tt)*] $($await:tt)*) => {
        impl<N: $Backend $($bound)*, F: $Backend $($bound)*> Layered<N, F> {
            /// Stores a copy over what the near lease was given for, and returns the lease over the copy. If
            /// nothing is to be copied, none remains.
            $($fn)* $copy_over(
                &self,
                namespace: &str,
                key: &[u8],
                near: &Lease,
                copy: Option<(Vec<u8>, Option<Duration>)>,
            ) -> Option<Lease> {
                let Some((bytes, ttl)) = copy else {
                    _ = self.near.end_lease(namespace, key, near)$($await)*;
                    return None;
                };
                // A copy that fails costs a lookup later. Until then, the older one is found that there may be.
                self.near.set_leased(namespace, key, near, &bytes, ttl)$($await)*.ok().flatten()
            }

            /// Completes a lookup of the far backend: copies what was found over what the near lease was given for.
            $($fn)* $layer(
                &self,
                namespace: &str,
                key: &[u8],
                near: Option<Lease>,
                looked: Lookup,
                life: Life,
            ) -> Lookup {
                let Some(near) = near else {
                    let Lookup { found, permission, is_unreadable, .. } = looked;
                    let permission = Token::permission(permission, None);
                    return Lookup::new(found).permission(permission).unreadable(is_unreadable);
                };
                match looked {
                    Lookup { found: Some(found), permission, .. } => {
                        let copy = written(&permission, &found.value, found.ttl, life);
                        let near = self.$copy_over(namespace, key, &near, copy)$($await)*;
                        Lookup::new(found).permission(Token::permission(permission, near))
                    }
                    Lookup { permission: Permission::Leased(far), is_unreadable, .. } => {
                        let permission = Token::permission(Permission::Leased(far), Some(near));
                        Lookup::new(None).permission(permission).unreadable(is_unreadable)
                    }
                    // No result will be stored by the near lease.
                    other => {
                        self.$remove(namespace, key, Some(&near))$($await)*;
                        other
                    }
                }
            }

            /// Copies what was stored over the near lease, if it was: `far` is the lease over it.
            $($fn)* $copy_stored(
                &self,
                namespace: &str,
                item: Item<'_>,
                near: Option<Lease>,
                far: Option<Lease>,
                life: Life,
            ) -> Option<Lease> {
                let (Some(far), Some(near)) = (far.as_ref(), near.as_ref()) else {
                    // The copy that there may be is of what has been replaced.
                    self.$remove(namespace, item.key, near.as_ref())$($await)*;
                    return far.map(|far| Token { far, near: None }.lease());
                };
                let copy = written(&Permission::Leased(far.clone()), item.value, item.ttl, life);
                let near = self.$copy_over(namespace, item.key, near, copy)$($await)*;
                if near.is_none() {
                    // Another lookup may have copied what this call has replaced.
                    self.$remove(namespace, item.key, None)$($await)*;
                }
                Some(Token { far: far.clone(), near }.lease())
            }

            /// Removes the copy over which a near lease was given, or any.
            $($fn)* $remove(&self, namespace: &str, key: &[u8], near: Option<&Lease>) {
                _ = match near {
                    Some(lease) => self.near.end_lease(namespace, key, lease)$($await)*,
                    None => self.near.delete(namespace, key)$($await)*.map(drop),
                };
            }
        }

        impl<N: $Backend $($bound)*, F: $Backend $($bound)*> $Backend for Layered<N, F> {
            /// Does not copy what it finds, as it leaves no lease.
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                let copy = self.near.get(namespace, key)$($await)*.unwrap_or_default();
                match copy.as_ref().and_then(read) {
                    Some((_, stored)) => Ok(Some(stored)),
                    None => self.far.get(namespace, key)$($await)*,
                }
            }

            /// One round trip to each backend.
            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                let copies = self.near.get_many(namespace, keys)$($await)*.unwrap_or_default();
                let mut all: Vec<_> = copies.iter().map(|copy| Some(read(copy.as_ref()?)?.1)).collect();
                all.resize(keys.len(), None);
                let missing: Vec<usize> = (0..keys.len()).filter(|at| all[*at].is_none()).collect();
                if !missing.is_empty() {
                    let absent: Vec<&[u8]> = missing.iter().map(|at| keys[*at]).collect();
                    let found = self.far.get_many(namespace, &absent)$($await)*?;
                    for (at, found) in missing.into_iter().zip(found) {
                        all[at] = found;
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
                let done = self.far.set(namespace, key, value, ttl)$($await)*;
                self.near.delete(namespace, key)$($await)*.and(done)
            }

            $($fn)* set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
                let done = self.far.set_many(namespace, items)$($await)*;
                let keys: Vec<&[u8]> = items.iter().map(|item| item.key).collect();
                self.near.delete_many(namespace, &keys)$($await)*.and(done)
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let done = self.far.add(namespace, key, value, ttl)$($await)*;
                self.near.delete(namespace, key)$($await)*.and(done)
            }

            $($fn)* get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
            ) -> Result<Lookup, BackendError> {
                // A copy lives for the time that the entry has left.
                let options = options.with_ttl();
                let (copy, near) = match self.near.get_or_lease(namespace, key, options)$($await)* {
                    Ok(Lookup { found, permission: Permission::Leased(lease), .. }) => (found, Some(lease)),
                    Ok(Lookup { found, .. }) => (found, None),
                    Err(_) => (None, None),
                };
                if let Some((far, stored)) = copy.as_ref().and_then(read) {
                    return Ok(Lookup::new(stored).permission(Token::permission(far, near)));
                }
                let life = self.life();
                match self.far.get_or_lease(namespace, key, options)$($await)* {
                    Ok(looked) => Ok(self.$layer(namespace, key, near, looked, life)$($await)*),
                    Err(error) => {
                        // No result will be stored by the near lease.
                        if let Some(near) = &near {
                            self.$remove(namespace, key, Some(near))$($await)*;
                        }
                        Err(error)
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
                let Some(Token { far, near }) = Token::read(lease) else { return Ok(None) };
                let life = self.life();
                let stored = self.far.set_leased(namespace, key, &far, value, ttl)$($await)*;
                let item = Item::new(key, value).ttl(ttl);
                let copied = stored.as_ref().ok().cloned().flatten();
                let over = self.$copy_stored(namespace, item, near, copied, life)$($await)*;
                stored.map(|_| over)
            }

            /// One round trip to the far backend, and to the near one; copies are stored one by one.
            $($fn)* get_or_lease_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
                options: LookupOptions,
            ) -> Result<Vec<Lookup>, BackendError> {
                let options = options.with_ttl();
                let mut near = self.near.get_or_lease_many(namespace, keys, options)$($await)*.unwrap_or_default();
                near.resize_with(keys.len(), Lookup::default);
                let (mut all, mut leases, mut missing) = (Vec::with_capacity(keys.len()), Vec::new(), Vec::new());
                for (at, Lookup { found, permission, .. }) in near.into_iter().enumerate() {
                    let near = if let Permission::Leased(lease) = permission { Some(lease) } else { None };
                    if let Some((far, stored)) = found.as_ref().and_then(read) {
                        all.push(Lookup::new(stored).permission(Token::permission(far, near)));
                    } else {
                        all.push(Lookup::default());
                        leases.push(near);
                        missing.push(at);
                    }
                }
                if missing.is_empty() {
                    return Ok(all);
                }
                let absent: Vec<&[u8]> = missing.iter().map(|at| keys[*at]).collect();
                let life = self.life();
                let mut looked = match self.far.get_or_lease_many(namespace, &absent, options)$($await)* {
                    Ok(looked) => looked,
                    Err(error) => {
                        // No results will be stored by the near leases.
                        for (key, near) in absent.iter().zip(&leases) {
                            if near.is_some() {
                                self.$remove(namespace, key, near.as_ref())$($await)*;
                            }
                        }
                        return Err(error);
                    }
                };
                looked.resize_with(absent.len(), || Lookup::default().permission(Permission::Denied));
                for ((at, near), looked) in missing.into_iter().zip(leases).zip(looked) {
                    all[at] = self.$layer(namespace, keys[at], near, looked, life)$($await)*;
                }
                Ok(all)
            }

            /// One round trip to the far backend; copies are stored one by one.
            $($fn)* set_leased_many(
                &self,
                namespace: &str,
                items: &[LeasedItem<'_>],
            ) -> Result<Vec<Option<Lease>>, BackendError> {
                let tokens: Vec<_> = items.iter().map(|item| Token::read(item.lease)).collect();
                let of_far: Vec<_> = items
                    .iter()
                    .zip(&tokens)
                    .filter_map(|(one, token)| Some(LeasedItem::new(one.item, &token.as_ref()?.far)))
                    .collect();
                let life = self.life();
                let stored = self.far.set_leased_many(namespace, &of_far)$($await)*;
                let mut stored_far = stored.as_deref().unwrap_or_default().iter().cloned();
                let mut all = Vec::with_capacity(items.len());
                for (one, token) in items.iter().zip(tokens) {
                    let over = match token {
                        Some(Token { near, .. }) => {
                            let far = stored_far.next().flatten();
                            self.$copy_stored(namespace, one.item, near, far, life)$($await)*
                        }
                        None => None,
                    };
                    all.push(over);
                }
                stored.map(|_| all)
            }

            $($fn)* put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                let done = self.far.put(namespace, key, value, ttl)$($await)*;
                self.near.delete(namespace, key)$($await)*?;
                Ok(done?.map(|far| Token { far, near: None }.lease()))
            }

            $($fn)* renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let Some(Token { far, near }) = Token::read(lease) else { return Ok(false) };
                let is_valid = self.far.renew_lease(namespace, key, &far, ttl)$($await)*?;
                if let (true, Some(near)) = (is_valid, near) {
                    // Without it there will be no copy.
                    _ = self.near.renew_lease(namespace, key, &near, ttl)$($await)*;
                }
                Ok(is_valid)
            }

            $($fn)* end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
                let Some(Token { far, near }) = Token::read(lease) else { return Ok(()) };
                let done = self.far.end_lease(namespace, key, &far)$($await)*;
                self.$remove(namespace, key, near.as_ref())$($await)*;
                done
            }

            $($fn)* renew_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
                ttl: Duration,
            ) -> Result<Vec<bool>, BackendError> {
                let tokens: Vec<_> = leases.iter().map(|(key, lease)| Some((*key, Token::read(lease)?))).collect();
                let of_far: Vec<_> = tokens.iter().flatten().map(|(key, token)| (*key, &token.far)).collect();
                let mut valid = self.far.renew_leases(namespace, &of_far, ttl)$($await)*?.into_iter();
                let mut all = Vec::with_capacity(leases.len());
                for token in &tokens {
                    let is_valid = token.is_some() && valid.next() == Some(true);
                    if let (true, Some((key, Token { near: Some(near), .. }))) = (is_valid, token) {
                        // Without it there will be no copy.
                        _ = self.near.renew_lease(namespace, key, near, ttl)$($await)*;
                    }
                    all.push(is_valid);
                }
                Ok(all)
            }

            $($fn)* end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
                let tokens: Vec<_> = leases.iter().filter_map(|(key, lease)| Some((*key, Token::read(lease)?))).collect();
                let of_far: Vec<_> = tokens.iter().map(|(key, token)| (*key, &token.far)).collect();
                let done = self.far.end_leases(namespace, &of_far)$($await)*;
                for (key, token) in &tokens {
                    self.$remove(namespace, key, token.near.as_ref())$($await)*;
                }
                done
            }

            /// Those of the far backend: a near copy of one would be found after the tag was invalidated.
            $($fn)* tag_nonces(&self, tags: &[TagKey], life: Option<Duration>) -> Result<TagNonces, BackendError> {
                self.far.tag_nonces(tags, life)$($await)*
            }

            $($fn)* invalidate_tags(&self, tags: &[TagKey]) -> Result<(), BackendError> {
                self.far.invalidate_tags(tags)$($await)*
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                let done = self.far.delete(namespace, key)$($await)*;
                self.near.delete(namespace, key)$($await)*.and(done)
            }

            $($fn)* delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
                let done = self.far.delete_many(namespace, keys)$($await)*;
                self.near.delete_many(namespace, keys)$($await)*.and(done)
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                let done = self.far.clear(namespace)$($await)*;
                self.near.clear(namespace)$($await)*.and(done)
            }

            $($fn)* check(&self) -> Result<(), BackendError> {
                let done = self.far.check()$($await)*;
                self.near.check()$($await)*.and(done)
            }

            /// The worse state of both backends.
            fn circuit_state(&self) -> Option<CircuitState> {
                self.near.circuit_state().max(self.far.circuit_state())
            }

            /// Returns `false`: a function that drops its copy when the far backend reports a change would find the near
            /// copy next.
            fn watch(&self, _: &str, _: InvalidationSink) -> bool {
                false
            }
        }

        impl<N: $Backend $($bound)*, F: $CompareAndSwap $($bound)*> $CompareAndSwap for Layered<N, F> {
            type Version = F::Version;

            /// Asks the far backend only.
            $($fn)* get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Self::Version), BackendError> {
                self.far.get_versioned(namespace, key)$($await)*
            }

            $($fn)* compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Self::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                let done = self.far.compare_and_swap(namespace, key, version, value, ttl)$($await)*;
                self.near.delete(namespace, key)$($await)*.and(done)
            }
        }
    };
}

layered! { Backend, CompareAndSwap, copy_over, layer, copy_stored, remove, [] [fn] }
layered! { AsyncBackend, AsyncCompareAndSwap, copy_over_async, layer_async, copy_stored_async, remove_async, [+ Sync] [async fn] .await }

#[cfg(test)]
mod tests;
