//! Backends whose values are encoded on their way to another backend: compressed, encrypted.
//!
//! Keys, leases, versions and times to live are those of the other backend. A value that cannot be decoded is a miss, and
//! the lease over it permits to replace it.

/// Implements the traits of backends for `$Wrapper<B>`, which has the field `backend` and the methods
/// `encode(namespace, key, value)` and `decode(namespace, key, value)`.
macro_rules! with_encoded_values {
    ($Wrapper:ident) => {
        impl<B: lru_core::backend::Leases> lru_core::backend::Leases for $Wrapper<B> {}

        impl<B> $Wrapper<B> {
            /// Returns the bytes that are stored. The mark of a failed computation is no value: it is stored as it is.
            fn encoded(&self, namespace: &str, key: &[u8], value: &[u8]) -> Result<Vec<u8>, BackendError> {
                if value == lru_core::__private::FAILED { Ok(value.to_vec()) } else { self.encode(namespace, key, value) }
            }

            fn decoded(&self, namespace: &str, key: &[u8], found: Option<Stored>) -> Option<Stored> {
                let mut found = found?;
                if found.value == lru_core::__private::FAILED {
                    return Some(found);
                }
                found.value = self.decode(namespace, key, &found.value)?;
                Some(found)
            }
        }

        with_encoded_values! { $Wrapper, Backend, CompareAndSwap, [] [fn] }
        with_encoded_values! { $Wrapper, AsyncBackend, AsyncCompareAndSwap, [+ Sync] [async fn] .await }
    };
    (
        $Wrapper:ident, $Backend:ident, $CompareAndSwap:ident, [$($bound:tt)*] [$($fn:tt)*] $($await:tt)*
    ) => {
        impl<B: $Backend $($bound)*> $Backend for $Wrapper<B> {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                let found = self.backend.get(namespace, key)$($await)*?;
                Ok(self.decoded(namespace, key, found))
            }

            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                let all = self.backend.get_many(namespace, keys)$($await)*?;
                Ok(keys.iter().zip(all).map(|(key, found)| self.decoded(namespace, key, found)).collect())
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                let value = self.encoded(namespace, key, value)?;
                self.backend.set(namespace, key, &value, ttl)$($await)*
            }

            $($fn)* set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
                let encoded = |item: &Item<'_>| self.encoded(namespace, item.key, item.value);
                let values = items.iter().map(encoded).collect::<Result<Vec<_>, _>>()?;
                let of_values = items.iter().zip(&values);
                let items: Vec<_> =
                    of_values.map(|(item, value)| Item::new(item.key, value).ttl(item.ttl)).collect();
                self.backend.set_many(namespace, &items)$($await)*
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let value = self.encoded(namespace, key, value)?;
                self.backend.add(namespace, key, &value, ttl)$($await)*
            }

            $($fn)* get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
            ) -> Result<Lookup, BackendError> {
                let mut lookup = self.backend.get_or_lease(namespace, key, options)$($await)*?;
                let is_found = lookup.found.is_some();
                lookup.found = self.decoded(namespace, key, lookup.found);
                lookup.is_unreadable |= is_found && lookup.found.is_none();
                Ok(lookup)
            }

            $($fn)* set_leased(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                let value = self.encoded(namespace, key, value)?;
                self.backend.set_leased(namespace, key, lease, &value, ttl)$($await)*
            }

            $($fn)* put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                let value = self.encoded(namespace, key, value)?;
                self.backend.put(namespace, key, &value, ttl)$($await)*
            }

            $($fn)* renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                self.backend.renew_lease(namespace, key, lease, ttl)$($await)*
            }

            $($fn)* end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
                self.backend.end_lease(namespace, key, lease)$($await)*
            }

            $($fn)* get_or_lease_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
                options: LookupOptions,
            ) -> Result<Vec<Lookup>, BackendError> {
                let mut all = self.backend.get_or_lease_many(namespace, keys, options)$($await)*?;
                for (key, lookup) in keys.iter().zip(&mut all) {
                    let is_found = lookup.found.is_some();
                    lookup.found = self.decoded(namespace, key, lookup.found.take());
                    lookup.is_unreadable |= is_found && lookup.found.is_none();
                }
                Ok(all)
            }

            $($fn)* set_leased_many(
                &self,
                namespace: &str,
                items: &[LeasedItem<'_>],
            ) -> Result<Vec<Option<Lease>>, BackendError> {
                let encoded = |one: &LeasedItem<'_>| self.encoded(namespace, one.item.key, one.item.value);
                let values = items.iter().map(encoded).collect::<Result<Vec<_>, _>>()?;
                let of_values = items.iter().zip(&values);
                let items: Vec<_> = of_values
                    .map(|(LeasedItem { item, lease, .. }, value)| {
                        LeasedItem::new(Item::new(item.key, value).ttl(item.ttl), lease)
                    })
                    .collect();
                self.backend.set_leased_many(namespace, &items)$($await)*
            }

            $($fn)* renew_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
                ttl: Duration,
            ) -> Result<Vec<bool>, BackendError> {
                self.backend.renew_leases(namespace, leases, ttl)$($await)*
            }

            $($fn)* end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
                self.backend.end_leases(namespace, leases)$($await)*
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                self.backend.delete(namespace, key)$($await)*
            }

            $($fn)* delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
                self.backend.delete_many(namespace, keys)$($await)*
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                self.backend.clear(namespace)$($await)*
            }

            $($fn)* check(&self) -> Result<(), BackendError> {
                self.backend.check()$($await)*
            }

            fn circuit_state(&self) -> Option<CircuitState> {
                self.backend.circuit_state()
            }

            /// A backend that reports values instead of leases reports encoded ones, which equal no copy: then a
            /// process drops the copies of what it writes itself.
            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                self.backend.watch(namespace, sink)
            }
        }

        impl<B: $CompareAndSwap $($bound)*> $CompareAndSwap for $Wrapper<B> {
            type Version = B::Version;

            $($fn)* get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Self::Version), BackendError> {
                let (found, version) = self.backend.get_versioned(namespace, key)$($await)*?;
                Ok((self.decoded(namespace, key, found), version))
            }

            $($fn)* compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Self::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                let value = self.encoded(namespace, key, value)?;
                self.backend.compare_and_swap(namespace, key, version, &value, ttl)$($await)*
            }
        }
    };
}

pub(crate) use with_encoded_values;
