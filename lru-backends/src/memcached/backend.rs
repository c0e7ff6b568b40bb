//! The backend traits, for blocking and for async functions.

use std::time::{Duration, SystemTime};

use lru_core::backend::{
    AsyncBackend, Backend, BackendError, CircuitState, ErrorKind, Item, Lease, LeasedItem, Lookup,
    LookupOptions, Permission, Stored, TAGS, TagKey, TagNonce, TagNonces, TaggedLookup, tags_to_read,
};

use super::client::{Operation, Retry, is_closed};
use super::item::{self, Generation};
use super::lease::{self, MAX_LOOKS, Seen, Token};
use super::protocol::{self, Flags, If, Reply};
use super::{MAX_KEYS, Memcached, Version, found, found_of, generation_in, opened, rejected};
use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
use crate::error::ClientError;

/// Returns whether there was an entry that is deleted, from the replies to both requests.
fn was_there(
    entry: Reply,
    deleted: Reply,
    generation: Option<Generation>,
    namespace: &str,
    key: &[u8],
) -> Result<bool, ClientError> {
    match (entry, deleted) {
        (Reply::Value { value, flags }, Reply::Done(_)) => {
            Ok(opened(&value, flags, generation, namespace, key).is_some())
        }
        (_, Reply::Done(_) | Reply::Missing) => Ok(false),
        (_, other) => Err(rejected(other)),
    }
}

