//! Leases for many keys at once: how the methods of the traits work by default.

/// Defines how the methods of a trait of backends for many keys work by default. The trait and the types of its methods are in
/// scope.
///
/// `$look` asks first whether the backend gives leases: the default `get_or_lease` says so without a request. A backend without
/// leases is asked for all entries at once.
macro_rules! one_by_one {
    (
        $Backend:ident, $look:ident, $set:ident, $renew:ident, $end:ident, [$($fn:tt)*] $($await:tt)*
    ) => {
        /// Looks entries up; see `get_or_lease_many`.
        $($fn)* $look<B: $Backend + ?Sized>(
            backend: &B,
            namespace: &str,
            keys: &[&[u8]],
            options: LookupOptions,
        ) -> Result<Vec<Lookup>, BackendError> {
            let [first, others @ ..] = keys else { return Ok(Vec::new()) };
            let looked = backend.get_or_lease(namespace, first, options.probing())$($await)*?;
            if looked.permission == $crate::backend::lease::Permission::Unconditional {
                let found = backend.get_many(namespace, keys)$($await)*.map_err(BackendError::without_lease)?;
                return Ok(found.into_iter().map(Lookup::new).collect());
            }
            let mut all = Vec::with_capacity(keys.len());
            all.push(looked);
            for key in others {
                all.push(backend.get_or_lease(namespace, key, options)$($await)*?);
            }
            Ok(all)
        }

        /// Sets entries; see `set_leased_many`.
        $($fn)* $set<B: $Backend + ?Sized>(
            backend: &B,
            namespace: &str,
            items: &[LeasedItem<'_>],
        ) -> Result<Vec<Option<Lease>>, BackendError> {
            let mut all = Vec::with_capacity(items.len());
            for LeasedItem { item, lease } in items {
                all.push(backend.set_leased(namespace, item.key, lease, item.value, item.ttl)$($await)*);
            }
            all.into_iter().collect()
        }

        /// Extends leases; see `renew_leases`.
        $($fn)* $renew<B: $Backend + ?Sized>(
            backend: &B,
            namespace: &str,
            leases: &[(&[u8], &Lease)],
            ttl: Duration,
        ) -> Result<Vec<bool>, BackendError> {
            let mut all = Vec::with_capacity(leases.len());
            for (key, lease) in leases {
                all.push(backend.renew_lease(namespace, key, lease, ttl)$($await)*);
            }
            all.into_iter().collect()
        }

        /// Ends leases; see `end_leases`.
        $($fn)* $end<B: $Backend + ?Sized>(
            backend: &B,
            namespace: &str,
            leases: &[(&[u8], &Lease)],
        ) -> Result<(), BackendError> {
            let mut done = Ok(());
            for (key, lease) in leases {
                done = done.and(backend.end_lease(namespace, key, lease)$($await)*);
            }
            done
        }
    };
}

pub(super) use one_by_one;
