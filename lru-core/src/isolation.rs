//! Caches of its own for a thread, for as long as a test runs. Only with the feature `testing`.
//!
//! A memoized function's cache is found by the address of the one that all threads share. In an
//! isolated thread it is another one, made when it is first asked for.

use core::any::Any;
use core::cell::RefCell;
use core::ops::Deref;
use std::collections::HashMap;
use std::sync::Arc;

use crate::cache::Cache;

type Caches = HashMap<usize, Arc<dyn Any + Send + Sync>>;

thread_local! {
    /// The caches of this thread, where it has any of its own.
    static OWN: RefCell<Option<Caches>> = const { RefCell::new(None) };
}

/// Gives the current thread fresh, empty caches of all memoized functions while `test` runs.
///
/// `cargo test` runs tests side by side, and the cache of a function is one for the whole program:
/// counts would depend on what other tests call. In here they don't. Threads that `test` starts
/// see the shared caches. Isolations may be nested; what was computed in one is gone at its end.
///
/// With the feature `testing`, each call of a memoized function asks whether its thread is
/// isolated: enable it for tests only. Without the feature nothing is asked.
///
/// # Panics
///
/// With what `test` panics with; the thread has its former caches again.
pub fn isolated<R>(test: impl FnOnce() -> R) -> R {
    /// Gives the thread its former caches back, also when the test panics.
    struct Restore(Option<Caches>);

    impl Drop for Restore {
        fn drop(&mut self) {
            // Taken out first: a destructor may call a memoized function.
            let own = OWN.replace(self.0.take());
            drop(own);
        }
    }

    let _restore = Restore(OWN.replace(Some(Caches::new())));
    test()
}

/// A cache that is the shared one, or the thread's own.
#[derive(Debug)]
pub(crate) enum CacheRef<'m, K, V> {
    Shared(&'m Cache<K, V>),
    Own(Arc<Cache<K, V>>),
}

impl<'m, K: Send + Sync + 'static, V: Send + Sync + 'static> CacheRef<'m, K, V> {
    /// The cache that the current thread is to use instead of `shared`, if it is not that one.
    pub(crate) fn of(shared: &'m Cache<K, V>) -> Self {
        let own = OWN.try_with(|own| {
            let mut own = own.borrow_mut();
            let fresh = || -> Arc<dyn Any + Send + Sync> { Arc::new(shared.another()) };
            let cache = own.as_mut()?.entry(core::ptr::from_ref(shared).addr()).or_insert_with(fresh);
            Arc::clone(cache).downcast().ok()
        });
        // No caches of its own has a thread that ends.
        own.ok().flatten().map_or(Self::Shared(shared), Self::Own)
    }
}

impl<K, V> Deref for CacheRef<'_, K, V> {
    type Target = Cache<K, V>;

    fn deref(&self) -> &Cache<K, V> {
        match self {
            Self::Shared(cache) => cache,
            Self::Own(cache) => cache,
        }
    }
}
