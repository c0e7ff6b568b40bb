//! A backend that stores nothing, and backends that may be absent.

use core::time::Duration;
use std::vec;
use std::vec::Vec;

use crate::backend::async_backend::AsyncBackend;
use crate::backend::blocking_backend::Backend;
use crate::backend::error::BackendError;
use crate::backend::invalidation_sink::InvalidationSink;
use crate::backend::item::{Item, LeasedItem};
use crate::backend::lease::{Lease, Leases, Lookup, LookupOptions, Permission};
use crate::backend::stored::Stored;
use crate::backend::tag_key::TagKey;
use crate::backend::tag_nonces::{TagNonces, TaggedLookup};
use crate::observe::CircuitState;

/// A backend that has no entries and stores none, for development and tests.
///
/// Functions with this backend work as without one: each process computes on its own, and keeps its results in
/// the in-process cache. No operation fails. An `Option<B>` of any backend `B` does the same while it is `None`.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::backend::{Backend, BackendError, Off};
///
/// Off.set("squares", b"12", b"144", None)?;
/// assert_eq!(Off.get("squares", b"12")?, None);
///
/// # struct Server;
/// # impl Server { fn at(_: String) -> Off { Off } }
/// // A server if the environment names one, else none.
/// let backend = std::env::var("CACHE_SERVER").ok().map(Server::at);
/// assert_eq!(backend.get("squares", b"12")?, None);
/// # Ok::<(), BackendError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Off;

impl Leases for Off {}

impl<B: Leases> Leases for Option<B> {}

/// Returns the outcome of a lookup: nothing, and nothing is to be stored.
fn nothing() -> Lookup {
    Lookup::new(None).permission(Permission::Denied)
}