macro_rules! backend_by_memcached {
    ($Backend:ident, $CompareAndSwap:ident, $send:ident, $send_all:ident, $generation:ident, $look:ident, $look_all:ident, $replace:ident, $store:ident, $store_all:ident, $store_over:ident, $store_all_over:ident, $extend:ident, $extend_all:ident, [$($fn:tt)*] $($await:tt)*) => {
        impl Memcached {
            $($fn)* $send<const N: usize>(&self, operation: &Operation, requests: &[u8], retry: Retry) -> Result<[Reply; N], ClientError> {
                let replies = self.$send_all(operation, requests, N, retry)$($await)*?;
                replies.try_into().map_err(|_| ClientError::answered(ErrorKind::Protocol, "wrong number of replies"))
            }

            /// Returns the generation of a namespace, and creates it if there is none.
            $($fn)* $generation(&self, operation: &Operation, namespace: &str) -> Result<Generation, ClientError> {
                let key = self.generation_key(namespace);
                let [reply] = self.$send(operation, &protocol::get(&key), Retry::Allowed)$($await)*?;
                let only = match reply {
                    Reply::Value { value, flags } => match value.try_into() {
                        Ok(generation) => return Ok(generation),
                        Err(_) => lease::version(flags).map_or(If::Any, If::Version),
                    },
                    Reply::Missing => If::Absent,
                    other => return Err(rejected(other)),
                };
                let generation = item::new_generation();
                match self.$send(operation, &protocol::set(&key, &generation, 0, only), Retry::Allowed)$($await)*? {
                    [Reply::Done(_)] => Ok(generation),
                    // Another client created it first.
                    [Reply::Changed | Reply::Missing] => {
                        let [reply] = self.$send(operation, &protocol::get(&key), Retry::Allowed)$($await)*?;
                        generation_in(reply)?.ok_or_else(|| {
                            let message = "the server does not keep the generation of the namespace";
                            ClientError::answered(ErrorKind::Rejected, message)
                        })
                    }
                    [other] => Err(rejected(other)),
                }
            }

            /// Looks up an entry, and leaves a lease if there is none.
            $($fn)* $look(&self, operation: &Operation, namespace: &str, key: &[u8], lease: Duration) -> Result<Lookup, ClientError> {
                let entry_key = self.entry_key(namespace, key);
                let seconds = item::lease_seconds(lease);
                let requests = [
                    protocol::get(&self.generation_key(namespace)),
                    protocol::get_or_create(&entry_key, seconds),
                ].concat();
                for _ in 0..MAX_LOOKS {
                    let epoch = self.server().epoch.number();
                    let [generation, entry] = self.$send(operation, &requests, Retry::Allowed)$($await)*?;
                    let known = generation_in(generation)?;
                    let seen = Seen::read(entry, known, namespace, key)?;
                    // Read before anything is computed, so it need not be older than the item.
                    let generation = match known {
                        Some(generation) => generation,
                        None => self.$generation(operation, namespace)$($await)*?,
                    };
                    let (flags, is_new, found) = match seen {
                        Seen::Entry(found, flags) => (flags, false, Some(found)),
                        Seen::Lease(flags) => (flags, flags.is_created, None),
                        // No lookup has created this item: the one that replaces it by a lease has won.
                        Seen::Unusable(flags) => {
                            match self.$replace(operation, &entry_key, flags, seconds)$($await)*? {
                                Some(flags) => (flags, true, None),
                                // Another client was first: its lease, or its value, is there now.
                                None => continue,
                            }
                        }
                        Seen::Nothing => return Ok(Lookup::new(None).permission(Permission::Denied)),
                    };
                    return Ok(Lookup::new(found).permission(lease::permission(flags, is_new, epoch, generation)));
                }
                Ok(Lookup::new(None).permission(Permission::Denied))
            }

            /// Looks up entries in one request, and leaves leases where there are none. An item that is no entry, and all of a
            /// namespace that has no generation, are looked up singly.
            $($fn)* $look_all(&self, operation: &Operation, namespace: &str, keys: &[&[u8]], lease: Duration) -> Result<Vec<Lookup>, ClientError> {
                let seconds = item::lease_seconds(lease);
                let mut requests = protocol::get(&self.generation_key(namespace));
                for key in keys {
                    requests.extend(protocol::get_or_create(&self.entry_key(namespace, key), seconds));
                }
                let epoch = self.server().epoch.number();
                let mut replies = self.$send_all(operation, &requests, 1 + keys.len(), Retry::Allowed)$($await)*?.into_iter();
                let known = replies.next().map_or(Ok(None), generation_in)?;
                let generation = match known {
                    Some(generation) => generation,
                    None => self.$generation(operation, namespace)$($await)*?,
                };
                let mut all = Vec::with_capacity(keys.len());
                for (key, entry) in keys.iter().zip(replies) {
                    let seen = Seen::read(entry, known, namespace, key)?;
                    all.push(match seen {
                        Seen::Entry(found, flags) => {
                            Lookup::new(found).permission(lease::permission(flags, false, epoch, generation))
                        }
                        Seen::Lease(flags) => Lookup::new(None)
                            .permission(lease::permission(flags, flags.is_created, epoch, generation)),
                        Seen::Unusable(_) => self.$look(operation, namespace, key, lease)$($await)*?,
                        Seen::Nothing => Lookup::new(None).permission(Permission::Denied),
                    });
                }
                Ok(all)
            }

            /// Replaces the item of this version by a lease, and returns the flags of the lease if it did.
            $($fn)* $replace(&self, operation: &Operation, entry_key: &str, flags: Flags, seconds: i32) -> Result<Option<Flags>, ClientError> {
                let Some(cas) = lease::version(flags) else { return Ok(Some(Flags::default())) };
                let request = protocol::set(entry_key, &[], seconds, If::Version(cas));
                match self.$send(operation, &request, Retry::Forbidden)$($await)*? {
                    [Reply::Done(flags)] => Ok(Some(flags)),
                    [Reply::Changed | Reply::Missing] => Ok(None),
                    [other] => Err(rejected(other)),
                }
            }

            /// Stores an entry under the present generation, whatever is there, and returns the lease over it.
            $($fn)* $store(
                &self,
                operation: &Operation,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, ClientError> {
                let epoch = self.server().epoch.number();
                let generation = self.$generation(operation, namespace)$($await)*?;
                let now = SystemTime::now();
                let item = item::packed(generation, namespace, key, value, ttl, now);
                let seconds = item::server_ttl(ttl, now);
                let request = protocol::set(&self.entry_key(namespace, key), &item, seconds, If::Any);
                // It is not sent twice: the first request may be carried out late, after a change that follows the second.
                match self.$send(operation, &request, Retry::Forbidden)$($await)*? {
                    [Reply::Done(flags)] => Ok(Token { cas: 0, epoch, generation }.over(flags)),
                    [other] => Err(rejected(other)),
                }
            }

            /// Stores entries under the present generation, whatever is there.
            $($fn)* $store_all(
                &self,
                operation: &Operation,
                namespace: &str,
                items: &[Item<'_>],
            ) -> Result<(), ClientError> {
                let generation = self.$generation(operation, namespace)$($await)*?;
                let now = SystemTime::now();
                let mut requests = Vec::new();
                for Item { key, value, ttl, .. } in items {
                    let item = item::packed(generation, namespace, key, value, *ttl, now);
                    let (key, seconds) = (self.entry_key(namespace, key), item::server_ttl(*ttl, now));
                    requests.extend(protocol::set(&key, &item, seconds, If::Any));
                }
                // They are not sent twice, as in `put`.
                let replies = self.$send_all(operation, &requests, items.len(), Retry::Forbidden)$($await)*?;
                let failed = replies.into_iter().find(|reply| !matches!(reply, Reply::Done(_)));
                failed.map_or(Ok(()), |reply| Err(rejected(reply)))
            }

            /// Stores an entry over the version, and under the generation, of a lookup.
            $($fn)* $store_over(
                &self,
                operation: &Operation,
                namespace: &str,
                key: &[u8],
                token: Token,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, ClientError> {
                let now = SystemTime::now();
                let item = item::packed(token.generation, namespace, key, value, ttl, now);
                let seconds = item::server_ttl(ttl, now);
                let generation_key = self.generation_key(namespace);
                let requests = [
                    protocol::set(&self.entry_key(namespace, key), &item, seconds, If::Version(token.cas)),
                    // Without its generation the entry is found by no lookup: the namespace was cleared, or the server
                    // was restarted and the version is that of another item.
                    protocol::get(&generation_key),
                ].concat();
                let [stored, generation] = match self.$send(operation, &requests, Retry::Forbidden)$($await)* {
                    Ok(replies) => replies,
                    // The server has closed the connection, as in a restart, so the lease is lost. Is the server up again?
                    Err(error) if is_closed(&error) => {
                        let [_] = self.$send(operation, &protocol::get(&generation_key), Retry::Forbidden)$($await)*?;
                        return Ok(None);
                    }
                    Err(error) => return Err(error),
                };
                match stored {
                    Reply::Done(flags) if generation_in(generation)? == Some(token.generation) => Ok(token.over(flags)),
                    Reply::Done(_) | Reply::Changed | Reply::Missing => Ok(None),
                    other => Err(rejected(other)),
                }
            }

            /// Stores entries over the versions, and under the generations, of their lookups, in one request.
            $($fn)* $store_all_over(
                &self,
                operation: &Operation,
                namespace: &str,
                items: &[(Token, Item<'_>)],
            ) -> Result<Vec<Option<Lease>>, ClientError> {
                let now = SystemTime::now();
                let mut requests = Vec::new();
                for (token, Item { key, value, ttl, .. }) in items {
                    let item = item::packed(token.generation, namespace, key, value, *ttl, now);
                    let (key, seconds) = (self.entry_key(namespace, key), item::server_ttl(*ttl, now));
                    requests.extend(protocol::set(&key, &item, seconds, If::Version(token.cas)));
                }
                // As in `store_over`: without its generation, an entry is found by no lookup.
                let generation_key = self.generation_key(namespace);
                requests.extend(protocol::get(&generation_key));
                let mut replies = match self.$send_all(operation, &requests, items.len() + 1, Retry::Forbidden)$($await)* {
                    Ok(replies) => replies,
                    Err(error) if is_closed(&error) => {
                        let [_] = self.$send(operation, &protocol::get(&generation_key), Retry::Forbidden)$($await)*?;
                        return Ok(vec![None; items.len()]);
                    }
                    Err(error) => return Err(error),
                };
                let generation = replies.pop().map_or(Ok(None), generation_in)?;
                let over = |((token, _), stored): (&(Token, Item<'_>), Reply)| match stored {
                    Reply::Done(flags) if generation == Some(token.generation) => Ok(token.over(flags)),
                    Reply::Done(_) | Reply::Changed | Reply::Missing => Ok(None),
                    other => Err(rejected(other)),
                };
                items.iter().zip(replies).map(over).collect()
            }

            /// Extends the lease with this token, if it is still there, and returns whether it is.
            $($fn)* $extend(
                &self,
                operation: &Operation,
                namespace: &str,
                key: &[u8],
                token: Token,
                ttl: Duration,
            ) -> Result<bool, ClientError> {
                let entry_key = self.entry_key(namespace, key);
                let requests = [protocol::get(&self.generation_key(namespace)), protocol::version(&entry_key)].concat();
                let [generation, entry] = self.$send(operation, &requests, Retry::Allowed)$($await)*?;
                let is_cleared = generation_in(generation)? != Some(token.generation);
                // First without a change: an entry, whether it is the one of the lease or another, keeps its time to live.
                let Some(flags) = token.flags_of(entry)?.filter(|_| !is_cleared) else { return Ok(false) };
                if flags.size != Some(0) {
                    return Ok(true);
                }
                let request = protocol::touch(&entry_key, item::lease_seconds(ttl));
                let [entry] = self.$send(operation, &request, Retry::Allowed)$($await)*?;
                Ok(token.flags_of(entry)?.is_some())
            }

            /// Like [`extend`](Self::extend), for several leases, each with the key of its item.
            $($fn)* $extend_all(
                &self,
                operation: &Operation,
                namespace: &str,
                tokens: &[&(String, Token)],
                ttl: Duration,
            ) -> Result<Vec<bool>, ClientError> {
                let mut requests = protocol::get(&self.generation_key(namespace));
                for (entry_key, _) in tokens {
                    requests.extend(protocol::version(entry_key));
                }
                let replies = self.$send_all(operation, &requests, 1 + tokens.len(), Retry::Allowed)$($await)*?;
                let mut replies = replies.into_iter();
                let generation = replies.next().map_or(Ok(None), generation_in)?;
                let (mut all, mut requests, mut touched) = (Vec::with_capacity(tokens.len()), Vec::new(), Vec::new());
                for ((entry_key, token), entry) in tokens.iter().zip(replies) {
                    let flags = token.flags_of(entry)?.filter(|_| generation == Some(token.generation));
                    // An entry keeps its time to live.
                    if flags.as_ref().is_some_and(|flags| flags.size == Some(0)) {
                        requests.extend(protocol::touch(entry_key, item::lease_seconds(ttl)));
                        touched.push(all.len());
                    }
                    all.push(flags.is_some());
                }
                if !touched.is_empty() {
                    let replies = self.$send_all(operation, &requests, touched.len(), Retry::Allowed)$($await)*?;
                    for (at, entry) in touched.into_iter().zip(replies) {
                        all[at] = tokens[at].1.flags_of(entry)?.is_some();
                    }
                }
                Ok(all)
            }
        }

        impl $Backend for Memcached {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                let operation = &self.admit()?;
                let replies = self.$send(operation, &self.generation_and_entry(namespace, key), Retry::Allowed)$($await)*;
                let found = replies.and_then(|[generation, entry]| {
                    found(entry, generation_in(generation)?, namespace, key)
                });
                self.record(found)
            }

            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                let mut all = Vec::with_capacity(keys.len());
                for keys in keys.chunks(MAX_KEYS) {
                    let operation = &self.admit()?;
                    let requests = self.generation_and_entries(namespace, keys);
                    let replies = self.$send_all(operation, &requests, 1 + keys.len(), Retry::Allowed)$($await)*;
                    let found = replies.and_then(|replies| found_of(replies, namespace, keys));
                    all.extend(self.record(found)?);
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
                $Backend::put(self, namespace, key, value, ttl)$($await)*.map(drop)
            }

            /// Two round trips for each 256 entries: the generation of the namespace, and the entries.
            $($fn)* set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
                let mut done = Ok(());
                for items in items.chunks(MAX_KEYS) {
                    let operation = &self.admit()?;
                    let stored = self.$store_all(operation, namespace, items)$($await)*;
                    done = done.and(self.record(stored));
                }
                done
            }

            $($fn)* put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                let operation = &self.admit()?;
                let done = self.$store(operation, namespace, key, value, ttl)$($await)*;
                self.record(done)
            }

            $($fn)* get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
            ) -> Result<Lookup, BackendError> {
                let operation = &self.admit()?;
                let done = self.$look(operation, namespace, key, options.lease)$($await)*;
                self.record(done)
            }

            $($fn)* set_leased(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                let Some(token) = Token::of(lease, &self.server().epoch) else { return Ok(None) };
                let operation = &self.admit()?;
                let done = self.$store_over(operation, namespace, key, token, value, ttl)$($await)*;
                self.record(done)
            }

            $($fn)* renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let Some(token) = Token::of(lease, &self.server().epoch) else { return Ok(false) };
                let operation = &self.admit()?;
                let done = self.$extend(operation, namespace, key, token, ttl)$($await)*;
                self.record(done)
            }

            $($fn)* end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
                let Some(token) = Token::of(lease, &self.server().epoch) else { return Ok(()) };
                let operation = &self.admit()?;
                let request = protocol::delete_version(&self.entry_key(namespace, key), token.cas);
                let done = match self.$send(operation, &request, Retry::Forbidden)$($await)* {
                    Ok([Reply::Done(_) | Reply::Changed | Reply::Missing]) => Ok(()),
                    Ok([other]) => Err(rejected(other)),
                    Err(error) => Err(error),
                };
                self.record(done)
            }

            /// One round trip for each 256 keys.
            $($fn)* get_or_lease_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
                options: LookupOptions,
            ) -> Result<Vec<Lookup>, BackendError> {
                let mut all = Vec::with_capacity(keys.len());
                for keys in keys.chunks(MAX_KEYS) {
                    let operation = &self.admit()?;
                    let looked = self.$look_all(operation, namespace, keys, options.lease)$($await)*;
                    all.extend(self.record(looked)?);
                }
                Ok(all)
            }

            /// One round trip for each 256 entries.
            $($fn)* set_leased_many(
                &self,
                namespace: &str,
                items: &[LeasedItem<'_>],
            ) -> Result<Vec<Option<Lease>>, BackendError> {
                let (mut all, mut done) = (Vec::with_capacity(items.len()), Ok(()));
                for items in items.chunks(MAX_KEYS) {
                    let tokens: Vec<_> = items.iter().map(|one| Token::of(one.lease, &self.server().epoch)).collect();
                    let valid: Vec<_> = items.iter().zip(&tokens).filter_map(|(one, token)| Some(((*token)?, one.item))).collect();
                    if valid.is_empty() {
                        all.extend(tokens.iter().map(|_| None));
                        continue;
                    }
                    let operation = &self.admit()?;
                    let stored = self.$store_all_over(operation, namespace, &valid)$($await)*;
                    match self.record(stored) {
                        Ok(stored) => {
                            let mut stored = stored.into_iter();
                            all.extend(tokens.iter().map(|token| token.and_then(|_| stored.next().flatten())));
                        }
                        Err(error) => done = done.and(Err(error)),
                    }
                }
                done.map(|()| all)
            }

            /// Two round trips for each 256 leases.
            $($fn)* renew_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
                ttl: Duration,
            ) -> Result<Vec<bool>, BackendError> {
                let mut all = Vec::with_capacity(leases.len());
                for leases in leases.chunks(MAX_KEYS) {
                    let token = |(key, lease): &(&[u8], &Lease)| {
                        Some((self.entry_key(namespace, key), Token::of(lease, &self.server().epoch)?))
                    };
                    let tokens: Vec<_> = leases.iter().map(token).collect();
                    let valid: Vec<_> = tokens.iter().flatten().collect();
                    let mut extended = Vec::new().into_iter();
                    if !valid.is_empty() {
                        let operation = &self.admit()?;
                        let done = self.$extend_all(operation, namespace, &valid, ttl)$($await)*;
                        extended = self.record(done)?.into_iter();
                    }
                    all.extend(tokens.iter().map(|token| token.is_some() && extended.next() == Some(true)));
                }
                Ok(all)
            }

            /// One round trip for each 256 leases.
            $($fn)* end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
                let mut done = Ok(());
                for leases in leases.chunks(MAX_KEYS) {
                    let (mut requests, mut count) = (Vec::new(), 0);
                    for (key, lease) in leases {
                        let Some(token) = Token::of(lease, &self.server().epoch) else { continue };
                        requests.extend(protocol::delete_version(&self.entry_key(namespace, key), token.cas));
                        count += 1;
                    }
                    if count == 0 {
                        continue;
                    }
                    let operation = &self.admit()?;
                    let replies = self.$send_all(operation, &requests, count, Retry::Forbidden)$($await)*;
                    let ended = replies.and_then(|replies| {
                        let is_other = |reply: &Reply| !matches!(reply, Reply::Done(_) | Reply::Changed | Reply::Missing);
                        replies.into_iter().find(is_other).map_or(Ok(()), |other| Err(rejected(other)))
                    });
                    done = done.and(self.record(ended));
                }
                done
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let (found, version) = $CompareAndSwap::get_versioned(self, namespace, key)$($await)*?;
                if found.is_some() {
                    return Ok(false);
                }
                $CompareAndSwap::compare_and_swap(self, namespace, key, &version, value, Some(ttl))$($await)*
            }

            /// A hit is one round trip, if all tags that the entry notes are asked for.
            $($fn)* get_or_lease_tagged(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
                tags: &[TagKey],
                life: Duration,
            ) -> Result<TaggedLookup, BackendError> {
                let asked = &tags[..tags.len().min(MAX_KEYS)];
                let keys: Vec<_> = asked.iter().map(|tag| tag.bytes()).collect();
                let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
                let mut requests = self.generation_and_entries(TAGS, &keys);
                requests.extend(self.generation_and_entry(namespace, key));
                let (operation, epoch) = (&self.admit()?, self.server().epoch.number());
                let replies = self.$send_all(operation, &requests, 3 + keys.len(), Retry::Allowed)$($await)*;
                let seen = self.record(replies.and_then(|replies| seen_tagged(replies, asked, &keys, (namespace, key), epoch)))?;
                let (lookup, mut nonces) = match seen {
                    (Some(lookup), nonces) => (lookup, nonces),
                    (None, _) => ($Backend::get_or_lease(self, namespace, key, options)$($await)*?, TagNonces::default()),
                };
                let mut missing = tags_to_read(tags, lookup.found.as_ref());
                missing.retain(|tag| nonces.get(*tag).is_none());
                if !missing.is_empty() {
                    let others = $Backend::tag_nonces(self, &missing, Some(life))$($await)*?;
                    others.into_iter().for_each(|(tag, nonce)| nonces.add(tag, nonce));
                }
                Ok(TaggedLookup::new(lookup, nonces))
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                let operation = &self.admit()?;
                let requests =
                    [self.generation_and_entry(namespace, key), protocol::delete(&self.entry_key(namespace, key))];
                let replies = self.$send(operation, &requests.concat(), Retry::Allowed)$($await)*;
                let done = replies.and_then(|[generation, entry, deleted]| {
                    was_there(entry, deleted, generation_in(generation)?, namespace, key)
                });
                self.record(done)
            }

            $($fn)* delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
                let (mut all, mut done) = (Vec::with_capacity(keys.len()), Ok(()));
                for keys in keys.chunks(MAX_KEYS) {
                    let operation = &self.admit()?;
                    let mut requests = self.generation_and_entries(namespace, keys);
                    for key in keys {
                        requests.extend(protocol::delete(&self.entry_key(namespace, key)));
                    }
                    let replies = self.$send_all(operation, &requests, 1 + 2 * keys.len(), Retry::Allowed)$($await)*;
                    let deleted = replies.and_then(|mut replies| {
                        let deleted = replies.split_off((1 + keys.len()).min(replies.len()));
                        let generation = replies.drain(..1).next().map_or(Ok(None), generation_in)?;
                        let replies = replies.into_iter().zip(deleted).zip(keys);
                        replies.map(|((entry, deleted), key)| was_there(entry, deleted, generation, namespace, key)).collect::<Result<Vec<_>, _>>()
                    });
                    match self.record(deleted) {
                        Ok(deleted) => all.extend(deleted),
                        Err(error) => done = done.and(Err(error)),
                    }
                }
                done.map(|()| all)
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                let operation = &self.admit()?;
                // Entries of an older generation are found by no lookup.
                let key = self.generation_key(namespace);
                let request = protocol::set(&key, &item::new_generation(), 0, If::Any);
                let done = match self.$send(operation, &request, Retry::Allowed)$($await)* {
                    Ok([Reply::Done(_)]) => Ok(()),
                    Ok([other]) => Err(rejected(other)),
                    Err(error) => Err(error),
                };
                self.record(done)
            }

            fn circuit_state(&self) -> Option<CircuitState> {
                Some(self.shared().1.state())
            }
        }

        impl $CompareAndSwap for Memcached {
            type Version = Version;

            $($fn)* get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Version), BackendError> {
                let operation = &self.admit()?;
                let looked = match self.$send(operation, &self.generation_and_entry(namespace, key), Retry::Allowed)$($await)* {
                    Ok([generation, entry]) => match generation_in(generation) {
                        Ok(Some(generation)) => Ok((generation, entry)),
                        Ok(None) => self.$generation(operation, namespace)$($await)*.map(|generation| (generation, entry)),
                        Err(error) => Err(error),
                    },
                    Err(error) => Err(error),
                };
                let looked = looked.and_then(|(generation, entry)| match entry {
                    Reply::Value { value, flags } => {
                        let found = opened(&value, flags, Some(generation), namespace, key);
                        let cas = lease::version(flags).ok_or_else(|| {
                            ClientError::answered(ErrorKind::Unsupported, "the server counts no versions (`-C`)")
                        })?;
                        Ok((found, Version { generation, cas: Some(cas) }))
                    }
                    Reply::Missing => Ok((None, Version { generation, cas: None })),
                    other => Err(rejected(other)),
                });
                self.record(looked)
            }

            $($fn)* compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                let operation = &self.admit()?;
                let now = SystemTime::now();
                let item = item::packed(version.generation, namespace, key, value, ttl, now);
                let only = version.cas.map_or(If::Absent, If::Version);
                let seconds = item::server_ttl(ttl, now);
                let request = protocol::set(&self.entry_key(namespace, key), &item, seconds, only);
                let done = match self.$send(operation, &request, Retry::Forbidden)$($await)* {
                    Ok([Reply::Done(_)]) => Ok(true),
                    Ok([Reply::Changed | Reply::Missing]) => Ok(false),
                    Ok([other]) => Err(rejected(other)),
                    Err(error) => Err(error),
                };
                self.record(done)
            }
        }
    };
}

