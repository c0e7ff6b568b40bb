//! Async backends of any type behind one type: type erasure by boxed futures.

use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::time::Duration;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use crate::backend::async_backend::AsyncBackend;
use crate::backend::error::BackendError;
use crate::backend::invalidation_sink::InvalidationSink;
use crate::backend::item::{Item, LeasedItem};
use crate::backend::lease::{Lease, Leases, Lookup, LookupOptions};
use crate::backend::stored::Stored;
use crate::backend::tag_key::TagKey;
use crate::backend::tag_nonces::{TagNonces, TaggedLookup};
use crate::observe::CircuitState;

/// An [`AsyncBackend`] of any type, chosen at run time: what `Box<dyn AsyncBackend>` would be.
///
/// The methods of [`AsyncBackend`] return futures of types of their own, so the trait is not dyn-compatible. This
/// type boxes them: one allocation for each operation. Clones share the backend. For a blocking
/// [`Backend`](super::Backend), use `Box<dyn Backend + Send + Sync>`.
///
/// [`single_flight = global`](Leases) needs a backend that gives leases: use
/// [`with_leases`](BoxedBackend::with_leases), whose type says so.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::backend::{BoxedBackend, Off};
///
/// # type Server = Off;
/// fn store(is_local: bool) -> BoxedBackend {
///     if is_local { BoxedBackend::new(Off) } else { BoxedBackend::new(Server::default()) }
/// }
/// # store(true);
/// ```
pub struct BoxedBackend<L = MayLease> {
    backend: Arc<dyn Erased>,
    leases: PhantomData<fn() -> L>,
}

/// Marks a [`BoxedBackend`] that may or may not give leases.
#[derive(Clone, Copy, Debug)]
pub struct MayLease;

/// Marks a [`BoxedBackend`] that gives leases.
#[derive(Clone, Copy, Debug)]
pub struct WithLeases;

impl BoxedBackend {
    /// Boxes a backend of any type.
    pub fn new(backend: impl AsyncBackend + Send + 'static) -> Self {
        Self { backend: Arc::new(backend), leases: PhantomData }
    }
}

impl BoxedBackend<WithLeases> {
    /// Boxes a backend of any type that gives leases.
    pub fn with_leases(backend: impl AsyncBackend + Leases + Send + 'static) -> Self {
        Self { backend: Arc::new(backend), leases: PhantomData }
    }
}

impl Leases for BoxedBackend<WithLeases> {}

impl<L> Clone for BoxedBackend<L> {
    fn clone(&self) -> Self {
        Self { backend: Arc::clone(&self.backend), leases: PhantomData }
    }
}

impl<L> fmt::Debug for BoxedBackend<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxedBackend").finish_non_exhaustive()
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// The methods of an [`AsyncBackend`], with boxed futures, and the implementation for [`BoxedBackend`] by them.
macro_rules! erased {
    ($(fn $method:ident($($argument:ident: [$($type:tt)*]),*) -> $output:ty;)*) => {
        #[expect(clippy::elidable_lifetime_names, reason = "one method has no arguments")]
        trait Erased: Send + Sync {
            $(fn $method<'a>(&'a self $(, $argument: erased!('a $($type)*))*) -> Boxed<'a, $output>;)*

            fn circuit_state(&self) -> Option<CircuitState>;

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool;
        }

        #[expect(clippy::elidable_lifetime_names, reason = "one method has no arguments")]
        impl<B: AsyncBackend + Send + Sync> Erased for B {
            $(fn $method<'a>(&'a self $(, $argument: erased!('a $($type)*))*) -> Boxed<'a, $output> {
                Box::pin(AsyncBackend::$method(self $(, $argument)*))
            })*

            fn circuit_state(&self) -> Option<CircuitState> {
                AsyncBackend::circuit_state(self)
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                AsyncBackend::watch(self, namespace, sink)
            }
        }

        impl<L> AsyncBackend for BoxedBackend<L> {
            $(async fn $method(&self $(, $argument: $($type)*)*) -> Result<$output, BackendError> {
                self.backend.$method($($argument),*).await
            })*

            fn circuit_state(&self) -> Option<CircuitState> {
                self.backend.circuit_state()
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                self.backend.watch(namespace, sink)
            }
        }
    };
    ($life:lifetime &[TagKey]) => { &$life [TagKey] };
    ($life:lifetime &[&[u8]]) => { &$life [&$life [u8]] };
    ($life:lifetime &[Item<'_>]) => { &$life [Item<$life>] };
    ($life:lifetime &[LeasedItem<'_>]) => { &$life [LeasedItem<$life>] };
    ($life:lifetime &[(&[u8], &Lease)]) => { &$life [(&$life [u8], &$life Lease)] };
    ($life:lifetime &$type:ty) => { &$life $type };
    ($life:lifetime $type:ty) => { $type };
}

erased! {
    fn get(namespace: [&str], key: [&[u8]]) -> Option<Stored>;
    fn get_many(namespace: [&str], keys: [&[&[u8]]]) -> Vec<Option<Stored>>;
    fn set(namespace: [&str], key: [&[u8]], value: [&[u8]], ttl: [Option<Duration>]) -> ();
    fn set_many(namespace: [&str], items: [&[Item<'_>]]) -> ();
    fn add(namespace: [&str], key: [&[u8]], value: [&[u8]], ttl: [Duration]) -> bool;
    fn get_or_lease(namespace: [&str], key: [&[u8]], options: [LookupOptions]) -> Lookup;
    fn set_leased(
        namespace: [&str], key: [&[u8]], lease: [&Lease], value: [&[u8]], ttl: [Option<Duration>]
    ) -> Option<Lease>;
    fn put(namespace: [&str], key: [&[u8]], value: [&[u8]], ttl: [Option<Duration>]) -> Option<Lease>;
    fn renew_lease(namespace: [&str], key: [&[u8]], lease: [&Lease], ttl: [Duration]) -> bool;
    fn end_lease(namespace: [&str], key: [&[u8]], lease: [&Lease]) -> ();
    fn get_or_lease_many(namespace: [&str], keys: [&[&[u8]]], options: [LookupOptions]) -> Vec<Lookup>;
    fn set_leased_many(namespace: [&str], items: [&[LeasedItem<'_>]]) -> Vec<Option<Lease>>;
    fn renew_leases(namespace: [&str], leases: [&[(&[u8], &Lease)]], ttl: [Duration]) -> Vec<bool>;
    fn end_leases(namespace: [&str], leases: [&[(&[u8], &Lease)]]) -> ();
    fn get_or_lease_tagged(
        namespace: [&str], key: [&[u8]], options: [LookupOptions], tags: [&[TagKey]], life: [Duration]
    ) -> TaggedLookup;
    fn tag_nonces(tags: [&[TagKey]], life: [Option<Duration>]) -> TagNonces;
    fn invalidate_tags(tags: [&[TagKey]]) -> ();
    fn delete(namespace: [&str], key: [&[u8]]) -> bool;
    fn delete_many(namespace: [&str], keys: [&[&[u8]]]) -> Vec<bool>;
    fn clear(namespace: [&str]) -> ();
    fn check() -> ();
}