macro_rules! off {
    ($Backend:ident, [$($bound:tt)*] [$($fn:tt)*] $($await:tt)*) => {
        impl $Backend for Off {
            $($fn)* get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
                Ok(None)
            }

            $($fn)* get_many(&self, _: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                Ok(vec![None; keys.len()])
            }

            $($fn)* set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
                Ok(())
            }

            $($fn)* set_many(&self, _: &str, _: &[Item<'_>]) -> Result<(), BackendError> {
                Ok(())
            }

            /// Returns `true`, as if the entry had been set and lost at once.
            $($fn)* add(&self, _: &str, _: &[u8], _: &[u8], _: Duration) -> Result<bool, BackendError> {
                Ok(true)
            }

            $($fn)* get_or_lease(&self, _: &str, _: &[u8], _: LookupOptions) -> Result<Lookup, BackendError> {
                Ok(nothing())
            }

            $($fn)* set_leased(
                &self,
                _: &str,
                _: &[u8],
                _: &Lease,
                _: &[u8],
                _: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                Ok(None)
            }

            $($fn)* get_or_lease_many(
                &self,
                _: &str,
                keys: &[&[u8]],
                _: LookupOptions,
            ) -> Result<Vec<Lookup>, BackendError> {
                Ok(keys.iter().map(|_| nothing()).collect())
            }

            $($fn)* set_leased_many(
                &self,
                _: &str,
                items: &[LeasedItem<'_>],
            ) -> Result<Vec<Option<Lease>>, BackendError> {
                Ok(vec![None; items.len()])
            }

            $($fn)* renew_lease(&self, _: &str, _: &[u8], _: &Lease, _: Duration) -> Result<bool, BackendError> {
                Ok(false)
            }

            $($fn)* end_lease(&self, _: &str, _: &[u8], _: &Lease) -> Result<(), BackendError> {
                Ok(())
            }

            $($fn)* delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
                Ok(false)
            }

            $($fn)* delete_many(&self, _: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
                Ok(vec![false; keys.len()])
            }

            $($fn)* clear(&self, _: &str) -> Result<(), BackendError> {
                Ok(())
            }
        }

        /// The backend, or [`Off`] while there is none.
        impl<B: $Backend $($bound)*> $Backend for Option<B> {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                match self {
                    Some(backend) => backend.get(namespace, key)$($await)*,
                    None => $Backend::get(&Off, namespace, key)$($await)*,
                }
            }

            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                match self {
                    Some(backend) => backend.get_many(namespace, keys)$($await)*,
                    None => $Backend::get_many(&Off, namespace, keys)$($await)*,
                }
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                match self {
                    Some(backend) => backend.set(namespace, key, value, ttl)$($await)*,
                    None => $Backend::set(&Off, namespace, key, value, ttl)$($await)*,
                }
            }

            $($fn)* set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
                match self {
                    Some(backend) => backend.set_many(namespace, items)$($await)*,
                    None => $Backend::set_many(&Off, namespace, items)$($await)*,
                }
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                match self {
                    Some(backend) => backend.add(namespace, key, value, ttl)$($await)*,
                    None => $Backend::add(&Off, namespace, key, value, ttl)$($await)*,
                }
            }

            $($fn)* get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
            ) -> Result<Lookup, BackendError> {
                match self {
                    Some(backend) => backend.get_or_lease(namespace, key, options)$($await)*,
                    None => $Backend::get_or_lease(&Off, namespace, key, options)$($await)*,
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
                match self {
                    Some(backend) => backend.set_leased(namespace, key, lease, value, ttl)$($await)*,
                    None => $Backend::set_leased(&Off, namespace, key, lease, value, ttl)$($await)*,
                }
            }

            $($fn)* put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                match self {
                    Some(backend) => backend.put(namespace, key, value, ttl)$($await)*,
                    None => $Backend::put(&Off, namespace, key, value, ttl)$($await)*,
                }
            }

            $($fn)* renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                match self {
                    Some(backend) => backend.renew_lease(namespace, key, lease, ttl)$($await)*,
                    None => $Backend::renew_lease(&Off, namespace, key, lease, ttl)$($await)*,
                }
            }

            $($fn)* end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
                match self {
                    Some(backend) => backend.end_lease(namespace, key, lease)$($await)*,
                    None => $Backend::end_lease(&Off, namespace, key, lease)$($await)*,
                }
            }

            $($fn)* get_or_lease_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
                options: LookupOptions,
            ) -> Result<Vec<Lookup>, BackendError> {
                match self {
                    Some(backend) => backend.get_or_lease_many(namespace, keys, options)$($await)*,
                    None => $Backend::get_or_lease_many(&Off, namespace, keys, options)$($await)*,
                }
            }

            $($fn)* set_leased_many(
                &self,
                namespace: &str,
                items: &[LeasedItem<'_>],
            ) -> Result<Vec<Option<Lease>>, BackendError> {
                match self {
                    Some(backend) => backend.set_leased_many(namespace, items)$($await)*,
                    None => $Backend::set_leased_many(&Off, namespace, items)$($await)*,
                }
            }

            $($fn)* renew_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
                ttl: Duration,
            ) -> Result<Vec<bool>, BackendError> {
                match self {
                    Some(backend) => backend.renew_leases(namespace, leases, ttl)$($await)*,
                    None => $Backend::renew_leases(&Off, namespace, leases, ttl)$($await)*,
                }
            }

            $($fn)* end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
                match self {
                    Some(backend) => backend.end_leases(namespace, leases)$($await)*,
                    None => $Backend::end_leases(&Off, namespace, leases)$($await)*,
                }
            }

            $($fn)* get_or_lease_tagged(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
                tags: &[TagKey],
                life: Duration,
            ) -> Result<TaggedLookup, BackendError> {
                match self {
                    Some(backend) => backend.get_or_lease_tagged(namespace, key, options, tags, life)$($await)*,
                    None => $Backend::get_or_lease_tagged(&Off, namespace, key, options, tags, life)$($await)*,
                }
            }

            $($fn)* tag_nonces(&self, tags: &[TagKey], life: Option<Duration>) -> Result<TagNonces, BackendError> {
                match self {
                    Some(backend) => backend.tag_nonces(tags, life)$($await)*,
                    None => $Backend::tag_nonces(&Off, tags, life)$($await)*,
                }
            }

            $($fn)* invalidate_tags(&self, tags: &[TagKey]) -> Result<(), BackendError> {
                match self {
                    Some(backend) => backend.invalidate_tags(tags)$($await)*,
                    None => $Backend::invalidate_tags(&Off, tags)$($await)*,
                }
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                match self {
                    Some(backend) => backend.delete(namespace, key)$($await)*,
                    None => $Backend::delete(&Off, namespace, key)$($await)*,
                }
            }

            $($fn)* delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
                match self {
                    Some(backend) => backend.delete_many(namespace, keys)$($await)*,
                    None => $Backend::delete_many(&Off, namespace, keys)$($await)*,
                }
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                match self {
                    Some(backend) => backend.clear(namespace)$($await)*,
                    None => $Backend::clear(&Off, namespace)$($await)*,
                }
            }

            $($fn)* check(&self) -> Result<(), BackendError> {
                match self {
                    Some(backend) => backend.check()$($await)*,
                    None => Ok(()),
                }
            }

            fn circuit_state(&self) -> Option<CircuitState> {
                self.as_ref().and_then($Backend::circuit_state)
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                self.as_ref().is_some_and(|backend| backend.watch(namespace, sink))
            }
        }
    };
}

off! { Backend, [] [fn] }
off! { AsyncBackend, [+ Sync] [async fn] .await }
