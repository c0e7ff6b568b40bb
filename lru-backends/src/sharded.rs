//! Client-side sharding: several servers, each with its share of the keys.
//!
//! Invariant: a key belongs to one server, whichever servers are down. So a changed or deleted entry cannot come back
//! from another server, and a server that is down costs its own share only.

use std::time::Duration;

use lru_core::backend::{
    AsyncBackend, Backend, BackendError, CircuitState, ErrorKind, InvalidationSink, Item, Lease, LeasedItem,
    Leases, Lookup, LookupOptions, Permission, Stored,
};

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
use crate::fnv::fnv_64;

/// Client-side sharding: several backends of one type, each with its share of the keys.
///
/// * The hash of a key chooses its server. All processes must name the same servers in the same order.
/// * A server added at the end takes over an equal share of the keys of each other server; their results are computed
///   again.
/// * While a server is down, its keys are misses, and changing or deleting one of them is an error. The other servers
///   are not affected.
/// * Clearing a namespace clears it on every server.
/// * Changes are reported ([`Backend::watch`]) if every server reports them, as Redis does.
///
/// # Examples
///
/// ```no_run
/// # #[cfg(feature = "memcached")] {
/// use lru_backends::{Sharded, memcached};
///
/// let both = Sharded::new(["cache-1.example:11211", "cache-2.example:11211"].map(memcached));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sharded<B> {
    servers: Vec<B>,
}

impl<B> Sharded<B> {
    /// Creates a backend that distributes keys over these servers. The order is significant.
    ///
    /// Without any server, each operation returns an error of kind
    /// [`Configuration`](ErrorKind::Configuration).
    pub fn new(servers: impl IntoIterator<Item = B>) -> Self {
        Self { servers: servers.into_iter().collect() }
    }

    fn server(&self, namespace: &str, key: &[u8]) -> Result<&B, BackendError> {
        self.servers.get(self.index_of(namespace, key)).ok_or_else(no_servers)
    }

    /// Rendezvous hashing: each server gets a number from the key, and the greatest number wins.
    fn index_of(&self, namespace: &str, key: &[u8]) -> usize {
        let hash = hash(namespace, key);
        let number = |index: &usize| mixed(hash ^ mixed(*index as u64 + 1));
        (0..self.servers.len()).max_by_key(number).unwrap_or(0)
    }

    /// Distributes items over the servers of their keys. A server without any is left out.
    fn shares<T: Copy>(
        &self,
        namespace: &str,
        items: &[T],
        key: impl Fn(&T) -> &[u8],
    ) -> Result<Vec<Share<'_, B, T>>, BackendError> {
        let empty = |server| Share { server, places: Vec::new(), items: Vec::new() };
        let mut shares: Vec<_> = self.servers.iter().map(empty).collect();
        for (place, item) in items.iter().enumerate() {
            let share = shares.get_mut(self.index_of(namespace, key(item))).ok_or_else(no_servers)?;
            share.places.push(place);
            share.items.push(*item);
        }
        shares.retain(|share| !share.items.is_empty());
        Ok(shares)
    }
}

/// The items whose keys are on one server.
struct Share<'s, B, T> {
    server: &'s B,
    /// Where the items are among all.
    places: Vec<usize>,
    items: Vec<T>,
}

fn no_servers() -> BackendError {
    BackendError::with_kind(ErrorKind::Configuration, "`Sharded` has no servers")
}

fn hash(namespace: &str, key: &[u8]) -> u64 {
    let length = (namespace.len() as u64).to_le_bytes();
    fnv_64(length.iter().chain(namespace.as_bytes()).chain(key))
}

/// The finalizer of `SplitMix64`: each bit of the result depends on each bit of `number`.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

impl<B: Leases> Leases for Sharded<B> {}

