//! The domain of the current thread, and the beginning of a computation in it.

#[cfg(any(test, feature = "testing"))]
use core::cell::RefCell;
use core::fmt;
use core::ops::Deref;
#[cfg(any(test, feature = "testing"))]
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
#[cfg(any(test, feature = "testing"))]
use std::sync::Arc;

use crate::tags::domain::{Domain, Generation, SHARED};

/// A reference to a domain: the one that all threads share or, with the feature `testing`, that of an isolation.
///
/// Without that feature it takes no memory, and there is nothing to choose.
#[derive(Clone)]
pub(crate) struct DomainHandle(#[cfg(any(test, feature = "testing"))] Option<Arc<Domain>>);

#[cfg(any(test, feature = "testing"))]
thread_local! {
    /// The domain of this thread, if it is isolated.
    static OWN: RefCell<Option<Arc<Domain>>> = const { RefCell::new(None) };
}

impl DomainHandle {
    /// Returns the domain of the current thread.
    #[inline]
    pub(crate) fn current() -> Self {
        #[cfg(not(any(test, feature = "testing")))]
        return Self();
        // A thread that ends has no domain of its own any more.
        #[cfg(any(test, feature = "testing"))]
        return Self(OWN.try_with(|own| own.borrow().clone()).unwrap_or_default());
    }

    /// Returns whether it refers to the same domain as another handle.
    pub(super) fn is(&self, other: &Self) -> bool {
        core::ptr::eq(&raw const **self, &raw const **other)
    }
}

#[cfg(any(test, feature = "testing"))]
impl DomainHandle {
    /// Creates a domain for an isolation.
    pub(crate) fn isolated() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        // 24 bits of a generation have room for it. That of all threads is zero.
        let number = 1 + NUMBER.fetch_add(1, Relaxed) % ((1 << 24) - 1);
        Self(Some(Arc::new(Domain::numbered(number))))
    }

    /// Makes it the domain of the current thread, as long as the guard exists.
    pub(crate) fn enter(&self) -> EnteredDomain {
        EnteredDomain(OWN.try_with(|own| own.replace(self.0.clone())).unwrap_or_default())
    }
}

/// Restores the former domain of the thread when it is dropped.
#[cfg(any(test, feature = "testing"))]
#[must_use]
pub(crate) struct EnteredDomain(Option<Arc<Domain>>);

#[cfg(any(test, feature = "testing"))]
impl Drop for EnteredDomain {
    fn drop(&mut self) {
        _ = OWN.try_with(|own| own.replace(self.0.take()));
    }
}

impl Deref for DomainHandle {
    type Target = Domain;

    #[inline]
    fn deref(&self) -> &Domain {
        #[cfg(any(test, feature = "testing"))]
        if let Some(own) = &self.0 {
            return own;
        }
        &SHARED
    }
}

impl fmt::Debug for DomainHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The domain and the generation in which a computation begins.
///
/// A result is stored only if nothing invalidates it from then on: so it must be read before the body runs, and in a put
/// before the value replaces another.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    pub(crate) domain: DomainHandle,
    pub(crate) generation: Generation,
}

impl Beginning {
    /// Begins now, on the current thread.
    #[inline]
    pub(crate) fn now() -> Self {
        let domain = DomainHandle::current();
        let generation = domain.now();
        Self { domain, generation }
    }
}