/// Reads the answers about the nonces of tags and about an entry; no entry is no lookup, as it has left no lease.
fn seen_tagged(
    mut replies: Vec<Reply>,
    tags: &[TagKey],
    keys: &[&[u8]],
    (namespace, key): (&str, &[u8]),
    epoch: u64,
) -> Result<(Option<Lookup>, TagNonces), ClientError> {
    let (Some(entry), Some(generation)) = (replies.pop(), replies.pop()) else {
        return Err(ClientError::answered(ErrorKind::Protocol, "wrong number of replies"));
    };
    let found = found_of(replies, TAGS, keys)?;
    let nonces = tags.iter().zip(found).filter_map(|(tag, found)| Some((*tag, TagNonce::of(&found?.value)?)));
    let nonces = nonces.collect();
    let Some(generation) = generation_in(generation)? else { return Ok((None, nonces)) };
    Ok(match Seen::read(entry, Some(generation), namespace, key)? {
        Seen::Entry(found, flags) => {
            let permission = lease::permission(flags, false, epoch, generation);
            (Some(Lookup::new(found).permission(permission)), nonces)
        }
        _ => (None, nonces),
    })
}

backend_by_memcached! {
    Backend, CompareAndSwap, send, send_all, generation, look, look_all, replace, store, store_all, store_over, store_all_over,
    extend, extend_all, [fn]
}
backend_by_memcached! {
    AsyncBackend, AsyncCompareAndSwap, send_async, send_all_async, generation_async, look_async, look_all_async, replace_async,
    store_async, store_all_async, store_over_async, store_all_over_async, extend_async, extend_all_async, [async fn] .await
}