macro_rules! sharded {
    ($Backend:ident, $CompareAndSwap:ident, [$($bound:tt)*] [$($fn:tt)*] $($await:tt)*) => {
        impl<B: $Backend $($bound)*> $Backend for Sharded<B> {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                self.server(namespace, key)?.get(namespace, key)$($await)*
            }

            /// One round trip per server that has some of the keys. Fails if each of these servers fails.
            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                let mut all = vec![None; keys.len()];
                let (mut is_answered, mut failed) = (false, None);
                for Share { server, places, items } in self.shares(namespace, keys, |key| key)? {
                    match server.get_many(namespace, &items)$($await)* {
                        Ok(found) => {
                            is_answered = true;
                            for (at, found) in places.into_iter().zip(found) {
                                all[at] = found;
                            }
                        }
                        Err(error) => failed = Some(error),
                    }
                }
                match failed {
                    Some(error) if !is_answered => Err(error),
                    _ => Ok(all),
                }
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                self.server(namespace, key)?.set(namespace, key, value, ttl)$($await)*
            }

            /// One round trip per server that has some of the keys.
            $($fn)* set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
                let mut done = Ok(());
                for Share { server, items, .. } in self.shares(namespace, items, |item| item.key)? {
                    done = done.and(server.set_many(namespace, &items)$($await)*);
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
                self.server(namespace, key)?.add(namespace, key, value, ttl)$($await)*
            }

            $($fn)* get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
            ) -> Result<Lookup, BackendError> {
                self.server(namespace, key)?.get_or_lease(namespace, key, options)$($await)*
            }

            $($fn)* set_leased(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                self.server(namespace, key)?.set_leased(namespace, key, lease, value, ttl)$($await)*
            }

            $($fn)* put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                self.server(namespace, key)?.put(namespace, key, value, ttl)$($await)*
            }

            $($fn)* renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                self.server(namespace, key)?.renew_lease(namespace, key, lease, ttl)$($await)*
            }

            $($fn)* end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
                self.server(namespace, key)?.end_lease(namespace, key, lease)$($await)*
            }

            /// One round trip per server that has some of the keys. Those of a server that is down are misses, whose results are
            /// not stored. Fails if each of these servers fails.
            $($fn)* get_or_lease_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
                options: LookupOptions,
            ) -> Result<Vec<Lookup>, BackendError> {
                let denied = || Lookup::new(None).permission(Permission::Denied);
                let mut all: Vec<_> = keys.iter().map(|_| denied()).collect();
                let (mut is_answered, mut failed) = (false, None);
                for Share { server, places, items } in self.shares(namespace, keys, |key| key)? {
                    match server.get_or_lease_many(namespace, &items, options)$($await)* {
                        Ok(looked) => {
                            is_answered = true;
                            places.into_iter().zip(looked).for_each(|(at, looked)| all[at] = looked);
                        }
                        Err(error) => failed = Some(error),
                    }
                }
                match failed {
                    Some(error) if !is_answered => Err(error),
                    _ => Ok(all),
                }
            }

            /// One round trip per server that has some of the keys.
            $($fn)* set_leased_many(
                &self,
                namespace: &str,
                items: &[LeasedItem<'_>],
            ) -> Result<Vec<Option<Lease>>, BackendError> {
                let (mut all, mut done) = (vec![None; items.len()], Ok(()));
                for Share { server, places, items } in self.shares(namespace, items, |item| item.item.key)? {
                    match server.set_leased_many(namespace, &items)$($await)* {
                        Ok(leases) => places.into_iter().zip(leases).for_each(|(at, lease)| all[at] = lease),
                        Err(error) => done = done.and(Err(error)),
                    }
                }
                done.map(|()| all)
            }

            $($fn)* renew_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
                ttl: Duration,
            ) -> Result<Vec<bool>, BackendError> {
                let (mut all, mut done) = (vec![false; leases.len()], Ok(()));
                for Share { server, places, items } in self.shares(namespace, leases, |(key, _)| key)? {
                    match server.renew_leases(namespace, &items, ttl)$($await)* {
                        Ok(valid) => places.into_iter().zip(valid).for_each(|(at, is_valid)| all[at] = is_valid),
                        Err(error) => done = done.and(Err(error)),
                    }
                }
                done.map(|()| all)
            }

            $($fn)* end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
                let mut done = Ok(());
                for Share { server, items, .. } in self.shares(namespace, leases, |(key, _)| key)? {
                    done = done.and(server.end_leases(namespace, &items)$($await)*);
                }
                done
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                self.server(namespace, key)?.delete(namespace, key)$($await)*
            }

            /// One round trip per server that has some of the keys.
            $($fn)* delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
                let (mut all, mut done) = (vec![false; keys.len()], Ok(()));
                for Share { server, places, items } in self.shares(namespace, keys, |key| key)? {
                    match server.delete_many(namespace, &items)$($await)* {
                        Ok(deleted) => places.into_iter().zip(deleted).for_each(|(at, was_there)| all[at] = was_there),
                        Err(error) => done = done.and(Err(error)),
                    }
                }
                done.map(|()| all)
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                let mut cleared = Ok(());
                for server in &self.servers {
                    // A server that is down does not keep the others from being cleared.
                    cleared = server.clear(namespace)$($await)*.and(cleared);
                }
                cleared
            }

            /// Checks every server.
            $($fn)* check(&self) -> Result<(), BackendError> {
                self.server("", b"")?;
                let mut checked = Ok(());
                for server in &self.servers {
                    checked = checked.and(server.check()$($await)*);
                }
                checked
            }

            /// The worst state of all servers.
            fn circuit_state(&self) -> Option<CircuitState> {
                self.servers.iter().filter_map($Backend::circuit_state).max()
            }

            /// Every server must report changes: a key may be on any of them.
            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                let watched = self.servers.iter().map(|server| server.watch(namespace, sink.clone()));
                !self.servers.is_empty() && watched.fold(true, |all, this| all & this)
            }
        }

        impl<B: $CompareAndSwap $($bound)*> $CompareAndSwap for Sharded<B> {
            type Version = B::Version;

            $($fn)* get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Self::Version), BackendError> {
                self.server(namespace, key)?.get_versioned(namespace, key)$($await)*
            }

            $($fn)* compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Self::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                self.server(namespace, key)?.compare_and_swap(namespace, key, version, value, ttl)$($await)*
            }
        }
    };
}

sharded! { Backend, CompareAndSwap, [] [fn] }
sharded! { AsyncBackend, AsyncCompareAndSwap, [+ Sync] [async fn] .await }

#[cfg(test)]
mod tests;
